"""Lattices: which sites are neighbours, and which may change together.

A lattice is "square", of any number of dimensions (a chain, a square, a cube),
or "triangular": the square one in two dimensions with the bonds of one
diagonal besides. Each direction gives every site one bond to its next site.
On a periodic side of two, the two bonds between a pair are both counted; a
bond from a site to itself, on a periodic side of one, is none.
"""

import functools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from genzoo import checks
from genzoo.types import Array

KINDS = ("square", "cubic", "triangular")
_shape = checks.shape(2**28)
_WORDS = {"periodic": True, "open": False}


def boundary(value: Any, where: str) -> bool | list[bool]:
    """A check: "periodic" or "open", or a list, one for each dimension.

    Bools say whether it is periodic. They are what is returned.
    """
    several = isinstance(value, (list, tuple, np.ndarray))
    found = []
    for wrap in value if several else [value]:
        if isinstance(wrap, str) and wrap in _WORDS:
            wrap = _WORDS[wrap]
        if not isinstance(wrap, (bool, np.bool_)):
            words = 'a bool, "periodic" or "open", or one for each dimension'
            checks.refuse(value, where, words)
        found.append(bool(wrap))
    return found if several else found[0]


class Lattice:
    """Sites in a row-major array, and the bonds between neighbours.

    Args:
        shape: an int or a tuple of them, of any size.
        periodic: "periodic" or "open", or a bool; or one for each dimension.
        kind: "square", "triangular", or "cubic", which is "square" with three
            sides.
        where: for messages.
        name: of `periodic` in them.

    Raises:
        ValueError: if an argument is out of range, or if they do not match.

    Example:
    >>> Lattice = genzoo.spaces.lattice.Lattice
    >>> len(Lattice((3, 3)).bonds), len(Lattice((3, 3), "open").bonds)
    (18, 12)
    >>> len(Lattice((3, 3), kind="triangular").bonds)
    27
    """

    def __init__(
        self,
        shape: int | Sequence[int],
        periodic: Any = True,
        kind: str = "square",
        where: str = "Lattice",
        name: str = "periodic",
    ):
        self.shape = _shape(shape, f"{where}: shape")
        kind = checks.one_of(*KINDS)(kind, f"{where}: lattice")
        sides = {"cubic": 3, "triangular": 2}.get(kind, len(self.shape))
        if len(self.shape) != sides:
            words = f'of {sides} sides for lattice="{kind}"'
            checks.refuse(self.shape, f"{where}: shape", words)
        self.kind = "triangular" if kind == "triangular" else "square"
        wraps = boundary(periodic, f"{where}: {name}")
        wraps = wraps if isinstance(wraps, list) else [wraps] * sides
        if len(wraps) != sides:
            words = (
                'a bool, "periodic" or "open", or one for each of the '
                f"{sides} dimensions"
            )
            checks.refuse(periodic, f"{where}: {name}", words)
        self.wraps = wraps

    @property
    def sites(self) -> int:
        """Their number."""
        return math.prod(self.shape)

    @property
    def directions(self) -> list[tuple[int, ...]]:
        """The axes along which a step leads to the next site.

        Those that lead from each site to itself are left out.
        """
        steps: list[tuple[int, ...]] = [
            (axis,) for axis in range(len(self.shape))
        ]
        if self.kind == "triangular":
            steps.append((0, 1))
        return [s for s in steps if any(self.shape[a] > 1 for a in s)]

    @functools.cached_property
    def bonds(self) -> Array:
        """Pairs of neighbours, an int array (bonds, 2)."""
        sites = np.arange(self.sites).reshape(self.shape)
        found = [np.zeros((0, 2), np.int64)]
        for axes in self.directions:
            near, far = sites, sites
            for axis in axes:
                far = np.roll(far, -1, axis)
                if not self.wraps[axis]:
                    kept = range(self.shape[axis] - 1)
                    near, far = near.take(kept, axis), far.take(kept, axis)
            found.append(np.stack([near, far], axis=-1).reshape(-1, 2))
        return np.concatenate(found)

    @functools.cached_property
    def neighbours(self) -> Array:
        """Those of each site, (sites, most); `sites` where there is none."""
        count = self.sites
        ends = np.concatenate([self.bonds, self.bonds[:, ::-1]])
        ends = ends[np.argsort(ends[:, 0], kind="stable")]
        degree = np.bincount(ends[:, 0], minlength=count)
        first = np.cumsum(degree) - degree
        place = np.arange(len(ends)) - first[ends[:, 0]]
        found = np.full((count, degree.max(initial=0)), count)
        found[ends[:, 0], place] = ends[:, 1]
        return found

    @functools.cached_property
    def colours(self) -> list[Array]:
        """Sites by colour, such that neighbours have different colours.

        Two colours where sides are even or open, three where one is odd;
        three to nine of a triangular lattice.
        """
        lines = [
            _line(side, wraps)
            for side, wraps in zip(self.shape, self.wraps, strict=True)
        ]
        grid = np.indices(self.shape)
        if self.kind == "square":
            most = max((line.max() for line in lines), default=0) + 1
            number = sum(lines[a][grid[a]] for a in range(len(lines)))
            number = number % max(most, 1)
        elif all(
            not wraps or side % 3 == 0
            for side, wraps in zip(self.shape, self.wraps, strict=True)
        ):
            number = (grid[0] + grid[1]) % 3
        else:
            number = 3 * lines[0][grid[0]] + lines[1][grid[1]]
        number = number.ravel()
        return [np.flatnonzero(number == c) for c in np.unique(number)]


def _line(side, wraps):
    """Colours 0, 1 and, for a ring of odd length, 2."""
    colours = np.arange(side) % 2
    if wraps and side % 2 and side > 1:
        colours[-1] = 2
    return colours
