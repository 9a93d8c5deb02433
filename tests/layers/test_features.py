"""An RBM's mean hidden states as a layer of other models."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import genzoo as gz
from genzoo.runtime.random import as_seed

U = gz.units


def machine(visible, hidden, seed=0, **options):
    rbm = gz.RBM(visible, hidden, seed=seed, **options)
    generator = np.random.default_rng(seed)
    for weight in rbm.parameters:
        weight.assign(
            np.asarray(weight) + generator.normal(0, 0.3, weight.shape)
        )
    x = np.array(rbm.space.start(20, as_seed(seed)))
    return rbm, x.reshape(-1, *rbm.event_shape)


PAIRS = {
    "bits": (lambda: U.Bernoulli(5), lambda: U.Bernoulli(3)),
    "spins in a shape": (lambda: U.Spin((2, 3)), lambda: U.Spin((2, 2))),
    "categories": (lambda: U.Categorical(2, 3), lambda: U.Categorical(2, 4)),
    "real": (lambda: U.Gaussian(4), lambda: U.Bernoulli(3)),
    "rectified": (lambda: U.Bernoulli(4), lambda: U.ReLU(3)),
    "real hidden": (lambda: U.Spin(4), lambda: U.Gaussian(2)),
}


@pytest.mark.parametrize("name", PAIRS)
def test_they_are_the_means_that_the_rbm_has(name):
    rbm, x = machine(*(make() for make in PAIRS[name]))
    if name == "real":
        rbm.visible.adapt(np.full(4, 300.0), np.full(4, 0.01), 20)
        x = (300 + 0.1 * x).astype("float32")
    layer = gz.layers.Features(rbm)
    expected = rbm.hidden_mean(x)
    np.testing.assert_allclose(layer(x), expected, rtol=1e-5, atol=1e-6)
    symbolic = layer(keras.Input(rbm.event_shape))
    assert symbolic.shape == (None, *rbm.hidden.space.event_shape)
    again = gz.layers.Features.from_config(layer.get_config())
    again.set_weights(layer.get_weights())
    np.testing.assert_array_equal(again(x), layer(x))


def test_the_formula():
    rbm, x = machine(U.Bernoulli(5), U.Bernoulli(3))
    field = x @ np.asarray(rbm.kernel) + np.asarray(rbm.hidden.bias)
    layer = gz.layers.Features(rbm)
    np.testing.assert_allclose(layer(x), 1 / (1 + np.exp(-field)), rtol=1e-5)


@pytest.mark.parametrize("trainable", [False, True])
def test_training_reaches_what_it_should_and_never_the_rbm(trainable, tmp_path):
    rbm, x = machine(U.Bernoulli(5), U.Bernoulli(3))
    before = rbm.get_weights()
    layer = gz.layers.Features(rbm, trainable)
    model = keras.Sequential([layer, keras.layers.Dense(2)])
    model.compile(keras.optimizers.SGD(0.5), "mse")
    own = layer.get_weights()
    y = np.random.default_rng(0).normal(size=(20, 2))
    model.fit(x, y, verbose=0)
    for weight, value in zip(rbm.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, value)
    trained = [] if not trainable else [layer.kernel, layer.hidden.bias]
    assert len(model.trainable_variables) == 2 + len(trained)
    for weight, value in zip(layer.weights, own, strict=True):
        is_changed = bool((np.asarray(weight) != value).any())
        assert is_changed == any(weight is other for other in trained)
    model.save(tmp_path / "m.keras")
    again = keras.saving.load_model(tmp_path / "m.keras")
    np.testing.assert_array_equal(again(x), model(x))
    assert again.layers[0].trainable is trainable
    assert len(again.trainable_variables) == len(model.trainable_variables)


def test_frozen_and_freed_later():
    rbm, x = machine(U.Gaussian(4), U.Bernoulli(3))
    layer = gz.layers.Features(rbm)
    assert layer.trainable_variables == []
    layer.trainable = True
    assert len(layer.trainable_variables) == 2
    layer.trainable = False
    assert layer.trainable_variables == []
    rbm.trainable = False
    freed = gz.layers.Features(rbm, trainable=True)
    with tf.GradientTape() as tape:
        value = tf.reduce_sum(freed(x) ** 2)
    gradients = tape.gradient(
        value, [v.value for v in freed.trainable_variables]
    )
    assert len(gradients) == 2
    assert all(np.abs(g).max() > 0 for g in gradients)


def test_in_a_functional_model_cloned_and_exported(tmp_path):
    rbm, x = machine(U.Bernoulli((2, 3)), U.Spin(4))
    inputs = keras.Input((2, 3))
    hidden = gz.layers.Features(rbm, name="features")(inputs)
    model = keras.Model(inputs, keras.layers.Dense(1)(hidden))
    clone = keras.models.clone_model(model)
    clone.set_weights(model.get_weights())
    np.testing.assert_array_equal(clone(x), model(x))
    model.export(tmp_path / "served", verbose=False)
    served = tf.saved_model.load(tmp_path / "served")
    np.testing.assert_allclose(served.serve(x), model(x), atol=1e-6)


def test_dtypes():
    rbm, x = machine(U.Bernoulli(5), U.Bernoulli(3))
    half = gz.layers.Features(rbm, dtype="mixed_bfloat16")
    assert half(x).dtype == tf.bfloat16
    assert half.kernel.dtype == "float32"
    found = tf.cast(half(x.astype("uint8")), tf.float32)
    # Eight bits of mantissa, of five terms of order one.
    np.testing.assert_allclose(found, rbm.hidden_mean(x), atol=0.02)
    units = [u(n, dtype="float64") for u, n in ((U.Gaussian, 2), (U.Spin, 2))]
    wide, _ = machine(*units, dtype="float64")
    assert gz.layers.Features(wide)(np.ones((1, 2))).dtype == tf.float64
    narrow = gz.layers.Features(wide, dtype="float32")
    assert narrow(np.ones((1, 2))).dtype == tf.float32


def test_what_has_no_hidden_units_is_refused():
    for wrong in (3, gz.BoltzmannMachine(gz.spaces.Spin(3)), U.Bernoulli(3)):
        with pytest.raises(ValueError, match="Features: rbm must be a gen"):
            gz.layers.Features(wrong)
    rbm, _ = machine(U.Bernoulli(5), U.Bernoulli(3))
    with pytest.raises(ValueError, match="incompatible with the layer"):
        gz.layers.Features(rbm)(np.zeros((2, 6)))
    with pytest.raises(ValueError, match="activity_regularizer means nothing"):
        gz.layers.Features(rbm, activity_regularizer="l2")


# Of a deep machine ------------------------------------------------------------


def deep(*layers, scale=0.4, **options):
    model = gz.DeepBoltzmannMachine(list(layers), seed=0, **options)
    rng = np.random.default_rng(1)
    for weight in model.parameters:
        weight.assign(scale * rng.normal(size=weight.shape))
    model._set_offsets(None)
    return model


@pytest.mark.parametrize("layer", [1, 2, -1])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_of_a_deep_machine_they_are_means_of_its_mean_field(layer, dtype):
    wide = {"dtype": dtype}
    model = deep(
        U.Gaussian(3, **wide),
        U.Spin((2, 2), **wide),
        U.Categorical(2, 3, **wide),
        U.Bernoulli(3, **wide),
        **wide,
    )
    model.units[0].adapt(np.full(3, 40.0), np.full(3, 9.0), 20)
    x = np.random.default_rng(2).normal(40, 3, (7, 3)).astype(dtype)
    features = gz.layers.Features(model, layer=layer)
    expected = model.hidden_mean(x, layer)
    found = features(x)
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, atol=3e-5)
    # Whatever rows are beside it.
    np.testing.assert_allclose(features(x[:1]), found[:1], atol=1e-6)
    assert features(keras.Input((3,))).shape == (None, *expected.shape[1:])


def test_of_a_deep_machine_they_are_trained_and_saved(tmp_path):
    model = deep(U.Bernoulli(5), U.Bernoulli(4), U.Bernoulli(3))
    features = gz.layers.Features(model, trainable=True)
    outer = keras.Sequential([keras.Input((5,)), features])
    x = np.random.default_rng(3).integers(0, 2, (40, 5)).astype("float32")
    before = [kernel.numpy() for kernel in model.kernels]

    def loss(kernel):
        features.kernels[0].assign(kernel)
        return float(tf.reduce_sum(features(x)[:, 0]))

    way = np.random.default_rng(4).normal(size=(5, 4))
    values = [loss(before[0] + step * way) for step in (1e-2, -1e-2)]
    features.kernels[0].assign(before[0])
    with tf.GradientTape() as tape:
        value = tf.reduce_sum(features(x)[:, 0])
    slope = tape.gradient(value, features.kernels[0].value)
    difference = (values[0] - values[1]) / 2e-2
    np.testing.assert_allclose(np.sum(slope * way), difference, rtol=1e-2)
    outer.compile("sgd", "mse")
    outer.fit(x, x[:, :3], verbose=0)
    for kernel, old in zip(model.kernels, before, strict=True):
        np.testing.assert_array_equal(kernel.numpy(), old)
    assert (features.kernels[1].numpy() != before[1]).any()
    outer.save(tmp_path / "outer.keras")
    found = keras.models.load_model(tmp_path / "outer.keras")
    expected = outer.predict(x, verbose=0)
    np.testing.assert_array_equal(found.predict(x, verbose=0), expected)
    with pytest.raises(ValueError, match="layer must be a hidden one, from 1"):
        gz.layers.Features(model, layer=0)
