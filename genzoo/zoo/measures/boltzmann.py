"""Measures of the Boltzmann machine of 8x8 digits.

All pixel pairs have a coupling: 64 pixels are too many to sum over, so that
moments are of samples and log Z is estimated, in two unrelated ways.
"""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from genzoo import datasets
from genzoo.metrics.numerics.estimate import Estimate
from genzoo.models import BoltzmannMachine
from genzoo.partition import LogPartition
from genzoo.types import Array
from genzoo.zoo.measures.annealing import log_partition_again
from genzoo.zoo.measures.jackknife import jackknife

_CHAINS, _ROUNDS, _SWEEPS = 1000, 200, 5


def binary_digits(part: int) -> Array:
    """Training (0) or test (1) digits as rows of 64 zeros and ones."""
    images, _ = datasets.digits.load_data()[part]
    return (images.reshape(len(images), -1) > 7).astype(np.float32)


def second_moments(x: Array) -> Array:
    """<x_i x_j> over rows, (64, 64); the diagonal is <x_i>."""
    return x.T @ x / len(x)


@functools.lru_cache(maxsize=1)
def residuals(machine: BoltzmannMachine) -> Array:
    """<x_i x_j> of 20 groups of chains less those of the data, i <= j."""
    upper = np.triu_indices(64)
    data = second_moments(binary_digits(0))
    x = machine.sample(_CHAINS, seed=0, steps=100)
    total: Any = 0.0
    for seed in range(1, _ROUNDS + 1):
        x = machine.sample(_CHAINS, seed=seed, steps=_SWEEPS, start=x)
        groups = x.reshape(20, -1, 64)
        total = total + np.stack([second_moments(group) for group in groups])
    return (total / _ROUNDS - data)[:, upper[0], upper[1]]


def moment_residual(machine: BoltzmannMachine, kind: str) -> Estimate:
    """The largest or the rms deviation of a moment, an `Estimate`."""
    of: Any = {"largest": np.max, "rms": lambda r: np.sqrt(np.mean(r**2))}[kind]
    return jackknife(lambda r: of(np.abs(r.mean(axis=0))), residuals(machine))


def thermodynamic_log_partition(
    machine: BoltzmannMachine,
    nodes: int = 24,
    chains: int = 1000,
    seed: int = 0,
) -> Estimate:
    """log Z by integration over the inverse temperature, an `Estimate`.

    `log Z = n log 2 - integral from 0 to 1 of <E>_b db`, with `p^b` for
    p, by Gauss's rule. The chains cool from node to node.
    """
    places, weights = np.polynomial.legendre.leggauss(nodes)
    integral: Any = 0.0
    x: Any = "random"
    for number, (node, weight) in enumerate(zip(places, weights, strict=True)):
        x = machine.sample(
            chains, (seed, number), 40, x, temperature=2 / (1 + node)
        )
        integral = integral + weight / 2 * np.asarray(machine.energy(x))
    log_states = machine.space.width * np.log(2)
    return jackknife(lambda part: log_states - part.mean(), integral)


def annealed_log_partition(machine: BoltzmannMachine) -> LogPartition:
    """log Z by annealing both ways, a `LogPartition`."""
    return log_partition_again(machine, chains=100, temperatures=1000)


def log_likelihood(part: int) -> Callable[[BoltzmannMachine], float]:
    """A measure: the mean of log p by the log Z that the model knows."""

    def measure(machine):
        return machine.log_prob(binary_digits(part)).mean()

    return measure


def _annealed(machine):
    return annealed_log_partition(machine).value


def _thermodynamic(machine):
    return thermodynamic_log_partition(machine).value


def _largest(machine):
    return moment_residual(machine, "largest").value


def _rms(machine):
    return moment_residual(machine, "rms").value


SLOW = {_annealed, _thermodynamic, _largest, _rms}
MEASURES = {
    "boltzmann_digits_8x8": {
        "log_likelihood_train": log_likelihood(0),
        "log_likelihood_test": log_likelihood(1),
        "log_partition_annealed": _annealed,
        "log_partition_thermodynamic": _thermodynamic,
        "moment_residual_largest": _largest,
        "moment_residual_rms": _rms,
    },
}
