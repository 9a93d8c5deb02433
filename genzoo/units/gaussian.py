"""Gaussian units: x real, each with its own scale and variance."""

import math
import warnings
from typing import Any, ClassVar

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from genzoo import checks
from genzoo.runtime import random, weights
from genzoo.spaces import Real
from genzoo.types import Array, ArrayLike
from genzoo.units.scaled import Scaled

# A conditional variance is at least this share of the column's own: discrete
# hidden units cannot tell more, and constant columns would have none.
_LEAST_VARIANCE = 1e-6


def _variance(value: Any, where: str) -> float | list[float] | None:
    """None, a positive number, or a list of one for each unit."""
    if value is None or checks.is_number(value):
        return checks.optional(checks.positive_number)(value, where)
    try:
        found = np.asarray(value, np.float64)
    except (TypeError, ValueError, OverflowError):
        found = np.zeros(0)
    good = 0 < found.size <= checks.MOST_SITES
    if not good or not ((found > 0) & np.isfinite(found)).all():
        checks.refuse(
            value, where, "a positive number, an array of them, or None"
        )
    return found.ravel().tolist() if found.ndim else float(found)


# The share of a column's variance that units begin with, beside a kernel.
ROOM = 0.25
# How fast precisions learn beside kernels, where the rate is `Falling`'s: else
# units grow narrow before hidden ones have found what they are to tell.
SLOW = 0.3


def _bounded(log_precision):
    return ops.minimum(log_precision, -math.log(_LEAST_VARIANCE))


