import itertools

import numpy as np
import pytest
from scipy import optimize, special

import genzoo as gz
from genzoo import features, spaces


def _fitted(space, parts, observed, **options):
    model = gz.MaxEnt(space, parts)
    model.compile()
    model.fit(observations=observed, verbose=0, **options)
    return model


def test_generalised_maximum_entropy_of_a_regression():
    # 12 equations of 4 coefficients, two of whose columns are nearly alike.
    rng = np.random.default_rng(3)
    x = rng.normal(size=(12, 4))
    x[:, 3] = x[:, 2] + 0.01 * rng.normal(size=12)
    y = x @ [1.0, -0.5, 0.3, 0.2] + 0.2 * rng.normal(size=12)
    support, error = np.linspace(-4, 4, 5), np.array([-1.0, 0.0, 1.0])
    space = spaces.Product(
        [spaces.Categorical(support, 4), spaces.Categorical(error, 12)]
    )
    equations = features.Linear(np.hstack([x, np.eye(12)]))
    model = _fitted(space, equations, y)
    assert model.route == "independent sites"

    def dual(lam):
        own = special.logsumexp(np.outer(x.T @ lam, support), axis=1).sum()
        return (
            own
            + special.logsumexp(np.outer(lam, error), axis=1).sum()
            - (lam @ y)
        )

    found = optimize.minimize(dual, np.zeros(12), method="BFGS", tol=1e-10)
    np.testing.assert_allclose(model.multipliers, found.x, atol=1e-5)
    p = special.softmax(np.outer(x.T @ found.x, support), axis=1)
    coefficients = model.expectation(features.Moments(1))[:4]
    np.testing.assert_allclose(coefficients, p @ support, atol=1e-5)


@pytest.mark.parametrize("nodes", [6, 40])
def test_a_graph_of_given_degrees(nodes):
    edges = list(itertools.combinations(range(nodes), 2))
    ends = np.zeros((nodes, len(edges)))
    for column, (i, j) in enumerate(edges):
        ends[i, column] = ends[j, column] = 1
    degrees = 1 + (nodes - 2) * np.linspace(0.1, 0.7, nodes) ** 2
    model = _fitted(spaces.Binary(len(edges)), features.Linear(ends), degrees)
    # Chung and Lu's fixed point of p_ij = u_i u_j / (1 + u_i u_j).
    u = degrees / np.sqrt(degrees.sum())
    for _ in range(20_000):
        among = u / (1 + np.outer(u, u))
        np.fill_diagonal(among, 0)
        u = degrees / among.sum(axis=1)
    p = np.outer(u, u) / (1 + np.outer(u, u))
    own = model.expectation(features.Moments(1))
    np.testing.assert_allclose(own, [p[e] for e in edges], atol=1e-7)
    draws = model.sample(2000, seed=0) @ ends.T
    error = draws.std(axis=0) / 2000**0.5
    assert (abs(draws.mean(axis=0) - degrees) < 4.5 * error).all()


