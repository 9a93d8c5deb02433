"""Further terms of both losses: regularizers, `add_loss`, own functions."""

import gan_cases
import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

import genzoo as gz

x = gan_cases.ring(32)
images, labels = gan_cases.spots(32)
sgd = keras.optimizers.SGD


class Squares(layers.Layer):
    def call(self, inputs):
        self.add_loss(3 * tf.reduce_mean(inputs**2))
        return inputs


def linear(inputs, outputs, layer=None, **options):
    given = keras.Input((inputs,))
    found = layers.Dense(outputs, **options)(given)
    return keras.Model(given, found if layer is None else layer(found))


def moved(generator, discriminator, **options):
    """By how much one step moves the kernels of G and D."""
    keras.utils.set_random_seed(0)
    pair = [generator(), discriminator()]
    before = [network.get_weights()[0] for network in pair]
    gan = gz.GAN(*pair, seed=0, ema=None)
    gan.compile(sgd(0.1), sgd(0.1), penalties=[], **options)
    logs = gan.fit(x, batch_size=32, shuffle=False, verbose=0).history
    after = [network.get_weights()[0] for network in pair]
    return before, [b - a for a, b in zip(before, after, strict=True)], logs


def test_regularizers_of_weights_count_in_their_own_loss():
    plain = moved(lambda: linear(2, 2), lambda: linear(2, 1))
    for place in (0, 1):
        kinds = [{}, {}]
        kinds[place] = {"kernel_regularizer": keras.regularizers.L2(1.0)}
        found = moved(
            lambda own=kinds[0]: linear(2, 2, **own),
            lambda own=kinds[1]: linear(2, 1, **own),
        )
        # The derivative of w^2 is 2 w, at a rate of 0.1.
        change = found[1][place] - plain[1][place]
        np.testing.assert_allclose(change, -0.2 * found[0][place], atol=1e-6)


def test_what_layers_add_counts_by_its_gradient():
    """`add_loss` and activities in G: against NumPy, D of no slope."""
    flat = {"kernel_initializer": "zeros"}
    for layer, options, factor in (
        (Squares(), {}, 3 / 2),
        (None, {"activity_regularizer": keras.regularizers.L2(0.7)}, 0.7),
    ):
        before, change, _ = moved(
            lambda layer=layer, own=options: linear(
                2, 2, layer, use_bias=False, **own
            ),
            lambda: linear(2, 1, trainable=False, **flat),
        )
        keras.utils.set_random_seed(0)
        gan = gz.GAN(linear(2, 2), linear(2, 1), seed=0, ema=None)
        seed = gz.runtime.random
        state = gan.draws.next()
        z = gan._source.latents(32, seed.split(seed.fold_in(state, 0), 2)[0])
        z = np.asarray(z, float)
        expected = factor * 2 * z.T @ (z @ before[0]) / 32
        np.testing.assert_allclose(change[0], -0.1 * expected, atol=1e-5)


@keras.saving.register_keras_serializable("tests")
def distance(turn):
    return 5.0 * tf.reduce_mean(tf.abs(turn.real - turn.generated), [1, 2, 3])


@keras.saving.register_keras_serializable("tests")
def matching(turn):
    real, made = turn.features(turn.real), turn.features(turn.generated)
    means = tf.reduce_mean(real, 0) - tf.reduce_mean(made, 0)
    return tf.reduce_sum(means**2)


@keras.saving.register_keras_serializable("tests")
def smooth(turn):
    """Labels of 0.9: 0.1 of data count as generated."""
    logits = turn.logits(turn.real)
    return 0.1 * (tf.nn.softplus(logits) - tf.nn.softplus(-logits))


def test_own_terms_are_part_of_the_losses(tmp_path):
    asked = {
        "generator_losses": [distance, matching],
        "discriminator_losses": [smooth],
    }
    gan = gan_cases.images_gan(compiling={"penalties": [], **asked})
    plain = gan_cases.images_gan(compiling={"penalties": []})
    options = {"batch_size": 32, "verbose": 0, "return_dict": True}
    found, without = (
        model.evaluate(images, labels, **options) for model in (gan, plain)
    )
    logits = gan.score(images, labels)
    smoothing = 0.1 * np.mean(
        np.logaddexp(0, logits) - np.logaddexp(0, -logits)
    )
    expected = without["discriminator_loss"] + smoothing
    assert found["discriminator_loss"] == pytest.approx(expected, rel=1e-4)
    assert found["generator_loss"] > without["generator_loss"] + 0.5
    gan.fit(images, labels, epochs=2, verbose=0)
    gan.save(tmp_path / "gan.keras")
    again = keras.models.load_model(tmp_path / "gan.keras")
    logs = [m.fit(images, labels, verbose=0).history for m in (gan, again)]
    assert logs[0] == logs[1]


