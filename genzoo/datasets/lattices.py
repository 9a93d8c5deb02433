"""Configurations of Potts, clock and XY models on lattices in equilibrium."""

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from genzoo import checks
from genzoo.runtime import random
from genzoo.runtime.memory import check_memory
from genzoo.samplers import lattice_models, lattice_moves
from genzoo.samplers.ising import positive_temperature
from genzoo.spaces.lattice import Lattice
from genzoo.types import Array, SeedLike

# Numbers that a move works on at a time.
_MOST_NUMBERS = 2**21
# Beyond, nothing changes but what floating point does.
_COLDEST = 1e6
_states = checks.whole(2, 1000)


def potts(
    shape: int | Sequence[int],
    temperature: float,
    n: int,
    seed: SeedLike = 0,
    *,
    states: int = 3,
    coupling: float = 1.0,
    field: float = 0.0,
    boundary: Any = "periodic",
    lattice: str = "square",
    sweeps: int | None = None,
) -> Array:
    """Equilibrium configurations of the Potts model.

    `p(x) = exp((J sum_<ij> [x_i = x_j] + h sum_i [x_i = 0]) / T) / Z` with
    levels 0, ..., states - 1, over the bonds between neighbours; k_B = 1. In
    two dimensions, J = 1, it is critical at T = 1 / log(1 + sqrt(states));
    with two states it is the Ising model at twice the temperature.

    As of `ising`, configurations are the ends of independent runs of heat
    bath sweeps and clusters in turn. Where the transition is of first order
    (more than four states in two dimensions, more than two in three), both
    phases hold for a time exponential in the area between them: within a
    part in a thousand of that temperature compare with a run of twice the
    `sweeps`.

    Args:
        shape: sides of the lattice, any number of them, of any size.
        temperature: T > 0, in units of k_B.
        n: number of configurations, 1 or more.
        seed: int or pair of ints, as of `ising`.
        states: number of levels, 2 or more.
        coupling: J; below 0 for antiferromagnets.
        field: h, in favour of level 0.
        boundary: "periodic" or "open", or a list, one for each side. A
            periodic side of two counts both its bonds.
        lattice: "square", of any dimension, "cubic" or "triangular".
        sweeps: heat bath sweeps, and as many updates of all clusters, that a
            run makes. None takes a number by the kind and the size.

    Returns:
        An int8 array (n, *shape) of 0, ..., states - 1 (int16 from 128 on).

    Raises:
        ValueError: if an argument is out of range.

    Reference:
        Wu, "The Potts model", Rev. Mod. Phys. 54, 1982.

    Example:
    >>> x = genzoo.datasets.potts((6, 6), 0.995, 100, states=3)
    >>> x.shape, sorted(set(x.ravel().tolist()))
    ((100, 6, 6), [0, 1, 2])
    """
    owner = "datasets.potts"
    states = _states(states, f"{owner}: states")
    of_shape = Lattice(shape, boundary, lattice, owner, "boundary")
    kind = functools.partial(lattice_models.Potts, states)
    return draw(
        owner, kind, of_shape, temperature, n, seed, coupling, field, sweeps
    )


def clock(
    shape: int | Sequence[int],
    temperature: float,
    n: int,
    seed: SeedLike = 0,
    *,
    states: int = 6,
    coupling: float = 1.0,
    field: float = 0.0,
    boundary: Any = "periodic",
    lattice: str = "square",
    sweeps: int | None = None,
) -> Array:
    """Equilibrium configurations of the clock model.

    `p(x) = exp((J sum_<ij> cos(a_i - a_j) + h sum_i cos a_i) / T) / Z` with
    angles `a = 2 pi x / states` of levels x = 0, ..., states - 1; k_B = 1.
    With two states it is the Ising model, with three the Potts model at 3 / 2
    of its temperature, with many the XY model.

    Args:
        shape: sides of the lattice, any number of them, of any size.
        temperature: T > 0, in units of k_B.
        n: number of configurations, 1 or more.
        seed: int or pair of ints, as of `ising`.
        states: number of levels, 2 or more.
        coupling: J; below 0 for antiferromagnets.
        field: h, in favour of level 0.
        boundary: "periodic" or "open", or a list, one for each side. A
            periodic side of two counts both its bonds.
        lattice: "square", of any dimension, "cubic" or "triangular".
        sweeps: heat bath sweeps, and as many updates of all clusters, that a
            run makes. None takes a number by the kind and the size.

    Returns:
        An int8 array (n, *shape) of 0, ..., states - 1 (int16 from 128 on).

    Raises:
        ValueError: if an argument is out of range.

    Reference:
        Jose, Kadanoff, Kirkpatrick and Nelson, "Renormalization, vortices,
        and symmetry-breaking perturbations in the two-dimensional planar
        model", Phys. Rev. B 16, 1977.

    Example:
    >>> x = genzoo.datasets.clock((4, 4), 0.8, 100, states=6)
    >>> angles = 2 * np.pi * x / 6
    >>> angles.shape
    (100, 4, 4)
    """
    owner = "datasets.clock"
    states = _states(states, f"{owner}: states")
    of_shape = Lattice(shape, boundary, lattice, owner, "boundary")
    kind = functools.partial(lattice_models.Clock, states)
    return draw(
        owner, kind, of_shape, temperature, n, seed, coupling, field, sweeps
    )


