"""RBMs of few units, summed over all of their states in NumPy.

Reals are put on a grid; nothing here is asked of the package but weights.
"""

import itertools

import numpy as np
import pytest

import genzoo as gz

U = gz.units
DTYPE = {"dtype": "float64"}


def make(name, layers, centered=True):
    """An RBM with weights of order one."""
    visible, hidden = layers[name]
    rbm = gz.RBM(
        visible(), hidden(), seed=0, centered=centered, dtype="float64"
    )
    rng = np.random.default_rng(3)
    for weight in rbm.parameters:
        size = 0.2 if "precision" in weight.path else 0.4
        weight.assign(size * rng.standard_normal(weight.shape))
    return rbm


def of_block(unit):
    """(states, log-weights) of all states of a block, reals on a grid."""
    bias = unit.bias.numpy()
    if isinstance(unit, U.Categorical):
        rows = list(itertools.product(np.eye(unit.n_states), repeat=unit.size))
        states = np.array([np.concatenate(row) for row in rows])
    elif isinstance(unit, (U.Gaussian, U.ReLU)):
        low = 0.0 if isinstance(unit, U.ReLU) else -9.0
        nodes, sizes = np.polynomial.legendre.leggauss(80)
        half = (9.0 - low) / 2
        states = (low + half * (1 + nodes))[:, None]
        precision = 1.0
        if isinstance(unit, U.Gaussian):
            precision = np.exp(unit.log_precision.numpy())
        quadratic = -0.5 * precision * states[:, 0] ** 2
        return states, states @ bias + quadratic + np.log(half * sizes)
    else:
        low = -1.0 if isinstance(unit, U.Spin) else 0.0
        rows = itertools.product([low, 1.0], repeat=unit.size)
        states = np.array(list(rows))
    return states, states @ bias


def of_layer(layer):
    """(states, log-weights) of all states of a layer."""
    found = [of_block(unit) for unit in layer.blocks()]
    numbers = itertools.product(*(range(len(states)) for states, _ in found))
    rows = np.array(list(numbers))
    states = [s[rows[:, i]] for i, (s, _) in enumerate(found)]
    weights = [w[rows[:, i]] for i, (_, w) in enumerate(found)]
    return np.concatenate(states, axis=1), np.sum(weights, axis=0)


def logsumexp(x, axis=None):
    most = x.max(axis=axis, keepdims=True)
    found = np.log(np.exp(x - most).sum(axis=axis, keepdims=True)) + most
    return np.squeeze(found, axis=axis)


def table(rbm, beta=1.0):
    """(visible states, log p of each with its measure, log Z)."""
    v, a = of_layer(rbm.visible)
    h, b = of_layer(rbm.hidden)
    real = [np.zeros(len(a)), np.zeros(len(b))]
    if beta != 1:
        # The measure of a grid is not tempered.
        real = [measure(rbm.visible), measure(rbm.hidden)]
    kernel = rbm.kernel.numpy()
    energy = (a - real[0])[:, None] + (b - real[1]) + v @ kernel @ h.T
    log_w = beta * energy + real[0][:, None] + real[1]
    log_z = logsumexp(log_w)
    return v, logsumexp(log_w, axis=1) - log_z, log_z


def measure(layer):
    """The log-weights of the grid alone."""
    states, with_bias = of_layer(layer)
    potential = np.zeros(len(states))
    start = 0
    for unit in layer.blocks():
        x = states[:, start : start + unit.width]
        start += unit.width
        potential += x @ unit.bias.numpy()
        if isinstance(unit, U.Gaussian):
            potential -= 0.5 * (x**2 @ np.exp(unit.log_precision.numpy()))
        elif isinstance(unit, U.ReLU):
            potential -= 0.5 * (x**2).sum(axis=1)
    return with_bias - potential


def states_of(rbm, n, seed=0):
    """Some of the visible states, and their numbers in the table."""
    v, log_p, _ = table(rbm)
    rng = np.random.default_rng(seed)
    chosen = rng.choice(len(v), n, p=np.exp(log_p) / np.exp(log_p).sum())
    return v[chosen], chosen


def log_likelihood(rbm, chosen):
    _, log_p, _ = table(rbm)
    return np.mean(log_p[chosen] - measure(rbm.visible)[chosen])


def slope(rbm, weight, function, direction):
    """The derivative along a direction, by a difference."""
    old, step = weight.numpy(), 1e-5
    ends = []
    for sign in (1, -1):
        weight.assign(old + sign * step * direction)
        ends.append(function())
    weight.assign(old)
    return (ends[0] - ends[1]) / (2 * step)


def check_gradients(rbm, found, function):
    rng = np.random.default_rng(5)
    for weight, gradient in zip(rbm.parameters, found, strict=True):
        assert gradient.shape == weight.shape
        direction = rng.standard_normal(weight.shape)
        expected = slope(rbm, weight, function, direction)
        given = np.sum(direction * np.asarray(gradient))
        assert given == pytest.approx(expected, abs=2e-6)
