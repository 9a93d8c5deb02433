"""RBMs that are given a condition, against enumeration in NumPy."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

import genzoo as gz
from genzoo.runtime import batch, random

U = gz.units
SAMPLES = 4000


def _logsumexp(x, axis=None):
    most = x.max(axis=axis, keepdims=True)
    found = np.log(np.exp(x - most).sum(axis=axis, keepdims=True)) + most
    return np.squeeze(found, axis=axis)


def _bits(n):
    return np.array(list(itertools.product([0.0, 1.0], repeat=n)))


def _hot(n):
    return np.eye(n)


# Units, with all that they may be; spins, bits and a category side by side.
LAYERS = {
    "bits": (lambda: U.Bernoulli(4, dtype="float64"), _bits(4)),
    "category": (lambda: U.Categorical(1, 5, dtype="float64"), _hot(5)),
    "mixed": (
        lambda: [
            U.Spin(2, dtype="float64"),
            U.Categorical(1, 3, dtype="float64"),
        ],
        np.array(
            [
                [*spins, *state]
                for spins in 2 * _bits(2) - 1
                for state in _hot(3)
            ]
        ),
    ),
}
# Conditions as a user gives them, with their states.
GIVEN = {
    "labels": (
        lambda: U.Categorical(1, 3, dtype="float64"),
        np.array([2, 0, 1]),
        _hot(3)[[2, 0, 1]],
    ),
    "real": (
        lambda: 2,
        np.array([[0.5, -3.0], [0.0, 1.0], [2.0, 2.0]]),
        np.array([[0.5, -3.0], [0.0, 1.0], [2.0, 2.0]]),
    ),
    "blocks": (
        lambda: {
            "on": U.Bernoulli((2, 1), dtype="float64"),
            "kind": U.Categorical(2, 2, dtype="float64"),
        },
        {
            "on": np.array([[1, 0], [0, 0], [1, 1]])[..., None],
            "kind": np.array([[0, 1], [1, 1], [1, 0]]),
        },
        np.array([[1, 0, 1, 0, 0, 1], [0, 0, 0, 1, 0, 1], [1, 1, 0, 1, 1, 0]]),
    ),
}


def _machine(visible, condition, hidden=None, **options):
    hidden = hidden or U.Bernoulli(3, dtype="float64")
    rbm = gz.RBM(
        visible, hidden, condition=condition, dtype="float64", **options
    )
    rng = np.random.default_rng(0)
    for weight in rbm.parameters:
        weight.assign(0.8 * rng.standard_normal(weight.shape))
    return rbm


def _arrays(rbm):
    """W, a, b, A and B."""
    links = [weight.numpy() for weight in rbm.links.parameters]
    biases = [np.asarray(u.bias) for u in (rbm.visible, rbm.hidden)]
    return rbm.kernel.numpy(), *biases, *links


def _log_p(rbm, states, given):
    """log p of all states given each condition's state, (given, states)."""
    w, a, b, to_visible, to_hidden = _arrays(rbm)
    h = _bits(len(b))
    log_w = []
    for u in given:
        minus_energy = (
            (states @ (a + u @ to_visible))[:, None]
            + (h @ (b + u @ to_hidden))[None]
            + states @ w @ h.T
        )
        log_w.append(_logsumexp(minus_energy, axis=1))
    log_w = np.array(log_w)
    return log_w - _logsumexp(log_w, axis=1)[:, None]


def _some(condition, rows):
    if isinstance(condition, dict):
        return {name: value[rows] for name, value in condition.items()}
    return condition[rows]


