"""How a pair of networks was made, kept with both."""

import dataclasses
import functools
import inspect
from collections.abc import Callable
from typing import Any, ParamSpec

import keras

from genzoo.checks import Check

Pair = tuple[keras.Model, keras.Model]
_P = ParamSpec("_P")


@dataclasses.dataclass(frozen=True)
class Recipe:
    """A function of `genzoo.networks`, and all of its arguments.

    Attributes:
        function: its name.
        arguments: dict from names to values.
    """

    function: str
    arguments: dict[str, Any]


def recorded(
    **arguments: Check,
) -> Callable[[Callable[_P, Pair]], Callable[_P, Pair]]:
    """For a function that makes a pair: check its arguments, and keep them.

    Both networks get their `recipe`; the function gets the checks, by the
    names of its arguments, as `arguments`.

    Args:
        **arguments: the check of each argument.
    """

    def decorate(function: Callable[_P, Pair]) -> Callable[_P, Pair]:
        name, signature = function.__name__, inspect.signature(function)

        @functools.wraps(function)
        def make(*args: _P.args, **kwargs: _P.kwargs) -> Pair:
            given = signature.bind(*args, **kwargs)
            given.apply_defaults()
            for key, value in given.arguments.items():
                given.arguments[key] = arguments[key](value, f"{name}: {key}")
            pair = function(*given.args, **given.kwargs)
            for network in pair:
                network.recipe = Recipe(name, dict(given.arguments))
            return pair

        vars(make)["arguments"] = arguments
        return make

    return decorate
