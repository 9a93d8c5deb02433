"""Weighted points on a product of axes: what sums and integrals run over."""

import functools
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf


class Axis(NamedTuple):
    """The points of one site.

    Attributes:
        values: array (m,), in increasing order for a continuous site.
        log_weights: log of the weight of each, (m,); zeros for levels.
        edges: for a continuous site, the m + 1 ends of the cells around the
            points, whose widths are the weights; None for levels.

    Example:
    >>> axis = genzoo.spaces.Axis(np.array([-1.0, 1.0]), np.zeros(2))
    >>> genzoo.spaces.Grid([axis, axis, axis]).count
    8
    """

    values: np.ndarray
    log_weights: np.ndarray
    edges: np.ndarray | None = None


def gauss_legendre(
    low: float, high: float, nodes: int, breaks: Sequence[float] = ()
) -> Axis:
    """The `Axis` of Gauss-Legendre quadrature on [low, high].

    Args:
        low: one end.
        high: the other end.
        nodes: number of nodes, shared out evenly among the pieces.
        breaks: where the interval is divided into pieces.

    Reference:
        Golub and Welsch, "Calculation of Gauss quadrature rules", Mathematics
        of Computation 23, 1969.
    """
    inner = sorted({float(b) for b in breaks if low < b < high})
    ends = np.array([low, *inner, high])
    points, weights = _legendre(max(int(nodes) // (len(ends) - 1), 8))
    half = 0.5 * np.diff(ends)[:, None]
    values = 0.5 * (ends[:-1] + ends[1:])[:, None] + half * points
    widths = half * weights
    # The weights are the widths of cells, each with one node inside.
    firsts = ends[:-1, None] + np.cumsum(widths, axis=1) - widths
    edges = np.append(firsts.ravel(), high)
    return Axis(values.ravel(), np.log(widths.ravel()), edges)


@functools.lru_cache(maxsize=32)
def _legendre(nodes):
    return np.polynomial.legendre.leggauss(nodes)


class Grid:
    """All combinations of the points of the axes, the first axis slowest.

    Args:
        axes: list of `Axis`, one for each site.
        scale: tensor (width,) by which the axes' values are multiplied, so
            that a grid can be moved inside a graph; None for one.
        shift: tensor (width,) that is then added; None for zero.

    Example:
    >>> grid = genzoo.spaces.Interval(0.0, 1.0).quadrature(nodes=16)
    >>> x = grid.points(0, grid.count)[:, 0]
    >>> weights = tf.exp(grid.log_weights(0, grid.count))
    >>> round(float(tf.reduce_sum(weights * x**2)), 6)
    0.333333
    """

    def __init__(
        self,
        axes: list[Axis],
        scale: tf.Tensor | None = None,
        shift: tf.Tensor | None = None,
    ):
        self.axes = axes
        self.scale = scale
        self.shift = shift
        self.sizes = [len(axis.values) for axis in axes]
        self.count = math.prod(self.sizes)
        strides = np.cumprod([1, *self.sizes[:0:-1]], dtype=object)[::-1]
        self.strides = [int(stride) for stride in strides]

    @property
    def is_weighted(self) -> bool:
        """Whether the points have weights other than one."""
        return any(axis.log_weights.any() for axis in self.axes)

    def digits(self, numbers: tf.Tensor) -> tf.Tensor:
        """The place on each axis of points by number, (count, width)."""
        numbers = tf.cast(numbers, tf.int64)[:, None]
        strides = tf.constant(self.strides, tf.int64)
        return (numbers // strides) % tf.constant(self.sizes, tf.int64)

    def points(self, start: int | tf.Tensor, count: int) -> tf.Tensor:
        """Points number `start` to `start + count`, (count, width), float64.

        Numbers beyond the last begin again with the first.
        """
        return self.at(self.digits(self._numbers(start, count)))

    def log_weights(self, start: int | tf.Tensor, count: int) -> tf.Tensor:
        """The log-weights of the same points, (count,), float64."""
        if not self.is_weighted:
            return tf.zeros((count,), tf.float64)
        digits = self.digits(self._numbers(start, count))
        table = self._table([axis.log_weights for axis in self.axes])
        total = tf.reduce_sum(self._look_up(table, digits), axis=-1)
        if self.scale is not None:
            total += tf.reduce_sum(tf.math.log(self.scale))
        return total

    def at(self, digits: tf.Tensor) -> tf.Tensor:
        """The points at these places, (count, width), float64."""
        table = self._table([axis.values for axis in self.axes])
        return self._moved(self._look_up(table, digits))

    def _moved(self, values):
        if self.scale is None:
            return values
        return values * self.scale + self.shift

    def cells(self, digits: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """(low, high) of the cells at these places, (count, width) each.

        A level's cell is the level itself.
        """
        lows, highs = [], []
        for axis in self.axes:
            edges = axis.edges
            lows.append(axis.values if edges is None else edges[:-1])
            highs.append(axis.values if edges is None else edges[1:])
        return tuple(
            self._moved(self._look_up(self._table(ends), digits))
            for ends in (lows, highs)
        )

    def _numbers(self, start, count):
        return tf.cast(start, tf.int64) + tf.range(count, dtype=tf.int64)

    def _table(self, rows):
        widest = max(self.sizes)
        table = np.zeros((len(rows), widest))
        for row, values in zip(table, rows, strict=True):
            row[: len(values)] = values
        return tf.constant(table.ravel(), tf.float64)

    def _look_up(self, table, digits):
        firsts = np.arange(len(self.sizes), dtype=np.int64) * max(self.sizes)
        return tf.gather(table, digits + firsts)
