"""Networks from an example to its energy: smooth, and small at the start."""

import itertools

import keras
from keras import layers

from genzoo import checks
from genzoo.layers import RandomFourier, SiteEncoding
from genzoo.networks.recipe import recorded
from genzoo.spaces import Space

_SIZE = checks.whole(1, 2**16)
_WAVES = 64
_COMMON = {
    "space": checks.part(Space),
    "width": _SIZE,
    "seed": checks.optional(checks.whole(0, 2**31 - 1)),
}


@recorded(
    {"waves": 64},
    **_COMMON,
    depth=checks.whole(1, 64),
    waves=checks.optional(checks.whole(0, 2**12)),
)
def energy_mlp(
    space: Space,
    width: int = 128,
    depth: int = 3,
    waves: int | None = None,
    seed: int | None = None,
) -> keras.Model:
    """A perceptron of `depth` hidden layers with one output, for any space.

    Swish units, which are smooth, so that score matching has its second
    derivatives. Categories are seen as indicators, angles by their cos and
    sin, real numbers also by the waves of `genzoo.layers.RandomFourier`, by
    which narrow peaks are learned soon. The last kernel is zero at the start.

    Args:
        space: of the examples, one of `genzoo.spaces`.
        width: units of a hidden layer.
        depth: hidden layers.
        waves: how many; 0 where the density is smooth, since by short waves
            a network then learns the noise of the examples. None has 64, of
            a length that an `EnergyModel` chooses by its first examples: 6.7
            times as long if these show nothing that is finer than .15
            standard deviations.
        seed: of the first weights; None takes Keras's.

    Returns:
        A Keras model from (batch, *event_shape) to (batch, 1).

    Raises:
        ValueError: for an argument out of range.

    Example:
    >>> space = genzoo.spaces.Real(2)
    >>> network = genzoo.networks.energy_mlp(space, width=64)
    >>> model = genzoo.EnergyModel(space, network)
    """
    inputs = keras.Input(space.event_shape, name="example")
    # Levels and waves are not rounded, whatever the policy.
    x = SiteEncoding(space, dtype="float32")(inputs)
    count = _WAVES if waves is None else waves
    if count and len(space.real_sites):
        x = RandomFourier(count, seed=seed, dtype="float32")(x)
    begin = _initializers(seed)
    for _ in range(depth):
        x = layers.Dense(width, "swish", kernel_initializer=next(begin))(x)
    return keras.Model(inputs, _energy(x), name="energy_mlp")


@recorded(**_COMMON, filters=_SIZE, depth=checks.whole(1, 16))
def energy_cnn(
    space: Space,
    filters: int = 32,
    depth: int = 2,
    width: int = 128,
    seed: int | None = None,
) -> keras.Model:
    """Convolutions with strides of two, then a hidden layer, for images.

    Each of the `depth` convolutions, of 3 x 3 places and swish units, halves
    the image and doubles the filters. The last kernel is zero at the start.

    Args:
        space: of the images, (height, width) or (height, width, channels).
        filters: of the first convolution.
        depth: convolutions.
        width: units of the hidden layer.
        seed: of the first weights; None takes Keras's.

    Returns:
        A Keras model from (batch, *event_shape) to (batch, 1).

    Raises:
        ValueError: for an argument out of range, or a space of other shapes.

    Example:
    >>> space = genzoo.spaces.Binary((8, 8))
    >>> network = genzoo.networks.energy_cnn(space)
    >>> model = genzoo.EnergyModel(space, network)
    """
    shape = space.event_shape
    if len(shape) not in (2, 3):
        raise ValueError(
            "energy_cnn: space must hold images, (height, width) or (height, "
            f"width, channels); received shape {shape}. Use energy_mlp."
        )
    inputs = keras.Input(shape, name="example")
    x = layers.Reshape((*shape[:2], -1))(inputs)
    begin = _initializers(seed)
    for number in range(depth):
        x = layers.Conv2D(
            filters * 2**number,
            3,
            2,
            padding="same",
            activation="swish",
            kernel_initializer=next(begin),
        )(x)
    x = layers.Flatten()(x)
    x = layers.Dense(width, "swish", kernel_initializer=next(begin))(x)
    return keras.Model(inputs, _energy(x), name="energy_cnn")


def _initializers(seed):
    """One for each kernel: swish halves what is near zero."""
    for number in itertools.count(1):
        own = None if seed is None else seed + number
        yield keras.initializers.HeNormal(seed=own)


def _energy(x):
    # In float32, whatever the policy: differences of energies count.
    last = layers.Dense(1, kernel_initializer="zeros", dtype="float32")
    return last(x)
