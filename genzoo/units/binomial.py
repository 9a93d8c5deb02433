"""Binomial units: counts out of a known number of trials."""

import math
from typing import Any, ClassVar

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from genzoo import checks
from genzoo.runtime import random
from genzoo.spaces import Counts
from genzoo.types import Array
from genzoo.units.drawn_counts import search
from genzoo.units.unit import Unit


@keras.saving.register_keras_serializable("genzoo")
class Binomial(Unit):
    """Counts from 0 to n, `a(x) = sum_i bias_i x_i + log C(n, x_i)`.

    Given a field `phi` from the other layer the units are independent,
    binomial with n trials of probability `sigmoid(bias_i + phi_i)` each: the
    sum of n `Bernoulli` units that share their bias and their kernel.

    Args:
        size: number of units, or the shape in which they are arranged.
        trials: n, the greatest count.

    Attributes:
        dispersion: weight of shape (width,): the data's variance over that
            of independent trials, at least 1. 1 before `adapt`.

    Raises:
        ValueError: if `trials` is no int from 1 to 10,000.

    Reference:
        Teh and Hinton, "Rate-coded restricted Boltzmann machines for face
        recognition", NIPS 2000.

    Example:
    >>> units = genzoo.units.Binomial(2, trials=10)
    >>> units.mean(tf.zeros((1, 2))).numpy().tolist()
    [[5.0, 5.0]]
    """

    arguments: ClassVar[checks.Arguments] = {
        **Unit.arguments,
        "trials": checks.whole(1, 10_000),
    }

    def __init__(self, size: int | tuple[int, ...], trials: int, **kwargs):
        (self.trials,) = checks.arguments(self, trials=trials)
        super().__init__(size, **kwargs)
        counts = np.arange(self.trials + 1)
        self.levels = counts[:, None].astype(np.float64)
        # Where trials go together variances are n times as large; as of
        # visible units, that far is halfway in powers.
        self.growth = math.sqrt(self.trials)
        log_factorial = np.array([math.lgamma(k + 1) for k in counts])
        self.level_base = log_factorial[-1] - (
            log_factorial + log_factorial[::-1]
        )
        self.dispersion = self.add_weight(
            name="dispersion",
            shape=(self.width,),
            initializer="ones",
            trainable=False,
            autocast=False,
        )

    def space_of(self, arrangement: int | tuple[int, ...]) -> Counts:
        """Whole numbers from 0 to n."""
        return Counts(self.trials, arrangement)

    def _total(self, field):
        return ops.cast(self.bias, field.dtype) + field

    def _ways(self, x):
        """log C(n, x) of each count, in float64."""
        x = ops.where(ops.isfinite(x), x, 0.0)
        number = ops.cast(ops.clip(ops.round(x), 0, self.trials), "int32")
        return ops.take(ops.convert_to_tensor(self.level_base), number)

    def log_base(self, x: tf.Tensor) -> tf.Tensor:
        """sum_i log C(n, x_i), (batch,)."""
        return ops.cast(ops.sum(self._ways(x), axis=-1), x.dtype)

    def unit_log_cumulant(self, field: tf.Tensor) -> tf.Tensor:
        """N log(1 + exp(bias + field)), shape (batch, size)."""
        return self.trials * ops.softplus(self._total(field))

    def mean(self, field: tf.Tensor) -> tf.Tensor:
        """N sigmoid(bias + field), shape (batch, size)."""
        return self.trials * ops.sigmoid(self._total(field))

    def sample(self, field: tf.Tensor, seed: random.Seed) -> tf.Tensor:
        """A state drawn given the field, whole numbers from 0 to n."""
        uniform = random.uniform(ops.shape(field), seed, field.dtype)
        total, n = self._total(field), self.trials
        mode = ops.minimum(ops.floor((n + 1) * ops.sigmoid(total)), n)
        wide = ops.cast(total, "float64")
        log_p = self._ways(mode) - n * ops.softplus(wide)
        log_p += ops.cast(mode, "float64") * wide
        odds = ops.exp(ops.clip(total, -80.0, 80.0))
        return search(
            uniform,
            mode,
            ops.cast(ops.exp(log_p), field.dtype),
            lambda k: ops.maximum(n - k, 0.0) / (k + 1) * odds,
            lambda k: ops.maximum(k, 0.0) / ((n - k + 1) * odds),
        )

    def from_uniform(self, field: tf.Tensor, uniform: tf.Tensor) -> tf.Tensor:
        """The number of levels below which the uniform number is not."""
        total = self._total(field)[..., None]
        levels = ops.arange(self.trials + 1, dtype=field.dtype)
        base = ops.cast(self.level_base, field.dtype)
        share = ops.softmax(total * levels + base, axis=-1)
        below = ops.cumsum(share, axis=-1)[..., :-1] <= uniform[..., None]
        return ops.sum(ops.cast(below, field.dtype), axis=-1)

    def smooth(self, mean: Array, count: int) -> Array:
        """One half of a trial with, and one without success are added."""
        successes = mean * count + 0.5
        return successes * self.trials / (count * self.trials + 1)

    def variance_of(self, mean: Array) -> Array:
        """Mean (1 - mean / n)."""
        return mean * (1 - mean / self.trials)

    def adapt(self, mean: Array, variance: Array, count: int) -> None:
        """Take the data's mean, and how far they spread."""
        super().adapt(mean, variance, count)
        own = self.variance_of(self.smooth(mean, count))
        self.dispersion.assign(np.maximum(variance / own, 1.0))

    def moved(self, x: tf.Tensor, a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
        """Counts are shifted in a circle, by as many as from a to b."""
        return ops.mod(x + b - a, self.trials + 1.0)

    def bias_for(self, mean: Array) -> Array:
        """The log-odds of mean / n."""
        return np.log(mean) - np.log(self.trials - mean)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {**super().get_config(), "trials": self.trials}
