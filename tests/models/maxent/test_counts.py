"""Whole numbers without end, against closed forms and long sums."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

import genzoo
from genzoo import features, spaces


@keras.saving.register_keras_serializable("test_counts")
def _log_factorial(x):
    return -tf.math.lgamma(x[:, 0] + 1)


def _fitted(space, parts, observed, **options):
    model = genzoo.MaxEnt(space, parts, **options)
    model.compile()
    model.fit(observations=observed, verbose=0)
    return model


@pytest.mark.parametrize("mean", [0.02, 700.0])
def test_a_mean_alone_is_geometric(mean):
    model = _fitted(spaces.Counts(None), features.Moments(1), [mean])
    found = stats.geom(1 / (1 + mean), loc=-1)
    k = np.unique(np.geomspace(1, 10 * mean + 10, 9).astype(int))
    np.testing.assert_allclose(model.log_prob(k), found.logpmf(k), rtol=1e-10)
    log_z = model.log_partition()
    assert log_z.value == pytest.approx(np.log1p(mean), abs=1e-12)
    assert log_z.stderr < 1e-14
    assert model.entropy() == pytest.approx(float(found.entropy()), abs=1e-10)
    draws = model.sample(4000, seed=0)
    assert abs(draws.mean() - mean) < 4 * found.std() / 4000**0.5
    assert (draws == np.floor(draws)).all()


def test_with_a_log_factorial_it_is_poisson_and_is_kept(tmp_path):
    model = _fitted(
        spaces.Counts(None),
        features.Moments(1),
        [30_000.0],
        reference=_log_factorial,
    )
    found = stats.poisson(30_000.0)
    k = np.array([29_000, 30_000, 31_234])
    np.testing.assert_allclose(model.log_prob(k), found.logpmf(k), atol=1e-8)
    # Of the least too there are none to be summed.
    assert model.window.ends.numpy()[0, 0] > 0
    model.save(tmp_path / "counts.keras")
    again = keras.models.load_model(tmp_path / "counts.keras")
    np.testing.assert_array_equal(again.log_prob(k), model.log_prob(k))


def test_two_sites_that_depend_on_each_other_and_chains():
    parts = [features.Moments(1), features.Pairwise()]
    model = _fitted(spaces.Counts(None, 2), parts, [1.0, 2.0, 1.0])
    a, b = np.indices((150, 150))
    first, second, both = model.multipliers
    weights = np.exp(first * a + second * b + both * a * b)
    p = weights / weights.sum()
    assert model.log_partition().value == pytest.approx(np.log(weights.sum()))
    means = [(p * a).sum(), (p * b).sum(), (p * a * b).sum()]
    np.testing.assert_allclose(means, [1, 2, 1], atol=1e-10)
    # Given one the other is geometric.
    ratio = np.exp(second + 2 * both)
    draws = model.sample(1000, seed=0, given=np.array([2.0, np.nan]))
    deviation = ratio**0.5 / (1 - ratio) / 1000**0.5
    assert (draws[:, 0] == 2).all()
    assert abs(draws[:, 1].mean() - ratio / (1 - ratio)) < 4 * deviation


@pytest.mark.parametrize(
    ("part", "observed", "told"),
    [
        (features.Moments(1), [0.0], "more than 0"),
        (features.Moments(1, 2), [2.5, 6.4], "above 0.25"),
        (
            features.Function(lambda x: tf.math.log1p(x[:, 0])),
            [0.5],
            "too many to be summed",
        ),
    ],
)
def test_what_cannot_be_summed_is_refused(part, observed, told):
    with pytest.raises(ValueError, match=told):
        _fitted(spaces.Counts(None), part, observed)


def test_a_density_that_grows_is_refused():
    model = genzoo.MaxEnt(spaces.Counts(None), features.Moments(1))
    with pytest.raises(ValueError, match="does not decay"):
        model.multipliers = [0.01]
