"""Columns of a table: what each holds, as numbers of a vector and back."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from genzoo.datasets import kinds
from genzoo.runtime.data import is_na
from genzoo.types import Array

# Knots of a quantile function; values of more than a share of 1 / so many are
# atoms, which are drawn exactly.
_KNOTS = 256
# The most categories, and the greatest share of rows, that differ.
_MOST_CATEGORIES, _IDENTIFIERS = 1000, 0.5
_FEW_ROWS = 20
# The ends of the quantile function among normal numbers.
_FARTHEST = 4.0


class Numbers:
    """Numbers of any distribution, as normal ones.

    `z = F_normal^-1(F(x))` with F the distribution of the data, so that
    scales, long tails and bounds are none to a model. F is kept as a quantile
    function of up to 256 pieces; values that are often taken are steps of it,
    over which z is drawn evenly. A second entry tells what is missing, if
    anything is.

    Args:
        name: of the column.
        values: increasing, those between which F is linear.
        steps: (below, up to) each of them, F before and after.
        kind: one of `kinds.KINDS`.
        has_gaps: whether some are missing.
    """

    def __init__(
        self,
        name: str,
        values: Sequence[float],
        steps: Sequence[Sequence[float]],
        kind: str,
        has_gaps: bool,
    ):
        self.name, self.kind, self.has_gaps = name, kind, has_gaps
        self.values = np.asarray(values, "float64")
        self.steps = np.asarray(steps, "float64").reshape(-1, 2)
        self.is_constant = len(self.values) == 1
        self.width = (not self.is_constant) + has_gaps

    @classmethod
    def of(cls, name: str, column: Array, where: str) -> "Numbers":
        """Of data.

        Raises:
            ValueError: if nothing is known, or a number is infinite.
        """
        x, known, kind = kinds.as_numbers(column, f"{where}: column {name!r}")
        if np.isinf(x[known]).any():
            raise ValueError(
                f"{where}: column {name!r} holds infinite numbers. Take NaN "
                "where they are unknown, or cut them to a range."
            )
        if not known.any():
            raise ValueError(
                f"{where}: nothing is known of column {name!r}. Leave it out."
            )
        values, steps = _quantiles(x[known])
        return cls(name, values, steps, kind, bool((~known).any()))

    @property
    def description(self) -> str:
        """What it holds, in words."""
        gaps = ", some missing" if self.has_gaps else ""
        least, most = self.decoded(self.values[[0, -1]])
        if self.kind == "day":
            least, most = (np.datetime64(v, "D") for v in (least, most))
        return f"{self.kind} from {least} to {most}{gaps}"

    def encode(
        self, column: Array, rng: np.random.Generator, where: str
    ) -> Array:
        """(n, width) entries of a column."""
        told = f"{where}: column {self.name!r}"
        x, known, kind = kinds.as_numbers(column, told)
        if known.any() and kinds.measure(kind) != kinds.measure(self.kind):
            raise ValueError(
                f"{told} holds {kinds.measure(kind)}; when the table was made "
                f"it held {kinds.measure(self.kind)}."
            )
        if np.isinf(x).any():
            raise ValueError(
                f"{where}: column {self.name!r} holds infinite numbers."
            )
        if not (self.has_gaps or known.all()):
            raise ValueError(
                f"{where}: column {self.name!r} has {(~known).sum()} missing "
                "values, but none was missing when the table was made. Make "
                "it of data that have some, or drop these rows."
            )
        parts = []
        if not self.is_constant:
            share = self._share(np.where(known, x, self.values[0]), rng)
            # What is missing has a number like the others, which says nothing.
            share = np.where(known, share, rng.random(len(x)))
            parts.append(tf.math.ndtri(share).numpy())
        if self.has_gaps:
            parts.append(~known)
        return np.stack(parts, axis=1) if parts else np.empty((len(x), 0))

    def decode(self, entries: Array) -> Array:
        """A column of entries."""
        entries = np.asarray(entries, "float64")
        if self.is_constant:
            x = np.full(len(entries), self.values[0])
        else:
            share = _share_below(entries[:, 0])
            knots = np.repeat(self.values, 2)
            x = np.interp(share, self.steps.ravel(), knots)
        gaps = entries[:, -1] > 0.5 if self.has_gaps else None
        return self.decoded(x, gaps)

    def decoded(self, x: Array, gaps: Array | None = None) -> Array:
        """Numbers as the data have them."""
        return kinds.of_numbers(x, self.kind, gaps, self.has_gaps)

    def meant(self, value: Any, where: str) -> Callable[[Array], Array]:
        """Which numbers of a decoded column are such.

        Args:
            value: a number or date, what stands for one that is missing, a
                list of these, or a pair (least, greatest), of which None is
                no end.
            where: the place it stands in.

        Raises:
            ValueError: for what is none, or what the column never is.
        """
        if isinstance(value, tuple):
            return self._between(value, where)
        several = isinstance(value, (list, set, frozenset, range, np.ndarray))
        values = list(value) if several else [value]
        gaps = [is_na(v) or (v != v) is True for v in map(_plain_one, values)]
        numbers = [
            self._number(v, where)
            for v, gap in zip(values, gaps, strict=True)
            if not gap
        ]
        if any(gaps) and not self.has_gaps:
            self._refuse(None, where)
        for number in numbers:
            if not self._happens(number):
                self._refuse(value, where)

        def test(column):
            x, known, _ = kinds.as_numbers(column, where)
            return np.where(known, np.isin(x, numbers), any(gaps))

        return test

    def _between(self, pair, where):
        if len(pair) != 2 or pair == (None, None):
            raise ValueError(
                f"{where} must be a value, a list of them, or a pair (least, "
                f"greatest); received {pair!r}."
            )
        least, most = (
            end if v is None else self._number(v, where)
            for v, end in zip(pair, (-math.inf, math.inf), strict=True)
        )
        if least > most:
            raise ValueError(
                f"{where}: the least of a pair stands first; received {pair!r}."
            )
        if least > self.values[-1] or most < self.values[0]:
            self._refuse(pair, where)

        def test(column):
            x, known, _ = kinds.as_numbers(column, where)
            return known & (x >= least) & (x <= most)

        return test

    def _number(self, value, where):
        number = kinds.as_number(value, self.kind)
        if number is None:
            raise ValueError(
                f"{where} is {self.description}; received {value!r}. Give a "
                "value, a list of them, a pair (least, greatest), or a "
                "function of the column."
            )
        return number

    def _happens(self, number):
        """Whether samples have this value with a probability above 0."""
        steps = self.steps[:, 1] > self.steps[:, 0]
        if number in self.values[steps]:
            return True
        is_inside = self.values[0] <= number <= self.values[-1]
        if len(self.values) == steps.sum():
            return False
        return is_inside and kinds.is_rounded(number, self.kind)

    def _refuse(self, value, where):
        raise ValueError(
            f"{where} is never {value!r}; it is {self.description}. A pair "
            "(least, greatest) means a range."
        )

    def _share(self, x, rng):
        """F(x), where F has a step one of its values at random."""
        below, above = self.steps.T
        x = np.clip(x, self.values[0], self.values[-1])
        last = len(self.values) - 1
        at = np.clip(np.searchsorted(self.values, x, "right") - 1, 0, last)
        after = np.minimum(at + 1, last)
        length = self.values[after] - self.values[at]
        part = (x - self.values[at]) / np.where(length > 0, length, 1)
        part = np.clip(part, 0, 1)
        between = above[at] + part * (below[after] - above[at])
        step = below[at] + rng.random(len(x)) * (above[at] - below[at])
        share = np.where(x == self.values[at], step, between)
        # Ends are far, not infinite.
        far = 1e-6
        return np.clip(share, far, 1 - far)

    def get_config(self) -> dict[str, Any]:
        """What it is made of, as plain data."""
        return {
            "name": self.name,
            "values": self.values.tolist(),
            "steps": self.steps.tolist(),
            "kind": self.kind,
            "has_gaps": self.has_gaps,
        }


class Categories:
    """One of several values, as one entry of one among zeros.

    Args:
        name: of the column.
        values: all that there are, texts, numbers or truth values; None for
            what is missing.
    """

    has_gaps = False

    def __init__(self, name: str, values: Sequence[Any]):
        self.name, self.values = name, list(values)
        # What is always the same needs no entry.
        self.width = len(self.values) if len(self.values) > 1 else 0

    @classmethod
    def of(cls, name: str, column: Array, where: str, asked: bool) -> Any:
        """Of data.

        Raises:
            ValueError: for more values than categories have, if they were not
                asked for.
        """
        try:
            values = sorted(set(_plain(column)), key=_order)
        except TypeError:
            first = next(v for v in column if not is_na(v))
            raise ValueError(
                f"{where}: column {name!r} must hold numbers, dates, texts or "
                f"truth values; it holds {type(first).__name__}s. Leave it "
                "out, or make columns of its parts."
            ) from None
        count, rows = len(values), len(column)
        is_name = rows > _FEW_ROWS and count > _IDENTIFIERS * rows
        if not asked and (is_name or count > _MOST_CATEGORIES):
            raise ValueError(
                f"{where}: column {name!r} has {count:,} different values in "
                f"{rows:,} rows, as names have. Leave it out, or say "
                f"categorical=[{name!r}]."
            )
        return cls(name, values)

    @property
    def description(self) -> str:
        """What it holds, in words."""
        told = ", ".join(map(repr, self.values[:4]))
        more = ", ..." if len(self.values) > 4 else ""
        return f"one of {len(self.values)}: {told}{more}"

    def encode(
        self, column: Array, rng: np.random.Generator, where: str
    ) -> Array:
        """(n, width) zeros and ones.

        Raises:
            ValueError: for a value that is none of them.
        """
        place = {value: number for number, value in enumerate(self.values)}
        numbers = [place.get(value, -1) for value in _plain(column)]
        if -1 in numbers:
            value = _plain(column)[numbers.index(-1)]
            raise ValueError(
                f"{where}: column {self.name!r} holds {value!r}, which is "
                f"none of its values when the table was made, "
                f"{self.description}."
            )
        return np.eye(len(self.values))[numbers][:, : self.width]

    def decode(self, entries: Array) -> Array:
        """The value of the largest entry of each row."""
        if not self.width:
            chosen = np.zeros(len(entries), int)
        else:
            chosen = np.argmax(entries, axis=1)
        is_text = any(v is None or isinstance(v, str) for v in self.values)
        values = np.empty(len(self.values), object)
        values[:] = self.values
        return (values if is_text else np.array(self.values))[chosen]

    def meant(self, value: Any, where: str) -> Callable[[Array], Array]:
        """Which values of a decoded column are this one, or one of a list.

        Raises:
            ValueError: for a value that the column never is.
        """
        several = (list, set, frozenset, tuple, range, np.ndarray)
        values = _plain(value if isinstance(value, several) else [value])
        unknown = [v for v in values if v not in self.values]
        if unknown:
            raise ValueError(
                f"{where} is never {unknown[0]!r}; it is {self.description}."
            )
        return lambda column: np.array(
            [v in values for v in _plain(column)], bool
        )

    def get_config(self) -> dict[str, Any]:
        """What it is made of, as plain data."""
        return {"name": self.name, "values": self.values}


def _quantiles(x):
    """(values, steps) of the distribution of numbers."""
    values, counts = np.unique(x, return_counts=True)
    ends = np.cumsum(counts) / len(x)
    begins = ends - counts / len(x)
    if len(values) <= _KNOTS:
        return values, np.stack([begins, ends], axis=1)
    # Steps at what is often taken, straight lines between the others.
    atoms = counts > 2 * len(x) / _KNOTS
    # Half of the lines for the middle, half for long tails.
    even = (np.arange(_KNOTS // 2) + 0.5) / (_KNOTS // 2)
    normal = np.linspace(-_FARTHEST, _FARTHEST, _KNOTS // 2)
    levels = np.concatenate([even, _share_below(normal)])
    places = np.searchsorted(ends, levels * ends[-1])
    kept = np.unique([0, *places, *np.flatnonzero(atoms), len(values) - 1])
    middle = (begins + ends) / 2
    steps = np.where(
        atoms[:, None],
        np.stack([begins, ends], axis=1),
        np.stack([middle, middle], axis=1),
    )[kept]
    steps[0, 0], steps[-1, 1] = 0.0, 1.0
    return values[kept], steps


def _share_below(z):
    """Phi(z), the share of normal numbers below."""
    return 0.5 * tf.math.erfc(-z / math.sqrt(2)).numpy()


def _plain(column):
    """Values that JSON holds and that can be compared, None if missing."""
    found = map(_plain_one, column)
    return [None if is_na(v) or (v != v) is True else v for v in found]


def _plain_one(value):
    is_date = isinstance(value, (np.datetime64, np.timedelta64))
    if is_date or not isinstance(value, np.generic):
        return None if is_date and np.isnat(value) else value
    return value.item()


def _order(value):
    return value is None, str(type(value)), 0 if value is None else value
