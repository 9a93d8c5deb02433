"""Independent draws of any density on a space that can be summed over."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from genzoo.runtime import random
from genzoo.samplers.chain import run
from genzoo.samplers.independence import independence, independence_start
from genzoo.spaces import Grid

# Points whose densities are found at once.
_POINTS = 2**16
_CORRECTIONS = 12


def draw_cells(
    grid: Grid,
    log_density: Callable[[tf.Tensor], tf.Tensor],
    n: Any,
    seed: random.Seed,
    is_integral: bool,
    points: int = _POINTS,
) -> tf.Tensor:
    """n independent states, (n, width), float64.

    A point is drawn by its probability, then a place in its cell, which for a
    level is the point itself; a continuous site is then corrected by
    Metropolis-Hastings steps with such draws as proposals.

    Args:
        grid: the `Grid` of the space.
        log_density: function from states, (rows, width) in float64, to log p
            but for a constant, (rows,).
        n: how many, an int or a tensor.
        seed: a `runtime.random.Seed`.
        is_integral: whether a site is continuous.
        points: of the grid that are looked at together.
    """
    size = min(grid.count, points)

    def log_masses(start):
        of_points = log_density(grid.points(start, size))
        return of_points + grid.log_weights(start, size)

    if size == grid.count:
        log_p = log_masses(0)
    else:
        # A loop: a graph of each part would take seconds to be made.
        log_p = tf.map_fn(
            log_masses,
            tf.range(0, grid.count, size, dtype=tf.int64),
            fn_output_signature=tf.TensorSpec((size,), tf.float64),
            parallel_iterations=1,
        )
        # Numbers beyond the last begin again with the first.
        log_p = tf.reshape(log_p, (-1,))[: grid.count]
    cumulative = tf.cumsum(tf.exp(log_p - tf.reduce_max(log_p)))

    def propose(seed, n):
        first, second = random.split(seed, 2)
        share = random.uniform((n, 1), first, "float64")[:, 0]
        share *= cumulative[-1]
        number = tf.searchsorted(cumulative, share, side="right")
        number = tf.minimum(number, grid.count - 1)
        digits = grid.digits(number)
        low, high = grid.cells(digits)
        shape = (n, len(grid.axes))
        share = random.uniform(shape, second, "float64")
        x, log_slope = grid.inside(low + (high - low) * share)
        # Even in the cell, so less dense in x where it is stretched.
        nodes = grid.at(digits)
        at_node = grid.log_slopes(digits) - log_slope
        return x, log_density(nodes) + at_node

    first, second = random.split(seed, 2)
    if not is_integral:
        return propose(first, n)[0]
    state = independence_start(log_density, propose, first, n)
    step = independence(log_density, propose)
    return run(step, second, state, _CORRECTIONS).x
