"""Observables of spins on lattices, with errors that know correlations.

Configurations are arrays (n, *lattice) of -1 and +1, of a lattice of any
dimension and size: samples of a model, or the states of a Markov chain in
their order. Units are such that k_B = 1.

Example:
>>> x = np.random.default_rng(0).choice([-1, 1], (500, 8, 8))
>>> found = genzoo.metrics.lattice.thermodynamics(x, temperature=1e3)
>>> exact = genzoo.partition.torus_energy((8, 8), 1e3)
>>> bool(abs(found.energy.value - exact) < 5 * found.energy.stderr)
True
"""

from typing import NamedTuple

import numpy as np

from genzoo import checks
from genzoo.metrics.numerics.estimate import Estimate
from genzoo.metrics.numerics.series import Spread, spread
from genzoo.types import Array, ArrayLike

__all__ = [
    "Correlation",
    "Thermodynamics",
    "correlation",
    "energy",
    "magnetisation",
    "mean",
    "thermodynamics",
]


class Thermodynamics(NamedTuple):
    """What a series of configurations says, each an `Estimate`.

    Attributes:
        energy: <E> / N, of N spins.
        magnetisation: <|m|>, with m the mean spin of a configuration.
        specific_heat: (<E^2> - <E>^2) / (N T^2).
        susceptibility: N (<m^2> - <|m|>^2) / T.
        binder_cumulant: 1 - <m^4> / (3 <m^2>^2), of m itself.
        energy_time: the integrated autocorrelation time of E, in rows: 1/2
            for independent ones.
        magnetisation_time: that of |m|.
    """

    energy: Estimate
    magnetisation: Estimate
    specific_heat: Estimate
    susceptibility: Estimate
    binder_cumulant: Estimate
    energy_time: float
    magnetisation_time: float


class Correlation(NamedTuple):
    """<s_i s_j> of spins along an axis, by distance.

    Attributes:
        distance: 0, 1, 2, ..., (distances,).
        value: (distances,).
        stderr: its standard errors, (distances,).
    """

    distance: Array
    value: Array
    stderr: Array


def energy(
    x: ArrayLike,
    coupling: float = 1.0,
    field: float = 0.0,
    periodic: bool = True,
) -> Array:
    """E / N of each configuration, `-J sum s_i s_j / N - h m`, (n,).

    The sum is over bonds between nearest neighbours. A periodic side of 2
    counts both its bonds, as `partition.torus_log_partition` does; one of 1
    has none.

    Args:
        x: configurations, (n, *lattice).
        coupling: J.
        field: h.
        periodic: whether opposite ends are neighbours.

    Raises:
        ValueError: unless x holds such spins.

    Example:
    >>> float(genzoo.metrics.lattice.energy(np.ones((1, 3, 5)))[0])
    -2.0
    """
    x = _spins("energy", x)
    bonds = sum(_bonds(x, axis, 1, periodic) for axis in _axes(x))
    rest = x.reshape(len(x), -1)
    return -coupling * bonds / rest.shape[1] - field * rest.mean(axis=1)


def magnetisation(x: ArrayLike) -> Array:
    """m, the mean spin of each configuration, (n,).

    Args:
        x: configurations, (n, *lattice).

    Raises:
        ValueError: unless x holds such spins.

    Example:
    >>> float(genzoo.metrics.lattice.magnetisation([[1, 1, 1, -1]])[0])
    0.5
    """
    x = _spins("magnetisation", x)
    return x.reshape(len(x), -1).mean(axis=1)


def thermodynamics(
    x: ArrayLike,
    temperature: float,
    coupling: float = 1.0,
    field: float = 0.0,
    periodic: bool = True,
    chains: int = 1,
    independent: bool = False,
) -> Thermodynamics:
    """Averages and fluctuations of configurations, with standard errors.

    Variances are made free of the bias that their means are those of the
    same rows. Errors come from the autocorrelation of the linear part of
    each quantity, by Wolff's method: rows need not be independent, but must
    have reached equilibrium.

    Args:
        x: configurations in the order of a Markov chain, (n, *lattice).
        temperature: T.
        coupling: J of the energy.
        field: h of the energy.
        periodic: whether opposite ends are neighbours.
        chains: how many chains of the same length x holds, one after the
            other.
        independent: whether all rows are independent, as exact samples are;
            then there are no correlations to be found.

    Raises:
        ValueError: unless x holds such spins, two or more to a chain.

    Example:
    >>> x = np.ones((10, 4, 4))
    >>> found = genzoo.metrics.lattice.thermodynamics(x, temperature=2.0)
    >>> found.energy
    Estimate(value=-2.0, stderr=0.0)
    """
    where = "lattice.thermodynamics"
    checks.positive_number(temperature, f"{where}: temperature")
    x = _spins("thermodynamics", x)
    sites = x[0].size
    e = energy(x, coupling, field, periodic)
    m = magnetisation(x)
    of_e, of_m = (
        _spread(where, values, chains, independent) for values in (e, abs(m))
    )

    def fluctuation(values, time, factor):
        square = (values - values.mean()) ** 2
        value = square.mean() / max(1 - 2 * time / len(values), 1e-9)
        error = _spread(where, square, chains, independent).stderr
        return Estimate(float(factor * value), float(factor * error))

    second, fourth = np.mean(m**2), np.mean(m**4)
    binder = 1 - fourth / (3 * second**2) if second else 0.0
    slope = 0.0 * m
    if second:
        slope = (2 * fourth * m**2 / second - m**4) / (3 * second**2)
    return Thermodynamics(
        Estimate(float(e.mean()), of_e.stderr),
        Estimate(float(abs(m).mean()), of_m.stderr),
        fluctuation(e, of_e.time, sites / temperature**2),
        fluctuation(abs(m), of_m.time, sites / temperature),
        Estimate(
            float(binder), _spread(where, slope, chains, independent).stderr
        ),
        of_e.time,
        of_m.time,
    )


