"""Hamiltonian Monte Carlo.

References:
    Duane, Kennedy, Pendleton and Roweth, "Hybrid Monte Carlo", Physics
    Letters B 195, 1987.

    Neal, "MCMC using Hamiltonian dynamics", Handbook of Markov Chain Monte
    Carlo, 2011.
"""

from typing import NamedTuple

import numpy as np
import tensorflow as tf
from keras import ops

from genzoo import checks
from genzoo.runtime import random
from genzoo.samplers.chain import LogProb, Step, StepSize, check_moves
from genzoo.samplers.metropolis import choose
from genzoo.types import ArrayLike


def hmc(
    log_prob: LogProb,
    step_size: StepSize,
    leapfrog_steps: int,
    low: ArrayLike | None = None,
    high: ArrayLike | None = None,
) -> Step:
    """A step along a trajectory of a random number of steps, for real x.

    The number is uniform from 1 to 2 * leapfrog_steps - 1, the same for all
    chains. A fixed one may come back to where it began: a Gaussian's
    trajectories have a period, 2 pi times its standard deviation. An
    acceptance of about 0.8 is best.

    Where log p or its gradient is not finite there is no force; a trajectory
    that ends where p is 0 is refused.

    Args:
        log_prob: function from (chains, width) to log p but for a constant,
            (chains,); -inf where p is 0.
        step_size: float or scalar, or one number per coordinate, in the units
            of x: the standard deviation of a coordinate is a fair scale.
        leapfrog_steps: int, the mean number of steps, at least 1.
        low: where each coordinate ends below, (width,), -inf where it does
            not; a trajectory bounces off. None for no ends.
        high: where each ends above, inf where it does not.

    Returns:
        A function `(seed, x) -> (x, Info)`.

    Raises:
        ValueError: if `leapfrog_steps` is not a positive int.
    """
    check_moves(log_prob, step_size, "hmc")
    checks.positive_int(leapfrog_steps, "hmc: leapfrog_steps")
    ends = Walls(
        checks.array(-np.inf if low is None else low, "hmc: low", np.inf),
        checks.array(np.inf if high is None else high, "hmc: high", np.inf),
    )
    if not (ends.low < ends.high).all():
        raise ValueError(
            f"hmc: low must be less than high; received {low} and {high}."
        )
    are_nowhere = np.isinf(ends.low).all() and np.isinf(ends.high).all()
    walls = None if are_nowhere else ends

    def step(seed, x):
        number, momentum, choice = random.split(seed, 3)
        uniform = random.uniform((1,), number.at_row(0))[0]
        steps = 1 + tf.cast(uniform * (2 * leapfrog_steps - 1), tf.int32)
        momentum = random.normal(ops.shape(x), momentum, x.dtype)
        proposed, log_ratio = leapfrog(
            log_prob, x, momentum, step_size, steps, walls
        )
        return choose(choice, x, proposed, log_ratio)

    return step


class Walls(NamedTuple):
    """Ends that a trajectory bounces off, (width,) each, may be infinite."""

    low: np.ndarray
    high: np.ndarray

    def bounce(
        self, x: tf.Tensor, momentum: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """(x, momentum) after all bounces of a straight way.

        It keeps volumes and can be gone back, as a leapfrog step does.
        """
        low, high = np.broadcast_arrays(self.low, self.high)
        between = np.isfinite(low) & np.isfinite(high)
        edge, span = (
            tf.constant(np.where(between, values, other), x.dtype)
            for values, other in ((low, 0.0), (high - low, 1.0))
        )
        low, high = tf.constant(low, x.dtype), tf.constant(high, x.dtype)
        # A zigzag of period two spans.
        place = tf.math.floormod((x - edge) / span, 2.0)
        inside = tf.clip_by_value(
            edge + span * (1 - tf.abs(1 - place)), low, high
        )
        outside = tf.logical_or(x < low, x > high)
        one_sided = tf.where(x < low, low, high)
        mirrored = tf.where(between, inside, 2 * one_sided - x)
        back = tf.where(between, place > 1, True)
        turned = tf.logical_and(outside, back)
        return (
            tf.where(outside, mirrored, x),
            tf.where(turned, -momentum, momentum),
        )


def leapfrog(
    log_prob: LogProb,
    x: tf.Tensor,
    momentum: tf.Tensor,
    step_size: StepSize,
    steps: int | tf.Tensor,
    walls: Walls | None = None,
) -> tuple[tf.Tensor, tf.Tensor]:
    """The end of a trajectory and its log-ratio of acceptance, (chains,).

    The log-ratio is minus the change of -log p(x) + |momentum|^2 / 2.
    """
    step_size = ops.convert_to_tensor(step_size, x.dtype)
    start = log_prob_at, _ = value_and_gradient(log_prob, x)
    kinetic = 0.5 * tf.reduce_sum(momentum**2, axis=-1)

    def advance(number, x, momentum, _, gradient):
        momentum += 0.5 * step_size * gradient
        x += step_size * momentum
        if walls is not None:
            x, momentum = walls.bounce(x, momentum)
        value, gradient = value_and_gradient(log_prob, x)
        momentum += 0.5 * step_size * gradient
        return number + 1, x, momentum, value, gradient

    _, x, momentum, value, _ = tf.while_loop(
        lambda number, *_: number < steps, advance, (0, x, momentum, *start)
    )
    end_kinetic = 0.5 * tf.reduce_sum(momentum**2, axis=-1)
    return x, value - log_prob_at + kinetic - end_kinetic


def value_and_gradient(
    log_prob: LogProb, x: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """log p(x), (chains,), and its gradient, 0 where it is not finite."""
    with tf.GradientTape() as tape:
        tape.watch(x)
        value = log_prob(x)
    gradient = tape.gradient(
        value, x, unconnected_gradients=tf.UnconnectedGradients.ZERO
    )
    return value, tf.where(tf.math.is_finite(gradient), gradient, 0)
