"""Maximum entropy: solutions known in closed form, or by brute force."""

import itertools

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
from genzoo import features, spaces
from genzoo.features import Moments, Pairwise

DIE = spaces.Categorical([1, 2, 3, 4, 5, 6])


@keras.saving.register_keras_serializable("test_maxent")
def half_square(x):
    return -0.5 * x[:, 0] ** 2


@keras.saving.register_keras_serializable("test_maxent")
def tilted(x):
    return tf.math.log(x[:, 0])


@keras.saving.register_keras_serializable("test_maxent")
def last_square(x):
    return x[:, 1] ** 2


def fit(space, parts, observed, reference=None, **options):
    model = gz.MaxEnt(space, parts, reference=reference, seed=0)
    model.compile()
    history = model.fit(observations=observed, verbose=0, **options)
    return model, history.history


def brute_force(x, values, multipliers):
    """(probabilities, log Z, averages) of listed states."""
    weights = values @ multipliers
    log_z = np.log(np.sum(np.exp(weights)))
    p = np.exp(weights - log_z)
    return p, log_z, p @ values


def ising_values(x):
    first, second = np.triu_indices(x.shape[1], 1)
    return np.concatenate([x, x[:, first] * x[:, second]], axis=1)


def normal_cdf(x, mean=0.0, deviation=1.0):
    z = (x - mean) / (deviation * np.sqrt(2))
    return 0.5 * (1 + tf.math.erf(z).numpy())


@pytest.fixture(scope="module")
def die():
    """Jaynes's die, whose mean is 4.5, and how it was found."""
    return fit(DIE, Moments(1), [4.5])


@pytest.fixture(scope="module")
def ising():
    """Six spins, fitted to exact averages; and the multipliers behind."""
    x = spaces.Spin(6).states()
    true = 0.4 * np.random.default_rng(0).standard_normal(21)
    _, log_z, averages = brute_force(x, ising_values(x), true)
    model, _ = fit(spaces.Spin(6), [Moments(1), Pairwise()], averages)
    return model, true, log_z


@pytest.fixture(scope="module")
def gaussian():
    return fit(spaces.Real(1), Moments(1, 2), [1.0, 3.0])[0]


@pytest.fixture(scope="module")
def truncated():
    return fit(spaces.Interval(0.0, 1.0), Moments(1), [0.3])[0]


# A spin s and a real x: exp(a s + b x + c s x - d x^2), given s a normal.
A, B, C, D = 0.3, 0.2, 0.5, 0.7
SIDES = np.array([-1.0, 1.0])
MEANS = (B + C * SIDES) / (2 * D)
WEIGHTS = np.exp(A * SIDES + (B + C * SIDES) ** 2 / (4 * D))
SHARES = WEIGHTS / WEIGHTS.sum()
MIXED = spaces.Product([spaces.Spin(1), spaces.Real(1)])


@pytest.fixture(scope="module")
def mixed():
    observed = [
        SHARES @ SIDES,
        SHARES @ MEANS,
        SHARES @ (SIDES * MEANS),
        SHARES @ (MEANS**2 + 1 / (2 * D)),
    ]
    return fit(MIXED, [Moments(1), Pairwise(), last_square], observed)[0]


# Closed forms ---------------------------------------------------------------


def test_jaynes_die(die):
    model, history = die
    expected = [0.05435, 0.07877, 0.11416, 0.16545, 0.23977, 0.34749]
    faces = np.arange(1, 7)
    p = model.prob(faces)
    np.testing.assert_allclose(p, expected, atol=5e-6)
    np.testing.assert_allclose(p @ faces, 4.5, atol=1e-12)
    np.testing.assert_allclose(np.diff(np.log(p)), model.multipliers[0])
    assert abs(model.entropy() - 1.61358) < 5e-6
    assert model.route == "enumeration"
    # One entry for each step; Newton needs few.
    assert set(history) == {"loss", "residual", "entropy", "log_partition"}
    assert len(history["loss"]) <= 12
    assert history["residual"][-1] <= 1e-12
    np.testing.assert_allclose(history["entropy"][-1], model.entropy())
    log_z = model.log_partition()
    assert log_z.stderr == 0
    np.testing.assert_allclose(history["log_partition"][-1], log_z.value)
    # The dual at its minimum is the entropy, and no step goes up.
    np.testing.assert_allclose(history["loss"][-1], model.entropy())
    assert (np.diff(history["loss"]) < 1e-12).all()


