"""Averages of where weights were, and epochs that end there."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf

import genzoo as gz
from genzoo.optimizers import Falling, FallingAdam
from genzoo.runtime.weights import fingerprint


def crossed(n, seed):
    """Real columns that depend on each other, a twentieth of the rows far."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, 2)) @ rng.standard_normal((2, 8))
    x += 0.2 * rng.standard_normal((n, 8))
    return x * np.where(rng.random((n, 1)) < 0.05, 6.0, 1.0) * 40 + 300


def bursts(n, seed):
    """Sparse bits, of which groups of ten fire together."""
    rng = np.random.default_rng(seed)
    groups = np.repeat(rng.random((n, 4)) < 0.15, 10, axis=1)
    noise = rng.random((n, 40)) < 0.03
    return (groups & (rng.random((n, 40)) < 0.8)) | noise


def tallies(n, seed):
    """Counts with many rows of zeros."""
    rng = np.random.default_rng(seed)
    return rng.negative_binomial(2, 0.2, (n, 4)) * (rng.random((n, 1)) < 0.7)


CASES = {
    "real": (crossed, gz.units.Gaussian),
    "sparse": (bursts, gz.units.Bernoulli),
    "counts": (tallies, gz.units.Poisson),
}


def rbm(unit, width, hidden=6, **options):
    model = gz.RBM(unit(width), gz.units.Bernoulli(hidden), seed=3)
    model.compile(steps_per_execution=16, **options)
    return model


def values(model):
    return [weight.numpy().copy() for weight in model.trainable_weights]


def equal(ours, theirs):
    return all(map(np.array_equal, ours, theirs))


class AtEnds(keras.callbacks.Callback):
    """Weights, and what is logged, where epochs end; likelihoods of x."""

    def __init__(self, *x):
        super().__init__()
        self.x, self.logs, self.weights, self.found = x, [], [], []

    def on_epoch_end(self, epoch, logs=None):
        self.logs.append(dict(logs))
        self.weights.append(values(self.model))
        self.found.append([-self.model.log_prob(x).mean() for x in self.x])


@pytest.mark.parametrize("kind", [Falling, FallingAdam])
def test_the_average_is_the_sum_that_is_said(kind):
    weight = keras.Variable(np.zeros(3, "float32"))
    optimizer = kind(0.1)
    optimizer.fingerprint = fingerprint
    optimizer.build([weight])
    seen = []
    for step in range(9):
        optimizer.apply([tf.constant([0.3, -1.0, step - 4.0])])
        optimizer.trail.follow()
        seen.append(weight.numpy().astype("float64"))
    # i (i + 1) ... (i + 6), which is i^7 but for terms of lower order.
    counts = np.array([math.perm(i + 6, 7) for i in range(1, 10)], float)
    expected = counts @ np.array(seen) / counts.sum()
    optimizer.trail.rest()
    np.testing.assert_allclose(weight.numpy(), expected, rtol=1e-5)
    optimizer.trail.rise()
    np.testing.assert_array_equal(weight.numpy(), seen[-1].astype("float32"))


@pytest.mark.parametrize("case", CASES)
def test_short_patience_reaches_what_the_whole_fit_does(case):
    make, unit = CASES[case]
    x, held = make(400, 1), make(400, 2)
    ends = AtEnds(x, held)
    model = rbm(unit, x.shape[1])
    model.fit(x, epochs=12, validation_data=held, verbose=0, callbacks=[ends])
    logged = [[logs["loss"], logs["val_loss"]] for logs in ends.logs]
    # What is logged is of the weights that callbacks see.
    np.testing.assert_allclose(logged, ends.found, rtol=2e-4)
    curve = np.array(logged)[:, 1]
    assert stopped(curve, patience=3) < curve.min() + 0.3


def stopped(curve, patience):
    """What `EarlyStopping` restores the weights of."""
    best = 0
    for epoch, value in enumerate(curve):
        if value < curve[best]:
            best = epoch
        elif epoch - best >= patience:
            break
    return curve[best]


def test_averages_steer_no_step():
    x = bursts(300, 1)
    plain, averaged = rbm(gz.units.Bernoulli, 40), rbm(gz.units.Bernoulli, 40)
    optimizer = Falling()
    # Built before the model takes it: it keeps no averages.
    optimizer.build(plain.trainable_variables)
    plain.compile(optimizer, steps_per_execution=16)
    assert optimizer.trail is None
    for model in (plain, averaged):
        model.fit(x, epochs=3, verbose=0)
    assert equal(values(plain), values(averaged))


def test_what_is_saved_at_rest_is_scored_as_logged_and_goes_on(tmp_path):
    x, held = bursts(300, 1), bursts(200, 2)
    kept = keras.callbacks.ModelCheckpoint(tmp_path / "{epoch}.keras")
    ends = AtEnds()
    whole = rbm(gz.units.Bernoulli, 40)
    options = {"epochs": 4, "validation_data": held, "verbose": 0}
    whole.fit(x, callbacks=[kept, ends], **options)
    loaded = keras.saving.load_model(tmp_path / "2.keras")
    assert equal(values(loaded), ends.weights[1])
    score = loaded.evaluate(held, verbose=0, return_dict=True)["loss"]
    assert score == pytest.approx(ends.logs[1]["val_loss"], rel=1e-5)
    loaded.fit(x, initial_epoch=2, **options)
    assert equal(values(loaded), values(whole))
    # A new training begins at rest, not where it was thrown about.
    anew = keras.saving.load_model(tmp_path / "2.keras")
    begun = []
    look = keras.callbacks.LambdaCallback(
        on_train_batch_begin=lambda batch, logs: begun.append(values(anew))
    )
    anew.fit(x, epochs=1, verbose=0, callbacks=[look])
    assert equal(begun[0], ends.weights[1])


