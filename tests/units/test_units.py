"""What holds for every type of unit: a new one is one row of the table."""

import functools
import math
from typing import NamedTuple

import keras
import numpy as np
import pytest
import tensorflow as tf
from goodness_of_fit import (
    assert_chi_square,
    assert_kolmogorov_smirnov,
    count_states,
)

import genzoo as gz
from genzoo.runtime import random

SIZE = 2
nan, inf = math.nan, math.inf
image = np.array([[0, 255], [3, 1]], np.uint8)


class Row(NamedTuple):
    make: type
    inside: list
    outside: list
    # For continuous units: where all but 1e-15 of the probability lies.
    low: float | None = None
    high: float | None = None
    # Where the density has a corner.
    corner: float | None = None
    # For counts without end: one beyond which is 1e-15 of the probability.
    most: int | None = None


TABLE = {
    "bernoulli": Row(
        gz.units.Bernoulli,
        [[[0.0, 1.0]], np.uint8([[1, 0]]), np.array([[True, False]])],
        [[[0.0, 0.5]], [[1.0, -1.0]], [[nan, 1.0]], [[0.0, inf]], image],
    ),
    "spin": Row(
        gz.units.Spin,
        [[[-1.0, 1.0]], np.int8([[1, -1]])],
        [[[0.0, 1.0]], [[1.0, nan]], [[1.0, -inf]], image],
    ),
    "categorical": Row(
        functools.partial(gz.units.Categorical, states=3),
        [[[0.0, 1, 0, 0, 0, 1]], np.uint8([[1, 0, 0, 0, 1, 0]])],
        [
            [[0.0, 1, 0, 0, 0, 0]],
            [[1.0, 1, 0, 0, 0, 0]],
            [[1.0, 0, 0, 0, 0.5, 0.5]],
            [[1.0, 0, 0, 1, -1, 1]],
            [[1.0, 0, 0, nan, 0, 1]],
            np.uint8([[0, 0, 255, 0, 1, 0]]),
            # 257 is 1 in eight bits
            np.uint8([[255, 1, 1, 0, 1, 0]]),
        ],
    ),
    "gaussian": Row(
        functools.partial(gz.units.Gaussian, variance=2.0),
        [[[-3.5, 0.0]], image],
        [[[nan, 0.0]], [[0.0, inf]], [[-inf, 0.0]]],
        low=-40.0,
        high=40.0,
    ),
    "learned": Row(
        functools.partial(gz.units.Gaussian, variance=2.0, learn_variance=True),
        [[[-3.5, 0.0]]],
        [[[nan, 0.0]]],
        low=-40.0,
        high=40.0,
    ),
    "relu": Row(
        gz.units.ReLU,
        [[[0.0, 3.5]], image],
        [[[-0.1, 1.0]], [[nan, 1.0]], [[1.0, inf]], [[1.0, -inf]]],
        low=0.0,
        high=40.0,
    ),
    "double relu": Row(
        gz.units.DoubleReLU,
        [[[-3.5, 2.0]], image],
        [[[nan, 0.0]], [[0.0, inf]]],
        low=-40.0,
        high=40.0,
        corner=0.0,
    ),
    "unit interval": Row(
        gz.units.UnitInterval,
        [[[0.0, 0.3]], np.uint8([[1, 0]])],
        [[[-0.1, 1.0]], [[nan, 1.0]], [[1.01, 0.0]], [[1.0, -inf]], image],
        low=0.0,
        high=1.0,
    ),
    "binomial": Row(
        functools.partial(gz.units.Binomial, trials=5),
        [[[0.0, 5.0]], np.uint8([[3, 1]])],
        [[[0.0, 6.0]], [[1.5, 0.0]], [[-1.0, 0.0]], [[nan, 0.0]], image],
    ),
    "poisson": Row(
        gz.units.Poisson,
        [[[0.0, 7.0]], image],
        [[[0.5, 0.0]], [[-1.0, 0.0]], [[nan, 0.0]], [[inf, 0.0]]],
        most=40,
    ),
}
DISCRETE = [name for name, row in TABLE.items() if row.low is row.most is None]
CONTINUOUS = [name for name, row in TABLE.items() if row.low is not None]
COUNTING = [name for name, row in TABLE.items() if row.low is None]
every_unit = pytest.mark.parametrize("name", TABLE)
every_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])


def make(name, dtype="float64"):
    unit = TABLE[name].make(SIZE, dtype=dtype)
    rng = np.random.default_rng(3)
    for weight in unit.parameters:
        weight.assign(rng.normal(scale=0.5, size=unit.width))
    return unit


def fields(unit, count=4):
    noise = np.random.default_rng(4).normal(size=(count, unit.width))
    return tf.constant(noise, unit.bias.dtype)


