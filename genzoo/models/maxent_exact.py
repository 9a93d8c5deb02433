"""Sums over all of a space: what a MaxEnt knows exactly."""

import functools

import tensorflow as tf

from genzoo import partition, samplers
from genzoo.models.maxent_cube import find_cube
from genzoo.models.maxent_strip import find_strip
from genzoo.optimizers import Evaluation
from genzoo.partition.log_partition import TRANSFER_MATRIX
from genzoo.runtime import random
from genzoo.runtime.graph import compiled

# Points of a space that is summed over.
MOST_POINTS = 2**22


class Exact:
    """The part of `MaxEnt` that enumerates or integrates."""

    @functools.cached_property
    def is_summable(self):
        """Whether all points of the space can be summed over."""
        space = self.space
        if len(space.continuous_sites) > 3:
            return False
        nodes = space.default_nodes
        count = 1
        for levels in space.levels:
            count *= nodes if levels is None else len(levels)
        return count <= MOST_POINTS

    @property
    def is_exact(self):
        """Whether averages of the features and log Z are exact."""
        return self.is_summable or self.strip is not None

    @functools.cached_property
    def strip(self):
        """The `Strip` that the model is, or None: see there."""
        return None if self.is_summable else find_strip(self)

    @functools.cached_property
    def cube(self):
        """The `Cube` that the model is, or None: see there."""
        return find_cube(self) if self.is_summable else None

    def grid(self, nodes=None, window=None):
        """The points of the space, those of unbounded sites as weights say."""
        if window is None:
            window = tf.convert_to_tensor(self.window.value)
        return self.space.quadrature(nodes, window, self.features.breaks)

    def log_reference(self, states):
        """The reference's log-density of states, (batch,)."""
        if self.reference is None:
            return tf.zeros(tf.shape(states)[:1], states.dtype)
        x = self.space.unflatten(states)
        value = tf.convert_to_tensor(self.reference(x))
        if len(value.shape) == 2 and value.shape[1] == 1:
            value = value[:, 0]
        if len(value.shape) != 1:
            raise ValueError(
                f"{type(self).__name__}: reference must give a log-density of "
                f"shape (batch,); it gave {tuple(value.shape)}."
            )
        return tf.cast(value, states.dtype)

    def _sums(self, grid, multipliers, shift, statistics):
        """log sum exp(multipliers . (f - shift)) r, and averages."""

        def block(start, count):
            points = grid.points(start, count)
            base = grid.log_weights(start, count)
            if self.reference is not None:
                base += self.log_reference(points)
            return points, self.features(points) - shift, base

        return partition.expectation(
            block,
            grid.count,
            max(len(self.features), grid.points(0, 1).shape[1]),
            lambda b: tf.linalg.matvec(b[1], multipliers) + b[2],
            statistics,
        )

    def moments(self, multipliers, shift, second=True, nodes=None):
        """(log sum, <f - shift>, covariance or None, <log reference>)."""
        shortcut = self.strip or self.cube
        if shortcut is not None:
            return shortcut.moments(multipliers, shift)
        grid = self.grid(nodes)

        def statistics(block, weights):
            points, features, _ = block
            weighted = features * weights[:, None]
            log_r = tf.zeros((), tf.float64)
            if self.reference is not None:
                log_r = tf.reduce_sum(
                    tf.math.multiply_no_nan(self.log_reference(points), weights)
                )
            values = [tf.reduce_sum(weighted, axis=0), log_r]
            if second:
                values.append(tf.matmul(features, weighted, transpose_a=True))
            return values

        log_sum, values = self._sums(grid, multipliers, shift, statistics)
        mean, log_r, *square = values
        covariance = square[0] - mean[:, None] * mean if second else None
        return log_sum, mean, covariance, log_r

    def exact_evaluation(self, second=True):
        """The dual objective at the present multipliers.

        Returns:
            (evaluation, facts): `log Z - multipliers . observed`, which is
            the cross-entropy -<log p> of the observations, with a tolerance's
            quadratic term; and a dict of what `History` shows.
        """
        x = tf.convert_to_tensor(self.multiplier_weights.value)
        observed = tf.convert_to_tensor(self.observed.value)
        value, residual, covariance, log_r = self.moments(x, observed, second)
        l2 = self._l2()
        entropy = value - tf.reduce_sum(x * residual) - log_r
        facts = {
            "entropy": entropy,
            "log_partition": value + tf.reduce_sum(x * observed),
        }
        if covariance is not None:
            covariance += tf.linalg.diag(l2)
        value += 0.5 * tf.reduce_sum(l2 * x * x)
        return Evaluation(value, residual + l2 * x, covariance), facts

    # Exact results ---------------------------------------------------------

    def _exact_moments(self, nodes=None):
        x = tf.convert_to_tensor(self.multiplier_weights.value)
        shift = tf.convert_to_tensor(self.observed.value)
        log_sum, mean, covariance, log_r = self.moments(x, shift, nodes=nodes)
        log_z = log_sum + tf.reduce_sum(x * shift)
        return log_z, mean + shift, covariance, log_r

    @functools.cached_property
    def _exact_results(self):
        def results():
            log_z, mean, covariance, log_r = self._exact_moments()
            coarse = log_z
            if len(self.space.continuous_sites):
                fewer = int(self.space.default_nodes / 1.4)
                coarse = self._exact_moments(fewer)[0]
            return log_z, mean, covariance, log_r, tf.abs(log_z - coarse)

        return compiled(results)

    def exact_log_partition(self):
        """log Z, by enumeration, or by quadrature with its error.

        The error is the difference from a grid with fewer nodes.
        """
        log_z, _, _, _, error = self._exact_results()
        if self.strip is not None:
            return partition.LogPartition.exact(log_z, TRANSFER_MATRIX)
        if not len(self.space.continuous_sites):
            return partition.LogPartition.exact(log_z)
        return partition.LogPartition.integrated(log_z, error)

    def exact_expectation(self, function):
        """<g(x)>, summed over the space: function of states to (batch, n)."""
        grid = self.grid()
        x = tf.convert_to_tensor(self.multiplier_weights.value)

        def statistics(block, weights):
            values = function(block[0])
            return [tf.linalg.matvec(values, weights, transpose_a=True)]

        return self._sums(grid, x, tf.zeros((), tf.float64), statistics)[1][0]

    def exact_states(self, n, seed, temperature=1.0, window=None):
        """n independent states, drawn through the cells of the grid.

        A point is drawn by its probability, then a place in its cell, which
        for a level is the point itself; a continuous site is then corrected
        by Metropolis-Hastings steps with such draws as proposals.
        """
        beta = tf.cast(1 / temperature, tf.float64)
        x = tf.convert_to_tensor(self.multiplier_weights.value)
        if self.strip is not None:
            return self.strip.sample(beta * x, n, seed)
        grid = self.grid(window=window)

        def log_density(points):
            value = tf.linalg.matvec(self.features(points), x)
            return beta * (value + self.log_reference(points))

        log_p = []
        size = min(grid.count, 2**16)
        for start in range(0, grid.count, size):
            count = min(size, grid.count - start)
            log_p.append(
                log_density(grid.points(start, count))
                + grid.log_weights(start, count)
            )
        log_p = tf.concat(log_p, axis=0)
        cumulative = tf.cumsum(tf.exp(log_p - tf.reduce_max(log_p)))

        def propose(seed, n):
            first, second = random.split(seed, 2)
            share = random.uniform((n, 1), first, "float64")[:, 0]
            share *= cumulative[-1]
            number = tf.searchsorted(cumulative, share, side="right")
            number = tf.minimum(number, grid.count - 1)
            digits = grid.digits(number)
            low, high = grid.cells(digits)
            inside = random.uniform((n, self.space.width), second, "float64")
            place = low + (high - low) * inside
            return place, log_density(grid.at(digits))

        first, second = random.split(seed, 2)
        if not len(self.space.continuous_sites):
            return propose(first, n)[0]
        state = samplers.independence_start(log_density, propose, first, n)
        step = samplers.independence(log_density, propose)
        return samplers.run(step, second, state, 12).x
