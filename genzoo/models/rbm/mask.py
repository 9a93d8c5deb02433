"""Kernels of which some weights are zero for good: local receptive fields."""

import base64
import binascii
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from keras import ops

from genzoo import checks
from genzoo.types import Array


def local_mask(
    shape: int | Sequence[int],
    field: int | Sequence[int],
    stride: int | Sequence[int] = 1,
    hidden: int = 1,
) -> Array:
    """The mask of hidden units that each see a patch of an image.

    As in a convolution without padding, but with weights of their own at
    each place: at most `1 + (side - field) // stride` places along a side.

    Args:
        shape: (rows, columns) of the visible units, or any other shape.
        field: sides of a patch, a number or one for each side.
        stride: from one patch to the next, likewise.
        hidden: hidden units at each place.

    Returns:
        An array of 0 and 1, (visible units, places * hidden), with the
        places in the order of the image and the units of a place together.

    Raises:
        ValueError: if a patch is larger than the image.

    Example:
    >>> mask = genzoo.models.rbm.local_mask((28, 28), field=7, stride=3)
    >>> mask.shape, int(mask[:, 0].sum())
    ((784, 64), 49)
    """
    sides = checks.event_shape(shape, "local_mask: shape")
    hidden = checks.positive_int(hidden, "local_mask: hidden")
    patch, step = (
        checks.event_shape(
            value if isinstance(value, (list, tuple)) else [value] * len(sides),
            f"local_mask: {name}",
        )
        for name, value in (("field", field), ("stride", stride))
    )
    if len(patch) != len(sides) or len(step) != len(sides):
        raise ValueError(
            "local_mask: field and stride must be ints, or have as many as "
            f"shape {sides}; received {field!r} and {stride!r}."
        )
    if any(size > side for size, side in zip(patch, sides, strict=True)):
        raise ValueError(
            f"local_mask: field must fit into shape {sides}; received "
            f"{field!r}."
        )
    mask = np.ones((1, 1), bool)
    for side, size, by in zip(sides, patch, step, strict=True):
        starts = np.arange(0, side - size + 1, by)
        away = np.arange(side)[:, None] - starts
        mask = np.kron(mask, (away >= 0) & (away < size))
    return np.repeat(mask, hidden, axis=1).astype(np.float32)


def as_mask(value: Any, where: str) -> Array:
    """A check: an array of 0 and 1, or the text of one; as booleans."""
    if isinstance(value, str):
        return _read(value, where)
    mask = checks.array(value, where)
    if mask.ndim != 2 or not mask.size or not np.isin(mask, (0, 1)).all():
        checks.refuse(
            mask.shape if mask.ndim != 2 else value,
            where,
            "an array (visible.width, hidden.width) of 0 and 1, or None",
        )
    return mask == 1


def as_text(mask: Array | None) -> str | None:
    """A mask in short, for configurations: "rows x columns: base64"."""
    if mask is None:
        return None
    bits = base64.b64encode(np.packbits(mask).tobytes()).decode("ascii")
    return f"{mask.shape[0]}x{mask.shape[1]}:{bits}"


def _read(text, where):
    words = "rows x columns: base64 of as many bits"
    size, _, bits = text.partition(":")
    numbers = size.split("x")
    if len(numbers) != 2 or not all(n.isdecimal() for n in numbers):
        checks.refuse(text, where, words)
    shape = tuple(int(n[:9]) for n in numbers)
    try:
        found = base64.b64decode(bits, validate=True)
    except (binascii.Error, ValueError):
        checks.refuse(text, where, words)
    count = math.prod(shape)
    if count == 0 or len(found) != -(-count // 8):
        checks.refuse(text, where, words)
    flat = np.unpackbits(np.frombuffer(found, np.uint8), count=count)
    return flat.reshape(shape).astype(bool)


class Held:
    """A Keras constraint of a kernel: one of the user's, then the mask.

    Args:
        constraint: the user's, or None.
        mask: booleans in the kernel's shape, or None.
    """

    def __init__(self, constraint: Callable | None, mask: Array | None):
        self.constraint = constraint
        self.mask = mask

    def __call__(self, kernel: Any) -> tf.Tensor:
        """The kernel as it is held."""
        kernel = ops.convert_to_tensor(kernel)
        if self.constraint is not None:
            kernel = self.constraint(kernel)
        return self.masked(kernel)

    def masked(self, kernel: tf.Tensor) -> tf.Tensor:
        """Zeros where the mask has them."""
        if self.mask is None:
            return kernel
        return ops.where(self.mask, kernel, ops.zeros_like(kernel))
