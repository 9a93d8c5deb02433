"""The last layers of generators whose examples may have any units."""

from collections.abc import Callable
from typing import Any

from keras import layers

from genzoo.layers import Standardization

# Activations whose values have units.
_UNLIMITED = ("linear", "relu", "softplus")


def in_units(x: Any, activation: str | Callable) -> Any:
    """The activation of x, float32, in the units of data if it has no end.

    `genzoo.GAN` finds the units in the first data that it is fitted to.
    """
    x = layers.Activation(activation, dtype="float32")(x)
    if activation in _UNLIMITED:
        centred = activation == "linear"
        x = Standardization(inverse=True, centred=centred)(x)
    return x
