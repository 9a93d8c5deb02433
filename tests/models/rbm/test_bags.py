"""RBMs of bags of words, against enumeration in NumPy."""

import itertools
import math

import keras
import numpy as np
import pytest
import scipy.sparse
import tensorflow as tf
from goodness_of_fit import assert_chi_square, count_states

import genzoo as gz
from genzoo.models.common.clamped import ClampedWalks
from genzoo.runtime import batch, random
from genzoo.units.multinomial import Totalled

U = gz.units
WORDS, HIDDEN, TOTALS = 3, 2, range(5)
STATES = np.array(list(itertools.product([0.0, 1.0], repeat=HIDDEN)))
log_factorial = np.vectorize(lambda k: math.lgamma(k + 1))


def logsumexp(x, axis=None):
    most = np.max(x)
    return np.log(np.exp(x - most).sum(axis=axis)) + most


def documents(total):
    """All counts of so many words."""
    counts = itertools.product(range(total + 1), repeat=WORDS)
    return np.array([v for v in counts if sum(v) == total], np.float64)


def make(centered=True):
    rbm = gz.RBM(
        U.Multinomial(WORDS, dtype="float64"),
        U.Bernoulli(HIDDEN, dtype="float64"),
        dtype="float64",
        centered=centered,
        seed=1,
    )
    rng = np.random.default_rng(0)
    for weight in rbm.parameters:
        weight.assign(rng.normal(size=weight.shape))
    return rbm


def log_joint(rbm, v):
    """log p(v, h | D) + log Z(D), (documents, hidden states)."""
    kernel, a, b = (weight.numpy() for weight in rbm.parameters)
    total = v.sum(axis=1)
    base = log_factorial(total) - log_factorial(v).sum(axis=1)
    linear = (v @ a + base)[:, None] + total[:, None] * (STATES @ b)
    return linear + v @ kernel @ STATES.T


def log_prob(rbm, v):
    """log p(v | D) of documents of any totals."""
    log_z = [logsumexp(log_joint(rbm, documents(int(d)))) for d in v.sum(1)]
    return logsumexp(log_joint(rbm, v), axis=1) - log_z


ALL = np.concatenate([documents(total) for total in TOTALS])


def test_probabilities_and_conditionals_are_the_enumerated_ones():
    rbm = make()
    joint = log_joint(rbm, ALL)
    of_v = logsumexp(joint, axis=1)
    posterior = np.exp(joint - of_v[:, None])
    kernel, a, b = (weight.numpy() for weight in rbm.parameters)
    np.testing.assert_allclose(rbm.energy(ALL), -of_v, atol=1e-12)
    np.testing.assert_allclose(rbm.log_prob(ALL), log_prob(rbm, ALL), atol=1e-9)
    np.testing.assert_allclose(
        rbm.hidden_mean(ALL), posterior @ STATES, atol=1e-12
    )
    words = np.exp(a + STATES @ kernel.T)
    words /= words.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(
        rbm.visible_mean(STATES, condition=7), 7 * words, atol=1e-12
    )
    h = np.zeros((len(ALL), HIDDEN))
    np.testing.assert_allclose(rbm.joint_energy(ALL, h), -joint[:, 0])
    for total in TOTALS:
        v = documents(total)
        found = rbm.conditional_mean(None, condition=[total])[0]
        np.testing.assert_allclose(
            found, np.exp(log_prob(rbm, v)) @ v, atol=1e-10
        )
    # Probabilities of a document of one word are those of that word.
    one = np.exp(rbm.log_prob(np.eye(WORDS)))
    np.testing.assert_allclose(one.sum(), 1.0)


@pytest.mark.parametrize("method", ["exact", "chains"])
def test_draws_of_all_totals_follow_the_enumerated_probabilities(method):
    rbm, each = make(), 1000
    totals = np.tile(TOTALS, each)
    drawn = rbm.sample(
        len(totals), condition=totals, seed=4, steps=16, method=method
    )
    np.testing.assert_array_equal(drawn.sum(axis=1), totals)
    for total in TOTALS:
        v, own = documents(total), drawn[totals == total]
        if total:
            assert_chi_square(count_states(own, v), np.exp(log_prob(rbm, v)))
        else:
            assert not own.any()


def test_a_row_is_drawn_alike_whatever_the_others_are():
    rbm = make()
    for method in ("exact", "chains"):
        alone, beside = (
            rbm.sample(2, condition=c, seed=3, steps=4, method=method)
            for c in ([5, 5], [5, 700])
        )
        np.testing.assert_array_equal(alone[0], beside[0])
        assert beside[1].sum() == 700


