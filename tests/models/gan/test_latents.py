"""Latents of any law, against distributions of SciPy."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp
from scipy import stats

import genzoo as gz


@keras.saving.register_keras_serializable("tests")
def signs(z):
    """Coins."""
    return tf.sign(z)


def _gan(latent, **options):
    """One whose generator gives its latents."""
    z = keras.Input((2,))
    x = keras.Input((2,))
    generator = keras.Model(z, keras.layers.Identity()(z))
    judge = keras.Model(x, keras.layers.Dense(1)(x))
    generator.trainable = False
    return gz.GAN(generator, judge, latent, seed=0, **options)


@pytest.mark.parametrize(
    ("latent", "expected"),
    [
        (None, stats.norm()),
        ("uniform", stats.uniform(-1, 2)),
        (tf.exp, stats.lognorm(1)),
        (tfp.distributions.Gumbel(2.0, 3.0), stats.gumbel_r(2, 3)),
        (keras.layers.Rescaling(2.0, 1.0), stats.norm(1, 2)),
    ],
)
def test_they_have_the_law_that_was_asked_for(latent, expected):
    gan = _gan(latent)
    z = gan.sample(4000, seed=1)
    for column in z.T:
        assert stats.kstest(column, expected.cdf).pvalue > 1e-3
    assert abs(np.corrcoef(z.T)[0, 1]) < 0.06
    # By row, whatever is drawn beside.
    np.testing.assert_array_equal(gan.sample(5, seed=1), z[:5])


def test_a_function_is_saved_and_trained_with(tmp_path):
    gan = gz.GAN(*gz.networks.mlp(2, 2, width=4, depth=1), signs, seed=0)
    gan.compile()
    x = np.random.default_rng(0).normal(size=(64, 2)).astype("float32")
    gan.fit(x, epochs=1, verbose=0)
    # As many examples as there are coins.
    assert len(np.unique(gan.sample(99, seed=0), axis=0)) == 4
    gan.save(tmp_path / "gan.keras")
    found = keras.models.load_model(tmp_path / "gan.keras")
    np.testing.assert_array_equal(
        found.sample(9, seed=3), gan.sample(9, seed=3)
    )
    with pytest.raises(ValueError, match="a preset holds no functions"):
        gan.save_to_preset(tmp_path / "preset")
    drawn = _gan(tfp.distributions.Normal(0.0, 1.0))
    with pytest.raises(ValueError, match="which cannot be saved"):
        drawn.get_config()


@pytest.mark.parametrize(
    ("latent", "words"),
    [
        ("cauchy", "'uniform', a function .* received 'cauchy'"),
        (lambda z: z[:, 0], r"of 3 rows .* made numbers of shape \(3,\)"),
        (lambda z: z.missing, "there is an error"),
        (tfp.distributions.Dirichlet([1.0, 1.0]), "there is an error"),
    ],
)
def test_what_is_no_law_is_refused(latent, words):
    with pytest.raises(ValueError, match=words):
        _gan(latent)
    pair = gz.networks.mlp(2, 2, width=4, depth=1, classes=3)
    with pytest.raises(ValueError, match="self_conditioned=True needs latent"):
        gz.GAN(*pair, tf.exp, self_conditioned=True)
