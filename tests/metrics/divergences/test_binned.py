import math

import numpy as np
import pytest

from genzoo import metrics

KINDS = ("kl", "reverse_kl", "jensen_shannon", "total_variation")


@pytest.mark.parametrize("kind", KINDS)
def test_plug_in_is_the_divergence_of_the_histograms(kind):
    rng = np.random.default_rng(0)
    x, y = rng.random((500, 2)), rng.random((300, 2)) ** 1.5
    edges = [np.linspace(0, 1, 4), np.linspace(0, 1, 3)]
    p, q = (np.histogramdd(z, edges)[0].ravel() / len(z) for z in (x, y))
    exact = {
        "kl": metrics.kl_divergence(p, q),
        "reverse_kl": metrics.kl_divergence(q, p),
        "jensen_shannon": metrics.jensen_shannon(p, q),
        "total_variation": metrics.total_variation(p, q),
    }[kind]
    found = metrics.binned_divergence(x, y, kind, edges, correct=False)
    assert found.value == pytest.approx(exact, rel=1e-12)
    corrected = metrics.binned_divergence(x, y, kind, edges)
    assert corrected.value == pytest.approx(exact - corrected.bias, rel=1e-12)
    assert corrected.bias > 0


@pytest.mark.parametrize("kind", KINDS[:3])
def test_corrected_values_scatter_about_zero(kind):
    rng = np.random.default_rng(1)
    found = [
        metrics.binned_divergence(
            *rng.random((2, 400)), kind, bins=10, bootstrap=30, seed=seed
        )
        for seed in range(100)
    ]
    values = np.array([e.value for e in found])
    error = values.std(ddof=1) / 10
    assert abs(values.mean()) < 3 * error
    # ... and the bias that is gone was plain to see.
    assert np.mean([e.bias for e in found]) > 10 * error


def test_bootstrap_error_is_the_spread():
    rng = np.random.default_rng(2)
    found = [
        metrics.binned_divergence(
            rng.random(400), rng.random(300) ** 2.5, "kl", bins=8, seed=seed
        )
        for seed in range(100)
    ]
    spread = np.std([e.value for e in found], ddof=1)
    assert np.mean([e.stderr for e in found]) == pytest.approx(spread, rel=0.25)


def test_entropy_of_densities():
    rng = np.random.default_rng(3)
    normal = math.log(math.sqrt(2 * math.pi * math.e))
    for d in (1, 2):
        found = metrics.binned_entropy(rng.standard_normal((20_000, d)))
        # Averaging over a bin of width h adds h^2 / 24 a dimension.
        width = max(np.diff(edges).max() for edges in found.edges)
        assert found.value == pytest.approx(
            d * normal, abs=3 * found.stderr + 2 * d * width**2 / 24
        )
    dice = rng.integers(1, 7, 3000)
    found = metrics.binned_entropy(dice, density=False)
    assert found.value == pytest.approx(math.log(6), abs=4 * found.stderr)
    assert found.bias == pytest.approx(-5 / 6000)


def test_whole_numbers_have_bins_of_their_own():
    x = np.random.default_rng(4).poisson(2.0, 2000)
    (edges,) = metrics.binned_entropy(x).edges
    np.testing.assert_array_equal(edges, np.arange(x.max() + 2) - 0.5)


def test_what_lies_beyond_the_edges_counts():
    x, y = np.array([0.5, 0.5, 5.0, -5.0]), np.array([0.5, 5.0, 5.0, 0.0])
    found = metrics.binned_divergence(
        x, y, "total_variation", [0.0, 1.0], correct=False
    )
    # (inside, above, below): (2, 1, 1) against (2, 2, 0)
    assert found.value == pytest.approx(0.25)
    with pytest.raises(ValueError, match="beyond the edges"):
        metrics.binned_entropy(x, bins=[0.0, 1.0])


def test_empty_bins_are_not_infinite():
    found = metrics.binned_divergence(np.zeros(50), np.ones(50), "kl", bins=2)
    assert np.isfinite(found.value)


def test_refusals():
    x = np.random.default_rng(5).random((50, 2))
    divergence = metrics.binned_divergence
    for arguments, words in (
        ((x, x, "js"), "divergence must be one of"),
        ((x, x, "kl", "scott"), "bins must be 'auto'"),
        ((x, x, "kl", [3]), "each of 2 dimensions"),
        ((x, x, "kl", 0), "positive numbers or increasing"),
        ((x, x, "kl", [[0, 1], [1, 0]]), "increasing"),
        ((x, x[:, :1]), "same shape"),
        ((x, x * np.nan), "y must be finite"),
        ((x, x[:0]), "not empty"),
        ((np.ones((9, 4)), np.ones((9, 4))), "one to three dimensions"),
    ):
        with pytest.raises(ValueError, match=words):
            divergence(*arguments)
    with pytest.raises(ValueError, match="divergence must be one of"):
        metrics.BinnedDivergence(divergence="js")


def test_metric_is_the_function():
    rng = np.random.default_rng(6)
    x, y = rng.random((50, 3)), rng.random((60, 3))
    metric = metrics.BinnedDivergence(lambda z: z[:, 0] ** 2, "kl", bins=5)
    metric.update_state(x, y)
    found = metrics.binned_divergence(x[:, 0] ** 2, y[:, 0] ** 2, "kl", 5)
    assert metric.result()["value"] == pytest.approx(found.value, rel=1e-12)
