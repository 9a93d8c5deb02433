import math

import numpy as np
import pytest

from genzoo import metrics

PAIRS = (
    metrics.kl_divergence,
    metrics.jensen_shannon,
    metrics.jensen_shannon_distance,
    metrics.total_variation,
)


def simplex(rng, *shape):
    return rng.dirichlet(np.full(shape[-1], 0.3), shape[:-1])


def test_two_coins_by_hand():
    p, q = [0.5, 0.5], [0.25, 0.75]
    kl = 0.5 * math.log(2) + 0.5 * math.log(2 / 3)
    assert metrics.kl_divergence(p, q) == pytest.approx(kl, rel=1e-14)
    assert metrics.entropy(q) == pytest.approx(
        2 * math.log(2) - 0.75 * math.log(3), rel=1e-14
    )
    assert metrics.total_variation(p, q) == pytest.approx(0.25, rel=1e-14)


def test_limits():
    p, q = [1.0, 0.0], [0.0, 1.0]
    assert metrics.kl_divergence(p, q) == math.inf
    assert metrics.kl_divergence(p, [0.5, 0.5]) == pytest.approx(math.log(2))
    assert metrics.jensen_shannon(p, q) == pytest.approx(math.log(2))
    assert metrics.total_variation(p, q) == 1
    assert metrics.entropy(p) == 0
    assert metrics.entropy(np.full(7, 1 / 7)) == pytest.approx(math.log(7))
    for divergence in PAIRS:
        assert divergence(q, q) == 0


def test_poissons_in_closed_form():
    n = np.arange(200)
    log_factorial = np.array([math.lgamma(k + 1) for k in n])
    p, q = (np.exp(n * math.log(a) - a - log_factorial) for a in (3.0, 4.5))
    kl = 3 * math.log(3 / 4.5) - 3 + 4.5
    reverse = 4.5 * math.log(4.5 / 3) - 4.5 + 3
    assert metrics.kl_divergence(p, q) == pytest.approx(kl, abs=1e-10)
    assert metrics.kl_divergence(q, p) == pytest.approx(reverse, abs=1e-10)


def test_inequalities_and_chain_rule():
    rng = np.random.default_rng(0)
    p, q, r = simplex(rng, 3, 1000, 5)
    distance = metrics.jensen_shannon_distance
    assert (distance(p, r) <= distance(p, q) + distance(q, r) + 1e-12).all()
    variation = metrics.total_variation
    assert (variation(p, r) <= variation(p, q) + variation(q, r) + 1e-12).all()
    # Pinsker
    kl = metrics.kl_divergence(p, q)
    assert (2 * variation(p, q) ** 2 <= kl + 1e-12).all()
    mixture = (p + q) / 2
    np.testing.assert_allclose(
        metrics.jensen_shannon(p, q),
        metrics.entropy(mixture)
        - (metrics.entropy(p) + metrics.entropy(q)) / 2,
        atol=1e-12,
    )
    product = (p[:, :, None] * r[:, None, :]).reshape(1000, 25)
    other = (q[:, :, None] * r[:, None, :]).reshape(1000, 25)
    np.testing.assert_allclose(metrics.kl_divergence(product, other), kl)


def test_broadcasting():
    rng = np.random.default_rng(1)
    p, q = simplex(rng, 4, 1, 3), simplex(rng, 6, 3)
    for divergence in PAIRS:
        found = divergence(p, q)
        assert found.shape == (4, 6)
        assert found[2, 5] == divergence(p[2, 0], q[5])
        assert isinstance(divergence(p[0, 0], q[0]), float)


def test_refusals():
    good = [0.5, 0.5]
    for bad, words in (
        ([0.5, 0.6], "must sum to 1"),
        ([3, 4], "Divide counts"),
        ([1.5, -0.5], "not negative"),
        ([math.nan, 1.0], "finite"),
        (1.0, "probabilities"),
    ):
        with pytest.raises(ValueError, match=words):
            metrics.entropy(bad)
        for divergence in PAIRS:
            with pytest.raises(ValueError, match=words):
                divergence(good, bad)
    with pytest.raises(ValueError, match="same number of states"):
        metrics.kl_divergence(good, [0.2, 0.3, 0.5])
