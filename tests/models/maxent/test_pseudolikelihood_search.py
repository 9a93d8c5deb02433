"""Where a search over all examples ends, and what it says on the way.

The optimum and its standard errors are found by NumPy: Newton's method on
the sum of logistic regressions, one for each site.
"""

import warnings

import numpy as np
import pytest
import tensorflow as tf
from scipy import optimize, sparse, special

import genzoo as gz
from genzoo import losses, spaces
from genzoo.models.maxent.cells import cells_of


def regressions(x):
    """(optimum, standard errors): fields, then couplings of all pairs."""
    rows, counts = np.unique(x, axis=0, return_counts=True)
    rows, share = rows.astype(float), counts / counts.sum()
    n = x.shape[1]
    low, high = rows.min(), rows.max()
    place = np.zeros((n, n), int)
    first, second = np.triu_indices(n, 1)
    place[first, second] = place[second, first] = n + np.arange(len(first))
    size = n + len(first)
    theta = np.zeros(size)
    for _ in range(60):
        slopes, bend = np.zeros((len(rows), size)), np.zeros((size, size))
        for site in range(n):
            others = np.delete(np.arange(n), site)
            own = np.concatenate([[site], place[site, others]])
            inputs = np.column_stack([np.ones(len(rows)), rows[:, others]])
            p = 1 / (1 + np.exp(-(high - low) * (inputs @ theta[own])))
            mean = low + (high - low) * p
            slopes[:, own] += inputs * (mean - rows[:, site])[:, None]
            variance = share * (high - low) ** 2 * p * (1 - p)
            bend[np.ix_(own, own)] += (inputs.T * variance) @ inputs
        theta = theta - np.linalg.solve(bend, share @ slopes)
    inverse = np.linalg.inv(bend)
    noise = (slopes.T * share) @ slopes
    variance = np.diag(inverse @ noise @ inverse) / len(x)
    return theta, np.sqrt(variance)


def rare(kind, rng):
    """Examples whose sites are seldom at their upper level."""
    if kind == "coupled":
        burst = rng.random(40_000) < 0.1
        x = rng.random((40_000, 8)) < np.where(burst, 0.3, 0.03)[:, None]
    else:
        x = rng.random((20_000, 7)) < rng.uniform(0.03, 0.09, 7)
    return 2 * x.astype("int8") - 1 if kind == "spins" else x.astype("uint8")


@pytest.mark.parametrize("kind", ["independent", "coupled", "spins"])
def test_a_search_ends_where_other_examples_would_change_more(kind):
    x = rare(kind, np.random.default_rng(1))
    theta, errors = regressions(x)
    space = (spaces.Spin if kind == "spins" else spaces.Binary)(x.shape[1])
    model = gz.BoltzmannMachine(space, seed=0)
    model.compile(loss=losses.Pseudolikelihood())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.fit(x, verbose=0)
    assert (np.abs(model.multipliers - theta) < 0.1 * errors).all()


def test_a_large_penalty_term_is_met_too():
    x = rare("spins", np.random.default_rng(2))
    model = gz.BoltzmannMachine(spaces.Spin(7), seed=0)
    model.compile(loss=losses.Pseudolikelihood(l1=0.01))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.fit(x, verbose=0)
    _, (slope,) = model.loss.gradients(model, x, None)
    slope, couplings = slope.numpy(), model.multipliers[7:]
    assert np.abs(slope[:7]).max() < 1e-4
    assert np.abs(slope[7:]).max() < 0.01 + 1e-4
    held = slope[7:] + 0.01 * np.sign(couplings)
    assert np.abs(held[couplings != 0]).max(initial=0) < 1e-4


