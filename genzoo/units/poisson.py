"""Poisson units: counts without end."""

from typing import ClassVar

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from genzoo.runtime import random
from genzoo.spaces import Counts
from genzoo.types import Array
from genzoo.units import drawn_counts
from genzoo.units.scaled import Scaled

# A count of float32 states, times and over a scale.
_ROUNDING = 1e-6


@keras.saving.register_keras_serializable("genzoo")
class Poisson(Scaled):
    """Counts x = 0, 1, 2, ..., with rates `exp(bias_i + phi_i)` at first.

    A state is `u = x / scale` of counts x; `adapt` sets the center to the mean
    of each unit's data, and the scale to 1 at least or the geometric mean of
    two standard deviations, the data's and that of Poisson counts of their
    mean, so that one learning rate serves rare counts and large ones: at the
    data's own counts of far larger variance would be learned too slowly. Then
    `a(u) = sum_i bias_i u_i + x_i log center_i - log x_i!`: given a field
    `phi` from the other layer the units are independent, Poisson distributed
    with the rate `center_i exp((bias_i + phi_i) / scale_i)`. The log-cumulant
    grows faster than any power of the field, so that the other layer must be
    bounded.

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

    # exp of nearly three deviations. With 4, trainings ran away.
    growth = 16.0
    # Rates are powers of e: beyond, trainings were seen to run away.
    most_variance = 10.0
    newer: ClassVar[dict[str, float]] = {"center": 1.0, "scale": 1.0}

    def space_of(self, arrangement: int | tuple[int, ...]) -> Counts:
        """Whole numbers from 0 up."""
        return Counts(None, arrangement)

    def standardise(self, x: tf.Tensor) -> tf.Tensor:
        """X / scale."""
        dtype = self.bias.dtype
        return ops.cast(x, dtype) / ops.cast(self.scale, dtype)

    def restore(self, states: tf.Tensor) -> tf.Tensor:
        """Scale u; what is whole but for rounding is so."""
        x = ops.cast(self.scale, states.dtype) * states
        whole = ops.round(x)
        is_near = ops.abs(x - whole) <= _ROUNDING * ops.maximum(whole, 1.0)
        return ops.where(is_near, whole, x)

    # Probabilities of counts are those of their states.

    def log_scale(self) -> float:
        """0."""
        return 0.0

    def log_scale_of(self, seen: tf.Tensor) -> tf.Tensor:
        """0 of each row, (batch,)."""
        return tf.zeros(tf.shape(seen)[:1], self.bias.dtype)

    def _shift(self, field):
        """log(rate / center)."""
        total = ops.cast(self.bias, field.dtype) + field
        return total / ops.cast(self.scale, field.dtype)

    def log_base(self, x: tf.Tensor) -> tf.Tensor:
        """sum_i x_i log center_i - log x_i!, (batch,)."""
        # Large terms that cancel.
        scale = ops.cast(self.scale, "float64")
        rate = ops.cast(self.center, "float64")
        count = ops.round(ops.cast(x, "float64") * scale)
        each = count * ops.log(rate) - tf.math.lgamma(count + 1)
        return ops.cast(ops.sum(each, axis=-1), x.dtype)

    def unit_log_cumulant(self, field: tf.Tensor) -> tf.Tensor:
        """The rate, shape (batch, size)."""
        return ops.cast(self.center, field.dtype) * ops.exp(self._shift(field))

    def mean(self, field: tf.Tensor) -> tf.Tensor:
        """Rate / scale, shape (batch, size)."""
        unit = ops.cast(self.center / self.scale, field.dtype)
        return unit * ops.exp(self._shift(field))

    def sample(self, field: tf.Tensor, seed: random.Seed) -> tf.Tensor:
        """A state drawn given the field, whole numbers over the scale."""
        scale = ops.cast(self.scale, field.dtype)
        log_rate = self._shift(field) + ops.cast(
            ops.log(self.center), field.dtype
        )
        return drawn_counts.poisson(log_rate, seed) / scale

    def adapt(self, mean: Array, variance: Array, count: int) -> None:
        """Take the data's mean and, from 1 on, deviation as units."""
        center = mean + 0.5 / count
        # Counts that vary less than Poisson ones have the scale of these.
        both = center * np.maximum(variance, center)
        self.center.assign(center)
        self.scale.assign(np.maximum(both, 1.0) ** 0.25)
        self.bias.assign(np.zeros(self.width))

    def smooth(self, mean: Array, count: int) -> Array:
        """One half of a count is added to all examples' sum."""
        return mean + 0.5 / (count * np.asarray(self.scale, np.float64))

    def variance_of(self, mean: Array) -> Array:
        """Their mean; of counts with a scale 1, see there."""
        return np.where(np.asarray(self.scale) > 1, 1.0, mean)

    def moved(self, x: tf.Tensor, a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
        """Where x is a or b it becomes the other."""
        swapped = ops.where(ops.equal(x, a), b, x)
        return ops.where(ops.equal(x, b), a, swapped)

    def bias_for(self, mean: Array) -> Array:
        """Scale log(scale mean / center)."""
        center, scale = (
            np.asarray(weight, np.float64)
            for weight in (self.center, self.scale)
        )
        return scale * np.log(scale * mean / center)
