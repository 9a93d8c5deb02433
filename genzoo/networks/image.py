"""What networks of images share: sizes, and the last layers."""

from keras import layers


def check_image(owner, image_shape):
    """(side, channels) of a square image.

    Raises:
        ValueError: unless the shape is (side, side, channels) with a side
            from 8 to 128 and 1 or 3 channels.
    """
    shape = tuple(image_shape)
    if (
        len(shape) != 3
        or shape[0] != shape[1]
        or not 8 <= shape[0] <= 128
        or shape[2] not in (1, 3)
    ):
        raise ValueError(
            f"{owner}: image_shape must be (side, side, channels), side 8 to "
            f"128, 1 or 3 channels; received {image_shape!r}. Pad or resize "
            "other images."
        )
    return shape[0], shape[2]


def grid(side):
    """(start, doublings): the coarsest grid, 2 to 8 a side, and its levels.

    `start * 2**doublings` is the side, or a little more.
    """
    doublings = 2
    while side >= 8 * 2**doublings:
        doublings += 1
    return -(-side // 2**doublings), doublings


def to_image(x, side, activation):
    """An image of this side, in float32."""
    extra = x.shape[1] - side
    if extra:
        before = extra // 2
        x = layers.Cropping2D(((before, extra - before),) * 2)(x)
    return layers.Activation(activation, dtype="float32")(x)
