"""log Z of two layers of units joined by a kernel, exact and annealed.

`p(v, h) = exp(a(v) + b(h) + v W h) / Z`, with the potentials of any units.
"""

from typing import Any, NamedTuple

import tensorflow as tf

from genzoo.partition.enumeration import expectation
from genzoo.runtime import random
from genzoo.types import SeedLike
from genzoo.units import Unit
from genzoo.units.tempered import Tempered

# Elements of the widest array while states are weighed: 32 MiB.
_DRAWN_ELEMENTS = 2**22


class Layers(NamedTuple):
    """The two layers and their kernel W, a tensor (visible, hidden).

    Example:
    >>> v, h = genzoo.units.Bernoulli(4), genzoo.units.Bernoulli(3)
    >>> layers = genzoo.partition.Layers(v, h, tf.zeros((4, 3)))
    >>> log_z, _ = layers.enumerate()
    >>> round(float(log_z) / float(np.log(2)), 3)
    7.0
    """

    visible: Unit
    hidden: Unit
    kernel: tf.Tensor

    def hidden_field(self, v: tf.Tensor) -> tf.Tensor:
        """W' v, shape (batch, hidden.width)."""
        return tf.matmul(v, self.kernel)

    def visible_field(self, h: tf.Tensor) -> tf.Tensor:
        """W h, shape (batch, visible.width)."""
        return tf.matmul(h, self.kernel, transpose_b=True)

    @property
    def hidden_is_smaller(self) -> bool:
        """Whether the hidden layer has the fewer joint states."""
        visible, hidden = self.visible.state_count, self.hidden.state_count
        return visible is None or (hidden is not None and hidden <= visible)

    @property
    def smaller(self) -> Unit:
        """The layer with the fewer joint states."""
        return self.hidden if self.hidden_is_smaller else self.visible

    @property
    def state_count(self) -> int | None:
        """The joint states of the smaller layer, None if they are no list."""
        return self.smaller.state_count

    def _enumerate(self):
        """(the smaller layer, the other, the field on the other).

        Raises:
            ValueError: if neither layer has a finite list of states.
        """
        if self.state_count is None:
            raise ValueError(
                "Layers: neither layer has a finite list of states."
            )
        wide = self._replace(kernel=tf.cast(self.kernel, tf.float64))
        if self.hidden_is_smaller:
            return self.hidden, self.visible, wide.visible_field
        return self.visible, self.hidden, wide.hidden_field

    def enumerate(
        self, averages: bool = False
    ) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """log Z, and the model's averages if wanted, in float64.

        Returns:
            (log_z, averages): averages of d(-E)/d theta for the kernel, the
            visible units' and the hidden units' weights, in this order.
        """
        small, large, field_of = self._enumerate()

        def log_weight(states):
            return small.potential(states) + large.log_cumulant(
                field_of(states)
            )

        def statistics(states, weights):
            field = field_of(states)
            pair = [states * weights[:, None], large.mean(field)]
            own = [
                tf.linalg.matvec(s, weights, transpose_a=True)
                for s in small.statistics(states)
            ]
            other = [
                tf.linalg.matvec(s, weights, transpose_a=True)
                for s in large.mean_statistics(field)
            ]
            if self.hidden_is_smaller:
                pair, own, other = pair[::-1], other, own
            return [tf.matmul(*pair, transpose_a=True), *own, *other]

        return expectation(
            lambda start, count: small.states(start, count, "float64"),
            small.state_count,
            max(self.visible.width, self.hidden.width),
            log_weight,
            statistics if averages else None,
        )

    def at(self, beta: float | tf.Tensor) -> "Layers":
        """The layers of `p(v, h)^beta`, normalised.

        Raises:
            ValueError: if a layer's units cannot be tempered.
        """
        # They have all that chains and sums ask of a unit.
        visible: Any = Tempered(self.visible, beta)
        hidden: Any = Tempered(self.hidden, beta)
        kernel = tf.cast(beta, self.kernel.dtype) * self.kernel
        return Layers(visible, hidden, kernel)

    def cumulative(self) -> tf.Tensor:
        """p summed over the smaller layer's states up to each, float64."""
        small, large, field_of = self._enumerate()
        width = max(small.width, large.width)
        count = small.state_count
        chunk = min(max(_DRAWN_ELEMENTS // width, 1), count)
        chunks = -(-count // chunk)

        def log_weights(number):
            states = small.states(number * chunk, chunk, "float64")
            field = field_of(states)
            return small.potential(states) + large.log_cumulant(field)

        log_w = tf.map_fn(
            log_weights,
            tf.range(chunks, dtype=tf.int64),
            fn_output_signature=tf.TensorSpec((chunk,), tf.float64),
            parallel_iterations=1,
        )
        return tf.cumsum(tf.nn.softmax(tf.reshape(log_w, (-1,))[:count]))

    def exact_hidden(
        self, n: int, seed: random.Seed, cumulative: tf.Tensor | None = None
    ) -> tf.Tensor:
        """Hidden states of n independent, exact draws from p(v, h).

        Args:
            n: how many.
            seed: a `runtime.random.Seed`.
            cumulative: what `cumulative` gives; None finds it.
        """
        if cumulative is None:
            cumulative = self.cumulative()
        small, large, field_of = self._enumerate()
        first, second = random.split(seed, 2)
        uniform = random.uniform((n, 1), first, "float64")[:, 0]
        chosen = tf.searchsorted(
            cumulative, uniform, side="right", out_type=tf.int64
        )
        chosen = tf.minimum(chosen, small.state_count - 1)
        # One state from each of these numbers on.
        states = small.states(chosen, 1, "float64")
        dtype = self.kernel.dtype
        if self.hidden_is_smaller:
            return tf.cast(states, dtype)
        return large.sample(tf.cast(field_of(states), dtype), second)

    def exact_visible(
        self, n: int, seed: random.Seed, cumulative: tf.Tensor | None = None
    ) -> tf.Tensor:
        """Visible states of n independent, exact draws; see `exact_hidden`."""
        first, second = random.split(seed, 2)
        hidden = self.exact_hidden(n, first, cumulative)
        return self.visible.sample(self.visible_field(hidden), second)


class Walker(NamedTuple):
    """A chain on the path: the visible states, and W' v."""

    visible: tf.Tensor
    field: tf.Tensor


class AnnealingPath(NamedTuple):
    """Kernel and biases switched on together, from independent units.

    `p_beta(v) ~ exp(a(v) + (1 - beta) s v) sum_h exp(b(h) + (1 - beta) t h
    + beta v W h)`: at beta = 0 the units are independent, with their biases
    shifted by s and t, at beta = 1 it is the model. Two products with the
    kernel for each temperature.

    Attributes:
        layers: the `Layers`.
        visible_shift: s, (visible.width,).
        hidden_shift: t, (hidden.width,), or one for each row.

    Example:
    >>> v, h = genzoo.units.Bernoulli(4), genzoo.units.Bernoulli(3)
    >>> layers = genzoo.partition.Layers(v, h, tf.ones((4, 3)))
    >>> path = genzoo.partition.AnnealingPath(layers, tf.zeros(4), tf.zeros(3))
    >>> start = path.at(path.draw(100, seed=0))
    >>> end, log_weights = genzoo.partition.anneal(
    ...     path, start, np.linspace(0, 1, 20), seed=1
    ... )
    >>> log_z = genzoo.partition.annealed_importance(
    ...     path.log_partition_start(), log_weights
    ... )
    >>> exact, _ = layers.enumerate()
    >>> bool(abs(log_z.value - exact) < 4 * log_z.stderr)
    True
    """

    layers: Layers
    visible_shift: tf.Tensor
    hidden_shift: tf.Tensor

    def log_partition_start(self) -> tf.Tensor:
        """log Z at beta = 0."""
        return self.log_partitions_start()[0]

    def log_partitions_start(self) -> tf.Tensor:
        """log Z at beta = 0 of each row of units that are clamped."""
        visible, hidden, _ = self.layers
        at_hidden = tf.reshape(self.hidden_shift, (-1, hidden.width))
        return visible.log_cumulant(
            self.visible_shift[None]
        ) + hidden.log_cumulant(at_hidden)

    def at(self, v: tf.Tensor) -> Walker:
        """The walkers at visible states v."""
        return Walker(v, self.layers.hidden_field(v))

    def draw(self, n: int, seed: SeedLike) -> tf.Tensor:
        """Visible states, n exact draws at beta = 0."""
        shift = self.visible_shift[None] + tf.zeros((n, 1), self.dtype)
        return self.layers.visible.sample(shift, random.as_seed(seed))

    @property
    def dtype(self) -> tf.DType:
        """That of the kernel."""
        return self.layers.kernel.dtype

    def log_ratio(
        self,
        walker: Walker,
        beta: float | tf.Tensor,
        following: float | tf.Tensor,
    ) -> tf.Tensor:
        """log p*_following(v) - log p*_beta(v), shape (chains,)."""
        cumulant = self.layers.hidden.unit_log_cumulant
        change = cumulant(self._hidden_field(walker, following)) - cumulant(
            self._hidden_field(walker, beta)
        )
        shifted = tf.linalg.matvec(walker.visible, self.visible_shift)
        difference = tf.cast(beta - following, self.dtype)
        return tf.reduce_sum(change, axis=-1) + difference * shifted

    def _hidden_field(self, walker, beta):
        beta = tf.cast(beta, self.dtype)
        return beta * walker.field + (1 - beta) * self.hidden_shift

    def move(
        self, walker: Walker, beta: float | tf.Tensor, seed: random.Seed
    ) -> Walker:
        """A Gibbs sweep at beta."""
        first, second = random.split(seed, 2)
        visible, hidden, _ = self.layers
        h = hidden.sample(self._hidden_field(walker, beta), first)
        scaled = tf.cast(beta, self.dtype) * self.layers.visible_field(h)
        rest = (1 - tf.cast(beta, self.dtype)) * self.visible_shift
        return self.at(visible.sample(scaled + rest, second))
