"""Independent draws of an RBM, by a sum over its smaller layer."""

from typing import Any

import tensorflow as tf

from genzoo.models.rbm.machine import Machine
from genzoo.runtime import random, weights
from genzoo.runtime.graph import Graph

_COUNT = tf.TensorSpec((), tf.int32)
_KEY = tf.TensorSpec((2,), tf.int64)
_ROW = tf.TensorSpec((), tf.int64)
_SCALAR = tf.TensorSpec((), tf.float32)
_VECTOR = tf.TensorSpec((None,), tf.float64)


class ExactDraws:
    """Draws of v from `p(v, h)^beta`, compiled when they are first made.

    Args:
        machine: the `Machine`.
    """

    def __init__(self, machine: Machine):
        self.machine = machine
        self._known: tuple[Any, tf.Tensor] | None = None
        # At 1 units of any kind can be drawn.
        self._sums = {
            True: Graph(lambda beta: self._cumulative(1.0), _SCALAR),
            False: Graph(self._cumulative, _SCALAR),
        }
        rest = (_COUNT, _KEY, _ROW, _VECTOR)
        self._picks = {
            True: Graph(lambda beta, *of: self._pick(1.0, *of), _SCALAR, *rest),
            False: Graph(self._pick, _SCALAR, *rest),
        }

    def at(self, beta: float) -> Any:
        """A function `(n, seed)` to visible states, in graphs or not."""
        at_one, heat = beta == 1, tf.constant(beta, tf.float32)

        def draw(n, seed):
            if tf.inside_function():
                found = self._sums[at_one](heat)
            else:
                found = self._sum(beta)
            count = tf.convert_to_tensor(n, tf.int32)
            row = tf.cast(seed.row, tf.int64)
            return self._picks[at_one](heat, count, seed.key, row, found)

        return draw

    def _sum(self, beta):
        """The sum at these weights, kept while they are the same."""
        machine = self.machine
        units = machine.visible.weights + machine.hidden.weights
        of = beta, weights.fingerprint([machine.kernel, *units])
        if self._known is None or self._known[0] != of:
            heat = tf.constant(beta, tf.float32)
            self._known = of, self._sums[beta == 1](heat)
        return self._known[1]

    def _cumulative(self, beta):
        return self.machine.layers(beta).cumulative()

    def _pick(self, beta, n, key, row, cumulative):
        seed = random.Seed(key, row)
        return self.machine.layers(beta).exact_visible(n, seed, cumulative)
