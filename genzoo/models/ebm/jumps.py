"""Moves of chains between modes, which know where data are.

Rows of a batch do not depend on the chains, so that Metropolis's rule leaves
the model's distribution as it is. Chains that cannot mix would let the
weights of modes drift, and those that cannot move at all would be pushed up
for ever.

An update changes the weights of modes by more than moves can make up for in
one step, so that a share would swing about what it should be. Chains are
therefore weighed by what the update has changed of their density, p_new /
p_old, and drawn anew by these weights: they are of the new model at once.

Reference:
    ter Braak, "A Markov chain Monte Carlo version of the genetic algorithm
    differential evolution", Statistics and Computing 16, 2006. Carbone, Hua,
    Coste and Vanden-Eijnden, "Efficient training of energy-based models using
    Jarzynski equality", NeurIPS 2023, for the weights.
"""

import math
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from genzoo.models.ebm.ends import Ends
from genzoo.models.ebm.energy import Energy
from genzoo.runtime import distribute, random
from genzoo.spaces import Space

# Of drawn places, the share that is the reference's: holes that an energy digs
# where no data are would otherwise be found too late.
_ELSEWHERE = 0.3
# Of kernels about examples, in the units in which the network sees x; and of
# the distance to the next example, if that is more than a unit.
_NARROW, _WIDE = 0.02, 0.5
_APART = 2.0
# The share of draws near examples that goes by how lonely these are: rare
# places would else be reached as rarely as examples are there.
_LONELY = 0.5
# Squared distances beyond this are this.
_FAR = 100.0
_TINY = 1e-9
# Of a site with two ends, beyond which kernels would be mirrored twice.
_OF_SPAN = 0.25
# Discrete sites up to which chains jump: a guess, not measured beyond.
_FEW_SITES = 64
# Numbers that are held at once, but for so many rows.
_ELEMENTS, _LEAST_ROWS = 2**26, 16
# The share of discrete sites that take any level, of few sites.
_OTHER = 0.1


def resampled(
    states: tf.Tensor, change: tf.Tensor, seed: random.Seed
) -> tf.Tensor:
    """Chains drawn anew, each as often as its weight says.

    Of a weight w times the mean, floor(w) or ceil(w) copies are drawn, w on
    average; equal ones leave all as they are.

    Args:
        states: of the chains of this replica, (chains, width).
        change: of the log of their densities, (chains,).
        seed: a `runtime.random.Seed`.

    Returns:
        as many states.
    """
    rows = tf.shape(states)[0]
    first, count = distribute.global_rows(rows)
    states, change = (distribute.all_rows(part) for part in (states, change))
    ends = tf.cumsum(tf.nn.softmax(tf.cast(change, tf.float64)))
    shift = random.uniform((1, 1), seed.at_row(0), "float64")[0, 0]
    marks = tf.cast(first + tf.range(rows), tf.float64) + shift
    marks /= tf.cast(count, tf.float64)
    chosen = tf.searchsorted(ends, marks, side="right")
    return tf.gather(states, tf.minimum(chosen, count - 1))


