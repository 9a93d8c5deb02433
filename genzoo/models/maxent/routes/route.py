"""What a route is: how averages, log Z and draws of a density are found."""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import tensorflow as tf

from genzoo import partition
from genzoo.models.maxent.density import Density
from genzoo.models.maxent.routes.window import Window
from genzoo.runtime import random
from genzoo.runtime.graph import Graph

_KEY = tf.TensorSpec((2,), tf.int64)
_ROW = tf.TensorSpec((), tf.int64)
_COUNT = tf.TensorSpec((), tf.int32)
_SCALAR = tf.TensorSpec((), tf.float32)


class Moments(NamedTuple):
    """What a route knows of a density, the features shifted by a constant.

    Attributes:
        log_z: log Z - lambda . shift; None where it is not known.
        mean: <f> - shift, (features,).
        covariance: of the features; None if it was not asked for.
        log_reference: <log r>; None where it is not known.
    """

    log_z: tf.Tensor | None
    mean: tf.Tensor
    covariance: tf.Tensor | None
    log_reference: tf.Tensor | None


class Solved(NamedTuple):
    """What is known of a density at some multipliers.

    Attributes:
        log_z: log Z.
        mean: <f>, (features,).
        log_reference: <log r>.
        error: of log Z, from a coarser sum.
        covariance: of the features; None if it was not asked for.
    """

    log_z: tf.Tensor
    mean: tf.Tensor
    log_reference: tf.Tensor
    error: tf.Tensor
    covariance: tf.Tensor | None = None


class Route(Protocol):
    """How averages and log Z of a density are found, and how it is drawn.

    Attributes:
        name: "enumeration", "quadrature", "transfer_matrix" or
            "persistent_chains".
    """

    name: str

    def moments(
        self, multipliers: tf.Tensor, shift: tf.Tensor, second: bool = True
    ) -> Moments:
        """The `Moments` at these multipliers, inside a graph."""

    def log_partition(
        self, multipliers: tf.Tensor, shift: tf.Tensor
    ) -> partition.LogPartition:
        """log Z, with what is known of its error."""

    def draw(
        self,
        multipliers: tf.Tensor,
        n: Any,
        seed: random.Seed,
        temperature: float = 1.0,
    ) -> tf.Tensor:
        """n states, (n, width), float32."""

    def expectation(
        self, multipliers: tf.Tensor, function: Callable
    ) -> tf.Tensor:
        """<g(x)> of a function from states to (batch, n)."""


class ExactRoute:
    """A route by sums or closed forms. A subclass gives `moments`, `states`.

    Args:
        density: the `Density`.
        window: where unbounded sites are integrated.
    """

    name = "enumeration"
    # Whether a covariance is a sum over states, so that of few features it is
    # had sooner than of all.
    sums_covariance = False
    # All features of all states, where there is no more to sum over.
    table: Any = None

    def __init__(self, density: Density, window: Window):
        self.density = density
        self.window = window
        vector = tf.TensorSpec((len(density.features),), tf.float64)
        extent = tf.TensorSpec((density.space.width, 4), tf.float64)
        self._solved = {
            second: Graph(
                functools.partial(self._solve, second), vector, vector
            )
            for second in (False, True)
        }
        self._drawn = Graph(
            self._draw, vector, _COUNT, _KEY, _ROW, _SCALAR, extent
        )

    def moments(
        self, multipliers: tf.Tensor, shift: tf.Tensor, second: bool = True
    ) -> Moments:
        """The `Moments` at these multipliers, inside a graph."""
        raise NotImplementedError

    def states(
        self,
        multipliers: tf.Tensor,
        n: Any,
        seed: random.Seed,
        temperature: Any,
        extent: tf.Tensor,
    ) -> tf.Tensor:
        """n independent states, (n, width), inside a graph."""
        raise NotImplementedError

    def coarse(
        self, multipliers: tf.Tensor, shift: tf.Tensor
    ) -> tf.Tensor | None:
        """log Z - lambda . shift by a coarser sum, None where it is exact."""
        return None

    def solved(
        self, multipliers: tf.Tensor, shift: tf.Tensor, second: bool = False
    ) -> Solved:
        """What is known at these multipliers; the shift loses fewer digits.

        The covariance, n^2 numbers, only if `second`.
        """
        return Solved(*self._solved[second](multipliers, shift))

    def moments_now(
        self, multipliers: tf.Tensor, shift: tf.Tensor, second: bool = True
    ) -> Moments:
        """The `Moments` outside of graphs, where they are had once."""
        x, shift = tf.constant(multipliers), tf.constant(shift)
        return self.moments(x, shift, second)

    def _solve(self, second, x, shift):
        log_sum, mean, covariance, log_r = self.moments(x, shift, second)
        log_z = log_sum + tf.reduce_sum(x * shift)
        rough = log_z
        coarse = self.coarse(x, shift)
        if coarse is not None:
            rough = coarse + tf.reduce_sum(x * shift)
        found = log_z, mean + shift, log_r, tf.abs(log_z - rough)
        return (*found, covariance) if second else found

    def log_partition(
        self, multipliers: tf.Tensor, shift: tf.Tensor
    ) -> partition.LogPartition:
        """log Z; of an integral its error is that of fewer nodes."""
        found = self.solved(multipliers, shift)
        if self.name == "quadrature":
            return partition.LogPartition.integrated(found.log_z, found.error)
        method = self.name.replace("_", " ")
        return partition.LogPartition.exact(found.log_z, method)

    def draw(
        self,
        multipliers: tf.Tensor,
        n: Any,
        seed: random.Seed,
        temperature: float = 1.0,
    ) -> tf.Tensor:
        """n independent states of p^(1 / temperature), (n, width), float32."""
        first, _ = random.split(seed, 2)
        return self.independent(multipliers, n, first, temperature)

    def independent(
        self,
        multipliers: tf.Tensor,
        n: Any,
        seed: random.Seed,
        temperature: float = 1.0,
    ) -> tf.Tensor:
        """As `draw`, by the seed itself."""
        extent = self.window.at(self.density, multipliers, temperature)
        heat = tf.convert_to_tensor(temperature, tf.float32)
        count = tf.convert_to_tensor(n, tf.int32)
        row = tf.cast(seed.row, tf.int64)
        return self._drawn(multipliers, count, seed.key, row, heat, extent)

    def _draw(self, multipliers, n, key, row, temperature, extent):
        seed = random.Seed(key, row)
        states = self.states(multipliers, n, seed, temperature, extent)
        return tf.cast(states, tf.float32)

    def expectation(
        self, multipliers: tf.Tensor, function: Callable
    ) -> tf.Tensor:
        """<g(x)> of a function from states to (batch, n), here from draws."""
        return sampled_expectation(self, multipliers, function)


# Draws behind averages of what cannot be summed over.
DRAWS = 10_000


def sampled_expectation(
    route: Route, multipliers: tf.Tensor, function: Callable
) -> tf.Tensor:
    """The mean of a function over 10,000 draws of a route."""
    states = route.draw(multipliers, DRAWS, random.as_seed(0))
    return tf.reduce_mean(function(tf.cast(states, tf.float64)), axis=0)
