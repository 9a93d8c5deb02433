"""What every sample space provides."""

import functools
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Self

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from genzoo import checks
from genzoo.runtime import data, distribute, random
from genzoo.runtime.sparse import SparseRows
from genzoo.runtime.stored import StoredRows
from genzoo.spaces import hints
from genzoo.spaces.grid import (
    Axis,
    Grid,
    Stretch,
    gauss_legendre,
    moving_axes,
    moving_axis,
    trapezoid,
    whole_axis,
)
from genzoo.types import Array, ArrayLike

# Rows that are looked at together, if they are short.
_ROWS = 2**16
# Levels that are compared one by one.
_FEW = 8
# Characters of an argument that a message shows.
_MOST_SHOWN = 60


class Space:
    """The set in which examples lie: a product of *sites*.

    A site is discrete, with a finite list of levels, or a piece of the real
    line. A subclass says which sites there are, and how they are arranged in
    one example. Where all sites are put in a row, an example is a *state* of
    shape (width,).

    Args:
        shape: int or tuple of ints, the shape of one example.
        levels: list with, for each site, its levels as an array, or None.
        low: the least value of each site, shape (width,); -inf if none.
        high: the greatest value of each site, inf if none.
        most: the most sites that there may be.

    Attributes:
        event_shape: the shape of one example, a tuple.
        width: the number of sites.
        hint: what to do with data that are not in the space.
        is_product: whether a site takes its values whatever the others are.

    Example:
    >>> space = genzoo.spaces.Spin((2, 2))
    >>> space.states().shape
    (16, 2, 2)
    >>> bool(space.outside(np.zeros((1, 2, 2))))
    True
    """

    arguments: ClassVar[checks.Arguments] = {}
    hint = ""
    is_product = True

    def __init__(
        self,
        shape: int | Sequence[int],
        levels: list[Array | None],
        low: float | ArrayLike,
        high: float | ArrayLike,
        most: int = checks.MOST_SITES,
    ):
        where = f"{type(self).__name__}: the shape of one example"
        self.event_shape = checks.shape(most)(shape, where)
        self.width = math.prod(self.event_shape)
        self.levels = levels
        self.low = np.broadcast_to(np.asarray(low, np.float64), self.width)
        self.high = np.broadcast_to(np.asarray(high, np.float64), self.width)

    @property
    def description(self) -> str:
        """The space of one example in words, for error messages."""
        raise NotImplementedError

    @property
    def is_fine(self) -> bool:
        """Whether float32 would round what lies here."""
        return any(
            levels is None or (np.float32(levels) != levels).any()
            for levels in {id(v): v for v in self.levels}.values()
        )

    @property
    def is_discrete(self) -> bool:
        """Whether every site has a finite list of levels."""
        return all(levels is not None for levels in self.levels)

    @property
    def continuous_sites(self) -> Array:
        """The numbers of the sites that are not discrete, an int array."""
        sites = [i for i, levels in enumerate(self.levels) if levels is None]
        return np.array(sites, np.int64)

    @functools.cached_property
    def whole(self) -> Array:
        """For each site whether it holds whole numbers without end, bool."""
        return np.zeros(self.width, bool)

    @functools.cached_property
    def periodic(self) -> Array:
        """For each site whether its two ends are one point, bool."""
        return np.zeros(self.width, bool)

    @property
    def real_sites(self) -> Array:
        """The numbers of the sites that are integrated over, an int array."""
        sites = self.continuous_sites
        return sites[~self.whole[sites]]

    @property
    def state_count(self) -> int | None:
        """The number of joint states, None if a site is continuous."""
        counts = [len(v) for v in self.levels if v is not None]
        return math.prod(counts) if len(counts) == self.width else None

    @property
    def site_names(self) -> list[str]:
        """A name for each site: x, or x_0, x_1, or x_0_0, x_0_1."""
        if self.width == 1:
            return ["x"]
        places = np.ndindex(*self.event_shape)
        return ["_".join(["x", *map(str, place)]) for place in places]

    def states(self) -> Array:
        """All joint states, a float64 array (state_count, *event_shape).

        Raises:
            ValueError: if a site is continuous, or there are more than 2**24.
        """
        count = self.state_count
        name = type(self).__name__
        if count is None:
            raise ValueError(
                f"{name}.states: there is no finite list of states. "
                "Use quadrature()."
            )
        if count > 2**24:
            raise ValueError(
                f"{name}.states: there are {count:,} states; at most "
                f"{2**24:,} are listed."
            )
        points = self.quadrature().points(0, count).numpy()
        return points.reshape(count, *self.event_shape)

    def quadrature(
        self,
        nodes: int | None = None,
        window: Array | tf.Tensor | None = None,
        breaks: Sequence[float] = (),
        stretch: Array | tf.Tensor | None = None,
    ) -> Grid:
        """The weighted points that stand for the space in sums.

        A discrete site has its levels, with weight one each; a continuous one
        has Gauss-Legendre nodes in its interval, or, where that is infinite,
        in `window`. All their combinations are the `Grid`.

        Args:
            nodes: number of nodes of a continuous site; None takes about
                2**17 points in all.
            window: array (width, 2), the interval in which an unbounded site
                is integrated.
            breaks: numbers at which what is summed may jump; continuous
                sites are integrated piece by piece between them.
            stretch: array (width, 2), centre and scale of the `Stretch` of
                each unbounded site, whose window is then one of places u; a
                scale of 0 leaves a site as it is.

        Returns:
            A `genzoo.spaces.Grid`.

        Raises:
            ValueError: if a site is unbounded and there is no window, or
                there is no grid at all.
        """
        reason = self.why_no_grid()
        if reason is not None:
            raise ValueError(f"{type(self).__name__}.quadrature: {reason}")
        nodes = nodes or self.default_nodes
        unbounded = self.unbounded
        if unbounded.any() and window is None:
            raise ValueError(
                f"{type(self).__name__}.quadrature: a site is unbounded; "
                "pass window, an array (width, 2) of the interval in which "
                "the density is not negligible."
            )
        moved: Iterator[Axis] = iter(())
        if stretch is None:
            moved = self._open_axes(nodes, window, breaks)
        axes = []
        for site in range(self.width):
            if not unbounded[site]:
                axes.append(self.axis(site, nodes, breaks))
            elif self.whole[site]:
                ends = tf.cast(window, tf.float64)[site]
                axes.append(whole_axis(ends, self.default_nodes))
            elif stretch is None:
                axes.append(next(moved))
            else:
                axes.append(
                    self._stretched_axis(site, nodes, window, breaks, stretch)
                )
        return Grid(axes)

    def axis(
        self, number: int, nodes: int, breaks: Sequence[float] = ()
    ) -> Axis:
        """The points of a site that has two ends.

        Args:
            number: of the site.
            nodes: of a continuous one.
            breaks: as of `quadrature`.
        """
        levels = self.levels[number]
        low, high = float(self.low[number]), float(self.high[number])
        if levels is not None:
            values = np.asarray(levels, np.float64)
            return Axis(values, np.zeros(len(values)))
        if self.periodic[number] and not any(low < b < high for b in breaks):
            return trapezoid(low, high, nodes)
        return gauss_legendre(low, high, nodes, breaks)

    def why_no_grid(self) -> str | None:
        """Why sums over the space are no sums over a `Grid`, or None."""
        return None

    def _open_axes(self, nodes, window, breaks):
        """The axes of unbounded sites, in the graph of their window."""
        sites = np.flatnonzero(self.unbounded & ~self.whole)
        if not sites.size:
            return
        low, high = (tf.gather(end, sites) for end in self.bounds(window))
        breaks = self._inner(sites, breaks)
        # Side by side: a graph of one is as small as a graph of many.
        found = moving_axes(low, high, nodes, breaks)
        parts = found.values, found.log_weights, found.edges, found.places
        columns = [tf.unstack(part, sites.size, axis=1) for part in parts]
        for column in zip(*columns, strict=True):
            yield Axis(*column)

    def _stretched_axis(self, site, nodes, window, breaks, stretch):
        low, high = (end[site] for end in self.bounds(window))
        window = tf.cast(window, tf.float64)
        stretch = tf.cast(stretch, tf.float64)
        end, sign = None, 1.0
        if np.isfinite(self.low[site]):
            end = self.low[site]
        elif np.isfinite(self.high[site]):
            end, sign = self.high[site], -1.0
        how = Stretch(stretch[site, 0], stretch[site, 1], end, sign)
        low = tf.where(how.scale > 0, window[site, 0], low)
        high = tf.where(how.scale > 0, window[site, 1], high)
        return moving_axis(low, high, nodes, self._inner(site, breaks), how)

    def _inner(self, sites, breaks):
        """The breaks inside of sites: at an end a feature may have a pole."""
        low, high = np.min(self.low[sites]), np.max(self.high[sites])
        return [b for b in breaks if low < b < high]

    def bounds(
        self, window: Array | tf.Tensor | None = None
    ) -> tuple[Array | tf.Tensor, Array | tf.Tensor]:
        """(low, high) of each site, those at infinity from the window."""
        if window is None:
            return self.low, self.high
        window = tf.cast(window, tf.float64)
        low = tf.where(np.isfinite(self.low), self.low, window[:, 0])
        high = tf.where(np.isfinite(self.high), self.high, window[:, 1])
        return low, high

    @property
    def unbounded(self) -> Array:
        """For each site whether it reaches infinity, a boolean array."""
        return ~(np.isfinite(self.low) & np.isfinite(self.high))

    @property
    def is_bounded(self) -> bool:
        """Whether no site reaches infinity."""
        return not self.unbounded.any()

    @property
    def default_nodes(self) -> int:
        """Nodes of a continuous site, about 2**17 points in all.

        Of whole numbers without end as many are summed, up to 2**16.
        """
        discrete = math.prod(len(v) for v in self.levels if v is not None)
        continuous = max(len(self.continuous_sites), 1)
        points = max(2**17 // discrete, 1)
        most = 512 if len(self.real_sites) else 2**16
        return int(np.clip(points ** (1 / continuous), 24, most))

    def site(self, number: int) -> "Space":
        """The space of one of the sites, where it takes its values alone."""
        found = Space(
            1, [self.levels[number]], self.low[number], self.high[number]
        )
        part = slice(number, number + 1)
        found.whole, found.periodic = self.whole[part], self.periodic[part]
        return found

    def start(self, n: int, seed: random.Seed) -> tf.Tensor:
        """n states drawn without any model, (n, width), float32.

        Levels and bounded intervals are drawn from evenly; an unbounded site
        from the standard normal distribution, beyond its finite end if any;
        of whole numbers without end 0 and 1.
        """
        first, second = random.split(seed, 2)
        uniform = random.uniform((n, self.width), first, "float64")
        columns = []
        normal = None
        for site, levels in enumerate(self.levels):
            share = uniform[:, site]
            low, high = self.low[site], self.high[site]
            if levels is not None:
                number = tf.cast(share * len(levels), tf.int32)
                column = tf.gather(np.asarray(levels, np.float64), number)
            elif self.whole[site]:
                column = tf.cast(share < 0.5, tf.float64)
            elif np.isfinite(low) and np.isfinite(high):
                column = low + (high - low) * share
            else:
                if normal is None:
                    normal = random.normal((n, self.width), second, "float64")
                column = normal[:, site]
                if np.isfinite(low):
                    column = low + tf.abs(column)
                elif np.isfinite(high):
                    column = high - tf.abs(column)
            columns.append(tf.cast(column, tf.float32))
        return tf.stack(columns, axis=1)

    def flatten(self, x: ArrayLike) -> tf.Tensor:
        """Examples (batch, *event_shape) as states (batch, width)."""
        return ops.reshape(x, (-1, self.width))

    def unflatten(self, states: ArrayLike) -> tf.Tensor:
        """States (batch, width) as examples (batch, *event_shape)."""
        return ops.reshape(states, (-1, *self.event_shape))

    def outside(self, x: Array | tf.Tensor) -> tf.Tensor | bool:
        """A boolean scalar: whether any value of x is not in the space.

        Args:
            x: examples, a NumPy array of any numeric dtype or a tensor.
        """
        if isinstance(x, np.ndarray):
            return not (
                self._holds_ends(x)
                or np.all(self.contains(x.reshape(-1, self.width)))
            )
        return ops.logical_not(ops.all(self.contains(self.flatten(x))))

    @functools.cached_property
    def _one_range(self) -> tuple[float, float, bool] | None:
        """(low, high, whether only whole numbers) of all sites alike.

        None where not all numbers between two ends are in the space, at any
        site whatever the others are.
        """
        if not self.is_product or type(self).contains is not Space.contains:
            return None
        kinds = {id(levels): levels for levels in self.levels}
        levels = next(iter(kinds.values()))
        alike = len(kinds) == 1 and self.whole.all() == self.whole.any()
        low, high = float(self.low[0]), float(self.high[0])
        if not alike or (self.low != low).any() or (self.high != high).any():
            return None
        if levels is None:
            return low, high, bool(self.whole[0])
        between = np.arange(len(levels)) + np.min(levels)
        is_range = np.array_equal(np.sort(levels), between)
        return (low, high, True) if is_range and low.is_integer() else None

    def _holds_ends(self, x):
        """Whether the ends of an array tell that all of it is inside."""
        if self._one_range is None or x.dtype.kind not in "biuf" or not x.size:
            return False
        low, high, whole = self._one_range
        if whole and x.dtype.kind == "f":
            return False
        least, most = x.min().item(), x.max().item()
        return low <= least and most <= high and np.isfinite(most - least)

    def contains(self, states: Array | tf.Tensor) -> tf.Tensor | Array:
        """For each state whether it is in the space, boolean (batch,).

        Of an array in NumPy, which for few numbers is much the sooner.
        """
        plain = isinstance(states, np.ndarray)
        library: Any = np if plain else ops
        inside = True
        dtype = keras.backend.standardize_dtype(states.dtype)
        if not keras.backend.is_float_dtype(dtype):
            dtype = "float32"
            if not (plain and data.are_bytes(states)):
                states = _cast(states, dtype)
        for number, sites in enumerate(self._alike):
            part = _columns(states, sites, self.width)
            ordered = self._ordered_levels(number, dtype)
            known = (_is_among_array if plain else _is_among)(part, ordered)
            inside = library.logical_and(inside, library.all(known, axis=-1))
        continuous = self.continuous_sites
        if len(continuous):
            part = _cast(_columns(states, continuous, self.width), dtype)
            low = _cast(self.low[continuous], dtype)
            high = _cast(self.high[continuous], dtype)
            within = (part >= low) & (part <= high) & library.isfinite(part)
            whole = self.whole[continuous]
            if whole.any():
                within &= library.logical_or(
                    ~whole, part == library.floor(part)
                )
            inside = library.logical_and(inside, library.all(within, axis=-1))
        return inside

    @functools.cached_property
    def _alike(self) -> list[list[int]]:
        """The discrete sites, those with the same levels together."""
        # A list that many sites share is looked at once.
        groups: dict[bytes, list[int]] = {}
        keys: dict[int, bytes] = {}
        for site, levels in enumerate(self.levels):
            if levels is None:
                continue
            if id(levels) not in keys:
                keys[id(levels)] = np.asarray(levels, np.float64).tobytes()
            groups.setdefault(keys[id(levels)], []).append(site)
        return list(groups.values())

    def _ordered_levels(self, number: int, dtype: Any) -> Array:
        """The levels of one group of `_alike`, in order, as dtype has them."""
        kept = self.__dict__.setdefault("_ordered_by", {})
        key = number, keras.backend.standardize_dtype(dtype)
        if key not in kept:
            # float32 holds no 0.1: its own nearest number counts.
            levels = np.asarray(self.levels[self._alike[number][0]])
            kept[key] = np.sort(_cast(levels, dtype).astype(np.float64))
        return kept[key]

    # Examples are held against the space before anything is learned ---------

    def check(self, where: str, x: Any, wide: bool = False) -> np.ndarray:
        """x as a compact array, once it is known to be in the space.

        Examples of one number may come without an axis.

        Args:
            where: who asks, for messages: "RBM.fit".
            x: examples, of shape (n, *event_shape), or a dict of which one
                entry is that.
            wide: whether float64 is kept.

        Returns:
            A NumPy array; of a sparse matrix `SparseRows`; of what a file
            holds, or would be copied and is large, `StoredRows`.

        Raises:
            ValueError: if x is empty, of another shape, or outside.
        """
        if isinstance(x, Mapping) and not data.is_sparse(x):
            x = x[self.entry(where, x)]
        try:
            x = data.as_rows(x, wide)
        except ValueError as error:
            raise ValueError(f"{where}: {error}") from None
        if isinstance(x, (SparseRows, StoredRows)):
            x = self._arranged(x)
        else:
            x = self.with_axis(x)
        if x.size == 0 and 0 in x.shape[:1]:
            raise ValueError(f"{where}: x is empty, shape {x.shape}.")
        if x.ndim == 0 or x.shape[1:] != self.event_shape:
            expected = ", ".join(["n", *map(str, self.event_shape)])
            raise ValueError(
                f"{where}: x must have shape ({expected}); received "
                f"{x.shape}. {hints.of_shape(self, x)}"
            )
        size = data.rows_at_once(x, _ROWS)
        for first in range(0, len(x), size):
            part = x[first : first + size]
            if self.outside(part):
                # All of what is sparse may be too much.
                x = part if isinstance(x, SparseRows) else x
                raise ValueError(
                    f"{where}: x must hold {self.description}; found "
                    f"{_found(x)}. {hints.of_values(self, x)}"
                )
        return x

    def _arranged(self, x):
        """Rows that are read as they are asked for, as examples.

        Those of a sparse matrix have no shape of their own.
        """
        if isinstance(x, StoredRows):
            is_bare = x.ndim == 1 and self.event_shape == (1,)
            return x.arranged((1,)) if is_bare else x
        if x.ndim == 2 and x.width == self.width:
            return x.arranged(self.event_shape)
        return x if x.ndim > 1 else self.with_axis(x[:])

    def entry(self, where: str, found: Mapping[Any, Any]) -> Any:
        """The key under which a dict holds examples.

        The only entry of a shape and with values that fit, or that is named x.

        Raises:
            ValueError: if it is not clear which.
        """
        shapes = {key: tuple(np.shape(value)) for key, value in found.items()}
        alike = [key for key in found if self._may_be(shapes[key])]
        if len(alike) > 1:
            good = [key for key in alike if self._holds(found[key])]
            alike = good or alike
        if "x" in alike:
            return "x"
        if len(alike) == 1:
            return alike[0]
        told = ", ".join(f"{key!r} of shape {shapes[key]}" for key in shapes)
        expected = ", ".join(["n", *map(str, self.event_shape)])
        name = next(iter(alike or found), "x")
        raise ValueError(
            f"{where}: x is a dict with the keys {told}; "
            f"{'none' if not alike else 'more than one'} of them fits x of "
            f"shape ({expected}). Take the one that is meant: x[{name!r}], of "
            f"a dataset dataset.map(lambda d: d[{name!r}])."
        )

    def _may_be(self, shape):
        alone = (1,) if self.event_shape == (1,) else None
        return (
            shape[1:] == self.event_shape
            or shape == self.event_shape
            or (alone is not None and len(shape) == 1)
        )

    def _holds(self, x):
        try:
            self.check("", x)
        except ValueError:
            return False
        return True

    def check_dataset(
        self, where: str, dataset: tf.data.Dataset
    ) -> tf.data.Dataset:
        """The dataset, which raises as soon as a batch is not in the space.

        Raises:
            ValueError: if it is empty or its first batch is wrong.
        """
        if distribute.is_shared_out(dataset):
            return dataset
        first = data.first_batch(where, dataset)
        if isinstance(first, dict):
            key = self.entry(where, first)
            dataset = data.mapped(dataset, lambda batch: batch[key])
            first = first[key]
        if isinstance(first, tf.SparseTensor):
            dataset = data.mapped(dataset, tf.sparse.to_dense)
            first = tf.sparse.to_dense(first)
        x, *labels = first if isinstance(first, tuple) else (first,)
        if labels:
            raise ValueError(
                f"{where}: the dataset must give x alone, or (x, "
                "sample_weight) with floats of shape (batch,); it gives "
                f"{1 + len(labels)} values. To leave out labels, map it: "
                "dataset.map(lambda x, *rest: x)."
            )
        self.check_batched(where, x)
        self.check(where, x)

        return data.mapped(
            dataset, lambda *batch: self.guarded(batch[0]), parallel=True
        )

    def check_batched(self, where: str, x: Any) -> None:
        """Raise a ValueError if a dataset gives single examples."""
        shape = getattr(x, "shape", None)
        if shape is None or self.event_shape == (1,):
            return
        if hints.is_one(self, shape):
            raise ValueError(
                f"{where}: the dataset gives single examples, of shape "
                f"{tuple(shape)}. Take dataset.batch(128); a generator must "
                "yield batches, numpy.stack(rows)."
            )

    def guarded(self, x: tf.Tensor) -> tf.Tensor:
        """A batch, which fails in a graph where it is not in the space."""
        x = self.with_axis(x)
        # TensorFlow compares no bool with a number, nor uint8 with inf.
        known = x.dtype.is_floating
        outside = self.outside(x if known else tf.cast(x, tf.float32))
        return data.asserted(x, {data.OUTSIDE: outside})

    def with_axis(self, x: Any) -> Any:
        """x; with its axis, where examples of one number came without."""
        is_bare = tf.TensorShape(x.shape).rank == 1
        return x[:, None] if is_bare and self.event_shape == (1,) else x

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        raise NotImplementedError

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """A space from `get_config`."""
        return cls(**config)

    def __eq__(self, other):
        return (
            type(self) is type(other)
            and self.get_config() == other.get_config()
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self):
        config = self.get_config().items()
        arguments = ", ".join(
            f"{name}={_shown(value)}" for name, value in config
        )
        return f"{type(self).__name__}({arguments})"


def _shown(value):
    text = repr(value)
    return text if len(text) <= _MOST_SHOWN else f"{text[: _MOST_SHOWN - 3]}..."


def _found(x):
    """What values there are, for messages."""
    ends = data.ends(x)
    strange = ends.missing + ends.infinite
    if strange:
        return f"{strange} values that are not finite"
    return f"values in [{ends.low:.9g}, {ends.high:.9g}]"


def _is_among(x, ordered):
    """For each number whether it is one of the levels, which are in order."""
    values = ops.cast(ordered, x.dtype)
    if len(ordered) <= _FEW:
        known = x == values[0]
        for place in range(1, len(ordered)):
            known = ops.logical_or(known, x == values[place])
        return known
    exact = keras.backend.result_type(x.dtype, "float32")
    x, ordered = ops.cast(x, exact), ops.cast(ordered, exact)
    place = ops.searchsorted(ordered, ops.reshape(x, (-1,)))
    place = ops.minimum(place, len(ordered) - 1)
    return ops.reshape(ops.take(ordered, place), ops.shape(x)) == x


def _is_among_array(x, ordered):
    """As `_is_among`, of arrays."""
    if data.are_bytes(x) and len(ordered) <= _FEW:
        # As they are: other numbers would take four times the memory.
        x = x.view(np.uint8) if x.dtype.kind == "b" else x
        known = np.zeros(x.shape, bool)
        for value in ordered[ordered == np.floor(ordered)]:
            known |= x == int(value)
        return known
    exact = np.promote_types(x.dtype, np.float32)
    x, ordered = x.astype(exact, copy=False), ordered.astype(exact)
    if len(ordered) <= _FEW:
        known = x == ordered[0]
        for value in ordered[1:]:
            known |= x == value
        return known
    place = np.searchsorted(ordered, x)
    return ordered[np.minimum(place, len(ordered) - 1)] == x


def _cast(x, dtype):
    """x, an array or a tensor, in another dtype."""
    if isinstance(x, np.ndarray):
        return x.astype(tf.as_dtype(dtype).as_numpy_dtype, copy=False)
    return ops.cast(x, dtype)


def _columns(states, sites, width):
    if len(sites) == width:
        return states
    if isinstance(states, np.ndarray):
        return states[:, sites]
    return ops.take(states, np.asarray(sites), axis=-1)


def get(identifier: Space | dict[str, Any]) -> Space:
    """A space from its configuration or itself.

    Raises:
        ValueError: for anything else.
    """
    if isinstance(identifier, dict):
        identifier = keras.saving.deserialize_keras_object(identifier)
    if not isinstance(identifier, Space):
        raise ValueError(
            "space must be one of genzoo.spaces, for example "
            f"genzoo.spaces.Spin(10); received {identifier!r}."
        )
    return identifier
