"""Rows of files and of large arrays are read a batch at a time."""

import tracemalloc

import h5py
import numpy as np
import pytest

import genzoo as gz
from genzoo.runtime import data, stored
from genzoo.runtime.stored import StoredRows


def bits(rows, width, seed=0):
    rng = np.random.default_rng(seed)
    return (rng.random((rows, width)) < 0.3).astype(np.uint8)


@pytest.fixture
def lies(tmp_path):
    """A function from an array to the same rows as they lie in a file."""
    count = iter(range(99))

    def lie(x, form):
        path = tmp_path / f"{next(count)}"
        if form == "memmap":
            found = np.memmap(path, x.dtype, "w+", shape=x.shape)
            found[:] = x
            return found
        if form == "npy":
            np.save(f"{path}.npy", x)
            return np.load(f"{path}.npy", mmap_mode="r")
        return h5py.File(path, "w").create_dataset("x", data=x)

    return lie


FORMS = ("memmap", "npy", "h5py")


@pytest.mark.parametrize("form", [*FORMS, "array"])
def test_any_rows_are_those_of_the_array(lies, form):
    x = np.random.default_rng(0).normal(size=(40, 3, 2)).astype(">f8")
    rows = StoredRows(x if form == "array" else lies(x, form), np.float32)
    x = x.astype(np.float32)
    picked = [
        *(np.array([3, 3, 39, 0]), np.arange(7, 19), np.array([], int)),
        *(slice(5, 17), slice(None), slice(39, 99), slice(3, 3), 4, -1),
        *(slice(2, 30, 7), slice(30, 2, -3), np.array([-1, 2]), x[:, 0, 0] > 0),
    ]
    for some in picked:
        np.testing.assert_array_equal(rows[some], x[some])
        assert rows[some].dtype == np.float32
    for first, last in ((None, 7), (7, None), (3, 4), (4, 4), (-5, None)):
        part = rows.rows(first, last)
        assert part.shape == x[first:last].shape
        np.testing.assert_array_equal(part[:], x[first:last])
        np.testing.assert_array_equal(part.rows(1, 3)[:], x[first:last][1:3])
    np.testing.assert_array_equal(
        rows.arranged((6,))[5:7], x[5:7].reshape(2, 6)
    )
    np.testing.assert_array_equal(np.asarray(rows), x)
    assert rows.astype("float16")[:3].dtype == np.float16
    assert (rows.ndim, rows.size, len(rows)) == (3, 240, 40)


def test_what_lies_in_a_file_is_known(lies):
    x = bits(6, 4)
    for form in FORMS:
        found = lies(x, form)
        assert data.is_on_disk(found)
        assert data.is_on_disk(found[1:]) == (form != "h5py")
    assert not data.is_on_disk(x)
    assert not data.is_on_disk(lies(x, "memmap") + 1)
    assert not data.is_on_disk([1, 2])


class Counted(StoredRows):
    """Notes how many rows were asked for."""

    asked: list

    def __getitem__(self, rows):
        found = super().__getitem__(rows)
        self.asked.append(len(found))
        return found


def test_a_pipeline_asks_for_the_rows_of_a_batch():
    x, labels = bits(50, 4), np.arange(50)
    rows = Counted(x)
    order = np.random.default_rng(0).permutation(50)
    for shuffled in (True, False):
        rows.asked = []
        pair = rows, labels
        dataset = data.in_order(pair, 16)
        if shuffled:
            dataset = data.shuffled(pair, 16, lambda: order)
        found = [(a.numpy(), b.numpy()) for a, b in dataset]
        assert rows.asked == [16, 16, 16, 2]
        due = order if shuffled else np.arange(50)
        np.testing.assert_array_equal(
            np.concatenate([b for _, b in found]), due
        )
        np.testing.assert_array_equal(
            np.concatenate([a for a, _ in found]), x[due]
        )


def peak(function):
    """Bytes that NumPy held at most while a function ran."""
    tracemalloc.start()
    try:
        function()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_bytes_are_checked_and_averaged_as_bytes():
    """Of 24 MB; a cast to float32 of all would be 94, of a part 16."""
    x = np.zeros((30_000, 784), np.uint8)
    x[::3, ::2] = 1
    space = gz.spaces.Binary(784)
    assert peak(lambda: space.check("fit", x)) < 2e5
    assert peak(lambda: data.moments(x)) < 4e6
    assert peak(lambda: gz.spaces.OneHot(392, 2).outside(x[:4096])) < 1.5e7


