"""Numbers by name: averages in a dict or a Series, features in a frame."""

import decimal
import difflib
import numbers
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from genzoo.types import Array


def is_named(values: Any) -> bool:
    """Whether values have names: a dict, or a Series or frame of pandas."""
    return hasattr(values, "keys")


def label(value: Any) -> str:
    """A level as it stands in names: 1 for 1.0, True, red."""
    number = isinstance(value, (int, float, np.number))
    if number and not isinstance(value, bool):
        return f"{value:.12g}"
    return str(value)


def named_items(values: Any) -> Iterator[tuple[str, Any]]:
    """(name, value) of all that is in a dict.

    Of b in a dict a the name is `a=b`; of (c, d) in a dict (a, b), or of row
    c and column d of its frame, `a=c b=d`. A pair (a, b) by itself is `a=b`.
    """
    for key in values.keys():
        value = values[key]
        keys = tuple(key) if isinstance(key, tuple) else (key,)
        if hasattr(value, "columns") and hasattr(value, "index"):
            for row in value.index:
                for column in value.columns:
                    yield _cell(keys, (row, column)), value[column][row]
        elif is_named(value):
            for inner in value.keys():
                levels = inner if isinstance(inner, tuple) else (inner,)
                yield _cell(keys, levels), value[inner]
        elif len(keys) > 1 and np.ndim(value) == 0:
            yield "=".join(map(label, keys)), value
        else:
            yield " ".join(map(label, keys)), value


def _cell(sites, levels):
    if len(sites) != len(levels):
        raise ValueError(
            f"a cell of {sites!r} must have {len(sites)} values; received "
            f"{levels!r}."
        )
    pairs = zip(sites, levels, strict=True)
    return " ".join(f"{label(site)}={label(level)}" for site, level in pairs)


def _spread(where, given, names):
    """The same with an array of all cells of a margin as its numbers."""
    found = {}
    for name, value in given.items():
        if np.ndim(value) == 0:
            found[name] = value
            continue
        own = [n for n in names if _margin(n) == name]
        if len(own) != np.size(value):
            raise ValueError(
                f"{where}: {name!r} must have {len(own)} numbers, one for each "
                f"of {own[:6]}; received shape {np.shape(value)}."
            )
        found |= zip(own, np.ravel(value).tolist(), strict=True)
    return found


def _margin(name):
    """The sites of a cell: sex age of sex=0 age=1, sex of sex=not told."""
    return " ".join(re.findall(r"(?:^| )([^ =]+)=", name))


def by_name(
    where: str, values: Any, names: Sequence[str], missing: float = np.nan
) -> Any:
    """What has names as an array in the order of `names`; else itself.

    Args:
        where: the argument, for messages.
        values: anything; a Series that is only numbered is no more than its
            values.
        names: those that there are.
        missing: of those that are not given.

    Raises:
        ValueError: for a name that is not known or comes twice.
    """
    if not is_named(values):
        return values
    try:
        items = list(named_items(values))
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None
    given = dict(items)
    if len(given) < len(items):
        raise ValueError(f"{where}: a name comes twice in {list(given)[:6]}.")
    given = _spread(where, given, names)
    # Of arrays columns may be told by their numbers too.
    place = {str(k): k for k in range(len(names))}
    place |= {name: k for k, name in enumerate(names)}
    found = np.full(len(names), missing, object)
    for name, value in given.items():
        if name not in place:
            near = difflib.get_close_matches(name, names, 3)
            raise ValueError(
                f"{where}: there is no feature {name!r}; "
                + (f"did you mean one of {near}?" if near else "")
                + ("" if near else f"there are {list(names[:6])}.")
            )
        found[place[name]] = value
    return found


class _Column(NamedTuple):
    """A column: its key, and its labels if it holds categories."""

    key: Any
    labels: list[str] | None


