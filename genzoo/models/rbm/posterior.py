"""The unknown part of visible states, the hidden layer summed over."""

import numpy as np
import tensorflow as tf
from keras import ops

from genzoo.models.common.posterior import (
    Posterior,
    by_completions,
    completion_count,
)
from genzoo.models.rbm.machine import Machine
from genzoo.runtime import random
from genzoo.types import Array
from genzoo.units.clamped import Clamped

# Numbers that are held at once.
_ELEMENTS = 2**22


def cost(machine: Machine, seen: Array) -> tuple[float, float]:
    """Terms of the sums over completions, and over the hidden states."""
    hidden, width = machine.hidden, machine.example_width
    completions = completion_count(machine.visible.choices(), seen)
    states = hidden.state_count
    of_hidden = np.inf if states is None else float(states) * len(seen) * width
    return completions * max(hidden.width, width), of_hidden


def posterior(
    machine: Machine, x: Array, seen: Array, seed: random.Seed
) -> Posterior:
    """The `Posterior` of states by the cheaper of the two sums, float64.

    Args:
        machine: the `Machine`.
        x: states, (rows, width).
        seen: bool, (rows, width).
        seed: of the draws.
    """
    completions, of_hidden = cost(machine, seen)
    first, second = random.split(seed, 2)
    uniform = random.uniform((len(x), 1), first, "float64").numpy()[:, 0]
    if completions <= of_hidden:
        found = by_completions(
            lambda states: _energy(machine, states),
            machine.visible.choices(),
            np.asarray(x, np.float64),
            seen,
            uniform,
        )
    else:
        found = _by_hidden(machine, x, seen, uniform, second)
    # Densities of examples in what is seen.
    scale = machine.visible.log_scale_of(tf.constant(seen)).numpy()
    return found._replace(log_sum=found.log_sum - scale)


