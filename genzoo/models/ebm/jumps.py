"""Moves of chains between modes, which know where data are.

Rows of a batch do not depend on the chains, so that Metropolis's rule leaves
the model's distribution as it is. Chains that cannot mix would let the
weights of modes drift, and those that cannot move at all would be pushed up
for ever.

Reference:
    ter Braak, "A Markov chain Monte Carlo version of the genetic algorithm
    differential evolution", Statistics and Computing 16, 2006.
"""

import math
from typing import Any

import numpy as np
import tensorflow as tf

from genzoo.models.ebm.energy import Energy
from genzoo.runtime import random

# One chain in so many is moved, by each of the two.
_JUMPING = 8
# Of drawn places, the share that is the reference's.
_ELSEWHERE = 0.1
# Of kernels about examples, in the units in which the network sees x.
_NARROW, _WIDE = 0.02, 0.5


class Jumps:
    """Jumps of the real sites of chains.

    Args:
        energy: the `Energy`.
    """

    def __init__(self, energy: Energy):
        self.energy = energy
        self.space = energy.space
        self.is_real = np.zeros(self.space.width, bool)
        self.is_real[self.space.real_sites] = True

    def __call__(
        self, states: tf.Tensor, data: tf.Tensor, seed: random.Seed
    ) -> tf.Tensor:
        """States after some chains have jumped.

        Args:
            states: of the chains, (chains, width).
            data: examples, (rows, width), the same on all replicas.
            seed: a `runtime.random.Seed`, addressed by the chains.
        """
        first, second = random.split(seed, 2)
        states = self._by_difference(states, data, first)
        return self._by_draw(states, data, second)

    def _by_difference(self, states, data, seed):
        """By the difference of two examples, as likely as its opposite."""
        first, second = random.split(seed, 2)
        rows = tf.gather(data, _places(states, data, 2, first))
        proposed = states + rows[:, 0] - rows[:, 1]
        return self._chosen(states, proposed, 0.0, second)

    def _by_draw(self, states, data, seed):
        """To a place near an example, or one of the reference."""
        which, width, noise, last, base = random.split(seed, 5)
        # One width for all: it does not depend on where they are.
        share = random.uniform((1, 1), width.at_row(0))[0, 0]
        size = _NARROW * (_WIDE / _NARROW) ** share * self._units()
        row = tf.gather(data, _places(states, data, 1, which)[:, 0])
        normal = random.normal(tf.shape(states), noise, states.dtype)
        fresh = self.energy.reference.sample(tf.shape(states)[0], base)
        other = random.uniform((tf.shape(states)[0], 1), last)
        proposed = tf.where(other < _ELSEWHERE, fresh, row + size * normal)
        proposed = tf.where(self.is_real, proposed, states)
        ratio = self._log_density(states, data, size)
        ratio -= self._log_density(proposed, data, size)
        return self._chosen(states, proposed, ratio, random.fold_in(last, 1))

    def _units(self):
        return self.energy.units(tf.float32)

    def _log_density(self, x, data, size):
        """log of the density of the drawn places, but for a constant."""
        z, centres = (
            tf.boolean_mask(part / size, self.is_real, axis=1)
            for part in (x, data)
        )
        # |z - c|^2 term by term: both may be large.
        square = tf.reduce_sum((z[:, None] - centres[None]) ** 2, axis=-1)
        count = int(self.is_real.sum())
        size = tf.boolean_mask(size, self.is_real)
        norm = 0.5 * count * math.log(2 * math.pi)
        norm += tf.reduce_sum(tf.math.log(size))
        rows = tf.cast(tf.shape(data)[0], x.dtype)
        near = tf.reduce_logsumexp(-0.5 * square, axis=1)
        near -= norm + tf.math.log(rows)
        seen = tf.broadcast_to(self.is_real, tf.shape(x))
        far = self.energy.reference.log_prob(x, seen)
        both = [near + math.log(1 - _ELSEWHERE), far + math.log(_ELSEWHERE)]
        return tf.reduce_logsumexp(both, axis=0)

    def _chosen(self, states, proposed, log_ratio: Any, seed):
        """Metropolis's choice of some chains."""
        low, high = (
            end.astype(np.float32) for end in (self.space.low, self.space.high)
        )
        proposed = tf.where(self.is_real, proposed, states)
        inside = tf.reduce_all((proposed >= low) & (proposed <= high), axis=1)
        held = tf.where(inside[:, None], proposed, states)
        gain = self.energy(states) - self.energy(held) + log_ratio
        uniform = random.uniform((tf.shape(states)[0], 2), seed)
        accepted = (
            inside
            & (tf.math.log(uniform[:, 0]) < gain)
            & (uniform[:, 1] < 1 / _JUMPING)
        )
        return tf.where(accepted[:, None], proposed, states)


def _places(states, data, count, seed):
    """Numbers of rows of data for each chain, (chains, count)."""
    rows = tf.shape(data)[0]
    share = random.uniform((tf.shape(states)[0], count), seed, "float64")
    places = tf.cast(share * tf.cast(rows, share.dtype), tf.int32)
    return tf.minimum(places, rows - 1)
