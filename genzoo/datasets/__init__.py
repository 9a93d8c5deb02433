"""Data sets that ship with genzoo or are made by it."""

from genzoo.datasets import decay, digits
from genzoo.datasets.decay import two_body_decay
from genzoo.datasets.gaussian_mixtures import (
    GaussianMixture,
    WeightedMixture,
    gaussian_grid,
    gaussian_mixture,
    gaussian_ring,
)
from genzoo.datasets.ising_model import ising

__all__ = [
    "GaussianMixture",
    "WeightedMixture",
    "decay",
    "digits",
    "gaussian_grid",
    "gaussian_mixture",
    "gaussian_ring",
    "ising",
    "two_body_decay",
]
