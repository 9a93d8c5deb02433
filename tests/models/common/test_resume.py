"""A training that was interrupted after any batch ends as if it was not."""

import shutil

import keras
import numpy as np
import pytest
import tensorflow as tf
from contract import state

import genzoo as gz

EPOCHS = 3
_BITS = np.random.default_rng(0).integers(0, 2, (30, 6)).astype("uint8")
_POINTS = np.random.default_rng(1).standard_normal((30, 2)).astype("float32")
layers = keras.layers


def _rbm(seed):
    rbm = gz.RBM(gz.units.Bernoulli(6), gz.units.Bernoulli(3), seed=seed)
    rbm.compile()
    return rbm


def _gan(seed):
    """With layers that draw: Keras saves none of their states."""
    z, x = keras.Input((2,)), keras.Input((2,))
    scored = layers.GaussianNoise(0.1)(layers.Dense(4, "relu")(x))
    gan = gz.GAN(
        keras.Model(z, layers.Dense(2)(layers.Dropout(0.2)(z))),
        keras.Model(x, layers.Dense(1)(layers.Dropout(0.5)(scored))),
        seed=seed,
    )
    gan.compile()
    return gan


def _shuffled():
    rows = tf.data.Dataset.from_tensor_slices(_BITS)
    return rows.shuffle(30, seed=5).batch(8)


CASES = {
    "rbm": (_rbm, lambda: {"x": _BITS, "batch_size": 8}),
    "gan": (_gan, lambda: {"x": _POINTS, "batch_size": 8}),
    "dataset": (_rbm, lambda: {"x": _shuffled()}),
}
# In the middle of an epoch, and where only its end is missing.
PLACES = {"rbm": "1 6 8", "gan": "6 8", "dataset": "6"}


class Copies(keras.callbacks.Callback):
    """What a kill after each batch would leave."""

    def __init__(self, folder):
        super().__init__()
        self.folder, self.count = folder, 0

    def on_train_batch_end(self, batch, logs=None):
        self.count += 1
        shutil.copytree(self.folder / "backup", self.folder / str(self.count))


def _fit(model, options, folder, *callbacks, save_freq=1):
    # Of datasets that are shuffled: the order is TensorFlow's.
    keras.utils.set_random_seed(3)
    backup = keras.callbacks.BackupAndRestore(folder, save_freq=save_freq)
    history = model.fit(
        **options(), epochs=EPOCHS, callbacks=[backup, *callbacks], verbose=0
    )
    return state(model), history


@pytest.mark.parametrize("name", CASES)
def test_training_goes_on_after_any_batch(name, tmp_path):
    make, options = CASES[name]
    whole, history = _fit(
        make(7), options, tmp_path / "backup", Copies(tmp_path)
    )
    # Traced once: a backup holds all that makes a run what it is.
    other = make(99)
    for place in PLACES[name].split():
        end, rest = _fit(other, options, tmp_path / place, save_freq=3)
        _check_equal(whole, end)
        # Also the mean of an epoch of which it saw a part.
        for key, values in history.history.items():
            if key != "val_loss":
                assert values[-len(rest.epoch) :] == rest.history[key]


def _check_equal(one, other):
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The end of a run without a break, and the folder of its backups."""
    folder = tmp_path_factory.mktemp("run")
    path = str(folder / "{epoch:02d}-{batch:02d}.keras")
    keep = keras.callbacks.ModelCheckpoint(path, save_freq=6)
    options = CASES["rbm"][1]
    end, _ = _fit(_rbm(7), options, folder / "backup", Copies(folder), keep)
    return end, folder


@pytest.fixture(scope="module")
def traced():
    return _rbm(99)


def test_initial_epoch_goes_on_in_the_middle_of_an_epoch(run):
    whole, folder = run
    model = keras.saving.load_model(folder / "02-02.keras")
    before = state(model)
    with pytest.raises(ValueError, match="after batch 2 of 4 in epoch 2"):
        model.fit(_BITS, batch_size=5, epochs=3, initial_epoch=1, verbose=0)
    _check_equal(before, state(model))
    model.load_weights(folder / "02-02.keras")
    with pytest.warns(UserWarning, match="pass initial_epoch=1"):
        model.fit(_BITS, batch_size=8, epochs=1, verbose=0)
    model.load_weights(folder / "02-02.keras")
    model.fit(_BITS, batch_size=8, epochs=EPOCHS, initial_epoch=1, verbose=0)
    _check_equal(whole, state(model))


@pytest.mark.parametrize("note", ['{"epoch": 1', '{"epoch": 0}', None])
def test_note_of_keras_that_a_kill_cut_off(note, run, traced, tmp_path):
    """Between the weights and the note: the weights' file has the place."""
    whole, folder = run
    shutil.copytree(folder / "8", tmp_path / "backup")
    path = tmp_path / "backup" / "training_metadata.json"
    path.unlink() if note is None else path.write_text(note)
    end, rest = _fit(traced, CASES["rbm"][1], tmp_path / "backup")
    assert rest.epoch == [1, 2]
    _check_equal(whole, end)


def test_note_without_weights_is_of_a_backup_that_was_removed(traced, tmp_path):
    (tmp_path / "backup").mkdir()
    note = tmp_path / "backup" / "training_metadata.json"
    note.write_text('{"epoch": 3}')
    _, history = _fit(traced, CASES["rbm"][1], tmp_path / "backup")
    assert history.epoch == [0, 1, 2]


def test_second_fit_begins_where_it_is_told(run, traced, tmp_path):
    """Keras would begin it at the epoch that the first one resumed at."""
    shutil.copytree(run[1] / "6", tmp_path / "backup")
    _, first = _fit(traced, CASES["rbm"][1], tmp_path / "backup")
    assert first.epoch == [1, 2]
    again = traced.fit(_BITS, batch_size=8, epochs=1, verbose=0)
    assert again.epoch == [0]
