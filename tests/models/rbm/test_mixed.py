"""Layers of several kinds of units, against sums over all states in NumPy."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from all_states import (
    DTYPE,
    check_gradients,
    log_likelihood,
    logsumexp,
    make,
    states_of,
    table,
)

import genzoo as gz
from genzoo.runtime import random

U = gz.units
# Layers that sums can be made over: pairs and triples of all kinds, blocks of
# one unit, blocks in a shape, one kind twice, and lists of one.
LAYERS = {
    "shapes": (
        lambda: [U.Bernoulli((2, 2), **DTYPE), U.Categorical(1, 3, **DTYPE)],
        lambda: {"up": U.Spin(2, **DTYPE), "on": U.Bernoulli(1, **DTYPE)},
    ),
    "real and discrete": (
        lambda: [
            U.Gaussian(1, **DTYPE),
            U.Categorical(1, 3, **DTYPE),
            U.Spin(1, **DTYPE),
        ],
        lambda: [U.Bernoulli(2, **DTYPE), U.Categorical((1,), 3, **DTYPE)],
    ),
    "one kind twice": (
        lambda: (U.Bernoulli(2, **DTYPE), U.Bernoulli(1, **DTYPE)),
        lambda: [U.ReLU(1, **DTYPE), U.Gaussian(1, **DTYPE)],
    ),
    "lists of one": (
        lambda: [U.Categorical(2, 3, **DTYPE)],
        lambda: [U.Gaussian(1, **DTYPE)],
    ),
    "both real": (
        lambda: [U.ReLU(1, **DTYPE), U.Gaussian(1, variance=2.0, **DTYPE)],
        lambda: [U.Spin(2, **DTYPE), U.Bernoulli(1, **DTYPE)],
    ),
}
DISCRETE = [
    name for name in LAYERS if name not in ("real and discrete", "both real")
]
every_pair = pytest.mark.parametrize("name", LAYERS)


@every_pair
def test_log_z_probabilities_and_gradients_are_those_of_all_states(name):
    rbm = make(name, LAYERS)
    x, chosen = states_of(rbm, 30)
    log_z = rbm.log_partition("enumeration").value
    assert log_z == pytest.approx(table(rbm)[2], abs=1e-8)
    assert rbm.log_prob(x).mean() == pytest.approx(
        log_likelihood(rbm, chosen), abs=1e-8
    )
    rbm.offsets.centered = False
    loss, found = rbm.rules.exact_gradients(tf.constant(x))
    assert float(loss) == pytest.approx(-log_likelihood(rbm, chosen), abs=1e-8)
    check_gradients(rbm, found, lambda: -log_likelihood(rbm, chosen))


@pytest.mark.parametrize("name", DISCRETE)
def test_pseudolikelihood_is_that_of_all_states(name):
    rbm = make(name, LAYERS)
    rbm.offsets.centered = False
    x, _ = states_of(rbm, 5)

    def score():
        v, log_p, _ = table(rbm)
        total = 0.0
        for row in x:
            start = 0
            for unit in rbm.visible.blocks():
                depth = unit.width // unit.size
                for site in range(unit.size):
                    rest = np.ones(rbm.visible.width, bool)
                    rest[start + site * depth : start + (site + 1) * depth] = 0
                    same = (v[:, rest] == row[rest]).all(axis=1)
                    own = (v == row).all(axis=1)
                    total += log_p[own][0] - logsumexp(log_p[same])
                start += unit.width
        return total / len(x)

    assert rbm.log_pseudolikelihood(x).mean() == pytest.approx(
        score(), abs=1e-8
    )
    seed = random.as_seed(0)
    loss, found = rbm.rules.pseudolikelihood_gradients(
        tf.constant(x), None, seed
    )
    assert float(loss) == pytest.approx(-score(), abs=1e-8)
    check_gradients(rbm, found, lambda: -score())


@pytest.mark.parametrize(
    ("name", "temperature"),
    [("shapes", 1.0), ("real and discrete", 1.7), ("both real", 1.7)],
)
def test_sweeps_jumps_and_exact_draws_have_the_means_of_all_states(
    name, temperature
):
    rbm = make(name, LAYERS)
    v, log_p, _ = table(rbm, 1 / temperature)
    p = np.exp(log_p)
    mean, n = p @ v, 4000
    spread = np.sqrt(p @ v**2 - mean**2)
    machine, beta = rbm._machine, 1 / temperature

    @tf.function
    def draw():
        seeds = random.split(random.as_seed(5), 6)
        layers = machine.layers(beta)
        h = layers.exact_hidden(n, seeds[0])
        exact = layers.visible.sample(layers.visible_field(h), seeds[1])
        h = machine.jump(h, seeds[2], beta=beta)
        jumped = layers.visible.sample(layers.visible_field(h), seeds[3])
        far = machine.opposite(machine.fresh(n, seeds[4]))
        walked = machine.walk(far, seeds[5], 30, beta)
        return {"exact": exact, "jumps": jumped, "sweeps": walked}

    for method, x in draw().items():
        error = np.abs(x.numpy().mean(axis=0) - mean) / (spread / np.sqrt(n))
        assert error.max() < 4.5, method


def test_annealing_finds_log_z_of_mixed_layers():
    rbm = make("real and discrete", LAYERS)
    exact = rbm.log_partition("enumeration").value
    found = rbm.log_partition("ais", chains=200, temperatures=200)
    assert abs(found.value - exact) < 4 * found.stderr + 0.01


def test_centred_gradients_are_those_of_one_layer_written_out():
    rbm = make("real and discrete", LAYERS)
    x, _ = states_of(rbm, 30)
    rng = np.random.default_rng(1)
    c, d = (rng.random(w) for w in rbm.kernel.shape)
    rbm.offsets.visible.assign(c)
    rbm.offsets.hidden.assign(d)
    rbm.offsets.centered = False
    _, plain = rbm.rules.exact_gradients(tf.constant(x))
    rbm.offsets.centered = True
    rbm.offsets.hidden.assign(d)
    _, found = rbm.rules.exact_gradients(tf.constant(x))
    names = [weight.path.split("/")[-2:] for weight in rbm.parameters]
    own = len(rbm.visible.parameters)
    linear = [i for i, n in enumerate(names) if n[-1] == "bias"]
    plain, found = ([g.numpy() for g in each] for each in (plain, found))
    sides = [
        np.concatenate([plain[i] for i in linear if (i <= own) == is_visible])
        for is_visible in (True, False)
    ]
    kernel = plain[0] - np.outer(c, sides[1]) - np.outer(sides[0], d)
    np.testing.assert_allclose(found[0], kernel, atol=1e-10)
    shifted = np.concatenate([sides[0] - kernel @ d, sides[1] - kernel.T @ c])
    given = np.concatenate([found[i] for i in linear])
    np.testing.assert_allclose(given, shifted, atol=1e-10)
    # What is not linear stays.
    (other,) = [i for i in range(1, len(names)) if i not in linear]
    np.testing.assert_allclose(found[other], plain[other], atol=1e-12)


def columns(n=120):
    """Columns of a table: kinds of pixels, of a class, and of wide numbers."""
    rng = np.random.default_rng(2)
    label = rng.integers(0, 3, n)
    pixels = (rng.random((n, 2, 2)) < (0.2 + 0.3 * label)[:, None, None]) * 1
    size = 5e5 + 1e4 * (label + rng.standard_normal(n))
    return {"pixels": pixels, "label": label, "size": size}


def of_table(loss="auto", seed=0, hidden=3):
    rbm = gz.RBM(
        {
            "pixels": U.Bernoulli((2, 2)),
            "label": U.Categorical(1, 3),
            "size": U.Gaussian(1),
        },
        U.Bernoulli(hidden),
        seed=seed,
    )
    rbm.compile(loss=loss)
    return rbm


def test_blocks_come_in_all_forms():
    data = columns()
    rbm = of_table()
    rbm.fit(data, epochs=3, verbose=0)
    whole = rbm.visible.join(data)
    parts = rbm.visible.split(whole)
    assert whole.shape == (120, 8)
    np.testing.assert_array_equal(parts["pixels"], data["pixels"])
    np.testing.assert_array_equal(parts["label"].argmax(axis=1), data["label"])
    expected = rbm.log_prob(data)
    # Far from zero nothing is rounded, and the block has its own scale.
    assert np.ptp(expected) > 0.5
    assert float(rbm.visible.units[2].scale.numpy()[0]) == pytest.approx(
        data["size"].std(), rel=1e-3
    )
    forms = {
        "one array": whole,
        "tuple": tuple(data.values()),
        "list": list(data.values()),
        "one-hot": {**data, "label": parts["label"]},
    }
    for form, x in forms.items():
        np.testing.assert_array_equal(rbm.log_prob(x), expected, err_msg=form)
    loss = -expected.mean()
    dataset = tf.data.Dataset.from_tensor_slices
    weight = np.ones(120, "float32")
    for x in (
        dataset(tuple(data.values())).batch(60),
        dataset((data, weight)).batch(60),
        (tuple(data.values()), None, weight),
    ):
        found = rbm.evaluate(x, verbose=0)
        assert found == pytest.approx(loss, abs=2e-3)
    logs = rbm.fit(
        dataset(data).batch(60), validation_data=data, verbose=0
    ).history
    assert np.isfinite(logs["val_loss"]).all()
    assert rbm.predict(data, verbose=0).shape == (120,)
    assert np.isfinite(rbm.train_on_batch(data))


def test_errors_name_the_block():
    data = columns()
    rbm = of_table()
    before = rbm.kernel.numpy()
    with pytest.raises(ValueError, match=r"block 'pixels': .*take \(x \+ 1\)"):
        rbm.fit({**data, "pixels": 2 * data["pixels"] - 1})
    with pytest.raises(ValueError, match=r"missing \['size'\], not known \['s"):
        rbm.fit({**{k: data[k] for k in ("pixels", "label")}, "siz": 1})
    with pytest.raises(ValueError, match="'label'.*from 0 to 2; found \\[3\\]"):
        rbm.fit({**data, "label": data["label"] + 1})
    with pytest.raises(ValueError, match="'size' has 7"):
        rbm.energy({**data, "size": data["size"][:7]})
    with pytest.raises(ValueError, match=r"'pixels'.*x\.reshape\(-1, 2, 2\)"):
        rbm.evaluate({**data, "pixels": data["pixels"].reshape(-1, 4)})
    whole = rbm.visible.join(data)
    whole[3, 7] = np.nan
    with pytest.raises(ValueError, match="block 'size'.*NaN"):
        rbm.fit(whole)
    np.testing.assert_array_equal(rbm.kernel.numpy(), before)
    real = U.Gaussian(2)
    with pytest.raises(ValueError, match="Gaussian visible with ReLU hidden"):
        gz.RBM([U.Bernoulli(2), real], [U.Spin(1), U.ReLU(1)])
    with pytest.raises(ValueError, match="would be shared"):
        gz.RBM([real, real], U.Bernoulli(2))
    with pytest.raises(ValueError, match="different names"):
        gz.RBM([U.Spin(1, name="a"), U.Spin(2, name="a")], U.Bernoulli(2))
    # What was refused can be used.
    gz.RBM([U.Bernoulli(2), real], [U.Spin(1), U.Categorical(1, 2)])
    with pytest.raises(ValueError, match="belongs to another model"):
        gz.RBM([real], U.Bernoulli(2))


@pytest.mark.parametrize("loss", ["cd", "pcd", "exact_likelihood"])
def test_every_rule_learns_a_table(loss):
    data = columns()
    rbm = of_table(loss)
    rbm.adapt(data)
    before = rbm.log_prob(data).mean()
    rbm.fit(data, epochs=8, verbose=0)
    assert rbm.log_prob(data).mean() > before + 0.3


def test_saved_loaded_and_served(tmp_path):
    data = columns()
    rbm = of_table(gz.losses.PersistentContrastiveDivergence(chains=16))
    rbm.fit(data, verbose=0)
    expected, drawn = rbm.log_prob(data), rbm.sample(6, seed=1)
    rbm.save(tmp_path / "model.keras")
    rbm.save_to_preset(tmp_path / "preset")
    rbm.export(tmp_path / "served")
    for again in (
        keras.models.load_model(tmp_path / "model.keras"),
        gz.from_preset(tmp_path / "preset"),
    ):
        np.testing.assert_array_equal(again.log_prob(data), expected)
        np.testing.assert_array_equal(again.sample(6, seed=1), drawn)
        assert again.visible.names == ["pixels", "label", "size"]
    rbm.fit(data, verbose=0)
    again = keras.models.load_model(tmp_path / "model.keras")
    again.fit(data, verbose=0)
    np.testing.assert_array_equal(again.kernel.numpy(), rbm.kernel.numpy())
    served = gz.load_exported(tmp_path / "served")
    x = rbm.visible.join(data)[:5]
    np.testing.assert_allclose(
        served.log_prob(tf.constant(x, tf.float32)), expected[:5], atol=0.1
    )
    np.testing.assert_allclose(served.sample(6, [1, 0], 10), drawn, rtol=1e-6)
    assert np.asarray(
        served.gibbs(tf.constant(x, tf.float32), [1, 0], 2)
    ).shape == (5, 8)


def test_names_come_from_the_user_or_from_the_kind():
    layer = U.Mixed([U.Spin(1), U.Spin(2, name="field"), U.Spin(1), U.ReLU(1)])
    assert layer.names == ["spin", "field", "spin_1", "relu"]
    assert U.Mixed.from_config(layer.get_config()).names == layer.names
