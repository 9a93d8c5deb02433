"""Potts models: gauges, scores, ridge, and families of sequences."""

import numpy as np
import pytest
import tensorflow as tf
from scipy import optimize, special

import genzoo as gz
from genzoo import spaces
from genzoo.models.maxent.ridge import Ridge

SPACES = {
    "levels that are no numbers of theirs": spaces.Categorical([0, 0.1, 4], 4),
    "spins": spaces.Spin(4),
    "bits on a graph": spaces.Binary((2, 2)),
}


def machine(name, seed=0):
    edges = "lattice" if "graph" in name else None
    model = gz.BoltzmannMachine(SPACES[name], edges=edges, seed=0)
    rng = np.random.default_rng(seed)
    model.multipliers = rng.normal(size=len(model.features))
    return model


@pytest.mark.parametrize("name", SPACES)
def test_all_gauges_have_one_energy(name):
    model = machine(name)
    x, potts = model.space.states(), model.potts()
    log_prob = model.log_prob(x)
    zero_sum = potts.zero_sum()
    for gauge in (potts, zero_sum, potts.lattice_gas(), potts.lattice_gas(0)):
        assert np.ptp(gauge.energy(x) + log_prob) < 1e-12
    for axis in (1, 3):
        assert abs(zero_sum.couplings.sum(axis=axis)).max() < 1e-12
    assert abs(zero_sum.fields.sum(axis=1)).max() < 1e-12
    first = potts.lattice_gas(0)
    assert abs(first.couplings[:, 0]).max() < 1e-12
    assert abs(first.couplings[..., 0]).max() < 1e-12
    assert abs(first.fields[:, 0]).max() < 1e-12
    # What mutations change, against enumeration.
    changes = potts.mutations(x[5])
    for site in range(4):
        for number, level in enumerate(potts.levels):
            other = np.ravel(x[5]).copy()
            other[site] = level
            other = other.reshape(1, *model.space.event_shape)
            change = model.log_prob(other)[0] - log_prob[5]
            assert changes[site, number] == pytest.approx(change, abs=1e-6)


def test_parameters_of_all_levels_are_taken_in_any_gauge():
    name = "levels that are no numbers of theirs"
    model = machine(name)
    for gauge in (model.potts().zero_sum(), model.potts().lattice_gas(1)):
        other = gz.BoltzmannMachine(SPACES[name], seed=0)
        other.set_parameters(gauge.fields, gauge.couplings)
        np.testing.assert_allclose(other.multipliers, model.multipliers)
    with pytest.raises(ValueError, match="of all 3 levels expected fields"):
        other.set_parameters(gauge.fields[:, :2], gauge.couplings)
    with pytest.raises(ValueError, match=r"0\.2 is none of the levels"):
        gauge.energy([[0, 0.2, 0, 0]])
    with pytest.raises(ValueError, match="must have 4 sites"):
        gauge.mutations([0, 4])
    with pytest.raises(ValueError, match="level must be an int from -3 to 2"):
        gauge.lattice_gas(3)


def test_scores_against_loops():
    potts = machine("levels that are no numbers of theirs").potts().zero_sum()
    norm = np.zeros((4, 4))
    for i in range(4):
        for j in range(4):
            norm[i, j] = np.linalg.norm(potts.couplings[i, :, j, :])
    np.testing.assert_allclose(potts.scores(corrected=False), norm)
    off = ~np.eye(4, dtype=bool)
    for i, j in np.argwhere(off):
        mean_i, mean_j = norm[i][off[i]].mean(), norm[j][off[j]].mean()
        expected = norm[i, j] - mean_i * mean_j / norm[off].mean()
        assert potts.scores()[i, j] == pytest.approx(expected)
    best = potts.contacts(2, separation=2)
    assert (best[:, 1] - best[:, 0] >= 2).all()
    gap = np.linalg.norm(potts.couplings[0, :2, 3, :2])
    assert potts.scores(False, without=-1)[0, 3] == pytest.approx(gap)


def test_pruned_keeps_the_strongest_edges():
    model = gz.BoltzmannMachine(spaces.Categorical([0, 1, 2], 5), seed=0)
    full = np.zeros((5, 3, 5, 3))
    for number, (i, j) in enumerate([(0, 1), (1, 3), (2, 4)]):
        full[i, :, j] = (1 + number) * np.eye(3)
        full[j, :, i] = full[i, :, j].T
    model.set_parameters(np.ones((5, 3)), full)
    smaller = model.pruned(2)
    assert smaller.edges.tolist() == [[1, 3], [2, 4]]
    without = model.potts().couplings
    without[0, :, 1] = without[1, :, 0] = 0
    x = model.space.states()
    # (0, 1) was an interaction without fields of its own in this gauge.
    kept = smaller.potts().zero_sum().couplings
    np.testing.assert_allclose(kept[1, :, 3], 2 * (np.eye(3) - 1 / 3))
    assert smaller.log_prob(x).shape == (243,)
    with pytest.raises(ValueError, match="at most 10"):
        model.pruned(11)


