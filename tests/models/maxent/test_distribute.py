"""Maximum entropy on two replicas is that on one device."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import genzoo as gz
from genzoo import features, spaces

_PAIRS = [features.Moments(1), features.Pairwise()]


def _chains(steps=2):
    return gz.losses.PersistentContrastiveDivergence(steps, chains=16)


def _spins(width):
    """Examples, an odd number of them, that no two spins agree in always."""
    rng = np.random.default_rng(2)
    x = rng.random((75, width)) < 0.4
    x[:40, 1] = x[:40, 0]
    return (2 * x - 1).astype("int8")


def _maxent(space, parts, loss="auto", optimizer=None):
    def make():
        model = gz.MaxEnt(space, parts, seed=5)
        model.compile(optimizer() if optimizer else None, loss)
        return model

    return make


def _boltzmann(loss, optimizer=None):
    def make():
        model = gz.BoltzmannMachine(spaces.Spin(4), seed=5)
        model.compile(optimizer() if optimizer else None, loss)
        return model

    return make


_MIXED = spaces.Product([spaces.Spin(1), spaces.Real(1)])
_REALS = np.random.default_rng(0).standard_normal((75, 2))
_REALS[:, 0] = np.sign(_REALS[:, 0] + 0.5 * _REALS[:, 1])

# A model, its data, how far its multipliers may differ, and options of `fit`.
CASES = {
    "newton": (_maxent(spaces.Spin(4), _PAIRS), _spins(4), 1e-10, {}),
    "newton real": (
        _maxent(spaces.Real(1), features.Moments(1, 2)),
        _REALS[:, 1:],
        1e-10,
        {},
    ),
    "sgd exact": (
        _maxent(
            spaces.Spin(4),
            _PAIRS,
            optimizer=lambda: keras.optimizers.SGD(0.1),
        ),
        _spins(4),
        1e-10,
        {"epochs": 5},
    ),
    "natural gradient": (
        _maxent(spaces.Spin(4), _PAIRS, _chains()),
        _spins(4),
        1e-6,
        {"epochs": 3, "batch_size": 20},
    ),
    "chains sgd": (
        _maxent(
            _MIXED,
            [features.Moments(1), features.Pairwise(), lambda x: x[:, 1] ** 2],
            _chains(1),
            lambda: keras.optimizers.SGD(0.05),
        ),
        _REALS,
        1e-6,
        {"epochs": 2, "batch_size": 20},
    ),
    "cd": (
        _boltzmann(
            gz.losses.ContrastiveDivergence(2),
            lambda: keras.optimizers.SGD(0.1),
        ),
        _spins(4),
        1e-6,
        {"epochs": 2, "batch_size": 20},
    ),
    "pseudolikelihood lbfgs": (
        _boltzmann(gz.losses.Pseudolikelihood(l1=0.02, l2=0.1)),
        _spins(4),
        1e-6,
        {"epochs": 6},
    ),
    "pseudolikelihood sgd": (
        _boltzmann("pseudolikelihood", lambda: keras.optimizers.SGD(0.1)),
        _spins(4),
        1e-6,
        {"epochs": 2, "batch_size": 20},
    ),
}


def train(name, strategy=None):
    make, x, _, options = CASES[name]
    with (strategy or tf.distribute.get_strategy()).scope():
        model = make()
    history = model.fit(x, verbose=0, **options)
    return model, history.history


@pytest.mark.parametrize("name", CASES)
def test_two_replicas_learn_what_one_device_learns(name, two):
    *_, tolerance, _ = CASES[name]
    one, history = train(name)
    both, histories = train(name, two)
    assert np.abs(one.multipliers).max() > 0.01
    np.testing.assert_allclose(
        both.multipliers, one.multipliers, atol=tolerance
    )
    assert set(history) == set(histories)
    np.testing.assert_allclose(
        histories["loss"], history["loss"], atol=max(tolerance, 2e-6)
    )
    np.testing.assert_allclose(
        histories["residual" if "residual" in history else "loss"],
        history["residual" if "residual" in history else "loss"],
        atol=1e-5,
    )
    if one.chains is not None:
        np.testing.assert_allclose(
            both.chains.read_all(), one.chains.read_all(), atol=1e-4
        )


def test_penalties_are_not_counted_twice(two):
    """A laplace tolerance, by gradient descent on replicas."""
    errors = {"observation_stderr": 0.3, "tolerance": "laplace"}
    found = []
    for strategy in (None, two):
        with (strategy or tf.distribute.get_strategy()).scope():
            model = gz.MaxEnt(spaces.Spin(2), _PAIRS, seed=0)
            model.compile(keras.optimizers.SGD(0.1))
        model.fit(observations=[0.5, 0.5, 0.6], epochs=6, verbose=0, **errors)
        found.append(model.multipliers)
    np.testing.assert_allclose(*found, atol=1e-12)


def test_samples_and_results_of_replicas(two):
    one, _ = train("newton")
    both, _ = train("newton", two)
    x = one.sample(50, seed=1)
    np.testing.assert_array_equal(both.sample(50, seed=1), x)
    np.testing.assert_allclose(both.log_prob(x), one.log_prob(x), atol=1e-9)
    results = [
        model.evaluate(x, verbose=0, return_dict=True) for model in (one, both)
    ]
    assert results[1]["gradient_identity"] < 1e-7
    for name, value in results[0].items():
        np.testing.assert_allclose(results[1][name], value, atol=2e-6)
