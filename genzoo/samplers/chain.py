"""Running a Markov chain: a sampler is a step `(seed, state) -> (state, info)`.

A step is a pure function. All that a chain is stands in its state, all chance
in the seed.
"""

import tensorflow as tf

from genzoo.runtime import random


def run(step, seed, state, steps):
    """The state after `steps` steps, each with its own child of the seed.

    Args:
        step: a function `(seed, state) -> (state, info)`.
        seed: a `runtime.random.Seed`.
        state: a tensor, or a nest of tensors of constant shapes.
        steps: int or int scalar tensor, 0 or more.
    """
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
