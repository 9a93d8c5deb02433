"""What holds a kernel or draws weights: masks, constraints, targets."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

import genzoo as gz
from genzoo.models.rbm import local_mask
from genzoo.runtime import random

MASK = np.array(
    [[1, 0, 1], [1, 0, 0], [0, 1, 0], [0, 1, 1], [0, 0, 1], [1, 1, 1]]
)


def data(n=200, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 2, (n, 6))
    x[:, 1] = np.where(rng.random(n) < 0.9, x[:, 0], 1 - x[:, 0])
    x[:, 3] = x[:, 2]
    x[:, 5] = rng.random(n) < 0.15
    return x.astype("float32")


def make(optimizer=None, loss="auto", hidden=None, seed=1, **options):
    hidden = gz.units.Bernoulli(3) if hidden is None else hidden
    rbm = gz.RBM(gz.units.Bernoulli(6), hidden, seed=seed, **options)
    rbm.compile(optimizer=optimizer, loss=loss)
    return rbm


@pytest.mark.parametrize(
    "optimizer",
    [
        None,
        lambda: keras.optimizers.Adam(0.05, use_ema=True, ema_momentum=0.5),
        lambda: keras.optimizers.SGD(0.1, momentum=0.9, weight_decay=0.1),
    ],
    ids=["falling", "adam", "momentum"],
)
def test_masked_weights_are_zero_from_start_to_file(optimizer, tmp_path):
    rbm = make(optimizer and optimizer(), kernel_mask=MASK)
    assert (rbm.kernel.numpy()[MASK == 0] == 0).all()
    assert (rbm.kernel.numpy()[MASK == 1] != 0).all()
    rbm.adapt(data())
    assert (rbm.kernel.numpy()[MASK == 0] == 0).all()
    start = rbm.kernel.numpy()
    rbm.fit(data(), epochs=2, batch_size=20, verbose=0)
    kernel = rbm.kernel.numpy()
    assert (kernel[MASK == 0] == 0).all()
    assert (kernel[MASK == 1] != start[MASK == 1]).all()
    rbm.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    rbm.save_to_preset(tmp_path / "preset")
    preset = gz.from_preset(tmp_path / "preset")
    clone = keras.models.clone_model(rbm)
    for other in (again, preset, clone):
        np.testing.assert_array_equal(other.kernel_mask, MASK == 1)
        assert (other.kernel.numpy()[MASK == 0] == 0).all()
    np.testing.assert_array_equal(preset.kernel, kernel)
    # and training goes on, equally
    rbm.fit(data(), batch_size=20, verbose=0)
    again.fit(data(), batch_size=20, verbose=0)
    np.testing.assert_array_equal(rbm.kernel, again.kernel)
    assert (again.kernel.numpy()[MASK == 0] == 0).all()


def likelihood_gradients(rbm, x):
    """Plain gradients of mean log p by each weight, by differences."""
    found = []
    for weight in rbm.parameters:
        value = weight.numpy()
        gradient = np.zeros_like(value)
        for place in np.ndindex(*value.shape):
            ends = []
            for sign in (1, -1):
                moved = value.copy()
                moved[place] += sign * 1e-4
                weight.assign(moved)
                ends.append(rbm.log_prob(x).mean())
            gradient[place] = (ends[0] - ends[1]) / 2e-4
        weight.assign(value)
        found.append(gradient)
    return found


@pytest.mark.parametrize("rule", ["sgd", "adam"])
def test_training_ends_at_the_maximum_of_the_held_likelihood(rule):
    # Centring must not draw the biases away where weights are held.
    x = data(60).astype("float64")
    rate = {"sgd": keras.optimizers.SGD, "adam": keras.optimizers.Adam}[rule]
    decay = keras.optimizers.schedules.CosineDecay(
        {"sgd": 0.5, "adam": 0.05}[rule], 1500
    )
    constraint = keras.constraints.MaxNorm(0.8, axis=0)
    rbm = gz.RBM(
        gz.units.Bernoulli(6, dtype="float64"),
        gz.units.Bernoulli(3, dtype="float64"),
        kernel_mask=MASK,
        kernel_constraint=constraint,
        seed=3,
        dtype="float64",
    )
    rbm.compile(
        rate(decay),
        loss="exact_likelihood",
        steps_per_execution=100,
        watch=False,
    )
    # One batch of all rows, again and again.
    rbm.fit(tf.data.Dataset.from_tensors(x).repeat(1500), verbose=0)
    kernel, visible, hidden = likelihood_gradients(rbm, x)
    assert np.abs(visible).max() < 2e-4
    assert np.abs(hidden).max() < 2e-4
    w = rbm.kernel.numpy()
    norms = np.linalg.norm(w, axis=0)
    assert (w[MASK == 0] == 0).all()
    assert (norms < 0.8 + 1e-5).all()
    if rule == "adam":
        return  # Adam's steps are longer than gradients in some directions.
    # Where the constraint binds, the gradient points along the weights.
    rest = kernel * MASK
    along = (rest * w).sum(axis=0) / norms**2
    assert (along > -1e-3).all()
    np.testing.assert_allclose(rest, along * w, atol=2e-3)
    assert np.abs(along).max() > 1e-3


def test_non_negative_kernels_stay_so_with_any_units():
    x = np.random.default_rng(0).gamma(2.0, 1.0, (100, 6))
    for optimizer in (None, "adam"):
        rbm = gz.RBM(
            gz.units.Gaussian(6),
            gz.units.Categorical(2, 3),
            kernel_constraint="non_neg",
            seed=0,
        )
        rbm.compile(optimizer)
        rbm.fit(x, epochs=2, verbose=0)
        assert (rbm.kernel.numpy() >= 0).all()
        assert rbm.kernel.numpy().max() > 0


def test_local_masks_are_the_patches_of_a_convolution():
    mask = local_mask((5, 7), field=(2, 3), stride=(1, 2), hidden=2)
    assert mask.shape == (35, 4 * 3 * 2)
    column = 0
    for row in range(4):
        for place in range(0, 5, 2):
            image = np.zeros((5, 7))
            image[row : row + 2, place : place + 3] = 1
            for _ in range(2):
                np.testing.assert_array_equal(mask[:, column], image.ravel())
                column += 1
    np.testing.assert_array_equal(local_mask(4, 4), np.ones((4, 1)))
    assert local_mask((3, 3, 2), field=(2, 2, 2)).shape == (18, 4)
    with pytest.raises(ValueError, match="field must fit"):
        local_mask((3, 3), 4)
    with pytest.raises(ValueError, match="stride must be"):
        local_mask((3, 3), 2, 0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kernel_mask": MASK.T}, r"must have shape \(6, 3\).*\(3, 6\)"),
        ({"kernel_mask": MASK + 1}, "of 0 and 1"),
        ({"kernel_mask": np.ones(6)}, "an array .visible.width"),
        ({"kernel_mask": "6x3:AA"}, "kernel_mask must be"),
        ({"kernel_mask": "many"}, "kernel_mask must be"),
        ({"sparsity": 1.5}, "target between the ends of Bernoulli units"),
        ({"sparsity": "l2"}, "sparsity must be a genzoo.regularizers"),
        ({"bias_regularizer": ["l2"] * 3}, "one regularizer or a pair"),
        ({"kernel_constraint": 3}, "constraint"),
    ],
)
def test_what_holds_nothing_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        make(**options)


def test_a_target_of_sparsity_is_met():
    x = data(400)
    means = {}
    for target in (None, 0.1, gz.regularizers.Sparsity(0.1, weight=30.0)):
        rbm = make(sparsity=target, loss="exact_likelihood")
        rbm.fit(x, epochs=8, batch_size=10, verbose=0)
        means[rbm.sparsity and rbm.sparsity.weight] = rbm.hidden_mean(x).mean(0)
    far = {key: np.abs(mean - 0.1).max() for key, mean in means.items()}
    assert far[1.0] < 0.6 * far[None]
    assert far[30.0] < 0.03


def test_sparsity_is_the_stated_gradient_of_hidden_biases():
    # One step of one batch: biases differ by that alone.
    x = data(50)
    moved = []
    for target in (None, gz.regularizers.Sparsity(0.2, 3.0)):
        rbm = make(keras.optimizers.SGD(0.1), "exact_likelihood", seed=4)
        if target is not None:
            rbm = make(
                keras.optimizers.SGD(0.1),
                "exact_likelihood",
                seed=4,
                sparsity=target,
            )
        rbm.adapt(x)
        q = rbm.hidden_mean(x).mean(axis=0)
        rbm.fit(x, batch_size=50, verbose=0)
        moved.append([w.numpy() for w in rbm.parameters])
    plain, sparse = moved
    np.testing.assert_array_equal(plain[0], sparse[0])
    np.testing.assert_array_equal(plain[1], sparse[1])
    np.testing.assert_allclose(
        sparse[2] - plain[2], -0.1 * 3 * (q - 0.2), atol=1e-6
    )


def test_regularizers_of_biases_are_their_gradients():
    pair = [None, keras.regularizers.L2(0.5)]
    rbm = make(bias_regularizer=pair)
    rbm.adapt(data())
    kernel, visible, hidden = rbm._penalty_gradients()
    assert kernel is visible is None
    np.testing.assert_allclose(hidden, rbm.hidden.bias.numpy(), rtol=1e-6)
    both = make(bias_regularizer="l2")
    assert both.visible.bias.regularizer.l2 == pytest.approx(0.01)
    with pytest.raises(ValueError, match="bias_regularizer must be one of"):
        make(bias_regularizer=abs).preset_config()


def test_configurations_hold_all_of_it():
    rbm = make(
        kernel_mask=MASK,
        kernel_constraint=keras.constraints.MaxNorm(2.0),
        bias_regularizer=[None, "l1"],
        sparsity=gz.regularizers.Sparsity(0.3, 2.0),
    )
    config = json.loads(json.dumps(rbm.get_config()))
    again = gz.RBM.from_config(config)
    assert again.get_config() == rbm.get_config()
    assert again.kernel_constraint.max_value == 2
    assert again.sparsity.weight == 2


def test_presets_hold_what_keras_has_and_no_code(tmp_path):
    class Own(keras.constraints.MaxNorm):
        pass

    class Halved(keras.regularizers.L2):
        pass

    held = {
        "kernel_constraint": keras.constraints.MinMaxNorm(0, 1, 0.5, axis=[0]),
        "bias_regularizer": [None, keras.regularizers.L1L2(0.1, 0.2)],
    }
    rbm = make(**held)
    rbm.adapt(data())
    rbm.save_to_preset(tmp_path)
    again = gz.from_preset(tmp_path)
    for name, of in (
        ("kernel_constraint", lambda rbm: rbm.kernel_constraint),
        ("bias_regularizer", lambda rbm: rbm.bias_regularizer[1]),
    ):
        assert of(again).get_config() == of(rbm).get_config(), name
    assert again.hidden.bias.regularizer is again.bias_regularizer[1]
    for name, value in (
        ("kernel_constraint", Own(2.0)),
        ("kernel_constraint", abs),
        ("kernel_regularizer", Halved(0.1)),
        ("bias_regularizer", [None, abs]),
    ):
        rbm = make(**{name: value})
        rbm.adapt(data())
        with pytest.raises(ValueError, match=f"{name} must be one of Keras's"):
            rbm.save_to_preset(tmp_path / "not")
    assert not (tmp_path / "not").exists()


def test_a_start_that_was_given_is_not_masked_in_secret():
    kernel = np.arange(18.0).reshape(6, 3)
    rbm = gz.RBM.from_weights(kernel * MASK, kernel_mask=MASK)
    np.testing.assert_array_equal(rbm.kernel, kernel * MASK)
    with pytest.raises(ValueError, match="kernel must be 0 where"):
        gz.RBM.from_weights(kernel, kernel_mask=MASK)


def test_draws_of_a_masked_machine_are_its_distribution():
    rbm = gz.RBM.from_weights(
        np.random.default_rng(0).normal(size=(6, 3)) * 2 * MASK,
        kernel_mask=MASK,
    )
    x = rbm.sample(4000, seed=random.as_seed(2))
    bits = np.array(list(np.ndindex(*[2] * 6)))
    p = np.exp(rbm.log_prob(bits).astype(float))
    np.testing.assert_allclose(p.sum(), 1, rtol=1e-5)
    np.testing.assert_allclose(
        x.mean(axis=0), p @ bits, atol=5 * 0.5 / 4000**0.5
    )