def test_terms_that_are_none():
    gan = gan_cases.points_gan()
    for given, message in (
        ([lambda turn: 0.0], "a lambda cannot be saved"),
        ([3.0], "list of functions"),
        ("mae", "list of functions"),
    ):
        with pytest.raises(ValueError, match=message):
            gan.compile(generator_losses=given)

    def wide(turn):
        return turn.real

    gan.compile(generator_losses=wide)
    with pytest.raises(ValueError, match="wide gives shape"):
        gan.fit(x, verbose=0)


def test_samples_have_the_shares_of_classes_that_were_seen():
    shares = np.array([0.8, 0.05, 0.15])
    told = np.random.default_rng(0).choice(3, 200, p=shares)
    gan = gz.GAN(*gz.networks.mlp(8, 2, width=4, depth=1, classes=3), seed=0)
    gan.compile()
    assert gan.conditions.asked("", 6, None, None, gan._seen).tolist() == [
        0, 1, 2, 0, 1, 2,
    ]  # fmt: skip
    gan.fit(np.zeros((200, 2)), told, batch_size=64, epochs=3, verbose=0)
    true = np.bincount(told) / 200
    for n in (20, 1000):
        drawn = gan.conditions.asked("", n, None, None, gan._seen)
        found = np.bincount(drawn, minlength=3) / n
        np.testing.assert_allclose(found, true, atol=1.5 / n)
    np.testing.assert_array_equal(
        gan.sample(30, seed=1),
        gan.sample(30, seed=1, labels=gan._seen.labels(30)),
    )


NETWORKS = {
    "shared": "is part of both networks",
    "stateful": "is stateful",
    "swapped": "first input must be latents",
    "no copy": "cannot be copied.*ema=None",
}


class Scaled(layers.Layer):
    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def call(self, inputs):
        return self.factor * inputs


@pytest.mark.parametrize("name", NETWORKS)
def test_pairs_that_cannot_play(name):
    z, told, example = keras.Input((2,)), keras.Input((3,)), keras.Input((2,))
    shared = layers.Dense(2)
    judge = linear(2, 1)
    join = layers.Concatenate()
    judge_told = keras.Model(
        [example, told], layers.Dense(1)(join([example, told]))
    )
    series = keras.Input(batch_shape=(4, 5, 3))
    pairs = {
        "shared": (
            lambda: keras.Model(z, shared(z)),
            lambda: keras.Model(example, layers.Dense(1)(shared(example))),
        ),
        "stateful": (
            lambda: keras.Model(
                series, layers.Dense(2)(layers.GRU(2, stateful=True)(series))
            ),
            lambda: judge,
        ),
        "swapped": (
            lambda: keras.Model([told, z], layers.Dense(2)(join([told, z]))),
            lambda: judge_told,
        ),
        "no copy": (
            lambda: keras.Model(z, Scaled(2.0)(layers.Dense(2)(z))),
            lambda: judge,
        ),
    }
    with pytest.raises(ValueError, match=NETWORKS[name]):
        gz.GAN(*(make() for make in pairs[name]))


def test_frozen_networks_are_told():
    for frozen in ("discriminator", "both"):
        pair = linear(2, 2), linear(2, 1)
        pair[1].trainable = False
        pair[0].trainable = frozen != "both"
        gan = gz.GAN(*pair)
        if frozen == "both":
            with pytest.raises(ValueError, match="neither network"):
                gan.compile()
        else:
            with pytest.warns(UserWarning, match="only the generator"):
                gan.compile()
            gan.fit(x, verbose=0)


def test_last_places_beyond_a_range_are_rounding():
    gan = gan_cases.points_gan(networks={"activation": "tanh"})
    near = np.clip(x, -1, 1)
    near[0, 0] = np.nextafter(np.float32(1), np.float32(2))
    gan.fit(near, verbose=0)
    near[0, 0] = 1.19
    with pytest.raises(ValueError, match=r"1\.19.*clip"):
        gan.fit(near, verbose=0)
