"""Entropy and KL of samples in many dimensions, by nearest neighbours."""

import math
from collections.abc import Callable, Sequence

import numpy as np

from genzoo.metrics.numerics.estimate import Estimate, as_generator, as_rows
from genzoo.metrics.numerics.neighbours import kth_squared_distances
from genzoo.types import ArrayLike, SeedLike

# Rows in common that bias a divergence by less than is seen.
_SHARED = 0.01


def neighbour_kl(
    x: ArrayLike,
    y: ArrayLike,
    neighbours: int = 5,
    groups: int = 10,
    seed: SeedLike = 0,
) -> Estimate:
    """KL(x || y) of two samples with densities, in nats.

        d <log nu_i / rho_i>_i + log(m / (n - 1))

    with rho_i the distance of x_i to its k-th neighbour in x, nu_i to that
    in y. Consistent, but with a bias that falls as slowly as about n^(-1/d)
    (a tenth of the value for Gaussians of 1 and 1.5 in four dimensions and
    n = 3000); the value may be negative. The error, from the spread of the
    estimates of `groups` parts of the samples, does not hold the bias.

    Time grows as n^2 d, memory as n d.

    Args:
        x: (n, ...), draws of a density: no repeated rows.
        y: (m, ...).
        neighbours: k; larger has less variance and more bias.
        groups: number of parts.
        seed: int or pair of ints, which decides the parts.

    Returns:
        `Estimate(value, stderr)`.

    Raises:
        ValueError: for samples that are not finite, of other shapes, too
            small, with rows that are repeated, or that have rows in common.

    Reference:
        Wang, Kulkarni and Verdú, "Divergence estimation for multidimensional
        densities via k-nearest-neighbor distances", IEEE Transactions on
        Information Theory 55, 2009.

    Example:
    >>> x, y = np.random.default_rng(0).normal(size=(2, 1000, 2))
    >>> found = genzoo.metrics.neighbour_kl(x, y + [1.0, 0.0])
    >>> abs(found.value - 0.5) < 4 * found.stderr
    True
    """
    x, y = as_rows("neighbour_kl", x=x, y=y)
    value, stderr = by_groups(
        lambda x, y: kl_of_rows(x, y, neighbours),
        (x, y),
        neighbours,
        groups,
        seed,
    )
    check_apart("neighbour_kl", x, y)
    return Estimate(float(value), float(stderr))


def neighbour_entropy(
    x: ArrayLike,
    neighbours: int = 5,
    groups: int = 10,
    seed: SeedLike = 0,
) -> Estimate:
    """Differential entropy of a sample with a density, in nats.

        d <log rho_i>_i + log V_d + psi(n) - psi(k)

    with rho_i the distance to the k-th neighbour, V_d the volume of the unit
    ball and psi the digamma function.

    Args:
        x: (n, ...), draws of a density: no repeated rows.
        neighbours: k.
        groups: number of parts for the error.
        seed: int or pair of ints, which decides the parts.

    Returns:
        `Estimate(value, stderr)`.

    Raises:
        ValueError: as `neighbour_kl` does.

    Reference:
        Kozachenko and Leonenko, "Sample estimate of the entropy of a random
        vector", Problems of Information Transmission 23, 1987.

    Example:
    >>> x = np.random.default_rng(0).uniform(size=(1000, 2))
    >>> found = genzoo.metrics.neighbour_entropy(3 * x)
    >>> bool(abs(found.value - np.log(9)) < 0.1)
    True
    """
    (x,) = as_rows("neighbour_entropy", x=x)
    value, stderr = by_groups(
        lambda x: entropy_of_rows(x, neighbours), (x,), neighbours, groups, seed
    )
    return Estimate(float(value), float(stderr))


def check_apart(where: str, x: np.ndarray, y: np.ndarray) -> None:
    """Raise a ValueError if two samples have more than a few rows in common.

    A row's copy is nearer than any other row, whatever the densities.
    """
    theirs = {row.tobytes() for row in y}
    shared = sum(row.tobytes() in theirs for row in x)
    if shared > _SHARED * len(x):
        raise ValueError(
            f"{where}: {shared} of {len(x)} rows are in both samples, which "
            "must be independent draws. Compare with rows that the other "
            "sample was not taken from."
        )


def kl_of_rows(x: np.ndarray, y: np.ndarray, k: int) -> float:
    """`neighbour_kl` without its error."""
    gap = np.mean(_log_distances(x, y, k) - _log_distances(x, x, k))
    return x.shape[1] * gap + math.log(len(y) / (len(x) - 1))


def entropy_of_rows(x: np.ndarray, k: int) -> float:
    """`neighbour_entropy` without its error."""
    d = x.shape[1]
    log_volume = d / 2 * math.log(math.pi) - math.lgamma(d / 2 + 1)
    # psi(n) - psi(k) for whole numbers
    harmonic = np.sum(1.0 / np.arange(k, len(x)))
    return d * np.mean(_log_distances(x, x, k)) + log_volume + harmonic


def by_groups(
    estimate: Callable,
    samples: Sequence[np.ndarray],
    neighbours: int,
    groups: int,
    seed: SeedLike | np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """The estimate of all rows, its error from those of parts of them.

    Args:
        estimate: function of samples to a number, or an array of numbers.
        samples: arrays of shape (n, d), (m, d).
        neighbours: k.
        groups: number of parts.
        seed: an int, a pair of ints or a generator.

    Returns:
        (values, standard errors), of the shape of the estimate.
    """
    least = min(len(x) for x in samples)
    if groups < 2 or least < (neighbours + 2) * groups:
        raise ValueError(
            f"groups={groups} must be at least 2 and hold neighbours + 2 = "
            f"{neighbours + 2} rows each; there are {least} rows."
        )
    generator = as_generator(seed)
    orders = [generator.permutation(len(x)) for x in samples]
    parts = [np.array_split(order, groups) for order in orders]
    values = [
        estimate(*(x[part] for x, part in zip(samples, chosen, strict=True)))
        for chosen in zip(*parts, strict=True)
    ]
    spread = np.std(values, axis=0, ddof=1) / math.sqrt(groups)
    return np.asarray(estimate(*samples)), spread


def _log_distances(points, others, k):
    squares = kth_squared_distances(points, others, k)
    if not squares.all():
        raise ValueError(
            f"{np.count_nonzero(squares == 0)} rows have k={k} others at "
            "distance zero: not draws of a density. Use binned_divergence, or "
            "probabilities of states."
        )
    return np.log(squares) / 2
