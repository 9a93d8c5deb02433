"""Densities on the real line, far beyond where most of them lies."""

import math

import numpy as np
import pytest
import tensorflow as tf
from goodness_of_fit import assert_kolmogorov_smirnov

import genzoo as gz
from genzoo import spaces
from genzoo.features import Function, Moments

REAL, HALF = spaces.Real(), spaces.Interval(0, None)


def fitted(space, parts, observed):
    model = gz.MaxEnt(space, parts, seed=0)
    model.compile()
    model.fit(observations=observed, verbose=0)
    return model


def student(location, scale):
    return lambda x: tf.math.log1p(((x[:, 0] - location) / scale) ** 2)


def both_logs(x):
    log = tf.math.log(x[:, 0])
    return tf.stack([log, log**2], axis=1)


# Features, averages, and what must come out: (multipliers, log Z).
HEAVY = {
    "Cauchy": (REAL, student(0, 1), [2 * math.log(2)], [-1], math.log(math.pi)),
    "Cauchy elsewhere": (
        REAL,
        student(-700.0, 0.01),
        [2 * math.log(2)],
        [-1],
        math.log(math.pi * 0.01),
    ),
    # Of the law a x^(-a - 1) beyond 1, log x has the mean 1 / a.
    "Pareto": (
        spaces.Interval(1, None),
        lambda x: tf.math.log(x[:, 0]),
        [0.5],
        [-3],
        -math.log(2),
    ),
    "Pareto below": (
        spaces.Interval(None, -2),
        lambda x: tf.math.log(-x[:, 0]),
        [math.log(2) + 0.8],
        [-2.25],
        -math.log(1.25) - 1.25 * math.log(2),
    ),
    "log-normal": (
        HALF,
        both_logs,
        [0.5, 1.25],
        [-0.5, -0.5],
        0.125 + 0.5 * math.log(2 * math.pi),
    ),
    "square root": (HALF, lambda x: tf.sqrt(x[:, 0]), [2.0], [-1], math.log(2)),
    # 1 / (1 + r^2)^2 in the plane: log(1 + r^2) is exponential.
    "plane": (
        spaces.Real(2),
        lambda x: tf.math.log1p(tf.reduce_sum(x**2, axis=1)),
        [1.0],
        [-2],
        math.log(math.pi),
    ),
    "Laplace": (
        REAL,
        Function(lambda x: tf.abs(x[:, 0] - 3), breaks=[3.0]),
        [0.5],
        [-2],
        0.0,
    ),
}


@pytest.mark.parametrize("name", HEAVY)
def test_heavy_tails_are_integrated(name):
    space, parts, observed, multipliers, log_z = HEAVY[name]
    model = fitted(space, parts, observed)
    np.testing.assert_allclose(model.multipliers, multipliers, atol=1e-6)
    np.testing.assert_allclose(model.expectation(), observed, atol=1e-9)
    found = model.log_partition()
    np.testing.assert_allclose(found.value, log_z, atol=1e-8)
    # The same from the multipliers alone, wherever the window was.
    again = gz.MaxEnt(space, parts, seed=0)
    again.multipliers = multipliers
    np.testing.assert_allclose(again.log_partition().value, log_z, atol=1e-7)


def test_draws_of_heavy_tails(tmp_path):
    model = fitted(*HEAVY["Cauchy elsewhere"][:3])
    path = tmp_path / "cauchy.weights.h5"
    model.save_weights(path)
    again = gz.MaxEnt(REAL, student(-700.0, 0.01), seed=0)
    again.load_weights(path)
    # Also of the square root of it, at T = 2: without an integral.
    draws = again.sample(4000, seed=1)[:, 0].astype("float64")
    assert_kolmogorov_smirnov(
        draws, lambda x: 0.5 + np.arctan((x + 700) / 0.01) / np.pi
    )
    with pytest.raises(ValueError, match="does not decay"):
        again.sample(5, temperature=2.0)
    cold = again.sample(4000, seed=1, temperature=0.5)[:, 0].astype("float64")
    z = (cold + 700) / 0.01
    assert_kolmogorov_smirnov(
        cold,
        lambda x: (
            0.5
            + (
                np.arctan((x + 700) / 0.01)
                + (x + 700) / 0.01 / (1 + ((x + 700) / 0.01) ** 2)
            )
            / np.pi
        ),
    )
    assert abs(np.median(z)) < 0.1


