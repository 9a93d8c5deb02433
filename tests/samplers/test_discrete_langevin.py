"""Bits changed by gradients, against enumeration."""

import numpy as np
import pytest
import tensorflow as tf

from genzoo import samplers

RNG = np.random.default_rng(4)
COUPLING = np.triu(RNG.choice([-0.6, 0.6], (6, 6)), 1)


def _spins(x):
    """A frustrated glass, and a term that no pair of sites makes."""
    pairs = tf.reduce_sum(x @ tf.cast(COUPLING, x.dtype) * x, axis=1)
    return pairs + 0.7 * x[:, 0] * x[:, 1] * x[:, 2]


def _bits(x):
    """Steep, and curved between the levels."""
    total = tf.reduce_sum(x * tf.cast(RANGE, x.dtype), axis=1)
    return -0.4 * (total - 6.0) ** 2


RANGE = np.arange(6)
# An energy with no slope at all: changes are proposed blindly.
CASES = {
    "spins": (_spins, np.array([[-1, 1]] * 6), 0.2),
    "bits": (_bits, np.array([[0, 1]] * 6), 0.08),
    "no slope": (lambda x: _bits(tf.round(x)), np.array([[0, 1]] * 6), 0.3),
    "unlike levels": (
        lambda x: -0.3 * tf.reduce_sum(x[:, 1:] * x[:, :-1], axis=1),
        np.array([[0, 1], [2, -1], [1, 3], [-1, 1], [5, 4], [0, 2]]),
        1.0,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_frequencies_of_enumeration_are_kept(name):
    log_prob, levels, size = CASES[name]
    digits = np.array(np.meshgrid(*[[0, 1]] * 6, indexing="ij"))
    digits = digits.reshape(6, -1).T
    states = levels[np.arange(6), digits].astype("float32")
    log_p = log_prob(tf.constant(states)).numpy().astype(float)
    p = np.exp(log_p - log_p.max())
    p /= p.sum()
    # Chains that are where they should be stay so, though most of them move.
    chains = 20_000
    start = states[np.random.default_rng(1).choice(64, chains, p=p)]
    step = samplers.discrete_langevin(log_prob, levels, size)
    run = tf.function(lambda x: samplers.run(step, 3, x, 15))
    end = run(tf.constant(start)).numpy()
    assert np.mean((end != start).any(axis=1)) > 0.1
    found = (end == levels[:, 1].astype("float32")) @ 2 ** np.arange(6)[::-1]
    count = np.bincount(found.astype(int), minlength=64)
    expected = chains * p
    large = expected > 5
    rest = expected[~large].sum(), count[~large].sum()
    square = np.sum((count - expected)[large] ** 2 / expected[large])
    square += (rest[1] - rest[0]) ** 2 / max(rest[0], 1.0)
    # Chi-squared: mean k, standard deviation sqrt(2 k).
    k = large.sum()
    assert square < k + 4.5 * np.sqrt(2 * k) + 5


def test_what_is_kept_stays():
    log_prob, levels, size = CASES["spins"]
    x = tf.constant(RNG.choice([-1.0, 1.0], (500, 6)).astype("float32"))
    kept = tf.constant(RNG.random((500, 6)) < 0.5)
    step = samplers.discrete_langevin(log_prob, levels, size, kept)
    end = samplers.run(step, 0, x, 20)
    moved = (end != x).numpy()
    assert not moved[kept.numpy()].any()
    assert moved[~kept.numpy()].mean() > 0.2
