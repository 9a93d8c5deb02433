import itertools
import math

import numpy as np
import pytest
import tensorflow as tf

from genzoo import partition


def enumerated(shape, periodic, coupling, field):
    """log Z, and means and covariances of bonds and spins, by all states."""
    states = itertools.product([-1, 1], repeat=math.prod(shape))
    s = np.array(list(states)).reshape(-1, *shape)
    bonds = np.zeros(len(s))
    for axis, closed in enumerate(periodic):
        side = shape[axis]
        for i in range(side if closed else side - 1):
            pair = [np.take(s, k % side, axis + 1) for k in (i, i + 1)]
            bonds += (pair[0] * pair[1]).sum(axis=1)
    spins = s.sum(axis=(1, 2))
    weights = np.exp(coupling * bonds + field * spins)
    z = weights.sum()
    sums = np.stack([bonds, spins])
    covariance = np.cov(sums, aweights=weights, ddof=0)
    return np.log(z), sums @ weights / z, covariance


def differentiated(shape, periodic, coupling, field):
    """The same by derivatives of the transfer matrix."""
    x = tf.constant([coupling, field], tf.float64)
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as inner:
            inner.watch(x)
            log_z = partition.transfer_matrix(shape, periodic, x[0], x[1])
        mean = inner.gradient(log_z, x)
    return log_z, mean, outer.jacobian(mean, x)


@pytest.mark.parametrize(
    ("shape", "periodic", "coupling", "field"),
    [
        ((3, 3), (True, True), 0.4, 0.1),
        ((2, 4), (True, True), 0.44, 0.3),
        ((4, 2), (False, True), 0.44, 0.3),
        ((4, 3), (False, True), -0.3, 0.2),
        ((3, 4), (False, True), 0.3, -0.2),
        ((5, 3), (False, False), 0.5, 0.0),
        ((1, 8), (False, True), 0.7, 0.1),
        ((1, 1), (False, False), 0.7, 0.1),
    ],
)
def test_log_z_and_its_derivatives_are_those_of_all_states(
    shape, periodic, coupling, field
):
    expected = enumerated(shape, periodic, coupling, field)
    found = differentiated(shape, periodic, coupling, field)
    assert found[0].dtype == tf.float64
    for value, exact in zip(found, expected, strict=True):
        np.testing.assert_allclose(value, exact, rtol=1e-11, atol=1e-11)


def test_numbers_are_taken_in_full_precision():
    tensors = tf.constant([0.44, 0.3], tf.float64)
    exact = partition.transfer_matrix((3, 3), True, *tf.unstack(tensors))
    assert partition.transfer_matrix((3, 3), True, 0.44, 0.3) == exact
    exact = partition.torus_log_partition((4, 4), tensors[0])
    assert partition.torus_log_partition((4, 4), 0.44) == exact


def test_long_strips_do_not_overflow():
    # A ring: Z = lambda_+^n + lambda_-^n.
    log_z = partition.transfer_matrix((1, 10**6), (False, True), 2.0)
    exact = 1e6 * math.log(2 * math.cosh(2.0)) + math.log1p(
        math.exp(1e6 * math.log(math.tanh(2.0)))
    )
    np.testing.assert_allclose(log_z, exact, rtol=1e-12)
    # An open chain in a strong field, all up.
    log_z = partition.transfer_matrix((10**5, 1), False, 300.0, 200.0)
    exact = 300 * (1e5 - 1) + 200 * 1e5
    np.testing.assert_allclose(log_z, exact, rtol=1e-12)


@pytest.mark.parametrize("shape", [(2, 4), (4, 4), (3, 5), (4, 6), (6, 4)])
@pytest.mark.parametrize("coupling", [0.1, 0.4406867935097715, 0.9])
def test_kaufman_agrees_with_the_transfer_matrix(shape, coupling):
    x = tf.constant(coupling, tf.float64)
    values = []
    for function in (
        partition.torus_log_partition,
        lambda shape, x: partition.transfer_matrix(shape, True, x),
    ):
        with tf.GradientTape() as outer:
            outer.watch(x)
            with tf.GradientTape() as inner:
                inner.watch(x)
                log_z = function(shape, x)
            first = inner.gradient(log_z, x)
        values.append([log_z, first, outer.gradient(first, x)])
    np.testing.assert_allclose(*values, rtol=1e-10)
    energy = partition.torus_energy(shape, 1 / coupling)
    np.testing.assert_allclose(
        energy, -values[1][1] / math.prod(shape), rtol=1e-10
    )


def test_exact_values_of_the_infinite_lattice():
    critical = partition.CRITICAL_TEMPERATURE
    assert partition.onsager_energy(critical) == pytest.approx(-(2**0.5))
    assert partition.onsager_magnetisation(critical) == 0
    # sinh(2/T) = 2^(1/4): 1 - 1/2 under the eighth root.
    temperature = 2 / math.asinh(2**0.25)
    expected = 0.5**0.125
    assert partition.onsager_magnetisation(temperature) == pytest.approx(
        expected
    )
    # Far from the critical point a large torus is the infinite lattice.
    for t in (0.01, 1.0, 2.0, 3.0, 100.0):
        torus = partition.torus_energy((200, 100), t)
        assert partition.onsager_energy(t) == pytest.approx(torus, rel=1e-9)
    # At it the torus is 0.62 / L lower: Ferdinand and Fisher, 1969.
    difference = partition.torus_energy((64, 64), critical) + 2**0.5
    assert difference == pytest.approx(-0.6224 / 64, abs=1e-5)


def test_errors_say_what_is_wrong():
    with pytest.raises(ValueError, match=r"at most 12; received \(13, 13\)"):
        partition.transfer_matrix((13, 13), True, 0.4)
    with pytest.raises(ValueError, match="False for a side of 1"):
        partition.transfer_matrix((1, 8), True, 0.4)
    with pytest.raises(ValueError, match="2 or more"):
        partition.torus_log_partition((1, 8), 0.4)
    with pytest.raises(ValueError, match="temperature must be above 0"):
        partition.onsager_energy(0)
