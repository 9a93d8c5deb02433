import math

import numpy as np
import tensorflow as tf
from goodness_of_fit import assert_kolmogorov_smirnov

from genzoo import samplers
from genzoo.runtime import random


def test_nuts_samples_a_correlated_gaussian():
    cholesky = np.array([[1.0, 0.0], [1.5, 0.7]], np.float32)

    def log_prob(x):
        white = tf.linalg.triangular_solve(cholesky, tf.transpose(x))
        return -0.5 * tf.reduce_sum(white**2, axis=0)

    step = samplers.nuts(log_prob, 0.6, 4)
    start = tf.fill((4000, 2), 2.0)

    @tf.function(autograph=False)
    def walk(key, row):
        return samplers.trace(
            step, random.Seed(key, row), start, 12, lambda x: x
        )

    key = random.as_seed(0).key
    x, series, info = walk(key, tf.constant(0))
    for direction in ([1, 0], [0, 1], [1, -1]):
        scale = np.linalg.norm(np.array(direction) @ cholesky)

        def cdf(x, scale=scale):
            erf = np.vectorize(math.erf)
            return 0.5 * (1 + erf(x / scale / 2**0.5))

        assert_kolmogorov_smirnov(x.numpy() @ direction, cdf)
    assert 0.6 < np.mean(info.acceptance) <= 1
    assert 1 < np.mean(info.leapfrogs) < 16
    assert not np.any(info.diverged)
    assert not np.any(info.reached_depth == 1)
    # A function of the seed, and other draws at other rows.
    np.testing.assert_array_equal(walk(key, tf.constant(0))[0], x)
    assert np.all(walk(key, tf.constant(4000))[0] != x)
    other = random.as_seed((0, 1)).key
    assert np.all(walk(other, tf.constant(0))[0] != x)
