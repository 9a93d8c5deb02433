"""Input pipelines: batches that are checked, in an order that is reproducible.

Keras's own shuffling of an array replays one permutation each epoch once
`keras.utils.set_random_seed` was called.
"""

import contextlib
import inspect
import mmap
import re
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import h5py
import keras
import numpy as np
import tensorflow as tf

from genzoo.runtime import batch, distribute, looks, random, stored
from genzoo.runtime.sparse import SparseRows
from genzoo.runtime.stored import StoredRows

# What a pipeline says of values that are not in the space.
OUTSIDE = "genzoo: values outside of the space"
# What it says before a message that is for the user as it is.
TOLD = "genzoo: of a batch: "
# An assertion in a graph says it in a list, with its own escapes.
_TOLD = re.compile(
    rf"(\[)?{re.escape(TOLD)}(.*?)(?:\\n)?(?(1)\])(?:\\n\]|$)", re.M
)
# Numbers that are looked at together.
_NUMBERS = 2**22
# Columns that a message names.
_MOST_NAMED = 4
# Rows of which squares of bytes add up below 2**24: float32 holds the sum.
_OF_BYTES = 256


def is_array(x: Any) -> bool:
    """Whether x is held in memory as one array."""
    if isinstance(x, tf.data.Dataset) or distribute.is_shared_out(x):
        return False
    return isinstance(x, (list, tuple)) or hasattr(x, "shape")


def is_on_disk(x: Any) -> bool:
    """Whether x is an array in rows that a file holds."""
    if isinstance(x, h5py.Dataset):
        return bool(x.shape)
    if not isinstance(x, np.ndarray) or not x.ndim:
        return False
    while isinstance(x, np.ndarray):
        x = x.base
    return isinstance(x, mmap.mmap)


def are_bytes(x: np.ndarray) -> bool:
    """Whether an array holds whole numbers of one byte, or bools."""
    return x.dtype.kind in "biu" and x.dtype.itemsize == 1


