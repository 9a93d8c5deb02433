"""How networks were made, kept with them."""

import dataclasses
import functools
import inspect
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import keras

from genzoo.checks import Check

Pair = tuple[keras.Model, keras.Model]
_P = ParamSpec("_P")
# A pair of networks, or one.
_Made = TypeVar("_Made")


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
    newer: dict[str, Any] | None = None, /, **arguments: Check
) -> Callable[[Callable[_P, _Made]], Callable[_P, _Made]]:
    """For a function that makes networks: check its arguments, and keep them.

    The networks get their `recipe`; the function gets the checks, by the
    names of its arguments, as `arguments`.

    Args:
        newer: arguments that older presets do not name, and what they mean.
        **arguments: the check of each argument.
    """

    def decorate(function: Callable[_P, _Made]) -> Callable[_P, _Made]:
        name, signature = function.__name__, inspect.signature(function)

        @functools.wraps(function)
        def make(*args: _P.args, **kwargs: _P.kwargs) -> _Made:
            given = signature.bind(*args, **kwargs)
            given.apply_defaults()
            for key, value in given.arguments.items():
                given.arguments[key] = arguments[key](value, f"{name}: {key}")
            made = function(*given.args, **given.kwargs)
            networks: Any = made if isinstance(made, tuple) else (made,)
            for network in networks:
                network.recipe = Recipe(name, dict(given.arguments))
            return made

        vars(make)["arguments"] = arguments
        vars(make)["_newer_arguments"] = newer or {}
        return make

    return decorate


def serialize(network: keras.Model) -> dict[str, Any]:
    """What Keras serialises of a network, with its recipe if it has one."""
    config = keras.saving.serialize_keras_object(network)
    recipe = getattr(network, "recipe", None)
    if recipe is not None:
        kept = {"function": recipe.function, "arguments": recipe.arguments}
        config["recipe"] = keras.saving.serialize_keras_object(kept)
    return config


def deserialize(config: dict[str, Any]) -> keras.Model:
    """The network of `serialize`, which a preset can hold as before."""
    network = keras.saving.deserialize_keras_object(config)
    if "recipe" in config:
        kept = keras.saving.deserialize_keras_object(config["recipe"])
        network.recipe = Recipe(kept["function"], kept["arguments"])
    return network