def test_the_ridge_against_the_zero_sum_gauge():
    name = "levels that are no numbers of theirs"
    model = machine(name)
    zero_sum = model.potts().zero_sum()
    ridge = Ridge(model.density.layout, couplings=0.7, fields=0.3)
    x = model.multipliers
    value, gradient = ridge(tf.constant(x))
    pairs = 0.5 * (zero_sum.couplings**2).sum()
    expected = 0.35 * pairs + 0.15 * (zero_sum.fields**2).sum()
    assert float(value) == pytest.approx(expected, rel=1e-12)
    for step in np.random.default_rng(0).normal(size=(3, len(x))):
        ends = [float(ridge(tf.constant(x + s * step))[0]) for s in (1, -1)]
        assert gradient.numpy() @ step == pytest.approx(
            (ends[0] - ends[1]) / 2, rel=1e-9
        )


def scipy_pseudolikelihood(x, q, l2, weight):
    """The plmc recipe: all levels written, by SciPy; log-scores of sites."""
    n = x.shape[1]
    hot = np.eye(q)[x].reshape(len(x), n * q)
    mask = 1 - np.kron(np.eye(n), np.ones((q, q)))
    share = weight / weight.sum()

    def value(vector):
        fields = vector[: n * q]
        half = vector[n * q :].reshape(n * q, n * q) * mask
        coupling = half + half.T
        field = (fields + hot @ coupling).reshape(len(x), n, q)
        log_p = field - special.logsumexp(field, axis=2, keepdims=True)
        own = (log_p * hot.reshape(len(x), n, q)).sum(axis=(1, 2))
        slope = (np.exp(log_p).reshape(len(x), -1) - hot) * share[:, None]
        both = slope.T @ hot
        penalty = 0.25 * l2 * (coupling**2).sum()
        by_half = (both + both.T) * mask + l2 * coupling
        gradient = np.concatenate([slope.sum(axis=0), by_half.ravel()])
        return penalty - share @ own, gradient

    start = np.zeros(n * q + (n * q) ** 2)
    # Only one half is free, as couplings are symmetric.
    found = optimize.minimize(
        value, start, jac=True, method="L-BFGS-B", options={"maxiter": 2000}
    )
    half = found.x[n * q :].reshape(n * q, n * q) * mask
    return (half + half.T).reshape(n, q, n, q), found.fun


def test_categories_are_alike_under_a_ridge():
    """Against SciPy with all levels; the order of values does not matter."""
    rng = np.random.default_rng(5)
    q, n = 3, 4
    x = rng.integers(0, q, (300, n))
    x[:, 3] = np.where(rng.random(300) < 0.6, (x[:, 0] + 1) % q, x[:, 3])
    weight = rng.integers(1, 4, 300).astype(float)
    couplings, value = scipy_pseudolikelihood(x, q, 0.05, weight)
    found = []
    for order in (np.arange(q), rng.permutation(q)):
        model = gz.BoltzmannMachine(spaces.Categorical(range(q), n), seed=0)
        model.compile(loss=gz.losses.Pseudolikelihood(l2=0.05), watch=False)
        history = model.fit(order[x], sample_weight=weight, verbose=0)
        mine = model.potts().zero_sum().couplings
        found.append(mine[:, order][..., order])
        last = history.history["pseudolikelihood_loss"][-1]
        assert last == pytest.approx(value, abs=1e-6)
    np.testing.assert_allclose(found[0], couplings, atol=1e-3)
    np.testing.assert_allclose(found[1], couplings, atol=1e-3)


def test_a_wide_machine_finds_its_contacts():
    """1,050 numbers of phi: products are in float32, sums in float64."""
    rng = np.random.default_rng(0)
    n, q, rows = 50, 22, 800
    x = rng.integers(0, q, (rows, n))
    planted = [(0, 9), (3, 30), (12, 41), (20, 25), (7, 49)]
    for i, j in planted:
        copied = rng.random(rows) < 0.4
        x[:, j] = np.where(copied, (x[:, i] + 3) % q, x[:, j])
    model = gz.BoltzmannMachine(spaces.Categorical(range(q), n), seed=0)
    assert model.density.is_wide
    model.compile(loss=gz.losses.Pseudolikelihood(l2=0.02), watch=False)
    model.fit(x.astype("uint8"), epochs=3, verbose=0)
    best = model.potts().contacts(5)
    assert {tuple(pair) for pair in best.tolist()} == set(planted)
    both = np.mean((x[:, 0] == 2) & (x[:, 9] == 5))
    # Averages are those of counts.
    form = model.density.form.expanded()
    row = (form.pairs == [2, 9 * 21 + 5]).all(axis=1).argmax()
    observed = model.observations.values.numpy()
    assert observed[form.pair_features[row]] == pytest.approx(both, abs=1e-12)
