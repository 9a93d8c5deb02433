"""The space of a GAN: what its generator can give."""

import gan_cases
import numpy as np
import pytest
import tensorflow as tf

from genzoo.models.gan.networks import GeneratorRange

ENDS = {
    "tanh": (-1.0, 1.0, r"values in \[-1, 1\].*activation", "x / 127.5 - 1"),
    "sigmoid": (0.0, 1.0, r"values in \[0, 1\]", "x / 255"),
    "relu": (0.0, np.inf, "finite numbers of at least 0", "Shift them"),
    "linear": (-np.inf, np.inf, "finite numbers$", "Remove what is missing"),
}


@pytest.mark.parametrize("name", ENDS)
def test_it_is_a_space_like_others(name):
    low, high, words, hint = ENDS[name]
    space = GeneratorRange((4, 4, 3), low, high)
    assert GeneratorRange.from_config(space.get_config()) == space
    assert space.width == 48
    assert space.is_bounded == np.isfinite([low, high]).all()
    with pytest.raises(AssertionError, match=words):
        raise AssertionError(space.description)
    assert hint in space.hint
    x = np.full((5, 4, 4, 3), 0.5, "float32")
    # As of any space; here by two numbers.
    for value in (low, high, 0.5, 1.5, -1.5, 255.0, np.nan, np.inf):
        x[3, 1, 2, 0] = value
        expected = not (np.isfinite(value) and low <= value <= high)
        assert bool(space.outside(x)) == expected
        assert bool(space.outside(tf.constant(x))) == expected
        assert bool(super(GeneratorRange, space).outside(x)) == expected
    bytes_ = np.full((5, 4, 4, 3), 255, "uint8")
    assert bool(space.outside(bytes_)) == (high < 255)


def test_networks_may_give_as_much_as_they_like():
    space = GeneratorRange((1024, 1024, 3), -1.0, 1.0)
    assert not space.outside(np.zeros((1, *space.event_shape), "float32"))


def test_the_model_says_what_it_is():
    words = repr(gan_cases.images_gan())
    assert words.startswith("<GAN of examples (8, 8, 1), latents (3,), labels")
    assert "labels 0 to 2, shape (n,): generator of " in words
    assert "no conditions" in repr(gan_cases.points_gan())
    assert "latents (4,), no conditions" in repr(gan_cases.clusters_gan())
