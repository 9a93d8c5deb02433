"""Checks of the arguments in config.json: type and range, before any use.

Each function returns a check, a function of a value and of its place in the
file (for messages) that raises a ValueError or returns the value.
"""

import math


def _refuse(value, where, expected):
    shown = repr(value)
    shown = shown if len(shown) <= 60 else f"{shown[:57]}..."
    raise ValueError(f"{where} must be {expected}; found {shown}.")


def whole(low, high):
    """An int from low to high."""

    def check(value, where):
        is_int = isinstance(value, int) and not isinstance(value, bool)
        if not is_int or not low <= value <= high:
            _refuse(value, where, f"an int from {low} to {high}")
        return value

    return check


def number(low, high):
    """A finite number from low to high."""

    def check(value, where):
        is_number = isinstance(value, (int, float))
        if (
            not is_number
            or isinstance(value, bool)
            or not low <= value <= high
            or not math.isfinite(value)
        ):
            _refuse(value, where, f"a number from {low:g} to {high:g}")
        return value

    return check


def flag(value, where):
    """A bool."""
    if not isinstance(value, bool):
        _refuse(value, where, "true or false")
    return value


def one_of(*names):
    """One of some strings."""

    def check(value, where):
        if not isinstance(value, str) or value not in names:
            _refuse(value, where, f"one of {names}")
        return value

    return check


def optional(check_given):
    """None, or what another check accepts."""

    def check(value, where):
        return None if value is None else check_given(value, where)

    return check


def either(*checks):
    """What one of some checks accepts."""

    def check(value, where):
        errors = []
        for attempt in checks:
            try:
                return attempt(value, where)
            except ValueError as error:
                errors.append(str(error))
        raise ValueError(" Or: ".join(errors))

    return check


def list_of(check_item, least=1, most=1000):
    """A list of values that another check accepts."""

    def check(value, where):
        if not isinstance(value, list) or not least <= len(value) <= most:
            _refuse(value, where, f"a list of {least} to {most} values")
        return [
            check_item(item, f"{where}[{i}]") for i, item in enumerate(value)
        ]

    return check


def shape(most, dimensions=8):
    """A list of positive ints with a product of at most `most`."""
    sizes = list_of(whole(1, most), 1, dimensions)

    def check(value, where):
        value = sizes(value, where)
        if math.prod(value) > most:
            _refuse(value, where, f"a shape of at most {most:,} sites")
        return value

    return check
