"""Gradients, with respect to D's weights, of penalties on D's gradient."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from genzoo import penalties
from genzoo.models.gan.networks import check_differentiable
from genzoo.runtime import random

SEED = random.as_seed(5)


def test_gradient_equals_the_formula_for_one_unit():
    # D = tanh(w.x): grad D = s w with s = 1 - tanh^2, and
    # d/dw |grad D|^2 / 2 = s^2 w - 2 |w|^2 s^2 tanh x.
    rng = np.random.default_rng(0)
    x = rng.normal(size=(8, 3))
    w = np.array([0.4, -0.3, 0.8])
    t = np.tanh(x @ w)[:, None]
    s = 1 - t**2
    expected = np.mean(s**2 * w - 2 * (w @ w) * s**2 * t * x, axis=0)
    real = tf.constant(x, tf.float32)
    variable = tf.Variable(w, dtype=tf.float32)
    with tf.GradientTape() as tape:
        loss = penalties.total(
            [penalties.R1(1.0)],
            lambda x, _: tf.tanh(tf.linalg.matvec(x, variable)),
            real,
            real,
            (),
            SEED,
        )
    np.testing.assert_allclose(
        tape.gradient(loss, variable), expected, rtol=1e-5
    )


@pytest.fixture(scope="module")
def critic():
    """A critic of the networks' kinds of layers, smooth for differences."""
    keras.utils.set_random_seed(1)
    image = keras.Input((8, 8, 1))
    label = keras.Input((), dtype="int32")
    x = layers.Conv2D(3, 3, strides=2, padding="same")(image)
    x = layers.UpSampling2D(interpolation="nearest")(x)
    x = layers.Activation("tanh")(x)
    x = layers.Conv2DTranspose(2, 4, strides=2, padding="same")(x)
    x = layers.Activation("tanh")(x)
    x = layers.AveragePooling2D(2)(x)
    x = layers.SpectralNormalization(layers.Conv2D(4, 3, padding="same"))(x)
    x = layers.Activation("tanh")(x)
    x = layers.Concatenate()([x, layers.Cropping2D(0)(x)])
    x = layers.Flatten()(x)
    beside = layers.Embedding(3, x.shape[-1])(label)
    logit = layers.Add()([layers.Dense(1)(x), layers.Dot(axes=1)([x, beside])])
    return keras.Model([image, label], logit)


@pytest.mark.parametrize("jit", [False, True])
def test_t11_gradients_pass_all_layers_of_the_networks(critic, jit):
    rng = np.random.default_rng(2)
    real, fake = rng.normal(size=(2, 4, 8, 8, 1)).astype("float32")
    labels = tf.constant([0, 1, 2, 1])
    which = [penalties.R1(3.0), penalties.GradientPenalty(1.0)]

    @tf.function(jit_compile=jit)
    def found():
        with tf.GradientTape() as tape:
            loss = penalties.total(
                which,
                lambda x, condition: critic([x, *condition], training=False),
                tf.constant(real),
                tf.constant(fake),
                (labels,),
                SEED,
            )
        values = [v.value for v in critic.trainable_variables]
        return loss, tape.gradient(loss, values)

    _, gradients = found()
    missing = [
        variable.name
        for variable, gradient in zip(
            critic.trainable_variables, gradients, strict=True
        )
        if gradient is None
    ]
    # A penalty does not know of the last bias (T12).
    assert missing == ["bias"]
    pairs = [
        (variable, tf.convert_to_tensor(gradient).numpy())
        for variable, gradient in zip(
            critic.trainable_variables, gradients, strict=True
        )
        if gradient is not None
    ]
    start = [variable.numpy() for variable, _ in pairs]
    steps = [rng.normal(size=w.shape).astype("float32") for w in start]
    losses = []
    for size in (-2e-3, 2e-3):
        for (variable, _), w, step in zip(pairs, start, steps, strict=True):
            variable.assign(w + size * step)
        losses.append(float(found()[0]))
    for (variable, _), w in zip(pairs, start, strict=True):
        variable.assign(w)
    slope = (losses[1] - losses[0]) / 4e-3
    along = sum(np.sum(g * s) for (_, g), s in zip(pairs, steps, strict=True))
    np.testing.assert_allclose(along, slope, rtol=0.01)


@pytest.mark.parametrize(
    "layer",
    [
        # No gradient at all, twice; one that has no derivative itself.
        layers.Lambda(lambda x: tf.round(x)),
        layers.Lambda(lambda x: tf.one_hot(tf.argmax(x, -1), 3)),
        layers.UpSampling2D(interpolation="bilinear"),
    ],
    ids=["round", "argmax", "bilinear"],
)
def test_discriminators_without_the_gradient_are_refused(layer):
    image = keras.Input((4, 4, 1))
    x = layers.Conv2D(3, 3)(image)
    x = layers.Flatten()(layer(x))
    critic = keras.Model(image, layers.Dense(1)(x))
    with pytest.raises(ValueError, match=r"gradient.*penalties=\[\]"):
        check_differentiable(
            lambda x, _, training: critic(x, training=training),
            (2, 4, 4, 1),
            (),
        )
