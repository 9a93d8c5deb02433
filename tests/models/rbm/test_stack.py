"""RBMs trained one on the hidden states of the other."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf
from sources import Csr

import genzoo as gz
from genzoo.models.rbm.stack import HiddenStates
from genzoo.runtime.random import as_seed

U = gz.units


def pair(sizes=(6, 4, 3), loss="exact_likelihood"):
    rbms = []
    for seed, (v, h) in enumerate(itertools.pairwise(sizes)):
        rbm = gz.RBM(U.Bernoulli(v), U.Bernoulli(h), seed=seed)
        rbm.compile(keras.optimizers.SGD(0.1), loss, watch=False)
        rbms.append(rbm)
    return rbms


def weights(rbms):
    found = [np.ravel(weight) for rbm in rbms for weight in rbm.parameters]
    return np.concatenate(found)


@pytest.fixture(scope="module")
def stack():
    rng = np.random.default_rng(0)
    x = (rng.random((80, 6)) < 0.4).astype("uint8")
    x[:, 1] = x[:, 0]
    return gz.pretrain(pair(), x, epochs=2, verbose=0), x


def test_the_first_learns_as_by_itself_and_all_of_it_is_reproducible(stack):
    trained, x = stack
    rbms = pair()
    rbms[0].fit(x, epochs=2, verbose=0)
    np.testing.assert_array_equal(weights(rbms[:1]), weights(trained[:1]))
    again = gz.pretrain(pair(), Csr(x), epochs=[2, 2], verbose=0)
    np.testing.assert_array_equal(weights(again), weights(trained))
    assert [len(h.epoch) for h in again.histories] == [2, 2]


def test_the_second_goes_on_from_a_save(stack, tmp_path):
    trained, x = stack
    rbms = pair()
    for rbm, other in zip(rbms[:1], trained[:1], strict=True):
        rbm.set_weights(other.get_weights())
    gz.pretrain(rbms, x, epochs=[0, 1], verbose=0)
    rbms[1].save(tmp_path / "second.keras")
    rbms[1] = keras.saving.load_model(tmp_path / "second.keras")
    both = gz.pretrain(rbms, x, epochs=[0, 2], initial_epoch=1, verbose=0)
    np.testing.assert_array_equal(weights(both), weights(trained))
    assert both.histories[0] is None


def test_hidden_states_have_their_probabilities_and_are_drawn_anew():
    (below, above) = pair()
    generator = np.random.default_rng(1)
    below.kernel.assign(generator.normal(size=(6, 4)))
    x = np.repeat((generator.random((2, 6)) < 0.5), 2000, axis=0)
    source = HiddenStates([below], x.astype("uint8"), 300, above.draws)
    epochs = []
    for _ in range(2):
        source.on_epoch_begin()
        batches = [source[i] for i in range(source.num_batches)]
        assert [len(b) for b in batches] == [300] * 13 + [100]
        states = np.empty((4000, 4))
        states[source.order] = np.concatenate(batches)
        epochs.append(states)
        above.draws.next()
    mean = below.hidden_mean(x[[0, -1]])
    for states in epochs:
        found = states.reshape(2, 2000, 4).mean(axis=1)
        error = np.sqrt(mean * (1 - mean) / 2000)
        np.testing.assert_array_less(np.abs(found - mean), 4.5 * error)
    # Alike as often as two independent draws are.
    alike = (epochs[0] == epochs[1]).reshape(2, 2000, 4).mean(axis=1)
    expected = mean**2 + (1 - mean) ** 2
    error = np.sqrt(expected * (1 - expected) / 2000)
    np.testing.assert_array_less(np.abs(alike - expected), 4.5 * error)


def test_what_comes_back_goes_into_other_models(stack):
    trained, x = stack
    mean = trained[0].hidden_mean(x)
    field = mean @ np.asarray(trained[1].kernel) + np.asarray(
        trained[1].hidden.bias
    )
    expected = 1 / (1 + np.exp(-field))
    np.testing.assert_allclose(trained.hidden_mean(x), expected, rtol=1e-5)
    model = keras.Sequential([*trained.layers(), keras.layers.Dense(2)])
    assert model(x).shape == (80, 2)
    assert len(model.trainable_variables) == 6
    frozen = trained.to_sequential(keras.layers.Dense(2), trainable=False)
    assert len(frozen.trainable_variables) == 2
    assert set(np.unique(trained.sample_hidden(x))) <= {0, 1}


def test_samples_are_those_of_the_network(stack):
    trained, _ = stack
    # p(v) = sum over both hidden layers of p(h2, h1) p(v | h1).
    below, top = trained
    first = gz.spaces.Binary(4).states()
    prior = np.exp(top.log_prob(first))
    mean = prior @ below.visible_mean(first)
    drawn = trained.sample(20_000, seed=1)
    error = np.sqrt(mean * (1 - mean) / 20_000)
    np.testing.assert_array_less(np.abs(drawn.mean(axis=0) - mean), 4.5 * error)
    np.testing.assert_array_equal(trained.sample(5, seed=1), drawn[:5])


def test_units_of_other_kinds(stack):
    _, x = stack
    rbms = [
        gz.RBM(U.Bernoulli(6), U.Spin((2, 2)), seed=0),
        gz.RBM(U.Spin((2, 2)), U.Categorical(1, 3), seed=1),
    ]
    made = gz.pretrain(rbms, x, epochs=0)
    assert made.hidden_mean(x).shape == (80, 3)
    assert made.sample_hidden(x, seed=as_seed(3)).shape == (80, 3)


def test_what_does_not_fit_is_refused(stack):
    _, x = stack
    one = pair()[0]
    dataset = tf.data.Dataset.from_tensors(x)
    for rbms, given, options, message in (
        (pair()[::-1], x, {}, r"hidden in RBM 0, Bernoulli\(3\); they are B"),
        ([], x, {}, "must be a list of RBMs"),
        (one, x, {}, "must be a list of RBMs"),
        ([3], x, {}, "it holds 3"),
        ([one, one], x, {}, "twice"),
        (pair(), dataset, {}, "must be an array"),
        (pair(), 3 * x, {}, "x must hold 0 and 1"),
        (pair(), x, {"epochs": [1]}, "one for each of the 2"),
        (pair(), x, {"epochs": -1}, "at least 0"),
    ):
        before = (
            weights(rbms)
            if isinstance(rbms, list) and 3 not in rbms and rbms
            else None
        )
        with pytest.raises(ValueError, match=message):
            gz.pretrain(rbms, given, **options)
        if before is not None:
            np.testing.assert_array_equal(weights(rbms), before)
