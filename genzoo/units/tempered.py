"""Units at another temperature."""

import tensorflow as tf
from keras import ops

from genzoo.runtime import random
from genzoo.units.gaussian import Gaussian
from genzoo.units.relu import ReLU
from genzoo.units.unit import Unit


class Tempered:
    """Units with the potential `beta a(x)`: what both layers of p^beta are.

    Nothing is copied. Discrete units whose potential is linear have another
    bias; those that are quadratic, on a line or half of one, are also
    `1 / sqrt(beta)` as wide. It has the methods of a `Unit` that chains and
    sums need.

    Args:
        unit: the `Unit`.
        beta: one over the temperature, positive, a number or a tensor.

    Raises:
        ValueError: for units of other kinds.

    Example:
    >>> cold = genzoo.units.tempered.Tempered(genzoo.units.Gaussian(1), 4.0)
    >>> round(float(cold.log_cumulant(tf.zeros((1, 1)))[0]), 4)
    0.2258
    """

    def __init__(self, unit: Unit, beta: float | tf.Tensor):
        if not can_temper(unit):
            raise ValueError(
                f"{unit.said} units have no temperature but 1: "
                "their potential is neither linear on finitely many levels, "
                "nor that of Gaussian or ReLU units."
            )
        self.unit = unit
        self.beta = beta
        self.size = unit.size
        self.width = unit.width
        self.state_count = unit.state_count

    def blocks(self) -> list[Unit]:
        """Those of the unit."""
        return self.unit.blocks()

    def _width(self, dtype):
        """How much wider states are than those of the unit at temperature 1.

        A number, or one for each column of blocks of several kinds.
        """
        widths = [
            tf.ones((), dtype)
            if block.is_discrete
            else tf.math.rsqrt(tf.cast(self.beta, dtype))
            for block in self.blocks()
        ]
        if len(self.blocks()) == 1:
            return widths[0]
        return self._by_block(widths, [block.width for block in self.blocks()])

    def _log_width(self, dtype):
        """Its logarithm: a number, or one for each unit of blocks."""
        if len(self.blocks()) == 1:
            return tf.math.log(self._width(dtype))
        logs = [
            tf.zeros((), dtype)
            if block.is_discrete
            else -0.5 * tf.math.log(tf.cast(self.beta, dtype))
            for block in self.blocks()
        ]
        return self._by_block(logs, [block.size for block in self.blocks()])

    def _by_block(self, values, counts):
        return tf.repeat(tf.stack(values), counts)

    def _field(self, field):
        """The field in which the unit has these states, divided by width."""
        wide = self._width(field.dtype)
        gain = tf.cast(self.beta, field.dtype) * wide - 1
        return wide * field + gain * ops.cast(self.unit.bias, field.dtype)

    def potential(self, x: tf.Tensor) -> tf.Tensor:
        """Beta a(x), (batch,)."""
        return tf.cast(self.beta, x.dtype) * self.unit.potential(x)

    def unit_log_cumulant(self, field: tf.Tensor) -> tf.Tensor:
        """log sum_x exp(beta a(x) + field x) of each unit, (batch, size)."""
        found = self.unit.unit_log_cumulant(self._field(field))
        return found + self._log_width(field.dtype)

    def log_cumulant(self, field: tf.Tensor) -> tf.Tensor:
        """The sum of `unit_log_cumulant`, (batch,)."""
        return tf.reduce_sum(self.unit_log_cumulant(field), axis=-1)

    def mean(self, field: tf.Tensor) -> tf.Tensor:
        """<x> given the field, (batch, width)."""
        return self._width(field.dtype) * self.unit.mean(self._field(field))

    def sample(self, field: tf.Tensor, seed: random.Seed) -> tf.Tensor:
        """A state drawn given the field, (batch, width)."""
        drawn = self.unit.sample(self._field(field), seed)
        return (
            drawn if self.unit.is_discrete else drawn * self._width(field.dtype)
        )

    def states(
        self, start: int | tf.Tensor, count: int, dtype: str
    ) -> tf.Tensor:
        """As those of the unit."""
        return self.unit.states(start, count, dtype)


def is_linear(unit: Unit) -> bool:
    """Whether units are discrete with the potential `bias . x`."""
    return all(
        block.is_discrete and type(block).potential is Unit.potential
        for block in unit.blocks()
    )


def can_temper(unit: Unit) -> bool:
    """Whether units can be `Tempered`."""
    return all(
        is_linear(block) or isinstance(block, (Gaussian, ReLU))
        for block in unit.blocks()
    )
