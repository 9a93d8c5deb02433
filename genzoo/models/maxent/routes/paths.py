"""Paths from distributions with a known log Z to a MaxEnt.

For `partition.anneal`: each gives exact draws at its start, log-ratios along
the way, and moves that leave p_beta as it is.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

from genzoo import samplers
from genzoo.models.maxent.routes.base_density import BaseDensity
from genzoo.runtime import random


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

    def log_partition_start(self) -> tf.Tensor:
        """log Z of independent sites with the biases b0."""
        alone = self._scaled(0.0)
        weights = alone.log_weights(self._anything(1))
        return tf.reduce_sum(tf.reduce_logsumexp(weights, axis=-1))

    def _anything(self, n):
        level = tf.cast(self.pairwise.levels[0], tf.float32)
        return tf.fill((n, self.pairwise.sites), level)

    def draw(self, n: int, seed: random.Seed) -> tf.Tensor:
        """n exact draws at beta = 0."""
        # Without couplings one sweep makes all sites new.
        step = samplers.gibbs_sites(self._scaled(0.0), self.colours)
        return step(seed, self._anything(n))[0]

    def at(self, x: tf.Tensor) -> tf.Tensor:
        """Walkers at these states: the states."""
        return x

    def _scaled(self, beta):
        beta = tf.cast(beta, tf.float32)
        bias = self.free_bias + beta * (self.pairwise.bias - self.free_bias)
        return self.pairwise._replace(
            bias=bias, coupling=beta * self.pairwise.coupling
        )

    def log_ratio(self, x: tf.Tensor, beta: Any, following: Any) -> tf.Tensor:
        """log p*_following(x) - log p*_beta(x), shape (chains,)."""
        alone = tf.linalg.matvec(self.pairwise.encode(x), self.free_bias)
        return (following - beta) * (-self.pairwise.energy(x) - alone)

    def move(self, x: tf.Tensor, beta: Any, seed: random.Seed) -> tf.Tensor:
        """A sweep at beta."""
        step = samplers.gibbs_sites(self._scaled(beta), self.colours)
        return step(seed, x)[0]


class GeneralPath(NamedTuple):
    """From the space without a model, by `p0(x)^(1 - beta) exp(-beta E(x))`.

    Attributes:
        base: p0, which is normalised.
        energy: E, function of states.
        sweep: function from an energy to a step that leaves exp(-it) alone.
    """

    base: BaseDensity
    energy: Callable
    sweep: Callable

    def log_partition_start(self) -> float:
        """Zero: p0 is normalised."""
        return 0.0

    def draw(self, n: int, seed: random.Seed) -> tf.Tensor:
        """n exact draws from p0."""
        return self.base.sample(n, seed)

    def at(self, x: tf.Tensor) -> tf.Tensor:
        """Walkers at these states: the states."""
        return x

    def log_ratio(self, x: tf.Tensor, beta: Any, following: Any) -> tf.Tensor:
        """log p*_following(x) - log p*_beta(x), shape (chains,)."""
        return (following - beta) * (-self.energy(x) - self.base.log_prob(x))

    def move(self, x: tf.Tensor, beta: Any, seed: random.Seed) -> tf.Tensor:
        """A sweep at beta."""

        def between(x):
            start = (1 - beta) * self.base.log_prob(x)
            return beta * self.energy(x) - start

        return self.sweep(between)(seed, x)[0]
