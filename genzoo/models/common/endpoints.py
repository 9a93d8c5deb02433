"""What the endpoints of all exported models have in common."""

import inspect
from collections.abc import Callable
from typing import Any

import tensorflow as tf

# The arguments that have the same name in all models.
COUNT = tf.TensorSpec((), tf.int32, "n")
SEED = tf.TensorSpec((2,), tf.int64, "seed")
STEPS = tf.TensorSpec((), tf.int32, "steps")

# From names to (function, input signature).
Endpoints = dict[str, tuple[Callable, list[tf.TensorSpec]]]


def named(function: Callable, arguments: list[tf.TensorSpec]) -> Callable:
    """A function of `*tensors`, with arguments of the names of these.

    An exported function is called by name too, and what stands at a place
    may be called differently in two models.
    """
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    signature = inspect.Signature(
        [inspect.Parameter(spec.name, kind) for spec in arguments]
    )

    def call(*args, **kwargs):
        return function(*signature.bind(*args, **kwargs).args)

    wrapped: Any = call
    wrapped.__signature__ = signature
    return wrapped
