"""Measures of deep, neural and adversarial presets of binary 8x8 digits."""

from collections.abc import Callable
from typing import Any

import numpy as np

from genzoo import metrics
from genzoo.models import DeepBoltzmannMachine
from genzoo.partition import LogPartition
from genzoo.zoo.measures.annealing import log_partition_again
from genzoo.zoo.measures.boltzmann import binary_digits, log_likelihood
from genzoo.zoo.measures.digits import exact_log_likelihood

# Samples, and the sweeps of their chains; those of an RBM are exact.
DRAWS = {
    "dbm_digits_8x8": (2000, 100),
    "energy_digits_8x8": (1000, 200),
    "rbm_digits_8x8_adversarial": (10_000, 1000),
}


def near_precision(name: str) -> Callable[[Any], float]:
    """A measure: the share of samples that are near to digits.

    In one of the balls around all digits that reach to the fifth neighbour
    among them.
    """
    count, steps = DRAWS[name]

    def measure(model):
        every = np.concatenate([binary_digits(part) for part in (0, 1)])
        x = model.sample(count, seed=0, steps=steps)
        return metrics.manifold_overlap(every, x, 5, recall=False).precision

    return measure


def bound(part: int) -> Callable[[DeepBoltzmannMachine], float]:
    """A measure: the mean bound of log p by the log Z that the model knows."""

    def measure(model):
        return model.bound(binary_digits(part)).mean()

    return measure


def annealed_log_partition(model: Any) -> LogPartition:
    """log Z by annealing both ways, a `LogPartition`."""
    return log_partition_again(model, chains=100, temperatures=1000)


def _annealed(model):
    return annealed_log_partition(model).value


def _annealed_likelihood(model):
    return model.log_marginal(binary_digits(1)).value.mean()


_near = {name: near_precision(name) for name in DRAWS}
SLOW = {
    _annealed,
    _annealed_likelihood,
    _near["dbm_digits_8x8"],
    _near["energy_digits_8x8"],
}
MEASURES = {
    "dbm_digits_8x8": {
        "bound_train": bound(0),
        "bound_test": bound(1),
        "log_likelihood_test": _annealed_likelihood,
        "log_partition_annealed": _annealed,
    },
    "energy_digits_8x8": {
        "log_likelihood_train": log_likelihood(0),
        "log_likelihood_test": log_likelihood(1),
        "log_partition_annealed": _annealed,
    },
    "rbm_digits_8x8_adversarial": {
        "log_likelihood_train": exact_log_likelihood(0),
        "log_likelihood_test": exact_log_likelihood(1),
    },
}
for _name, _own in MEASURES.items():
    _own["near_precision"] = _near[_name]
