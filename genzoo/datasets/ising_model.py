"""Configurations of the Ising model in equilibrium."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from genzoo import checks
from genzoo.datasets import lattices
from genzoo.runtime import random
from genzoo.runtime.memory import check_memory
from genzoo.samplers import ising as sampler
from genzoo.samplers import lattice_models
from genzoo.spaces.lattice import Lattice
from genzoo.types import Array, SeedLike

_MOST_WORDS = 64
_MOST_SITES = 2**21


def ising(
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
    """Equilibrium configurations of the Ising model.

    `p(s) = exp((J sum_<ij> s_i s_j + h sum_i s_i) / T) / Z` over the bonds
    between nearest neighbours; k_B = 1. Each configuration is the end of a
    run of its own, so that all are independent. Runs of ferromagnets start
    with all spins alike, up or down at random: no domain walls to freeze in,
    and at low temperature both signs are equally likely; antiferromagnets
    with each at random. They make heat bath sweeps and flip clusters in turn,
    64 of each and more on larger lattices, so many that less than a part
    exp(-9) of the start is left in the mean energy and squared magnetisation,
    at any temperature.

    Even square lattices of two dimensions without a field run 32 to a word,
    with Wolff clusters. All others flip each cluster of Swendsen and Wang, in
    a field as it wants them. Where bonds cannot all be satisfied, in
    antiferromagnets with a field, on triangles or on odd rings, clusters do
    not help, and up to 512 sweeps are made: for large ones, near T = 0 or a
    transition, compare with a run of twice the `sweeps`.

    Args:
        shape: sides of the lattice, any number of them, of any size.
        temperature: T > 0, in units of k_B. With J = 1 the critical one is
            2 / log(1 + sqrt 2) = 2.2692 on the square lattice, 4.5115 on the
            cubic one, 4 / log 3 = 3.6410 on the triangular one.
        n: number of configurations, 1 or more.
        seed: int or pair of ints. Configuration i depends on the model,
            temperature, seed and i only, not on n. Data sets of different
            temperatures share their random numbers unless the seeds differ,
            for example `seed=(0, number of the temperature)`.
        coupling: J; below 0 for antiferromagnets.
        field: h.
        boundary: "periodic" or "open", or a list, one for each side. A
            periodic side of two counts both its bonds.
        lattice: "square", of any dimension, "cubic" or "triangular".
        sweeps: heat bath sweeps, and as many moves of clusters, that a run
            makes. None takes a number by the kind and the size.

    Returns:
        An int8 array of shape (n, *shape), -1 and 1.

    Raises:
        ValueError: if an argument is out of range.

    Reference:
        Wolff, "Collective Monte Carlo updating for spin systems", Phys. Rev.
        Lett. 62, 1989. Swendsen and Wang, "Nonuniversal critical dynamics in
        Monte Carlo simulations", Phys. Rev. Lett. 58, 1987.

    Example:
    >>> x = genzoo.datasets.ising((8, 8), 2.27, 100)
    >>> x.shape, x.dtype
    ((100, 8, 8), dtype('int8'))
    >>> genzoo.datasets.ising((3, 5, 4), 4.5, 10, boundary="open").shape
    (10, 3, 5, 4)
    >>> genzoo.datasets.ising(
    ...     (6, 6), 2.0, 10, coupling=-1, lattice="triangular"
    ... ).shape
    (10, 6, 6)
    """
    owner = "datasets.ising"
    of_shape = Lattice(shape, boundary, lattice, owner, "boundary")
    sampler.positive_temperature(temperature, f"{owner}: temperature")
    checks.positive_int(n, f"{owner}: n")
    # Bits in words, unpacked once.
    check_memory(f"{owner}: n", n, math.prod(of_shape.shape), 2)
    coupling = checks.finite_number(coupling, f"{owner}: coupling")
    field = checks.finite_number(field, f"{owner}: field")
    if coupling and not field and _fits_words(of_shape):
        checks.optional(checks.positive_int)(sweeps, f"{owner}: sweeps")
        spins = _in_words(
            of_shape.shape, temperature / abs(coupling), n, seed, sweeps
        )
        # An antiferromagnet is a ferromagnet with every other spin reversed.
        return spins if coupling > 0 else spins * _checkerboard(of_shape.shape)
    return lattices.draw(
        owner,
        lattice_models.Ising,
        of_shape,
        temperature,
        n,
        seed,
        coupling,
        field,
        sweeps,
    )


def _fits_words(lattice):
    return (
        lattice.kind == "square"
        and len(lattice.shape) == 2
        and all(lattice.wraps)
        and not any(side % 2 for side in lattice.shape)
    )


def _checkerboard(shape):
    rows, columns = np.indices(shape)
    return (1 - 2 * ((rows + columns) % 2)).astype(np.int8)


def _in_words(shape, temperature, n, seed, sweeps):
    seed = random.as_seed(seed)
    steps = sweeps or _steps(shape)
    # Few sizes of batches, as XLA compiles for each. A smaller batch is the
    # beginning of a larger one.
    words = max(1, min(_MOST_WORDS, _MOST_SITES // math.prod(shape)))
    words = min(words, 2 ** math.ceil(math.log2(-(-n // sampler.LANES))))
    batch = words * sampler.LANES
    runs = [
        sampler.simulate(
            shape,
            temperature,
            steps,
            lattices=batch,
            seed=random.fold_in(seed, number),
            algorithm="hybrid",
            every=steps,
        ).spins
        for number in range(-(-n // batch))
    ]
    return np.concatenate(runs)[:n]


def _steps(shape):
    """Heat bath sweeps, and as many clusters, from the ordered start.

    Energy and squared magnetisation were measured to forget that start by a
    factor e every 7 steps or fewer on 64 x 64 sites, every 20 on 128 x 128,
    slowest a little above the critical temperature, where clusters are a
    small part of the lattice. So a part of exp(-9) at most is left.
    """
    return math.ceil(64 * max(1.0, (max(shape) / 64) ** 1.5))
