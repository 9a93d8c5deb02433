"""Moves of Markov chains of any energy, on any product of sites.

Gibbs sampling of the discrete sites, or of many bits at once by gradients;
Hamiltonian Monte Carlo of the others.
"""

import copy
from collections.abc import Callable, Iterator
from typing import Any, Self

import keras
import numpy as np
import tensorflow as tf

from genzoo import samplers
from genzoo.runtime import distribute, random
from genzoo.samplers.chain import LogProb, Step
from genzoo.samplers.metropolis import Info, uniform_jumps, whole_steps
from genzoo.spaces import Space

_LEAPFROG = 8
_ACCEPTANCE = 0.8
# Sweeps in which a walk finds its step size, and of how many at least.
_WARM_UP = 200
_FEWEST_TO_TUNE = 40
# Bits that are changed by gradients: the steps of a sweep in units of the step
# size, small ones where a large one would always be refused; and sites from
# which on they are quicker than Gibbs sampling.
_SIZES = (0.25, 0.5, 1.0, 0.25, 0.5, 1.0)
_MANY = 20
# Proposals of a sweep that take one site from end to end.
_JUMPS = 8

# States and which of their numbers are known, (chains, width) each.
Held = tuple[tf.Tensor, tf.Tensor]


class Stride(keras.layers.Layer):
    """What chains learn of how to walk.

    Attributes:
        size: weight, the step of Hamiltonian moves in units of the spread.
        walked: weight, 1 once the chains have walked; until then they may be
            placed.
    """

    def __init__(self, **kwargs):
        super().__init__(trainable=False, dtype="float64", **kwargs)
        self.size, self.walked = (
            # Keras's Constant would round it to float32.
            distribute.mirrored_weight(
                self,
                name,
                (),
                lambda shape, dtype, start=start: np.array(start, dtype),
            )
            for name, start in (("step_size", 0.3), ("walked", 0.0))
        )
        self.built = True


