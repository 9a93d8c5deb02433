"""Running a Markov chain: a sampler is a step `(seed, state) -> (state, info)`.

A step is a pure function. All that a chain is stands in its state, all chance
in the seed.
"""

from collections.abc import Callable
from typing import Any, TypeAlias

import tensorflow as tf

from genzoo import checks
from genzoo.runtime import random
from genzoo.types import ArrayLike, SeedLike

# All that a chain is, one step on, and what happened.
Step: TypeAlias = Callable[[random.Seed, Any], tuple[Any, Any]]
# From states (chains, width) to a number of each, (chains,).
LogProb: TypeAlias = Callable[[tf.Tensor], tf.Tensor]
# One, or one for each coordinate.
StepSize: TypeAlias = float | ArrayLike


def check_moves(log_prob: LogProb, step_size: StepSize, where: str) -> None:
    """Raise a ValueError for what no step of real x can be made of."""
    checks.function(log_prob, f"{where}: log_prob")
    check_step_size(step_size, where)


def check_step_size(step_size: StepSize, where: str) -> None:
    """Raise a ValueError unless it is positive; a tensor may be anything."""
    if tf.is_tensor(step_size):
        return
    sizes = checks.array(step_size, f"{where}: step_size")
    if not (sizes > 0).all():
        checks.refuse(step_size, f"{where}: step_size", "positive")


def run(step: Step, seed: SeedLike, state: Any, steps: int | tf.Tensor) -> Any:
    """The state after `steps` steps, each with its own child of the seed.

    Args:
        step: a function `(seed, state) -> (state, info)`.
        seed: int, pair of ints or a `runtime.random.Seed`.
        state: a tensor, or a nest of tensors of constant shapes.
        steps: int or int scalar tensor, 0 or more.
    """
    checks.function(step, "run: step")
    seed = random.as_seed(seed)
    if not tf.is_tensor(steps):
        steps = checks.whole(0)(steps, "run: steps")
    if isinstance(steps, int) and steps <= 1:
        return step(random.fold_in(seed, 0), state)[0] if steps else state
    _, state = tf.while_loop(
        lambda number, _: number < steps,
        lambda number, state: (
            number + 1,
            step(random.fold_in(seed, number), state)[0],
        ),
        (tf.zeros((), tf.int32), state),
    )
    return state
