"""Where the training of an RBM starts: off the saddle at W = 0.

There the gradient of the kernel vanishes, and only grows as fast as the data
are correlated: with few or sparse rows a training may end before it has left.
"""

import numpy as np
import tensorflow as tf

from genzoo.models.common.given import Given
from genzoo.runtime import data, looks
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
    given: Given, n: int, generator: np.random.Generator, mean: Array
) -> tuple[Array, Array | None]:
    """n examples, with repetitions, in random order and as often as weighed.

    What is unknown of them is at the mean, so that differences are those of
    what is known.

    Returns:
        (x, conditions): the second is None where there are none.
    """
    x, c, weight, seen = given
    if not data.is_array(x):
        batches = list(looks.first_batches(x, _BATCHES))
        if isinstance(batches[0], tuple):
            c = np.concatenate([np.asarray(own) for _, own in batches])
        found = zip(*map(data.known_part, batches), strict=True)
        x, weight, seen = (
            None if parts[0] is None else np.concatenate(parts)
            for parts in found
        )
    places = generator.random(n)
    if weight is None:
        chosen = (places * len(x)).astype(int)
    else:
        ends = np.cumsum(weight, dtype=np.float64)
        chosen = np.searchsorted(ends, places * ends[-1], side="right")
        chosen = np.minimum(chosen, len(x) - 1)
    rows = x[chosen]
    if seen is not None:
        rows = np.where(seen[chosen], rows, mean.reshape(rows.shape[1:]))
    return rows, None if c is None else c[chosen]


def differences(
    states: Array,
    hidden: Unit,
    generator: np.random.Generator,
    mask: Array | None = None,
) -> Array:
    """A kernel whose columns are differences of two examples.

    A hidden unit then tells one example from another, along directions in
    which the data do vary. The scale is that at which the field of the data
    moves hidden units by one standard deviation.

    Args:
        states: visible states of examples, (n, width).
        hidden: the hidden units.
        generator: of what is drawn.
        mask: which elements a kernel has, booleans, or None for all.
    """
    pairs = generator.integers(0, len(states), (2, hidden.width))
    found = (states[pairs[0]] - states[pairs[1]]).T
    if mask is not None:
        found = found * mask
    measured = states[:_MEASURED] - states[:_MEASURED].mean(axis=0)
    field = np.sqrt(np.mean(np.square(measured @ found)))
    if field == 0:
        return np.zeros_like(found)
    mean = np.asarray(hidden.mean(tf.zeros((1, hidden.width), hidden.dtype)))
    size = np.sqrt(hidden.variance_of(mean)).mean()
    size *= np.sqrt(max(1.0, hidden.size / _FEW))
    return found / (field * size)


def weighed_mean(variance: Array) -> float:
    """The mean variance of columns, each weighed by its own."""
    return np.sum(variance**2) / max(np.sum(variance), 1e-12)
