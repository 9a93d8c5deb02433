"""Likelihood with an adversary, against enumerated objectives."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf
from sklearn.neighbors import KNeighborsClassifier

import genzoo as gz
from genzoo.losses import Adversarial, critics
from genzoo.models.rbm import gradients as formulas
from genzoo.runtime import batch, random
from genzoo.units import Bernoulli

X = np.random.default_rng(1).random((75, 6)) < [0.2, 0.8, 0.5, 0.3, 0.6, 0.1]
X = X.astype("uint8")
X[:, 5] = X[:, 0]
STATES = np.array(list(itertools.product([0, 1], repeat=6)), "float64")
NOISE = np.random.default_rng(2).standard_normal(len(STATES))


def _rbm(loss="pcd", optimizer=None, dtype="float32", **options):
    layers = Bernoulli(6, dtype=dtype), Bernoulli(4, dtype=dtype)
    rbm = gz.RBM(*layers, seed=3, dtype=dtype, **options)
    rbm.compile(optimizer, loss, watch=False)
    return rbm


def _energy_model(loss="pcd", optimizer=None):
    network = gz.networks.energy_mlp(gz.spaces.Binary(6), 4, 1, seed=1)
    model = gz.EnergyModel(gz.spaces.Binary(6), network, seed=3)
    model.compile(optimizer, loss, watch=False)
    return model


def _deep(loss="pcd", optimizer=None):
    layers = [Bernoulli(6), Bernoulli(4), gz.units.Spin(3)]
    model = gz.DeepBoltzmannMachine(layers, seed=3)
    model.compile(optimizer, loss, watch=False)
    return model


def _network(seed=0, width=6, scale=1.0):
    network = keras.Sequential(
        [
            keras.Input((width,)),
            keras.layers.Dense(5, "tanh"),
            keras.layers.Dense(1),
        ]
    )
    rng = np.random.default_rng(seed)
    network.set_weights(
        [scale * rng.standard_normal(w.shape) for w in network.get_weights()]
    )
    return network


def _log_p(kernel, a, b):
    """log p of all states of an RBM of bits, by NumPy."""
    found = STATES @ a + np.logaddexp(0, STATES @ kernel + b).sum(axis=1)
    return found - np.logaddexp.reduce(found)


def _differences(weights, objective, h=1e-5):
    found = []
    for number, weight in enumerate(weights):
        slope = np.zeros_like(weight)
        for place in np.ndindex(*weight.shape):
            ends = []
            for sign in (1, -1):
                moved = [w.copy() for w in weights]
                moved[number][place] += sign * h
                ends.append(objective(*moved))
            slope[place] = (ends[0] - ends[1]) / (2 * h)
        found.append(slope)
    return found


def _formula(rbm, weight, scores, counts):
    """The gradient with all states as chains, of their exact shares."""
    weights = [w.numpy() for w in rbm.parameters]
    p = np.exp(_log_p(*weights))
    rules, layers = rbm.rules, rbm.rules.machine.layers()
    factors = Adversarial(weight=weight)._factors(tf.constant(scores), p)
    found = formulas.phases(
        layers,
        rules._phase(X, "float64"),
        rules._phase(STATES, "float64"),
        (tf.constant(counts / len(X)), tf.constant(p)),
        "float64",
        rules.offsets.pair(rules.machine),
        factors,
    )[1]
    return weights, found


@pytest.mark.parametrize("weight", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("is_centered", [False, True])
def test_gradient_is_that_of_the_exact_objective(weight, is_centered):
    rbm = _rbm(dtype="float64", centered=is_centered)
    rng = np.random.default_rng(5)
    for own in (*rbm.parameters, rbm.offsets.visible, rbm.offsets.hidden):
        own.assign(0.5 * rng.standard_normal(own.shape))
    # Weights of the examples, of a mean of one.
    counts = rng.integers(0, 4, len(X)).astype(float)
    counts *= len(X) / counts.sum()
    weights, found = _formula(rbm, weight, NOISE, counts)
    share = np.zeros(len(STATES))
    np.add.at(share, X @ [32, 16, 8, 4, 2, 1], counts / len(X))

    def objective(*moved):
        log_p = _log_p(*moved)
        likelihood = -share @ log_p
        return (1 - weight) * likelihood - weight * np.exp(log_p) @ NOISE

    expected = _differences(weights, objective)
    if is_centered:
        layers = rbm.rules.machine.layers()
        pair = rbm.rules.offsets.pair(rbm.rules.machine)
        expected = formulas.center(
            layers, list(map(tf.constant, expected)), *pair
        )
    for own, slope in zip(found, expected, strict=True):
        np.testing.assert_allclose(own, slope, atol=1e-7)


def test_the_best_critic_alone_descends_the_reverse_divergence():
    rbm = _rbm(dtype="float64", centered=False)
    rng = np.random.default_rng(6)
    for own in rbm.parameters:
        own.assign(0.5 * rng.standard_normal(own.shape))
    log_data = NOISE - np.logaddexp.reduce(NOISE)
    here = _log_p(*(w.numpy() for w in rbm.parameters))
    weights, found = _formula(rbm, 1.0, log_data - here, np.ones(len(X)))

    def reverse(*moved):
        log_p = _log_p(*moved)
        return np.exp(log_p) @ (log_p - log_data)

    for own, slope in zip(found, _differences(weights, reverse), strict=True):
        np.testing.assert_allclose(own, slope, atol=1e-7)


@pytest.mark.parametrize(
    ("make", "sees", "likelihood"),
    [
        (_rbm, "visible", "pcd"),
        (_rbm, "hidden", "pcd"),
        (_energy_model, "visible", "pcd"),
    ],
)
def test_a_step_with_chains_in_equilibrium_has_that_gradient(
    make, sees, likelihood
):
    n, weight = 2**12, 0.6
    critic = _network(width=6 if sees == "visible" else 4, scale=2.0)
    rule = Adversarial(
        gz.losses.PersistentContrastiveDivergence(chains=n, jumps=False),
        critic,
        weight,
        sees,
    )
    model = make(rule, **({"centered": False} if make is _rbm else {}))
    model.adapt(X)
    rng = np.random.default_rng(7)
    for own in model.parameters[:-1]:
        own.assign(own.numpy() + 0.7 * rng.standard_normal(own.shape))
    states = STATES.astype("float32")
    p = np.exp(model.log_prob(states).astype(float))
    drawn = states[rng.choice(len(p), n, p=p / p.sum())]
    kept = drawn
    seen = states
    if make is _rbm:
        means = keras.ops.sigmoid(states @ model.kernel + model.hidden.bias)
        of_drawn = means.numpy()[drawn.astype(int) @ [32, 16, 8, 4, 2, 1]]
        kept = rng.random(of_drawn.shape) < of_drawn
        seen = means if sees == "hidden" else states
    model.chains.write_all(np.asarray(kept, "float32"))
    scores = critic(seen).numpy()[:, 0].astype(float)
    step = rule.gradients(model, tf.constant(X), random.as_seed(0))
    each = []
    for row in np.concatenate([states, X.astype("float32")]):
        with tf.GradientTape() as tape:
            energy = model(row[None])[0]
        values = [w.value for w in model.parameters]
        slopes = tape.gradient(energy, values)
        each.append(np.concatenate([np.ravel(s) for s in slopes[:]]))
    each = np.array(each, float)
    of_states, of_data = each[: len(states)], each[len(states) :]
    factors = 1 - weight * (1 + scores - p @ scores)
    expected = (1 - weight) * of_data.mean(axis=0) - (p * factors) @ of_states
    found = np.concatenate([np.ravel(g) for g in step.gradients])
    centre = (p * factors) @ of_states
    spread = p @ (factors[:, None] * of_states - centre) ** 2
    # Also of the mean score, which is taken over the same chains.
    spread += (
        weight**2 * (p @ (scores - p @ scores) ** 2) * (p @ of_states) ** 2
    )
    if make is _energy_model:
        # The constant does not learn.
        expected[-1], spread[-1] = 0.0, 0.0
    error = 5 * np.sqrt(2 * spread / n) + 2e-6
    assert (np.abs(found - expected) < error).all()
    assert (np.sqrt(spread / n) < 0.05).all()


@pytest.mark.parametrize("make", [_rbm, _energy_model, _deep])
def test_no_weight_is_likelihood_to_the_last_bit(make):
    found = []
    for rule in ("pcd", Adversarial(weight=0.0)):
        model = make(rule)
        model.adapt(X)
        step = model.loss.gradients(model, tf.constant(X), random.as_seed(2))
        chains = model.chains.read_all()
        found.append([step.measure, step.energy, chains, *step.gradients])
    for one, other in zip(*found, strict=True):
        np.testing.assert_array_equal(one, other)
    # The critic learned all the same.
    assert model.critic.optimizer.iterations.numpy() == 1


# Nearest neighbours ----------------------------------------------------------


def test_nearest_is_the_classifier_of_scikit_learn():
    rng = np.random.default_rng(0)
    data, chains = rng.normal(3, 1, (40, 2, 2)), rng.normal(4, 2, (40, 2, 2))
    both = np.concatenate([data, chains]).reshape(80, 4)
    labels = np.repeat([1, 0], 40)
    weights = (tf.fill((40,), 1 / 40), tf.fill((40,), 1 / 40))
    found = critics.nearest(tf.constant(data), tf.constant(chains), weights, 5)
    expected = []
    for row in range(80):
        rest = np.arange(80) != row
        classifier = KNeighborsClassifier(5).fit(both[rest], labels[rest])
        expected.append(classifier.predict_proba(both[[row]])[0, 1])
    scores = np.concatenate([found.data, found.chains])
    np.testing.assert_allclose(scores, 4 * np.array(expected) - 2, atol=1e-6)


@pytest.mark.parametrize("counts", [(9, 21), (30, 1), (1, 1)])
def test_nearest_counts_ties_and_weights_whatever_the_order(counts):
    rng = np.random.default_rng(3)
    both = rng.integers(0, 2, (sum(counts), 4)).astype("float32") + 100
    own = rng.integers(0, 4, sum(counts)).astype("float32")
    is_data = np.arange(sum(counts)) < counts[0]
    square = ((both[:, None] - both[None]) ** 2).sum(axis=-1)
    np.fill_diagonal(square, np.inf)
    reach = np.sort(square, axis=1)[:, min(5, len(both) - 1) - 1, None]
    inside = np.where(
        (square <= reach) & ~np.eye(len(both), dtype=bool), own, 0
    )
    total = inside.sum(axis=1)
    share = (inside * is_data).sum(axis=1) / np.where(total > 0, total, 1)
    expected = 4 * np.where(total > 0, share, 0.5) - 2
    parts = np.split(both, [counts[0]])
    found = critics.nearest(*parts, tuple(np.split(own, [counts[0]])), 5)
    scores = np.concatenate([found.data, found.chains])
    np.testing.assert_allclose(scores, expected, atol=1e-5)


# Saved, shared out, scored ---------------------------------------------------


@pytest.mark.parametrize(
    ("make", "rule"),
    [
        (_rbm, lambda: Adversarial(critic=_network(), weight=0.5)),
        (_deep, lambda: Adversarial(None, "nearest", 0.5, "hidden")),
        (_energy_model, lambda: Adversarial(critic_optimizer="adamax")),
    ],
)
def test_a_run_resumes_to_the_last_bit(make, rule, tmp_path):
    def train(model):
        if make is not _energy_model:
            model.fit(X, batch_size=40, verbose=0)
            return
        # A step of the rule alone, which moves chains and critic.
        model.adapt(X)
        seed = model.draws.next()
        step = model.loss.gradients(model, tf.constant(X[:9]), seed)
        model.optimizer.apply(step.gradients, model.parameters)

    model = make(rule(), "adam")
    train(model)
    model.save(tmp_path / "model.keras")
    found = keras.models.load_model(tmp_path / "model.keras")
    weights = []
    for one in (model, found):
        train(one)
        own = list(one.weights)
        if one.critic is not None:
            own += one.critic.network.weights + one.critic.optimizer.variables
        weights.append(own)
    for one, other in zip(*weights, strict=True):
        np.testing.assert_array_equal(one.numpy(), other.numpy())
    # A critic is no part of the model, whose summary does not count it.
    assert len(make("pcd", "adam").weights) == len(model.weights)


@pytest.mark.parametrize("critic", [_network(), "nearest", None])
def test_a_rule_is_made_anew_from_its_configuration(critic):
    rule = Adversarial("cd", critic, 0.7, "hidden", "sgd")
    config = keras.saving.serialize_keras_object(rule)
    found = keras.saving.deserialize_keras_object(config)
    assert type(found.likelihood) is gz.losses.ContrastiveDivergence
    assert (found.weight, found.sees) == (0.7, "hidden")
    assert type(found.critic_optimizer) is keras.optimizers.SGD
    assert type(found.critic) is type(critic)
    assert keras.saving.serialize_keras_object(found) == config


def test_two_replicas_learn_what_one_device_learns(two):
    def make():
        rule = Adversarial(
            gz.losses.PersistentContrastiveDivergence(chains=16),
            weight=0.5,
            critic_optimizer=keras.optimizers.SGD(0.5),
        )
        return _rbm(rule, keras.optimizers.SGD(0.1))

    alone = make()
    with two.scope():
        both = make()
    own = np.ones(len(X)) + X[:, 0]
    for model in (alone, both):
        model.fit(X, batch_size=25, sample_weight=own, verbose=0)
    for one, other in zip(
        [*alone.parameters, *alone.critic.network.trainable_weights],
        [*both.parameters, *both.critic.network.trainable_weights],
        strict=True,
    ):
        np.testing.assert_allclose(other.numpy(), one.numpy(), atol=2e-5)
    seed = random.as_seed(4)
    expected = alone.loss.score(alone, tf.constant(X[:21]), seed)
    expected["contrast"] = alone.loss.value(alone, tf.constant(X[:21]), seed)

    def of_replica():
        number = tf.distribute.get_replica_context().replica_id_in_sync_group
        rows = slice(0, 11) if number == 0 else slice(11, 21)
        x, seed = tf.constant(X[rows]), random.as_seed(4).at_row(rows.start)
        found = both.loss.score(both, x, seed)
        return {**found, "contrast": both.loss.value(both, x, seed)}

    found = two.run(of_replica)
    for name, value in expected.items():
        parts = two.experimental_local_results(found[name])
        np.testing.assert_allclose(sum(parts), value, atol=2e-5)


def test_nearest_of_two_replicas_asks_the_rows_of_both(two):
    rng = np.random.default_rng(9)
    data, chains = (
        tf.constant(rng.normal(size=(9, 3)), "float32") for _ in "12"
    )
    weights = tf.random.stateless_uniform((9,), (0, 1)), tf.ones(9)
    whole = critics.nearest(data, chains, weights)

    def of_replica():
        number = tf.distribute.get_replica_context().replica_id_in_sync_group
        rows = slice(0, 4) if number == 0 else slice(4, 9)
        own = data[rows], chains[rows]
        found = critics.nearest(*own, tuple(w[rows] for w in weights))
        return found[:2]

    parts = two.run(of_replica)
    for one, other in zip(whole[:2], parts, strict=True):
        other = tf.concat(two.experimental_local_results(other), axis=0)
        np.testing.assert_allclose(other, one, atol=1e-6)


def test_scores_are_those_of_a_classifier_of_held_out_data():
    rbm = _rbm(Adversarial(critic=_network(scale=3.0)))
    rbm.adapt(X)
    own = np.random.default_rng(4).integers(0, 3, len(X)).astype("float32")
    seed = random.as_seed(1)
    x = batch.Batch(tf.constant(X), tf.constant(own))
    found = rbm.loss.score(rbm, x, seed)
    # Chains of states that are kept are drawn once more, by the same seed.
    second = random.split(random.fold_in(seed, 7), 2)[1]
    ends = tf.convert_to_tensor(rbm.chains.states)
    chains = rbm.rules.chain_views(ends, second)["visible"]
    critic = rbm.critic.network
    data, other = (critic(v).numpy()[:, 0] for v in (X.astype("f4"), chains))
    total = own.mean()
    loss = np.mean(own * np.log1p(np.exp(-data)))
    loss += total * np.mean(np.log1p(np.exp(other)))
    right = np.mean(own * (data > 0)) + total * np.mean(other < 0)
    np.testing.assert_allclose(found["critic_loss"], loss / 2, rtol=1e-5)
    np.testing.assert_allclose(found["critic_accuracy"], right / 2, rtol=1e-5)


def test_examples_with_gaps_are_filled_before_the_critic_sees_them():
    rbm = _rbm(Adversarial(weight=0.3))
    rbm.adapt(X)
    seen = np.random.default_rng(8).random(X.shape) < 0.7
    hidden = [np.where(seen, X, other).astype("float32") for other in (0, 1)]
    seed, found = random.as_seed(0), []
    for x in hidden:
        x = batch.Batch(tf.constant(x), seen=tf.constant(seen))
        found.append(rbm.rules.views(x, seed)["visible"])
        assert np.isfinite(rbm.loss.score(rbm, x, seed)["critic_loss"])
    np.testing.assert_array_equal(*found)


def test_of_a_deep_machine_it_sees_mean_fields_and_what_gaps_are_filled_with():
    rng = np.random.default_rng(5)
    kernels = [rng.normal(size=shape) for shape in ((3, 2), (2, 2))]
    deep = gz.DeepBoltzmannMachine.from_weights(kernels, seed=0)
    x = rng.integers(0, 2, (50, 3))
    views = deep.rules.views(tf.constant(x), random.as_seed(1))
    np.testing.assert_array_equal(views["visible"], x)
    # Even layers first.
    means = deep.transform(x)[:, [2, 3, 0, 1]]
    np.testing.assert_allclose(views["hidden"], means, atol=2e-3)
    seen = np.array([[True, True, False]] * 49 + [[True] * 3])
    rows = batch.make(tf.constant(x), None, tf.constant(seen))
    views = deep.rules.views(rows, random.as_seed(1))
    found = np.asarray(views["visible"])
    np.testing.assert_array_equal(found[:, :2], x[:, :2])
    assert 0.1 < found[:-1, 2].mean() < 0.9
    deep.compile(loss=Adversarial("cd", None, 0.5, "hidden"))
    gaps = np.where(seen, x, np.nan)
    history = deep.fit(gaps, missing="nan", verbose=0, epochs=1).history
    assert np.isfinite(history["critic_loss"]).all()


@pytest.mark.parametrize("likelihood", ["pcd", "cd"])
def test_the_critic_sees_float64_and_serves_beside_labels(likelihood):
    rule = gz.losses.Hybrid(0.5, Adversarial(likelihood, critic="nearest"))
    blocks = [Bernoulli(4, dtype="float64"), Bernoulli(2, dtype="float64")]
    hidden = Bernoulli(3, dtype="float64")
    rbm = gz.RBM(blocks, hidden, seed=0, dtype="float64")
    rbm.compile(loss=rule, watch=False)
    seed, x = random.as_seed(0), tf.constant(X, "float64")
    assert rule.gradients(rbm, x, seed).gradients[0].dtype == "float64"
    found = rbm.loss.score(rbm, x, seed)
    assert set(found) == {*rule.scores, rule.measure}
    rbm.compile(loss=gz.losses.Hybrid(0.5, Adversarial(likelihood)))
    assert type(rbm.critic) is critics.Critic


# Refusals --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"weight": 1.5}, "weight must be a number from 0 to 1; received 1.5"),
        ({"weight": -0.1}, "weight must be a number from 0 to 1"),
        ({"weight": float("nan")}, "weight must be a number from 0 to 1"),
        ({"likelihood": "exact_likelihood"}, "likelihood by Markov chains"),
        ({"likelihood": 3}, "likelihood by Markov chains"),
        ({"critic": "forest"}, "critic must be a Keras model"),
        ({"critic": lambda x: x}, "critic must be a Keras model"),
        ({"critic_optimizer": "magic"}, "critic_optimizer must be one of"),
        ({"sees": "everything"}, "sees must be one of"),
    ],
)
def test_arguments_are_refused_by_name(arguments, words):
    with pytest.raises(ValueError, match=words):
        Adversarial(**arguments)


def _ends_in(*layers, width=6):
    return keras.Sequential([keras.Input((width,)), *layers])


@pytest.mark.parametrize(
    ("critic", "words"),
    [
        (_ends_in(keras.layers.Dense(1), width=5), r"shape \(None, 6\)"),
        (
            keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten()]),
            r"shape \(None, 6\)",
        ),
        (_ends_in(keras.layers.Dense(2)), "one logit for each row"),
        (_ends_in(keras.layers.Dense(1, "sigmoid")), "ends in sigmoid"),
        (
            _ends_in(keras.layers.Dense(1), keras.layers.Activation("tanh")),
            "ends in tanh",
        ),
    ],
)
def test_critics_that_do_not_fit_are_refused_and_nothing_changes(critic, words):
    rbm = _rbm("pcd")
    before, chains = rbm.loss, rbm.chains
    with pytest.raises(ValueError, match=words):
        rbm.compile(loss=Adversarial(critic=critic))
    assert rbm.loss is before
    assert rbm.chains is chains


def test_what_a_model_does_not_have_is_refused():
    with pytest.raises(ValueError, match="sees='hidden', but of a EnergyModel"):
        _energy_model(Adversarial(sees="hidden"))
    with pytest.raises(ValueError, match="BoltzmannMachine does not have"):
        gz.BoltzmannMachine(gz.spaces.Binary(4)).compile(loss=Adversarial())
    conditional = gz.RBM(Bernoulli(6), Bernoulli(4), condition=Bernoulli(2))
    with pytest.raises(ValueError, match="RBM does not have"):
        conditional.compile(loss=Adversarial("cd"))
