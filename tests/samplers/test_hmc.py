import numpy as np
import pytest
import tensorflow as tf

from genzoo import samplers
from genzoo.runtime import random
from genzoo.runtime.graph import compiled
from genzoo.samplers.hmc import Walls, leapfrog


def gaussian(x):
    return -0.5 * tf.reduce_sum(x**2, -1)


def quartic(x):
    return -tf.reduce_sum(x**4 - x**2, -1)


def test_the_energy_error_of_a_trajectory_is_of_second_order():
    rng = np.random.default_rng(0)
    x, momentum = tf.constant(rng.normal(size=(2, 20, 3)))
    step_size = np.array([0.01, 0.02, 0.03])
    end, _ = leapfrog(quartic, x, momentum, step_size, 20)
    errors = []
    for halvings in range(3):
        scale = 2**halvings
        final, log_ratio = leapfrog(
            quartic, x, momentum, step_size / scale, 20 * scale
        )
        errors.append(np.abs(log_ratio).mean())
    np.testing.assert_allclose(final, end, atol=0.02)
    ratios = np.array(errors[:-1]) / errors[1:]
    np.testing.assert_allclose(ratios, 4, rtol=0.05)


def test_a_gaussian_trajectory_is_a_circle():
    x = tf.constant([[1.0, 0.0]], tf.float64)
    momentum = tf.constant([[0.0, 2.0]], tf.float64)
    end, log_ratio = leapfrog(gaussian, x, momentum, np.pi / 200, 100)
    np.testing.assert_allclose(end, [[0, 2]], atol=1e-4)
    np.testing.assert_allclose(log_ratio, 0, atol=2e-4)


def test_trajectories_have_the_mean_number_of_steps_and_no_resonance():
    # A flat density is crossed in straight lines: the way tells the number.
    def flat(x):
        return tf.zeros_like(x[:, 0])

    x = tf.zeros((500, 1), tf.float64)
    ways = []
    for number in range(300):
        seed = random.fold_in(random.as_seed(0), number)
        y, _ = samplers.hmc(flat, 1.0, 4)(seed, x)
        ways.append(np.std(y))
    steps = np.round(ways)
    np.testing.assert_allclose(ways, steps, rtol=0.15)
    counts = np.bincount(np.clip(steps.astype(int), 0, 8), minlength=9)
    assert counts[0] == counts[8] == 0
    # Each of 1 ... 7 has 300 / 7 = 43 +- 6.
    assert np.all(np.abs(counts[1:8] - 300 / 7) < 4 * 6.1)
    # 0.785 x 8 is one period of the Gaussian: a trajectory of this length
    # comes back, and a chain would keep its first state for ever.
    step = samplers.hmc(gaussian, 0.785, 8)
    start = tf.fill((400, 1), 3.0)
    walk = compiled(lambda: samplers.run(step, random.as_seed(1), start, 30))
    left = walk().numpy()
    assert abs(left.mean()) < 4 / np.sqrt(400)


@pytest.mark.parametrize("steps", [0, 2.5, None])
def test_leapfrog_steps_are_checked(steps):
    with pytest.raises(ValueError, match="hmc: leapfrog_steps must be a pos"):
        samplers.hmc(gaussian, 0.1, steps)


def test_trajectories_bounce_off_their_ends():
    """Densities up to walls: even, exponential, and of a free coordinate."""
    low = np.array([-1.0, 0.0, -np.inf])
    high = np.array([1.0, np.inf, np.inf])

    def log_prob(x):
        return -x[:, 1] - 0.5 * x[:, 2] ** 2

    step = samplers.hmc(log_prob, [1.5, 0.7, 0.7], 4, low, high)
    x = tf.tile(tf.constant([[0.9, 0.1, 0.0]], tf.float64), (400, 1))
    x = tf.function(lambda: samplers.run(step, 0, x, 60))().numpy()
    assert (x >= low).all()
    assert (x <= high).all()
    # Means and squares of the three.
    for k, (mean, square, fourth) in enumerate(
        [(0, 1 / 3, 1 / 5), (1, 2, 24), (0, 1, 3)]
    ):
        spread = np.sqrt((square - mean**2) / 400)
        assert abs(x[:, k].mean() - mean) < 4 * spread
        spread = np.sqrt((fourth - square**2) / 400)
        assert abs((x[:, k] ** 2).mean() - square) < 4 * spread


def test_a_way_with_bounces_can_be_gone_back():
    walls = Walls(np.array([-1.0, 0.0]), np.array([1.0, np.inf]))
    rng = np.random.default_rng(0)
    x = tf.constant(np.column_stack([rng.uniform(-1, 1, 50), rng.random(50)]))
    momentum = tf.constant(rng.normal(0, 3, (50, 2)))
    end, turned = walls.bounce(x + momentum, momentum)
    back, again = walls.bounce(end - turned, -turned)
    np.testing.assert_allclose(back, x, atol=1e-12)
    np.testing.assert_allclose(again, -momentum, atol=1e-12)
