"""What networks of images share: sizes, and the last layers."""

from collections.abc import Callable
from typing import Any

from keras import layers

from genzoo import checks


def image_shape(value: Any, where: str) -> tuple[int, int, int]:
    """A check: the shape (side, side, channels) of a square image."""
    shape = value if isinstance(value, (list, tuple)) else ()
    if (
        len(shape) != 3
        or not all(map(checks.is_int, shape))
        or shape[0] != shape[1]
        or not 8 <= shape[0] <= 128
        or shape[2] not in (1, 3)
    ):
        words = "(side, side, channels), side 8 to 128, 1 or 3 channels"
        hint = "Pad or resize other images."
        checks.refuse(value, where, words, hint)
    side, _, channels = map(int, shape)
    return side, side, channels


def grid(side: int) -> tuple[int, int]:
    """(start, doublings): the coarsest grid, 2 to 8 a side, and its levels.

    `start * 2**doublings` is the side, or a little more.
    """
    doublings = 2
    while side >= 8 * 2**doublings:
        doublings += 1
    return -(-side // 2**doublings), doublings


def to_image(x: Any, side: int, activation: str | Callable) -> Any:
    """An image of this side, in float32."""
    extra = x.shape[1] - side
    if extra:
        before = extra // 2
        x = layers.Cropping2D(((before, extra - before),) * 2)(x)
    return layers.Activation(activation, dtype="float32")(x)
