"""Residual pairs for images."""

import math
from collections.abc import Callable

import keras
from keras import layers

from genzoo.networks.condition import COMMON, Condition
from genzoo.networks.grids import cropped, grid, image_shape
from genzoo.networks.recipe import Pair, recorded


@recorded(**COMMON, image_shape=image_shape)
def resnet(
    latent: int,
    image_shape: tuple[int, int, int],
    width: int = 64,
    classes: int | None = None,
    condition: int | None = None,
    conditioning: str = "projection",
    packing: int = 1,
    activation: str | Callable = "tanh",
    spectral_normalization: bool = False,
) -> Pair:
    """One residual block at each resolution, without normalisation.

    The last convolution of each branch begins at zero: the network starts as
    its shortcuts, which keeps it stable without normalisation.

    Args:
        latent: length of the latent vectors.
        image_shape: (height, width, channels), sides 3 to 256, 1 to 16
            channels.
        width: channels at the full resolution; twice as many at each of the
            first two halvings.
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
        Gulrajani et al. 2017, appendix F; Huang et al., "The GAN is dead;
        long live the GAN!", 2024; the zero start: Zhang, Dauphin and Ma,
        "Fixup initialization", 2019.

    Example:
    >>> networks = genzoo.networks.resnet(8, (8, 8, 1), width=4)
    >>> gan = genzoo.GAN(*networks)
    """
    height, breadth, channels = image_shape
    given = Condition.make("resnet", classes, condition, conditioning)
    start, doublings = grid(height, breadth)
    widths = [width * 2 ** min(level, 2) for level in range(doublings + 1)]

    def plain(layer):
        return layer

    z = keras.Input((latent,), name="latent")
    inputs, x = given.joined(z)
    x = layers.Dense(math.prod(start) * widths[-1])(x)
    x = layers.Reshape((*start, widths[-1]))(x)
    for size in reversed(widths[:-1]):
        x = layers.UpSampling2D(interpolation="bilinear")(x)
        x = _block(x, size, plain)
    x = layers.LeakyReLU(0.2)(x)
    x = layers.Conv2D(channels, 3, padding="same")(x)
    x = cropped(x, (height, breadth))
    x = layers.Activation(activation, dtype="float32")(x)
    generator = keras.Model(inputs, x, name="generator")

    def wrap(layer):
        if spectral_normalization:
            return layers.SpectralNormalization(layer)
        return layer

    # A spectral norm of zero cannot be made one.
    last = "he_normal" if spectral_normalization else "zeros"

    def features(x):
        x = wrap(layers.Conv2D(widths[0], 3, padding="same"))(x)
        for size in widths[1:]:
            x = _block(x, size, wrap, last)
            x = layers.AveragePooling2D(2, padding="same")(x)
        x = layers.LeakyReLU(0.2)(x)
        return layers.Flatten()(x)

    image = keras.Input((height, breadth, packing * channels), name="image")
    return generator, given.discriminator(image, features, wrap, on_grid=True)


def _block(x, size, wrap, last="zeros"):
    """x + two convolutions of it, with `size` channels."""
    shortcut = x
    if x.shape[-1] != size:
        shortcut = wrap(layers.Conv2D(size, 1, use_bias=False))(x)
    x = layers.LeakyReLU(0.2)(x)
    x = wrap(
        layers.Conv2D(size, 3, padding="same", kernel_initializer="he_normal")
    )(x)
    x = layers.LeakyReLU(0.2)(x)
    x = wrap(layers.Conv2D(size, 3, padding="same", kernel_initializer=last))(x)
    return layers.Add()([shortcut, x])