def test_no_distribution_with_these_averages_has_more_entropy(die):
    model, _ = die
    p = model.prob(np.arange(1, 7))
    rng = np.random.default_rng(0)
    faces = np.stack([np.ones(6), np.arange(1, 7)])
    for _ in range(20):
        # A change that keeps the sum and the mean.
        change = rng.standard_normal(6)
        change -= faces.T @ np.linalg.solve(faces @ faces.T, faces @ change)
        q = p + 0.01 * change / np.abs(change).max()
        assert -q @ np.log(q) < model.entropy()


def test_multipliers_of_spins_are_recovered(ising):
    model, true, log_z = ising
    np.testing.assert_allclose(model.multipliers, true, atol=1e-10)
    found = model.log_partition("enumeration").value
    np.testing.assert_allclose(found, log_z, atol=1e-12)


def test_a_gaussian_is_the_answer_to_mean_and_variance(gaussian):
    np.testing.assert_allclose(gaussian.multipliers, [0.5, -0.25], atol=1e-10)
    entropy = 0.5 * np.log(2 * np.pi * np.e * 2)
    np.testing.assert_allclose(gaussian.entropy(), entropy, atol=1e-10)
    x = np.array([-3.0, 0.0, 1.0, 5.5])
    expected = -((x - 1) ** 2) / 4 - 0.5 * np.log(4 * np.pi)
    np.testing.assert_allclose(gaussian.log_prob(x), expected, atol=1e-9)
    assert gaussian.route == "quadrature"
    log_z = gaussian.log_partition()
    assert log_z.method == "quadrature"
    assert log_z.stderr < 1e-9


@pytest.mark.parametrize(("mean", "deviation"), [(1e4, 0.5), (-3e-3, 1e-3)])
def test_a_gaussian_of_any_place_and_size(mean, deviation):
    model, _ = fit(
        spaces.Real(1), Moments(1, 2), [mean, mean**2 + deviation**2]
    )
    # The difference of the observations has their rounding.
    precision = 1e-13 * (mean / deviation) ** 2 + 1e-9
    np.testing.assert_allclose(
        model.multipliers,
        [mean / deviation**2, -0.5 / deviation**2],
        rtol=precision,
    )
    entropy = 0.5 * np.log(2 * np.pi * np.e * deviation**2)
    np.testing.assert_allclose(model.entropy(), entropy, atol=1e-6)


def test_two_reals_are_a_joint_gaussian():
    covariance = np.array([[2.0, 0.6], [0.6, 0.5]])
    mean = np.array([1.0, -2.0])
    second = covariance + np.outer(mean, mean)
    model, _ = fit(
        spaces.Real(2),
        [Moments(1, 2), Pairwise()],
        [*mean, second[0, 0], second[1, 1], second[0, 1]],
    )
    precision = np.linalg.inv(covariance)
    np.testing.assert_allclose(
        model.multipliers,
        [
            *(precision @ mean),
            -precision[0, 0] / 2,
            -precision[1, 1] / 2,
            -precision[0, 1],
        ],
        rtol=1e-7,
    )


def test_a_truncated_exponential(truncated):
    (x,) = truncated.multipliers
    assert abs(x + 2.672104) < 1e-6
    np.testing.assert_allclose(1 / (1 - np.exp(-x)) - 1 / x, 0.3, atol=1e-13)
    np.testing.assert_allclose(truncated.expectation(), [0.3], atol=1e-12)
    log_z = np.log((np.exp(x) - 1) / x)
    np.testing.assert_allclose(truncated.log_partition().value, log_z)


def test_a_quartic_on_the_real_line():
    # Two maxima: exp(2 x^2 - x^4 + x / 2).
    x = np.linspace(-6, 6, 20001)
    values = np.stack([x, x**2, x**4], axis=1)
    true = np.array([0.5, 2.0, -1.0])
    p, _, averages = brute_force(x, values, true)
    model, _ = fit(spaces.Real(1), Moments(1, 2, 4), averages)
    np.testing.assert_allclose(model.multipliers, true, rtol=1e-7)
    np.testing.assert_allclose(model.expectation(), averages, rtol=1e-10)
    np.testing.assert_allclose(
        model.prob(x[::2000]), p[::2000] / (x[1] - x[0]), rtol=1e-5, atol=1e-12
    )


