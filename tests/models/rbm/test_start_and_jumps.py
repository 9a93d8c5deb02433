"""What lets defaults learn: jumps between modes, and a start off the saddle."""

import functools

import numpy as np
import pytest
import tensorflow as tf
from goodness_of_fit import assert_chi_square, count_states

import genzoo as gz
from genzoo.models.rbm.machine import Leaps
from genzoo.runtime import random

UNITS = {
    "bernoulli": functools.partial(gz.units.Bernoulli, 5),
    "spin": functools.partial(gz.units.Spin, 5),
    "categorical": functools.partial(gz.units.Categorical, 3, states=3),
}


def random_rbm(name, scale=0.8):
    rbm = gz.RBM(UNITS[name](), gz.units.Bernoulli(3), seed=0)
    rng = np.random.default_rng(1)
    for weight in rbm.parameters:
        weight.assign(rng.normal(scale=scale, size=weight.shape))
    return rbm


@pytest.mark.parametrize("name", UNITS)
def test_jumps_leave_the_distribution_as_it_is(name):
    rbm = random_rbm(name)
    machine, n = rbm.rules.machine, 40_000
    states = rbm.visible.states(0, rbm.visible.state_count, "float32")
    p = np.exp(-machine.energy(states).numpy().astype("float64"))
    p /= p.sum()
    rng = np.random.default_rng(2)
    v = tf.gather(states, rng.choice(len(p), n, p=p))
    # Data that are distributed in quite another way than the model.
    data = tf.gather(states, rng.choice(4, 64))
    moved = 0
    for step in range(8):
        # As shuffled batches are: in another order each time.
        rows = tf.gather(data, rng.permutation(64))
        seed = random.as_seed((3, step))
        samples = v, machine.hidden_field(v)
        new, field = rbm.rules._jump(samples, (rows, None), seed)
        np.testing.assert_allclose(field, machine.hidden_field(new), atol=1e-5)
        moved += int(
            tf.reduce_sum(tf.cast(tf.reduce_any(new != v, 1), "int32"))
        )
        v = new
    assert moved > n / 20
    assert_chi_square(count_states(v, states), p)


@pytest.mark.parametrize("name", UNITS)
def test_a_move_is_undone_by_the_opposite_one(name):
    unit = UNITS[name]()
    states = unit.states(0, unit.state_count, "float32")
    rng = np.random.default_rng(4)
    x, a, b = (
        tf.gather(states, rng.integers(0, len(states), 200)) for _ in range(3)
    )
    there = unit.moved(x, a, b)
    assert not unit.space.outside(there)
    np.testing.assert_array_equal(unit.moved(there, b, a), x)
    np.testing.assert_array_equal(unit.moved(a, a, b), b)


@pytest.mark.parametrize("size", [10, 16])
def test_modes_that_do_not_mix_keep_their_weights(size):
    # Sweeps alone: -15 to -70 nats; the two states alone have log 2.
    x = np.repeat([[0], [1]] * 200, size, axis=1)
    rbm = gz.RBM(gz.units.Bernoulli(size), gz.units.Bernoulli(size), seed=0)
    rbm.compile(steps_per_execution=20)
    rbm.fit(x, epochs=10, verbose=0)
    assert rbm.log_prob(x).mean() > -1.0


def test_rows_with_one_excitation_leave_the_saddle():
    x = np.eye(20)[np.random.default_rng(5).integers(0, 20, 600)]
    rbm = gz.RBM(gz.units.Bernoulli(20), gz.units.Bernoulli(8), seed=0)
    rbm.compile(steps_per_execution=20)
    rbm.fit(x, epochs=20, verbose=0)
    p = (x.sum(0) + 0.5) / 601
    independent = (x * np.log(p) + (1 - x) * np.log1p(-p)).sum(1).mean()
    assert rbm.log_prob(x).mean() > independent + 0.05


def test_kernels_that_were_given_stay():
    x = np.eye(6)[np.random.default_rng(6).integers(0, 6, 100)]
    own = np.random.default_rng(7).normal(size=(6, 3)).astype("float32")
    units = gz.units.Bernoulli(6), gz.units.Bernoulli(3)
    zeros = gz.RBM(*units, kernel_initializer="zeros")
    zeros.adapt(x)
    assert not np.any(zeros.kernel)
    assigned = gz.RBM(gz.units.Bernoulli(6), gz.units.Bernoulli(3))
    assigned.kernel.assign(own)
    assigned.adapt(x)
    np.testing.assert_array_equal(assigned.kernel, own)


