"""Parallel tempering: replicas at several temperatures that change places.

References:
    Swendsen and Wang, "Replica Monte Carlo simulation of spin glasses", PRL
    57, 1986.

    Hukushima and Nemoto, "Exchange Monte Carlo method and application to spin
    glass simulations", J. Phys. Soc. Japan 65, 1996.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from keras import ops

from genzoo import checks
from genzoo.runtime import random
from genzoo.samplers.chain import LogProb, Step
from genzoo.samplers.hmc import hmc
from genzoo.types import ArrayLike


class Info(NamedTuple):
    """What happened between neighbours.

    Attributes:
        swap_acceptance: the mean probability of a swap of each pair of
            neighbours, (temperatures - 1,). Below 0.1 put another
            temperature between them.
        energy: of the state, (temperatures, chains).
    """

    swap_acceptance: tf.Tensor
    energy: tf.Tensor


def parallel_tempering(
    step_at: Callable[[float], Step], energy: LogProb, betas: ArrayLike
) -> Step:
    """A step of all replicas, then swaps between every other pair of them.

    The replica at inverse temperature beta follows p^beta ~ exp(-beta E).
    Neighbours i, j change places with probability
    min(1, exp((beta_i - beta_j) (E_i - E_j))): hot replicas cross barriers,
    cold ones take over what they find. The state is a tensor (temperatures,
    chains, width); swaps are within a chain. A toss says which pairs, (0, 1),
    (2, 3), ... or (1, 2), (3, 4), ..., are tried.

    Args:
        step_at: function from an inverse temperature, a float, to a step
            `(seed, x) -> (x, info)` that leaves p^beta as it is.
        energy: function from (rows, width) to E in nats, (rows,).
        betas: inverse temperatures, two or more, in order; the one of the
            model itself is 1.

    Returns:
        A function `(seed, state) -> (state, Info)`.

    Raises:
        ValueError: if `betas` is not monotonic, or holds less than two.
    """
    checks.function(step_at, "parallel_tempering: step_at")
    checks.function(energy, "parallel_tempering: energy")
    betas = _checked(betas, "parallel_tempering", 0.0)
    steps = [step_at(beta) for beta in betas.tolist()]

    def step(seed, state):
        moves, toss, swaps = random.split(seed, 3)
        x = tf.stack(
            [
                one_step(random.fold_in(moves, number), state[number])[0]
                for number, one_step in enumerate(steps)
            ]
        )
        width = ops.shape(x)[2]
        energies = energy(tf.reshape(x, (-1, width)))
        energies = tf.reshape(energies, ops.shape(x)[:2])
        gaps = tf.cast(betas[1:] - betas[:-1], energies.dtype)
        log_ratio = gaps[:, None] * (energies[1:] - energies[:-1])
        acceptance = tf.exp(tf.minimum(log_ratio, 0))
        acceptance = tf.where(acceptance >= 0, acceptance, 0)
        uniform = tf.transpose(
            random.uniform(
                (ops.shape(x)[1], len(steps) - 1), swaps, acceptance.dtype
            )
        )
        first = random.uniform((1,), toss.at_row(0))[0] < 0.5
        tried = tf.equal(np.arange(len(steps) - 1) % 2 == 0, first)
        swapped = tf.logical_and(uniform < acceptance, tried[:, None])
        info = Info(
            tf.reduce_mean(acceptance, axis=1), _swap(energies, swapped)
        )
        return _swap(x, swapped[..., None]), info

    return step


def replica_exchange(
    log_prob: LogProb,
    betas: ArrayLike,
    step_size: float | tf.Tensor,
    leapfrog_steps: int,
) -> Step:
    """Parallel tempering of real x with Hamiltonian Monte Carlo.

    The replica at beta follows p^beta with the step size divided by
    sqrt(beta), as its width grows for a Gaussian.

    Args:
        log_prob: function from (rows, width) to log p but for a constant.
        betas: inverse temperatures, two or more, in order, above 0.
        step_size: of `hmc` at beta = 1.
        leapfrog_steps: of `hmc`.

    Returns:
        A function `(seed, state) -> (state, Info)`, with states
        (temperatures, chains, width).

    Raises:
        ValueError: if `betas` is not monotonic, holds less than two, or one
            that is not above 0.
    """
    checks.function(log_prob, "replica_exchange: log_prob")
    betas = _checked(betas, "replica_exchange", np.nextafter(0, 1))

    def step_at(beta):
        return hmc(
            lambda x: beta * log_prob(x), step_size / beta**0.5, leapfrog_steps
        )

    return parallel_tempering(step_at, lambda x: -log_prob(x), betas)


def _swap(values, swapped):
    """Values with those of the pairs (t, t + 1) exchanged where `swapped`."""
    none = tf.zeros_like(swapped[:1])
    with_next = tf.concat([swapped, none], axis=0)
    with_last = tf.concat([none, swapped], axis=0)
    moved = tf.where(with_next, tf.roll(values, -1, axis=0), values)
    return tf.where(with_last, tf.roll(values, 1, axis=0), moved)


def _checked(betas, name, least):
    betas = checks.array(betas, f"{name}: betas")
    steps = np.diff(betas) if betas.ndim == 1 else np.zeros(0)
    if (
        not len(steps)
        or not (np.all(steps > 0) or np.all(steps < 0))
        or betas.min() < least
    ):
        raise ValueError(
            f"{name}: betas must be two or more different inverse "
            f"temperatures in order, {'above' if least else 'at least'} 0; "
            f"received {betas.tolist()}."
        )
    return betas