def test_an_exponential_on_a_half_line():
    model, _ = fit(spaces.Interval(0, np.inf), Moments(1), [2.0])
    np.testing.assert_allclose(model.multipliers, [-0.5], rtol=1e-10)
    np.testing.assert_allclose(model.entropy(), 1 + np.log(2), atol=1e-10)
    mirrored, _ = fit(spaces.Interval(-np.inf, 3), Moments(1), [-1.0])
    np.testing.assert_allclose(mirrored.multipliers, [0.25], rtol=1e-10)
    np.testing.assert_allclose(mirrored.entropy(), 1 + np.log(4), atol=1e-10)


def test_a_spin_beside_a_real(mixed):
    np.testing.assert_allclose(mixed.multipliers, [A, B, C, -D], atol=1e-9)
    log_z = np.log(WEIGHTS.sum() * np.sqrt(np.pi / D))
    np.testing.assert_allclose(mixed.log_partition().value, log_z, atol=1e-10)


def test_a_histogram_has_the_shares_of_its_bins():
    shares = np.array([0.2, 0.5, 0.3])
    bins = np.array([0.0, 0.25, 1.0, 1.5])
    with pytest.warns(UserWarning, match="1 of 3 features follow"):
        model, _ = fit(
            spaces.Interval(0.0, 1.5), features.Histogram(bins), shares
        )
    density = shares / np.diff(bins)
    np.testing.assert_allclose(model.prob([0.1, 0.9, 1.2]), density, rtol=1e-9)
    np.testing.assert_allclose(
        model.entropy(), -shares @ np.log(density), atol=1e-10
    )


def test_a_normal_reference_stays_of_variance_one():
    model, _ = fit(spaces.Real(1), Moments(1), [0.7], reference=half_square)
    np.testing.assert_allclose(model.multipliers, [0.7], atol=1e-10)
    np.testing.assert_allclose(model.expectation(), [0.7], atol=1e-10)
    square = model.expectation(lambda x: x[:, 0] ** 2)
    np.testing.assert_allclose(square, 1 + 0.49, atol=1e-10)
    entropy = 0.5 * np.log(2 * np.pi * np.e)
    np.testing.assert_allclose(model.entropy(), entropy, atol=1e-10)


def test_a_loaded_die_is_the_nearest_to_its_reference():
    model, _ = fit(DIE, Moments(1), [3.0], reference=tilted)
    faces = np.arange(1, 7)
    p = model.prob(faces)
    ratio = np.log(p / faces)
    np.testing.assert_allclose(np.diff(ratio), model.multipliers[0])
    np.testing.assert_allclose([p.sum(), p @ faces], [1, 3], atol=1e-12)
    np.testing.assert_allclose(model.entropy(), -p @ np.log(p))
    # Averages of the reference itself ask for nothing.
    model.fit(observations=[91 / 21], verbose=0)
    np.testing.assert_allclose(model.multipliers, 0, atol=1e-12)


def test_a_reference_may_rule_states_out():
    model, _ = fit(
        DIE, Moments(1), [4.5], reference=lambda x: tf.math.log(x[:, 0] - 1)
    )
    faces = np.arange(1, 7)
    p = model.prob(faces)
    assert p[0] == 0
    np.testing.assert_allclose(p @ faces, 4.5, atol=1e-12)
    p = p[1:]
    np.testing.assert_allclose(model.entropy(), -p @ np.log(p))


# Tolerances -----------------------------------------------------------------


def test_a_gaussian_tolerance_is_stationary():
    stderr = np.array([0.1, 0.5])
    model, history = fit(
        DIE, Moments(1, 2), [4.5, 21.0], observation_stderr=stderr
    )
    gap = model.expectation() - [4.5, 21.0]
    np.testing.assert_allclose(
        gap, -(stderr**2) * model.multipliers, atol=1e-10
    )
    assert np.abs(gap).max() > 1e-3
    assert history["residual"][-1] < 1e-11
    # It also takes what cannot be met, such as a boundary.
    model.fit(observations=[6.0, 36.0], observation_stderr=0.2, verbose=0)
    gap = model.expectation() - [6.0, 36.0]
    np.testing.assert_allclose(gap, -0.04 * model.multipliers, atol=1e-9)


