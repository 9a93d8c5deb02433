"""The closed table of what a config.json may name.

A configuration is `{"class": name, argument: value, ...}`. Classes are those
below and no others; each argument has its check. Keras's own deserialisation,
which imports what a file names, plays no part.
"""

from typing import NamedTuple


class Entry(NamedTuple):
    """A class that a config.json may name.

    Attributes:
        make: function of the arguments, by keyword, to the object.
        arguments: dict from the names of all arguments to their checks.
        describe: function of an object to its arguments, as plain data.
        count: for models, function of the checked arguments to the number of
            weights that are stored.
        weights: for models, function of a model to its stored variables, a
            dict by name.
        loaded: for models, called with a model whose weights were set.
    """

    make: callable
    arguments: dict
    describe: callable
    count: callable = None
    weights: callable = None
    loaded: callable = None


TABLE = {}


def part(*names):
    """A check: a configuration of one of these classes."""

    def check_part(value, where):
        return check(value, where, names)

    return check_part


def check(config, where, names):
    """The configuration, once all of it is known and in range.

    Args:
        config: what the file holds.
        where: the place in the file, for messages.
        names: the classes that are possible here.

    Raises:
        ValueError: for another class, an argument that is missing or not
            known, or a value out of range.
    """
    name = config.get("class") if isinstance(config, dict) else None
    if not isinstance(name, str) or name not in names:
        raise ValueError(
            f"{where}: class must be one of {tuple(names)}; found "
            f"{str(name)[:60]!r}."
        )
    checks = TABLE[name].arguments
    given = config.keys() - {"class"}
    if given != checks.keys():
        lacks = sorted(checks.keys() - given)
        extra = [key[:60] for key in sorted(given - checks.keys())[:5]]
        raise ValueError(
            f"{where}: {name} takes the arguments {sorted(checks)}; missing "
            f"{lacks}, not known {extra}."
        )
    return {
        "class": name,
        **{
            key: check_value(config[key], f"{where}: {name}.{key}")
            for key, check_value in checks.items()
        },
    }


def build(config):
    """The object of a checked configuration."""
    if isinstance(config, list):
        return [build(item) for item in config]
    if not isinstance(config, dict):
        return config
    arguments = {k: build(v) for k, v in config.items() if k != "class"}
    return TABLE[config["class"]].make(**arguments)


def describe(thing, where, names):
    """The configuration of an object.

    Raises:
        ValueError: for an object of another class.
    """
    name = name_of(type(thing))
    if name not in names:
        raise ValueError(
            f"{where}: a preset can hold {', '.join(names)} here; received "
            f"{thing!r}. Save the model as .keras instead."
        )
    return {"class": name, **TABLE[name].describe(thing)}


def name_of(cls):
    """A class's name in the table: "RBM", "units.Spin", "spaces.Spin"."""
    package, room, *_ = [*cls.__module__.split("."), "", ""]
    if package != "genzoo":
        return f"{cls.__module__}.{cls.__name__}"
    is_model = room in ("models", "zoo")
    return cls.__name__ if is_model else f"{room}.{cls.__name__}"
