"""Units of data, taken out and put back."""

import keras
import numpy as np
import pytest

import genzoo as gz
from genzoo.layers import Standardization

rng = np.random.default_rng(0)
TABLES = {
    "all scales": rng.normal([45, 4e4, 1e-3], [12, 2e4, 2e-4], (200, 3)),
    "images": rng.gamma(2.0, [3.0, 70.0], (50, 4, 5, 2)),
    "far from zero": 1e6 + rng.integers(0, 3, (40, 1)),
}


@pytest.mark.parametrize("name", TABLES)
def test_means_and_deviations_are_of_columns(name):
    x = TABLES[name]
    layer, back = Standardization(), Standardization(inverse=True)
    layer.adapt(x)
    back.adapt(x)
    assert layer.is_adapted
    rows = x.reshape(-1, x.shape[-1])
    expected = (x - rows.mean(0)) / rows.std(0)
    np.testing.assert_allclose(layer(x), expected, atol=0.05, rtol=1e-3)
    np.testing.assert_allclose(back(layer(x)), x, rtol=1e-5)


def test_a_column_that_never_changes_stays_nearly_so():
    x = np.c_[np.full(9, 7.3), np.zeros(9), np.arange(9.0)]
    layer, back = Standardization(), Standardization(inverse=True)
    layer.adapt(x)
    back.adapt(x)
    np.testing.assert_allclose(np.asarray(layer(x))[:, :2], 0, atol=1e-3)
    noise = np.asarray(back(np.ones((1, 3), "float32")))[0]
    np.testing.assert_allclose(noise[:2], [7.3, 0.0], atol=0.01)


def test_columns_of_about_one_stay_as_they_are():
    """One-hot columns, a rare one among them, beside one that does not."""
    which = rng.choice(3, 400, p=[0.7, 0.29, 0.01])
    x = np.c_[np.eye(3)[which], rng.normal(5.0, 1.0, 400)]
    layer = Standardization()
    layer.adapt(x)
    np.testing.assert_array_equal(np.asarray(layer(x))[:, :3], x[:, :3])
    np.testing.assert_allclose(np.asarray(layer(x))[:, 3].mean(), 0, atol=1e-5)


def test_without_a_centre_what_is_not_negative_stays_so():
    x = rng.gamma(1.0, [1e-3, 50.0], (300, 2))
    layer = Standardization(centred=False)
    layer.adapt(x)
    scaled = np.asarray(layer(x))
    assert (scaled >= 0).all()
    np.testing.assert_allclose(np.square(scaled).mean(0), 1, rtol=1e-4)


def test_it_changes_nothing_before_and_is_saved(tmp_path):
    x = TABLES["all scales"].astype("float32")
    given = keras.Input((3,))
    model = keras.Model(given, Standardization()(given))
    np.testing.assert_array_equal(model(x), x)
    model.layers[1].adapt(x)
    model.save(tmp_path / "m.keras")
    again = keras.models.load_model(tmp_path / "m.keras")
    assert again.layers[1].is_adapted
    np.testing.assert_array_equal(again(x), model(x))


def test_units_of_a_gan_are_those_of_its_first_data():
    """Samples before training are of the data's scales; conditions too."""
    x = TABLES["all scales"]
    energies = rng.uniform(100, 300, (200, 1))
    keras.utils.set_random_seed(0)
    gan = gz.GAN(*gz.networks.mlp(8, 3, width=64, condition=1), seed=0)
    gan.compile("sgd")
    gan.optimizer.learning_rate = 1e-9
    gan.fit(x, energies, verbose=0)
    samples = gan.sample(2000, seed=0, conditions=[200.0])
    ratio = samples.std(0) / x.std(0)
    assert (ratio > 0.2).all()
    assert (ratio < 5).all()
    assert np.abs(samples.mean(0) - x.mean(0)).max() < 5 * x.std(0).max()
    of_energies = [
        layer
        for layer in gan.discriminator.layers
        if isinstance(layer, Standardization) and layer.mean.shape == (1,)
    ]
    (layer,) = of_energies
    np.testing.assert_allclose(layer.mean, energies.mean(0), rtol=1e-5)
    # Later data change no units.
    before = layer.mean.numpy()
    gan.fit(x, energies + 500, verbose=0)
    np.testing.assert_array_equal(layer.mean, before)


def test_steps_do_not_depend_on_units():
    """Gradients are penalised in standard deviations."""
    x = rng.normal(size=(64, 2)).astype("float32")
    found = []
    for scale in (2.0**4, 2.0**12):
        keras.utils.set_random_seed(1)
        gan = gz.GAN(*gz.networks.mlp(8, 2, width=8, depth=1), seed=0)
        gan.compile(penalties=[gz.penalties.R1(1.0), gz.penalties.R2(1.0)])
        gan.fit(scale * x, epochs=3, batch_size=32, verbose=0)
        found.append(gan.sample(5, seed=1) / scale)
    np.testing.assert_allclose(*found, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("make", "is_kept"),
    [
        (lambda n: rng.normal(0.36, 0.12, n), False),
        (lambda n: rng.normal(0.96, 0.23, n), False),
        (lambda n: rng.normal(-0.1, 0.2, n), False),
        (lambda n: rng.beta(2, 8, n), False),
        (lambda n: rng.exponential(0.1, n), False),
        (lambda n: rng.normal(0, 0.5, n), True),
        (lambda n: 2.0 * rng.integers(0, 2, n) - 1, True),
        (lambda n: (rng.random(n) < 0.02) * rng.random(n), True),
        (lambda n: rng.beta(0.2, 0.5, n), True),
    ],
)
def test_small_columns_are_measured_and_pixels_are_not(make, is_kept):
    # Between 0.05 and 0.25 a scale of one made them up to 20 times too wide.
    x = np.c_[make(4000), rng.normal(5.0, 1.0, 4000)]
    layer = Standardization()
    layer.adapt(x)
    found = np.asarray(layer(x))[:, 0]
    if is_kept:
        np.testing.assert_allclose(found, x[:, 0], rtol=1e-6)
    else:
        assert found.std() == pytest.approx(1, abs=1e-3)
        assert found.mean() == pytest.approx(0, abs=1e-3)
