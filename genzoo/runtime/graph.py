"""Functions as graphs, traced once."""

import functools
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


def after_its_data(step: Callable) -> Callable:
    """A step of a batch, of which nothing runs before the batch is there.

    At the end of a dataset whose length is not known the iterator fails, and
    what does not need its batch, such as counters, would run all the same.

    Args:
        step: function of one structure of tensors.
    """

    @functools.wraps(step)
    def after(data):
        parts = [part for part in tf.nest.flatten(data) if tf.is_tensor(part)]
        with tf.control_dependencies(parts):
            return step(data)

    return after


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

    def takes(self, *signature: tf.TensorSpec) -> bool:
        """Whether this is its signature."""
        return self._signature == signature

    def __call__(self, *tensors: Any) -> Any:
        """What the function gives."""
        if self._traced is None:
            self._traced = compiled(self._function, *self._signature)
        return self._traced(*tensors)
