"""How a pair of networks was made, kept with both."""

import dataclasses
import functools
import inspect


@dataclasses.dataclass(frozen=True)
class Recipe:
    """A function of `genzoo.networks`, and all of its arguments.

    Attributes:
        function: its name.
        arguments: dict from names to values.
    """

    function: str
    arguments: dict


def recorded(function):
    """Give both networks that a function returns their `recipe`."""
    signature = inspect.signature(function)

    @functools.wraps(function)
    def make(*args, **kwargs):
        pair = function(*args, **kwargs)
        given = signature.bind(*args, **kwargs)
        given.apply_defaults()
        recipe = Recipe(function.__name__, dict(given.arguments))
        for network in pair:
            network.recipe = recipe
        return pair

    return make
