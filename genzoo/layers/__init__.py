"""Layers that generative models need and Keras does not have."""

from genzoo.layers.augmentation import Augmentation

__all__ = ["Augmentation"]
