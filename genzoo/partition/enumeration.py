"""log Z and expectations by enumerating the joint states of one layer.

Given the state s of one layer the other is summed in closed form, so that
Z = sum_s w(s), log w(s) = a(s) + log-cumulant(field(s)).
"""

import math
from collections.abc import Callable

import tensorflow as tf

# Elements of the widest array held at once: 4 MiB, which a cache can hold.
_CHUNK_ELEMENTS = 2**19


def expectation(
    states: Callable[[tf.Tensor, int], tf.Tensor],
    state_count: int,
    width: int,
    log_weight: Callable[[tf.Tensor], tf.Tensor],
    statistics: Callable[[tf.Tensor, tf.Tensor], list[tf.Tensor]] | None = None,
) -> tuple[tf.Tensor, list[tf.Tensor]]:
    """log Z, and averages of statistics over the states, in float64.

    The sums are made in chunks, relative to the greatest weight so far.

    Args:
        states: function `(start, count)` to states (count, size), float64;
            what it gives beyond the last state is ignored.
        state_count: number of states, an int.
        width: length of the longest vector computed for one state.
        log_weight: function from states to log w, shape (count,).
        statistics: function `(states, weights)` to a list of tensors, each
            `sum_s weights[s] statistic(s)`; None if only log Z is wanted.

    Returns:
        (log_z, averages): a float64 scalar and a list of tensors.
    """
    chunk = min(max(_CHUNK_ELEMENTS // width, 1), state_count)
    # As many in each, so that the last one is not mostly empty.
    chunk = math.ceil(state_count / math.ceil(state_count / chunk))

    def sums(start, largest):
        block = states(start, chunk)
        log_w = log_weight(block)
        numbers = start + tf.range(chunk, dtype=tf.int64)
        log_w = tf.where(numbers < state_count, log_w, -float("inf"))
        largest = tf.maximum(largest, tf.reduce_max(log_w))
        weights = tf.exp(log_w - largest)
        values = statistics(block, weights) if statistics else []
        return largest, [tf.reduce_sum(weights), *values]

    start = tf.zeros((), tf.int64)
    lowest = tf.constant(tf.float64.min, tf.float64)
    largest, totals = sums(start, lowest)
    if chunk < state_count:

        def body(start, largest, totals):
            new, values = sums(start, largest)
            shrink = tf.exp(largest - new)
            totals = [
                total * shrink + value
                for total, value in zip(totals, values, strict=True)
            ]
            return start + chunk, new, totals

        _, largest, totals = tf.while_loop(
            lambda start, *_: start < state_count,
            body,
            (start + chunk, largest, totals),
            parallel_iterations=1,
        )
    total, *values = totals
    return largest + tf.math.log(total), [value / total for value in values]