def points(row):
    """Values of one unit, and weights for sums over them."""
    if row.most is not None:
        return np.arange(row.most + 1.0), np.ones(row.most + 1)
    nodes, w = np.polynomial.legendre.leggauss(200)
    ends = sorted({row.low, row.high, row.corner} - {None})
    pieces = []
    for low, high in zip(ends, ends[1:], strict=False):
        half = 0.5 * (high - low)
        pieces.append([low + half * (nodes + 1), half * w])
    return np.concatenate(pieces, axis=1)


def sum_over_states(name, unit, field):
    """States and weights such that `sum w f(x)` is the sum, or integral."""
    row = TABLE[name]
    if name in DISCRETE:
        x = unit.states(0, unit.state_count, "float64")
        weights = 1.0
    else:
        line, w = points(row)
        x = np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, SIZE)
        weights = np.outer(w, w).ravel()
    x = tf.convert_to_tensor(x)
    log_p = unit.potential(x) + tf.linalg.matvec(x, field)
    return x, weights * np.exp(log_p)


@every_unit
def test_log_cumulant_and_means_are_those_of_the_potential(name):
    unit = make(name)
    for field in fields(unit):
        x, weights = sum_over_states(name, unit, field)
        total = weights.sum()
        log_cumulant = unit.log_cumulant(field[None])
        np.testing.assert_allclose(log_cumulant, [np.log(total)], atol=1e-10)
        mean = np.einsum("n,ni->i", weights, x) / total
        np.testing.assert_allclose(unit.mean(field[None])[0], mean, atol=1e-9)
        np.testing.assert_allclose(unit(field[None])[0], mean, atol=1e-9)
        for s, mean in zip(
            unit.statistics(x), unit.mean_statistics(field[None]), strict=True
        ):
            expected = np.einsum("n,ni->i", weights, s) / total
            np.testing.assert_allclose(mean[0], expected, atol=1e-9)


@every_unit
def test_means_and_statistics_are_derivatives(name):
    unit = make(name)
    field = tf.convert_to_tensor(fields(unit))
    parameters = [p.value for p in unit.parameters]
    with tf.GradientTape() as tape:
        tape.watch(field)
        log_cumulant = tf.reduce_sum(unit.log_cumulant(field))
    mean, *means = tape.gradient(log_cumulant, [field, *parameters])
    np.testing.assert_allclose(unit.mean(field), mean, atol=1e-12)
    for ours, autodiff in zip(unit.mean_statistics(field), means, strict=True):
        np.testing.assert_allclose(
            tf.reduce_sum(ours, axis=0), autodiff, atol=1e-12
        )
    x = unit.sample(field, random.as_seed(0))
    with tf.GradientTape() as tape:
        potential = tf.reduce_sum(unit.potential(x))
    gradients = tape.gradient(potential, parameters)
    for ours, autodiff in zip(unit.statistics(x), gradients, strict=True):
        np.testing.assert_allclose(
            tf.reduce_sum(ours, axis=0), autodiff, atol=1e-12
        )


@every_unit
def test_moments_are_log_cumulant_and_mean_statistics(name):
    unit = make(name)
    log_cumulant, means = unit.moments(fields(unit))
    np.testing.assert_allclose(
        log_cumulant, unit.log_cumulant(fields(unit)), atol=1e-12
    )
    for ours, mean in zip(
        means, unit.mean_statistics(fields(unit)), strict=True
    ):
        np.testing.assert_allclose(ours, mean, atol=1e-12)


@every_unit
def test_moments_hold_in_float32_at_large_fields(name):
    single, double = make(name, "float32"), make(name)
    signs = np.resize([1.0, -1.0, 0.1], (3, single.width))
    if name == "poisson":
        signs *= 0.3  # rates are exponentials
    for field in (100 * signs, -100 * signs, 10 * signs):
        narrow, wide = tf.constant(field, "float32"), tf.constant(field)
        exact = [double.log_cumulant(wide), *double.mean_statistics(wide)]
        log_cumulant, means = single.moments(narrow)
        for ours in (
            [log_cumulant, *means],
            [single.log_cumulant(narrow), *single.mean_statistics(narrow)],
        ):
            for a, b in zip(ours, exact, strict=True):
                np.testing.assert_allclose(a, b, rtol=2e-5, atol=2e-5)


@every_dtype
@pytest.mark.parametrize("name", COUNTING)
def test_draws_follow_the_exact_probabilities(name, dtype):
    unit = make(name, dtype)
    for number, field in enumerate(fields(unit)):
        states, weights = sum_over_states(
            name, make(name), tf.cast(field, "float64")
        )
        n = tf.ones((20000 if len(states) < 100 else 4000, 1), dtype)
        draws = unit.sample(n * field, random.as_seed((5, number)))
        assert draws.dtype == dtype
        assert_chi_square(count_states(draws, states), weights / weights.sum())


