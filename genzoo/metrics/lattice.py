"""Observables of spins on lattices, with errors that know correlations.

Configurations are arrays (n, *lattice), of a lattice of any dimension and
size: samples of a model, or the states of a Markov chain in their order. What
they hold, and which pair counts how much, is said by `model`:

| model | spins x | e(x, y) | f(x) | m |
|---|---|---|---|---|
| "ising" | -1, 1 | x y | x | mean of x |
| "potts" | 0, ..., q - 1 | 1 if x = y | 1 if x = 0 | (q p - 1) / (q - 1) |
| "clock" | 0, ..., q - 1 | cos(a - b) | cos a | length of the mean vector |
| "xy" | angles | cos(x - y) | cos x | length of the mean vector |

where p is the part of the most frequent level, and a = 2 pi x / q. Energies
are `E = -J sum_<ij> e(x_i, x_j) - h sum_i f(x_i)` over the bonds of `lattice`.
They, J, h and T have one unit: k_B = 1.

Example:
>>> x = np.random.default_rng(0).choice([-1, 1], (500, 8, 8))
>>> found = genzoo.metrics.lattice.thermodynamics(x, temperature=1e3)
>>> exact = genzoo.partition.torus_energy((8, 8), 1e3)
>>> bool(abs(found.energy.value - exact) < 5 * found.energy.stderr)
True
>>> x = genzoo.datasets.xy((4, 4), 1.0, 50)
>>> genzoo.metrics.lattice.energy(x, model="xy").shape
(50,)
"""

import math
from typing import NamedTuple

import numpy as np

