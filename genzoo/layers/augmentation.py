"""Augmentation of what the discriminator sees, data and generated alike."""

from typing import Any, ClassVar

import keras
import tensorflow as tf

from genzoo import checks
from genzoo.runtime import distribute, random
from genzoo.types import SeedLike

_SHARE = checks.number(0, 1)


@keras.saving.register_keras_serializable("genzoo")
class Augmentation(keras.layers.Layer):
    """Random, differentiable changes of images, real and generated alike.

    A discriminator that sees few data learns them by heart; changed at
    random it cannot, and the generator does not learn the changes as long as
    they can be undone on average (probability below one, or mild changes).
    Each is applied to an image with the present probability:

    - translation by up to `translation` of the side, zeros beyond the rim
      (or `fill`), by padding and gathering;
    - cutout of a square of `cutout` of the side;
    - colour: brightness by +-`colour`, contrast and saturation by factors
      between 1 - `colour` and 1 + `colour`.

    Args:
        translation: share of the side, 0 to 1; 0 switches it off.
        cutout: share of the side, 0 to 1; 0 switches it off.
        colour: 0 to 1; 0 switches it off.
        probability: of each change, 0 to 1; where it starts if adaptive.
        target: None keeps the probability. A number, such as 0.6, adapts it
            so that the mean sign of D(x) over data, which grows as D learns
            the data by heart, stays there.
        speed: images, in thousands, in which an adaptive probability goes
            from 0 to 1.
        fill: the value beyond the rim and in the cut-out square.

    Raises:
        ValueError: for numbers outside of these ranges.

    Reference:
        Zhao et al., "Differentiable augmentation for data-efficient GAN
        training", 2020; Karras et al., "Training generative adversarial
        networks with limited data", 2020 (the adaptive probability).

    Example:
    >>> images = x_train.reshape(-1, 8, 8, 1).astype("float32")
    >>> augmentation = genzoo.layers.Augmentation(colour=0.0, target=0.6)
    >>> tuple(augmentation(images[:5], seed=0).shape)
    (5, 8, 8, 1)
    >>> networks = genzoo.networks.dcgan(8, (8, 8, 1), width=4)
    >>> gan = genzoo.GAN(*networks, augmentation=augmentation)
    """

    arguments: ClassVar[checks.Arguments] = {
        "translation": _SHARE,
        "cutout": _SHARE,
        "colour": _SHARE,
        "probability": _SHARE,
        "target": checks.optional(
            checks.number(-1, 1, "a mean sign, between -1 and 1", True)
        ),
        "speed": checks.positive_number,
        "fill": checks.finite_number,
    }

    def __init__(
        self,
        translation: float = 0.125,
        cutout: float = 0.5,
        colour: float = 0.5,
        probability: float = 1.0,
        target: float | None = None,
        speed: float = 100.0,
        fill: float = 0.0,
        **kwargs,
    ):
        checks.layer_keywords(type(self).__name__, kwargs)
        super().__init__(**{"trainable": False, **kwargs})
        self.translation, self.cutout, self.colour = checks.arguments(
            self, translation=translation, cutout=cutout, colour=colour
        )
        self.probability, self.target = checks.arguments(
            self, probability=probability, target=target
        )
        self.speed, self.fill = checks.arguments(self, speed=speed, fill=fill)
        start = keras.initializers.Constant(self.probability)
        self.present = distribute.mirrored_weight(
            self, "probability", (), start
        )
        self.built = True

    def call(self, images: tf.Tensor, seed: SeedLike) -> tf.Tensor:
        """Changed images.

        Args:
            images: float32, (batch, height, width, channels).
            seed: int or pair of ints.
        """
        return self.augment(images, random.as_seed(seed))

    def augment(self, images: tf.Tensor, seed: random.Seed) -> tf.Tensor:
        """Changed images, float32 whatever the policy.

        Args:
            images: float32, (batch, height, width, channels).
            seed: a `runtime.random.Seed` at the batch's first row.
        """
        seeds = random.split(seed, 3)
        for change, size, child in zip(
            (self._coloured, self._translated, self._cut),
            (self.colour, self.translation, self.cutout),
            seeds,
            strict=True,
        ):
            if size:
                # A number for the choice, then those of the change.
                numbers = random.uniform((tf.shape(images)[0], 4), child)
                chosen = numbers[:, 0] < self.present
                numbers = numbers[:, 1:]
                images = tf.where(
                    chosen[:, None, None, None],
                    change(images, numbers),
                    images,
                )
        return images

    def _coloured(self, images, numbers):
        shifts = self.colour * (2 * numbers - 1)[:, :, None, None, None]
        images += shifts[:, 0]
        mean = tf.reduce_mean(images, axis=(1, 2, 3), keepdims=True)
        images = mean + (1 + shifts[:, 1]) * (images - mean)
        grey = tf.reduce_mean(images, axis=3, keepdims=True)
        return grey + (1 + shifts[:, 2]) * (images - grey)

    def _translated(self, images, numbers):
        # One axis after the other, by a gather of shifted places.
        for axis in (1, 2):
            side = images.shape[axis]
            most = round(self.translation * side)
            shift = tf.floor(numbers[:, axis - 1] * (2 * most + 1)) - most
            places = tf.range(side) + tf.cast(shift, tf.int32)[:, None]
            inside = (places >= 0) & (places < side)
            places = tf.clip_by_value(places, 0, side - 1)
            images = tf.gather(images, places, axis=axis, batch_dims=1)
            shape = [-1, 1, 1, 1]
            shape[axis] = side
            images = tf.where(tf.reshape(inside, shape), images, self.fill)
        return images

    def _cut(self, images, numbers):
        hidden = True
        for axis in (1, 2):
            side = images.shape[axis]
            length = round(self.cutout * side)
            # The square's middle is anywhere, so that it may reach beyond.
            first = tf.floor(numbers[:, axis - 1] * (side + 1)) - length // 2
            offset = tf.range(side, dtype=tf.float32) - first[:, None]
            shape = [-1, 1, 1, 1]
            shape[axis] = side
            within = (offset >= 0) & (offset < length)
            hidden = hidden & tf.reshape(within, shape)
        return tf.where(hidden, self.fill, images)

    def adapt_to(self, real_logits: tf.Tensor, rows: tf.Tensor | int) -> None:
        """Move an adaptive probability by what D says of this batch.

        Args:
            real_logits: this replica's logits of data.
            rows: the number of rows on all replicas.
        """
        if self.target is None:
            return
        rows = tf.cast(rows, tf.float32)
        signs = distribute.all_sum(tf.reduce_sum(tf.sign(real_logits)))
        mean = signs / tf.maximum(rows, 1.0)
        step = tf.sign(mean - self.target) * rows / (1e3 * self.speed)
        moved = tf.clip_by_value(self.present + step, 0.0, 1.0)
        self.present.assign(moved)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "translation": self.translation,
            "cutout": self.cutout,
            "colour": self.colour,
            "probability": self.probability,
            "target": self.target,
            "speed": self.speed,
            "fill": self.fill,
        }
