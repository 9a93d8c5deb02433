"""Units at another temperature."""

import tensorflow as tf
from keras import ops

from genzoo.runtime import random
from genzoo.units.gaussian import Gaussian
from genzoo.units.relu import ReLU
from genzoo.units.unit import Unit


class Tempered:
    """Units with the potential `beta a(x)`: what both layers of p^beta are.

    Nothing is copied. Units whose potential is linear have another bias;
    those that are quadratic, on a line or half of one, are also
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
                f"{unit.said} units have no temperature but 1: their potential "
                "is neither bias . x, nor that of Gaussian or ReLU units."
            )
        self.unit = unit
        self.beta = beta
        self.size = unit.size
        self.width = unit.width
        self.levels = unit.levels
        self.state_count = unit.state_count
        self._is_linear = is_linear(unit)

    def blocks(self) -> list["Tempered"]:
        """Those of the unit, at this temperature."""
        blocks = self.unit.blocks()
        if len(blocks) == 1:
            return [self]
        return [Tempered(block, self.beta) for block in blocks]

    @property
    def has_level_potentials(self) -> bool:
        """As the unit."""
        return self.unit.has_level_potentials

    def _width(self, dtype):
        """How much wider states are than those of the unit at temperature 1.

        A number, or one for each column of blocks of several kinds.
        """
        return self._by_block(lambda block: block.width, dtype, tf.math.rsqrt)

    def _log_width(self, dtype):
        """Its logarithm: a number, or one for each unit of blocks."""

        def log(beta):
            return -0.5 * tf.math.log(beta)

        return self._by_block(lambda block: block.size, dtype, log)

    def _by_block(self, count, dtype, function):
        """What a function makes of 1 for linear blocks, of beta for others."""
        beta = tf.cast(self.beta, dtype)
        blocks = self.unit.blocks()
        values = [
            function(tf.ones_like(beta) if is_linear(block) else beta)
            for block in blocks
        ]
        if len(blocks) == 1:
            return values[0]
        return tf.repeat(tf.stack(values), [count(block) for block in blocks])

    def _field(self, field):
        """The field in which the unit has these states, divided by width."""
        wide = self._width(field.dtype)
        gain = tf.cast(self.beta, field.dtype) * wide - 1
        return wide * field + gain * ops.cast(self.unit.bias, field.dtype)

    def potential(self, x: tf.Tensor) -> tf.Tensor:
        """Beta a(x), (batch,)."""
        return tf.cast(self.beta, x.dtype) * self.unit.potential(x)

    def level_potentials(self, dtype: str) -> tf.Tensor:
        """Beta a of each level of each unit, (size, n_levels)."""
        return tf.cast(self.beta, dtype) * self.unit.level_potentials(dtype)

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
        return drawn if self._is_linear else drawn * self._width(field.dtype)

    def states(
        self, start: int | tf.Tensor, count: int, dtype: str
    ) -> tf.Tensor:
        """As those of the unit."""
        return self.unit.states(start, count, dtype)


def is_linear(unit: Unit) -> bool:
    """Whether units have the potential `bias . x`, and nothing beside."""

    def plain(kind):
        own = kind.potential, kind.log_base
        return own == (Unit.potential, Unit.log_base)

    return all(plain(type(block)) for block in unit.blocks())


def can_temper(unit: Unit) -> bool:
    """Whether units can be `Tempered`."""
    return all(
        is_linear(block) or isinstance(block, (Gaussian, ReLU))
        for block in unit.blocks()
    )
