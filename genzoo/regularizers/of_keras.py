"""Constraints and regularizers of Keras that presets hold, as plain data."""

from typing import Any

import keras

from genzoo import checks


class KerasPart:
    """A class of Keras with checks of all of its arguments.

    Args:
        room: "constraints" or "regularizers", where Keras has it.
        name: of the class.
        **arguments: checks of its arguments by name.

    Example:
    >>> from genzoo.regularizers.of_keras import CONSTRAINTS
    >>> [part.__name__ for part in CONSTRAINTS][0]
    'keras.constraints.NonNeg'
    """

    def __init__(self, room: str, name: str, **arguments: checks.Check):
        self.cls = getattr(getattr(keras, room), name)
        self.__name__ = f"keras.{room}.{name}"
        self.arguments = arguments

    def __call__(self, **arguments: Any) -> Any:
        """One of the class."""
        return self.cls(**arguments)


_axis = checks.either(checks.whole(-8, 8), checks.list_of(checks.whole(-8, 8)))
_size = checks.number(0, 1e9)

CONSTRAINTS = [
    KerasPart("constraints", "NonNeg"),
    KerasPart("constraints", "UnitNorm", axis=_axis),
    KerasPart("constraints", "MaxNorm", max_value=_size, axis=_axis),
    KerasPart(
        "constraints",
        "MinMaxNorm",
        min_value=_size,
        max_value=_size,
        rate=checks.number(0, 1),
        axis=_axis,
    ),
]
REGULARIZERS = [
    KerasPart("regularizers", "L1", l1=_size),
    KerasPart("regularizers", "L2", l2=_size),
    KerasPart("regularizers", "L1L2", l1=_size, l2=_size),
]


def check_in_preset(
    where: str, name: str, given: Any, parts: list[KerasPart]
) -> None:
    """Raise a ValueError unless it is None or of a class that presets hold."""
    known = {part.cls: part.cls.__name__ for part in parts}
    if given is not None and type(given) not in known:
        raise ValueError(
            f"{where}: {name} must be one of Keras's "
            f"{', '.join(known.values())}, or None; received {given!r}. Save "
            "the model as .keras instead."
        )
