"""Whether weights are still what they were when they were made."""

import zlib
from collections.abc import Iterable

import keras
import numpy as np

_MARK = "_genzoo_as_made"
_OWNED = "_genzoo_owned"


def fingerprint(variables: Iterable[keras.Variable]) -> int:
    """A number that changes with any of these variables."""
    found = 0
    for variable in variables:
        found = zlib.crc32(variable.numpy().tobytes(), found)
    return found


def mark(variable: keras.Variable) -> keras.Variable:
    """Remember a variable as it is: nobody has given it this value."""
    # Those that are counted before they are made have no value.
    if getattr(variable, "_value", None) is not None:
        known: frozenset[int] = getattr(variable, _MARK, frozenset())
        setattr(variable, _MARK, known | {fingerprint([variable])})
    return variable


def touch(variable: keras.Variable) -> None:
    """Say that its value was given, even if it is the one that it had."""
    setattr(variable, _MARK, frozenset())


def is_touched(variable: keras.Variable) -> bool:
    """Whether it was assigned, loaded or trained to a value of its own."""
    return fingerprint([variable]) not in getattr(variable, _MARK, frozenset())


def claim(owner: str, **parts: keras.layers.Layer) -> None:
    """Have parts belong to one model; no other takes them then.

    Args:
        owner: who takes them, for messages.
        **parts: layers with weights, by the name of the argument.

    Raises:
        ValueError: if one belongs to a model already; none is taken then.
    """
    for name, part in parts.items():
        if getattr(part, _OWNED, False):
            kind = type(part).__name__
            raise ValueError(
                f"{owner}: the {name} layer, {part.name!r}, belongs to "
                "another model; training one would change the weights of "
                f"both. Make another, for example {kind}.from_config("
                f"{name}.get_config())."
            )
    for part in parts.values():
        setattr(part, _OWNED, True)


def not_finite(variables: Iterable[keras.Variable]) -> list[str]:
    """The names of those that hold NaN or infinite numbers."""
    return [
        variable.path
        for variable in variables
        if variable.dtype not in ("bool", "int32", "int64")
        and not np.isfinite(variable.numpy()).all()
    ]
