"""Maximum entropy whose features learn, against sums over all states."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

import genzoo as gz

STATES = np.array(list(itertools.product([-1, 1], repeat=10)), "float64")
RNG = np.random.default_rng(8)
X = STATES[RNG.integers(0, len(STATES), 40)]
X[:, 5:] = X[:, :5]


def _model():
    keras.utils.set_random_seed(1)
    model = gz.MaxEnt(
        gz.spaces.Spin(10),
        [keras.layers.Dense(3, "softplus"), gz.features.Moments(1, tied=True)],
        trainable_features=True,
        seed=0,
    )
    model.compile("adam", "exact_likelihood")
    return model


def _loss(kernel, bias, multipliers):
    """Minus the mean log p of the data, by NumPy."""

    def energy(x):
        learned = np.logaddexp(0, x @ kernel + bias)
        return -np.c_[learned, x.sum(axis=1)] @ multipliers

    return energy(X).mean() + np.logaddexp.reduce(-energy(STATES))


def test_gradients_reach_multipliers_and_layers():
    model = _model()
    assert isinstance(model, gz.EnergyModel)
    multipliers = model.network.multipliers
    dense = model.network.feature_layers[0]
    weights = [dense.kernel, dense.bias, multipliers]
    for weight in weights:
        weight.assign(0.3 * RNG.normal(size=weight.shape))
    loss, gradients = model.rules.exact_gradients(tf.constant(X, tf.float32))
    values = [weight.numpy().astype(float) for weight in weights]
    np.testing.assert_allclose(loss, _loss(*values), rtol=1e-5)
    found = dict(zip(map(id, model.parameters), gradients, strict=True))
    for number, weight in enumerate(weights):
        way = RNG.normal(size=weight.shape)
        ends = []
        for step in (1e-5, -1e-5):
            moved = list(values)
            moved[number] = values[number] + step * way
            ends.append(_loss(*moved))
        slope = np.sum(np.asarray(found[id(weight)]) * way)
        np.testing.assert_allclose(slope, (ends[0] - ends[1]) / 2e-5, atol=2e-5)


def test_features_learn_what_tells_the_data(tmp_path):
    model = _model()
    before = model.network.feature_layers[0].kernel.numpy()
    model.optimizer.learning_rate = 0.03
    losses = model.fit(X, epochs=60, batch_size=40, verbose=0).history["loss"]
    # Fixed features of this kind leave it near 10 log 2 = 6.93.
    assert losses[-1] < 5.5
    assert (model.network.feature_layers[0].kernel.numpy() != before).any()
    model.save(tmp_path / "model.keras")
    found = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(found.log_prob(X), model.log_prob(X))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"features": gz.features.Moments(1)}, "needs a Keras layer with"),
        ({"reference": lambda x: x}, "reference must be None"),
        ({"condition": 2}, "trainable_features must be False"),
        ({"trainable_features": 3}, "must be true or false; received 3"),
    ],
)
def test_what_does_not_learn_is_refused(options, words):
    options = {
        "features": keras.layers.Dense(2),
        "trainable_features": True,
        **options,
    }
    with pytest.raises(ValueError, match=words):
        gz.MaxEnt(gz.spaces.Spin(3), **options)
