"""Single values that many rows share, in columns of real numbers."""

import warnings

import numpy as np
import pytest
import tensorflow as tf

import genzoo as gz
from genzoo.models.ebm.repeated import Repeated
from genzoo.runtime import random
from genzoo.spaces import Categorical, Interval, Product, Real


def _takings(rows=900, shut=0.14):
    """Of three shops, all shut on the same days."""
    rng = np.random.default_rng(5)
    open_ = rng.random((rows, 1)) >= shut
    level = rng.normal(3, 0.7, (rows, 1)) + rng.normal(0, 0.3, (rows, 3))
    return np.where(open_, np.exp(level), 0.0)


def _rain(rows=900):
    rng = np.random.default_rng(6)
    level = rng.gamma(0.5, 8, (rows, 1)) + rng.normal(-3, 1, (rows, 2))
    return np.maximum(level, 0.0)


def _found(space, x, **options):
    model = gz.EnergyModel(space, seed=0)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        model.adapt(x, **options)
    told = [str(one.message) for one in told if "single" in str(one.message)]
    return model.repeated, told


def test_they_are_found_and_told():
    x = _takings()
    repeated, told = _found(Interval(0, None, 3), x)
    halves = repeated.halves.numpy()
    np.testing.assert_array_equal(halves > 0, np.eye(16)[[0, 0, 0]])
    assert (repeated.places.numpy() == 0).all()
    # Below the other values, and a small part of the spread.
    assert (halves[:, 0] < np.quantile(x[x > 0], 0.05)).all()
    assert (halves[:, 0] <= 0.05 * x.std(axis=0) * 1.001).all()
    share = f"0 in {(x == 0).mean():.0%} of them"
    assert len(told) == 1
    assert share in told[0]
    assert "3 columns of the data (numbers 0, 1, 2)" in told[0]


def test_in_datasets_weighed_rows_and_gaps_they_are_the_same():
    x = _takings(400)
    space = Interval(0, None, 3)
    plain, _ = _found(space, x)
    batches, _ = _found(space, tf.data.Dataset.from_tensor_slices(x).batch(30))
    np.testing.assert_array_equal(batches.places, plain.places)
    np.testing.assert_allclose(batches.halves, plain.halves, rtol=1e-5)
    # Rows that weigh nothing are none.
    none, told = _found(space, x, sample_weight=(x[:, 0] > 0).astype(float))
    assert not none.halves.numpy().any()
    assert not told


@pytest.mark.parametrize("seed", range(3))
def test_of_noise_and_rounded_numbers_nothing_is_told(seed):
    rng = np.random.default_rng(seed)
    noise = rng.normal(size=(300, 3))
    repeated, told = _found(Real(3), noise)
    assert not repeated.halves.numpy().any()
    assert not told
    heights = np.round(170 + 7 * rng.normal(size=(300, 2)))
    _, told = _found(Real(2), heights)
    assert not told


def test_levels_of_a_column_are_left_alone():
    space = Product([Categorical([0, 1]), Interval(0, 1)])
    x = np.random.default_rng(0).integers(0, 2, (90, 2)).astype(float)
    repeated, told = _found(space, x)
    assert not repeated.halves.numpy()[0].any()
    assert repeated.halves.numpy()[1, :2].all()
    assert "numbers 1" in told[0]
    assert "Categorical" in told[0]


def test_each_is_even_in_its_interval_and_nothing_else_moves():
    space = Product([Real(1), Interval(0, 100)])
    layer = Repeated(space)
    places, halves = np.zeros((2, 16)), np.zeros((2, 16))
    places[:, :2], halves[:, :2] = [[7, -2], [100, 0]], [[0.5, 0.1], [2, 1]]
    layer.places.assign(places)
    layer.halves.assign(halves)
    rows = np.array([[7, 100], [-2, 0], [6.99, 99.9]], np.float32)
    x = tf.constant(np.repeat(rows, 4000, axis=0))
    moved = layer.spread(x, random.as_seed(1)).numpy().reshape(3, 4000, 2)
    np.testing.assert_array_equal(moved[2], x[8000:])
    for row, site, low, high in (
        (0, 0, 6.5, 7.5),
        (1, 0, -2.1, -1.9),
        (0, 1, 98, 100),
        (1, 1, 0, 1),
    ):
        place = (moved[row, :, site] - low) / (high - low)
        assert place.min() >= -1e-6
        assert place.max() <= 1 + 1e-6
        counts = np.histogram(place, 10, (0, 1))[0]
        # 4000 draws: five deviations of 400 +- 19.
        assert np.abs(counts - 400).max() < 95


