"""What a MaxEnt serves: its draws, for `export`."""

import tensorflow as tf

from genzoo import samplers
from genzoo.models.serving import COUNT, SEED, STEPS
from genzoo.runtime import random


class Served:
    """The part of `MaxEnt` that is exported."""

    def endpoints(self):
        """What `export` serves: see there."""
        served = super().endpoints()
        _, examples = served["energy"]
        heat = tf.ones(())

        def generate(n, seed, steps):
            first, second = random.split(random.as_seed(seed), 2)
            if self.is_exact:
                states = self._draw_exact(
                    n, first.key, heat, self._window_at(1)
                )
            else:
                states = self._chain_start(n, first)
                states = self._walk(states, second.key, steps, heat)
            return self.space.unflatten(states)

        def gibbs(x, seed, steps):
            _, second = random.split(random.as_seed(seed), 2)
            states = self.space.flatten(tf.cast(x, tf.float32))
            states = self._walk(states, second.key, steps, heat)
            return self.space.unflatten(states)

        return {
            **served,
            "generate": (generate, [COUNT, SEED, STEPS]),
            "gibbs": (gibbs, [*examples, SEED, STEPS]),
        }

    def portable_endpoints(self):
        """What ONNX and LiteRT files hold: see `export`."""
        held = super().portable_endpoints()
        if self.quadratic is None or self.reference is not None:
            return held

        def gibbs_sweep(x, u):
            sweep = samplers.gibbs_sites_from_uniform(
                self.pairwise(), self.colours
            )
            states, _ = sweep(u, self.space.flatten(tf.cast(x, tf.float32)))
            return self.space.unflatten(states)

        _, examples = held["energy"]
        uniforms = tf.TensorSpec((None, self.space.width), tf.float32, "u")
        return {**held, "gibbs": (gibbs_sweep, [*examples, uniforms])}
