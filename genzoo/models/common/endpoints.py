"""What the endpoints of all exported models have in common."""

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from genzoo._version import __version__
from genzoo.spaces import Space

# The arguments that have the same name in all models.
COUNT = tf.TensorSpec((), tf.int32, "n")
SEED = tf.TensorSpec((2,), tf.int64, "seed")
STEPS = tf.TensorSpec((), tf.int32, "steps")

# The most that one request of an exported model may ask for.
MOST = {"n": 2**20, "steps": 2**20}

# From names to (function, input signature).
Endpoints = dict[str, tuple[Callable, list[tf.TensorSpec]]]


def described(model: str, served: Endpoints) -> dict[str, Any]:
    """What a client must know of a served model, as plain data.

    Args:
        model: its family.
        served: its endpoints.
    """
    return {
        "model": model,
        "genzoo": __version__,
        "limits": {name: [1, most] for name, most in MOST.items()},
        "endpoints": {
            name: {
                argument.name: {
                    "shape": list(argument.shape),
                    "dtype": argument.dtype.name,
                }
                for argument in signature
            }
            for name, (_, signature) in served.items()
        },
    }


def named(function: Callable, arguments: list[tf.TensorSpec]) -> Callable:
    """A function of `*tensors`, with arguments of the names of these.

    An exported function is called by name too, and what stands at a place
    may be called differently in two models.
    """
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    signature = inspect.Signature(
        [inspect.Parameter(spec.name, kind) for spec in arguments]
    )

    def call(*args, **kwargs):
        return function(*signature.bind(*args, **kwargs).args)

    wrapped: Any = call
    wrapped.__signature__ = signature
    return wrapped


def guarded(
    function: Callable,
    arguments: list[tf.TensorSpec],
    spaces: Mapping[str, Space],
    classes: Mapping[str, int],
) -> Callable:
    """A function that refuses, inside its graph, what it has no answer to.

    Counts from 1 to `MOST`, labels from 0 to classes - 1, a row for each of n,
    finite numbers, and examples of their space; with a mask, of what is known.

    Args:
        function: of tensors.
        arguments: of each tensor, its name and shape.
        spaces: of arguments, by name.
        classes: how many there are, of arguments that are labels, by name.
    """

    def call(*tensors):
        given = dict(zip((a.name for a in arguments), tensors, strict=True))
        checks = []
        for name, value in given.items():
            space, labels = spaces.get(name), classes.get(name)
            ok, wanted = _checked(name, value, given, space, labels)
            text = f"{name} must be {wanted}; received"
            checks.append(tf.debugging.Assert(ok, [text, value], summarize=9))
        with tf.control_dependencies(checks):
            checked = [tf.identity(value) for value in tensors]
        return function(*checked)

    return named(call, arguments)


def _checked(name, value, given, space, classes):
    """Whether an argument is as it must be, and in words how."""
    if name in MOST:
        wanted = f"an int from 1 to {MOST[name]:,}"
        return (value >= 1) & (value <= MOST[name]), wanted
    if classes:
        inside = tf.reduce_all((value >= 0) & (value < classes))
        ok, wanted = inside, f"ints from 0 to {classes - 1}"
    elif name in ("seed", "mask"):
        return tf.constant(True), "given"
    elif space is None:
        ok, wanted = tf.reduce_all(tf.math.is_finite(value)), "finite numbers"
    else:
        contains = space.contains
        if "mask" in given and name == "x":
            # What some numbers of a group allow the others is not asked.
            contains = functools.partial(Space.contains, space)
            value = tf.where(given["mask"], value, _anything(space, value))
        ok = tf.reduce_all(contains(space.flatten(value)))
        wanted = space.description
    if "n" in given:
        rows = tf.shape(value)[0]
        most = (1, given["n"]) if name == "condition" else (given["n"],)
        ok &= tf.reduce_any([tf.equal(rows, count) for count in most])
        wanted += ", one row for each of n"
    return ok, wanted


def _anything(space, like):
    """Some example of a space, for what is not known."""
    low, high = (
        np.where(np.isfinite(end), end, other)
        for end, other in ((space.low, -np.inf), (space.high, np.inf))
    )
    found = np.clip(np.zeros(space.width), low, high)
    for site, levels in enumerate(space.levels):
        if levels is not None:
            found[site] = levels[0]
    return space.unflatten(tf.constant(found[None], like.dtype))
