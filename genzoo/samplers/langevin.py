"""Langevin dynamics, as it is and with a Metropolis choice.

References:
    Roberts and Tweedie, "Exponential convergence of Langevin distributions
    and their discrete approximations", Bernoulli 2, 1996.

    Roberts and Rosenthal, "Optimal scaling of discrete approximations to
    Langevin diffusions", J. R. Statist. Soc. B 60, 1998.
"""

from typing import NamedTuple

import tensorflow as tf
from keras import ops

from genzoo.runtime import random
from genzoo.samplers.chain import LogProb, Step, StepSize, check_moves
from genzoo.samplers.hmc import leapfrog, value_and_gradient
from genzoo.samplers.metropolis import choose


class Info(NamedTuple):
    """1.0 for each chain that moved, 0.0 for one kept in place, (chains,)."""

    acceptance: tf.Tensor


def langevin(log_prob: LogProb, step_size: StepSize) -> Step:
    """A step x + s^2 / 2 * grad log p(x) + s * N(0, 1), for real x.

    Its stationary distribution is near p for small s only: a Gaussian of
    variance v becomes one of variance v / (1 - s^2 / 4 v). `mala` has no
    such error. A move to where p is 0 is not made.

    Args:
        log_prob: function from (chains, width) to log p but for a constant,
            (chains,); -inf where p is 0.
        step_size: s, float or scalar, or one number per coordinate, in the
            units of x.

    Returns:
        A function `(seed, x) -> (x, Info)`.
    """
    check_moves(log_prob, step_size, "langevin")

    def step(seed, x):
        s = ops.convert_to_tensor(step_size, x.dtype)
        _, gradient = value_and_gradient(log_prob, x)
        noise = random.normal(ops.shape(x), seed, x.dtype)
        moved = x + 0.5 * s**2 * gradient + s * noise
        possible = tf.math.is_finite(log_prob(moved))
        moved = tf.where(possible[:, None], moved, x)
        return moved, Info(tf.cast(possible, x.dtype))

    return step


def mala(log_prob: LogProb, step_size: StepSize) -> Step:
    """The step of `langevin` as a proposal, accepted or not: exact for p.

    It is Hamiltonian Monte Carlo with one leapfrog step. In many dimensions
    an acceptance of 0.574 is best.

    Args:
        log_prob: function from (chains, width) to log p but for a constant,
            (chains,); -inf where p is 0.
        step_size: float or scalar, or one number per coordinate, in the units
            of x.

    Returns:
        A function `(seed, x) -> (x, Info)`.
    """
    check_moves(log_prob, step_size, "mala")

    def step(seed, x):
        first, second = random.split(seed, 2)
        noise = random.normal(ops.shape(x), first, x.dtype)
        proposed, log_ratio = leapfrog(log_prob, x, noise, step_size, 1)
        return choose(second, x, proposed, log_ratio)

    return step
