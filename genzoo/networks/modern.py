"""Residual, grouped pairs without normalisation, for images."""

import math
from collections.abc import Callable

import keras
from keras import layers

from genzoo import checks
from genzoo.layers.grouped import GroupedConv2D
from genzoo.networks.condition import COMMON, Condition
from genzoo.networks.grids import cropped, grid, image_shape
from genzoo.networks.recipe import Pair, recorded

_SLOPE, _EXPANSION = 0.2, 2
_IN_GROUP = 16


@recorded(**COMMON, image_shape=image_shape, blocks=checks.whole(1, 16))
def modern(
    latent: int,
    image_shape: tuple[int, int, int],
    width: int = 32,
    blocks: int = 2,
    classes: int | None = None,
    condition: int | None = None,
    conditioning: str = "projection",
    packing: int = 1,
    activation: str | Callable = "tanh",
    spectral_normalization: bool = False,
) -> Pair:
    """Inverted bottlenecks of grouped convolutions, without normalisation.

    The blocks of R3GAN, `blocks` of them at each resolution, in both networks
    alike: `x + B(x)`, where B widens x to twice its channels, mixes 3 x 3
    places in groups of about 16 channels, and narrows it again. Images are
    made finer by bilinear interpolation, which leaves no chequers, and
    coarser by means of 2 x 2. Meant for sides of 32 to 256: on smaller ones
    `dcgan` learns as much in less time.

    By the fix-up initialisation the last kernel of each B is zero and the
    others are smaller by `L**(-1/4)`, for L blocks: a network begins as its
    shortcuts, however deep it is.

    Args:
        latent: length of the latent vectors.
        image_shape: (height, width, channels), sides 3 to 256, 1 to 16
            channels.
        width: channels at the full resolution; twice as many at each of the
            first three halvings.
        blocks: at each resolution.
        classes: number of classes, for integer conditions; or None.
        condition: length of vector conditions; or None.
        conditioning: how the discriminator learns of the condition,
            "projection", "concatenation" or "auxiliary".
        packing: how many images the discriminator sees at once.
        activation: of the generator's output; "tanh" for data in [-1, 1].
        spectral_normalization: whether each layer of the discriminator has
            a spectral norm of one; its last kernels then begin as the others.

    Returns:
        (generator, discriminator), Keras models.

    Raises:
        ValueError: for another shape of image, or an argument out of range.

    Reference:
        Huang et al., "The GAN is dead; long live the GAN! A modern GAN
        baseline", 2024; Zhang, Dauphin and Ma, "Fixup initialization", 2019.

    Example:
    >>> networks = genzoo.networks.modern(8, (32, 48, 3), width=4, blocks=1)
    >>> gan = genzoo.GAN(*networks)
    """
    height, breadth, channels = image_shape
    given = Condition.make("modern", classes, condition, conditioning)
    start, doublings = grid(height, breadth)
    widths = [width * 2 ** min(level, 3) for level in range(doublings + 1)]
    count = blocks * len(widths)

    z = keras.Input((latent,), name="latent")
    inputs, x = given.joined(z)
    x = _linear(layers.Dense, math.prod(start) * widths[-1])(x)
    x = layers.Reshape((*start, widths[-1]))(x)
    for level, size in enumerate(reversed(widths)):
        if level:
            x = _to_channels(x, size)
            x = layers.UpSampling2D(interpolation="bilinear")(x)
        for _ in range(blocks):
            x = _block(x, count)
    x = cropped(_pointwise(channels, use_bias=True)(x), (height, breadth))
    x = layers.Activation(activation, dtype="float32")(x)
    generator = keras.Model(inputs, x, name="generator")

    def wrap(layer):
        if spectral_normalization:
            return layers.SpectralNormalization(layer)
        return layer

    # A spectral norm of zero cannot be made one.
    last = 1.0 if spectral_normalization else 0.0

    def features(x):
        x = wrap(_pointwise(widths[0], use_bias=True))(x)
        for level, size in enumerate(widths):
            if level:
                x = layers.AveragePooling2D(2, padding="same")(x)
                x = _to_channels(x, size, wrap)
            for _ in range(blocks):
                x = _block(x, count, wrap, last)
        return layers.Flatten()(x)

    image = keras.Input((height, breadth, packing * channels), name="image")
    return generator, given.discriminator(image, features, wrap, on_grid=True)


def _plain(layer):
    return layer


def _linear(layer, *args, gain=1.0, **options):
    """One whose outputs have `gain` times the variance of its inputs."""
    initializer = "zeros"
    if gain:
        initializer = keras.initializers.VarianceScaling(
            gain, "fan_in", "untruncated_normal"
        )
    return layer(*args, kernel_initializer=initializer, **options)


def _pointwise(size, gain=1.0, use_bias=False):
    return _linear(layers.Conv2D, size, 1, gain=gain, use_bias=use_bias)


def _to_channels(x, size, wrap=_plain):
    return x if x.shape[-1] == size else wrap(_pointwise(size))(x)


def _block(x, count, wrap=_plain, last=0.0):
    """x + B(x), one of so many; the gain of B's last layer is `last`."""
    size = x.shape[-1]
    wide = _EXPANSION * size
    groups = math.gcd(wide, max(wide // _IN_GROUP, 1))
    # Leaky units keep this share of the mean square, fix-up that much.
    gain = 2 / (1 + _SLOPE**2) / math.sqrt(count)
    spread = _linear(
        GroupedConv2D, wide, 3, gain=gain, groups=groups, padding="same"
    )
    y = wrap(_pointwise(wide, gain, use_bias=True))(x)
    y = wrap(spread)(layers.LeakyReLU(_SLOPE)(y))
    y = wrap(_pointwise(size, last))(layers.LeakyReLU(_SLOPE)(y))
    return layers.Add()([x, y])