class Columns:
    """How a table becomes numbers with names, one row for each of its rows.

    A column of numbers is one feature; one of text or categories has an
    indicator for each that occurs, `column=category`. An array has the names
    f_0, f_1, ...

    Args:
        where: who asks, for messages.
        features: (rows, k), a frame, or a dict of columns.
        categories: names of columns that hold categories, also if these are
            numbers.

    Attributes:
        names: of the features.
        owners: for each the number of its column.
    """

    def __init__(self, where: str, features: Any, categories: Sequence[str]):
        self.where = where
        self.columns: list[_Column] | None = None
        if not _has_columns(features):
            values = _as_matrix(where, features)
            k = values.shape[1]
            name = getattr(features, "name", None)
            one = [str(name) if isinstance(name, str) else "f"]
            self.names = one if k == 1 else [f"f_{i}" for i in range(k)]
            self.owners = np.arange(k)
            return
        self.columns, self.names, owners = [], [], []
        for number, key in enumerate(_keys(features)):
            column = np.asarray(features[key])
            name, labels = label(key), None
            if name in categories or not _is_numeric(column[_present(column)]):
                found = {label(v): v for v in column[_present(column)]}
                labels = sorted(found)
            own = [name] if labels is None else [f"{name}={v}" for v in labels]
            self.columns.append(_Column(key, labels))
            self.names += own
            owners += [number] * len(own)
        self.owners = np.array(owners)
        if len(set(self.names)) < len(self.names):
            raise ValueError(f"{where}: features: two columns share a name.")

    def __call__(self, features: Any) -> Array:
        """The numbers of a table, (rows, features), float64.

        Raises:
            ValueError: for other columns, what is missing, and categories
                that did not occur.
        """
        if self.columns is None:
            values = _as_matrix(self.where, features)
            if values.shape[1] != len(self.names):
                raise ValueError(
                    f"{self.where}: features must have {len(self.names)} "
                    f"columns; received shape {values.shape}."
                )
        else:
            parts = [self._numbers(features, one) for one in self.columns]
            rows = {len(part) for part in parts}
            if len(rows) > 1:
                raise ValueError(
                    f"{self.where}: features: columns must have as many rows; "
                    f"found {sorted(rows)}."
                )
            values = np.concatenate(parts, axis=1)
        strange = ~np.isfinite(values)
        if strange.any():
            row, column = np.argwhere(strange)[0]
            raise ValueError(
                f"{self.where}: features must be finite numbers; row {row} of "
                f"{self.names[column]} is {values[row, column]}. Leave out "
                "rows of which something is not known."
            )
        return values

    def _numbers(self, features, column):
        key, labels = column
        if not _has_columns(features) or key not in _keys(features):
            raise ValueError(
                f"{self.where}: features must have the column {key!r}."
            )
        values = np.asarray(features[key])
        if labels is None:
            if values.dtype.kind == "O":
                values = np.where(_present(values), values, np.nan)
            return values.astype(np.float64)[:, None]
        told = np.array([label(v) for v in values], object)
        told[~_present(values)] = "a missing value"
        hot = told[:, None] == np.array(labels, object)
        if not hot.any(axis=1).all():
            strange = told[~hot.any(axis=1)][0]
            raise ValueError(
                f"{self.where}: features: the column {key!r} has {strange}, "
                f"which is none of its categories {labels[:6]}."
            )
        return hot.astype(np.float64)


def _has_columns(features):
    names = getattr(getattr(features, "dtype", None), "names", None)
    is_frame = hasattr(features, "columns") and hasattr(features, "__getitem__")
    return is_frame or isinstance(features, Mapping) or names is not None


def _keys(features):
    if isinstance(features, Mapping):
        return list(features)
    if hasattr(features, "columns"):
        return list(features.columns)
    return list(features.dtype.names)


def _present(column):
    """For each value whether it is there: neither None nor nan."""
    if column.dtype.kind != "O":
        return column == column
    return np.array([v is not None and v == v for v in column], bool)


def _is_numeric(column):
    if column.dtype.kind in "biuf":
        return True
    if column.dtype.kind != "O":
        return False
    # Decimal is no Real, but as good.
    number = (numbers.Real, decimal.Decimal, np.number, np.bool_)
    return len(column) > 0 and all(isinstance(v, number) for v in column)


def _as_matrix(where, features):
    values: Any = features
    try:
        values = np.asarray(features)
        if values.dtype.kind == "O" and values.ndim == 1:
            # Rows that are arrays of their own.
            values = np.array(values.tolist(), np.float64)
        if values.dtype.kind == "c":
            raise ValueError("complex")
        values = np.asarray(values, np.float64)
    except (TypeError, ValueError):
        raise ValueError(
            f"{where}: features must be numbers, (rows, features), or a frame "
            f"whose columns are numbers or categories; {_no_number(values)}. "
            "Of columns of several kinds make a dict, {'name': column}."
        ) from None
    values = values[:, None] if values.ndim == 1 else values
    if values.ndim != 2 or values.shape[1] == 0:
        raise ValueError(
            f"{where}: features must have shape (rows, features); received "
            f"{values.shape}."
        )
    return values


def _no_number(values):
    """What in an array is none, in words."""
    if not isinstance(values, np.ndarray):
        return f"received {values!r:.60}"
    for place, value in np.ndenumerate(values):
        try:
            if not isinstance(value, complex):
                float(value)
                continue
        except (TypeError, ValueError):
            pass
        at = place[0] if len(place) == 1 else place
        return f"found {value!r} at {at}"
    return f"received shape {values.shape}"
