"""The law of latents: normal, uniform, or what is made of normal ones."""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from genzoo import checks
from genzoo.features.function import serialize as serialize_function
from genzoo.runtime import random

NAMED = ("normal", "uniform")
_TRIED = 3


def normal_to(quantile: Callable[[tf.Tensor], tf.Tensor]) -> Callable:
    """A function from normal numbers to those of a quantile function."""

    def latents(z: tf.Tensor) -> tf.Tensor:
        return quantile(0.5 * tf.math.erfc(-z / tf.sqrt(2.0)))

    return latents


def checked(law: Any, shape: tuple[int, ...]) -> Any:
    """A law of latents of this shape; None is "normal".

    Args:
        law: a name, a function or a Keras layer from normal numbers, (n,
            *shape), to latents of the same shape, or a distribution of
            TensorFlow Probability whose events are single numbers.
        shape: of one z.

    Raises:
        ValueError: for something else.
    """
    where = "GAN: latent"
    if isinstance(law, dict):
        law = keras.saving.deserialize_keras_object(law)
    if law is None or isinstance(law, str) and law in NAMED:
        return law or NAMED[0]
    expected = (
        "'normal', 'uniform', a function from normal numbers (n, "
        f"{', '.join(map(str, shape))}) to as many latents, or a distribution "
        "of TensorFlow Probability with quantiles"
    )
    if isinstance(law, str) or not (callable(law) or hasattr(law, "quantile")):
        checks.refuse(law, where, expected)
    try:
        made = drawn(law, (_TRIED, *shape), random.as_seed(0))
        found = tuple(made.shape)
    except Exception as error:
        raise ValueError(
            f"{where} must be {expected}; of {law!r} there is an error: {error}"
        ) from error
    if found != (_TRIED, *shape):
        raise ValueError(
            f"{where} must be {expected}; of {_TRIED} rows {law!r} made "
            f"numbers of shape {found}. The shape of one z is that of the "
            "generator's input."
        )
    return law


def told(law: Any) -> str:
    """In a word, for who has to draw latents himself."""
    if isinstance(law, str):
        return law
    name = getattr(law, "__name__", None) or getattr(law, "name", str(law))
    return f"normal numbers, then {name}"


def serialize(law: Any) -> Any:
    """As plain data.

    Raises:
        ValueError: for a distribution, or a function that Keras does not know.
    """
    if isinstance(law, str):
        return law
    if hasattr(law, "quantile"):
        raise ValueError(
            f"GAN: latent is {law!r}, which cannot be saved. Give a function "
            "of normal numbers with @keras.saving."
            "register_keras_serializable()."
        )
    return serialize_function(law, "GAN: latent")


def drawn(law: Any, shape: tuple, seed: random.Seed) -> tf.Tensor:
    """Latents of a law without a name, float32, addressed by row."""
    return of_normal(law, random.normal(shape, seed))


def of_normal(law: Any, z: tf.Tensor) -> tf.Tensor:
    """Latents from normal numbers; those of a named law as they are."""
    if isinstance(law, str):
        return z
    made = normal_to(law.quantile) if hasattr(law, "quantile") else law
    return tf.cast(made(z), tf.float32)
