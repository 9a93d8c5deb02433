"""How a MaxEnt draws: exactly where it can, else by Markov chains."""

import functools
import numbers

import numpy as np
import tensorflow as tf

from genzoo import samplers
from genzoo.runtime import distribute, random
from genzoo.runtime.graph import compiled

# Sweeps before samples are compared with data in `evaluate`.
_METRIC_STEPS = 100
_LEAPFROG = 8
_ACCEPTANCE = 0.8
_KEY = tf.TensorSpec((2,), tf.int64)
_SCALAR = tf.TensorSpec((), tf.float32)
_COUNT = tf.TensorSpec((), tf.int32)


class Walking:
    """The part of `MaxEnt` that draws samples."""

    # One sweep -------------------------------------------------------------

    @functools.cached_property
    def quadratic(self):
        """The `features.Quadratic` form that all features are, or None."""
        # Indicators leave out the last value: another order is another form.
        levels = {tuple(v) for v in self.space.levels if v is not None}
        form = self.features.quadratic()
        if form is None or len(levels) != 1:
            return None
        return form if form.values in (None, *levels) else None

    @functools.cached_property
    def colours(self):
        """Sites that do not interact, colour by colour."""
        size = (
            1
            if self.quadratic.values is None
            else len(self.quadratic.values) - 1
        )
        joined = np.zeros((self.space.width,) * 2, bool)
        first, second = self.quadratic.pairs.T // size
        joined[first, second] = joined[second, first] = True
        return samplers.colour(joined)

    def pairwise(self, dtype="float32"):
        """The `samplers.PairwiseEnergy` energy at the present multipliers."""
        form = self.quadratic
        levels = np.asarray(self.space.levels[0])
        if form.values is None:
            encoding = levels[:, None]
        else:
            encoding = np.eye(len(levels))[:, :-1]
        size = self.space.width * encoding.shape[1]
        x = tf.cast(self.multiplier_weights.value, dtype)
        bias = tf.scatter_nd(
            form.sites[:, None], tf.gather(x, form.site_features), (size,)
        )
        values = tf.gather(x, form.pair_features)
        half = tf.scatter_nd(form.pairs, values, (size, size))
        return samplers.PairwiseEnergy(
            levels, encoding, bias, half + tf.transpose(half)
        )

    def _sweep(self, beta=1.0):
        """A step that leaves exp(-beta E) as it is."""
        beta = tf.cast(beta, tf.float32)
        if self.quadratic is not None and self.reference is None:
            return samplers.gibbs_sites(
                self.pairwise().scaled(beta), self.colours
            )
        return self._general_sweep(lambda x: beta * self.state_energy(x))

    def _general_sweep(self, energy):
        """Gibbs for the discrete sites, then Hamiltonian for the others."""
        steps = []
        continuous = self.space.continuous_sites
        if len(continuous) < self.space.width:
            steps.append(samplers.gibbs_energy(energy, self.space.levels))
        if len(continuous):
            steps.append(self._hamiltonian(energy))

        def step(seed, x):
            info = None
            for number, move in enumerate(steps):
                x, info = move(random.fold_in(seed, number), x)
            return x, info

        return step

    def _hamiltonian(self, energy):
        low, high = self.space.bounds(self.window.value)
        moves = np.zeros(self.space.width, np.float32)
        moves[self.space.continuous_sites] = 1.0
        infinite = ~(np.isfinite(self.space.low) & np.isfinite(self.space.high))
        # An unbounded site's window is some 20 standard deviations wide.
        share = np.where(infinite, 0.05, 0.3).astype(np.float32)
        size = moves * share * tf.cast(high - low, tf.float32)
        size *= tf.cast(self.chain_step_size.value, tf.float32)
        least = tf.constant(self.space.low, tf.float32)
        most = tf.constant(self.space.high, tf.float32)

        def log_prob(x):
            inside = tf.reduce_all((x >= least) & (x <= most), axis=-1)
            held = tf.clip_by_value(x, least, most)
            return tf.where(inside, -energy(held), -float("inf"))

        return samplers.hmc(log_prob, size, _LEAPFROG)

    # Chains ----------------------------------------------------------------

    @property
    def chain_width(self):
        """Chains are kept as states."""
        return self.space.width

    def reset_chains(self):
        """Draw new chains, without a model."""
        seed = self.draws.next()
        self.chains.write_all(self._start(self.chains.count, seed))
        self.chains_walked.assign(0)

    def place_chains(self, x):
        """Let chains that have not walked yet begin at examples."""
        if self.chains is None or self.chains_walked.numpy():
            return
        count = self.chains.count
        order = random.permutation(len(x), self.draws.epoch_key())
        rows = x[np.resize(order, count)]
        states = self.space.flatten(tf.cast(rows, tf.float32))
        self.chains.write_all(states)

    def _start(self, n, seed):
        x = self.space.start(n, seed)
        infinite = ~(np.isfinite(self.space.low) & np.isfinite(self.space.high))
        if not infinite.any():
            return x
        low, high = self.space.bounds(self.window.value)
        # The window is 24 standard deviations of the data wide.
        middle = tf.cast(0.5 * (low + high), tf.float32)
        spread = tf.cast((high - low) / 24, tf.float32)
        both = np.isinf(self.space.low) & np.isinf(self.space.high)
        return tf.where(both, middle + spread * x, x)

    def chains_at(self, x, seed):
        """Chains that start at examples."""
        return self.space.flatten(tf.cast(x, tf.float32))

    def advance(self, states, steps, seed):
        """States after some sweeps."""
        states = tf.cast(states, tf.float32)
        return samplers.run(self._sweep(), seed, states, steps)

    def train_chains(self, states, steps, seed):
        """States after some sweeps; the step size of the walk is adapted."""
        if not len(self.space.continuous_sites):
            return self.advance(states, steps, seed)
        step = self._sweep()
        states = tf.cast(states, tf.float32)
        for number in range(steps):
            states, info = step(random.fold_in(seed, number), states)
        accepted = tf.reduce_mean(tf.cast(info.acceptance, tf.float64))
        accepted = distribute.all_sum(accepted) / distribute.replica_count()
        size = tf.convert_to_tensor(self.chain_step_size.value)
        change = tf.exp(0.1 * (accepted - _ACCEPTANCE))
        self.chain_step_size.assign(tf.clip_by_value(size * change, 1e-3, 2.0))
        return states

    def follow_chains(self, sweeps, seed):
        """Energies of copies of the chains, (sweeps, chains)."""
        states = self.chains.read_all()
        key = random.as_seed(seed).key
        return self._follow(states, key, tf.constant(int(sweeps)))

    @functools.cached_property
    def _follow(self):
        def follow(states, key, sweeps):
            energies = tf.TensorArray(tf.float32, sweeps)
            step = self._sweep()

            def body(number, states, energies):
                seed = random.fold_in(random.Seed(key), number)
                states, _ = step(seed, states)
                energy = self.state_energy(states)
                return number + 1, states, energies.write(number, energy)

            return tf.while_loop(
                lambda number, *_: number < sweeps,
                body,
                (tf.zeros((), tf.int32), states, energies),
            )[2].stack()

        return compiled(follow, self._states_spec, _KEY, _COUNT)

    @property
    def _states_spec(self):
        return tf.TensorSpec((None, self.space.width), tf.float32)

    # Samples ---------------------------------------------------------------

    def sample(self, n, seed=None, steps=1000, start=None, temperature=1.0):
        """n examples drawn from `p(x)^(1 / temperature)`, normalised.

        Independent and exact where the space can be summed over; else after
        a walk of Gibbs sampling in the discrete sites and Hamiltonian Monte
        Carlo in the continuous ones.

        Args:
            n: number of samples.
            seed: int or pair of ints; None takes the next of the model's own
                seeds for samples, which does not affect training.
            steps: sweeps of the walk, at least 1; exact draws need none.
            start: where a walk begins: "chains", the persistent chains;
                "random", the space without a model; an array of n examples;
                or None, the chains if there are any. An array or "chains"
                asks for a walk also where draws could be exact.
            temperature: positive; 1 is the model, 0.5 favours the probable.

        Returns:
            A float32 array of shape (n, *event_shape).

        Raises:
            ValueError: for an n or a number of steps below 1, an n beyond
                memory, or a start that the model does not have.
        """
        name = f"{type(self).__name__}.sample"
        self.check_count("sample", n)
        self._check_adapted("sample")
        if not isinstance(steps, (int, np.integer)) or steps < 1:
            raise ValueError(
                f"{name}: steps must be a positive int; received {steps!r}."
            )
        is_number = isinstance(temperature, numbers.Real)
        if not is_number or not 0 < temperature < np.inf:
            raise ValueError(
                f"{name}: temperature must be a positive number; received "
                f"{temperature!r}."
            )
        first, second = random.split(self.seed_for(seed), 2)
        heat = tf.constant(temperature, tf.float32)
        if start is None and self.is_exact:
            window = self._window_at(temperature)
            states = self._draw_exact(
                tf.constant(int(n)), first.key, heat, window
            )
            return self.space.unflatten(states).numpy()
        if start is None or isinstance(start, str):
            states = self._chain_start(int(n), first, start)
        else:
            start = self.check_array("sample: start", start)
            if len(start) != n:
                raise ValueError(
                    f"{name}: start has {len(start)} rows; n is {n}."
                )
            states = self.space.flatten(tf.cast(start, tf.float32))
        states = self._walk(states, second.key, tf.constant(int(steps)), heat)
        return self.space.unflatten(states).numpy()

    def _window_at(self, temperature):
        """The window of unbounded sites that holds a tempered density."""
        if temperature != 1 and self.is_summable and not self.space.is_bounded:
            kept = self.window.numpy()
            try:
                self.settle_window(1 / temperature)
                return tf.constant(self.window.numpy())
            finally:
                self.window.assign(kept)
        return tf.convert_to_tensor(self.window.value)

    @functools.cached_property
    def _draw_exact(self):
        def draw(n, key, temperature, window):
            seed = random.Seed(key)
            states = self.exact_states(n, seed, temperature, window)
            return tf.cast(states, tf.float32)

        window = tf.TensorSpec((self.space.width, 2), tf.float64)
        return compiled(draw, _COUNT, _KEY, _SCALAR, window)

    @functools.cached_property
    def _walk(self):
        def walk(states, key, steps, temperature):
            step = self._sweep(1 / temperature)
            return samplers.run(step, random.Seed(key), states, steps)

        return compiled(walk, self._states_spec, _KEY, _COUNT, _SCALAR)

    def generate(self, n, seed):
        """n examples, exact or 100 sweeps from the chains if there are any."""
        first, second = random.split(seed, 2)
        heat = tf.ones(())
        if self.is_exact:
            states = self._draw_exact(n, first.key, heat, self._window_at(1))
        else:
            states = self._chain_start(n, first)
            steps = tf.constant(_METRIC_STEPS)
            states = self._walk(states, second.key, steps, heat)
        return self.space.unflatten(states)

    def _chain_start(self, n, seed, start=None):
        """States from which a walk of n chains begins."""
        if start not in (None, "chains", "random"):
            raise ValueError(
                f"{type(self).__name__}.sample: start must be 'chains', "
                "'random', an array of examples or None; received "
                f"{start!r}."
            )
        if start == "chains" and self.chains is None:
            raise ValueError(
                f"{type(self).__name__}.sample: there are no persistent "
                "chains to start at. Compile with "
                "PersistentContrastiveDivergence, or use start='random'."
            )
        if start == "random" or self.chains is None:
            return self._start(n, seed)
        # Each chain once before any is taken twice, from a random one on.
        chains = self.chains.read_all()
        count = tf.shape(chains)[0]
        share = random.uniform((1,), seed)[0]
        first = tf.cast(tf.cast(count, share.dtype) * share, tf.int32)
        return tf.gather(chains, (first + tf.range(n)) % count)
