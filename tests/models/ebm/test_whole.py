"""Whole numbers of a reference, and sums over them."""

import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

import genzoo as gz
from genzoo.models.ebm.whole import WholeNumbers
from genzoo.spaces import Counts, Product, Real

CASES = [(0.0, 0.0), (0.3, 0.6), (4.0, 2.0), (9.0, 40.0), (1e3, 32.0)]


@pytest.mark.parametrize(("mean", "spread"), [*CASES, (1e5, 316.0)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_probabilities_are_those_of_a_mixture(mean, spread, dtype):
    numbers = WholeNumbers.of(
        *(tf.constant([value], dtype) for value in (mean, spread))
    )
    end = 40 * max(mean, spread, 1)
    k = np.arange(int(min(end, 4e6)), dtype=dtype)[:, None]
    log_p = numbers.log_prob(tf.constant(k)).numpy()[:, 0].astype(float)
    mean, spread = max(mean, 0.1), max(spread, 0.3)
    share = np.clip(spread / mean, 0.1, 1)
    logistic = stats.logistic(mean, spread * np.sqrt(3) / np.pi)
    # Of the upper tail by what is above, which is not rounded to one.
    k = k[:, 0].astype(float)
    near = np.where(
        k < mean,
        logistic.cdf(k + 0.5) - logistic.cdf(k - 0.5),
        logistic.sf(k - 0.5) - logistic.sf(k + 0.5),
    ) / logistic.sf(-0.5)
    far = stats.geom(1 / (1 + mean), loc=-1).pmf(k)
    true = max(1 - share, 1e-12) * near + share * far
    seen = true > 1e-30
    tolerance = 1e-6 if dtype == "float64" else 2e-3
    np.testing.assert_allclose(
        log_p[seen], np.log(true[seen]), atol=tolerance, rtol=tolerance
    )
    assert abs(np.exp(log_p).sum() - 1) < tolerance


@pytest.mark.parametrize(("mean", "spread"), CASES)
def test_draws_are_of_these_probabilities(mean, spread):
    numbers = WholeNumbers.of(*(tf.constant([v]) for v in (mean, spread)))
    wide = WholeNumbers(*(tf.cast(v, tf.float64) for v in numbers))
    uniform = np.random.default_rng(3).random((20_000, 1))
    drawn = wide.drawn(tf.constant(uniform)).numpy()[:, 0]
    # Into ten parts of as much mass as there can be.
    edges = np.unique(np.quantile(drawn, np.linspace(0.1, 0.9, 9)))
    k = np.arange(int(drawn.max()) * 3 + 10, dtype="float32")[:, None]
    p = np.exp(numbers.log_prob(tf.constant(k)).numpy()[:, 0].astype(float))
    part = np.searchsorted(edges, k[:, 0])
    expected = np.bincount(part, p, len(edges) + 1)
    found = np.bincount(np.searchsorted(edges, drawn), minlength=len(expected))
    expected = expected / expected.sum() * len(drawn)
    kept = expected > 5
    chi = np.sum((found - expected)[kept] ** 2 / expected[kept])
    assert chi < stats.chi2(kept.sum()).isf(1e-4)


def _counts(means, rows=600):
    rng = np.random.default_rng(int(sum(means)))
    return rng.poisson(means, (rows, len(means))).astype(float)


@pytest.mark.parametrize("means", [(5.0,), (400.0,), (8000.0,), (40.0, 60.0)])
def test_sums_hold_all_whole_numbers(means):
    model = gz.EnergyModel(Counts(None, len(means)), seed=0)
    model.adapt(_counts(means))
    found = model.log_partition()
    assert found.method == "quadrature"
    # It begins as its reference, which is normalised.
    assert abs(found.value) < 2 * found.stderr + 1e-3
    drawn = model.sample(2000, seed=0)
    assert abs(drawn.mean(axis=0) / means - 1).max() < 0.2


def test_counts_beyond_a_sum_have_the_right_likelihood():
    # Summed over 256 numbers the logged loss was 11 nats below the entropy.
    means = (20.0, 3000.0)
    model = gz.EnergyModel(Counts(None, 2), seed=0)
    model.compile()
    logs = model.fit(
        _counts(means),
        validation_data=(_counts(means, 601),),
        epochs=6,
        verbose=0,
    ).history
    true = -stats.poisson(means).logpmf(_counts(means, 601)).sum(1).mean()
    assert abs(logs["val_loss"][-1] - true) < 0.35
    drawn = model.sample(1000, seed=0)
    error = np.sqrt(means) / np.sqrt(1000)
    assert np.all(abs(drawn.mean(axis=0) - means) < 6 * error)
    assert np.all(abs(drawn.std(axis=0) / np.sqrt(means) - 1) < 0.2)


def test_an_exact_likelihood_of_too_many_numbers_is_refused():
    space = Product([Counts(None), Real(1)])
    x = _counts((900.0, 3.0))
    model = gz.EnergyModel(space, seed=0)
    model.compile(loss="exact_likelihood")
    with pytest.raises(ValueError, match="255 of two .* Use loss='pcd'"):
        model.fit(x, verbose=0)
    model.compile()
    model.fit(x[:50], verbose=0)
