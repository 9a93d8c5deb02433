"""Spin units: x in {-1, +1}."""

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from genzoo import spaces
from genzoo.runtime import random
from genzoo.types import Array
from genzoo.units.unit import Unit


@keras.saving.register_keras_serializable("genzoo")
class Spin(Unit):
    """Ising spins with potential `a(x) = sum_i bias_i x_i`.

    Given a field `phi` from the other layer the units are independent,
    `<x_i> = tanh(bias_i + phi_i)`. The bias is the magnetic field over k T.

    Args:
        size: number of units, or the shape in which they are arranged.

    Reference:
        Ackley, Hinton and Sejnowski, "A learning algorithm for Boltzmann
        machines", Cognitive Science 9, 1985.

    Example:
    >>> units = genzoo.units.Spin(3)
    >>> units.mean(tf.zeros((1, 3))).numpy().tolist()
    [[0.0, 0.0, 0.0]]
    """

    levels = np.array([[-1.0], [1.0]])

    def space_of(self, arrangement: int | tuple[int, ...]) -> spaces.Spin:
        """-1 and +1."""
        return spaces.Spin(arrangement)

    def unit_log_cumulant(self, field: tf.Tensor) -> tf.Tensor:
        """log(2 cosh(bias + field)), shape (batch, size)."""
        total = ops.cast(self.bias, field.dtype) + field
        return ops.softplus(2 * total) - total

    def mean(self, field: tf.Tensor) -> tf.Tensor:
        """tanh(bias + field), shape (batch, size)."""
        return ops.tanh(ops.cast(self.bias, field.dtype) + field)

    def sample(self, field: tf.Tensor, seed: random.Seed) -> tf.Tensor:
        """A state drawn given the field, values -1.0 or 1.0."""
        total = ops.cast(self.bias, field.dtype) + field
        return 2 * random.bernoulli(ops.sigmoid(2 * total), seed) - 1

    def from_uniform(self, field: tf.Tensor, uniform: tf.Tensor) -> tf.Tensor:
        """1.0 where the uniform number is below p(x = 1), else -1.0."""
        total = ops.cast(self.bias, field.dtype) + field
        up = uniform < ops.sigmoid(2 * total)
        return 2 * ops.cast(up, field.dtype) - 1

    def smooth(self, mean: Array, count: int) -> Array:
        """The mean of the data and of one half of each value."""
        return mean * count / (count + 1)

    def variance_of(self, mean: Array) -> Array:
        """1 - mean^2."""
        return 1 - mean**2

    def moved(self, x: tf.Tensor, a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
        """Those units are flipped in which a and b differ."""
        return x * a * b

    def bias_for(self, mean: Array) -> Array:
        """Artanh of the mean."""
        return np.arctanh(mean)
