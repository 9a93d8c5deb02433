import math

import numpy as np
import pytest
import tensorflow as tf
from goodness_of_fit import assert_kolmogorov_smirnov

from genzoo import samplers
from genzoo.runtime import random
from genzoo.runtime.graph import compiled


def normal_cdf(variance):
    return lambda x: (
        0.5 * (1 + np.vectorize(math.erf)(x / math.sqrt(2 * variance)))
    )


def test_unadjusted_langevin_has_the_variance_of_its_own():
    variance, step_size = np.array([1.0, 4.0]), np.array([1.2, 1.0])
    step = samplers.langevin(
        lambda x: -0.5 * tf.reduce_sum(x**2 / variance, -1), step_size
    )
    start = tf.zeros((20_000, 2), tf.float64)
    walk = compiled(lambda: samplers.run(step, random.as_seed(0), start, 100))
    x = walk()
    expected = variance / (1 - step_size**2 / (4 * variance))
    for i in range(2):
        assert_kolmogorov_smirnov(x[:, i], normal_cdf(expected[i]))
    with pytest.raises(AssertionError):
        assert_kolmogorov_smirnov(x[:, 0], normal_cdf(variance[0]))


def test_mala_accepts_by_its_formula():
    # q(y | x) = N(y; x + s^2 / 2 grad, s^2), and a target with a skew.
    def log_prob(x):
        return tf.reduce_sum(x - tf.exp(x), -1)

    def log_q(y, x, s):
        mean = x + s**2 / 2 * (1 - np.exp(x))
        return -np.sum((y - mean) ** 2, axis=1) / (2 * s**2)

    s = 0.9
    x = np.random.default_rng(0).normal(size=(50, 3))
    step = samplers.mala(log_prob, s)
    y, info = step(random.as_seed(0), tf.constant(x))
    moved = np.any(y != x, axis=1)
    assert 0 < moved.sum() < 50
    x, y = x[moved], y.numpy()[moved]
    ratio = np.sum(y - np.exp(y) - x + np.exp(x), axis=1)
    ratio += log_q(x, y, s) - log_q(y, x, s)
    np.testing.assert_allclose(
        info.acceptance[moved], np.minimum(1, np.exp(ratio)), rtol=1e-9
    )
