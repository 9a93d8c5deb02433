"""Waves are short where data have fine structure, else they learn noise."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import genzoo as gz
from genzoo import networks, spaces
from genzoo.layers import RandomFourier


def correlated(rows=500, columns=8, seed=0):
    generator = np.random.default_rng(seed)
    mixed = generator.normal(size=(2, columns))
    hidden = generator.normal(size=(rows, 2)) @ mixed
    return hidden + 0.3 * generator.normal(size=(rows, columns))


def islands(rows=400, columns=3, seed=0):
    generator = np.random.default_rng(seed)
    middles = generator.uniform(-2, 2, (8, columns))
    noise = generator.normal(size=(rows, columns))
    return middles[generator.integers(8, size=rows)] + 0.1 * noise


def skewed(rows=300, seed=0):
    """Three columns of other scales, one with a tail."""
    generator = np.random.default_rng(seed)
    wind = generator.gamma(2.0, 3.0, rows)
    air = 1013 + 8 * generator.normal(size=rows) - 0.8 * wind
    tide = 1.2 + 0.09 * wind + 0.12 * generator.normal(size=rows)
    return np.stack([tide, wind, air], axis=1)


def normal(learned, held):
    """-<log p> of held-out rows by the normal distribution of others."""
    away = held - learned.mean(axis=0)
    covariance = np.cov(learned.T)
    square = np.sum(away @ np.linalg.inv(covariance) * away, axis=1)
    return 0.5 * (square.mean() + np.linalg.slogdet(2 * np.pi * covariance)[1])


def are_long(model):
    (waves,) = (x for x in model.network.layers if isinstance(x, RandomFourier))
    size = np.linalg.norm(waves.vectors.numpy(), axis=0)
    return np.sqrt(np.mean(size**2)) < 1


def adapted(x, space=None, network=None, **options):
    space = space or spaces.Real(x.shape[1])
    model = gz.EnergyModel(space, network, seed=0)
    model.compile()
    model.adapt(x, **options)
    return model


def fitted(x, network=None):
    model = gz.EnergyModel(spaces.Real(x.shape[1]), network, seed=0)
    model.compile(watch=False)
    model.fit(x, epochs=20, verbose=0)
    return model


@pytest.mark.parametrize("make", [correlated, skewed])
def test_held_out_rows_of_smooth_tables_are_told_like_by_a_normal(make):
    x = make()
    learned, held = np.split(x, [int(0.8 * len(x))])
    model = fitted(learned)
    assert are_long(model)
    found = -model.log_prob(held).mean()
    assert found < normal(learned, held) + 0.5
    if make is skewed:
        return
    # With short waves by far more: the noise of the rows is learned.
    network = networks.energy_mlp(model.space, waves=64, seed=1)
    other = fitted(learned, network)
    assert not are_long(other)
    assert -other.log_prob(held).mean() > found + 0.5


def test_a_table_of_rounded_measures():
    datasets = pytest.importorskip("sklearn.datasets")
    x = np.random.default_rng(1).permutation(datasets.load_wine().data)
    learned, held = np.split(x, [int(0.8 * len(x))])
    with pytest.warns(UserWarning, match="single values"):
        model = fitted(learned)
    assert -model.log_prob(held).mean() < normal(learned, held)


def test_they_stay_where_structure_is_fine():
    assert not are_long(adapted(islands()))
    rows = islands(columns=2)
    assert not are_long(adapted(rows * [1e-3, 1e4] + [5.0, -2e4]))


def test_what_was_asked_for_or_has_learned_stays():
    x, space = correlated(), spaces.Real(8)
    asked = networks.energy_mlp(space, waves=64)
    assert not are_long(adapted(x, network=asked))
    learned = networks.energy_mlp(space, width=16)
    learned.layers[-1].kernel.assign(np.ones((16, 1)))
    assert not are_long(adapted(x, network=learned))
    angles = spaces.Angle(2)
    turned = np.random.default_rng(0).uniform(-3, 3, (300, 2))
    assert not are_long(adapted(turned, angles))


def test_datasets_gaps_weights_and_other_columns():
    x = correlated().astype("float32")
    batches = tf.data.Dataset.from_tensor_slices(x).batch(64)
    assert are_long(adapted(batches, spaces.Real(8)))
    assert are_long(adapted(batches, spaces.Real(8), steps=2))
    # Rows that count for nothing say nothing.
    both = np.concatenate([islands(4000, 8), x])
    weight = np.repeat([0.0, 1.0], [4000, len(x)])
    assert are_long(adapted(both, sample_weight=weight))
    assert not are_long(adapted(both))
    # A gap in every third row.
    x[::3, 2] = np.nan
    model = gz.EnergyModel(spaces.Real(8), seed=0)
    model.compile()
    model.fit(x, epochs=1, missing="nan", verbose=0)
    assert are_long(model)
    # Few rows say nothing. Many of one value are fine structure of a column,
    # and little of what eight are like.
    assert are_long(adapted(islands(12)))
    x = correlated()
    x[::2, 1] = 0.0
    with pytest.warns(UserWarning, match="value"):
        assert are_long(adapted(x))
    with pytest.warns(UserWarning, match="value"):
        assert not are_long(adapted(x[:, 1:2]))


def test_long_waves_are_saved(tmp_path):
    model = adapted(correlated())
    path = tmp_path / "model.keras"
    model.save(path)
    again = keras.saving.load_model(path)
    assert are_long(again)