def _energy(machine, states):
    """E of states, the hidden layer summed out, in float64."""
    parts = []
    kernel = tf.cast(machine.kernel, tf.float64)
    size = max(_ELEMENTS // max(machine.width, 1), 1)
    for start in range(0, len(states), size):
        v = tf.constant(states[start : start + size], tf.float64)
        cumulant = machine.hidden.log_cumulant(tf.matmul(v, kernel))
        parts.append(-(machine.visible.potential(v) + cumulant).numpy())
    return np.concatenate(parts)


def _by_hidden(machine, x, seen, uniform, seed):
    rows = max(_ELEMENTS // machine.hidden.state_count, 1)
    parts = []
    for start in range(0, len(x), rows):
        some = slice(start, start + rows)
        parts.append(
            _part(
                machine, x[some], seen[some], uniform[some], seed.at_row(start)
            )
        )
    return Posterior(
        *(np.concatenate(each) for each in zip(*parts, strict=True))
    )


def _part(machine, x, seen, uniform, seed):
    hidden, visible = machine.hidden, machine.visible
    kernel = tf.cast(machine.kernel, tf.float64)
    left = Clamped(visible, tf.constant(x, tf.float64), tf.constant(seen))
    unknown = tf.cast(~visible.by_unit(left.seen), tf.float64)
    count = hidden.state_count
    size = max(_ELEMENTS // machine.example_width, 1)

    def fields():
        for start in range(0, count, size):
            states = hidden.states(start, min(size, count - start), "float64")
            yield states, tf.matmul(states, kernel, transpose_b=True)

    log_w = []
    for states, field in fields():
        of_seen = tf.matmul(left.known, field, transpose_b=True)
        cumulant = visible.unit_log_cumulant(field)
        of_rest = tf.matmul(unknown, cumulant, transpose_b=True)
        log_w.append(of_seen + of_rest + hidden.potential(states))
    log_w = tf.concat(log_w, axis=1) + visible.potential(left.known)[:, None]
    weights = tf.nn.softmax(log_w)
    mean, at = tf.zeros(x.shape, tf.float64), 0
    for states, field in fields():
        own = weights[:, at : at + len(states)]
        mean += tf.matmul(own, visible.mean(field))
        at += len(states)
    ends = tf.cumsum(weights, axis=1)
    place = tf.constant(uniform)[:, None] * ends[:, -1:]
    chosen = tf.searchsorted(ends, place, side="right")[:, 0]
    chosen = tf.cast(tf.minimum(chosen, count - 1), tf.int64)
    states = hidden.states(chosen, 1, "float64")
    field = tf.matmul(states, kernel, transpose_b=True)
    drawn = left.sample(tf.cast(field, machine.dtype), seed)
    log_sum = tf.reduce_logsumexp(log_w, axis=1)
    mean = tf.where(left.seen, left.known, mean)
    return log_sum.numpy(), mean.numpy(), drawn.numpy()


# Joint states of a layer that are summed over for each batch.
_FEW = 2**12


def few_states(machine: Machine) -> tuple[tf.Tensor, bool] | None:
    """All states of a layer that has few, and whether it is the hidden one."""
    for unit, is_hidden in ((machine.hidden, True), (machine.visible, False)):
        count = unit.state_count
        if count is not None and count <= _FEW:
            return unit.states(0, count, machine.dtype), is_hidden
    return None


def log_sum(
    machine: Machine,
    x: tf.Tensor,
    seen: tf.Tensor,
    states: tuple[tf.Tensor, bool],
) -> tf.Tensor:
    """log of the sum of exp(-E) over what is unknown, (rows,), in graphs.

    Args:
        machine: the `Machine`.
        x: states, (rows, width).
        seen: bool, (rows, width).
        states: what `few_states` gives.
    """
    listed, is_hidden = states
    visible = machine.visible
    kernel = tf.convert_to_tensor(machine.kernel.value)
    if not is_hidden:
        log_w = visible.potential(listed) + machine.hidden.log_cumulant(
            tf.matmul(listed, kernel)
        )
        other = seen[:, None] & (listed[None] != x[:, None])
        agrees = ~tf.reduce_any(other, axis=2)
        lowest = log_w.dtype.min / 4
        return tf.reduce_logsumexp(tf.where(agrees, log_w, lowest), axis=1)
    left = Clamped(visible, x, seen)
    field = tf.matmul(listed, kernel, transpose_b=True)
    unknown = tf.cast(~visible.by_unit(seen), field.dtype)
    log_w = tf.matmul(left.known, field, transpose_b=True)
    cumulant = visible.unit_log_cumulant(field)
    log_w += tf.matmul(unknown, cumulant, transpose_b=True)
    log_w += machine.hidden.potential(listed)
    return tf.reduce_logsumexp(log_w, axis=1) + visible.potential(left.known)


# Where each row has biases of its own ---------------------------------------


def by_row(machine: Machine, states: tuple[tf.Tensor, bool]) -> tf.Tensor:
    """-E of each row with each state of a layer, the other summed over.

    Args:
        machine: the `Machine`, of layers that differ from row to row.
        states: what `few_states` gives.

    Returns:
        (rows, states).
    """
    listed, is_hidden = states
    kernel = ops.cast(machine.kernel, listed.dtype)
    small, large = machine.visible, machine.hidden
    field = tf.matmul(listed, kernel, transpose_b=is_hidden)
    if is_hidden:
        small, large = large, small
    count = tf.shape(listed)[0]
    rows = tf.shape(machine.hidden.shift)[0]
    each, field = (tf.tile(part, (rows, 1)) for part in (listed, field))
    log_w = small.repeated(count).potential(each)
    log_w += large.repeated(count).log_cumulant(field)
    log_w = tf.reshape(log_w, (-1, count))
    if is_hidden or not isinstance(small, Clamped):
        return log_w
    known = ops.cast(small.known, listed.dtype)[:, None]
    other = small.seen[:, None] & (listed[None] != known)
    lowest = log_w.dtype.min / 4
    return tf.where(tf.reduce_any(other, axis=2), lowest, log_w)


def drawn_by_row(
    machine: Machine, listed: tf.Tensor, uniform: Array, seed: random.Seed
) -> Posterior:
    """What is unknown of rows of a machine that is clamped, float64.

    Args:
        machine: the clamped `Machine`, of layers that differ from row to row;
            of one row for all draws, or as many.
        listed: the states of the hidden layer, float64.
        uniform: numbers in [0, 1), one for each draw.
        seed: of the draws of visible units.
    """
    log_w = by_row(machine, (listed, True))
    weights = tf.nn.softmax(log_w)
    ends = tf.cumsum(weights, axis=1)
    place = tf.constant(uniform)[:, None] * ends[:, -1:]
    if len(ends) == 1:
        place = tf.reshape(place, (1, -1))
    chosen = tf.searchsorted(ends, place, side="right")
    chosen = tf.minimum(tf.reshape(chosen, (-1,)), len(listed) - 1)
    states = tf.gather(listed, chosen)
    kernel = tf.cast(machine.kernel, tf.float64)
    left = machine.visible
    field = tf.matmul(states, kernel, transpose_b=True)
    drawn = left.sample(tf.cast(field, machine.dtype), seed)
    field = tf.matmul(listed, kernel, transpose_b=True)
    field = tf.tile(field, (len(log_w), 1))
    means = left.repeated(len(listed)).mean(field)
    means = tf.reshape(means, (*log_w.shape, -1))
    mean = tf.reduce_sum(weights[..., None] * means, axis=1)
    log_sum = tf.reduce_logsumexp(log_w, axis=1)
    log_sum = tf.broadcast_to(log_sum, (len(uniform),))
    mean = tf.broadcast_to(mean, drawn.shape)
    return Posterior(log_sum.numpy(), mean.numpy(), drawn.numpy())
