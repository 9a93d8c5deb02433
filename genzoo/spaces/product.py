"""Spaces side by side: spins and reals in one example."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from genzoo.spaces.space import Space, get

# Spaces that a message shows.
_MOST_SHOWN = 4


@keras.saving.register_keras_serializable("genzoo.spaces")
class Product(Space):
    """The states of several spaces in a row, in one example.

    Args:
        spaces: list of spaces.

    Raises:
        ValueError: if the list is empty or holds something else.

    Example:
    >>> spin, real = genzoo.spaces.Spin(2), genzoo.spaces.Real(1)
    >>> space = genzoo.spaces.Product([spin, real])
    >>> space.event_shape, space.description
    ((3,), '2 x -1 and +1, then 1 x finite numbers')
    """

    def __init__(self, spaces: Sequence[Space]):
        if not isinstance(spaces, (list, tuple)):
            raise ValueError(
                f"Product: spaces must be a list of them; received {spaces!r}."
            )
        self.spaces = [get(space) for space in spaces]
        if not self.spaces:
            raise ValueError("Product: spaces is empty; pass two or more.")
        super().__init__(
            sum(space.width for space in self.spaces),
            [levels for space in self.spaces for levels in space.levels],
            np.concatenate([space.low for space in self.spaces]),
            np.concatenate([space.high for space in self.spaces]),
        )

    @property
    def description(self) -> str:
        """In words."""
        return ", then ".join(
            f"{space.width} x {space.description}" for space in self.spaces
        )

    def __repr__(self) -> str:
        shown = [repr(space) for space in self.spaces[:_MOST_SHOWN]]
        more = len(self.spaces) - _MOST_SHOWN
        shown += [f"and {more} more"] if more > 0 else []
        return f"Product([{', '.join(shown)}])"

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        serialize = keras.saving.serialize_keras_object
        return {"spaces": [serialize(space) for space in self.spaces]}
