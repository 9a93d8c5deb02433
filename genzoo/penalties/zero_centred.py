"""R1 and R2: gradients of zero, at the data and at what is generated."""

import keras

from genzoo.penalties.penalty import Penalty


class _ZeroCentred(Penalty):
    def cost(self, square):
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
    """

    def points(self, real, fake, seed):
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
    """

    def points(self, real, fake, seed):
        """The generated examples."""
        return fake
