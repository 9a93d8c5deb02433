"""ReLU (half-normal) units: x >= 0, a one-sided Gaussian."""

import math

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from genzoo.runtime import random
from genzoo.spaces import Interval
from genzoo.types import Array
from genzoo.units.scaled import Scaled

_HALF_LOG_2_PI = 0.5 * math.log(2 * math.pi)
# Squares of states beyond would lose the digits of the deviations from them.
_DISTANT = 100.0
# Asymptotic series in 1/t^2 of |t| Phi(t) / density(t) and of |t| <x>.
_MILLS = (1, -1, 3, -15, 105, -945, 10395, -135135)
_MEAN = (1, -2, 10, -74, 706, -8162)
# And of t^2 <x^2>, from <x^2> = 1 + t <x>.
_SQUARE = tuple(-coefficient for coefficient in _MEAN[1:])


def _far(t):
    """Where the series are better than the error function's arithmetic."""
    return -30.0 if t.dtype == "float64" else -9.0


def _series(coefficients, t):
    inverse = 1 / (t * t)
    total = ops.zeros_like(t)
    for coefficient in reversed(coefficients):
        total = total * inverse + coefficient
    return total


def _log_near(near):
    return ops.log(0.5 * tf.math.erfc(-near / math.sqrt(2)))


def _log_mills(far):
    return ops.log(_series(_MILLS, far) / -far)


def log_normal_cdf(t: tf.Tensor) -> tf.Tensor:
    """log Phi(t) of the standard normal distribution, exact in both tails."""
    near = ops.maximum(t, _far(t))
    far = ops.minimum(t, _far(t))
    log_far = _log_mills(far) - 0.5 * far * far - _HALF_LOG_2_PI
    return ops.where(t > _far(t), _log_near(near), log_far)


def log_mills_ratio(t: tf.Tensor, below: tf.Tensor | float = 0.0) -> tf.Tensor:
    """log Phi(t + below) / density(t), without t^2 where it would cancel."""
    above = t + below
    is_near = above > _far(t)
    near = ops.maximum(above, _far(t))
    far = ops.minimum(above, _far(t))
    top = ops.where(is_near, t, _far(t) - below)
    log_near = 0.5 * top * top + _log_near(near) + _HALF_LOG_2_PI
    log_far = _log_mills(far) - below * (far - 0.5 * below)
    return ops.where(is_near, log_near, log_far)


def half_normal_mean(t: tf.Tensor, below: tf.Tensor | float = 0.0) -> tf.Tensor:
    """The mean of a normal (t, 1) variable, given that it is over -below."""
    above = t + below
    is_near = above > _far(t)
    near = ops.maximum(above, _far(t))
    far = ops.minimum(above, _far(t))
    log_ratio = -0.5 * near * near - _HALF_LOG_2_PI - log_normal_cdf(near)
    top = ops.where(is_near, t, _far(t) - below)
    return ops.where(
        is_near, top + ops.exp(log_ratio), _series(_MEAN, far) / -far - below
    )


def half_normal_square(t: tf.Tensor) -> tf.Tensor:
    """The mean square of a normal (t, 1) variable, given it is positive."""
    near = ops.maximum(t, _far(t))
    far = ops.minimum(t, _far(t))
    return ops.where(
        t > _far(t),
        1 + near * half_normal_mean(near),
        _series(_SQUARE, far) / (far * far),
    )


def half_normal_sample(
    t: tf.Tensor, uniform: tf.Tensor, below: tf.Tensor | float = 0.0
) -> tf.Tensor:
    """The value at survival `uniform` of a normal (t, 1) one over -below."""
    above = t + below
    is_near = above > _far(t)
    near = ops.maximum(above, _far(t))
    far = ops.minimum(above, _far(t))
    top = ops.where(is_near, t, _far(t) - below)
    value = top - tf.math.ndtri(uniform * ops.exp(log_normal_cdf(near)))
    # In the tail, survival is exp(t x - x^2 / 2) m(t - x) / m(t) with m the
    # slowly varying Mills ratio: first without m, then corrected by it once.
    log_survival = ops.log(uniform)
    log_ratio = 0.0
    for _ in range(2):
        energy = -2 * (log_survival - log_ratio)
        tail = energy / (ops.sqrt(far * far + energy) - far)
        beyond = far - tail
        log_ratio = ops.log(
            _series(_MILLS, beyond) * far / (_series(_MILLS, far) * beyond)
        )
    return ops.maximum(ops.where(is_near, value, tail - below), -below)


