"""Features that nearly follow from others, or follow: against Legendre's.

A density does not depend on the basis of its features. So powers, however
near to dependent, must give that of orthogonal polynomials; the expected one
is found by NumPy, by Newton's method in an orthonormal basis.
"""

import warnings

import numpy as np
import pytest
import tensorflow as tf

import genzoo as gz
from genzoo import features, spaces


def newton(basis, weights, averages, steps=200):
    """Probabilities of points with averages of an orthonormal basis."""

    def dual(x):
        log_p = np.log(weights) + basis @ x
        return np.logaddexp.reduce(log_p) - x @ averages, log_p

    x = np.zeros(basis.shape[1])
    for _ in range(steps):
        value, log_p = dual(x)
        p = np.exp(log_p - np.logaddexp.reduce(log_p))
        slope = p @ basis - averages
        centred = basis - p @ basis
        way = np.linalg.solve((centred.T * p) @ centred, slope)
        size = 1.0
        while dual(x - size * way)[0] > value + 1e-14 and size > 1e-6:
            size /= 2
        x = x - size * way
    return p


def orthonormal(values, weights):
    """(basis, matrix): centred values in an orthonormal basis, by QR."""
    root = np.sqrt(weights / weights.sum())[:, None]
    centred = values - (weights / weights.sum()) @ values
    basis, _ = np.linalg.qr(root * centred)
    return basis / root


def beta_moments(count):
    return [
        float(np.prod([(2 + r) / (7 + r) for r in range(k)]))
        for k in range(1, count + 1)
    ]


@pytest.mark.parametrize("count", [10, 12])
def test_raw_moments_of_a_beta_distribution(count):
    nodes, weights = np.polynomial.legendre.leggauss(400)
    legendre = np.polynomial.legendre.legvander(nodes, count)[:, 1:]
    x = 0.5 + 0.5 * nodes
    p = 30 * x * (1 - x) ** 4
    averages = (weights * p) @ legendre / (weights @ p)
    expected = newton(legendre, weights / weights.sum(), averages)
    powers = features.Moments(*range(1, count + 1))
    model = gz.MaxEnt(spaces.Interval(0, 1), powers)
    model.compile()
    with pytest.warns(UserWarning, match=r"nearly dependent .* x\^10"):
        history = model.fit(observations=beta_moments(count), verbose=0)
    density = model.prob(x.astype("float64")[:, None])
    found = density * weights / 2
    # Rows of x are float32, in which the density moves by 1e-6.
    np.testing.assert_allclose(found.sum(), 1, atol=1e-6)
    assert np.abs(found - expected).sum() < 1e-5
    assert history.history["residual"][-1] < 1e-10
    assert np.isfinite(model.multiplier_stderr()).all()


def points(name):
    """(levels, values of features at them)."""
    rng = np.random.default_rng(5)
    levels = np.arange(60)
    t = levels / 59
    if name == "nearly the same":
        noise = rng.standard_normal((60, 3))
        values = np.sin(4 * t)[:, None] + [0, 3e-7, 1e-8] * noise
    elif name == "nearly a sum":
        first = rng.standard_normal((60, 3))
        last = first.sum(axis=1) + 2e-6 * rng.standard_normal(60)
        values = np.column_stack([first, last])
    elif name == "far from zero":
        values = 1e7 + np.column_stack([t, t**2])
    else:
        values = np.exp(-np.outer(t, [1.0, 1.01, 1.02, 1.03, 1.04]))
    return levels, values


@pytest.mark.parametrize(
    "name", ["nearly the same", "nearly a sum", "far from zero", "exponentials"]
)
def test_the_density_is_that_of_an_orthonormal_basis(name):
    levels, values = points(name)
    weights = np.full(60, 1 / 60)
    basis = orthonormal(values, weights)
    true = np.exp(basis @ np.linspace(0.5, -0.3, basis.shape[1]))
    true /= true.sum()

    def look_up(x):
        rows = tf.cast(tf.round(x[:, 0]), tf.int32)
        return tf.gather(tf.constant(values), rows)

    model = gz.MaxEnt(spaces.Categorical(levels), features.Function(look_up))
    model.compile()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*nearly dependent.*")
        model.fit(observations=true @ values, verbose=0)
    # What averages of so many digits tell of functions of size one.
    found = model.prob(levels[:, None])
    np.testing.assert_allclose(found, true, atol=2e-5)
    assert not model.observations.is_redundant.numpy().any()


def test_what_follows_is_redundant_and_what_nearly_follows_is_not():
    t = np.linspace(-1, 1, 30)
    square = t**2
    columns = [t, square, 3 * t - 2 * square + 1, t + 1e-7 * t**3, 0 * t + 5]
    values = np.stack(columns, axis=1)
    p = np.exp(t) / np.exp(t).sum()

    def look_up(x):
        rows = tf.cast(tf.round(x[:, 0]), tf.int32)
        return tf.gather(tf.constant(values), rows)

    model = gz.MaxEnt(spaces.Categorical(range(30)), features.Function(look_up))
    model.compile()
    averages = p @ values
    with pytest.warns(UserWarning, match="redundant|nearly") as told:
        model.fit(observations=averages, verbose=0)
    told = [str(warning.message) for warning in told]
    assert any("2 of 5 features follow" in text for text in told)
    assert any("1 of 5 features are nearly" in text for text in told)
    flags = model.observations.is_redundant.numpy()
    np.testing.assert_array_equal(flags, [0, 0, 1, 0, 1])
    np.testing.assert_allclose(model.prob(np.arange(30)[:, None]), p, atol=1e-7)
    averages[2] += 0.01
    with pytest.raises(ValueError, match="follow from the others, but"):
        model.fit(observations=averages, verbose=0)


def test_the_residual_is_that_of_all_features():
    """Also of one that follows from others, if its average does not quite."""
    model = gz.MaxEnt(
        spaces.Categorical([0, 1, 2, 3]),
        [features.Moments(1), features.Function(lambda x: 2 * x)],
    )
    model.compile()
    with pytest.warns(UserWarning, match="redundant"):
        history = model.fit(observations=[1.2, 2.4 + 2e-9], verbose=0)
    np.testing.assert_allclose(history.history["residual"][-1], 2e-9, rtol=1e-3)
