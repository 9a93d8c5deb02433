"""What every Boltzmann-machine unit type provides."""

import math
from typing import ClassVar

import keras
import numpy as np
from keras import ops

from genzoo import checks
from genzoo.spaces.space import Space


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

    Attributes:
        size: the number of units.
        space: the `genzoo.spaces.Space` of one state, with the shape of one
            example.
        width: length of a state in a row, the number of kernel rows or
            columns.
        levels: for discrete units, the values one unit can take, an array of
            shape (n_levels, width // size); None for continuous units.
        bias: weight of shape (width,), the linear part of `a`.

    Raises:
        ValueError: if `size` is neither a positive int nor a shape.
    """

    arguments: ClassVar[checks.Arguments] = {"size": checks.size_or_shape}
    levels: np.ndarray | None = None

    def __init__(self, size: int | tuple[int, ...], **kwargs):
        super().__init__(**kwargs)
        shape = checks.event_shape(size, f"{type(self).__name__}: size")
        self.size = math.prod(shape)
        is_shape = isinstance(size, (tuple, list))
        self.arrangement = shape if is_shape else self.size
        self.space = self.space_of(self.arrangement)
        self.width = self.space.width
        self.bias = self.add_weight(
            name="bias",
            shape=(self.width,),
            initializer="zeros",
            autocast=False,
        )
        self.built = True

    def space_of(self, arrangement: int | tuple[int, ...]) -> Space:
        """The space of so many units, or of units arranged in this shape."""
        raise NotImplementedError

    @property
    def parameters(self):
        """The weights of `a`, in the order of `statistics`."""
        return [self.bias]

    @property
    def state_count(self):
        """The number of joint states, None for continuous units."""
        return None if self.levels is None else len(self.levels) ** self.size

    def potential(self, x):
        """a(x), shape (batch,), for states x of shape (batch, width)."""
        return ops.matmul(x, ops.cast(self.bias, x.dtype)[:, None])[:, 0]

    def log_cumulant(self, field):
        """log sum_x exp(a(x) + field . x), shape (batch,)."""
        return ops.sum(self.unit_log_cumulant(field), axis=-1)

    def unit_log_cumulant(self, field):
        """The log-cumulant of each unit, shape (batch, size)."""
        raise NotImplementedError

    def mean(self, field):
        """<x> given the field, shape (batch, width)."""
        raise NotImplementedError

    def sample(self, field, seed):
        """A state drawn given the field, shape (batch, width)."""
        raise NotImplementedError

    def from_uniform(self, field, uniform):
        """A state, (batch, width), of uniform numbers (batch, size).

        The cumulative distribution of each unit given the field is inverted.

        Raises:
            ValueError: for continuous units.
        """
        raise ValueError(
            f"{type(self).__name__} units are continuous: they are not drawn "
            "from uniform numbers by arithmetic alone. Use sample(field, seed)."
        )

    def statistics(self, x):
        """d a(x) / d parameter for each parameter, each (batch, width)."""
        return [x]

    def mean_statistics(self, field):
        """<d a / d parameter> given the field, each (batch, width)."""
        return [self.mean(field)]

    def moments(self, field):
        """(log-cumulant, mean statistics) given the field."""
        return self.log_cumulant(field), self.mean_statistics(field)

    def states(self, start, count, dtype):
        """Joint states number `start` to `start + count`, (count, width).

        Raises:
            ValueError: for continuous units.
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

    def adapt(self, mean, variance, count):
        """Set the weights so that, without a field, <x> is the data's mean.

        Args:
            mean: data mean, array of shape (width,).
            variance: data variance, array of shape (width,).
            count: number of examples behind them, for smoothing.
        """
        self.bias.assign(self.bias_for(self.smooth(mean, count)))

    def smooth(self, mean, count):
        """The mean, drawn inside the open range of possible means."""
        return mean

    def bias_for(self, mean):
        """The bias at which <x> = mean without a field; NumPy arrays."""
        raise NotImplementedError

    def call(self, field):
        """The mean given the field, so that units are ordinary layers."""
        return self.mean(field)

    def get_config(self):
        """The constructor's arguments."""
        size = self.arrangement
        size = size if isinstance(size, int) else list(size)
        return {**super().get_config(), "size": size}