def test_numbers_of_a_file_are_never_read_whole(lies):
    """12 MB of a file, of which averages take parts of 4096 rows."""
    x = bits(16_000, 784)
    rbm = gz.RBM(gz.units.Bernoulli(784), gz.units.Bernoulli(2), seed=1)
    rbm.compile(watch=False)
    rbm.fit(x[:8], verbose=0, batch_size=4)
    found = lies(x, "h5py")
    most = peak(lambda: rbm.fit(found, verbose=0, batch_size=4000))
    assert most < 0.75 * x.nbytes


def test_large_arrays_are_cast_by_the_batch(monkeypatch):
    monkeypatch.setattr(stored, "SMALL", 2**10)
    x = bits(100, 20).astype(np.float64)
    found = gz.spaces.Binary(20).check("fit", x)
    assert isinstance(found, StoredRows)
    assert found.source is x
    assert found.dtype == np.float32
    narrow = x.astype(np.float32)
    assert gz.spaces.Binary(20).check("fit", narrow) is narrow


@pytest.mark.parametrize("kind", [np.uint8, np.int8, bool])
@pytest.mark.parametrize("rows", [1, 255, 700])
def test_moments_of_bytes_are_to_the_last_bit_those_of_float64(kind, rows):
    rng = np.random.default_rng(rows)
    x = rng.integers(-128, 256, (rows, 3, 2)).astype(kind)
    x[:, 0] = x[:, 0].max() if kind is bool else np.iinfo(kind).max
    pairs = zip(data.moments(x), data.moments(x.astype(np.int16)), strict=True)
    for one, other in pairs:
        np.testing.assert_array_equal(one, other)
    mean, variance, count = data.moments(x)
    np.testing.assert_allclose(mean, x.mean(axis=0), rtol=1e-14)
    np.testing.assert_allclose(variance, x.var(axis=0), atol=1e-10)
    assert count == rows


def test_a_file_or_a_large_array_trains_as_an_array_does(lies, monkeypatch):
    x = bits(60, 6)
    found = []
    for form in ("array", "h5py", "large"):
        if form == "large":
            monkeypatch.setattr(stored, "SMALL", 2**8)
        own = lies(x, form) if form == "h5py" else x.astype(np.float64)
        rbm = gz.RBM(gz.units.Bernoulli(6), gz.units.Bernoulli(2), seed=1)
        rbm.compile()
        options = {"validation_split": 0.2, "sample_weight": np.arange(60.0)}
        history = rbm.fit(own, epochs=2, verbose=0, **options).history
        found.append((history, rbm.energy(own).tolist()))
    assert found[0] == found[1] == found[2]


def test_the_message_of_a_file_is_that_of_its_array(lies):
    x = bits(9000, 8)
    x[8999, 3] = 7
    hot = np.eye(4, dtype=np.float32)[np.zeros((9000, 2), int)].reshape(-1, 8)
    hot[8500, 4:] = 0
    real = np.zeros((9000, 8))
    real[8999, 0] = np.nan
    sites = gz.spaces.Product([gz.spaces.Spin(7), gz.spaces.Interval(0, 1)])
    both = np.ones((9000, 8))
    both[8999, 2], both[5, 7] = 3, 2
    for space, wrong, told in (
        (gz.spaces.Binary(8), x, r"values in \[0, 7\]"),
        (gz.spaces.OneHot(2, 4), hot, r"x\[8500\] has no 1 in group 1"),
        (
            gz.spaces.Real(8),
            real,
            "1 values that are not finite.*missing='nan'",
        ),
        (sites, both, r"x\[8999\] has 3 at the site x_2"),
    ):
        with pytest.raises(ValueError, match=told) as first:
            space.check("fit", wrong)
        with pytest.raises(ValueError, match=told) as second:
            space.check("fit", lies(wrong, "h5py"))
        assert str(first.value) == str(second.value)
