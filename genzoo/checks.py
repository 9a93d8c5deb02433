"""Checks of arguments, said once: for constructors, methods and presets.

A check is a function `(value, where) -> value`. It returns the value in the
form that is kept, or raises a ValueError that names `where`, the place it
stands in ("Gaussian: variance"), what came and what was expected. What is
made from a file is bounded: no check accepts what would need more memory
than a machine has before anything was verified.
"""

import math
import numbers
import os
import sys
from collections.abc import Callable, Iterable
from typing import Any, NoReturn, Protocol, runtime_checkable

import numpy as np

Check = Callable[[Any, str], Any]
# The names of the arguments that a preset may hold, and their checks.
Arguments = dict[str, Check]

# Sites of a space, units of a layer.
MOST_SITES = 2**20
# The largest number that is finite.
MOST = sys.float_info.max
# Numbers of a list.
MOST_VALUES = 2**20


def refuse(value: Any, where: str, expected: str, hint: str = "") -> NoReturn:
    """Raise the ValueError of a value that is not what was expected."""
    shown = repr(value)
    shown = shown if len(shown) <= 60 else f"{shown[:57]}..."
    hint = hint and f" {hint}"
    raise ValueError(f"{where} must be {expected}; received {shown}.{hint}")


def arguments(owner: Any, **given: Any) -> list[Any]:
    """The arguments of a constructor, in the form that is kept.

    Args:
        owner: an object whose class has checks by name, `arguments`.
        **given: its arguments.

    Returns:
        The values in the order in which they were given.

    Raises:
        ValueError: for the first that its check refuses.
    """
    name = type(owner).__name__
    return [
        owner.arguments[key](value, f"{name}: {key}")
        for key, value in given.items()
    ]


# What Keras makes of every layer has a meaning for these of its keywords.
_LAYER_KEYWORDS = ("name", "dtype", "trainable")


def columns(found: Any) -> str:
    """Numbers of columns in words: the first ten of them."""
    shown = ", ".join(map(str, found[:10]))
    return shown + ", ..." * (len(found) > 10)


def layer_keywords(owner: str, given: dict[str, Any]) -> None:
    """Refuse keywords of `keras.layers.Layer` that would be ignored.

    Raises:
        ValueError: naming the first.
    """
    for name in given:
        if name not in _LAYER_KEYWORDS:
            hint = ""
            if "regularizer" in name:
                hint = (
                    " An RBM takes a kernel_regularizer and a bias_regularizer."
                )
            raise ValueError(
                f"{owner}: {name} means nothing here; of Keras's keywords it "
                f"takes {', '.join(_LAYER_KEYWORDS)}.{hint}"
            )


def is_int(value: Any) -> bool:
    """Whether a value is an int, also NumPy's, and no bool."""
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)


def is_number(value: Any) -> bool:
    """Whether a value is a real number, also NumPy's, and no bool."""
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def is_finite(value: Any) -> bool:
    """Whether a value is a real number that float64 holds."""
    return is_number(value) and abs(value) <= sys.float_info.max


def whole(low: int, high: int = 2**63 - 1) -> Check:
    """An int from low to high, by default the largest of 64 bits."""
    words = "a positive int" if low == 1 else f"an int of at least {low}"

    def check(value: Any, where: str) -> int:
        if not is_int(value) or value < low:
            refuse(value, where, words)
        if value > high:
            refuse(value, where, f"an int from {low} to {high}")
        return int(value)

    return check


positive_int = whole(1)


def hidden_layer(count: int) -> Check:
    """Which of so many layers, not the first, from 1 on or from the end."""
    between = whole(1 - count, count - 1)

    def check(value: Any, where: str) -> int:
        layer = between(value, where)
        if layer == 0:
            raise ValueError(
                f"{where} must be a hidden one, from 1 to {count - 1}, or from "
                "the end, -1 being the last; received 0."
            )
        return layer % count

    return check


def number(
    low: float, high: float, words: str | None = None, open_ends: bool = False
) -> Check:
    """A finite number from low to high.

    Args:
        low: the least.
        high: the greatest.
        words: what is expected, if not the range.
        open_ends: whether the ends themselves are refused.
    """
    words = words or f"a number from {low:g} to {high:g}"

    def check(value: Any, where: str) -> float:
        good = is_finite(value) and low <= value <= high
        if not good or (open_ends and value in (low, high)):
            refuse(value, where, words)
        return float(value)

    return check


finite_number = number(-math.inf, math.inf, "a finite number")
positive_number = number(0.0, math.inf, "a positive number", open_ends=True)
penalty = number(0.0, math.inf, "a number of at least 0")


def flag(value: Any, where: str) -> bool:
    """A bool."""
    if not isinstance(value, (bool, np.bool_)):
        refuse(value, where, "true or false")
    return bool(value)


def one_of(*names: str) -> Check:
    """One of some strings."""

    def check(value: Any, where: str) -> str:
        if not isinstance(value, str) or value not in names:
            refuse(value, where, f"one of {names}")
        return value

    return check


def function(value: Any, where: str) -> Callable:
    """What can be called."""
    if not callable(value):
        refuse(value, where, "a function")
    return value


