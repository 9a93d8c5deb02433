"""Averages near the boundary of what is possible, on it, and beyond."""

import itertools
import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy import optimize

import genzoo as gz
from genzoo import spaces
from genzoo.features import Histogram, Marginal, Moments, Pairwise, Threshold

DIE = spaces.Categorical([1, 2, 3, 4, 5, 6])


def fitted(space, parts, observed, **options):
    model = gz.MaxEnt(space, parts, seed=0)
    model.compile()
    model.fit(observations=observed, verbose=0, **options)
    return model


# All of these are inside, some by very little.
INSIDE = {
    "die": (DIE, Moments(1), [6 - 1e-9]),
    "die's last digits": (DIE, Moments(1), [1 + 1e-12]),
    "one far level": (
        spaces.Categorical([*range(1, 100), 1e9]),
        Moments(1),
        [8.0],
    ),
    "levels of many sizes": (
        spaces.Categorical([0, 1e-6, 1]),
        Moments(1),
        [1e-9],
    ),
    # Between two faces: half on 3, half on 4, and a little more.
    "least variance": (DIE, Moments(1, 2), [3.5, 12.5 + 1e-7]),
    "two ends": (DIE, Moments(1, 2), [6 - 1e-9, 36 - 11e-9]),
    "frustrated": (spaces.Spin(3), Pairwise(), [-1 / 3 + 1e-9] * 3),
    "rare pair": (
        spaces.Binary(2),
        [Moments(1), Pairwise()],
        [1e-3, 1e-3, 1e-9],
    ),
}


@pytest.mark.parametrize("name", INSIDE)
def test_averages_that_are_inside_are_met(name):
    space, parts, observed = INSIDE[name]
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        warnings.simplefilter("error", UserWarning)
        model = fitted(space, parts, observed)
    # By probabilities of one's own.
    states = space.states()
    values = model.features(states.reshape(len(states), -1)).numpy()
    log_p = values @ model.multipliers
    p = np.exp(log_p - log_p.max())
    p /= p.sum()
    np.testing.assert_allclose(p @ values, observed, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    ("space", "parts", "observed", "message"),
    [
        (DIE, Moments(1), [6.0 + 1e-9], "no distribution"),
        (DIE, Moments(1, 2), [3.5, 12.5 - 1e-7], "no distribution"),
        (spaces.Spin(3), Pairwise(), [-1 / 3 - 1e-7] * 3, "no distribution"),
        # Beyond what the cells that are not empty allow.
        (
            spaces.Binary(2),
            [Marginal(0), Marginal([0, 1])],
            [0, 1, 0, 0.2, 0.4, 0.6],
            "x_0=0 x_1=1 is 0 everywhere; its average cannot be 0.2",
        ),
        # On integrals an end is a point, and so is a side.
        (
            spaces.Interval(0.0, 1.0),
            Moments(1, 2),
            [0.5, 0.5],
            "boundary.*nan there to leave",
        ),
        (spaces.Interval(0.0, 3.0), Moments(1), [0.0], "boundary"),
        (spaces.Interval(0.0, 3.0), Moments(1, 2), [3.0, 9.0], "boundary|var"),
        (DIE, lambda x: 0 * x + 3, [2.0], "f is 3 everywhere.*cannot be 2"),
        (
            spaces.Interval(0.0, 1.0),
            [Moments(1), lambda x: 0 * x - 1],
            [0.5, 1e9],
            "f is -1 everywhere",
        ),
    ],
)
def test_the_others_are_refused_without_noise(space, parts, observed, message):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", DeprecationWarning)
        with pytest.raises(ValueError, match=message):
            fitted(space, parts, observed)


def table(*sizes):
    sites = [spaces.Categorical(np.arange(n) * 10.0) for n in sizes]
    return spaces.Product(sites, names=list("abc")[: len(sizes)])


LIMITS = {
    "a die that always shows six": (DIE, Moments(1), [6.0], [0] * 5 + [1]),
    "spins that stand": (
        spaces.Spin(3),
        Moments(1),
        [-1, 0.5, 1],
        [0, 0.25, 0, 0.75, 0, 0, 0, 0],
    ),
    # What is left has an end of its own.
    "an end of what is left": (
        spaces.Binary(2),
        [lambda x: x[:, 0] * x[:, 1], lambda x: x[:, 0] + x[:, 1]],
        [0, 1],
        [0, 0.5, 0.5, 0],
    ),
    "empty bins": (
        spaces.Interval(0.0, 3.0),
        Histogram([0, 1, 2, 3]),
        [0.0, 0.25, 0.75],
        None,
    ),
}


