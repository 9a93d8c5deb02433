"""Gaussian units: x real, with its own variance."""

import math
from typing import Any, ClassVar

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from genzoo import checks
from genzoo.runtime import random
from genzoo.spaces import Real
from genzoo.types import Array
from genzoo.units.unit import Unit


@keras.saving.register_keras_serializable("genzoo")
class Gaussian(Unit):
    """Real units with `a(x) = sum_i bias_i x_i - x_i^2 / (2 variance_i)`.

    Given a field `phi` from the other layer the units are independent and
    normal, with mean `variance_i (bias_i + phi_i)` and variance `variance_i`.
    Without a field the mean is `variance_i bias_i`.

    Args:
        size: number of units, or the shape in which they are arranged.
        variance: the variance given the other layer, or where it starts.
        learn_variance: whether the variance is learned, one for each unit,
            through the weight `log_precision` = -log(variance).

    Raises:
        ValueError: if `variance` is not a positive number.

    Reference:
        Welling, Rosen-Zvi and Hinton, "Exponential family harmoniums with an
        application to information retrieval", NIPS 2004. Cho, Ilin and Raiko,
        "Improved learning of Gaussian-Bernoulli RBMs", ICANN 2011.

    Example:
    >>> units = genzoo.units.Gaussian(3, variance=4.0)
    >>> units.mean(tf.ones((1, 3))).numpy().round(3).tolist()
    [[4.0, 4.0, 4.0]]
    """

    arguments: ClassVar[checks.Arguments] = {
        **Unit.arguments,
        "variance": checks.positive_number,
        "learn_variance": checks.flag,
    }

    def __init__(
        self,
        size: int | tuple[int, ...],
        variance: float = 1.0,
        learn_variance: bool = False,
        **kwargs,
    ):
        super().__init__(size, **kwargs)
        self.initial_variance, self.learn_variance = checks.arguments(
            self, variance=variance, learn_variance=learn_variance
        )
        self.log_precision = self.add_weight(
            name="log_precision",
            shape=(self.width,),
            initializer=keras.initializers.Constant(
                -math.log(self.initial_variance)
            ),
            trainable=self.learn_variance,
            autocast=False,
        )

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
        """The variance of each unit given the other layer, (size,)."""
        return ops.exp(-self.log_precision)

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
        """Take the data's mean, and its variance where it is learned."""
        if self.learn_variance:
            floor = 1e-4 * max(float(np.max(variance)), 1e-12)
            self.log_precision.assign(-np.log(np.maximum(variance, floor)))
        self.bias.assign(self.bias_for(mean))

    def bias_for(self, mean: Array) -> Array:
        """Mean over variance."""
        return mean * np.exp(np.asarray(self.log_precision, np.float64))

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "variance": self.initial_variance,
            "learn_variance": self.learn_variance,
        }
