"""NaN and infinite weights are told of; log Z is that of all weights."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

import genzoo as gz

RNG = np.random.default_rng(2)
BITS = (RNG.random((40, 4)) < 0.3).astype("uint8")
POINTS = RNG.normal(size=(40, 2)).astype("float32")
STATES = np.array(list(itertools.product([0, 1], repeat=4)))


@keras.saving.register_keras_serializable("genzoo_tests")
class Heated(gz.units.Bernoulli):
    """Bits with a fixed weight that is no parameter."""

    def __init__(self, size, **kwargs):
        super().__init__(size, **kwargs)
        self.shift = self.add_weight(
            name="shift", shape=(self.width,), trainable=False
        )

    def potential(self, x):
        """Shifted."""
        return super().potential(x) + tf.linalg.matvec(x, self.shift)

    def unit_log_cumulant(self, field):
        """Shifted."""
        return super().unit_log_cumulant(field + self.shift)

    def mean(self, field):
        """Shifted."""
        return super().mean(field + self.shift)


def bits_and_reals():
    return gz.RBM(gz.units.Bernoulli(4), gz.units.Gaussian(3), seed=0)


def heated():
    return gz.RBM(Heated(4), gz.units.Bernoulli(3), seed=0)


@pytest.mark.parametrize(
    ("make", "change"),
    [
        (bits_and_reals, lambda m: m.hidden.log_precision.assign([1, -1, 2])),
        (heated, lambda m: m.visible.shift.assign([1.0, -2.0, 3.0, 0.5])),
        (heated, lambda m: m.hidden.bias.assign([1.0, -2.0, 3.0])),
        (heated, lambda m: m.kernel.assign(RNG.normal(size=(4, 3)))),
    ],
)
def test_probabilities_add_up_whatever_weight_changes(make, change):
    rbm = make()
    rbm.adapt(BITS)
    for _ in range(2):
        total = np.exp(rbm.log_prob(STATES)).sum()
        assert total == pytest.approx(1, abs=1e-5)
        change(rbm)


def test_a_feature_with_weights_is_part_of_the_energy():
    dense = keras.layers.Dense(1, use_bias=False)
    dense.build((None, 30))
    model = gz.MaxEnt(gz.spaces.Binary(30), dense, seed=0)
    model.multipliers = [0.5]
    first = model.log_partition(chains=10, temperatures=10)
    assert model.stored_log_partition == first
    dense.kernel.assign(np.linspace(-1, 1, 30)[:, None])
    assert model.stored_log_partition is None


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_weights_that_are_no_numbers_have_no_likelihood(value, tmp_path):
    rbm = bits_and_reals()
    rbm.adapt(BITS)
    rbm.log_partition()
    rbm.hidden.bias.assign([0.0, value, 0.0])
    for call in (
        lambda: rbm.log_prob(BITS),
        lambda: rbm.log_partition(),
        lambda: rbm.log_partition("ais"),
        lambda: rbm.sample(3),
        lambda: rbm.export(tmp_path / "served"),
        lambda: rbm.save_to_preset(tmp_path / "preset"),
    ):
        with pytest.raises(ValueError, match="bias must be finite"):
            call()
    die = gz.MaxEnt(gz.spaces.Categorical(range(6)), gz.features.Moments(1))
    die.multiplier_weights.assign([value])
    for call in (die.entropy, die.expectation, lambda: die.prob([[1.0]])):
        with pytest.raises(ValueError, match="finite"):
            call()


def test_a_log_partition_that_overflows_is_not_called_exact():
    float64 = {"dtype": "float64"}
    units = gz.units.Bernoulli(4, **float64), gz.units.Gaussian(3, **float64)
    rbm = gz.RBM(*units, **float64)
    rbm.kernel.assign(np.full((4, 3), 3e200))
    with pytest.raises(ValueError, match="log Z is found to be"):
        rbm.log_partition()
    assert rbm.stored_log_partition is None


def rbm():
    return gz.RBM(gz.units.Bernoulli(4), gz.units.Bernoulli(3)), BITS


def real_rbm():
    return gz.RBM(gz.units.Gaussian(2), gz.units.Bernoulli(3)), POINTS


def gan():
    return gz.GAN(*gz.networks.mlp(2, 2, width=8, depth=1)), POINTS


FAMILIES = [rbm, real_rbm, gan]


@pytest.mark.parametrize("make", FAMILIES)
def test_fit_stops_where_nothing_is_left_and_names_the_rate(make):
    model, x = make()
    model.compile(keras.optimizers.SGD(1e38))
    seen = []
    note = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: seen.append(epoch)
    )
    with pytest.raises(ValueError, match="learning_rate is 1e.38"):
        model.fit(
            x,
            epochs=50,
            batch_size=10,
            validation_data=x,
            callbacks=[note],
            verbose=0,
        )
    assert len(seen) < 20


@pytest.mark.parametrize("make", FAMILIES)
def test_fit_ends_quietly_where_the_user_asks_for_that(make):
    model, x = make()
    model.compile(keras.optimizers.SGD(1e38))
    stop = keras.callbacks.TerminateOnNaN()
    history = model.fit(
        x, epochs=50, batch_size=10, callbacks=[stop], verbose=0
    )
    assert len(history.epoch) < 20
    assert model.stop_training


def test_validation_data_of_a_stopped_training_are_not_taken_again():
    model, x = rbm()
    model.compile(keras.optimizers.SGD(0.1))

    def fail(epoch, logs):
        raise KeyboardInterrupt

    stop = keras.callbacks.LambdaCallback(on_epoch_end=fail)
    with pytest.raises(KeyboardInterrupt):
        model.fit(x, validation_data=x, callbacks=[stop], verbose=0)
    model.compile(keras.optimizers.SGD(0.0), "exact_likelihood")
    held = np.ones((3, 4))
    found = model.fit(x, validation_data=held, verbose=0).history["val_loss"]
    assert found[0] == pytest.approx(-model.log_prob(held).mean(), abs=1e-4)


def test_a_search_does_not_begin_at_multipliers_that_are_nan():
    x = [[0, 1], [1, 1], [1, 0], [0, 0], [1, 0]]
    for model in (
        gz.MaxEnt(gz.spaces.Binary(2), gz.features.Moments(1)),
        gz.BoltzmannMachine(gz.spaces.Binary(2)),
    ):
        model.compile()
        model.fit(x, verbose=0)
        weight = model.trainable_variables[0]
        found = weight.numpy()
        weight.assign(np.nan * found)
        with pytest.raises(ValueError, match="must be finite"):
            model.fit(x, verbose=0)
        weight.assign(found)
        model.fit(x, verbose=0)
        np.testing.assert_allclose(weight.numpy(), found, atol=1e-8)
