"""Continuous units, whose states are examples in standard form."""

import warnings
from typing import ClassVar

import numpy as np
import tensorflow as tf
from keras import ops

from genzoo import checks
from genzoo.runtime import weights
from genzoo.types import Array
from genzoo.units.unit import Unit

# Below this share of its mean a column's deviation is rounding.
_ROUNDING = 1e-14
# A few steps of float32.
_COARSE = 1e-6


class Scaled(Unit):
    """Units of which a state is `u = (x - center) / scale` of an example x.

    Potentials, fields and kernels are those of states. `adapt` takes a scale
    for each unit from the data, so that neither the likelihood nor a learning
    rate depends on the units of measurement, and nothing is lost to rounding
    where data lie far from zero.

    Attributes:
        center: weight of shape (width,), 0 before `adapt`.
        scale: weight of shape (width,), 1 before `adapt`.
    """

    newer: ClassVar[dict[str, float]] = {"center": 0.0, "scale": 1.0}

    def __init__(self, size: int | tuple[int, ...], **kwargs):
        super().__init__(size, **kwargs)
        self.center, self.scale = (
            self.add_weight(
                name=name,
                shape=(self.width,),
                initializer="zeros" if value == 0 else "ones",
                trainable=False,
                autocast=False,
            )
            for name, value in self.newer.items()
        )

    def standardise(self, x: tf.Tensor) -> tf.Tensor:
        """(x - center) / scale, in the dtype of the wider of the two."""
        dtype = self.bias.dtype
        x = ops.convert_to_tensor(x)
        wide = "float64" if x.dtype == "float64" else dtype
        center, scale = (ops.cast(w, wide) for w in (self.center, self.scale))
        return ops.cast((ops.cast(x, wide) - center) / scale, dtype)

    def restore(self, states: tf.Tensor) -> tf.Tensor:
        """Center + scale u."""
        center, scale = (
            ops.cast(w, states.dtype) for w in (self.center, self.scale)
        )
        return center + scale * states

    def adapt_untouched(self, mean: Array, variance: Array, count: int) -> None:
        """As of any unit; weights that were given keep the scale they had."""
        if any(weights.is_touched(weight) for weight in self.weights):
            for weight in (self.center, self.scale):
                weights.touch(weight)
        super().adapt_untouched(mean, variance, count)

    def log_scale(self) -> tf.Tensor:
        """sum_i log scale_i."""
        return ops.sum(ops.log(self.scale))

    def log_scale_of(self, seen: tf.Tensor) -> tf.Tensor:
        """The sum of log scale_i over those seen, (batch,)."""
        log_scale = ops.log(ops.convert_to_tensor(self.scale))
        return tf.linalg.matvec(tf.cast(seen, log_scale.dtype), log_scale)

    def scale_of(self, mean: Array, variance: Array) -> Array:
        """The standard deviation of each unit's data.

        A unit whose data are constant has none: it gets the median of the
        others', and a warning says which these are. Another says which lie so
        far from zero that samples, which are float32, cannot tell.

        Args:
            mean: data mean, array of shape (width,).
            variance: data variance, array of shape (width,).
        """
        scale = np.sqrt(variance)
        constant = scale <= _ROUNDING * np.abs(mean)
        coarse = ~constant & (scale <= _COARSE * np.abs(mean))
        if coarse.any() and self.variable_dtype != "float64":
            shown = checks.columns(np.flatnonzero(coarse))
            warnings.warn(
                f"{type(self).__name__}: columns {shown} of the data lie so "
                "far from zero that float32 samples cannot tell their values "
                "apart. Likelihoods can; for samples standardise the data, "
                "(x - x.mean(0)) / x.std(0), or build the model with "
                "dtype='float64'.",
                stacklevel=2,
            )
        if not constant.any():
            return scale
        found = np.flatnonzero(constant)
        shown = checks.columns(found)
        warnings.warn(
            f"{type(self).__name__}: {len(found)} of {self.width} columns of "
            f"the data are constant (numbers {shown}): their density has no "
            "bound, and likelihoods say little. Leave these columns out.",
            stacklevel=2,
        )
        others = scale[~constant]
        scale[constant] = np.median(others) if len(others) else 1.0
        return scale