@pytest.mark.parametrize("name", LIMITS)
def test_averages_at_an_end_are_solved_as_limits(name):
    space, parts, observed, p = LIMITS[name]
    with pytest.warns(UserWarning, match="at an end.*probability zero"):
        model = fitted(space, parts, observed)
    x = [[0.5], [1.5], [2.5]] if p is None else space.states()
    p = observed if p is None else p
    found = model.prob(x)
    np.testing.assert_allclose(found, p, atol=1e-11)
    assert (found[np.array(p) == 0] == 0).all()
    infinite = np.isinf(model.multipliers)
    assert infinite.any()
    told = "\n".join(model.solution().lines())
    assert told.count("a limit") == infinite.sum()
    entropy = -np.sum(found[found > 0] * np.log(found[found > 0]))
    np.testing.assert_allclose(model.entropy(), entropy, atol=1e-9)
    # Without the limit, nothing of it is left.
    inside = (
        model.features(model.space.flatten(np.array(x, float)))
        .numpy()
        .mean(axis=0)
    )
    model.fit(observations=inside, verbose=0)
    assert np.isfinite(model.multipliers).all()
    np.testing.assert_allclose(model.expectation(), inside, atol=1e-9)


def only(kept):
    """Averages of a draw of probabilities where a function of x holds."""

    def observed(states, values):
        p = np.random.default_rng(1).random(len(states))
        p *= kept(states.T)
        return p / p.sum() @ values

    return observed


BITS = [Moments(1), Pairwise()]
SIDES = {
    "one implies another": (spaces.Binary(2), BITS, [0.3, 0.6, 0.3]),
    "least variance": (DIE, Moments(1, 2), [3.5, 12.5]),
    "one level": (DIE, Moments(1, 2), [3.0, 9.0]),
    "frustrated": (spaces.Spin(3), Pairwise(), [-1 / 3] * 3),
    # More features than are looked at before the search.
    "six frustrated": (spaces.Spin(6), BITS, [0.0] * 6 + [-0.2] * 15),
    "implications": (
        spaces.Binary(6),
        BITS,
        only(lambda x: (x[0] <= x[1]) & (x[2] + x[3] >= 1) & (x[3] >= x[4])),
    ),
    # Triples that no pair of them shows.
    "silent triples": (
        spaces.Binary(3),
        BITS,
        only(lambda x: (x[0] + x[1] != 1) | (x[2] != x[1]) | (x[0] == x[2])),
    ),
    # Cells that are no cell of a margin.
    "cells through margins": (
        table(2, 3, 3),
        [Marginal([0, 1]), Marginal([1, 2]), Marginal([0, 2])],
        only(
            lambda x: ((x[0] > 0) | (x[1] < 15) | (x[2] > 5)) & (x[1] != x[2])
        ),
    ),
    "a sum at its most": (
        table(3, 4),
        [Moments(1), lambda x: tf.sin(x)],
        only(lambda x: x[0] + x[1] == 50),
    ),
    "scales": (
        spaces.Categorical(range(5)),
        [lambda x: 1e6 * x, lambda x: 1e-6 * x**2],
        only(lambda x: (x[0] == 1) | (x[0] == 2)),
    ),
}


def by_linear_programming(values, observed):
    """The probabilities, where programmes find any to be positive."""
    count = len(values)
    # Combinations of size one: what is redundant has no row.
    centre = values.mean(axis=0)
    size = np.maximum(np.abs(values - centre).max(axis=0), 1e-300)
    _, sizes, axes = np.linalg.svd((values - centre) / size)
    axes = axes[: np.count_nonzero(sizes > 1e-9)]
    f = (values - centre) / size @ axes.T
    at = (observed - centre) / size @ axes.T
    constraints = np.concatenate([f.T, np.ones((1, count))])
    can = np.zeros(count, bool)
    while not can.all():
        found = optimize.linprog(
            -1.0 * ~can,
            A_eq=constraints,
            b_eq=np.append(at, 1.0),
            bounds=(0, 1),
            method="highs",
        )
        if found.x[~can].sum() < 1e-8:
            break
        can |= found.x > 1e-8
    f = f[can] - at
    _, sizes, axes = np.linalg.svd(f - f.mean(axis=0))
    f = f @ axes[: np.count_nonzero(sizes > 1e-9)].T
    x, p = np.zeros(f.shape[1]), np.zeros(count)
    for _ in range(100):
        log_w = f @ x
        own = np.exp(log_w - np.logaddexp.reduce(log_w))
        mean = own @ f
        change = np.linalg.solve((f - mean).T * own @ (f - mean), mean)
        x -= min(1, 1.5 / (1 + np.sqrt(mean @ change))) * change
    p[can] = own
    return p


