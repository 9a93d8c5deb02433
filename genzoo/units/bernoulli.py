"""Bernoulli units: x in {0, 1}."""

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from genzoo.runtime import random
from genzoo.spaces import Binary
from genzoo.types import Array
from genzoo.units.unit import Unit


@keras.saving.register_keras_serializable("genzoo")
class Bernoulli(Unit):
    """Binary units with potential `a(x) = sum_i bias_i x_i`.

    Given a field `phi` from the other layer the units are independent,
    `p(x_i = 1 | phi) = sigmoid(bias_i + phi_i)`.

    Grey levels g in [0, 1] that stand for probabilities of ink are examples
    of these units once they are drawn, anew in each epoch:

        draw = lambda g, seed: genzoo.random.uniform(g.shape, seed) < g
        rbm.fit(Redrawn(g, 100, rbm.draws, draw), epochs=20)

    with `genzoo.runtime.streams.Redrawn`, whose drawings go on bit for bit
    where a training goes on from a save; those of TensorFlow's own random
    numbers do not. What is learned then is the likelihood of such drawings.
    Greys themselves are refused: put in place of states they have no
    probability in a model of 0 and 1, and training by them would follow the
    mean field, of which no log p can be said. As numbers they are
    `UnitInterval`'s.

    Args:
        size: number of units, or the shape in which they are arranged.

    Reference:
        Smolensky, "Information processing in dynamical systems", 1986.

    Example:
    >>> units = genzoo.units.Bernoulli(3)
    >>> units.mean(tf.zeros((1, 3))).numpy().tolist()
    [[0.5, 0.5, 0.5]]
    """

    levels = np.array([[0.0], [1.0]])

    def space_of(self, arrangement: int | tuple[int, ...]) -> Binary:
        """0 and 1."""
        return Binary(arrangement)

    def unit_log_cumulant(self, field: tf.Tensor) -> tf.Tensor:
        """log(1 + exp(bias + field)), shape (batch, size)."""
        return ops.softplus(ops.cast(self.bias, field.dtype) + field)

    def mean(self, field: tf.Tensor) -> tf.Tensor:
        """sigmoid(bias + field), shape (batch, size)."""
        return ops.sigmoid(ops.cast(self.bias, field.dtype) + field)

    def sample(self, field: tf.Tensor, seed: random.Seed) -> tf.Tensor:
        """A state drawn given the field, values 0.0 or 1.0."""
        return random.bernoulli(self.mean(field), seed)

    def from_uniform(self, field: tf.Tensor, uniform: tf.Tensor) -> tf.Tensor:
        """1.0 where the uniform number is below the mean, else 0.0."""
        return ops.cast(uniform < self.mean(field), field.dtype)

    def moments(self, field: tf.Tensor) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """The log-cumulant and the mean, with one exponential between them."""
        # softplus(t) = t - log(sigmoid(t)), while the sigmoid is not zero.
        total = ops.maximum(ops.cast(self.bias, field.dtype) + field, -80.0)
        mean = ops.sigmoid(total)
        return ops.sum(total - ops.log(mean), axis=-1), [mean]

    def smooth(self, mean: Array, count: int) -> Array:
        """(n_ones + 1/2) / (n + 1)."""
        return (mean * count + 0.5) / (count + 1)

    def variance_of(self, mean: Array) -> Array:
        """Mean (1 - mean)."""
        return mean * (1 - mean)

    def moved(self, x: tf.Tensor, a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
        """Those units are flipped in which a and b differ."""
        return ops.abs(x - ops.abs(a - b))

    def bias_for(self, mean: Array) -> Array:
        """The log-odds of the mean."""
        return np.log(mean) - np.log1p(-mean)
