"""Examples of which some is missing: the likelihood of what is known."""

import contextlib

import keras
import numpy as np
import pytest
import tensorflow as tf

import genzoo as gz


def planted(rows, sites=8, share=0.35, seed=0):
    """(examples, the same with NaN, examples to test with), bits."""
    rng = np.random.default_rng(seed)
    patterns = rng.random((3, sites)) < 0.5

    def draw(n):
        which = patterns[rng.integers(0, 3, n)]
        return (rng.random((n, sites)) < np.where(which, 0.9, 0.1)) * 1.0

    x, test = draw(rows), draw(2000)
    return x, np.where(rng.random(x.shape) < share, np.nan, x), test


def of_known(states, log_p, x):
    """log p of what is known of each row, by enumeration."""
    agree = (np.isnan(x[:, None]) | (x[:, None] == states)).all(axis=2)
    return np.logaddexp.reduce(np.where(agree, log_p, -np.inf), axis=1)


def rbm(loss="pcd", sites=8, **options):
    model = gz.RBM(
        gz.units.Bernoulli(sites), gz.units.Bernoulli(3), seed=0, **options
    )
    model.compile(loss=loss)
    return model


@pytest.mark.parametrize("loss", ["pcd", "exact_likelihood"])
def test_little_is_lost(loss):
    full, gaps, test = planted(800)
    scores = []
    for x, options in ((full, {}), (gaps, {"missing": "nan"})):
        model = rbm(loss)
        model.compile(loss=loss, steps_per_execution=10)
        history = model.fit(x, epochs=12, verbose=0, **options).history
        scores.append(model.log_prob(test).mean())
    rate = np.nanmean(gaps, axis=0)
    alone = np.log(np.where(test, rate, 1 - rate)).sum(axis=1).mean()
    assert scores[0] - scores[1] < 0.1
    assert scores[1] - alone > 0.5
    # The log says what the likelihood of the known was on the way.
    states = gz.spaces.Binary(8).states()
    at_end = -of_known(states, model.log_prob(states), gaps).mean()
    assert history["loss"][-1] == pytest.approx(at_end, abs=0.05)


def test_the_gradient_is_that_of_what_is_known():
    _, gaps, _ = planted(40)
    units = [gz.units.Bernoulli(n, dtype="float64") for n in (8, 3)]
    model = gz.RBM(*units, dtype="float64", centered=False, seed=0)
    rng = np.random.default_rng(0)
    for weight in model.parameters:
        weight.assign(0.5 * rng.normal(size=weight.shape))
    states = gz.spaces.Binary(8).states()

    def loss():
        log_w = -model.energy(states)
        return -of_known(
            states, log_w - np.logaddexp.reduce(log_w), gaps
        ).mean()

    seen = ~np.isnan(gaps)
    given = gz.runtime.batch.make(
        tf.constant(np.where(seen, gaps, 0.0)), None, tf.constant(seen)
    )
    value, gradients = model.rules.exact_gradients(given)
    assert float(value) == pytest.approx(loss(), abs=1e-9)
    for weight, gradient in zip(model.parameters, gradients, strict=True):
        start = weight.numpy()
        place = tuple(0 for _ in start.shape)
        ends = []
        for step in (1e-5, -1e-5):
            moved = start.copy()
            moved[place] += step
            weight.assign(moved)
            ends.append(loss())
        weight.assign(start)
        slope = (ends[0] - ends[1]) / 2e-5
        assert float(gradient[place]) == pytest.approx(slope, abs=1e-7)


def test_nan_numbers_masks_and_datasets_are_the_same():
    _, gaps, _ = planted(200)
    options = {"batch_size": 200, "shuffle": False, "epochs": 2, "verbose": 0}
    found = []
    for x, how in (
        (gaps, {"missing": "nan"}),
        (np.where(np.isnan(gaps), -1, gaps).astype("int8"), {"missing": -1}),
        (np.nan_to_num(gaps), {"mask": ~np.isnan(gaps)}),
    ):
        model = rbm()
        model.fit(x, **how, **options)
        found.append(model.kernel.numpy())
    model = rbm()
    dataset = tf.data.Dataset.from_tensor_slices(gaps).batch(200)
    model.fit(dataset, missing="nan", epochs=2, verbose=0)
    found.append(model.kernel.numpy())
    for other in found[1:]:
        np.testing.assert_allclose(found[0], other, atol=1e-6)


