"""Where the training of an RBM starts: off the saddle at W = 0.

There the gradient of the kernel vanishes, and only grows as fast as the data
are correlated: with few or sparse rows a training may end before it has left.
"""

from typing import Any

import numpy as np
import tensorflow as tf

from genzoo.runtime import data
from genzoo.types import Array
from genzoo.units import Unit

# Batches of a dataset that are looked at.
_BATCHES = 8
# Examples of which fields are measured.
_MEASURED = 500
# Hidden units up to which each may have a field of full size: their couplings
# add up.
_FEW = 16


def some_rows(
    x: Any,
    n: int,
    generator: np.random.Generator,
    weight: Array | None = None,
) -> Array:
    """n examples, with repetitions, in random order and as often as weighed."""
    if not data.is_array(x):
        found = list(data.parts(x, steps=_BATCHES))
        x = np.concatenate([part for part, _ in found])
        if found[0][1] is not None:
            weight = np.concatenate([of_part for _, of_part in found])
    places = generator.random(n)
    if weight is None:
        return x[(places * len(x)).astype(int)]
    ends = np.cumsum(weight, dtype=np.float64)
    chosen = np.searchsorted(ends, places * ends[-1], side="right")
    return x[np.minimum(chosen, len(x) - 1)]


def differences(
    states: Array, hidden: Unit, generator: np.random.Generator
) -> Array:
    """A kernel whose columns are differences of two examples.

    A hidden unit then tells one example from another, along directions in
    which the data do vary. The scale is that at which the field of the data
    moves hidden units by one standard deviation.

    Args:
        states: visible states of examples, (n, width).
        hidden: the hidden units.
        generator: of what is drawn.
    """
    pairs = generator.integers(0, len(states), (2, hidden.width))
    found = (states[pairs[0]] - states[pairs[1]]).T
    measured = states[:_MEASURED] - states[:_MEASURED].mean(axis=0)
    field = np.sqrt(np.mean(np.square(measured @ found)))
    if field == 0:
        return np.zeros_like(found)
    mean = np.asarray(hidden.mean(tf.zeros((1, hidden.width), hidden.dtype)))
    size = np.sqrt(hidden.variance_of(mean)).mean()
    size *= np.sqrt(max(1.0, hidden.size / _FEW))
    return found / (field * size)