def squares(x):
    return (x[:, 0] * x[:, 1]) ** 2


# Averages that a density can come near to, but none of this form has: its
# logarithm would grow far away, where a window of 12 would not see it.
NO_INTEGRAL = {
    "kurtosis": (REAL, Moments(1, 2, 3, 4), [0, 1, 0, 3.01]),
    "six powers": (REAL, Moments(2, 4, 6), [1, 3, 15.01]),
    "skewness": (REAL, Moments(1, 2, 3), [0, 1, 0.1]),
    "half line": (HALF, Moments(1, 2), [1.0, 2.01]),
    "with a spin": (
        spaces.Product([spaces.Spin(1), REAL]),
        [Function(lambda x: x[:, 1:] ** [1, 2, 3, 4])],
        [0, 1, 0, 3.01],
    ),
    "flat far away": (REAL, lambda x: tf.minimum(x[:, 0] ** 2, 100.0), [1.0]),
    "mean of a Cauchy": (REAL, [Moments(1), student(0, 1)], [0.5, 0.7]),
}


@pytest.mark.parametrize("name", NO_INTEGRAL)
def test_what_grows_beyond_the_window_is_refused(name):
    with pytest.raises(ValueError, match="does not decay.*beyond"):
        fitted(*NO_INTEGRAL[name])


@pytest.mark.parametrize(
    ("space", "parts", "multipliers"),
    [
        (REAL, Moments(1, 2, 3, 4), [0, -0.5, 0, 1e-7]),
        (REAL, student(0, 1), [-0.5]),
        (HALF, Moments(1, 2), [-1, 1e-5]),
        (spaces.Real(2), [Moments(2), squares], [-0.5, -0.5, 1e-9]),
    ],
)
def test_multipliers_without_an_integral_are_refused(space, parts, multipliers):
    model = gz.MaxEnt(space, parts)
    with pytest.raises(ValueError, match="does not decay"):
        model.multipliers = multipliers


def test_what_lies_beyond_all_numbers_is_called_so():
    model = gz.MaxEnt(REAL, student(0, 1))
    with pytest.raises(ValueError, match=r"\|x\|\^-1.04.*can be normalised"):
        model.multipliers = [-0.52]


@pytest.mark.parametrize(
    ("space", "parts", "observed", "multipliers"),
    [
        # At the very end of what is possible, where a power is not needed.
        (REAL, Moments(1, 2, 3, 4), [0, 1, 0, 3], [0, -0.5, 0, 0]),
        (HALF, Moments(1, 2), [1.0, 2.0], [-1, 0]),
        (REAL, Moments(1, 2, 3), [2, 5, 14], [2, -0.5, 0]),
    ],
)
def test_a_power_without_need_has_no_multiplier(
    space, parts, observed, multipliers
):
    model = fitted(space, parts, observed)
    np.testing.assert_allclose(model.multipliers, multipliers, atol=1e-6)


def test_a_second_mode_far_away_is_found():
    # Where the skewness is .1 and the kurtosis 3.5 there is one near 70.
    model = fitted(REAL, Moments(1, 2, 3, 4), [0, 1, 0.1, 3.5])
    x = np.linspace(-20, 90, 400_001)
    log_p = np.vander(x, 5, increasing=True)[:, 1:] @ model.multipliers
    p = np.exp(log_p - model.log_partition().value)
    moments = [np.trapezoid(p * x**k, x) for k in range(5)]
    np.testing.assert_allclose(moments, [1, 0, 1, 0.1, 3.5], atol=1e-7)
    assert np.trapezoid(p[x > 30], x[x > 30]) > 1e-9
