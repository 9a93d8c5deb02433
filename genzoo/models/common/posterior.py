"""What a model says of the unknown part of examples, by sums.

A row of states is known where `seen` is true. Sums over what is not are
over its completions, one after the other.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from genzoo.types import Array

# Numbers of the completions of some rows that are held at once.
_ELEMENTS = 2**22


class Posterior(NamedTuple):
    """Of each row, the distribution of what is unknown.

    Attributes:
        log_sum: log of the sum of exp(-E) over it, (rows,), of densities of
            examples in what is seen.
        mean: <x> of states, (rows, width), what is known as it is.
        drawn: a state from it, (rows, width).
    """

    log_sum: Array
    mean: Array
    drawn: Array


# The columns of a state that vary together, and their levels (n, columns).
Choice = tuple[Array, Array | None]


def completion_count(choices: Sequence[Choice], seen: Array) -> float:
    """How many completions all rows have together; inf if not finitely many.

    Args:
        choices: the columns that vary together, with their levels.
        seen: bool (rows, width).
    """
    logs = np.zeros(len(seen))
    for columns, levels in choices:
        unknown = ~seen[:, columns[0]]
        if levels is None:
            logs[unknown] = np.inf
        else:
            logs[unknown] += math.log(len(levels))
    if np.isinf(logs).any() or logs.max(initial=0.0) > 60:
        return math.inf
    return float(np.exp(logs).sum())


def by_completions(
    energy: Callable[[Array], Array],
    choices: Sequence[Choice],
    x: Array,
    seen: Array,
    uniform: Array,
) -> Posterior:
    """The `Posterior` of rows whose unknown part has few completions.

    Args:
        energy: function from states (n, width), float64, to (n,).
        choices: the columns that vary together, with their levels.
        x: states, float64 (rows, width).
        seen: bool (rows, width).
        uniform: numbers in [0, 1), one for each row, for the draws.
    """
    log_sum, mean, drawn = np.empty(len(x)), x.copy(), x.copy()
    for some, states in completions(choices, x, seen, _ELEMENTS):
        each = states.reshape(len(some), -1, x.shape[1])
        log_w = -energy(states).reshape(each.shape[:2])
        most = log_w.max(axis=1)
        weights = np.exp(log_w - most[:, None])
        ends = np.cumsum(weights, axis=1)
        log_sum[some] = most + np.log(ends[:, -1])
        found = np.einsum("rk,rkw->rw", weights, each) / ends[:, -1:]
        mean[some] = np.where(seen[some], x[some], found)
        place = uniform[some] * ends[:, -1]
        chosen = np.sum(ends <= place[:, None], axis=1)
        chosen = np.minimum(chosen, each.shape[1] - 1)
        drawn[some] = each[np.arange(len(some)), chosen]
    return Posterior(log_sum, mean, drawn)


def completions(
    choices: Sequence[Choice], x: Array, seen: Array, numbers: int
) -> Iterator[tuple[Array, Array]]:
    """All completions of rows, some rows at a time.

    Args:
        choices: the columns that vary together, with their levels.
        x: states, (rows, width).
        seen: bool (rows, width).
        numbers: about how many a part may have.

    Yields:
        (some, states): numbers of rows that have as many completions, and
        these, those of the first row first.
    """
    patterns, which = np.unique(seen, axis=0, return_inverse=True)
    which = np.ravel(which)
    for number, pattern in enumerate(patterns):
        own = np.flatnonzero(which == number)
        columns, table = _completions(choices, pattern)
        size = max(numbers // (x.shape[1] * len(table)), 1)
        for some in _parts(own, size):
            states = np.repeat(x[some], len(table), axis=0)
            states[:, columns] = np.tile(table, (len(some), 1))
            yield some, states


def _completions(choices, pattern):
    """(columns that are unknown, all that they may be together)."""
    unknown = [choice for choice in choices if not pattern[choice[0][0]]]
    if not unknown:
        return np.zeros(0, int), np.zeros((1, 0))
    columns = np.concatenate([own for own, _ in unknown])
    levels = [np.asarray(each, np.float64) for _, each in unknown]
    digits = np.indices([len(each) for each in levels]).reshape(len(levels), -1)
    parts = [each[digit] for each, digit in zip(levels, digits, strict=True)]
    return columns, np.concatenate(parts, axis=1)


def _parts(rows: Array, size: int) -> Iterator[Array]:
    for start in range(0, len(rows), size):
        yield rows[start : start + size]
