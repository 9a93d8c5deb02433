"""Sums over all of a small space, for a neural energy."""

import math
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from genzoo import partition
from genzoo.models.ebm.energy import Energy
from genzoo.partition.log_partition import LogPartition
from genzoo.runtime import random
from genzoo.runtime.graph import Graph
from genzoo.samplers.cells import draw_cells
from genzoo.spaces import Grid

# Points of a space that is summed over, and its continuous sites.
MOST_POINTS = 2**22
_MOST_CONTINUOUS = 3
# Of one of two continuous sites: a network takes longer than a formula.
_MOST_NODES = 256
# Points of which a network is asked together.
ROWS = 2**12
# The coarser sum has so many times fewer nodes.
_COARSER = 1.4
# From so many nats of error on nodes are doubled, up to so many points.
_ROUGH = 1e-2
_MOST_FINE = 2**20
# The mass on each side that may be left out of a window.
_NEGLIGIBLE = 1e-8
# How often a window may be doubled to have that; the last time adds more than
# so much of what the time before has added if there is no end to it.
_DOUBLINGS, _ENDLESS = 8, 0.9
# Standard deviations above their mean that a sum of whole numbers must hold.
_WHOLE_REACH = 6


class Sums:
    """Enumeration, or quadrature of up to three continuous sites.

    Args:
        energy: the `Energy`.
        window: variable, (width, 2): where unbounded sites are integrated.
        digest: function to a number that changes with the energy.
    """

    def __init__(
        self,
        energy: Energy,
        window: keras.Variable,
        digest: Callable[[], int],
    ):
        self.energy = energy
        self._digest = digest
        # What was found by many nodes, and for what.
        self._known: tuple[Any, tuple[int, float, float]] | None = None
        self.space = energy.space
        self.window = window
        self.is_integral = len(self.space.continuous_sites) > 0
        self.name = "quadrature" if self.is_integral else "enumeration"
        # By the number of nodes of a site.
        self._sum: dict[int, Graph] = {}
        self._draws: dict[int, Graph] = {}
        self._support: dict[int, Graph] = {}
        # What of log Z lies beyond the window; infinite if there is no end.
        self._beyond = 0.0
        self._reach = 0.0

    @property
    def count(self) -> float:
        """Points of the sum; infinite where there are too many."""
        space = self.space
        if len(space.continuous_sites) > _MOST_CONTINUOUS:
            return math.inf
        nodes = self._nodes
        sizes = (nodes if v is None else len(v) for v in space.levels)
        count = math.prod(sizes)
        if count > MOST_POINTS or self._whole_reach() > nodes:
            return math.inf
        return count

    def _whole_reach(self):
        """Up to which whole number there are many data."""
        # In graphs, which cannot read weights, it is the one last found.
        if self.space.whole.any() and tf.executing_eagerly():
            reference = self.energy.reference
            ends = reference.middle + _WHOLE_REACH * reference.spread
            self._reach = float(np.max(ends.numpy()[self.space.whole]))
        return self._reach

    @property
    def _most_nodes(self):
        """So many that all points are `_MOST_FINE` at most."""
        inner = len(self.space.continuous_sites)
        others = self.count / self._nodes**inner
        return int((_MOST_FINE / others) ** (1 / inner) + 1e-6)

    @property
    def _nodes(self):
        nodes = self.space.default_nodes
        alone = len(self.space.continuous_sites) < 2
        return nodes if alone else min(nodes, _MOST_NODES)

    def grid(self, window: Any = None, nodes: int | None = None) -> Grid:
        """The points of the space, with so many nodes of a continuous site."""
        nodes = self._nodes if nodes is None else nodes
        if self.space.is_bounded:
            return self.space.quadrature(nodes)
        window = self.window.value if window is None else window
        stretch = {}
        if self._places.sites.any():
            stretch = {"stretch": self._places.stretch.value}
        return self.space.quadrature(nodes, window=window, **stretch)

    @property
    def _places(self):
        return self.energy.reference.places

    def _sums(self, grid, statistics=None):
        """(log sum exp(-E), averages) over a grid."""

        def block(start, count):
            points = grid.points(start, count)
            return points, grid.log_weights(start, count)

        return partition.expectation(
            block,
            grid.count,
            # So many rows in a chunk, whatever the width.
            2**19 // ROWS,
            lambda b: b[1] - tf.cast(self.energy(b[0]), tf.float64),
            statistics,
        )

    def _log_sum(self, nodes):
        """log Z in the present window, a number."""
        if nodes not in self._sum:
            self._sum[nodes] = Graph(
                lambda window: self._sums(self.grid(window, nodes))[0],
                tf.TensorSpec((self.space.width, 2), tf.float64),
            )
        return float(self._sum[nodes](tf.convert_to_tensor(self.window.value)))

    def log_sum(self) -> tf.Tensor:
        """log Z, float64, inside of graphs."""
        return self._sums(self.grid())[0]

    # log Z ------------------------------------------------------------------

    def log_partition(self) -> LogPartition:
        """log Z; of an integral its error is that of fewer nodes."""
        if not self.is_integral:
            self.narrow()
            return LogPartition.exact(self._log_sum(self._nodes), self.name)
        _, found, error = self._fine_enough()
        return LogPartition.integrated(found, error, self.name)

    def _fine_enough(self):
        """(nodes, log Z, its error): more nodes where peaks are narrow."""
        if self._known is not None and self._known[0] == self._key():
            return self._known[1]
        self.narrow()
        found = self._refined()
        is_costly = found[0] > self._nodes
        self._known = (self._key(), found) if is_costly else None
        return found

    def _key(self):
        return self._digest(), self.window.numpy().tobytes()

    def _refined(self):
        nodes, most = self._nodes, self._most_nodes
        while True:
            found = self._log_sum(nodes)
            error = abs(found - self._log_sum(int(nodes / _COARSER)))
            if not error > _ROUGH or nodes >= most:
                return nodes, found, max(error, self._beyond)
            if nodes == self._nodes:
                # Peaks may lie outside, between the nodes that were asked.
                self.narrow(most)
            nodes = min(2 * nodes, most)

    def check_error(self, where: str, error: float) -> None:
        """Raise a ValueError if an error of log Z says that there is none."""
        if math.isinf(error):
            raise ValueError(
                f"{where}: the density cannot be normalised: far outside of "
                f"the intervals {self.window.numpy().tolist()} it is as large "
                "as inside. Take reference='data', or a network whose energy "
                "grows at infinity, as x ** 2 does."
            )

    def narrow(self, nodes: int | None = None) -> None:
        """Let the window hold what of the density is not negligible.

        Args:
            nodes: of a site, by which it is looked for.
        """
        if self.space.is_bounded:
            return
        body = self._places.window(self.energy.reference.body())
        if self.window.numpy().any():
            # What has moved beyond the last window is looked for, too.
            own = tf.convert_to_tensor(self.window.value)
            body = _hull(body, own)
        # As many of the whole numbers as there may be points.
        all_whole = tf.constant([0, self._nodes - 1], body.dtype)
        body = tf.where(self.space.whole[:, None], all_whole, body)
        is_fine = nodes is not None
        nodes = self._nodes if nodes is None else nodes
        if nodes not in self._support:
            self._support[nodes] = Graph(
                lambda *given: self._supported(nodes, *given),
                *[tf.TensorSpec((self.space.width, 2), tf.float64)] * 2,
            )
        support = self._support[nodes]
        window = self._found(support, body)
        # What is between two coarse nodes is looked at more closely.
        self.window.assign(window if is_fine else support(window, body)[0])

    def _found(self, support, body):
        """The part that holds nearly all mass, of a window that may grow.

        Where there is no end to that it is a part of the window as it was.
        """
        window, is_cut, *_, rest = support(body, body)
        self._beyond, own, added = float(rest), window, []
        for _ in range(_DOUBLINGS):
            if not bool(tf.reduce_any(is_cut)):
                return window
            span = (body[:, 1] - body[:, 0])[:, None]
            away = span * tf.constant([-1.0, 1.0], tf.float64)
            before, body = body, tf.where(is_cut, body + away, body)
            window, is_cut, log_mass, share, _ = support(body, before)
            added.append(float(log_mass + tf.math.log(share)))
        if not bool(tf.reduce_any(is_cut)):
            return window
        self._beyond += _log_gain(float(support(own, own)[2]), added)
        return own

    def _supported(self, nodes, window, inner):
        """Of a window: the part that holds nearly all mass, and a margin.

        Returns:
            (it, the ends of the window that cut some mass off, log of the
            mass, its share outside of an inner window, what of log Z lies
            beyond the last of whole numbers).
        """
        grid = self.grid(window, nodes)
        sizes = [int(axis.values.shape[0]) for axis in grid.axes]
        rows = min(ROWS, grid.count)
        chunks = -(-grid.count // rows)

        def log_masses(chunk):
            start = tf.cast(chunk, tf.int64) * rows
            points = grid.points(start, rows)
            log_p = grid.log_weights(start, rows)
            return log_p - tf.cast(self.energy(points), tf.float64)

        log_p = tf.map_fn(
            log_masses,
            tf.range(chunks),
            fn_output_signature=tf.TensorSpec((rows,), tf.float64),
            parallel_iterations=1,
        )
        # Numbers beyond the last begin again with the first.
        log_p = tf.reshape(log_p, (-1,))[: grid.count]
        log_mass = tf.reduce_logsumexp(log_p)
        mass = tf.reshape(tf.exp(log_p - log_mass), sizes)
        others = [
            [axis for axis in range(len(sizes)) if axis != site]
            for site in range(len(sizes))
        ]
        totals = [tf.reduce_sum(mass, axis=axes) for axes in others]
        found, cut, inside = [], [], mass
        rest = tf.zeros((), mass.dtype)
        for site, (axis, total) in enumerate(
            zip(grid.axes, totals, strict=True)
        ):
            share = tf.cumsum(total) / tf.reduce_sum(total)
            last = int(axis.values.shape[0]) - 1
            ends = tf.constant([_NEGLIGIBLE, 1 - _NEGLIGIBLE], tf.float64)
            low, high = tf.unstack(tf.searchsorted(share, ends))
            if self.space.whole[site]:
                # There are more, which weigh nothing.
                rest += _tail(total[: self._nodes])
            is_moved = axis.places is not None
            cut.append(tf.stack([low == 0, high >= last]))
            values = tf.convert_to_tensor(
                axis.places if is_moved else axis.values
            )
            is_inside = (values >= inner[site, 0]) & (values <= inner[site, 1])
            shape = [-1 if other == site else 1 for other in range(len(sizes))]
            inside *= tf.reshape(tf.cast(is_inside, mass.dtype), shape)
            # What lies between two nodes, and a little beyond.
            low = tf.gather(values, tf.maximum(low - 2, 0))
            high = tf.gather(values, tf.minimum(high + 2, last))
            found.append(tf.stack([low, high]))
        whole = self.space.whole[:, None]
        found = tf.where(whole, window, tf.stack(found))
        beyond = tf.reduce_sum(mass - inside)
        return found, tf.stack(cut) & self._may_grow(), log_mass, beyond, rest

    def _may_grow(self):
        """The ends beyond which a window could reach, (width, 2)."""
        is_open = np.isinf(np.stack([self.space.low, self.space.high], axis=1))
        is_open &= ~self.space.whole[:, None]
        # Where tails are long the reference holds the ends.
        return is_open & (self._places.stretch.value[:, 1:] == 0)

    # Gradients and draws ----------------------------------------------------

    def slope(self, parameters: list) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """log Z, float64, and the mean of dE / d(parameters)."""

        def statistics(block, weights):
            with tf.GradientTape() as tape:
                energy = tf.cast(self.energy(block[0]), tf.float64)
                total = tf.reduce_sum(energy * tf.stop_gradient(weights))
            found = tape.gradient(
                total,
                parameters,
                unconnected_gradients=tf.UnconnectedGradients.ZERO,
            )
            return [tf.cast(g, tf.float64) for g in found]

        log_z, found = self._sums(self.grid(), statistics)
        return log_z, [
            tf.cast(g, p.dtype) for g, p in zip(found, parameters, strict=True)
        ]

    def drawn_by(self) -> Callable:
        """A function of (n, seed, beta) to states of p^beta, (n, width).

        With as many nodes as the model needs as it is now.
        """
        if self.is_integral:
            nodes, _, error = self._fine_enough()
            self.check_error("EnergyModel.sample", error)
        else:
            self.narrow()
            nodes = self._nodes
        if nodes not in self._draws:
            self._draws[nodes] = Graph(
                lambda *given: self._drawn(nodes, *given),
                tf.TensorSpec((), tf.int32),
                tf.TensorSpec((2,), tf.int64),
                tf.TensorSpec((), tf.int64),
                tf.TensorSpec((), tf.float64),
            )
        graph = self._draws[nodes]

        def draw(n, seed, beta=1.0):
            return graph(
                tf.convert_to_tensor(n, tf.int32),
                seed.key,
                tf.cast(seed.row, tf.int64),
                tf.cast(beta, tf.float64),
            )

        return draw

    def _drawn(self, nodes, n, key, row, beta):
        states = draw_cells(
            self.grid(nodes=nodes),
            lambda x: -beta * tf.cast(self.energy(x), tf.float64),
            n,
            random.Seed(key, row),
            self.is_integral,
            ROWS,
        )
        return tf.cast(states, tf.float32)


def _hull(one, other):
    """The windows that hold two others."""
    low = tf.minimum(one[:, 0], other[:, 0])
    high = tf.maximum(one[:, 1], other[:, 1])
    return tf.stack([low, high], axis=1)


def _tail(total):
    """What lies beyond the last numbers, if it falls as their quarters do."""
    quarter = int(total.shape[0]) // 4
    last = tf.reduce_sum(total[-quarter:])
    before = tf.reduce_sum(total[-2 * quarter : -quarter])
    ratio = tf.math.divide_no_nan(last, before)
    is_endless = (ratio >= _ENDLESS) & (last > _NEGLIGIBLE)
    rest = tf.math.log1p(last * ratio / tf.maximum(1 - ratio, 1e-9))
    return tf.where(is_endless, np.float64(np.inf), rest)


def _log_gain(log_mass, log_added):
    """What is added to log Z by masses that go on as the last two do."""
    before, last = log_added[-2:]
    # Negated, so that NaN has no end.
    if not last - before < math.log(_ENDLESS):
        return math.inf
    rest = last - math.log(math.expm1(before - last))
    found = np.logaddexp.reduce([log_mass, *log_added, rest])
    return float(found) - log_mass
