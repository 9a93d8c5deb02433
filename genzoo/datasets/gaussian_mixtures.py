"""Mixtures of Gaussians, rings and grids of them: do all modes come out?"""

import math
from typing import NamedTuple

import numpy as np

from genzoo import checks
from genzoo.runtime import random
from genzoo.runtime.memory import check_memory
from genzoo.types import Array, ArrayLike, SeedLike


class GaussianMixture(NamedTuple):
    """Points of a mixture of equal, equally likely, round Gaussians.

    Attributes:
        x: the points, float32, (n, 2).
        labels: the Gaussian of each point, int32, (n,).
        centres: float32, (modes, 2).
        sd: standard deviation of a Gaussian along each coordinate.

    Example:
    >>> ring = genzoo.datasets.gaussian_ring(500, modes=8)
    >>> ring.x.shape, ring.centres.shape
    ((500, 2), (8, 2))
    >>> nearest = np.abs(ring.x - ring.centres[ring.labels]) < 6 * ring.sd
    >>> bool(nearest.all())
    True
    """

    x: Array
    labels: Array
    centres: Array
    sd: float

    def log_prob(self, x: ArrayLike) -> Array:
        """The log-density of the mixture in nats, (n,).

        Args:
            x: points, (n, 2).

        Raises:
            ValueError: for points of another shape.
        """
        modes = len(self.centres)
        sds = np.full(self.centres.shape, self.sd)
        weights = np.full(modes, 1 / modes)
        return _log_prob(x, weights, self.centres, sds)


class WeightedMixture(NamedTuple):
    """Points of a mixture of Gaussians, and the mixture itself.

    Attributes:
        x: the points, float32, (n, d), or (n,) where the means are numbers.
        labels: the Gaussian of each point, int32, (n,).
        weights: the probabilities of the Gaussians, (modes,).
        means: (modes, d) or (modes,).
        sds: standard deviations along each coordinate, as the means.

    Example:
    >>> mixture = genzoo.datasets.gaussian_mixture([3, 1], [-2.0, 2.0], 0.5)
    >>> mixture.x.shape, mixture.weights.tolist()
    ((1000,), [0.75, 0.25])
    >>> mixture.log_prob([0.0]).shape
    (1,)
    """

    x: Array
    labels: Array
    weights: Array
    means: Array
    sds: Array

    def log_prob(self, x: ArrayLike) -> Array:
        """The log-density of the mixture in nats, float64, (n,).

        Args:
            x: points, (n, d), or (n,) where the means are numbers.

        Raises:
            ValueError: for points of another shape.
        """
        return _log_prob(x, self.weights, self.means, self.sds)

    def sample(self, n: int, seed: SeedLike = 0) -> Array:
        """Further points, an array of shape (n, d) or (n,).

        Args:
            n: number of points, 1 or more.
            seed: int or pair of ints; `x` are those of the seed that the
                mixture was made with.

        Raises:
            ValueError: if n is no positive int.
        """
        mixture = self.weights, self.means, self.sds
        return _points("WeightedMixture.sample", n, *mixture, seed)[0]


def gaussian_mixture(
    weights: ArrayLike,
    means: ArrayLike,
    sds: ArrayLike,
    n: int = 1000,
    seed: SeedLike = 0,
) -> WeightedMixture:
    """Points of Gaussians whose axes are those of the coordinates.

    Args:
        weights: of the Gaussians, positive, divided by their sum, (modes,).
        means: (modes, d), or (modes,) for numbers.
        sds: standard deviations: a number, one for each Gaussian (modes,),
            or one for each of its coordinates (modes, d).
        n: number of points, 1 or more.
        seed: int or pair of ints. Point i depends on it, on the mixture and
            on i only, not on n.

    Returns:
        A `WeightedMixture(x, labels, weights, means, sds)`, which has a
        `log_prob(x)` and a `sample(n, seed)`.

    Raises:
        ValueError: if an argument is out of range, or the shapes differ.

    Example:
    >>> mixture = genzoo.datasets.gaussian_mixture(
    ...     [0.5, 0.5], [[-1.0, 0.0], [1.0, 0.0]], sds=[0.1, 0.3], n=200
    ... )
    >>> mixture.x.shape, mixture.sds.tolist()
    ((200, 2), [[0.1, 0.1], [0.3, 0.3]])
    """
    owner = "datasets.gaussian_mixture"
    share = checks.array(weights, f"{owner}: weights")
    centres = checks.array(means, f"{owner}: means")
    widths = checks.array(sds, f"{owner}: sds")
    if share.ndim != 1 or not share.size or not (share > 0).all():
        checks.refuse(
            weights, f"{owner}: weights", "a list of positive numbers"
        )
    if centres.ndim not in (1, 2) or len(centres) != len(share):
        raise ValueError(
            f"{owner}: means must be of shape ({len(share)},) or "
            f"({len(share)}, d), one for each weight; received shape "
            f"{centres.shape}."
        )
    if widths.ndim == 1 and centres.ndim == 2:
        widths = widths[:, None]
    try:
        widths = np.broadcast_to(widths, centres.shape).copy()
    except ValueError:
        raise ValueError(
            f"{owner}: sds must be a number, or of shape ({len(share)},) or "
            f"{centres.shape}; received shape {np.shape(sds)}."
        ) from None
    if not (widths > 0).all():
        checks.refuse(sds, f"{owner}: sds", "positive numbers")
    share = share / share.sum()
    x, labels = _points(owner, n, share, centres, widths, seed)
    return WeightedMixture(x, labels, share, centres, widths)