def correlation(
    x: ArrayLike,
    periodic: bool = True,
    chains: int = 1,
    independent: bool = False,
) -> Correlation:
    """<s_i s_j> of spins at each distance along the axes of the lattice.

    Averaged over places and axes, up to half of the shortest side. What is
    left of it at large distances is the square of the magnetisation.

    Args:
        x: configurations in the order of a Markov chain, (n, *lattice).
        periodic: whether opposite ends are neighbours.
        chains: how many chains of the same length x holds.
        independent: whether all rows are independent.

    Raises:
        ValueError: unless x holds such spins, two or more to a chain.

    Example:
    >>> stripes = np.tile([[1, -1, 1, -1]], (3, 1))
    >>> genzoo.metrics.lattice.correlation(stripes).value.tolist()
    [1.0, -1.0, 1.0]
    """
    x = _spins("correlation", x)
    axes = _axes(x)
    most = min((x.shape[axis] for axis in axes), default=1) // 2
    found = []
    for distance in range(most + 1):
        series = np.ones(len(x))
        if distance:
            products = [_bonds(x, axis, distance, periodic) for axis in axes]
            counts = [
                x[0].size // x.shape[axis] * _pairs(x, axis, distance, periodic)
                for axis in axes
            ]
            series = sum(products) / sum(counts)
        error = _spread("lattice.correlation", series, chains, independent)
        found.append((float(series.mean()), error.stderr))
    value, stderr = np.array(found).T
    return Correlation(np.arange(most + 1), value, stderr)


def mean(
    series: ArrayLike, chains: int = 1, independent: bool = False
) -> Estimate:
    """The mean of any numbers in the order of a Markov chain, (n,).

    Args:
        series: the numbers, (n,).
        chains: how many chains of the same length it holds.
        independent: whether all are independent.

    Raises:
        ValueError: unless it holds two or more finite numbers to a chain.

    Example:
    >>> found = genzoo.metrics.lattice.mean([1.0, 2.0, 3.0], independent=True)
    >>> round(found.value, 3), round(found.stderr, 3)
    (2.0, 0.577)
    """
    values = checks.array(series, "lattice.mean: series")
    if values.ndim != 1:
        raise ValueError(
            f"lattice.mean: series must be of shape (n,); received shape "
            f"{values.shape}. Pass one observable at a time."
        )
    error = _spread("lattice.mean", values, chains, independent)
    return Estimate(float(values.mean()), error.stderr)


def _spread(where, values, chains, independent):
    chains = checks.positive_int(chains, f"{where}: chains")
    n, rest = divmod(len(values), chains)
    if rest or n < 2:
        raise ValueError(
            f"{where}: there must be {chains} chains of the same length, two "
            f"rows or more; there are {len(values)} rows."
        )
    if independent:
        error = values.std(ddof=1) / np.sqrt(len(values))
        return Spread(float(error), 0.5)
    return spread(values.reshape(chains, n))


def _spins(function, x):
    """Configurations as float64, (n, *lattice)."""
    where = f"lattice.{function}: x"
    x = np.asarray(x)
    if x.ndim < 2 or x.size == 0 or x.dtype.kind not in "biuf":
        raise ValueError(
            f"{where} must be spins of shape (n, *lattice); received shape "
            f"{x.shape} of {x.dtype}. Of one configuration take x[None]."
        )
    # Of unsigned integers -1 would be 255.
    x = x.astype(np.float64)
    if not (np.abs(x) == 1).all():
        hint = " From 0 and 1, take 2.0 * x - 1."
        raise ValueError(
            f"{where} must hold -1 and +1; found values in "
            f"[{x.min():g}, {x.max():g}]."
            f"{hint if ((x == 0) | (x == 1)).all() else ''}"
        )
    return x


def _axes(x):
    return [axis for axis in range(1, x.ndim) if x.shape[axis] > 1]


def _pairs(x, axis, distance, periodic):
    """Pairs at a distance along a line."""
    return x.shape[axis] - (0 if periodic else distance)


def _bonds(x, axis, distance, periodic):
    """sum of s_i s_j over pairs at a distance along an axis, (n,)."""
    moved = np.roll(x, -distance, axis)
    if not periodic:
        kept = np.arange(x.shape[axis] - distance)
        x, moved = (np.take(part, kept, axis) for part in (x, moved))
    return (x * moved).reshape(len(x), -1).sum(axis=1)
