"""What the endpoints of all exported models have in common."""

import zlib
from collections.abc import Callable, Iterable

import keras
import tensorflow as tf

# The arguments that have the same name in all models.
COUNT = tf.TensorSpec((), tf.int32, "n")
SEED = tf.TensorSpec((2,), tf.int64, "seed")
STEPS = tf.TensorSpec((), tf.int32, "steps")

# From names to (function, input signature).
Endpoints = dict[str, tuple[Callable, list[tf.TensorSpec]]]


def fingerprint(variables: Iterable[keras.Variable]) -> int:
    """A number that changes with any of these variables."""
    found = 0
    for variable in variables:
        found = zlib.crc32(variable.numpy().tobytes(), found)
    return found
