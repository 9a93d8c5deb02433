"""Layers that generative models need and Keras does not have."""

from genzoo.layers.augmentation import Augmentation
from genzoo.layers.encoding import SiteEncoding
from genzoo.layers.features import Features
from genzoo.layers.fourier import RandomFourier
from genzoo.layers.kinematics import DileptonKinematics
from genzoo.layers.standardization import Standardization

__all__ = [
    "Augmentation",
    "DileptonKinematics",
    "Features",
    "RandomFourier",
    "SiteEncoding",
    "Standardization",
]
