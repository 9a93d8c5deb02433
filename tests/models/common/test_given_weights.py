"""Weights that were assigned or loaded stay; a unit has one model."""

import itertools

import keras
import numpy as np
import pytest

import genzoo as gz
from genzoo import units

RNG = np.random.default_rng(3)
KERNEL = RNG.normal(size=(5, 3))
VISIBLE, HIDDEN = RNG.normal(size=5), RNG.normal(size=3)
BITS = (RNG.random((40, 5)) < 0.3).astype("uint8")


def log_prob(x, kernel, visible, hidden):
    """By NumPy: all joint visible states are listed."""

    def minus_energy(v):
        return v @ visible + np.logaddexp(0, v @ kernel + hidden).sum(axis=1)

    states = np.array(list(itertools.product([0, 1], repeat=5)))
    return minus_energy(x) - np.logaddexp.reduce(minus_energy(states))


def make(**options):
    units = gz.units.Bernoulli(5), gz.units.Bernoulli(3)
    return gz.RBM(*units, seed=0, **options)


def by_assignment(path):
    rbm = make()
    rbm.kernel.assign(KERNEL)
    rbm.visible.bias.assign(VISIBLE)
    rbm.hidden.bias.assign(HIDDEN)
    return rbm


def before_the_model(path):
    visible, hidden = gz.units.Bernoulli(5), gz.units.Bernoulli(3)
    visible.set_weights([VISIBLE])
    hidden.set_weights([HIDDEN])
    rbm = gz.RBM(visible, hidden)
    rbm.kernel.assign(KERNEL)
    return rbm


def by_from_weights(path):
    return gz.RBM.from_weights(KERNEL, VISIBLE, HIDDEN)


def by_set_weights(path):
    rbm = make()
    rbm.set_weights(by_assignment(path).get_weights())
    return rbm


def by_load_weights(path):
    by_assignment(path).save_weights(path / "a.weights.h5")
    rbm = make()
    rbm.load_weights(path / "a.weights.h5")
    return rbm


def by_load_model(path):
    by_assignment(path).save(path / "a.keras")
    return keras.saving.load_model(path / "a.keras")


def by_sklearn(path):
    class Fitted:
        components_ = KERNEL.T
        intercept_visible_ = VISIBLE
        intercept_hidden_ = HIDDEN

    return gz.RBM.from_sklearn(Fitted())


WAYS = [
    by_assignment,
    before_the_model,
    by_from_weights,
    by_set_weights,
    by_load_weights,
    by_load_model,
    by_sklearn,
]


@pytest.mark.parametrize("way", WAYS)
def test_given_weights_are_the_model_before_and_after_adapt(way, tmp_path):
    rbm = way(tmp_path)
    expected = log_prob(BITS, KERNEL, VISIBLE, HIDDEN)
    for _ in range(2):
        np.testing.assert_allclose(rbm.log_prob(BITS), expected, atol=1e-5)
        rbm.adapt(BITS)


def test_fit_begins_at_given_weights_and_centres_on_the_data():
    rbm = gz.RBM.from_weights(KERNEL, VISIBLE, HIDDEN, seed=0)
    rbm.compile(keras.optimizers.SGD(0.0))
    rbm.fit(BITS, epochs=2, verbose=0)
    expected = log_prob(BITS, KERNEL, VISIBLE, HIDDEN)
    np.testing.assert_allclose(rbm.log_prob(BITS), expected, atol=1e-5)
    np.testing.assert_allclose(rbm.offsets.visible, BITS.mean(axis=0))


def test_biases_of_zero_belong_to_an_assigned_kernel():
    rbm = make()
    rbm.kernel.assign(KERNEL)
    rbm.adapt(BITS)
    expected = log_prob(BITS, KERNEL, np.zeros(5), np.zeros(3))
    np.testing.assert_allclose(rbm.log_prob(BITS), expected, atol=1e-5)


def test_what_was_not_assigned_is_adapted():
    rbm = make()
    rbm.hidden.bias.assign(HIDDEN)
    for data in (BITS, 1 - BITS):
        rbm.adapt(data)
        share = (data.sum(axis=0) + 0.5) / 41
        np.testing.assert_allclose(
            rbm.visible.bias, np.log(share / (1 - share)), rtol=1e-5
        )
        np.testing.assert_array_equal(rbm.hidden.bias, HIDDEN.astype("f4"))


def test_an_assigned_variance_stays_and_the_bias_goes_with_it():
    units = gz.units.Gaussian(4, learn_variance=True), gz.units.Bernoulli(3)
    rbm = gz.RBM(*units, kernel_initializer="zeros")
    rbm.visible.log_precision.assign(np.log([4.0, 1.0, 0.25, 2.0]))
    x = RNG.normal(3.0, 1.0, (50, 4))
    rbm.adapt(x)
    np.testing.assert_allclose(
        rbm.visible.variance, [0.25, 1.0, 4.0, 0.5], rtol=1e-5
    )
    # With no field the mean is that of the data.
    mean = rbm.visible.mean(np.zeros((1, 4), "float32"))[0]
    np.testing.assert_allclose(mean, x.mean(axis=0), rtol=1e-4)


def test_adapt_after_training_changes_nothing():
    rbm = make()
    rbm.compile()
    rbm.fit(BITS, epochs=2, verbose=0)
    before = rbm.get_weights()
    rbm.adapt(1 - BITS)
    for value, now in zip(before, rbm.get_weights(), strict=True):
        np.testing.assert_array_equal(value, now)


