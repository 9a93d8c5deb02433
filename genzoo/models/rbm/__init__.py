"""The restricted Boltzmann machine."""

from genzoo.models.rbm.model import RBM

__all__ = ["RBM"]
