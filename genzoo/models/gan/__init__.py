"""Generative adversarial networks."""

from genzoo.models.gan.model import GAN

__all__ = ["GAN"]