def test_weights_and_gaps_go_together():
    _, gaps, _ = planted(60)
    weight = np.arange(60) % 3
    found = []
    for x, options in (
        (gaps, {"sample_weight": weight}),
        (np.repeat(gaps, weight, axis=0), {}),
    ):
        start = keras.initializers.RandomNormal(seed=0)
        model = rbm("exact_likelihood", kernel_initializer=start)
        options = {"batch_size": len(x), "shuffle": False, **options}
        model.fit(x, missing="nan", epochs=3, verbose=0, **options)
        found.append(model.visible.bias.numpy())
    np.testing.assert_allclose(*found, atol=1e-5)


@pytest.mark.parametrize("make", [gz.BoltzmannMachine, gz.MaxEnt])
def test_maximum_entropy_finds_the_maximum(make):
    """Where Newton's method on the marginal likelihood ends, in NumPy."""
    rng = np.random.default_rng(1)
    sites = 4
    states = gz.spaces.Spin(sites).states()
    first, second = np.triu_indices(sites, 1)
    features = np.hstack([states, states[:, first] * states[:, second]])
    p = np.exp(features @ (0.5 * rng.normal(size=features.shape[1])))
    x = states[rng.choice(len(states), 300, p=p / p.sum())]
    x[rng.random(x.shape) < 0.3] = np.nan

    def evaluate(multipliers):
        log_p = features @ multipliers
        log_p -= np.logaddexp.reduce(log_p)
        agree = (np.isnan(x[:, None]) | (x[:, None] == states)).all(axis=2)
        part = np.where(agree, log_p, -np.inf)
        total = np.logaddexp.reduce(part, axis=1)
        given = np.exp(part - total[:, None]).mean(axis=0)
        return -total.mean(), (np.exp(log_p) - given) @ features

    best = np.zeros(features.shape[1])
    for _ in range(400):
        best -= 0.5 * evaluate(best)[1]
    space = gz.spaces.Spin(sites)
    if make is gz.MaxEnt:
        parts = [gz.features.Moments(1), gz.features.Pairwise()]
        model = gz.MaxEnt(space, parts, seed=0)
    else:
        model = gz.BoltzmannMachine(space, seed=0)
    model.compile(loss="exact_likelihood")
    history = model.fit(x, missing="nan", verbose=0).history
    value, slope = evaluate(model.multipliers)
    assert value == pytest.approx(evaluate(best)[0], abs=1e-6)
    assert history["loss"][-1] == pytest.approx(value, abs=1e-7)
    assert np.abs(slope).max() < 1e-3
    assert -model.log_marginal(x).value.mean() == pytest.approx(value)


def test_categories_and_reals_may_be_missing():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 300)
    real = labels + 0.2 * rng.normal(size=300)
    hot = np.eye(3)[labels]
    x = np.column_stack([hot, real])
    x[rng.random(300) < 0.3, :3] = np.nan
    x[rng.random(300) < 0.3, 3] = np.nan
    model = gz.RBM(
        [gz.units.Categorical(1, 3), gz.units.Gaussian(1)],
        gz.units.Bernoulli(6),
        seed=0,
    )
    model.compile(steps_per_execution=10)
    model.fit(x, missing="nan", batch_size=10, epochs=20, verbose=0)
    asked = np.array([[np.nan] * 3 + [2.0], [0, 0, 1, np.nan]])
    filled = model.impute(asked)
    assert filled[0, :3].argmax() == 2
    assert filled[1, 3] == pytest.approx(2.0, abs=0.5)


