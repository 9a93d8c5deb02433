"""Rings and grids of narrow Gaussians: do all modes come out?"""

import math
from typing import NamedTuple

import numpy as np

from genzoo import checks
from genzoo.runtime import random
from genzoo.types import Array, SeedLike


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


def _mixture(owner, n, centres, sd, seed):
    checks.positive_int(n, f"{owner}: n")
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
