"""Tables of numbers and categories, as vectors that models learn."""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np

from genzoo import checks
from genzoo.datasets.columns import Categories, Numbers
from genzoo.datasets.kinds import is_numeric, with_dates
from genzoo.runtime import atomic, random
from genzoo.types import Array, ArrayLike, SeedLike

# Rows that are drawn at once, and in all, where not all of them are meant.
_ROUND, _MOST_DRAWN = 2**16, 2**22


class Table:
    """The columns of a table, and what each is as part of a vector.

    Numbers become normal ones by their quantiles; categories, texts and truth
    values become ones among zeros; what is missing is told by an entry of its
    own. So any model of vectors learns a table, and gives one back:

        table = genzoo.datasets.Table(frame)
        gan = genzoo.GAN(*genzoo.networks.tabular(table))
        gan.compile()
        gan.fit(table.encode(frame), epochs=100)
        table.sample(gan, 1000)
        table.sample(gan, 1000, where={"species": "Gentoo"})

    Args:
        data: a frame of pandas or polars, or a dict of columns by name, each
            of shape (n,). Texts, truth values and columns of pandas's
            category are categories, others numbers or dates; dates that know
            their zone come back in universal time, without one.
        categorical: names of further columns whose numbers are categories.

    Attributes:
        columns: of each column what it holds.
        names: of the columns.
        width: of a vector.

    Raises:
        ValueError: for no rows, columns of different lengths, a name that
            there is not, or a column of texts that all differ.

    Reference:
        Xu et al., "Modeling tabular data using conditional GAN", NeurIPS
        2019, for the task.

    Example:
    >>> data = {"kind": ["a", "b", "a"], "mass": [2.0, 4.5, np.nan]}
    >>> table = genzoo.datasets.Table(data)
    >>> table
    <Table of 2 columns, 4 entries: kind (2), mass (2)>
    >>> table.decode(table.encode(data))["mass"].tolist()
    [2.0, 4.5, nan]
    """

    def __init__(
        self, data: Mapping[str, ArrayLike] | Any, categorical: Sequence = ()
    ):
        where = "Table"
        found = _columns(data, where)
        is_list = isinstance(categorical, (list, tuple, set, frozenset))
        if not is_list or any(name not in found for name in categorical):
            raise ValueError(
                f"{where}: categorical must be a list of names of columns, "
                f"which are {list(found)}; received {categorical!r}."
            )
        self.columns: list[Any] = []
        for name, (column, is_category) in found.items():
            if name in categorical or is_category or not is_numeric(column):
                asked = name in categorical
                made = Categories.of(name, column, where, asked)
            else:
                made = Numbers.of(name, column, where)
            self.columns.append(made)
        self._make = _maker(data)

    def __repr__(self) -> str:
        told = ", ".join(f"{c.name} ({c.width})" for c in self.columns)
        return (
            f"<Table of {len(self.columns)} columns, {self.width} entries: "
            f"{told}>"
        )

    @property
    def names(self) -> list[str]:
        """Of the columns."""
        return [column.name for column in self.columns]

    @property
    def width(self) -> int:
        """Entries of a vector."""
        return sum(column.width for column in self.columns)

    def encode(self, data: Any, seed: SeedLike = 0) -> Array:
        """The rows of a table as vectors, float32 (n, width).

        Args:
            data: as it was made of; further columns are left out.
            seed: int or pair of ints. Where a number is taken often, its
                place among normal ones is drawn.

        Raises:
            ValueError: for a column that is not there, or a value that a
                column does not have.
        """
        where = "Table.encode"
        found = _columns(data, where)
        lost = [name for name in self.names if name not in found]
        if lost:
            raise ValueError(
                f"{where}: data has no column {lost[0]!r}; it has "
                f"{list(found)}."
            )
        key = random.as_seed(seed).key.numpy().astype("uint64")
        parts = [
            column.encode(
                found[column.name][0],
                np.random.default_rng([*key.tolist(), number]),
                where,
            )
            for number, column in enumerate(self.columns)
        ]
        return np.concatenate(parts, axis=1).astype("float32")

    def decode(self, x: ArrayLike) -> Any:
        """Vectors as a table, of the type that it was made of.

        Args:
            x: vectors, (n, width), such as samples.

        Raises:
            ValueError: for another shape, or numbers that are not finite.
        """
        x = checks.array(x, "Table.decode: x")
        if x.ndim != 2 or x.shape[1] != self.width:
            raise ValueError(
                f"Table.decode: x must have shape (n, {self.width}); received "
                f"{x.shape}."
            )
        ends = np.cumsum([column.width for column in self.columns])
        parts = np.split(x, ends[:-1], axis=1)
        return self._make(
            {
                column.name: column.decode(part)
                for column, part in zip(self.columns, parts, strict=True)
            }
        )

    def sample(
        self,
        model: Any,
        n: int,
        seed: SeedLike | None = None,
        where: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> Any:
        """Rows drawn from a model of such vectors.

        Args:
            model: what was fitted to `encode(data)`, with
                `sample(n, seed=)`.
            n: number of rows.
            seed: int or pair of ints; None takes the model's own.
            where: what is known of the rows: of each column a value, a list
                of values, a pair (least, greatest) of numbers or dates, in
                which None is no end, or a function of the column that tells
                which rows are meant; None for what is missing. Rows are drawn
                until n of them are so: they have the model's distribution
                given that.
            **options: of the model's `sample`.

        Raises:
            ValueError: for an unknown column, a value that it never has, or
                if rows are so rare that among 4,194,304 there are not as many.
        """
        told = "Table.sample"
        n = checks.positive_int(n, f"{told}: n")
        meant = self._meant(where, told) if where else None
        if not callable(getattr(model, "sample", None)):
            raise ValueError(
                f"{told}: model must be one that was fitted to encode(data), "
                f"with sample(n, seed=); received {model!r}."
            )
        if meant is None:
            return self.decode(model.sample(n, seed=seed, **options))
        kept: list[Array] = []
        found = drawn = 0
        while found < n:
            if drawn >= _MOST_DRAWN:
                raise ValueError(
                    f"{told}: of {drawn:,} rows {found:,} are so that "
                    f"{where!r}; asked for {n:,}. Ask for fewer, or "
                    "fit a model to these rows alone."
                )
            size = _ROUND
            if not drawn:
                size = min(max(4 * n, 256), _ROUND)
            own = seed
            if seed is not None:
                own = random.fold_in(random.as_seed(seed), drawn)
            x = np.asarray(model.sample(size, seed=own, **options))
            x = x[meant(x)]
            kept.append(x)
            found, drawn = found + len(x), drawn + size
        return self.decode(np.concatenate(kept)[:n])

    def _meant(self, where, told) -> Callable[[Array], Array]:
        """Which vectors are so."""
        if not isinstance(where, Mapping):
            raise ValueError(
                f"{told}: where must be a dict of what is known by column, "
                f"such as {{{self.names[0]!r}: ...}}; received {where!r}."
            )
        places, at = {}, 0
        for column in self.columns:
            places[column.name] = column, slice(at, at + column.width)
            at += column.width
        tests = []
        for name, value in where.items():
            if name not in places:
                raise ValueError(
                    f"{told}: where: there is no column {name!r}; columns are "
                    f"{self.names}."
                )
            column, place = places[name]
            test = value
            if not callable(value):
                test = column.meant(value, f"{told}: where: column {name!r}")
            tests.append((column, place, test))

        def meant(x):
            good = np.ones(len(x), bool)
            for column, place, test in tests:
                good &= np.asarray(test(column.decode(x[:, place])), bool)
            return good

        return meant

    # As plain data -----------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """What it is made of, as plain data."""
        return {
            "columns": [
                {"type": type(column).__name__, **column.get_config()}
                for column in self.columns
            ]
        }

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """A table from `get_config`, which gives dicts of columns.

        Raises:
            ValueError: for something else.
        """
        types: dict[str, Any] = {t.__name__: t for t in (Numbers, Categories)}
        table = cls.__new__(cls)
        table.columns, table._make = [], dict
        try:
            for column in config["columns"]:
                own = dict(column)
                table.columns.append(types[own.pop("type")](**own))
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ValueError(
                "Table.from_config: config must be what get_config gives; "
                f"received something else: {error!r}."
            ) from None
        if not table.columns:
            raise ValueError("Table.from_config: config has no columns.")
        return table

    def save(self, path: str | os.PathLike) -> None:
        """Write it as a file of JSON, to be loaded beside the model.

        Args:
            path: of the file, which is written whole or not at all.

        Raises:
            ValueError: for names of columns, or categories, that JSON does not
                hold, which has texts, numbers and truth values.
        """
        for column in self.columns:
            values = getattr(column, "values", [])
            plain = (str, int, float, type(None))
            kept = [column.name, *(values if isinstance(values, list) else [])]
            odd = [v for v in kept if not isinstance(v, plain)]
            if odd:
                raise ValueError(
                    f"Table.save: column {column.name!r} has {odd[0]!r}, a "
                    f"{type(odd[0]).__name__}, which a file does not hold. "
                    "Make the table of texts or numbers in its place."
                )
        content = json.dumps(self.get_config(), indent=1, allow_nan=False)
        atomic.write(path, content.encode())

    @classmethod
    def load(cls, path: str | os.PathLike) -> Self:
        """What `save` has written.

        Raises:
            ValueError: for a file of something else.
        """
        try:
            config = json.loads(Path(path).read_text())
        except (UnicodeDecodeError, json.JSONDecodeError) as error:
            raise ValueError(
                f"Table.load: {os.fspath(path)!r} is no file of a table: "
                f"{error}"
            ) from None
        return cls.from_config(config)


def _columns(data, where):
    """Of each name the column, and whether it is said to be of categories."""
    names = getattr(data, "columns", None)
    if names is None and not isinstance(data, Mapping):
        raise ValueError(
            f"{where}: data must be a frame of pandas or polars, or a dict of "
            f"columns by name; received {type(data).__name__}. Of an array "
            'take {f"x{i}": x[:, i] for i in range(x.shape[1])}.'
        )
    names = list(data.keys() if names is None else names)
    if not names or len(set(names)) < len(names):
        raise ValueError(
            f"{where}: data must have columns, each of its own name; received "
            f"{names}."
        )
    found = {}
    for name in names:
        column = data[name]
        is_category = (
            str(getattr(column, "dtype", ""))
            .lower()
            .startswith(("category", "categorical", "enum"))
        )
        values = column.to_numpy() if hasattr(column, "to_numpy") else column
        values = np.asarray(values)
        if values.dtype.kind == "S":
            raise ValueError(
                f"{where}: column {name!r} holds bytes. Decode them as texts, "
                'for example numpy.char.decode(column, "utf-8").'
            )
        if values.dtype.kind == "U":
            values = values.astype(object)
        elif values.dtype.kind == "O":
            values = with_dates(values)
        if values.ndim != 1:
            raise ValueError(
                f"{where}: column {name!r} must have shape (n,); received "
                f"{values.shape}."
            )
        found[name] = values, is_category
    lengths = {name: len(column) for name, (column, _) in found.items()}
    if len(set(lengths.values())) > 1 or not all(lengths.values()):
        raise ValueError(
            f"{where}: columns must be of one length, above 0; received "
            f"{lengths}."
        )
    return found


def _maker(data):
    """What makes a table of a dict of columns, as the data are one."""
    return dict if isinstance(data, Mapping) else type(data)
