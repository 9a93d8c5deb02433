"""Sites as a network sees them, against NumPy."""

import numpy as np
import pytest

import genzoo as gz
from genzoo.layers import SiteEncoding

SPACES = {
    "categories": (gz.spaces.Categorical(range(4), 5), np.arange(4.0)),
    "levels": (gz.spaces.Categorical([-0.3, 1e-3, 700], 4), [-0.3, 1e-3, 700]),
    "near levels": (gz.spaces.Categorical([1.0, 1.01, 1.02], 3), None),
}


@pytest.mark.parametrize("name", SPACES)
@pytest.mark.parametrize("rounding", [0.0, 1e-7, -3e-7])
def test_levels_are_indicators_however_they_are_rounded(name, rounding):
    space, levels = SPACES[name]
    levels = np.array([1.0, 1.01, 1.02] if levels is None else levels)
    rng = np.random.default_rng(3)
    number = rng.integers(0, len(levels), (40, space.width))
    x = levels[number] * (1 + rounding)
    found = SiteEncoding(space)(x.astype("float32")).numpy()
    expected = np.eye(len(levels))[number].reshape(40, -1)
    np.testing.assert_array_equal(found, expected)