def _mass(model, ends, points=400):
    """exp(-E) summed over a plane by midpoints, far from even ones."""
    edges = np.concatenate([[0], np.geomspace(1e-3, ends, points)])
    middle, width = 0.5 * (edges[1:] + edges[:-1]), np.diff(edges)
    grid = np.stack(np.meshgrid(middle, middle, indexing="ij"), axis=-1)
    energy = model.energy(grid.reshape(-1, 2).astype(np.float32))
    size = np.log(np.outer(width, width))
    return middle, size - energy.reshape(points, points)


def test_days_without_rain_are_learned_and_drawn():
    # With chains that seldom jumped -<log p> of the held-out days rose from 0
    # to 8, and the mean of samples was ten times that of the data.
    x = _rain().astype(np.float32)
    model = gz.EnergyModel(Interval(0, None, 2), seed=1)
    model.compile()
    with pytest.warns(UserWarning, match="numbers 0, 1. hold single values"):
        log = model.fit(
            x[:700], validation_data=x[700:], epochs=12, verbose=0
        ).history
    assert log["val_loss"][-1] < min(log["val_loss"]) + 0.3
    middle, height = _mass(model, 400.0)
    top = height.max()
    share = np.exp(height - top)
    log_z = np.log(share.sum()) + top
    held = np.mean(model.energy(x[700:])) + log_z
    assert abs(held - log["val_loss"][-1]) < 0.05
    assert abs(held + np.mean(model.log_prob(x[700:]))) < 0.05
    share /= share.sum()
    dry = share[np.ix_(middle < 0.3, middle < 0.3)].sum()
    truth = (x < 0.3).all(axis=1).mean()
    assert abs(dry - truth) < 0.15
    samples = model.sample(2000, seed=2)
    assert abs((samples < 0.3).all(axis=1).mean() - dry) < 0.05
    assert samples.mean() < 2 * x.mean()


def test_full_marks_do_not_swallow_the_model():
    # Of the chains three in a hundred were at full marks, and of the model's
    # samples six in ten.
    rng = np.random.default_rng(33)
    x = rng.normal(72, 14, (900, 1)) + rng.normal(0, 7, (900, 4))
    x = np.clip(x, 0, 100).astype(np.float32)
    model = gz.EnergyModel(Interval(0, 100, 4), seed=0)
    model.compile(watch=False)
    with pytest.warns(UserWarning, match="such as 100 in"):
        model.fit(x, epochs=8, verbose=0)
    found = model.log_partition("ais")
    held = np.mean(model.energy(x)) + found.value
    # Columns one by one have 16.3.
    assert held < 15.2
    best = rng.uniform(95, 100, (20_000, 4)).astype(np.float32)
    log_share = -model.energy(best) - found.value + 4 * np.log(5)
    share = np.exp(log_share.astype(float)).mean()
    assert share < 5 * (x > 95).all(axis=1).mean()


def test_two_replicas_spread_them_as_one_device_does(two):
    space = Interval(0, None, 3)
    repeated, _ = _found(space, _takings(64))
    x, seed = tf.constant(_takings(64), tf.float32), random.as_seed(4)
    whole = repeated.spread(x, seed)
    halves = [
        repeated.spread(x[first : first + 32], seed.at_row(tf.constant(first)))
        for first in (0, 32)
    ]
    np.testing.assert_array_equal(tf.concat(halves, axis=0), whole)
    with two.scope():
        model = gz.EnergyModel(space, seed=0)
        model.compile(watch=False)
    with pytest.warns(UserWarning, match="single values"):
        model.fit(_takings(64), batch_size=32, epochs=1, verbose=0)
    alone = gz.EnergyModel(space, seed=0)
    alone.compile(watch=False)
    with pytest.warns(UserWarning, match="single values"):
        alone.fit(_takings(64), batch_size=32, epochs=1, verbose=0)
    rows = _takings(20)
    np.testing.assert_allclose(
        model.energy(rows), alone.energy(rows), rtol=1e-4
    )
