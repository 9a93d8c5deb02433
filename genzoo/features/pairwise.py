"""Products of two sites: all pairs, a graph's edges, a lattice's bonds."""

import functools
import itertools
import math
from typing import Any, ClassVar

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from genzoo import checks
from genzoo.features.feature import NO_SITES, Feature, Quadratic, flat
from genzoo.spaces import Space
from genzoo.types import Array


def edge_array(value: Any, where: str) -> Array:
    """A check: edges as an int array (m, 2), with i < j.

    Raises:
        ValueError: if they are not pairs of different sites, each once.
    """
    try:
        array = np.asarray(value)
    except ValueError:
        array = np.zeros(0, object)
    if array.ndim != 2 or array.shape[1] != 2 or array.dtype.kind not in "iu":
        raise ValueError(
            f"{where} must be pairs of ints, shape (m, 2); received shape "
            f"{array.shape}, dtype {array.dtype}."
        )
    array = np.sort(array.astype(np.int64), axis=1)
    loops = array[array[:, 0] == array[:, 1]]
    if len(loops):
        raise ValueError(
            f"{where} must join different sites; an edge joins a site with "
            f"itself: {loops[0].tolist()}."
        )
    if len(np.unique(array, axis=0)) < len(array):
        raise ValueError(f"{where} must be given once; an edge comes twice.")
    return array


def boundary(value: Any, where: str) -> bool | list[bool]:
    """A check: a bool, or a list of them, one for each dimension."""
    several = isinstance(value, (list, tuple, np.ndarray))
    wraps = value if several else [value]
    if not all(isinstance(wrap, (bool, np.bool_)) for wrap in wraps):
        checks.refuse(value, where, "a bool, or one for each dimension")
    return [bool(wrap) for wrap in wraps] if several else bool(value)


@keras.saving.register_keras_serializable("genzoo.features")
class Pairwise(Feature):
    """The products `x_i x_j`, so that correlations are constrained.

    Args:
        edges: pairs (i, j) of sites, in their flat order; None takes all.

    Raises:
        ValueError: if edges are not pairs of different sites, each once.

    Example:
    >>> ring = genzoo.features.Pairwise([(0, 1), (1, 2), (2, 0)])
    >>> model = genzoo.MaxEnt(genzoo.spaces.Spin(3), ring)
    >>> model.compile()
    >>> history = model.fit(observations=[0.5, 0.5, 0.5], verbose=0)
    >>> model.features.names
    ['x_0 x_1', 'x_1 x_2', 'x_0 x_2']
    """

    arguments: ClassVar[checks.Arguments] = {
        "edges": checks.optional(edge_array)
    }

    def __init__(self, edges: Any = None):
        (self.edges,) = checks.arguments(self, edges=edges)

    def count(self, space: Space) -> int:
        """The number of edges."""
        return edge_count("Pairwise", self.edges, space.event_shape)

    def pairs(self, space: Space) -> Array:
        """The edges on a space, an int array (m, 2)."""
        return edges_of("Pairwise", self.edges, space.width)

    def names(self, space: Space) -> list[str]:
        """x_0 x_1, and so on."""
        sites = space.site_names
        return [f"{sites[i]} {sites[j]}" for i, j in self.pairs(space)]

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        """Products, (batch, edges)."""
        x = flat(x)
        if self.edges is None and x.shape[-1] > 1:
            # Slices are far quicker than to gather columns.
            products = [
                x[:, i : i + 1] * x[:, i + 1 :] for i in range(x.shape[-1] - 1)
            ]
            return ops.concatenate(products, axis=-1)
        pairs = edges_of("Pairwise", self.edges, x.shape[-1])
        first, second = np.ascontiguousarray(pairs.T)
        return ops.take(x, first, axis=-1) * ops.take(x, second, axis=-1)

    def quadratic(self, space: Space) -> Quadratic:
        """Bilinear."""
        pairs = self.pairs(space)
        return Quadratic(NO_SITES, NO_SITES, pairs, np.arange(len(pairs)))

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {"edges": None if self.edges is None else self.edges.tolist()}