def test_rows_and_columns_of_a_table_of_presences():
    # Marginal totals share a sum, so that one of them is redundant.
    shape = (5, 7)
    cells = np.arange(35).reshape(shape)
    totals = [(cells // 7 == row).ravel() for row in range(5)]
    totals += [(cells % 7 == column).ravel() for column in range(7)]
    rng = np.random.default_rng(1)
    truth = special.expit(rng.normal(size=(5, 1)) + rng.normal(size=7))
    observed = np.concatenate([truth.sum(axis=1), truth.sum(axis=0)])
    with pytest.warns(UserWarning, match="redundant"):
        model = _fitted(spaces.Binary(shape), features.Linear(totals), observed)
    p = model.expectation(features.Moments(1)).reshape(shape)
    # The truth has this form, and is the one that has these totals.
    np.testing.assert_allclose(p, truth, atol=1e-9)


def test_beside_pairs_it_is_enumerated():
    space = spaces.Spin(5)
    weights = [[1.0, 2.0, 0.0, 0.0, -1.0], [0.0, 0.5, 0.5, 1.0, 0.0]]
    parts = [features.Linear(weights, names=["a", "b"]), features.Pairwise()]
    observed = {"a": 0.4, "b": -0.3}
    model = gz.MaxEnt(space, parts)
    model.compile()
    pairs = {name: 0.05 for name in model.features.names[2:]}
    model.fit(observations={**observed, **pairs}, verbose=0)
    states = np.array(list(itertools.product([-1.0, 1.0], repeat=5)))
    first = states @ np.array(weights).T
    both = [states[:, i] * states[:, j] for i in range(5) for j in range(i)]
    weight = first @ model.multipliers[:2]
    order = list(itertools.combinations(range(5), 2))
    for lam, (i, j) in zip(model.multipliers[2:], order, strict=True):
        weight = weight + lam * states[:, i] * states[:, j]
    p = special.softmax(weight)
    np.testing.assert_allclose(p @ first, [0.4, -0.3], atol=1e-9)
    np.testing.assert_allclose(np.array(both) @ p, 0.05, atol=1e-9)


def test_groups_that_are_counted_go_to_chains():
    # Sites in groups of ten, no sum of states: the form is quadratic.
    groups = np.kron(np.eye(4), np.ones(10))
    feature = features.Linear(groups)
    form = feature.quadratic(spaces.Binary(40))
    assert form.site_features.tolist() == np.repeat(range(4), 10).tolist()
    assert features.Linear(2 * groups).quadratic(spaces.Binary(40)) is None


@pytest.mark.parametrize(
    ("weights", "names", "message"),
    [
        ([[1, np.nan]], None, "weights must be an array of finite numbers"),
        ([["a", 1]], None, "weights must be an array of numbers"),
        (np.zeros((2, 2, 2)), None, "a row for each function"),
        (np.zeros((0, 2)), None, "a row for each function"),
        ([[1, 2], [0, 0]], None, "without rows of zeros, such as row 1"),
        ([[1, 2]], ["a", "b"], "a name for each of 1 functions"),
        ([[1, 2]], "a", "names must be a list of strings"),
        ([[1, 2]], [1], "names must be a list of strings"),
    ],
)
def test_what_is_no_matrix_is_named(weights, names, message):
    with pytest.raises(ValueError, match=message):
        features.Linear(weights, names)


def test_other_sites_are_told():
    with pytest.raises(ValueError, match=r"each of 3 sites; .* \(1, 2\)"):
        gz.MaxEnt(spaces.Binary(3), features.Linear([1, 2]))


@pytest.mark.parametrize("is_numbered", [False, True])
def test_means_of_other_features_are_exact_where_sites_are_independent(
    is_numbered,
):
    if is_numbered:
        space = spaces.Product(
            [spaces.Counts(None), spaces.Categorical([1, 2, 5])]
        )
        parts = features.Moments(1)
        model = _fitted(space, parts, [1.5, 2.5])
        q = 1.5 / 2.5
        p = special.softmax(model.multipliers[1] * np.array([1, 2, 5]))
        n = np.arange(2000)
        second = [((1 - q) * q**n * n**2).sum(), p @ [1, 4, 25]]
    else:
        space, parts = spaces.Interval(0, 1, 2), features.Moments(1)
        model = _fitted(space, parts, [0.3, 0.5])
        x = np.linspace(0, 1, 200_001)
        weight = np.exp(np.outer(x, model.multipliers))
        second = (weight * x[:, None] ** 2).sum(axis=0) / weight.sum(axis=0)
    found = model.expectation(features.Moments(2))
    np.testing.assert_allclose(found, second, rtol=1e-5)
    # Of a function that is not known to be one of single sites, by samples.
    by_samples = model.expectation(lambda x: x**2)
    assert 0 < abs(by_samples - second).max() < 0.3
    # Of one that jumps inside of the cells of an integral, too.
    if not is_numbered:
        share = model.expectation(features.Histogram([0, 0.4, 1]))
        assert len(share) == 4
