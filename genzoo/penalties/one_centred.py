"""Gradients of norm one: WGAN-GP and DRAGAN."""

import keras
import tensorflow as tf

from genzoo.penalties.penalty import Penalty
from genzoo.runtime import distribute, random


class _OneCentred(Penalty):
    def __init__(self, weight: float = 10.0, fraction: float = 1.0):
        super().__init__(weight, fraction)

    def cost(self, square: tf.Tensor) -> tf.Tensor:
        """(|grad| - 1)^2."""
        # The square root has no derivative at zero.
        return tf.square(tf.sqrt(square + 1e-12) - 1)


@keras.saving.register_keras_serializable("genzoo")
class GradientPenalty(_OneCentred):
    """`weight <(|grad D(x)| - 1)^2>` between data and generated examples.

    Each point is `x + u (G(z) - x)` with u uniform in [0, 1), one number for
    each pair. Goes with `Wasserstein`.

    Args:
        weight: often called lambda.
        fraction: the share of the batch that it looks at.

    Reference:
        Gulrajani et al., "Improved training of Wasserstein GANs", 2017.

    Example:
    >>> gan = genzoo.GAN(*genzoo.networks.mlp(2, 2, width=8, depth=1))
    >>> gan.compile(
    ...     loss="wasserstein",
    ...     penalties=genzoo.penalties.GradientPenalty(10.0),
    ...     discriminator_steps=5,
    ... )
    """

    def points(
        self, real: tf.Tensor, fake: tf.Tensor, seed: random.Seed
    ) -> tf.Tensor:
        """Points on the lines between the pairs."""
        shape = (tf.shape(real)[0], *(1 for _ in real.shape[1:]))
        return real + random.uniform(shape, seed) * (fake - real)


@keras.saving.register_keras_serializable("genzoo")
class DRAGAN(_OneCentred):
    """`weight <(|grad D(x + d)| - 1)^2>` around the data.

    d is uniform in [0, s/2) for each value of an example, s the standard
    deviation of all values of the batch.

    Args:
        weight: often called lambda.
        fraction: the share of the batch that it looks at.

    Reference:
        Kodali et al., "On convergence and stability of GANs", 2017.

    Example:
    >>> gan = genzoo.GAN(*genzoo.networks.mlp(2, 2, width=8, depth=1))
    >>> gan.compile(loss="minimax", penalties=genzoo.penalties.DRAGAN(10.0))
    """

    def points(
        self, real: tf.Tensor, fake: tf.Tensor, seed: random.Seed
    ) -> tf.Tensor:
        """Data, a little off."""
        size = tf.cast(tf.size(real), tf.float32)
        sums = distribute.all_sum(tf.stack([size, tf.reduce_sum(real)]))
        mean = tf.math.divide_no_nan(sums[1], sums[0])
        square = distribute.all_sum(tf.reduce_sum(tf.square(real - mean)))
        spread = tf.sqrt(tf.math.divide_no_nan(square, sums[0]))
        shape = (tf.shape(real)[0], *real.shape[1:])
        return real + 0.5 * spread * random.uniform(shape, seed)