@pytest.mark.parametrize("name", SIDES)
def test_combinations_at_an_end_are_solved_as_limits(name):
    space, parts, observed = SIDES[name]
    states = space.states().reshape(space.state_count, -1).astype(float)
    model = gz.MaxEnt(space, parts, seed=0)
    values = model.features(states).numpy()
    if callable(observed):
        observed = observed(states, values)
    model.compile()
    with pytest.warns(UserWarning, match="probability zero.*infinite"):
        model.fit(observations=observed, verbose=0)
    log_p = model.log_prob(space.states())
    p = np.exp(log_p)
    expected = by_linear_programming(values, np.array(observed))
    np.testing.assert_allclose(p, expected, atol=2e-11)
    assert 0 < np.isneginf(log_p).sum() == (expected == 0).sum()
    some = p > 0
    entropy = -p[some] @ np.log(p[some])
    np.testing.assert_allclose(model.entropy(), entropy, atol=1e-7)
    told = "\n".join(model.solution().lines())
    assert told.count("a limit") == np.isinf(model.multipliers).sum() > 1
    draws = model.sample(200, seed=1)
    assert np.isfinite(model.log_prob(draws)).all()
    # Again from where it stands, and without the limit.
    model.fit(observations=observed, verbose=0)
    np.testing.assert_allclose(model.prob(space.states()), p, atol=2e-11)
    model.fit(observations=values.mean(axis=0), verbose=0)
    np.testing.assert_allclose(model.prob(space.states()), 1 / len(p))


def test_a_part_of_an_interval_is_left_out_by_a_combination():
    steps = Threshold([1.0, 2.0])
    with pytest.warns(UserWarning, match="at an end.*together"):
        model = fitted(spaces.Interval(0.0, 3.0), steps, [0.4, 0.4])
    found = model.prob([[0.5], [1.5], [2.5]])
    np.testing.assert_allclose(found, [0.6, 0, 0.4], atol=1e-11)


def test_margins_with_empty_cells_are_those_of_proportional_fitting(tmp_path):
    generator = np.random.default_rng(3)
    first, second = generator.random((2, 3)), generator.random((3, 4))
    first[0, 1] = second[2, 0] = 0
    first /= first.sum()
    second *= (first.sum(axis=0) / second.sum(axis=1))[:, None]
    space = table(2, 3, 4)
    model = gz.MaxEnt(space, [Marginal(["a", "b"]), Marginal([1, 2])])
    model.compile()
    with pytest.warns(UserWarning, match="All but 18 states"):
        model.fit(
            observations={("a", "b"): first, ("b", "c"): second}, verbose=0
        )
    p = np.ones((2, 3, 4)) / 24
    with np.errstate(invalid="ignore"):
        for _ in range(300):
            p = p * np.nan_to_num(first / p.sum(axis=2))[:, :, None]
            p = p * np.nan_to_num(second / p.sum(axis=0))
    found = model.prob(space.states()).reshape(p.shape)
    np.testing.assert_allclose(found, p, atol=1e-14)
    assert ((found == 0) == (p == 0)).all()
    assert model.multipliers[1] == -np.inf
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(again.multipliers, model.multipliers)
    # A few cells by name; what is not known is not constrained.
    known = {("a", "b"): {(0, 20): 0.1}, "b=10 c=30": 0.2}
    model.fit(observations=known, verbose=0)
    p = model.prob(space.states()).reshape(p.shape)
    np.testing.assert_allclose(p.sum(axis=2)[0, 2], 0.1)
    np.testing.assert_allclose(p.sum(axis=0)[1, 3], 0.2)
    assert np.count_nonzero(model.multipliers) == 2


@pytest.mark.parametrize(
    ("observed", "message"),
    [
        ({"a=0 b=1": 0.2}, "no feature 'a=0 b=1'; did you mean"),
        ({("a", "b"): np.ones((3, 3))}, "'a b' must have 6 numbers"),
        ({("a", "b"): {0: 0.5}}, "must have 2 values"),
        ({"a b": np.full((2, 3), np.nan)}, "none is known"),
    ],
)
def test_names_and_tables_that_do_not_fit_are_told(observed, message):
    with pytest.raises(ValueError, match=message):
        fitted(table(2, 3), Marginal([0, 1]), observed)


def test_a_margin_is_of_different_discrete_sites():
    for sites, message in (([0, "a"], "different"), ("d", "no site 'd'")):
        with pytest.raises(ValueError, match=message):
            gz.MaxEnt(table(2, 3), Marginal(sites))
    with pytest.raises(ValueError, match="continuous"):
        gz.MaxEnt(spaces.Real(2), Marginal(1))


