"""Functions as graphs, traced once."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf


def compiled(function: Callable, *signature: tf.TensorSpec) -> Callable:
    """The graph of a function for tensors of this signature.

    Unlike a `tf.function` it cannot be traced again, and so never warns that
    it was, however many models there are.
    """
    return tf.function(
        function, input_signature=signature, autograph=False
    ).get_concrete_function()


class Graph:
    """A function that becomes a graph when it is first called.

    An attribute of this kind costs nothing where it is not used, and Keras's
    savers, which read all attributes of a model, do not trace it.

    Args:
        function: of tensors.
        *signature: their `tf.TensorSpec`s.
    """

    def __init__(self, function: Callable, *signature: tf.TensorSpec):
        self._function = function
        self._signature = signature
        self._traced: Callable | None = None

    def __call__(self, *tensors: Any) -> Any:
        """What the function gives."""
        if self._traced is None:
            self._traced = compiled(self._function, *self._signature)
        return self._traced(*tensors)
