"""Laplace tolerances, whatever the features: by Karush, Kuhn and Tucker.

The dual is convex, so that their conditions hold at its least value only. The
averages of the fitted model are found here, by NumPy, from its
multipliers. They must be met to within the errors; where a multiplier is not
zero, its error is used up, on its side.
"""

import time

import keras
import numpy as np
import pytest
import scipy.optimize
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

    held = tf.constant(values)

    def look_up(x):
        return tf.gather(held, tf.cast(tf.round(x[:, 0]), tf.int32))

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


def solved(values, observed, stderr):
    """The least value of the dual by SciPy, in units of one; by its support.

    L-BFGS-B of x = u - v with u, v >= 0 finds which are zero, Newton's method
    on the others the last digits.
    """
    count = values.shape[1]

    def split(both):
        x = both[:count] - both[count:]
        value, mean = dual(values, observed, 0 * stderr, x)
        slope = mean - observed
        gradient = np.concatenate([slope + stderr, stderr - slope])
        return value + stderr @ (both[:count] + both[count:]), gradient

    start = np.zeros(2 * count)
    options = {"maxiter": 1000, "ftol": 1e-12, "gtol": 1e-7}
    found = scipy.optimize.minimize(
        split,
        start,
        jac=True,
        method="L-BFGS-B",
        bounds=[(0, None)] * (2 * count),
        options=options,
    )
    x = found.x[:count] - found.x[count:]
    kept = np.abs(x) > 1e-4
    x *= kept
    for _ in range(20):
        log_w = values @ x
        p = np.exp(log_w - np.logaddexp.reduce(log_w))
        mean = p @ values
        spread = (values - mean)[:, kept]
        slope = (mean - observed + stderr * np.sign(x))[kept]
        fisher = spread.T @ (p[:, None] * spread)
        x[kept] -= np.linalg.lstsq(fisher, slope, rcond=None)[0]
    return x


def presences(name, rng, rows=250, seen=60):
    """(features, averages, errors): presences among sites, as maxnet's."""
    mixed = rng.standard_normal((6, 6)) + 2 * np.eye(6)
    z = rng.standard_normal((rows, 6)) @ mixed
    first, second = np.triu_indices(6)
    values = np.concatenate([z, z[:, first] * z[:, second]], axis=1)
    if name == "hinges and thresholds":
        steps = [np.linspace(v.min(), v.max(), 12) for v in z.T]
        values = [hinges(v, 16) for v in z.T]
        values += [
            v[:, None] >= k[1:-1] for v, k in zip(z.T, steps, strict=True)
        ]
        values = np.concatenate(values, axis=1, dtype=float)
    if name == "duplicates and constants":
        values = np.concatenate([values, values[:, ::-2], 0 * z[:, :2] + 3], 1)
    if name == "scales":
        values = values * np.geomspace(1e-6, 1e6, values.shape[1])
    weight = np.exp(np.tanh(z[:, 0]) - np.abs(z[:, 3]) + (z[:, 4] > 0.5))
    chosen = rng.choice(rows, size=seen, p=weight / weight.sum())
    sample = values[chosen]
    spread = np.ptp(values, axis=0)
    stderr = 0.5 * sample.std(axis=0) / np.sqrt(seen) + 1e-3 * (spread + 1e-9)
    return values, sample.mean(axis=0), stderr


@pytest.mark.parametrize(
    "name", ["scales", "duplicates and constants", "hinges and thresholds"]
)
def test_presences_against_another_solver(name):
    values, observed, stderr = presences(name, np.random.default_rng(5))
    x, _ = fit(
        spaces.Categorical(range(len(values))), table(values), observed, stderr
    )
    size = np.maximum(values.std(axis=0), 1e-3)
    scaled = values / size, observed / size, stderr / size
    assert_is_least(*scaled, x * size)
    other = solved(*scaled)
    assert 3 < np.count_nonzero(other) < 0.8 * len(other)
    assert_is_least(*scaled, other, 1e-8)
    # Of duplicates only the sum is determined.
    energy = scaled[0] @ (x * size - other)
    np.testing.assert_allclose(energy - energy.mean(), 0, atol=1e-6)
    if name == "scales":
        np.testing.assert_allclose(x * size, other, atol=1e-6)


def test_ten_thousand_sites_and_a_thousand_features():
    rng = np.random.default_rng(1)
    rows, seen = 10_000, 300
    z = rng.standard_normal((rows, 8)) @ (np.eye(8) + 0.2)
    knots = np.linspace(z.min(0), z.max(0), 40)
    space = spaces.Real(8)
    parts = [
        features.Moments(1, 2),
        features.Pairwise(),
        features.Hinge(knots),
        features.Threshold(knots[1:-1]),
    ]
    values = features.FeatureList(space, parts)(tf.constant(z)).numpy()
    assert values.shape == (rows, 44 + 8 * (78 + 38))
    weight = np.exp(np.tanh(z[:, 0]) - 0.5 * z[:, 3] ** 2 + (z[:, 4] > 0.5))
    sample = values[rng.choice(rows, size=seen, p=weight / weight.sum())]
    stderr = 0.5 * sample.std(axis=0) / np.sqrt(seen)
    stderr = np.maximum(stderr, 1e-3 * np.ptp(values, axis=0))
    observed = sample.mean(axis=0)
    space, parts = spaces.Categorical(range(rows)), table(values)
    begin = time.process_time()
    x, history = fit(space, parts, observed, stderr)
    assert time.process_time() - begin < 5
    assert_is_least(values, observed, stderr, x)
    value, mean = dual(values, observed, stderr, x)
    entropy = np.logaddexp.reduce(values @ x) - x @ mean
    assert 0 <= value - entropy + 1e-12 <= 1e-6
    assert len(history["loss"]) <= 15
    assert 20 < np.count_nonzero(x) < 200


