"""The latents of given examples, by gradient descent."""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from genzoo.models.gan.conditions import Conditions, Unconditional
from genzoo.models.gan.game import Source
from genzoo.models.gan.several import Several
from genzoo.runtime import random
from genzoo.runtime.graph import Graph
from genzoo.spaces import Space
from genzoo.types import Array

# Draws of which each start is the nearest; examples of one pass.
_CANDIDATES, _ROWS = 64, 256
_RATE, _MEAN, _SQUARE = 0.1, 0.9, 0.99
_COUNT = tf.TensorSpec((), tf.int32, "count")


class Inversion(NamedTuple):
    """What `GAN.invert` found.

    Attributes:
        latents: of each example, (n, *latent_shape).
        errors: root mean squares of G(latents) - x, (n,); in standard
            deviations, if the networks have layers of units.
    """

    latents: Array
    errors: Array


class Inverter:
    """The graph that looks for latents, traced when it is first used.

    Args:
        source: G, and the law of its latents.
        conditions: what the user tells the model.
        space: of what the source gives.
    """

    def __init__(
        self,
        source: Source,
        conditions: Conditions | Several | Unconditional,
        space: Space,
    ):
        self._source = source
        columns = space.event_shape[-1:]
        examples = (None, *space.event_shape)
        self._found = Graph(
            self._find,
            tf.TensorSpec(examples, tf.float32, "x"),
            tf.TensorSpec(columns, tf.float32, "scale"),
            tf.TensorSpec((2,), random.as_seed(0).key.dtype, "key"),
            *[_COUNT] * 2,
            *conditions.spec(),
        )

    def nearest(
        self,
        x: Array,
        scale: Array,
        starts: int,
        steps: int,
        seed: random.Seed,
        *condition: Array,
    ) -> Inversion:
        """The best of so many descents for each example.

        Args:
            x: examples, (n, *event_shape).
            scale: of the last axis: what a difference of one is.
            starts: descents for each example.
            steps: of each descent.
            seed: for the first latents.
            *condition: those of the examples, if there are any.
        """
        x, *given = (np.repeat(v, starts, axis=0) for v in (x, *condition))
        parts = [
            self._found(
                tf.constant(x[i : i + _ROWS], tf.float32),
                tf.constant(scale, tf.float32),
                seed.key,
                tf.constant(i, tf.int32),
                tf.constant(steps, tf.int32),
                *(tf.constant(v[i : i + _ROWS]) for v in given),
            )
            for i in range(0, len(x), _ROWS)
        ]
        z, errors = (np.concatenate(v) for v in zip(*parts, strict=True))
        errors = errors.reshape(-1, starts)
        best = starts * np.arange(len(errors)) + errors.argmin(axis=1)
        return Inversion(z[best], np.sqrt(errors.min(axis=1)))

    def _find(self, x, scale, key, first, steps, *condition):
        """(latents, mean squares) of one descent for each example."""
        axes = list(range(1, len(x.shape)))
        seed = random.Seed(key, first)
        rows = tf.shape(x)[0]

        def errors(z: tf.Tensor) -> tf.Tensor:
            missed = (self._source(z, condition) - x) / scale
            return tf.reduce_mean(tf.square(missed), axis=axes)

        def draw(number, *best):
            z = self._source.latents(rows, random.fold_in(seed, number))
            return number + 1, *_better(z, errors(z), *best)

        start = self._source.latents(rows, seed)
        _, z, error = tf.while_loop(
            lambda number, *_: number < _CANDIDATES,
            draw,
            (tf.ones((), tf.int32), start, errors(start)),
        )
        return self._descend(errors, z, error, steps)

    def _descend(self, errors, z, error, steps):
        """Adam, its rate falling to zero; the best that it passed."""

        def step(number, z, mean, square, *best):
            with tf.GradientTape() as tape:
                tape.watch(z)
                found = errors(z)
            slope = tape.gradient(found, z, unconnected_gradients="zero")
            best = _better(z, found, *best)
            count = tf.cast(number, tf.float32)
            mean += (1 - _MEAN) * (slope - mean)
            square += (1 - _SQUARE) * (slope**2 - square)
            # Both begin at zero.
            size = tf.sqrt(square / (1 - _SQUARE ** (count + 1)))
            rate = _RATE * (1 - count / tf.cast(steps, tf.float32))
            rate /= 1 - _MEAN ** (count + 1)
            z -= rate * tf.math.divide_no_nan(mean, size)
            if self._source.latent == "uniform":
                z = tf.clip_by_value(z, -1.0, 1.0)
            return number + 1, z, mean, square, *best

        zero = tf.zeros_like(z)
        _, last, _, _, *best = tf.while_loop(
            lambda number, *_: number < steps,
            step,
            (tf.zeros((), tf.int32), z, zero, zero, z, error),
        )
        return _better(last, errors(last), *best)


def _better(z, error, best, least):
    """Of two latents for each example the one of less error, and that."""
    is_better = error < least
    chosen = tf.reshape(is_better, (-1, *[1] * (len(z.shape) - 1)))
    return tf.where(chosen, z, best), tf.where(is_better, error, least)
