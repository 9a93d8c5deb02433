"""The default optimizer of an RBM, against its formula."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import genzoo as gz
from genzoo.optimizers import Falling


class Shares(keras.callbacks.Callback):
    """The shares of the rate before each batch."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def on_train_batch_begin(self, batch, logs=None):
        optimizer = self.model.optimizer
        # Keras begins one batch too many where it does not know the length.
        self.seen.append((int(optimizer.iterations), float(optimizer.share())))

    def take(self):
        """The shares since the last call."""
        last = dict(self.seen)
        self.seen.clear()
        return list(last.values())


def rbm(seed=0):
    units = gz.units.Bernoulli(6), gz.units.Bernoulli(4)
    model = gz.RBM(*units, seed=seed)
    model.compile()
    return model


def falling(steps):
    return 0.5 * (1 + np.cos(np.pi * np.arange(steps) / steps))


def test_a_step_is_the_formula():
    weight = keras.Variable(np.ones(3, "float32"))
    optimizer = Falling(0.5)
    optimizer.build([weight])
    slope = tf.constant([1.0, -2.0, 0.0])
    optimizer.plan(unit=0.3, first=0, last=2)
    optimizer.apply([slope])
    expected = 1 - 0.15 * slope.numpy()
    np.testing.assert_allclose(weight.numpy(), expected, rtol=1e-6)
    optimizer.apply([slope])
    expected -= 0.075 * slope.numpy()
    np.testing.assert_allclose(weight.numpy(), expected, rtol=1e-6)
    optimizer.apply([slope])
    np.testing.assert_allclose(weight.numpy(), expected, rtol=1e-6)


def test_no_number_jumps():
    weight = keras.Variable(np.zeros(3, "float32"))
    optimizer = Falling(0.5)
    optimizer.build([weight])
    optimizer.apply([tf.constant([0.4, 1e9, -1e9])])
    np.testing.assert_allclose(weight.numpy(), [-0.2, -0.5, 0.5], rtol=1e-6)


@pytest.mark.parametrize("source", ["array", "dataset"])
def test_it_falls_to_zero_over_each_fit(bits, source):
    x, shares, model = bits[:40], Shares(), rbm()
    options = {"batch_size": 10}
    if source == "dataset":
        x = tf.data.Dataset.from_tensor_slices(x).batch(10)
        options = {}
    model.fit(x, epochs=3, verbose=0, callbacks=[shares], **options)
    np.testing.assert_allclose(shares.take(), falling(12), atol=1e-6)
    # A second fit falls anew; initial_epoch goes on.
    options |= {"callbacks": [shares], "verbose": 0}
    model.fit(x, epochs=2, **options)
    np.testing.assert_allclose(shares.take(), falling(8), atol=1e-6)
    model.fit(x, epochs=4, initial_epoch=2, **options)
    np.testing.assert_allclose(shares.take(), falling(16)[8:], atol=1e-6)


def test_it_waits_for_the_length_of_a_dataset_that_does_not_say(bits):
    shares = Shares()
    x = tf.data.Dataset.from_tensor_slices(bits).batch(30)
    x = x.filter(lambda batch: True)
    rbm().fit(x, epochs=3, verbose=0, callbacks=[shares])
    found = np.array(shares.take())
    assert (found[:10] == 1).all()
    assert (np.diff(found[11:]) < 0).all()
    assert found[-1] < 0.02


