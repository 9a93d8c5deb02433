"""Measures of the presets of the Ising model."""

import numpy as np


def mean_bonds(model, x):
    """x_i x_j averaged over the bonds of a periodic square lattice, (n,)."""
    bonds = np.asarray(model.features(x.reshape(len(x), -1)))[:, 0]
    return bonds / (2 * x[0].size)


def _mean_bond(model):
    return mean_bonds(model, model.sample(1000, seed=0, steps=2000)).mean()


SLOW = set()
MEASURES = {
    "ising_maxent_16_critical": {
        "coupling": lambda model: model.multipliers[0],
        "mean_bond_of_samples": _mean_bond,
    },
}
