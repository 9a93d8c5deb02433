"""Further terms of the losses of both players, as users write them."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from genzoo.runtime import distribute


class Turn(NamedTuple):
    """What a further term of a loss may look at.

    Attributes:
        real: a batch of data, float32, (batch, *event_shape).
        generated: as many generated examples, of the same conditions.
        condition: what both are told, labels or arrays, or None; a tuple in
            the order of the generator's inputs, if they are several.
        logits: function of examples to D's logits, (batch,).
        features: function of examples to what D's last layer sees of them,
            (batch, width).
    """

    real: tf.Tensor
    generated: tf.Tensor
    condition: tf.Tensor | tuple[tf.Tensor, ...] | None
    logits: Callable[[tf.Tensor], tf.Tensor]
    features: Callable[[tf.Tensor], tf.Tensor]


Term = Callable[[Turn], tf.Tensor]


class Terms(NamedTuple):
    """Functions of a `Turn` to costs.

    Attributes:
        functions: each gives a number, or one for each example.
    """

    functions: tuple[Term, ...] = ()

    def cost(self, turn: Turn) -> tf.Tensor:
        """This replica's share of their sum.

        Raises:
            ValueError: for a cost of another shape.
        """
        total = tf.zeros(())
        for function in self.functions:
            found = tf.cast(function(turn), tf.float32)
            if len(found.shape) == 1:
                rows = tf.shape(found)[0]
                _, of_all = distribute.global_rows(rows)
                most = tf.cast(tf.maximum(of_all, 1), tf.float32)
                total += tf.reduce_sum(found) / most
            elif len(found.shape) == 0:
                total += found / distribute.replica_count()
            else:
                raise ValueError(
                    f"GAN.compile: the loss {function.__name__} gives shape "
                    f"{tuple(found.shape)}; it must give one number for each "
                    "example, (batch,), or one for all. Take a mean over the "
                    "other axes."
                )
        return total

    @classmethod
    def read(cls, where: str, given: Any) -> "Terms":
        """Terms from a list of functions, or of their configurations.

        Raises:
            ValueError: for what is no function, or a lambda, which no file
                can hold.
        """
        if given is None:
            return cls()
        if not isinstance(given, Sequence) or isinstance(given, str):
            given = [given]
        found = []
        for one in given:
            if isinstance(one, dict):
                one = keras.saving.deserialize_keras_object(one)
            if not callable(one) or isinstance(one, type):
                raise ValueError(
                    f"{where} must be a list of functions of a turn to costs; "
                    f"received {one!r}."
                )
            if getattr(one, "__name__", "") == "<lambda>":
                raise ValueError(
                    f"{where}: a lambda cannot be saved with the model. "
                    "Define a function, with "
                    "@keras.saving.register_keras_serializable() before it."
                )
            found.append(one)
        return cls(tuple(found))


def features_of(discriminator: keras.Model) -> keras.Model | None:
    """A model of what the last layer of D sees; None if that is unknown."""
    names = [layer.name for layer in getattr(discriminator, "layers", [])]
    last: Any = discriminator.outputs[0]._keras_history.operation
    if "logit" in names:
        last = discriminator.get_layer("logit")
    seen = getattr(last, "input", None)
    if isinstance(last, keras.Model) or not hasattr(seen, "shape"):
        return None
    return keras.Model(discriminator.inputs, keras.layers.Flatten()(seen))
