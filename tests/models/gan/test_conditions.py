"""Conditional models: labels and vectors, in every form they come."""

import gan_cases
import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

import genzoo as gz
from genzoo.runtime import random

images, labels = gan_cases.spots(40)
x = gan_cases.ring(40)


@pytest.fixture(scope="module")
def pictures():
    return gan_cases.images_gan(compiling={"optimizer": "sgd"})


def test_labels_in_every_form_teach_the_same(pictures):
    start, found = pictures.get_weights(), []
    key = pictures.conditions.key
    one_each = tf.data.Dataset.from_tensor_slices
    for data, y, held_out in (
        (images, labels, (images, labels)),
        (images, labels[:, None].astype("float64"), None),
        ((images, labels.astype("uint8")), None, None),
        (one_each((images, labels)).batch(20), None, None),
        (one_each((images, labels[:, None])).batch(20), None, None),
        (one_each((images, {key: labels})).batch(20), None, None),
    ):
        pictures.set_weights(start)
        logs = pictures.fit(
            data,
            y,
            batch_size=None if isinstance(data, tf.data.Dataset) else 20,
            shuffle=False,
            verbose=0,
            validation_data=held_out,
        ).history
        assert ("val_accuracy" in logs) == (held_out is not None)
        found.append((pictures.generator.get_weights(), logs["generator_loss"]))
    for weights, loss in found[1:]:
        np.testing.assert_allclose(loss, found[0][1], rtol=1e-5)
        for a, b in zip(weights, found[0][0], strict=True):
            np.testing.assert_allclose(a, b, atol=1e-6)
    logs = pictures.fit(images, labels, validation_split=0.5, verbose=0)
    assert np.isfinite(logs.history["val_discriminator_loss"]).all()


def test_samples_are_of_the_labels_that_are_asked_for(pictures):
    each = pictures.sample(6, seed=1, labels=np.arange(6) % 3)
    for asked in ([[0], [1], [2], [0], [1], [2]],):
        np.testing.assert_array_equal(
            pictures.sample(6, seed=1, labels=asked), each
        )
    same = pictures.sample(6, seed=1, labels=2)
    latents = pictures._sampler.latents(6, random.as_seed(1))
    expected = pictures.predict([latents, np.full(6, 2)], verbose=0)
    np.testing.assert_allclose(same, expected, atol=1e-6)
    np.testing.assert_array_equal(same[2], each[2])
    assert (same[1] != each[1]).any()
    scores = pictures.score(images, labels)
    assert scores.shape == (40,)
    assert (scores != pictures.score(images, (labels + 1) % 3)).any()


def test_a_served_model_takes_labels(pictures, tmp_path):
    pictures.export(tmp_path / "served")
    served = tf.saved_model.load(str(tmp_path / "served"))
    asked = np.array([2, 0, 1], "int32")
    np.testing.assert_array_equal(
        served.sample(3, [4, 5], asked),
        pictures.sample(3, seed=(4, 5), labels=asked),
    )
    np.testing.assert_allclose(
        served.score(images[:3], asked),
        pictures.score(images[:3], asked),
        rtol=1e-5,
    )
    z = np.ones((3, 3), "float32")
    np.testing.assert_allclose(
        served.serve(z, asked),
        pictures.predict([z, asked], verbose=0),
        atol=1e-6,
    )


def test_vectors_are_conditions_too(tmp_path):
    vectors = np.random.default_rng(1).normal(size=(40, 2))
    gan = gan_cases.points_gan(
        networks={"condition": 2, "conditioning": "projection"}
    )
    gan.fit(x, vectors, batch_size=20, verbose=0)
    gan.save(tmp_path / "gan.keras")
    again = keras.models.load_model(tmp_path / "gan.keras")
    asked = np.array([0.5, -1.0])
    np.testing.assert_array_equal(
        gan.sample(4, seed=1, conditions=asked),
        again.sample(4, seed=1, conditions=np.tile(asked, (4, 1))),
    )
    assert gan.score(x, conditions=vectors).shape == (40,)
    for wrong in (None, vectors[:, :1], np.full((4, 2), np.nan)):
        with pytest.raises(ValueError, match=r"conditions, shape \(n, 2\)"):
            gan.sample(4, conditions=wrong)
    gan.export(tmp_path / "served")
    served = gz.load_exported(tmp_path / "served")
    assert served.endpoints == {
        "serve": ("z", "conditions"),
        "sample": ("n", "seed", "conditions"),
        "score": ("x", "conditions"),
    }
    np.testing.assert_array_equal(
        served.sample(4, seed=1, conditions=asked),
        gan.sample(4, seed=1, conditions=asked),
    )
    # By name also where there is no genzoo.
    alone = tf.saved_model.load(str(tmp_path / "served"))
    z = tf.ones((40, 3))
    vectors = tf.constant(vectors, tf.float32)
    np.testing.assert_array_equal(
        alone.serve(z=z, conditions=vectors), alone.serve(z, vectors)
    )


