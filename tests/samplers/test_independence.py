import math

import numpy as np
import tensorflow as tf
from goodness_of_fit import assert_kolmogorov_smirnov

from genzoo import samplers
from genzoo.runtime import random
from genzoo.samplers.independence import State


def log_prob(x):
    return -0.5 * tf.reduce_sum(x**2, -1)


def propose(seed, n):
    """Shifted and too wide: w = p / q is bounded."""
    x = 0.5 + 1.4 * random.normal((n, 1), seed)
    return x, -0.5 * ((x[:, 0] - 0.5) / 1.4) ** 2


def cdf(x):
    return 0.5 * (1 + np.vectorize(math.erf)(x / math.sqrt(2)))


def test_last_states_of_many_chains_follow_the_distribution():
    step = samplers.independence(log_prob, propose)
    first, second = random.split(random.as_seed(0), 2)

    @tf.function(autograph=False)
    def walk():
        start = samplers.independence_start(log_prob, propose, first, 20_000)
        return start, samplers.run(step, second, start, 20)

    start, state = walk()
    assert_kolmogorov_smirnov((start.x[:, 0] - 0.5) / 1.4, cdf)
    assert_kolmogorov_smirnov(state.x[:, 0], cdf)
    # One step more is exact too, and carries the weight of its x.
    state, info = step(random.as_seed(5), state)
    assert_kolmogorov_smirnov(state.x[:, 0], cdf)
    log_q = -0.5 * ((state.x[:, 0] - 0.5) / 1.4) ** 2
    np.testing.assert_allclose(
        state.log_weight, log_prob(state.x) - log_q, atol=1e-5
    )
    assert 0.5 < np.mean(info.acceptance) < 0.9


def test_a_proposal_like_the_target_is_always_accepted():
    def exact(seed, n):
        x = random.normal((n, 2), seed)
        return x, log_prob(x) + 3.0

    step = samplers.independence(log_prob, exact)
    state = samplers.independence_start(log_prob, exact, random.as_seed(0), 10)
    moved, info = step(random.as_seed(1), state)
    np.testing.assert_allclose(info.acceptance, np.ones(10), rtol=1e-5)
    assert np.all(moved.x != state.x)


def test_the_impossible_is_left_and_never_entered():
    def half(x):
        return tf.where(x[:, 0] > 0, log_prob(x), -np.inf)

    step = samplers.independence(half, propose)
    start = samplers.independence_start(
        half, propose, random.as_seed(0), 20_000
    )
    assert np.any(start.x < 0)
    state = samplers.run(step, random.as_seed(1), start, 40)
    assert_kolmogorov_smirnov(state.x[:, 0], lambda x: 2 * cdf(x) - 1)


def test_chains_are_addressed_by_row():
    step = samplers.independence(log_prob, propose)
    seed = random.as_seed(3)
    x = tf.zeros((8, 1))
    state = State(x, tf.fill((8,), -np.inf))
    full = samplers.run(step, seed, state, 6)
    some = tf.nest.map_structure(lambda each: each[4:], state)
    some = samplers.run(step, seed.at_row(4), some, 6)
    np.testing.assert_array_equal(full.x[4:], some.x)
    assert np.all(full.x[4:] != 0)
