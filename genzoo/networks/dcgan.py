"""Convolutional pairs for images."""

import math
from collections.abc import Callable

import keras
from keras import layers

from genzoo import checks
from genzoo.networks.condition import COMMON, Condition
from genzoo.networks.image import grid, image_shape, to_image
from genzoo.networks.recipe import Pair, recorded

MAPPING_DEPTH, MAPPING_WIDTH = 2, 64


@recorded(
    **COMMON,
    image_shape=image_shape,
    mapping=checks.optional(checks.whole(0, 64)),
)
def dcgan(
    latent: int,
    image_shape: tuple[int, int, int],
    width: int = 64,
    mapping: int | None = None,
    classes: int | None = None,
    condition: int | None = None,
    conditioning: str = "projection",
    packing: int = 1,
    activation: str | Callable = "tanh",
    spectral_normalization: bool = False,
) -> Pair:
    """Strided convolutions up from a small grid, and down to it.

    As in the paper, but without batch normalisation, whose statistics couple
    the examples of a batch: replicas would differ from one device, and
    gradient penalties would not be those of D at one example.

    Args:
        latent: length of the latent vectors.
        image_shape: (height, width, channels), sides 3 to 256, 1 to 16
            channels.
        width: channels at half of the full resolution; twice as many at each
            halving.
        mapping: hidden layers of 64 units between the latents and the first
            grid; by default 2 without conditions, where the latents alone
            must tell one mode from the next, and none with conditions. More
            of them separate the modes of many data better (8 of MNIST), but
            collapse on few (1,500 digits of 8x8); clusters separate them
            better still, see `GAN`'s `self_conditioned`.
        classes: number of classes, for integer conditions; or None.
        condition: length of vector conditions; or None.
        conditioning: how the discriminator learns of the condition,
            "projection", "concatenation" or "auxiliary".
        packing: how many images the discriminator sees at once.
        activation: of the generator's output; "tanh" for data in [-1, 1].
        spectral_normalization: whether each layer of the discriminator has
            a spectral norm of one.

    Returns:
        (generator, discriminator), Keras models.

    Raises:
        ValueError: for another shape of image, or an argument out of range.

    Reference:
        Radford, Metz and Chintala, "Unsupervised representation learning
        with deep convolutional generative adversarial networks", 2016; the
        mapping: Karras, Laine and Aila, "A style-based generator architecture
        for generative adversarial networks", 2019.

    Example:
    >>> generator, discriminator = genzoo.networks.dcgan(64, (28, 28, 1))
    """
    height, breadth, channels = image_shape
    given = Condition.make("dcgan", classes, condition, conditioning)
    start, doublings = grid(height, breadth)
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
    for size in reversed(widths[:-1]):
        x = _upward(size, gain=2.0)(x)
        x = layers.ReLU()(x)
    x = _upward(channels, gain=1.0)(x)
    generator = keras.Model(
        inputs, to_image(x, height, breadth, activation), name="generator"
    )

    def wrap(layer):
        if spectral_normalization:
            return layers.SpectralNormalization(layer)
        return layer

    def features(x):
        for size in widths:
            x = wrap(
                layers.Conv2D(
                    size,
                    4,
                    strides=2,
                    padding="same",
                    kernel_initializer="he_normal",
                )
            )(x)
            x = layers.LeakyReLU(0.2)(x)
        return layers.Flatten()(x)

    image = keras.Input((height, breadth, packing * channels), name="image")
    return generator, given.discriminator(image, features, wrap, on_image=True)


def _upward(size, gain):
    # At stride 2 a quarter of the kernel meets each output, and what Keras
    # calls the fan-out of a transposed convolution is its fan-in.
    initializer = keras.initializers.VarianceScaling(
        4 * gain, "fan_out", "normal"
    )
    return layers.Conv2DTranspose(
        size, 4, strides=2, padding="same", kernel_initializer=initializer
    )
