"""Rows that stay where they lie, in a file or in the user's own array."""

from typing import Any, Self

import numpy as np

# Bytes up to which an array is copied: into another dtype, into a pipeline.
SMALL = 2**26


class StoredRows:
    """Examples of which only those that are asked for are read and cast.

    What is asked for by `x[rows]`, a slice or an array of row numbers in any
    order, becomes an array of `dtype`; nothing else is read or copied.

    Args:
        source: an array of NumPy, in memory or mapped, or an h5py.Dataset.
        dtype: of what is read; None is that of the source.
        first: row of the source that is row 0.
        last: row of the source behind the last one, None for all.
        event: the shape in which a row is arranged; None is that it has.

    Example:
    >>> rows = StoredRows(np.eye(3), "float32")
    >>> rows[np.array([2, 0])]
    array([[0., 0., 1.],
           [1., 0., 0.]], dtype=float32)
    """

    def __init__(
        self,
        source: Any,
        dtype: Any = None,
        first: int = 0,
        last: int | None = None,
        event: tuple[int, ...] | None = None,
    ):
        self.source = source
        kept = np.dtype(source.dtype if dtype is None else dtype)
        self.dtype = kept.newbyteorder("=")
        self.first = first
        self.last = len(source) if last is None else last
        event = tuple(source.shape[1:]) if event is None else tuple(event)
        self.shape = (self.last - self.first, *event)

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """How many numbers there are."""
        return int(np.prod(self.shape, dtype=np.int64))

    def __len__(self):
        return self.shape[0]

    def __getitem__(self, rows):
        if isinstance(rows, (int, np.integer)):
            return self[np.array([rows])][0]
        if isinstance(rows, slice):
            places = range(self.first, self.last)[rows]
            found = self._run(places)
        else:
            places = np.arange(self.first, self.last)[np.asarray(rows)]
            found = self._picked(places)
        found = np.asarray(found).astype(self.dtype, copy=False)
        return found.reshape(len(found), *self.shape[1:])

    def _run(self, places):
        """Rows at equal distances."""
        if not places:
            return self.source[:0]
        if places.step < 0:
            return self._run(places[::-1])[::-1]
        return self.source[places.start : places.stop : places.step]

    def _picked(self, places):
        """Any rows; a file gives them only once each, and in its order."""
        if isinstance(self.source, np.ndarray) or not len(places):
            return self.source[places]
        known, where = np.unique(places, return_inverse=True)
        if known[-1] - known[0] + 1 == len(known):
            return self._run(range(known[0], known[-1] + 1))[where]
        return self.source[known][where]

    def __array__(self, dtype=None, copy=None):
        return self[:].astype(dtype or self.dtype, copy=False)

    def rows(self, first: int | None, last: int | None) -> Self:
        """Some of the rows, still where they lie."""
        kept = range(self.first, self.last)[first:last]
        return type(self)(
            self.source, self.dtype, kept.start, kept.stop, self.shape[1:]
        )

    def astype(self, dtype: Any) -> Self:
        """The same, of another dtype."""
        return type(self)(
            self.source, dtype, self.first, self.last, self.shape[1:]
        )

    def arranged(self, shape: tuple[int, ...]) -> Self:
        """The same rows, each in another shape."""
        return type(self)(self.source, self.dtype, self.first, self.last, shape)
