import itertools
from functools import partial

import numpy as np
import pytest
import tensorflow as tf
from goodness_of_fit import assert_chi_square, count_states

from genzoo import partition
from genzoo.partition import enumeration
from genzoo.runtime import random
from genzoo.units import Bernoulli, Categorical, Gaussian, ReLU, Spin


def layers(visible, hidden, scale=0.7, dtype="float64"):
    """Layers of two units with random weights."""
    rng = np.random.default_rng(6)
    for unit in (visible, hidden):
        for weight in unit.parameters:
            weight.assign(rng.normal(scale=0.5, size=weight.shape))
    kernel = rng.normal(scale=scale, size=(visible.width, hidden.width))
    return partition.Layers(visible, hidden, tf.constant(kernel, dtype))


def joint_log_z(model):
    """log of the sum over all pairs of states."""
    v = model.visible.states(0, model.visible.state_count, "float64")
    h = model.hidden.states(0, model.hidden.state_count, "float64")
    log_p = (
        model.visible.potential(v)[:, None]
        + model.hidden.potential(h)
        + tf.matmul(v @ model.kernel, h, transpose_b=True)
    )
    return tf.reduce_logsumexp(log_p)


@pytest.mark.parametrize("chunk", [1, 2, 5, 26, 27, 28, 1000])
def test_expectation_is_the_same_in_any_chunks(chunk):
    rng = np.random.default_rng(0)
    values = rng.normal(size=(27, 3))
    # Weights over hundreds of nats: the greatest may come late.
    log_w = np.linspace(-700, 900, 27) + rng.normal(size=27)
    for log_weights in (log_w, log_w[::-1], rng.normal(size=27)):
        table = tf.constant(np.column_stack([values, log_weights]))

        def states(start, count, table=table):
            return tf.gather(
                table, (start + tf.range(count, dtype="int64")) % 27
            )

        log_z, (mean, cubes) = partition.expectation(
            states,
            27,
            enumeration._CHUNK_ELEMENTS // chunk,
            lambda x: x[:, 3],
            lambda x, w: [
                tf.linalg.matvec(x[:, :3], w, transpose_a=True),
                tf.reduce_sum(w * x[:, 0] ** 3),
            ],
        )
        weights = np.exp(log_weights - log_weights.max())
        expected = log_weights.max() + np.log(weights.sum())
        weights /= weights.sum()
        np.testing.assert_allclose(log_z, expected, rtol=1e-12)
        np.testing.assert_allclose(mean, weights @ values, atol=1e-12)
        np.testing.assert_allclose(
            cubes, weights @ values[:, 0] ** 3, atol=1e-12
        )


DISCRETE = [
    partial(Bernoulli, 4),
    partial(Spin, 4),
    partial(Categorical, 2, 4),
]


@pytest.mark.parametrize(
    ("visible", "hidden"), list(itertools.product(DISCRETE, repeat=2))
)
def test_either_layer_enumerated_gives_the_same_log_z(visible, hidden):
    model = layers(visible(dtype="float64"), hidden(dtype="float64"))
    # Of layers with equally many states the hidden one is enumerated.
    swapped = partition.Layers(
        model.hidden, model.visible, tf.transpose(model.kernel)
    )
    assert model.smaller is model.hidden
    assert swapped.smaller is model.visible
    log_z = joint_log_z(model)
    np.testing.assert_allclose(model.enumerate()[0], log_z, rtol=1e-12)
    np.testing.assert_allclose(swapped.enumerate()[0], log_z, rtol=1e-12)


PAIRS = {
    "bernoulli-spin": (partial(Bernoulli, 6), partial(Spin, 4)),
    "categorical-bernoulli": (
        partial(Categorical, 2, 4),
        partial(Bernoulli, 5),
    ),
    "gaussian-bernoulli": (
        partial(Gaussian, 3, variance=0.5),
        partial(Bernoulli, 4),
    ),
    "learned-categorical": (
        partial(Gaussian, 3, learn_variance=True),
        partial(Categorical, 2, 3),
    ),
    "bernoulli-relu": (partial(Bernoulli, 4), partial(ReLU, 3)),
    "bernoulli-learned": (
        partial(Bernoulli, 4),
        partial(Gaussian, 3, learn_variance=True),
    ),
}


@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize("chunk", [3, 2**10])
def test_averages_are_the_gradient_of_log_z(pair, chunk, monkeypatch):
    units = [unit(dtype="float64") for unit in PAIRS[pair]]
    model = layers(*units, scale=0.3)
    weights = [w.value for unit in units for w in unit.parameters]
    with tf.GradientTape() as tape:
        tape.watch(model.kernel)
        log_z, _ = model.enumerate()
    gradient = tape.gradient(log_z, [model.kernel, *weights])
    width = max(unit.width for unit in units)
    monkeypatch.setattr(enumeration, "_CHUNK_ELEMENTS", chunk * width)
    again, averages = model.enumerate(averages=True)
    np.testing.assert_allclose(again, log_z, rtol=1e-12)
    for average, expected in zip(averages, gradient, strict=True):
        np.testing.assert_allclose(average, expected, atol=1e-12)


@pytest.mark.parametrize(
    ("visible", "hidden"),
    [
        (partial(Bernoulli, 4), partial(Spin, 3)),
        (partial(Spin, 2), partial(Categorical, 2, 3)),
        (partial(Gaussian, 2), partial(Bernoulli, 3)),
    ],
)
def test_exact_hidden_draws_follow_the_hidden_marginal(visible, hidden):
    model = layers(visible(), hidden(), dtype="float32")
    h = model.hidden.states(0, model.hidden.state_count, "float32")
    log_w = model.hidden.potential(h)
    log_w += model.visible.log_cumulant(model.visible_field(h))
    draws = model.exact_hidden(20000, random.as_seed(8))
    assert draws.dtype == "float32"
    assert_chi_square(count_states(draws, h), tf.nn.softmax(log_w))