@pytest.mark.parametrize("optimizer", ["newton", "lbfgs"])
def test_a_laplace_tolerance_leaves_out_what_is_not_needed(optimizer):
    x = spaces.Spin(4).states()
    values = ising_values(x)
    rng = np.random.default_rng(3)
    true = 0.5 * rng.standard_normal(10) * (rng.random(10) < 0.6)
    observed = brute_force(x, values, true)[2]
    observed += 0.02 * rng.standard_normal(10)
    stderr = np.linspace(0.02, 0.1, 10)
    model = gz.MaxEnt(spaces.Spin(4), [Moments(1), Pairwise()], seed=0)
    model.compile(optimizer)
    model.fit(
        observations=observed,
        observation_stderr=stderr,
        tolerance="laplace",
        verbose=0,
    )
    found = model.multipliers
    gap = model.expectation() - observed
    # A search that has come below 1e-8 may stop.
    assert (np.abs(gap) <= stderr + 2e-8).all()
    zero = found == 0
    assert 2 <= zero.sum() <= 8
    np.testing.assert_allclose(
        gap[~zero], (-stderr * np.sign(found))[~zero], atol=2e-8
    )
    assert np.isnan(model.multiplier_stderr()[zero]).all()
    assert np.isfinite(model.multiplier_stderr()[~zero]).all()


# Redundant features ---------------------------------------------------------


def test_redundant_features_change_nothing(die):
    model, _ = die
    with pytest.warns(UserWarning, match="1 of 2 features .*redundant: f. "):
        again, _ = fit(DIE, [Moments(1), lambda x: 3 * x - 1], [4.5, 12.5])
    assert again.multipliers[1] == 0
    assert np.isnan(again.multiplier_stderr()[1])
    np.testing.assert_allclose(again.multipliers[0], model.multipliers[0])
    np.testing.assert_allclose(again.entropy(), model.entropy())
    np.testing.assert_allclose(
        again.multiplier_stderr()[0], model.multiplier_stderr()[0]
    )
    lines = []
    again.summary(print_fn=lines.append)
    assert [line.endswith("redundant") for line in lines[2:4]] == [False, True]
    # Averages that contradict each other are not taken.
    with pytest.raises(ValueError, match="no distribution|should be"):
        again.fit(observations=[4.5, 12.6], verbose=0)


def test_a_constant_feature_is_redundant():
    with pytest.warns(UserWarning, match=r"redundant: x\^2"):
        model, _ = fit(spaces.Spin(1), Moments(1, 2), [0.4, 1.0])
    np.testing.assert_allclose(model.multipliers, [np.arctanh(0.4), 0])


# Data -----------------------------------------------------------------------


def test_examples_count_by_their_averages_alone():
    rng = np.random.default_rng(0)
    x = np.sign(rng.standard_normal((200, 3)) + 0.3).astype("int8")
    x[:, 1] *= x[:, 0]
    averages = ising_values(x.astype(float)).mean(0)
    parts = [Moments(1), Pairwise()]
    bare, _ = fit(spaces.Spin(3), parts, averages, observation_count=200)
    model = gz.MaxEnt(spaces.Spin(3), parts, seed=0)
    model.compile()
    model.fit(x, verbose=0)
    np.testing.assert_allclose(
        model.observations.values.numpy(), averages, atol=1e-14
    )
    np.testing.assert_allclose(model.multipliers, bare.multipliers, atol=1e-12)
    np.testing.assert_allclose(
        model.multiplier_stderr(), bare.multiplier_stderr()
    )
    batches = tf.data.Dataset.from_tensor_slices(x).batch(30)
    other = gz.MaxEnt(spaces.Spin(3), parts, seed=0)
    other.compile()
    other.fit(batches, verbose=0)
    np.testing.assert_allclose(other.multipliers, bare.multipliers, atol=1e-12)
    # The loss is the mean negative log-likelihood.
    results = model.evaluate(x, verbose=0, return_dict=True)
    loss = -model.log_prob(x).mean()
    np.testing.assert_allclose(results["loss"], loss, rtol=1e-6)
    bare_loss = model.evaluate(verbose=0, return_dict=True)["loss"]
    np.testing.assert_allclose(bare_loss, loss)


def test_a_fit_starts_where_the_last_one_ended(die):
    model, _ = die
    warm = gz.MaxEnt(DIE, Moments(1), seed=0)
    warm.compile()
    warm.fit(observations=[4.4], verbose=0)
    history = warm.fit(observations=[4.5], verbose=0).history
    np.testing.assert_allclose(warm.multipliers, model.multipliers, atol=1e-12)
    assert len(history["loss"]) < 8
    # Where nothing is new, nothing is to be done.
    before = warm.multipliers
    history = warm.fit(observations=[4.5], verbose=0).history
    assert len(history["loss"]) <= 4
    np.testing.assert_allclose(warm.multipliers, before, atol=1e-13)


