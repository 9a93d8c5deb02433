"""Poisson units: counts without end."""

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from genzoo.runtime import random
from genzoo.spaces import Counts
from genzoo.types import Array
from genzoo.units import drawn_counts
from genzoo.units.unit import Unit


@keras.saving.register_keras_serializable("genzoo")
class Poisson(Unit):
    """Counts 0, 1, 2, ..., with `a(x) = sum_i bias_i x_i - log x_i!`.

    Given a field `phi` from the other layer the units are independent,
    Poisson distributed with the rate `exp(bias_i + phi_i)`. The log-cumulant
    is that rate: it grows faster than any power of the field, so that the
    other layer must be bounded.

    Args:
        size: number of units, or the shape in which they are arranged.

    Reference:
        Welling, Rosen-Zvi and Hinton, "Exponential family harmoniums with an
        application to information retrieval", NIPS 2004. Gehler, Holub and
        Welling, "The rate adapting Poisson model", ICML 2006.

    Example:
    >>> units = genzoo.units.Poisson(2)
    >>> units.mean(tf.math.log([[3.0, 0.5]])).numpy().round(3).tolist()
    [[3.0, 0.5]]
    """

    def space_of(self, arrangement: int | tuple[int, ...]) -> Counts:
        """Whole numbers from 0 up."""
        return Counts(None, arrangement)

    def log_base(self, x: tf.Tensor) -> tf.Tensor:
        """-sum_i log x_i!, (batch,)."""
        return -ops.sum(tf.math.lgamma(x + 1), axis=-1)

    def unit_log_cumulant(self, field: tf.Tensor) -> tf.Tensor:
        """exp(bias + field), shape (batch, size)."""
        return self.mean(field)

    def mean(self, field: tf.Tensor) -> tf.Tensor:
        """exp(bias + field), shape (batch, size)."""
        return ops.exp(ops.cast(self.bias, field.dtype) + field)

    def sample(self, field: tf.Tensor, seed: random.Seed) -> tf.Tensor:
        """A state drawn given the field, whole numbers."""
        total = ops.cast(self.bias, field.dtype) + field
        return drawn_counts.poisson(total, seed)

    def smooth(self, mean: Array, count: int) -> Array:
        """One half of a count is added to all examples' sum."""
        return mean + 0.5 / count

    def variance_of(self, mean: Array) -> Array:
        """The mean."""
        return np.asarray(mean, np.float64)

    def moved(self, x: tf.Tensor, a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
        """Where x is a or b it becomes the other."""
        swapped = ops.where(x == a, b, x)
        return ops.where(x == b, a, swapped)

    def bias_for(self, mean: Array) -> Array:
        """The log of the mean."""
        return np.log(mean)
