"""How a pair of networks was made, kept with both."""

import dataclasses
import functools
import inspect
from collections.abc import Callable
from typing import Any

import keras

from genzoo.checks import Check

Pair = tuple[keras.Model, keras.Model]


@dataclasses.dataclass(frozen=True)
class Recipe:
    """A function of `genzoo.networks`, and all of its arguments.

    Attributes:
        function: its name.
        arguments: dict from names to values.
    """

    function: str
    arguments: dict[str, Any]


def recorded(**arguments: Check) -> Callable:
    """For a function that makes a pair: check its arguments, and keep them.

    Both networks get their `recipe`; the function gets the checks, by the
    names of its arguments, as `arguments`.

    Args:
        **arguments: the check of each argument.
    """

    def decorate(function: Callable[..., Pair]) -> Callable[..., Pair]:
        name, signature = function.__name__, inspect.signature(function)

        @functools.wraps(function)
        def make(*args, **kwargs) -> Pair:
            given = signature.bind(*args, **kwargs)
            given.apply_defaults()
            recipe = Recipe(
                name,
                {
                    key: arguments[key](value, f"{name}: {key}")
                    for key, value in given.arguments.items()
                },
            )
            pair = function(**recipe.arguments)
            for network in pair:
                network.recipe = recipe
            return pair

        make.arguments = arguments
        return make

    return decorate
