"""Perceptrons: pairs for points, tables and events."""

import math
from collections.abc import Callable
from typing import Any

import keras
from keras import layers

from genzoo import checks
from genzoo.layers import Standardization
from genzoo.networks.condition import COMMON, LENGTH, Condition
from genzoo.networks.recipe import Pair, recorded
from genzoo.networks.units import in_units

# The most latents that a table gets by default.
_MOST_LATENTS = 128


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

    Args:
        latent: length of the latent vectors. As many as the columns, and at
            least 8, where data have a width everywhere: of two, a thin curve
            becomes a line. Two are best for separate narrow modes.
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
    inputs, x = given.joined(z)
    x = hidden(x, plain, 0.0)
    # Outputs of about unit variance whatever the width: data are scaled.
    small = keras.initializers.RandomNormal(stddev=math.sqrt(1 / width))
    x = layers.Dense(output, kernel_initializer=small)(x)
    generator = keras.Model(inputs, in_units(x, activation), name="generator")

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


def tabular(table: Any, latent: int | None = None, **options: Any) -> Pair:
    """A generator and a discriminator for the vectors of a table.

    They are those of `mlp`: what makes numbers of all scales, categories and
    gaps alike is the table's encoding, in which a category is the largest of
    its entries. Rare categories come out better if the discriminator sees
    several rows at once, packing=2 here and in `genzoo.GAN`.

    Args:
        table: a `genzoo.datasets.Table`.
        latent: length of the latent vectors; by default as many as entries,
            from 8 to 128.
        **options: other arguments of `mlp`, such as width or packing.

    Returns:
        (generator, discriminator), Keras models.

    Raises:
        ValueError: for something else than a table, and as `mlp`.

    Example:
    >>> data = {"kind": ["a", "b", "a"], "mass": [2.0, 4.5, 3.0]}
    >>> table = genzoo.datasets.Table(data)
    >>> gan = genzoo.GAN(*genzoo.networks.tabular(table))
    >>> gan.event_shape
    (3,)
    """
    if not hasattr(table, "encode") or not hasattr(table, "width"):
        raise ValueError(
            "tabular: table must be a genzoo.datasets.Table; received "
            f"{type(table).__name__}. Make one: Table(frame)."
        )
    if not table.width:
        raise ValueError(
            "tabular: no column of the table varies, so that there is "
            "nothing to learn."
        )
    if latent is None:
        latent = min(max(table.width, 8), _MOST_LATENTS)
    return mlp(latent, table.width, **options)
