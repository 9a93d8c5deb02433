"""Several variables side by side, as one."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from genzoo.types import Array, ArrayLike


class Joined:
    """What reads and sets the variables of blocks as if they were one.

    Nothing is copied: the blocks keep their variables, and optimizers, savers
    and gradients know only these.

    Args:
        parts: variables of shape (width,) each, of one dtype.

    Attributes:
        shape: (the sum of widths,).
        trainable: whether all of them are.

    Example:
    >>> layer = genzoo.units.Mixed(
    ...     [genzoo.units.Bernoulli(2), genzoo.units.Spin(1)]
    ... )
    >>> layer.bias.assign([1.0, 2.0, 3.0])
    >>> layer.units[1].bias.numpy()
    array([3.], dtype=float32)
    """

    def __init__(self, parts: Sequence[keras.Variable]):
        self.parts = list(parts)
        self.shape = (sum(part.shape[0] for part in self.parts),)
        self.dtype = self.parts[0].dtype
        self.name = self.path = "+".join(part.path for part in self.parts)

    @property
    def trainable(self) -> bool:
        """Whether all parts are trained."""
        return all(part.trainable for part in self.parts)

    @property
    def value(self) -> tf.Tensor:
        """The parts in a row."""
        return ops.concatenate([part.value for part in self.parts], axis=0)

    def numpy(self) -> Array:
        """The parts in a row."""
        return np.concatenate([part.numpy() for part in self.parts])

    def assign(self, value: ArrayLike) -> None:
        """Give each part its share."""
        start = 0
        for part in self.parts:
            end = start + part.shape[0]
            part.assign(value[start:end])
            start = end

    def __array__(self, dtype: Any = None, copy: Any = None) -> Array:
        return self.numpy().astype(dtype or self.dtype)

    def __tf_tensor__(self, dtype: Any = None, name: Any = None) -> tf.Tensor:
        found = tf.convert_to_tensor(self.value)
        return found if dtype is None else tf.cast(found, dtype)