@every_dtype
@pytest.mark.parametrize("name", CONTINUOUS)
def test_draws_follow_the_exact_cumulative_distribution(name, dtype):
    unit = make(name, dtype)
    line = np.linspace(TABLE[name].low, TABLE[name].high, 80001)
    for number, field in enumerate(fields(unit)):
        n = tf.ones((20000, 1), dtype)
        draws = unit.sample(n * field, random.as_seed((6, number))).numpy()
        assert draws.dtype == dtype
        for i in range(SIZE):
            x = np.ones((len(line), SIZE))
            x[:, i] = line
            density = np.exp(make(name).potential(x) + line * field.numpy()[i])
            cdf = np.cumsum(density[1:] + density[:-1])
            cdf = np.concatenate([[0.0], cdf / cdf[-1]])
            assert_kolmogorov_smirnov(
                draws[:, i], lambda x, cdf=cdf: np.interp(x, line, cdf)
            )


@every_unit
def test_bias_for_gives_its_mean_without_a_field(name):
    unit = make(name)
    mean = np.asarray(unit.mean(fields(unit, 1)))[0]
    unit.bias.assign(unit.bias_for(mean))
    np.testing.assert_allclose(
        unit.mean(tf.zeros((1, unit.width), "float64"))[0], mean, rtol=1e-9
    )


@every_unit
def test_smooth_gives_means_that_a_finite_bias_can_have(name):
    # The most extreme data: all examples equal.
    unit, count = make(name), 10
    if name in DISCRETE:
        extremes = unit.states(0, unit.state_count, "float64").numpy()
    else:
        low, high = TABLE[name].low or 0, TABLE[name].high or inf
        extremes = np.clip([[-1.0, 0.0], [2.0, 1.0]], low, high)
    for mean in extremes:
        smooth = unit.smooth(mean, count)
        if name in DISCRETE and name != "binomial":
            # One half of each level was added to the data.
            levels = np.tile(unit.levels, (1, SIZE))
            added = (count * mean + 0.5 * levels.sum(axis=0)) / (
                count + 0.5 * len(levels)
            )
            np.testing.assert_allclose(smooth, added)
        bias = unit.bias_for(smooth)
        assert np.all(np.isfinite(bias))
        unit.bias.assign(bias)
        np.testing.assert_allclose(
            unit.mean(tf.zeros((1, unit.width), "float64"))[0],
            smooth,
            rtol=1e-9,
            atol=1e-12,
        )
        np.testing.assert_allclose(unit.smooth(mean, 1e9), mean, atol=1e-8)


@every_unit
def test_adapt_takes_the_mean_and_a_learned_variance(name):
    unit = make(name)
    mean = np.asarray(unit.mean(fields(unit, 1)))[0]
    variance = np.linspace(0.5, 3.0, unit.width)
    unit.adapt(mean, variance, 10**9)
    states = unit.mean(tf.zeros((1, unit.width), "float64"))
    np.testing.assert_allclose(unit.restore(states)[0], mean, atol=1e-8)
    if name == "learned":
        np.testing.assert_allclose(unit.variance, variance)


@every_unit
def test_outside_tells_what_is_not_a_state(name):
    unit = make(name, "float32")
    for x in TABLE[name].inside:
        assert not unit.space.outside(tf.cast(x, "float32"))
        assert not unit.space.outside(np.asarray(x))
    for x in TABLE[name].outside:
        assert unit.space.outside(tf.cast(x, "float32"))
        assert unit.space.outside(np.asarray(x))
        # also among many that are
        good = np.asarray(TABLE[name].inside[0] * 5, np.float64)
        assert unit.space.outside(np.concatenate([good, np.float64(x), good]))


@every_unit
def test_datasets_may_hold_any_dtype_that_arrays_may(name):
    rbm = gz.RBM(TABLE[name].make(SIZE), gz.units.Bernoulli(2))
    for x in TABLE[name].inside:
        dataset = tf.data.Dataset.from_tensor_slices(np.asarray(x)).batch(1)
        for row in rbm.space.check_dataset("fit", dataset):
            assert row.dtype == np.asarray(x).dtype


@pytest.mark.parametrize("name", DISCRETE)
def test_states_are_all_and_any_window_of_them(name):
    unit = make(name)
    count = unit.state_count
    assert count == len(unit.levels) ** SIZE
    states = unit.states(0, count, "float64").numpy()
    assert states.shape == (count, unit.width)
    assert len(np.unique(states, axis=0)) == count
    assert not unit.space.outside(states)
    for start, number in ((0, 1), (1, 3), (count - 2, 2), (2, count - 2)):
        window = unit.states(tf.constant(start), number, "float32")
        np.testing.assert_array_equal(window, states[start : start + number])