@keras.saving.register_keras_serializable("genzoo.features")
class LatticeBonds(Feature):
    """The sum `sum_<ij> x_i x_j` over the bonds of a lattice.

    One function, and so one coupling, for all nearest-neighbour bonds: the
    lattice's symmetry is built in. Minus its average is the energy of the
    Ising model with J = 1.

    Args:
        shape: of the lattice, an int or a tuple.
        periodic: whether opposite ends are bound; a bool, or one for each
            dimension.

    Raises:
        ValueError: for a bad shape or `periodic`.

    Example:
    >>> bonds = genzoo.features.LatticeBonds((4, 4))
    >>> ising = genzoo.MaxEnt(genzoo.spaces.Spin((4, 4)), bonds)
    >>> ising.multipliers = [0.4]
    >>> ising.sample(5, seed=0).shape
    (5, 4, 4)
    """

    arguments: ClassVar[checks.Arguments] = {
        "shape": checks.event_shape,
        "periodic": boundary,
    }

    def __init__(
        self,
        shape: int | tuple[int, ...],
        periodic: bool | list[bool] = True,
    ):
        self.shape, self.periodic = checks.arguments(
            self, shape=shape, periodic=periodic
        )
        self.wraps = _wraps(self.shape, self.periodic, "LatticeBonds: periodic")

    @functools.cached_property
    def bonds(self) -> Array:
        """Pairs of neighbours, an int array (bonds, 2)."""
        return lattice_bonds(self.shape, self.periodic)

    def count(self, space: Space) -> int:
        """One."""
        if int(np.prod(self.shape)) != space.width:
            raise ValueError(
                f"LatticeBonds: shape {self.shape} has "
                f"{int(np.prod(self.shape))} sites; the space has "
                f"{space.width}."
            )
        return 1

    def names(self, space: Space) -> list[str]:
        """Bonds."""
        self.count(space)
        return ["bonds"]

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        """The sum, (batch, 1)."""
        x = ops.reshape(flat(x), (-1, *self.shape))
        total = 0.0
        for axis, wraps in enumerate(self.wraps, 1):
            size = x.shape[axis]
            if size == 1:
                continue
            ends = [slice(None)] * axis
            following = x[(*ends, slice(1, size))]
            if wraps:
                # Not a roll, which LiteRT does not have.
                first = x[(*ends, slice(0, 1))]
                products = x * ops.concatenate([following, first], axis=axis)
            else:
                products = x[(*ends, slice(0, size - 1))] * following
            total += ops.sum(products, axis=range(1, x.ndim))
        if isinstance(total, float):
            total = ops.zeros_like(flat(x)[:, 0])
        return total[:, None]

    def quadratic(self, space: Space) -> Quadratic:
        """Bilinear, with one coefficient."""
        owner = np.zeros(len(self.bonds), np.int64)
        return Quadratic(NO_SITES, NO_SITES, self.bonds, owner)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {"shape": list(self.shape), "periodic": self.periodic}


def lattice_bonds(
    shape: int | tuple[int, ...], periodic: bool | list[bool] = True
) -> Array:
    """The nearest neighbours on a lattice, an int array (bonds, 2).

    A periodic dimension of length 2 has two bonds between the same sites.

    Args:
        shape: of the lattice, an int or a tuple.
        periodic: a bool, or one for each dimension.

    Raises:
        ValueError: if `periodic` has another length than `shape`.
    """
    sides = checks.event_shape(shape, "lattice_bonds: shape")
    sites = np.arange(int(np.prod(sides))).reshape(sides)
    bonds = []
    wrapped = _wraps(sides, periodic, "lattice_bonds: periodic")
    for axis, wraps in enumerate(wrapped):
        if sides[axis] == 1:
            continue
        following = np.roll(sites, -1, axis=axis)
        pairs = np.stack([sites, following], axis=-1)
        if not wraps:
            pairs = pairs.take(range(sides[axis] - 1), axis=axis)
        bonds.append(pairs.reshape(-1, 2))
    return np.concatenate(bonds) if bonds else np.zeros((0, 2), np.int64)


def _wraps(shape, wraps, where):
    """For each dimension whether its ends are bound, a list."""
    wraps = boundary(wraps, where)
    wraps = wraps if isinstance(wraps, list) else [wraps] * len(shape)
    if len(wraps) != len(shape):
        words = f"a bool, or one for each of the {len(shape)} dimensions"
        checks.refuse(wraps, where, words)
    return wraps


def edge_count(
    owner: str, edges: Array | str | None, shape: tuple[int, ...]
) -> int:
    """How many edges there are, without a list of them.

    Args:
        owner: who asks.
        edges: an int array (m, 2), None for all pairs of sites, or "lattice"
            for the neighbours on a periodic lattice, each pair once.
        shape: in which the sites are arranged.

    Raises:
        ValueError: if a site is not there.
    """
    width = math.prod(shape)
    if edges is None:
        return width * (width - 1) // 2
    if isinstance(edges, str):
        # Along a side of two, both bonds are between the same sites.
        return sum(width // (2 if n == 2 else 1) for n in shape if n > 1)
    if len(edges) and (edges.min() < 0 or edges.max() >= width):
        raise ValueError(
            f"{owner}: edges name sites {edges.min()} to {edges.max()}; the "
            f"space has {width}, numbered from 0."
        )
    return len(edges)


def edges_of(owner: str, edges: Array | None, width: int) -> Array:
    """The edges, or all pairs of sites, on `width` sites.

    Raises:
        ValueError: if a site is not there.
    """
    edge_count(owner, edges, (width,))
    if edges is None:
        pairs = list(itertools.combinations(range(width), 2))
        return np.array(pairs, np.int64).reshape(-1, 2)
    return edges
