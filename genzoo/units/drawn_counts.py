"""Counts drawn exactly, each of them from the numbers of its own row.

Reference:
    Hoermann, "The transformed rejection method for generating Poisson random
    variables", Insurance: Mathematics and Economics 12, 1993.
"""

from collections.abc import Callable
from typing import Any

import tensorflow as tf
from keras import ops

from genzoo.runtime import random

# What is left of the probability when a search gives up: float32's rounding.
_REST = 1e-12


def search(
    uniform: tf.Tensor,
    mode: tf.Tensor,
    probability: tf.Tensor,
    up: Callable[[tf.Tensor], tf.Tensor],
    down: Callable[[tf.Tensor], tf.Tensor],
) -> tf.Tensor:
    """Counts by inversion, from the mode outwards: so few steps are made.

    Args:
        uniform: numbers in [0, 1), one for each count.
        mode: the likeliest count, or one near it.
        probability: that of the mode.
        up: function from k to p(k + 1) / p(k); 0 at the greatest.
        down: function from k to p(k - 1) / p(k); 0 at 0.

    Returns:
        Counts, in the shape and dtype of `uniform`.
    """

    def step(left, found, above, p_above, below, p_below, _):
        p_above *= up(above)
        above += 1
        is_above = (left >= 0) & (left < p_above)
        found = tf.where(is_above, above, found)
        left = tf.where(left >= 0, left - p_above, left)
        p_below *= down(below)
        below -= 1
        is_below = (left >= 0) & (left < p_below)
        found = tf.where(is_below, below, found)
        left = tf.where(left >= 0, left - p_below, left)
        going = (left >= 0) & (p_above + p_below > _REST)
        return left, found, above, p_above, below, p_below, going

    left = uniform - probability
    state = (left, mode, mode, probability, mode, probability, left >= 0)
    return tf.while_loop(
        lambda *state: tf.reduce_any(state[-1]),
        step,
        state,
        parallel_iterations=1,
    )[1]


def poisson(log_rate: tf.Tensor, seed: random.Seed) -> tf.Tensor:
    """Poisson counts of such rates, (rows, ...), addressed by row."""
    dtype = log_rate.dtype
    first, second = random.split(seed, 2)
    wide = tf.cast(log_rate, tf.float64)
    # Both are evaluated everywhere: each where it is good.
    low = tf.minimum(wide, tf.math.log(tf.constant(_FEW, tf.float64)))
    rate = tf.exp(low)
    mode = tf.floor(rate)
    log_p = mode * low - rate - tf.math.lgamma(mode + 1)
    # Not so small that 0 / rate is no number.
    rate = tf.maximum(tf.cast(rate, dtype), 1e-30)
    uniform = random.uniform(ops.shape(log_rate), first, dtype)
    few = search(
        uniform,
        tf.cast(mode, dtype),
        tf.cast(tf.exp(log_p), dtype),
        lambda k: rate / (k + 1),
        lambda k: tf.maximum(k, 0) / rate,
    )
    many = _rejected(wide, second)
    return tf.where(wide <= low, few, tf.cast(many, dtype))


# Up to this rate a search is short.
_FEW = 30.0
_MOST = 27.0


def _rejected(log_rate, seed):
    """Hoermann's transformed rejection, float64, for rates above _FEW."""
    is_many = tf.exp(log_rate) > _FEW
    # The others are not waited for; beyond are no whole numbers in float32.
    log_rate = tf.where(is_many, tf.minimum(log_rate, _MOST), 5.0)
    rate = tf.exp(log_rate)
    b = 0.931 + 2.53 * tf.sqrt(rate)
    a = -0.059 + 0.02483 * b
    inverse_alpha = 1.1239 + 1.1328 / (b - 3.4)
    shape = ops.shape(log_rate)

    def step(number, found, waiting):
        one, other = random.split(random.fold_in(seed, number), 2)
        u = random.uniform(shape, one, "float64") - 0.5
        v = 1 - random.uniform(shape, other, "float64")
        us = 0.5 - tf.abs(u)
        k = tf.floor((2 * a / us + b) * u + rate + 0.43)
        bound = k * log_rate - rate - tf.math.lgamma(k + 1)
        height = tf.math.log(v * inverse_alpha / (a / (us * us) + b))
        accepted = (k >= 0) & (height <= bound)
        found = tf.where(waiting & accepted, k, found)
        return number + 1, found, waiting & ~accepted

    start: Any = (tf.zeros((), tf.int32), tf.zeros_like(rate), is_many)
    return tf.while_loop(
        lambda number, found, waiting: tf.reduce_any(waiting),
        step,
        start,
        parallel_iterations=1,
    )[1]
