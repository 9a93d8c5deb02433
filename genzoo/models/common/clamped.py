"""Chains of the unknown part of examples, what is known being held."""

from typing import Any

import tensorflow as tf

from genzoo import partition
from genzoo.models.common.walks import GROUP, divided
from genzoo.runtime import random
from genzoo.runtime.graph import Graph

_KEY = tf.TensorSpec((2,), tf.int64)
_ROW = tf.TensorSpec((), tf.int64)
_COUNT = tf.TensorSpec((), tf.int32)


class ClampedWalks:
    """Walks of a model's chains given some of each state, compiled once.

    Args:
        walker: a `common.walks.Walker` with `clamped(x, seen)`, the walker of
            what is left when some numbers of the rows x are known; it has
            `expected(states)`, the mean example of chains' states.
    """

    def __init__(self, walker: Any):
        self.walker = walker
        self._graphs: dict[str, Graph] = {}

    def _run(self, name, function, *arguments):
        """What a function gives as a graph, for rows and the path's inputs."""
        inputs = self.walker.path_inputs()
        tensors = [tf.convert_to_tensor(value) for value in arguments]
        if name not in self._graphs:
            shapes = [
                tf.TensorSpec(
                    (None, *t.shape[1:]) if t.shape.rank else (), t.dtype
                )
                for t in tensors
            ]
            shapes += [tf.TensorSpec(t.shape, t.dtype) for t in inputs]
            self._graphs[name] = Graph(function, *shapes)
        return self._graphs[name](*tensors, *inputs)

    def draw(
        self,
        n: int,
        x: tf.Tensor,
        seen: tf.Tensor,
        seed: random.Seed,
        steps: int,
    ) -> tf.Tensor:
        """States of n chains after annealing and sweeps, (n, width).

        Args:
            n: how many; that of the rows of x, or x is one row for all.
            x: states, (rows, width).
            seen: which of them are known, bool (rows, width).
            seed: a `runtime.random.Seed`.
            steps: sweeps, of which the first half are annealed.
        """
        annealed, walked = divided(steps)
        same = len(x) == 1
        return self._run(
            f"draw {same}",
            self._of_one if same else self._of_rows,
            tf.constant(n),
            *self._rows(x, seen, seed),
            tf.constant(annealed),
            tf.constant(walked),
        )

    def _of_rows(self, n, x, seen, key, row, annealed, walked, *inputs):
        seed = random.Seed(key[0], row)
        begin, last = random.split(seed, 2)
        walker = self.walker.clamped(x, seen)
        states = _start(walker, n, begin, annealed, inputs)
        return walker.walk(states, last, walked)

    def _of_one(self, n, x, seen, key, row, annealed, walked, *inputs):
        # Whole groups, in which chains are copied by weight.
        skipped = tf.cast(row % GROUP, tf.int32)
        whole = -(-(skipped + n) // GROUP) * GROUP
        seed = random.Seed(key[0], row - tf.cast(skipped, tf.int64))
        begin, last = random.split(seed, 2)
        x, seen = (tf.repeat(part, whole, axis=0) for part in (x, seen))
        walker = self.walker.clamped(x, seen)
        groups = whole // GROUP
        states = _start(walker, whole, begin, annealed, inputs, groups)
        return walker.walk(states, last, walked)[skipped : skipped + n]

    def served(
        self, x: tf.Tensor, seen: Any, seed: Any, steps: Any, inputs: list
    ) -> Any:
        """What `draw` gives for rows, in a graph of another's.

        The inputs are those of the walker's path.
        """
        annealed, walked = divided(steps)
        row = tf.zeros((), tf.int64)
        return self._of_rows(
            tf.shape(x)[0],
            tf.cast(x, self.walker.dtype),
            seen,
            seed.key[None],
            row,
            annealed,
            walked,
            *inputs,
        )

    def mean(
        self, x: tf.Tensor, seen: tf.Tensor, seed: random.Seed, steps: int
    ) -> tf.Tensor:
        """<x> given what is seen, averaged along a chain of each row."""
        annealed, walked = divided(steps)
        return self._run(
            "mean",
            self._mean,
            *self._rows(x, seen, seed),
            tf.constant(annealed),
            tf.constant(walked),
        )

    def _rows(self, x, seen, seed):
        """Rows, what of them is known, and where their draws begin."""
        x = tf.cast(x, self.walker.dtype)
        return x, seen, seed.key[None], tf.cast(seed.row, tf.int64)

    def _mean(self, x, seen, key, row, annealed, walked, *inputs):
        begin, last = random.split(random.Seed(key[0], row), 2)
        walker = self.walker.clamped(x, seen)
        n = tf.shape(x)[0]
        states = _start(walker, n, begin, annealed, inputs)

        def body(number, states, total):
            states, _ = walker.sweep(states, random.fold_in(last, number))
            found = walker.expected(states)
            return number + 1, states, total + tf.cast(found, tf.float64)

        zero = tf.zeros((n, walker.example_width), tf.float64)
        first = tf.zeros((), tf.int32)
        _, _, total = tf.while_loop(
            lambda number, *_: number < walked, body, (first, states, zero)
        )
        return total / tf.cast(tf.maximum(walked, 1), tf.float64)

    def log_weights(
        self, x: tf.Tensor, seen: tf.Tensor, seed: random.Seed, betas: Any
    ) -> tf.Tensor:
        """log-weights whose mean is the sum of exp(-E) over what is unknown.

        Of states, by annealed importance sampling; float64, (rows,).
        """
        return self._run(
            "weights",
            self._log_weights,
            *self._rows(x, seen, seed),
            tf.cast(betas, tf.float32),
        )

    def _log_weights(self, x, seen, key, row, betas, *inputs):
        begin, along = random.split(random.Seed(key[0], row), 2)
        path = self.walker.clamped(x, seen).path(*inputs)
        walkers = path.at(path.draw(tf.shape(x)[0], begin))
        found = partition.anneal(path, walkers, betas, along).log_weights
        return found + tf.cast(path.log_partitions_start(), tf.float64)


def _start(walker, n, seed, steps, inputs, groups=None):
    """States of chains at the end of the path, copied within groups if any."""
    begin, along, last = random.split(seed, 3)
    path = walker.path(*inputs)
    walkers = path.at(path.draw(n, begin))
    betas = tf.linspace(0.0, 1.0, tf.maximum(steps, 2))
    if groups is None:
        end = partition.anneal(path, walkers, betas, along)
    else:
        end = partition.anneal_islands(path, walkers, betas, along, groups)
    if hasattr(walker, "from_path"):
        return walker.from_path(end.state, last)
    return walker.at(end.state, last)
