"""Discrete sites that count: whole numbers from 0 up."""

from typing import Any, ClassVar

import keras
import numpy as np
import tensorflow as tf

from genzoo import checks
from genzoo.runtime import random
from genzoo.spaces.space import Space


@keras.saving.register_keras_serializable("genzoo.spaces")
class Counts(Space):
    """Sites that hold whole numbers from 0 to `most`, or without end.

    Args:
        most: the greatest number; None if there is none.
        shape: number of sites, or the shape of one example.

    Raises:
        ValueError: if `most` is neither a positive int nor None.

    Example:
    >>> space = genzoo.spaces.Counts(None, shape=2)
    >>> space.description
    'whole numbers from 0 up'
    >>> bool(space.outside(np.array([[0, 7]])))
    False
    >>> bool(space.outside(np.array([[0.5, -1]])))
    True
    """

    hint = "Counts are whole numbers: round, shift or drop what is not."

    arguments: ClassVar[checks.Arguments] = {
        "most": checks.optional(checks.whole(1, checks.MOST_VALUES - 1)),
        "shape": checks.event_shape,
    }

    def __init__(self, most: int | None, shape: int | tuple[int, ...] = 1):
        self.most, shape = checks.arguments(self, most=most, shape=shape)
        levels = None if self.most is None else np.arange(self.most + 1.0)
        width = int(np.prod(shape))
        high = np.inf if self.most is None else self.most
        super().__init__(shape, [levels] * width, 0.0, high)
        self.whole = np.full(self.width, self.most is None)

    @property
    def description(self) -> str:
        """In words."""
        end = "up" if self.most is None else f"to {self.most}"
        return f"whole numbers from 0 {end}"

    def start(self, n: int, seed: random.Seed) -> tf.Tensor:
        """n states drawn without any model: up to `most`, or 0 and 1."""
        if self.most is not None:
            return super().start(n, seed)
        uniform = random.uniform((n, self.width), seed)
        return tf.cast(uniform < 0.5, tf.float32)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {"most": self.most, "shape": list(self.event_shape)}
