"""How the two networks of a conditional pair learn of the condition."""

import math
from collections.abc import Callable
from typing import Any, Self

import keras
from keras import layers

from genzoo import checks
from genzoo.layers import Standardization

LENGTH = checks.whole(1, 2**14)
_ACTIVATIONS = (
    "elu",
    "exponential",
    "gelu",
    "hard_sigmoid",
    "linear",
    "relu",
    "selu",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "softsign",
    "tanh",
)


def _activation(value: Any, where: str) -> Any:
    """The name of an activation, or a function, which no file can hold."""
    if callable(value):
        return value
    return checks.one_of(*_ACTIVATIONS)(value, where)


# What all conditional pairs take.
COMMON: checks.Arguments = {
    "latent": LENGTH,
    "width": LENGTH,
    "classes": checks.optional(checks.whole(2, 10_000)),
    "condition": checks.optional(LENGTH),
    "conditioning": checks.one_of("concatenation", "projection", "auxiliary"),
    "packing": checks.whole(1, 64),
    "activation": _activation,
    "spectral_normalization": checks.flag,
}


class Condition:
    """The condition of a pair of networks, if there is one.

    Args:
        classes: number of classes, for integer conditions; or None.
        length: length of vector conditions; or None.
        conditioning: "concatenation", "projection" or "auxiliary".
    """

    def __init__(
        self, classes: int | None, length: int | None, conditioning: str
    ):
        self.classes = classes
        self.length = length
        self.conditioning = conditioning

    @classmethod
    def make(
        cls,
        owner: str,
        classes: int | None,
        condition: int | None,
        conditioning: str,
    ) -> Self:
        """A condition from a network's arguments.

        Raises:
            ValueError: for both kinds of condition at once, or vectors that
                are to be classified.
        """
        if classes is not None and condition is not None:
            raise ValueError(
                f"{owner}: classes={classes!r} is for integer conditions and "
                f"condition={condition!r} for vectors; give one of them."
            )
        if conditioning == "auxiliary" and condition is not None:
            raise ValueError(
                f"{owner}: conditioning='auxiliary' classifies; it needs "
                "classes, not condition."
            )
        return cls(classes, condition, conditioning)

    @property
    def is_given(self) -> bool:
        """Whether there is a condition."""
        return self.classes is not None or self.length is not None

    def _input(self):
        """(the input, what networks see of it)."""
        if self.classes is not None:
            label = keras.Input((), dtype="int32", name="label")
            return label, label
        given = keras.Input((self.length,), name="condition")
        return given, Standardization()(given)

    def _embedded(self, label, size, initializer="uniform"):
        """The condition as a vector of this size."""
        if self.classes is not None:
            table = layers.Embedding(self.classes, size, initializer)
            return table(label)
        return layers.Dense(size, kernel_initializer=initializer)(label)

    def joined(self, x: Any, size: int | None = None) -> tuple[Any, Any]:
        """(the inputs of a model, x beside the condition): vectors."""
        if not self.is_given:
            return x, x
        given, label = self._input()
        return [x, given], self._concatenated(x, label, size)

    def _concatenated(self, x, label, size=None):
        if self.classes is not None:
            one_hot = keras.initializers.Identity()
            label = self._embedded(label, size or self.classes, one_hot)
        return layers.Concatenate()([x, label])

    def discriminator(
        self,
        x: Any,
        features: Callable[[Any], Any],
        wrap: Callable[[Any], Any],
        on_grid: bool = False,
        see: Callable[[Any], Any] = lambda x: x,
    ) -> keras.Model:
        """A discriminator of x, of this conditioning.

        Args:
            x: a `keras.Input`, examples.
            features: function of a tensor to a vector for each example.
            wrap: function applied to each layer with a kernel.
            on_grid: whether x has sides and channels, beside which a
                condition stands as a further channel.
            see: function of x to what is seen of it beside the condition.
        """
        seen = see(x)
        if not self.is_given:
            return self._finish(x, features(seen), wrap)
        if self.conditioning == "auxiliary":
            found = features(seen)
            logit = self._logit(found, wrap)
            classes = layers.Dense(self.classes, dtype="float32", name="class")
            return keras.Model(x, [logit, classes(found)], name="discriminator")
        given, label = self._input()
        if self.conditioning == "concatenation":
            join = self._channels if on_grid else self._concatenated
            return self._finish([x, given], features(join(seen, label)), wrap)
        found = features(seen)
        projected = layers.Dot(axes=1, dtype="float32")(
            [found, self._embedded(label, found.shape[-1])]
        )
        logit = layers.Add(dtype="float32")(
            [self._logit(found, wrap), projected]
        )
        return keras.Model([x, given], logit, name="discriminator")

    def _channels(self, x, label):
        """A grid with one more channel, a picture of the condition."""
        sides = x.shape[1:-1]
        picture = self._embedded(label, math.prod(sides))
        picture = layers.Reshape((*sides, 1))(picture)
        return layers.Concatenate()([x, picture])

    def _logit(self, found, wrap):
        return wrap(layers.Dense(1, dtype="float32", name="logit"))(found)

    def _finish(self, inputs, found, wrap):
        return keras.Model(
            inputs, self._logit(found, wrap), name="discriminator"
        )
