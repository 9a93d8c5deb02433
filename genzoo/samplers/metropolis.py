"""The Metropolis-Hastings choice, and the plainest sampler made with it.

Reference:
    Hastings, "Monte Carlo sampling methods using Markov chains and their
    applications", Biometrika 57, 1970.
"""

from typing import Any, NamedTuple

import tensorflow as tf
from keras import ops

from genzoo.runtime import random
from genzoo.samplers.chain import LogProb, Step, StepSize


class Info(NamedTuple):
    """The probability that each chain's proposal was accepted, (chains,)."""

    acceptance: tf.Tensor


def choose(
    seed: random.Seed, present: Any, proposed: Any, log_ratio: tf.Tensor
) -> tuple[Any, Info]:
    """Each chain's proposal with probability min(1, exp(log_ratio)).

    Args:
        seed: a `runtime.random.Seed`.
        present: a state, a tensor or a nest of tensors, chains first.
        proposed: a state of the same structure.
        log_ratio: log of p(proposed) q(present | proposed) over p(present)
            q(proposed | present), (chains,). NaN, as where both are
            impossible, refuses.

    Returns:
        The state and `Info`.
    """
    acceptance = tf.exp(tf.minimum(log_ratio, 0))
    acceptance = tf.where(acceptance >= 0, acceptance, 0)
    uniform = random.uniform(ops.shape(log_ratio), seed, log_ratio.dtype)
    accepted = uniform < acceptance

    def pick(new, old):
        shape = (ops.shape(old)[0], *(1 for _ in old.shape[1:]))
        return tf.where(tf.reshape(accepted, shape), new, old)

    state = tf.nest.map_structure(pick, proposed, present)
    return state, Info(acceptance)


def random_walk_metropolis(log_prob: LogProb, step_size: StepSize) -> Step:
    """A step that proposes x + step_size * N(0, 1), for real x.

    Accepted with probability min(1, p(proposed) / p(x)). In many dimensions
    an acceptance of 0.234 is best.

    Args:
        log_prob: function from (chains, width) to log p but for a constant,
            (chains,); -inf where p is 0.
        step_size: float or scalar, or one number per coordinate, in the units
            of x.

    Returns:
        A function `(seed, x) -> (x, Info)`.
    """

    def step(seed, x):
        first, second = random.split(seed, 2)
        noise = random.normal(ops.shape(x), first, x.dtype)
        proposed = x + ops.convert_to_tensor(step_size, x.dtype) * noise
        log_ratio = log_prob(proposed) - log_prob(x)
        return choose(second, x, proposed, log_ratio)

    return step
