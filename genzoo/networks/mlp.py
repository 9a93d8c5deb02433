"""Perceptrons: pairs for points, tables and events."""

import math
from collections.abc import Callable

import keras
from keras import layers

from genzoo import checks
from genzoo.layers import RandomFourier, Standardization
from genzoo.networks.condition import COMMON, LENGTH, Condition
from genzoo.networks.recipe import Pair, recorded

# Activations whose values have units.
_UNLIMITED = ("linear", "relu", "softplus")
# Latents, below which a network makes more of them; the waves' scale.
_FEW, _SCALE = 8, 6.0


@recorded(**COMMON, output=LENGTH, depth=checks.whole(0, 64))
def mlp(
    latent: int,
    output: int,
    width: int = 128,
    depth: int = 3,
    classes: int | None = None,
    condition: int | None = None,
    conditioning: str = "concatenation",
    packing: int = 1,
    activation: str | Callable = "linear",
    spectral_normalization: bool = False,
) -> Pair:
    """A generator and a discriminator for vectors, `depth` hidden layers each.

    Rectified linear units in the generator, whose flat parts let it stay on
    narrow modes and cross between them quickly; leaky ones in the
    discriminator, which do not die; no normalisation of batches. Columns may
    have any units: both networks have layers of
    `genzoo.layers.Standardization`, which `GAN.fit` adapts to its first data.
    Fewer than 8 latents go through random waves, of which a curve gets its
    width.

    Args:
        latent: length of the latent vectors.
        output: length of the generated vectors.
        width: units of a hidden layer.
        depth: hidden layers.
        classes: number of classes, for integer conditions; or None.
        condition: length of vector conditions; or None.
        conditioning: how the discriminator learns of the condition,
            "concatenation", "projection" or "auxiliary".
        packing: how many examples the discriminator sees at once.
        activation: of the generator's output; "tanh" for data in [-1, 1].
        spectral_normalization: whether each layer of the discriminator has
            a spectral norm of one.

    Returns:
        (generator, discriminator), Keras models.

    Raises:
        ValueError: for an argument out of range.

    Example:
    >>> generator, discriminator = genzoo.networks.mlp(latent=2, output=2)
    >>> gan = genzoo.GAN(generator, discriminator)
    """
    given = Condition.make("mlp", classes, condition, conditioning)

    def hidden(x, wrap, slope):
        for _ in range(depth):
            x = wrap(layers.Dense(width, kernel_initializer="he_normal"))(x)
            x = layers.LeakyReLU(slope)(x) if slope else layers.ReLU()(x)
        return x

    def plain(layer):
        return layer

    z = keras.Input((latent,), name="latent")
    waves = plain
    if latent < _FEW:
        # Angles are not rounded, whatever the policy.
        waves = RandomFourier(2 * _FEW, _SCALE, dtype="float32")
    inputs, x = given.joined(z, see=waves)
    x = hidden(x, plain, 0.0)
    # Outputs of about unit variance whatever the width: data are scaled.
    small = keras.initializers.RandomNormal(stddev=math.sqrt(1 / width))
    x = layers.Dense(output, kernel_initializer=small)(x)
    x = layers.Activation(activation, dtype="float32")(x)
    if activation in _UNLIMITED:
        centred = activation == "linear"
        x = Standardization(inverse=True, centred=centred)(x)
    generator = keras.Model(inputs, x, name="generator")

    def normalised(layer):
        if spectral_normalization:
            return layers.SpectralNormalization(layer)
        return layer

    x = keras.Input((packing * output,), name="example")
    discriminator = given.discriminator(
        x,
        lambda x: hidden(x, normalised, 0.2),
        normalised,
        see=Standardization(),
    )
    return generator, discriminator
