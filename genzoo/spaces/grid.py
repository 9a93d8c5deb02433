"""Weighted points on a product of axes: what sums and integrals run over."""

import functools
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

# Nodes of one Gauss-Legendre rule; more come in panels side by side.
_MOST_NODES = 512


class Axis(NamedTuple):
    """The points of one site.

    Attributes:
        values: array (m,), in increasing order for a continuous site.
        log_weights: log of the weight of each, (m,); zeros for levels.
        edges: for a continuous site, the m + 1 ends of the cells around the
            points, whose widths are the weights; None for levels.
        places: the points in units of `edges`, where these are others: u.
        stretch: how x follows from u; None where they are the same.

    Example:
    >>> axis = genzoo.spaces.Axis(np.array([-1.0, 1.0]), np.zeros(2))
    >>> genzoo.spaces.Grid([axis, axis, axis]).count
    8
    """

    values: np.ndarray | tf.Tensor
    log_weights: np.ndarray | tf.Tensor
    edges: np.ndarray | tf.Tensor | None = None
    places: tf.Tensor | None = None
    stretch: "Stretch | None" = None


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
    panels, each = _shared_out(nodes, len(ends) - 1)
    if panels > 1:
        share = np.linspace(0.0, 1.0, panels + 1)[:-1]
        parts = ends[:-1, None] + np.diff(ends)[:, None] * share
        ends = np.append(parts.ravel(), high)
    points, weights = _legendre(each)
    half = 0.5 * np.diff(ends)[:, None]
    values = 0.5 * (ends[:-1] + ends[1:])[:, None] + half * points
    widths = half * weights
    # The weights are the widths of cells, each with one node inside.
    firsts = ends[:-1, None] + np.cumsum(widths, axis=1) - widths
    edges = np.append(firsts.ravel(), high)
    return Axis(values.ravel(), np.log(widths.ravel()), edges)


def trapezoid(low: float, high: float, nodes: int) -> Axis:
    """The `Axis` of a period, by points at equal distances.

    Of a smooth periodic function the error falls off faster than any power.

    Args:
        low: where the period begins.
        high: where it ends.
        nodes: number of points.

    Reference:
        Trefethen and Weideman, "The exponentially convergent trapezoidal
        rule", SIAM Review 56, 2014.
    """
    edges = np.linspace(low, high, int(nodes) + 1)
    values = 0.5 * (edges[:-1] + edges[1:])
    log_weight = np.log((high - low) / int(nodes))
    return Axis(values, np.full(int(nodes), log_weight), edges)


def whole_axis(ends: tf.Tensor, count: int | tf.Tensor) -> Axis:
    """The `Axis` of the whole numbers from one end to the other.

    Args:
        ends: the first and the last, (2,), a tensor; or (2, sites) of several
            side by side.
        count: how many there may be; those beyond the last weigh nothing.
    """
    steps = tf.cast(tf.range(count), tf.float64)
    if len(ends.shape) > 1:
        steps = steps[:, None]
    values = tf.math.round(ends[0]) + steps
    beyond = values > ends[1]
    values = tf.minimum(values, ends[1])
    log_weights = tf.where(beyond, tf.constant(-np.inf, tf.float64), 0.0)
    return Axis(values, log_weights, None, values)


