"""What networks of images share: sizes, and the last layers."""

from collections.abc import Callable
from typing import Any

from keras import layers

from genzoo import checks


def image_shape(value: Any, where: str) -> tuple[int, int, int]:
    """A check: the shape (height, width, channels) of an image."""
    shape = value if isinstance(value, (list, tuple)) else ()
    if (
        len(shape) != 3
        or not all(map(checks.is_int, shape))
        or not all(3 <= side <= 256 for side in shape[:2])
        or not 1 <= shape[2] <= 16
    ):
        words = (
            "(height, width, channels), sides 3 to 256, 1 to 16 channels, "
            "channels last"
        )
        hint = "Pad or resize other images."
        checks.refuse(value, where, words, hint)
    height, width, channels = map(int, shape)
    return height, width, channels


def grid(height: int, width: int) -> tuple[tuple[int, int], int]:
    """(start, doublings): the coarsest grid, and how often it doubles.

    `start * 2**doublings` is each side, or a little more; the smaller one
    starts with less than 8.
    """
    doublings = 2
    while min(height, width) >= 8 * 2**doublings:
        doublings += 1
    first, second = (-(-side // 2**doublings) for side in (height, width))
    return (first, second), doublings


def to_image(
    x: Any, height: int, width: int, activation: str | Callable
) -> Any:
    """An image of this size, in float32."""
    extras = x.shape[1] - height, x.shape[2] - width
    if any(extras):
        cut = [(extra // 2, extra - extra // 2) for extra in extras]
        x = layers.Cropping2D(cut)(x)
    return layers.Activation(activation, dtype="float32")(x)
