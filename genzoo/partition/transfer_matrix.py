"""log Z of Ising strips and tori by the transfer matrix.

Reference:
    Kramers and Wannier, "Statistics of the two-dimensional ferromagnet I",
    Phys. Rev. 60, 1941.
"""

import numbers
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from genzoo.partition.onsager import as_float64
from genzoo.runtime import random
from genzoo.types import SeedLike

_WIDEST = 12


def transfer_matrix(
    shape: Sequence[int],
    periodic: bool | Sequence[bool],
    coupling: float | tf.Tensor,
    field: float | tf.Tensor = 0.0,
) -> tf.Tensor:
    """log Z of an Ising lattice, exact, a float64 scalar tensor.

    `Z = sum_s exp(coupling * sum_bonds s s' + field * sum s)`, s = -1, 1.
    `tf.GradientTape` differentiates it by coupling and field: the first
    derivatives are the averages of the sums over bonds and over spins, the
    second ones their covariances.

    With the shorter side as width w, the rows are joined by matrices of
    2^w x 2^w elements; a length n takes log2(n) to 2 log2(n) products of
    them, each divided by its largest element. Width 10 takes seconds.

    Args:
        shape: (rows, columns), the shorter 12 at most.
        periodic: whether each direction is closed: a bool, or one for each.
            A periodic side of 2 sites has both its bonds: s1 s2 counts twice.
        coupling: J / kT, a number or scalar tensor, of either sign.
        field: h / kT, likewise.

    Raises:
        ValueError: if the shape is out of range, or a periodic side has one
            site only.
    """
    log_matrix, row, length, is_closed, _ = _rows(
        shape, periodic, coupling, field
    )
    if is_closed:
        return _log_power(log_matrix, length)
    return _log_power(log_matrix, length - 1, row)


def sample_transfer_matrix(
    shape: Sequence[int],
    periodic: bool | Sequence[bool],
    coupling: float | tf.Tensor,
    field: float | tf.Tensor,
    n: int | tf.Tensor,
    seed: SeedLike,
) -> tf.Tensor:
    """n independent, exact draws from the same lattice.

    Row after row, each given the one before and, on a closed lattice, the
    first: the sum over all rows to come is a power of the transfer matrix.

    Args:
        shape: as of `transfer_matrix`.
        periodic: likewise.
        coupling: likewise.
        field: likewise.
        n: number of draws, an int or a scalar tensor.
        seed: int, pair of ints or a `runtime.random.Seed`.

    Returns:
        Spins, a float64 tensor (n, rows, columns).
    """
    log_matrix, row, length, is_closed, states = _rows(
        shape, periodic, coupling, field
    )
    matrix = tf.exp(log_matrix - tf.reduce_max(log_matrix))
    uniform = random.uniform((n, length), random.as_seed(seed), "float64")

    def choose(weights, number):
        cumulative = tf.cumsum(weights, axis=1)
        share = uniform[:, number, None] * cumulative[:, -1:]
        chosen = tf.reduce_sum(tf.cast(cumulative <= share, tf.int32), axis=1)
        return tf.minimum(chosen, len(states) - 1)

    # What follows row k: column j is the weight of all that ends in j.
    following = [tf.eye(len(states), dtype=tf.float64)]
    if not is_closed:
        following = [tf.exp(row - tf.reduce_max(row))[:, None]]
    for _ in range(length if is_closed else length - 1):
        power = tf.matmul(matrix, following[-1])
        following.append(power / tf.reduce_max(power))
    if is_closed:
        begin = tf.linalg.diag_part(following.pop())
    else:
        begin = tf.exp(row - tf.reduce_max(row)) * following.pop()[:, 0]
    first = choose(tf.repeat(begin[None], n, axis=0), 0)
    rows = [first]
    for number in range(1, length):
        after = tf.transpose(following.pop())
        last = first if is_closed else tf.zeros_like(first)
        weights = tf.gather(matrix, rows[-1]) * tf.gather(after, last)
        rows.append(choose(weights, number))
    spins = tf.gather(tf.constant(states), tf.stack(rows, axis=1))
    turned = shape[0] < shape[1]
    return tf.transpose(spins, (0, 2, 1)) if turned else spins


def _rows(shape, periodic, coupling, field):
    """What the rows along the longer side are, and how they are joined.

    Returns:
        (log_matrix, row, length, is_closed, states): log of the transfer
        matrix, half of the log-weight of each row, the number of rows,
        whether the last is joined to the first, and the rows' spins.
    """
    shape, periodic = _checked(shape, periodic)
    if shape[0] < shape[1]:
        shape, periodic = shape[::-1], periodic[::-1]
    length, width = shape
    coupling = as_float64(coupling)
    field = as_float64(field)
    bits = np.arange(2**width)[:, None] >> np.arange(width) & 1
    states = 2.0 * bits - 1
    count = width if periodic[1] else width - 1
    bonds = sum(
        (states[:, i] * states[:, (i + 1) % width] for i in range(count)),
        np.zeros(len(states)),
    )
    # Half of what a row has by itself, for each of its two matrices.
    row = (coupling * bonds + field * states.sum(axis=1)) / 2
    matrix = row[:, None] + row + coupling * (states @ states.T)
    return matrix, row, length, periodic[0], states


def _log_power(log_matrix, power, log_end=None):
    """Log of the trace of exp(log_matrix)^power, or between two ends."""

    def scaled(x):
        # A constant's derivative is not missed, since it is added again.
        largest = tf.stop_gradient(tf.reduce_max(x))
        return x / largest, tf.math.log(largest)

    log_scale = tf.stop_gradient(tf.reduce_max(log_matrix))
    matrix = tf.exp(log_matrix - log_scale)
    result: Any = None
    end, log_result = None, tf.zeros((), tf.float64)
    if log_end is not None:
        log_result = tf.stop_gradient(tf.reduce_max(log_end))
        end = tf.exp(log_end - log_result)
        result, log_result = end[:, None], 2 * log_result
    while power:
        if power % 2:
            result = matrix if result is None else tf.matmul(matrix, result)
            result, change = scaled(result)
            log_result += log_scale + change
        power //= 2
        if power:
            matrix, change = scaled(tf.matmul(matrix, matrix))
            log_scale = 2 * log_scale + change
    if end is None:
        return log_result + tf.math.log(tf.linalg.trace(result))
    return log_result + tf.math.log(tf.reduce_sum(end * result[:, 0]))


def _checked(shape, periodic):
    if isinstance(periodic, (bool, np.bool_)):
        periodic = (periodic, periodic)
    sides = tuple(shape)
    if (
        len(sides) != 2
        or not all(isinstance(s, numbers.Integral) for s in sides)
        or min(sides) < 1
        or min(sides) > _WIDEST
    ):
        raise ValueError(
            "transfer_matrix: shape must be (rows, columns), the shorter at "
            f"most {_WIDEST}; received {shape!r}. For a larger torus without "
            "field take torus_log_partition."
        )
    if len(periodic) != 2 or any(
        closed and side == 1
        for side, closed in zip(sides, periodic, strict=False)
    ):
        raise ValueError(
            "transfer_matrix: periodic must be a bool or two, and False for "
            f"a side of 1; received {periodic!r} for shape {sides}."
        )
    return sides, tuple(bool(p) for p in periodic)