def test_an_auxiliary_classifier_counts_in_both_losses():
    """The losses differ by the cross-entropy, in training and after."""
    gan = gan_cases.points_gan(
        "hinge",
        [],
        keras.optimizers.SGD(0.0),
        networks={"classes": 3, "conditioning": "auxiliary"},
        compiling={"auxiliary_weight": 2.0, "run_eagerly": True},
        ema=None,
    )
    start, logs = gan.get_weights(), {}
    for weight in (2.0, 0.0):
        gan.set_weights(start)
        config = gan.get_compile_config()
        gan.compile_from_config({**config, "auxiliary_weight": weight})
        trained = gan.fit(
            x, labels, batch_size=40, shuffle=False, verbose=0,
            validation_data=(x, labels), validation_batch_size=40,
        ).history  # fmt: skip
        logs[weight] = {name: value[0] for name, value in trained.items()}
    _, classes = gan.discriminator(x)
    cross_entropy = keras.losses.SparseCategoricalCrossentropy(True)
    cost = 2 * float(cross_entropy(labels, classes))
    for name in ("discriminator_loss", "val_discriminator_loss"):
        found = logs[2.0][name] - logs[0.0][name]
        np.testing.assert_allclose(found, cost, rtol=1e-4)
    for name in ("generator_loss", "val_generator_loss"):
        assert logs[2.0][name] - logs[0.0][name] > 0.5


def test_classes_are_read_off_an_encoding():
    z, label = keras.Input((3,)), keras.Input((), dtype="int32")
    one_hot = layers.CategoryEncoding(4, output_mode="one_hot")(label)
    joined = layers.Concatenate()([z, one_hot])
    generator = keras.Model([z, label], layers.Dense(2)(joined))
    point, label = keras.Input((2,)), keras.Input((), dtype="int32")
    one_hot = layers.CategoryEncoding(4, output_mode="one_hot")(label)
    joined = layers.Concatenate()([point, one_hot])
    critic = keras.Model([point, label], layers.Dense(1)(joined))
    gan = gz.GAN(generator, critic, seed=1)
    assert gan.conditions.classes == 4
    gan.compile(run_eagerly=True)
    gan.fit(x, labels, batch_size=20, verbose=0)
    assert gan.sample(5).shape == (5, 2)


def test_labels_that_are_missing_cost_nothing():
    """-1: those with a label count as they would alone, the rest as data."""
    x = gan_cases.ring(40)
    some = np.where(np.arange(40) % 4, -1, labels)
    costs = []
    for told, weight in ((some, 1.0), (some, 0.0), (labels, 1.0)):
        gan = gan_cases.points_gan(
            penalties=[],
            networks={"classes": 3, "conditioning": "auxiliary"},
            compiling={"auxiliary_weight": weight},
        )
        found = gan.evaluate(
            x, told, batch_size=40, verbose=0, return_dict=True
        )
        costs.append(found["discriminator_loss"])
    _, classes = gan.discriminator(x[::4])
    cross_entropy = keras.losses.SparseCategoricalCrossentropy(True)
    expected = float(cross_entropy(some[::4], classes))
    np.testing.assert_allclose(costs[0] - costs[1], expected, rtol=1e-4)
    assert abs(costs[2] - costs[0]) > 1e-3
    gan.fit(x, some, batch_size=20, verbose=0)
    counts = np.bincount(some[::4], minlength=3)
    np.testing.assert_array_equal(gan._seen.counts, counts)
    pairs = tf.data.Dataset.from_tensor_slices((x, some)).batch(20)
    logs = gan.fit(pairs, validation_data=(x, -np.ones(40)), verbose=0).history
    assert np.isfinite([value[0] for value in logs.values()]).all()
    with pytest.raises(ValueError, match="received values in .-1, -1"):
        gan.sample(3, labels=-1)
    other = gan_cases.points_gan(networks={"classes": 3})
    with pytest.raises(ValueError, match="conditioning='auxiliary'"):
        other.fit(x, some, verbose=0)
