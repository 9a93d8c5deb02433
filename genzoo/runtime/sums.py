"""Sums of bytes, exact and about as fast as memory gives them."""

from typing import Any

import numpy as np

# Rows of which squares of bytes add up below 2**24: float32 holds the sum.
_ROWS = 256


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
        ones = np.ones(_ROWS, np.float32)
        for start in range(0, len(part), _ROWS):
            rows = part[start : start + _ROWS].astype(np.float32)
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
