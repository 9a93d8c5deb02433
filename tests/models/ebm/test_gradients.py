"""The gradient of every loss, against differences of its exact objective.

Spaces are small enough for NumPy to list their states; the networks are in
float32, so steps are wide and the objective is smooth.
"""

import keras
import numpy as np
import pytest
import tensorflow as tf

import genzoo as gz
from genzoo.runtime import random

BITS = np.array(
    [[0, 0, 1], [1, 1, 0], [1, 1, 1], [0, 0, 1], [1, 0, 0]], "float32"
)
POINTS = np.random.default_rng(3).standard_normal((6, 2)).astype("float32")
WEIGHTS = np.array([1.0, 2.0, 0.5, 0.0, 1.5], "float32")
STATES = np.array(np.meshgrid(*[[0, 1]] * 3, indexing="ij")).reshape(3, -1).T


def _model(space, data, loss):
    """A model whose energy is a cubic, that no loss finds at its best."""
    network = keras.Sequential(
        [
            keras.Input(space.event_shape),
            keras.layers.Dense(3, "tanh"),
            keras.layers.Dense(1),
        ]
    )
    rng = np.random.default_rng(7)
    network.set_weights(
        [rng.standard_normal(w.shape) for w in network.get_weights()]
    )
    model = gz.EnergyModel(space, network, seed=0)
    model.compile("sgd", loss)
    model.adapt(data)
    return model


def _energy(model, x):
    """E in float64, by NumPy from the weights."""
    first, bias, last, top = (
        w.astype(float) for w in model.network.get_weights()
    )
    x = np.asarray(x, float)
    q = model.sites
    if model.space.is_discrete:
        z = x
        shares = q.logits.numpy().astype(float).reshape(-1, 2)
        log_q = np.sum(shares[np.arange(3), x.astype(int)], axis=1)
    else:
        middle, spread = (v.numpy().astype(float) for v in (q.middle, q.spread))
        z = (x - middle) / spread
        u = z / 1.5
        norm = np.log(1.5 * spread) + 0.5 * np.log(2 * np.pi)
        log_q = -np.sum(0.5 * u**2 + norm, axis=1)
    found = np.tanh(z @ first + bias) @ last + top
    return found[:, 0] + float(model.offset.numpy()) - log_q


def _likelihood(model, x):
    log_z = np.log(np.sum(np.exp(-_energy(model, STATES))))
    return np.mean(_energy(model, x)) + log_z


def _pseudolikelihood(model, x):
    total = 0.0
    for site in range(3):
        both = []
        for level in (0, 1):
            other = x.copy()
            other[:, site] = level
            both.append(-_energy(model, other))
        total += np.mean(np.logaddexp(*both) + _energy(model, x))
    return total


def _ratio(model, x):
    total = 0.0
    for site in range(3):
        other = x.copy()
        other[:, site] = 1 - other[:, site]
        gap = _energy(model, x) - _energy(model, other)
        total += np.mean(1 / (1 + np.exp(-gap)) ** 2)
    return total


def _score(model, x, h=1e-3):
    spread = model.sites.spread.numpy().astype(float)
    total = 0.0
    for site in range(2):
        step = h * spread * (np.arange(2) == site)
        up, down = _energy(model, x + step), _energy(model, x - step)
        middle = _energy(model, x)
        first = (up - down) / (2 * h)
        second = (up - 2 * middle + down) / h**2
        total += np.mean(0.5 * first**2 - second)
    return total


CASES = {
    "exact_likelihood": (gz.spaces.Binary(3), BITS, _likelihood),
    "pseudolikelihood": (gz.spaces.Binary(3), BITS, _pseudolikelihood),
    "ratio_matching": (gz.spaces.Binary(3), BITS, _ratio),
    "score_matching": (gz.spaces.Real(2), POINTS, _score),
}


def _slopes(model, objective, h=1e-3):
    """Central differences of an objective by every weight."""
    found = []
    for weight in model.parameters:
        value = np.array(weight.numpy(), float)
        slope = np.zeros_like(value)
        for place in np.ndindex(*value.shape):
            ends = []
            for sign in (1, -1):
                moved = value.copy()
                moved[place] += sign * h
                weight.assign(moved)
                # What float32 made of it.
                ends.append((objective(), weight.numpy().astype(float)[place]))
            slope[place] = (ends[0][0] - ends[1][0]) / (ends[0][1] - ends[1][1])
        weight.assign(value)
        found.append(slope)
    return found


@pytest.mark.parametrize("loss", CASES)
def test_losses_and_gradients_are_those_of_numpy(loss):
    space, data, objective = CASES[loss]
    model = _model(space, data, loss)
    seed = random.as_seed(0)
    value, gradients = model.loss.gradients(model, tf.constant(data), seed)
    np.testing.assert_allclose(value, objective(model, data), rtol=2e-5)
    expected = _slopes(model, lambda: objective(model, data))
    for own, slope in zip(gradients, expected, strict=True):
        np.testing.assert_allclose(own, slope, atol=3e-5)


def test_sliced_scores_have_the_mean_of_score_matching():
    model = _model(gz.spaces.Real(2), POINTS, "sliced_score_matching")
    rows = np.repeat(POINTS, 20_000, axis=0)
    values = model.loss.each(model.rules, tf.constant(rows), random.as_seed(1))
    stderr = np.std(values) / np.sqrt(len(rows))
    assert abs(np.mean(values) - _score(model, POINTS)) < 4 * stderr