@pytest.mark.parametrize(
    ("layer", "given"),
    [("bits", "real"), ("category", "blocks"), ("mixed", "labels")],
)
def test_densities_means_and_draws_are_those_of_enumeration(layer, given):
    make, states = LAYERS[layer]
    make_condition, condition, u = GIVEN[given]
    rbm = _machine(make(), make_condition())
    log_p = _log_p(rbm, states, u)
    each = np.repeat(np.arange(3), len(states))
    x = np.tile(states, (3, 1))
    own = _some(condition, each)
    np.testing.assert_allclose(
        rbm.log_prob(x, condition=own), log_p.ravel(), atol=1e-12
    )
    mean = np.exp(log_p) @ states
    found = rbm.conditional_mean(condition=condition)
    np.testing.assert_allclose(found.reshape(3, -1), mean, atol=1e-12)
    one = _some(condition, 1)
    np.testing.assert_allclose(
        rbm.log_prob(states, condition=one), log_p[1], atol=1e-12
    )
    # What is left of the last units, the first being known.
    mask = np.arange(states.shape[1]) < 2
    if layer == "bits":
        known = rbm.log_prob(x, mask, condition=own)
        alike = (x[:, None, :2] == states[None, :, :2]).all(axis=2)
        expected = np.log((alike * np.exp(log_p)[each]).sum(axis=1))
        np.testing.assert_allclose(known, expected, atol=1e-12)
    spread = np.sqrt(np.exp(log_p) @ states**2 - mean**2)
    for method in ("exact", "chains"):
        drawn = rbm.sample(SAMPLES, seed=1, method=method, condition=one)
        error = np.abs(drawn.reshape(SAMPLES, -1).mean(axis=0) - mean[1])
        limit = 4 * spread[1] / np.sqrt(SAMPLES)
        # Chains are resampled in groups: they are not all independent.
        assert (error <= (1 if method == "exact" else 2) * limit + 1e-9).all()
    rows = np.arange(SAMPLES) % 3
    drawn = rbm.sample(SAMPLES, seed=2, condition=_some(condition, rows))
    for number in range(3):
        own = drawn[rows == number].reshape(-1, states.shape[1])
        limit = 4.5 * spread[number] / np.sqrt(len(own)) + 1e-9
        assert (np.abs(own.mean(axis=0) - mean[number]) <= limit).all()


def test_real_units_given_real_inputs_are_a_mixture():
    rbm = _machine(U.Gaussian(2, dtype="float64"), 3)
    rbm.visible.log_precision.assign([0.3, -0.4])
    rbm.visible.center.assign([100.0, -2.0])
    rbm.visible.scale.assign([10.0, 0.5])
    block = rbm.condition.units[0]
    block.center.assign([1.0, 0.0, 2.0])
    block.scale.assign([2.0, 1.0, 5.0])
    rng = np.random.default_rng(1)
    c = rng.standard_normal((6, 3))
    x = [100, -2] + [10, 0.5] * rng.standard_normal((6, 2))
    w, a, b, to_visible, to_hidden = _arrays(rbm)
    precision = np.exp([0.3, -0.4])
    u = (c - [1, 0, 2]) / [2, 1, 5]
    v = (x - [100, -2]) / [10, 0.5]
    h = _bits(3)
    field = (a + u @ to_visible)[:, None] + (h @ w.T)[None]
    log_w = (h @ b)[None] + u @ to_hidden @ h.T
    log_w += 0.5 * (field**2 / precision + np.log(2 * np.pi / precision)).sum(2)
    log_w -= _logsumexp(log_w, axis=1)[:, None]
    each = -0.5 * precision * (v[:, None] - field / precision) ** 2
    each += 0.5 * np.log(precision / (2 * np.pi)) - np.log([10, 0.5])
    expected = _logsumexp(log_w + each.sum(axis=2), axis=1)
    np.testing.assert_allclose(
        rbm.log_prob(x, condition=c), expected, atol=1e-10
    )
    mean = (np.exp(log_w)[..., None] * field / precision).sum(axis=1)
    found = rbm.conditional_mean(condition=c)
    np.testing.assert_allclose(found, [100, -2] + [10, 0.5] * mean)


def test_without_direct_links_it_is_the_joint_model_given_the_condition():
    rbm = _machine(
        U.Bernoulli(4, dtype="float64"), U.Categorical(1, 3, dtype="float64")
    )
    rbm.links.to_visible.assign(0 * rbm.links.to_visible)
    w, a, b, _, to_hidden = _arrays(rbm)
    # The condition's own bias says nothing of the others.
    bias = np.concatenate([a, [0.7, -1.0, 0.2]])
    joint = gz.RBM.from_weights(
        np.concatenate([w, to_hidden]),
        bias,
        b,
        visible=[
            U.Bernoulli(4, dtype="float64"),
            U.Categorical(1, 3, dtype="float64"),
        ],
        dtype="float64",
    )
    x, c = np.tile(_bits(4), (3, 1)), np.repeat(np.arange(3), 16)
    both = np.concatenate([x, _hot(3)[c]], axis=1)
    given = np.arange(7) >= 4
    expected = joint.log_prob(both) - joint.log_prob(both, given)
    np.testing.assert_allclose(rbm.log_prob(x, condition=c), expected)
    np.testing.assert_allclose(
        rbm.conditional_mean(condition=c),
        joint.conditional_mean(both, given)[:, :4],
    )


