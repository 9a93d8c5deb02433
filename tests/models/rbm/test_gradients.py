"""Each learning rule's formula against autodiff and finite differences."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

import genzoo as gz
from genzoo.models.rbm import gradients as formulas
from genzoo.runtime import random

UNITS = {
    "bernoulli": lambda n: gz.units.Bernoulli(n, dtype="float64"),
    "spin": lambda n: gz.units.Spin(n, dtype="float64"),
    "categorical": lambda n: gz.units.Categorical(n, 2, dtype="float64"),
    "gaussian": lambda n: gz.units.Gaussian(n, 0.8, dtype="float64"),
    "gaussian, learned": lambda n: gz.units.Gaussian(
        n, 0.8, learn_variance=True, dtype="float64"
    ),
    "relu": lambda n: gz.units.ReLU(n, dtype="float64"),
}
BOUNDED = ("bernoulli", "spin", "categorical")
PAIRS = [p for p in itertools.product(UNITS, UNITS) if set(p) & set(BOUNDED)]


def make(pair, loss="exact_likelihood", **options):
    visible, hidden = (UNITS[name] for name in pair)
    sizes = (3 if pair[0] == "categorical" else 6, 4)
    rbm = gz.RBM(
        visible(sizes[0]), hidden(sizes[1]), seed=1, dtype="float64", **options
    )
    if loss in ("exact_likelihood", "pcd", "cd"):
        rbm.compile(loss=loss)
    rng = np.random.default_rng(3)
    for weight in rbm.parameters:
        weight.assign(0.4 * rng.standard_normal(weight.shape))
    return rbm


def states(rbm, n, seed=5):
    field = tf.random.stateless_normal((n, rbm.visible.width), (seed, 2))
    field = tf.cast(field, tf.float64)
    return rbm.visible.sample(field, random.as_seed(seed))


def autodiff(rbm, function):
    with tf.GradientTape() as tape:
        value = function()
    return tape.gradient(value, [w.value for w in rbm.parameters])


def numeric(rbm, function, step=1e-5):
    function = tf.function(function, autograph=False)
    gradients = []
    for weight in rbm.parameters:
        start = weight.numpy()
        gradient = np.zeros_like(start)
        for index in np.ndindex(*start.shape):
            ends = []
            for sign in (1, -1):
                moved = start.copy()
                moved[index] += sign * step
                weight.assign(moved)
                ends.append(float(function()))
            gradient[index] = (ends[0] - ends[1]) / (2 * step)
        weight.assign(start)
        gradients.append(gradient)
    return gradients


def agree(gradients, others, atol=1e-9):
    assert len(gradients) == len(others)
    for a, b in zip(gradients, others, strict=True):
        np.testing.assert_allclose(a, b, atol=atol, rtol=1e-7)


@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
def test_exact_gradient_is_that_of_the_exact_log_likelihood(pair):
    rbm = make(pair, centered=False)
    x = states(rbm, 7)

    def loss():
        log_z, _ = rbm.rules.machine.layers().enumerate()
        return tf.reduce_mean(rbm(x)) + log_z

    value, gradients = rbm.rules.exact_gradients(x)
    np.testing.assert_allclose(value, loss(), rtol=1e-12)
    agree(gradients, autodiff(rbm, loss))
    agree(gradients, numeric(rbm, loss), atol=1e-8)


@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
def test_likelihood_gradients_are_those_of_the_free_energy_difference(pair):
    rbm = make(pair)
    x, samples = states(rbm, 7), states(rbm, 4, seed=6)

    def difference():
        data, model = rbm(x), rbm(samples)
        return tf.reduce_mean(data) - tf.reduce_mean(model)

    gradients = rbm.rules.likelihood_gradients(x, samples)
    agree(gradients, autodiff(rbm, difference))
    agree(gradients, numeric(rbm, difference), atol=1e-8)


@pytest.mark.parametrize(
    "pair", [p for p in PAIRS if p[0] in BOUNDED], ids="-".join
)
def test_pseudolikelihood_by_the_definition(pair):
    rbm = make(pair, centered=False)
    x = states(rbm, 5)
    unit = rbm.visible
    depth = unit.width // unit.size

    def loss():
        total = 0.0
        own = -rbm(x)
        for site in range(unit.size):
            others = []
            for level in unit.levels:
                moved = np.array(x)
                moved[:, site * depth : (site + 1) * depth] = level
                others.append(-rbm(moved))
            total += own - tf.reduce_logsumexp(tf.stack(others), 0)
        return -tf.reduce_mean(total)

    seed = random.as_seed(0)
    value, gradients = rbm.rules.pseudolikelihood_gradients(x, None, seed)
    np.testing.assert_allclose(value, loss(), rtol=1e-12)
    agree(gradients, autodiff(rbm, loss))
    agree(gradients, numeric(rbm, loss), atol=1e-8)


def test_pseudolikelihood_of_random_sites_is_unbiased():
    rbm = make(("bernoulli", "bernoulli"), centered=False)
    x = states(rbm, 5)
    keys = tf.stack([random.as_seed((7, n)).key for n in range(3000)])
    seed = random.Seed(keys[0])
    whole, _ = rbm.rules.pseudolikelihood_gradients(x, None, seed)

    def some(key):
        return rbm.rules.pseudolikelihood_gradients(x, 2, random.Seed(key))[0]

    mapped = tf.function(
        lambda: tf.map_fn(some, keys, fn_output_signature=tf.float64)
    )
    values = mapped().numpy()
    error = values.std() / np.sqrt(len(values))
    assert error < 0.05
    assert abs(values.mean() - whole) < 4 * error


@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
def test_centred_gradient_is_that_of_the_centred_energy(pair):
    # In the centred energy a' = a + W d and b' = b + W' c are the biases. Its
    # gradient, mapped back, is the gradient here.
    rbm = make(pair)
    x, samples = states(rbm, 7), states(rbm, 4, seed=6)
    dtype = rbm.variable_dtype
    phase = [(v, rbm.rules.machine.hidden_field(v)) for v in (x, samples)]
    plain = rbm.rules.likelihood_gradients(x, samples)
    rng = np.random.default_rng(4)
    c, d = (rng.random(u.width) for u in (rbm.visible, rbm.hidden))
    layers = rbm.rules.machine.layers()
    shares = tf.constant(1 / 7, dtype), tf.constant(1 / 4, dtype)
    _, fast, mean = formulas.phases(layers, *phase, shares, dtype, (c, d))
    np.testing.assert_allclose(mean, tf.reduce_mean(rbm._hidden_mean(x), 0))
    agree(fast, formulas.center(layers, plain, c, d))

    kernel, a = rbm.kernel, rbm.visible.bias
    b = rbm.hidden.bias
    start = [w.numpy() for w in (kernel, a, b)]
    shifts = [tf.Variable(tf.zeros_like(w)) for w in start]

    def centred_difference():
        w, alpha, beta = shifts
        total = 0.0
        for v, sign in ((x, 1), (samples, -1)):
            # -F of the centred energy, its weights moved by the shifts.
            full = start[0] + w
            bias_a = start[1] + start[0] @ d + alpha - tf.linalg.matvec(full, d)
            at_b = start[2] + c @ start[0] + beta
            bias_b = at_b - tf.linalg.matvec(full, c, transpose_a=True)
            field = v @ full + (bias_b - start[2])
            linear = tf.linalg.matvec(v, bias_a - start[1])
            potential = rbm.visible.potential(v) + linear
            minus_f = potential + rbm.hidden.log_cumulant(field)
            total -= sign * tf.reduce_mean(minus_f)
        return total

    with tf.GradientTape() as tape:
        value = centred_difference()
    w, alpha, beta = tape.gradient(value, shifts)
    at_hidden = 1 + len(rbm.visible.parameters)
    np.testing.assert_allclose(fast[0], w, atol=1e-9)
    np.testing.assert_allclose(
        fast[1], alpha - tf.linalg.matvec(w, d), atol=1e-9
    )
    np.testing.assert_allclose(
        fast[at_hidden],
        beta - tf.linalg.matvec(w, c, transpose_a=True),
        atol=1e-9,
    )


@pytest.mark.parametrize("loss", ["exact_likelihood", "pcd"])
def test_centred_learning_has_the_same_fixed_point(loss):
    # With all data in each batch of a model at its maximum nothing moves on
    # average; small random batches must not drive it away either.
    rbm = make(("bernoulli", "bernoulli"), loss)
    x = rbm.rules.machine.layers().exact_hidden(60_000, random.as_seed(2))
    seed = random.as_seed(3)
    x = rbm.visible.sample(rbm.rules.machine.visible_field(x), seed).numpy()
    rbm.adapt(x)
    rbm.visible.bias.assign(make(("bernoulli", "bernoulli")).visible.bias)
    mean = tf.reduce_mean(rbm._hidden_mean(x), 0)
    rbm.offsets.hidden.assign(mean)
    if loss == "pcd":
        rbm.chains.write_all(
            rbm.rules.machine.layers().exact_hidden(rbm.chains.count, seed)
        )

    steps, data = 3000, tf.constant(x)
    keys = tf.stack([random.as_seed((n, 5)).key for n in range(steps)])

    @tf.function
    def sums():
        totals = [tf.zeros_like(w) for w in rbm.parameters]
        for n in tf.range(steps):
            seed = random.Seed(keys[n])
            batch = data[4 * n : 4 * n + 4]
            gradients = rbm.loss.gradients(rbm, batch, seed)[1]
            totals = [t + g for t, g in zip(totals, gradients, strict=True)]
        return totals

    total = np.concatenate([np.ravel(t) for t in sums()])
    # One entry of a batch's gradient has a standard deviation of at most 1/2
    # over the root of its rows; chains are correlated over a few steps.
    slack = 5 * 0.5 / np.sqrt(4 * steps) * 3
    assert np.abs(total / steps).max() < slack


def test_a_regularizer_is_centred_like_the_likelihood():
    # The sum is the centred gradient of the penalised loss, so that training
    # stops where that loss does.
    rbm = make(("bernoulli", "spin"), kernel_regularizer="l2")
    plain = make(("bernoulli", "spin"), centered=False)
    x = states(rbm, 7)
    rng = np.random.default_rng(4)
    c, d = (rng.random(u.width) for u in (rbm.visible, rbm.hidden))
    rbm.offsets.visible.assign(c)
    rbm.offsets.hidden.assign(d)
    penalty = rbm._penalty_gradients()
    _, likelihood = rbm.rules.exact_gradients(x)
    _, gradients = plain.rules.exact_gradients(x)
    gradients[0] += 2 * 0.01 * rbm.kernel
    expected = formulas.center(rbm.rules.machine.layers(), gradients, c, d)
    total = [a + b for a, b in zip(penalty, likelihood, strict=True)]
    agree(total, expected)


@pytest.mark.parametrize("frozen", ["visible", "hidden"])
def test_a_frozen_bias_takes_no_part_in_centring(frozen):
    rbm = make(("bernoulli", "bernoulli"))
    rbm.offsets.visible.assign(np.full(6, 0.3))
    rbm.offsets.hidden.assign(np.full(4, 0.6))
    getattr(rbm, frozen).trainable = False
    x = states(rbm, 7)
    plain = make(("bernoulli", "bernoulli"), centered=False)
    _, gradients = plain.rules.exact_gradients(x)
    c = np.full(6, 0.3 * (frozen == "visible"))
    d = np.full(4, 0.6 * (frozen == "hidden"))
    expected = formulas.center(rbm.rules.machine.layers(), gradients, c, d)
    agree(rbm.rules.exact_gradients(x)[1], expected)


def test_a_shorter_batch_weighs_both_phases_by_their_own_counts():
    rbm = make(("bernoulli", "bernoulli"))
    x, samples = states(rbm, 1), states(rbm, 128)
    gradients = rbm.rules.likelihood_gradients(x, samples)
    expected = tf.reduce_mean(samples, 0) - tf.reduce_mean(x, 0)
    np.testing.assert_allclose(gradients[1], expected, atol=1e-12)


@pytest.mark.parametrize("steps", [1, 3])
@pytest.mark.parametrize("loss", ["cd", "pcd"])
def test_contrastive_gradient_is_unbiased_in_equilibrium(steps, loss):
    # Chains drawn from the model stay in equilibrium, so that the expectation
    # of (persistent) contrastive divergence is the exact gradient. For CD the
    # data are drawn from the model, and the exact gradient is zero.
    rbm = make(("bernoulli", "bernoulli"), centered=False)
    rng = random.as_seed(11)
    n = 40_000
    h = rbm.rules.machine.layers().exact_hidden(n, rng)
    v = rbm.visible.sample(
        rbm.rules.machine.visible_field(h), random.fold_in(rng, 1)
    )
    x = v if loss == "cd" else states(rbm, 9)
    _, exact = rbm.rules.exact_gradients(x)
    start = rbm.rules.chains_at(x, rng) if loss == "cd" else h
    seed = random.fold_in(rng, 2)
    found = rbm.rules.contrast(x, start, steps, seed)
    # Entries are means of numbers in [0, 1].
    bound = 4.5 * 0.5 / np.sqrt(n) * (2 if loss == "cd" else 1)
    agree(found.gradients, exact, atol=bound)
    assert found.states.shape == start.shape


def test_chains_move_on_between_updates(small_rbm, bits):
    rbm = small_rbm("pcd")
    rbm.adapt(bits)
    before = rbm.chains.read_all().numpy()
    rbm.fit(bits, epochs=1, verbose=0)
    after = rbm.chains.read_all().numpy()
    assert np.any(before != after)
    assert set(np.unique(after)) == {0.0, 1.0}
    assert not np.signbit(after).any()
