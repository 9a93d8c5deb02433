"""Leaps of hidden units between modes, to states that data may have."""

from typing import Any

import tensorflow as tf
from keras import ops

from genzoo.models.rbm.machine import Machine
from genzoo.runtime import random

# The share of leaps to what is seen in the midst of a batch, in no row of it.
_MIDST = 0.1


class Leaps:
    """Proposals h of `q(h) = sum_b w_b p(h | v_b)`, taken by Metropolis's rule.

    Where data have modes far apart sweeps do not pass between them, and
    differences of two examples lead from one to another only if the modes are
    narrow beside their distances in each column. Drawn given an example, h is
    in a mode of the data; beside the exact p(h) it is taken as often as the
    model says. The better the model, the nearer q is to p(h): of a good one
    nearly all are taken. Rows of a batch do not depend on the chains, so that
    the model's distribution is left as it is.

    Args:
        machine: the `Machine`.
        fields: W' v of a batch, (rows, hidden.width), the same on all replicas.
        weight: of these rows, or None.

    Reference:
        Tierney, "Markov chains for exploring posterior distributions", Annals
        of Statistics 22, 1994: independence chains.
    """

    def __init__(
        self, machine: Machine, fields: tf.Tensor, weight: tf.Tensor | None
    ):
        self.machine = machine
        if weight is None:
            weight = tf.ones(tf.shape(fields)[0], fields.dtype)
        share = weight / tf.reduce_sum(weight)
        midst = tf.linalg.matvec(fields, share, transpose_a=True)
        self._fields = tf.concat([fields, midst[None]], axis=0)
        self._shares = tf.concat([(1 - _MIDST) * share, [_MIDST]], axis=0)
        cumulant = machine.hidden.log_cumulant(self._fields)
        self._level = tf.math.log(self._shares) - cumulant

    def draw(self, n: Any, seed: random.Seed) -> tf.Tensor:
        """n hidden states of q, (n, hidden.width)."""
        which, own = random.split(seed, 2)
        ends = tf.cumsum(tf.cast(self._shares, tf.float64))
        place = random.uniform((n, 1), which, "float64")[:, 0] * ends[-1]
        row = tf.searchsorted(ends, place, side="right")
        row = tf.minimum(row, tf.size(ends) - 1)
        return self.machine.hidden.sample(tf.gather(self._fields, row), own)

    def log_density(self, h: tf.Tensor) -> tf.Tensor:
        """log q(h), less the hidden units' own potential, (n,)."""
        joint = tf.matmul(h, self._fields, transpose_b=True)
        return tf.reduce_logsumexp(joint + self._level, axis=1)

    def __call__(
        self, h: tf.Tensor, seed: random.Seed, dtype: Any = None
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Hidden states after each may have leapt, and their fields W h.

        Args:
            h: hidden states of chains, (n, hidden.width).
            seed: a `runtime.random.Seed`, at the row of the chains.
            dtype: in which products with the kernel are made.
        """
        first, second = random.split(seed, 2)
        states = h, self.draw(tf.shape(h)[0], first)
        fields = [self.machine.visible_field(own, dtype) for own in states]
        # The hidden units' own potential is in p and in q.
        excess = [
            self.machine.visible.log_cumulant(field)
            - self.log_density(ops.cast(own, field.dtype))
            for own, field in zip(states, fields, strict=True)
        ]
        uniform = random.uniform((tf.shape(h)[0], 1), second)
        gain = excess[1] - excess[0]
        taken = tf.math.log(ops.cast(uniform, gain.dtype)) < gain[:, None]
        taken_h, taken_field = (
            tf.where(taken, new, old) for old, new in (states, fields)
        )
        return taken_h, taken_field