class Jumps:
    """Jumps of all sites of chains together.

    Modes of a mixed space differ in sites of all kinds at once, between which
    sweeps of one kind after the other do not pass.

    Args:
        energy: the `Energy`.
    """

    def __init__(self, energy: Energy):
        self.energy = energy
        self.space = energy.space
        self.is_real = np.zeros(self.space.width, bool)
        self.is_real[self.space.real_sites] = True
        self.discrete = _Discrete(self.space)
        self.ends = Ends(self.space)
        self.has_distance = self.is_real | self.space.whole
        span = np.where(self.is_real, self.space.high - self.space.low, np.inf)
        self._widest = (_OF_SPAN * span).astype(np.float32)

    @property
    def pay(self) -> bool:
        """Whether chains are to jump: not where many sites are all discrete."""
        return bool(self.is_real.any()) or self.space.width <= _FEW_SITES

    def __call__(
        self, states: tf.Tensor, data: tf.Tensor, seed: random.Seed
    ) -> tf.Tensor:
        """States after each chain has tried to jump.

        Args:
            states: of the chains, (chains, width).
            data: examples, (rows, width), the same on all replicas.
            seed: a `runtime.random.Seed`, addressed by the chains.
        """
        first, second = random.split(seed, 2)
        # Any of the rows will do where chains and rows are very many.
        rows = tf.maximum(tf.shape(states)[0], tf.shape(data)[0])
        data = data[: self.most(rows)]
        if self.is_real.any():
            states = self._by_difference(states, data, first)
        return self._by_draw(states, self._kernels(data), second)

    def most(self, rows: Any) -> Any:
        """Examples that are compared with so many rows, an int or a tensor."""
        held = rows * self.space.width
        return tf.maximum(_LEAST_ROWS, _ELEMENTS // held)

    def _by_difference(self, states, data, seed):
        """By the difference of two examples, as likely as its opposite."""
        first, second = random.split(seed, 2)
        places = self.energy.reference.places
        rows, begin = places.of(data), places.of(states)
        rows = tf.gather(rows, _drawn_rows(states, data, 2, first))
        end = tf.where(self.is_real, begin + rows[:, 0] - rows[:, 1], begin)
        ratio = places.log_slope_at(end) - places.log_slope_at(begin)
        proposed = tf.where(self.is_real, places.at(end), states)
        return self._chosen(states, proposed, ratio, second)

    def _kernels(self, data):
        """Those about examples, as wide as they may be."""
        at = self.energy.reference.places.of(data)
        square = self._nearest(at)
        even = 1 / tf.cast(tf.shape(at)[0], at.dtype)
        lonely = square + _TINY
        lonely /= tf.reduce_sum(lonely)
        share = (1 - _LONELY) * even + _LONELY * lonely
        wider = tf.maximum(1.0, _APART * tf.sqrt(square))[:, None]
        wider = tf.where(self.space.periodic, 1.0, wider)
        size = tf.minimum(_WIDE * wider * self._units(), self._widest)
        return _Kernels(at, tf.math.log(share), size)

    def _nearest(self, at):
        """The mean square by sites of the way to the next example, (rows,)."""
        rows = tf.shape(at)[0]
        sites = np.flatnonzero(self.has_distance)
        if not len(sites):
            return tf.zeros((rows,), at.dtype)
        apart = self._apart(at, at) / self._units()
        square = tf.reduce_mean(tf.gather(apart, sites, axis=2) ** 2, axis=2)
        square = tf.linalg.set_diag(square, tf.fill((rows,), np.inf))
        # A single example has no other; one far beyond all is soon found.
        nearest = tf.reduce_min(square, axis=1)
        return tf.where(rows > 1, tf.minimum(nearest, _FAR), 0.0)

    def _by_draw(self, states, kernels, seed):
        """To a place near an example, or one of the reference."""
        which, width, noise, last, base = random.split(seed, 5)
        others = random.fold_in(base, 1)
        # One width for all: it does not depend on where they are.
        share = random.uniform((1, 1), width.at_row(0))[0, 0]
        narrow = (_NARROW / _WIDE) ** share
        kernels = kernels._replace(size=narrow * kernels.size)
        chosen = kernels.drawn(tf.shape(states)[0], which)
        row, size = (
            tf.gather(part, chosen) for part in (kernels.at, kernels.size)
        )
        places = self.energy.reference.places
        shape = (tf.shape(states)[0], self.space.width)
        normal = random.normal(shape, noise, states.dtype)
        fresh = self.energy.reference.sample(tf.shape(states)[0], base)
        other = random.uniform((tf.shape(states)[0], 1), last)
        # Many examples lie at ends: half of what is near one would be beyond.
        near = self.ends.folded(
            tf.where(self.is_real, row + size * normal, row)
        )
        near = places.at(self.discrete.near(near, size, others))
        proposed = tf.where(other < _ELSEWHERE, fresh, near)
        ratio = self._log_density(states, kernels)
        ratio -= self._log_density(proposed, kernels)
        return self._chosen(states, proposed, ratio, random.fold_in(last, 1))

    def _units(self):
        units = self.energy.units(tf.float32)
        turn = (self.space.high - self.space.low) / (2 * math.pi)
        periodic = self.space.periodic
        turn = np.where(periodic, turn, 1.0).astype(np.float32)
        return tf.where(periodic, turn, units)

    def _log_density(self, x, kernels):
        """log of the density of the drawn places, but for a constant."""
        far = self.energy.reference.log_prob(x)
        places = self.energy.reference.places
        x, (data, log_share, size) = places.of(x), kernels
        real = np.flatnonzero(self.is_real)
        own = tf.gather(size, real, axis=1)
        # |x - c|^2 term by term: both may be large.
        apart = tf.gather(self._apart(x, data), real, axis=2)
        square = tf.reduce_sum((apart / own) ** 2, axis=-1)
        norm = 0.5 * len(real) * math.log(2 * math.pi)
        norm += tf.reduce_sum(tf.math.log(own), axis=1)
        each = self.discrete.log_prob(x, data, size) - 0.5 * square
        each += self.ends.log_images(x, data, size)
        near = tf.reduce_logsumexp(each + log_share - norm, axis=1)
        near -= places.log_slope_at(x)
        both = [near + math.log(1 - _ELSEWHERE), far + math.log(_ELSEWHERE)]
        return tf.reduce_logsumexp(both, axis=0)

    def _apart(self, x, centres):
        """Differences, (rows, centres, width); on a circle the shorter way.

        The longer one is half a circle or more, over six standard deviations:
        kernels of angles are not widened.
        """
        apart = x[:, None] - centres[None]
        periodic = self.space.periodic
        if not periodic.any():
            return apart
        turn = np.where(periodic, self.space.high - self.space.low, 1.0)
        turn = turn.astype(np.float32)
        return tf.where(periodic, apart - turn * tf.round(apart / turn), apart)

    def _chosen(self, states, proposed, log_ratio: Any, seed):
        """Metropolis's choice."""
        low, high = (
            end.astype(np.float32) for end in (self.space.low, self.space.high)
        )
        proposed = self._wrapped(proposed, low, high)
        inside = tf.reduce_all((proposed >= low) & (proposed <= high), axis=1)
        held = tf.where(inside[:, None], proposed, states)
        gain = self.energy(states) - self.energy(held) + log_ratio
        uniform = random.uniform((tf.shape(states)[0], 1), seed)[:, 0]
        accepted = inside & (tf.math.log(uniform) < gain)
        return tf.where(accepted[:, None], proposed, states)

    def _wrapped(self, x, low, high):
        """States whose angles are on the circle."""
        periodic = self.space.periodic
        if not periodic.any():
            return x
        low = np.where(periodic, low, 0).astype(np.float32)
        turn = np.where(periodic, high - low, 1).astype(np.float32)
        return tf.where(periodic, low + tf.math.floormod(x - low, turn), x)


class _Kernels(NamedTuple):
    """Kernels about examples.

    Attributes:
        at: the places of the examples, (rows, width).
        log_share: log of the probability that it is drawn from, (rows,).
        size: the scale of each site, (rows, width).
    """

    at: tf.Tensor
    log_share: tf.Tensor
    size: tf.Tensor

    def drawn(self, n: Any, seed: random.Seed) -> tf.Tensor:
        """The numbers of n of them."""
        ends = tf.cumsum(tf.exp(tf.cast(self.log_share, tf.float64)))
        mark = random.uniform((n, 1), seed, "float64")[:, 0] * ends[-1]
        chosen = tf.searchsorted(ends, mark, side="right")
        return tf.minimum(chosen, tf.shape(ends)[0] - 1)


class _Discrete:
    """Discrete sites of drawn places, near an example's.

    A site with levels has the example's, but for a small share that has any.
    Whole numbers without end are the example's and a step to either side,
    `P(d) = tanh(1 / (2 s)) exp(-|d| / s)`.

    Args:
        space: a `Space`.
    """

    def __init__(self, space: Space):
        counts = [0 if v is None else len(v) for v in space.levels]
        self.has_levels = np.array(counts) > 0
        self.whole = space.whole
        self._count = np.maximum(counts, 1).astype(np.float32)
        share = min(_OTHER, 1 / max(self.has_levels.sum(), 1))
        self._share = np.float32(share)
        self._table = np.zeros((space.width, max(1, *counts)), np.float32)
        for site, levels in enumerate(space.levels):
            if levels is not None:
                self._table[site, : len(levels)] = levels

    def near(self, x, size, seed):
        """States near these, (rows, width)."""
        which, level, up, down = random.split(seed, 4)
        shape = (tf.shape(x)[0], len(self._table))
        if self.has_levels.any():
            number = random.uniform(shape, level) * self._count
            number = tf.minimum(tf.floor(number), self._count - 1)
            number = tf.transpose(tf.cast(number, tf.int32))
            other = tf.gather(self._table, number, batch_dims=1)
            changes = random.uniform(shape, which) < self._share
            changes &= self.has_levels
            x = tf.where(changes, tf.transpose(other), x)
        if self.whole.any():
            more, less = (
                tf.floor(-size * tf.math.log1p(-random.uniform(shape, own)))
                for own in (up, down)
            )
            x = tf.where(self.whole, x + more - less, x)
        return x

    def log_prob(self, x, data, size):
        """log of the probability of x near each example, (rows, examples)."""
        total = tf.zeros((tf.shape(x)[0], tf.shape(data)[0]), x.dtype)
        if self.has_levels.any():
            own, theirs = (
                tf.boolean_mask(part, self.has_levels, axis=1)
                for part in (x, data)
            )
            other = self._share / self._count[self.has_levels]
            equal = np.log(1 - self._share + other)
            same = own[:, None] == theirs[None]
            each = tf.where(same, equal, np.log(other))
            total += tf.reduce_sum(each, axis=-1)
        if self.whole.any():
            own, theirs, size = (
                tf.boolean_mask(part, self.whole, axis=1)
                for part in (x, data, size)
            )
            steps = tf.abs(own[:, None] - theirs[None]) / size
            norm = tf.math.log(tf.tanh(0.5 / size))
            total += tf.reduce_sum(norm - steps, axis=-1)
        return total


def _drawn_rows(states, data, count, seed):
    """Numbers of rows of data for each chain, (chains, count)."""
    rows = tf.shape(data)[0]
    share = random.uniform((tf.shape(states)[0], count), seed, "float64")
    places = tf.cast(share * tf.cast(rows, share.dtype), tf.int32)
    return tf.minimum(places, rows - 1)
