"""How two samples overlap, by balls that reach to their k-th neighbours."""

from typing import NamedTuple

import numpy as np

from genzoo.metrics.numerics.neighbours import (
    inside_balls,
    kth_squared_distances,
)


class ManifoldOverlap(NamedTuple):
    """Precision, recall, density and coverage of generated samples."""

    precision: float
    recall: float
    density: float
    coverage: float


def manifold_overlap(real, generated, neighbours=5, recall=True):
    """Precision, recall, density and coverage.

    With the balls around points of one sample that reach to the k-th nearest
    other point of that sample,

    - precision: the share of generated points in a ball of the data,
    - recall: the share of data points in a ball of the generated sample,
    - density: how many balls of the data hold a generated point, on average,
      divided by k,
    - coverage: the share of the balls of the data that hold a generated
      point.

    Balls are open, as in the authors' package `prdc`, but one of radius zero
    holds its centre, so that data with repeated points are recalled. For
    identical samples without repeated points all four are 1.

    Time grows as n^2 d, memory as n d.

    Args:
        real: (n, d), finite.
        generated: (m, d).
        neighbours: k.
        recall: whether to find the recall too; NaN otherwise.

    Raises:
        ValueError: if a sample has no more than k rows.

    Reference:
        Kynkäänniemi et al., "Improved precision and recall metric for
        assessing generative models", NeurIPS 2019; Naeem et al., "Reliable
        fidelity and diversity metrics for generative models", ICML 2020.
    """
    real, generated = (np.asarray(x, np.float64) for x in (real, generated))
    radii = kth_squared_distances(real, real, neighbours)
    others = None
    if recall:
        others = kth_squared_distances(generated, generated, neighbours)
    inside = inside_balls(real, radii, generated, others)
    return ManifoldOverlap(
        precision=float(np.mean(inside.balls > 0)),
        recall=float(np.mean(inside.held)) if recall else np.nan,
        density=float(np.mean(inside.balls) / neighbours),
        coverage=float(np.mean(inside.hit)),
    )
