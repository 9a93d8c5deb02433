import math
import warnings
from functools import partial

import numpy as np
import pytest
import tensorflow as tf

from genzoo import partition
from genzoo.runtime import random
from genzoo.units import Bernoulli, Categorical, Gaussian, ReLU, Spin

# What is estimated from `chains` weights lies within three standard errors
# in 99.7% of cases; tests ask for 95% of many and 9 of 10.


@pytest.mark.parametrize("sigma", [0.01, 0.3, 1.0, 2.0])
def test_standard_error_of_log_normal_weights(sigma):
    rng = np.random.default_rng(0)
    trials = [
        partition.summarise(rng.normal(5.0, sigma, size=100))
        for _ in range(200)
    ]
    error = np.array([t.log_mean for t in trials]) - (5.0 + 0.5 * sigma**2)
    stderr = np.array([t.stderr for t in trials])
    assert np.mean(np.abs(error) <= 3 * stderr) >= 0.95
    # and it does not exaggerate
    assert np.median(stderr) < 3 * np.std(error)
    mean_log = np.mean([t.mean_log for t in trials])
    # 4 standard errors of 20,000 normal numbers
    assert abs(mean_log - 5.0) < 4 * sigma / math.sqrt(20000)


@pytest.mark.parametrize("count", [100, 400])
def test_standard_error_knows_of_a_tail_that_did_not_come(count):
    # Pareto weights with the mean 1 / (1 - k) and no variance.
    k = 0.8
    rng = np.random.default_rng(1)
    inside = [
        abs(found.log_mean - math.log(1 / (1 - k))) < 3 * found.stderr
        for found in (
            partition.summarise(-k * np.log(rng.random(count)))
            for _ in range(300)
        )
    ]
    # Without the tail's term in 70 of 100 cases.
    assert np.mean(inside) > 0.85


def test_summary_of_simple_weights():
    equal = partition.summarise(np.full(50, -1000.0))
    assert equal.log_mean == equal.mean_log == -1000
    assert equal.stderr == 0
    assert equal.ess == pytest.approx(50)
    one = partition.summarise(np.array([700.0] + 49 * [0.0]))
    assert one.ess == pytest.approx(1)
    assert one.log_mean == pytest.approx(700 - math.log(50))


PAIRS = {
    "bernoulli-bernoulli": (partial(Bernoulli, 6), partial(Bernoulli, 4)),
    "spin-bernoulli": (partial(Spin, 6), partial(Bernoulli, 4)),
    "categorical-spin": (partial(Categorical, 2, 3), partial(Spin, 4)),
    "gaussian-bernoulli": (
        partial(Gaussian, 6, variance=0.5),
        partial(Bernoulli, 4),
    ),
    "gaussian-categorical": (
        partial(Gaussian, 6, learn_variance=True),
        partial(Categorical, 2, 3),
    ),
    "bernoulli-relu": (partial(Bernoulli, 6), partial(ReLU, 4)),
}


def make(pair):
    """(layers with random weights, a path from shifted biases)."""
    rng = np.random.default_rng(7)
    units = [unit() for unit in PAIRS[pair]]
    for unit in units:
        for weight in unit.parameters:
            weight.assign(rng.normal(scale=0.5, size=weight.shape))
    shape = [unit.width for unit in units]
    kernel = rng.normal(scale=0.5, size=shape)
    layers = partition.Layers(*units, tf.constant(kernel, tf.float32))
    shifts = [
        tf.constant(rng.normal(scale=0.5, size=width), tf.float32)
        for width in shape
    ]
    return layers, partition.AnnealingPath(layers, *shifts)


def exact_visible(layers, n, seed):
    first, second = random.split(seed, 2)
    h = layers.exact_hidden(n, first)
    return layers.visible.sample(layers.visible_field(h), second)


