import numpy as np
import pytest
import tensorflow as tf

from genzoo import samplers
from genzoo.runtime import random
from genzoo.runtime.graph import compiled


def gaussian(x):
    return -0.5 * tf.reduce_sum(x**2, -1)


@pytest.mark.parametrize(
    ("make", "target"),
    [
        (lambda size: samplers.random_walk_metropolis(gaussian, size), 0.234),
        (lambda size: samplers.mala(gaussian, size), 0.574),
        (lambda size: samplers.hmc(gaussian, size, 3), 0.8),
    ],
)
@pytest.mark.parametrize("guess", [1e-3, 50.0])
def test_a_tuned_step_size_has_the_acceptance_asked_for(make, target, guess):
    x = tf.zeros((100, 10), tf.float64)

    @tf.function(autograph=False)
    def tune():
        size, state = samplers.tune_step_size(
            make, random.as_seed(0), x, 200, target, guess
        )
        _, _, info = samplers.trace(
            make(size), random.as_seed(1), state, 100, lambda x: x[:, 0]
        )
        return size, info.acceptance

    size, acceptance = tune()
    assert size.dtype == tf.float64
    np.testing.assert_allclose(np.mean(acceptance), target, atol=0.05)


def test_tuning_keeps_the_ratios_of_a_vector():
    scales = np.array([1.0, 100.0], np.float32)
    size, state = compiled(
        lambda: samplers.tune_step_size(
            lambda size: samplers.mala(lambda x: gaussian(x / scales), size),
            random.as_seed(0),
            tf.zeros((100, 2)),
            100,
            0.574,
            scales,
        )
    )()
    assert state.shape == (100, 2)
    np.testing.assert_allclose(size[1] / size[0], 100, rtol=1e-5)
    assert 0.5 < size[0] < 3
    for steps, target in ((1, 0.5), (10, 1.0), (10, 0.0)):
        with pytest.raises(ValueError, match="steps must be at least 2"):
            samplers.tune_step_size(None, None, None, steps, target)
