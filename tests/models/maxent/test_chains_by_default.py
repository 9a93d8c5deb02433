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


def _drawn(machine, rng, rows=4096, sweeps=60):
    """One-hot states of a machine, (rows, n, levels), by Gibbs in NumPy."""
    fields, couplings = machine.fields, machine.couplings
    if couplings.ndim == 2:
        signs = np.array([-1.0, 1.0])
        fields = np.outer(fields, signs)
        couplings = np.einsum("ij,a,b->iajb", couplings, signs, signs)
    else:
        # The last level has none.
        fields = np.pad(fields, ((0, 0), (0, 1)))
        couplings = np.pad(couplings, ((0, 0), (0, 1)) * 2)
    n, levels = fields.shape
    x = np.eye(levels)[rng.integers(0, levels, (rows, n))]
    for _ in range(sweeps):
        for i in range(n):
            log_w = fields[i] + np.einsum("rjb,ajb->ra", x, couplings[i])
            noise = rng.gumbel(size=log_w.shape)
            x[:, i] = np.eye(levels)[(log_w + noise).argmax(axis=1)]
    return x


@pytest.mark.parametrize("kind", [_together, _letters])
def test_chains_learn_the_correlations_of_many_multipliers(kind):
    rng = np.random.default_rng(0)
    x, space = kind(rng)
    machine = gz.BoltzmannMachine(space, seed=0)
    machine.compile(loss="pcd", watch=False)
    assert len(machine.features) > 256
    machine.fit(x, epochs=12, verbose=0)
    drawn = _drawn(machine, rng)
    levels = drawn.shape[2]
    x = np.eye(levels)[(x + 1) // 2 if kind is _together else x]
    apart = np.kron(~np.eye(x.shape[1], dtype=bool), np.ones((levels,) * 2)) > 0
    data, model = (
        np.cov(rows.reshape(len(rows), -1).T)[apart] for rows in (x, drawn)
    )
    assert abs((data @ model) / (data @ data) - 1) < 0.1
    assert np.std(data - model) < 0.25 * np.sqrt(np.mean(data**2))


def test_cells_that_rarely_fire_together_do_not_carry_the_chains_away():
    # Some pairs never do in the 128 chains of the first step.
    rng = np.random.default_rng(0)
    drive = rng.normal(size=(1000, 3)) @ (0.5 * rng.normal(size=(3, 20)))
    x = (rng.random(drive.shape) < 1 / (1 + np.exp(1.7 - drive))) * 1.0
    machine = gz.BoltzmannMachine(gz.spaces.Binary(20), seed=0)
    machine.compile(loss="pcd", watch=False)
    history = machine.fit(x, epochs=5, verbose=0)
    assert type(machine.optimizer) is gz.optimizers.NaturalGradient
    # Rates are 0.2, of which 128 chains know 0.035.
    assert history.history["residual"][-1] < 0.15
    assert np.abs(machine.couplings).max() < 5
