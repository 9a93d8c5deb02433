"""Walks over continuous sites that nobody tuned, against other samplers."""

import numpy as np
import pytest
import tensorflow as tf

import genzoo as gz
from genzoo import features, spaces

SIDE = 4


def alignment(x):
    x = tf.reshape(x, (-1, SIDE, SIDE))
    bonds = tf.cos(x - tf.roll(x, 1, 1)) + tf.cos(x - tf.roll(x, 1, 2))
    return tf.reduce_sum(bonds, axis=(1, 2))[:, None]


def heat_bath(temperature, chains=150, sweeps=90):
    """<alignment> of the XY model, and its error: angles given the others."""
    rng = np.random.default_rng(0)
    x = rng.uniform(-np.pi, np.pi, (chains, SIDE, SIDE))
    found = []
    for sweep in range(sweeps):
        for i, j in np.ndindex(SIDE, SIDE):
            around = [
                x[:, (i + 1) % SIDE, j],
                x[:, i - 1, j],
                x[:, i, (j + 1) % SIDE],
                x[:, i, j - 1],
            ]
            field = sum(np.exp(1j * angle) for angle in around) / temperature
            x[:, i, j] = rng.vonmises(np.angle(field), np.abs(field))
        if sweep >= sweeps // 3:
            found.append(alignment(tf.constant(x)).numpy()[:, 0])
    found = np.mean(found, axis=0)
    return found.mean(), found.std() / np.sqrt(chains)


@pytest.mark.parametrize("temperature", [1.0, 0.4])
def test_angles_that_meet_at_their_ends(temperature):
    sites = spaces.Interval(-np.pi, np.pi, SIDE**2)
    model = gz.MaxEnt(sites, features.Function(alignment), seed=0)
    model.multipliers = [1.0]
    hot = {"seed": 1, "temperature": temperature}
    x = model.sample(100, steps=200, **hot)
    first, again = (model.sample(5, steps=50, **hot) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    found = alignment(tf.constant(x)).numpy()[:, 0]
    expected, error = heat_bath(temperature)
    error = np.hypot(error, found.std() / np.sqrt(100))
    assert abs(found.mean() - expected) < 4 * error
    # The sum over sites: nothing is preferred, though walls are there.
    turned = np.exp(1j * x).mean(axis=1)
    turned /= np.abs(turned)
    assert abs(turned.mean()) < 4 / np.sqrt(100)


@pytest.mark.parametrize(
    ("low", "high"), [(0.0, 1.0), (0.0, np.inf), (-1e4, 1e4)]
)
def test_independent_sites_of_any_scale(low, high):
    """Five sites of density exp(-4 (x / s)^2 + x / s), by quadrature."""
    scale = 1e3 if high == 1e4 else 1.0
    sites = spaces.Interval(low, high, 5)
    powers = features.Moments(1, 2, tied=True)
    model = gz.MaxEnt(sites, powers, seed=0)
    model.multipliers = [1.0 / scale, -4.0 / scale**2]
    x = model.sample(400, seed=2, steps=200).astype(float) / scale
    t = np.linspace(max(low / scale, -6), min(high / scale, 6), 20001)
    p = np.exp(t - 4 * t**2)
    p /= p.sum()
    for power in (1, 2):
        mean = p @ t**power
        error = np.sqrt((p @ t ** (2 * power) - mean**2) / x.size)
        assert abs((x**power).mean() - mean) < 4 * error


def test_two_modes_with_nothing_between():
    """Angles that are at one of two places: jumps find both."""

    def wells(x):
        return tf.reduce_sum(tf.cos(2 * x) + 0.05 * tf.sin(x), -1)[:, None]

    sites = spaces.Interval(-np.pi, np.pi, 4)
    model = gz.MaxEnt(sites, features.Function(wells), seed=0)
    model.multipliers = [8.0]
    start = np.full((300, 4), np.pi / 2 * 0.1, "float32")
    x = model.sample(300, seed=0, steps=200, start=start)
    t = np.linspace(-np.pi, np.pi, 2001)
    p = np.exp(8 * (np.cos(2 * t) + 0.05 * np.sin(t)))
    expected = p[np.abs(t) < np.pi / 2].sum() / p.sum()
    found = (np.abs(x) < np.pi / 2).mean()
    assert abs(found - expected) < 4 * np.sqrt(0.25 / x.size)
