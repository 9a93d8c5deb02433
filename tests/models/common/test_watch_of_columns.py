"""What columns tell alone, and models that know less."""

import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

import genzoo as gz
from genzoo.models.common.watch import Rows, independent

WARNING = "columns taken one by one"


def _rows_left_out(column, levels):
    """-<log q>, each row's q of all others, half a row added to each level."""
    each = []
    for i, value in enumerate(column):
        others = np.delete(column, i)
        found = np.sum(others == value) + 0.5
        each.append(np.log(found / (len(others) + 0.5 * len(levels))))
    return -np.mean(each)


def test_levels_have_frequencies_of_the_other_rows():
    generator = np.random.default_rng(0)
    x = generator.integers(0, 4, (30, 3))
    space = gz.spaces.Categorical([0, 1, 2, 3, 7], 3)
    expected = sum(_rows_left_out(c, range(5)) for c in x.T)
    assert independent(x, space) == pytest.approx(expected)


def test_levels_are_told_in_any_order_and_as_rounded():
    levels = [0.7, 0.1, 0.3]
    column = np.random.default_rng(4).choice(levels, 40, p=[0.6, 0.3, 0.1])
    expected = _rows_left_out(column, levels)
    space = gz.spaces.Categorical(levels, 1)
    for dtype in ("float32", "float64"):
        rows = column.astype(dtype)[:, None]
        assert independent(rows, space) == pytest.approx(expected)


def test_real_columns_are_normal():
    x = np.random.default_rng(1).gamma(2, 1e4, (50, 2))
    expected = -stats.norm(x.mean(0), x.std(0)).logpdf(x).sum(1).mean()
    assert independent(x, gz.spaces.Real(2)) == pytest.approx(expected)


def test_counts_without_end_are_told_nearly_as_by_their_law():
    x = np.random.default_rng(2).geometric(0.01, (4000, 1)) - 1
    law = -stats.geom(0.01, loc=-1).logpmf(x).mean()
    assert independent(x, gz.spaces.Counts(None, 1)) == pytest.approx(
        law, abs=0.03
    )


def test_weights_are_repetitions_but_for_the_row_itself():
    x = np.random.default_rng(3).standard_normal((40, 2))
    weight = np.arange(40) % 4
    repeated = np.repeat(x, weight, axis=0)
    space = gz.spaces.Real(2)
    assert independent(x, space, weight) == pytest.approx(
        independent(repeated, space)
    )


def test_constant_real_columns_have_no_baseline():
    x = np.ones((10, 2)) * [1, 0]
    assert independent(x, gz.spaces.Real(2)) is None


def _genes(generator):
    """Counts of a factor that all columns share: far from Poisson's."""
    cells = generator.normal(3, 1.2, (200, 1))
    return generator.poisson(np.exp(cells + generator.normal(0, 0.3, (200, 4))))


def _peaks(generator):
    return generator.beta(30, 60, (200, 4))


def _far(generator):
    """A tenth of the rows has fifteen times the others' counts."""
    many = generator.random((200, 1)) < 0.1
    return generator.poisson(np.where(many, 60, 4), (200, 4))


@pytest.mark.parametrize(
    ("units", "data"),
    [
        (gz.units.Poisson(4), _genes),
        (gz.units.UnitInterval(4), _peaks),
        (gz.units.Poisson(4), _far),
    ],
)
def test_a_fit_says_that_it_knows_less_than_columns_alone(units, data):
    x = data(np.random.default_rng(0))
    rbm = gz.RBM(units, gz.units.Bernoulli(3), seed=0)
    rbm.compile(steps_per_execution=7)
    with pytest.warns(UserWarning, match=WARNING) as told:
        history = rbm.fit(x, epochs=2, verbose=0).history
    loss = min(history["loss"])
    own = independent(x, rbm.space)
    (message,) = [str(w.message) for w in told if WARNING in str(w.message)]
    assert f"{loss:.4g} nats" in message
    assert f"have {own:.4g}" in message
    assert loss > own + 0.5


@pytest.mark.parametrize(
    ("units", "data"),
    [
        (gz.units.Bernoulli(5), lambda g: g.random((200, 5)) < 0.02),
        (gz.units.Poisson(3), lambda g: g.poisson([0.1, 5, 400], (200, 3))),
        (
            gz.units.Gaussian(3),
            lambda g: g.standard_t(2.5, (200, 3)) * [1, 1e-3, 1e4],
        ),
    ],
)
def test_noise_is_told_no_worse_than_by_columns(units, data):
    x = data(np.random.default_rng(0))
    rbm = gz.RBM(units, gz.units.Bernoulli(3), seed=0)
    rbm.compile(steps_per_execution=7)
    with warnings.catch_warnings():
        warnings.filterwarnings("error", f".*{WARNING}")
        rbm.fit(x, epochs=2, verbose=0)


def test_rules_of_labels_alone_are_not_asked_for_all():
    assert not gz.losses.Discriminative().of_all
    assert not gz.losses.Hybrid().of_all
    assert gz.losses.PersistentContrastiveDivergence().of_all