def test_denoising_has_the_mean_of_its_formula():
    sigma = 0.3
    loss = gz.losses.DenoisingScoreMatching(sigma)
    model = _model(gz.spaces.Real(2), POINTS, loss)
    rows = np.repeat(POINTS, 20_000, axis=0)
    values = loss.each(model.rules, tf.constant(rows), random.as_seed(1))
    # By Gauss-Hermite quadrature of the noise.
    nodes, shares = np.polynomial.hermite_e.hermegauss(20)
    shares = shares / shares.sum()
    spread = model.sites.spread.numpy().astype(float)
    h, expected = 1e-4, 0.0
    for (a, p), (b, q) in (
        (one, other)
        for one in zip(nodes, shares, strict=True)
        for other in zip(nodes, shares, strict=True)
    ):
        noise = np.array([a, b])
        x = POINTS + sigma * spread * noise
        for site in range(2):
            step = h * spread * (np.arange(2) == site)
            slope = _energy(model, x + step) - _energy(model, x - step)
            own = (sigma * slope / (2 * h) - noise[site]) ** 2
            expected += 0.5 * p * q * np.mean(own)
    stderr = np.std(values) / np.sqrt(len(rows))
    assert abs(np.mean(values) - expected) < 4 * stderr


def test_denoising_takes_each_noise_with_its_opposite():
    """What is common to both says nothing of the data, and cancels."""
    sigma, seed = 0.02, random.as_seed(3)
    loss = gz.losses.DenoisingScoreMatching(sigma)
    model = _model(gz.spaces.Real(2), POINTS, loss)
    x = tf.constant(POINTS)
    spread = model.sites.spread.numpy().astype(float)
    noise = random.normal(x.shape, random.split(seed, 2)[0], x.dtype).numpy()
    expected, h = 0.0, 1e-4
    for n in (noise, -noise):
        for site in range(2):
            step = h * spread * (np.arange(2) == site)
            ends = (POINTS + sigma * spread * n + way for way in (step, -step))
            high, low = (_energy(model, end) for end in ends)
            own = (sigma * (high - low) / (2 * h) - n[:, site]) ** 2
            expected += 0.25 * own
    found = loss.each(model.rules, x, seed)
    np.testing.assert_allclose(found, expected, rtol=1e-3)
    # Gradients of other draws are nearly the same, where sigma is small.
    slopes = []
    for number in range(40):
        _, gradients = loss.gradients(model, x, random.as_seed(number))
        slopes.append(np.concatenate([np.ravel(g) for g in gradients]))
    alone = sigma * np.abs(np.mean(slopes, axis=0)).max() / sigma**2
    assert np.std(slopes, axis=0).max() < 0.1 * alone


def test_noise_contrast_is_that_of_a_sum_over_the_noise():
    model = _model(gz.spaces.Binary(3), BITS, "nce")
    model.offset.assign(0.4)
    rows = np.repeat(BITS, 20_000, axis=0)
    values = model.loss.each(model.rules, tf.constant(rows), random.as_seed(1))
    shares = model.sites.logits.numpy().astype(float).reshape(-1, 2)
    log_q = np.sum(shares[np.arange(3), STATES], axis=1)
    of_noise = np.logaddexp(0, -_energy(model, STATES) - log_q)
    places = BITS.astype(int) @ [4, 2, 1]
    of_data = np.logaddexp(0, _energy(model, BITS) + log_q[places])
    expected = np.mean(of_data) + np.exp(log_q) @ of_noise
    stderr = np.std(values) / np.sqrt(len(rows))
    assert abs(np.mean(values) - expected) < 4 * stderr


def test_the_contrast_is_the_gradient_of_the_likelihood():
    loss = gz.losses.PersistentContrastiveDivergence(chains=40_000)
    model = _model(gz.spaces.Binary(3), BITS, loss)
    rng = np.random.default_rng(0)
    p = np.exp(-_energy(model, STATES))
    # Chains in equilibrium: a sweep leaves them there.
    drawn = STATES[rng.choice(8, 40_000, p=p / p.sum())]
    model.chains.write_all(drawn.astype("float32"))
    step = model.loss.gradients(model, tf.constant(BITS), random.as_seed(0))
    expected = _slopes(model, lambda: _likelihood(model, BITS))
    for own, slope in zip(step.gradients, expected, strict=True):
        np.testing.assert_allclose(own, slope, atol=0.03)


@pytest.mark.parametrize(
    "loss", ["exact_likelihood", "pseudolikelihood", "nce"]
)
def test_weights_are_repetitions(loss):
    model = _model(gz.spaces.Binary(3), BITS, loss)
    twice = np.repeat(BITS, (2 * WEIGHTS).astype(int), axis=0)
    batch = gz.runtime.batch.Batch(
        tf.constant(BITS), tf.constant(WEIGHTS / WEIGHTS.mean())
    )
    seed = random.as_seed(0)
    if loss == "nce":
        # Noise is drawn for each row.
        each = model.loss.each(model.rules, tf.constant(BITS), seed)
        expected = np.average(each, weights=WEIGHTS)
    else:
        expected = model.loss.value(model, tf.constant(twice), seed)
    found = model.loss.value(model, batch, seed)
    np.testing.assert_allclose(found, expected, rtol=1e-5)
