"""Whether draws follow a distribution; false alarms have p = 1e-4."""

import math

import numpy as np
import tensorflow as tf

LEAST_P = 1e-4


def assert_chi_square(counts, probabilities):
    """Pearson's test; the rarest outcomes are pooled, to at least 5 draws."""
    counts = np.asarray(counts, np.float64)
    expected = np.asarray(probabilities, np.float64) * counts.sum()
    np.testing.assert_allclose(expected.sum(), counts.sum(), rtol=1e-5)
    order = np.argsort(expected)
    counts, expected = counts[order], expected[order]
    pooled = np.searchsorted(np.cumsum(expected), 5.0) + 1
    counts = [counts[:pooled].sum(), *counts[pooled:]]
    expected = [expected[:pooled].sum(), *expected[pooled:]]
    statistic = np.sum(np.square(np.subtract(counts, expected)) / expected)
    half = 0.5 * np.array([len(counts) - 1, statistic])
    p = float(tf.math.igammac(*half))
    assert p > LEAST_P, f"chi-square {statistic:.1f}, p = {p:.2g}"


def assert_kolmogorov_smirnov(draws, cdf):
    """The Kolmogorov-Smirnov test; `cdf` is a function of sorted draws."""
    at = cdf(np.sort(np.asarray(draws, np.float64)))
    steps = np.arange(len(at) + 1) / len(at)
    distance = max(np.max(steps[1:] - at), np.max(at - steps[:-1]))
    # P(distance > d) <= 2 exp(-2 n d^2): Massart, Annals of Probability, 1990.
    limit = math.sqrt(math.log(2 / LEAST_P) / (2 * len(at)))
    assert distance < limit, f"distance {distance:.4f} > {limit:.4f}"


def count_states(draws, states):
    """How often each of the states, (n_states, width), was drawn."""
    match = np.all(np.asarray(draws)[:, None] == np.asarray(states), axis=-1)
    np.testing.assert_array_equal(match.sum(axis=1), 1)
    return match.sum(axis=0)
