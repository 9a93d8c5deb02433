from pathlib import Path

import numpy as np

import genzoo as gz


def test_each_face_gives_ten_letters_that_are_fitted_and_centred():
    for x, y in gz.datasets.glyphs.load_data():
        assert x.shape == (len(y), 32, 32)
        assert x.dtype == y.dtype == np.uint8
        assert np.bincount(y).tolist() == [len(y) // 10] * 10
        # 16 greys, nothing in the margin, and ink from side to side of the
        # square in the middle along at least one axis.
        assert set(np.unique(x)) == set(range(0, 256, 17))
        inside = x[:, 3:-3, 3:-3]
        assert x.astype(int).sum() == inside.astype(int).sum()
        extents = []
        for axis in (1, 2):
            there = (inside > 0).any(axis)
            first = there.argmax(1)
            last = 25 - there[:, ::-1].argmax(1)
            assert (abs(first + last - 25) <= 2).all()
            extents.append(last - first)
        # The outermost row may be so faint that it is 0 of 16.
        assert (np.max(extents, axis=0) >= 23).all()
        assert (inside.mean((1, 2)) > 255 * 0.03).all()


def test_no_test_glyphs_are_those_of_a_training_face():
    def by_face(x):
        return x.reshape(10, -1, 1024).swapaxes(0, 1).reshape(-1, 10_240) / 255

    (x, _), (x_test, _) = gz.datasets.glyphs.load_data()
    known = by_face(x).astype("float32")
    for face in by_face(x_test).astype("float32"):
        assert abs(known - face).mean(1).min() > 0.03


def test_holders_of_the_copyright_are_listed_one_face_a_line():
    path = Path(gz.datasets.glyphs.__file__).with_name("glyphs.txt")
    lines = path.read_text("utf-8").splitlines()
    (x, _), (x_test, _) = gz.datasets.glyphs.load_data()
    assert len(lines) == (len(x) + len(x_test)) / 10
    assert all(name for name, _, _ in (line.partition(": ") for line in lines))
    assert len(gz.datasets.glyphs.LETTERS) == 10
