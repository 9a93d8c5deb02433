"""How two samples overlap, by balls that reach to their k-th neighbours."""

from typing import Any, NamedTuple

import keras
import numpy as np

from genzoo import checks
from genzoo.checks import positive_int
from genzoo.metrics.numerics.neighbours import (
    inside_balls,
    kth_squared_distances,
)
from genzoo.metrics.two_sample.kept_samples_metric import KeptSamplesMetric
from genzoo.metrics.two_sample.two_sample_metric import Features
from genzoo.types import ArrayLike, SeedLike


class ManifoldOverlap(NamedTuple):
    """Precision, recall, density and coverage of generated samples.

    Example:
    >>> x = np.arange(10.0)[:, None]
    >>> genzoo.metrics.manifold_overlap(x, x[:5], neighbours=1).recall
    0.5
    """

    precision: float
    recall: float
    density: float
    coverage: float


def manifold_overlap(
    real: ArrayLike,
    generated: ArrayLike,
    neighbours: int = 5,
    recall: bool = True,
) -> ManifoldOverlap:
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

    Example:
    >>> x = np.random.default_rng(0).normal(size=(100, 2))
    >>> tuple(genzoo.metrics.manifold_overlap(x, x.copy()))
    (1.0, 1.0, 1.0, 1.0)
    """
    real = checks.array(real, "manifold_overlap: real")
    generated = checks.array(generated, "manifold_overlap: generated")
    checks.flag(recall, "manifold_overlap: recall")
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


class ManifoldMetric(KeptSamplesMetric):
    """Those `fields` of `manifold_overlap` that a subclass names."""

    fields: tuple[str, ...] = ManifoldOverlap._fields

    def __init__(
        self,
        features: Features = None,
        neighbours: int = 5,
        capacity: int = 10_000,
        seed: SeedLike = 0,
        name: str | None = None,
        dtype: str | None = None,
    ):
        super().__init__(features, capacity, seed, name=name, dtype=dtype)
        self.neighbours = positive_int(
            neighbours, f"{type(self).__name__}: neighbours"
        )

    def evaluate(self) -> dict[str, float]:
        """The dict of these fields."""
        real, generated = self.samples(least=self.neighbours + 1)
        overlap = manifold_overlap(
            real, generated, self.neighbours, recall="recall" in self.fields
        )
        return {field: getattr(overlap, field) for field in self.fields}

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {**super().get_config(), "neighbours": self.neighbours}


@keras.saving.register_keras_serializable("genzoo")
class PrecisionRecall(ManifoldMetric):
    """Are samples like data (precision), and are all data reached (recall)?

    `result` is a dict: `precision`, the share of generated samples in the
    union of balls around the data that reach to their k-th neighbours, and
    `recall`, the other way round; see `manifold_overlap`. From 0 to 1, and
    for samples of the data's own distribution below 1, the more the higher
    the dimension: compare with "train against test".

    State: as `KeptSamplesMetric`. `result` needs 40 MB more.

    Args:
        features: as in `TwoSampleMetric`.
        neighbours: k; the authors take 3, `prdc` 5.
        capacity: rows kept of each sample.
        seed: decides which are kept, of more.
        name: as in Keras.
        dtype: as in Keras.

    Raises:
        ValueError: as `KeptSamplesMetric` does; by `result`, for k rows or
            less.

    Reference:
        Kynkäänniemi et al., "Improved precision and recall metric for
        assessing generative models", NeurIPS 2019.

    Example:
    >>> x = np.random.default_rng(0).normal(size=(100, 2))
    >>> metric = genzoo.metrics.PrecisionRecall(neighbours=5)
    >>> metric.update_state(x, x + [[9.0, 0.0]])
    >>> metric.result()
    {'precision': 0.0, 'recall': 0.0}
    """

    fields = "precision", "recall"

    def __init__(
        self,
        features: Features = None,
        neighbours: int = 3,
        capacity: int = 10_000,
        seed: SeedLike = 0,
        name: str | None = None,
        dtype: str | None = None,
    ):
        super().__init__(features, neighbours, capacity, seed, name, dtype)


@keras.saving.register_keras_serializable("genzoo")
class DensityCoverage(ManifoldMetric):
    """How densely samples lie where the data are, and how much they cover.

    `result` is a dict: `density`, the mean number of balls around the data
    that hold a generated sample, divided by k, from 0 without upper bound, 1
    for samples of the data's distribution; `coverage`, the share of these
    balls that hold a sample, from 0 to 1, 1 - 2^-k for equal numbers of
    samples of the data's distribution. See `manifold_overlap`.

    State: as `KeptSamplesMetric`. `result` needs 40 MB more.

    Args:
        features: as in `TwoSampleMetric`.
        neighbours: k.
        capacity: rows kept of each sample.
        seed: decides which are kept, of more.
        name: as in Keras.
        dtype: as in Keras.

    Raises:
        ValueError: as `KeptSamplesMetric` does; by `result`, for k rows or
            less.

    Reference:
        Naeem et al., "Reliable fidelity and diversity metrics for generative
        models", ICML 2020.

    Example:
    >>> x = np.random.default_rng(0).normal(size=(100, 2))
    >>> metric = genzoo.metrics.DensityCoverage()
    >>> metric.update_state(x, x)
    >>> metric.result()
    {'density': 1.0, 'coverage': 1.0}
    """

    fields = "density", "coverage"