from genzoo import checks
from genzoo.metrics.numerics.estimate import Estimate
from genzoo.metrics.numerics.series import Spread, spread
from genzoo.spaces.lattice import Lattice
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
        magnetisation: <|m|>, with m as in the table of the module, for Ising
            spins their mean.
        specific_heat: (<E^2> - <E>^2) / (N T^2).
        susceptibility: N (<m^2> - <|m|>^2) / T.
        binder_cumulant: 1 - <m^4> / (3 <m^2>^2), of m itself. Without order
            it is 0 for Ising spins, 1 / 3 for vectors of two components.
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
    """<e(x_i, x_j)> of spins along an axis, by distance.

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
    periodic: bool | str | list = True,
    lattice: str = "square",
    model: str = "ising",
    states: int | None = None,
    boundary: str | list | None = None,
) -> Array:
    """E / N of each configuration, (n,), see the table of the module.

    The sum is over bonds between nearest neighbours. A periodic side of 2
    counts both its bonds, as `partition.torus_log_partition` does; one of 1
    has none.

    Args:
        x: configurations, (n, *lattice).
        coupling: J.
        field: h.
        periodic: whether opposite ends are neighbours; a bool, or one for
            each side.
        lattice: "square", of any dimension, "cubic" or "triangular".
        model: "ising", "potts", "clock" or "xy".
        states: number of levels of the Potts or clock model.
        boundary: `periodic` in words: "periodic" or "open", or a list.

    Raises:
        ValueError: unless x holds such spins.

    Example:
    >>> float(genzoo.metrics.lattice.energy(np.ones((1, 3, 5)))[0])
    -2.0
    >>> float(
    ...     genzoo.metrics.lattice.energy(
    ...         np.zeros((1, 3, 3)),
    ...         lattice="triangular",
    ...         model="potts",
    ...         states=3,
    ...         boundary="open",
    ...     )[0]
    ... )
    -1.7777777777777777
    """
    where = "lattice.energy"
    spins = _spins("energy", x, model, states)
    name = "periodic" if boundary is None else "boundary"
    ends = periodic if boundary is None else boundary
    bonds = Lattice(spins.shape, ends, lattice, where, name).bonds
    total = sum(
        spins.pair(first, second).sum(axis=1)
        for first, second in _parts(bonds, len(spins.x))
    )
    own = spins.favoured().mean(axis=1)
    return -coupling * total / spins.sites - field * own


def _parts(bonds, n):
    """Ends of bonds, so many at a time that products stay small."""
    size = max(1, 2**22 // n)
    yield np.zeros(0, int), np.zeros(0, int)
    for start in range(0, len(bonds), size):
        yield bonds[start : start + size].T


def magnetisation(
    x: ArrayLike, model: str = "ising", states: int | None = None
) -> Array:
    """m of each configuration, see the table of the module, (n,).

    Args:
        x: configurations, (n, *lattice).
        model: "ising", "potts", "clock" or "xy".
        states: number of levels of the Potts or clock model.

    Raises:
        ValueError: unless x holds such spins.

    Example:
    >>> float(genzoo.metrics.lattice.magnetisation([[1, 1, 1, -1]])[0])
    0.5
    >>> float(
    ...     genzoo.metrics.lattice.magnetisation(
    ...         [[0, 2, 2]], model="potts", states=3
    ...     )[0].round(3)
    ... )
    0.5
    """
    return _spins("magnetisation", x, model, states).order()


def thermodynamics(
    x: ArrayLike,
    temperature: float,
    coupling: float = 1.0,
    field: float = 0.0,
    periodic: bool | str | list = True,
    chains: int = 1,
    independent: bool = False,
    lattice: str = "square",
    model: str = "ising",
    states: int | None = None,
    boundary: str | list | None = None,
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
        periodic: whether opposite ends are neighbours, as of `energy`.
        chains: how many chains of the same length x holds, one after the
            other.
        independent: whether all rows are independent, as exact samples are;
            then there are no correlations to be found.
        lattice: "square", of any dimension, "cubic" or "triangular".
        model: "ising", "potts", "clock" or "xy".
        states: number of levels of the Potts or clock model.
        boundary: `periodic` in words: "periodic" or "open", or a list.

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
    spins = _spins("thermodynamics", x, model, states)
    sites = spins.sites
    e = energy(x, coupling, field, periodic, lattice, model, states, boundary)
    m = spins.order()
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
    periodic: bool | str | list = True,
    chains: int = 1,
    independent: bool = False,
    model: str = "ising",
    states: int | None = None,
    boundary: str | list | None = None,
) -> Correlation:
    """<e(x_i, x_j)> of spins at each distance along the axes of the lattice.

    Averaged over places and axes, up to half of the shortest side. What is
    left of it at large distances is the square of the magnetisation, for
    Potts levels 1 / q and more.

    Args:
        x: configurations in the order of a Markov chain, (n, *lattice).
        periodic: whether opposite ends are neighbours, as of `energy`.
        chains: how many chains of the same length x holds.
        independent: whether all rows are independent.
        model: "ising", "potts", "clock" or "xy".
        states: number of levels of the Potts or clock model.
        boundary: `periodic` in words: "periodic" or "open", or a list.

    Raises:
        ValueError: unless x holds such spins, two or more to a chain.

    Example:
    >>> stripes = np.tile([[1, -1, 1, -1]], (3, 1))
    >>> genzoo.metrics.lattice.correlation(stripes).value.tolist()
    [1.0, -1.0, 1.0]
    """
    where = "lattice.correlation"
    spins = _spins("correlation", x, model, states)
    name = "periodic" if boundary is None else "boundary"
    ends = periodic if boundary is None else boundary
    wraps = Lattice(spins.shape, ends, where=where, name=name).wraps
    numbers = np.arange(spins.sites).reshape(spins.shape)
    axes = [axis for axis, side in enumerate(spins.shape) if side > 1]
    most = min((spins.shape[axis] for axis in axes), default=1) // 2
    found = []
    for distance in range(most + 1):
        series, count = np.zeros(len(spins.x)), 0
        for axis in axes if distance else [0]:
            near, far = numbers, np.roll(numbers, -distance, axis)
            if not wraps[axis]:
                kept = range(spins.shape[axis] - distance)
                near, far = near.take(kept, axis), far.take(kept, axis)
            series += spins.pair(near.ravel(), far.ravel()).sum(axis=1)
            count += near.size
        series /= count
        error = _spread(where, series, chains, independent)
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


class _Spins(NamedTuple):
    """Configurations (n, sites) of a model, vectors as complex numbers."""

    x: Array
    shape: tuple
    model: str
    states: int

    @property
    def sites(self):
        return math.prod(self.shape)

    def pair(self, first, second):
        """e of sites first and second, (n, pairs)."""
        x, y = self.x[:, first], self.x[:, second]
        if self.model == "potts":
            return (x == y).astype(np.float64)
        return x * y if self.model == "ising" else (x * y.conj()).real

    def favoured(self):
        """f of all sites, (n, sites)."""
        if self.model == "potts":
            return (self.x == 0).astype(np.float64)
        return self.x.real

    def order(self):
        """m, (n,)."""
        if self.model == "potts":
            parts = [(self.x == k).mean(axis=1) for k in range(self.states)]
            most = np.max(parts, axis=0)
            return (self.states * most - 1) / (self.states - 1)
        mean = self.x.mean(axis=1)
        return mean if self.model == "ising" else np.abs(mean)


def _spins(function, x, model, states):
    """Configurations, checked."""
    where = f"lattice.{function}"
    model = checks.one_of("ising", "potts", "clock", "xy")(
        model, f"{where}: model"
    )
    levels = model in ("potts", "clock")
    if levels:
        words = f'the number of levels of model="{model}", 2 or more'
        if not checks.is_int(states) or states < 2:
            checks.refuse(states, f"{where}: states", words)
    elif states is not None:
        words = f'left out for model="{model}"'
        checks.refuse(states, f"{where}: states", words)
    x = np.asarray(x)
    if x.ndim < 2 or x.size == 0 or x.dtype.kind not in "biuf":
        raise ValueError(
            f"{where}: x must be spins of shape (n, *lattice); received shape "
            f"{x.shape} of {x.dtype}. Of one configuration take x[None]."
        )
    shape = x.shape[1:]
    # Of unsigned integers -1 would be 255.
    x = x.reshape(len(x), -1).astype(np.float64)
    if model == "xy":
        good, expected, hint = np.isfinite(x).all(), "finite angles", ""
    elif levels:
        good = ((x >= 0) & (x < states) & (x == np.floor(x))).all()
        expected = f"levels 0, ..., {states - 1}"
        hint = " From 1, ..., q, take x - 1." if (x == states).any() else ""
    else:
        good, expected = (np.abs(x) == 1).all(), "-1 and +1"
        is_bit = ((x == 0) | (x == 1)).all()
        hint = " From 0 and 1, take 2.0 * x - 1." if is_bit else ""
    if not good:
        raise ValueError(
            f"{where}: x must hold {expected}; found values in "
            f"[{x.min():g}, {x.max():g}].{hint}"
        )
    if model in ("clock", "xy"):
        x = np.exp(1j * (x * (2 * math.pi / states) if levels else x))
    return _Spins(x, shape, model, states)
