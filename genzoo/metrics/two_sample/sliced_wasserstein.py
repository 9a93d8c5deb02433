"""The sliced Wasserstein distance of two samples."""

from typing import Any

import keras
import numpy as np

from genzoo.checks import number, whole
from genzoo.metrics.two_sample.kept_samples_metric import KeptSamplesMetric
from genzoo.metrics.two_sample.two_sample_metric import Features
from genzoo.types import SeedLike


@keras.saving.register_keras_serializable("genzoo")
class SlicedWasserstein(KeptSamplesMetric):
    """Wasserstein distance of projections on random directions.

        (mean_u W_p(u.x, u.y)^p)^(1/p)

    over unit vectors u, where W_p of one dimension is the distance of
    quantile functions, exact also for samples of different sizes. In the
    units of the features; from 0 upwards. Two samples of n of the same
    distribution have about sd n^(-1/2) (p = 1): compare with "train against
    test". `result` is a dict of `value` and `stderr`, the error from the
    finite number of directions alone.

    State: as `KeptSamplesMetric`; `result` needs as much again.

    Args:
        features: as in `TwoSampleMetric`.
        order: p, 1 or 2, say.
        projections: number of directions.
        capacity: rows kept of each sample.
        seed: decides the directions, and which rows are kept of more.
        name: as in Keras.
        dtype: as in Keras.

    Raises:
        ValueError: as `KeptSamplesMetric` does; for an order below 1 or less
            than two projections.

    Reference:
        Rabin et al., "Wasserstein barycenter and its application to texture
        mixing", SSVM 2011; Bonneel et al., "Sliced and Radon Wasserstein
        barycenters of measures", J. Math. Imaging and Vision 51, 2015.

    Example:
    >>> rng = np.random.default_rng(0)
    >>> x, y = rng.normal(size=(2, 500, 3))
    >>> metric = genzoo.metrics.SlicedWasserstein(order=1)
    >>> metric.update_state(x, y)
    >>> metric.result()["value"] < 0.2
    True
    """

    fields = "value", "stderr"

    def __init__(
        self,
        features: Features = None,
        order: float = 2,
        projections: int = 256,
        capacity: int = 10_000,
        seed: SeedLike = 0,
        name: str | None = None,
        dtype: str | None = None,
    ):
        super().__init__(features, capacity, seed, name=name, dtype=dtype)
        self.order = number(1, np.inf, "a number of at least 1")(
            order, "SlicedWasserstein: order"
        )
        self.projections = whole(2)(
            projections, "SlicedWasserstein: projections"
        )

    def evaluate(self) -> dict[str, float]:
        """The dict of value and stderr."""
        real, generated = self.samples()
        directions = self.generator().standard_normal(
            (self.projections, real.shape[1])
        )
        directions /= np.linalg.norm(directions, axis=1, keepdims=True)
        powers = np.array(
            [
                wasserstein_power(real @ u, generated @ u, self.order)
                for u in directions
            ]
        )
        mean = powers.mean()
        value = mean ** (1 / self.order)
        error = powers.std(ddof=1) / np.sqrt(self.projections)
        slope = value / (self.order * mean) if mean > 0 else 0.0
        return {"value": float(value), "stderr": float(slope * error)}

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "order": self.order,
            "projections": self.projections,
        }


def wasserstein_power(x: np.ndarray, y: np.ndarray, order: float) -> float:
    """W_p(x, y)^p of two samples of numbers, (n,) and (m,)."""
    x, y = np.sort(x), np.sort(y)
    if len(x) == len(y):
        return float(np.mean(np.abs(x - y) ** order))
    # Both quantile functions are constant between these levels, which are
    # exact as multiples of 1 / nm.
    levels = np.union1d(
        np.arange(1, len(x) + 1) * len(y), np.arange(1, len(y) + 1) * len(x)
    )
    begin = np.concatenate([[0], levels[:-1]])
    distance = np.abs(x[begin // len(y)] - y[begin // len(x)]) ** order
    return float(np.sum(distance * (levels - begin)) / levels[-1])
