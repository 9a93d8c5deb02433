"""Categorical (Potts) units: one of several states, one-hot."""

from typing import Any, ClassVar

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from genzoo import checks
from genzoo.runtime import random
from genzoo.spaces import OneHot
from genzoo.types import Array, ArrayLike
from genzoo.units.unit import Unit


@keras.saving.register_keras_serializable("genzoo")
class Categorical(Unit):
    """Potts units with potential `a(x) = sum_is bias_is x_is`.

    Each unit is in one of `states` states. A state of the layer is written
    one-hot and flat: shape (batch, size * states), the states of the first
    unit first; of units in a shape, examples are (batch, *shape, states).
    Given a field `phi` from the other layer,
    `p(x_i = s | phi) = softmax_s(bias_is + phi_is)`.

    Args:
        size: number of units, or the shape in which they are arranged.
        states: number of states of each unit, 2 to 1,000.

    Raises:
        ValueError: if `states` is not such an int.

    Reference:
        Salakhutdinov, Mnih and Hinton, "Restricted Boltzmann machines for
        collaborative filtering", ICML 2007.

    Example:
    >>> units = genzoo.units.Categorical(2, states=3)
    >>> units.one_hot([[0, 2]]).numpy().tolist()
    [[1.0, 0.0, 0.0, 0.0, 0.0, 1.0]]
    """

    space: OneHot

    arguments: ClassVar[checks.Arguments] = {
        **Unit.arguments,
        "states": checks.whole(2, 1000),
    }

    def __init__(self, size: int | tuple[int, ...], states: int, **kwargs):
        (self.n_states,) = checks.arguments(self, states=states)
        super().__init__(size, **kwargs)
        self.levels = np.eye(self.n_states)

    def space_of(self, arrangement: int | tuple[int, ...]) -> OneHot:
        """One-hot groups."""
        return OneHot(arrangement, self.n_states)

    def one_hot(self, labels: ArrayLike) -> tf.Tensor:
        """Examples from labels: whole numbers from 0 to states - 1.

        Args:
            labels: array of shape (batch, size), or (batch, *shape) for units
                that are arranged in a shape.

        Returns:
            One-hot states of shape (batch, *space.event_shape).

        Raises:
            ValueError: for labels of another shape, or others than these.
        """
        where = f"{type(self).__name__}.one_hot: labels"
        hot = self.space.of_labels(where, labels)
        return tf.cast(hot, self.variable_dtype)

    def _grouped(self, x):
        return ops.reshape(x, (-1, self.size, self.n_states))

    def _logits(self, field):
        return self._grouped(ops.cast(self.bias, field.dtype) + field)

    def unit_log_cumulant(self, field: tf.Tensor) -> tf.Tensor:
        """logsumexp over the states of each unit, shape (batch, size)."""
        return ops.logsumexp(self._logits(field), axis=-1)

    def mean(self, field: tf.Tensor) -> tf.Tensor:
        """The probabilities of the states, shape (batch, width)."""
        probabilities = ops.softmax(self._logits(field), axis=-1)
        return ops.reshape(probabilities, (-1, self.width))

    def sample(self, field: tf.Tensor, seed: random.Seed) -> tf.Tensor:
        """A one-hot state drawn given the field, shape (batch, width)."""
        shape = (ops.shape(field)[0], self.size)
        uniform = random.uniform(shape, seed, field.dtype)
        return self.from_uniform(field, uniform)

    def from_uniform(self, field: tf.Tensor, uniform: tf.Tensor) -> tf.Tensor:
        """One-hot states, (batch, width), of one uniform number per unit."""
        cumulative = ops.cumsum(self._grouped(self.mean(field)), axis=-1)
        below = cumulative[..., :-1] <= uniform[..., None]
        below = ops.cast(below, "int32")
        hot = ops.one_hot(
            ops.sum(below, axis=-1), self.n_states, dtype=field.dtype
        )
        return ops.reshape(hot, (-1, self.width))

    def smooth(self, mean: Array, count: int) -> Array:
        """(n_s + 1/2) / (n + states / 2)."""
        return (mean * count + 0.5) / (count + 0.5 * self.n_states)

    def variance_of(self, mean: Array) -> Array:
        """Mean (1 - mean), of each number of the one-hot groups."""
        return mean * (1 - mean)

    def moved(self, x: tf.Tensor, a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
        """States are shifted in a circle, by as many as from a to b."""
        number, start, end = (
            ops.argmax(self._grouped(states), axis=-1) for states in (x, a, b)
        )
        shifted = ops.mod(number + end - start, self.n_states)
        hot = ops.one_hot(shifted, self.n_states, dtype=x.dtype)
        return ops.reshape(hot, (-1, self.width))

    def bias_for(self, mean: Array) -> Array:
        """The log-probabilities."""
        return np.log(mean)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {**super().get_config(), "states": self.n_states}
