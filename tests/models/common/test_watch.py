"""`loss` and `val_loss` are -<log p>, whatever a model learns by."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import genzoo as gz

EPOCHS = 3


def patterns(n, sites, seed, low=0.0):
    """Rows near one of two patterns: nothing like independent sites."""
    centres = np.random.default_rng(9).random((2, sites)) < 0.4
    rng = np.random.default_rng(seed)
    flips = rng.random((n, sites)) < 0.1
    bits = centres[rng.integers(2, size=n)] ^ flips
    return np.where(bits, 1.0, low).astype("float32")


def rbm(loss="pcd", visible=None, hidden=None, rate=0.02):
    model = gz.RBM(
        visible or gz.units.Bernoulli(12),
        hidden or gz.units.Bernoulli(6),
        seed=1,
    )
    model.compile(keras.optimizers.Adam(rate), loss)
    return model


def machine(loss):
    model = gz.BoltzmannMachine(gz.spaces.Spin(8), seed=1)
    model.compile(keras.optimizers.Adam(0.05), loss)
    return model


MODELS = {
    "pcd": (rbm, 0.0),
    "cd, spins": (lambda: rbm("cd", gz.units.Spin(12)), -1.0),
    "pseudolikelihood": (
        lambda: rbm("pseudolikelihood", hidden=gz.units.Gaussian(3)),
        0.0,
    ),
    "sites": (lambda: machine("pseudolikelihood"), -1.0),
    "flow": (lambda: machine("minimum_probability_flow"), -1.0),
}


def brute(model, x):
    """-<log p> by a sum over all visible states."""
    states = model.space.states()
    log_z = np.logaddexp.reduce(-np.asarray(model.energy(states), np.float64))
    return float(np.mean(model.energy(x))) + log_z


class Follow(keras.callbacks.Callback):
    def __init__(self, **data):
        super().__init__()
        self.data = data
        self.found = []

    def on_epoch_end(self, epoch, logs=None):
        exact = {name: brute(self.model, x) for name, x in self.data.items()}
        self.found.append((dict(logs), exact))


@pytest.mark.parametrize(
    ("name", "is_annealed"),
    [("pcd", False), ("sites", False), *((name, True) for name in MODELS)],
)
def test_val_loss_is_the_likelihood(name, is_annealed, monkeypatch):
    make, low = MODELS[name]
    model = make()
    if is_annealed:
        monkeypatch.setattr(
            type(model), "_sum_terms", lambda self: float("inf")
        )
    size = model.space.width
    x, held_out = (patterns(n, size, n, low) for n in (320, 90))
    follow = Follow(train=x, test=held_out)
    model.fit(
        x,
        batch_size=32,
        epochs=EPOCHS,
        validation_data=held_out,
        callbacks=[follow],
        verbose=0,
    )
    for logs, exact in follow.found:
        stderr = logs["log_partition_stderr"]
        assert (stderr > 0) == is_annealed
        assert stderr < 0.7
        # Four errors: twenty values are looked at.
        tolerance = 4 * stderr + 1e-5 * abs(exact["test"])
        assert abs(logs["val_loss"] - exact["test"]) < tolerance
        assert abs(logs["loss"] - exact["train"]) < tolerance
    assert model.loss.measure in follow.found[0][0]


WILD = {
    # Rates at which the likelihood goes up and down within an epoch.
    "sparse": (
        lambda rng: (
            (rng.random((600, 14)) < 0.05) | (rng.random((600, 1)) < 0.2)
        ),
        lambda: gz.RBM(gz.units.Bernoulli(14), gz.units.Bernoulli(8), seed=0),
    ),
    "one mode of two": (
        lambda rng: np.repeat(rng.choice([-1.0, 1.0], (500, 1)), 8, axis=1),
        lambda: gz.RBM(gz.units.Spin(8), gz.units.Bernoulli(6), seed=1),
    ),
    "network": (
        lambda rng: (
            np.repeat(rng.random((500, 1)) < 0.5, 10, axis=1)
            ^ (rng.random((500, 10)) < 0.1)
        ),
        lambda: gz.EnergyModel(gz.spaces.Binary(10), seed=2),
    ),
    "pairs": (
        lambda rng: rng.integers(0, 3, (400, 1)) == np.arange(3).repeat(2),
        lambda: gz.BoltzmannMachine(gz.spaces.Binary(6), seed=3),
    ),
}


@pytest.mark.parametrize("kind", ["array", "weighed", "batches"])
@pytest.mark.parametrize("name", WILD)
def test_loss_is_that_of_the_end_however_weights_move(name, kind):
    make_x, make = WILD[name]
    rng = np.random.default_rng(7)
    x = np.asarray(make_x(rng), "float32")
    model = make()
    options = {}
    if name == "pairs":
        options = {"optimizer": keras.optimizers.SGD(0.5), "loss": "pcd"}
    model.compile(**options)
    weight = None
    if kind == "weighed":
        weight = rng.integers(0, 3, len(x)).astype("float32")
    count = np.ones(len(x)) if weight is None else weight

    def each():
        states = model.space.states()
        energies = -np.asarray(model.energy(states), np.float64)
        return np.asarray(model.energy(x)) + np.logaddexp.reduce(energies)

    class Compare(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            self.seen = []

        def on_train_batch_end(self, batch, logs=None):
            # Of a dataset the last third counts, all but a twentieth.
            if kind == "batches" and batch >= len(x) // 10 * 2 // 3:
                nats = each()
                self.seen.append((nats.mean(), nats.std()))

        def on_epoch_end(self, epoch, logs=None):
            if kind != "batches":
                exact = np.average(each(), weights=count)
                assert abs(logs["loss"] - exact) < 1e-4 * max(1, abs(exact))
                return
            means, spreads = np.transpose(self.seen)
            # Half of it is of the last tenth, here some forty rows.
            noise = 4 * spreads.max() / np.sqrt(40)
            assert means.min() - noise < logs["loss"] < means.max() + noise

    if kind == "batches":
        x_in = tf.data.Dataset.from_tensor_slices(x).shuffle(600, seed=1)
        x_in = x_in.batch(10)
    else:
        x_in = x
    sizes = {} if kind == "batches" else {"batch_size": 10}
    model.fit(
        x_in,
        epochs=4,
        sample_weight=weight,
        callbacks=[Compare()],
        verbose=0,
        **sizes,
    )


def test_first_rows_of_a_dataset_may_count_for_nothing():
    x = patterns(60, 12, 7)
    weight = np.repeat([0.0, 1.0, 2.0], 20).astype("float32")
    model = rbm()
    model.compile(keras.optimizers.SGD(0.0), "pcd")
    rows = tf.data.Dataset.from_tensor_slices((x, weight)).batch(20)
    history = model.fit(rows, verbose=0).history
    each = [brute(model, part) for part in np.split(x, 3)[1:]]
    # So many rows by weight: row i of n counts (i / n)^7.
    shares = np.array([20 * (20 / 60) ** 7, 40.0])
    expected = np.average(each, weights=shares)
    np.testing.assert_allclose(history["loss"][0], expected, rtol=1e-5)


def test_some_of_very_many_rows_are_followed(monkeypatch):
    monkeypatch.setattr("genzoo.models.common.watch._FOLLOWED", ((50, 20),))
    x = patterns(320, 12, 7)
    model = rbm()
    history = model.fit(x, epochs=2, batch_size=32, verbose=0).history
    some = x[np.arange(50) * 320 // 50]
    np.testing.assert_allclose(history["loss"][-1], brute(model, some), 1e-5)


def test_the_weights_do_not_depend_on_watching():
    x = patterns(320, 12, 0)
    weights = []
    for watch in (True, False):
        model = rbm()
        model.compile("adam", "pcd", watch=watch)
        history = model.fit(x, epochs=2, verbose=0).history
        weights.append(model.kernel.numpy())
        assert ("loss" in history) == watch
        assert "contrast" in history
    np.testing.assert_array_equal(*weights)


def test_evaluate_agrees_with_log_prob_and_the_identity_holds():
    x = patterns(200, 12, 3)
    model = rbm()
    model.fit(x, epochs=2, verbose=0)
    found = model.evaluate(x, verbose=0, return_dict=True)
    np.testing.assert_allclose(
        found["loss"], -np.mean(model.log_prob(x)), rtol=1e-5
    )
    _, counts = np.unique(x, axis=0, return_counts=True)
    share = counts / counts.sum()
    entropy = -np.sum(share * np.log(share))
    np.testing.assert_allclose(found["data_entropy"], entropy)
    np.testing.assert_allclose(
        found["loss"], entropy + found["kl_divergence"], rtol=1e-5
    )


def test_a_batch_is_scored_under_the_weights_of_now():
    x = patterns(64, 12, 4)
    model = rbm()
    model.fit(x, epochs=1, verbose=0)
    moved = model.train_on_batch(x, return_dict=True)
    assert set(moved) == {"contrast"}
    np.testing.assert_allclose(
        model.test_on_batch(x), brute(model, x), rtol=1e-5
    )


def test_early_stopping_keeps_the_best_epoch():
    # So few rows are soon learned by heart.
    x, held_out = patterns(30, 12, 5), patterns(200, 12, 6)
    model = rbm(rate=0.05)
    follow = Follow(test=held_out)
    stop = keras.callbacks.EarlyStopping(
        "val_loss", patience=8, restore_best_weights=True
    )
    model.fit(
        x,
        epochs=150,
        validation_data=held_out,
        callbacks=[stop, follow],
        verbose=0,
    )
    values = [exact["test"] for _, exact in follow.found]
    assert 8 < len(values) < 150
    assert brute(model, held_out) < min(values) + 1e-3


def test_weights_that_a_callback_moves_are_looked_at_again():
    x = patterns(64, 12, 6)

    class Jump(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.kernel.assign(3 * self.model.kernel)

    model = rbm()
    model.fit(x, epochs=1, verbose=0, callbacks=[Jump()])
    model.compile(keras.optimizers.SGD(0.0), "pcd")
    history = model.fit(x, epochs=1, verbose=0).history
    np.testing.assert_allclose(history["loss"][0], brute(model, x), rtol=1e-5)


def test_several_steps_at_once_and_datasets_are_watched():
    x = patterns(96, 12, 7)
    model = rbm()
    model.compile(keras.optimizers.SGD(0.0), "pcd", steps_per_execution=2)
    rows = tf.data.Dataset.from_tensor_slices(x).batch(24)
    history = model.fit(rows, epochs=1, verbose=0).history
    # Row i of n counts (i / n)^7, up to batches.
    each = [brute(model, part) for part in np.split(x, 4)]
    expected = np.average(each, weights=np.arange(1.0, 5) ** 7)
    np.testing.assert_allclose(history["loss"][0], expected, rtol=1e-5)
    history = model.fit(x, epochs=1, verbose=0).history
    np.testing.assert_allclose(history["loss"][0], brute(model, x), rtol=1e-5)
