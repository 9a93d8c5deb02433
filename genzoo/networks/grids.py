"""What networks of grids share: of signals, images and volumes."""

from typing import Any

import keras
from keras import layers

from genzoo import checks

# By the number of axes.
CONVOLUTION: dict[int, Any] = {
    1: layers.Conv1D,
    2: layers.Conv2D,
    3: layers.Conv3D,
}
_TRANSPOSED: dict[int, Any] = {
    1: layers.Conv1DTranspose,
    2: layers.Conv2DTranspose,
    3: layers.Conv3DTranspose,
}
_CROPPING: dict[int, Any] = {
    1: layers.Cropping1D,
    2: layers.Cropping2D,
    3: layers.Cropping3D,
}


def shape_of(
    words: str, axes: int, sides: tuple[int, int], channels: int, hint: str
) -> checks.Check:
    """A check: the shape of one example, channels last.

    Args:
        words: what is expected.
        axes: how many, without that of the channels.
        sides: the shortest and the longest.
        channels: the most.
        hint: what to do with others.
    """
    low, high = sides

    def check(value: Any, where: str) -> tuple[int, ...]:
        shape = value if isinstance(value, (list, tuple)) else ()
        if (
            len(shape) != axes + 1
            or not all(map(checks.is_int, shape))
            or not all(low <= side <= high for side in shape[:-1])
            or not 1 <= shape[-1] <= channels
        ):
            checks.refuse(value, where, words, hint)
        return tuple(map(int, shape))

    return check


image_shape = shape_of(
    "(height, width, channels), sides 3 to 256, 1 to 16 channels, channels "
    "last",
    axes=2,
    sides=(3, 256),
    channels=16,
    hint="Pad or resize other images.",
)


def grid(*sides: int) -> tuple[tuple[int, ...], int]:
    """(start, doublings): the coarsest grid, and how often it doubles.

    `start * 2**doublings` is each side, or a little more; the smallest one
    starts with less than 8.
    """
    doublings = 2
    while min(sides) >= 8 * 2**doublings:
        doublings += 1
    return tuple(-(-side // 2**doublings) for side in sides), doublings


def transposed(
    axes: int, size: int, kernel: int, gain: float
) -> keras.layers.Layer:
    """A convolution up, twice as fine, of `gain` times the input's variance.

    At stride 2 a half of the kernel, along each axis, meets each output, and
    what Keras calls the fan-out of a transposed convolution is its fan-in.
    """
    initializer = keras.initializers.VarianceScaling(
        2**axes * gain, "fan_out", "normal"
    )
    return _TRANSPOSED[axes](
        size,
        kernel,
        strides=2,
        padding="same",
        kernel_initializer=initializer,
    )


def interpolated(x: Any, size: int, kernel: int) -> Any:
    """A signal twice as fine, by means of neighbours, and convolved.

    A transposed convolution of stride 2 has other weights for even and for
    odd places, and smooth signals show it.
    """
    x = layers.UpSampling1D(2)(x)
    x = layers.AveragePooling1D(2, strides=1, padding="same")(x)
    return convolved(x, size, kernel, gain=2.0)


def convolved(x: Any, size: int, kernel: int, gain: float) -> Any:
    """A signal convolved, of `gain` times the variance."""
    initializer = keras.initializers.VarianceScaling(gain, "fan_in", "normal")
    return layers.Conv1D(
        size, kernel, padding="same", kernel_initializer=initializer
    )(x)


def cropped(x: Any, sides: tuple[int, ...]) -> Any:
    """The middle of a grid, of these sides."""
    extras = [got - side for got, side in zip(x.shape[1:], sides, strict=False)]
    if not any(extras):
        return x
    cut = [(extra // 2, extra - extra // 2) for extra in extras]
    return _CROPPING[len(sides)](cut if len(cut) > 1 else cut[0])(x)
