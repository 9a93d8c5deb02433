"""Examples of which some is unknown: sums over it, and draws of it."""

from collections.abc import Callable

import tensorflow as tf

from genzoo.models.ebm.sums import ROWS, Sums
from genzoo.models.ebm.walker import Walker
from genzoo.runtime import random

# Draws of the reference, of which one is taken by its weight.
_CANDIDATES = 32


class Completions:
    """All that rows may be: what is seen, and each state of what is not.

    Rows have as many completions as the sites that are not seen have states
    together; of a continuous site these are the nodes of the integral for
    log Z. They are numbered row after row.

    Args:
        sums: the `Sums` of the space.
        states: rows, (rows, width).
        seen: which of their sites are known, bool (rows, width).
    """

    def __init__(self, sums: Sums, states: tf.Tensor, seen: tf.Tensor):
        self.energy = sums.energy
        self.grid = sums.grid()
        self.states = tf.cast(states, tf.float64)
        self.seen = seen
        self.rows = tf.shape(states)[0]
        # Where nothing is seen there is the sum of all, which is known.
        self.is_void = ~tf.reduce_any(seen, axis=1)
        sizes = tf.constant(self.grid.sizes, tf.int64)
        is_one = seen | self.is_void[:, None]
        self._sizes = tf.where(is_one, tf.ones_like(sizes), sizes)
        self._strides = tf.math.cumprod(
            self._sizes, axis=1, exclusive=True, reverse=True
        )
        counts = tf.reduce_prod(self._sizes, axis=1)
        self._ends = tf.cumsum(counts)
        self._firsts = self._ends - counts
        self.count = tf.reduce_sum(counts)

    def _part(self, start):
        """(rows, states, log-weights) of some completions, from one on."""
        numbers = tf.range(start, tf.minimum(start + ROWS, self.count))
        row = tf.searchsorted(self._ends, numbers, side="right")
        own = (numbers - tf.gather(self._firsts, row))[:, None]
        digits = own // tf.gather(self._strides, row)
        digits %= tf.gather(self._sizes, row)
        seen = tf.gather(self.seen, row)
        states = tf.where(
            seen, tf.gather(self.states, row), self.grid.at(digits)
        )
        return row, states, self.grid.log_weights_at(digits, ~seen)

    def _loop(self, body: Callable, *totals: tf.Tensor):
        """The totals after all completions, some at a time."""
        return tf.while_loop(
            lambda start, *_: start < self.count,
            lambda start, *totals: (start + ROWS, *body(start, *totals)),
            (tf.zeros((), tf.int64), *totals),
            parallel_iterations=1,
        )[1:]

    def log_sums(self, log_z: Callable[[], tf.Tensor]) -> tf.Tensor:
        """log of the sum of exp(-E) over what is not seen, float64 (rows,).

        Args:
            log_z: gives that over all, for rows of which nothing is seen.
        """

        def body(start, largest, total):
            row, states, log_w = self._part(start)
            log_w -= tf.cast(self.energy(states), tf.float64)
            of_part = tf.math.unsorted_segment_max(log_w, row, self.rows)
            new = tf.maximum(largest, of_part)
            own = tf.exp(log_w - tf.gather(new, row))
            found = tf.math.unsorted_segment_sum(own, row, self.rows)
            return new, total * tf.exp(largest - new) + found

        zero = tf.zeros((self.rows,), tf.float64)
        lowest = zero + tf.float64.min
        largest, total = self._loop(body, lowest, zero)
        of_all = tf.cond(
            tf.reduce_any(self.is_void),
            lambda: tf.cast(log_z(), tf.float64),
            lambda: tf.zeros((), tf.float64),
        )
        return tf.where(self.is_void, of_all, largest + tf.math.log(total))

    def slope(
        self, shares: tf.Tensor, log_sums: tf.Tensor, parameters: list
    ) -> list[tf.Tensor]:
        """`sum_b share_b < dE / d(parameters) >` given what is seen of row b.

        Of rows of which nothing is seen there is none in it.

        Args:
            shares: of the rows, (rows,).
            log_sums: what the method of this name gives.
            parameters: tensors.
        """
        shares = tf.where(self.is_void, 0.0, shares)
        shares = tf.cast(shares, tf.float64)

        def body(start, *totals):
            row, states, log_w = self._part(start)
            with tf.GradientTape() as tape:
                energy = tf.cast(self.energy(states), tf.float64)
                log_p = log_w - energy - tf.gather(log_sums, row)
                weights = tf.gather(shares, row) * tf.exp(log_p)
                value = tf.reduce_sum(energy * tf.stop_gradient(weights))
            found = tape.gradient(
                value,
                parameters,
                unconnected_gradients=tf.UnconnectedGradients.ZERO,
            )
            return [
                total + tf.cast(own, tf.float64)
                for total, own in zip(totals, found, strict=True)
            ]

        zeros = [tf.zeros(p.shape, tf.float64) for p in parameters]
        return [
            tf.cast(own, p.dtype)
            for own, p in zip(self._loop(body, *zeros), parameters, strict=True)
        ]


def drawn(
    walker: Walker,
    states: tf.Tensor,
    seen: tf.Tensor,
    seed: random.Seed,
    steps: int,
) -> tf.Tensor:
    """Rows whose unknown part is drawn from the model given what is seen.

    It begins as one of some draws of the reference, taken by its weight, and
    walks while what is seen is held.

    Args:
        walker: the chains.
        states: rows, (rows, width).
        seen: which of their sites are known, bool (rows, width).
        seed: a `runtime.random.Seed`, addressed by the rows.
        steps: sweeps.
    """
    reference, rows = walker.reference, tf.shape(states)[0]
    first, last = random.split(seed, 2)

    def body(number, kept, best):
        noise, place = random.split(random.fold_in(first, number), 2)
        found = tf.where(seen, states, reference.sample(rows, place))
        log_w = -walker.energy(found) - reference.log_prob(found)
        uniform = random.uniform((rows, 1), noise)[:, 0]
        # The greatest of these is one by its weight.
        height = log_w - tf.math.log(-tf.math.log(uniform))
        kept = tf.where((height > best)[:, None], found, kept)
        return number + 1, kept, tf.maximum(height, best)

    lowest = tf.fill((rows,), tf.float32.min)
    _, start, _ = tf.while_loop(
        lambda number, *_: number < _CANDIDATES,
        body,
        (tf.zeros((), tf.int32), states, lowest),
        parallel_iterations=1,
    )
    return walker.clamped(states, seen).walk(start, last, steps)
