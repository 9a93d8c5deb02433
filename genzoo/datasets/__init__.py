"""Data sets that ship with genzoo or are made by it."""

from genzoo.datasets import digits
from genzoo.datasets.gaussian_mixtures import (
    GaussianMixture,
    gaussian_grid,
    gaussian_ring,
)
from genzoo.datasets.ising_model import ising

__all__ = [
    "GaussianMixture",
    "digits",
    "gaussian_grid",
    "gaussian_ring",
    "ising",
]