@pytest.mark.parametrize(
    ("space", "data"),
    [
        (gz.spaces.Categorical(range(3), 2), lambda g, n: g.integers(0, 2, n)),
        (gz.spaces.Counts(None, 2), lambda g, n: g.poisson(0.4, n)),
        (gz.spaces.Real(2), lambda g, n: g.normal(3, 2, n)),
    ],
)
def test_columns_are_asked_for_rows_that_they_have_not_seen(space, data):
    generator = np.random.default_rng(0)
    x, held = data(generator, (40, 2)), data(generator, (15, 2))
    weight = generator.integers(0, 3, 15)
    found = independent(x, space, held=Rows.of(held, weight))
    expected = 0.0
    asked = np.repeat(held, weight, axis=0)
    for column, other in zip(x.T, asked.T, strict=True):
        if space.levels[0] is None and not space.whole[0]:
            own = stats.norm(column.mean(), column.std()).logpdf(other)
        else:
            # Bins of these small counts are of one number each.
            bins = (
                3
                if space.levels[0] is not None
                else max(x.max(), held.max()) + 1
            )
            counts = np.bincount(column, minlength=bins) + 0.5
            own = np.log(counts / counts.sum())[other]
        expected -= own.mean()
    assert found == pytest.approx(expected)


def test_columns_tell_nothing_of_no_rows():
    none = Rows.of(np.ones((3, 2)), np.zeros(3))
    x = np.random.default_rng(0).normal(size=(5, 2))
    assert independent(x, gz.spaces.Real(2), held=none) is None


NOISE = "what the model knows beyond columns is the noise"


def _votes(rows):
    """Of twenty, each for itself."""
    return np.random.default_rng(1).integers(0, 2, (rows, 20))


def _machine():
    machine = gz.BoltzmannMachine(gz.spaces.Binary(20), seed=0)
    machine.compile()
    return machine


def _rbm(units):
    rbm = gz.RBM(units, gz.units.Bernoulli(12), seed=0)
    rbm.compile(keras.optimizers.Adam(0.05), "exact_likelihood")
    return rbm


@pytest.mark.parametrize(
    ("make", "x", "epochs"),
    [
        (_machine, _votes(120), None),
        (
            lambda: _rbm(gz.units.Bernoulli(8)),
            np.random.default_rng(2).random((90, 8)) < 0.3,
            60,
        ),
        (
            lambda: _rbm(gz.units.Gaussian(5)),
            np.random.default_rng(3).gamma(2, 300, (50, 5)),
            60,
        ),
    ],
)
def test_a_fit_says_that_it_has_learned_noise(make, x, epochs):
    x, held = x[: len(x) // 2], x[len(x) // 2 :]
    with pytest.warns(UserWarning, match=NOISE) as told:
        history = (
            make()
            .fit(x, epochs=epochs, validation_data=held, verbose=0)
            .history
        )
    (message,) = [str(w.message) for w in told if NOISE in str(w.message)]
    assert f"{history['val_loss'][-1]:.4g} nats" in message
    best = int(np.argmin(history["val_loss"]))
    assert f"after epoch {best + 1} of" in message


def test_a_fit_that_ends_early_or_learns_is_not_told_of_noise(bits):
    # One of eight is nearly a copy; the others are tosses of coins.
    generator = np.random.default_rng(4)
    x = generator.integers(0, 2, (400, 8))
    x[:, 1] = np.where(generator.random(400) < 0.85, x[:, 0], x[:, 1])
    given = {"validation_data": x[50:150], "verbose": 0, "epochs": 60}
    early = keras.callbacks.EarlyStopping(
        "val_loss", patience=20, restore_best_weights=True
    )
    with pytest.warns(UserWarning, match=NOISE):
        history = _rbm(gz.units.Bernoulli(8)).fit(x[:50], **given).history
    with warnings.catch_warnings():
        warnings.filterwarnings("error", f".*{NOISE}")
        rbm = _rbm(gz.units.Bernoulli(8))
        ended = rbm.fit(x[:50], callbacks=[early], **given).history
        assert ended["val_loss"] == history["val_loss"][: len(ended["loss"])]
        assert early.best_epoch + 20 < 59
        _rbm(gz.units.Bernoulli(6)).fit(
            bits, epochs=20, validation_split=0.5, verbose=0
        )
        # Held out by a dataset: nothing is asked of it.
        held = tf.data.Dataset.from_tensor_slices(_votes(40)).batch(20)
        _machine().fit(_votes(60), validation_data=held, verbose=0)


def test_callbacks_of_other_epochs_are_no_matter(bits):
    """Of none, of later ones, and of a value that is not there."""
    early = {"patience": 2, "restore_best_weights": True, "mode": "min"}
    rbm = _rbm(gz.units.Bernoulli(6))
    given = {"validation_data": bits[:50], "verbose": 0}
    for monitor, epochs in (("val_loss", 0), ("nothing", 2), ("val_loss", 2)):
        for first in (0, 4):
            callbacks = [keras.callbacks.EarlyStopping(monitor, **early)]
            history = rbm.fit(
                bits,
                initial_epoch=first if epochs else 0,
                epochs=first + epochs if epochs else 0,
                callbacks=callbacks,
                **given,
            )
            assert len(history.epoch) == epochs


def test_rows_of_a_refused_fit_are_not_compared():
    rbm, x = _rbm(gz.units.Bernoulli(20)), _votes(100)
    given = {"verbose": 0, "epochs": 25}
    with pytest.raises(ValueError, match="steps_per_epoch goes with a dataset"):
        rbm.fit(x[:60], validation_data=x[60:], steps_per_epoch=2, **given)
    held = tf.data.Dataset.from_tensor_slices(x[60:]).batch(20)
    with warnings.catch_warnings():
        warnings.filterwarnings("error", f".*{NOISE}")
        rbm.fit(x[:60], validation_data=held, **given)
    # It would have been told of these.
    with pytest.warns(UserWarning, match=NOISE):
        rbm.fit(x[:60], validation_data=x[60:], **given)
