"""The arithmetic of half-normal units, in both tails and both precisions."""

import numpy as np
import pytest
import tensorflow as tf
from goodness_of_fit import assert_kolmogorov_smirnov

import genzoo as gz
from genzoo.runtime import random
from genzoo.units import relu

# On both sides of where the arithmetic changes: -9 in float32, -30 in float64.
POINTS = [-1e4, -100, -40, -30.01, -29.99, -12, -9.01, -8.99, -3, 0, 3, 20]


def integrals(t, nodes=300):
    """log of the integral of exp(t x - x^2 / 2) over x > 0, and <x>."""
    t = np.asarray(t, np.float64)[..., None]
    points, weights = np.polynomial.legendre.leggauss(nodes)
    # Beyond `high` lies less than exp(-40) of it.
    high = 80 / (np.sqrt(t * t + 80) - t)
    x = 0.5 * high * (points + 1)
    top = 0.5 * np.maximum(t, 0) ** 2
    density = 0.5 * high * weights * np.exp(t * x - 0.5 * x * x - top)
    total = density.sum(axis=-1)
    return np.log(total) + top[..., 0], (density * x).sum(axis=-1) / total


def survival(x, t, nodes=300):
    """P(X > x), by a shift of the integral."""
    x = np.asarray(x, np.float64)
    t = np.asarray(t, np.float64)
    change = integrals(t - x, nodes)[0] - integrals(t, nodes)[0]
    return np.exp(t * x - 0.5 * x * x + change)


# Above the switch the mean has lost t^4 units in the last place; below it the
# series lack a term of 110410 / t^12.
@pytest.mark.parametrize(
    ("dtype", "switch", "above", "below"),
    [("float32", -9, 1e-3, 2e-6), ("float64", -30, 1e-8, 1e-11)],
)
def test_functions_agree_with_quadrature(dtype, switch, above, below):
    t = tf.constant(POINTS, dtype)
    log_cumulant, mean = integrals(t)
    log_cdf = log_cumulant - 0.5 * np.square(t) - 0.5 * np.log(2 * np.pi)
    np.testing.assert_allclose(
        relu.log_normal_cdf(t), log_cdf, rtol=1e-6, atol=1e-7
    )
    log_ratio = relu.log_mills_ratio(t)
    np.testing.assert_allclose(log_ratio, log_cumulant, rtol=1e-5, atol=1e-5)
    error = np.abs(relu.half_normal_mean(t) / mean - 1)
    assert np.all(error < np.where(t < switch, below, above))


# In the tail the Mills ratio is corrected for once: five digits.
@pytest.mark.parametrize(
    ("dtype", "rtol"), [("float32", 2e-3), ("float64", 1e-4)]
)
def test_sample_inverts_the_survival_function(dtype, rtol):
    u = np.array([1.0, 0.999, 0.5, 0.1, 1e-3, 2.0**-23])
    t, u = np.meshgrid(POINTS, u)
    t = tf.constant(t, dtype)
    x = relu.half_normal_sample(t, tf.constant(u, dtype))
    assert np.all(np.isfinite(x))
    assert np.all(x >= 0)
    np.testing.assert_allclose(survival(x, t), u, rtol=rtol)


@pytest.mark.parametrize("t", [-40, -12, -9.01, -8.99, -3, 0, 3, 20])
def test_draws_follow_the_half_normal_distribution(t):
    unit = gz.units.ReLU(1)
    draws = unit.sample(tf.fill((20000, 1), float(t)), random.as_seed(1))
    assert draws.dtype == "float32"
    # 100 nodes are within 1e-13 of 300.
    assert_kolmogorov_smirnov(
        draws[:, 0], lambda x: 1 - survival(x, np.float32(t), nodes=100)
    )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_functions_over_another_bound_are_those_over_zero_moved(dtype):
    below = np.array([0.0, 0.5, 3.0, 40.0])
    t = np.array(POINTS)[:, None] - below
    log_cumulant, mean = integrals(t + below)
    # x over -below is y - below with y over 0: exp(t x - x^2 / 2) has more.
    log_due = log_cumulant - below * t - 0.5 * below**2
    t, below = tf.constant(t, dtype), tf.constant(below, dtype)
    found = relu.log_mills_ratio(t, below)
    np.testing.assert_allclose(found, log_due, rtol=1e-4, atol=1e-4)
    found = relu.half_normal_mean(t, below)
    size = np.abs(t) + np.asarray(below) + 1
    assert (np.abs(found - (mean - np.asarray(below))) < 1e-4 * size).all()
    drawn = relu.half_normal_sample(t, tf.constant(1.0, dtype), below)
    assert (np.asarray(drawn) >= -np.asarray(below)).all()


# In float32 squares of 1e6 lose tens of thousands of nats.
@pytest.mark.parametrize(("mean", "scale"), [(1e6, 1.0), (1e9, 1e5), (3, 1)])
def test_data_far_from_zero_keep_their_digits(mean, scale):
    x = np.abs(np.random.default_rng(5).normal(mean, scale, (500, 1)))
    rbm = gz.RBM(gz.units.ReLU(1), gz.units.Bernoulli(2), seed=0)
    rbm.compile()
    rbm.fit(x, epochs=2, verbose=0)
    grid = np.linspace(max(0.0, mean - 9 * scale), mean + 9 * scale, 2001)
    density = np.exp(rbm.log_prob(grid[:, None]).astype(float))
    assert np.sum(density) * (grid[1] - grid[0]) == pytest.approx(1, abs=2e-3)
    entropy = 0.5 * np.log(2 * np.pi * np.e) + np.log(scale)
    assert rbm.log_prob(x).mean() == pytest.approx(-entropy, abs=0.15)
    drawn = rbm.sample(500, seed=0).astype(float)
    assert abs(drawn.mean() - mean) < 0.3 * scale
    assert 0.8 * scale < drawn.std() < 1.3 * scale