# Errors of the multipliers --------------------------------------------------


def test_stderr_is_the_spread_of_refits():
    n, refits = 300, 100
    faces = np.arange(1, 7.0)
    model, _ = fit(DIE, Moments(1, 2), [4.0, 18.5], observation_count=n)
    told = model.multiplier_stderr()
    p = model.prob(faces)
    counts = np.random.default_rng(1).multinomial(n, p, refits)
    found = []
    for shares in counts / n:
        observed = [shares @ faces, shares @ faces**2]
        model.fit(
            observations=observed, observation_count=n, epochs=40, verbose=0
        )
        found.append(model.multipliers)
    # The spread of 100 numbers is known to 7 %.
    np.testing.assert_allclose(np.std(found, axis=0), told, rtol=0.25)


def test_stderr_falls_as_one_over_the_root_of_n(die):
    model, _ = die
    variance = model.feature_covariance()[0, 0]
    np.testing.assert_allclose(model.multiplier_stderr(), variance**-0.5)
    other, _ = fit(DIE, Moments(1), [4.5], observation_count=400)
    np.testing.assert_allclose(other.multiplier_stderr(), variance**-0.5 / 20)


def test_stderr_from_the_errors_of_the_observations():
    model, _ = fit(
        DIE, Moments(1, 2), [4.0, 18.5], observation_stderr=[0.1, 0.4]
    )
    told = model.multiplier_stderr()
    # Linear response: how the multipliers move with each observation.
    moved = []
    for k, step in enumerate((1e-4, 1e-4)):
        ends = []
        for sign in (1, -1):
            observed = np.array([4.0, 18.5])
            observed[k] += sign * step
            model.fit(
                observations=observed,
                observation_stderr=[0.1, 0.4],
                verbose=0,
            )
            ends.append(model.multipliers)
        moved.append((ends[0] - ends[1]) / (2 * step))
    expected = np.sqrt(np.square(moved).T @ np.square([0.1, 0.4]))
    np.testing.assert_allclose(told, expected, rtol=1e-5)


# What a fitted model tells --------------------------------------------------


def test_results_are_those_of_brute_force(ising):
    model, true, _ = ising
    x = spaces.Spin(6).states()
    values = ising_values(x)
    p, log_z, averages = brute_force(x, values, true)
    np.testing.assert_allclose(model.log_prob(x), np.log(p), atol=1e-9)
    np.testing.assert_allclose(model.prob(x.astype("int8")), p, atol=1e-11)
    np.testing.assert_allclose(model.entropy(), -p @ np.log(p), atol=1e-10)
    np.testing.assert_allclose(model.expectation(), averages, atol=1e-11)
    covariance = (values * p[:, None]).T @ values - np.outer(averages, averages)
    np.testing.assert_allclose(
        model.feature_covariance(), covariance, atol=1e-10
    )
    square = model.expectation(lambda x: tf.reduce_sum(x, axis=1) ** 2)
    assert isinstance(square, float)
    np.testing.assert_allclose(square, p @ x.sum(1) ** 2, atol=1e-10)
    triple = model.expectation(lambda x: x[:, :2] * x[:, 1:3] * x[:, 3:5])
    assert triple.shape == (2,)
    expected = p @ (x[:, :2] * x[:, 1:3] * x[:, 3:5])
    np.testing.assert_allclose(triple, expected, atol=1e-10)
    np.testing.assert_allclose(
        model.predict(x, verbose=0), -values @ true, atol=1e-5
    )


