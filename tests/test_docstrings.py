"""Every `>>>` line of the package runs, and prints what it says."""

import doctest
import importlib.util
import inspect
import pkgutil

import keras
import numpy as np
import pytest
import tensorflow as tf

import genzoo as gz

HAS_SKLEARN = importlib.util.find_spec("sklearn") is not None
FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


def _modules():
    yield "genzoo"
    for module in pkgutil.walk_packages(gz.__path__, "genzoo."):
        needs_more = module.name == "genzoo.sklearn" and not HAS_SKLEARN
        if not module.name.endswith("__main__") and not needs_more:
            yield module.name


def _examples():
    finder = doctest.DocTestFinder(exclude_empty=True)
    for name in _modules():
        module = importlib.import_module(name)
        for test in finder.find(module, name):
            if test.examples:
                yield pytest.param(test, id=test.name)


def _public():
    """The classes that a user can name: those of the rooms' `__init__`s."""
    for room in gz.__all__:
        room = getattr(gz, room)
        names = getattr(room, "__all__", ())
        things = [getattr(room, name) for name in names] or [room]
        for thing in things:
            if inspect.isclass(thing) and thing.__module__.startswith("genzoo"):
                yield thing


@pytest.fixture(scope="module")
def names():
    """What an example may take for granted: some digits, which are enough."""
    (x, _), (x_test, _) = gz.datasets.digits.load_data()
    x, x_test = (
        (a[:300].reshape(-1, 64) > 7).astype("uint8") for a in (x, x_test)
    )
    return {
        "genzoo": gz,
        "gz": gz,
        "keras": keras,
        "np": np,
        "tf": tf,
        "x_train": x,
        "x_test": x_test,
    }


@pytest.mark.parametrize("test", _examples())
def test_examples_run_as_printed(test, names, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    keras.utils.set_random_seed(0)
    test.globs.update(names)
    told = []
    runner = doctest.DocTestRunner(optionflags=FLAGS)
    runner.run(test, out=told.append, clear_globs=True)
    assert not runner.failures, "".join(told)


@pytest.mark.parametrize(
    "cls", sorted(set(_public()), key=lambda c: c.__qualname__)
)
def test_every_public_class_has_an_example(cls):
    assert ">>> " in (cls.__doc__ or "")