@pytest.mark.parametrize("source", ["array", "dataset"])
def test_the_start_has_the_means_of_the_data(source):
    x = np.random.default_rng(8).random((400, 7)) < np.linspace(0.1, 0.9, 7)
    x = x.astype("float32")
    given = x
    if source == "dataset":
        given = tf.data.Dataset.from_tensor_slices(x).batch(50)
    rbm = gz.RBM(gz.units.Bernoulli(7), gz.units.Bernoulli(4), seed=0)
    rbm.adapt(given)
    assert np.abs(rbm.kernel.numpy()).max() > 0.5
    means = x.mean(axis=0, keepdims=True)
    field = rbm.hidden.bias + means @ rbm.kernel.numpy()
    np.testing.assert_allclose(field, np.zeros((1, 4)), atol=1e-5)
    back = rbm.visible_mean(np.tile([[0.0], [1.0]], 4)).mean(0)
    np.testing.assert_allclose(back, means[0], atol=0.2)
    # A constant table has no differences, and is no error.
    flat = gz.RBM(gz.units.Bernoulli(7), gz.units.Bernoulli(4), seed=0)
    flat.adapt(np.ones((10, 7)))
    assert np.isfinite(flat.kernel.numpy()).all()


def test_leaps_of_hidden_states_leave_their_distribution_as_it_is():
    rbm, n = random_rbm("bernoulli", 1.2), 40_000
    machine = rbm.rules.machine
    states = rbm.hidden.states(0, 8, "float32")
    # By brute force: sum over all v.
    v = rbm.visible.states(0, 32, "float64").numpy()
    kernel, a, b = (w.numpy().astype("float64") for w in rbm.parameters)
    joint = v @ a + states.numpy() @ (v @ kernel).T + (states @ b[:, None])
    p = np.exp(joint).sum(axis=1)
    p /= p.sum()
    rng = np.random.default_rng(2)
    h = tf.gather(states, rng.choice(8, n, p=p))
    # Data that are distributed in quite another way, and of unequal weight.
    fields = machine.hidden_field(tf.constant(v[[3, 9, 30]], "float32"))
    leaps = Leaps(machine, fields, tf.constant([1.0, 0.0, 3.0]))
    for step in range(3):
        new, field = leaps(h, random.as_seed((5, step)))
        np.testing.assert_allclose(field, machine.visible_field(new), atol=1e-5)
        assert np.mean(np.any(new != h, axis=1)) > 0.05
        h = new
    assert_chi_square(count_states(h, states), p)


def test_leaps_are_drawn_as_their_density_says():
    rbm, n = random_rbm("spin", 1.0), 20_000
    rng = np.random.default_rng(3)
    v = tf.constant(rng.choice([-1.0, 1.0], (4, 5)), "float32")
    leaps = Leaps(rbm.rules.machine, rbm.rules.machine.hidden_field(v), None)
    states = rbm.hidden.states(0, 8, "float32")
    log_q = leaps.log_density(states) + rbm.hidden.potential(states)
    q = np.exp(log_q.numpy().astype("float64"))
    np.testing.assert_allclose(q.sum(), 1, rtol=1e-5)
    drawn = leaps.draw(n, random.as_seed(4))
    assert_chi_square(count_states(drawn, states), q / q.sum())


def test_far_modes_of_counts_do_not_run_away():
    # Sweeps alone: -600 nats, and at a faster rate -1,600; 11 are possible.
    rng = np.random.default_rng(9)
    means = [[0.3] * 5, [30, 0.3, 100, 2, 2], [1000, 900, 0.3, 2, 40]]
    x = rng.poisson(np.array(means)[rng.integers(0, 3, 1000)])
    rbm = gz.RBM(gz.units.Poisson(5), gz.units.Bernoulli(4), seed=0)
    rbm.compile(steps_per_execution=20)
    rbm.fit(x, epochs=10, verbose=0)
    assert rbm.log_prob(x).mean() > -150


def test_a_scale_of_counts_lies_between_their_own_and_poissons():
    units = gz.units.Poisson(3)
    units.adapt(np.array([16.0, 16.0, 0.2]), np.array([256.0, 4.0, 0.2]), 10**9)
    np.testing.assert_allclose(units.scale, [8.0, 4.0, 1.0], rtol=1e-6)