class Moves:
    """How chains of a space walk.

    Args:
        space: a `Space`, a product of sites.
        body: function that gives the interval in which each site has its
            mass, (width, 2): an unbounded one's is some 20 standard
            deviations wide.
        stride: the `Stride`.
        has_gradients: whether energies can be differentiated between levels.
    """

    def __init__(
        self,
        space: Space,
        body: Callable[[], tf.Tensor],
        stride: Stride,
        has_gradients: bool = False,
    ):
        self.space = space
        self.width = space.width
        self.body = body
        self.stride = stride
        sizes = {None if v is None else len(v) for v in space.levels}
        self._are_bits = has_gradients and sizes == {2} and self.width >= _MANY

    @property
    def _has_size(self):
        """Whether a step size is to be found."""
        return self._are_bits or len(self.space.real_sites) > 0

    def step(
        self, energy: LogProb, size: Any = None, held: Held | None = None
    ) -> Step:
        """A sampler's step that leaves exp(-energy) as it is.

        Args:
            energy: function of states, (chains, width), in nats.
            size: of Hamiltonian steps; None takes that of the stride.
            held: what keeps its value.
        """
        steps = []
        space, kept = self.space, None if held is None else held[1]
        if self._are_bits:
            steps.append(self._over_bits(energy, size, kept))
        elif len(space.continuous_sites) < self.width:
            steps.append(samplers.gibbs_energy(energy, space.levels, kept))
        whole = np.flatnonzero(space.whole)
        if len(whole):
            steps.append(self._over_whole_numbers(energy, whole, held))
        if len(space.real_sites):
            steps.extend(self._continuous(energy, size, held))

        def step(seed, x):
            info = None
            for number, move in enumerate(steps):
                x, info = move(random.fold_in(seed, number), x)
            return x, info

        return step

    def _over_bits(self, energy, size, kept):
        """Steps of several sizes, by gradients."""
        size = self.stride.size.value if size is None else size
        sizes = tf.cast(size, tf.float32) * tf.constant(_SIZES)
        levels = np.array(self.space.levels, np.float32)

        def step(seed, x):
            def body(number, x, _):
                move = samplers.discrete_langevin(
                    lambda x: -energy(x), levels, sizes[number], kept
                )
                x, info = move(random.fold_in(seed, number), x)
                return number + 1, x, info.acceptance

            _, x, acceptance = tf.while_loop(
                lambda number, *_: number < len(_SIZES),
                body,
                (tf.zeros((), tf.int32), x, tf.zeros(tf.shape(x)[:1])),
            )
            return x, Info(acceptance)

        return step

    def _over_whole_numbers(self, energy, sites, held):
        """Steps up and down, of the size of the spread, at each site."""
        window = self.body()
        reach = tf.cast(window[:, 1] - window[:, 0], tf.float32)
        # A window is some 20 standard deviations wide.
        scale = tf.maximum(0.05 * tf.gather(reach, sites), 1.0)
        least = tf.constant(self.space.low, tf.float32)

        def log_prob(x):
            outside = tf.reduce_any(x < least, axis=-1)
            # Where the density is not defined it is not looked at.
            value = -energy(tf.maximum(x, least))
            return tf.where(outside, -np.inf, value)

        return whole_steps(
            _where_held(log_prob, held), sites, scale, self.width
        )

    def _continuous(self, energy, size, held) -> Iterator[Step]:
        low, high = self.space.bounds(self.body())
        moves = np.zeros(self.width, np.float32)
        moves[self.space.real_sites] = 1.0
        periodic = self.space.periodic
        # An unbounded site's window is some 20 standard deviations wide.
        share = np.where(self.space.unbounded, 0.05, 0.3).astype(np.float32)
        scale = moves * share * tf.cast(high - low, tf.float32)
        size = self.stride.size.value if size is None else size
        # Discrete sites do not move, and have no walls.
        low = np.where(moves, self.space.low, -np.inf)
        high = np.where(moves, self.space.high, np.inf)
        walls = [
            np.where(periodic, far, end)
            for end, far in ((low, -np.inf), (high, np.inf))
        ]
        least, most = (tf.constant(end, tf.float32) for end in walls)

        def log_prob(x):
            return -energy(self._wrapped(tf.clip_by_value(x, least, most)))

        bounded = int(np.sum(np.isfinite(low) & np.isfinite(high)))
        if bounded:
            jumps = min(bounded, _JUMPS)
            yield uniform_jumps(_where_held(log_prob, held), low, high, jumps)
        scale *= tf.cast(size, tf.float32)
        if held is not None:
            scale *= tf.cast(~held[1], tf.float32)
        move = samplers.hmc(log_prob, scale, _LEAPFROG, *walls)
        if not periodic.any():
            yield move
            return

        def around(seed, x):
            x, info = move(seed, x)
            return self._wrapped(x), info

        yield around

    def _wrapped(self, x):
        """States, those of angles back between their ends."""
        space = self.space
        if not space.periodic.any():
            return x
        low = tf.constant(np.where(space.periodic, space.low, 0.0), x.dtype)
        span = np.where(space.periodic, space.high - space.low, 1.0)
        span = tf.constant(span, x.dtype)
        inside = low + tf.math.floormod(x - low, span)
        # Where nothing is to be done nothing is rounded.
        beyond = space.periodic & ((x < low) | (x > low + span))
        return tf.where(beyond, inside, x)

    def walk(
        self,
        step_of: Callable[[Any], Step],
        states: tf.Tensor,
        seed: random.Seed,
        steps: Any,
    ) -> tf.Tensor:
        """States after some sweeps.

        Of many sweeps over continuous sites the first find the step size; it
        is not kept, so that a walk is a function of its seed.

        Args:
            step_of: from a step size, or None for the stride's, to a step.
            states: where the chains begin.
            seed: a `runtime.random.Seed`.
            steps: how many sweeps, an int or a tensor.
        """
        short = isinstance(steps, int) and steps < _FEWEST_TO_TUNE
        if short or not self._has_size:
            return samplers.run(step_of(None), seed, states, steps)
        first, second = random.split(seed, 2)
        warm_up = tf.minimum(steps // 2, _WARM_UP)
        warm_up = tf.where(steps < _FEWEST_TO_TUNE, 0, warm_up)
        size, states = samplers.tune_step_size(
            step_of, first, states, warm_up, _ACCEPTANCE, self.stride.size.value
        )
        return samplers.run(step_of(size), second, states, steps - warm_up)

    def train(
        self, step: Step, states: tf.Tensor, seed: random.Seed, steps: int
    ) -> tf.Tensor:
        """States after some sweeps by which the stride is adapted."""
        if not self._has_size:
            return samplers.run(step, seed, states, steps)
        for number in range(steps):
            states, info = step(random.fold_in(seed, number), states)
        accepted = tf.reduce_mean(tf.cast(info.acceptance, tf.float64))
        accepted = distribute.all_sum(accepted) / distribute.replica_count()
        size = tf.convert_to_tensor(self.stride.size.value)
        change = tf.exp(0.1 * (accepted - _ACCEPTANCE))
        self.stride.size.assign(tf.clip_by_value(size * change, 1e-3, 2.0))
        return states


class SiteWalker:
    """What the chains of any energy of sites have: see `walks.Walker`.

    A subclass gives `step(beta, size)`, `energy(states)` and `moves`.
    """

    moves: Moves
    held: Held | None = None
    step: Callable[..., Step]
    energy: Any

    def at(self, x: tf.Tensor, seed: random.Seed) -> tf.Tensor:
        """Chains that begin at examples."""
        return self.moves.space.flatten(tf.cast(x, tf.float32))

    def walk(
        self, states: tf.Tensor, seed: random.Seed, steps: Any, beta: Any = 1.0
    ) -> tf.Tensor:
        """States after some sweeps; see `Moves.walk`."""
        states = tf.cast(states, tf.float32)
        return self.moves.walk(
            lambda size: self.step(beta, size), states, seed, steps
        )

    def sweep(
        self, states: tf.Tensor, seed: random.Seed
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """(states, energies) after one sweep."""
        states, _ = self.step()(seed, states)
        return states, self.energy(states)

    def train(
        self, states: tf.Tensor, steps: int, seed: random.Seed
    ) -> tf.Tensor:
        """States after some sweeps; the step size of the walk is adapted."""
        states = tf.cast(states, tf.float32)
        return self.moves.train(self.step(), states, seed, steps)

    def clamped(self, x: tf.Tensor, seen: tf.Tensor) -> Self:
        """The chains of what is left of rows x if some of them is seen."""
        found = copy.copy(self)
        found.held = x, seen
        return found

    def expected(self, states: tf.Tensor) -> tf.Tensor:
        """The states themselves."""
        return states


def _where_held(log_prob: LogProb, held: Held | None) -> LogProb:
    """The same, with -inf where what is held would be another."""
    if held is None:
        return log_prob
    known, seen = held

    def where_held(x):
        moved = tf.reduce_any(seen & (x != known), axis=-1)
        return tf.where(moved, -np.inf, log_prob(x))

    return where_held