def path(value: Any, where: str) -> str:
    """The name of a file or folder, as a string."""
    if not isinstance(value, (str, os.PathLike)) or not os.fspath(value):
        refuse(value, where, "a path, such as 'folder/name'")
    return os.fspath(value)


def of_keras(kind: Any, value: Any, where: str) -> Any:
    """An object of a namespace of Keras, such as `keras.optimizers`.

    Args:
        kind: the namespace.
        value: an object, its name or configuration; None gives None.
        where: the argument, for messages.
    """
    try:
        found = kind.get(value)
    except (AttributeError, TypeError, ValueError):
        found = None
    if found is None and value is not None:
        called = "Call it: make an object of the class."
        hint = called if isinstance(value, type) else ""
        name = kind.__name__.split(".")[-1]
        refuse(value, where, f"one of keras.{name}, or its name", hint)
    return found


def optional(check_given: Check) -> Check:
    """None, or what another check accepts."""

    def check(value: Any, where: str) -> Any:
        return None if value is None else check_given(value, where)

    return check


def either(*checks: Check) -> Check:
    """What one of some checks accepts."""

    def check(value: Any, where: str) -> Any:
        errors = []
        for attempt in checks:
            try:
                return attempt(value, where)
            except ValueError as error:
                errors.append(str(error))
        raise ValueError(" Or: ".join(errors))

    return check


def list_of(check_item: Check, least: int = 1, most: int = 1000) -> Check:
    """A list or tuple of values that another check accepts, as a list."""

    def check(value: Any, where: str) -> list:
        if not isinstance(value, (list, tuple)) or not (
            least <= len(value) <= most
        ):
            refuse(value, where, f"a list of {least} to {most} values")
        return [
            check_item(item, f"{where}[{i}]") for i, item in enumerate(value)
        ]

    return check


def _is_value(value: Any) -> bool:
    # Binary sites may be given by bools.
    return isinstance(value, (bool, np.bool_)) or is_finite(value)


# A seed as a model keeps it.
seed_pair = list_of(whole(-(2**63), 2**63 - 1), 2, 2)


def number_list(words: str, increasing: bool = False, hint: str = "") -> Check:
    """Two or more different finite numbers, as a list of floats.

    Args:
        words: what is expected.
        increasing: whether they must be in order.
        hint: what to do with others.
    """

    def check(value: Any, where: str) -> list[float]:
        # Tensors too, whose items are no numbers.
        found = np.asarray(value) if hasattr(value, "__array__") else value
        if isinstance(found, np.ndarray) and found.dtype.kind in "biuf":
            # As many as a million are checked together.
            found = found.ravel().tolist() if found.ndim == 1 else []
        items = list(found) if isinstance(found, Iterable) else []
        if (
            not 2 <= len(items) <= MOST_VALUES
            or not all(_is_value(item) for item in items)
            or len(set(items)) < len(items)
            or (increasing and items != sorted(items))
        ):
            refuse(value, where, words, hint)
        return [float(item) for item in items]

    return check


def array(value: Any, where: str, most: float = MOST) -> np.ndarray:
    """Finite numbers, as a float64 array; with most=inf also infinite ones."""
    try:
        found = np.asarray(value, np.float64)
    except (OverflowError, TypeError, ValueError):
        refuse(value, where, "an array of numbers")
    if not (np.abs(found) <= most).all():
        finite = "finite numbers" if most == MOST else "numbers, none NaN"
        refuse(value, where, f"an array of {finite}")
    return found


def shape(most: int = MOST_SITES, dimensions: int = 8) -> Check:
    """A positive int, or a list of them, of at most `most` sites: a tuple."""
    words = (
        f"a positive int or a tuple of at most {dimensions} of them, of at "
        f"most {most:,} sites in all"
    )

    def check(value: Any, where: str) -> tuple:
        sizes = value if isinstance(value, (list, tuple)) else (value,)
        if (
            not 1 <= len(sizes) <= dimensions
            or not all(is_int(size) and size > 0 for size in sizes)
            or math.prod(sizes) > most
        ):
            refuse(value, where, words)
        return tuple(int(size) for size in sizes)

    return check


event_shape = shape()


def size_or_shape(value: Any, where: str) -> int | tuple[int, ...]:
    """A number of sites, or the shape in which they are: as it came."""
    sizes = event_shape(value, where)
    return sizes if isinstance(value, (list, tuple)) else sizes[0]


@runtime_checkable
class Configuration(Protocol):
    """The configuration of an object, where a preset holds one."""

    def checked(self, kinds: tuple, where: str) -> Any:
        """Itself, if it is of one of some kinds and all of it is known.

        Raises:
            ValueError: otherwise.
        """


def part(*kinds: Any) -> Check:
    """An object of some classes, or in a preset the configuration of one.

    Functions among them stand for what they make.
    """

    def check(value: Any, where: str) -> Any:
        if isinstance(value, Configuration):
            return value.checked(kinds, where)
        classes = tuple(kind for kind in kinds if isinstance(kind, type))
        if not isinstance(value, classes):
            names = " or ".join(kind.__name__ for kind in kinds)
            refuse(value, where, f"a {names}")
        return value

    return check
