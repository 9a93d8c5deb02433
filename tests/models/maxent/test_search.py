"""When an exact search ends, and what it says then."""

import warnings

import numpy as np
import pytest
import scipy.special
import tensorflow as tf

import genzoo as gz


def _model(space, *parts):
    model = gz.MaxEnt(space, list(parts))
    model.compile()
    return model


@pytest.mark.parametrize("unit", [1e-9, 1e6])
def test_a_search_ends_alike_in_all_units(unit):
    # 1e-9 is a length in nanometres, 1e6 an income.
    x = unit * np.random.default_rng(0).normal(1.0, 0.1, (400, 1))
    model = _model(gz.spaces.Real(), gz.features.Moments(1, 2))
    model.fit(x, verbose=0)
    exact = [x.mean() / x.var(), -0.5 / x.var()]
    np.testing.assert_allclose(model.multipliers, exact, rtol=1e-4)


def _poles():
    a, b = 0.3, 0.4
    digamma = scipy.special.digamma
    averages = digamma(a) - digamma(a + b), digamma(b) - digamma(a + b)
    logs = gz.features.Function(
        lambda x: tf.concat([tf.math.log(x), tf.math.log1p(-x)], axis=1)
    )
    return gz.spaces.Interval(0, 1), logs, averages


def _step():
    below = gz.features.Function(lambda x: tf.cast(x < 37.123, x.dtype))
    return gz.spaces.Interval(0, 100), below, [0.9]


@pytest.mark.parametrize("case", [_poles, _step])
def test_a_coarse_integral_on_a_bounded_site_is_told(case):
    space, feature, averages = case()
    model = _model(space, feature)
    with pytest.warns(UserWarning, match="too coarse.*breaks="):
        model.fit(observations=averages, verbose=0)


def test_a_smooth_integral_on_a_bounded_site_is_silent():
    model = _model(gz.spaces.Interval(0, 1), gz.features.Moments(1, 2))
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        model.fit(observations=[0.3, 0.12], verbose=0)
