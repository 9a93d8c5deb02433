"""Machines of many multipliers, learned by chains without an option."""

import numpy as np
import pytest

import genzoo as gz

ROWS = 1500


def _together(rng):
    """All spins of one mind: a mode that no independent site has."""
    own = rng.choice([-1, 1], (ROWS, 1)) * np.ones(24, int)
    return np.where(rng.random(own.shape) < 0.25, -own, own), gz.spaces.Spin(24)


def _letters(rng):
    """Neighbours alike half of the time, of unequal letters."""
    x = rng.choice(4, (ROWS, 8), p=[0.4, 0.3, 0.2, 0.1])
    same = rng.random(x.shape) < 0.5
    for site in range(1, 8):
        x[:, site] = np.where(same[:, site], x[:, site - 1], x[:, site])
    return x, gz.spaces.Categorical(range(4), 8)


@pytest.mark.parametrize("kind", [_together, _letters])
def test_chains_learn_the_correlations_of_many_multipliers(kind):
    x, space = kind(np.random.default_rng(0))
    machine = gz.BoltzmannMachine(space, seed=0)
    machine.compile(loss="pcd", watch=False)
    assert len(machine.features) > 256
    machine.fit(x, epochs=20, verbose=0)
    drawn = machine.sample(4096, seed=1, steps=40, method="chains")
    apart = ~np.eye(x.shape[1], dtype=bool)
    if kind is _letters:
        x, drawn = (np.eye(4)[rows.astype(int)] for rows in (x, drawn))
        apart = np.kron(apart, np.ones((4, 4))) > 0
    data, model = (
        np.cov(rows.reshape(len(rows), -1).T)[apart] for rows in (x, drawn)
    )
    slope = (data @ model) / (data @ data)
    assert abs(slope - 1) < 0.1
    assert np.std(data - model) < 0.25 * np.sqrt(np.mean(data**2))
