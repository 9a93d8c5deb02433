import numpy as np
import pytest

from genzoo import metrics


def covariance(rng, d):
    root = rng.standard_normal((d, d))
    return root @ root.T / d + 0.1 * np.eye(d)


def test_formula_by_roots_of_the_product_itself():
    rng = np.random.default_rng(0)
    for d in (1, 3, 20, 64):
        mean, other_mean = rng.standard_normal((2, d))
        c, other = covariance(rng, d), covariance(rng, d)
        # tr sqrt(C C') from the eigenvalues of the product, not symmetric.
        trace = np.sqrt(np.linalg.eigvals(c @ other).real).sum()
        expected = np.square(mean - other_mean).sum() + np.trace(c + other)
        expected -= 2 * trace
        found = metrics.frechet_distance(mean, c, other_mean, other)
        assert found == pytest.approx(expected, rel=1e-8)
        assert metrics.frechet_distance(mean, c, mean, c) < 1e-10


def test_closed_form_of_gaussians_with_common_axes():
    rng = np.random.default_rng(1)
    sd, other_sd = np.array([0.0, 1.0, 2.0]), np.array([0.5, 1.0, 0.3])
    axes = np.linalg.qr(rng.standard_normal((3, 3)))[0]
    expected = 3 * 0.2**2 + np.square(sd - other_sd).sum()
    found = metrics.frechet_distance(
        np.zeros(3),
        axes * sd**2 @ axes.T,
        np.full(3, 0.2),
        axes * other_sd**2 @ axes.T,
    )
    assert found == pytest.approx(expected, rel=1e-10)


def test_samples_of_gaussians():
    rng = np.random.default_rng(2)
    n, d = 20000, 5
    metric = metrics.FrechetDistance()
    metric.update_state(
        rng.standard_normal((n, d)), 1.5 * rng.standard_normal((n, d)) + 1
    )
    assert metric.result() == pytest.approx(d * (1 + 0.25), rel=0.03)


def test_moments_are_those_of_numpy():
    rng = np.random.default_rng(3)
    real = rng.standard_normal((50, 2, 3)) + 10
    generated = rng.random((40, 2, 3))
    metric = metrics.FrechetDistance()
    metric.update_state(real, generated)
    moments = []
    for x in (real, generated):
        rows = x.reshape(len(x), -1)
        moments += [rows.mean(axis=0), np.cov(rows, rowvar=False)]
    expected = metrics.frechet_distance(*moments)
    assert metric.result() == pytest.approx(expected, rel=1e-10)


def test_needs_two_rows():
    metric = metrics.FrechetDistance()
    metric.update_state(np.zeros((1, 3)), np.zeros((5, 3)))
    with pytest.raises(ValueError, match="at least 2 rows"):
        metric.result()
