"""Measures of the neural energy of a grid of Gaussians."""

import functools

from genzoo import datasets
from genzoo.models import EnergyModel
from genzoo.types import Array
from genzoo.zoo.measures.gans import of_modes

COUNT = 10_000


@functools.cache
def _fresh():
    return datasets.gaussian_grid(COUNT, seed=1)


def gains(model: EnergyModel) -> Array:
    """log p of the truth less the model's, of 10,000 fresh examples, nats.

    Their mean is KL(data || model).
    """
    fresh = _fresh()
    return fresh.log_prob(fresh.x) - model.log_prob(fresh.x)


def _kl_of_data(model, seed=0):
    return gains(model).mean()


_MODES = ("modes", "high_quality")
_modes = {name: of_modes(datasets.gaussian_grid, name) for name in _MODES}
# By chains.
SLOW = set(_modes.values())
MEASURES = {"energy_grid": {"kl_of_data": _kl_of_data, **_modes}}
