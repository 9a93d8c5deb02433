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

from genzoo.runtime import batch, distribute, random

# What a pipeline says of values that are not in the space.
OUTSIDE = "genzoo: values outside of the space"
# Rows of an array that are looked at together.
_ROWS = 4096


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

    def cast(found, *others):
        # Conditions and weights stay as they are.
        if isinstance(found, dict):
            return {**found, "x": tf.cast(found["x"], tf.float32)}
        found = tf.cast(found, tf.float32)
        return (found, *others) if others else found

    return x.map(cast)


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


def parts(
    x: Any, weight: np.ndarray | None = None, steps: int | None = None
) -> Iterator[tuple[np.ndarray, np.ndarray | None]]:
    """Batches of examples with their weights, or None, as arrays."""
    for found, of_part, _ in known_parts(x, weight, None, steps):
        yield found, of_part


def known_parts(
    x: Any,
    weight: np.ndarray | None = None,
    seen: np.ndarray | None = None,
    steps: int | None = None,
) -> Iterator[tuple[np.ndarray, np.ndarray | None, np.ndarray | None]]:
    """Batches of examples, their weights and what is seen, or None.

    Args:
        x: array of shape (n, ...), or a checked dataset of batches, which
            may carry weights of its own.
        weight: of an array, (n,).
        seen: what of an array is known, bool in its shape.
        steps: how many batches of a dataset to see; None means all.
    """
    if is_array(x):
        for i in range(0, len(x), _ROWS):
            some = slice(i, i + _ROWS)
            of_part = None if weight is None else weight[some]
            yield x[some], of_part, None if seen is None else seen[some]
        return
    for found in x if steps is None else x.take(steps):
        # Conditions come second.
        found = found[0] if isinstance(found, tuple) else found
        found = batch.unpacked(found)
        own = batch.weight(found)
        known = batch.seen(found)
        yield (
            np.asarray(batch.examples(found)),
            None if own is None else np.asarray(own),
            None if known is None else np.asarray(known),
        )


def shuffled(
    x: Any,
    batch_size: int,
    permutation: Callable[[], np.ndarray],
) -> tf.data.Dataset:
    """Batches of an array, in a new order each time it is iterated.

    Args:
        x: array of shape (n, ...), or a nest of arrays of n rows.
        batch_size: rows of a batch; the last one may be shorter.
        permutation: function without arguments, called as an epoch begins,
            that gives an order of range(n).
    """
    rows = len(tf.nest.flatten(x)[0])

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


class Count:
    """How many independent examples weights stand for, part by part.

    Whole numbers count repetitions: their sum. Of others it is
    `(sum w)^2 / sum w^2`, which does not depend on their unit.

    Attributes:
        total: the sum so far.
        rows: how many there were.
    """

    def __init__(self):
        self.total = 0.0
        self.rows = 0
        self._square = 0.0
        self._are_whole = True

    def add(self, weight: np.ndarray | None, rows: int) -> np.ndarray:
        """Take the weights of so many more rows in; None are ones."""
        one = np.ones(rows) if weight is None else weight
        one = np.asarray(one, np.float64)
        self.rows += rows
        self.total += one.sum()
        self._square += np.square(one).sum()
        whole = (one == np.round(one)).all() and (one >= 0).all()
        self._are_whole = self._are_whole and bool(whole)
        return one

    @property
    def examples(self) -> float:
        """Independent examples."""
        if self._are_whole:
            return self.total
        return self.total**2 / self._square


def moments(
    x: np.ndarray | tf.data.Dataset,
    steps: int | None = None,
    weight: np.ndarray | None = None,
    known: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray, float]:
    """(mean, variance, how many) of what is known of the examples, float64.

    Args:
        x: array of shape (n, ...), or a dataset of batches.
        steps: how many batches of a dataset to see; None means all.
        weight: of the rows of an array.
        known: what of an array is known, bool in its shape.
    """
    count = Count()
    total: Any = 0.0
    # The weight of what is known of each column.
    of_column: Any = 0.0
    square: Any = 0.0
    first: Any = None
    for part, of_part, seen in known_parts(x, weight, known, steps):
        part = part.astype(np.float64)
        # From an example, so that squares do not cancel far from zero.
        first = part[0] if first is None else first
        part = part - first
        one = count.add(of_part, len(part))
        if seen is not None:
            part = np.where(seen, part, 0.0)
            of_column = of_column + np.tensordot(one, seen, 1)
        if of_part is None:
            total += part.sum(axis=0)
            square += np.square(part).sum(axis=0)
        else:
            total += np.tensordot(one, part, 1)
            square += np.tensordot(one, np.square(part), 1)
    size: Any = count.total
    if np.ndim(of_column):
        size = np.maximum(of_column, 1e-300)
    mean = total / size
    variance = np.maximum(square / size - mean**2, 0.0)
    return first + mean, variance, count.examples


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
