"""Numbers, dates and durations of a column as numbers, and back."""

import datetime
import math
import numbers
from typing import Any

import numpy as np

from genzoo.runtime.data import is_na
from genzoo.types import Array

# What a column of numbers holds: of dates and durations, nanoseconds; "day" is
# of dates without a time.
KINDS = ("real", "whole", "date", "day", "duration")
_TIMES = {"date": "datetime64[ns]", "day": "datetime64[ns]"}
_TIMES["duration"] = "timedelta64[ns]"
_DAY = 86_400_000_000_000
# Integers that floats hold, and seconds that nanoseconds in 64 bits reach.
_MOST_WHOLE, _MOST_SECONDS = 2**53, 2**63 // 10**9


def is_numeric(column: Array) -> bool:
    """Whether a column is one of numbers or times, and not of truth values."""
    if column.dtype.kind in "iufMmc":
        return True
    known = [v for v in column.flat if not is_na(v)]
    return bool(known) and all(
        isinstance(v, (int, float, np.number)) and not isinstance(v, bool)
        for v in known
    )


def measure(kind: str) -> str:
    """What is counted: numbers, dates or durations."""
    if kind not in _TIMES:
        return "numbers"
    return "durations" if kind == "duration" else "dates"


def with_dates(column: Array) -> Array:
    """A column of objects; dates or durations of Python as NumPy's."""
    known = [v for v in column.flat if not is_na(v)]
    if known and all(isinstance(v, datetime.date) for v in known):
        return np.array([_date(v) for v in column], "datetime64[us]")
    if known and all(isinstance(v, datetime.timedelta) for v in known):
        return np.array([_duration(v) for v in column], "timedelta64[us]")
    return column


def _date(value):
    if is_na(value):
        return np.datetime64("NaT")
    if getattr(value, "tzinfo", None) is not None:
        value = value.astimezone(datetime.UTC).replace(tzinfo=None)
    return np.datetime64(value)


def _duration(value):
    return np.timedelta64("NaT") if is_na(value) else np.timedelta64(value)


def as_numbers(column: Array, where: str) -> tuple[Array, Array, str]:
    """(float64 numbers, which are known, their kind).

    Raises:
        ValueError: for what floats or nanoseconds do not hold.
    """
    if column.dtype.kind in "Mm":
        return _of_times(column, where)
    if column.dtype.kind == "c":
        raise ValueError(
            f"{where} holds complex numbers. Make two columns, .real and .imag."
        )
    are_whole = column.dtype.kind in "iu"
    if column.dtype.kind not in "iuf":
        known = [v for v in column if not is_na(v)]
        are_whole = all(isinstance(v, (int, np.integer)) for v in known)
        try:
            column = np.array(
                [np.nan if is_na(v) else v for v in column], float
            )
        except (TypeError, ValueError, OverflowError):
            raise ValueError(
                f"{where} must hold numbers; received {known[0]!r}, a "
                f"{type(known[0]).__name__}."
            ) from None
    x = column.astype("float64")
    known = ~np.isnan(x)
    size = np.abs(x[known]).max(initial=0.0)
    if are_whole and size >= _MOST_WHOLE:
        raise ValueError(
            f"{where} holds integers of up to {size:.3g}; beyond 2**53 floats "
            "do not tell them apart. Subtract the least, take floats, or leave "
            "it out, if they are names."
        )
    is_whole = size < _MOST_WHOLE and (x[known] == np.round(x[known])).all()
    return x, known, "whole" if is_whole else "real"


def _of_times(column, where):
    known = ~np.isnat(column)
    is_date = column.dtype.kind == "M"
    generic = "datetime64" if is_date else "timedelta64"
    unit = np.datetime_data(column.dtype)[0]
    if not is_date and unit in ("Y", "M", "generic"):
        raise ValueError(
            f"{where} holds durations in {column.dtype}, of no fixed length. "
            "Take days, or numbers."
        )
    # In floats, since a far date in years would overflow as seconds, too.
    seconds = column[known].astype(f"{generic}[s]").astype("int64")
    if unit in "YMWD":
        days = column[known].astype(f"{generic}[D]").astype("int64")
        seconds = days.astype("float64") * 86400
    if np.abs(seconds).max(initial=0) >= _MOST_SECONDS - 1:
        ends = " to ".join(map(str, (column[known].min(), column[known].max())))
        raise ValueError(
            f"{where} holds {ends}; nanoseconds in 64 bits reach from 1678 to "
            "2262, 292 years. Take what stands for no date as missing, or "
            "years as numbers."
        )
    whole = column.astype(f"{generic}[ns]").astype("int64")
    kind = "duration"
    if is_date:
        kind = "date" if (whole[known] % _DAY).any() else "day"
    return whole.astype("float64"), known, kind


def of_numbers(
    x: Array, kind: str, gaps: Array | None, has_gaps: bool
) -> Array:
    """Numbers of a kind as the data have them."""
    if kind in _TIMES:
        unit = _DAY if kind == "day" else 1
        found = np.round(x / unit).astype("int64") * unit
        found = found.astype(_TIMES[kind])
        if gaps is not None:
            found[gaps] = np.array("NaT", _TIMES[kind])
        return found
    if kind == "whole":
        x = np.round(x)
        # Files of before may hold larger ones.
        if not has_gaps and np.abs(x).max(initial=0.0) < 2.0**63:
            return x.astype("int64")
    return x if gaps is None else np.where(gaps, np.nan, x)


def as_number(value: Any, kind: str) -> float | None:
    """One number, date or duration as its number; None for something else."""
    if measure(kind) == "numbers":
        is_number = isinstance(value, (numbers.Real, np.number))
        is_number = is_number and not isinstance(value, np.timedelta64)
        if not is_number or math.isnan(value):
            return None
        return float(value)
    if isinstance(value, (datetime.date, datetime.timedelta)):
        value = with_dates(np.array([value, None], object))[0]
    is_date = measure(kind) == "dates"
    try:
        if isinstance(value, str) and is_date:
            value = np.datetime64(value)
        if not isinstance(value, np.datetime64 if is_date else np.timedelta64):
            return None
        x, known, _ = as_numbers(np.array([value]), "it")
    except ValueError:
        return None
    return float(x[0]) if known[0] else None


def is_rounded(number: float, kind: str) -> bool:
    """Whether numbers of this kind are rounded to such as this."""
    if kind not in ("whole", "day"):
        return False
    return number % (_DAY if kind == "day" else 1) == 0