def test_what_no_example_has_is_named():
    rng = np.random.default_rng(0)
    x = (rng.random((3000, 4)) < 0.3).astype("uint8")
    x[x[:, 1] == 1, 3] = 0
    model = gz.BoltzmannMachine(spaces.Binary(4), seed=0)
    model.compile(loss=losses.Pseudolikelihood(l2=0.0))
    with pytest.warns(UserWarning, match="no example has x_1 = 1 with x_3 = 1"):
        model.fit(x, verbose=0)
    assert model.couplings[1, 3] < -5
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.compile(loss=losses.Pseudolikelihood(l2=0.01))
        model.fit(x, epochs=2, verbose=0)
    y = rng.integers(0, 2, (500, 3))
    model = gz.BoltzmannMachine(spaces.Categorical([0, 1, 2], 3), seed=0)
    model.compile(loss=losses.MinimumProbabilityFlow(l2=0.1))
    y[:, 0] += y[:, 0]
    with pytest.warns(UserWarning, match="x_0 = 1, x_1 = 2, x_2 = 2. The"):
        model.fit(y, epochs=2, verbose=0)


def without_an_end(kind, rng):
    """Examples whose best couplings are infinite, (3000, sites)."""
    x = (rng.random((3000, 5)) < 0.3).astype("uint8")
    if kind == "product":
        x[:, 2] = x[:, 0] & x[:, 1]
    elif kind == "three of six":
        # All levels of all pairs meet, but each site follows from others.
        x = rng.permuted(np.tile([0, 1], (3000, 3)), axis=1).astype("uint8")
    elif kind == "levels that sum up":
        x = rng.integers(0, 3, (3000, 4))
        x = x[x.sum(axis=1) == 4].astype("uint8")
    return x


@pytest.mark.parametrize(
    "kind",
    ["product", "three of six", "levels that sum up"],
)
def test_averages_are_met_where_the_best_couplings_are_infinite(kind):
    x = without_an_end(kind, np.random.default_rng(0))
    n = x.shape[1]
    if kind == "levels that sum up":
        space = spaces.Categorical([0, 1, 2], n)
    elif kind == "product":
        space, x = spaces.Spin(n), 2 * x.astype("int8") - 1
    else:
        space = spaces.Binary(n)
    model = gz.BoltzmannMachine(space, seed=0)
    model.compile(loss=losses.Pseudolikelihood())
    with pytest.warns(UserWarning, match="couplings are held by l2="):
        history = model.fit(x, verbose=0)
    width = 2 if kind == "product" else 1
    assert history.history["l2"][-1] == pytest.approx(width**4 / len(x))
    observed = model.observations.values.numpy()
    error = model.features(x.astype("float64")).numpy().std(axis=0)
    error = np.maximum(error / np.sqrt(len(x)), width**2 / len(x))
    off = np.abs(model.expectation() - observed) / error
    assert off[: n * (len(space.levels[0]) - 1)].max() < 4


def test_what_is_finite_is_not_held():
    x = rare("independent", np.random.default_rng(4))[:2000]
    model = gz.BoltzmannMachine(spaces.Binary(7), "lattice", seed=0)
    model.compile(loss=losses.Pseudolikelihood())
    x[0] = 1
    assert "l2" not in model.fit(x, epochs=1, verbose=0).history
    assert losses.Pseudolikelihood().get_config()["l2"] is None


@pytest.mark.parametrize("kind", ["spins", "bits", "categories"])
def test_counts_of_cells_and_the_noise_of_averages(kind):
    rng = np.random.default_rng(3)
    space = {
        "spins": spaces.Spin(3),
        "bits": spaces.Binary(3),
        "categories": spaces.Categorical([0, 1, 4], 3),
    }[kind]
    levels = np.asarray(space.levels[0])
    x = rng.choice(levels, size=(400, 3)).astype("int8")
    density = gz.BoltzmannMachine(space).density
    found = cells_of(density, x)
    hot = (x[:, :, None] == levels).reshape(400, -1).astype(float)
    np.testing.assert_array_equal(found.counts, hot.T @ hot)
    values = density.features(x.astype("float64")).numpy()
    np.testing.assert_allclose(
        found.noise(density), values.std(axis=0) / np.sqrt(400), rtol=1e-9
    )
    sums = density.feature_sums(x.astype("float64"))
    np.testing.assert_allclose(sums, values.sum(axis=0), atol=1e-9)


