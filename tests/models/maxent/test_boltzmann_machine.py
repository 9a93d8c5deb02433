import keras
import numpy as np
import pytest
import tensorflow as tf
from goodness_of_fit import assert_chi_square, count_states

import genzoo as gz
from genzoo import spaces


def couplings_of(n, scale, seed=0, fields=0.2):
    rng = np.random.default_rng(seed)
    upper = np.triu(scale * rng.standard_normal((n, n)), 1)
    return fields * rng.standard_normal(n), upper + upper.T


def exact_averages(fields, couplings, x):
    """(p, means, second moments) of states, by brute force."""
    weights = x @ fields + 0.5 * np.einsum("si,ij,sj->s", x, couplings, x)
    p = np.exp(weights - weights.max())
    p /= p.sum()
    return p, p @ x, (x * p[:, None]).T @ x


def pair_averages(second):
    return second[np.triu_indices(len(second), 1)]


KINDS = {
    "spin": spaces.Spin(4),
    "binary": spaces.Binary(4),
    "dice": spaces.Categorical([1, 2, 5], 3),
}


@pytest.mark.parametrize("kind", KINDS)
def test_fields_and_couplings_round_trip(kind):
    model = gz.BoltzmannMachine(KINDS[kind], seed=0)
    rng = np.random.default_rng(0)
    fields = rng.standard_normal(model.fields.shape)
    upper = np.triu(rng.standard_normal((fields.size,) * 2), 1)
    couplings = (upper + upper.T).reshape(model.couplings.shape)
    if kind == "dice":
        assert fields.shape == (3, 2)
        assert couplings.shape == (3, 2, 3, 2)
        # A site has no coupling with itself.
        couplings[np.arange(3), :, np.arange(3)] = 0
    model.set_parameters(fields, couplings)
    np.testing.assert_array_equal(model.fields, fields)
    np.testing.assert_array_equal(model.couplings, couplings)
    assert len(model.multipliers) == len(model.features)
    # The energy is what the docstring says.
    x = KINDS[kind].states()
    if kind == "dice":
        phi = (x[:, :, None] == [1, 2]).reshape(len(x), -1).astype(float)
    else:
        phi = x
    j = couplings.reshape((fields.size,) * 2)
    energy = -phi @ fields.ravel() - 0.5 * np.sum((phi @ j) * phi, axis=1)
    np.testing.assert_allclose(model.energy(x), energy, atol=1e-12)
    model.set_parameters(fields)
    np.testing.assert_array_equal(model.couplings, 0)
    model.set_parameters(couplings=couplings)
    np.testing.assert_array_equal(model.fields, 0)


def test_couplings_are_on_the_graph():
    full = np.ones((4, 4)) - np.eye(4)
    some = gz.BoltzmannMachine(spaces.Spin(4), edges=[[2, 0], [1, 3]])
    some.set_parameters(couplings=full)
    assert len(some.features) == 4 + 2
    joined = np.argwhere(some.couplings).tolist()
    assert joined == [[0, 2], [1, 3], [2, 0], [3, 1]]
    # 3 x 4 sites, periodic: 24 bonds. A side of two has one bond each way.
    lattice = gz.BoltzmannMachine(spaces.Spin((3, 4)), edges="lattice")
    assert len(lattice.features) == 12 + 24
    lattice.set_parameters(couplings=np.ones((12, 12)))
    np.testing.assert_array_equal(lattice.couplings.sum(1), 4)
    short = gz.BoltzmannMachine(spaces.Spin((2, 3)), edges="lattice")
    short.set_parameters(couplings=np.ones((6, 6)))
    np.testing.assert_array_equal(short.couplings.sum(1), 3)
    for model in (some, lattice, short):
        again = gz.BoltzmannMachine.from_config(model.get_config())
        assert again.get_config() == model.get_config()
        assert again.features.names == model.features.names


@pytest.mark.parametrize("kind", KINDS)
def test_exact_likelihood_finds_the_parameters(kind):
    space = KINDS[kind]
    true = gz.BoltzmannMachine(space, seed=0)
    rng = np.random.default_rng(3)
    true.multipliers = 0.5 * rng.standard_normal(len(true.features))
    model = gz.BoltzmannMachine(space, seed=0)
    model.compile()
    assert isinstance(model.loss, gz.losses.ExactLikelihood)
    assert isinstance(model.optimizer, gz.optimizers.Newton)
    model.fit(observations=true.expectation(), verbose=0)
    np.testing.assert_allclose(model.multipliers, true.multipliers, atol=1e-9)
    np.testing.assert_allclose(model.fields, true.fields, atol=1e-9)
    np.testing.assert_allclose(model.couplings, true.couplings, atol=1e-9)


