import numpy as np
import pytest

from genzoo import metrics
from genzoo.metrics.numerics import neighbours


def reference(real, generated, k):
    """prdc's definitions on all pairs, by differences, in float64."""

    def distances(x, y):
        return np.sqrt(np.square(x[:, None] - y[None]).sum(axis=2))

    radii = np.sort(distances(real, real), axis=1)[:, k]
    others = np.sort(distances(generated, generated), axis=1)[:, k]
    between = distances(real, generated)
    return (
        (between < radii[:, None]).any(axis=0).mean(),
        (between < others[None]).any(axis=1).mean(),
        (between < radii[:, None]).sum(axis=0).mean() / k,
        (between.min(axis=1) < radii).mean(),
    )


@pytest.mark.parametrize(
    ("n", "m", "d", "k"),
    [(300, 300, 2, 5), (400, 150, 16, 3), (60, 200, 64, 1), (9, 8, 1, 7)],
)
def test_equals_all_pairs_in_float64(n, m, d, k, monkeypatch):
    # Several blocks, the last one shorter.
    monkeypatch.setattr(neighbours, "BLOCK", 7000)
    rng = np.random.default_rng(d)
    real = rng.standard_normal((n, d))
    generated = 1.1 * rng.standard_normal((m, d)) + 0.1
    found = metrics.manifold_overlap(real, generated, k)
    np.testing.assert_allclose(
        found, reference(real, generated, k), rtol=0, atol=1e-12
    )


def test_points_that_float32_cannot_tell_apart():
    rng = np.random.default_rng(0)
    real = 1e-6 * rng.standard_normal((200, 3))
    generated = 1e-6 * rng.standard_normal((200, 3))
    # Two far clusters: the screen in single precision sees points, not
    # clouds.
    real[::2] += 100
    generated[::2] += 100
    np.testing.assert_allclose(
        metrics.manifold_overlap(real, generated, 4),
        reference(real, generated, 4),
        rtol=0,
        atol=1e-12,
    )


def test_ties_are_decided_as_in_exact_arithmetic():
    # Whole numbers: every distance is shared by many pairs.
    rng = np.random.default_rng(1)
    real = rng.permutation(np.arange(400.0))[:200, None] * np.ones(4)
    generated = rng.permutation(np.arange(400.0))[:150, None] * np.ones(4)
    np.testing.assert_allclose(
        metrics.manifold_overlap(real, generated, 3),
        reference(real, generated, 3),
        rtol=0,
        atol=1e-12,
    )


def test_identical_samples():
    x = np.random.default_rng(2).standard_normal((500, 10))
    assert metrics.manifold_overlap(x, x.copy(), 5) == (1, 1, 1, 1)


def test_repeated_rows_are_recalled():
    x = np.repeat(np.eye(4), 10, axis=0)
    found = metrics.manifold_overlap(x, x, 5)
    assert (found.precision, found.recall, found.coverage) == (1, 1, 1)
    found = metrics.manifold_overlap(x, x[:20], 5)
    assert (found.precision, found.recall, found.coverage) == (1, 0.5, 0.5)


def test_coverage_of_the_same_distribution():
    rng = np.random.default_rng(3)
    real, generated = rng.standard_normal((2, 2000, 3))
    found = metrics.manifold_overlap(real, generated, 5, recall=False)
    assert np.isnan(found.recall)
    assert found.density == pytest.approx(1, abs=0.05)
    # Each of the 5 neighbours inside is generated with probability 1/2.
    assert found.coverage == pytest.approx(1 - 2**-5, abs=0.02)


def test_metrics_are_the_function():
    rng = np.random.default_rng(4)
    real, generated = rng.standard_normal((2, 100, 3))
    overlap = metrics.manifold_overlap(real, generated, 4)
    results = {}
    for kind in (metrics.PrecisionRecall, metrics.DensityCoverage):
        metric = kind(neighbours=4)
        metric.update_state(real, generated)
        results |= metric.result()
    assert results == overlap._asdict()


def test_refuses_more_neighbours_than_rows():
    x = np.random.default_rng(5).standard_normal((5, 2))
    metrics.manifold_overlap(x, x, 4)
    for k in (0, 5):
        with pytest.raises(ValueError, match="neighbours"):
            metrics.manifold_overlap(x, x, k)
