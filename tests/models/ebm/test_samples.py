"""Samples of a neural energy that go on from its persistent chains."""

import keras
import numpy as np
import pytest

import genzoo as gz
from genzoo import spaces
from genzoo.losses import PersistentContrastiveDivergence
from genzoo.models.common import energy_based_model as common
from genzoo.models.ebm import model as ebm

RNG = np.random.default_rng(21)
# Modes that no sweep passes between, their shares, and a space.
MODES = {
    "reals": (spaces.Real(4), [[0, 0, 0, 0], [9, 9, 1, 0], [-8, 4, 6, 1]]),
    "bits": (spaces.Binary(24), RNG.integers(0, 2, (3, 24))),
    "mixed": (
        spaces.Product([spaces.Spin(2), spaces.Counts(None), spaces.Real(3)]),
        [[-1, 1, 60, 5, 0, 1], [1, 1, 3, -3, 8, 0], [-1, -1, 9, 0, -7, 4]],
    ),
}
SHARES = np.array([0.7, 0.25, 0.05])


class Modes(keras.layers.Layer):
    """-log of a mixture of modes with equal width, whose shares are known."""

    def __init__(self, space, centres):
        super().__init__()
        self.places = np.asarray(centres, "float32")
        is_real = np.zeros(space.width, bool)
        is_real[space.continuous_sites] = True
        # In |x - c|^2 / 2 of reals, flips of sites, steps of whole numbers.
        self.kinds = np.where(is_real, 0, np.where(space.whole, 2, 1))
        self.flips = np.where(space.low < 0, 2.0, 1.0).astype("float32")

    def call(self, x):
        apart = keras.ops.abs(x[:, None] - self.places)
        each = keras.ops.where(self.kinds == 0, 0.5 * apart**2, apart)
        each = keras.ops.where(self.kinds == 1, 3 * apart / self.flips, each)
        total = keras.ops.sum(each, axis=2)
        return -keras.ops.logsumexp(np.log(SHARES) - total, axis=1)


def _model(name, of_chains):
    space, centres = MODES[name]
    network = keras.Sequential(
        [keras.Input((space.width,)), Modes(space, centres)]
    )
    model = gz.EnergyModel(space, network, reference=None, seed=0)
    model.compile(loss=PersistentContrastiveDivergence(chains=100))
    centres = np.asarray(centres, "float32")
    at = centres[np.repeat([0, 1, 2], of_chains)]
    rng = np.random.default_rng(5)
    real = np.zeros(space.width, bool)
    real[space.continuous_sites] = True
    at = np.where(real, at + rng.normal(size=at.shape), at)
    model.chains.write_all(at.astype("float32"))
    return model, centres


def _shares(x, centres):
    flat = x.reshape(len(x), -1)
    nearest = np.abs(flat[:, None] - centres).sum(2).argmin(1)
    return np.bincount(nearest, minlength=3) / len(x)


def _true_shares(space, centres):
    """Those of modes of which the part below zero is cut."""
    steps = np.arange(200)
    whole = np.flatnonzero(space.whole)
    mass = np.exp(-np.abs(steps[:, None] - centres[:, whole].ravel()))
    sums = mass.sum(axis=0) if len(whole) else 1.0
    return SHARES * sums / np.sum(SHARES * sums)


@pytest.mark.parametrize("name", MODES)
@pytest.mark.parametrize("of_chains", [(10, 10, 80), (85, 10, 5)])
def test_shares_of_modes_are_the_models_whatever_those_of_chains(
    name, of_chains
):
    model, centres = _model(name, of_chains)
    x = model.sample(1000, seed=3)
    true = _true_shares(model.space, centres)
    error = np.sqrt(true * (1 - true) / 1000)
    assert np.all(np.abs(_shares(x, centres) - true) < 4.5 * error)


@pytest.mark.parametrize("name", MODES)
def test_more_rows_than_jump_together_are_drawn(monkeypatch, name):
    # In parts, of which the second begins at another row than the first.
    model, _ = _model(name, (50, 30, 20))
    monkeypatch.setattr(common, "TOGETHER", 2 * common.GROUP)
    drawn = model.sample(150, seed=1, steps=3)
    np.testing.assert_allclose(
        drawn[:20], model.sample(20, seed=1, steps=3), atol=1e-5
    )


def test_rows_are_the_same_however_many_there_are():
    model, _ = _model("reals", (50, 30, 20))
    few, many = (model.sample(n, seed=1, steps=20) for n in (3, 300))
    np.testing.assert_allclose(few, many[:3], atol=1e-5)
    np.testing.assert_array_equal(many, model.sample(300, seed=1, steps=20))


def test_sweeps_by_default_are_few_where_chains_go_on(monkeypatch):
    model, _ = _model("reals", (50, 30, 20))
    np.testing.assert_array_equal(
        model.sample(40, seed=1), model.sample(40, seed=1, steps=100)
    )
    # Without chains, or beside them, a path has its thousand.
    monkeypatch.setattr(ebm, "_LONG", 12)
    asked = {"seed": 1, "method": "chains"}
    annealed = model.sample(3, **asked)
    np.testing.assert_array_equal(annealed, model.sample(3, steps=12, **asked))
    model.keep_chains(0)
    np.testing.assert_array_equal(annealed, model.sample(3, seed=1))


def test_many_bits_do_not_go_on():
    # Of jumps of many discrete sites none would be taken.
    space = spaces.Binary(70)
    model = gz.EnergyModel(
        space, gz.networks.energy_mlp(space, width=4, depth=1), seed=0
    )
    model.compile(loss=PersistentContrastiveDivergence(chains=8))
    model.adapt(RNG.integers(0, 2, (50, 70)))
    x = model.sample(4, seed=0, steps=10)
    asked = {"steps": 10, "method": "chains"}
    np.testing.assert_array_equal(x, model.sample(4, seed=0, **asked))
