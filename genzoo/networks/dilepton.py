"""A pair for events with two leptons, given the energy of the beam."""

import keras
from keras import layers

from genzoo import checks
from genzoo.layers import DileptonKinematics
from genzoo.networks.condition import LENGTH
from genzoo.networks.recipe import Pair, recorded

_UNIT, _MIDDLE, _HALF_RANGE = 45.0, 225.0, 75.0


@recorded(latent=LENGTH, width=LENGTH, depth=checks.whole(1, 64))
def dilepton(latent: int = 8, width: int = 128, depth: int = 3) -> Pair:
    """Perceptrons for the events of `datasets.two_body_decay`.

    Events are the six cartesian momenta, conditions the energy of the beam,
    all in GeV. Cartesian momenta have no seam, as an azimuth has, and no
    edge, as a transverse momentum has. The generator is told nothing of
    physics; its units are smooth (SiLU). The discriminator begins with
    `layers.DileptonKinematics`.

    Args:
        latent: length of the latent vectors.
        width: units of a hidden layer.
        depth: hidden layers, at least 1.

    Returns:
        (generator, discriminator), Keras models.

    Raises:
        ValueError: for an argument out of range.

    Example:
    >>> gan = genzoo.GAN(*genzoo.networks.dilepton())
    >>> events, energies = genzoo.datasets.two_body_decay(100)
    >>> gan.compile()
    >>> history = gan.fit(events, energies, verbose=0)
    """

    def hidden(x, activation):
        for _ in range(depth):
            x = layers.Dense(width, activation, kernel_initializer="he_normal")(
                x
            )
        return x

    scaled = layers.Rescaling(1 / _HALF_RANGE, -_MIDDLE / _HALF_RANGE)
    z = keras.Input((latent,), name="latent")
    energy = keras.Input((1,), name="condition")
    x = hidden(layers.Concatenate()([z, scaled(energy)]), "silu")
    x = layers.Rescaling(_UNIT, dtype="float32")(layers.Dense(6)(x))
    generator = keras.Model([z, energy], x, name="generator")

    x = keras.Input((6,), name="example")
    # In half precision masses would be rounded to more than their width.
    known = DileptonKinematics(dtype="float32")(x, energy)
    logit = layers.Dense(1, dtype="float32")(
        hidden(layers.Concatenate()([known, scaled(energy)]), "relu")
    )
    discriminator = keras.Model([x, energy], logit, name="discriminator")
    return generator, discriminator
