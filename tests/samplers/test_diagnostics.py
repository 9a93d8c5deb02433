import numpy as np
import pytest
import tensorflow as tf

from genzoo import samplers
from genzoo.runtime import probability, random
from genzoo.runtime.graph import compiled


def gaussian(x):
    return -0.5 * tf.reduce_sum(x**2, -1)


def autoregressive(rho, draws, chains, seed=0):
    rng = np.random.default_rng(seed)
    x = np.zeros((draws, chains))
    x[0] = rng.normal(size=chains)
    for t in range(1, draws):
        noise = np.sqrt(1 - rho**2) * rng.normal(size=chains)
        x[t] = rho * x[t - 1] + noise
    return x


@pytest.mark.parametrize("steps", [1, 5])
def test_trace_notes_the_states_of_run(steps):
    step = samplers.mala(gaussian, 1.5)
    start, seed = tf.ones((6, 2)), random.as_seed(1)

    def follow():
        return samplers.trace(step, seed, start, steps, lambda x: x)

    state, series, info = compiled(follow)()
    assert series.shape == (steps, 6, 2)
    acceptance = []
    x = start
    for number in range(steps):
        x, one = step(random.fold_in(seed, number), x)
        np.testing.assert_allclose(series[number], x, rtol=1e-5)
        acceptance.append(one.acceptance)
    np.testing.assert_array_equal(state, series[-1])
    np.testing.assert_allclose(
        state, samplers.run(step, seed, start, steps), rtol=1e-5
    )
    np.testing.assert_allclose(
        info.acceptance, np.mean(acceptance, axis=0), rtol=1e-5
    )
    # Outside of a graph too, and statistics of one number.
    _, norms, _ = samplers.trace(
        step, seed, start, steps, lambda x: tf.norm(x, axis=1)
    )
    np.testing.assert_allclose(norms, np.linalg.norm(series, axis=2), rtol=1e-5)


def test_trace_of_a_nested_state_and_an_info_of_truths():
    def step(seed, state):
        number, word = state
        return (number + 1, word), {"even": number % 2 == 0}

    state = tf.zeros((3,)), tf.constant(["a", "b", "c"])
    (number, _), series, info = samplers.trace(
        step, random.as_seed(0), state, 4, lambda state: state[0]
    )
    np.testing.assert_array_equal(number, [4, 4, 4])
    np.testing.assert_array_equal(series[:, 0], [1, 2, 3, 4])
    np.testing.assert_array_equal(info["even"], [0.5, 0.5, 0.5])
    with pytest.raises(ValueError, match="steps must be a positive int"):
        samplers.trace(step, random.as_seed(0), state, 0, lambda s: s)


@pytest.mark.parametrize("rho", [0.0, 0.8])
def test_chains_of_a_known_process(rho):
    draws, chains = 4000, 16
    found = samplers.diagnose(autoregressive(rho, draws, chains))
    ess = draws * chains * (1 - rho) / (1 + rho)
    np.testing.assert_allclose(found.ess, ess, rtol=0.1)
    assert abs(found.r_hat - 1) < 0.01
    assert found.converged
    np.testing.assert_allclose(found.stderr, 1 / np.sqrt(ess), rtol=0.1)
    assert abs(found.mean) < 4 * found.stderr


def test_stuck_and_drifting_chains_are_noticed():
    x = autoregressive(0.5, 1000, 4)
    assert samplers.diagnose(x).converged
    stuck = samplers.diagnose(x + np.array([0, 0, 0, 5]))
    assert stuck.r_hat > 1.5
    # Counted one by one such chains look well.
    assert probability.effective_sample_size(x).numpy().sum() > 1000
    assert stuck.ess < 20
    drifting = samplers.diagnose(x + np.linspace(0, 4, 1000)[:, None])
    assert drifting.r_hat > 1.15
    assert not stuck.converged
    assert not drifting.converged
    assert not samplers.diagnose(x[:20]).converged
    assert not samplers.diagnose(np.ones((100, 4))).converged


def test_several_statistics_at_once_are_those_alone():
    x = np.stack([autoregressive(rho, 500, 4) for rho in (0, 0.9)], axis=2)
    both = samplers.diagnose(x)
    assert both.r_hat.shape == both.ess.shape == both.mean.shape == (2,)
    for i in range(2):
        alone = samplers.diagnose(x[:, :, i])
        np.testing.assert_allclose(
            np.array(both)[:, i], np.array(alone), rtol=1e-6
        )


@pytest.mark.parametrize("draws", [100, 101])
def test_split_r_hat_by_its_formula(draws):
    x = autoregressive(0.9, 101, 3)[:draws]
    halves = np.concatenate([x[:50], x[50:100]], axis=1)
    within = halves.var(axis=0, ddof=1).mean()
    between = halves.mean(axis=0).var(ddof=1)
    expected = np.sqrt((49 / 50 * within + between) / within)
    found = probability.potential_scale_reduction(x).numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-9)


@pytest.mark.parametrize("shape", [(3, 4), (10, 1), (10,), (10, 2, 2, 2)])
def test_series_are_checked(shape):
    with pytest.raises(ValueError, match="diagnose: the series must be"):
        samplers.diagnose(np.zeros(shape))
