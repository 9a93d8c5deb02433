"""Sparse matrices, made dense a few rows at a time."""

from typing import Any, Self

import numpy as np
import tensorflow as tf


class SparseRows:
    """Examples of which most numbers are zero, as an array is used.

    What is asked for by `x[rows]`, a number, a slice or an array of row
    numbers, is made dense, and nothing else. Entries that are given twice add
    up.

    Args:
        starts: where each row begins among the values, (n + 1,).
        columns: the place of each value in its row.
        values: the numbers that are not zero.
        shape: of the whole, (n, ...).
    """

    def __init__(
        self,
        starts: np.ndarray,
        columns: np.ndarray,
        values: np.ndarray,
        shape: tuple[int, ...],
    ):
        self.starts = np.asarray(starts, np.int64)
        self.columns = columns
        self.values = values
        self.shape = tuple(int(size) for size in shape)

    @classmethod
    def of(cls, x: Any) -> Self:
        """Of any sparse matrix, or array of more than two dimensions."""
        shape = tuple(x.shape)
        if isinstance(x, tf.SparseTensor):
            places = x.indices.numpy().T
            return cls.of_places(places, x.values.numpy(), shape)
        if len(shape) == 2:
            rows = x.tocsr()
            return cls(rows.indptr, rows.indices, rows.data, shape)
        entries = x.tocoo()
        return cls.of_places(entries.coords, entries.data, shape)

    @classmethod
    def of_places(
        cls, places: Any, values: np.ndarray, shape: tuple[int, ...]
    ) -> Self:
        """Of coordinates, one array for each axis."""
        rows, *inner = (np.asarray(place) for place in places)
        order = np.argsort(rows, kind="stable")
        columns = np.zeros(len(rows), np.int64)
        if inner:
            columns = np.ravel_multi_index(tuple(inner), shape[1:])
        starts = np.searchsorted(rows[order], np.arange(shape[0] + 1))
        return cls(starts, columns[order], values[order], shape)

    @property
    def dtype(self) -> np.dtype:
        """Of the numbers."""
        return self.values.dtype

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """How many numbers there are, zeros among them."""
        return int(np.prod(self.shape))

    @property
    def width(self) -> int:
        """How many numbers a row has."""
        return int(np.prod(self.shape[1:]))

    def __len__(self):
        return self.shape[0]

    def __getitem__(self, rows):
        if isinstance(rows, slice):
            rows = np.arange(len(self))[rows]
        rows = np.asarray(rows)
        if not rows.ndim:
            return self[rows[None]][0]
        first, counts = self.starts[rows], np.diff(self.starts)[rows]
        ends = np.cumsum(counts)
        # Of each value that is asked for: its row here, and its place there.
        row = np.repeat(np.arange(len(rows)), counts)
        place = np.arange(row.size) + np.repeat(first - ends + counts, counts)
        dense = np.zeros((len(rows), self.width), self.dtype)
        np.add.at(dense, (row, self.columns[place]), self.values[place])
        return dense.reshape(len(rows), *self.shape[1:])

    def __array__(self, dtype=None, copy=None):
        return self[:].astype(dtype or self.dtype)

    def rows(self, first: int | None, last: int | None) -> Self:
        """Some of the rows, still sparse."""
        kept = np.arange(len(self))[first:last]
        low = kept[0] if len(kept) else 0
        starts = self.starts[low : low + len(kept) + 1]
        inside = slice(starts[0], starts[-1])
        values = self.values[inside]
        shape = (len(kept), *self.shape[1:])
        return type(self)(
            starts - starts[0], self.columns[inside], values, shape
        )

    def astype(self, dtype: Any) -> Self:
        """The same, of another dtype."""
        values = self.values.astype(dtype)
        return type(self)(self.starts, self.columns, values, self.shape)

    def arranged(self, shape: tuple[int, ...]) -> Self:
        """The same rows, each in another shape."""
        shape = (len(self), *shape)
        return type(self)(self.starts, self.columns, self.values, shape)