def test_a_training_that_was_broken_off_resumes_exactly(bits, tmp_path):
    class Stop(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 3:
                raise KeyboardInterrupt

    whole = rbm()
    whole.fit(bits, epochs=5, verbose=0)
    backup = keras.callbacks.BackupAndRestore(str(tmp_path / "backup"))
    with pytest.raises(KeyboardInterrupt):
        rbm().fit(bits, epochs=5, verbose=0, callbacks=[backup, Stop()])
    # In a new process the model is made anew, with any other start.
    resumed = rbm(seed=0)
    resumed.fit(bits, epochs=5, verbose=0, callbacks=[backup])
    for ours, theirs in zip(resumed.weights, whole.weights, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    for ours, theirs in zip(
        resumed.optimizer.variables, whole.optimizer.variables, strict=True
    ):
        np.testing.assert_array_equal(ours, theirs)


def test_it_is_saved_with_the_model(bits, tmp_path):
    model = rbm()
    model.fit(bits, epochs=1, verbose=0)
    model.save(tmp_path / "rbm.keras")
    loaded = keras.saving.load_model(tmp_path / "rbm.keras")
    assert isinstance(loaded.optimizer, Falling)
    assert float(loaded.optimizer.unit) == float(model.optimizer.unit) > 1
    for one in (model, loaded):
        one.fit(bits, epochs=1, verbose=0)
    np.testing.assert_array_equal(model.kernel, loaded.kernel)


@pytest.mark.parametrize(
    ("unit", "variance"),
    [
        (gz.units.Bernoulli, 0.25),
        (gz.units.Spin, 1.0),
        (gz.units.Gaussian, 1.0),
    ],
)
def test_the_unit_is_one_over_the_variances(unit, variance):
    x = np.array([[0.0], [1.0]] * 50)
    x = 2 * x - 1 if unit is gz.units.Spin else 3e4 * x
    x = np.minimum(x, 1.0) if unit is gz.units.Bernoulli else x
    model = gz.RBM(unit(1), gz.units.Bernoulli(2), seed=0)
    model.compile()
    model.fit(x, verbose=0)
    unit = float(model.optimizer.unit)
    assert unit == pytest.approx(4 / variance, rel=1e-5)


def adam(seed=0):
    model = gz.EnergyModel(gz.spaces.Real(1), seed=seed)
    model.compile(loss="score_matching")
    return model


@pytest.fixture(scope="module")
def points():
    return np.random.default_rng(5).gamma(2.0, size=(40, 1)).astype("float32")


def test_a_shorter_fit_of_adam_begins_lower(points, tmp_path):
    shares, model = Shares(), adam()
    options = {"batch_size": 10, "callbacks": [shares], "verbose": 0}
    for epochs, height in (
        *((4, 1.0), (1, 0.5), (1, 0.5), (4, 1.0)),
        *((9, 1.0), (4, 2 / 3)),
    ):
        model.fit(points, epochs=epochs, **options)
        expected = height * falling(4 * epochs)
        np.testing.assert_allclose(shares.take(), expected, atol=1e-6)
    # One that goes on keeps its height.
    model.fit(points, epochs=4, initial_epoch=2, **options)
    expected = 2 / 3 * falling(16)[8:]
    np.testing.assert_allclose(shares.take(), expected, atol=1e-6)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    loaded.fit(points, epochs=4, **options)
    np.testing.assert_allclose(shares.take(), 2 / 3 * falling(16), atol=1e-6)


def test_short_fits_in_a_loop_and_what_was_broken_off_begin_high(points):
    shares, model = Shares(), adam()
    options = {"batch_size": 10, "verbose": 0}
    for _ in range(3):
        model.fit(points, callbacks=[shares], **options)
        np.testing.assert_allclose(shares.take(), falling(4), atol=1e-6)

    class Stop(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.stop_training = True

    model.fit(points, epochs=50, callbacks=[Stop()], **options)
    model.fit(points, epochs=2, callbacks=[shares], **options)
    np.testing.assert_allclose(shares.take(), falling(8), atol=1e-6)


def test_adam_of_an_older_file_is_loaded():
    weight = keras.Variable(np.ones(3, "float32"))
    old, new = (gz.optimizers.FallingAdam() for _ in range(2))
    for optimizer in (old, new):
        optimizer.build([weight])
    old.plan(1.0, 3, 10)
    store = {}
    old.save_own_variables(store)
    store.pop(str(len(store) - 1))
    new.load_own_variables(store)
    assert int(new.last) == 10
    assert int(new.longest) == 0


@pytest.mark.parametrize("make", [rbm, adam])
def test_single_steps_behind_a_fit_learn_at_the_full_rate(make, bits, points):
    x = bits[:40] if make is rbm else points
    model = make()
    model.fit(x, verbose=0)
    assert float(model.optimizer.share()) == pytest.approx(0, abs=1e-6)
    before = [weight.numpy().copy() for weight in model.parameters]
    model.train_on_batch(x)
    assert float(model.optimizer.share()) == 1
    assert any(
        np.abs(now.numpy() - then).max() > 1e-4
        for now, then in zip(model.parameters, before, strict=True)
    )


def test_a_transformer_learns_from_further_rows(bits):
    from genzoo.sklearn import RBMTransformer

    x = np.asarray(bits[:40])
    model = RBMTransformer(2).fit(x)
    before = model.rbm_.visible.bias.numpy().copy()
    model.partial_fit(1 - x)
    after = model.rbm_.visible.bias.numpy()
    assert np.abs(after - before).max() > 1e-4


@pytest.mark.parametrize(
    ("steps", "height"), [(40, 1.0), (50, 1.0), (200, 0.5), (5000, 0.1)]
)
def test_a_long_fit_of_adam_begins_lower(steps, height):
    optimizer = gz.optimizers.FallingAdam(full_steps=50)
    optimizer.build([keras.Variable(0.0)])
    optimizer.plan(1.0, 0, steps)
    assert float(optimizer.share()) == pytest.approx(height)
    plain = gz.optimizers.FallingAdam()
    plain.build([keras.Variable(0.0)])
    plain.plan(1.0, 0, steps)
    assert float(plain.share()) == pytest.approx(1)


def test_full_steps_are_kept_and_checked():
    optimizer = gz.optimizers.FallingAdam(full_steps=50)
    again = gz.optimizers.FallingAdam.from_config(optimizer.get_config())
    assert again.full_steps == 50
    for wrong in (0, -3, "many", float("nan")):
        with pytest.raises(ValueError, match="full_steps"):
            gz.optimizers.FallingAdam(full_steps=wrong)
