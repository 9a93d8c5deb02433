"""Products of two sites: all pairs, a graph's edges, a lattice's bonds."""

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
from genzoo.spaces.lattice import KINDS, Lattice
from genzoo.spaces.lattice import boundary as ends
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
    Ising model with J = 1, or with `equal` that of the Potts model,
    `-sum_<ij> [x_i = x_j]`.

    Args:
        shape: of the lattice, an int or a tuple of any number of sides.
        periodic: whether opposite ends are bound; a bool, or one for each
            dimension. A periodic side of two has both its bonds.
        lattice: "square", of any dimension, "cubic" or "triangular".
        equal: whether a bond counts 1 where its sites are equal, else 0,
            instead of their product.
        boundary: `periodic` in words: "periodic" or "open", or a list.

    Raises:
        ValueError: for a bad shape, `periodic` or `lattice`.

    Example:
    >>> bonds = genzoo.features.LatticeBonds((4, 4))
    >>> ising = genzoo.MaxEnt(genzoo.spaces.Spin((4, 4)), bonds)
    >>> ising.multipliers = [0.4]
    >>> ising.sample(5, seed=0).shape
    (5, 4, 4)
    >>> bonds = genzoo.features.LatticeBonds((2, 2), equal=True)
    >>> potts = genzoo.MaxEnt(genzoo.spaces.Categorical(range(3), 4), bonds)
    >>> potts.features.names
    ['equal bonds']
    """

    arguments: ClassVar[checks.Arguments] = {
        "shape": checks.event_shape,
        "periodic": ends,
        "lattice": checks.one_of(*KINDS),
        "equal": checks.flag,
    }
    # Of a preset that was saved without.
    _newer_arguments: ClassVar[dict[str, Any]] = {
        "lattice": "square",
        "equal": False,
    }

    def __init__(
        self,
        shape: int | tuple[int, ...],
        periodic: bool | str | list = True,
        lattice: str = "square",
        equal: bool = False,
        boundary: str | list | None = None,
    ):
        given = {"periodic": periodic, "boundary": boundary}
        name = "periodic" if boundary is None else "boundary"
        self.shape, self.periodic, self.lattice, self.equal = checks.arguments(
            self,
            shape=shape,
            periodic=ends(given[name], f"LatticeBonds: {name}"),
            lattice=lattice,
            equal=equal,
        )
        self._lattice = Lattice(
            self.shape, self.periodic, self.lattice, "LatticeBonds", name
        )

    @property
    def wraps(self) -> list[bool]:
        """For each dimension whether its ends are bound."""
        return self._lattice.wraps

    @property
    def bonds(self) -> Array:
        """Pairs of neighbours, an int array (bonds, 2)."""
        return self._lattice.bonds

    def count(self, space: Space) -> int:
        """One."""
        if self._lattice.sites != space.width:
            raise ValueError(
                f"LatticeBonds: shape {self.shape} has {self._lattice.sites} "
                f"sites; the space has {space.width}."
            )
        return 1

    def names(self, space: Space) -> list[str]:
        """Bonds."""
        self.count(space)
        return ["equal bonds" if self.equal else "bonds"]

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        """The sum, (batch, 1)."""
        x = ops.reshape(flat(x), (-1, *self.shape))
        total = 0.0
        for axes in self._lattice.directions:
            near, far = x, x
            for axis in axes:
                near, far = self._stepped(near, far, axis)
            found = ops.cast(near == far, x.dtype) if self.equal else near * far
            total += ops.sum(found, axis=range(1, x.ndim))
        if isinstance(total, float):
            total = ops.zeros_like(flat(x)[:, 0])
        return total[:, None]

    def _stepped(self, near, far, axis):
        """Sites that have a next one along an axis, and these."""
        size, ends = self.shape[axis], [slice(None)] * (axis + 1)
        following = far[(*ends, slice(1, size))]
        if not self.wraps[axis]:
            return near[(*ends, slice(0, size - 1))], following
        # Not a roll, which LiteRT does not have.
        first = far[(*ends, slice(0, 1))]
        return near, ops.concatenate([following, first], axis=axis + 1)

    def quadratic(self, space: Space) -> Quadratic | None:
        """Bilinear, with one coefficient, in x or in all its indicators."""
        pairs, values = self.bonds, None
        if self.equal:
            found = {v if v is None else tuple(v) for v in space.levels}
            (values,) = found if len(found) == 1 else (None,)
            if values is None:
                return None
            pairs = (
                pairs[:, None] * len(values) + np.arange(len(values))[:, None]
            )
            pairs = pairs.reshape(-1, 2)
        owner = np.zeros(len(pairs), np.int64)
        return Quadratic(
            NO_SITES, NO_SITES, pairs, owner, values, complete=self.equal
        )

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {
            "shape": list(self.shape),
            "periodic": self.periodic,
            "lattice": self.lattice,
            "equal": self.equal,
        }


def lattice_bonds(
    shape: int | tuple[int, ...], periodic: bool | list[bool] = True
) -> Array:
    """The nearest neighbours on a square lattice, an int array (bonds, 2).

    Args:
        shape: of the lattice, an int or a tuple.
        periodic: a bool, or one for each dimension.

    Raises:
        ValueError: if `periodic` has another length than `shape`.
    """
    return Lattice(shape, periodic, where="lattice_bonds").bonds


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
