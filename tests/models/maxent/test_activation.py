"""Edges taken in by the gain of likelihood, against enumeration and SciPy."""

import itertools

import numpy as np
import pytest
from scipy import optimize, special

import genzoo as gz
from genzoo import spaces
from genzoo.models.maxent import activation


def enumerated(levels, fields, couplings):
    """(all states, log-weights): fields (n, q), couplings {(i, j): (q, q)}."""
    numbers = np.array(list(itertools.product(*[range(levels)] * len(fields))))
    log_w = fields[np.arange(len(fields)), numbers].sum(axis=1)
    for (i, j), block in couplings.items():
        log_w = log_w + block[numbers[:, i], numbers[:, j]]
    return numbers, log_w - special.logsumexp(log_w)


def planted(levels, sites, edges, rows, seed):
    """Numbers of levels of rows, drawn from a graph's exact distribution."""
    rng = np.random.default_rng(seed)
    blocks = {}
    for edge in edges:
        # Which levels like each other.
        block = np.eye(levels)[rng.permutation(levels)]
        blocks[edge] = 0.9 * block if levels == 2 else 1.2 * block
    fields = rng.normal(0, 0.3, (sites, levels))
    numbers, log_p = enumerated(levels, fields, blocks)
    return numbers[rng.choice(len(numbers), rows, p=np.exp(log_p))]


def best_gain(log_p, hot_i, hot_j, observed):
    """Of <log p> by a factor of two sites' levels, normalised."""

    def loss(flat):
        block = flat.reshape(observed.shape)
        added = np.einsum("na,ab,nb->n", hot_i, block, hot_j)
        return special.logsumexp(log_p + added) - (observed * block).sum()

    return -optimize.minimize(loss, np.zeros(observed.size), tol=1e-10).fun


@pytest.mark.parametrize("kind", ["spins", "bits", "letters"])
def test_gains_are_those_of_the_best_factor(kind):
    rng = np.random.default_rng(1)
    levels = 3 if kind == "letters" else 2
    space = {
        "spins": spaces.Spin(4),
        "bits": spaces.Binary(4),
        "letters": spaces.Categorical([-2, 0, 5], 4),
    }[kind]
    values = np.asarray(space.levels[0])
    x = values[rng.integers(0, levels, (400, 4))]
    x[:200, 1] = x[:200, 0]
    x[100:300, 3] = x[100:300, 2]
    model = gz.BoltzmannMachine(space, seed=0)
    model.adapt(x)
    # Any model with one of the edges.
    codes = 1 if levels == 2 else levels - 1
    couplings = np.zeros((4, codes, 4, codes))
    couplings[0, :, 1] = rng.normal(0, 0.5, (codes, codes))
    couplings[1, :, 0] = couplings[0, :, 1].T
    if codes == 1:
        couplings = couplings[:, 0, :, 0]
    fields = rng.normal(0, 0.3, np.shape(model.fields))
    model.set_parameters(fields, couplings)
    states = values[np.array(list(itertools.product(range(levels), repeat=4)))]
    log_p = model.log_prob(states)
    data = activation.tables(model.density, model.observations.values.numpy())
    own = activation.tables(model.density, model.expectation())
    for i, j in [(0, 2), (2, 3), (1, 3)]:
        hot_i, hot_j = (
            states[:, i, None] == values,
            states[:, j, None] == values,
        )
        f = (x[:, i, None] == values).T @ (x[:, j, None] == values).astype(
            float
        )
        np.testing.assert_allclose(data[i, j], f / 400, atol=1e-12)

        best = best_gain(log_p, hot_i, hot_j, f / 400)
        found = activation.gains(data[i, j][None], own[i, j][None])[0]
        assert found == pytest.approx(best, abs=1e-7)


RING = [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (0, 5), (1, 4)]


@pytest.mark.parametrize("levels", [2, 3])
def test_planted_edges_are_found(levels):
    space = spaces.Categorical(list(range(levels)), 6)
    x = planted(levels, 6, RING, 6000, seed=levels)
    machine = gz.BoltzmannMachine(space, seed=0)
    found = machine.activated(iter([x[:100], x[100:]]), correlation=1.0)
    assert sorted(map(tuple, found.edges.tolist())) == sorted(RING)
    # Fitted by the likelihood on these edges.
    again = gz.BoltzmannMachine(space, edges=found.edges)
    again.compile()
    again.fit(x, verbose=0)
    np.testing.assert_allclose(found.multipliers, again.multipliers, atol=1e-6)
    # Fewer, if that is enough for the correlations; examples that count.
    rows, counts = np.unique(x, axis=0, return_counts=True)
    fewer = machine.activated(rows, sample_weight=counts, correlation=0.9)
    assert 0 < len(fewer.edges) < len(RING)
    assert {*map(tuple, fewer.edges.tolist())} <= set(RING)


def test_planted_edges_are_found_by_chains(monkeypatch):
    monkeypatch.setattr(activation, "_FEW", 0)
    edges = [(0, 1), (1, 2), (3, 4)]
    x = 2 * planted(2, 5, edges, 4000, seed=0) - 1
    found = gz.BoltzmannMachine(spaces.Spin(5), seed=0).activated(x, None, 1.0)
    assert found.edges.tolist() == [list(edge) for edge in edges]
    # Of spins the couplings are a quarter of what pairs of levels like.
    own = found.couplings[tuple(np.transpose(edges))]
    np.testing.assert_allclose(np.abs(own), 0.45, atol=4 / 4000**0.5)


@pytest.mark.parametrize(
    ("ask", "told"),
    [
        (lambda m, x: m.activated(x, correlation=2), "from 0 to 1"),
        (lambda m, x: m.activated(x), "none of the edges gains"),
        (lambda m, x: m.activated(iter([x, 3 * x])), "not in the model"),
        (lambda m, x: m.activated(3 * x), "must hold"),
    ],
)
def test_what_cannot_be_is_named(ask, told):
    machine = gz.BoltzmannMachine(spaces.Spin((2, 2)), edges="lattice", seed=0)
    x = np.random.default_rng(0).choice([-1, 1], (200, 2, 2))
    with pytest.raises(ValueError, match=told):
        ask(machine, x)
