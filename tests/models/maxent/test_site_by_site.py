"""Regressions of single sites against those of scikit-learn."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

import genzoo as gz
from genzoo import spaces
from genzoo.losses import Pseudolikelihood


def levels_of(kind, rng):
    """Numbers of levels, (600, 5): site 1 often copies site 0."""
    q = 3 if kind == "categories" else 2
    z = rng.integers(0, q, (600, 5))
    z[:, 1] = np.where(rng.random(600) < 0.4, z[:, 0], z[:, 1])
    return z


@pytest.mark.parametrize("kind", ["bits", "spins", "categories"])
@pytest.mark.parametrize("l2", [0.0, 0.03])
def test_sites_are_independent_regressions(kind, l2):
    rng = np.random.default_rng(1)
    z, weight = levels_of(kind, rng), rng.random(600)
    q, n = z.max() + 1, 5
    # What goes with each level, and the change of energy by one number.
    codes = {
        "bits": np.array([[0.0], [1.0]]),
        "spins": np.array([[-1.0], [1.0]]),
        "categories": np.eye(3),
    }[kind]
    d, span = codes.shape[1], 2 if kind == "spins" else 1
    space = {
        "bits": spaces.Binary(n),
        "spins": spaces.Spin(n),
        "categories": spaces.Categorical([0, 1, 2], n),
    }[kind]
    edges = None if kind == "bits" else [(0, 1), (1, 2), (1, 3), (0, 4)]
    near = np.ones((n, n), bool) ^ np.eye(n, dtype=bool)
    if edges:
        near[:] = False
        near[tuple(np.transpose(edges))] = True
        near |= near.T
    strength = l2 / 2 / span**2 * weight.sum()
    couplings = np.zeros((n, d, n, 1 if d == 1 else q))
    for site in range(n):
        others = np.flatnonzero(near[site])
        fitted = LogisticRegression(
            C=1 / strength if l2 else np.inf, tol=1e-9, max_iter=3000
        ).fit(
            codes[z[:, others]].reshape(600, -1),
            z[:, site],
            sample_weight=weight,
        )
        found = fitted.coef_.reshape(-1, len(others), d) / span
        couplings[others, :, site] = found.transpose(1, 2, 0)
    couplings = 0.5 * (couplings + couplings.transpose(2, 3, 0, 1))
    model = gz.BoltzmannMachine(space, edges, seed=0)
    loss = Pseudolikelihood(l2=l2, symmetric=False)
    model.compile(loss=Pseudolikelihood.from_config(loss.get_config()))
    x = 2 * z - 1 if kind == "spins" else z
    history = model.fit(x, sample_weight=weight, verbose=0)
    assert list(history.history) == ["pseudolikelihood_loss"]
    potts = model.potts().zero_sum()
    if kind != "categories":
        expected = couplings[:, 0, :, 0]
        np.testing.assert_allclose(model.couplings, expected, atol=2e-5)
    else:
        expected = potts._replace(couplings=couplings).zero_sum().couplings
        np.testing.assert_allclose(potts.couplings, expected, atol=1e-4)
    assert potts.contacts(1).tolist() == [[0, 1]]


def test_squares_of_fields_and_couplings_have_the_gradient_of_their_value():
    from genzoo.models.maxent.site_by_site import Regression

    rng = np.random.default_rng(0)
    for d in (1, 2):
        codes = np.eye(3)[:, :2] if d == 2 else np.array([[0.0], [1.0]])
        numbers = rng.integers(0, d + 1, 30)
        own = Regression(
            rng.random((30, 4)), numbers, np.full(30, 1 / 30), codes
        )
        own.hold(0.3, 0.2, (0, 1, 2) if d == 2 else None)
        theta, step = rng.standard_normal((2, 5, d))
        ends = [own.value(theta + sign * 1e-5 * step)[0] for sign in (1, -1)]
        slope = (own.value(theta)[1] * step).sum()
        assert (ends[0] - ends[1]) / 2e-5 == pytest.approx(slope, rel=1e-7)


def test_what_does_not_go_site_by_site_is_refused():
    loss = Pseudolikelihood(symmetric=False)
    model = gz.BoltzmannMachine(spaces.Binary(3))
    with pytest.raises(ValueError, match="Leave the optimizer out"):
        model.compile(loss=loss, optimizer="adam")
    with pytest.raises(ValueError, match="symmetric=False is for Boltzmann"):
        gz.RBM(gz.units.Bernoulli(3), gz.units.Bernoulli(2)).compile(loss=loss)
    with pytest.raises(ValueError, match="l1=0.1 is for symmetric"):
        Pseudolikelihood(l1=0.1, symmetric=False)
    model.compile(loss=loss)
    with pytest.raises(ValueError, match="Call evaluate on held-out"):
        model.fit(np.eye(3), validation_split=0.5, verbose=0)


@pytest.mark.parametrize("kind", ["spins", "categories"])
def test_decimation_finds_the_edges_that_were_planted(kind):
    rng = np.random.default_rng(3)
    n, q = (16, 2) if kind == "spins" else (7, 3)
    pairs = np.stack(np.triu_indices(n, 1), axis=1)
    # Trees and loops, strong and weak, of both signs.
    planted = pairs[np.sort(rng.choice(len(pairs), n + 2, replace=False))]
    space = spaces.Spin(n) if q == 2 else spaces.Categorical(range(q), n)
    true = gz.BoltzmannMachine(space, planted, seed=0)
    scale = 0.5 if q == 2 else 1.5
    couplings = np.zeros((n, q, n, q))
    for i, j in planted:
        size = scale * rng.choice([-1, 1]) * rng.uniform(0.8, 1.6)
        couplings[i, :, j] = couplings[j, :, i] = size * np.eye(q)
    fields = 0.3 * rng.standard_normal((n, q))
    if q == 2:
        both = 0.5 * couplings[:, 1, :, 1]
        true.set_parameters(fields[:, 0], both)
    else:
        true.set_parameters(fields, couplings)
    x = true.sample(3000, seed=1)
    found = gz.BoltzmannMachine(space, seed=0).decimated(x)
    assert np.asarray(found.edges).tolist() == planted.tolist()
    assert found.is_adapted
