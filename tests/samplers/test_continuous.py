"""What every sampler of real coordinates must do."""

import math

import numpy as np
import pytest
import tensorflow as tf
from goodness_of_fit import assert_kolmogorov_smirnov

from genzoo import samplers
from genzoo.runtime import random
from genzoo.runtime.graph import compiled

SCALES = np.array([0.5, 3.0])
EXACT = {
    "random_walk": lambda log_prob, scale: samplers.random_walk_metropolis(
        log_prob, 1.5 * scale
    ),
    "mala": lambda log_prob, scale: samplers.mala(log_prob, scale),
    "hmc": lambda log_prob, scale: samplers.hmc(log_prob, 0.8 * scale, 2),
}
ALL = {
    **EXACT,
    "langevin": lambda log_prob, scale: samplers.langevin(log_prob, scale),
}
every_exact = pytest.mark.parametrize("name", EXACT)
every = pytest.mark.parametrize("name", ALL)


def normal_cdf(x, scale=1.0):
    return 0.5 * (1 + np.vectorize(math.erf)(x / (scale * math.sqrt(2))))


def gaussian(x):
    """Independent coordinates of the standard deviations `SCALES`."""
    return -0.5 * tf.reduce_sum((x / SCALES.astype(x.dtype.name)) ** 2, -1)


def half(x):
    """|N(0, 1)|; outside, the formula of the gradient is NaN."""
    inside = x[:, 0] >= 0
    return tf.where(inside, -0.5 * tf.sqrt(x[:, 0]) ** 4, -np.inf)


@every_exact
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_last_states_of_many_chains_follow_the_distribution(name, dtype):
    step = EXACT[name](gaussian, SCALES)
    start = tf.cast(tf.fill((20_000, 2), 4.0), dtype)
    walk = compiled(lambda: samplers.run(step, random.as_seed(1), start, 100))
    x = walk()
    assert x.dtype == dtype
    assert_kolmogorov_smirnov(x[:, 0], lambda x: normal_cdf(x, SCALES[0]))
    assert_kolmogorov_smirnov(x[:, 1], lambda x: normal_cdf(x, SCALES[1]))
    # And the coordinates are independent.
    ratio = x / SCALES
    angle = np.arctan2(ratio[:, 1], ratio[:, 0]) / (2 * np.pi) + 0.5
    assert_kolmogorov_smirnov(angle, lambda x: x)


@every_exact
def test_a_step_leaves_exact_draws_exact(name):
    rng = np.random.default_rng(0)
    x = (rng.normal(size=(20_000, 2)) * SCALES).astype("float32")
    x, info = EXACT[name](gaussian, SCALES)(random.as_seed(0), tf.constant(x))
    assert 0.3 < np.mean(info.acceptance) < 0.99
    for i, scale in enumerate(SCALES):
        assert_kolmogorov_smirnov(
            x[:, i], lambda x, scale=scale: normal_cdf(x, scale)
        )


@every_exact
def test_a_bounded_space_is_not_left_and_no_gradient_is_nan(name):
    step = EXACT[name](half, 1.0)
    start = tf.fill((20_000, 1), 0.01)
    walk = compiled(lambda: samplers.run(step, random.as_seed(1), start, 100))
    assert_kolmogorov_smirnov(walk()[:, 0], lambda x: 2 * normal_cdf(x) - 1)


@every
def test_steps_to_where_p_is_zero_are_refused(name):
    step = ALL[name](half, 1.0)
    x = tf.fill((2000, 1), 0.5)
    refusals = []
    for number in range(5):
        before = x
        x, info = step(random.fold_in(random.as_seed(0), number), x)
        assert np.all(x.numpy() >= 0)
        refused = info.acceptance.numpy() == 0
        refusals.append(refused.mean())
        np.testing.assert_array_equal(x[refused], before[refused])
        assert np.all(np.isfinite(info.acceptance))
    assert 0.05 < np.mean(refusals) < 0.9


@every
@pytest.mark.parametrize("place", [0.0, -0.5])
def test_chains_may_start_at_the_edge_or_outside(name, place):
    step = ALL[name](half, 1.0)
    x = tf.fill((200, 1), place)
    for number in range(20):
        x, info = step(random.fold_in(random.as_seed(0), number), x)
        assert np.all(np.isfinite(info.acceptance))
    assert np.all(x > 0)


@every
def test_chains_are_addressed_by_row(name):
    step = ALL[name](gaussian, SCALES)
    x = tf.constant(np.random.default_rng(0).normal(size=(8, 2)), tf.float32)
    seed = random.as_seed(3)
    full = samplers.run(step, seed, x, 6)
    some = samplers.run(step, seed.at_row(4), x[4:], 6)
    np.testing.assert_allclose(full[4:], some, rtol=1e-5)
    other = samplers.run(step, seed, x[4:], 6)
    assert np.all(np.any(full[4:] != other, axis=1))


@every
def test_the_number_of_chains_may_be_open(name):
    step = ALL[name](gaussian, SCALES)

    @tf.function(input_signature=[tf.TensorSpec((None, 2))], autograph=False)
    def walk(x):
        return samplers.run(step, random.as_seed(0), x, 3)

    assert walk(tf.zeros((5, 2))).shape == (5, 2)
    assert walk(tf.zeros((0, 2))).shape == (0, 2)


@every
def test_a_constant_probability_has_no_gradient(name):
    def box(x):
        return tf.where(tf.reduce_all(tf.abs(x) < 1, -1), 0.0, -np.inf)

    step = ALL[name](box, 0.7)
    walk = compiled(
        lambda: samplers.run(
            step, random.as_seed(1), tf.zeros((20_000, 1)), 100
        )
    )
    assert_kolmogorov_smirnov(walk()[:, 0], lambda x: 0.5 * (x + 1))