@pytest.mark.parametrize("pair", PAIRS)
def test_annealing_finds_log_z_in_both_directions(pair):
    layers, path = make(pair)
    exact = float(layers.enumerate()[0])
    start = float(path.log_partition_start())
    betas = tf.linspace(0.0, 1.0, 30)
    # Ten runs of 100 chains at once: the rows of a draw are independent.
    first, second, third, fourth = random.split(random.as_seed(1), 4)
    anneal = tf.function(
        lambda v, betas, key: partition.anneal(
            path, path.at(v), betas, random.Seed(key)
        )
    )
    end, up = anneal(path.draw(1000, first), betas, second.key)
    v = exact_visible(layers, 1000, third)
    down = anneal(v, betas[::-1], fourth.key).log_weights
    # Weighted, the walkers at the end are samples of the model: the means of
    # the visible units, to five standard errors of a weighted mean.
    weights = np.exp(up - np.max(up))
    weights = (weights / weights.sum())[:, None]
    mean = (weights * end.visible.numpy()).sum(axis=0)
    error = (weights * (end.visible.numpy() - mean)) ** 2
    error = np.sqrt(error.sum(axis=0))
    expected = layers.enumerate(averages=True)[1][1]
    assert (np.abs(mean - expected) < 5 * error).all()
    assert up.dtype == down.dtype == tf.float64
    # A path without any work would prove nothing.
    assert np.std(up) > 0.01
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        results = [
            partition.annealed_importance(start, *weights, exact=True)
            for weights in zip(
                np.reshape(up, (10, 100)),
                np.reshape(down, (10, 100)),
                strict=True,
            )
        ]
    backward = np.reshape(down, (10, 100))
    upper_error = [partition.summarise(w).stderr for w in backward]
    close = [abs(r.value - exact) <= 3 * r.stderr for r in results]
    upper_close = [
        abs(r.upper - exact) <= 3 * e
        for r, e in zip(results, upper_error, strict=True)
    ]
    assert sum(close) >= 9
    assert sum(upper_close) >= 9
    # Of all 1000 chains: the mean log-weights are bounds (Jensen).
    below = np.mean(up) - 4 * np.std(up) / math.sqrt(1000)
    above = np.mean(down) - 4 * np.std(down) / math.sqrt(1000)
    assert start + below < exact < start - above


@pytest.mark.parametrize("pair", PAIRS)
def test_two_temperatures_are_plain_importance_sampling(pair):
    layers, path = make(pair)
    v = path.draw(50, random.as_seed(2))
    _, found = partition.anneal(path, path.at(v), [0.0, 1.0], seed=3)
    before = tf.linalg.matvec(v, path.visible_shift)
    before += layers.hidden.log_cumulant(path.hidden_shift[None])
    after = layers.hidden.log_cumulant(layers.hidden_field(v))
    # Differences of a few float32 numbers below 100.
    np.testing.assert_allclose(found, after - before, atol=1e-4)
    _, back = partition.anneal(path, path.at(v), [1.0, 0.0], seed=3)
    np.testing.assert_allclose(back, before - after, atol=1e-4)


def test_path_starts_at_independent_units():
    layers, path = make("bernoulli-bernoulli")
    visible, hidden, _ = layers
    v = visible.states(0, 64, "float32")
    log_p = visible.potential(v) + tf.linalg.matvec(v, path.visible_shift)
    log_z = tf.reduce_logsumexp(log_p)
    log_z += hidden.log_cumulant(path.hidden_shift[None])[0]
    np.testing.assert_allclose(path.log_partition_start(), log_z, rtol=1e-5)
    walker = path.at(path.draw(3, random.as_seed(0)))
    np.testing.assert_array_equal(
        walker.field, layers.hidden_field(walker.visible)
    )


@pytest.mark.parametrize("pair", PAIRS)
def test_islands_agree_with_enumeration_within_their_spread(pair):
    layers, path = make(pair)
    state = path.at(path.draw(256, seed=3))
    betas = np.linspace(0, 1, 40)
    _, found = partition.anneal_islands(path, state, betas, 4, islands=16)
    assert found.shape == (16,)
    log_z = partition.annealed_importance(path.log_partition_start(), found)
    exact, _ = layers.enumerate()
    assert 0 < log_z.stderr < 0.5
    assert abs(log_z.value - exact) < 4 * log_z.stderr


def test_directions_that_disagree_are_a_warning():
    rng = np.random.default_rng(0)
    up, down = rng.normal(scale=0.1, size=(2, 100))
    with pytest.warns(UserWarning, match="forwards gives 2.0.*back.*-8.0.*"):
        partition.annealed_importance(2.0, up, down + 10.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = partition.annealed_importance(2.0, up, down)
        # Equal weights have no standard error, and still agree or not.
        equal = np.full(100, 3.0)
        partition.annealed_importance(2.0, equal, -equal)
    with pytest.warns(UserWarning, match="standard errors apart"):
        partition.annealed_importance(2.0, equal, equal)
    assert result.value == pytest.approx(2.0, abs=0.1)
    assert result.upper == pytest.approx(2.0, abs=0.1)
    assert result.lower < result.value


def test_upper_is_a_bound_only_from_exact_samples():
    up, down = np.random.default_rng(0).normal(scale=0.1, size=(2, 100))
    estimate = partition.annealed_importance
    assert estimate(0.0, up, down, exact=True).upper_is_bound
    assert not estimate(0.0, up, down).upper_is_bound
    forward = estimate(0.0, up, exact=True)
    assert forward.upper is None
    assert not forward.upper_is_bound
    assert partition.LogPartition.exact(3.0).upper_is_bound
