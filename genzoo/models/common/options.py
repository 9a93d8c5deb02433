"""The options of Keras's loops, checked before anything is done.

Keras takes most of what is meaningless in silence, and trains nothing.
"""

import difflib
from collections.abc import Mapping
from typing import Any

import keras

from genzoo import checks

_count = checks.optional(checks.positive_int)
# None at all is what is left of a training that is over, as in Keras. Fewer
# trains as little there; here it is refused, as a sum that went wrong.
_epochs = checks.optional(checks.whole(0))
_VERBOSE = ("auto", 0, 1, 2, True, False)


def _verbose(value: Any, where: str) -> Any:
    if isinstance(value, (list, dict, set)) or value not in _VERBOSE:
        checks.refuse(value, where, "'auto', 0, 1 or 2")
    return value


def _frequency(value: Any, where: str) -> Any:
    # Or the numbers of the epochs.
    if isinstance(value, (list, tuple, set, range)):
        return value
    return checks.positive_int(value, where)


def _callbacks(value: Any, where: str) -> Any:
    if value is None or isinstance(value, keras.callbacks.CallbackList):
        return value
    several = value if isinstance(value, (list, tuple)) else [value]
    for callback in several:
        if not isinstance(callback, keras.callbacks.Callback):
            hint = " Call it: make an object of the class."
            checks.refuse(
                callback,
                where,
                "keras.callbacks.Callback objects",
                hint if isinstance(callback, type) else "",
            )
    return value


_share = checks.number(0.0, 1.0)

_CHECKS: dict[str, checks.Check] = {
    "epochs": _epochs,
    "initial_epoch": checks.whole(0),
    "verbose": _verbose,
    "callbacks": _callbacks,
    "shuffle": checks.flag,
    "return_dict": checks.flag,
    "validation_split": _share,
    "steps_per_epoch": _count,
    "steps": _count,
    "validation_steps": _count,
    "validation_batch_size": _count,
    "validation_freq": _frequency,
}
# What `fit` takes beside the arguments that it names.
_OF_FIT = {
    *("initial_epoch", "steps_per_epoch", "validation_steps"),
    *("validation_batch_size", "validation_freq", "missing", "mask"),
}


def check(where: str, **options: Any) -> None:
    """Raise a ValueError for the first option that has no meaning."""
    for name, value in options.items():
        if name in _CHECKS:
            _CHECKS[name](value, f"{where}: {name}")


def check_epochs(where: str, first: int, last: int) -> None:
    """Raise a ValueError where training would end before it begins."""
    if first > last:
        raise ValueError(
            f"{where}: epochs must be at least initial_epoch={first}, since "
            f"it is the number at which training ends; received {last}. To "
            f"train for {last} more, pass epochs={first + last}."
        )


def check_known(where: str, named: Any, given: Mapping[str, Any]) -> None:
    """Raise a TypeError for keywords that `fit` does not take.

    Args:
        where: who asks, for messages.
        named: the names of the arguments that are not among the keywords.
        given: the keywords.
    """
    for name in given:
        if name not in _OF_FIT:
            near = difflib.get_close_matches(name, [*named, *_OF_FIT], 1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise TypeError(f"{where}: takes no argument {name!r}.{hint}")