def test_averages_of_many_pairs_need_no_row_of_them():
    """490,000 products of 4,096 rows would be 16 GB."""
    import resource

    x = np.random.default_rng(0).integers(0, 21, (4096, 50)).astype("uint8")
    machine = gz.BoltzmannMachine(spaces.Categorical(range(21), 50), seed=0)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    machine.adapt(x)
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    # In kilobytes on Linux.
    assert used < 500e3
    means = machine.observations.values.numpy()
    np.testing.assert_allclose(means[:20], np.bincount(x[:, 0])[:20] / 4096)
    both = np.mean((x[:, 0] == 3) & (x[:, 7] == 5))
    name = machine.features.names.index(_name_of(machine, 0, 3, 7, 5))
    assert means[name] == pytest.approx(both, abs=1e-12)


def _name_of(machine, i, a, j, b):
    """The name of the indicator of two levels of two sites."""
    form = machine.density.form.expanded()
    pair = np.flatnonzero((form.pairs == [20 * i + a, 20 * j + b]).all(axis=1))
    return machine.features.names[form.pair_features[pair[0]]]


def test_a_dataset_without_an_end_is_refused_where_all_is_one_batch():
    model = gz.BoltzmannMachine(spaces.Spin(7), seed=0)
    model.compile(loss="pseudolikelihood")
    x = rare("spins", np.random.default_rng(2))
    dataset = tf.data.Dataset.from_tensor_slices(x[:20]).batch(20)
    with pytest.raises(ValueError, match="no end; pass steps_per_epoch"):
        model.fit(dataset.repeat(), verbose=0)


def test_sparse_rows_are_searched_as_dense_ones():
    x = rare("coupled", np.random.default_rng(2))[:500]
    found = []
    for given in (x, sparse.csr_matrix(x)):
        model = gz.BoltzmannMachine(spaces.Binary(8), seed=0)
        model.compile(loss=losses.Pseudolikelihood(l2=0.1))
        model.fit(given, verbose=0)
        found.append(model.multipliers)
    np.testing.assert_array_equal(*found)


def _by_scipy(x, l2):
    """Couplings of bits whose penalised pseudolikelihood is greatest."""
    n = x.shape[1]
    first, second = np.triu_indices(n, 1)

    def loss(parameters):
        couplings = np.zeros((n, n))
        couplings[first, second] = parameters[n:]
        couplings += couplings.T
        field = x @ couplings + parameters[:n]
        change = (special.expit(field) - x) / len(x)
        value = (np.logaddexp(0, field) - x * field).sum() / len(x)
        both = change.T @ x
        both = (both + both.T)[first, second] + l2 * parameters[n:]
        value += 0.5 * l2 * np.square(parameters[n:]).sum()
        return value, np.concatenate([change.sum(axis=0), both])

    start = np.zeros(n + len(first))
    options = {"maxiter": 5000, "ftol": 1e-15, "gtol": 1e-9}
    found = optimize.minimize(loss, start, jac=True, options=options)
    return found.x[n:]


def test_cells_that_never_or_always_fire_do_not_hold_the_others():
    rng = np.random.default_rng(0)
    drive = rng.normal(size=(2000, 3)) @ rng.normal(size=(3, 16))
    x = (rng.random(drive.shape) < special.expit(0.8 * drive - 3.5)) * 1.0
    # Silent, and one that fires in all bins.
    x[:, 3], x[:, 7] = 0, 1
    machine = gz.BoltzmannMachine(gz.spaces.Binary(16), seed=0)
    machine.compile(loss=gz.losses.Pseudolikelihood(l2=5e-4), watch=False)
    with pytest.warns(UserWarning, match="no example has x_3 = 1"):
        machine.fit(x, verbose=0)
    apart = np.delete(np.arange(16), [3, 7])
    expected = _by_scipy(x[:, apart], 5e-4)
    found = machine.couplings[np.ix_(apart, apart)]
    found = found[np.triu_indices(14, 1)]
    np.testing.assert_allclose(found, expected, atol=0.05)
