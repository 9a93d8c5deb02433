"""Double ReLU units: real, with a half-normal for either sign."""

import math

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from genzoo.runtime import random, weights
from genzoo.spaces import Real
from genzoo.types import Array
from genzoo.units.gaussian import ROOM, SLOW
from genzoo.units.relu import (
    half_normal_mean,
    half_normal_sample,
    half_normal_square,
    log_mills_ratio,
)
from genzoo.units.scaled import Scaled

# log-precisions are at most this, as of Gaussian units.
_MOST = math.log(1e6)


def _bounded(log_precision):
    return ops.minimum(log_precision, _MOST)


@keras.saving.register_keras_serializable("genzoo")
class DoubleReLU(Scaled):
    """Real units (dReLU) with a quadratic potential on either side of 0.

    `a(u) = bias u - kink |u| - p u^2 / 2`, where the precision p is
    `exp(log_positive)` for u > 0 and `exp(log_negative)` for u < 0, one of
    each for each unit. Between them lie Gaussian units (no kink, one
    precision), ReLU-like ones (one precision large), and with a negative kink
    units of two modes. In the notation of the paper the precisions are
    gamma+ and gamma-, and `theta+- = +-kink - bias`.

    A state is `u = (x - center) / scale` of an example x, as of `Gaussian`
    units, which these are before they learn.

    Args:
        size: number of units, or the shape in which they are arranged.

    Attributes:
        kink: weight of shape (width,), 0 at first.
        log_positive: weight of shape (width,), 0 at first.
        log_negative: weight of shape (width,), 0 at first.

    Reference:
        Tubiana, Cocco and Monasson, "Learning protein constitutive motifs from
        sequence data", eLife 8, 2019.

    Example:
    >>> units = genzoo.units.DoubleReLU(2)
    >>> units.mean(tf.constant([[-2.0, 3.0]])).numpy().round(3).tolist()
    [[-2.0, 3.0]]
    """

    def __init__(self, size: int | tuple[int, ...], **kwargs):
        super().__init__(size, **kwargs)
        self.kink, self.log_positive, self.log_negative = (
            self.add_weight(
                name=name,
                shape=(self.width,),
                initializer="zeros",
                constraint=None if name == "kink" else _bounded,
                autocast=False,
            )
            for name in ("kink", "log_positive", "log_negative")
        )
        for weight in (self.log_positive, self.log_negative):
            weight.rate_share = SLOW

    def space_of(self, arrangement: int | tuple[int, ...]) -> Real:
        """Finite real numbers."""
        return Real(arrangement)

    @property
    def parameters(self) -> list[keras.Variable]:
        """bias, kink, log_positive and log_negative."""
        return [self.bias, self.kink, self.log_positive, self.log_negative]

    @property
    def precisions(self) -> list[keras.Variable]:
        """log_positive and log_negative."""
        return [self.log_positive, self.log_negative]

    def leave_room(self) -> None:
        """As Gaussian units."""
        if any(weights.is_touched(weight) for weight in self.precisions):
            return
        for weight in self.precisions:
            weight.assign(np.full(self.width, -math.log(ROOM)))
            weights.mark(weight)

    def potential(self, x: tf.Tensor) -> tf.Tensor:
        """a(x), shape (batch,), for states x of shape (batch, size)."""
        _, *rest = self.statistics(x)
        kink = ops.sum(ops.cast(self.kink, x.dtype) * rest[0], axis=-1)
        return super().potential(x) + kink + ops.sum(rest[1] + rest[2], axis=-1)

    def _sides(self, field):
        """(field, width) of the half-normals of |x|, over and below 0."""
        total = ops.cast(self.bias, field.dtype) + field
        kink = ops.cast(self.kink, field.dtype)
        return [
            (pull * width, width)
            for pull, width in (
                (total - kink, self._width(self.log_positive, field.dtype)),
                (-total - kink, self._width(self.log_negative, field.dtype)),
            )
        ]

    def _width(self, log_precision, dtype):
        return ops.exp(-0.5 * ops.cast(log_precision, dtype))

    def _log_masses(self, field):
        return [
            log_mills_ratio(t) + ops.log(width)
            for t, width in self._sides(field)
        ]

    def _positive_share(self, field):
        above, below = self._log_masses(field)
        return ops.sigmoid(above - below)

    def unit_log_cumulant(self, field: tf.Tensor) -> tf.Tensor:
        """log(M+ + M-), the masses of the two sides, shape (batch, size)."""
        above, below = self._log_masses(field)
        return ops.logaddexp(above, below)

    def mean(self, field: tf.Tensor) -> tf.Tensor:
        """<x> given the field, shape (batch, size)."""
        return self._means(field)[0]

    def _means(self, field):
        """<x>, <|x|>, and of either sign its precision times <x^2>."""
        share = self._positive_share(field)
        parts = []
        for weight, (t, width) in zip(
            (share, 1 - share), self._sides(field), strict=True
        ):
            parts.append(
                (
                    weight * width * half_normal_mean(t),
                    weight * half_normal_square(t),
                )
            )
        (above, square_above), (below, square_below) = parts
        return above - below, above + below, square_above, square_below

    def sample(self, field: tf.Tensor, seed: random.Seed) -> tf.Tensor:
        """A state drawn given the field, shape (batch, size)."""
        first, second = random.split(seed, 2)
        shape = ops.shape(field)
        side = random.uniform(shape, first, field.dtype)
        # In (0, 1], so that its logarithm is finite.
        uniform = 1 - random.uniform(shape, second, field.dtype)
        is_above = side < self._positive_share(field)
        above, below = self._sides(field)
        t, width = (
            ops.where(is_above, *pair)
            for pair in zip(above, below, strict=True)
        )
        size = width * half_normal_sample(t, uniform)
        return ops.where(is_above, size, -size)

    def statistics(self, x: tf.Tensor) -> list[tf.Tensor]:
        """x, -|x|, and of either sign -precision x^2 / 2."""
        above, below = ops.maximum(x, 0.0), ops.minimum(x, 0.0)
        squares = [
            -0.5 * ops.exp(ops.cast(log_precision, x.dtype)) * part * part
            for part, log_precision in (
                (above, self.log_positive),
                (below, self.log_negative),
            )
        ]
        return [x, -ops.abs(x), *squares]

    def mean_statistics(self, field: tf.Tensor) -> list[tf.Tensor]:
        """The statistics' means given the field."""
        mean, size, above, below = self._means(field)
        return [mean, -size, -0.5 * above, -0.5 * below]

    def adapt(self, mean: Array, variance: Array, count: int) -> None:
        """Take the data's mean and variance, of a Gaussian at first."""
        scale = self.scale_of(mean, variance)
        self.center.assign(mean)
        self.scale.assign(scale)
        for weight in self.parameters:
            weight.assign(np.zeros(self.width))

    def moved(self, x: tf.Tensor, a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
        """X + b - a."""
        return x + b - a

    def bias_for(self, mean: Array) -> Array:
        """The bias of this mean, by bisection."""
        mean = np.asarray(mean, np.float64)
        precision = np.exp(
            np.maximum(self.log_positive.numpy(), self.log_negative.numpy())
        )
        kink = np.abs(self.kink.numpy())
        # At these ends each side's mean is beyond.
        reach = precision.astype(np.float64) * (np.abs(mean) + 1) + kink + 1
        low, high = -reach, reach
        own = np.asarray(self.bias.numpy(), np.float64)
        for _ in range(60):
            middle = 0.5 * (low + high)
            field = ops.convert_to_tensor((middle - own)[None])
            at = np.asarray(self.mean(field))[0]
            low = np.where(at < mean, middle, low)
            high = np.where(at < mean, high, middle)
        return 0.5 * (low + high)
