import math

import numpy as np
import pytest
import tensorflow as tf
from goodness_of_fit import LEAST_P

import genzoo as gz
from genzoo import partition

SHAPE = (16, 16)
# One batch of the largest size, so that XLA compiles once.
N = 2048


def energies(x):
    """Energy per site."""
    s = x.astype(int)
    return -(s * (np.roll(s, 1, 1) + np.roll(s, 1, 2))).mean(axis=(1, 2))


def assert_mean(values, expected):
    """The mean of independent values, but for LEAST_P of all draws."""
    stderr = values.std(ddof=1) / math.sqrt(len(values))
    z = (values.mean() - expected) / stderr
    assert abs(z) < math.sqrt(2) * float(tf.math.erfinv(1 - LEAST_P)), z


@pytest.mark.parametrize("temperature", [1.0, 1.8, 2.2692, 3.0, 1e6])
def test_configurations_are_in_equilibrium(temperature):
    x = gz.datasets.ising(SHAPE, temperature, N, seed=1)
    assert x.shape == (N, *SHAPE)
    assert x.dtype == np.int8
    assert set(np.unique(x)) == {-1, 1}
    energy = energies(x)
    assert_mean(energy, partition.torus_energy(SHAPE, temperature))
    # d e / d beta = -sites * variance: by the exact energies at either side.
    beta, step = 1 / temperature, 1e-4
    if temperature < 1e3:
        low, high = (
            partition.torus_energy(SHAPE, 1 / (beta + d)) for d in (-step, step)
        )
        variance = (low - high) / (2 * step) / math.prod(SHAPE)
        exact = partition.torus_energy(SHAPE, temperature)
        assert_mean((energy - exact) ** 2, variance)
    # Both signs are alike.
    m = x.mean(axis=(1, 2))
    assert_mean(m, 0)
    if temperature == 1.8:
        # Onsager's, which a 16 x 16 torus has to a part in a thousand.
        expected = partition.onsager_magnetisation(1.8)
        assert np.abs(m).mean() == pytest.approx(expected, abs=2e-3)
        assert abs(np.sum(m > 0) - N / 2) < 4 * math.sqrt(N) / 2
    if temperature == 1.0:
        # No domain walls are frozen in.
        assert np.abs(m).min() > 0.9


def test_a_configuration_depends_on_its_number_and_the_seed_only():
    x = gz.datasets.ising(SHAPE, 2.3, N + 10, seed=2)
    for n in (N, N - 5, 20):
        fewer = gz.datasets.ising(SHAPE, 2.3, n, seed=2)
        np.testing.assert_array_equal(fewer, x[:n])
    assert len(np.unique(x, axis=0)) == N + 10
    other = gz.datasets.ising(SHAPE, 2.3, N, seed=3)
    equal = np.all(other == x[:N], axis=(1, 2))
    assert not equal.any()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (((0, 16), 2.0, 10), "shape must be a positive int"),
        (((16, 16.0), 2.0, 10), "received .16, 16.0."),
        (((16, 16), -1.0, 10), "temperature must be a number above 0"),
        (((16, 16), "cold", 10), "received 'cold'"),
        (((16, 16), 2.0, 0), "n must be a positive int"),
        (((16, 16), 2.0, 2.5), "received 2.5"),
        (((16, 16), 2.0, 5, "a"), "seed must be"),
    ],
)
def test_errors_say_what_is_wrong(arguments, message):
    with pytest.raises(ValueError, match=message):
        gz.datasets.ising(*arguments)
