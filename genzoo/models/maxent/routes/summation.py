"""Sums over all of a space: states of discrete sites, nodes of real ones."""

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from genzoo import partition
from genzoo.models.maxent.density import Density
from genzoo.models.maxent.routes.route import ExactRoute, Moments, Solved
from genzoo.models.maxent.routes.table import Table, table_of
from genzoo.models.maxent.routes.window import (
    Window,
    grid_in,
    tail_bound,
)
from genzoo.runtime import random
from genzoo.samplers.cells import draw_cells
from genzoo.spaces import Grid, Space

# Points of a space that is summed over, and its continuous sites.
MOST_POINTS = 2**22
_MOST_CONTINUOUS = 3
# The coarser sum has so many times fewer nodes.
_COARSER = 1.4


def is_summable(space: Space, nodes: int | None = None) -> bool:
    """Whether all points of a space can be summed over.

    Args:
        space: of the points.
        nodes: of a continuous site; None takes the default.
    """
    if len(space.continuous_sites) > _MOST_CONTINUOUS:
        return False
    nodes = nodes or space.default_nodes
    sizes = (nodes if v is None else len(v) for v in space.levels)
    return math.prod(sizes) <= MOST_POINTS


class Summation(ExactRoute):
    """Enumeration, or Gauss-Legendre quadrature of continuous sites."""

    sums_covariance = True

    def __init__(self, density: Density, window: Window):
        super().__init__(density, window)
        self._is_integral = len(density.space.real_sites) > 0
        self.name = "quadrature" if self._is_integral else "enumeration"

    def grid(
        self, nodes: int | None = None, extent: tf.Tensor | None = None
    ) -> Grid:
        """The points of the space, those of unbounded sites in the window."""
        space = self.density.space
        if space.is_bounded:
            nodes = nodes or self.density.nodes
            return space.quadrature(nodes, breaks=self.density.features.breaks)
        if extent is None:
            extent = self.window.extent()
        return grid_in(self.density, extent, nodes)

    @functools.cached_property
    def table(self) -> Table | None:
        """The features at all points, where these are few."""
        return table_of(self.density)

    def solved(
        self, multipliers: tf.Tensor, shift: tf.Tensor, second: bool = False
    ) -> Solved:
        """What is known at these multipliers; few states need no graph."""
        if self.table is None or self._is_integral:
            return super().solved(multipliers, shift, second)
        log_sum, mean, covariance, log_r = self.moments_now(
            multipliers, shift, second
        )
        log_z = log_sum + tf.tensordot(multipliers, shift, 1)
        mean, log_r = tf.constant(mean), tf.constant(log_r)
        if covariance is not None:
            covariance = tf.constant(covariance)
        error = tf.zeros((), tf.float64)
        return Solved(log_z, mean + shift, log_r, error, covariance)

    def moments_now(
        self, multipliers: tf.Tensor, shift: tf.Tensor, second: bool = True
    ) -> Moments:
        """The `Moments` outside of graphs, where they are had once."""
        if self.table is None:
            return super().moments_now(multipliers, shift, second)
        of_shifted = self.table.less(np.asarray(shift))
        return Moments(*of_shifted.sums(np.asarray(multipliers), second))

    def _sums(self, grid, multipliers, shift, statistics):
        """log sum exp(multipliers . (f - shift)) r, and averages."""
        density = self.density

        def block(start, count):
            points = grid.points(start, count)
            base = grid.log_weights(start, count)
            if density.reference is not None:
                base += density.log_reference(points)
            return points, density.features(points) - shift, base

        return partition.expectation(
            block,
            grid.count,
            max(len(density.features), density.space.width),
            lambda b: tf.linalg.matvec(b[1], multipliers) + b[2],
            statistics,
        )

    def moments(
        self,
        multipliers: tf.Tensor,
        shift: tf.Tensor,
        second: bool = True,
        nodes: int | None = None,
    ) -> Moments:
        """The `Moments`, summed over all points."""

        def statistics(block, weights):
            points, features, _ = block
            weighted = features * weights[:, None]
            log_r = tf.zeros((), tf.float64)
            if self.density.reference is not None:
                of_points = self.density.log_reference(points)
                log_r = tf.reduce_sum(
                    tf.math.multiply_no_nan(of_points, weights)
                )
            values = [tf.reduce_sum(weighted, axis=0), log_r]
            if second:
                values.append(tf.matmul(features, weighted, transpose_a=True))
            return values

        log_sum, values = self._sums(
            self.grid(nodes), multipliers, shift, statistics
        )
        mean, log_r, *square = values
        covariance = square[0] - mean[:, None] * mean if second else None
        return Moments(log_sum, mean, covariance, log_r)

    def covariance(
        self,
        multipliers: tf.Tensor,
        centre: tf.Tensor,
        combine: Callable[[tf.Tensor], tf.Tensor],
    ) -> tf.Tensor:
        """The covariance of functions of the features, (k, k).

        Args:
            multipliers: of the density.
            centre: <f>, about which sums are taken, so that few digits cancel.
            combine: linear, from features less the centre, (batch, n), to the
                functions, (batch, k): some of them, or a basis.
        """

        def statistics(block, weights):
            values = combine(block[1])
            weighted = values * weights[:, None]
            square = tf.matmul(values, weighted, transpose_a=True)
            return [tf.reduce_sum(weighted, axis=0), square]

        _, (mean, square) = self._sums(
            self.grid(), multipliers, centre, statistics
        )
        return square - mean[:, None] * mean

    def log_partition(
        self, multipliers: tf.Tensor, shift: tf.Tensor
    ) -> partition.LogPartition:
        """log Z; its error is that of fewer nodes, and of what is cut off."""
        if not self.density.space.whole.any():
            return super().log_partition(multipliers, shift)
        found = self.solved(multipliers, shift)
        extent = self.window.extent().numpy()
        beyond = tail_bound(self.density, multipliers, extent)
        error = float(found.error) + beyond
        return partition.LogPartition.integrated(found.log_z, error, self.name)

    def coarse(
        self, multipliers: tf.Tensor, shift: tf.Tensor
    ) -> tf.Tensor | None:
        """log Z - lambda . shift with fewer nodes; None for states."""
        if not self._is_integral:
            return None
        fewer = int(self.density.nodes / _COARSER)
        few = Summation.moments(self, multipliers, shift, False, fewer)
        return few.log_z

    def expectation(
        self, multipliers: tf.Tensor, function: Callable
    ) -> tf.Tensor:
        """<g(x)>, summed over the space."""

        def statistics(block, weights):
            values = function(block[0])
            return [tf.linalg.matvec(values, weights, transpose_a=True)]

        none = tf.zeros((), tf.float64)
        return self._sums(self.grid(), multipliers, none, statistics)[1][0]

    def states(
        self,
        multipliers: tf.Tensor,
        n: Any,
        seed: random.Seed,
        temperature: Any,
        extent: tf.Tensor,
    ) -> tf.Tensor:
        """n independent states, drawn through the cells of the grid."""
        beta = tf.cast(1 / temperature, tf.float64)
        grid = self.grid(extent=extent)

        def log_density(points):
            return beta * self.density.log_weight(points, multipliers)

        return draw_cells(grid, log_density, n, seed, self._is_integral)
