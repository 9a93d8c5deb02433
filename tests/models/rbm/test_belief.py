"""Deep belief networks against sums over all states, in NumPy."""

import itertools

import numpy as np
import pytest

import genzoo as gz
from genzoo import units


def _states(n):
    return np.array(list(itertools.product((0.0, 1.0), repeat=n)))


def _softplus(x):
    return np.logaddexp(0, x)


def _log_sigmoid(states, field):
    """log p of bits given their fields, (rows of states, rows of fields)."""
    return states @ field.T - _softplus(field).sum(1)


@pytest.fixture(scope="module")
def network():
    rng = np.random.default_rng(1)
    network = gz.DeepBeliefNetwork(
        [units.Bernoulli(n, dtype="float64") for n in (4, 3, 2)],
        seed=0,
        dtype="float64",
    )
    for rbm in network.rbms:
        for weight in (rbm.kernel, rbm.visible.bias, rbm.hidden.bias):
            weight.assign(rng.normal(size=weight.shape))
    return network


def _of(network):
    """(log p(x), the bound) of all x by sums."""
    first, top = network.rbms
    w, a, b = (
        np.asarray(v.numpy())
        for v in (first.kernel, first.visible.bias, first.hidden.bias)
    )
    x, h = _states(4), _states(3)
    log_top = -top.energy(h) - top.log_partition().value
    downwards = _log_sigmoid(x, h @ w.T + a)
    log_p = np.logaddexp.reduce(downwards + log_top, axis=1)
    log_q = _log_sigmoid(h, x @ w + b).T
    terms = downwards + log_top - log_q
    return x, log_p, (np.exp(log_q) * terms).sum(1)


def test_the_bound_is_that_of_all_hidden_states(network):
    x, log_p, bound = _of(network)
    assert (bound <= log_p).all()
    found = network.bound(x, draws=400, seed=1)
    assert (np.abs(found.value - bound) < 5 * found.stderr).all()
    assert found.stderr.max() < 0.3
    # Rows do not depend on those beside them.
    few = network.bound(x[:3], draws=400, seed=1)
    np.testing.assert_allclose(few.value, found.value[:3])


def test_samples_are_those_of_the_network(network):
    x, log_p, _ = _of(network)
    n = 4000
    drawn = network.sample(n, seed=2)
    mean = np.exp(log_p) @ x
    error = np.sqrt(mean * (1 - mean) / n)
    assert (np.abs(drawn.mean(0) - mean) < 5 * error).all()


def test_a_second_rbm_that_is_the_first_upside_down_changes_nothing():
    rng = np.random.default_rng(0)
    kernel, a, b = (rng.normal(size=s) for s in ((5, 3), 5, 3))
    network = gz.DeepBeliefNetwork([units.Bernoulli(n) for n in (5, 3, 5)])
    first, second = network.rbms
    for weight, value in (
        (first.kernel, kernel),
        (first.visible.bias, a),
        (first.hidden.bias, b),
        (second.kernel, kernel.T),
        (second.visible.bias, b),
        (second.hidden.bias, a),
    ):
        weight.assign(value)
    x = _states(5)
    found = network.bound(x)
    np.testing.assert_allclose(found.value, first.log_prob(x), atol=1e-4)
    assert found.stderr.max() < 1e-5


def test_it_is_trained_layer_by_layer_and_says_what_is_wrong(tmp_path):
    rng = np.random.default_rng(0)
    x = np.repeat(rng.random((200, 2)) < 0.5, 2, axis=1)
    network = gz.DeepBeliefNetwork([units.Bernoulli(n) for n in (4, 4, 3)], 0)
    with pytest.raises(ValueError, match="has not seen data"):
        network.bound(x)
    assert network.fit(x, epochs=1, verbose=0) is network
    assert len(network.histories) == 2
    with pytest.raises(ValueError, match="two layers or more"):
        gz.DeepBeliefNetwork([units.Bernoulli(3)])
    with pytest.raises(ValueError, match=r"units\[1\] must be units"):
        gz.DeepBeliefNetwork([units.Bernoulli(3), 2])
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.txt").write_text("")
    with pytest.raises(ValueError, match="holds something else"):
        network.save(tmp_path / "other")
    for _ in range(2):
        network.save(tmp_path / "network")
    found = gz.DeepBeliefNetwork.load(tmp_path / "network")
    for one, other in zip(network.bound(x), found.bound(x), strict=True):
        np.testing.assert_array_equal(one, other)
    # It goes on where the other was.
    drawn = [one.fit(x, 1, verbose=0).sample(5) for one in (network, found)]
    np.testing.assert_array_equal(*drawn)
    with pytest.raises(ValueError, match=r"must be a folder of 0\.keras"):
        gz.DeepBeliefNetwork.load(tmp_path / "other")