def xy(
    shape: int | Sequence[int],
    temperature: float,
    n: int,
    seed: SeedLike = 0,
    *,
    coupling: float = 1.0,
    field: float = 0.0,
    boundary: Any = "periodic",
    lattice: str = "square",
    sweeps: int | None = None,
) -> Array:
    """Equilibrium configurations of the XY model.

    `p(x) = exp((J sum_<ij> cos(x_i - x_j) + h sum_i cos x_i) / T)` per
    d x, but for Z, with angles x; k_B = 1. Vortices unbind at T = 0.893 in
    two dimensions.

    Args:
        shape: sides of the lattice, any number of them, of any size.
        temperature: T > 0, in units of k_B.
        n: number of configurations, 1 or more.
        seed: int or pair of ints, as of `ising`.
        coupling: J; below 0 for antiferromagnets.
        field: h, in favour of the angle 0.
        boundary: "periodic" or "open", or a list, one for each side. A
            periodic side of two counts both its bonds.
        lattice: "square", of any dimension, "cubic" or "triangular".
        sweeps: heat bath sweeps, each with one of over-relaxation and one
            update of all clusters, that a run makes. None takes a number by
            the size.

    Returns:
        Angles from -pi to pi, float32, (n, *shape).

    Raises:
        ValueError: if an argument is out of range.

    Reference:
        Kosterlitz and Thouless, "Ordering, metastability and phase
        transitions in two-dimensional systems", J. Phys. C 6, 1973.

    Example:
    >>> x = genzoo.datasets.xy((4, 4), 1.0, 100)
    >>> x.shape, bool(abs(x).max() <= np.pi)
    ((100, 4, 4), True)
    """
    owner = "datasets.xy"
    of_shape = Lattice(shape, boundary, lattice, owner, "boundary")
    vectors = draw(
        owner,
        lattice_models.XY,
        of_shape,
        temperature,
        n,
        seed,
        coupling,
        field,
        sweeps,
    )
    return np.angle(vectors)


def draw(
    owner: str,
    kind: Callable[[float, float], lattice_models.Model],
    lattice: Lattice,
    temperature: float,
    n: int,
    seed: SeedLike,
    coupling: float,
    field: float,
    sweeps: int | None,
) -> Array:
    """Ends of independent runs, (n, *shape) of what the kind's spins are.

    Ferromagnets start with all spins of a lattice alike, one of all ways at
    random, antiferromagnets with all spins at random.

    Args:
        owner: for messages.
        kind: makes a model of coupling / T and field / T.
        lattice: the `Lattice`.
        temperature: T.
        n: number of configurations.
        seed: of all.
        coupling: J.
        field: h.
        sweeps: of each run, or None.

    Raises:
        ValueError: if an argument is out of range.
    """
    positive_temperature(temperature, f"{owner}: temperature")
    checks.positive_int(n, f"{owner}: n")
    check_memory(f"{owner}: n", n, math.prod(lattice.shape), 8)
    coupling = checks.finite_number(coupling, f"{owner}: coupling")
    field = checks.finite_number(field, f"{owner}: field")
    sweeps = checks.optional(checks.positive_int)(sweeps, f"{owner}: sweeps")
    largest = max(abs(coupling), abs(field))
    beta = min(1 / temperature, _COLDEST / largest if largest else 0.0)
    model = kind(beta * coupling, beta * field)
    seed = random.as_seed(seed)
    sweeps = sweeps or _sweeps(lattice, model)
    moves = [lattice_moves.heat_bath(model, lattice)]
    if isinstance(model, lattice_models.XY):
        moves.append(lattice_moves.over_relaxation(model, lattice))
    moves.append(lattice_moves.clusters(model, lattice))
    size = max(1, _MOST_NUMBERS // (lattice.sites * 8))
    found = []
    for first in range(0, n, size):
        rows = seed.at_row(first)
        x = _start(model, lattice, min(size, n - first), rows)
        for number in range(1, sweeps + 1):
            its = random.split(random.fold_in(rows, number), len(moves))
            for move, its_seed in zip(moves, its, strict=True):
                x = move(its_seed, x)
        found.append(x)
    return np.concatenate(found).reshape(-1, *lattice.shape)


def _start(model, lattice, n, seed):
    alike = 1 if model.coupling > 0 else lattice.sites
    uniform = random.uniform((n, alike), random.fold_in(seed, 0)).numpy()
    return np.repeat(model.values(uniform), lattice.sites // alike, axis=1)


def _sweeps(lattice, model):
    """Sweeps from the start, for about exp(-9) of it to be left.

    Energy and squared magnetisation were measured to forget it, where they
    take longest, by a factor e every so many sweeps: Ising, clock and XY 3 to
    10 of sides of 8 to 32, a little more in three dimensions than in two;
    Potts with 3 states 7 to 23 of sides of 16 to 48, with more states 20 to
    30 of 16 to 32, all as the side or slower. Where clusters do not help, the
    area is taken to count, as of local moves: 15 were measured on 16 x 16
    antiferromagnets in a field, 8 on cold triangular ones of 12 x 12.
    """
    side = max(lattice.shape)
    clashes = model.coupling < 0 and (
        len(lattice.colours) > 2 or model.field != 0
    )
    if clashes:
        return min(max(128, side**2 // 2), 512)
    if isinstance(model, lattice_models.Potts) and model.states > 2:
        return max(64, (4 if model.states == 3 else 12) * side)
    return math.ceil(64 * max(1.0, (side / 24) ** 0.75))
