"""Checks of arguments, said once: for constructors, methods and presets.

A check is a function `(value, where) -> value`. It returns the value in the
form that is kept, or raises a ValueError that names `where`, the place it
stands in ("Gaussian: variance"), what came and what was expected. What is
made from a file is bounded: no check accepts what would need more memory
than a machine has before anything was verified.
"""

import math
import numbers
from collections.abc import Callable
from typing import Any

Check = Callable[[Any, str], Any]

# Sites of a space, units of a layer, values of a list.
MOST_SITES = 2**20


def refuse(value: Any, where: str, expected: str):
    """Raise the ValueError of a value that is not what was expected."""
    shown = repr(value)
    shown = shown if len(shown) <= 60 else f"{shown[:57]}..."
    raise ValueError(f"{where} must be {expected}; received {shown}.")


def is_int(value: Any) -> bool:
    """Whether a value is an int, also NumPy's, and no bool."""
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)


def is_number(value: Any) -> bool:
    """Whether a value is a real number, also NumPy's, and no bool."""
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def whole(low: int, high: float = math.inf) -> Check:
    """An int from low to high."""
    words = "a positive int" if low == 1 else f"an int of at least {low}"

    def check(value: Any, where: str) -> int:
        if not is_int(value) or value < low:
            refuse(value, where, words)
        if value > high:
            refuse(value, where, f"an int from {low} to {high}")
        return int(value)

    return check


positive_int = whole(1)


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
        good = is_number(value) and math.isfinite(value)
        if good and open_ends:
            good = low < value < high
        if not good or not low <= value <= high:
            refuse(value, where, words)
        return value

    return check


positive_number = number(0.0, math.inf, "a positive number", open_ends=True)
penalty = number(0.0, math.inf, "a number of at least 0")


def flag(value: Any, where: str) -> bool:
    """A bool."""
    if not isinstance(value, bool):
        refuse(value, where, "true or false")
    return value


def one_of(*names: str) -> Check:
    """One of some strings."""

    def check(value: Any, where: str) -> str:
        if not isinstance(value, str) or value not in names:
            refuse(value, where, f"one of {names}")
        return value

    return check


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
