"""Layers without memory: built, counted, and only then given their weights."""

from typing import Any, Self

import keras
from keras.src.backend.common import global_state

# Keras's list of the variables that get their values when a scope closes.
_LIST = "uninitialized_variables"


class Unallocated:
    """A scope in which layers are built whose weights take no memory.

    The weights have shapes, so that they can be counted, and no values until
    `allocate`. Keras's list of variables without values is left as it was.

    Example:
    >>> with genzoo.zoo.counting.Unallocated() as scope:
    ...     pair = genzoo.networks.mlp(latent=2, output=2)
    ...     count = sum(network.count_params() for network in pair)
    >>> scope.allocate(pair)
    """

    def __enter__(self) -> Self:
        self._others = _exchange([])
        self._scope = keras.StatelessScope(initialize_variables=False)
        self._scope.__enter__()
        return self

    def __exit__(self, *error) -> None:
        self._scope.__exit__(*error)
        self._made = _exchange(self._others)

    def allocate(self, layers: Any) -> None:
        """Give weights their first values; all others are dropped.

        Args:
            layers: those that are wanted of the scope, in any nested
                structure, perhaps with what is no layer.
        """
        wanted = {
            id(weight)
            for layer in keras.tree.flatten(layers)
            for weight in getattr(layer, "weights", ())
        }
        made, self._made = self._made, []
        others = _exchange([v for v in made if id(v) in wanted])
        try:
            with keras.StatelessScope():
                pass
        finally:
            _exchange(others)


def _exchange(variables: list) -> list:
    """Put another list in the place of Keras's, which is returned."""
    found = global_state.get_global_attribute(_LIST, [])
    global_state.set_global_attribute(_LIST, variables)
    return found
