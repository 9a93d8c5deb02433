"""How a GAN draws: latents, samples and served endpoints."""

import functools

import keras
import numpy as np
import tensorflow as tf

from genzoo.models.serving import COUNT, SEED
from genzoo.runtime import data, random
from genzoo.runtime.graph import compiled

# Examples that one pass of the generator makes, which bounds its memory.
_CHUNK = 256


class GANSampling:
    """The part of `GAN` that draws."""

    def call(self, latents, training=False):
        """G(z) of the averaged generator; z, or [z, conditions]."""
        latents, *condition = tf.nest.flatten(latents)
        return self.generated(
            self.averaged_generator, latents, condition, training
        )

    @property
    def latent_shape(self):
        """Of one z: the generator's, and one more that chooses a cluster."""
        if self.clusters is not None:
            return (self.networks.latent_shape[0] + 1,)
        return self.networks.latent_shape

    def latents(self, n, seed):
        """n latents, (n, *latent_shape), float32, addressed by row."""
        shape = (n, *self.latent_shape)
        if self.latent == "normal":
            return random.normal(shape, seed)
        return 2 * random.uniform(shape, seed) - 1

    def generated(self, generator, latents, condition, training=False):
        """G(z) or G(z, condition), float32."""
        if self.clusters is not None:
            latents, last = latents[:, :-1], latents[:, -1]
            condition = condition or [self.clusters.chosen(last, self.latent)]
        inputs = [latents, *condition] if condition else latents
        return tf.cast(generator(inputs, training=training), tf.float32)

    def sample(self, n, seed=None, labels=None):
        """Examples drawn from the averaged generator.

        Args:
            n: number of samples.
            seed: int or pair of ints; None takes the next of the model's own
                seeds for samples, which does not affect training.
            labels: conditions of a conditional model: an array of n labels or
                n vectors, or one for all. None takes each class in turn.

        Returns:
            A float32 array of shape (n, *event_shape).

        Raises:
            ValueError: for an n below 1 or beyond memory; for labels that the
                model does not take, or missing vectors.
        """
        self.check_count("sample", n)
        n = int(n)
        if labels is None and self.is_conditional and self.networks.classes:
            labels = np.arange(n) % self.networks.classes
        if labels is not None and self.is_conditional:
            shape = self.networks.condition_shape
            labels = np.asarray(labels)
            if labels.shape == shape:
                labels = np.broadcast_to(labels, (n, *shape))
        labels = self.check_condition("sample: labels", labels, n)
        condition = () if labels is None else (tf.constant(labels),)
        key = self.seed_for(seed).key
        return self._draw(tf.constant(n), key, *condition).numpy()

    def _draw_graph(self, n, key, *condition):
        """n examples, some at a time."""
        event = self.event_shape
        parts = tf.TensorArray(
            tf.float32,
            size=(n + _CHUNK - 1) // _CHUNK,
            infer_shape=False,
            element_shape=(None, *event),
        )

        def body(number, parts):
            first = number * _CHUNK
            rows = tf.minimum(n - first, _CHUNK)
            latents = self.latents(rows, random.Seed(key, first))
            given = [part[first : first + rows] for part in condition]
            made = self.generated(self.averaged_generator, latents, given)
            return number + 1, parts.write(number, made)

        _, parts = tf.while_loop(
            lambda number, _: number * _CHUNK < n,
            body,
            (tf.zeros((), tf.int32), parts),
            parallel_iterations=1,
        )
        return tf.reshape(parts.concat(), (n, *event))

    @functools.cached_property
    def _draw(self):
        key = tf.TensorSpec((2,), tf.int64)
        count = tf.TensorSpec((), tf.int32)
        return compiled(self._draw_graph, count, key, *self._condition_spec())

    def _condition_spec(self):
        if not self.is_conditional:
            return []
        kind = tf.int32 if self.networks.classes else tf.float32
        shape = (None, *self.networks.condition_shape)
        return [tf.TensorSpec(shape, kind, "labels")]

    def predict(self, x, **kwargs):
        """G(z) of latents, or of [latents, conditions], as Keras does.

        Raises:
            ValueError: for latents of another shape, or conditions that the
                model does not take.
        """
        latents, *given = x if isinstance(x, (list, tuple)) else (x,)
        if data.is_array(latents):
            labels = given[0] if given else None
            labels = self.check_condition("predict", labels, len(latents))
            x = latents if labels is None else [latents, labels]
        shape = getattr(latents, "shape", None)
        expected = self.latent_shape
        if shape is not None and tuple(shape[1:]) != expected:
            raise ValueError(
                f"GAN.predict: latents must have shape (n, "
                f"{', '.join(map(str, expected))}); received {tuple(shape)}. "
                "For scores of examples call score(x)."
            )
        return keras.Model.predict(self, x, **kwargs)

    def score(self, x, labels=None):
        """The discriminator's logit of each example, an array of shape (n,).

        Raises:
            ValueError: for examples or conditions that do not fit the model,
                or a model with packing, which scores packs.
        """
        if self.packing > 1:
            raise ValueError(
                f"GAN.score: with packing={self.packing} the discriminator "
                "scores packs, not examples."
            )
        x = self.check_array("score", x)
        condition = ()
        if self._scores_conditions or labels is not None:
            labels = self.check_condition("score: labels", labels, len(x))
            condition = (labels,) if self._scores_conditions else ()
        parts = [
            self._score(
                tf.constant(x[i : i + _CHUNK], tf.float32),
                *(tf.constant(part[i : i + _CHUNK]) for part in condition),
            )
            for i in range(0, len(x), _CHUNK)
        ]
        return np.concatenate(parts)

    @property
    def _scores_conditions(self):
        return self.is_conditional and self.networks.critic_is_conditional

    def _score_graph(self, x, *condition):
        if self.clusters is not None:
            condition = (self.clusters.nearest(x),)
        return self.critic(x, condition, training=False)

    @functools.cached_property
    def _score(self):
        return compiled(self._score_graph, *self._score_spec())

    def _score_spec(self):
        example = tf.TensorSpec((None, *self.event_shape), tf.float32, "x")
        given = self._scores_conditions
        return [example, *(self._condition_spec() if given else [])]

    def endpoints(self):
        """What `export` serves: see there."""
        shape = (None, *self.latent_shape)
        latents = tf.TensorSpec(shape, tf.float32, "z")
        condition = self._condition_spec()

        def serve(z, labels=None):
            given = [] if labels is None else [labels]
            return self.generated(self.averaged_generator, z, given)

        def generate(n, seed, labels=None):
            given = [] if labels is None else [labels]
            return self._draw(n, random.as_seed(seed).key, *given)

        def score(x, labels=None):
            return self._score_graph(x, *([] if labels is None else [labels]))

        served = {
            "serve": (serve, [latents, *condition]),
            "generate": (generate, [COUNT, SEED, *condition]),
        }
        if self.packing == 1:
            served["score"] = (score, self._score_spec())
        return served
