"""Units in [0, 1], such as grey levels: truncated exponentials."""

import math

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from genzoo.runtime import random
from genzoo.spaces import Interval
from genzoo.types import Array
from genzoo.units.unit import Unit

# |t| below which series are better than differences of large terms.
_NEAR = 1.0
# 2 (-1)^(k+1) zeta(2k) / (2 pi)^(2k), of t^(2k-1), k = 1, 2, ...
_BERNOULLI = (1, -1, 1, -1, 5, -691, 7, -3617, 43867, -174611)
_OVER = (6, 30, 42, 30, 66, 2730, 6, 510, 798, 330)
_MEAN = tuple(
    number / over / math.factorial(2 * k)
    for k, (number, over) in enumerate(
        zip(_BERNOULLI, _OVER, strict=True), start=1
    )
)
# Halvings on the way to the field of a mean.
_STEPS = 60


def _mean(t):
    """1 / (1 - exp(-t)) - 1 / t."""
    near = ops.clip(t, -_NEAR, _NEAR)
    square = near * near
    series = ops.zeros_like(near)
    for coefficient in reversed(_MEAN):
        series = series * square + coefficient
    far = ops.where(ops.abs(t) < _NEAR, ops.ones_like(t), t)
    direct = -1 / ops.expm1(-far) - 1 / far
    return ops.where(ops.abs(t) < _NEAR, 0.5 + near * series, direct)


def _field_of(mean):
    """The t of this mean, in float64: by bisection."""
    # By symmetry of the lower half, where the mean is at most 1 / |t|.
    least = np.minimum(mean, 1 - mean)
    low, high = -1.0 / least, np.zeros_like(least)
    for _ in range(_STEPS):
        middle = 0.5 * (low + high)
        at = np.asarray(_mean(ops.convert_to_tensor(middle)))
        low = np.where(at < least, middle, low)
        high = np.where(at < least, high, middle)
    found = 0.5 * (low + high)
    return np.where(mean < 0.5, found, -found)


@keras.saving.register_keras_serializable("genzoo")
class UnitInterval(Unit):
    """Numbers in [0, 1] with potential `a(x) = sum_i bias_i x_i`.

    Given a field `phi` from the other layer the units are independent
    truncated exponentials, `p(x_i | phi) ~ exp(t x_i)` with
    `t = bias_i + phi_i`: even at t = 0, else falling or rising towards one
    end. The log-cumulant is `log((exp(t) - 1) / t)`, the mean
    `1 / (1 - exp(-t)) - 1 / t`. Log-probabilities are those of a density.

    For grey images this is a model of the grey levels themselves. Where they
    stand for probabilities of ink, as in MNIST, `Bernoulli` units with
    images drawn from them anew in each epoch are the usual choice; see there.

    Args:
        size: number of units, or the shape in which they are arranged.

    Reference:
        Bengio, Lamblin, Popovici and Larochelle, "Greedy layer-wise training
        of deep networks", NIPS 2006.

    Example:
    >>> units = genzoo.units.UnitInterval(3)
    >>> mean = units.mean(tf.constant([[-100.0, 0.0, 100.0]]))
    >>> bool(np.allclose(mean, [[0.01, 0.5, 0.99]]))
    True
    """

    def space_of(self, arrangement: int | tuple[int, ...]) -> Interval:
        """Numbers from 0 to 1."""
        return Interval(0.0, 1.0, arrangement)

    def _total(self, field):
        return ops.cast(self.bias, field.dtype) + field

    def unit_log_cumulant(self, field: tf.Tensor) -> tf.Tensor:
        """log((exp(t) - 1) / t), shape (batch, size)."""
        t = self._total(field)
        size = ops.abs(t)
        # Even but for t / 2, so that the derivative at 0 is 1/2.
        safe = ops.maximum(size, 1e-30)
        return 0.5 * (t + size) + ops.log(-ops.expm1(-safe) / safe)

    def mean(self, field: tf.Tensor) -> tf.Tensor:
        """1 / (1 - exp(-t)) - 1 / t, shape (batch, size)."""
        return _mean(self._total(field))

    def sample(self, field: tf.Tensor, seed: random.Seed) -> tf.Tensor:
        """A state drawn given the field, shape (batch, size)."""
        uniform = random.uniform(ops.shape(field), seed, field.dtype)
        return self.from_uniform(field, uniform)

    def from_uniform(self, field: tf.Tensor, uniform: tf.Tensor) -> tf.Tensor:
        """The inverse of the cumulative distribution, at 1 - u for t > 0."""
        t = self._total(field)
        size = ops.maximum(ops.abs(t), 1e-30)
        # From the end where the density is greatest.
        depth = -ops.log1p(uniform * ops.expm1(-size)) / size
        depth = ops.clip(depth, 0.0, 1.0)
        return ops.where(t < 0, depth, 1 - depth)

    def smooth(self, mean: Array, count: int) -> Array:
        """The mean of the data and of one further example at 1/2."""
        return (mean * count + 0.5) / (count + 1)

    def variance_of(self, mean: Array) -> Array:
        """1 / t^2 - 1 / (4 sinh(t / 2)^2) at the t of this mean."""
        t = _field_of(np.clip(np.asarray(mean, np.float64), 1e-9, 1 - 1e-9))
        far = np.where(np.abs(t) < _NEAR, _NEAR, np.abs(t))
        direct = 1 / far**2 - 1 / (4 * np.sinh(np.minimum(far, 300) / 2) ** 2)
        powers = np.arange(0, 2 * len(_MEAN), 2)
        terms = (powers + 1) * np.array(_MEAN)
        near = np.minimum(np.abs(t), _NEAR)[..., None]
        return np.where(
            np.abs(t) < _NEAR, (terms * near**powers).sum(-1), direct
        )

    def moved(self, x: tf.Tensor, a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
        """Turned on a circle by b - a; mirrored where that is above 1/2."""
        turned = ops.mod(x + b - a, 1.0)
        return ops.where(ops.abs(b - a) > 0.5, 1 - x, turned)

    def bias_for(self, mean: Array) -> Array:
        """The field of this mean, by bisection."""
        return _field_of(np.asarray(mean, np.float64))
