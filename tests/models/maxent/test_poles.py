"""Densities that are infinite at an end, against SciPy's gamma."""

import numpy as np
import pytest
import tensorflow as tf
from scipy import special, stats

import genzoo as gz
from genzoo import features, spaces


def _log_of(end=0.0, sign=1.0, **options):
    return features.Function(lambda x: tf.math.log(sign * (x - end)), **options)


@pytest.mark.parametrize(
    ("shape", "scale", "breaks"), [(0.3, 1.0, ()), (0.15, 200.0, (0.0,))]
)
def test_gammas_of_a_shape_below_one(shape, scale, breaks):
    x = np.random.default_rng(0).gamma(shape, scale, (1000, 1))
    parts = [features.Moments(1), _log_of(breaks=breaks)]
    model = gz.MaxEnt(spaces.Interval(0, None), parts)
    model.compile()
    model.fit(x, verbose=0)
    a, _, own = stats.gamma.fit(x[:, 0], floc=0)
    np.testing.assert_allclose(model.multipliers, [-1 / own, a - 1], rtol=1e-6)
    draws = model.sample(2000, seed=1)[:, 0]
    assert stats.kstest(draws, stats.gamma(a, scale=own).cdf).pvalue > 1e-3


def test_an_end_above():
    x = -np.random.default_rng(2).gamma(0.4, 2.0, (800, 1))
    parts = [features.Moments(1), _log_of(sign=-1.0)]
    model = gz.MaxEnt(spaces.Interval(None, 0), parts)
    model.compile()
    model.fit(x, verbose=0)
    a, _, scale = stats.gamma.fit(-x[:, 0], floc=0)
    expected = stats.gamma.logpdf(-x[:9, 0], a, scale=scale)
    np.testing.assert_allclose(model.log_prob(x[:9]), expected, atol=1e-6)


def test_a_pole_that_has_no_integral_is_told_as_that():
    parts = [features.Moments(1), _log_of()]
    model = gz.MaxEnt(spaces.Interval(0, None), parts)
    model.multipliers = [-20.0, -0.9]
    expected = special.gammaln(0.1) - 0.1 * np.log(20)
    assert model.log_partition().value == pytest.approx(expected, abs=1e-9)
    with pytest.raises(ValueError, match="rises so steeply .* end 0"):
        model.multipliers = [-1.0, -1.1]
