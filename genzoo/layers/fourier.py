"""Random waves: features by which networks see what is fine."""

from typing import Any, ClassVar

import keras
import numpy as np
from keras import ops

from genzoo import checks


@keras.saving.register_keras_serializable("genzoo")
class RandomFourier(keras.layers.Layer):
    """x, cos(W x) and sin(W x), with fixed random wave vectors W.

    A perceptron learns what varies slowly long before what varies fast. Of
    waves it learns both. The wave vectors are normal, of mean square length
    `scale^2` whatever the width of x; they are weights that do not learn.

    Args:
        waves: how many.
        scale: of the wave vectors, one over units of x.
        seed: of the wave vectors; None takes Keras's.

    Raises:
        ValueError: for an argument out of range.

    Reference:
        Rahimi and Recht, "Random features for large-scale kernel machines",
        NIPS 2007. Tancik et al., "Fourier features let networks learn high
        frequency functions in low dimensional domains", NeurIPS 2020.

    Example:
    >>> layer = genzoo.layers.RandomFourier(16)
    >>> layer(np.zeros((3, 2))).shape
    TensorShape([3, 34])
    """

    arguments: ClassVar[checks.Arguments] = {
        "waves": checks.positive_int,
        "scale": checks.positive_number,
        "seed": checks.optional(checks.whole(0, 2**31 - 1)),
    }

    def __init__(
        self,
        waves: int = 64,
        scale: float = 2.8,
        seed: int | None = None,
        **kwargs,
    ):
        self.waves, self.scale, self.seed = checks.arguments(
            self, waves=waves, scale=scale, seed=seed
        )
        super().__init__(**kwargs)

    def build(self, input_shape: tuple) -> None:
        """Draw the wave vectors."""
        width = input_shape[-1]
        deviation = self.scale / np.sqrt(width)
        self.vectors = self.add_weight(
            name="vectors",
            shape=(width, self.waves),
            initializer=keras.initializers.RandomNormal(
                stddev=deviation, seed=self.seed
            ),
            trainable=False,
        )

    def call(self, x: Any) -> Any:
        """(batch, width + 2 waves) of (batch, width)."""
        angle = ops.matmul(x, self.vectors)
        return ops.concatenate([x, ops.cos(angle), ops.sin(angle)], axis=-1)

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        """(batch, width + 2 waves)."""
        return (*input_shape[:-1], input_shape[-1] + 2 * self.waves)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        own = {name: getattr(self, name) for name in self.arguments}
        return {**super().get_config(), **own}
