"""The sliced Wasserstein distance of two samples."""

import keras
import numpy as np

from genzoo.metrics.two_sample.kept_samples_metric import KeptSamplesMetric


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
    >>> metric = genzoo.metrics.SlicedWasserstein(order=1)
    >>> metric.update_state(x_test, model.sample(len(x_test)))
    >>> metric.result()                # {"value": 0.1, "stderr": 0.004}
    """

    def __init__(
        self,
        features=None,
        order=2,
        projections=256,
        capacity=10_000,
        seed=0,
        name=None,
        dtype=None,
    ):
        super().__init__(features, capacity, seed, name=name, dtype=dtype)
        if order < 1 or projections < 2:
            raise ValueError(
                "SlicedWasserstein: order must be at least 1 and projections "
                f"at least 2; received {order!r} and {projections!r}."
            )
        self.order = order
        self.projections = projections

    def evaluate(self):
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

    def get_config(self):
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "order": self.order,
            "projections": self.projections,
        }


def wasserstein_power(x, y, order):
    """W_p(x, y)^p of two samples of numbers, (n,) and (m,)."""
    x, y = np.sort(x), np.sort(y)
    if len(x) == len(y):
        return np.mean(np.abs(x - y) ** order)
    # Both quantile functions are constant between these levels, which are
    # exact as multiples of 1 / nm.
    levels = np.union1d(
        np.arange(1, len(x) + 1) * len(y), np.arange(1, len(y) + 1) * len(x)
    )
    begin = np.concatenate([[0], levels[:-1]])
    distance = np.abs(x[begin // len(y)] - y[begin // len(x)]) ** order
    return np.sum(distance * (levels - begin)) / levels[-1]