def test_a_model_that_was_given_nothing_says_so_everywhere(tmp_path):
    rbm = make()
    rbm.save(tmp_path / "a.keras")
    calls = {
        "log_prob": (BITS,),
        "sample": (3,),
        "export": (tmp_path / "served",),
        "log_partition": (),
    }
    for fresh in (rbm, keras.saving.load_model(tmp_path / "a.keras")):
        for method, arguments in calls.items():
            with pytest.raises(ValueError, match="has not seen data"):
                getattr(fresh, method)(*arguments)


def test_multipliers_that_were_assigned_stay():
    x = RNG.integers(1, 7, (30, 1))
    for assign in (
        lambda model: setattr(model, "multipliers", [0.7]),
        lambda model: model.multiplier_weights.assign([0.7]),
    ):
        die = gz.MaxEnt(
            gz.spaces.Categorical(range(1, 7)), gz.features.Moments(1)
        )
        assign(die)
        weights = np.exp(0.7 * np.arange(1, 7))
        for _ in range(2):
            found = die.prob(np.arange(1, 7)[:, None])
            np.testing.assert_allclose(found, weights / weights.sum())
            die.adapt(x)
        # And they are solved for when one asks.
        die.compile()
        die.fit(x, verbose=0)
        np.testing.assert_allclose(die.expectation(), [x.mean()], rtol=1e-9)


def test_assigned_multipliers_on_the_line_are_normalised():
    line = gz.MaxEnt(gz.spaces.Real(1), gz.features.Moments(1, 2))
    # N(400, 2): far beyond where an unfitted model looks.
    line.multiplier_weights.assign([400 / 4, -1 / 8])
    density = line.prob(np.array([[400.0], [402.0]]))
    expected = np.exp([0.0, -0.5]) / np.sqrt(2 * np.pi * 4)
    np.testing.assert_allclose(density, expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"kernel": KERNEL[:, 0]}, "kernel must have shape"),
        ({"kernel": KERNEL * np.nan}, "kernel must be an array of finite"),
        ({"kernel": "kernel"}, "kernel must be an array"),
        ({"visible_bias": HIDDEN}, r"visible_bias must have shape \(5,\)"),
        ({"hidden_bias": 1.0}, r"hidden_bias must have shape \(3,\)"),
        ({"hidden": gz.units.Spin(4)}, r"kernel must have shape \(5, 4\)"),
    ],
)
def test_weights_that_do_not_fit_are_refused(given, message):
    with pytest.raises(ValueError, match=message):
        gz.RBM.from_weights(**{"kernel": KERNEL, **given})


def test_from_sklearn_asks_for_a_fitted_estimator():
    for wrong in (None, KERNEL, type("BernoulliRBM", (), {})()):
        with pytest.raises(ValueError, match="Fit it first"):
            gz.RBM.from_sklearn(wrong)


@pytest.mark.parametrize("side", ["visible", "hidden"])
def test_units_of_a_model_are_refused_by_another(side):
    mine = make()
    other = gz.units.Bernoulli(2)
    with pytest.raises(ValueError, match="belongs to another"):
        gz.RBM(getattr(mine, side), other)
    # The refusal did not take the second one.
    gz.RBM(other, gz.units.Bernoulli(2))
    clone = keras.models.clone_model(mine)
    assert clone.visible is not mine.visible


def test_an_augmentation_has_one_gan_and_networks_have_many():
    networks = gz.networks.dcgan(4, (8, 8, 1), width=4)
    augmentation = gz.layers.Augmentation(target=0.6)
    gz.GAN(*networks, augmentation=augmentation)
    gz.GAN(*networks)
    with pytest.raises(ValueError, match="belongs to another model"):
        gz.GAN(*networks, augmentation=augmentation)


def _numbers(model):
    return [weight.numpy() for weight in model.weights]


@pytest.mark.parametrize(
    "make",
    [
        lambda: gz.RBM(units.Bernoulli(4), units.Bernoulli(3), seed=0),
        lambda: gz.DeepBoltzmannMachine(
            [units.Bernoulli(4), units.Spin(3), units.Spin(2)], seed=0
        ),
    ],
    ids=["rbm", "dbm"],
)
def test_clones_take_all_weights_with_chains_or_without(make):
    x = np.random.default_rng(0).random((32, 4)) < 0.3
    fitted, clone = make(), make()
    untouched = fitted.get_weights()
    fitted.compile(loss="pcd")
    fitted.fit(x, epochs=1, verbose=0)
    clone.set_weights(fitted.get_weights())
    np.testing.assert_array_equal(clone.chains.states, fitted.chains.states)
    # It goes on as the fitted one would.
    for model in (clone, fitted):
        model.compile(loss="pcd")
        model.fit(x, epochs=1, verbose=0)
    for own, due in zip(_numbers(clone), _numbers(fitted), strict=True):
        np.testing.assert_array_equal(own, due)
    # Back to the start, of which no chains are known.
    moved = fitted.chains.states.numpy()
    fitted.set_weights(untouched)
    assert not fitted.is_adapted
    assert (fitted.chains.states.numpy() != moved).any()
    before = _numbers(make())
    held = clone.get_weights()
    for wrong in (held[:-2], [*held, 0.0], [np.zeros((2, 7)), *held[1:]]):
        fresh = make()
        with pytest.raises(ValueError, match="weight"):
            fresh.set_weights(wrong)
        for own, due in zip(_numbers(fresh), before, strict=True):
            np.testing.assert_array_equal(own, due)
