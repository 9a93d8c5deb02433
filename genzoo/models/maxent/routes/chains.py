"""Averages by Markov chains, where a space cannot be summed over."""

import functools
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from genzoo import partition, samplers
from genzoo.features import Moments as Powers
from genzoo.features import Pairwise
from genzoo.models.common.general_path import GeneralPath
from genzoo.models.common.moves import Moves, SiteWalker, Stride
from genzoo.models.common.walks import AnnealingSeeds, Walks, divided
from genzoo.models.maxent import mean_field
from genzoo.models.maxent.density import Density
from genzoo.models.maxent.observations import Observations
from genzoo.models.maxent.routes.base_density import BaseDensity
from genzoo.models.maxent.routes.paths import FieldPath
from genzoo.models.maxent.routes.route import Moments, sampled_expectation
from genzoo.models.maxent.routes.window import Window
from genzoo.runtime import distribute, random
from genzoo.types import Array

_STEPS = 1000
# The number of the draws of jumps, beside those of sweeps.
_JUMP = 2**29
# Of energies that are equal but for rounding, in nats and of their size.
_EQUAL, _EQUAL_SHARE = 1e-3, 1e-5


class ChainRoute(SiteWalker):
    """The chains of a density: a `common.walks.Walker`, and a `Route`.

    Args:
        density: the `Density`.
        window: where unbounded sites have their mass.
        multipliers: the variable of the multipliers.
        observations: averages, for where annealing begins.
        stride: how they walk.
    """

    name = "persistent_chains"
    dtype = "float32"

    def __init__(
        self,
        density: Density,
        window: Window,
        multipliers: keras.Variable,
        observations: Observations,
        stride: Stride,
    ):
        self.density = density
        self.space = density.space
        self.window = window
        self.base = BaseDensity(density.space, window)
        self.multipliers = multipliers
        self.observations = observations
        self.stride = stride
        self.moves = Moves(density.space, window.body, stride)
        self.width = self.example_width = density.space.width
        self.walks = Walks(self, density.owner)

    # A sweep ---------------------------------------------------------------

    def energy(self, states: tf.Tensor) -> tf.Tensor:
        """E of states (batch, width), in their dtype."""
        x = tf.convert_to_tensor(self.multipliers.value)
        return -self.density.log_weight(states, x)

    def pairwise(self) -> samplers.PairwiseEnergy:
        """The energy as that of fields and couplings."""
        return self.density.pairwise(self.multipliers.value)

    def step(self, beta: Any = 1.0, size: Any = None) -> Callable:
        """A sampler's step that leaves exp(-beta E) as it is.

        Args:
            beta: the inverse temperature.
            size: of Hamiltonian steps; None takes that of the stride.
        """
        beta = tf.cast(beta, tf.float32)
        if self.density.is_pairwise:
            energy = self.pairwise().scaled(beta)
            colours = self.density.colours
            return samplers.gibbs_sites(energy, colours, self._kept)
        return self._general_step(lambda x: beta * self.energy(x), size)

    def _general_step(self, energy: Callable, size: Any = None) -> Callable:
        return self.moves.step(energy, size, self.held)

    @property
    def _kept(self):
        return None if self.held is None else self.held[1]

    # The walker ------------------------------------------------------------

    def fresh(self, n: Any, seed: random.Seed) -> tf.Tensor:
        """n states drawn without a model, (n, width)."""
        return self.base.sample(n, seed)

    def place(self, x: Array, key: tuple[int, int]) -> None:
        """Let chains that have not walked yet begin at examples.

        Args:
            x: array of examples.
            key: two ints, by which they are chosen.
        """
        chains = self.walks.chains
        if chains is None or self.stride.walked.numpy():
            return
        order = random.permutation(len(x), key)
        rows = x[np.resize(order, chains.count)]
        chains.write_all(self.space.flatten(tf.cast(rows, tf.float32)))

    def opposite(self, states: tf.Tensor) -> tf.Tensor:
        """States mirrored at the middle of each site that has two ends.

        Sites whose levels are no mirror image of themselves stay as they are.
        """
        bounded = self._has_mirror
        low = np.where(bounded, self.space.low, 0.0)
        high = np.where(bounded, self.space.high, 0.0)
        mirrored = tf.constant(low + high, tf.float32) - states
        return tf.where(bounded, mirrored, states)

    @functools.cached_property
    def _has_mirror(self):
        found = ~self.space.unbounded
        for site in np.flatnonzero(found):
            levels = self.space.levels[site]
            if levels is not None:
                own = np.sort(np.asarray(levels, np.float64))
                found[site] = np.array_equal(own[0] + own[-1] - own[::-1], own)
        return found

    @functools.cached_property
    def _may_turn(self):
        return self.density.is_pairwise and bool(self._has_mirror.any())

    def turned(
        self, states: tf.Tensor, seed: random.Seed, beta: Any = 1.0
    ) -> tf.Tensor:
        """States, each turned by chance where its mirror image is as good.

        Between images of equal energy, such as all spins up and all down
        without a field, chains may never pass, and all would be alike that
        were annealed together.
        """
        if not self._may_turn:
            return states
        other = self.opposite(states)
        here, there = self.energy(states), self.energy(other)
        rounding = _EQUAL + _EQUAL_SHARE * tf.abs(here)
        uniform = random.uniform((tf.shape(states)[0], 1), seed)[:, 0]
        turns = tf.abs(here - there) <= rounding
        # Whatever the rounding: each as often as it is likely.
        likely = tf.sigmoid(beta * (here - there))
        turns &= uniform < tf.cast(likely, uniform.dtype)
        return tf.where(turns[:, None], other, states)

    # The route -------------------------------------------------------------

    def advance(
        self, steps: int, seed: random.Seed, fresh: float = 0.0
    ) -> None:
        """Let the persistent chains walk, each replica its own.

        Args:
            steps: sweeps.
            seed: a `runtime.random.Seed`.
            fresh: the share of them that begin anew.
        """
        chains = self.walks.persistent
        start = tf.convert_to_tensor(chains.states.value)
        seed = seed.at_row(chains.first_row)
        start = self.walks.with_new(start, fresh, seed)
        end = self.train(start, steps, seed)
        if self._may_have_modes:
            end = self._jumped(end, chains.first_row, seed)
        chains.states.assign(end)
        self.stride.walked.assign(1)

    @functools.cached_property
    def _may_have_modes(self):
        """Whether chains jump: real sites of more than a normal density."""
        density, space = self.density, self.space
        is_normal = density.reference is None and all(
            isinstance(part, Pairwise)
            or (isinstance(part, Powers) and max(part.powers) <= 2)
            for part in density.features.parts
        )
        some = len(space.real_sites) > 0 and not space.periodic.any()
        return some and not is_normal

    def _jumped(self, states, first_row, seed):
        """States after each half has jumped by differences in the other half.

        A difference is as likely as its opposite, and the other half stands
        still: Metropolis's rule leaves p as it is (ter Braak, 2006).
        """
        real = np.isin(np.arange(self.width), self.space.real_sites)
        rows = tf.shape(states)[0]
        numbers = tf.cast(first_row, tf.int32) + tf.range(rows)
        for half in range(2):
            which, by_chance = random.split(
                random.fold_in(seed, _JUMP + half), 2
            )
            others = distribute.all_rows(states)[1 - half :: 2]
            count = tf.shape(others)[0]
            places = random.uniform((rows, 2), which)
            places *= tf.cast(count, places.dtype)
            places = tf.minimum(tf.cast(places, tf.int32), count - 1)
            pair = tf.gather(others, places)
            change = tf.where(real, pair[:, 0] - pair[:, 1], 0.0)
            proposed = states + change
            inside = (proposed >= self.space.low.astype(np.float32)) & (
                proposed <= self.space.high.astype(np.float32)
            )
            may = tf.reduce_all(inside, axis=1) & (numbers % 2 == half)
            proposed = tf.where(may[:, None], proposed, states)
            gain = self.energy(states) - self.energy(proposed)
            chance = tf.math.log(random.uniform((rows, 1), by_chance)[:, 0])
            taken = may & (tf.cast(chance, gain.dtype) < gain)
            states = tf.where(taken[:, None], proposed, states)
        return states

    def moments(
        self, multipliers: tf.Tensor, shift: tf.Tensor, second: bool = True
    ) -> Moments:
        """The `Moments` of the features over the persistent chains."""
        chains = self.walks.persistent
        states = tf.cast(tf.convert_to_tensor(chains.states.value), tf.float64)
        count = float(chains.count)
        mean = distribute.all_sum(self.density.feature_sums(states)) / count
        covariance = None
        if second:
            values = self.density.features(states)
            centred = values - mean
            square = tf.matmul(centred, centred, transpose_a=True)
            covariance = distribute.all_sum(square) / count
        return Moments(None, mean - shift, covariance, None)

    def spread(self, direction: tf.Tensor) -> tf.Tensor:
        """The deviation, over the chains, of the energy that a step adds.

        Args:
            direction: of the multipliers, (features,), for pairwise energies.
        """
        states = tf.convert_to_tensor(self.walks.persistent.states.value)
        states = tf.cast(states, tf.float32)
        added = self.density.pairwise(direction).energy(states)
        added = tf.cast(added, tf.float64)
        count = float(self.walks.persistent.count)
        mean = distribute.all_sum(tf.reduce_sum(added)) / count
        square = tf.reduce_sum((added - mean) ** 2)
        return tf.sqrt(distribute.all_sum(square) / count)

    def draw(
        self,
        multipliers: tf.Tensor,
        n: Any,
        seed: random.Seed,
        temperature: float = 1.0,
    ) -> tf.Tensor:
        """n states after 1,000 sweeps, half of them annealed, (n, width)."""
        first, second = random.split(seed, 2)
        annealed, walked = divided(_STEPS)
        states = self.walks.start(n, first, annealed, temperature)
        return self.walks.run(states, second, walked, temperature)

    def expectation(
        self, multipliers: tf.Tensor, function: Callable
    ) -> tf.Tensor:
        """<g(x)> of a function from states to (batch, n), from draws."""
        return sampled_expectation(self, multipliers, function)

    def log_partition(
        self, multipliers: tf.Tensor, shift: tf.Tensor
    ) -> partition.LogPartition:
        """log Z, by annealing with 100 chains and 1,000 temperatures."""
        return self.annealed(100, 1000, True, random.as_seed(0))

    # Annealing -------------------------------------------------------------

    def annealed(
        self,
        chains: int,
        temperatures: int,
        reverse: bool,
        seed: random.Seed,
        exact: Callable | None = None,
    ) -> partition.LogPartition:
        """log Z by annealed importance sampling.

        Args:
            chains: how many.
            temperatures: of the path.
            reverse: whether to anneal backwards as well.
            seed: of all that is drawn.
            exact: function `(n, seed)` that gives independent states of the
                model; None takes those of a walk.
        """
        first, second, up, down = random.split(seed, 4)
        seeds = AnnealingSeeds(first, up, second, down, down)
        samples = None
        if reverse and exact is not None:
            samples = exact(chains, second)
        return self.walks.anneal(chains, temperatures, seeds, reverse, samples)

    def path_inputs(self) -> list[tf.Tensor]:
        """Biases of independent sites with the observed averages, if known."""
        if not self.density.is_pairwise:
            return [tf.zeros((0,))]
        pairwise = self.pairwise()
        form = self.density.form
        bias = np.zeros(pairwise.bias.shape[0])
        count = len(self.density.features)
        own = np.bincount(form.site_features, minlength=count) == 1
        if self.observations.are_known and len(form.sites):
            observed = self.observations.values.numpy()
            averages = np.zeros(bias.size)
            averages[form.sites] = observed[form.site_features]
            logits = mean_field.independent(pairwise, averages)
            bias = np.where(own[form.site_features].all(), logits, 0.0)
        return [tf.constant(bias, tf.float32)]

    def path(
        self, free_bias: tf.Tensor, beta: Any = 1.0
    ) -> FieldPath | GeneralPath:
        """The path from independent sites, or from p0, to p^beta."""
        if self.density.is_pairwise:
            heat = tf.cast(beta, tf.float32)
            pairwise = self.pairwise().scaled(heat)
            colours = self.density.colours
            return FieldPath(pairwise, colours, free_bias, self.held)
        return GeneralPath(
            self.base,
            lambda x: tf.cast(beta, x.dtype) * self.energy(x),
            self._general_step,
            self.held,
        )