def test_the_identities_of_training_hold(ising):
    model, _, _ = ising
    x = model.sample(500, seed=2)
    results = model.evaluate(x, verbose=0, return_dict=True)
    assert results["gradient_identity"] < 1e-7
    assert results["likelihood_identity"] < 1e-12
    kinds, counts = np.unique(x, axis=0, return_counts=True)
    share = counts / 500
    log_p = model.log_prob(kinds)
    kl = np.sum(share * (np.log(share) - log_p))
    np.testing.assert_allclose(results["kl_divergence"], kl, rtol=1e-10)
    np.testing.assert_allclose(
        results["data_entropy"], -np.sum(share * np.log(share)), rtol=1e-10
    )
    loss = -model.log_prob(x).mean()
    np.testing.assert_allclose(results["loss"], loss, rtol=1e-6)
    assert kl > 0.01
    # All states once: against the even distribution, by brute force.
    even = model.evaluate(spaces.Spin(6).states(), verbose=0, return_dict=True)
    log_p = model.log_prob(spaces.Spin(6).states())
    kl = -np.log(64) - log_p.mean()
    np.testing.assert_allclose(even["kl_divergence"], kl, rtol=1e-10)
    np.testing.assert_allclose(even["data_entropy"], np.log(64))


def test_the_gradient_identity_notices_a_wrong_average(die, monkeypatch):
    model, _ = die
    assert model.evaluate(verbose=0, return_dict=True)["residual"] < 1e-12
    right = model._exact.solved

    def wrong(*arguments):
        found = right(*arguments)
        return found._replace(mean=found.mean + 0.01)

    monkeypatch.setattr(model._exact, "solved", wrong)
    results = model.evaluate(verbose=0, return_dict=True)
    assert results["gradient_identity"] > 1e-3


def test_as_a_distribution_of_tensorflow_probability(die):
    model, _ = die
    distribution = model.to_distribution()
    faces = np.arange(1, 7.0)[:, None]
    log_p = model.log_prob(faces)
    np.testing.assert_allclose(distribution.log_prob(faces), log_p)
    assert distribution.log_prob([3.5]) == -np.inf
    np.testing.assert_allclose(distribution.entropy(), model.entropy())
    np.testing.assert_allclose(distribution.mean(), [4.5])
    variance = model.feature_covariance()[0]
    np.testing.assert_allclose(distribution.variance(), variance)
    draws = distribution.sample(2000, seed=3).numpy()
    assert draws.shape == (2000, 1)
    assert_chi_square(count_states(draws, faces), np.exp(log_p))


def test_a_summary_shows_every_constraint(ising):
    model, _, _ = ising
    lines = []
    model.summary(print_fn=lines.append)
    text = "\n".join(lines)
    assert "21 constraints, enumeration" in lines[0]
    for name, value in zip(
        model.features.names, model.multipliers, strict=True
    ):
        (line,) = [row for row in lines if row.startswith(f"{name}  ")]
        assert f"{value:.6g}" in line
    assert f"entropy {model.entropy():.6g} nats" in text
    fresh = []
    gz.MaxEnt(DIE, Moments(1, 2)).summary(print_fn=fresh.append)
    assert fresh[-1] == "not fitted: x, x^2"


# Samples --------------------------------------------------------------------


def test_draws_from_a_finite_space_follow_its_probabilities(ising):
    model, _, _ = ising
    x = spaces.Spin(6).states()
    counts = count_states(model.sample(4000, seed=1), x)
    assert_chi_square(counts, model.prob(x))
    # p(x)^(1 / T), normalised
    for temperature in (0.5, 3.0):
        p = model.prob(x) ** (1 / temperature)
        draws = model.sample(4000, seed=2, temperature=temperature)
        assert_chi_square(count_states(draws, x), p / p.sum())


@pytest.mark.parametrize("temperature", [1.0, 2.0])
def test_draws_from_an_interval_follow_its_density(truncated, temperature):
    x = truncated.multipliers[0] / temperature
    draws = truncated.sample(5000, seed=1, temperature=temperature)
    assert draws.shape == (5000, 1)
    assert_kolmogorov_smirnov(
        draws[:, 0], lambda u: np.expm1(x * u) / np.expm1(x)
    )


@pytest.mark.parametrize("temperature", [1.0, 0.25])
def test_draws_from_the_real_line_follow_their_density(gaussian, temperature):
    draws = gaussian.sample(5000, seed=1, temperature=temperature)
    deviation = np.sqrt(2 * temperature)
    assert_kolmogorov_smirnov(
        draws[:, 0], lambda x: normal_cdf(x, 1.0, deviation)
    )


def mixed_cdf(x):
    deviation = np.sqrt(1 / (2 * D))
    return sum(
        share * normal_cdf(x, mean, deviation)
        for share, mean in zip(SHARES, MEANS, strict=True)
    )


