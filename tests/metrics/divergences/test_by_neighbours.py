import math

import numpy as np
import pytest

from genzoo import metrics


def test_kl_of_gaussians():
    rng = np.random.default_rng(0)
    for d, bias in ((1, 0.0), (2, 0.05), (4, 0.15)):
        x = rng.standard_normal((3000, d))
        y = rng.standard_normal((3000, d)) * 1.5 + 0.5
        truth = d * ((1 + 0.25) / (2 * 2.25) - 0.5 + math.log(1.5))
        found = metrics.neighbour_kl(x, y)
        assert found.value == pytest.approx(
            truth, abs=3 * found.stderr + bias * truth
        )
        assert found.stderr < 0.1 * truth


def test_error_is_the_spread():
    rng = np.random.default_rng(1)
    found = [
        metrics.neighbour_kl(
            rng.standard_normal((300, 2)), 1.5 * rng.standard_normal((300, 2))
        )
        for _ in range(60)
    ]
    spread = np.std([e.value for e in found], ddof=1)
    error = np.sqrt(np.mean([e.stderr**2 for e in found]))
    assert error == pytest.approx(spread, rel=0.35)


def test_entropy_of_densities():
    rng = np.random.default_rng(2)
    normal = math.log(math.sqrt(2 * math.pi * math.e))
    for d in (1, 3):
        found = metrics.neighbour_entropy(rng.standard_normal((3000, d)))
        assert found.value == pytest.approx(d * normal, abs=4 * found.stderr)
    found = metrics.neighbour_entropy(3 * rng.random((3000, 2)))
    assert found.value == pytest.approx(2 * math.log(3), abs=0.05)


def test_refusals():
    x = np.random.default_rng(3).random((200, 2))
    with pytest.raises(ValueError, match="not draws of a density"):
        metrics.neighbour_entropy(np.repeat(x[:20], 10, axis=0))
    with pytest.raises(ValueError, match="groups=10 must"):
        metrics.neighbour_kl(x[:50], x)
    with pytest.raises(ValueError, match="same shape"):
        metrics.neighbour_kl(x, x[:, :1])
    with pytest.raises(ValueError, match="x must be finite"):
        metrics.neighbour_kl(x * np.inf, x)


def test_rows_in_both_samples_are_refused():
    # Copies of half of the data had a divergence of -0.12 +- 0.02.
    x, other = np.random.default_rng(8).normal(size=(2, 400, 2))
    copied = np.vstack([x[:200], other[:200]])
    with pytest.raises(ValueError, match="200 of 400 rows are in both samples"):
        metrics.neighbour_kl(x, copied)
    copied[4:] = other[4:]
    metrics.neighbour_kl(x, copied)