def test_log_z_of_each_condition_is_annealed_where_there_is_no_sum():
    rbm = _machine(U.Bernoulli(4, dtype="float64"), 2)
    walks, x = rbm._completion._clamped("here"), np.zeros((2, 6))
    x[:, 4:] = [[0.5, -3.0], [2.0, 2.0]]
    seen = np.arange(6)[None] >= [[4], [4]]
    log_w = walks.log_weights(
        np.repeat(x, 200, axis=0),
        np.repeat(seen, 200, axis=0),
        random.as_seed(0),
        np.linspace(0, 1, 200),
    )
    found = log_w.numpy().reshape(2, -1)
    zero = np.zeros((2, 4))
    c = x[:, 4:]
    exact = -rbm.energy(zero, c) - rbm.log_prob(zero, condition=c)
    error = found.std(axis=1) / np.sqrt(200)
    assert (
        np.abs(_logsumexp(found, 1) - np.log(200) - exact) < 4 * error
    ).all()


def _gradients(rbm, rule, x):
    return [np.asarray(g) for g in rule(rbm.rules, x)[1]]


def _holds(rbm, gradients, value):
    """Whether they are those of a function, along two directions each."""
    rng = np.random.default_rng(4)
    for weight, gradient in zip(rbm.parameters, gradients, strict=True):
        at = weight.numpy()
        for _ in range(2):
            way = rng.standard_normal(at.shape)
            ends = []
            for step in (1e-5, -1e-5):
                weight.assign(at + step * way)
                ends.append(value())
            slope = (ends[0] - ends[1]) / 2e-5
            assert np.sum(gradient * way) == pytest.approx(slope, abs=1e-7)
        weight.assign(at)


def test_gradients_are_those_of_finite_differences_and_centred_ones_follow():
    rng = np.random.default_rng(3)
    visible = [U.Spin(2, dtype="float64"), U.Categorical(1, 3, dtype="float64")]
    rbm = _machine(visible, 2, centered=False)
    states = LAYERS["mixed"][1]
    x, c = states[rng.integers(0, 12, 8)], rng.standard_normal((8, 2))
    weight = np.array([1.0, 2, 0, 1, 1, 0.5, 1.5, 1])
    rows = batch.Batch(
        tf.constant(x), tf.constant(weight), None, tf.constant(c)
    )

    def mean(values):
        return float(np.mean(weight * values))

    plain = _gradients(rbm, lambda rules, x: rules.exact_gradients(x), rows)
    _holds(rbm, plain, lambda: -mean(rbm.log_prob(x, condition=c)))
    scores = _gradients(
        rbm,
        lambda rules, x: rules.pseudolikelihood_gradients(
            x, None, random.as_seed(0)
        ),
        rows,
    )
    _holds(rbm, scores, lambda: -mean(rbm.log_pseudolikelihood(x, condition=c)))
    # Some of the rows unknown, whole groups of them.
    seen = np.ones(x.shape, bool)
    seen[:3, 0] = seen[2:5, 2:] = seen[5, :] = False
    seen[5, 1] = True
    partial = rows._replace(seen=tf.constant(seen))
    known = _gradients(rbm, lambda rules, x: rules.exact_gradients(x), partial)
    _holds(rbm, known, lambda: -mean(rbm.log_prob(x, seen, condition=c)))
    # The energy of v, h and c less their means.
    centred = _machine(
        [U.Spin(2, dtype="float64"), U.Categorical(1, 3, dtype="float64")], 2
    )
    middle = 0.3 * rng.standard_normal(5), 0.3 * rng.random(3), [0.4, -0.7]
    for offset, value in zip(
        (centred.offsets.visible, centred.offsets.hidden, centred.links.mean),
        middle,
        strict=True,
    ):
        offset.assign(value)
    kernel, first, second, hidden, to_visible, to_hidden = plain
    of_v, (at_v, at_h, at_c) = np.concatenate([first, second]), middle
    kernel = kernel - np.outer(at_v, hidden) - np.outer(of_v, at_h)
    to_visible = to_visible - np.outer(at_c, of_v)
    to_hidden = to_hidden - np.outer(at_c, hidden)
    of_v = of_v - kernel @ at_h - to_visible.T @ at_c
    hidden = hidden - kernel.T @ at_v - to_hidden.T @ at_c
    expected = kernel, of_v[:2], of_v[2:], hidden, to_visible, to_hidden
    found = _gradients(centred, lambda rules, x: rules.exact_gradients(x), rows)
    for own, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(own, other, atol=1e-10)