def test_levels_that_float32_does_not_hold():
    """0.1 is another number in float32; it is the same level."""
    space = spaces.Categorical([0.1, 0.5, 0.7], 2)
    model = gz.BoltzmannMachine(space, seed=0)
    model.multipliers = np.random.default_rng(0).standard_normal(8)
    x = space.states()
    p = model.prob(x)
    np.testing.assert_allclose(p.sum(), 1, atol=1e-12)
    np.testing.assert_allclose(
        model.log_prob(x.astype("float32")), np.log(p), atol=1e-12
    )
    draws = model.sample(4000, seed=1)
    counts = count_states(draws, x.astype("float32"))
    assert_chi_square(counts, p)
    learner = gz.BoltzmannMachine(space, seed=0)
    learner.compile()
    learner.fit(draws, verbose=0)
    values = model.features(tf.constant(x)).numpy()
    np.testing.assert_allclose(
        learner.expectation(), counts / 4000 @ values, atol=1e-9
    )


# Where training starts -------------------------------------------------------


@pytest.mark.parametrize("kind", ["spin", "binary"])
def test_mean_field_and_tap_start_near_weak_couplings(kind):
    n = 6
    space = spaces.Spin(n) if kind == "spin" else spaces.Binary(n)
    fields, couplings = couplings_of(n, 0.1, fields=0.4)
    if kind == "binary":
        # The same model in x = (1 + s) / 2: four times the couplings.
        fields = 2 * fields - 2 * couplings.sum(1)
        couplings = 4 * couplings
    x = space.states()
    _, means, second = exact_averages(fields, couplings, x)
    observed = np.concatenate([means, pair_averages(second)])
    errors = {}
    for start in ("zeros", "independent", "mean_field", "tap"):
        model = gz.BoltzmannMachine(space, start=start, seed=0)
        if start != "zeros":
            model.multipliers = model._start(observed)
        errors[start] = np.abs(model.couplings - couplings).max()
        if start == "zeros":
            np.testing.assert_array_equal(model.multipliers, 0)
        elif start == "independent":
            # Without couplings the means are right.
            model.multipliers = model.multipliers
            alone = model.expectation()[:n]
            np.testing.assert_allclose(alone, means, atol=1e-9)
        else:
            assert np.abs(model.fields - fields).max() < 0.05
    size = np.abs(couplings).max()
    assert errors["independent"] == errors["zeros"] == size
    assert errors["mean_field"] < 0.25 * size
    assert errors["tap"] < 0.8 * errors["mean_field"]


def test_independent_start_of_categorical_sites():
    space = spaces.Categorical([0, 1, 2], 2)
    observed = np.array([0.2, 0.3, 0.5, 0.1, 0.1, 0.02, 0.15, 0.03])
    model = gz.BoltzmannMachine(space, seed=0)
    model.multipliers = model._start(observed)
    np.testing.assert_array_equal(model.couplings, 0)
    shares = np.exp(model.fields) / (1 + np.exp(model.fields).sum(1))[:, None]
    np.testing.assert_allclose(shares, [[0.2, 0.3], [0.5, 0.1]], atol=1e-12)


def test_a_start_does_not_change_where_a_fit_ends():
    fields, couplings = couplings_of(5, 0.3)
    x = spaces.Spin(5).states()
    _, means, second = exact_averages(fields, couplings, x)
    observed = np.concatenate([means, pair_averages(second)])
    lengths = {}
    for start in ("zeros", "tap"):
        model = gz.BoltzmannMachine(spaces.Spin(5), start=start, seed=0)
        model.compile()
        history = model.fit(observations=observed, verbose=0).history
        lengths[start] = history["loss"][0]
        np.testing.assert_allclose(model.couplings, couplings, atol=1e-9)
        np.testing.assert_allclose(model.fields, fields, atol=1e-9)
    # The first step of a good start is already a good one.
    assert lengths["tap"] < lengths["zeros"] - 0.05


# Hopfield networks -----------------------------------------------------------

PATTERNS = np.random.default_rng(6).choice([-1.0, 1.0], (2, 12))


