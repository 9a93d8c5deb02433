"""What a step of a GAN does, against formulas and tapes written out."""

import gan_cases
import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

import genzoo as gz
from genzoo.runtime import random

LOGS = {
    "loss",
    "discriminator_loss",
    "generator_loss",
    "real_score",
    "fake_score",
    "accuracy",
}


def weights_of(model):
    return [weight.numpy() for weight in model.weights]


def test_steps_of_the_minimax_game_by_hand():
    """D climbs V twice, then G descends log(1 - D(G(z))) of the new D."""
    x = gan_cases.ring(16)
    gan = gan_cases.points_gan(
        "minimax",
        [],
        keras.optimizers.SGD(0.1),
        compiling={
            "discriminator_optimizer": keras.optimizers.SGD(0.3),
            "discriminator_steps": 2,
        },
    )
    generator, discriminator = map(
        keras.models.clone_model, (gan.generator, gan.discriminator)
    )
    generator.set_weights(gan.generator.get_weights())
    discriminator.set_weights(gan.discriminator.get_weights())
    for layer in (generator.layers[-1], discriminator.layers[1]):
        layer.adapt(x)
    state = gan.draws.state.numpy()
    logs = gan.fit(x, batch_size=16, shuffle=False, verbose=0).history

    def log_d(x):
        return tf.math.log(tf.sigmoid(discriminator(x)))

    def log_not_d(x):
        return tf.math.log(1 - tf.sigmoid(discriminator(x)))

    seed = random.fold_in(random.Seed(tf.constant(state[:2])), 2 * state[2])
    for step in (1, 2):
        latents = random.split(random.fold_in(seed, step), 3)[0]
        fake = generator(random.normal((16, 3), latents))
        with tf.GradientTape() as tape:
            value = tf.reduce_mean(log_d(x)) + tf.reduce_mean(log_not_d(fake))
        gradients = tape.gradient(value, discriminator.trainable_variables)
        for weight, gradient in zip(
            discriminator.trainable_variables, gradients, strict=True
        ):
            weight.assign_add(0.3 * gradient)
    np.testing.assert_allclose(logs["discriminator_loss"], -value, rtol=1e-5)
    latents = random.split(random.fold_in(seed, 0), 2)[0]
    with tf.GradientTape() as tape:
        fake = generator(random.normal((16, 3), latents))
        loss = tf.reduce_mean(log_not_d(fake))
    gradients = tape.gradient(loss, generator.trainable_variables)
    for weight, gradient in zip(
        generator.trainable_variables, gradients, strict=True
    ):
        weight.assign_sub(0.1 * gradient)
    np.testing.assert_allclose(logs["generator_loss"], loss, rtol=1e-5)
    for found, expected in (
        (gan.discriminator, discriminator),
        (gan.generator, generator),
    ):
        for a, b in zip(weights_of(found), weights_of(expected), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


@pytest.fixture(scope="module")
def followed():
    """(a GAN with batch normalisation, G's weights after each step)."""
    keras.utils.set_random_seed(1)
    z = keras.Input((3,))
    hidden = layers.BatchNormalization(momentum=0.5)(layers.Dense(6)(z))
    generator = keras.Model(z, layers.Dense(2)(layers.ReLU()(hidden)))
    _, discriminator = gz.networks.mlp(3, 2, width=8, depth=1)
    gan = gz.GAN(generator, discriminator, ema=0.5, seed=2)
    gan.compile(keras.optimizers.Adam(0.05), discriminator_steps=2)
    seen = [weights_of(generator)]

    class Watch(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            seen.append(weights_of(generator))

    # Two calls of fit; the last batch is short.
    for _ in range(2):
        gan.fit(
            gan_cases.ring(70), batch_size=20, verbose=0, callbacks=[Watch()]
        )
    return gan, seen


def test_average_of_the_generator_follows_its_formula(followed):
    gan, (average, *seen) = followed
    assert len(seen) == 8
    for step, weights in enumerate(seen, start=1):
        decay = min(0.5, (1 + step) / (10 + step))
        average = [
            decay * a + (1 - decay) * w
            for a, w in zip(average, weights, strict=True)
        ]
    assert 0.5 < (1 + step) / (10 + step) + 0.1
    found = weights_of(gan.averaged_generator)
    for a, b in zip(found, average, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)
    # Moving statistics are averaged with the rest, and it does not train.
    assert not gan.averaged_generator.trainable_variables
    assert np.abs(found[4]).sum() > 0
    z = np.ones((2, 3), "float32")
    np.testing.assert_allclose(
        gan.predict(z, verbose=0), gan.averaged_generator(z), atol=1e-6
    )
    # Samples come from it, not from the generator in training.
    latents = gan._sampler.latents(5, random.as_seed(4))
    np.testing.assert_allclose(
        gan.sample(5, seed=4), gan.averaged_generator(latents), atol=1e-6
    )


def test_many_samples_are_the_same_as_few(followed):
    gan, _ = followed
    many = gan.sample(600, seed=9)
    assert many.shape == (600, 2)
    np.testing.assert_allclose(gan.sample(257, seed=9), many[:257], atol=1e-6)
    assert len(np.unique(many, axis=0)) == 600


class Pairs(keras.metrics.Metric):
    """Counts the rows of both, and sums what is new in each batch."""

    def __init__(self, several=False, **kwargs):
        super().__init__(**kwargs)
        self.several = several
        self.rows = self.add_variable((2,), "zeros", name="rows")

    def update_state(self, real, generated):
        counts = tf.stack([tf.shape(real)[0], tf.shape(generated)[0]])
        self.rows.assign_add(tf.cast(counts, tf.float32))

    def result(self):
        real, generated = tf.unstack(tf.convert_to_tensor(self.rows))
        if self.several:
            return {"real": real, "generated": generated}
        return real + generated

    def get_config(self):
        return {**super().get_config(), "several": self.several}


def test_metrics_compare_as_many_samples_as_data(followed):
    gan, _ = followed
    x = gan_cases.ring(50)
    metrics = [Pairs(name="one"), Pairs(True, name="two")]
    gan.compile(metrics=metrics)
    history = gan.fit(x, batch_size=20, validation_data=x, verbose=0).history
    kept = {"one", "two_real", "two_generated"}
    looked = {"logit_spread", "dead_units", "sample_gradient"}
    of_validation = {"val_" + name for name in LOGS | kept}
    assert set(history) == LOGS | looked | of_validation
    assert history["val_two_real"] == [50]
    assert history["val_two_generated"] == [50]
    results = gan.evaluate(x, batch_size=20, verbose=0, return_dict=True)
    assert set(results) == LOGS | kept
    assert results["one"] == 100
    assert 0 <= results["accuracy"] <= 1
    for name in ("real_score", "fake_score"):
        assert 0 < results[name] < 1
    listed = gan.evaluate(x, batch_size=20, verbose=0)
    assert len(listed) == len(results)


def test_evaluation_is_the_game_of_the_weights_as_they_are(followed):
    # D(x) over data does not depend on draws, only on weights.
    gan, _ = followed
    x = gan_cases.ring(50)
    gan.compile()
    results = gan.evaluate(x, batch_size=20, verbose=0, return_dict=True)
    expected = np.mean(1 / (1 + np.exp(-gan.score(x))))
    np.testing.assert_allclose(results["real_score"], expected, rtol=1e-5)


@pytest.mark.parametrize("loss", ["non_saturating", "relativistic_pairing"])
def test_each_logit_of_a_map_costs(loss):
    """A discriminator of patches, against the mean of its costs by hand."""
    images, _ = gan_cases.spots(20)
    given = keras.Input((8, 8, 1))
    patches = keras.layers.Conv2D(1, 4, strides=2)(given)
    generator, _ = gz.networks.dcgan(3, (8, 8, 1), width=2)
    gan = gz.GAN(generator, keras.Model(given, patches), seed=0)
    gan.compile(loss=loss)
    found = gan.evaluate(images, batch_size=20, verbose=0, return_dict=True)
    real = gan.discriminator(images).numpy()
    assert real.shape == (20, 3, 3, 1)
    np.testing.assert_allclose(
        gan.score(images), real.mean((1, 2, 3)), rtol=1e-5, atol=1e-6
    )
    if loss == "non_saturating":
        score = 1 / (1 + np.exp(-real))
        np.testing.assert_allclose(found["real_score"], score.mean(), rtol=1e-5)
        # Of the costs' mean, not of the mean logit.
        state = gan.draws.state.numpy()
        assert state.any()
    history = gan.fit(images, verbose=0).history
    assert np.isfinite([value[0] for value in history.values()]).all()
    assert gan.loss.discriminator(tf.zeros(1), tf.zeros(1)).shape == (1,)


@pytest.mark.parametrize(
    ("columns", "weight"), [(1, 0.02), (2, 0.02), (10, 0.1), (400, 0.5)]
)
def test_default_penalties_grow_with_the_columns(columns, weight):
    """Distances of examples do, so that slopes must not be as steep."""
    gan = gz.GAN(*gz.networks.mlp(2, columns, width=4, depth=1), seed=0)
    gan.compile()
    found = [
        (type(p).__name__, p.weight, p.fraction) for p in gan.game.penalties
    ]
    assert found == [("R1", pytest.approx(weight), 0.25)] + [
        ("R2", pytest.approx(weight), 0.25)
    ]