@pytest.mark.parametrize("name", [*CONTINUOUS, "poisson"])
def test_continuous_units_have_no_list_of_states(name):
    unit = make(name)
    assert unit.state_count is None
    with pytest.raises(ValueError, match="no finite list"):
        unit.states(0, 2, "float32")


@every_unit
def test_config_makes_the_same_unit(name):
    unit = TABLE[name].make(5, dtype="float64", name="layer")
    config = keras.saving.serialize_keras_object(unit)
    again = keras.saving.deserialize_keras_object(config)
    assert type(again) is type(unit)
    assert again.get_config() == unit.get_config()
    assert again.name == "layer"
    for a, b in zip(again.weights, unit.weights, strict=True):
        assert a.dtype == b.dtype == "float64"
        np.testing.assert_array_equal(a, b)


@every_unit
@pytest.mark.parametrize("size", [0, -1, True, 2.0, "3"])
def test_size_must_be_a_positive_int(name, size):
    with pytest.raises(ValueError, match=f"size must.*{size}"):
        TABLE[name].make(size)


@pytest.mark.parametrize("states", [1, True, 2.0])
def test_categorical_units_have_two_states_or_more(states):
    with pytest.raises(ValueError, match=f"states must.*{states}"):
        gz.units.Categorical(3, states=states)


@pytest.mark.parametrize("variance", [0.0, -1.0, nan, inf])
def test_variance_must_be_positive(variance):
    with pytest.raises(ValueError, match=f"variance must.*{variance}"):
        gz.units.Gaussian(3, variance=variance)


def test_one_hot_writes_labels_as_states():
    unit = gz.units.Categorical(2, states=3)
    x = unit.one_hot([[0, 2], [1, 1]])
    np.testing.assert_array_equal(x, [[1, 0, 0, 0, 0, 1], [0, 1, 0, 0, 1, 0]])


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([[1, 3]], r"from 0 to 2; found \[3\]"),
        ([[-1, 0]], r"from 0 to 2; found \[-1\]"),
        ([[0, 1.5]], r"found \[1.5\]"),
        ([[0, nan]], r"found \[nan\]"),
        ([[0, 1, 2]], r"shape \(n, 2\); received \(1, 3\)"),
        ([0, 1], r"shape \(n, 2\); received \(2,\)"),
        (1, "shape"),
        ([["a", "b"]], "is not of numbers"),
    ],
)
def test_labels_that_are_none_are_refused(labels, message):
    with pytest.raises(ValueError, match=f"one_hot: labels.*{message}"):
        gz.units.Categorical(2, states=3).one_hot(labels)


@pytest.mark.parametrize("size", [2, (2, 3), (1, 2, 2)])
def test_one_hot_gives_examples(size):
    unit = gz.units.Categorical(size, states=4)
    shape = size if isinstance(size, tuple) else (size,)
    labels = np.random.default_rng(0).integers(0, 4, (5, *shape))
    x = unit.one_hot(labels)
    assert not unit.space.outside(x)
    groups = np.reshape(x, (*labels.shape, 4))
    np.testing.assert_array_equal(groups.argmax(axis=-1), labels)


class Uniform(gz.units.Unit):
    """Numbers in [0, 1] of one's own, by public names alone."""

    def space_of(self, arrangement):
        """The interval."""
        return gz.spaces.Interval(0.0, 1.0, arrangement)

    def sample(self, field, seed):
        """By the inverse of p(x) ~ exp(t x)."""
        total = self.bias + field
        u = gz.random.uniform(tf.shape(field), seed, field.dtype)
        total = tf.where(tf.abs(total) < 1e-3, 1e-3, total)
        return tf.math.log1p(u * tf.math.expm1(total)) / total


def test_a_unit_of_ones_own_draws_inside_a_graph():
    unit = Uniform(3)
    field = np.array([[-5.0, 0.0, 5.0]] * 4000, "float32")

    @tf.function(input_signature=[tf.TensorSpec((None, 3))])
    def draw(field):
        return unit.sample(field, gz.random.as_seed(1))

    x = draw(field).numpy()
    t = np.array([-5.0, 1e-3, 5.0])
    # The mean is 1 / (1 - exp(-t)) - 1 / t; five standard errors.
    mean = 1 / (1 - np.exp(-t)) - 1 / t
    error = x.std(axis=0) / np.sqrt(len(x))
    assert (np.abs(x.mean(axis=0) - mean) < 5 * error).all()
    np.testing.assert_array_equal(
        gz.random.uniform(tf.constant([4, 3]), gz.random.as_seed(1)),
        gz.random.uniform((4, 3), gz.random.as_seed(1)),
    )