def test_patterns_are_the_least_energies():
    model = gz.BoltzmannMachine.hopfield(PATTERNS, temperature=0.5)
    x = model.space.states()
    energy = model.energy(x)
    overlap = PATTERNS @ PATTERNS.T / 12
    # H = -(n / 2T) sum_p m_p^2, but for a constant.
    m = x @ PATTERNS.T / 12
    hopfield = -12 / (2 * 0.5) * np.sum(m**2, axis=1) + 2 / (2 * 0.5)
    np.testing.assert_allclose(energy, hopfield, atol=1e-10)
    assert np.abs(overlap[0, 1]) < 0.5
    of_patterns = model.energy(np.concatenate([PATTERNS, -PATTERNS]))
    np.testing.assert_allclose(of_patterns, energy.min(), atol=1e-10)
    assert (np.abs(energy - energy.min()) < 1e-9).sum() == 4
    for pattern in PATTERNS:
        flipped = np.where(np.eye(12), -pattern, pattern)
        assert (model.energy(flipped) > energy.min() + 1).all()


@pytest.mark.parametrize("temperature", [0.7, 2.0])
def test_a_hopfield_network_is_an_rbm_of_spins_and_gaussians(temperature):
    network = gz.BoltzmannMachine.hopfield(PATTERNS, temperature)
    rbm = gz.RBM(
        gz.units.Spin(12, dtype="float64"),
        gz.units.Gaussian(2, dtype="float64"),
        seed=0,
        dtype="float64",
    )
    rbm.kernel.assign(PATTERNS.T / np.sqrt(12 * temperature))
    x = spaces.Spin(12).states()
    shift = rbm.energy(x) - network.energy(x)
    assert np.ptp(network.energy(x)) > 1
    np.testing.assert_allclose(shift, np.full(len(x), shift[0]), atol=1e-9)


def test_a_network_recalls_its_patterns():
    network = gz.BoltzmannMachine.hopfield(PATTERNS, temperature=0.25, seed=0)
    spoilt = np.repeat(PATTERNS, 20, axis=0)
    spoilt[:, :2] *= -1
    recalled = network.sample(40, seed=1, steps=20, start=spoilt)
    overlap = np.sum(recalled * np.repeat(PATTERNS, 20, axis=0), axis=1) / 12
    assert overlap.mean() > 0.9


# Learning from examples ------------------------------------------------------


def test_the_default_loss_follows_the_size():
    for width, loss in (
        (16, gz.losses.ExactLikelihood),
        (17, gz.losses.Pseudolikelihood),
    ):
        model = gz.BoltzmannMachine(spaces.Spin(width), edges=[[0, 1]])
        model.compile()
        assert isinstance(model.loss, loss)


@pytest.mark.parametrize(
    ("loss", "optimizer"),
    [
        (gz.losses.PersistentContrastiveDivergence(2, chains=256), None),
        (gz.losses.ContrastiveDivergence(2), "adam"),
    ],
    ids=["pcd", "cd"],
)
def test_chains_find_the_couplings(loss, optimizer):
    fields, couplings = couplings_of(5, 0.4)
    true = gz.BoltzmannMachine(spaces.Spin(5), seed=0)
    true.set_parameters(fields, couplings)
    x = true.sample(2000, seed=1).astype("int8")
    best = gz.BoltzmannMachine(spaces.Spin(5), seed=0)
    best.compile()
    best.fit(x, verbose=0)
    model = gz.BoltzmannMachine(spaces.Spin(5), seed=1)
    if optimizer == "adam":
        optimizer = keras.optimizers.Adam(0.02)
    model.compile(optimizer, loss)
    model.fit(x, batch_size=100, epochs=12, verbose=0)
    before = np.abs(best.couplings).max()
    error = model.multipliers - best.multipliers
    # KL(best || model), to second order; twice that of 256 draws.
    kl = 0.5 * error @ best.feature_covariance() @ error
    assert kl < 15 / 256
    assert np.abs(model.couplings - best.couplings).max() < 0.4 * before
    assert np.isfinite(model.evaluate(x, verbose=0)).all()


def test_pseudolikelihood_and_flow_of_categorical_sites():
    space = spaces.Categorical([0, 1, 2], 3)
    true = gz.BoltzmannMachine(space, seed=0)
    count = len(true.features)
    true.multipliers = 0.7 * np.random.default_rng(0).standard_normal(count)
    x = true.sample(4000, seed=1)
    for loss in ("pseudolikelihood", "minimum_probability_flow"):
        model = gz.BoltzmannMachine(space, seed=0)
        model.compile(loss=loss)
        model.fit(x, verbose=0)
        states = space.states()
        p, q = true.prob(states), model.prob(states)
        kl = p @ np.log(p / q)
        # In the mean count / 2n for the likelihood; these know less.
        assert kl < 5 * count / (2 * 4000)


