import numpy as np
import pytest
import tensorflow as tf
from goodness_of_fit import assert_chi_square, count_states

import genzoo as gz
from genzoo import samplers
from genzoo.runtime import random
from genzoo.samplers import gibbs


def note(seed, state):
    """A step that makes its seed and its turn visible in the state."""
    return 3 * state + seed.key, "info"


@pytest.mark.parametrize("steps", [0, 1, 2, 7])
def test_each_step_has_the_child_of_its_number(steps):
    seed = random.as_seed(4)
    start = tf.constant([1, 2], tf.int64)
    state = start
    for number in range(steps):
        state, _ = note(random.fold_in(seed, number), state)
    in_graph = tf.function(lambda n: samplers.run(note, seed, start, n))
    for found in (
        samplers.run(note, seed, start, steps),
        samplers.run(note, seed, start, tf.constant(steps)),
        in_graph(tf.constant(steps)),
    ):
        np.testing.assert_array_equal(found, state)


def bernoulli_model():
    """(v, h, kernel, states of v and h together, their probabilities)."""
    # Layers of one width, so that a seed used for both would show.
    rng = np.random.default_rng(1)
    visible, hidden = gz.units.Bernoulli(3), gz.units.Bernoulli(3)
    visible.bias.assign(rng.normal(size=3))
    hidden.bias.assign(rng.normal(size=3))
    kernel = rng.normal(size=(3, 3)).astype("float32")
    states = np.array(list(np.ndindex((2,) * 6)), np.float32)
    v, h = states[:, :3], states[:, 3:]
    log_p = visible.potential(v) + hidden.potential(h)
    weights = np.exp(log_p + np.einsum("ni,ij,nj->n", v, kernel, h))
    return visible, hidden, kernel, states, weights / weights.sum()


def test_block_gibbs_samples_the_joint_distribution():
    visible, hidden, kernel, states, probabilities = bernoulli_model()
    step = samplers.block_gibbs(
        visible,
        hidden,
        lambda h: tf.matmul(h, kernel, transpose_b=True),
        lambda v: tf.matmul(v, kernel),
    )
    # Last states of separate chains are independent draws.
    chains = 20000
    start = gibbs.State(tf.zeros((chains, 3)), tf.zeros((chains, 3)))
    walk = tf.function(
        lambda steps: samplers.run(step, random.as_seed(2), start, steps)
    )
    state = walk(tf.constant(50))
    draws = tf.concat([state.visible, state.hidden], axis=1)
    assert_chi_square(count_states(draws, states), probabilities)
    # One sweep from the distribution leaves it so.
    (v, h), info = step(random.as_seed(3), state)
    draws = tf.concat([v, h], axis=1)
    assert_chi_square(count_states(draws, states), probabilities)
    np.testing.assert_array_equal(
        info.visible_field, tf.matmul(state.hidden, kernel, transpose_b=True)
    )
    np.testing.assert_array_equal(info.hidden_field, tf.matmul(v, kernel))
