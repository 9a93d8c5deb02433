"""The small classifier of digits by which generated digits are judged."""

from typing import Any, Self

import keras
import numpy as np
from keras import layers

from genzoo.models.common.presets import Preset, numbered
from genzoo.spaces import Interval
from genzoo.types import Array, ArrayLike


@keras.saving.register_keras_serializable("genzoo")
class DigitFeatures(Preset, keras.Model):
    """64 features of 28x28 digits, from a convolutional classifier.

    Images of shape (n, 28, 28, 1) in [-1, 1] become the rectified units
    before the classifier's last layer; `classify` gives the logits of the ten
    digits. Measures of generated digits, such as a Frechet distance or shares
    of classes, can be taken of these.

    Example:
    >>> features = genzoo.from_preset("digit_features")
    >>> images = np.zeros((2, 28, 28, 1))
    >>> features.predict(images, verbose=0).shape
    (2, 64)
    >>> features.classify(images).shape
    (2, 10)
    """

    def __init__(self, **kwargs):
        image = keras.Input((28, 28, 1))
        x = image
        for width in (32, 64):
            x = layers.Conv2D(width, 3, padding="same", activation="relu")(x)
            x = layers.Conv2D(width, 3, strides=2, activation="relu")(x)
        x = layers.Dense(64, activation="relu")(layers.Flatten()(x))
        super().__init__(image, x, **kwargs)
        self.last = layers.Dense(10, name="logits")
        self.last.build((None, 64))

    def classify(self, images: ArrayLike, batch_size: int = 500) -> Array:
        """Logits of the digits 0 to 9, an array (n, 10).

        Raises:
            ValueError: for images of another shape or range.
        """
        images = Interval(-1.0, 1.0, shape=(28, 28, 1)).check(
            "DigitFeatures.classify", np.asarray(images)
        )
        features = self.predict(images, batch_size=batch_size, verbose=0)
        return keras.ops.convert_to_numpy(self.last(features))

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments: its name."""
        return {"name": self.name}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """A model from `get_config`."""
        return cls(**config)

    def preset_config(self) -> dict[str, Any]:
        """Nothing: there is only one."""
        return {}

    def preset_weights(self) -> dict[str, Any]:
        """Its weights in their order."""
        return numbered("layer", self)