def test_annealing_finds_log_z_of_short_and_long_documents():
    rbm, totals = make(), np.array([0.0, 4.0, 60.0])
    rows = np.zeros((3 * 300, WORDS + 1))
    rows[:, -1] = np.repeat(totals, 300)
    found = ClampedWalks(rbm.walks.walker).log_weights(
        rows,
        np.zeros(rows.shape, bool),
        random.as_seed(0),
        np.linspace(0, 1, 60),
    )
    kernel, a, b = (weight.numpy() for weight in rbm.parameters)
    of_word = logsumexp(a + STATES @ kernel.T, axis=1)
    for total, own in zip(totals, np.reshape(found, (3, 300)), strict=True):
        expected = logsumexp(total * (STATES @ b + of_word))
        weights = np.exp(own - expected)
        error = weights.std() / math.sqrt(300)
        assert abs(weights.mean() - 1) < 4 * error + 1e-9


@pytest.mark.parametrize("weight", [None, [1.0, 2.0, 0.5, 0.5, 1.0]])
def test_gradients_are_finite_differences(weight):
    rbm = make(centered=False)
    v = np.array([[1, 0, 2], [0, 0, 0], [4, 0, 0], [0, 2, 0], [1, 1, 1]], float)
    share = np.ones(5) / 5 if weight is None else np.array(weight) / 5
    x = batch.make(tf.constant(v), None if weight is None else np.array(weight))
    value, found = rbm.rules.exact_gradients(x)

    def loss():
        return -share @ log_prob(rbm, v)

    np.testing.assert_allclose(value, loss(), atol=1e-10)
    for parameter, gradient in zip(rbm.parameters, found, strict=True):
        kept = parameter.numpy()
        for place in np.ndindex(kept.shape):
            ends = []
            for step in (1e-5, -1e-5):
                moved = kept.copy()
                moved[place] += step
                parameter.assign(moved)
                ends.append(loss())
            parameter.assign(kept)
            slope = (ends[0] - ends[1]) / 2e-5
            np.testing.assert_allclose(gradient[place], slope, atol=1e-8)


def test_centred_gradients_are_those_of_counts_less_their_share_of_words():
    # E = -a v - D b h - (v - D c) W (h - d), and W, a, b of the plain energy.
    plain, centred = make(centered=False), make()
    c, d = np.array([0.5, 0.2, 0.3]), np.array([0.4, 0.7])
    centred.offsets.visible.assign(c)
    centred.offsets.hidden.assign(d)
    x = tf.constant(ALL[5:12])
    kernel, a, b = (g.numpy() for g in plain.rules.exact_gradients(x)[1])
    kernel = kernel - np.outer(a, d) - np.outer(c, b)
    expected = kernel, a - kernel @ d, b - kernel.T @ c
    found = centred.rules.exact_gradients(x)[1]
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-12)


def test_units_of_given_totals_have_the_means_that_are_derivatives():
    unit = Totalled(make().visible, tf.constant([0.0, 1.0, 9.0], tf.float64))
    field = tf.constant(np.random.default_rng(1).normal(size=(3, WORDS)))
    with tf.GradientTape() as tape:
        tape.watch(field)
        value = unit.log_cumulant(field)
    np.testing.assert_allclose(
        unit.mean(field), tape.gradient(value, field), atol=1e-12
    )


# Topics ---------------------------------------------------------------------


def planted(topics, n, seed):
    """Documents of one of two topics, and their log-likelihood by words."""
    rng = np.random.default_rng(seed)
    which, totals = rng.integers(0, 2, n), rng.integers(5, 61, n)
    v = np.array(
        [
            rng.multinomial(d, topics[k])
            for d, k in zip(totals, which, strict=True)
        ]
    )
    return v, logsumexp(v @ np.log(topics).T, axis=1) - np.log(2)


def perplexity(rbm, v):
    base = log_factorial(v.sum(axis=1)) - log_factorial(v).sum(axis=1)
    return np.exp(-(rbm.log_prob(v) - base).sum() / v.sum())


def test_planted_topics_are_learned_from_documents_of_all_lengths():
    rng = np.random.default_rng(5)
    topics = rng.dirichlet(np.full(20, 0.5), 2) * 0.9 + 0.1 / 20
    x, _ = planted(topics, 400, 1)
    held, truth = planted(topics, 1000, 2)
    best = np.exp(-truth.sum() / held.sum())
    share = (x.sum(axis=0) + 0.5) / (x.sum() + 10)
    unigram = np.exp(-(held @ np.log(share)).sum() / held.sum())
    reached = {}
    for loss in ("auto", "cd"):
        rbm = gz.RBM(U.Multinomial(20), U.Bernoulli(4), seed=0)
        rbm.compile(loss=loss, watch=False, steps_per_execution=20)
        rbm.fit(scipy.sparse.csr_matrix(x), epochs=6, verbose=0)
        reached[loss] = perplexity(rbm, held)
    # 10.3, and 13.4 of words alone. One sweep does not weigh topics well.
    assert reached["auto"] < 1.02 * best
    assert reached["cd"] < best + 0.6 * (unigram - best)


