"""Laplace tolerances, whatever the features: by Karush, Kuhn and Tucker.

The dual is convex, so that their conditions hold at its least value only. The
averages of the fitted model are found here, by NumPy, from its
multipliers. They must be met to within the errors; where a multiplier is not
zero, its error is used up, on its side.
"""

import numpy as np
import pytest
import tensorflow as tf

import genzoo as gz
from genzoo import features, spaces


def fit(space, parts, observed, stderr, **options):
    model = gz.MaxEnt(space, parts, seed=0)
    model.compile()
    history = model.fit(
        observations=observed,
        observation_stderr=stderr,
        tolerance="laplace",
        verbose=0,
        **options,
    )
    return model.multipliers, history.history


def dual(values, observed, stderr, x):
    """The value of the dual and the averages, for listed states."""
    log_w = values @ x
    log_z = np.logaddexp.reduce(log_w)
    value = log_z - x @ observed + stderr @ np.abs(x)
    return value, np.exp(log_w - log_z) @ values


def assert_is_least(values, observed, stderr, x, tolerance=1e-9):
    """The Karush-Kuhn-Tucker conditions of the dual."""
    missed = dual(values, observed, stderr, x)[1] - observed
    assert (np.abs(missed) <= stderr + tolerance).all()
    used = missed + stderr * np.sign(x)
    assert np.abs(used[x != 0]).max(initial=0.0) <= tolerance


def test_two_correlated_powers():
    levels = np.linspace(0, 1, 11)
    values = levels[:, None] ** [1, 2]
    observed, stderr = np.array([0.6, 0.40]), np.full(2, 0.01)
    x, history = fit(
        spaces.Categorical(levels), features.Moments(1, 2), observed, stderr
    )
    # By scipy.optimize, of x = u - v with u, v >= 0.
    np.testing.assert_allclose(x, [6.748, -5.340], atol=1e-3)
    assert_is_least(values, observed, stderr, x)
    assert len(history["loss"]) <= 12


def hinges(levels, count):
    knots = np.linspace(levels[0], levels[-1], count + 2)[1:-1]
    rising = np.maximum(levels[:, None] - knots, 0)
    falling = np.maximum(knots - levels[:, None], 0)
    return np.concatenate([rising, falling], axis=1)


def table(values):
    """Features given by a row for each state 0, 1, 2, ..."""

    def look_up(x):
        rows = tf.cast(tf.round(x[:, 0]), tf.int32)
        return tf.gather(tf.constant(values), rows)

    return features.Function(look_up)


def problem(name, rng):
    """(values, observed, stderr) of features that are hard to tell apart."""
    levels = np.linspace(0, 1, 80)
    weights = np.exp(3 * np.sin(5 * levels) + rng.standard_normal(80))
    p = weights / weights.sum()
    if name == "hinges":
        values = hinges(levels, 100)
    elif name == "duplicates":
        values = hinges(levels, 8)
        # Of other errors, signs and sizes; the first has none of its own.
        values = np.concatenate([values, -values, 1e6 * values], axis=1)
    elif name == "nearly the same":
        base = np.sin(7 * levels)[:, None]
        values = base + 1e-7 * rng.standard_normal((80, 6))
    elif name == "thresholds":
        values = (levels[:, None] > np.linspace(0.01, 0.99, 60)).astype(float)
    else:
        values = levels[:, None] ** np.arange(1, 13) * 10.0 ** np.arange(12)
    spread = values.std(axis=0)
    stderr = spread * rng.uniform(0.005, 0.05, values.shape[1])
    sample = rng.choice(80, size=500, p=p)
    return values, values[sample].mean(axis=0), stderr


@pytest.mark.parametrize(
    "name",
    ["hinges", "duplicates", "nearly the same", "thresholds", "powers"],
)
def test_features_that_are_hard_to_tell_apart(name):
    values, observed, stderr = problem(name, np.random.default_rng(0))
    x, history = fit(
        spaces.Categorical(range(80)), table(values), observed, stderr
    )
    # In units in which the features are of size one.
    size = values.std(axis=0)
    scaled = values / size, observed / size, stderr / size
    assert_is_least(*scaled, x * size)
    value = dual(*scaled, x * size)[0]
    np.testing.assert_allclose(history["loss"][-1], value, atol=1e-9)


def test_some_averages_exact_and_some_not():
    levels = np.linspace(-1, 2, 40)
    values = levels[:, None] ** [1, 2, 3, 4]
    stderr = np.array([0.0, 0.05, 0.0, 0.2])
    observed = np.array([0.3, 0.8, 0.5, 1.4])
    x, _ = fit(
        spaces.Categorical(levels),
        features.Moments(1, 2, 3, 4),
        observed,
        stderr,
    )
    assert_is_least(values, observed, stderr, x)


def test_a_tolerance_that_nothing_lies_in_is_refused():
    with pytest.raises(ValueError, match="within the tolerance"):
        fit(
            spaces.Spin(4),
            features.Moments(1),
            [1.5, 0.0, 0.0, 0.0],
            0.1,
        )
