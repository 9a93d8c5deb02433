import math

import numpy as np
import pytest
from goodness_of_fit import assert_chi_square, assert_kolmogorov_smirnov

import genzoo as gz

N = 20_000
MAKERS = {
    "ring": (gz.datasets.gaussian_ring, 8, 0.02 / math.sqrt(2 + 0.02**2)),
    "grid": (gz.datasets.gaussian_grid, 25, 0.05 / math.sqrt(8 + 0.05**2)),
}
each = pytest.mark.parametrize(
    ("make", "modes", "sd"), MAKERS.values(), ids=MAKERS
)


def normal_cdf(x):
    return np.vectorize(math.erfc)(-x / math.sqrt(2)) / 2


@each
def test_modes_are_round_gaussians_and_equally_likely(make, modes, sd):
    found = make(N, seed=1)
    assert found.x.shape == (N, 2)
    assert found.x.dtype == np.float32
    assert found.centres.shape == (modes, 2)
    assert found.sd == pytest.approx(sd)
    counts = np.bincount(found.labels, minlength=modes)
    assert_chi_square(counts, np.full(modes, 1 / modes))
    residuals = (found.x - found.centres[found.labels]) / sd
    for values in (residuals[:, 0], residuals[:, 1], residuals @ [0.6, 0.8]):
        assert_kolmogorov_smirnov(values, normal_cdf)
    squares = np.sum(residuals**2, axis=1)
    assert_kolmogorov_smirnov(squares, lambda s: 1 - np.exp(-s / 2))


@each
def test_coordinates_have_mean_0_and_variance_1(make, modes, sd):
    centres = make(1).centres.astype(float)
    np.testing.assert_allclose(centres.mean(0), 0, atol=1e-6)
    # Exactly, of the mixture: of its centres and of each Gaussian.
    np.testing.assert_allclose((centres**2).mean(0) + sd**2, 1, atol=1e-6)
    np.testing.assert_allclose(
        (centres[:, 0] * centres[:, 1]).mean(), 0, atol=1e-6
    )


def test_centres_are_where_they_are_said_to_be():
    ring = gz.datasets.gaussian_ring(1, modes=6, radius=3.0, sd=0.1)
    scale = 0.1 / ring.sd
    np.testing.assert_allclose(
        np.linalg.norm(ring.centres * scale, axis=1), 3, rtol=1e-5
    )
    steps = np.linalg.norm(np.diff(ring.centres * scale, axis=0), axis=1)
    np.testing.assert_allclose(steps, 3, rtol=1e-5)  # a hexagon
    grid = gz.datasets.gaussian_grid(1, side=4, spacing=1.5, sd=0.1)
    scale = 0.1 / grid.sd
    along = np.unique((grid.centres * scale).round(4))
    np.testing.assert_allclose(along, [-2.25, -0.75, 0.75, 2.25], atol=1e-4)
    assert len(np.unique(grid.centres, axis=0)) == 16


@each
def test_a_point_depends_on_its_number_and_the_seed_only(make, modes, sd):
    many = make(1001, seed=(4, 2))
    for n in (1, 7, 1000):
        fewer = make(n, seed=(4, 2))
        np.testing.assert_array_equal(fewer.x, many.x[:n])
        np.testing.assert_array_equal(fewer.labels, many.labels[:n])
        np.testing.assert_array_equal(fewer.centres, many.centres)
    assert not np.any(make(1001, seed=5).x == many.x)


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("ring", {"n": 0}, "n must be a positive int; received 0"),
        ("ring", {"n": 10, "modes": 2}, "modes must be an int of at least 3"),
        ("ring", {"n": 10, "radius": -1}, "radius must be a positive number"),
        ("grid", {"n": 10, "side": 2.5}, "side must be .* received 2.5"),
        ("grid", {"n": 10, "spacing": math.inf}, "spacing must be a positive"),
        ("grid", {"n": 10, "sd": 0}, "datasets.gaussian_grid: sd must be"),
        ("grid", {"n": 10, "seed": "a"}, "seed must be"),
    ],
)
def test_errors_say_what_is_wrong(name, arguments, message):
    with pytest.raises(ValueError, match=message):
        MAKERS[name][0](**arguments)


def density(x, weights, means, sds):
    """The density of a mixture at one point, term by term."""
    total = 0.0
    for weight, mean, sd in zip(weights, means, sds, strict=True):
        term = weight / sum(weights)
        for value, m, s in zip(x, mean, sd, strict=True):
            away = (value - m) / s
            term *= math.exp(-0.5 * away**2) / (s * math.sqrt(2 * math.pi))
        total += term
    return total


def test_a_mixture_knows_its_density_and_draws_from_it():
    weights = [0.2, 3.0, 1.0]
    means = np.array([[0.0, 5, -1], [1, 1, 1], [-40, 0, 2]])
    sds = np.array([[1.0, 0.1, 2], [0.5, 3, 1], [10, 1, 0.3]])
    found = gz.datasets.gaussian_mixture(weights, means, sds, n=N, seed=4)
    some = found.x[:50]
    expected = [math.log(density(x, weights, means, sds)) for x in some]
    np.testing.assert_allclose(found.log_prob(some), expected, atol=1e-9)
    # Far from all, where densities underflow.
    assert np.isfinite(found.log_prob([[1e3, 1e3, 1e3]])).all()
    counts = np.bincount(found.labels, minlength=3)
    assert_chi_square(counts, np.array(weights) / sum(weights))
    rest = (found.x - means[found.labels]) / sds[found.labels]
    for column in rest.T:
        assert_kolmogorov_smirnov(column, normal_cdf)
    np.testing.assert_array_equal(found.sample(100, seed=4), found.x[:100])


def test_a_mixture_of_numbers_and_widths_in_short():
    found = gz.datasets.gaussian_mixture([1, 1], [-2.0, 2.0], 0.5, n=10)
    assert found.x.shape == (10,)
    x = np.linspace(-6, 6, 4001)
    total = np.exp(found.log_prob(x)).sum() * (x[1] - x[0])
    assert total == pytest.approx(1)
    wide = gz.datasets.gaussian_mixture([1, 1], [[0, 0], [9, 9]], [1, 2], n=3)
    np.testing.assert_array_equal(wide.sds, [[1, 1], [2, 2]])


@each
def test_rings_and_grids_have_a_density(make, modes, sd):
    found = make(200, seed=2)
    of_all = found.log_prob(found.x)
    widths = np.full((modes, 2), found.sd)
    expected = [
        math.log(density(x, np.ones(modes), found.centres, widths))
        for x in found.x[:20].astype(float)
    ]
    np.testing.assert_allclose(of_all[:20], expected, atol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([0.5, -1], [0, 1], 1), "weights must be a list of positive"),
        (([], [], 1), "weights must be"),
        (([1, 1], [0, 1, 2], 1), r"means must be of shape \(2,\)"),
        (([1, 1], [0, 1], 0), "sds must be positive"),
        (([1, 1], [[0, 1], [2, 3]], [1, 2, 3]), r"sds must be a number"),
        (([1, math.nan], [0, 1], 1), "weights must be an array of finite"),
    ],
)
def test_mixtures_that_are_none_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        gz.datasets.gaussian_mixture(*arguments)