def _table(rows=3000):
    """Examples of a planted table, their labels, and its entropy in nats."""
    rng = np.random.default_rng(5)
    p = rng.dirichlet(np.ones(8), size=4)
    c = rng.integers(0, 4, rows)
    number = (np.cumsum(p, axis=1)[c] < rng.random((rows, 1))).sum(axis=1)
    counts = np.zeros((4, 8))
    np.add.at(counts, (c, number), 1)
    share = counts / counts.sum(axis=1, keepdims=True)
    logs = np.log(np.maximum(share, 1e-300))
    return _bits(3)[number], c, -(counts * logs).sum() / rows


@pytest.mark.parametrize("loss", ["auto", "cd"])
def test_a_planted_table_is_learned_by_default(loss):
    x, c, entropy = _table(2000)
    rbm = gz.RBM(
        U.Bernoulli(3), U.Bernoulli(16), condition=U.Bernoulli(2), seed=0
    )
    rule = loss if loss == "auto" else gz.losses.ContrastiveDivergence(10)
    rbm.compile(loss=rule, steps_per_execution=25)
    c = np.stack([c // 2, c % 2], axis=1)
    history = rbm.fit(x, c, batch_size=20, epochs=20, verbose=0).history
    likelihood = rbm.log_prob(x, condition=c).mean()
    assert -likelihood - entropy < 0.05
    # What the log says is the likelihood, of weights that move little by now.
    assert abs(history["loss"][-1] + likelihood) < 0.01
    found = rbm.evaluate(x, c, verbose=0, return_dict=True)["loss"]
    assert found == pytest.approx(-likelihood, abs=1e-5)


def test_a_sequence_that_needs_two_frames_is_learned_and_goes_on():
    rng = np.random.default_rng(6)
    flips = rng.random((3000, 2)) < 0.03
    series = np.zeros((3000, 2), int)
    series[1] = 1
    for t in range(2, 3000):
        series[t] = series[t - 1] ^ series[t - 2] ^ flips[t]
    # What a user of Keras writes.
    frames = keras.utils.timeseries_dataset_from_array(
        series[:-1], series[2:], sequence_length=2, batch_size=30
    )
    rbm = gz.RBM(
        U.Bernoulli(2), U.Bernoulli(16), condition=U.Bernoulli((2, 2)), seed=0
    )
    rbm.compile(steps_per_execution=9)
    frames = frames.map(lambda c, x: (x, c)).cache()
    rbm.fit(frames, epochs=20, verbose=0)
    c = np.stack([series[:-2], series[1:-1]], axis=1)
    share = flips[2:].mean()
    entropy = -2 * (share * np.log(share) + (1 - share) * np.log(1 - share))
    assert -rbm.log_prob(series[2:], condition=c).mean() - entropy < 0.05
    sequence = [series[0], series[1]]
    for number in range(100):
        last = np.stack(sequence[-2:])
        sequence.append(rbm.sample(1, number, condition=last)[0].astype(int))
    sequence = np.array(sequence)
    wrong = sequence[2:] != (sequence[1:-1] ^ sequence[:-2])
    assert wrong.mean() < 0.1


@pytest.mark.parametrize("loss", ["exact_likelihood", "cd"])
def test_replicas_add_up_to_one(loss, two):
    x, c, _ = _table(90)
    weight = np.linspace(0, 2, 90)

    def trained():
        rbm = gz.RBM(
            U.Bernoulli(3),
            U.Bernoulli(4),
            condition=U.Categorical(1, 4),
            seed=1,
        )
        rbm.compile(loss=loss)
        rbm.fit(x, c, batch_size=20, sample_weight=weight, verbose=0)
        return [weight.numpy() for weight in rbm.parameters]

    with two.scope():
        several = trained()
    for one, other in zip(trained(), several, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_data_come_in_all_forms_and_labels_beside_conditions():
    x, c, _ = _table(80)
    y, weight = x[:, 2].astype(int), np.linspace(1, 2, 80)
    x, at = x[:, :2].astype("uint8"), 1.0 * c[:, None]
    rbm = gz.RBM(
        {"x": U.Bernoulli(2), "y": U.Categorical(1, 2)},
        U.Bernoulli(3),
        condition=1,
        seed=1,
    )
    rbm.compile()
    blocks, source = {"x": x, "y": y}, tf.data.Dataset.from_tensor_slices
    rbm.fit(blocks, at, sample_weight=weight, verbose=0)
    each = np.concatenate([x, np.eye(2)[y]], axis=1)
    likelihood = rbm.log_prob(each, condition=at)
    expected = -np.average(likelihood, weights=weight)
    whole = {**blocks, "condition": at}

    class Batches(keras.utils.PyDataset):
        def __len__(self):
            return 4

        def __getitem__(self, number):
            some = slice(20 * number, 20 * number + 20)
            return each[some], at[some], weight[some]

    options = {"verbose": 0, "return_dict": True}
    for found in (
        rbm.evaluate(x, y, condition=at, sample_weight=weight, **options),
        rbm.evaluate(each, at, sample_weight=weight, **options),
        rbm.evaluate(whole, sample_weight=weight, **options),
        rbm.evaluate((blocks, at, weight), **options),
        rbm.evaluate(source((blocks, at, weight)).batch(20), **options),
        rbm.evaluate(source((whole, weight)).batch(20), **options),
        rbm.evaluate(Batches(), **options),
    ):
        assert found["loss"] == pytest.approx(expected, abs=1e-5)
    # p(y | x, c), of a category the mean.
    mask = [True, True, False, False]
    p = rbm.conditional_mean(each, mask, condition=at)[np.arange(80), 2 + y]
    other = np.concatenate([x, np.eye(2)[1 - y]], axis=1)
    odds = likelihood - rbm.log_prob(other, condition=at)
    np.testing.assert_allclose(p, 1 / (1 + np.exp(-odds)), atol=1e-6)
    late = np.where(np.arange(80) == 79, np.nan, c)[:, None]
    for data, told in (
        (source((blocks, late)).batch(20), "batch .* condition that is not"),
        (source(each).batch(20), r"must give \(x, condition"),
        ((blocks, late), "condition must be known: 1 of its 80"),
    ):
        with pytest.raises(ValueError, match=f"RBM.evaluate: .*{told}"):
            rbm.evaluate(data, verbose=0)


def _trained(**options):
    x, c, _ = _table(200)
    rbm = gz.RBM(
        U.Bernoulli(3),
        U.Bernoulli(4),
        condition={"label": U.Categorical(1, 4), "at": U.Gaussian(1)},
        seed=3,
        **options,
    )
    rbm.compile(loss="cd")
    given = {"label": c, "at": 1e3 + 10.0 * c[:, None]}
    return rbm, x, given


def test_what_is_kept_is_the_same_model(tmp_path):
    rbm, x, c = _trained(kernel_regularizer=keras.regularizers.L2(0.01))
    twin, *_ = _trained(kernel_regularizer=keras.regularizers.L2(0.01))
    rbm.fit(x, c, epochs=1, verbose=0)
    rbm.save(tmp_path / "rbm.keras")
    loaded = keras.models.load_model(tmp_path / "rbm.keras")
    for model in (rbm, loaded):
        model.fit(x, c, epochs=2, initial_epoch=1, verbose=0)
    twin.fit(x, c, epochs=1, verbose=0)
    twin.fit(x, c, epochs=2, initial_epoch=1, verbose=0)
    for one, other, third in zip(
        rbm.parameters, loaded.parameters, twin.parameters, strict=True
    ):
        np.testing.assert_array_equal(one, other)
        np.testing.assert_array_equal(one, third)
    rbm.save_to_preset(tmp_path / "preset")
    preset = gz.from_preset(tmp_path / "preset")
    rbm.export(tmp_path / "served")
    served = gz.load_exported(tmp_path / "served")
    expected = rbm.log_prob(x, condition=c)
    np.testing.assert_array_equal(preset.log_prob(x, condition=c), expected)
    rows = np.concatenate([np.eye(4)[c["label"]], c["at"]], axis=1)
    given = rows.astype("float32")
    x = x.astype("float32")
    np.testing.assert_allclose(served.log_prob(x, given), expected, atol=1e-4)
    np.testing.assert_allclose(
        served.energy(x, given), rbm.energy(x, c), atol=1e-4
    )
    drawn = rbm.sample(len(x), 5, 20, method="chains", condition=c)
    found = served.sample(len(x), given, 5, 20)
    np.testing.assert_array_equal(found, drawn)


@pytest.mark.parametrize(
    ("method", "arguments", "told"),
    [
        ("fit", {}, "condition=, 'label'"),
        ("fit", {"condition": np.zeros(7)}, "condition"),
        (
            "fit",
            {"condition": {"label": np.zeros(20), "at": np.full(20, np.nan)}},
            "condition: 'at' must be known: 20 of its 20",
        ),
        (
            "fit",
            {"condition": {"label": np.full(20, 4), "at": np.zeros(20)}},
            "condition: 'label'",
        ),
        (
            "fit",
            {"condition": {"label": np.zeros(19), "at": np.zeros(19)}},
            "condition has 19 rows",
        ),
        (
            "fit",
            {"condition": {"label": np.zeros(20), "at": ["a"] * 20}},
            "condition: 'at' must be numeric",
        ),
        ("log_prob", {}, "condition="),
        ("energy", {"condition": {"label": 1}}, "keys"),
        ("predict", {}, "energy"),
        ("evaluate", {}, "condition="),
        ("predict_proba", {}, "conditional_mean"),
    ],
)
def test_wrong_conditions_are_refused_by_name(method, arguments, told):
    rbm, *_ = _trained()
    rbm.adapted.assign(1)
    with pytest.raises(ValueError, match=f"RBM.{method}.*{told}"):
        getattr(rbm, method)(np.zeros((20, 3)), **arguments)


def test_what_a_model_does_not_have_is_refused_by_name():
    plain = gz.RBM(U.Bernoulli(3), U.Bernoulli(2))
    plain.compile()
    plain.adapt(_bits(3))
    for method in ("energy", "log_prob", "hidden_mean", "fit", "evaluate"):
        with pytest.raises(ValueError, match="condition.*not conditional"):
            getattr(plain, method)(_bits(3), condition=np.zeros((8, 1)))
    with pytest.raises(ValueError, match="sample: condition.*not conditional"):
        plain.sample(3, condition=1)
    rbm, x, c = _trained()
    with pytest.raises(ValueError, match="PersistentContrastive.*condition"):
        rbm.compile(loss="pcd")
    rbm.fit(x, c, verbose=0)
    for call, told in (
        (lambda: rbm.sample(2), "condition="),
        (lambda: rbm.log_partition(), "each condition"),
        (lambda: rbm.sample(2, temperature=2.0, condition=c), "condition"),
        (lambda: gz.layers.Features(rbm), "conditional"),
        (lambda: gz.RBM(U.Bernoulli(2), U.Bernoulli(2), condition="c"), "cond"),
    ):
        with pytest.raises(ValueError, match=told):
            call()


def test_equal_conditions_are_rows_too():
    rbm = _machine(U.Bernoulli(4, dtype="float64"), 2)
    c = np.ones((3, 2))
    assert rbm.conditional_mean(condition=c).shape == (3, 4)
    assert rbm.sample(3, 0, condition=c).shape == (3, 4)
    x = np.zeros((3, 4))
    rbm.compile()
    with pytest.raises(ValueError, match="RBM.fit: condition has 1 rows"):
        rbm.fit(x, condition=c[:1])
