"""Moves of spins on any lattice, many lattices at a time, on the host.

A move is a pure function `(seed, x) -> x` of arrays (lattices, sites). What a
row becomes depends on the seed and its number only.
"""

from collections.abc import Callable

import numpy as np

from genzoo.runtime import random
from genzoo.samplers.lattice_models import XY, Model
from genzoo.spaces.lattice import Lattice
from genzoo.types import Array

Move = Callable[[random.Seed, Array], Array]


def heat_bath(model: Model, lattice: Lattice) -> Move:
    """Draws each site given its neighbours, one colour after the other.

    Example:
    >>> samplers = genzoo.samplers
    >>> lattice = genzoo.spaces.lattice.Lattice((3, 3), kind="triangular")
    >>> model = samplers.lattice_models.Ising(coupling=0.2)
    >>> sweep = samplers.lattice_moves.heat_bath(model, lattice)
    >>> sweep(genzoo.random.as_seed(0), np.ones((5, 9), "int8")).shape
    (5, 9)
    """

    def sweep(seed: random.Seed, x: Array) -> Array:
        shape = (*x.shape, model.numbers)
        uniform = random.uniform(shape, seed).numpy()

        def draw(sites, own, near):
            return model.drawn(own, near, uniform[:, sites])

        return _by_colours(model, lattice, x, draw)

    return sweep


def over_relaxation(model: XY, lattice: Lattice) -> Move:
    """Mirrors each spin at the field of its neighbours: no energy is paid."""

    def sweep(seed: random.Seed, x: Array) -> Array:
        del seed
        return _by_colours(
            model, lattice, x, lambda _, own, near: model.turned(own, near)
        )

    return sweep


def _by_colours(model, lattice, x, rule):
    ghost = np.full((len(x), 1), model.nothing, x.dtype)
    x = np.concatenate([x, ghost], axis=1)
    for sites in lattice.colours:
        near = [x[:, each] for each in lattice.neighbours[sites].T]
        x[:, sites] = rule(sites, x[:, sites], near)
    return x[:, :-1]


def clusters(model: Model, lattice: Lattice) -> Move:
    """Flips each cluster with probability 1 / 2, or as the field wants it.

    All clusters of Swendsen and Wang, of a symmetry that all lattices share;
    the field decides on each cluster as a heat bath.
    """
    first, second = lattice.bonds.T

    def flip(seed: random.Seed, x: Array) -> Array:
        of_axis, of_bonds, of_clusters = random.split(seed, 3)
        axis = random.uniform((1, 1024), of_axis.at_row(0)).numpy()[0]
        image = model.reflected(x, axis)
        number = random.uniform((len(x), len(first)), of_bonds).numpy()
        joined = model.joined(
            x[:, first], x[:, second], image[:, first], number
        )
        rows, bonds = np.nonzero(joined)
        ends = [rows * x.shape[1] + end[bonds] for end in (first, second)]
        roots = components(x.size, *ends)
        chance: float | Array = 0.5
        if model.field:
            gain = np.bincount(roots, model.gain(x, image).ravel(), x.size)
            chance = np.exp(-np.logaddexp(0, -gain))
        coins = random.uniform(x.shape, of_clusters).numpy().ravel()
        flips = (coins < chance)[roots].reshape(x.shape)
        return np.where(flips, image, x)

    return flip


def components(nodes: int, first: Array, second: Array) -> Array:
    """For each node the least node that edges lead to, (nodes,).

    Roots hang on to smaller roots beside them, all at once, until no edge is
    left between two trees: a number of rounds like the logarithm of nodes.

    Args:
        nodes: their number.
        first: an end of each edge, ints below it.
        second: the other.
    """
    kind = np.int32 if nodes < 2**31 else np.int64
    parent = np.arange(nodes, dtype=kind)
    first, second = first.astype(kind), second.astype(kind)
    while len(first):
        high, low = np.maximum(first, second), np.minimum(first, second)
        parent[high] = low
        first, second = _root(parent, high), _root(parent, low)
        kept = first != second
        first, second = first[kept], second[kept]
    return _root(parent, parent)


def _root(parent, nodes):
    while True:
        above = parent[nodes]
        if np.array_equal(above, nodes):
            return nodes
        nodes = above
