"""Units in a shape are the same model: only examples look different."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import genzoo as gz

# Visible units flat and in a shape, and the shape of one example.
LAYERS = {
    "pixels": (
        lambda: gz.units.Bernoulli(64),
        lambda: gz.units.Bernoulli((8, 8)),
        (8, 8),
    ),
    "categories": (
        lambda: gz.units.Categorical(4, states=3),
        lambda: gz.units.Categorical((2, 2), states=3),
        (2, 2, 3),
    ),
}


def _data(name, digits):
    if name == "pixels":
        return digits[0][:200]
    labels = np.random.default_rng(0).integers(3, size=(200, 4))
    labels[:, 1] = labels[:, 0]
    return np.eye(3, dtype="uint8")[labels].reshape(200, -1)


def _pair(name, digits, loss="pcd"):
    """(flat model, model in a shape, flat data, data in a shape), fitted."""
    flat, arranged, shape = LAYERS[name]
    x = _data(name, digits)
    models = (
        gz.RBM(flat(), gz.units.Spin(6), seed=1),
        gz.RBM(arranged(), gz.units.Spin((2, 3)), seed=1),
    )
    data = x, x.reshape(-1, *shape)
    for rbm, part in zip(models, data, strict=True):
        rbm.compile("adam", loss)
        rbm.fit(part, epochs=2, batch_size=64, verbose=0)
    return *models, *data


@pytest.fixture(scope="module")
def pair():
    """`_pair`, trained once for all tests, each of which gets it as it was."""
    made = {}

    def given(name, digits, loss="pcd"):
        if (name, loss) not in made:
            found = _pair(name, digits, loss)
            states = [model.get_weights() for model in found[:2]]
            made[name, loss] = found, states
        found, states = made[name, loss]
        for model, state in zip(found[:2], states, strict=True):
            model.set_weights(state)
        return found

    return given


def same(one, other):
    np.testing.assert_array_equal(np.reshape(other, np.shape(one)), one)


# Pixels are the easier case: their columns are their places.
@pytest.mark.parametrize(
    ("name", "loss"),
    [
        ("pixels", "pcd"),
        ("categories", "pcd"),
        ("categories", "cd"),
        ("categories", "exact_likelihood"),
        ("categories", "pseudolikelihood"),
    ],
)
def test_every_rule_learns_the_same_numbers(name, loss, digits, pair):
    flat, arranged, x, shaped = pair(name, digits, loss)
    for a, b in zip(flat.weights, arranged.weights, strict=True):
        np.testing.assert_array_equal(a, b)
    assert flat.evaluate(x, verbose=0) == arranged.evaluate(shaped, verbose=0)


@pytest.mark.parametrize("name", LAYERS)
def test_answers_are_the_same_numbers(name, digits, pair):
    flat, arranged, x, shaped = pair(name, digits)
    shape = shaped.shape[1:]
    assert arranged.event_shape == shape
    for method in ("energy", "log_prob", "log_pseudolikelihood", "predict"):
        same(getattr(flat, method)(x), getattr(arranged, method)(shaped))
    for start in (None, "random"):
        drawn = arranged.sample(5, seed=3, steps=4, start=start)
        assert drawn.shape == (5, *shape)
        same(flat.sample(5, seed=3, steps=4, start=start), drawn)
    same(
        flat.sample(3, seed=3, steps=4, start=x[:3]),
        arranged.sample(3, seed=3, steps=4, start=shaped[:3]),
    )
    h = arranged.sample_hidden(shaped, seed=4)
    assert h.shape == arranged.hidden_mean(shaped).shape == (len(x), 2, 3)
    same(flat.sample_hidden(x, seed=4), h)
    v = arranged.sample_visible(h, seed=5)
    assert v.shape == arranged.visible_mean(h).shape == shaped.shape
    same(flat.sample_visible(h.reshape(-1, 6), seed=5), v)
    same(flat.reconstruct(x), arranged.reconstruct(shaped))
    same(
        flat.joint_energy(x, h.reshape(-1, 6)), arranged.joint_energy(shaped, h)
    )
    options = {"chains": 5, "temperatures": 9}
    assert flat.log_partition("ais", **options) == arranged.log_partition(
        "ais", **options
    )


@pytest.mark.parametrize("name", LAYERS)
def test_shapes_are_saved_and_exported(name, digits, pair, tmp_path):
    flat, arranged, x, shaped = pair(name, digits)
    arranged.save(tmp_path / "rbm.keras")
    loaded = keras.models.load_model(tmp_path / "rbm.keras")
    assert loaded.event_shape == shaped.shape[1:]
    same(flat.sample(5, seed=3, steps=4), loaded.sample(5, seed=3, steps=4))
    arranged.log_partition()
    arranged.export(tmp_path / "served")
    served = gz.load_exported(tmp_path / "served")
    x = shaped[:4]
    for endpoint in ("energy", "log_prob", "hidden_mean"):
        np.testing.assert_allclose(
            getattr(served, endpoint)(x),
            getattr(arranged, endpoint)(x),
            rtol=1e-5,
        )
    options = {"seed": 3, "steps": 4}
    np.testing.assert_array_equal(
        served.sample(5, **options), arranged.sample(5, **options)
    )
    np.testing.assert_array_equal(
        served.gibbs(x, **options), arranged.sample(4, start=x, **options)
    )


def test_a_sweep_of_pixels_is_written_in_their_shape(digits, pair, tmp_path):
    flat, arranged, x, shaped = pair("pixels", digits)
    sweeps = [rbm.portable_endpoints()["gibbs"][0] for rbm in (flat, arranged)]
    rng = np.random.default_rng(0)
    uniform = [tf.constant(rng.random((4, n)), tf.float32) for n in (6, 64)]
    found = sweeps[1](tf.constant(shaped[:4], tf.float32), *uniform)
    assert found.shape == (4, 8, 8)
    same(sweeps[0](tf.constant(x[:4], tf.float32), *uniform), found)


def test_a_bad_shape_is_named(digits):
    rbm = gz.RBM(gz.units.Bernoulli((8, 8)), gz.units.Bernoulli(4))
    with pytest.raises(ValueError, match=r"shape \(n, 8, 8\); received"):
        rbm.energy(digits[0])
    with pytest.raises(ValueError, match="joint_energy: h: x must have shape"):
        rbm.joint_energy(digits[0].reshape(-1, 8, 8), np.zeros((4, 5)))
    with pytest.raises(ValueError, match="3 visible and 4 hidden states"):
        rbm.joint_energy(np.zeros((3, 8, 8)), np.zeros((4, 4)))


def test_a_model_says_its_sizes():
    rbm = gz.RBM(gz.units.Bernoulli((8, 8)), gz.units.Spin(4))
    assert repr(rbm) == "<RBM: (8, 8) Bernoulli x 4 Spin units>"