@keras.saving.register_keras_serializable("genzoo")
class Gaussian(Scaled):
    """Real units with `a(u) = sum_i bias_i u_i - precision_i u_i^2 / 2`.

    A state is `u = (x - center) / scale` of an example x: `adapt` sets center
    and scale to the mean and the standard deviation of each unit's data, so
    that columns may have any units of measurement and lie anywhere. Before,
    u is x. Given a field `phi` from the other layer the units are independent
    and normal, with mean `(bias_i + phi_i) / precision_i` and variance
    `1 / precision_i` of u.

    Args:
        size: number of units, or the shape in which they are arranged.
        variance: the variance of x given the other layer, a number or an
            array of one for each unit; None takes that of the data, 1 before
            `adapt`.
        learn_variance: whether the variance is learned, one for each unit,
            through the weight `log_precision`; by default if `variance` is
            None. An RBM begins at a quarter of the data's, beside its kernel.

    Raises:
        ValueError: if `variance` holds others than positive numbers, or not
            as many as there are units.

    Reference:
        Welling, Rosen-Zvi and Hinton, "Exponential family harmoniums with an
        application to information retrieval", NIPS 2004. Cho, Ilin and Raiko,
        "Improved learning of Gaussian-Bernoulli RBMs", ICANN 2011.

    Example:
    >>> units = genzoo.units.Gaussian(3, variance=4.0)
    >>> units.mean(tf.ones((1, 3))).numpy().round(3).tolist()
    [[4.0, 4.0, 4.0]]
    >>> genzoo.units.Gaussian(2, variance=[1.0, 9.0]).variance.numpy().round(3)
    array([1., 9.], dtype=float32)
    """

    arguments: ClassVar[checks.Arguments] = {
        **Scaled.arguments,
        "variance": _variance,
        "learn_variance": checks.optional(checks.flag),
    }

    def __init__(
        self,
        size: int | tuple[int, ...],
        variance: float | ArrayLike | None = None,
        learn_variance: bool | None = None,
        **kwargs,
    ):
        super().__init__(size, **kwargs)
        self.initial_variance, learned = checks.arguments(
            self, variance=variance, learn_variance=learn_variance
        )
        is_given = self.initial_variance is not None
        self.learn_variance = not is_given if learned is None else learned
        given = self._given()
        self.log_precision = self.add_weight(
            name="log_precision",
            shape=(self.width,),
            initializer=lambda shape, dtype=None: ops.cast(
                -np.log(given), dtype
            ),
            trainable=self.learn_variance,
            constraint=_bounded if self.learn_variance else None,
            autocast=False,
        )
        self.log_precision.rate_share = SLOW

    def _given(self):
        """The variances of x before data are seen, (width,)."""
        found = self.initial_variance
        given = np.asarray(1.0 if found is None else found, np.float64)
        if given.size not in (1, self.width):
            raise ValueError(
                "Gaussian: variance must be a number or an array of "
                f"{self.width}, one for each unit; received {given.size}."
            )
        return np.broadcast_to(given, (self.width,))

    def space_of(self, arrangement: int | tuple[int, ...]) -> Real:
        """Finite real numbers."""
        return Real(arrangement)

    @property
    def parameters(self) -> list[keras.Variable]:
        """bias, and log_precision where it is learned."""
        learned = [self.log_precision] if self.learn_variance else []
        return [self.bias, *learned]

    @property
    def variance(self) -> tf.Tensor:
        """The variance of x given the other layer, (size,)."""
        return ops.square(self.scale) * ops.exp(-self.log_precision)

    def _total(self, field):
        return ops.cast(self.bias, field.dtype) + field

    def _precision(self, dtype):
        return ops.exp(ops.cast(self.log_precision, dtype))

    def potential(self, x: tf.Tensor) -> tf.Tensor:
        """a(x), shape (batch,), for states x of shape (batch, size)."""
        quadratic = ops.sum(x * x * self._precision(x.dtype), axis=-1)
        return super().potential(x) - 0.5 * quadratic

    def unit_log_cumulant(self, field: tf.Tensor) -> tf.Tensor:
        """log integral of exp(a + field x), shape (batch, size)."""
        total = self._total(field)
        log_precision = ops.cast(self.log_precision, field.dtype)
        gain = total * total * ops.exp(-log_precision)
        return 0.5 * (gain - log_precision + math.log(2 * math.pi))

    def mean(self, field: tf.Tensor) -> tf.Tensor:
        """Variance * (bias + field), shape (batch, size)."""
        return self._total(field) / self._precision(field.dtype)

    def sample(self, field: tf.Tensor, seed: random.Seed) -> tf.Tensor:
        """A state drawn given the field, shape (batch, size)."""
        noise = random.normal(ops.shape(field), seed, field.dtype)
        deviation = ops.rsqrt(self._precision(field.dtype))
        return self.mean(field) + deviation * noise

    def statistics(self, x: tf.Tensor) -> list[tf.Tensor]:
        """x, and -precision x^2 / 2 where the variance is learned."""
        if not self.learn_variance:
            return [x]
        return [x, -0.5 * self._precision(x.dtype) * x * x]

    def mean_statistics(self, field: tf.Tensor) -> list[tf.Tensor]:
        """The statistics' means given the field."""
        mean = self.mean(field)
        if not self.learn_variance:
            return [mean]
        scaled = self._precision(field.dtype) * mean * mean
        return [mean, -0.5 * (1.0 + scaled)]

    def adapt(self, mean: Array, variance: Array, count: int) -> None:
        """Take the data's mean and variance as center and scale."""
        scale = self.scale_of(mean, variance)
        self.center.assign(mean)
        self.scale.assign(scale)
        own = np.ones(self.width)
        if not self.learn_variance and self.initial_variance is not None:
            own = self._given() / scale**2
            self._say_misfit(own)
        self.log_precision.assign(-np.log(own))
        self.bias.assign(np.zeros(self.width))

    @property
    def precisions(self) -> list[keras.Variable]:
        """log_precision where it is learned."""
        return [self.log_precision] if self.learn_variance else []

    def leave_room(self) -> None:
        """Begin at a quarter of the data's variance, if it is learned.

        At all of it a kernel gains nothing by growing: modes that have no
        correlations would never be told apart.
        """
        if self.learn_variance and not weights.is_touched(self.log_precision):
            self.log_precision.assign(np.full(self.width, -math.log(ROOM)))
            weights.mark(self.log_precision)

    def _say_misfit(self, share):
        if (share > 10).any() or (share < 0.01).any():
            warnings.warn(
                "Gaussian: variance is fixed, and between "
                f"{share.min():.2g} and {share.max():.2g} times that of the "
                "data. Leave it out, and it is learned.",
                stacklevel=3,
            )

    def moved(self, x: tf.Tensor, a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
        """X + b - a."""
        return x + b - a

    def bias_for(self, mean: Array) -> Array:
        """The mean of states over their variance."""
        return mean * np.exp(np.asarray(self.log_precision, np.float64))

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "variance": self.initial_variance,
            "learn_variance": self.learn_variance,
        }
