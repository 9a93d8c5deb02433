"""Measures of the preset of the XY model."""

import functools

import numpy as np

from genzoo.models import MaxEnt
from genzoo.types import Array


def mean_bonds(x: Array) -> Array:
    """The mean of cos(x_i - x_j) in each periodic configuration, (n,)."""
    cosines = [np.cos(x - np.roll(x, 1, axis)) for axis in (1, 2)]
    return np.mean(cosines, axis=(0, 2, 3))


def lengths(x: Array) -> Array:
    """The length of the mean of (cos x, sin x) in each configuration, (n,)."""
    return np.hypot(np.cos(x).mean((1, 2)), np.sin(x).mean((1, 2)))


# Two numbers come from the same samples.
@functools.lru_cache(maxsize=1)
def drawn(model: MaxEnt) -> Array:
    """Configurations of chains from the preset's weights alone."""
    return model.sample(1000, seed=0, steps=300)


def coupling(model: MaxEnt) -> float:
    """The one multiplier."""
    return model.multipliers[0]


def _mean_bond(model):
    return mean_bonds(drawn(model)).mean()


def _length(model):
    return lengths(drawn(model)).mean()


SLOW = {_mean_bond, _length}
MEASURES = {
    "xy_maxent_8x8": {
        "coupling": coupling,
        "mean_bond_of_samples": _mean_bond,
        "magnetisation_of_samples": _length,
    }
}
