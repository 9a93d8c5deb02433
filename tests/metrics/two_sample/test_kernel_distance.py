import numpy as np
import pytest

from genzoo import metrics
from genzoo.metrics.two_sample import kernel_distance


def direct(x, y, kernel):
    xx, yy, xy = kernel(x, x), kernel(y, y), kernel(x, y)
    n, m = len(x), len(y)
    return (
        (xx.sum() - np.trace(xx)) / (n * (n - 1))
        + (yy.sum() - np.trace(yy)) / (m * (m - 1))
        - 2 * xy.mean()
    )


def cubic(x, y):
    return (x @ y.T / x.shape[1] + 1) ** 3


def gaussian(x, y):
    return np.exp(-np.square(x[:, None] - y[None]).sum(axis=2) / (2 * 0.7**2))


def result(x, y, **options):
    metric = metrics.KernelDistance(**options)
    metric.update_state(x, y)
    return metric.result()


def test_equals_the_sums_over_all_pairs(monkeypatch):
    monkeypatch.setattr(kernel_distance, "BLOCK", 500)
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((70, 4)), rng.standard_normal((50, 4)) + 0.5
    assert result(x, y)["value"] == pytest.approx(
        direct(x, y, cubic), rel=1e-10
    )
    found = result(x, y, kernel="gaussian", bandwidth=0.7)["value"]
    assert found == pytest.approx(direct(x, y, gaussian), rel=1e-10)


@pytest.mark.parametrize("kernel", [cubic, gaussian])
@pytest.mark.parametrize("shift", [0.0, 0.4])
def test_unbiased_with_an_honest_error(kernel, shift):
    rng = np.random.default_rng(1)
    found = np.array(
        [
            kernel_distance.squared_discrepancy(
                rng.standard_normal((60, 3)),
                rng.standard_normal((90, 3)) + shift,
                kernel,
            )
            for _ in range(200)
        ]
    )
    values, errors = found.T
    spread = np.std(values, ddof=1)
    if kernel is gaussian:
        # <k> of a difference N(s, 2) in each of three coordinates.
        wide = 0.7**2 + 2
        same = (0.7**2 / wide) ** 1.5
        truth = 2 * same * (1 - np.exp(-3 * shift**2 / (2 * wide)))
    else:
        # Moments of y.y' for y = m + u: with M = |m|^2, the mean is M, the
        # variance 2 M + 3, the third central moment 6 M.
        m = 3 * shift**2
        cube = m**3 + 3 * m * (2 * m + 3) + 6 * m
        same = cube / 27 + (m**2 + 2 * m + 3) / 3 + m + 1
        truth = 2 + same - 2 * (2 + shift**2)
    assert abs(np.mean(values) - truth) < 3 * spread / 200**0.5
    error = np.sqrt(np.mean(np.square(errors)))
    # A spread of 200 is known to a twentieth, or worse with heavy tails.
    assert 0.85 * spread < error < (1.5 if shift == 0 else 1.15) * spread


def test_median_bandwidth_and_refusals():
    rng = np.random.default_rng(2)
    x, y = rng.standard_normal((2, 100, 3))
    found = result(x, y + 2, kernel="gaussian")
    assert found["value"] > 10 * found["stderr"]
    with pytest.raises(ValueError, match="kernel must be"):
        metrics.KernelDistance(kernel="cubic")
    with pytest.raises(ValueError, match="bandwidth"):
        metrics.KernelDistance(kernel="gaussian", bandwidth=0)