class ByteSums:
    """Sums of bytes and of their squares over rows, part by part.

    All are whole numbers that float32 or int64 hold, so that they are what
    sums in float64 are, in any order.

    Attributes:
        rows: how many there were.
        first: the first of them.
    """

    def __init__(self):
        self.rows = 0
        self.first: Any = None
        self._sum: Any = np.int64(0)
        self._square: Any = np.int64(0)

    def add(self, part: np.ndarray) -> None:
        """Take more rows in, (n, ...) with n > 0."""
        if self.first is None:
            self.first = part[0].astype(np.int64)
        self.rows += len(part)
        part = part.reshape(len(part), -1)
        ones = np.ones(_OF_BYTES, np.float32)
        for start in range(0, len(part), _OF_BYTES):
            rows = part[start : start + _OF_BYTES].astype(np.float32)
            own = ones[: len(rows)]
            self._sum = self._sum + (own @ rows).astype(np.int64)
            np.multiply(rows, rows, out=rows)
            self._square = self._square + (own @ rows).astype(np.int64)

    def about_first(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(first, sum, sum of squares) of differences from it, float64."""
        first, shape = self.first.ravel(), self.first.shape
        total = self._sum - self.rows * first
        square = self._square - 2 * first * self._sum + self.rows * first**2
        first, total, square = (
            np.reshape(found, shape).astype(np.float64)
            for found in (first, total, square)
        )
        return first, total, square


def is_sparse(x: Any) -> bool:
    """Whether x is a sparse matrix of SciPy or of TensorFlow."""
    return hasattr(x, "tocsr") or isinstance(x, tf.SparseTensor)


def as_array(x: Any, wide: bool = False) -> Any:
    """A NumPy array of x in a compact dtype: no objects, no needless float64.

    Sparse matrices stay so: they become `SparseRows`, which are used alike.

    Args:
        x: numbers: an array or what NumPy makes one of, a frame of pandas or
            polars, a tensor of PyTorch, or a sparse matrix.
        wide: whether float64 is kept.

    Raises:
        ValueError: if x is not numeric.
    """
    if isinstance(x, (SparseRows, StoredRows)):
        return x
    if isinstance(x, tf.data.Dataset) or is_stream(x):
        raise ValueError(
            f"x must be numeric, an array; received {type(x).__name__}, which "
            "gives batches. Pass it to fit, evaluate or predict, or take one "
            "batch of it."
        )
    if is_sparse(x):
        x = SparseRows.of(x)
    elif hasattr(x, "detach") and hasattr(x, "cpu"):
        x = np.asarray(x.detach().cpu())
    elif hasattr(x, "dtypes") and hasattr(x, "to_numpy"):
        x = _numbers_of_frame(x)
    else:
        x = _array_of(x)
    if x.dtype.kind not in "biuf" and x.dtype.name != "bfloat16":
        raise ValueError(
            f"x must be numeric; received dtype {x.dtype}.{_of_others(x)}"
        )
    dtype = _compact(x.dtype, wide)
    return x if x.dtype == dtype else x.astype(dtype)


def _compact(dtype, wide):
    """The dtype in which numbers are kept; TensorFlow has none beyond 64."""
    if dtype.kind == "f" and dtype.itemsize >= 8:
        return np.dtype(np.float64 if wide else np.float32)
    return dtype


def as_rows(x: Any, wide: bool = False) -> Any:
    """As `as_array`; what is in a file, or is large, is not copied.

    Rows of a memory-mapped array or an h5py.Dataset, and large ones that
    another dtype would be made of, become `StoredRows`.

    Raises:
        ValueError: if x is not numeric.
    """
    kind = getattr(getattr(x, "dtype", None), "kind", "")
    if kind and kind in "biuf" and not np.ma.isMaskedArray(x):
        dtype = _compact(x.dtype, wide)
        is_large = isinstance(x, np.ndarray) and x.nbytes > stored.SMALL
        if is_on_disk(x) or (is_large and dtype != x.dtype):
            return StoredRows(x, dtype)
    return as_array(x, wide)


def is_frame(x: Any) -> bool:
    """Whether x is a frame or a column of pandas or polars."""
    return hasattr(x, "to_numpy") and (
        hasattr(x, "dtypes") or hasattr(x, "get_column")
    )


def is_na(value: Any) -> bool:
    """Whether this stands for a missing value: None, or that of pandas."""
    return value is None or type(value).__name__ in ("NAType", "NaTType")


def with_nan(x: Any) -> Any:
    """x; if it is of objects that are numbers or missing, with NaN for these.

    Only where what is missing has a meaning; others are told of it.
    """
    if is_sparse(x) or isinstance(x, (SparseRows, StoredRows)):
        return x
    try:
        found = x.to_numpy() if is_frame(x) else np.asarray(x)
        if found.dtype.kind != "O":
            return x
        known = [np.nan if is_na(value) else value for value in found.flat]
        if any(isinstance(value, (str, bytes)) for value in known):
            return x
        return np.array(known, np.float64).reshape(found.shape)
    except (TypeError, ValueError):
        return x


def _array_of(x):
    if isinstance(x, np.ma.MaskedArray) and np.ma.is_masked(x):
        # What lies under the mask is no number that was measured.
        return np.ma.filled(x.astype(np.float64), np.nan)
    if isinstance(x, tf.RaggedTensor):
        raise ValueError(
            "x must be numeric, an array; received a RaggedTensor. If its "
            "rows have one length, take x.to_tensor()."
        )
    try:
        return np.asarray(x)
    except ValueError:
        # NumPy makes no array of rows that differ.
        lengths = sorted({len(r) if hasattr(r, "__len__") else 0 for r in x})
        raise ValueError(
            "x must be numeric, an array; its rows have different lengths or "
            f"shapes, of {lengths[0]} to {lengths[-1]}. Cut or fill them to "
            "the same length."
        ) from None


def _of_others(x):
    """What to do with an array that is not of numbers."""
    values = x.ravel()
    if x.dtype.kind == "c":
        return " Take its parts: numpy.stack([x.real, x.imag], axis=-1)."
    if x.dtype.kind in "mM":
        return " Count the time from a start, as numbers of days or seconds."
    found = next(
        (
            (place, value)
            for place, value in enumerate(values[:_NUMBERS])
            if not isinstance(value, (int, float, np.number, np.bool_))
        ),
        None,
    )
    if found is None:
        return " Take x.astype(float)." if values.size else ""
    place, value = found
    where = np.unravel_index(place, x.shape)
    if isinstance(value, Mapping):
        return (
            f" It holds dicts, of {sorted(map(str, value))[:_MOST_NAMED]}: "
            "take the entry that is meant of each."
        )
    if is_na(value):
        at = ", ".join(map(str, where))
        return (
            f" x[{at}] is {value!r}, a missing value: take x.astype(float), "
            "in which it is NaN, and pass missing='nan' to fit."
        )
    if isinstance(value, (str, bytes)):
        return f" It holds text, such as {str(value)!r}." + _if_numbers(values)
    return f" It holds {type(value).__name__} objects."


def _if_numbers(values):
    try:
        np.asarray(values[:_MOST_NAMED], np.float64)
    except (TypeError, ValueError):
        return (
            " Number the categories, for example by numpy.unique(column, "
            "return_inverse=True)[1], and take "
            "units.Categorical(columns, states).one_hot of the numbers."
        )
    return " If all are numbers, take x.astype(float)."


def _numbers_of_frame(frame):
    """Of a frame of pandas or polars; what is missing becomes NaN."""
    kinds = list(np.atleast_1d(np.asarray(frame.dtypes, object)))
    names = list(getattr(frame, "columns", range(len(kinds))))
    strange = [
        f"{name!r} ({kind})"
        for name, kind in zip(names, kinds, strict=False)
        if not _is_numeric(kind)
    ]
    if strange:
        more = ", ..." if len(strange) > _MOST_NAMED else ""
        raise ValueError(
            "x must be numeric; received dtype object: the columns "
            f"{', '.join(strange[:_MOST_NAMED])}{more} hold text, categories "
            "or objects. genzoo.datasets.Table(frame) encodes them as "
            "numbers, and decodes samples. Or number the categories of each, "
            "column.astype('category').cat.codes in pandas, and take "
            "units.Categorical(columns, states).one_hot of the numbers; take "
            "column.astype(float) if they are numbers, or drop them."
        )
    if hasattr(frame, "get_column"):
        columns = [frame.get_column(name).to_numpy() for name in names]
        columns = [
            column.astype(np.float64) if column.dtype.kind == "O" else column
            for column in columns
        ]
        return np.stack(columns, axis=1) if columns else np.zeros((0, 0))
    kept = np.asarray(frame)
    if kept.dtype.kind != "O":
        return kept
    return frame.to_numpy(dtype=np.float64, na_value=np.nan)


def _is_numeric(kind):
    if hasattr(kind, "is_numeric"):
        return kind.is_numeric() or str(kind) == "Boolean"
    kind = getattr(kind, "subtype", kind)
    return getattr(kind, "kind", "O") in "biuf"


def dense(x: Any) -> Any:
    """x; as an array, if it is a sparse matrix."""
    return np.asarray(as_array(x, wide=True)) if is_sparse(x) else x


def as_float(x: Any, wide: bool = False) -> Any:
    """x, an array or a dataset, with float32 numbers, or float64 if wide."""
    if is_array(x):
        return x.astype(np.float64 if wide else np.float32)
    dtype = tf.float64 if wide else tf.float32

    def cast(found, *others):
        # Conditions and weights stay as they are.
        if isinstance(found, dict):
            return {**found, "x": tf.cast(found["x"], dtype)}
        found = tf.cast(found, dtype)
        return (found, *others) if others else found

    return mapped(x, cast)


_as_it_stands = tf.autograph.experimental.do_not_convert


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
        size = rows_at_once(x)
        for i in range(0, len(x), size):
            some = slice(i, i + size)
            of_part = None if weight is None else weight[some]
            known = None if seen is None else seen[some]
            yield np.asarray(x[some]), of_part, known
        return
    yield from map(known_part, looks.first_batches(x, steps))


def known_part(found: Any) -> tuple[np.ndarray, Any, Any]:
    """(x, weight, seen) of a checked batch of a dataset."""
    # Conditions come second.
    found = found[0] if isinstance(found, tuple) else found
    found = batch.unpacked(found)
    own = batch.weight(found)
    known = batch.seen(found)
    return (
        np.asarray(batch.examples(found)),
        None if own is None else np.asarray(own),
        None if known is None else np.asarray(known),
    )


def first_rows(
    given: Any, most: int, steps: int | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(x, weight, seen) of the first batches, as rows.

    Args:
        given: checked examples: (x, y, weight, seen).
        most: no further batch is looked at after so many numbers.
        steps: how many batches of a dataset to see; None means all.

    Returns:
        x, float32 (n, width), their weights, (n,), and what is known, bool.
    """
    found, size = [], 0
    x, _, weight, seen = given
    for part, own, known in known_parts(x, weight, seen, steps):
        rows = part.reshape(len(part), -1).astype(np.float32)
        own = np.ones(len(rows)) if own is None else own
        known = np.ones(rows.shape, bool) if known is None else known
        found.append((rows, own, known.reshape(rows.shape)))
        size += rows.size
        if size >= most:
            break
    together = [np.concatenate(parts) for parts in zip(*found, strict=True)]
    return together[0], together[1], together[2]


def mapped(
    dataset: tf.data.Dataset, function: Callable, parallel: bool = False
) -> tf.data.Dataset:
    """A dataset of what a function makes of each element.

    Args:
        dataset: with any elements.
        function: of an element. As it stands: AutoGraph, which takes a second
            to read long ones, would find no loops over tensors in ours.
        parallel: whether several elements may be made at the same time.
    """
    calls = tf.data.AUTOTUNE if parallel else None
    return dataset.map(_as_it_stands(function), num_parallel_calls=calls)


def weakly(function: Callable) -> Callable:
    """The same function; a method knows its object while others hold it.

    TensorFlow keeps each Python function of a pipeline for ever, and with a
    method all that its object holds: a model, its threads, or the data.
    """
    if not inspect.ismethod(function):
        return function
    method = weakref.WeakMethod(function)

    def call(*arguments):
        known = method()
        assert known is not None, "the pipeline has outlived its source"
        return known(*arguments)

    return call


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
    whole = rows - rows % batch_size

    # Not `from_generator`: it makes the C library give back all freed memory
    # at once, and each training step then pays for it with page faults. One
    # function: each is made ready anew as an epoch begins, in milliseconds.
    def batches_of(_):
        numbers = tf.numpy_function(weakly(permutation), [], tf.int64)
        order = tf.ensure_shape(numbers, (rows,))
        # Rows of a matrix: no call of a function for each batch.
        matrix = tf.reshape(order[:whole], (-1, batch_size))
        dataset = tf.data.Dataset.from_tensor_slices(matrix)
        if whole == rows:
            return dataset
        rest = tf.data.Dataset.from_tensors(order[whole:])
        return dataset.concatenate(rest)

    once = tf.data.Dataset.range(1)
    batches = once.flat_map(_as_it_stands(batches_of))
    parts = tf.nest.flatten(x)
    # Of the others the pipeline would hold a copy.
    parts = [_read_by_batch(part) for part in parts]
    held = [p for p in parts if not isinstance(p, (SparseRows, StoredRows))]
    if held:
        source = tf.data.Dataset.from_tensors(tuple(held)).repeat()
        batches = tf.data.Dataset.zip(batches, source)

    def gathered(order, held=()):
        rest = iter(held)
        return tf.nest.pack_sequence_as(
            x,
            [
                _read(part, order)
                if isinstance(part, (SparseRows, StoredRows))
                else tf.gather(next(rest), order)
                for part in parts
            ],
        )

    dataset = mapped(batches, gathered)
    # tf.data does not know the length of a flat_map, and `fit` shows it.
    cardinality = tf.data.experimental.assert_cardinality(
        steps_of(rows, batch_size)
    )
    return _one_ahead(dataset.apply(cardinality))


def steps_of(rows: int, batch_size: int) -> int:
    """How many batches so many rows are."""
    return -(-rows // batch_size)


def are_even(x: Any) -> bool:
    """Whether a dataset says of its batches that all have one size."""
    spec = getattr(x, "element_spec", None)
    sizes = {s.shape[:1].as_list()[0] for s in tf.nest.flatten(spec) if s.shape}
    return spec is not None and None not in sizes


def in_order(x: Any, batch_size: int) -> tf.data.Dataset:
    """Batches of an array, as they come.

    Args:
        x: array of shape (n, ...), or a nest of arrays of n rows.
        batch_size: rows of a batch; the last one may be shorter.
    """
    rows = len(tf.nest.flatten(x)[0])
    # One batch of all is read once.
    own = _in_memory if batch_size >= rows else _read_by_batch
    x = tf.nest.map_structure(own, x)
    parts = tf.nest.flatten(x)
    if any(isinstance(part, (SparseRows, StoredRows)) for part in parts):
        return shuffled(x, batch_size, lambda: np.arange(rows))
    whole = rows - rows % batch_size

    def batches(part):
        return np.reshape(part[:whole], (-1, batch_size, *part.shape[1:]))

    # No functions, which are made ready anew each time that it is iterated.
    slices = tf.nest.map_structure(batches, x)
    dataset = tf.data.Dataset.from_tensor_slices(slices)
    if whole < rows:
        rest = tf.nest.map_structure(lambda part: part[whole:], x)
        rest = tf.data.Dataset.from_tensors(rest)
        dataset = dataset.concatenate(rest) if whole else rest
    return _one_ahead(dataset)


def _one_ahead(dataset):
    options = tf.data.Options()
    # A gather, one batch ahead: nothing to tune. The thread that tunes was
    # seen to hold up the end of long epochs by a minute.
    options.autotune.enabled = False
    options.experimental_distribute.auto_shard_policy = (
        tf.data.experimental.AutoShardPolicy.DATA
    )
    return dataset.with_options(options).prefetch(2)


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


def _read_by_batch(part: Any) -> Any:
    """What rows are taken from: of a large array `StoredRows` of it."""
    is_large = isinstance(part, np.ndarray) and part.nbytes > stored.SMALL
    return StoredRows(part) if is_large else part


def _in_memory(part: Any) -> Any:
    """An array of rows that lie elsewhere."""
    return part[:] if isinstance(part, StoredRows) else part


def _read(rows: SparseRows | StoredRows, order: tf.Tensor) -> tf.Tensor:
    """Some rows of what the pipeline does not hold."""
    found = tf.numpy_function(weakly(rows.__getitem__), [order], rows.dtype)
    # Graphs are those of batches that the pipeline holds, to the last bit.
    return tf.ensure_shape(found, (*order.shape, *rows.shape[1:]))


def fed(x: Any, y: Any, batch_size: int | None) -> tuple[Any, Any]:
    """What Keras's loops take of checked data: x and y, or a dataset of both.

    Args:
        x: arrays, a nest of them, or a dataset.
        y: arrays that belong to them, or None.
        batch_size: rows of a batch of arrays; None for a dataset.
    """
    if batch_size is None:
        return x, y
    # A list would be one tensor to tf.data, and a pair x and y to Keras.
    x = tuple(x) if isinstance(x, list) else x
    alone = (x,) if isinstance(x, tuple) else x
    return in_order(alone if y is None else (x, y), batch_size), None


def rows_at_once(x: Any, most: int = 4096) -> int:
    """How many rows of an array are looked at together, at most so many."""
    width = int(np.prod(x.shape[1:]))
    return int(np.clip(_NUMBERS // max(width, 1), 1, most))


def in_parts(x: Any) -> Iterator[tuple[int, np.ndarray]]:
    """(number of the first row, rows in float64) of an array, in order."""
    size = rows_at_once(x)
    for first in range(0, len(x), size):
        yield first, np.asarray(x[first : first + size], np.float64)


class Ends(NamedTuple):
    """What lies in an array.

    Attributes:
        missing: how many numbers are NaN.
        infinite: how many are infinite.
        low: the least, NaN if one is.
        high: the greatest.
    """

    missing: int
    infinite: int
    low: float
    high: float


def ends(x: Any) -> Ends:
    """The `Ends` of an array that is not empty, rows in any form."""
    parts = [
        (np.isnan(x).sum(), np.isinf(x).sum(), x.min(), x.max())
        for _, x in in_parts(x)
    ]
    missing, infinite, low, high = (
        np.array(column) for column in zip(*parts, strict=True)
    )
    return Ends(
        int(missing.sum()),
        int(infinite.sum()),
        float(low.min()),
        float(high.max()),
    )


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

    Raises:
        ValueError: for `told_plainly`, if weights have no mean, or a column
            is never known.
    """
    count = Count()
    total: Any = 0.0
    # The weight of what is known of each column.
    of_column: Any = 0.0
    square: Any = 0.0
    first: Any = None
    exact = ByteSums()
    for part, of_part, seen in known_parts(x, weight, known, steps):
        if of_part is None and seen is None and are_bytes(part):
            count.add(None, len(part))
            exact.add(part)
            continue
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
    if exact.rows:
        first, total, square = exact.about_first()
    size: Any = count.total
    if not size > 0:
        raise ValueError(
            f"{TOLD}the weights of the examples have the sum {size:g}; they "
            "must have one above 0."
        )
    if np.ndim(of_column):
        check_known(of_column > 0)
        size = of_column
    mean = total / size
    variance = np.maximum(square / size - mean**2, 0.0)
    return first + mean, variance, count.examples


def check_known(is_known: np.ndarray) -> None:
    """Raise a ValueError, for `told_plainly`, if a column is never known.

    Args:
        is_known: of each column whether an example that counts has it, bool.
    """
    never = np.flatnonzero(~is_known)
    if len(never):
        shown = ", ".join(map(str, never[:8])) + ", ..." * (len(never) > 8)
        raise ValueError(
            f"{TOLD}x: {len(never)} of {is_known.size} columns are never "
            f"known (numbers {shown}). Leave them out."
        )


def first_batch(where: str, dataset: tf.data.Dataset) -> Any:
    """The first batch of a dataset.

    Raises:
        ValueError: if it is no dataset, or empty.
    """
    if not isinstance(dataset, tf.data.Dataset):
        raise ValueError(
            f"{where}: x must be an array, a tf.data.Dataset, a "
            "keras.utils.PyDataset or a generator of batches; received "
            f"{type(dataset).__name__}.{_of_no_data(dataset)}"
        )
    first = next(looks.first_batches(dataset, 1), None)
    if first is None:
        raise ValueError(f"{where}: the dataset is empty.")
    return first


def _of_no_data(x):
    if isinstance(x, (str, bytes)) or hasattr(x, "__fspath__"):
        return " Read the file, for example by numpy.load(x)."
    if callable(x):
        return " Call it: x()."
    return " Give an array of rows."


def is_endless(dataset: Any) -> bool:
    """Whether it is a dataset that is known to have no end."""
    if not isinstance(dataset, tf.data.Dataset):
        return False
    return dataset.cardinality() == tf.data.INFINITE_CARDINALITY


def is_stream(x: Any) -> bool:
    """Whether x gives batches, but is no dataset of TensorFlow."""
    if isinstance(x, keras.utils.PyDataset):
        return True
    known = (tf.data.Dataset, Mapping, tuple, str, bytes)
    if is_array(x) or isinstance(x, known) or distribute.is_shared_out(x):
        return False
    return isinstance(x, Iterable)


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
        tuple(_some(part, None, kept) for part in parts),
        tuple(_some(part, kept, None) for part in parts),
    )


def _some(part, first, last):
    if isinstance(part, tuple):
        return tuple(_some(one, first, last) for one in part)
    if isinstance(part, (SparseRows, StoredRows)):
        return part.rows(first, last)
    return None if part is None else part[first:last]


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
    except (tf.errors.InvalidArgumentError, ValueError) as error:
        told = _TOLD.search(str(error))
        if told is not None:
            said = told[2].replace("\\'", "'")
            raise ValueError(f"{where}: {said}") from None
        for mark, message in complaints().items():
            if mark in str(error):
                raise ValueError(f"{where}: {message}") from None
        raise