def test_a_ratings_table_is_filled_in():
    """80 % missing: better than column means, judged by planted tastes."""
    rng = np.random.default_rng(0)
    users, items, levels = 200, 20, 3
    taste = rng.normal(size=(users, 2)) @ rng.normal(size=(2, items))
    truth = np.digitize(taste, [-0.7, 0.7])
    seen = rng.random(truth.shape) < 0.35
    seen[:, ~seen.any(axis=0)] = True
    hot = np.eye(levels)[truth].reshape(users, -1)
    mask = np.repeat(seen, levels, axis=1)
    model = gz.RBM(
        gz.units.Categorical(items, levels), gz.units.Bernoulli(8), seed=0
    )
    model.compile(steps_per_execution=10)
    model.fit(hot, mask=mask, batch_size=10, epochs=20, verbose=0)
    share = model.impute(hot, mask=mask).reshape(users, items, levels)
    guess = share @ np.arange(levels)
    means = np.array([truth[seen[:, i], i].mean() for i in range(items)])

    def rmse(found):
        return np.sqrt(np.mean((found - truth)[~seen] ** 2))

    assert rmse(guess) < 0.85 * rmse(np.broadcast_to(means, truth.shape))


def test_gaps_resume_and_are_saved(tmp_path):
    _, gaps, _ = planted(100)
    once, twice = rbm(), rbm()
    for model in (once, twice):
        # A falling rate would be that of its own plan.
        model.compile(keras.optimizers.SGD(0.05))
    once.fit(gaps, missing="nan", epochs=4, verbose=0)
    twice.fit(gaps, missing="nan", epochs=2, verbose=0)
    twice.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    again.fit(gaps, missing="nan", initial_epoch=2, epochs=4, verbose=0)
    for ours, theirs in zip(once.parameters, again.parameters, strict=True):
        np.testing.assert_array_equal(ours.numpy(), theirs.numpy())


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({}, "missing"),
        ({"missing": "NA"}, "missing must be 'nan', or the number"),
        ({"missing": 1}, "missing must be a number that no x has"),
        ({"missing": "nan", "mask": np.ones((100, 8), bool)}, "mask says"),
    ],
)
def test_what_is_not_said_is_refused(options, told):
    _, gaps, _ = planted(100)
    with pytest.raises(ValueError, match=f"RBM.fit: .*{told}"):
        rbm().fit(gaps, verbose=0, **options)


def test_a_column_that_is_never_known_is_refused():
    _, gaps, _ = planted(100)
    gaps[:, 3] = np.nan
    with pytest.raises(ValueError, match="columns are never known .*3"):
        rbm().fit(gaps, missing="nan", verbose=0)


def test_losses_that_need_all_say_so():
    _, gaps, _ = planted(100)
    model = gz.BoltzmannMachine(gz.spaces.Binary(8))
    model.compile(loss="pseudolikelihood")
    with pytest.raises(ValueError, match="known in full"):
        model.fit(gaps, missing="nan", verbose=0)
    # Labels would be predicted from what was put into the gaps.
    visible = [gz.units.Bernoulli(4), gz.units.Bernoulli(4)]
    model = gz.RBM(visible, gz.units.Bernoulli(3))
    model.compile(loss="discriminative")
    told = "Discriminative of RBM needs examples that are known in full"
    with pytest.raises(ValueError, match=told):
        model.fit(gaps, missing="nan", verbose=0)


@pytest.mark.parametrize("gaps", [False, True])
def test_two_replicas_learn_what_one_device_learns(gaps, two):
    x, holes, _ = planted(62)
    options = {"missing": "nan"} if gaps else {}
    options |= {"sample_weight": np.arange(62) % 5, "batch_size": 20}
    found = []
    for scope in (None, two):
        with scope.scope() if scope else contextlib.nullcontext():
            model = rbm()
            model.fit(holes if gaps else x, epochs=2, verbose=0, **options)
        found.append(model.kernel.numpy())
    np.testing.assert_allclose(*found, atol=1e-5)
