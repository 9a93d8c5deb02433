"""Finding the step size that has a given acceptance.

Reference:
    Andrieu and Thoms, "A tutorial on adaptive MCMC", Statistics and Computing
    18, 2008.
"""

from collections.abc import Callable
from typing import Any

import tensorflow as tf
from keras import ops

from genzoo import checks
from genzoo.runtime import random
from genzoo.samplers.chain import Step, StepSize, check_step_size
from genzoo.types import SeedLike


def tune_step_size(
    make_step: Callable[[tf.Tensor], Step],
    seed: SeedLike,
    state: Any,
    steps: int | tf.Tensor,
    target: float,
    step_size: StepSize = 0.1,
) -> tuple[tf.Tensor, Any]:
    """A step size of about this acceptance, and the state after the search.

    In step t, log(step_size) moves by the mean acceptance minus the target,
    over target (1 - target) sqrt(t); the result is the mean over the second
    half. A search is no sampling: its states are a burn-in.

    Args:
        make_step: function from a step size to a step `(seed, state) ->
            (state, info)` whose info has `acceptance`, (chains,).
        seed: int, pair of ints or a `runtime.random.Seed`.
        state: a tensor, or a nest of tensors of constant shapes.
        steps: int, at least 2; 100 will do where the first guess is within a
            factor of a thousand. Of a tensor 0 leaves the guess as it is.
        target: the acceptance, in (0, 1): 0.234 for
            `random_walk_metropolis`, 0.574 for `mala`, 0.8 for `hmc`.
        step_size: the first guess, or one number per coordinate, whose ratios
            are kept.

    Returns:
        The step size, a tensor of the shape of the guess in the dtype of the
        state, and the state.

    Raises:
        ValueError: if `steps` or `target` is outside of its range.
    """
    few = not isinstance(steps, tf.Tensor) and steps < 2
    if few or not 0 < target < 1:
        raise ValueError(
            "tune_step_size: steps must be at least 2 and target between 0 "
            f"and 1; received {steps!r} and {target!r}."
        )
    checks.function(make_step, "tune_step_size: make_step")
    check_step_size(step_size, "tune_step_size")
    seed = random.as_seed(seed)
    dtype = tf.nest.flatten(state)[0].dtype
    guess = ops.convert_to_tensor(step_size, dtype)
    gain = 1 / (target * (1 - target))
    burn_in = steps // 2

    def search(number, log_scale, total, state):
        step = make_step(guess * tf.exp(log_scale))
        state, info = step(random.fold_in(seed, number), state)
        rate = tf.reduce_mean(tf.cast(info.acceptance, dtype))
        decay = tf.math.rsqrt(tf.cast(number + 1, dtype))
        log_scale += gain * decay * (rate - target)
        total += tf.where(number < burn_in, tf.zeros_like(total), log_scale)
        return number + 1, log_scale, total, state

    zero = tf.zeros((), dtype)
    _, _, total, state = tf.while_loop(
        lambda number, *_: number < steps, search, (0, zero, zero, state)
    )
    counted = tf.cast(tf.maximum(steps - burn_in, 1), dtype)
    return guess * tf.exp(total / counted), state