class Stretch(NamedTuple):
    """A site that reaches infinity as a function x(u) of a bounded place u.

    `x = centre + scale sinh(pi / 2 sinh u)`, or beyond a finite end
    `x = end +- scale exp(pi / 2 sinh u)`: what falls off as a power of x
    falls off twice exponentially in u. Where the scale is 0, x = u.

    Attributes:
        centre: of the site, a scalar.
        scale: a scalar.
        end: the site's finite end, or None.
        sign: 1 if the site lies above its end, -1 below.

    Reference:
        Takahasi and Mori, "Double exponential formulas for numerical
        integration", Publications of RIMS 9, 1974.

    Example:
    >>> stretch = genzoo.spaces.Stretch(tf.constant(0.0), tf.constant(2.0))
    >>> x, log_slope = stretch(tf.constant([-1.0, 0.0, 1.0]))
    >>> [round(value, 2) for value in x.numpy().tolist()]
    [-6.18, 0.0, 6.18]
    """

    centre: tf.Tensor
    scale: tf.Tensor
    end: float | None = None
    sign: float = 1.0

    def __call__(self, u: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """(x, log |dx/du|) at places u."""
        is_on = self.scale > 0
        scale = tf.where(is_on, self.scale, 1.0)
        held = tf.where(is_on, u, 0.0)
        inner = 0.5 * np.pi * tf.sinh(held)
        log_slope = tf.math.log(scale * 0.5 * np.pi * tf.cosh(held))
        if self.end is None:
            x = self.centre + scale * tf.sinh(inner)
            # log cosh, also where cosh is beyond all numbers.
            size = tf.abs(inner)
            log_slope += size + tf.math.log1p(tf.exp(-2 * size)) - np.log(2.0)
        else:
            x = self.end + self.sign * scale * tf.exp(inner)
            log_slope += inner
        zero = tf.zeros_like(log_slope)
        return tf.where(is_on, x, u), tf.where(is_on, log_slope, zero)

    def inverse(self, x: tf.Tensor) -> tf.Tensor:
        """The place u of x."""
        is_on = self.scale > 0
        scale = tf.where(is_on, self.scale, 1.0)
        if self.end is None:
            inner = tf.asinh((x - self.centre) / scale)
        else:
            far = tf.maximum(self.sign * (x - self.end) / scale, 1e-300)
            inner = tf.math.log(far)
        return tf.where(is_on, tf.asinh(inner / (0.5 * np.pi)), x)


def moving_axis(
    low: tf.Tensor,
    high: tf.Tensor,
    nodes: int,
    breaks: Sequence[float] = (),
    stretch: Stretch | None = None,
) -> Axis:
    """As `gauss_legendre`, of ends that are tensors, perhaps stretched.

    Args:
        low: one end, in places u.
        high: the other end.
        nodes: number of nodes, shared out evenly among the pieces.
        breaks: values x where the axis is divided into pieces.
        stretch: how x follows from u; None where they are the same.
    """
    found: Any = moving_axes(low[None], high[None], nodes, breaks, stretch)
    return Axis(
        found.values[:, 0],
        found.log_weights[:, 0],
        found.edges[:, 0],
        found.places[:, 0],
        stretch,
    )


def moving_axes(
    low: tf.Tensor,
    high: tf.Tensor,
    nodes: int,
    breaks: Sequence[float] = (),
    stretch: Stretch | None = None,
) -> Axis:
    """As `moving_axis`, of several sites side by side: arrays (m, sites).

    Args:
        low: one end of each, (sites,), in places u.
        high: the other ends.
        nodes: number of nodes of a site, shared out among the pieces.
        breaks: values x where the axes are divided into pieces.
        stretch: how x follows from u, of parts (sites,); None where they are
            the same.
    """
    inner = [tf.fill(tf.shape(low), np.float64(b)) for b in sorted(set(breaks))]
    if stretch is not None:
        inner = [stretch.inverse(b) for b in inner]
    # Breaks beyond the ends make pieces without a width.
    inner = [tf.clip_by_value(b, low, high) for b in inner]
    ends = tf.stack([low, *inner, high])
    panels, each = _shared_out(nodes, len(inner) + 1)
    if panels > 1:
        share = np.linspace(0.0, 1.0, panels + 1)[:-1, None]
        parts = ends[:-1, None] + (ends[1:] - ends[:-1])[:, None] * share
        parts = tf.reshape(parts, (panels * (len(inner) + 1), -1))
        ends = tf.concat([parts, high[None]], axis=0)
    points, weights = _legendre(each)
    half = 0.5 * (ends[1:] - ends[:-1])[:, None]
    middle = 0.5 * (ends[1:] + ends[:-1])[:, None]

    def in_rows(values):
        return tf.reshape(values, (int(ends.shape[0] - 1) * each, -1))

    places = in_rows(points[:, None] * half + middle)
    log_weights = in_rows(np.log(weights)[:, None] + tf.math.log(half))
    firsts = (np.cumsum(weights) - weights - 1)[:, None] * half + middle
    edges = tf.concat([in_rows(firsts), high[None]], axis=0)
    if stretch is None:
        return Axis(places, log_weights, edges, places)
    values, log_slope = stretch(places)
    return Axis(values, log_weights + log_slope, edges, places, stretch)


def _shared_out(nodes, pieces):
    """(panels of each piece, nodes of each panel), 8 to 512 of these."""
    own = max(int(nodes) // pieces, 8)
    panels = -(-own // _MOST_NODES)
    return panels, max(own // panels, 8)


# Of 8 to 512 nodes, as shared out.
@functools.cache
def _legendre(nodes):
    return np.polynomial.legendre.leggauss(nodes)


class Grid:
    """All combinations of the points of the axes, the first axis slowest.

    Args:
        axes: list of `Axis`, one for each site; of tensors, where a grid is
            to be moved inside a graph.

    Example:
    >>> grid = genzoo.spaces.Interval(0.0, 1.0).quadrature(nodes=16)
    >>> x = grid.points(0, grid.count)[:, 0]
    >>> weights = tf.exp(grid.log_weights(0, grid.count))
    >>> round(float(tf.reduce_sum(weights * x**2)), 6)
    0.333333
    """

    def __init__(self, axes: list[Axis]):
        self.axes = axes
        self.sizes = [int(axis.values.shape[0]) for axis in axes]
        self.count = math.prod(self.sizes)
        strides = np.cumprod([1, *self.sizes[:0:-1]], dtype=object)[::-1]
        self.strides = [int(stride) for stride in strides]

    @property
    def is_weighted(self) -> bool:
        """Whether the points have weights other than one."""
        return any(
            axis.edges is not None or axis.places is not None
            for axis in self.axes
        )

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
        return self.log_weights_at(self.digits(self._numbers(start, count)))

    def log_weights_at(
        self, digits: tf.Tensor, among: tf.Tensor | None = None
    ) -> tf.Tensor:
        """The log-weights of the points at these places, (count,), float64.

        Args:
            digits: places, (count, width).
            among: of which sites, bool (count, width); None for all.
        """
        table = self._table([axis.log_weights for axis in self.axes])
        found = self._look_up(table, digits)
        if among is not None:
            found = tf.where(among, found, 0.0)
        return tf.reduce_sum(found, axis=-1)

    def at(self, digits: tf.Tensor) -> tf.Tensor:
        """The points at these places, (count, width), float64."""
        table = self._table([axis.values for axis in self.axes])
        return self._look_up(table, digits)

    def cells(self, digits: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """(low, high) of the cells at these places, (count, width) each.

        A level's cell is the level itself; a stretched site's is given in
        places u, for `inside`.
        """
        lows, highs = [], []
        for axis in self.axes:
            edges = axis.edges
            lows.append(axis.values if edges is None else edges[:-1])
            highs.append(axis.values if edges is None else edges[1:])
        return tuple(
            self._look_up(self._table(ends), digits) for ends in (lows, highs)
        )

    def inside(self, places: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """(x, log |dx/du|), (count, width) and (count,), of places in cells."""
        columns, total = tf.unstack(places, axis=1), tf.zeros((), tf.float64)
        for site, axis in enumerate(self.axes):
            if axis.stretch is not None:
                columns[site], log_slope = axis.stretch(columns[site])
                total += log_slope
        return tf.stack(columns, axis=1), total + 0.0 * places[:, 0]

    def log_slopes(self, digits: tf.Tensor) -> tf.Tensor:
        """log |dx/du| at points, (count,): 0 where no site is stretched."""
        total = tf.zeros(tf.shape(digits)[:1], tf.float64)
        for site, axis in enumerate(self.axes):
            if axis.stretch is not None:
                log_slope = axis.stretch(axis.places)[1]
                total += tf.gather(log_slope, digits[:, site])
        return total

    def _numbers(self, start, count):
        return tf.cast(start, tf.int64) + tf.range(count, dtype=tf.int64)

    def _table(self, rows):
        widest = max(self.sizes)
        if all(isinstance(row, np.ndarray) for row in rows):
            table = np.zeros((len(rows), widest))
            for row, values in zip(table, rows, strict=True):
                row[: len(values)] = values
            return tf.constant(table.ravel(), tf.float64)
        return tf.concat(
            [
                tf.pad(tf.cast(row, tf.float64), [[0, widest - size]])
                for row, size in zip(rows, self.sizes, strict=True)
            ],
            axis=0,
        )

    def _look_up(self, table, digits):
        firsts = np.arange(len(self.sizes), dtype=np.int64) * max(self.sizes)
        return tf.gather(table, digits + firsts)
