"""Sparse rows are the rows of the dense array."""

import numpy as np
import pytest
import tensorflow as tf
from sources import Csr

from genzoo.runtime import data
from genzoo.runtime.sparse import SparseRows


def dense(rows=40, width=9, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, width)) * (rng.random((rows, width)) < 0.2)
    x[3] = x[-1] = 0
    return x.astype("float32")


def test_any_rows_are_those_of_the_dense_array():
    x = dense()
    found = data.as_array(Csr(x))
    assert isinstance(found, SparseRows)
    assert (found.shape, found.ndim, found.size) == (x.shape, 2, x.size)
    picked = [np.array([3, 3, 39, 0]), slice(5, 17), slice(None), slice(39, 99)]
    for rows in [*picked, np.array([], int), slice(3, 3), 5, -1]:
        np.testing.assert_array_equal(found[rows], x[rows])
    for first, last in ((None, 7), (7, None), (3, 4), (4, 4)):
        part = found.rows(first, last)
        assert isinstance(part, SparseRows)
        np.testing.assert_array_equal(part[:], x[first:last])
    images = found.arranged((3, 3))
    np.testing.assert_array_equal(images[2:9], x.reshape(-1, 3, 3)[2:9])
    np.testing.assert_array_equal(np.asarray(found), x)


def test_entries_given_twice_add_up_in_any_order():
    places = np.array([2, 0, 2, 1]), np.array([1, 1, 1, 0]), np.zeros(4, int)
    found = SparseRows.of_places(places, np.array([1, 2, 3, 4]), (3, 2, 1))
    expected = [[[0], [2]], [[4], [0]], [[0], [4]]]
    np.testing.assert_array_equal(found[:], expected)


def test_a_sparse_tensor_of_images():
    x = dense(8, 6).reshape(8, 2, 3)
    found = data.as_array(tf.sparse.from_dense(x))
    np.testing.assert_array_equal(found[3:7], x[3:7])


def test_every_format_of_scipy():
    sparse = pytest.importorskip("scipy.sparse")
    x = dense()
    for form in ("csr", "csc", "coo", "lil", "dok", "bsr", "dia"):
        for kind in ("matrix", "array"):
            made = getattr(sparse, f"{form}_{kind}")(x)
            assert data.is_sparse(made)
            np.testing.assert_array_equal(data.as_array(made)[:], x, form)
    cube = sparse.coo_array(dense(8, 6).reshape(8, 2, 3))
    np.testing.assert_array_equal(data.as_array(cube)[:], cube.toarray())


def test_batches_are_dense_and_the_rest_is_not():
    x = dense(50, 4)
    rows = data.as_array(Csr(x))
    order = np.random.default_rng(0).permutation(50)
    labels = np.arange(50)
    batches = data.shuffled((rows, labels), 16, lambda: order)
    found = [(a.numpy(), b.numpy()) for a, b in batches]
    assert [len(a) for a, _ in found] == [16, 16, 16, 2]
    np.testing.assert_array_equal(
        np.concatenate([a for a, _ in found]), x[order]
    )
    np.testing.assert_array_equal(np.concatenate([b for _, b in found]), order)
    held, rest = data.split("fit", (rows, labels, None), 0.3)
    assert (len(held[0]), len(rest[0]), len(rest[1])) == (35, 15, 15)
    for one, other in zip(data.moments(rows), data.moments(x), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-15)
