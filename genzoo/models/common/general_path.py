"""The path from a distribution that is known to an energy of any kind.

For `partition.anneal`: exact draws at its start, log-ratios along the way,
and moves that leave p_beta as it is.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import tensorflow as tf

from genzoo.runtime import random


class Base(Protocol):
    """A normalised distribution of independent sites."""

    def sample(self, n: Any, seed: random.Seed) -> tf.Tensor:
        """n independent states, (n, width), float32."""

    def log_prob(
        self, x: tf.Tensor, seen: tf.Tensor | None = None
    ) -> tf.Tensor:
        """log p0 of states (batch, width), of those sites that are seen."""


class GeneralPath(NamedTuple):
    """From the space without a model, by `p0(x)^(1 - beta) exp(-beta E(x))`.

    Attributes:
        base: p0, which is normalised.
        energy: E, function of states.
        sweep: function from an energy to a step that leaves exp(-it) alone.
        held: rows of states and which of them are known, or None.
        places: function from states to other coordinates, in which walkers
            go; those of the energy, and of
        log_base: log p0 of walkers. None for states and `base.log_prob`.
    """

    base: Base
    energy: Callable
    sweep: Callable
    held: tuple[tf.Tensor, tf.Tensor] | None = None
    places: Callable | None = None
    log_base: Callable | None = None

    def log_partition_start(self) -> float:
        """Zero: p0 is normalised."""
        return 0.0

    def log_partitions_start(self) -> tf.Tensor:
        """log p0 of what is held of each row, (rows,)."""
        if self.held is None:
            return tf.zeros(1)
        return self.base.log_prob(*self.held)

    def draw(self, n: int, seed: random.Seed) -> tf.Tensor:
        """n exact draws from p0."""
        return with_held(self.base.sample(n, seed), self.held)

    def at(self, x: tf.Tensor) -> tf.Tensor:
        """Walkers at these states."""
        return x if self.places is None else self.places(x)

    def _log_start(self, walkers):
        log_base = self.log_base or self.base.log_prob
        return log_base(walkers)

    def log_ratio(self, x: tf.Tensor, beta: Any, following: Any) -> tf.Tensor:
        """log p*_following(x) - log p*_beta(x), shape (chains,)."""
        return (following - beta) * (-self.energy(x) - self._log_start(x))

    def move(self, x: tf.Tensor, beta: Any, seed: random.Seed) -> tf.Tensor:
        """A sweep at beta."""

        def between(x):
            start = (1 - beta) * self._log_start(x)
            return beta * self.energy(x) - start

        return self.sweep(between)(seed, x)[0]


def with_held(
    x: tf.Tensor, held: tuple[tf.Tensor, tf.Tensor] | None
) -> tf.Tensor:
    """States, those that are held as they are."""
    return x if held is None else tf.where(held[1], held[0], x)
