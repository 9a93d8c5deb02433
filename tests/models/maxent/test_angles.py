"""Angles, against von Mises and Bessel functions."""

import numpy as np
import pytest
import tensorflow as tf
from scipy import special, stats

import genzoo
from genzoo import features, spaces


@pytest.mark.parametrize(
    ("kappa", "mean", "space"),
    [
        (2.0, 3.1, spaces.Angle()),
        (40.0, -2.0, spaces.Angle(period=24, low=0)),
    ],
)
def test_the_first_circular_moments_are_von_mises(kappa, mean, space):
    length = special.i1(kappa) / special.i0(kappa)
    model = genzoo.MaxEnt(space, features.CircularMoments(1))
    model.compile()
    observed = length * np.array([np.cos(mean), np.sin(mean)])
    model.fit(observations=observed, verbose=0)
    np.testing.assert_allclose(
        model.multipliers,
        kappa * np.array([np.cos(mean), np.sin(mean)]),
        atol=1e-9,
    )
    unit = 2 * np.pi / space.period
    x = np.linspace(space.low[0], space.high[0], 5)
    found = stats.vonmises(kappa, loc=mean).logpdf(x * unit) + np.log(unit)
    np.testing.assert_allclose(model.log_prob(x), found, atol=1e-9)
    assert model.log_partition().stderr < 1e-12
    draws = model.sample(4000, seed=0) * unit
    # The variance of a cosine is at most one.
    assert abs(np.cos(draws - mean).mean() - length) < 4 / 4000**0.5


def test_chains_pass_through_the_ends():
    model = genzoo.MaxEnt(
        spaces.Angle(), features.CircularMoments(1, 2), seed=0
    )
    # Two modes, one of them at the ends.
    model.multipliers = [-0.5, 0.0, 2.0, 0.5]
    draws = model.sample(600, seed=0, steps=100, start="random")
    values = model.features(tf.constant(draws)).numpy()
    error = np.sqrt(np.diag(model.feature_covariance()) / 600)
    assert (abs(values.mean(axis=0) - model.expectation()) < 4 * error).all()
    assert abs(draws).max() < np.float32(np.pi) + 1e-6


def test_other_sites_are_refused_and_other_angles_told_of():
    with pytest.raises(ValueError, match="must be angles"):
        genzoo.MaxEnt(spaces.Interval(0, 1), features.CircularMoments())
    with pytest.raises(ValueError, match=r"numpy\.mod"):
        spaces.Angle(period=360).check("here", np.array([[270.0]]))


def test_bonds_of_angles_are_cosines_of_differences():
    x = np.random.default_rng(0).uniform(0, 24, (7, 3, 4)).astype("float32")
    space = spaces.Angle((3, 4), period=24, low=0)
    angles = x * np.pi / 12
    for periodic in (True, False, [False, True]):
        bonds = features.CosineBonds((3, 4), periodic).on(space)
        expected = 0
        for axis, wraps in enumerate(np.broadcast_to(periodic, 2)):
            gaps = angles - np.roll(angles, -1, 1 + axis)
            if not wraps:
                gaps = np.delete(gaps, -1, 1 + axis)
            expected += np.cos(gaps).sum((1, 2))
        np.testing.assert_allclose(bonds(x)[:, 0], expected, rtol=1e-5)


def test_two_bound_angles_are_von_mises_of_their_difference():
    # A periodic pair has both its bonds.
    coupling, space = 0.7, spaces.Angle(2, period=360)
    model = genzoo.MaxEnt(space, features.CosineBonds(2))
    model.compile()
    length = special.i1(2 * coupling) / special.i0(2 * coupling)
    model.fit(observations=[2 * length], verbose=0)
    np.testing.assert_allclose(model.multipliers, [coupling], atol=1e-9)
    log_z = 2 * np.log(360) + np.log(special.i0(2 * coupling))
    np.testing.assert_allclose(model.log_partition().value, log_z, atol=1e-9)


def test_bonds_of_other_sites_are_refused():
    with pytest.raises(ValueError, match="CosineBonds: all sites must be ang"):
        genzoo.MaxEnt(spaces.Spin((2, 2)), features.CosineBonds((2, 2)))
    with pytest.raises(ValueError, match="has 4 sites; the space has 3"):
        genzoo.MaxEnt(spaces.Angle(3), features.CosineBonds(4))
