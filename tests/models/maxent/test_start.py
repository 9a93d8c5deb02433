"""Where chains of tied couplings begin."""

import numpy as np

import genzoo as gz
from genzoo.models.maxent.start import gaussian_start


def _ordered(side, coupling, rows, sweeps, rng):
    """Spins of a periodic lattice below its transition, by Gibbs in NumPy."""
    x = np.ones((rows, side, side)) * rng.choice([-1.0, 1.0], (rows, 1, 1))
    even = np.indices((side, side)).sum(axis=0) % 2 == 0
    for _ in range(sweeps):
        for now in (even, ~even):
            field = sum(np.roll(x, k, a) for k in (-1, 1) for a in (1, 2))
            up = rng.random(x.shape) < 1 / (1 + np.exp(-2 * coupling * field))
            x = np.where(now, np.where(up, 1.0, -1.0), x)
    return x


def test_chains_find_the_coupling_of_an_ordered_lattice():
    # From zeros domains last, and the coupling ends at 0.7 instead.
    rng = np.random.default_rng(0)
    x = _ordered(12, 1 / 1.8, 400, 60, rng)
    model = gz.MaxEnt(
        gz.spaces.Spin((12, 12)), gz.features.LatticeBonds((12, 12)), seed=0
    )
    model.compile(watch=False)
    assert model.route == "persistent chains"
    model.fit(x, epochs=3, verbose=0)
    # The standard error of 400 rows is 0.006, of the chains about as much.
    np.testing.assert_allclose(model.multipliers, 1 / 1.8, atol=0.03)


def test_a_start_that_was_set_stays():
    rng = np.random.default_rng(1)
    x = rng.choice([-1.0, 1.0], (64, 12, 12))
    model = gz.MaxEnt(
        gz.spaces.Spin((12, 12)), gz.features.LatticeBonds((12, 12)), seed=0
    )
    model.multipliers = [0.3]
    model.compile("sgd", watch=False)
    model.optimizer.learning_rate = 0.0
    model.fit(x, epochs=1, verbose=0)
    np.testing.assert_allclose(model.multipliers, [0.3])


def test_unbounded_sites_begin_at_gaussians():
    space = gz.spaces.Real(1)
    start = gaussian_start(space, ["x", "x^2"], np.array([2.0, 4.25]))
    np.testing.assert_allclose(start, [8.0, -2.0])