@pytest.mark.parametrize("start", [None, "random"])
def test_draws_of_a_spin_and_a_real(mixed, start):
    draws = mixed.sample(3000, seed=1, steps=40, start=start)
    assert_chi_square(count_states(draws[:, :1], SIDES[:, None]), SHARES)
    assert_kolmogorov_smirnov(draws[:, 1], mixed_cdf)
    for side, mean in zip(SIDES, MEANS, strict=True):
        part = draws[draws[:, 0] == side, 1]
        assert_kolmogorov_smirnov(
            part, lambda x, mean=mean: normal_cdf(x, mean, (2 * D) ** -0.5)
        )


@pytest.mark.parametrize("temperature", [1.0, 2.0])
def test_a_walk_over_states_ends_in_their_distribution(ising, temperature):
    model, _, _ = ising
    x = spaces.Spin(6).states()
    p = model.prob(x) ** (1 / temperature)
    draws = model.sample(
        4000, seed=3, steps=60, start="random", temperature=temperature
    )
    assert_chi_square(count_states(draws, x), p / p.sum())


def test_walks_over_continuous_sites_end_in_their_density(truncated, gaussian):
    x = truncated.multipliers[0]
    draws = truncated.sample(3000, seed=3, steps=60, start="random")
    assert_kolmogorov_smirnov(
        draws[:, 0], lambda u: np.expm1(x * u) / np.expm1(x)
    )
    draws = gaussian.sample(3000, seed=3, steps=60, start="random")
    assert_kolmogorov_smirnov(
        draws[:, 0], lambda x: normal_cdf(x, 1.0, np.sqrt(2))
    )
    # From one place, at another temperature.
    start = np.full((3000, 1), -2.0, "float32")
    draws = gaussian.sample(
        3000, seed=4, steps=60, start=start, temperature=0.5
    )
    assert_kolmogorov_smirnov(draws[:, 0], lambda x: normal_cdf(x, 1.0))


# log Z by annealing ---------------------------------------------------------


@pytest.mark.parametrize("kind", ["spins", "levels", "mixed", "interval"])
def test_annealing_finds_log_z(kind, ising, mixed, truncated):
    if kind == "levels":
        parts = [
            features.Indicators([0, 1, 2]),
            features.PairIndicators([0, 1, 2]),
        ]
        model = gz.MaxEnt(spaces.Categorical([0, 1, 2], 4), parts, seed=0)
        count = len(model.features)
        model.multipliers = np.random.default_rng(2).standard_normal(count)
    else:
        known = {"spins": ising[0], "mixed": mixed, "interval": truncated}
        model = known[kind]
    exact = model.log_partition()
    found = model.log_partition("ais", chains=200, temperatures=300, seed=1)
    assert 0 < found.stderr < 0.1
    assert abs(found.value - exact.value) < 4 * found.stderr
    assert found.lower < found.value + 1e-9
    assert abs(found.upper - exact.value) < 0.3
    # The exact value is what probabilities are made with all the same.
    np.testing.assert_allclose(model._log_z(), exact.value, rtol=1e-12)


# Saving ---------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["mixed", "reference"])
def test_saved_models_give_the_same_log_prob(kind, mixed, tmp_path):
    if kind == "reference":
        model, _ = fit(DIE, Moments(1), [3.0], reference=tilted)
    else:
        model = mixed
    x = model.sample(20, seed=0)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(again.log_prob(x), model.log_prob(x))
    np.testing.assert_array_equal(again.sample(20, seed=0), x)
    np.testing.assert_array_equal(
        again.window.ends.numpy(), model.window.ends.numpy()
    )
    np.testing.assert_array_equal(again.multipliers, model.multipliers)
    np.testing.assert_array_equal(
        again.multiplier_stderr(), model.multiplier_stderr()
    )
    # Fitting goes on without leaving its place.
    again.fit(observations=model.observations.values.numpy(), verbose=0)
    np.testing.assert_allclose(
        again.multipliers, model.multipliers, rtol=1e-9, atol=1e-10
    )


# Other optimizers and chains ------------------------------------------------