@pytest.mark.parametrize("unknown", [np.nan, np.inf])
def test_averages_of_unknown_error_are_not_constrained(unknown):
    less = fitted(DIE, Moments(1), [4.5])
    # Not even possible, or not known.
    for value in (np.nan, -1e9):
        model = fitted(
            DIE, Moments(2, 1), [value, 4.5], observation_stderr=[unknown, 0]
        )
        np.testing.assert_allclose(model.multipliers[1], less.multipliers[0])
        assert model.multipliers[0] == 0
        found = model.evaluate(verbose=0, return_dict=True)
        assert found["residual"] < 1e-12
        assert np.isnan(model.multiplier_stderr()[0])
    with pytest.raises(ValueError, match="but not all"):
        fitted(DIE, Moments(1), [4.5], observation_stderr=unknown)
    # Constrained again, it is met again.
    model.fit(observations=[21.5, 4.5], verbose=0)
    np.testing.assert_allclose(model.expectation(), [21.5, 4.5])


def rows(sites, seed=0):
    return np.random.default_rng(seed).random((400, sites)) < 0.3


def silent_pair():
    x = rows(5)
    x[:, 1] &= ~x[:, 0]
    return spaces.Binary(5), x * 1.0, "x_0 = 1 never comes with x_1 = 1"


def silent_spins():
    x = rows(5, 1)
    x[:, 4] |= ~x[:, 2]
    return (
        spaces.Spin(5),
        2.0 * x - 1,
        "x_2 = -1 never comes with x_4 = -1",
    )


def silent_site():
    x = rows(4, 2)
    x[:, 3] = False
    return spaces.Binary(4), x * 1.0, "x_3 is always 0"


def empty_cell():
    x = np.random.default_rng(3).integers(0, 3, (400, 3))
    x[(x[:, 0] == 2) & (x[:, 1] == 2), 1] = 0
    return spaces.Categorical(range(3), 3), x, "x_0 = 2 never comes with x_1"


@pytest.mark.parametrize(
    "make", [silent_pair, silent_spins, silent_site, empty_cell]
)
def test_examples_in_which_something_never_comes_are_fitted(make):
    space, x, message = make()
    model = gz.BoltzmannMachine(space, seed=0)
    model.compile()
    with pytest.warns(UserWarning, match=message):
        model.fit(x, verbose=0)
    # With one more example, drawn evenly, by counting.
    states = space.states()
    values = model.features(states).numpy()
    seen = model.features(x.astype("float64")).numpy()
    expected = (seen.sum(axis=0) + values.mean(axis=0)) / (len(x) + 1)
    p = model.prob(states)
    np.testing.assert_allclose(p @ values, expected, atol=1e-9)
    assert np.abs(model.multipliers).max() < 20
    # No average moved by more than a standard error of a single example.
    assert np.abs(expected - seen.mean(axis=0)).max() <= 2 / len(x)


def test_examples_without_gaps_are_fitted_as_they_are():
    x = np.array(list(itertools.product([0.0, 1.0], repeat=3)))
    x = np.concatenate([x, x[5:]])
    model = gz.BoltzmannMachine(spaces.Binary(3), seed=0)
    model.compile()
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        model.fit(x, verbose=0)
    seen = model.features(x).numpy().mean(axis=0)
    np.testing.assert_allclose(model.expectation(), seen, atol=1e-12)


@pytest.mark.parametrize(
    ("mean", "spread"), [(1e4, 1.0), (-300.0, 0.01), (20.0, 1e-3)]
)
def test_data_far_from_zero(mean, spread):
    rng = np.random.default_rng(0)
    x = rng.normal(mean, spread, (5000, 1))
    model = gz.MaxEnt(spaces.Real(), Moments(1, 2), seed=0)
    model.compile()
    model.fit(x, verbose=0)
    variance = -0.5 / model.multipliers[1]
    # What float64 knows of x^2.
    known = 1e-15 * mean**2 / spread**2
    np.testing.assert_allclose(variance, x.var(), rtol=10 * known)
    z = (x[:9, 0] - x.mean()) / x.std()
    exact = -0.5 * z**2 - np.log(x.std() * np.sqrt(2 * np.pi))
    np.testing.assert_allclose(model.log_prob(x[:9]), exact, atol=10 * known)


def test_data_too_far_from_zero_are_called_so():
    x = np.random.default_rng(0).normal(1.7e9, 10.0, (1000, 1))
    model = gz.MaxEnt(spaces.Real(), Moments(1, 2), seed=0)
    model.compile()
    with pytest.raises(ValueError, match="far from zero, at 1.7e.*standardise"):
        model.fit(x, verbose=0)


def test_levels_that_float32_cannot_tell_apart():
    levels = [1e9, 1e9 + 1, 1e9 + 2]
    x = np.array(levels)[[0, 0, 0, 1, 2, 2]][:, None]
    model = gz.MaxEnt(spaces.Categorical(levels), lambda x: x - 1e9, seed=0)
    model.compile()
    model.fit(x, verbose=0)
    np.testing.assert_allclose(model.expectation(), [5 / 6], atol=1e-9)
    assert model.prob(x[:1])[0] != model.prob(x[-1:])[0]
