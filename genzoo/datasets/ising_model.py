"""Configurations of the two-dimensional Ising model in equilibrium."""

import math
from collections.abc import Sequence

import numpy as np

from genzoo import checks
from genzoo.runtime import random
from genzoo.samplers import ising as sampler
from genzoo.types import Array, SeedLike

_MOST_WORDS = 64
_MOST_SITES = 2**21


def ising(
    shape: Sequence[int], temperature: float, n: int, seed: SeedLike = 0
) -> Array:
    """Equilibrium configurations of the Ising model on a torus.

    `p(s) = exp(sum s_i s_j / T) / Z` over nearest neighbours, periodic in
    both directions, no field, J = k_B = 1. Each configuration is the end of
    a run of its own, so that all are independent. A run starts with all spins
    alike, up or down at random: no domain walls to freeze in, and at low
    temperature both signs are equally likely. It makes heat bath sweeps and
    flips Wolff clusters in turn, 64 of each and more on larger lattices, so
    many that less than a part exp(-9) of the start is left in the mean energy
    and squared magnetisation, at any temperature.

    Args:
        shape: (rows, columns), even.
        temperature: T > 0 in units of J / k_B; the critical one is
            2 / log(1 + sqrt 2) = 2.2692.
        n: number of configurations, 1 or more.
        seed: int or pair of ints. Configuration i depends on shape,
            temperature, seed and i only, not on n. Data sets of different
            temperatures share their random numbers unless the seeds differ,
            for example `seed=(0, number of the temperature)`.

    Returns:
        An int8 array of shape (n, rows, columns), -1 and 1.

    Raises:
        ValueError: if an argument is out of range.

    Reference:
        Wolff, "Collective Monte Carlo updating for spin systems", Phys. Rev.
        Lett. 62, 1989.

    Example:
    >>> x = genzoo.datasets.ising((8, 8), 2.27, 100)
    >>> x.shape, x.dtype
    ((100, 8, 8), dtype('int8'))
    """
    owner = "datasets.ising"
    sampler.even_shape(shape, f"{owner}: shape")
    sampler.positive_temperature(temperature, f"{owner}: temperature")
    checks.positive_int(n, f"{owner}: n")
    seed = random.as_seed(seed)
    steps = _steps(shape)
    # Few sizes of batches, as XLA compiles for each. A smaller batch is the
    # beginning of a larger one.
    words = max(1, min(_MOST_WORDS, _MOST_SITES // math.prod(shape)))
    words = min(words, 2 ** math.ceil(math.log2(-(-n // sampler.LANES))))
    batch = words * sampler.LANES
    runs = [
        sampler.simulate(
            (shape[0], shape[1]),
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
