"""Input pipelines: batches that are checked, in an order that is reproducible.

Keras's own shuffling of an array replays one permutation each epoch once
`keras.utils.set_random_seed` was called.
"""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from genzoo.runtime import distribute, random

# What a pipeline says of values that are not in the space.
OUTSIDE = "genzoo: values outside of the space"


def is_array(x: Any) -> bool:
    """Whether x is held in memory as one array."""
    if isinstance(x, tf.data.Dataset) or distribute.is_shared_out(x):
        return False
    return isinstance(x, (list, tuple)) or hasattr(x, "shape")


def as_array(x: Any, wide: bool = False) -> np.ndarray:
    """A NumPy array of x in a compact dtype: no objects, no needless float64.

    Args:
        x: numbers.
        wide: whether float64 is kept.

    Raises:
        ValueError: if x is not numeric.
    """
    if hasattr(x, "dtypes") and hasattr(x, "to_numpy"):
        # pandas keeps numbers that may be missing as objects.
        kept = np.asarray(x)
        x = kept if kept.dtype.kind != "O" else _numbers_of_frame(x)
    x = np.asarray(x)
    if x.dtype.kind not in "biuf" and x.dtype.name != "bfloat16":
        raise ValueError(f"x must be numeric; received dtype {x.dtype}.")
    is_wide = x.dtype == np.float64 and not wide
    return x.astype(np.float32) if is_wide else x


def _numbers_of_frame(frame):
    columns = frame.dtypes
    kinds = [getattr(kind, "kind", "O") for kind in np.atleast_1d(columns)]
    if not set(kinds) <= set("biuf"):
        return frame
    return frame.to_numpy(dtype=np.float64, na_value=np.nan)


def as_float(x: Any) -> Any:
    """x, an array or a dataset, with float32 numbers."""
    if is_array(x):
        return x.astype(np.float32)
    # Conditions stay as they are.
    return x.map(
        lambda batch, *others: (
            (tf.cast(batch, tf.float32), *others)
            if others
            else tf.cast(batch, tf.float32)
        )
    )


class EpochOrder(keras.callbacks.Callback):
    """The order of the examples in the epoch that has begun.

    A callback, because the pipeline runs in threads of its own: only as an
    epoch begins is it certain which draws were made before.

    Args:
        rows: number of examples.
        draws: the model's `DrawCounter`.
    """

    def __init__(self, rows: int, draws: random.DrawCounter):
        super().__init__()
        self.rows = rows
        self.draws = draws
        self.key = draws.epoch_key()

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Take the key of this epoch."""
        self.key = self.draws.epoch_key()

    def permutation(self) -> np.ndarray:
        """An order of range(rows)."""
        return random.permutation(self.rows, self.key)


def shuffled(
    x: np.ndarray | tuple[np.ndarray, ...],
    batch_size: int,
    permutation: Callable[[], np.ndarray],
) -> tf.data.Dataset:
    """Batches of an array, in a new order each time it is iterated.

    Args:
        x: array of shape (n, ...), or a tuple of arrays of n rows.
        batch_size: rows of a batch; the last one may be shorter.
        permutation: function without arguments, called as an epoch begins,
            that gives an order of range(n).
    """
    rows = len(x[0]) if isinstance(x, tuple) else len(x)

    def order(_):
        numbers = tf.numpy_function(permutation, [], tf.int64)
        return tf.ensure_shape(numbers, (rows,))

    # Not `from_generator`: it makes the C library give back all freed memory
    # at once, and each training step then pays for it with page faults.
    orders = tf.data.Dataset.range(1).map(order)
    whole = rows - rows % batch_size

    def batches_of(order):
        # Rows of a matrix: no call of a function for each batch.
        matrix = tf.reshape(order[:whole], (-1, batch_size))
        dataset = tf.data.Dataset.from_tensor_slices(matrix)
        if whole == rows:
            return dataset
        rest = tf.data.Dataset.from_tensors(order[whole:])
        return dataset.concatenate(rest)

    batches = orders.flat_map(batches_of)
    source = tf.data.Dataset.from_tensors(x).repeat()
    dataset = tf.data.Dataset.zip(batches, source).map(
        lambda order, all_rows: tf.nest.map_structure(
            lambda part: tf.gather(part, order), all_rows
        )
    )
    # tf.data does not know the length of a flat_map, and `fit` shows it.
    steps = -(-rows // batch_size)
    cardinality = tf.data.experimental.assert_cardinality(steps)
    options = tf.data.Options()
    # A gather, one batch ahead: nothing to tune. The thread that tunes was
    # seen to hold up the end of long epochs by a minute.
    options.autotune.enabled = False
    options.experimental_distribute.auto_shard_policy = (
        tf.data.experimental.AutoShardPolicy.DATA
    )
    return dataset.apply(cardinality).with_options(options).prefetch(2)


def moments(
    x: np.ndarray | tf.data.Dataset, steps: int | None = None
) -> tuple[np.ndarray, np.ndarray, int]:
    """(mean, variance, count) over the examples, float64.

    Args:
        x: array of shape (n, ...), or a dataset of batches.
        steps: how many batches of a dataset to see; None means all.
    """
    if is_array(x):
        batches: Any = (x[i : i + 4096] for i in range(0, len(x), 4096))
    else:
        batches = x if steps is None else x.take(steps)
    count = 0
    total: Any = 0.0
    square: Any = 0.0
    first: Any = None
    for batch in batches:
        batch = np.asarray(batch, np.float64)
        # From an example, so that squares do not cancel far from zero.
        first = batch[0] if first is None else first
        batch = batch - first
        count += len(batch)
        total += batch.sum(axis=0)
        square += np.square(batch).sum(axis=0)
    mean = total / count
    variance = np.maximum(square / count - mean**2, 0.0)
    return first + mean, variance, count


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
    if not is_array(x):
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


def asserted(x: Any, complaints: dict[str, tf.Tensor]) -> Any:
    """x, a nest of tensors, which fails with the message of what is true."""
    checked = [
        tf.debugging.Assert(tf.logical_not(wrong), [message])
        for message, wrong in complaints.items()
    ]
    with tf.control_dependencies([op for op in checked if op]):
        return tf.nest.map_structure(tf.identity, x)


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
