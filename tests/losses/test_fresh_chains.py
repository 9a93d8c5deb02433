"""Persistent chains of which some begin anew at each update."""

import numpy as np
import pytest
import tensorflow as tf

import genzoo as gz
from genzoo.losses import PersistentContrastiveDivergence
from genzoo.runtime import random

BITS = (np.random.default_rng(0).random((40, 4)) < 0.3).astype("uint8")


def _rbm():
    return gz.RBM(gz.units.Bernoulli(4), gz.units.Bernoulli(3), seed=0)


def _energy():
    space = gz.spaces.Binary(4)
    network = gz.networks.energy_mlp(space, width=4, depth=1, seed=1)
    return gz.EnergyModel(space, network, seed=0)


def _deep():
    units = [gz.units.Bernoulli(size) for size in (4, 3, 2)]
    return gz.DeepBoltzmannMachine(units, seed=0)


def _boltzmann():
    return gz.BoltzmannMachine(gz.spaces.Binary(4), seed=0)


def test_the_share_begins_at_the_reference_by_row():
    space = gz.spaces.Real(2)
    network = gz.networks.energy_mlp(space, width=4, depth=1, seed=1)
    model = gz.EnergyModel(space, network, seed=0)
    model.adapt(np.random.default_rng(1).normal([5, -1], [2, 0.1], (500, 2)))
    old = tf.fill((8000, 2), 1e4)
    seed = random.as_seed(4)
    found = model.walks.with_new(old, 0.3, seed).numpy()
    is_new = found[:, 0] < 1e4
    assert abs(is_new.mean() - 0.3) < 4 * np.sqrt(0.3 * 0.7 / 8000)
    mean, spread = model.sites.middle.numpy(), model.sites.spread.numpy()
    gap = found[is_new].mean(axis=0) - mean
    assert (np.abs(gap) < 4 * 1.5 * spread / np.sqrt(is_new.sum())).all()
    last = model.walks.with_new(old[5000:], 0.3, seed.at_row(5000))
    np.testing.assert_array_equal(last, found[5000:])


@pytest.mark.parametrize("make", [_rbm, _energy, _deep, _boltzmann])
@pytest.mark.parametrize("fresh", [0.0, 1.0])
def test_new_chains_know_nothing_of_the_old_ones(make, fresh, eagerly):
    ends = []
    for start in (0.0, 1.0):
        model = make()
        rule = PersistentContrastiveDivergence(1, 64, False, fresh=fresh)
        model.compile("sgd", rule, watch=False)
        model.fit(BITS, batch_size=40, verbose=0)
        rng = np.random.default_rng(2)
        for weight in model.parameters:
            weight.assign(2 * rng.normal(size=weight.shape))
        model.chains.write_all(tf.fill(model.chains.read_all().shape, start))
        model.fit(BITS, batch_size=40, initial_epoch=1, epochs=2, verbose=0)
        ends.append(model.chains.read_all().numpy())
    assert (ends[0] == ends[1]).all() == (fresh == 1.0)


@pytest.mark.parametrize("fresh", [-0.1, 1.5, "half"])
def test_another_share_is_refused(fresh):
    told = "PersistentContrastiveDivergence: fresh must be a number from 0 to 1"
    with pytest.raises(ValueError, match=told):
        PersistentContrastiveDivergence(fresh=fresh)
