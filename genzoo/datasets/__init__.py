"""Data sets that ship with genzoo or are made by it."""

from genzoo.datasets import decay, digits, glyphs, penguins, votes
from genzoo.datasets.alignments import (
    Alignment,
    read_alignment,
    sequence_weights,
)
from genzoo.datasets.decay import two_body_decay
from genzoo.datasets.gaussian_mixtures import (
    GaussianMixture,
    WeightedMixture,
    gaussian_grid,
    gaussian_mixture,
    gaussian_ring,
)
from genzoo.datasets.ising_model import ising
from genzoo.datasets.lattices import clock, potts, xy
from genzoo.datasets.table import Table

__all__ = [
    "Alignment",
    "GaussianMixture",
    "Table",
    "WeightedMixture",
    "clock",
    "decay",
    "digits",
    "gaussian_grid",
    "gaussian_mixture",
    "gaussian_ring",
    "glyphs",
    "ising",
    "penguins",
    "potts",
    "read_alignment",
    "sequence_weights",
    "two_body_decay",
    "votes",
    "xy",
]
