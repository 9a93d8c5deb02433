"""Independent sites: closed forms of each, however many there are."""

import numpy as np
import pytest
from scipy import stats

import genzoo
from genzoo import features, spaces
from genzoo.models.maxent.routes import product


def _fitted(space, parts, observed, **options):
    model = genzoo.MaxEnt(space, parts)
    model.compile()
    model.fit(observations=observed, verbose=0, **options)
    assert model.route == "independent sites"
    return model


def test_two_hundred_bits_are_exact():
    p = np.random.default_rng(0).uniform(0.05, 0.95, 200)
    model = _fitted(spaces.Binary((10, 20)), features.Moments(1), p)
    x = np.random.default_rng(1).integers(0, 2, (5, 10, 20))
    expected = stats.bernoulli(p).logpmf(x.reshape(5, -1)).sum(axis=1)
    np.testing.assert_allclose(model.log_prob(x), expected, atol=1e-9)
    entropy = stats.bernoulli(p).entropy().sum()
    assert model.entropy() == pytest.approx(entropy, abs=1e-9)
    draws = model.sample(3000, seed=0).reshape(3000, -1)
    score = (draws.mean(axis=0) - p) / np.sqrt(p * (1 - p) / 3000)
    assert stats.kstest(score, "norm").pvalue > 1e-3


def test_tied_and_other_features_share_sites():
    space = spaces.Categorical([0, 1, 2], 30)
    parts = [features.Moments(2, tied=True), features.Marginal(4)]
    with pytest.warns(UserWarning, match="redundant: x_4=2"):
        model = _fitted(space, parts, [50.0, 0.2, 0.5, 0.3])
    # What is left is shared out among the 29 others.
    weights = np.exp(model.multipliers[0] * np.array([0.0, 1.0, 4.0]))
    square = weights @ [0, 1, 4] / weights.sum()
    assert 29 * square == pytest.approx(50 - (0.5 + 4 * 0.3), abs=1e-9)


def test_sites_of_all_kinds_beside_each_other():
    space = spaces.Product(
        [
            spaces.Interval(0, 1, 2),
            spaces.Interval(0, None),
            spaces.Counts(None, 2),
            spaces.Binary(2),
        ]
    )
    observed = [0.3, 0.6, 2.0, 1.5, 0.1, 0.3, 0.6]
    model = _fitted(space, features.Moments(1), observed)
    first, second, up, many, few, *bits = model.multipliers
    log_z = sum(np.log(np.expm1(a) / a) for a in (first, second))
    log_z += -np.log(-up) - np.log1p(-np.exp([many, few])).sum()
    log_z += np.log1p(np.exp(bits)).sum()
    found = model.log_partition()
    assert found.value == pytest.approx(log_z, abs=1e-10)
    assert found.stderr < 1e-9
    draws = model.sample(3000, seed=0)
    error = draws.std(axis=0) / 3000**0.5
    assert (abs(draws.mean(axis=0) - observed) < 4 * error).all()


def test_real_sites_far_from_zero_are_normal():
    rng = np.random.default_rng(0)
    x = rng.normal(1e4, [1, 2, 3, 0.5, 1], (500, 5))
    model = genzoo.MaxEnt(spaces.Real(5), features.Moments(1, 2))
    model.compile()
    model.fit(x, verbose=0)
    entropy = 0.5 * np.log(2 * np.pi * np.e * x.var(axis=0)).sum()
    assert model.entropy() == pytest.approx(entropy, abs=1e-6)


def test_an_average_out_of_reach_is_named():
    model = genzoo.MaxEnt(spaces.Spin(60), features.Moments(1))
    model.compile()
    with pytest.raises(ValueError, match=r"x_7 is 1\.5"):
        model.fit(observations=[0.0] * 7 + [1.5] + [0.0] * 52)


@pytest.mark.parametrize("sites", [40, 1500])
def test_steps_are_as_few_for_many_sites(sites):
    # Rare bits, far from the even start: energies of sites add up.
    p = np.random.default_rng(2).uniform(1e-5, 1e-3, sites)
    model = genzoo.MaxEnt(spaces.Binary(sites), features.Moments(1))
    model.compile()
    history = model.fit(observations=p, verbose=0).history
    assert len(history["loss"]) < 25
    np.testing.assert_allclose(model.multipliers, np.log(p / (1 - p)))


def test_a_covariance_of_many_functions_of_a_site(monkeypatch):
    weights = np.random.default_rng(4).normal(size=(4, 40))
    space = spaces.Categorical([-1, 0, 2], 40)
    found = []
    for most in (0, 2**23):
        monkeypatch.setattr(product, "_MOST_PAIRS", most)
        model = _fitted(space, features.Linear(weights), [0.1] * 4)
        found.append((model.multipliers, model.feature_covariance()))
    np.testing.assert_allclose(found[0][0], found[1][0], atol=1e-10)
    np.testing.assert_allclose(found[0][1], found[1][1], atol=1e-10)
