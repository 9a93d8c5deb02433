import keras
import numpy as np
import pytest

import genzoo as gz
from genzoo.datasets import decay


@pytest.fixture(scope="module")
def events():
    return gz.datasets.two_body_decay(500, seed=1)


def test_layer_gives_what_decay_computes(events):
    x, energy = events
    found = gz.layers.DileptonKinematics()(x, energy).numpy()
    np.testing.assert_allclose(found[:, :6], x / (decay.MASS / 2), rtol=1e-6)
    narrow = 2 * np.sinh(found[:, 6:8])
    mass = decay.MASS + narrow[:, 0]
    np.testing.assert_allclose(mass, decay.invariant_mass(x), atol=5e-3)
    total = energy[:, 0] + narrow[:, 1]
    np.testing.assert_allclose(total, decay.total_energy(x), atol=5e-3)
    across = decay.total_momentum(x)[:, :2]
    np.testing.assert_allclose(5 * np.sinh(found[:, 8:10]), across, atol=1e-3)
    expected = decay.transverse_momenta(x) / (decay.MASS / 2) - 0.7
    np.testing.assert_allclose(found[:, 10:], expected, atol=1e-3)


def test_gradient_at_zero_is_finite():
    import tensorflow as tf

    x = tf.zeros((2, 6))
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = gz.layers.DileptonKinematics()(x, tf.fill((2, 1), 200.0))
    assert np.isfinite(tape.gradient(y, x)).all()


def test_events_in_gev_given_energies_in_gev(events):
    keras.utils.set_random_seed(0)
    generator, discriminator = gz.networks.dilepton(latent=4, width=8, depth=1)
    z = np.random.default_rng(0).normal(size=(500, 4)).astype("float32")
    made = generator([z, events[1]]).numpy()
    assert 10 < made.std() < 200
    assert discriminator([made, events[1]]).shape == (500, 1)
    assert generator.recipe.function == "dilepton"


def test_layer_is_saved(tmp_path, events):
    gan = gz.GAN(*gz.networks.dilepton(latent=4, width=8, depth=1), seed=0)
    gan.compile()
    gan.fit(*events, batch_size=100, verbose=0)
    gan.save(tmp_path / "gan.keras")
    again = keras.models.load_model(tmp_path / "gan.keras")
    energies = np.array([[160.0], [290.0]], "float32")
    made = again.sample(2, seed=3, conditions=energies)
    np.testing.assert_array_equal(made, gan.sample(2, 3, conditions=energies))
    gan.save_to_preset(tmp_path / "preset")
    preset = gz.from_preset(tmp_path / "preset")
    np.testing.assert_array_equal(
        made, preset.sample(2, 3, conditions=energies)
    )
