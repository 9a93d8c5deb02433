"""R1 and R2: gradients of zero, at the data and at what is generated."""

import keras
import tensorflow as tf

from genzoo.penalties.penalty import Penalty
from genzoo.runtime.random import Seed


class _ZeroCentred(Penalty):
    def cost(self, square: tf.Tensor) -> tf.Tensor:
        """|grad|^2 / 2."""
        return square / 2


@keras.saving.register_keras_serializable("genzoo")
class R1(_ZeroCentred):
    """`weight / 2 <|grad D(x)|^2>` over data.

    Where the generator has found the data, D is to be flat: the game then
    converges, which it does not without.

    Args:
        weight: often called gamma. About 0.02 for points in the plane, 0.1 to
            1 for small images, more for large ones.
        fraction: the share of the batch that it looks at.

    Reference:
        Mescheder, Geiger and Nowozin, "Which training methods for GANs do
        actually converge?", 2018.

    Example:
    >>> gan = genzoo.GAN(*genzoo.networks.mlp(2, 2, width=8, depth=1))
    >>> gan.compile(penalties=[genzoo.penalties.R1(0.02, fraction=1 / 8)])
    >>> x = np.random.default_rng(0).normal(size=(64, 2))
    >>> history = gan.fit(x, verbose=0)
    """

    def points(self, real: tf.Tensor, fake: tf.Tensor, seed: Seed) -> tf.Tensor:
        """The data."""
        return real


@keras.saving.register_keras_serializable("genzoo")
class R2(_ZeroCentred):
    """`weight / 2 <|grad D(G(z))|^2>` over generated examples.

    Args:
        weight: as of `R1`, beside which it is used.
        fraction: the share of the batch that it looks at.

    Reference:
        Mescheder, Geiger and Nowozin 2018; with R1: Huang et al. 2024.

    Example:
    >>> gan = genzoo.GAN(*genzoo.networks.mlp(2, 2, width=8, depth=1))
    >>> both = [genzoo.penalties.R1(0.02), genzoo.penalties.R2(0.02)]
    >>> gan.compile(loss="relativistic_pairing", penalties=both)
    """

    def points(self, real: tf.Tensor, fake: tf.Tensor, seed: Seed) -> tf.Tensor:
        """The generated examples."""
        return fake
