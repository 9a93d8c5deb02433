"""Any function, layer or model as a feature."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from genzoo import checks
from genzoo.features.feature import Feature
from genzoo.spaces import Space

# Nodes that integrals may have.
_MOST_NODES = 2**16


@keras.saving.register_keras_serializable("genzoo.features")
class Function(Feature):
    """What a callable makes of x: (batch, *event_shape) to (batch, n).

    To be saved, a function must be known to Keras by name: decorate it with
    `@keras.saving.register_keras_serializable()`. A Keras layer or model is
    saved with its weights; it is not trained.

    Args:
        function: of examples; a result of shape (batch,) is one feature.
        name: of the features; by default the function's own.
        breaks: numbers at which a function of continuous sites has a jump or
            a kink, such as 0 for |x|: integrals are taken piece by piece.
        nodes: how many nodes integrals over a continuous site have, for a
            function that oscillates or is narrow; None takes 512, fewer for
            several sites. They are shared out among the pieces.

    Raises:
        ValueError: if it is not callable, or gives another shape.

    Example:
    >>> def ink(x):
    ...     return tf.reduce_sum(x, axis=1)
    >>> features = genzoo.features.Function(ink)
    >>> row = genzoo.MaxEnt(genzoo.spaces.Binary(8), features)
    >>> row.compile()
    >>> history = row.fit(x_train[:, 24:32], verbose=0)
    >>> row.features.names
    ['ink']
    """

    def __init__(
        self,
        function: Callable | dict | str,
        name: str | None = None,
        breaks: Sequence[float] = (),
        nodes: int | None = None,
    ):
        if isinstance(function, (dict, str)):
            function = keras.saving.deserialize_keras_object(function)
        if not callable(function):
            raise ValueError(
                "Function: expected a function of x or a Keras layer; "
                f"received {function!r}."
            )
        check = checks.list_of(checks.finite_number, 0)
        self._breaks = tuple(check(list(breaks), "Function: breaks"))
        check_nodes = checks.optional(checks.whole(8, _MOST_NODES))
        self._nodes = check_nodes(nodes, "Function: nodes")
        self.function = function
        is_layer = isinstance(function, keras.layers.Layer)
        self.layer = function if is_layer else None
        own = getattr(function, "__name__", None)
        own = getattr(function, "name", None) or own or "f"
        if not isinstance(name, (str, type(None))):
            checks.refuse(name, "Function: name", "a string or None")
        self.name = name or ("f" if own == "<lambda>" else own)

    @property
    def breaks(self) -> tuple[float, ...]:
        """Those given."""
        return self._breaks

    @property
    def nodes(self) -> int | None:
        """Those given."""
        return self._nodes

    def count(self, space: Space) -> int:
        """The length of what the function gives."""
        one = ops.zeros((3, *space.event_shape), self._dtype("float64"))
        shape = tuple(np.shape(self._called(one)))
        if len(shape) not in (1, 2) or shape[0] != 3:
            raise ValueError(
                f"features: {self.name} must turn examples of shape "
                f"(batch, {', '.join(map(str, space.event_shape))}) into "
                f"(batch, n); for a batch of 3 it gave {shape}."
            )
        return 1 if len(shape) == 1 else shape[1]

    def _called(self, x):
        """The function of x, its error told as one of the feature."""
        try:
            return self.function(x)
        except TypeError as error:
            raise ValueError(
                f"features: {self.name} must be a function of one argument, "
                f"examples of shape {tuple(x.shape)} as a tensor; it raised "
                f"TypeError: {error}"
            ) from error

    def names(self, space: Space) -> list[str]:
        """The name, numbered if there is more than one feature."""
        count = self.count(space)
        if count == 1:
            return [self.name]
        return [f"{self.name}_{i}" for i in range(count)]

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        """Values, (batch, n)."""
        value = self.function(ops.cast(x, self._dtype(x.dtype)))
        return value[:, None] if len(value.shape) == 1 else value

    def _dtype(self, dtype):
        return dtype if self.layer is None else self.layer.compute_dtype

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments.

        Raises:
            ValueError: for a function that Keras does not know by name.
        """
        return {
            "function": serialize(self.function, f"The feature {self.name!r}"),
            "name": self.name,
            "breaks": list(self._breaks),
            "nodes": self._nodes,
        }


def serialize(function: Callable, what: str) -> Any:
    """The configuration of a function that Keras knows by name, or a layer.

    Args:
        function: the function.
        what: what it is, for the error.

    Raises:
        ValueError: for a function that Keras does not know.
    """
    if not isinstance(function, keras.layers.Layer):
        known = keras.saving.get_registered_name(function)
        if known == getattr(function, "__name__", None):
            raise ValueError(
                f"{what} is a plain function, which cannot be saved. Decorate "
                "it with @keras.saving.register_keras_serializable()."
            )
    return keras.saving.serialize_keras_object(function)
