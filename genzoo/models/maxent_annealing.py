"""log Z of a MaxEnt by annealed importance sampling."""

import functools

import numpy as np
import tensorflow as tf

from genzoo import partition
from genzoo.models import mean_field
from genzoo.models.annealing_paths import FieldPath, GeneralPath
from genzoo.runtime import random
from genzoo.runtime.graph import compiled
from genzoo.runtime.memory import check_memory

_KEY = tf.TensorSpec((2,), tf.int64)


class Annealing:
    """The part of `MaxEnt` that estimates log Z."""

    def estimate_log_partition(
        self, method, chains=100, temperatures=1000, reverse=True, seed=0
    ):
        """See `log_partition`; here it is by annealing."""
        for name, value in (("chains", chains), ("temperatures", temperatures)):
            if not isinstance(value, (int, np.integer)) or value < 2:
                raise ValueError(
                    f"{type(self).__name__}.log_partition: {name} must be an "
                    f"int of at least 2; received {value!r}."
                )
        check_memory("log_partition: chains", chains, self.space.width)
        first, second, up, down = random.split(random.as_seed(seed), 4)
        betas = tf.linspace(0.0, 1.0, temperatures)
        bias = self._free_bias()
        path = self._annealing_path(bias)
        start = path.start(int(chains), first)
        forward = self._anneal(start, betas, up.key, bias)
        backward, exact = None, self.is_exact
        if reverse:
            if exact:
                heat = tf.ones(())
                states = self._draw_exact(
                    tf.constant(int(chains)),
                    second.key,
                    heat,
                    self._window_at(1),
                )
            else:
                states = self._chain_start(int(chains), second)
                steps = 1000 if self.chains is None else 100
                states = self._walk(
                    states, down.key, tf.constant(steps), tf.ones(())
                )
            backward = self._anneal(states, betas[::-1], down.key, bias)
        return partition.annealed_importance(
            path.log_partition_start(), forward, backward, exact
        )

    def _annealing_path(self, free_bias):
        if self.quadratic is not None and self.reference is None:
            return FieldPath(self.pairwise(), self.colours, free_bias)
        return GeneralPath(self)

    def _free_bias(self):
        """Biases of independent sites with the observed averages, if known."""
        if self.quadratic is None or self.reference is not None:
            return tf.zeros((0,))
        pairwise = self.pairwise()
        form = self.quadratic
        bias = np.zeros(pairwise.bias.shape[0])
        known = self.observation_record.numpy()[0] > 0
        own = np.bincount(form.site_features, minlength=len(self.features)) == 1
        if known and len(form.sites):
            means = self.observed.numpy()[form.site_features]
            averages = np.zeros(bias.size)
            averages[form.sites] = means
            logits = mean_field.independent(pairwise, averages)
            bias = np.where(own[form.site_features].all(), logits, 0.0)
        return tf.constant(bias, tf.float32)

    @functools.cached_property
    def _anneal(self):
        def log_weights(states, betas, key, free_bias):
            path = self._annealing_path(free_bias)
            return partition.anneal(path, states, betas, random.Seed(key))

        vector = tf.TensorSpec((None,), tf.float32)
        bias = tf.TensorSpec(self._free_bias().shape, tf.float32)
        return compiled(log_weights, self._states_spec, vector, _KEY, bias)
