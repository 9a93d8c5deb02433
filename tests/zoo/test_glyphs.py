import numpy as np
import pytest

import genzoo as gz
from genzoo.zoo.measures import glyphs


class Images:
    """Images in place of a model's samples."""

    def __init__(self, images):
        self.images = images

    def sample(self, n, seed, labels):
        return glyphs.scaled(self.images)


@pytest.fixture(scope="module")
def train():
    return gz.datasets.glyphs.load_data()[0]


def test_judge_tells_letters_of_families_that_it_never_saw():
    # 840 letters: a standard error of 0.3 %.
    assert glyphs.accuracy() > 0.98


def test_judge_is_the_same_when_it_is_made_again(train):
    images, labels = (part[::9] for part in train)
    one, other = (glyphs.Judge(images, labels) for _ in range(2))
    np.testing.assert_array_equal(one.weights, other.weights)
    np.testing.assert_array_equal(
        one.classify(train[0][1::9]), other.classify(train[0][1::9])
    )


def test_nearest_is_what_pairs_one_by_one_give(train):
    images, others = train[0][:5], train[0][100:900:100]
    by_hand = [
        min(np.sqrt(np.mean((a / 255.0 - b / 255.0) ** 2)) for b in others)
        for a in images
    ]
    np.testing.assert_allclose(
        glyphs.nearest(images, others), by_hand, rtol=1e-4
    )


def test_measures_tell_copies_and_wrong_letters(train):
    images, labels = train
    copies = Images(images)
    assert glyphs.novelty(copies) < 1e-2
    assert glyphs.as_asked(copies) > 0.99
    # Each letter in place of the next.
    moved = Images(np.roll(images, len(labels) // 10, axis=0))
    assert glyphs.as_asked(moved) < 0.01
    assert glyphs.frechet(moved) == pytest.approx(glyphs.frechet(copies))


def test_fewer_letters_cover_less_and_are_further_away(train):
    images, labels = train
    only = Images(np.tile(images[labels == 0], (10, 1, 1)))
    assert glyphs.coverage(only) < 0.3
    assert glyphs.frechet(only) > 10 * glyphs.frechet(Images(images))