def test_weights_that_a_callback_sets_stay():
    class Clear(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 1:
                self.model.kernel.assign(0 * self.model.kernel.value)

        def on_train_batch_begin(self, batch, logs=None):
            begun.setdefault(
                int(self.model.optimizer.iterations), values(self.model)
            )

    begun = {}
    model = gz.RBM(gz.units.Bernoulli(40), gz.units.Bernoulli(6), seed=3)
    model.compile()
    model.fit(
        bursts(80, 1), epochs=3, batch_size=20, verbose=0, callbacks=[Clear()]
    )
    at_kernel = [w is model.kernel for w in model.trainable_weights].index(True)
    assert begun[4][at_kernel].any()
    assert not begun[8][at_kernel].any()


def test_a_constraint_holds_where_weights_rest():
    model = gz.RBM(
        gz.units.Bernoulli(40),
        gz.units.Bernoulli(6),
        kernel_constraint=keras.constraints.UnitNorm(),
        seed=3,
    )
    model.compile()
    ends = AtEnds()
    model.fit(bursts(80, 1), epochs=2, verbose=0, callbacks=[ends])
    norms = [
        np.linalg.norm(weight, axis=0)
        for weight in ends.weights[0]
        if weight.shape == (40, 6)
    ]
    np.testing.assert_allclose(norms, np.ones((1, 6)), rtol=1e-5)


@pytest.mark.parametrize("case", ["real", "sparse"])
def test_loss_of_a_dataset_is_of_the_weights_that_callbacks_see(case):
    make, unit = CASES[case]
    x = make(1000, 1)
    ends = AtEnds(x)
    data = tf.data.Dataset.from_tensor_slices(x).shuffle(1000, seed=1)
    model = rbm(unit, x.shape[1])
    model.fit(data.batch(10), epochs=6, verbose=0, callbacks=[ends])
    logged = np.array([logs["loss"] for logs in ends.logs])
    each = -model.log_prob(x)
    # Half of the mean is of the last tenth of the rows.
    noise = each.std() * np.sqrt(2 / 100)
    off = logged - np.ravel(ends.found)
    assert np.abs(off[1:]).max() < 4 * noise
    assert abs(off[1:].mean()) < 2 * noise


def test_an_older_file_of_an_optimizer_is_read():
    weight = keras.Variable(np.zeros(3, "float32"))
    old, new = Falling(0.2), Falling(0.1)
    new.fingerprint = fingerprint
    for optimizer in (old, new):
        optimizer.build([weight])
    old.apply([tf.ones(3)])
    store = {}
    old.save_own_variables(store)
    new.load_own_variables(store)
    assert int(new.iterations) == 1
    assert float(new.learning_rate) == pytest.approx(0.2)
    new.trail.rest()
    np.testing.assert_allclose(weight.numpy(), -0.2)


@pytest.mark.parametrize("kind", [Falling, FallingAdam])
def test_rates_fall_to_zero_where_gradients_of_batches_are_gathered(kind):
    model = gz.RBM(gz.units.Bernoulli(40), gz.units.Bernoulli(6), seed=3)
    model.compile(kind(gradient_accumulation_steps=3))
    model.fit(bursts(80, 1), epochs=2, batch_size=16, verbose=0)
    optimizer = model.optimizer
    # Ten batches are three steps, and one that is not made.
    assert int(optimizer.iterations) == 3
    assert float(optimizer.share()) == 0
    assert optimizer.has_fallen
    assert not int(optimizer.trail.at_rest)


def moved(kind, *values, dtype="float32"):
    """(weight, its trail), of a weight that was at these values."""
    weight = keras.Variable(np.zeros(3), dtype=dtype)
    optimizer = kind(0.1)
    optimizer.fingerprint = fingerprint
    optimizer.build([weight])
    for value in values:
        weight.assign(np.full(3, value))
        optimizer.trail.follow()
    return weight, optimizer.trail


def test_weights_that_are_frozen_at_rest_stay_there():
    weight, trail = moved(Falling, 1.0, 2.0, 4.0)
    trail.rest()
    rested = weight.numpy()
    assert 2 < rested[0] < 4
    weight.trainable = False
    trail.begin_epoch(is_last=False)
    np.testing.assert_array_equal(weight.numpy(), rested)
    trail.follow()
    trail.rest()
    np.testing.assert_array_equal(weight.numpy(), rested)
    # Once they are free the average goes on from there.
    weight.trainable = True
    trail.begin_epoch(is_last=False)
    trail.follow()
    trail.rest()
    np.testing.assert_array_equal(weight.numpy(), rested)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_long_averages_of_half_precision_go_on(dtype):
    weight, trail = moved(Falling, 0.5, dtype=dtype)
    trail.count.assign(100_000)
    weight.assign(np.full(3, 0.75))
    for _ in range(100):
        trail.follow()
    # (i - 1) / (i + 7) of what it was, each of a hundred times.
    kept = np.prod(1 - 8 / (np.arange(100_001, 100_101) + 7))
    expected = 0.75 - 0.25 * kept
    average = trail.averages[0].numpy()
    np.testing.assert_allclose(average, np.full(3, expected), atol=1e-5)
