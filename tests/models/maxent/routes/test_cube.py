import numpy as np
import pytest
import tensorflow as tf

import genzoo as gz
from genzoo.models.maxent.routes import CubeRoute, Summation, exact_route

PAIRS = [gz.features.Moments(1), gz.features.Pairwise()]
BONDS = gz.features.LatticeBonds((2, 3))
CASES = {
    "spins": (gz.spaces.Spin(5), PAIRS),
    "bits": (gz.spaces.Binary(6), PAIRS),
    "one site": (gz.spaces.Spin(1), gz.features.Moments(1)),
    "some edges": (
        gz.spaces.Binary(5),
        [gz.features.Pairwise([[0, 3], [1, 2]]), gz.features.Moments(1)],
    ),
    # With a side of two, both of whose bonds count.
    "lattice": (
        gz.spaces.Spin((2, 3)),
        [BONDS, gz.features.Moments(1, tied=True)],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_transform_gives_the_sums_over_all_states(name):
    space, features = CASES[name]
    model = gz.MaxEnt(space, features)
    route = exact_route(model.density, model.window)
    assert isinstance(route, CubeRoute)
    states = space.states().reshape(-1, space.width)
    values = model.features(tf.constant(states)).numpy()
    rng = np.random.default_rng(0)
    multipliers, shift = rng.standard_normal((2, values.shape[1]))
    log_w = values @ multipliers
    p = np.exp(log_w) / np.exp(log_w).sum()
    mean = p @ values
    centred = values - mean
    value, residual, covariance, _ = route.moments(
        tf.constant(multipliers), tf.constant(shift)
    )
    expected = np.log(np.exp(log_w).sum()) - multipliers @ shift
    np.testing.assert_allclose(value, expected, atol=1e-13)
    np.testing.assert_allclose(residual, mean - shift, atol=1e-13)
    np.testing.assert_allclose(
        covariance, centred.T @ (p[:, None] * centred), atol=1e-12
    )


@pytest.mark.parametrize(
    ("space", "features", "reference"),
    [
        (gz.spaces.Spin(3), PAIRS, lambda x: x[:, 0]),
        (gz.spaces.Spin(3), lambda x: x[:, :1] * x[:, 1:2] * x[:, 2:], None),
        (gz.spaces.Categorical([0, 2], 3), PAIRS, None),
        (gz.spaces.Categorical([-1, 0, 1], 3), PAIRS, None),
    ],
    ids=["reference", "triple", "other levels", "three levels"],
)
def test_other_models_are_summed_state_by_state(space, features, reference):
    model = gz.MaxEnt(space, features, reference)
    route = exact_route(model.density, model.window)
    assert type(route) is Summation
