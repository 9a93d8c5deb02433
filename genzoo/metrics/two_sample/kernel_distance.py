"""Maximum mean discrepancy, as in the kernel inception distance (KID)."""

from collections.abc import Callable
from typing import Any, TypeAlias

import keras
import numpy as np

from genzoo.checks import one_of, optional, positive_number
from genzoo.metrics.two_sample.kept_samples_metric import KeptSamplesMetric
from genzoo.metrics.two_sample.two_sample_metric import Features
from genzoo.types import SeedLike

BLOCK = 2**20
Kernel: TypeAlias = Callable[[np.ndarray, np.ndarray], np.ndarray]


@keras.saving.register_keras_serializable("genzoo")
class KernelDistance(KeptSamplesMetric):
    """Squared maximum mean discrepancy of two samples, without bias.

        mean_{i != j} k(x_i, x_j) + mean_{i != j} k(y_i, y_j)
            - 2 mean_{i, j} k(x_i, y_j)

    with k(x, y) = (x.y / d + 1)^3 ("polynomial", the KID if the features are
    Inception's) or exp(-|x - y|^2 / 2 bandwidth^2) ("gaussian", zero only for
    equal distributions). In the units of the kernel; its mean is zero for
    equal distributions at any number of samples, so it can be negative.

    `result` is a dict of `value` and `stderr`, the standard deviation of the
    value under new samples, from the variance of the U-statistic in first
    and second order. For nearly equal distributions it is too large by up to
    a half.

    State: as `KeptSamplesMetric`. `result` takes time n^2 d, and 40 MB.

    Args:
        features: as in `TwoSampleMetric`.
        kernel: "polynomial" or "gaussian".
        bandwidth: of the Gaussian kernel; None takes the median distance of
            1000 pairs of real and generated rows.
        capacity: rows kept of each sample.
        seed: decides which are kept, of more.
        name: as in Keras.
        dtype: as in Keras.

    Raises:
        ValueError: as `KeptSamplesMetric` does; for another kernel; by
            `result`, for less than two rows.

    Reference:
        Gretton et al., "A kernel two-sample test", JMLR 13, 2012; Binkowski
        et al., "Demystifying MMD GANs", ICLR 2018.

    Example:
    >>> rng = np.random.default_rng(0)
    >>> x, y = rng.normal(size=(2, 500, 3))
    >>> metric = genzoo.metrics.KernelDistance()
    >>> metric.update_state(x, y)
    >>> found = metric.result()
    >>> abs(found["value"]) < 4 * found["stderr"]
    True
    """

    fields = "value", "stderr"

    def __init__(
        self,
        features: Features = None,
        kernel: str = "polynomial",
        bandwidth: float | None = None,
        capacity: int = 10_000,
        seed: SeedLike = 0,
        name: str | None = None,
        dtype: str | None = None,
    ):
        super().__init__(features, capacity, seed, name=name, dtype=dtype)
        self.kernel = one_of("polynomial", "gaussian")(
            kernel, "KernelDistance: kernel"
        )
        self.bandwidth = optional(positive_number)(
            bandwidth, "KernelDistance: bandwidth"
        )

    def evaluate(self) -> dict[str, float]:
        """The dict of value and stderr."""
        real, generated = self.samples(least=2)
        kernel = _polynomial
        if self.kernel == "gaussian":
            # |x - y|^2 from squares, which are small about the mean.
            middle = real.mean(axis=0)
            real, generated = real - middle, generated - middle
            kernel = _gaussian(
                self.bandwidth
                or _median_distance(real, generated, self.generator())
            )
        value, stderr = squared_discrepancy(real, generated, kernel)
        return {"value": value, "stderr": stderr}

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "kernel": self.kernel,
            "bandwidth": self.bandwidth,
        }


def squared_discrepancy(
    x: np.ndarray, y: np.ndarray, kernel: Kernel
) -> tuple[float, float]:
    """(value, stderr) of the unbiased squared maximum mean discrepancy.

    Args:
        x: (n, d).
        y: (m, d).
        kernel: from (b, d) and (c, d) to (b, c).
    """
    n, m = len(x), len(y)
    of_x, square_x, _ = _sums(kernel, x, x)
    of_y, square_y, _ = _sums(kernel, y, y)
    across, square, across_y = _sums(kernel, x, y)
    means = of_x / (n - 1), of_y / (m - 1)
    value = means[0].mean() + means[1].mean() - 2 * across.mean() / m
    # By how much the value changes with each row, in first order.
    first = np.var(means[0] - across / m, ddof=1) * 4 / n
    first += np.var(means[1] - across_y / n, ddof=1) * 4 / m
    # The part that no row explains alone, which `first` holds twice.
    second = 2 * _interaction(square_x / (n * (n - 1)), *means[:1] * 2) / n**2
    second += 2 * _interaction(square_y / (m * (m - 1)), *means[1:] * 2) / m**2
    second += (
        4 * _interaction(square / (n * m), across / m, across_y / n) / (n * m)
    )
    variance = max(first - second, second, 0.0)
    return float(value), float(np.sqrt(variance))


def _interaction(square, rows, columns):
    """Mean square of a matrix without its row and column means."""
    mean = rows.mean()
    return max(square - np.var(rows) - np.var(columns) - mean**2, 0.0)


def _sums(kernel, x, y):
    """(sums of rows, of squares, of columns), no diagonal if x is y."""
    rows, columns, square = np.zeros(len(x)), np.zeros(len(y)), 0.0
    size = max(1, BLOCK // len(y))
    for first in range(0, len(x), size):
        part = slice(first, first + size)
        values = kernel(x[part], y)
        if x is y:
            np.fill_diagonal(values[:, first:], 0.0)
        rows[part] = values.sum(axis=1)
        columns += values.sum(axis=0)
        square += np.vdot(values, values)
    return rows, square, columns


def _polynomial(x, y):
    base = x @ y.T / x.shape[1] + 1
    return base * base * base


def _gaussian(bandwidth):
    def kernel(x, y):
        squares = np.square(x).sum(axis=1)[:, None] + np.square(y).sum(axis=1)
        squares -= 2 * x @ y.T
        return np.exp(np.maximum(squares, 0.0) / (-2 * bandwidth**2))

    return kernel


def _median_distance(x, y, generator):
    pairs = x[generator.integers(len(x), size=1000)]
    pairs = pairs - y[generator.integers(len(y), size=1000)]
    median = np.median(np.linalg.norm(pairs, axis=1))
    return median if median > 0 else 1.0
