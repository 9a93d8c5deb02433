"""What a trained GAN gives: samples and scores, as graphs."""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from genzoo.models.common.endpoints import COUNT, SEED, Endpoints, named
from genzoo.models.gan.conditions import Conditions, Unconditional
from genzoo.models.gan.game import Critic, Source
from genzoo.models.gan.parts import Parts
from genzoo.models.gan.several import Several
from genzoo.runtime import random
from genzoo.runtime.graph import Graph
from genzoo.spaces import Space
from genzoo.types import Array

# Examples that one pass of a network takes, which bounds its memory.
_CHUNK = 256


class Drawing:
    """The graphs of samples and scores, traced when they are first used.

    Args:
        source: of samples, the averaged generator.
        critic: the discriminator.
        conditions: what the user tells the model.
        space: of what the source gives.

    Attributes:
        critic_is_told: whether `scores` takes conditions.
    """

    def __init__(
        self,
        source: Source,
        critic: Critic,
        conditions: Conditions | Several | Unconditional,
        space: Space,
    ):
        self._source = source
        self._critic = critic
        self._event = space.event_shape
        told = conditions.spec()
        latents = (None, *source.latent_shape)
        examples = (None, *self._event)
        self._z = [tf.TensorSpec(latents, tf.float32, "z"), *told]
        self._n = [COUNT, SEED, *told]
        self._x = [tf.TensorSpec(examples, tf.float32, "x")]
        if critic.is_conditional:
            self._x += told
        self.critic_is_told = len(self._x) > 1
        self._samples = Graph(self._sample, *self._n)
        self._examples = Graph(lambda z, *told: source(z, told), *self._z)
        self._scores = Graph(self._score, *self._x)

    def samples(
        self, n: int | tf.Tensor, seed: random.Seed, *condition: tf.Tensor
    ) -> tf.Tensor:
        """n examples, (n, *event_shape)."""
        return self._samples(n, seed.key, *condition)

    def examples(self, z: tf.Tensor, *condition: Array) -> Array:
        """G(z), of latents (n, *latent_shape)."""
        return self._in_parts(self._examples, z, *condition)

    def scores(self, x: Array, *condition: Array) -> Array:
        """The logit of each example, (n,)."""
        return self._in_parts(self._scores, x, *condition)

    def _in_parts(self, graph, x, *condition):
        parts = [
            graph(
                tf.convert_to_tensor(x[i : i + _CHUNK], tf.float32),
                *(tf.constant(part[i : i + _CHUNK]) for part in condition),
            )
            for i in range(0, len(x), _CHUNK)
        ]
        return np.concatenate(parts)

    def endpoints(self) -> Endpoints:
        """What `GAN.export` serves."""

        def serve(z, *condition):
            return self._source(z, condition)

        def serve_told(*condition):
            return self._source(None, condition)

        def sample(n, seed, *condition):
            return self.samples(n, random.as_seed(seed), *condition)

        served = {"serve": (serve, self._z), "sample": (sample, self._n)}
        if not self._source.has_latents:
            # Nothing is drawn.
            served = {"serve": (serve_told, self._z[1:])}
        parts = self._critic.parts
        if parts is not None:
            served = {
                name: (_after(parts.named, function), specs)
                for name, (function, specs) in served.items()
            }
        if self._critic.packing == 1:
            served["score"] = (self._score, self._x)
            if parts is not None:
                served["score"] = self._score_of(parts)
        return {
            name: (named(function, specs), specs)
            for name, (function, specs) in served.items()
        }

    def _score_of(self, parts: Parts) -> tuple[Callable, list]:
        """A function of the parts of examples, and its arguments."""
        told = self._x[1:]
        names = parts.argument_names([spec.name for spec in told])
        specs = [
            tf.TensorSpec((None, *space.event_shape), tf.float32, name)
            for name, space in zip(names, parts.spaces.values(), strict=True)
        ]

        def score(*given):
            x, condition = given[: len(names)], given[len(names) :]
            return self._score(parts.joined_tensors(x), *condition)

        return score, [*specs, *told]

    def _sample(self, n, key, *condition):
        """n examples, some at a time."""
        parts = tf.TensorArray(
            tf.float32,
            size=(n + _CHUNK - 1) // _CHUNK,
            infer_shape=False,
            element_shape=(None, *self._event),
        )

        def body(number, parts):
            first = number * _CHUNK
            rows = tf.minimum(n - first, _CHUNK)
            latents = self._source.latents(rows, random.Seed(key, first))
            given = [part[first : first + rows] for part in condition]
            return number + 1, parts.write(number, self._source(latents, given))

        _, parts = tf.while_loop(
            lambda number, _: number * _CHUNK < n,
            body,
            (tf.zeros((), tf.int32), parts),
            parallel_iterations=1,
        )
        return tf.reshape(parts.concat(), (n, *self._event))

    def _score(self, x, *condition):
        if self._source.clusters is not None:
            condition = (self._source.clusters.nearest(x),)
        return self._critic(x, condition, training=False)


def _after(last, first):
    """The function that does one after the other."""
    return lambda *given: last(first(*given))
