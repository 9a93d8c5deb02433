"""The path from independent sites to pairwise energies, for annealing."""

from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from genzoo import samplers
from genzoo.models.common.general_path import with_held
from genzoo.runtime import random


class FieldPath(NamedTuple):
    """Couplings switched on while the biases go from b0 to the model's.

    `p_beta(x) ~ exp((b0 + beta (b - b0)) . phi + beta phi' J phi / 2)`.

    Attributes:
        pairwise: the model's `samplers.PairwiseEnergy` energy.
        colours: of its sites.
        free_bias: b0.
        held: rows of states and which of them are known, or None.
    """

    pairwise: samplers.PairwiseEnergy
    colours: list
    free_bias: tf.Tensor
    held: tuple[tf.Tensor, tf.Tensor] | None = None

    def log_partition_start(self) -> tf.Tensor:
        """log Z of independent sites with the biases b0."""
        alone = self._scaled(0.0)
        weights = alone.log_weights(self._anything(1))
        return tf.reduce_sum(tf.reduce_logsumexp(weights, axis=-1))

    def log_partitions_start(self) -> tf.Tensor:
        """The same of what is left where some of each row is held, (rows,)."""
        if self.held is None:
            return self.log_partition_start()[None]
        x, seen = self.held
        alone = self._scaled(0.0)
        weights = alone.log_weights(self._anything(1))
        numbers = alone.level_numbers(x)
        own = tf.gather(
            tf.repeat(weights, tf.shape(x)[0], axis=0), numbers, batch_dims=2
        )
        free = tf.reduce_logsumexp(weights, axis=-1)
        return tf.reduce_sum(tf.where(seen, own, free), axis=-1)

    def _anything(self, n):
        level = tf.cast(self.pairwise.levels[0], tf.float32)
        return tf.fill((n, self.pairwise.sites), level)

    def draw(self, n: int, seed: random.Seed) -> tf.Tensor:
        """n exact draws at beta = 0."""
        # Without couplings all sites are of one colour.
        sites = [np.arange(self.pairwise.sites)]
        step = samplers.gibbs_sites(self._scaled(0.0), sites)
        return with_held(step(seed, self._anything(n))[0], self.held)

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
        kept = None if self.held is None else self.held[1]
        step = samplers.gibbs_sites(self._scaled(beta), self.colours, kept)
        return step(seed, x)[0]
