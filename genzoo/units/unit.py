"""What every Boltzmann-machine unit type provides."""

import math
from typing import Any, ClassVar

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from genzoo import checks
from genzoo.runtime import random, weights
from genzoo.spaces.space import Space
from genzoo.types import Array


class Unit(keras.layers.Layer):
    """A layer of units, independent of each other given the other layer.

    The other layer acts through a *field* `phi`, which adds a linear term to
    the layer's own potential: `p(x | phi) ~ exp(a(x) + phi . x)`. A subclass
    gives `a` and what follows from it: the log-cumulant
    `log sum_x exp(a(x) + phi . x)` (an integral for continuous units), its
    derivatives, and draws.

    Args:
        size: number of units, or the shape in which they are arranged in one
            example, such as (28, 28).
        **kwargs: `name`, `dtype` and `trainable`, as in Keras.

    Attributes:
        size: the number of units.
        space: the `genzoo.spaces.Space` of one state, with the shape of one
            example.
        width: length of a state in a row, the number of kernel rows or
            columns.
        levels: for units of finitely many levels, the values one unit can
            take, an array of shape (n_levels, width // size); else None.
        level_base: `log_base` of these levels, (n_levels,); None for zeros.
        bias: weight of shape (width,), the linear part of `a`.
        dispersion: how many times as far as `variance_of` says data spread.
        growth: by how much a unit's variance may exceed that without a field
            where data pull hard: as hidden units they learn so much slower.
        most_variance: of the numbers of an example, up to which such hidden
            units can be trained.

    Raises:
        ValueError: if `size` is neither a positive int nor a shape; for a
            keyword of Keras that means nothing here.

    Example:
    >>> units = genzoo.units.Bernoulli((28, 28))
    >>> units.width, units.space.event_shape
    (784, (28, 28))
    >>> units.log_cumulant(tf.zeros((5, 784))).shape
    TensorShape([5])
    """

    arguments: ClassVar[checks.Arguments] = {"size": checks.size_or_shape}
    # Weights that older presets lack, and what they then are.
    newer: ClassVar[dict[str, float]] = {}
    levels: np.ndarray | None = None
    level_base: np.ndarray | None = None
    growth: float = 1.0
    most_variance: float = math.inf
    dispersion: Any = 1.0

    def __init__(self, size: int | tuple[int, ...], **kwargs):
        checks.layer_keywords(type(self).__name__, kwargs)
        super().__init__(**kwargs)
        shape = checks.event_shape(size, f"{type(self).__name__}: size")
        self.size = math.prod(shape)
        is_shape = isinstance(size, (tuple, list))
        self.arrangement = shape if is_shape else self.size
        self.space = self.space_of(self.arrangement)
        self.width = self.space.width
        self.bias = self._make_bias()
        self.built = True

    def _make_bias(self) -> Any:
        return self.add_weight(
            name="bias",
            shape=(self.width,),
            initializer="zeros",
            autocast=False,
        )

    def add_weight(self, *args: Any, **kwargs: Any) -> keras.Variable:
        """A weight as in Keras; whether it is assigned later is noticed."""
        return weights.mark(super().add_weight(*args, **kwargs))

    def space_of(self, arrangement: int | tuple[int, ...]) -> Space:
        """The space of so many units, or of units arranged in this shape."""
        raise NotImplementedError

    @property
    def parameters(self) -> list[keras.Variable]:
        """The weights of `a`, in the order of `statistics`."""
        return [self.bias]

    # No property: Keras's saver would follow it for ever.
    def blocks(self) -> list["Unit"]:
        """The units of one kind that stand side by side: itself."""
        return [self]

    @property
    def is_discrete(self) -> bool:
        """Whether units have a finite list of values."""
        return self.levels is not None

    @property
    def said(self) -> str:
        """Which units these are, for messages."""
        return " + ".join(type(block).__name__ for block in self.blocks())

    @property
    def statistic_count(self) -> int:
        """How many `statistics` there are; the first is x itself."""
        return len(self.parameters)

    def spread(self, joint: list) -> list:
        """Gradients in the order of `parameters`, from `statistics`."""
        return list(joint)

    def gather(self, gradients: list) -> list:
        """Gradients in the order of `statistics`, from `parameters`."""
        return list(gradients)

    def named_weights(self) -> dict[str, keras.Variable]:
        """All weights, by names that are different."""
        return {weight.name: weight for weight in self.weights}

    def newer_weights(self) -> dict[str, tuple[int, float]]:
        """(width, value) of weights that older presets lack, by name."""
        return {name: (self.width, value) for name, value in self.newer.items()}

    @property
    def state_count(self) -> int | None:
        """The number of joint states, None if they are no finite list."""
        return None if self.levels is None else len(self.levels) ** self.size

    def standardise(self, x: tf.Tensor) -> tf.Tensor:
        """The states of examples in rows, (batch, width)."""
        return ops.cast(x, self.bias.dtype)

    def restore(self, states: tf.Tensor) -> tf.Tensor:
        """The examples in rows of states, (batch, width)."""
        return states

    def log_scale(self) -> tf.Tensor | float:
        """log |dx / d state|: what a density of examples has less, in nats."""
        return 0.0

    def log_scale_of(self, seen: tf.Tensor) -> tf.Tensor:
        """The same of some units alone, those seen, bool (batch, width)."""
        return tf.zeros(tf.shape(seen)[:1], self.bias.dtype)

    def by_unit(self, seen: tf.Tensor) -> tf.Tensor:
        """What is said of all numbers of a unit, (batch, width), of units.

        Returns:
            (batch, size): of each unit what is said of its first number.
        """
        return seen[:, :: self.width // self.size]

    def choices(self) -> list[tuple[Array, Array | None]]:
        """What each unit may be: its columns in a state, and their levels.

        The levels are None for continuous units.
        """
        depth = self.width // self.size
        columns = np.arange(self.width).reshape(self.size, depth)
        return [(own, self.levels) for own in columns]

    @property
    def is_bounded(self) -> bool:
        """Whether no state reaches infinity.

        Then the log-cumulant grows no faster than the field, and any other
        layer, whose potential falls faster than that, stays normalisable.
        """
        return self.space.is_bounded

    def potential(self, x: tf.Tensor) -> tf.Tensor:
        """a(x), shape (batch,), for states x of shape (batch, width)."""
        linear = ops.matmul(x, ops.cast(self.bias, x.dtype)[:, None])[:, 0]
        return linear + self.log_base(x)

    def log_base(self, x: tf.Tensor) -> tf.Tensor | float:
        """What a(x) is beside `bias . x`, (batch,); 0 by default."""
        return 0.0

    @property
    def has_level_potentials(self) -> bool:
        """Whether a of each level of each unit is known."""
        own = type(self).potential
        return self.levels is not None and own is Unit.potential

    def level_potentials(self, dtype: str) -> tf.Tensor:
        """a of each level of each unit, (size, n_levels).

        Raises:
            ValueError: for units without a finite list of levels.
        """
        if self.levels is None:
            raise ValueError(
                f"{type(self).__name__} units have no finite list of levels."
            )
        bias = ops.reshape(ops.cast(self.bias, dtype), (self.size, -1))
        linear = ops.matmul(bias, ops.cast(self.levels.T, dtype))
        base = 0.0 if self.level_base is None else self.level_base
        return linear + ops.cast(base, dtype)

    def log_cumulant(self, field: tf.Tensor) -> tf.Tensor:
        """log sum_x exp(a(x) + field . x), shape (batch,)."""
        return ops.sum(self.unit_log_cumulant(field), axis=-1)

    def unit_log_cumulant(self, field: tf.Tensor) -> tf.Tensor:
        """The log-cumulant of each unit, shape (batch, size)."""
        raise NotImplementedError

    def mean(self, field: tf.Tensor) -> tf.Tensor:
        """<x> given the field, shape (batch, width)."""
        raise NotImplementedError

    def sample(self, field: tf.Tensor, seed: random.Seed) -> tf.Tensor:
        """A state drawn given the field, shape (batch, width)."""
        raise NotImplementedError

    def from_uniform(self, field: tf.Tensor, uniform: tf.Tensor) -> tf.Tensor:
        """A state, (batch, width), of uniform numbers (batch, size).

        The cumulative distribution of each unit given the field is inverted.

        Raises:
            ValueError: for units without a finite list of levels.
        """
        raise ValueError(
            f"{type(self).__name__} units are not drawn from one uniform "
            "number each by arithmetic alone. Use sample(field, seed)."
        )

    def statistics(self, x: tf.Tensor) -> list[tf.Tensor]:
        """d a(x) / d parameter for each parameter, each (batch, width)."""
        return [x]

    def mean_statistics(self, field: tf.Tensor) -> list[tf.Tensor]:
        """<d a / d parameter> given the field, each (batch, width)."""
        return [self.mean(field)]

    def moments(self, field: tf.Tensor) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """(log-cumulant, mean statistics) given the field."""
        return self.log_cumulant(field), self.mean_statistics(field)

    def repeated(self, count: int) -> Any:
        """The units of rows that are repeated so often, each row in turn.

        Itself, for units that are the same in all rows.
        """
        return self

    def states(
        self, start: int | tf.Tensor, count: int, dtype: str
    ) -> tf.Tensor:
        """Joint states number `start` to `start + count`, (count, width).

        Of a tensor of numbers (n,), with a count of 1, those states.

        Raises:
            ValueError: for units without a finite list of levels.
        """
        if self.levels is None:
            raise ValueError(
                f"{type(self).__name__} units have no finite list of states."
            )
        # The first unit is the most significant digit.
        numbers = ops.arange(count, dtype="int64") + ops.cast(start, "int64")
        radix = len(self.levels)
        powers = np.array(
            [radix**k for k in reversed(range(self.size))], np.int64
        )
        digits = (numbers[:, None] // powers) % radix
        states = ops.take(ops.cast(self.levels, dtype), digits, axis=0)
        return ops.reshape(states, (-1, self.width))

    def opposite(self, x: tf.Tensor) -> tf.Tensor:
        """States with each discrete unit at another level."""
        if self.levels is None:
            return x
        depth = self.levels.shape[1]
        if depth == 1:
            return float(self.levels.min() + self.levels.max()) - x
        groups = ops.reshape(x, (-1, self.size, depth))
        return ops.reshape(ops.roll(groups, 1, axis=2), ops.shape(x))

    def adapt(self, mean: Array, variance: Array, count: int) -> None:
        """Set the weights so that, without a field, <x> is the data's mean.

        Args:
            mean: data mean, array of shape (width,).
            variance: data variance, array of shape (width,).
            count: number of examples behind them, for smoothing.
        """
        self.bias.assign(self.bias_for(self.smooth(mean, count)))

    def adapt_untouched(self, mean: Array, variance: Array, count: int) -> None:
        """As `adapt`, but weights that were assigned or trained stay."""
        kept = [(w, w.numpy()) for w in self.weights if weights.is_touched(w)]
        self.adapt(mean, variance, count)
        for weight, value in kept:
            weight.assign(value)
        if kept and all(weight is not self.bias for weight, _ in kept):
            # The bias of this mean depends on those that were kept.
            self.bias.assign(self.bias_for(self.smooth(mean, count)))
        for weight in self.weights:
            if all(weight is not other for other, _ in kept):
                weights.mark(weight)

    def smooth(self, mean: Array, count: int) -> Array:
        """The mean, drawn inside the open range of possible means."""
        return mean

    def state_of_mean(self, mean: Array) -> tf.Tensor:
        """The state about which data of such a mean are centred, (width,)."""
        return self.standardise(mean[None])[0]

    def variance_of(self, mean: Array) -> Array:
        """The variance of states of such a mean; NumPy arrays.

        Of continuous units it is that of the standard form.
        """
        return np.ones_like(mean)

    @property
    def precisions(self) -> list[keras.Variable]:
        """Weights that learn, of which the exp divides fields.

        Of two the geometric mean does. See `genzoo.models.common.stiffness`.
        """
        return []

    def leave_room(self) -> None:
        """Let what the other layer is to tell be no noise of the units."""

    def moved(self, x: tf.Tensor, a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
        """States x moved as from a to b, such that from b to a leads back.

        All of shape (batch, width). Units that cannot move so stay.
        """
        return x

    def bias_for(self, mean: Array) -> Array:
        """The bias at which <x> = mean without a field; NumPy arrays."""
        raise NotImplementedError

    def call(self, field: tf.Tensor) -> tf.Tensor:
        """The mean given the field, so that units are ordinary layers."""
        return self.mean(field)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        size = self.arrangement
        size = size if isinstance(size, int) else list(size)
        return {**super().get_config(), "size": size}
