"""Paths from distributions with a known log Z to a MaxEnt.

For `partition.anneal`: each gives exact draws at its start, log-ratios along
the way, and moves that leave p_beta as it is.
"""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from genzoo import samplers


class FieldPath(NamedTuple):
    """Couplings switched on while the biases go from b0 to the model's.

    `p_beta(x) ~ exp((b0 + beta (b - b0)) . phi + beta phi' J phi / 2)`.

    Attributes:
        pairwise: the model's `samplers.PairwiseEnergy` energy.
        colours: of its sites.
        free_bias: b0.
    """

    pairwise: samplers.PairwiseEnergy
    colours: list
    free_bias: tf.Tensor

    def log_partition_start(self):
        """log Z of independent sites with the biases b0."""
        alone = self._at(0.0)
        weights = alone.log_weights(self._anything(1))
        return tf.reduce_sum(tf.reduce_logsumexp(weights, axis=-1))

    def _anything(self, n):
        level = tf.cast(self.pairwise.levels[0], tf.float32)
        return tf.fill((n, self.pairwise.sites), level)

    def start(self, n, seed):
        """n exact draws at beta = 0."""
        # Without couplings one sweep makes all sites new.
        step = samplers.gibbs_sites(self._at(0.0), self.colours)
        return step(seed, self._anything(n))[0]

    def _at(self, beta):
        beta = tf.cast(beta, tf.float32)
        bias = self.free_bias + beta * (self.pairwise.bias - self.free_bias)
        return self.pairwise._replace(
            bias=bias, coupling=beta * self.pairwise.coupling
        )

    def log_ratio(self, x, beta, following):
        """log p*_following(x) - log p*_beta(x), shape (chains,)."""
        alone = tf.linalg.matvec(self.pairwise.encode(x), self.free_bias)
        return (following - beta) * (-self.pairwise.energy(x) - alone)

    def move(self, x, beta, seed):
        """A sweep at beta."""
        step = samplers.gibbs_sites(self._at(beta), self.colours)
        return step(seed, x)[0]


class GeneralPath(NamedTuple):
    """From the space without a model, by `p0(x)^(1 - beta) exp(-beta E(x))`.

    Attributes:
        model: the `MaxEnt`.
    """

    model: object

    def log_partition_start(self):
        """Zero: p0 is normalised."""
        return 0.0

    def start(self, n, seed):
        """n exact draws from p0."""
        return self.model._start(n, seed)

    def _log_start(self, x):
        """log p0(x), the density that `_start` draws from."""
        space = self.model.space
        total = tf.zeros(tf.shape(x)[:1], x.dtype)
        low, high = space.bounds(self.model.window.value)
        for site, levels in enumerate(space.levels):
            column = x[:, site]
            ends = space.low[site], space.high[site]
            if levels is not None:
                total -= np.log(len(levels))
            elif np.isfinite(ends).all():
                total -= np.log(ends[1] - ends[0])
            else:
                middle, spread, sides = 0.0, 1.0, 2.0
                if np.isfinite(ends[0]):
                    middle = ends[0]
                elif np.isfinite(ends[1]):
                    middle = ends[1]
                else:
                    middle = tf.cast(0.5 * (low + high)[site], x.dtype)
                    spread = tf.cast((high - low)[site] / 24, x.dtype)
                    sides = 1.0
                z = (column - middle) / spread
                norm = 0.5 * np.log(2 * np.pi) - np.log(sides)
                total -= 0.5 * z * z + tf.math.log(spread) + norm
        return total

    def log_ratio(self, x, beta, following):
        """log p*_following(x) - log p*_beta(x), shape (chains,)."""
        energy = self.model.state_energy(x)
        return (following - beta) * (-energy - self._log_start(x))

    def move(self, x, beta, seed):
        """A sweep at beta."""

        def energy(x):
            return beta * self.model.state_energy(x) - (
                1 - beta
            ) * self._log_start(x)

        return self.model._general_sweep(energy)(seed, x)[0]
