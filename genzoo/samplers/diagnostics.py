"""Whether chains have forgotten their start, and what they are worth.

References:
    Gelman and Rubin, "Inference from iterative simulation using multiple
    sequences", Statistical Science 7, 1992.

    Vehtari, Gelman, Simpson, Carpenter and Burkner, "Rank-normalization,
    folding, and localization: an improved R-hat", Bayesian Analysis 16, 2021.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from genzoo import checks
from genzoo.runtime import probability, random
from genzoo.samplers.chain import Step
from genzoo.types import ArrayLike, SeedLike


def trace(
    step: Step,
    seed: SeedLike,
    state: Any,
    steps: int,
    statistic: Callable[[Any], tf.Tensor],
) -> tuple[Any, tf.Tensor, Any]:
    """Run a chain and note a statistic after each step.

    The states are those of `run`. Inside a `tf.function` it is one loop.

    Args:
        step: a function `(seed, state) -> (state, info)`.
        seed: int, pair of ints or a `runtime.random.Seed`.
        state: a tensor, or a nest of tensors of constant shapes.
        steps: int, at least 1.
        statistic: function from a state to a tensor, (chains,) or
            (chains, k).

    Returns:
        The last state, the series (steps, chains) or (steps, chains, k), and
        the mean of each tensor of the infos over the steps.

    Raises:
        ValueError: if `steps` is not a positive int.
    """
    checks.positive_int(steps, "trace: steps")
    seed = random.as_seed(seed)

    def advance(number, state):
        state, info = step(random.fold_in(seed, number), state)
        return state, statistic(state), tf.nest.map_structure(_number, info)

    # The first step tells what an info is.
    state, first, total = advance(0, state)
    series = tf.TensorArray(first.dtype, steps, element_shape=first.shape)

    def note(number, series, total, state):
        state, value, info = advance(number, state)
        total = tf.nest.map_structure(tf.add, total, info)
        return number + 1, series.write(number, value), total, state

    _, series, total, state = tf.while_loop(
        lambda number, *_: number < steps,
        note,
        (1, series.write(0, first), total, state),
    )
    mean = tf.nest.map_structure(lambda each: each / steps, total)
    return state, series.stack(), mean


class Diagnosis(NamedTuple):
    """What a series of all chains says, for each statistic: () or (k,).

    Attributes:
        mean: over draws and chains.
        stderr: its standard error, the standard deviation over sqrt(ess).
        r_hat: split R-hat: the standard deviation of all draws over that
            within half chains. 1 where chains have forgotten their start;
            above 1.01 they have not. NaN for a series that never changes.
        ess: how many independent draws all chains are worth. Below 400 the
            standard error is not to be trusted, nor r_hat.

    Example:
    >>> step = genzoo.samplers.hmc(
    ...     lambda x: -0.5 * tf.reduce_sum(x**2, axis=-1),
    ...     step_size=0.5,
    ...     leapfrog_steps=3,
    ... )
    >>> _, series, _ = genzoo.samplers.trace(
    ...     step, 0, tf.zeros((20, 1)), 50, lambda x: x[:, 0]
    ... )
    >>> found = genzoo.samplers.diagnose(series)
    >>> bool(abs(found.mean) < 4 * found.stderr), bool(found.ess > 100)
    (True, True)
    """

    mean: np.ndarray
    stderr: np.ndarray
    r_hat: np.ndarray
    ess: np.ndarray

    @property
    def converged(self) -> bool:
        """Whether every r_hat is below 1.01 and every ess above 400."""
        return bool(np.all(self.r_hat < 1.01) and np.all(self.ess > 400))


def diagnose(series: ArrayLike) -> Diagnosis:
    """The `Diagnosis` of a series (steps, chains) or (steps, chains, k).

    Raises:
        ValueError: for less than 4 steps or 2 chains, or another shape.
    """
    series = np.asarray(series)
    shape = series.shape
    if len(shape) not in (2, 3) or shape[0] < 4 or shape[1] < 2:
        raise ValueError(
            "diagnose: the series must be (steps, chains) or (steps, chains, "
            f"k), of 4 steps and 2 chains or more; received shape {shape}."
        )
    series = series.astype(np.float64)
    ess = probability.effective_sample_size(series, across_chains=True).numpy()
    r_hat = probability.potential_scale_reduction(series).numpy()
    deviation = series.std(axis=(0, 1))
    return Diagnosis(
        series.mean(axis=(0, 1)), deviation / np.sqrt(ess), r_hat, ess
    )


def _number(tensor):
    return tensor if tensor.dtype.is_floating else tf.cast(tensor, tf.float32)
