"""How the two networks of a conditional pair learn of the conditions."""

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
    """What a pair of networks is told: classes, vectors, both or nothing.

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
            ValueError: for vectors alone that are to be classified.
        """
        if conditioning == "auxiliary" and condition and classes is None:
            raise ValueError(
                f"{owner}: conditioning='auxiliary' classifies; it needs "
                "classes, not condition alone."
            )
        return cls(classes, condition, conditioning)

    @property
    def is_given(self) -> bool:
        """Whether there is a condition."""
        return self.classes is not None or self.length is not None

    def _told(self, classified=False):
        """(inputs, what networks see of each), without what D classifies."""
        inputs: list[Any] = []
        seen: list[_Label | _Vector] = []
        if self.classes is not None and not classified:
            label = keras.Input((), dtype="int32", name="label")
            inputs.append(label)
            seen.append(_Label(label, self.classes))
        if self.length is not None:
            given = keras.Input((self.length,), name="condition")
            inputs.append(given)
            seen.append(_Vector(Standardization()(given)))
        return inputs, seen

    def joined(self, x: Any, size: int | None = None) -> tuple[Any, Any]:
        """(the inputs of a model, x beside the conditions): vectors."""
        if not self.is_given:
            return x, x
        inputs, seen = self._told()
        return [x, *inputs], _beside(x, seen, size)

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
        classifies = self.conditioning == "auxiliary" and self.is_given
        seen = see(x)
        inputs, told = self._told(classifies)
        if told and self.conditioning != "projection":
            join = _channels if on_grid else _beside
            seen = join(seen, told)
        found = features(seen)
        projected = []
        if self.conditioning == "projection":
            projected = [
                layers.Dot(axes=1, dtype="float32")(
                    [found, part.embedded(found.shape[-1])]
                )
                for part in told
            ]
        logit = wrap(layers.Dense(1, dtype="float32", name="logit"))(found)
        if projected:
            logit = layers.Add(dtype="float32")([logit, *projected])
        outputs = logit
        if classifies:
            classes = layers.Dense(self.classes, dtype="float32", name="class")
            outputs = [logit, classes(found)]
        inputs = [x, *inputs] if inputs else x
        return keras.Model(inputs, outputs, name="discriminator")


class _Label:
    """What networks see of a label."""

    def __init__(self, label, classes):
        self.label, self.classes = label, classes

    def embedded(self, size, initializer="uniform"):
        """A vector of this size."""
        return layers.Embedding(self.classes, size, initializer)(self.label)

    def vector(self, size=None):
        """As it stands beside other vectors."""
        one_hot = keras.initializers.Identity()
        return self.embedded(size or self.classes, one_hot)


class _Vector:
    """What networks see of a vector."""

    def __init__(self, seen):
        self.seen = seen

    def embedded(self, size, initializer="uniform"):
        """A vector of this size."""
        return layers.Dense(size, kernel_initializer=initializer)(self.seen)

    def vector(self, size=None):
        """As it stands beside other vectors."""
        return self.seen


def _beside(x, told, size=None):
    """A vector and the conditions, as one."""
    return layers.Concatenate()([x, *(part.vector(size) for part in told)])


def _channels(x, told):
    """A grid with one more channel for each condition, a picture of it."""
    sides = x.shape[1:-1]
    pictures = [
        layers.Reshape((*sides, 1))(part.embedded(math.prod(sides)))
        for part in told
    ]
    return layers.Concatenate()([x, *pictures])
