import gc
import weakref

import numpy as np
import pytest
import tensorflow as tf

import genzoo as gz
from genzoo.runtime import data, random
from genzoo.runtime.sparse import SparseRows


@pytest.mark.parametrize("rows", [12, 13, 3, 16])
def test_shuffled_gives_each_row_once_an_epoch_in_a_new_order(rows):
    x = np.arange(2 * rows).reshape(rows, 2)
    keys = []

    def permutation():
        keys.append((0, len(keys)))
        return random.permutation(rows, keys[-1])

    dataset = data.shuffled(x, 4, permutation)
    steps = -(-rows // 4)
    assert dataset.cardinality() == steps
    assert keys == []
    for epoch in range(3):
        batches = list(dataset)
        assert len(keys) == epoch + 1
        sizes = [4] * (rows // 4) + [rows % 4] * (rows % 4 > 0)
        assert [len(b) for b in batches] == sizes
        order = random.permutation(rows, (0, epoch))
        np.testing.assert_array_equal(np.concatenate(batches), x[order])


def test_the_order_is_asked_for_when_the_first_batch_is(two):
    """Keras makes an iterator while the epoch before it has yet to end."""
    x = np.arange(12)
    asked = []

    def permutation():
        asked.append(len(asked))
        return np.roll(np.arange(12), len(asked))

    dataset = data.shuffled(x, 4, permutation)
    shared_out = two.experimental_distribute_dataset(dataset)
    for made, epoch in ((dataset, 1), (shared_out, 2)):
        iterator = iter(made)
        assert len(asked) == epoch - 1
        batches = [two.gather(next(iterator), axis=0) for _ in range(3)]
        assert len(asked) == epoch
        found = np.sort(np.concatenate(batches))
        np.testing.assert_array_equal(found, x)


def test_an_epoch_makes_one_iterator(monkeypatch):
    """Each makes the functions of the pipeline ready, in milliseconds."""
    made = []
    shuffled = data.shuffled

    class Counted(tf.data.Dataset):
        def __new__(cls, dataset):
            dataset.__class__ = type(
                "Counted", (dataset.__class__,), {"__iter__": cls.counted}
            )
            return dataset

        def counted(self):
            made.append(self)
            return super(type(self), self).__iter__()

    monkeypatch.setattr(data, "shuffled", lambda *a: Counted(shuffled(*a)))
    rbm = gz.RBM(gz.units.Bernoulli(3), gz.units.Bernoulli(2))
    rbm.compile(watch=False)
    rbm.fit(np.eye(3), epochs=5, batch_size=2, verbose=0)
    # One more, which is made where the last one ends.
    assert len(made) == 6


@pytest.mark.parametrize("rows", [12, 13, 3])
def test_batches_in_order_are_slices(rows):
    x = np.arange(2.0 * rows).reshape(rows, 2)
    nest = {"x": x, "weight": np.arange(rows)[::-1]}, np.arange(rows)
    batches = list(data.in_order(nest, 4))
    assert data.in_order(nest, 4).cardinality() == len(batches)
    sizes = [4] * (rows // 4) + [rows % 4] * (rows % 4 > 0)
    assert [len(b["x"]) for b, _ in batches] == sizes
    for found, part in (
        ([b["x"] for b, _ in batches], x),
        ([b["weight"] for b, _ in batches], np.arange(rows)[::-1]),
        ([y for _, y in batches], np.arange(rows)),
    ):
        np.testing.assert_array_equal(np.concatenate(found), part)
    assert batches[0][0]["x"].dtype == tf.float64


def test_shuffled_keeps_the_dtype():
    x = np.zeros((8, 2), np.uint8)
    dataset = data.shuffled(x, 4, lambda: np.arange(8))
    assert dataset.element_spec.dtype == tf.uint8


def test_arrays_are_what_is_in_memory():
    dataset = tf.data.Dataset.range(3)
    for x in ([[1.0]], (1, 2), np.zeros(3), tf.zeros(3)):
        assert data.is_array(x)
    for x in (dataset, iter([1]), None, "file.npy"):
        assert not data.is_array(x)


def test_arrays_are_made_compact():
    assert data.as_array([[0.5, 1]]).dtype == np.float32
    assert data.as_array(tf.zeros(3)).dtype == np.float32
    assert data.as_array([[0.5, 1]], wide=True).dtype == np.float64
    for dtype in ("bool", "uint8", "int64", "float16", "float32"):
        x = np.ones(3, dtype)
        assert data.as_array(x) is x
    half = tf.zeros(3, tf.bfloat16)
    assert data.as_array(half).dtype == tf.bfloat16.as_numpy_dtype


@pytest.mark.parametrize("x", [["a"], [None], [1j]])
def test_arrays_must_be_numeric(x):
    with pytest.raises(ValueError, match="x must be numeric; received dtype"):
        data.as_array(x)


@pytest.fixture
def offset_rows():
    """10,000 rows with a mean so large that float32 sums would lose it."""
    rng = np.random.default_rng(0)
    return (rng.normal(size=(10000, 3)) + [0, 100, 1000]).astype("float32")


def test_moments_are_numpys_in_float64(offset_rows):
    exact = offset_rows.astype("float64")
    dataset = tf.data.Dataset.from_tensor_slices(offset_rows).batch(300)
    for x in (offset_rows, dataset):
        mean, variance, count = data.moments(x)
        assert count == 10000
        assert mean.dtype == variance.dtype == np.float64
        np.testing.assert_allclose(mean, exact.mean(axis=0), atol=1e-12)
        # E[x^2] - mean^2 loses eps * mean^2 sqrt(n) at most.
        np.testing.assert_allclose(variance, exact.var(axis=0), rtol=1e-7)


def test_moments_see_so_many_batches_of_a_dataset(offset_rows):
    dataset = tf.data.Dataset.from_tensor_slices(offset_rows).batch(300)
    mean, variance, count = data.moments(dataset, steps=2)
    assert count == 600
    first = offset_rows[:600].astype("float64")
    np.testing.assert_allclose(mean, first.mean(axis=0), atol=1e-12)


def test_variance_of_a_constant_is_zero():
    mean, variance, _ = data.moments(np.full((1000, 2), 0.1, "float32"))
    assert np.all(variance >= 0)
    np.testing.assert_allclose(variance, 0, atol=1e-15)


def test_a_model_is_freed_with_its_data():
    """Neither arrays nor sparse rows are held by what TensorFlow keeps."""
    rng = np.random.default_rng(0)
    x = (rng.random((20, 3)) < 0.5).astype("float32")
    sparse = pytest.importorskip("scipy.sparse")
    left = []
    for given in (x, sparse.csr_matrix(x)):
        rbm = gz.RBM(gz.units.Bernoulli(3), gz.units.Bernoulli(2))
        rbm.compile(watch=False)
        rbm.fit(given, verbose=0)
        left.append(weakref.ref(rbm))
    rows = SparseRows.of(sparse.csr_matrix(x))
    batches = data.shuffled(rows, 7, lambda: np.arange(20)[::-1])
    read = np.concatenate([np.asarray(part) for part in batches])
    np.testing.assert_array_equal(read, x[::-1])
    left.append(weakref.ref(rows))
    del rbm, given, rows, batches
    gc.collect()
    assert [held() for held in left] == [None] * 3


def test_functions_of_pipelines_are_run_as_they_stand():
    """AutoGraph, which rewrites them, takes a second to read long ones."""

    def looped(x):
        for row in x:
            x += row
        return x

    rows = tf.data.Dataset.from_tensors([1.0, 2.0])
    with pytest.raises(TypeError, match="[Ii]terating over a symbolic"):
        data.mapped(rows, looped)
    # Levels are few, and known: no loop of TensorFlow.
    levels = gz.spaces.Categorical([1, 2, 4], 2)
    checked = levels.check_dataset("fit", rows.batch(1))
    assert np.asarray(next(iter(checked))).tolist() == [[1.0, 2.0]]