@pytest.mark.parametrize("kind", ["sgd", "adam", "lbfgs"])
def test_other_optimizers_reach_the_same_multipliers(kind, die):
    model = gz.MaxEnt(DIE, Moments(1), seed=0)
    # The dual's curvature is the variance, here 2.2 to 2.9.
    optimizer, epochs = {
        "sgd": (keras.optimizers.SGD(0.4), 60),
        "adam": (keras.optimizers.Adam(0.05), 200),
        "lbfgs": ("lbfgs", 60),
    }[kind]
    model.compile(optimizer)
    history = model.fit(observations=[4.5], epochs=epochs, verbose=0).history
    tolerance = 1e-3 if kind == "adam" else 1e-10
    np.testing.assert_allclose(
        model.multipliers, die[0].multipliers, atol=tolerance
    )
    np.testing.assert_allclose(
        history["loss"][-1], model.entropy(), atol=tolerance
    )


def test_chains_learn_what_sums_would():
    space, coupling = spaces.Spin((4, 4)), 0.3
    exact = gz.MaxEnt(space, features.LatticeBonds((4, 4)), seed=0)
    exact.multipliers = [coupling]
    bonds, variance = exact.expectation(), exact.feature_covariance()[0, 0]
    model = gz.MaxEnt(space, features.LatticeBonds((4, 4)), seed=1)
    model.compile(loss=gz.losses.PersistentContrastiveDivergence(2, chains=64))
    assert model.route == "persistent chains"
    assert isinstance(model.optimizer, gz.optimizers.NaturalGradient)
    history = model.fit(
        observations=bonds, epochs=4, steps_per_epoch=100, verbose=0
    ).history
    assert set(history) == {
        "loss",
        "contrast",
        "log_partition_stderr",
        "residual",
    }
    # The last steps average over more than 64 draws; 4 standard errors of
    # 64 are 0.05 here.
    stderr = (64 * variance) ** -0.5
    assert abs(model.multipliers[0] - coupling) < 4 * stderr
    assert model.multipliers[0] > 10 * stderr


def test_chains_learn_a_gaussian_of_a_real_and_a_spin(mixed):
    model = gz.MaxEnt(MIXED, [Moments(1), Pairwise(), last_square], seed=1)
    model.compile(loss=gz.losses.PersistentContrastiveDivergence(1, chains=256))
    observed = mixed.observations.values.numpy()
    model.fit(observations=observed, epochs=3, steps_per_epoch=100, verbose=0)
    error = model.multipliers - mixed.multipliers
    fisher = mixed.feature_covariance()
    # With 256 independent draws the mean of error' F error is 4 / 256.
    assert error @ fisher @ error < 5 * 4 / 256


def test_keras_optimizers_learn_from_chains(die):
    model = gz.MaxEnt(DIE, Moments(1), seed=0)
    model.compile(
        keras.optimizers.SGD(0.05),
        gz.losses.PersistentContrastiveDivergence(1, chains=500),
    )
    model.fit(observations=[4.5], epochs=2, steps_per_epoch=100, verbose=0)
    stderr = (500 * die[0].feature_covariance()[0, 0]) ** -0.5
    assert abs(model.multipliers - die[0].multipliers) < 5 * stderr


def test_contrastive_divergence_of_a_real():
    x = 1 + np.random.default_rng(0).standard_normal((512, 1))
    model = gz.MaxEnt(spaces.Real(1), Moments(1, 2), seed=0)
    model.compile(
        keras.optimizers.SGD(0.05), gz.losses.ContrastiveDivergence(2)
    )
    model.fit(x, batch_size=64, epochs=15, verbose=0)
    # All but counters and what is known of log Z.
    aside = ("draw", "log_partition", "watch")
    kept = [w for w in model.weights if not any(a in w.path for a in aside)]
    before = [w.numpy() for w in kept]
    results = model.evaluate(x, verbose=0, return_dict=True)
    assert np.isfinite(results["loss"])
    # The value of a loss "changes nothing of the model".
    after = [w.numpy() for w in kept]
    for one, two in zip(before, after, strict=True):
        np.testing.assert_array_equal(one, two)
    mean, square = model.expectation()
    np.testing.assert_allclose(mean, x.mean(), atol=0.2)
    np.testing.assert_allclose(square - mean**2, 1, atol=0.3)


def test_examples_of_all_states_are_enough_for_any_feature():
    """Any distribution on four states is the answer to three averages."""
    shares = np.array([0.1, 0.2, 0.3, 0.4])
    x = np.array(list(itertools.product([-1, 1], repeat=2)))
    averages = shares @ ising_values(x.astype(float))
    model, _ = fit(spaces.Spin(2), [Moments(1), Pairwise()], averages)
    np.testing.assert_allclose(model.prob(x), shares, atol=1e-12)
