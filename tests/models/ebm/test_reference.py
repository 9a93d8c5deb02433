"""Independent sites of the data: q, its draws, and the units it gives."""

import numpy as np
import pytest
import tensorflow as tf
from scipy import integrate, stats

import genzoo as gz
from genzoo.models.ebm.reference import Reference
from genzoo.runtime import random

FAR = 0.1


def _incomes(generator):
    """Far narrower than the interval they may lie in."""
    return generator.lognormal(10, 0.5, 500), (0, 1e6)


def _ages(generator):
    return np.minimum(generator.gamma(20, 2, 500), 119), (0, 120)


def _waiting(generator):
    return generator.gamma(100, 10, 500), (0, np.inf)


def _losses(generator):
    return -generator.exponential(3, 500), (-np.inf, 0)


CASES = [_incomes, _ages, _waiting, _losses]


def _fitted(case):
    x, ends = case(np.random.default_rng(0))
    model = gz.EnergyModel(gz.spaces.Interval(*ends, 1), seed=0)
    model.compile()
    x = x.astype("float32")[:, None]
    model.adapt(x)
    return model.sites, x, ends


def _density(x, low, high):
    """By SciPy: of data x."""
    mean, scale = x.mean(), 1.5 * x.std()
    ends = (low - mean) / scale, (high - mean) / scale
    near = stats.truncnorm(*ends, mean, scale)
    if np.isinf(low) or np.isinf(high):
        end = high if np.isinf(low) else low
        size = np.sqrt(np.mean((x - end) ** 2))

        def far(at):
            return 2 * stats.norm(end, size).pdf(at)

    else:

        def far(at):
            return np.full(np.shape(at), 1 / (high - low))

    return lambda at: (1 - FAR) * near.pdf(at) + FAR * far(at)


@pytest.mark.parametrize("case", CASES)
def test_sites_with_ends_have_the_density_that_they_say(case):
    sites, x, ends = _fitted(case)
    density = _density(x.astype(float), *ends)
    at = np.quantile(x, [0, 0.1, 0.5, 0.9, 1])[:, None]
    found = sites.log_prob(tf.constant(at, "float64")).numpy()
    np.testing.assert_allclose(found, np.log(density(at[:, 0])), atol=2e-4)
    points = [x.mean() + step * x.std() for step in (-6, -3, 0, 3, 6, 12)]
    reach = [max(ends[0], points[0] - 99 * x.std()), points[-1] * 3]
    if np.isinf(ends[0]):
        reach = [-99 * x.std(), 0]
    total, _ = integrate.quad(
        lambda at: np.exp(sites.log_prob(tf.constant([[at]], "float64"))[0]),
        *np.clip(reach, *ends),
        points=np.clip(points, *ends),
        limit=200,
    )
    if np.isfinite(ends[1] - ends[0]):
        # The tenth that is even reaches further than the rest.
        total += FAR * (ends[1] - min(reach[1], ends[1])) / (ends[1] - ends[0])
    assert total == pytest.approx(1, abs=2e-3)


@pytest.mark.parametrize("case", CASES)
def test_draws_have_that_density(case):
    sites, x, (low, high) = _fitted(case)
    drawn = sites.sample(4000, random.as_seed(1)).numpy()[:, 0]
    assert low <= drawn.min()
    assert drawn.max() <= high
    density = _density(x.astype(float), low, high)
    cuts = np.quantile(x, [0.05, 0.3, 0.5, 0.7, 0.95])
    for one, other in zip(cuts[:-1], cuts[1:], strict=True):
        share, _ = integrate.quad(density, one, other)
        own = np.mean((drawn > one) & (drawn < other))
        assert abs(own - share) < 4.5 * np.sqrt(share / 4000)


@pytest.mark.parametrize("case", CASES)
def test_slopes_are_finite_everywhere(case):
    sites, x, _ = _fitted(case)
    at = tf.constant(np.r_[x[:5], [[x.min()]], [[x.max()]]])
    with tf.GradientTape() as tape:
        tape.watch(at)
        value = sites.log_prob(at)
    assert np.isfinite(tape.gradient(value, at)).all()


def test_units_are_those_of_the_data():
    generator = np.random.default_rng(2)
    rare = generator.random(4000) < 0.002
    x = np.stack(
        [
            generator.lognormal(10, 0.5, 4000) / 1e6,
            generator.random(4000),
            # As the corner of an image: its unit is what it is when it is.
            rare * 0.8,
            np.full(4000, 0.3),
        ],
        axis=1,
    ).astype("float32")
    sites = Reference(gz.spaces.Interval(0, 1, 4))
    with pytest.warns(UserWarning, match="constant"):
        sites.fit(gz.models.common.given.Given(x))
    shift, unit = (part.numpy() for part in sites.units(tf.float32))
    np.testing.assert_allclose(shift, x.mean(0), atol=1e-5)
    np.testing.assert_allclose(unit[:2], x.std(0)[:2], rtol=1e-4)
    assert unit[2] == pytest.approx(0.5)
    assert unit[3] == pytest.approx(0.5)


@pytest.mark.parametrize("case", [_incomes, _ages])
def test_narrow_columns_of_wide_intervals_are_learned(case):
    generator = np.random.default_rng(3)
    x, (low, high) = case(generator)
    x = np.stack([x, 0.5 * x * generator.uniform(0.9, 1.1, len(x))], axis=1)
    model = gz.EnergyModel(gz.spaces.Interval(low, high, 2), seed=0)
    model.compile(steps_per_execution=16)
    history = model.fit(x, epochs=8, verbose=0).history
    alone = -np.log([stats.gaussian_kde(column)(column) for column in x.T]).sum(
        axis=0
    )
    # Before they began even over the whole: 3 nats and more above this.
    assert history["loss"][-1] < alone.mean() - 0.4