# Errors ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: gz.BoltzmannMachine(spaces.Real(3)),
            "must be Spin, Binary or Categorical.*Real.*use MaxEnt",
        ),
        (
            lambda: gz.BoltzmannMachine(
                spaces.Product([spaces.Spin(2), spaces.Spin(2)])
            ),
            "must be Spin, Binary or Categorical",
        ),
        (lambda: gz.BoltzmannMachine(10), "one of genzoo.spaces"),
        (
            lambda: gz.BoltzmannMachine(spaces.Spin(3), start="warm"),
            "start must be one of .*received 'warm'",
        ),
        (
            lambda: gz.BoltzmannMachine(
                spaces.Categorical([0, 1, 2], 2), start="tap"
            ),
            "start='tap' is for two-valued sites",
        ),
        (
            lambda: gz.BoltzmannMachine(spaces.Spin(3), edges="all"),
            "edges must be pairs of sites, 'lattice' or None; received 'all'",
        ),
        (
            lambda: gz.BoltzmannMachine(spaces.Spin(3), edges=[[0, 3]]),
            "edges name sites 0 to 3; the space has 3",
        ),
        (
            lambda: gz.BoltzmannMachine(spaces.Spin(3), edges=[[1, 1]]),
            "BoltzmannMachine: edges must join different sites",
        ),
        (
            lambda: gz.BoltzmannMachine(spaces.Spin(3), edges=[[0, 1], [1, 0]]),
            "BoltzmannMachine: edges must be given once",
        ),
        (
            lambda: gz.BoltzmannMachine(spaces.Spin(3), edges=[0, 1, 2]),
            "edges must be pairs of ints",
        ),
        (
            lambda: gz.BoltzmannMachine.hopfield([1, -1, 1]),
            r"patterns must be -1 and \+1, shape \(patterns, n\)",
        ),
        (
            lambda: gz.BoltzmannMachine.hopfield([[0, 1, 1]]),
            r"patterns must be -1 and \+1",
        ),
        (
            lambda: gz.BoltzmannMachine.hopfield(PATTERNS, temperature=0),
            "temperature must be a positive number; received 0",
        ),
        (
            lambda: gz.BoltzmannMachine.hopfield(PATTERNS, np.nan),
            "temperature must be a positive",
        ),
    ],
)
def test_impossible_machines(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"fields": np.zeros(4)}, r"expected fields of shape \(3,\)"),
        ({"couplings": np.zeros((2, 2))}, r"couplings of \(3, 3\)"),
        ({"couplings": np.triu(np.ones((3, 3)), 1)}, "must be symmetric"),
        ({"couplings": np.full((3, 3), np.nan)}, "symmetric|finite"),
        ({"fields": [0.0, np.nan, 0.0]}, "finite"),
    ],
)
def test_impossible_parameters(arguments, message):
    model = gz.BoltzmannMachine(spaces.Spin(3))
    with pytest.raises(ValueError, match=message):
        model.set_parameters(**arguments)
    np.testing.assert_array_equal(model.multipliers, 0)


def test_examples_must_be_in_the_space():
    model = gz.BoltzmannMachine(spaces.Spin(3))
    model.compile()
    message = r"BoltzmannMachine.fit: x must hold -1 and \+1.*2.0 \* x - 1"
    with pytest.raises(ValueError, match=message):
        model.fit(np.array([[0, 1, 1]]), verbose=0)


@pytest.mark.parametrize(
    ("space", "codes"),
    [
        (gz.spaces.Spin(30), np.array([[-1.0], [1.0]])),
        (gz.spaces.Binary(30), np.array([[0.0], [1.0]])),
        (gz.spaces.Categorical(range(4), 9), np.eye(4)[:, :3]),
    ],
)
def test_energies_of_many_couplings_are_those_of_the_formula(space, codes):
    """They are made of fields and couplings, not of all features."""
    machine = gz.BoltzmannMachine(space, seed=0)
    assert len(machine.features) > 256
    rng = np.random.default_rng(3)
    machine.multipliers = rng.normal(size=len(machine.features))
    levels = np.asarray(space.levels[0])
    places = rng.integers(0, len(levels), (200, space.width))
    phi = codes[places].reshape(200, -1)
    x = levels[places]
    # By the features' own definition, all of each row.
    features = np.asarray(machine.features(x.astype("float64")))
    expected = -features @ machine.multipliers
    found = machine.density.log_weight(
        tf.constant(x, tf.float64), tf.constant(machine.multipliers)
    )
    np.testing.assert_allclose(-found, expected, rtol=1e-11, atol=1e-11)
    if codes.shape[1] == 1:
        bias, coupling = machine.fields, machine.couplings
        energy = -phi @ bias - 0.5 * np.sum(phi @ coupling * phi, axis=1)
        np.testing.assert_allclose(-found, energy, rtol=1e-11, atol=1e-11)
