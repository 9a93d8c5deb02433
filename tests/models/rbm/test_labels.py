"""Labels among the visible units, against sums over all states in NumPy."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from all_states import DTYPE, check_gradients, logsumexp, make, states_of, table

import genzoo as gz

U = gz.units
# One label, several binary ones, and labels beside blocks of other kinds.
LABELLED = {
    "label": (
        lambda: [U.Bernoulli(3, **DTYPE), U.Categorical(1, 3, **DTYPE)],
        lambda: [U.Bernoulli(2, **DTYPE), U.Gaussian(1, **DTYPE)],
    ),
    "binary labels of real numbers": (
        lambda: [
            U.Gaussian(1, **DTYPE),
            U.Spin(1, **DTYPE),
            U.Bernoulli(2, **DTYPE),
        ],
        lambda: [U.Bernoulli(2, **DTYPE), U.Categorical(1, 3, **DTYPE)],
    ),
    "two labels in a shape": (
        lambda: [U.Spin((2, 1), **DTYPE), U.Categorical((2,), 2, **DTYPE)],
        lambda: U.ReLU(1, **DTYPE),
    ),
}
every_kind = pytest.mark.parametrize("name", LABELLED)


def conditionals(rbm, x, width):
    """log p(y | x) of rows (x, y), from the table of all states."""
    v, log_p, _ = table(rbm)
    found = []
    for row in x:
        same = (v[:, :width] == row[:width]).all(axis=1)
        own = (v == row).all(axis=1)
        found.append(log_p[own][0] - logsumexp(log_p[same]))
    return np.array(found)


def width_of(rbm):
    return rbm.visible.width - rbm.visible.units[-1].width


@every_kind
def test_labels_have_the_probabilities_of_all_states(name):
    rbm = make(name, LABELLED)
    x, _ = states_of(rbm, 8)
    width = width_of(rbm)
    alone = x[:, :width]
    if len(rbm.visible.units) == 2:
        alone = alone.reshape(-1, *rbm.visible.units[0].space.event_shape)
    v, log_p, _ = table(rbm)
    proba, best = rbm.predict_proba(alone), rbm.classify(alone)
    for row, of_row, label in zip(x, proba, best, strict=True):
        same = (v[:, :width] == row[:width]).all(axis=1)
        p = np.exp(log_p[same] - logsumexp(log_p[same]))
        states = v[same, width:]
        np.testing.assert_allclose(of_row.ravel(), p @ states, atol=1e-8)
        most = states[p.argmax()]
        found = np.ravel(label)
        if isinstance(rbm.visible.units[-1], U.Categorical):
            found = np.eye(len(most) // found.size)[found].ravel()
        np.testing.assert_array_equal(found, most)


@every_kind
def test_the_rule_is_the_conditional_likelihood(name):
    rbm = make(name, LABELLED)
    rbm.offsets.centered = False
    x, _ = states_of(rbm, 12)
    weight = np.linspace(0.5, 1.5, 12)
    for own in (None, weight):
        given = tf.constant(x)
        if own is not None:
            given = gz.runtime.batch.Batch(given, tf.constant(own))

        def loss(own=own):
            log_p = conditionals(rbm, x, width_of(rbm))
            return -np.average(log_p, weights=own)

        found, slopes = rbm.rules.label_gradients(given)
        assert float(found.loss) == pytest.approx(loss(), abs=1e-8)
        energy = np.average(rbm.energy(x), weights=own)
        assert float(found.energy) == pytest.approx(energy, abs=1e-8)
        check_gradients(rbm, slopes, loss)


def clusters(n=240):
    """Bits about one of three patterns, and which it was."""
    rng = np.random.default_rng(4)
    y = rng.integers(0, 3, n)
    bits = rng.random((n, 9)) < 0.1 + 0.6 * (np.arange(9) % 3 == y[:, None])
    return bits.astype("uint8"), y


def labelled(loss, **options):
    rbm = gz.RBM([U.Bernoulli(9), U.Categorical(1, 3)], U.Bernoulli(6), seed=0)
    rbm.compile("adam" if loss == "pcd" else None, loss, **options)
    return rbm


@pytest.mark.parametrize(
    "loss",
    [
        "discriminative",
        gz.losses.Hybrid(0.1, "exact_likelihood"),
        gz.losses.Hybrid(0.1),
    ],
    ids=["discriminative", "hybrid exact", "hybrid"],
)
def test_rules_of_labels_learn_and_log(loss):
    x, y = clusters()
    rbm = labelled(loss)
    logs = rbm.fit(
        (x, y), None, 30, epochs=8, validation_data=(x, y), verbose=0
    ).history
    accuracy = np.mean(rbm.classify(x) == y)
    assert accuracy > 0.9
    assert logs["val_accuracy"][-1] == pytest.approx(accuracy, abs=1e-6)
    p = rbm.predict_proba(x)[np.arange(len(x)), y]
    loss = logs["val_discriminative_loss"][-1]
    assert loss == pytest.approx(-np.log(p).mean(), abs=1e-5)
    found = rbm.evaluate(x, y, verbose=0, return_dict=True)
    assert found["accuracy"] == pytest.approx(accuracy, abs=1e-6)
    assert set(found) == set(rbm.metrics_names)
    assert found["loss"] == pytest.approx(
        -rbm.log_prob((x, y)).mean(), abs=1e-4
    )


def test_examples_and_labels_come_in_all_forms(tmp_path):
    x, y = clusters()
    hot = np.eye(3)[y]
    weight = np.ones(len(x), "float32")
    dataset = tf.data.Dataset.from_tensor_slices
    runs = []
    for given in (
        ((x, y),),
        (x, y),
        (x, hot),
        ((x, y, weight),),
        ({"bernoulli": x}, y),
    ):
        rbm = labelled("discriminative", watch=False)
        rbm.fit(*given, batch_size=60, verbose=0)
        runs.append(rbm.kernel.numpy())
    for kernel in runs[1:]:
        np.testing.assert_allclose(kernel, runs[0], atol=1e-6)
    loss = rbm.evaluate(x, y, verbose=0)[0]
    for parts in ((x, y), (x, y, weight), ({"bernoulli": x}, y)):
        found = rbm.evaluate(dataset(parts).batch(60), verbose=0)
        assert found[0] == pytest.approx(loss, abs=1e-5)
    rbm.export(tmp_path / "served")
    served = gz.load_exported(tmp_path / "served")
    np.testing.assert_allclose(
        served.predict_proba(tf.constant(x, tf.float32)),
        rbm.predict_proba(x),
        atol=1e-6,
    )


def test_a_hybrid_rule_is_saved_and_resumes(tmp_path):
    x, y = clusters()
    rbm = labelled(gz.losses.Hybrid(0.2, "cd"), watch=False)
    rbm.fit(x, y, verbose=0)
    rbm.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert again.loss.generative_weight == 0.2
    assert isinstance(again.loss.generative, gz.losses.ContrastiveDivergence)
    np.testing.assert_array_equal(again.predict_proba(x), rbm.predict_proba(x))
    for model in (rbm, again):
        model.fit(x, y, verbose=0)
    np.testing.assert_array_equal(again.kernel.numpy(), rbm.kernel.numpy())


def test_errors_say_what_labels_must_be():
    x, y = clusters(40)
    rbm = labelled("pcd")
    with pytest.raises(ValueError, match=r"from 0 to 2; found \[3\]"):
        rbm.fit(x, y + 1)
    with pytest.raises(ValueError, match="x has 40 rows, and y has 5"):
        rbm.fit(x, y[:5])
    with pytest.raises(ValueError, match="has not seen data"):
        rbm.predict_proba(x)
    alone = gz.RBM(U.Bernoulli(9), U.Bernoulli(2))
    with pytest.raises(ValueError, match=r"Hybrid: .*\[Bernoulli\(784\), Cat"):
        alone.compile(loss="hybrid")
    real = gz.RBM([U.Bernoulli(9), U.Gaussian(1)], U.Bernoulli(2))
    with pytest.raises(ValueError, match="Gaussian units have no finite"):
        real.compile(loss="discriminative")
    with pytest.raises(ValueError, match="predict_proba: needs labels"):
        real.predict_proba(x)
    with pytest.raises(ValueError, match="generative_weight must be"):
        gz.losses.Hybrid(-1.0)
