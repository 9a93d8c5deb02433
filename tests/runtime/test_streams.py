"""Batches from Python are those of a dataset."""

import itertools

import numpy as np
import pytest
import tensorflow as tf
from sources import Pages

from genzoo.runtime.streams import Stream

X = np.arange(40).reshape(20, 2).astype("uint8")


def batches(x=X, size=6):
    for first in range(0, len(x), size):
        yield x[first : first + size]


class Loader:
    """As those of PyTorch: iterated anew for each epoch, lists of tensors."""

    def __iter__(self):
        return ([Tensor(x)] for x in batches())


class Tensor:
    def __init__(self, x):
        self.x = x

    def detach(self):
        return self

    cpu = detach

    def __array__(self, dtype=None, copy=None):
        return self.x.astype(dtype or self.x.dtype)


def passed(stream):
    return np.concatenate([batch.numpy() for batch in stream.dataset])


SOURCES = {
    "generator": batches,
    "pages": lambda: Pages(X, 6, 4),
    "loader": Loader,
    "list of batches": lambda: itertools.chain([X[:1].tolist()], [X[1:]]),
}


@pytest.mark.parametrize("name", SOURCES)
def test_every_look_sees_the_same_and_so_does_the_training(name):
    stream = Stream("fit", SOURCES[name]())
    for _ in range(3):
        np.testing.assert_array_equal(passed(stream), X)
    stream.begin()
    assert passed(stream).dtype == np.float32
    if stream.is_once:
        with pytest.raises(Exception, match="generator has ended"):
            passed(stream)
    else:
        np.testing.assert_array_equal(passed(stream), X)


@pytest.mark.parametrize("beside", [(None,), (), (X[:, 1] / 2,)])
def test_blocks_by_name_may_stand_beside_labels_and_weights(beside):
    rows = {"first": X[:, :1], "label": X[:, 1]}
    (batch,) = Stream("fit", iter([(rows, *beside)])).dataset
    expected = (rows, *(part for part in beside if part is not None))
    found = batch if len(expected) > 1 else (batch,)
    assert [*found[0]] == ["first", "label"]
    assert found[0]["label"].dtype == np.int64
    for one, other in zip(
        *map(tf.nest.flatten, (found, expected)), strict=True
    ):
        np.testing.assert_array_equal(one, other)


def test_an_endless_generator_is_looked_at_in_part_and_loses_nothing():
    stream = Stream("fit", itertools.cycle(batches()), most=25)
    # Of whole batches, the first that are as many.
    np.testing.assert_array_equal(passed(stream), X[:18])
    left = iter(stream.dataset)
    next(left)
    stream.begin()
    found = itertools.islice(iter(stream.dataset), 8)
    np.testing.assert_array_equal(
        np.concatenate([b.numpy() for b in found]), np.concatenate([X, X])
    )


def test_endless_pages_are_looked_at_in_part():
    stream = Stream("fit", Pages(X, 6, None), most=25)
    np.testing.assert_array_equal(passed(stream), X[:18])
    stream.begin()
    found = list(itertools.islice(iter(stream.dataset), 5))
    np.testing.assert_array_equal(found[4], X[:6])


def test_pages_hear_of_epochs_and_tell_how_many_batches_there_are():
    pages = Pages(X, 6, 4)
    stream = Stream("fit", pages)
    assert stream.dataset.cardinality() == 4
    assert pages.ends == 0
    stream.on_epoch_end(0)
    assert pages.ends == 1


def test_float64_is_kept_where_it_is_wanted():
    x = [np.array([[1 + 1e-12]])]
    for wide in (False, True):
        stream = Stream("fit", iter(x), wide)
        found = next(iter(stream.dataset)).numpy()
        assert found.dtype == ("float64" if wide else "float32")
        assert (found[0, 0] == x[0][0, 0]) == wide


def test_fractions_after_whole_numbers_are_not_cut():
    stream = Stream("fit", iter([np.array([[1]]), np.array([[0.25]])]))
    np.testing.assert_array_equal(passed(stream), [[1], [0.25]])


LATER = {
    "another width": (np.zeros((2, 3)), r"rows of shape \(3,\)"),
    "text": (np.array([["a", "b"]]), "must be numeric"),
    "a number": (1.0, "single number"),
    "labels too": ((X[:2], np.arange(2)), "other parts.*2 of them"),
    "a dict": ({"x": X[:2]}, r"other parts.*dict of \['x'\]"),
}


@pytest.mark.parametrize("name", LATER)
def test_a_later_batch_that_differs_says_how(name):
    wrong, message = LATER[name]
    stream = Stream("fit", iter([X, wrong]))
    with pytest.raises(Exception, match=message):
        passed(stream)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (iter([]), "fit: x is empty"),
        (iter([["a"]]), "fit: x: x must be numeric"),
        (iter([0.5]), "fit: x is a single number"),
    ],
)
def test_the_first_batch_is_looked_at_at_once(source, message):
    with pytest.raises(ValueError, match=message):
        Stream("fit", source)
