"""The errors that maxnet takes, by hand; what is fitted with them, by SciPy."""

import numpy as np
import pytest
import tensorflow as tf
from scipy import optimize

import genzoo as gz
from genzoo import features, spaces
from genzoo.features import (
    FeatureList,
    Hinge,
    Marginal,
    Moments,
    Pairwise,
    Threshold,
    presence_stderr,
)


def sites(count, seed=0):
    generator = np.random.default_rng(seed)
    rows = generator.normal(size=(400, 3))
    weight = np.exp(rows[:, 0] - rows[:, 1] ** 2)
    chosen = generator.choice(400, count, p=weight / weight.sum())
    return rows[chosen], rows


@pytest.mark.parametrize(
    ("count", "parts", "factor"),
    [
        (5, [Moments(1)], 1.0),
        (20, [Moments(1)], 0.6),
        (65, [Moments(1)], 0.125),
        (500, [Moments(1)], 0.05),
        (5, [Moments(1, 2)], 1.05),
        (24, [Moments(2), Moments(1)], 0.5 - 0.25 * 7 / 13),
        (10, [Moments(1, 2), Pairwise()], 1.6),
        (65, [Pairwise()], 0.3),
        (12, [Moments(1), lambda x: x[:, 0] ** 3], 0.92),
    ],
)
def test_linear_quadratic_and_product_features(count, parts, factor):
    seen, rows = sites(count)
    values = FeatureList(spaces.Real(3), parts)
    found = presence_stderr(values, seen, rows)
    at_seen, at_rows = (values(tf.constant(x)).numpy() for x in (seen, rows))
    expected = factor * at_seen.std(axis=0, ddof=1) / np.sqrt(count)
    least = 1e-3 * np.ptp(np.concatenate([at_seen, at_rows]), axis=0)
    np.testing.assert_allclose(found, np.maximum(expected, least), rtol=1e-12)
    twice = presence_stderr(values, seen, rows, strength=2.0)
    np.testing.assert_allclose(twice, 2 * found)


def test_hinges_thresholds_and_categories_by_hand():
    seen = np.array([[1.0], [2.0], [2.0], [3.0]])
    rows = np.array([[0.0], [4.0]])
    values = FeatureList(
        spaces.Real(1), [Hinge([0.0, 2.0, 4.0]), Threshold([0.5, 1.5])]
    )
    found = presence_stderr(values, seen, rows)
    # x / 4 varies by less than 1 / sqrt(4); so do the others.
    hinges = 0.5 * 0.5 / 2
    # From 0.5 on all are alike; from 1.5 on three in four are.
    step = np.interp(4, [0, 100], [2, 1]) * 0.5 / 2
    expected = [hinges, hinges, hinges, hinges, 1.0, step]
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    cells = FeatureList(spaces.Categorical([1, 2, 3]), Marginal(0))
    found = presence_stderr(cells, seen[:, 0], [[1], [2], [3]])
    factor = 0.65 - 0.15 * 0.4
    spread = np.array([0.5, np.sqrt(1 / 3), 0.5])
    np.testing.assert_allclose(found, factor * spread / 2, rtol=1e-12)


def test_coefficients_are_those_of_another_solver():
    seen, rows = sites(40)
    knots = np.linspace(rows.min(0), rows.max(0), 5)
    values = FeatureList(
        spaces.Real(3), [Moments(1, 2), Hinge(knots), Threshold(knots[1:-1])]
    )
    at_seen, table = (values(tf.constant(x)).numpy() for x in (seen, rows))
    stderr = presence_stderr(values, seen, rows)
    found = gz.MaxEnt.reweight(
        table,
        at_seen.mean(axis=0),
        observation_stderr=stderr,
        tolerance="laplace",
    )
    change, count = table - at_seen.mean(axis=0), len(stderr)

    def dual(both):
        log_w = change @ (both[:count] - both[count:])
        log_z = np.logaddexp.reduce(log_w)
        slope = np.exp(log_w - log_z) @ change
        held = np.concatenate([stderr, stderr])
        return log_z + held @ both, held + np.concatenate([slope, -slope])

    other = optimize.minimize(
        dual,
        np.zeros(2 * count),
        jac=True,
        method="L-BFGS-B",
        bounds=[(0, None)] * (2 * count),
        options={"maxiter": 5000, "maxfun": 20000, "ftol": 0, "gtol": 1e-10},
    )
    x = other.x[:count] - other.x[count:]
    split = np.maximum(np.r_[found.multipliers, -found.multipliers], 0)
    assert dual(split)[0] <= other.fun + 1e-10
    log_ratio = found.log_density(table) - np.log(len(rows))
    expected = table @ x - np.logaddexp.reduce(table @ x)
    np.testing.assert_allclose(log_ratio, expected, atol=1e-3)
    assert 0 < np.count_nonzero(found.multipliers) < count / 2


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ((np.zeros((1, 3)), np.zeros((5, 3))), "two rows or more"),
        ((np.zeros((4, 2)), np.zeros((5, 3))), r"presences must have shape"),
        ((np.zeros((4, 3)), np.full((5, 3), np.nan)), "background must be fin"),
        ((np.zeros((4, 3)), np.zeros((5, 3)), -1.0), "strength"),
    ],
)
def test_what_does_not_fit_is_told(given, message):
    values = FeatureList(spaces.Real(3), Moments(1))
    with pytest.raises(ValueError, match=message):
        presence_stderr(values, *given)
    with pytest.raises(ValueError, match="FeatureList"):
        presence_stderr(features.Moments(1), *given)
