"""Units in a further field, which may be another in each row."""

from typing import Any

import tensorflow as tf
from keras import ops

from genzoo.runtime import random


class Shifted:
    """Units whose bias differs from row to row: `a(x) + shift . x`.

    Nothing is copied. It has the methods of a `Unit` that chains and sums
    need; what knows nothing of the bias is asked of the unit.

    Args:
        unit: the `Unit`.
        shift: what comes to the bias, (rows, width).

    Example:
    >>> units, shift = genzoo.units.Bernoulli(1), tf.constant([[0.0], [3.0]])
    >>> shifted = genzoo.units.shifted.Shifted(units, shift)
    >>> shifted.mean(tf.zeros((2, 1))).numpy().round(2).ravel()
    array([0.5 , 0.95], dtype=float32)
    """

    def __init__(self, unit: Any, shift: tf.Tensor):
        self.unit = unit
        self.shift = shift

    def __getattr__(self, name: str) -> Any:
        return getattr(self.unit, name)

    def blocks(self) -> list:
        """Those of the unit, each with its part of the shift."""
        blocks = self.unit.blocks()
        parts = tf.split(self.shift, [own.width for own in blocks], axis=1)
        return [
            Shifted(block, part)
            for block, part in zip(blocks, parts, strict=True)
        ]

    def repeated(self, count: int) -> "Shifted":
        """The units of rows that are repeated so often."""
        return Shifted(self.unit, tf.repeat(self.shift, count, axis=0))

    def _total(self, field):
        return field + ops.cast(self.shift, field.dtype)

    def potential(self, x: tf.Tensor) -> tf.Tensor:
        """a(x) + shift . x, (batch,)."""
        linear = tf.reduce_sum(ops.cast(self.shift, x.dtype) * x, axis=-1)
        return self.unit.potential(x) + linear

    def level_potentials(self, dtype: str) -> tf.Tensor:
        """The potential of each level of each unit, (rows, size, n_levels)."""
        own = self.unit.level_potentials(dtype)
        levels = tf.cast(self.unit.levels, dtype)
        shift = tf.cast(self.shift, dtype)
        shape = -1, self.unit.size, levels.shape[1]
        return own + tf.matmul(
            tf.reshape(shift, shape), levels, transpose_b=True
        )

    def unit_log_cumulant(self, field: tf.Tensor) -> tf.Tensor:
        """That of each unit, (batch, size)."""
        return self.unit.unit_log_cumulant(self._total(field))

    def log_cumulant(self, field: tf.Tensor) -> tf.Tensor:
        """log sum exp(a(x) + (shift + field) . x), (batch,)."""
        return self.unit.log_cumulant(self._total(field))

    def mean(self, field: tf.Tensor) -> tf.Tensor:
        """<x> given the field, (batch, width)."""
        return self.unit.mean(self._total(field))

    def mean_statistics(self, field: tf.Tensor) -> list[tf.Tensor]:
        """The statistics' means given the field."""
        return self.unit.mean_statistics(self._total(field))

    def moments(self, field: tf.Tensor) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """(log-cumulant, mean statistics) given the field."""
        return self.unit.moments(self._total(field))

    def from_uniform(self, field: tf.Tensor, uniform: tf.Tensor) -> tf.Tensor:
        """A state of uniform numbers, as of the unit."""
        return self.unit.from_uniform(self._total(field), uniform)

    def sample(self, field: tf.Tensor, seed: random.Seed) -> tf.Tensor:
        """A state drawn given the field, (batch, width)."""
        return self.unit.sample(self._total(field), seed)