def test_a_search_with_many_features_resumes_bit_for_bit(tmp_path):
    space = spaces.Categorical(np.linspace(-2, 2, 60))
    bends = features.Hinge(np.linspace(-2, 2, 30))
    rng = np.random.default_rng(0)
    sample = bends(0.5 + 0.4 * rng.standard_normal((50, 1))).numpy()
    asked = {
        "observations": sample.mean(axis=0),
        "observation_stderr": 0.01 + sample.std(axis=0) / 7,
        "tolerance": "laplace",
        "verbose": 0,
    }
    first, second = (gz.MaxEnt(space, bends, seed=0) for _ in range(2))
    for model in (first, second):
        model.compile()
        model.fit(epochs=2, **asked)
    second.save(tmp_path / "model.keras")
    second = keras.models.load_model(tmp_path / "model.keras")
    for model in (first, second):
        model.fit(epochs=3, **asked)
    assert first.multipliers.any()
    np.testing.assert_array_equal(first.multipliers, second.multipliers)
    for a, b in zip(
        first.optimizer.variables, second.optimizer.variables, strict=True
    ):
        np.testing.assert_array_equal(a, b)


def test_thousands_of_features_converge_by_default(tmp_path):
    rng = np.random.default_rng(2)
    rows, count = 120, 2100
    values = rng.standard_normal((rows, count))
    values[:, ::7] = values[:, 3:4] + 0.1 * values[:, ::7]
    p = np.exp(0.8 * values[:, 3] - 0.4 * values[:, 10])
    observed = p / p.sum() @ values
    stderr = np.full(count, 0.25)
    made = gz.models.maxent.rows
    names = [f"f_{k}" for k in range(count)]
    model = gz.MaxEnt(
        made.Rows(rows), made.OfTable(names, made.Table.of(values)), seed=0
    )
    model.compile()
    errors = {"observation_stderr": stderr, "tolerance": "laplace"}
    model.fit(observations=observed, verbose=0, **errors)
    assert_is_least(values, observed, stderr, model.multipliers)
    assert 0 < np.count_nonzero(model.multipliers) < 60
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert isinstance(again.optimizer, gz.optimizers.Newton)
    again.fit(observations=observed, verbose=0, epochs=1, **errors)
    np.testing.assert_allclose(again.multipliers, model.multipliers, atol=1e-9)
    # Without the term a matrix of all of them would be needed.
    again.fit(observations=observed, observation_stderr=1.0, epochs=1)
    assert isinstance(again.optimizer, gz.optimizers.LBFGS)
    # What is asked for by name is kept.
    again.compile(optimizer="lbfgs")
    again.fit(observations=observed, verbose=0, epochs=1, **errors)
    assert isinstance(again.optimizer, gz.optimizers.LBFGS)


# None of these has a distribution, by bounds of the space alone.
@pytest.mark.parametrize(
    ("space", "parts", "observed"),
    [
        (spaces.Interval(0, 1), features.Moments(1), [1.5]),
        (spaces.Angle(), features.CircularMoments(1), [0.9, -0.9]),
        (spaces.Box([0, -2], [1, 0]), features.Moments(1), [0.5, 0.3]),
        (spaces.Counts(None), features.Moments(1), [-1.0]),
    ],
    ids=lambda given: type(given).__name__,
)
def test_densities_that_cannot_be_are_refused_and_nothing_changes(
    space, parts, observed
):
    model = gz.MaxEnt(space, parts, seed=0)
    model.compile()
    before = [weight.numpy() for weight in model.weights]
    with pytest.raises(ValueError, match="no distribution has|does not decay"):
        model.fit(
            observations=observed,
            observation_stderr=0.1,
            tolerance="laplace",
            verbose=0,
        )
    for weight, value in zip(model.weights, before, strict=True):
        np.testing.assert_array_equal(weight.numpy(), value)


def test_narrow_densities_are_no_impossible_ones():
    _, history = fit(spaces.Interval(0, 1), features.Moments(1), [1e-3], 1e-4)
    # Exponential, of mean 1.1e-3.
    entropy = 1 + np.log(1.1e-3)
    assert history["entropy"][-1] == pytest.approx(entropy, abs=1e-6)


def test_errors_of_few_of_many_features_are_those_of_the_whole_matrix():
    generator = np.random.default_rng(3)
    rows = generator.gamma(2.0, size=(3000, 400))
    target = rows.mean(axis=0)
    target[::40] *= 1.1
    stderr = np.full(400, 0.05)
    found = gz.MaxEnt.reweight(
        rows, target, observation_stderr=stderr, tolerance="laplace"
    )
    model, used = found.model, found.multipliers != 0
    assert 5 <= used.sum() <= 40
    change = rows - found.weights @ rows
    fisher = change.T @ (found.weights[:, None] * change)
    np.testing.assert_allclose(
        model._dual.covariance(used)[np.ix_(used, used)],
        fisher[np.ix_(used, used)],
        rtol=1e-9,
        atol=1e-12,
    )
    np.testing.assert_allclose(
        model._dual.spread(), np.diag(fisher) ** 0.5, rtol=1e-9
    )
    inverse = np.linalg.inv(fisher[np.ix_(used, used)])
    errors = np.sqrt(np.square(inverse) @ stderr[used] ** 2)
    np.testing.assert_allclose(found.multiplier_stderr[used], errors, rtol=1e-6)
    assert np.isnan(found.multiplier_stderr[~used]).all()
