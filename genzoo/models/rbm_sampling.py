"""How an RBM draws: its Markov chains, samples and served endpoints."""

import functools

import numpy as np
import tensorflow as tf
from keras import ops

from genzoo import samplers
from genzoo.models.serving import COUNT, SEED, STEPS
from genzoo.runtime import random
from genzoo.runtime.graph import compiled
from genzoo.samplers import gibbs

# Sweeps before samples are compared with data in `evaluate`.
_METRIC_STEPS = 100
_KEY_AND_STEPS = tf.TensorSpec((2,), tf.int64), tf.TensorSpec((), tf.int32)


class Sampling:
    """The part of `RBM` that walks."""

    @property
    def chain_width(self):
        """Chains are kept as hidden states."""
        return self.hidden.width

    def reset_chains(self):
        """Draw new chains: independent visible units, then hidden ones."""
        first, second = random.split(self.draws.next(), 2)
        self.chains.write_all(self._start(self.chains.count, first, second))

    def _start(self, n, first, second):
        """Hidden states given visible units drawn without a kernel."""
        empty = ops.zeros((n, self.visible.width), self.variable_dtype)
        v = self.visible.sample(empty, first)
        return self.hidden.sample(self._hidden_field(v), second)

    def sample(self, n, seed=None, steps=1000, start=None):
        """Visible states after a walk of block Gibbs sampling.

        Args:
            n: number of samples.
            seed: int or pair of ints; None takes the next of the model's own
                seeds for samples, which does not affect training.
            steps: Gibbs sweeps, at least 1.
            start: where the walk begins: "chains", the persistent chains;
                "random", independent units with the visible biases; an array
                of n visible states; or None, the chains if there are any.

        Returns:
            An array of shape (n, visible.width).

        Raises:
            ValueError: for an n or a number of steps below 1, an n beyond
                memory, or a start that the model does not have.
        """
        self.check_count("sample", n)
        if not isinstance(steps, (int, np.integer)) or steps < 1:
            raise ValueError(
                f"RBM.sample: steps must be a positive int; received {steps!r}."
            )
        first, second = random.split(self.seed_for(seed), 2)
        if start is None or isinstance(start, str):
            hidden = self._chain_start(int(n), first, start)
        else:
            start = self.check_array("sample: start", start)
            if len(start) != n:
                raise ValueError(
                    f"RBM.sample: start has {len(start)} rows; n is {n}."
                )
            hidden = self.hidden.sample(self._hidden_field(start), first)
        return self._walk(hidden, second.key, tf.constant(int(steps))).numpy()

    def generate(self, n, seed):
        """n visible states, 100 sweeps from the chains if there are any."""
        first, second = random.split(seed, 2)
        steps = tf.constant(_METRIC_STEPS)
        hidden = self._chain_start(n, first)
        return self._walk_steps(hidden, second.key, steps)

    def _chain_start(self, n, seed, start=None):
        """Hidden states from which a walk of n chains begins."""
        if start not in (None, "chains", "random"):
            raise ValueError(
                "RBM.sample: start must be 'chains', 'random', an array of "
                f"visible states or None; received {start!r}."
            )
        if start == "chains" and self.chains is None:
            raise ValueError(
                "RBM.sample: there are no persistent chains to start at. "
                "Compile with PersistentContrastiveDivergence, or use "
                "start='random'."
            )
        if start == "random" or self.chains is None:
            return self._start(n, *random.split(seed, 2))
        # Each chain once before any is taken twice, from a random one on.
        chains = self.chains.read_all()
        count = tf.shape(chains)[0]
        share = random.uniform((1,), seed)[0]
        first = tf.cast(tf.cast(count, share.dtype) * share, tf.int32)
        return tf.gather(chains, (first + tf.range(n)) % count)

    def _walk_steps(self, hidden, key, steps):
        """Visible states after some sweeps from hidden states."""
        empty = ops.zeros_like(self._visible_field(hidden))
        state = gibbs.State(empty, hidden)
        return samplers.run(
            self._sweep(), random.Seed(key), state, steps
        ).visible

    @functools.cached_property
    def _walk(self):
        return compiled(self._walk_steps, self._hidden_spec, *_KEY_AND_STEPS)

    @property
    def _hidden_spec(self):
        width = self.hidden.width
        return tf.TensorSpec((None, width), self.variable_dtype)

    def follow_chains(self, sweeps, seed):
        """Free energies of copies of the chains, (sweeps, chains)."""
        hidden = self.chains.read_all()
        key = random.as_seed(seed).key
        return self._follow(hidden, key, tf.constant(int(sweeps)))

    @functools.cached_property
    def _follow(self):
        def follow(hidden, key, sweeps):
            energies = tf.TensorArray(self.variable_dtype, sweeps)
            step = self._sweep()

            def body(number, hidden, energies):
                seed = random.fold_in(random.Seed(key), number)
                state, info = step(seed, gibbs.State(None, hidden))
                energy = -self.visible.potential(state.visible)
                energy -= self.hidden.log_cumulant(info.hidden_field)
                return number + 1, state.hidden, energies.write(number, energy)

            return tf.while_loop(
                lambda number, *_: number < sweeps,
                body,
                (tf.zeros((), tf.int32), hidden, energies),
            )[2].stack()

        return compiled(follow, self._hidden_spec, *_KEY_AND_STEPS)

    def endpoints(self):
        """What `export` serves: see there."""
        served = super().endpoints()
        _, examples = served["energy"]

        def generate(n, seed, steps):
            first, second = random.split(random.as_seed(seed), 2)
            return self._walk(self._chain_start(n, first), second.key, steps)

        def gibbs_walk(x, seed, steps):
            first, second = random.split(random.as_seed(seed), 2)
            hidden = self.hidden.sample(self._hidden_field(x), first)
            return self._walk(hidden, second.key, steps)

        return {
            **served,
            "generate": (generate, [COUNT, SEED, STEPS]),
            "gibbs": (gibbs_walk, [*examples, SEED, STEPS]),
            "hidden_mean": (lambda x: self.hidden_mean(x), examples),
        }

    def portable_endpoints(self):
        """What ONNX and LiteRT files hold: see `export`."""
        held = super().portable_endpoints()
        units = {"u_hidden": self.hidden, "u_visible": self.visible}
        if any(unit.levels is None for unit in units.values()):
            return held

        def gibbs_sweep(x, u_hidden, u_visible):
            h = self.hidden.from_uniform(self._hidden_field(x), u_hidden)
            return self.visible.from_uniform(self._visible_field(h), u_visible)

        _, examples = held["energy"]
        uniforms = [
            tf.TensorSpec((None, unit.size), self.variable_dtype, name)
            for name, unit in units.items()
        ]
        return {**held, "gibbs": (gibbs_sweep, [*examples, *uniforms])}
