"""Losses that look at one site at a time: values, gradients, minima."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

import genzoo as gz
from genzoo import spaces
from genzoo.models.maxent import pairwise_losses
from genzoo.runtime.random import as_seed

SPACES = {
    "spin": spaces.Spin(4),
    "binary": spaces.Binary(4),
    "lattice": spaces.Spin((2, 3)),
    "two levels": spaces.Categorical([2.0, 5.0], 3),
    "potts": spaces.Categorical([0.0, 1.0, 2.0], 3),
}
LOSSES = {
    "pseudolikelihood": gz.losses.Pseudolikelihood(),
    "flow": gz.losses.MinimumProbabilityFlow(),
}
every_space = pytest.mark.parametrize("kind", SPACES)
every_loss = pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)


def machine(kind, seed=0, **options):
    space = SPACES[kind]
    edges = "lattice" if kind == "lattice" else None
    model = gz.BoltzmannMachine(space, edges, seed=0, **options)
    rng = np.random.default_rng(seed)
    scale = 0.2 if kind == "two levels" else 0.6
    model.multipliers = scale * rng.standard_normal(len(model.features))
    return model


def examples(space, n=7):
    x = space.states()
    return x[np.random.default_rng(1).integers(len(x), size=n)]


def numbers_of(space, x):
    """The place of states among `space.states()`."""
    states = space.states().reshape(space.state_count, -1)
    flat = np.asarray(x).reshape(len(x), -1)
    return np.argmax(np.all(flat[:, None] == states, axis=2), axis=1)


def neighbours(space, x):
    """Numbers of the states that differ at one site, (n, sites, levels)."""
    found = []
    for site, levels in enumerate(space.levels):
        for level in levels:
            changed = x.reshape(len(x), -1).copy()
            changed[:, site] = level
            found.append(numbers_of(space, changed))
    return np.array(found).T.reshape(len(x), space.width, -1)


def brute_force(model, x, rule):
    """The loss from the energies of all states."""
    energy = model.energy(model.space.states())
    own = energy[numbers_of(model.space, x)]
    gain = own[:, None, None] - energy[neighbours(model.space, x)]
    if rule == "pseudolikelihood":
        sites = np.log(np.sum(np.exp(gain), axis=2))
    else:
        # The state itself is no neighbour.
        sites = np.sum(np.exp(0.5 * gain), axis=2) - 1
    return sites.sum(axis=1).mean()


@every_space
@pytest.mark.parametrize("rule", LOSSES)
def test_values_are_those_of_brute_force(kind, rule):
    model = machine(kind)
    x = examples(model.space)
    expected = brute_force(model, x, rule)
    value, _ = LOSSES[rule].gradients(model, tf.constant(x), None)
    np.testing.assert_allclose(value, expected, rtol=2e-6)
    value = LOSSES[rule].value(model, tf.constant(x), as_seed(0))
    np.testing.assert_allclose(value, expected, rtol=2e-6)


@every_space
@every_loss
def test_gradients_are_the_derivatives_of_the_values(kind, loss):
    model = machine(kind)
    x = tf.constant(examples(model.space))
    (gradient,) = loss.gradients(model, x, None)[1]
    rule = "flow" if loss is LOSSES["flow"] else "pseudolikelihood"
    true = model.multipliers
    rng = np.random.default_rng(3)
    for _ in range(4):
        direction = rng.standard_normal(len(true))
        ends = []
        for sign in (1, -1):
            model.multiplier_weights.assign(true + 1e-5 * sign * direction)
            ends.append(brute_force(model, x.numpy(), rule))
        slope = (ends[0] - ends[1]) / 2e-5
        found = gradient.numpy() @ direction
        np.testing.assert_allclose(found, slope, atol=2e-5)


@every_space
@pytest.mark.parametrize("rule", ["pseudolikelihood", "probability_flow"])
def test_closed_forms_equal_automatic_differentiation(kind, rule):
    model = machine(kind, seed=4)
    rule = getattr(pairwise_losses, rule)
    x = model.space.flatten(tf.constant(examples(model.space)))
    weights = tf.constant(np.random.default_rng(2).random(len(x)))
    pairwise = model.density.pairwise(model.multiplier_weights.value, "float64")
    phi = pairwise.encode(x)
    with tf.GradientTape() as tape:
        tape.watch([pairwise.bias, pairwise.coupling])
        field = tf.matmul(phi, pairwise.coupling) + pairwise.bias
        value, slope = rule(pairwise, phi, field)
        total = tf.reduce_sum(weights * value)
    bias, coupling = tape.gradient(total, [pairwise.bias, pairwise.coupling])
    weighted = weights[:, None] * slope
    np.testing.assert_allclose(
        tf.reduce_sum(weighted, axis=0), bias, atol=1e-12
    )
    np.testing.assert_allclose(
        tf.matmul(phi, weighted, transpose_a=True), coupling, atol=1e-12
    )
    form = model.density.quadratic.expanded()
    expected = np.zeros(len(model.features))
    np.add.at(expected, form.site_features, bias.numpy()[form.sites])
    both = (coupling + tf.transpose(coupling)).numpy()
    first, second = form.pairs.T
    np.add.at(expected, form.pair_features, both[first, second])
    found = model.density.layout.features(bias, both)
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_tied_multipliers_add_up():
    """One coupling for all bonds, also for two bonds between two sites."""
    model = gz.MaxEnt(
        spaces.Spin((2, 2)),
        [
            gz.features.LatticeBonds((2, 2)),
            gz.features.Moments(1, tied=True),
        ],
        seed=0,
    )
    x = examples(model.space)
    for loss, rule in ((LOSSES[name], name) for name in LOSSES):
        model.multipliers = np.array([0.3, -0.2])
        _, (gradient,) = loss.gradients(model, tf.constant(x), None)
        for k in range(2):
            ends = []
            for sign in (1, -1):
                moved = np.array([0.3, -0.2])
                moved[k] += 1e-5 * sign
                model.multipliers = moved
                ends.append(brute_force(model, x, rule))
            slope = (ends[0] - ends[1]) / 2e-5
            np.testing.assert_allclose(gradient[k], slope, atol=3e-6)


@every_space
@pytest.mark.parametrize("rule", ["pseudolikelihood", "probability_flow"])
def test_the_gradient_vanishes_at_the_truth(kind, rule):
    model = machine(kind, seed=1)
    rule = getattr(pairwise_losses, rule)
    x = model.space.states()
    p = tf.constant(model.prob(x))
    states = model.space.flatten(x)

    def gradient():
        pairwise = model.density.pairwise(
            model.multiplier_weights.value, "float64"
        )
        phi = pairwise.encode(tf.constant(states))
        _, slope = rule(pairwise, phi, pairwise.field(phi))
        slope *= p[:, None]
        both = tf.matmul(slope, phi, transpose_a=True)
        single = tf.reduce_sum(slope, axis=0)
        both += tf.transpose(both)
        return model.density.layout.features(single, both).numpy()

    np.testing.assert_allclose(gradient(), 0, atol=1e-12)
    # and nowhere near it
    true = model.multipliers
    rng = np.random.default_rng(0)
    for _ in range(3):
        step = 0.1 * rng.standard_normal(len(true))
        model.multipliers = true + step
        assert gradient() @ step > 1e-4


def test_large_fields_give_finite_losses():
    model = gz.BoltzmannMachine(spaces.Spin(3), seed=0)
    model.multipliers = np.full(6, -60.0)
    x = np.ones((2, 3), "float32")
    value, (gradient,) = LOSSES["pseudolikelihood"].gradients(model, x, None)
    assert np.isfinite(value)
    assert np.isfinite(gradient).all()
    assert (gradient.numpy() < 0).all()


SPARSE = [[0, 1], [1, 2], [2, 3], [3, 4]]


@pytest.fixture(scope="module")
def chain():
    """4,000 draws of a chain of five spins, and its couplings."""
    model = gz.BoltzmannMachine(spaces.Spin(5), seed=0)
    couplings = np.zeros((5, 5))
    for (i, j), value in zip(SPARSE, [0.5, -0.6, 0.4, 0.7], strict=True):
        couplings[i, j] = couplings[j, i] = value
    model.set_parameters([0.1, 0, -0.2, 0, 0.1], couplings)
    return model.sample(4000, seed=1).astype("int8"), couplings


@pytest.fixture(scope="module")
def learned(chain):
    """Gives the model that a loss finds on the draws, each fitted once."""

    @functools.cache
    def learn(rule="pseudolikelihood", **penalty):
        model = gz.BoltzmannMachine(spaces.Spin(5), seed=0)
        model.compile(None, type(LOSSES[rule])(**penalty))
        model.fit(chain[0], verbose=0)
        return model

    return learn


@pytest.fixture(scope="module")
def plain(learned):
    return learned()


def test_without_a_penalty_the_truth_is_found(chain, plain):
    x, couplings = chain
    assert isinstance(plain.optimizer, gz.optimizers.LBFGS)
    # The curvature of each conditional is at most 1: 5 standard errors.
    np.testing.assert_allclose(
        plain.couplings, couplings, atol=5 / np.sqrt(len(x)) * 1.5
    )
    _, (gradient,) = plain.loss.gradients(plain, tf.constant(x), None)
    # A hundredth of what other examples would change.
    np.testing.assert_allclose(gradient, 0, atol=0.01 / np.sqrt(len(x)))


@pytest.mark.parametrize("rule", LOSSES)
def test_l1_leaves_out_couplings_that_are_absent(chain, learned, rule):
    x, couplings = chain
    model = learned(rule, l1=0.1)
    absent = (couplings == 0) & ~np.eye(5, dtype=bool)
    assert (model.couplings[absent] == 0).all()
    present = couplings != 0
    assert (np.sign(model.couplings) == np.sign(couplings))[present].all()
    # The conditions of the minimum; fields have no penalty.
    _, (gradient,) = model.loss.gradients(model, tf.constant(x), None)
    gradient, found = gradient.numpy(), model.multipliers
    np.testing.assert_allclose(gradient[:5], 0, atol=1e-4)
    zero = found[5:] == 0
    assert (np.abs(gradient[5:][zero]) <= 0.1 + 1e-4).all()
    np.testing.assert_allclose(
        gradient[5:][~zero], -0.1 * np.sign(found[5:][~zero]), atol=1e-4
    )


def test_l2_shrinks_couplings(chain, learned, plain):
    x, _ = chain
    model = learned("pseudolikelihood", l2=0.5)
    _, (gradient,) = model.loss.gradients(model, tf.constant(x), None)
    found = model.multipliers
    np.testing.assert_allclose(gradient[:5], 0, atol=1e-4)
    np.testing.assert_allclose(gradient[5:], -0.5 * found[5:], atol=1e-4)
    assert (found[5:] != 0).all()
    big = np.abs(plain.couplings) > 0.2
    assert (np.abs(model.couplings) < 0.9 * np.abs(plain.couplings))[big].all()


def test_penalties_hold_for_gradient_descent_too(chain, learned, plain):
    x, _ = chain
    for name, size in (("l1", 0.1), ("l2", 0.5)):
        loss = gz.losses.Pseudolikelihood(**{name: size})
        model = gz.BoltzmannMachine(spaces.Spin(5), seed=0)
        model.compile(keras.optimizers.SGD(0.1), loss)
        model.fit(x, batch_size=1000, epochs=15, verbose=0)
        best = learned("pseudolikelihood", **{name: size})
        np.testing.assert_allclose(model.couplings, best.couplings, atol=0.06)
        gap = np.abs(model.couplings - plain.couplings).max()
        assert gap > 0.07, name


def test_penalties_are_numbers():
    for make in (
        gz.losses.Pseudolikelihood,
        gz.losses.MinimumProbabilityFlow,
    ):
        for value in (-1, np.inf, np.nan, "0.1", True):
            with pytest.raises(ValueError, match="l1 must be a number of at"):
                make(l1=value)
            with pytest.raises(ValueError, match="l2 must be a number of at"):
                make(l2=value)
        loss = make(l1=0.25, l2=1)
        assert make.from_config(loss.get_config()).get_config() == (
            loss.get_config()
        )


@pytest.mark.parametrize("l2", [0.0, 0.01])
def test_spins_that_all_go_together_take_few_steps(l2):
    """A search that took sites as independent needed 17."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2000, 60)) + 0.7 * rng.normal(size=(2000, 1))
    x = np.sign(x).astype("int8")
    model = gz.BoltzmannMachine(spaces.Spin(60), seed=0)
    model.compile(
        loss=gz.losses.Pseudolikelihood(l2=l2, l2_fields=l2), watch=False
    )
    history = model.fit(x, verbose=0).history
    assert len(history["residual"]) <= 8
    # The gradient by the definition: x_i x_j less what each site expects.
    field = model.fields + x @ model.couplings
    rest = x - np.tanh(field)
    both = (rest.T @ x + x.T @ rest) / len(x)
    first, second = np.triu_indices(60, 1)
    slope = l2 * model.couplings[first, second] - both[first, second]
    assert np.abs(slope).max() < 0.01 / np.sqrt(2000)
    single = l2 * model.fields - rest.mean(axis=0)
    assert np.abs(single).max() < 0.01 / np.sqrt(2000)
    # Others, with the same compiled search.
    other = model.fit(x[:, ::-1], verbose=0).history
    assert len(other["residual"]) <= 8


def test_a_product_of_two_bits_does_not_run_away():
    """Two levels never meet: the optimum is infinite, and flat on the way."""
    rng = np.random.default_rng(7)
    x = (rng.random((3000, 12)) < 0.3).astype("uint8")
    x[:, 5] = x[:, 2] ^ (rng.random(3000) < 0.1)
    x[:, 9] = x[:, 2] & x[:, 5]
    model = gz.BoltzmannMachine(spaces.Binary(12), seed=0)
    model.compile(loss=gz.losses.Pseudolikelihood(), watch=False)
    with pytest.warns(UserWarning, match="no example has"):
        model.fit(x, verbose=0)
    states = model.space.states()
    means = model.prob(states) @ states
    assert np.abs(means - x.mean(axis=0)).max() < 0.1
