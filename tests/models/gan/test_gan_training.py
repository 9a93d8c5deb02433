"""Learning rates, packs and Keras's ways to run the steps of a GAN."""

import gan_cases
import keras
import numpy as np
import pytest
import tensorflow as tf

import genzoo as gz

x = gan_cases.ring(40)


def rates_of(gan):
    optimizers = (gan.optimizer, gan.discriminator_optimizer)
    return [float(opt.learning_rate.numpy()) for opt in optimizers]


def eager_gan(optimizer, other=None, **options):
    compiling = {"discriminator_optimizer": other, "run_eagerly": True}
    return gan_cases.points_gan(
        penalties=[], optimizer=optimizer, compiling=compiling, **options
    )


def step(gan, *callbacks, epochs=1):
    return gan.fit(
        x[:8], batch_size=8, epochs=epochs, verbose=0, callbacks=[*callbacks]
    )


class Rates(keras.callbacks.Callback):
    """Both learning rates, as they were in each step."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def on_train_batch_end(self, batch, logs=None):
        self.seen.append(rates_of(self.model))


def test_callbacks_change_both_learning_rates(tmp_path):
    gan = eager_gan(keras.optimizers.SGD(0.1), keras.optimizers.Adam(0.04))
    rates = Rates()
    # A warm-up that begins at zero, as schedulers often do.
    warm_up = keras.callbacks.LearningRateScheduler(lambda epoch: 0.1 * epoch)
    step(gan, warm_up, rates, epochs=4)
    expected = [[0.1 * k, 0.04 * k] for k in range(4)]
    np.testing.assert_allclose(rates.seen, expected, rtol=1e-5, atol=1e-9)
    plateau = keras.callbacks.ReduceLROnPlateau(
        "generator_loss", factor=0.5, patience=1, min_delta=1e9, mode="min"
    )
    # Patience ends with the third epoch: the rate is set, then the file is
    # written, before D's could follow.
    saved = keras.callbacks.ModelCheckpoint(
        str(tmp_path / "{epoch}.keras"), save_freq="epoch"
    )
    step(gan, plateau, saved, epochs=2)
    assert rates_of(gan)[0] == pytest.approx(0.15)
    loaded = keras.models.load_model(tmp_path / "2.keras")
    for model in (gan, loaded):
        step(model)
        np.testing.assert_allclose(rates_of(model), [0.15, 0.06], rtol=1e-5)
    # The user may set D's own, which then keeps its new ratio.
    gan.discriminator_optimizer.learning_rate = 0.3
    step(gan)
    np.testing.assert_allclose(rates_of(gan), [0.15, 0.3], rtol=1e-5)
    gan.optimizer.learning_rate = 0.05
    step(gan)
    np.testing.assert_allclose(rates_of(gan), [0.05, 0.1], rtol=1e-5)


def test_learning_rates_that_are_zero_or_schedules_are_left_alone():
    gan = eager_gan(keras.optimizers.SGD(0.0), keras.optimizers.SGD(0.1))
    learned = gan.generator.trainable_weights
    before = [weight.numpy() for weight in learned]
    step(gan, epochs=2)
    assert rates_of(gan) == [0.0, pytest.approx(0.1)]
    for a, b in zip(before, learned, strict=True):
        np.testing.assert_array_equal(a, b)
    schedule = keras.optimizers.schedules.ExponentialDecay(0.1, 1, 0.5)
    gan = eager_gan(keras.optimizers.SGD(0.2), keras.optimizers.SGD(schedule))
    step(gan, epochs=2)
    np.testing.assert_allclose(rates_of(gan), [0.2, 0.025], rtol=1e-5)
    gan = eager_gan(keras.optimizers.SGD(schedule))
    step(gan, epochs=2)
    # The default is another like the generator's, with a state of its own.
    np.testing.assert_allclose(rates_of(gan), [0.025, 0.025], rtol=1e-5)
    assert gan.discriminator_optimizer is not gan.optimizer


def test_packs_are_examples_side_by_side():
    gan = gan_cases.points_gan(networks={"packing": 3}, packing=3)
    found = gan.game.shown(tf.constant(x[:12]), None)
    np.testing.assert_array_equal(found, x[:12].reshape(4, 6))
    images, _ = gan_cases.spots(6)
    pair = gz.networks.dcgan(3, (8, 8, 1), width=2, packing=2)
    gan = gz.GAN(*pair, packing=2, ema=None)
    gan.compile()
    packed = gan.game.shown(images, None).numpy()
    assert packed.shape == (3, 8, 8, 2)
    for k in range(3):
        np.testing.assert_array_equal(packed[k, ..., 0], images[2 * k, ..., 0])
        np.testing.assert_array_equal(
            packed[k, ..., 1], images[2 * k + 1, ..., 0]
        )


def test_a_batch_that_fills_no_pack_changes_nothing_much():
    # Batches of 8, 8 and 1: the last one holds no pack of 2.
    gan = gan_cases.points_gan(
        optimizer=keras.optimizers.SGD(0.1),
        penalties=[gz.penalties.R1(1.0), gz.penalties.DRAGAN(1.0)],
        networks={"packing": 2},
        packing=2,
    )
    gan.fit(x[:16], batch_size=8, shuffle=False, verbose=0)
    before = gan.discriminator.get_weights()
    gan.train_on_batch(x[16:17])
    for a, b in zip(before, gan.discriminator.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    logs = gan.fit(x[:17], batch_size=8, verbose=0).history
    assert np.isfinite([value[0] for value in logs.values()]).all()
    assert np.isfinite(gan.sample(3)).all()


def test_without_an_average_samples_are_the_generators(tmp_path):
    gan = eager_gan("sgd", ema=None)
    assert gan.averaged_generator is gan.generator
    step(gan)
    z = np.ones((2, 3), "float32")
    np.testing.assert_array_equal(
        gan.predict(z, verbose=0), gan.generator(z).numpy()
    )
    gan.save(tmp_path / "gan.keras")
    again = keras.models.load_model(tmp_path / "gan.keras")
    assert again.averaged_generator is again.generator
    np.testing.assert_array_equal(
        gan.sample(3, seed=1), again.sample(3, seed=1)
    )


def test_all_ways_to_run_the_steps_learn_the_same():
    def dataset(parts):
        return tf.data.Dataset.from_tensor_slices(parts).batch(16)

    ways = {
        "array": (x, {"batch_size": 16}),
        "dataset": (dataset(x), {}),
        "dataset of tuples": (dataset((x,)), {}),
        "endless": (dataset(x).repeat(), {"steps_per_epoch": 3}),
    }
    gan = gan_cases.points_gan(optimizer=keras.optimizers.SGD(0.1))
    start, found = gan.get_weights(), {}

    def learn(data, options):
        gan.set_weights(start)
        gan.fit(data, shuffle=False, epochs=2, verbose=0, **options)
        return gan.get_weights()

    for name, (data, options) in ways.items():
        found[name] = learn(data, options)
    config = gan.get_compile_config()
    gan.compile_from_config({**config, "run_eagerly": True})
    found["eager"] = learn(*ways["array"])
    for name, weights in found.items():
        for a, b in zip(weights, found["array"], strict=True):
            np.testing.assert_allclose(a, b, atol=1e-5, err_msg=name)
    held_out = dataset(x[:20])
    logs = gan.fit(x[20:], validation_data=held_out, verbose=0).history
    assert np.isfinite(logs["val_generator_loss"]).all()
    logs = gan.fit(x, validation_split=0.25, verbose=0).history
    assert np.isfinite(logs["val_discriminator_loss"]).all()


def test_numbers_need_no_axis():
    gan = gz.GAN(*gz.networks.mlp(2, 1, width=4, depth=1, condition=1))
    gan.compile(run_eagerly=True)
    numbers, vectors = x[:, 0], x[:, 1:]
    gan.fit(numbers, vectors, verbose=0)
    both = tf.data.Dataset.from_tensor_slices((numbers, vectors)).batch(20)
    logs = gan.fit(both, validation_data=both, verbose=0).history
    assert np.isfinite(logs["val_generator_loss"]).all()


@pytest.mark.parametrize("kind", ["lambda", "nested", "subclass"])
def test_generators_of_classes_that_nobody_registered(kind):
    class Twice(keras.layers.Layer):
        def call(self, x):
            return 2 * x

    class Mine(keras.Model):
        def __init__(self, width):
            z = keras.Input((3,))
            super().__init__(z, keras.layers.Dense(width)(Twice()(z)))

    z = keras.Input((3,))
    dense = keras.layers.Dense(2)
    if kind == "lambda":
        generator = keras.Sequential(
            [z, keras.layers.Lambda(lambda x: 2 * x), dense]
        )
    elif kind == "nested":
        inner = keras.Sequential([keras.Input((3,)), Twice(), dense])
        generator = keras.Model(z, inner(z))
    else:
        generator = Mine(2)
    gan = gz.GAN(generator, gz.networks.mlp(3, 2, width=4, depth=1)[1])
    latents = np.ones((2, 3), "float32")
    np.testing.assert_array_equal(gan(latents), generator(latents))
    for a, b in zip(
        gan.averaged_generator.weights, generator.weights, strict=True
    ):
        assert a is not b
