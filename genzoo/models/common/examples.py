"""Examples are held against a space before anything is learned from them."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from genzoo.runtime import data, distribute
from genzoo.spaces import Space
from genzoo.types import Array, ArrayLike, Examples

OUTSIDE = "genzoo: values outside of the space"
_ROWS = 4096


def check_array(where: str, x: ArrayLike, space: Space) -> Array:
    """x as a compact array, once it is known to be in the space.

    Examples of one number may come without an axis.

    Args:
        where: who asks, for messages: "RBM.fit".
        x: examples, of shape (n, *event_shape).
        space: where they must lie.

    Raises:
        ValueError: if x is empty, of another shape, or outside.
    """
    try:
        x = data.as_array(x)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None
    x = with_axis(x, space)
    if x.ndim == 0 or x.shape[1:] != space.event_shape:
        expected = ", ".join(["n", *map(str, space.event_shape)])
        hint = "x.reshape(len(x), -1)"
        if len(space.event_shape) > 1:
            hint = f"x.reshape(-1, {expected.partition(', ')[2]})"
        raise ValueError(
            f"{where}: x must have shape ({expected}); received {x.shape}. "
            f"Reshape it, for example {hint}."
        )
    if len(x) == 0:
        raise ValueError(f"{where}: x is empty, shape {x.shape}.")
    if any(space.outside(x[i : i + _ROWS]) for i in range(0, len(x), _ROWS)):
        raise ValueError(_outside_message(where, x, space))
    return x


def with_axis(x: Any, space: Space) -> Any:
    """x; examples of one number, which may come without an axis, with one."""
    is_bare = tf.TensorShape(x.shape).rank == 1
    return x[:, None] if is_bare and space.event_shape == (1,) else x


def _outside_message(where: str, x: Array, space: Space) -> str:
    x = np.asarray(x, np.float64)
    strange = int(x.size - np.isfinite(x).sum())
    if strange:
        found = f"{strange} values that are not finite"
    else:
        found = f"values in [{x.min():g}, {x.max():g}]"
    return (
        f"{where}: x must hold {space.description}; found {found}. {space.hint}"
    )


def first_batch(where: str, dataset: tf.data.Dataset) -> Any:
    """The first batch of a dataset.

    Raises:
        ValueError: if it is no dataset, or empty.
    """
    if not isinstance(dataset, tf.data.Dataset):
        raise ValueError(
            f"{where}: x must be an array or a tf.data.Dataset; received "
            f"{type(dataset).__name__}. Wrap it, for example with "
            "tf.data.Dataset.from_generator."
        )
    first = next(iter(dataset.take(1)), None)
    if first is None:
        raise ValueError(f"{where}: the dataset is empty.")
    return first


def check_dataset(
    where: str, dataset: tf.data.Dataset, space: Space
) -> tf.data.Dataset:
    """The dataset, which raises as soon as a batch is not in the space.

    Raises:
        ValueError: if it is empty or its first batch is wrong.
    """
    if distribute.is_shared_out(dataset):
        return dataset
    first = first_batch(where, dataset)
    x, *labels = first if isinstance(first, tuple) else (first,)
    if labels:
        raise ValueError(
            f"{where}: the dataset must give x alone; it gives "
            f"{1 + len(labels)} values. Map it: "
            "dataset.map(lambda x, *rest: x)."
        )
    check_array(where, x, space)

    def check(*batch):
        x = with_axis(batch[0], space)
        # TensorFlow compares no bool with a number, nor uint8 with inf.
        known = x.dtype.is_floating
        outside = space.outside(x if known else tf.cast(x, tf.float32))
        return asserted(x, {OUTSIDE: outside})

    return dataset.map(check, num_parallel_calls=tf.data.AUTOTUNE)


def asserted(x: Any, complaints: dict[str, tf.Tensor]) -> Any:
    """x, a nest of tensors, which fails with the message of what is true."""
    checked = [
        tf.debugging.Assert(tf.logical_not(wrong), [message])
        for message, wrong in complaints.items()
    ]
    with tf.control_dependencies([op for op in checked if op]):
        return tf.nest.map_structure(tf.identity, x)


def checked(
    where: str,
    x: Examples,
    space: Space,
    check_dataset: Callable = check_dataset,
) -> Any:
    """x, an array or a dataset, once it is known to be in the space.

    Args:
        where: who asks, for messages.
        x: examples.
        space: where they must lie.
        check_dataset: how a dataset is checked, by the same arguments.

    Raises:
        ValueError: as `check_array` and `check_dataset` do, and for labels.
    """
    if isinstance(x, tuple):
        x, *others = x
        if any(other is not None for other in others):
            raise ValueError(
                f"{where}: takes examples alone; received a tuple of "
                f"{1 + len(others)}, with labels or weights."
            )
    if x is None:
        raise ValueError(f"{where}: x is missing.")
    check = check_array if data.is_array(x) else check_dataset
    return check(where, x, space)


def split(where: str, parts: tuple, share: float) -> tuple[tuple, tuple]:
    """The rows to train on and those held out, the last ones.

    Args:
        where: who asks, for messages.
        parts: arrays of as many rows, or None.
        share: of the rows that are held out.

    Raises:
        ValueError: if x is no array, or one side would be empty.
    """
    where = f"{where}: validation_split={share!r}"
    x = parts[0]
    if not data.is_array(x):
        raise ValueError(f"{where} needs x to be an array.")
    kept = int(len(x) * (1 - share)) if 0 < share < 1 else 0
    if not 0 < kept < len(x):
        raise ValueError(
            f"{where} must be between 0 and 1 and leave examples of the "
            f"{len(x)} on both sides."
        )
    return (
        tuple(None if part is None else part[:kept] for part in parts),
        tuple(None if part is None else part[kept:] for part in parts),
    )


@contextlib.contextmanager
def told_plainly(
    where: str, complaints: Callable[[], dict[str, str]]
) -> Iterator[None]:
    """Turns a pipeline's complaint into the ValueError that it means.

    Args:
        where: who asks, for messages.
        complaints: gives what is to be said, by the message of `asserted`.
    """
    try:
        yield
    except tf.errors.InvalidArgumentError as error:
        for mark, message in complaints().items():
            if mark in str(error):
                raise ValueError(f"{where}: {message}") from None
        raise
