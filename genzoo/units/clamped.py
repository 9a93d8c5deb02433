"""Units of which some are given."""

from typing import Any

import tensorflow as tf
from keras import ops

from genzoo.runtime import random


class Clamped:
    """Units of which some have known states, the same or others in each row.

    What is left of them is a layer again: it has the methods of a `Unit` that
    chains and sums need, with `log_cumulant` the sum over the unknown states.
    A unit's potential must be zero at zero, as that of all units here is.

    Args:
        unit: the units, a `Unit` or what stands for one.
        x: states, (rows, width); those that are not known do not matter.
        seen: which are known, bool (rows, width).

    Example:
    >>> units = genzoo.units.Bernoulli(2)
    >>> x, seen = tf.constant([[1.0, 0.0]]), tf.constant([[True, False]])
    >>> left = genzoo.units.clamped.Clamped(units, x, seen)
    >>> round(float(left.log_cumulant(tf.zeros((1, 2)))[0]), 4)  # log 2
    0.6931
    """

    def __init__(self, unit: Any, x: tf.Tensor, seen: tf.Tensor):
        self.unit = unit
        self.seen = seen
        self.known = tf.where(seen, x, tf.zeros_like(x))
        self.size = unit.size
        self.width = unit.width
        self.levels = unit.levels
        self.state_count = unit.state_count

    def repeated(self, count: int) -> "Clamped":
        """The units of rows that are repeated so often."""
        x, seen = (tf.repeat(v, count, axis=0) for v in (self.known, self.seen))
        return Clamped(self.unit.repeated(count), x, seen)

    @property
    def bias(self) -> Any:
        """That of the units."""
        return self.unit.bias

    def log_scale(self) -> Any:
        """That of the units."""
        return self.unit.log_scale()

    def potential(self, x: tf.Tensor) -> tf.Tensor:
        """a(x), (batch,)."""
        return self.unit.potential(x)

    def unit_log_cumulant(self, field: tf.Tensor) -> tf.Tensor:
        """That of each unknown unit, 0 of the others, (rows, size)."""
        unknown = ~self.unit.by_unit(self.seen)
        each = self.unit.unit_log_cumulant(field)
        return tf.where(unknown, each, tf.zeros_like(each))

    def log_cumulant(self, field: tf.Tensor) -> tf.Tensor:
        """log sum exp(a(x) + field . x) over what is unknown, (rows,)."""
        known = tf.cast(self.known, field.dtype)
        given = self.unit.potential(known)
        given += tf.reduce_sum(known * field, axis=-1)
        return given + tf.reduce_sum(self.unit_log_cumulant(field), axis=-1)

    def mean(self, field: tf.Tensor) -> tf.Tensor:
        """<x> given the field, (rows, width), the known states among it."""
        return self._with_known(self.unit.mean(field))

    def sample(self, field: tf.Tensor, seed: random.Seed) -> tf.Tensor:
        """A state drawn given the field, (rows, width)."""
        return self._with_known(self.unit.sample(field, seed))

    def _with_known(self, x):
        return tf.where(self.seen, ops.cast(self.known, x.dtype), x)