@keras.saving.register_keras_serializable("genzoo")
class ReLU(Scaled):
    """One-sided Gaussian units, `a(x) = sum_i bias_i x_i - x_i^2 / 2`, x >= 0.

    Given a field `phi` from the other layer, each unit is a normal variable
    of mean `t = bias_i + phi_i` and variance 1, conditioned on `x >= 0`: for
    large t about t, for very negative t about `-1/t`, a smooth rectifier.
    The log-cumulant is `t^2/2 + log(sqrt(2 pi) Phi(t))`. States are examples
    over `scale`, which `adapt` takes from the data, one for each unit. Where
    data lie further than 100 scales from 0 they are counted from `center`,
    the mean, and Phi is that of `t + center / scale`.

    Args:
        size: number of units, or the shape in which they are arranged.

    Reference:
        Nair and Hinton, "Rectified linear units improve restricted Boltzmann
        machines", ICML 2010. Tubiana, Cocco and Monasson, "Learning protein
        constitutive motifs from sequence data", eLife 8, 2019.

    Example:
    >>> units = genzoo.units.ReLU(2)
    >>> mean = units.mean(tf.zeros((1, 2)))
    >>> bool(np.allclose(mean, np.sqrt(2 / np.pi)))
    True
    """

    def space_of(self, arrangement: int | tuple[int, ...]) -> Interval:
        """Finite numbers from 0 up."""
        return Interval(0.0, math.inf, arrangement)

    def _total(self, field):
        return ops.cast(self.bias, field.dtype) + field

    def _below(self, dtype):
        """How far the least state is below 0, (width,)."""
        return ops.cast(self.center / self.scale, dtype)

    def restore(self, states: tf.Tensor) -> tf.Tensor:
        """Center + scale u, at least 0."""
        return ops.maximum(super().restore(states), 0.0)

    def potential(self, x: tf.Tensor) -> tf.Tensor:
        """a(x), shape (batch,), for states x of shape (batch, size)."""
        return super().potential(x) - 0.5 * ops.sum(x * x, axis=-1)

    def unit_log_cumulant(self, field: tf.Tensor) -> tf.Tensor:
        """t^2/2 + log(sqrt(2 pi) Phi(t)), shape (batch, size)."""
        return log_mills_ratio(self._total(field), self._below(field.dtype))

    def mean(self, field: tf.Tensor) -> tf.Tensor:
        """T + density(t) / Phi(t), shape (batch, size)."""
        return half_normal_mean(self._total(field), self._below(field.dtype))

    def sample(self, field: tf.Tensor, seed: random.Seed) -> tf.Tensor:
        """A state drawn given the field, shape (batch, size), x >= 0."""
        # In (0, 1], so that its logarithm is finite.
        uniform = 1 - random.uniform(ops.shape(field), seed, field.dtype)
        below = self._below(field.dtype)
        return half_normal_sample(self._total(field), uniform, below)

    def adapt(self, mean: Array, variance: Array, count: int) -> None:
        """Take the data's standard deviation as scale, then their mean."""
        scale = self.scale_of(mean, variance)
        center = np.where(mean > _DISTANT * scale, mean, 0.0)
        self.center.assign(center)
        self.scale.assign(scale)
        state = (mean - center) / scale
        self.bias.assign(self.bias_for(self.smooth(state, count)))

    def smooth(self, mean: Array, count: int) -> Array:
        """At least a small mean above the least state."""
        return np.maximum(mean, 1.0 / (count + 1) - self._below_now())

    def _below_now(self):
        center, scale = (
            np.asarray(weight.numpy(), np.float64)
            for weight in (self.center, self.scale)
        )
        return center / scale

    def bias_for(self, mean: Array) -> Array:
        """The bias of this mean, by bisection."""
        mean = np.asarray(mean, np.float64)
        below = self._below_now()
        low, high = -1.0 / (mean + below) - 1.0 - below, mean + 1.0
        for _ in range(60):
            middle = 0.5 * (low + high)
            at = np.asarray(
                half_normal_mean(
                    ops.convert_to_tensor(middle), ops.convert_to_tensor(below)
                )
            )
            low = np.where(at < mean, middle, low)
            high = np.where(at < mean, high, middle)
        return 0.5 * (low + high)
