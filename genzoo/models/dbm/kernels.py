"""The kernels between neighbouring layers, as one between even and odd ones."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from genzoo.types import Array


class Kernels:
    """What reads several kernels as if they were one.

    Its rows are the units of the layers 0, 2, 4, ..., its columns those of 1,
    3, 5, ...; it is zero between layers that are not neighbours. Nothing is
    copied into a variable: optimizers, savers and gradients know only the
    kernels.

    Args:
        parts: W_l, variables of shape (width of layer l, that of layer l + 1).

    Attributes:
        shape: (the sum of the even widths, that of the odd ones).
        trainable: whether all of them are.

    Example:
    >>> parts = [keras.Variable(np.ones(shape)) for shape in ((2, 3), (3, 1))]
    >>> genzoo.models.dbm.kernels.Kernels(parts).value.shape
    TensorShape([3, 3])
    """

    def __init__(self, parts: list[keras.Variable]):
        self.parts = list(parts)
        self.widths = [part.shape[0] for part in parts] + [parts[-1].shape[1]]
        self.shape = sum(self.widths[::2]), sum(self.widths[1::2])
        self.dtype = parts[0].dtype
        self.name = self.path = "+".join(part.path for part in parts)

    @property
    def trainable(self) -> bool:
        """Whether all parts are trained."""
        return all(part.trainable for part in self.parts)

    @property
    def value(self) -> tf.Tensor:
        """All of them, a matrix."""
        return self.join([tf.convert_to_tensor(p.value) for p in self.parts])

    def numpy(self) -> Array:
        """All of them, a matrix."""
        return self.value.numpy()

    def __array__(self, dtype: Any = None, copy: Any = None) -> Array:
        return self.numpy().astype(dtype or self.dtype)

    def __tf_tensor__(self, dtype: Any = None, name: Any = None) -> tf.Tensor:
        return self.value if dtype is None else tf.cast(self.value, dtype)

    def join(self, parts: list[tf.Tensor]) -> tf.Tensor:
        """The matrix of what each kernel has, in their shapes."""
        layers = range(len(self.widths))

        def block(even, odd):
            lower = min(even, odd)
            if abs(even - odd) > 1:
                shape = self.widths[even], self.widths[odd]
                return tf.zeros(shape, parts[0].dtype)
            part = parts[lower]
            return part if lower == even else tf.transpose(part)

        rows = [
            tf.concat([block(even, odd) for odd in layers[1::2]], axis=1)
            for even in layers[::2]
        ]
        return tf.concat(rows, axis=0)

    def split(self, joint: tf.Tensor) -> list[tf.Tensor]:
        """What each kernel has of such a matrix, in their shapes."""
        ends = np.zeros(len(self.widths), int)
        for first in (0, 1):
            ends[first::2] = np.cumsum(self.widths[first::2])
        places = [
            slice(end - width, end)
            for end, width in zip(ends, self.widths, strict=True)
        ]
        found = []
        for lower in range(len(self.parts)):
            even = lower + lower % 2
            odd = 2 * lower + 1 - even
            block = joint[places[even], places[odd]]
            found.append(block if even == lower else tf.transpose(block))
        return found

    def masked(self, joint: tf.Tensor) -> tf.Tensor:
        """Such a matrix without what is between other layers."""
        return joint if len(self.parts) == 2 else self.join(self.split(joint))
