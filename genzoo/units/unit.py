"""What every Boltzmann-machine unit type provides."""

import numbers

import keras
import numpy as np
from keras import ops


class Unit(keras.layers.Layer):
    """A layer of units, independent of each other given the other layer.

    The other layer acts through a *field* `phi`, which adds a linear term to
    the layer's own potential: `p(x | phi) ~ exp(a(x) + phi . x)`. A subclass
    gives `a` and what follows from it: the log-cumulant
    `log sum_x exp(a(x) + phi . x)` (an integral for continuous units), its
    derivatives, and draws.

    Args:
        size: number of units.

    Attributes:
        width: length of a state, the number of kernel rows or columns.
        levels: for discrete units, the values one unit can take, an array of
            shape (n_levels, width // size); None for continuous units.
        bias: weight of shape (width,), the linear part of `a`.
        space: the space of one state in words, for error messages.
        hint: what to do with data outside of it.

    Raises:
        ValueError: if `size` is not a positive int.
    """

    levels = None
    space = hint = ""

    def __init__(self, size, width=None, **kwargs):
        super().__init__(**kwargs)
        is_int = isinstance(size, numbers.Integral)
        if not is_int or isinstance(size, bool) or size < 1:
            raise ValueError(
                f"{type(self).__name__}: size must be a positive int; "
                f"received {size!r}."
            )
        self.size = int(size)
        self.width = int(width or size)
        self.bias = self.add_weight(
            name="bias",
            shape=(self.width,),
            initializer="zeros",
            autocast=False,
        )
        self.built = True

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

    def outside(self, x):
        """A boolean scalar: whether any value of x is not in the space.

        Args:
            x: a NumPy array of any numeric dtype, or a tensor of floats.
        """
        raise NotImplementedError

    def call(self, field):
        """The mean given the field, so that units are ordinary layers."""
        return self.mean(field)

    def get_config(self):
        """The constructor's arguments."""
        return {**super().get_config(), "size": self.size}
