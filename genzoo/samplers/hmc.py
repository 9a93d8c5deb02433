"""Hamiltonian Monte Carlo.

References:
    Duane, Kennedy, Pendleton and Roweth, "Hybrid Monte Carlo", Physics
    Letters B 195, 1987.

    Neal, "MCMC using Hamiltonian dynamics", Handbook of Markov Chain Monte
    Carlo, 2011.
"""

import tensorflow as tf
from keras import ops

from genzoo import checks
from genzoo.runtime import random
from genzoo.samplers.chain import LogProb, Step, StepSize
from genzoo.samplers.metropolis import choose


def hmc(log_prob: LogProb, step_size: StepSize, leapfrog_steps: int) -> Step:
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

    Returns:
        A function `(seed, x) -> (x, Info)`.

    Raises:
        ValueError: if `leapfrog_steps` is not a positive int.
    """
    checks.positive_int(leapfrog_steps, "hmc: leapfrog_steps")

    def step(seed, x):
        number, momentum, choice = random.split(seed, 3)
        uniform = random.uniform((1,), number.at_row(0))[0]
        steps = 1 + tf.cast(uniform * (2 * leapfrog_steps - 1), tf.int32)
        momentum = random.normal(ops.shape(x), momentum, x.dtype)
        proposed, log_ratio = leapfrog(log_prob, x, momentum, step_size, steps)
        return choose(choice, x, proposed, log_ratio)

    return step


def leapfrog(
    log_prob: LogProb,
    x: tf.Tensor,
    momentum: tf.Tensor,
    step_size: StepSize,
    steps: int | tf.Tensor,
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
