"""Weights of examples: checked, counted, and brought to a mean of one."""

from typing import Any

import numpy as np
import tensorflow as tf

from genzoo.runtime import batch, data, distribute
from genzoo.spaces import Space
from genzoo.types import Array

WRONG = "genzoo: weights of examples that no mean can be taken with"
# On a dataset, whose batches have a form of their own.
_CHECKED = "_genzoo_checked"
_NEEDED = "finite numbers, none below 0, and not all of them 0"
_NEEDED_SIGNED = "finite numbers with a sum above 0"


def check(where: str, weight: Any, rows: int, signed: bool = False) -> Array:
    """Weights as a float64 array, (rows,).

    Args:
        where: who asks, for messages.
        weight: array of shape (rows,) or (rows, 1).
        rows: how many examples there are.
        signed: whether some may be negative.

    Raises:
        ValueError: for another shape, or weights without a mean.
    """
    where = f"{where}: sample_weight"
    try:
        # Objects too, if all are numbers.
        known = weight if _is_frame(weight) else np.asarray(weight)
        known = data.as_array(known, wide=True)
    except ValueError:
        known = weight
    try:
        found = np.asarray(known, np.float64)
    except (TypeError, ValueError):
        raise ValueError(
            f"{where} must be numbers, one for each example; received "
            f"{type(weight).__name__}."
        ) from None
    if found.shape == (rows, 1):
        found = found[:, 0]
    if found.shape != (rows,):
        raise ValueError(
            f"{where} must have shape ({rows},), one number for each example; "
            f"received {found.shape}."
        )
    needed = _NEEDED_SIGNED if signed else _NEEDED
    strange, negative = ~np.isfinite(found), found < 0
    told = None
    if strange.any():
        told = f"{strange.sum()} that are NaN or infinite"
    elif negative.any() and not signed:
        told = f"{negative.sum()} below 0, the least {found.min():g}"
    elif not found.sum() > 0:
        told = f"a sum of {found.sum():g}"
    if told is not None:
        raise ValueError(f"{where} must be {needed}; received {told}.")
    return found


def _is_frame(x):
    return data.is_sparse(x) or hasattr(x, "to_numpy") or hasattr(x, "detach")


def scaled(weight: Array) -> Array:
    """Weights with a mean of one, float32."""
    return (weight / weight.mean()).astype(np.float32)


def mean(where: str, dataset: tf.data.Dataset, steps: int | None) -> float:
    """The mean weight of a dataset that was checked.

    Raises:
        ValueError: for a dataset without an end, or weights of sum 0.
    """
    if steps is None and data.is_endless(dataset):
        raise ValueError(
            f"{where}: the dataset has no end; pass steps_per_epoch."
        )
    count = data.Count()
    for x, weight in data.parts(dataset, steps=steps):
        count.add(weight, len(x))
    if not count.total > 0:
        raise ValueError(
            f"{where}: the weights of the dataset must be {_NEEDED}; their "
            f"sum is {count.total:g}."
        )
    return count.total / count.rows


def are_in(spec: Any) -> bool:
    """Whether a checked dataset of these elements carries weights."""
    parts = spec[0] if isinstance(spec, tuple) else spec
    return isinstance(parts, dict) and "weight" in parts


def divided(dataset: tf.data.Dataset, by: float) -> tf.data.Dataset:
    """The dataset with its weights divided by a number."""

    def scale(parts, *rest):
        weight = parts["weight"] / tf.constant(by, tf.float32)
        parts = {**parts, "weight": weight}
        return (parts, *rest) if rest else parts

    return data.mapped(dataset, scale, parallel=True)


def check_dataset(
    where: str, dataset: tf.data.Dataset, space: Space, signed: bool = False
) -> tf.data.Dataset:
    """A dataset of x or (x, weight), which raises as soon as one is wrong.

    Raises:
        ValueError: if it is empty, gives something else, or its first batch
            is wrong.
    """
    if is_checked(dataset):
        return dataset
    first = data.first_batch(where, dataset)
    if not isinstance(first, tuple) or len(first) != 2 or not may_be(first[1]):
        return space.check_dataset(where, dataset)
    examples = data.mapped(dataset, lambda x, weight: x)
    space.check_dataset(where, examples)

    def checked(x, weight):
        return batch.packed(space.guarded(x), asserted(weight, signed))

    found = data.mapped(dataset, checked, parallel=True)
    return marked(found)


def marked(dataset: tf.data.Dataset) -> tf.data.Dataset:
    """The dataset, known to be checked and in the form of `batch.packed`."""
    setattr(dataset, _CHECKED, True)
    return dataset


def is_checked(dataset: Any) -> bool:
    """Whether it is known to be right already."""
    is_shared = distribute.is_shared_out(dataset)
    return is_shared or getattr(dataset, _CHECKED, False)


def may_be(y: Any) -> bool:
    """Whether what comes beside x in a dataset may be weights, not labels."""
    return y.dtype.is_floating and tf.TensorShape(y.shape).rank == 1


def asserted(weight: tf.Tensor, signed: bool = False) -> tf.Tensor:
    """Weights of a batch, float32, which fail where they are wrong."""
    weight = tf.cast(tf.reshape(weight, (-1,)), tf.float32)
    wrong = ~tf.math.is_finite(weight)
    if not signed:
        wrong |= weight < 0
    return data.asserted(weight, {WRONG: tf.reduce_any(wrong)})


def repeated(x: Any) -> tf.Tensor:
    """As many examples as a batch has, each as often as its weight says.

    At equal distances in the sum of the weights: no chance is needed.
    """
    found, weight = batch.examples(x), batch.weight(x)
    if weight is None:
        return found
    rows = tf.shape(weight)[0]
    ends = tf.cumsum(tf.cast(weight, tf.float64))
    places = tf.cast(tf.range(rows), tf.float64) + 0.5
    places *= ends[-1] / tf.cast(rows, tf.float64)
    chosen = tf.searchsorted(ends, places, side="right")
    return tf.gather(found, tf.minimum(tf.cast(chosen, tf.int32), rows - 1))


def described(signed: bool = False) -> str:
    """What weights must be, in words."""
    return _NEEDED_SIGNED if signed else _NEEDED