# As people use it -----------------------------------------------------------


@pytest.fixture(scope="module")
def counts():
    found = np.random.default_rng(0).poisson(1.5, (64, 6))
    found[:30, :3] *= 4
    found[3] = 0
    return found


@pytest.fixture(scope="module")
def fitted(counts):
    rbm = gz.RBM(U.Multinomial(6), U.Bernoulli(3), seed=0)
    rbm.compile()
    rbm.fit(counts, epochs=1, verbose=0)
    return rbm


def test_counts_come_in_all_forms(counts, fitted):
    log_p = fitted.log_prob(counts)
    assert log_p[3] == pytest.approx(0.0, abs=1e-6)
    for x in (
        scipy.sparse.csr_matrix(counts),
        scipy.sparse.coo_array(counts.astype(np.float32)),
        counts.astype(np.uint8),
        counts.tolist(),
    ):
        np.testing.assert_allclose(fitted.log_prob(x), log_p, atol=1e-6)
        assert fitted.hidden_mean(x).shape == (64, 3)
    loss = fitted.evaluate(counts, verbose=0)
    assert loss == pytest.approx(-log_p.mean(), abs=1e-4)
    batches = tf.data.Dataset.from_tensor_slices(counts).batch(16)
    assert fitted.evaluate(batches, verbose=0) == pytest.approx(loss, abs=1e-4)
    features = gz.layers.Features(fitted)
    np.testing.assert_allclose(
        features(counts), fitted.hidden_mean(counts), atol=1e-6
    )


@pytest.mark.parametrize(
    ("ask", "told"),
    [
        (lambda m, x: m.log_prob(x + 0.5), "whole numbers from 0 up"),
        (lambda m, x: m.fit(-x), "whole numbers from 0 up"),
        (lambda m, x: m.fit(scipy.sparse.csr_matrix(x / 2)), "whole numbers"),
        (lambda m, x: m.fit(["a word", "or two"]), "CountVectorizer"),
        (lambda m, x: m.hidden_mean(np.array([["a"] * 6])), "CountVectorizer"),
        (lambda m, x: m.log_prob(np.where(x, x, np.nan)), "not finite"),
        (lambda m, x: m.fit(x, missing="nan"), "known in full"),
        (lambda m, x: m.sample(1, given=x[0], condition=3), "known in full"),
        (lambda m, x: m.impute(x), "known in full"),
        (lambda m, x: m.sample(3), "total of each document"),
        (lambda m, x: m.sample(3, condition=2.5), "received 2.5"),
        (lambda m, x: m.sample(3, condition=[-1, 2, 3]), "total of each"),
        (lambda m, x: m.sample(3, condition=[1, 2]), "rows, 3; received 2"),
        (lambda m, x: m.log_prob(x, condition=4), "Leave it out"),
        (lambda m, x: m.fit(x, condition=x.sum(axis=1)), "Leave it out"),
        (lambda m, x: m.compile(loss="pcd"), "ContrastiveDivergence"),
        (lambda m, x: m.log_partition(), "log Z for each total"),
        (
            lambda m, x: gz.models.Stack(
                [m, gz.RBM(U.Bernoulli(3), U.Bernoulli(2))]
            ).sample(2),
            "needs a condition",
        ),
        (
            lambda m, x: gz.RBM([U.Multinomial(2), U.Spin(1)], U.Spin(2)),
            "no other block",
        ),
        (lambda m, x: gz.RBM(U.Spin(2), U.Multinomial(2)), "hidden must not"),
        (
            lambda m, x: gz.RBM(U.Multinomial(2), U.Spin(2), condition=3),
            "no other condition",
        ),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(counts, fitted, ask, told):
    before = fitted.get_weights()
    with pytest.raises(ValueError, match=told):
        ask(fitted, counts)
    for one, other in zip(before, fitted.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_it_is_saved_served_and_a_preset(counts, fitted, tmp_path):
    log_p = fitted.log_prob(counts)
    fitted.save(tmp_path / "bags.keras")
    fitted.save_to_preset(tmp_path / "preset")
    for other in (
        keras.models.load_model(tmp_path / "bags.keras"),
        gz.from_preset(tmp_path / "preset"),
    ):
        np.testing.assert_array_equal(other.log_prob(counts), log_p)
        assert isinstance(other.visible, U.Multinomial)
    fitted.export(tmp_path / "served", verbose=False)
    served = tf.saved_model.load(tmp_path / "served")
    x = tf.constant(counts[:4], tf.float32)
    np.testing.assert_allclose(served.log_prob(x), log_p[:4], atol=1e-4)
    drawn = served.sample(
        tf.constant(3),
        tf.constant([1, 2], tf.int64),
        tf.constant(5),
        tf.constant([[0.0], [4.0], [90.0]]),
    )
    np.testing.assert_array_equal(np.sum(drawn, axis=1), [0, 4, 90])
