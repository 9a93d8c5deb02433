"""What is said where chains end, and what chains find without being told."""

import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf

import genzoo as gz
from genzoo import features, spaces
from genzoo.models.maxent.routes.tails import growing_ray
from genzoo.runtime import random

LINEAR = [features.Moments(1), features.Pairwise()]
NORMAL = [features.Moments(1, 2), features.Pairwise()]


def _fitted(space, parts, x=None, optimizer=None, loss="pcd", **options):
    model = gz.MaxEnt(space, parts, seed=0)
    model.compile(optimizer, loss=loss, watch=False)
    model.fit(x, verbose=0, **options)
    return model


def test_counts_that_grow_together_have_no_density():
    rng = np.random.default_rng(0)
    x = rng.poisson(rng.gamma(2, 1, (300, 1)) * np.ones(5)).astype(float)
    with pytest.warns(UserWarning, match="no integral.*Counts with an end"):
        _fitted(spaces.Counts(None, 5), LINEAR, x)


@pytest.mark.parametrize(
    ("space", "parts", "draw"),
    [
        (spaces.Counts(None, 5), NORMAL, lambda g: g.poisson(3, (400, 5))),
        (spaces.Interval(0, 1, 5), NORMAL, lambda g: g.beta(0.7, 2, (400, 5))),
    ],
    ids=["counts", "shares"],
)
def test_of_chains_that_arrive_nothing_is_said(space, parts, draw):
    x = draw(np.random.default_rng(0)).astype(float)
    with warnings.catch_warnings():
        warnings.filterwarnings("error", "MaxEnt.fit")
        _fitted(space, parts, x)


def test_chains_that_stay_where_they_were_are_told():
    still = gz.losses.PersistentContrastiveDivergence(1, chains=1024)
    asked = {"observations": [0.9] * 6, "epochs": 1}
    asked |= {"optimizer": keras.optimizers.SGD(1e-6), "loss": still}
    with pytest.warns(UserWarning, match="far from the observations.*x_"):
        model = _fitted(spaces.Spin(6), features.Moments(1), **asked)
    assert abs(model.multipliers).max() < 0.01


@pytest.mark.parametrize("seed", range(4))
def test_a_ray_is_found_if_and_only_if_a_matrix_is_not_definite(seed):
    rng = np.random.default_rng(seed)
    space = spaces.Real(5)
    model = gz.MaxEnt(space, NORMAL, seed=0)
    basis, _ = np.linalg.qr(rng.normal(size=(5, 5)))
    for least in (0.02, -0.02):
        # Chains go where the density grows.
        values = np.array([least, 1, 2, 3, 4])
        matrix = basis * values @ basis.T
        first, second = np.triu_indices(5, 1)
        lambdas = np.r_[
            np.zeros(5), -0.5 * np.diag(matrix), -matrix[first, second]
        ]
        spread = 3 / np.sqrt(np.abs(values))
        chains = rng.normal(size=(64, 5)) * spread @ basis.T
        ray = growing_ray(model.density, lambdas, chains, np.full(5, 20.0))
        assert (ray is not None) == (least < 0)


def test_modes_get_their_shares_by_jumps_between_them():
    """Two wells of unequal depth far apart, against a sum."""
    parts = features.Moments(1, 2, 4)
    model = gz.MaxEnt(spaces.Real(1), parts, seed=0)
    model.compile(
        loss=gz.losses.PersistentContrastiveDivergence(1, chains=1024)
    )
    lambdas = np.array([0.25, 9.0, -1.0])
    model.multipliers = lambdas
    rng = np.random.default_rng(0)
    start = rng.choice([-1, 1], (1024, 1)) * 2.1
    model.chains.write_all(tf.constant(start, tf.float32))
    walk = tf.function(model._chain.advance, autograph=False)
    for number in range(100):
        walk(1, random.fold_in(random.as_seed(0), tf.constant(number)))
    t = np.linspace(-5, 5, 20001)
    p = np.exp(lambdas @ [t, t**2, t**4] - 20)
    share = p[t > 0].sum() / p.sum()
    found = float(np.mean(model.chains.read_all() > 0))
    assert abs(found - share) < 4 * np.sqrt(share * (1 - share) / 1024)


@pytest.mark.parametrize(
    ("space", "field", "coupling"),
    [(spaces.Spin((8, 8)), 0.0, 1.0), (spaces.Binary((8, 8)), -8.0, 4.0)],
    ids=["spins", "bits"],
)
def test_below_a_transition_both_signs_are_as_likely(space, field, coupling):
    model = gz.BoltzmannMachine(space, edges="lattice", seed=0)
    bonds = len(model.features) - 64
    lambdas = np.repeat([field / 1.5, coupling / 1.5], [64, bonds])
    model.multipliers = lambdas
    x = model.sample(600, seed=0, steps=60, method="chains")
    x = x.reshape(600, -1)
    is_up = x.mean(axis=1) > np.mean([space.low[0], space.high[0]])
    assert abs(is_up.mean() - 0.5) < 4 * 0.5 / np.sqrt(600)


def test_a_mirror_image_has_levels_of_its_space():
    space = spaces.Categorical([0.0, 1.0, 5.0], 4)
    model = gz.MaxEnt(space, features.Moments(1), seed=0)
    x = tf.constant([[0.0, 1.0, 5.0, 1.0]])
    assert not space.outside(model._chain.opposite(x).numpy())
