"""Measures of the presets of lattices: Ising and Potts models."""

import functools

import numpy as np

from genzoo.metrics.numerics.estimate import Estimate
from genzoo.models import RBM, MaxEnt
from genzoo.partition.onsager import CRITICAL_TEMPERATURE
from genzoo.types import Array
from genzoo.zoo.measures.jackknife import jackknife

TEMPERATURES = {
    "ising_rbm_16_ordered": 2.0,
    "ising_rbm_16_critical": CRITICAL_TEMPERATURE,
    "ising_rbm_16_disordered": 3.5,
}
_ROUNDS, _SWEEPS = 40, 25


def mean_bonds(model: MaxEnt, x: Array) -> Array:
    """The mean of a bond in each configuration of a periodic lattice, (n,).

    x_i x_j of spins; of Potts models, whether x_i and x_j are equal.
    """
    bonds = np.asarray(model.features(x.reshape(len(x), -1)))[:, 0]
    return bonds / (x[0].ndim * x[0].size)


def coupling(model: MaxEnt) -> float:
    """The one multiplier."""
    return model.multipliers[0]


def _mean_bond(model):
    return mean_bonds(model, model.sample(1000, seed=0, steps=2000)).mean()


def thermodynamics(x: Array, temperature: float) -> dict[str, Estimate]:
    """Energy, |magnetisation| and specific heat, each of one spin.

    Args:
        x: configurations, (groups, n, 16, 16), the groups independent.
        temperature: the true T of the specific heat,
            (<E^2> - <E>^2) / (256 T^2).

    Returns:
        A dict from names to `metrics.Estimate`s.
    """
    x = np.asarray(x, np.float32)
    energy = -sum((x * np.roll(x, 1, axis)).mean((2, 3)) for axis in (2, 3))
    factor = x[0, 0].size / temperature**2
    return {
        "energy_per_spin": jackknife(np.mean, energy),
        "magnetisation_per_spin": jackknife(np.mean, abs(x.mean((2, 3)))),
        "specific_heat_per_spin": jackknife(
            lambda energy: factor * energy.var(), energy
        ),
    }


# The three numbers of a model come from the same samples.
@functools.lru_cache(maxsize=1)
def phase(rbm: RBM, temperature: float) -> dict[str, Estimate]:
    """The `thermodynamics` of its chains, looked at every 25 sweeps."""
    chains = rbm.chains
    if chains is None:
        raise ValueError("phase: rbm has no persistent chains.")
    x, seen = None, []
    for seed in range(_ROUNDS):
        x = rbm.sample(chains.count, seed=seed, steps=_SWEEPS, start=x)
        seen.append(x)
    x = np.stack(seen, axis=1)
    return thermodynamics(x.reshape(*x.shape[:2], 16, 16), temperature)


def _of_phase(measure, temperature):
    return lambda rbm: phase(rbm, temperature)[measure].value


# Of 1,000 chains; the golden numbers of tests hold samples of it, too.
SLOW = {_mean_bond}
MEASURES = {
    **{
        name: {"coupling": coupling, "mean_bond_of_samples": _mean_bond}
        for name in (
            "ising_maxent_16_critical",
            "ising_maxent_8x8x8_critical",
            "potts_maxent_16_critical",
        )
    },
    **{
        name: {
            measure: _of_phase(measure, temperature)
            for measure in (
                "energy_per_spin",
                "magnetisation_per_spin",
                "specific_heat_per_spin",
            )
        }
        for name, temperature in TEMPERATURES.items()
    },
}