def gaussian_ring(
    n: int,
    modes: int = 8,
    radius: float = 2.0,
    sd: float = 0.02,
    seed: SeedLike = 0,
) -> GaussianMixture:
    """Points of Gaussians whose centres stand evenly on a circle.

    All lengths are then divided by `sqrt(radius^2 / 2 + sd^2)`, so that each
    coordinate has mean 0 and variance 1.

    Args:
        n: number of points, 1 or more.
        modes: number of Gaussians, 3 or more.
        radius: of the circle, before the division.
        sd: of a Gaussian along each coordinate, before the division.
        seed: int or pair of ints. Point i depends on it, on the mixture and
            on i only, not on n.

    Returns:
        A `GaussianMixture(x, labels, centres, sd)`, all of it divided.

    Raises:
        ValueError: if an argument is out of range.

    Reference:
        Metz et al., "Unrolled generative adversarial networks", 2017.

    Example:
    >>> x, labels, centres, sd = genzoo.datasets.gaussian_ring(10_000)
    >>> coverage = genzoo.metrics.ModeCoverage(centres, radius=3 * sd)
    """
    owner = "datasets.gaussian_ring"
    checks.whole(3)(modes, f"{owner}: modes")
    checks.positive_number(radius, f"{owner}: radius")
    angles = 2 * math.pi * np.arange(modes) / modes
    centres = radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return _mixture(owner, n, centres, sd, seed)


def gaussian_grid(
    n: int,
    side: int = 5,
    spacing: float = 2.0,
    sd: float = 0.05,
    seed: SeedLike = 0,
) -> GaussianMixture:
    """Points of Gaussians whose centres stand on a square grid around 0.

    All lengths are then divided by `sqrt(spacing^2 (side^2 - 1) / 12 + sd^2)`,
    so that each coordinate has mean 0 and variance 1.

    Args:
        n: number of points, 1 or more.
        side: Gaussians along a side, 2 or more; there are `side^2`.
        spacing: between neighbouring centres, before the division.
        sd: of a Gaussian along each coordinate, before the division.
        seed: int or pair of ints. Point i depends on it, on the mixture and
            on i only, not on n.

    Returns:
        A `GaussianMixture(x, labels, centres, sd)`, all of it divided.

    Raises:
        ValueError: if an argument is out of range.

    Reference:
        Srivastava et al., "VEEGAN: reducing mode collapse in GANs using
        implicit variational learning", NeurIPS 2017.

    Example:
    >>> x, labels, centres, sd = genzoo.datasets.gaussian_grid(10_000)
    >>> len(centres)
    25
    """
    owner = "datasets.gaussian_grid"
    checks.whole(2)(side, f"{owner}: side")
    checks.positive_number(spacing, f"{owner}: spacing")
    along = spacing * (np.arange(side) - (side - 1) / 2)
    centres = np.stack(np.meshgrid(along, along, indexing="ij"), axis=-1)
    return _mixture(owner, n, centres.reshape(-1, 2), sd, seed)


def _check_count(owner, n, width):
    checks.positive_int(n, f"{owner}: n")
    # In float64, three of them at once, and float32.
    check_memory(f"{owner}: n", n, width + 1, 28)


def _points(owner, n, weights, means, sds, seed):
    """(points, labels)."""
    _check_count(owner, n, math.prod(means.shape[1:]))
    choice, noise = random.split(random.as_seed(seed), 2)
    uniform = random.uniform((n,), choice, "float64").numpy()
    ends = np.cumsum(weights)[:-1]
    labels = np.searchsorted(ends, uniform, side="right").astype(np.int32)
    shape = (n, *means.shape[1:])
    normal = random.normal(shape, noise, "float64").numpy()
    x = means[labels] + sds[labels] * normal
    return x.astype(np.float32), labels


def _log_prob(x, weights, means, sds):
    points = np.asarray(x, np.float64)
    means, sds = (np.asarray(part, np.float64) for part in (means, sds))
    if points.ndim != means.ndim or points.shape[1:] != means.shape[1:]:
        expected = ", ".join(["n", *map(str, means.shape[1:])])
        raise ValueError(
            f"log_prob: x must have shape ({expected}); received "
            f"{points.shape}."
        )
    rows = points.reshape(len(points), 1, -1)
    shape = (1, len(means), -1)
    away = (rows - means.reshape(shape)) / sds.reshape(shape)
    log_p = -0.5 * away**2 - np.log(sds.reshape(shape))
    log_p -= 0.5 * math.log(2 * math.pi)
    return np.logaddexp.reduce(log_p.sum(axis=2) + np.log(weights), axis=1)


def _mixture(owner, n, centres, sd, seed):
    _check_count(owner, n, 2)
    checks.positive_number(sd, f"{owner}: sd")
    choice, noise = random.split(random.as_seed(seed), 2)
    uniform = random.uniform((n,), choice, "float64").numpy()
    labels = (uniform * len(centres)).astype(np.int32)
    shifts = sd * random.normal((n, 2), noise, "float64").numpy()
    # Both coordinates have the same variance, and mean 0.
    scale = math.sqrt(np.mean(centres**2) + sd**2)
    x = (centres[labels] + shifts) / scale
    return GaussianMixture(
        x.astype(np.float32),
        labels,
        (centres / scale).astype(np.float32),
        float(sd / scale),
    )
