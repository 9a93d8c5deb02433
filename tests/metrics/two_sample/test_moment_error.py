import math

import numpy as np
import pytest

from genzoo import metrics


def result(x, y, **options):
    metric = metrics.MomentError(**options)
    metric.update_state(x, y)
    return metric.result()


def test_formulas():
    rng = np.random.default_rng(0)
    x, y = rng.random((30, 4)), rng.random((20, 4)) + 0.1
    gap = np.square(x.mean(axis=0) - y.mean(axis=0))
    v, w = x.var(axis=0, ddof=1), y.var(axis=0, ddof=1)
    c, other = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
    assert result(x, y) == pytest.approx(
        {
            "mean": np.sqrt(np.mean(gap / ((v + w) / 2))),
            "covariance": np.linalg.norm(other - c) / np.linalg.norm(c),
            "chi_square": np.mean(gap / (v / 30 + w / 20)),
        },
        rel=1e-9,
    )


def test_chi_square_is_about_one_for_equal_distributions():
    rng = np.random.default_rng(1)
    d = 400
    found = result(rng.standard_normal((50, d)), rng.standard_normal((70, d)))
    assert found["chi_square"] == pytest.approx(1, abs=4 * math.sqrt(2 / d))


def test_features_that_do_not_vary():
    rng = np.random.default_rng(2)
    x = rng.standard_normal((30, 2))
    x[:, 1] = 0.3
    y = x.copy()
    assert result(x, y) == {"mean": 0, "covariance": 0, "chi_square": 0}
    y[:, 1] = 0.4
    assert result(x, y)["mean"] == math.inf
