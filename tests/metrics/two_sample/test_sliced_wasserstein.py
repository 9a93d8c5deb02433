import numpy as np
import pytest

from genzoo import metrics
from genzoo.metrics.two_sample.sliced_wasserstein import wasserstein_power


def result(x, y, **options):
    metric = metrics.SlicedWasserstein(**options)
    metric.update_state(x, y)
    return metric.result()


@pytest.mark.parametrize("order", [1, 2])
def test_samples_of_different_sizes_as_if_repeated(order):
    rng = np.random.default_rng(0)
    x, y = rng.random(12), rng.random(18)
    # 36 rows of each have the same distributions.
    expected = wasserstein_power(np.repeat(x, 3), np.repeat(y, 2), order)
    assert wasserstein_power(x, y, order) == pytest.approx(expected, rel=1e-12)


def test_one_dimension_is_the_area_between_distribution_functions():
    rng = np.random.default_rng(1)
    x, y = rng.standard_normal(7), rng.standard_normal(11) + 1
    grid = np.sort(np.concatenate([x, y]))
    gaps = np.abs(
        (x[:, None] <= grid).mean(axis=0) - (y[:, None] <= grid).mean(axis=0)
    )
    area = np.sum(gaps[:-1] * np.diff(grid))
    found = result(x[:, None], y[:, None], order=1)["value"]
    assert found == pytest.approx(area, rel=1e-12)


def test_shift_is_seen_at_its_projections():
    rng = np.random.default_rng(2)
    x = rng.standard_normal((300, 5))
    shift = np.array([3.0, 0, 0, 0, 4.0])
    found = result(x, x + shift, projections=2000)
    # <(u . s)^2> = |s|^2 / d over the sphere
    assert found["value"] == pytest.approx(
        np.sqrt(25 / 5), abs=3 * found["stderr"]
    )
    assert found["stderr"] < 0.05
    assert result(x, x)["value"] == 0


def test_refusals():
    with pytest.raises(ValueError, match="order"):
        metrics.SlicedWasserstein(order=0.5)
    with pytest.raises(ValueError, match="projections"):
        metrics.SlicedWasserstein(projections=1)
