"""Strided convolutions up from a small grid and down to it, of any axes."""

import math
from collections.abc import Callable
from typing import Any

import keras
from keras import layers

from genzoo import checks
from genzoo.networks import grids
from genzoo.networks.condition import COMMON, Condition
from genzoo.networks.recipe import Pair

MAPPING_DEPTH, MAPPING_WIDTH = 2, 64
# The checks of all such pairs, beside the one of their shape.
ARGUMENTS: checks.Arguments = {
    **COMMON,
    "mapping": checks.optional(checks.whole(0, 64)),
}


def strided(
    given: Condition,
    latent: int,
    shape: tuple[int, ...],
    width: int,
    mapping: int | None,
    packing: int,
    finish: Callable[[Any], Any],
    spectral_normalization: bool,
    kernel: int = 4,
    see: Callable[[Any], Any] = lambda x: x,
    is_smooth: bool = False,
) -> Pair:
    """A generator and a discriminator of grids, channels last.

    Args:
        given: the condition of both.
        latent: length of the latent vectors.
        shape: of an example, (*sides, channels).
        width: channels at the finest of the coarser grids; twice as many at
            each further one, up to 16 times.
        mapping: hidden layers between the latents and the first grid; None
            takes 2 without conditions and none with conditions.
        packing: how many examples the discriminator sees at once.
        finish: function from a grid of these sides to the examples.
        spectral_normalization: whether each layer of the discriminator has
            a spectral norm of one.
        kernel: places of each convolution, along each axis.
        see: function of examples to what the discriminator sees of them.
        is_smooth: whether the generator goes up by linear interpolation and
            convolutions, the last of them at the full length; one axis alone.
    """
    *sides, channels = shape
    axes = len(sides)
    start, doublings = grids.grid(*sides)
    widths = [width * 2 ** min(level, 4) for level in range(doublings)]

    z = keras.Input((latent,), name="latent")
    inputs, x = given.joined(z)
    if mapping is None:
        mapping = 0 if given.is_given else MAPPING_DEPTH
    for _ in range(mapping):
        x = layers.Dense(MAPPING_WIDTH, kernel_initializer="he_normal")(x)
        x = layers.ReLU()(x)
    x = layers.Dense(
        math.prod(start) * widths[-1], kernel_initializer="he_normal"
    )(x)
    x = layers.ReLU()(x)
    x = layers.Reshape((*start, widths[-1]))(x)
    if is_smooth:
        for size in (*reversed(widths[:-1]), width):
            x = layers.LeakyReLU(0.2)(grids.interpolated(x, size, kernel))
        x = grids.cropped(x, tuple(sides))
        x = grids.convolved(x, channels, kernel, gain=1.0)
    else:
        for size in reversed(widths[:-1]):
            x = grids.transposed(axes, size, kernel, gain=2.0)(x)
            x = layers.ReLU()(x)
        x = grids.transposed(axes, channels, kernel, gain=1.0)(x)
        x = grids.cropped(x, tuple(sides))
    generator = keras.Model(inputs, finish(x), name="generator")

    def wrap(layer):
        if spectral_normalization:
            return layers.SpectralNormalization(layer)
        return layer

    def features(x):
        for size in widths:
            convolution = grids.CONVOLUTION[axes](
                size,
                kernel,
                strides=2,
                padding="same",
                kernel_initializer="he_normal",
            )
            x = layers.LeakyReLU(0.2)(wrap(convolution)(x))
        return layers.Flatten()(x)

    example = keras.Input((*sides, packing * channels), name="example")
    return generator, given.discriminator(
        example, features, wrap, on_grid=True, see=see
    )
