"""All variables of a model as a tree of arrays, as Keras names them."""

import re
from collections.abc import Iterable, Mapping

import keras
import numpy as np

from genzoo import checks

# Such as that of dense_2_kernel_momentum.
_NUMBER = re.compile(r"_\d+(?=_|/|$)")
_FORMATS = {
    "backend_tensor": lambda variable: variable.value,
    "numpy_array": lambda variable: variable.numpy(),
}


def paths(variables: Iterable[keras.Variable]) -> dict[str, keras.Variable]:
    """Variables by their paths, each once.

    Keras numbers the layers and optimizers of a process, so that a model that
    is built again has other paths: these numbers are left out, and equal paths
    are numbered in their order.
    """
    found: dict[str, keras.Variable] = {}
    for variable in {id(v): v for v in variables}.values():
        if 0 in variable.shape:
            # Orbax saves no empty arrays.
            continue
        plain = path = _NUMBER.sub("", variable.path)
        number = 1
        while path in found:
            number += 1
            path = f"{plain}_{number}"
        found[path] = variable
    return found


def of(
    groups: Mapping[str, Iterable[keras.Variable]], value_format: str
) -> dict:
    """The tree: a dict of the groups, in each a dict at each part of a path.

    Args:
        groups: variables by the name of their group.
        value_format: "backend_tensor" or "numpy_array".

    Raises:
        ValueError: for another format.
    """
    checks.one_of(*_FORMATS)(value_format, "get_state_tree: value_format")
    value_of = _FORMATS[value_format]
    tree: dict = {}
    for group, variables in groups.items():
        tree[group] = {}
        for path, variable in paths(variables).items():
            *parts, last = path.split("/")
            inner = tree[group]
            for part in parts:
                inner = inner.setdefault(part, {})
            inner[last] = value_of(variable)
    return tree


def assign(groups: Mapping[str, Iterable[keras.Variable]], tree: dict) -> None:
    """Put the values of a tree into the variables, or none of them.

    Args:
        groups: variables by the name of their group.
        tree: such as `of` gives; some groups may be left out.

    Raises:
        ValueError: if it has other groups, a group other variables or
            shapes, or a value is no number.
    """
    where = "set_state_tree: state_tree"
    if not isinstance(tree, dict) or not tree.keys() <= groups.keys():
        shown = list(tree) if isinstance(tree, dict) else type(tree).__name__
        raise ValueError(
            f"{where} must be a dict of {', '.join(groups)}, as "
            f"get_state_tree gives it; received {shown}."
        )
    pairs = []
    for group, inner in tree.items():
        if not isinstance(inner, dict):
            checks.refuse(inner, f"{where}: {group}", "a dict")
        own, values = paths(groups[group]), dict(_leaves(inner))
        if own.keys() != values.keys():
            lacking = sorted(own.keys() - values.keys())[:3]
            unknown = sorted(values.keys() - own.keys())[:3]
            raise ValueError(
                f"{where} is of another model: its {group} lack {lacking} and "
                f"have {unknown} beside those of this one. Build and compile "
                "it as the other was."
            )
        for path, variable in own.items():
            value = np.asarray(values[path])
            if value.shape != tuple(variable.shape):
                raise ValueError(
                    f"{where} is of another model: {path} has shape "
                    f"{value.shape}, here {tuple(variable.shape)}."
                )
            if value.dtype.kind in "OSUM":
                checks.refuse(values[path], f"{where}: {path}", "numbers")
            pairs.append((variable, value))
    for variable, value in pairs:
        variable.assign(value)


def _leaves(tree, path=""):
    """(path, value) of a nested dict."""
    for name, value in tree.items():
        own = f"{path}/{name}" if path else name
        if isinstance(value, dict):
            yield from _leaves(value, own)
        else:
            yield own, value
