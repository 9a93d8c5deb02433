"""Whole numbers without end, of a reference."""

import math
from typing import NamedTuple

import tensorflow as tf

# The least share of geometric ones.
_FAR = 0.1
# The least mean and standard deviation, of numbers.
_LEAST = 0.1, 0.3
# Logistic numbers have pi / sqrt(3) times their scale as standard deviation.
_SCALE = math.sqrt(3) / math.pi
# Of log(1 - q): so that 1 - q is not lost.
_TINY = 1e-12


class WholeNumbers(NamedTuple):
    """P(k) = (1 - f) L(k) + f G(k) of whole numbers k from 0 up.

    L are logistic numbers near the mean, rounded to whole ones, and G
    geometric ones of the mean. The share f of these is the ratio of the
    standard deviation to the mean, from a tenth to all: counts that spread as
    much as geometric ones are so, and sums of many events are near their
    mean, where geometric ones hardly ever come.

    Attributes:
        mean: (sites,).
        spread: their standard deviation.
    """

    mean: tf.Tensor
    spread: tf.Tensor

    @classmethod
    def of(cls, mean: tf.Tensor, spread: tf.Tensor) -> "WholeNumbers":
        """Those of data; a mean or a spread of zero is a little more."""
        least_mean, least_spread = _LEAST
        return cls(
            tf.maximum(mean, least_mean), tf.maximum(spread, least_spread)
        )

    @property
    def _share(self):
        return tf.clip_by_value(self.spread / self.mean, _FAR, 1.0)

    @property
    def _scale(self):
        return _SCALE * self.spread

    @property
    def _log_ratio(self):
        """log of P(k + 1) / P(k) of geometric ones."""
        return -_log_more(1 / self.mean)

    @property
    def _start(self):
        """Where logistic numbers are cut, in their scale."""
        return (-0.5 - self.mean) / self._scale

    def log_prob(self, k: tf.Tensor) -> tf.Tensor:
        """log P of each number, (rows, sites)."""
        above = (k + 0.5 - self.mean) / self._scale
        below = (k - 0.5 - self.mean) / self._scale
        near = _log_sigmoid(above) + _log_sigmoid(-below)
        near += _log_less(1 / self._scale) - _log_sigmoid(-self._start)
        far = k * self._log_ratio - tf.math.log(1 + self.mean)
        near += tf.math.log(tf.maximum(1 - self._share, _TINY))
        far += tf.math.log(self._share)
        largest = tf.maximum(near, far)
        return largest + tf.math.log(1 + tf.exp(-tf.abs(near - far)))

    def drawn(self, uniform: tf.Tensor) -> tf.Tensor:
        """Numbers, (rows, sites), of uniform ones, float64."""
        share = self._share
        is_far = uniform < share
        of_far = tf.where(is_far, uniform / share, 0.5)
        far = tf.floor(tf.math.log1p(-of_far) / self._log_ratio)
        of_near = (uniform - share) / tf.maximum(1 - share, _TINY)
        start = tf.sigmoid(self._start)
        place = start + tf.clip_by_value(of_near, 0.0, 1.0) * (1 - start)
        place = tf.clip_by_value(place, _TINY, 1 - _TINY)
        logit = tf.math.log(place) - tf.math.log1p(-place)
        near = tf.floor(self.mean + self._scale * logit + 0.5)
        return tf.where(is_far, far, tf.maximum(near, 0.0))


# By operations that ONNX and LiteRT have.


def _log_sigmoid(z):
    return tf.minimum(z, 0.0) - tf.math.log(1 + tf.exp(-tf.abs(z)))


def _log_more(y):
    """log(1 + y) of small positive y."""
    series = y * (1 - y * (0.5 - y * (1 / 3 - 0.25 * y)))
    return tf.where(y < 0.02, series, tf.math.log(1 + y))


def _log_less(y):
    """log(1 - exp(-y)) of positive y."""
    small = tf.minimum(y, 0.1)
    series = tf.math.log(small) - small * (0.5 - small / 24)
    return tf.where(y < 0.1, series, tf.math.log(1 - tf.exp(-y)))
