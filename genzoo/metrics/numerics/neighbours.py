"""Nearest neighbours by exhaustion, in blocks, with exact comparisons.

Squared distances are screened in float32 by one matrix product for each
block of rows. What its rounding error could decide wrongly, which is little,
is computed again from the differences in float64. So the results, ties
included, are those of direct float64 arithmetic on all pairs.
"""

from typing import NamedTuple

import numpy as np

BLOCK = 2**21


class Inside(NamedTuple):
    """Which balls around x hold points y, and the other way round.

    Attributes:
        balls: (m,), how many balls around points of x hold each y.
        hit: (n,), whether the ball around each x holds any y.
        held: (n,), whether any ball around points of y holds each x.
    """

    balls: np.ndarray
    hit: np.ndarray
    held: np.ndarray


def kth_squared_distances(
    points: np.ndarray, others: np.ndarray, k: int
) -> np.ndarray:
    """Squared distance of each point to the k-th nearest of others, (n,).

    Args:
        points: (n, d), float64.
        others: (m, d), float64; the same object to count a point's
            neighbours other than itself.
        k: from 1.

    Raises:
        ValueError: if there are not so many neighbours.
    """
    alone = points is not others
    if not 1 <= k <= len(others) - (not alone):
        raise ValueError(
            f"neighbours={k} must be at least 1 and at most the other rows, "
            f"of which there are {len(others) - (not alone)}."
        )
    index = k - 1 if alone else k
    squares = np.empty(len(points))
    screens = _screens(points, others)
    for first in range(0, len(points), screens[0].rows):
        part = slice(first, first + screens[0].rows)
        for screen in screens:
            near = screen.squares(part)
            row, other = _nearest(near, index, screen.slack[part])
            if len(row) < 8 * (index + 8) * len(near):
                break
        exact = _exact(points[part], others, row, other)
        # Rows come in order: sorted within each, the wanted one is `index`
        # places behind the first.
        exact = exact[np.lexsort((exact, row))]
        begin = np.searchsorted(row, np.arange(len(near)))
        squares[part] = exact[begin + index]
    return squares


def inside_balls(
    x: np.ndarray,
    x_squares: np.ndarray | None,
    y: np.ndarray,
    y_squares: np.ndarray | None,
) -> Inside:
    """How the balls around two sets of points hold the other set.

    A ball is open, and holds its centre also if its radius is zero.

    Args:
        x: (n, d), float64.
        x_squares: (n,), squared radii of the balls around x, or None.
        y: (m, d), float64.
        y_squares: (m,), squared radii of the balls around y, or None.

    Returns:
        `Inside`; fields that need radii that are None hold zeros.
    """
    balls = np.zeros(len(y), np.int64)
    hit, held = np.zeros((2, len(x)), bool)
    if x_squares is not None:
        for row, other in _pairs_inside(y, x, 0.0, x_squares):
            np.add.at(balls, row, 1)
            hit[other] = True
    if y_squares is not None:
        for _, other in _pairs_inside(y, x, y_squares, 0.0):
            held[other] = True
    return Inside(balls, hit, held)


def _pairs_inside(points, others, limits, other_limits):
    """Pairs whose squared distance is below the sum of their limits."""
    limits = np.broadcast_to(limits, len(points))
    other_limits = np.broadcast_to(other_limits, len(others))
    screens = _screens(points, others, limits, other_limits)
    for first in range(0, len(points), screens[0].rows):
        part = slice(first, first + screens[0].rows)
        for screen in screens:
            excess, slack = screen.squares(part), screen.slack[part]
            row, other = _where(excess <= slack[:, None])
            doubtful = excess[row, other] >= -slack[row]
            if np.count_nonzero(doubtful) < excess.size / 50:
                break
        row += first
        which = np.flatnonzero(doubtful)
        exact = _exact(points, others, row[which], other[which])
        limit = limits[row[which]] + other_limits[other[which]]
        inside = np.ones(len(row), bool)
        inside[which] = (exact < limit) | (exact == 0)
        yield row[inside], other[inside]


def _nearest(near, index, slack):
    """Pairs that may be among the index + 1 nearest of each row."""
    columns = near.shape[1]
    size = min(40, columns // (4 * (index + 1)))
    groups = near
    if size > 1:
        # The smallest of each group are enough for an upper bound.
        kept = columns - columns % size
        groups = near[:, :kept].reshape(len(near), size, -1).min(axis=1)
    bound = np.partition(groups, index, axis=1)[:, index] + 2 * slack
    return _where(near <= bound[:, None])


def _where(mask):
    # Thirteen times quicker than np.nonzero of two dimensions.
    return np.divmod(np.flatnonzero(mask), mask.shape[1])


def _exact(points, others, row, other):
    squares = np.empty(len(row))
    size = max(1, BLOCK // points.shape[1])
    for first in range(0, len(row), size):
        part = slice(first, first + size)
        difference = points[row[part]] - others[other[part]]
        squares[part] = np.einsum("ij,ij->i", difference, difference)
    return squares


def _screens(points, others, limits=0.0, other_limits=0.0):
    """In single precision, and in double for where that decides nothing."""
    centre = others.mean(axis=0)
    sets = points - centre, others - centre
    return [
        _Screen(*sets, limits, other_limits, dtype)
        for dtype in (np.float32, np.float64)
    ]


class _Screen:
    """Squared distances less limits in this precision, and their error."""

    def __init__(self, points, others, limits, other_limits, dtype):
        self.rows = max(1, BLOCK // len(others))
        self.block = None
        norms = np.square(points).sum(axis=1)
        other_norms = np.square(others).sum(axis=1)
        # |x|^2 + |y|^2 - 2 x y as one product: no further pass over it.
        self.points = np.empty((len(points), points.shape[1] + 2), dtype)
        self.points[:, :-2] = points
        self.points[:, -2] = norms - limits
        self.points[:, -1] = 1
        self.others = np.empty((points.shape[1] + 2, len(others)), dtype)
        self.others[:-2] = -2 * others.T
        self.others[-2] = 1
        self.others[-1] = other_norms - other_limits
        # Each product and sum and both factors are rounded.
        steps = points.shape[1] + 8
        size = (np.sqrt(norms) + np.sqrt(other_norms.max())) ** 2
        size += limits + np.max(other_limits)
        self.slack = (steps * np.finfo(dtype).eps * size).astype(dtype)

    def squares(self, part):
        """Of a slice of the points to all others, until the next call."""
        points = self.points[part]
        if self.block is None:
            # Memory that was used before costs no page faults.
            shape = (self.rows, self.others.shape[1])
            self.block = np.empty(shape, points.dtype)
        return np.matmul(points, self.others, out=self.block[: len(points)])
