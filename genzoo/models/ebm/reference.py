"""The data's sites, each alone: where a neural energy begins."""

import warnings
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from genzoo import checks
from genzoo.models.common.given import Given
from genzoo.models.ebm.places import Places
from genzoo.models.ebm.whole import WholeNumbers
from genzoo.runtime import data, distribute, random
from genzoo.spaces import Space

# Of the standard deviations of normal sites in those of the data.
_WIDER = 1.5
# The share that is spread over all of a site with an end.
_FAR = 0.1
# A level that was never seen counts as if so many examples had it.
_UNSEEN = 0.5
# Standard deviations from the middle that a window holds.
_REACH = 10.0
# A spread of so little of the mean is a few steps of float32.
_ROUNDING = 1e-6


class Reference(keras.layers.Layer):
    """q(x) = prod_i q_i(x_i), independent sites fitted to data.

    Levels have the data's frequencies. A site on the whole real line is
    normal, with the data's mean and 1.5 times their standard deviation. One
    with ends is the same between them, but for a tenth: that is even between
    two ends, and beyond a single one half a normal distribution, of the data's
    spread about the end. Angles are even. Where data have long tails all this
    holds of their places: see `Places`. Whole numbers without end are
    `WholeNumbers` of the data's mean and 1.5 times their standard deviation.

    Args:
        space: a `Space`, a product of sites.

    Attributes:
        middle: weight, the means of the data's places, (width,).
        spread: weight, their standard deviations.
        stretch: weight, that of the places, (width, 2).
        places: the `Places`, which are the data where no tail is long.
        logits: weight, log of the frequencies of all levels of all sites.
    """

    def __init__(self, space: Space, **kwargs):
        super().__init__(trainable=False, dtype="float32", **kwargs)
        self.space = space
        self._both = np.isinf(space.low) & np.isinf(space.high)
        self._bounded = np.isfinite(space.low) & np.isfinite(space.high)
        self._discrete = np.array([v is not None for v in space.levels])
        self._single = ~self._both & ~self._bounded & ~space.whole
        self._boxed = self._bounded & ~self._discrete & ~space.periodic
        self._ended = self._boxed | self._single
        sizes = [0 if v is None else len(v) for v in space.levels]
        first = np.cumsum([0, *sizes])
        self._groups = list(_groups(space, first))
        low, high = self._ends(0.0)
        starts = {
            "middle": np.where(self._boxed, 0.5 * (low + high), 0.0),
            "spread": np.where(self._boxed, 0.5 * (high - low), 1.0),
            "logits": np.zeros(int(first[-1])),
            "stretch": np.zeros((space.width, 2)),
        }
        self.middle, self.spread, self.logits, self.stretch = (
            distribute.mirrored_weight(
                self, name, start.shape, _beginning(start)
            )
            for name, start in starts.items()
        )
        self.places = Places(space, self.stretch)
        self.built = True

    def _ends(self, other):
        """(low, high) of sites with ends, and `other` where there is none."""
        return (
            np.where(np.isfinite(end), end, other)
            for end in (self.space.low, self.space.high)
        )

    # From data --------------------------------------------------------------

    def fit(self, given: Given, steps: int | None = None) -> None:
        """Take the data's means, spreads and frequencies.

        Args:
            given: checked examples.
            steps: how many batches of a dataset to see; None means all.

        Raises:
            ValueError: for `told_plainly`, if columns lie so far from zero
                that float32 numbers cannot tell their values apart.
        """
        x, _, weight, seen = given
        mean, variance, count = data.moments(x, steps, weight, seen)
        mean, spread = np.ravel(mean), np.sqrt(np.ravel(variance))
        flat = self._flat(mean, spread)
        low, high = self._ends(0.0)
        plain = np.where(self._boxed, 0.5 * (high - low), 1.0)
        spread = np.where(flat | self._discrete, plain, spread)
        mean, spread = self.places.fit(given, mean, spread, steps)
        self.middle.assign(mean)
        self.spread.assign(spread)
        if self._discrete.any():
            self.logits.assign(self._log_frequencies(given, steps, count))

    def _flat(self, mean, spread):
        """Which columns are constant, of those that are real numbers."""
        is_real = ~self._discrete & ~self.space.whole & ~self.space.periodic
        narrow = is_real & (spread <= _ROUNDING * np.abs(mean))
        lost = np.flatnonzero(narrow & (spread > 1e-14 * np.abs(mean)))
        if len(lost):
            raise ValueError(
                f"{data.TOLD}x: columns {checks.columns(lost)} lie so far "
                f"from zero, at {mean[lost[0]]:.9g} +- {spread[lost[0]]:.2g}, "
                "that the float32 numbers of a network cannot tell their "
                "values apart: standardise the data first, "
                "(x - x.mean(0)) / x.std(0)."
            )
        flat = is_real & (spread <= 1e-14 * np.abs(mean))
        if flat.any():
            shown = checks.columns(np.flatnonzero(flat))
            warnings.warn(
                f"EnergyModel: {flat.sum()} of {len(flat)} columns of the data "
                f"are constant (numbers {shown}): "
                "their density has no bound, and likelihoods say little. Leave "
                "these columns out; if they vary, by less than float32 can "
                "tell so far from zero, standardise them first.",
                stacklevel=2,
            )
        return flat | (spread == 0)

    def _log_frequencies(self, given, steps, count):
        total, held = np.zeros(self.logits.shape), np.zeros(self.space.width)
        x, _, weight, seen = given
        for part, own, known in data.known_parts(x, weight, seen, steps):
            rows = part.reshape(len(part), -1)
            if own is None and known is None:
                held += len(rows)
                self._count_levels(rows, total)
                continue
            own = np.ones(len(rows)) if own is None else np.asarray(own)
            shares = np.broadcast_to(own[:, None], rows.shape)
            if known is not None:
                shares = shares * known.reshape(rows.shape)
            held += shares.sum(axis=0)
            for sites, levels, places in self._groups:
                is_level = rows[:, sites, None] == levels
                total[places] += np.einsum(
                    "bi,biq->iq", shares[:, sites], is_level
                )
        found = np.zeros_like(total)
        for sites, _, places in self._groups:
            frequency = total[places] / held[sites, None] * count + _UNSEEN
            share = frequency / frequency.sum(axis=1, keepdims=True)
            found[places] = np.log(share)
        return found

    def _count_levels(self, rows, total):
        """Add how many rows have each level: whole numbers, exact so."""
        ones = np.ones(len(rows), np.float32)
        for sites, levels, places in self._groups:
            part = rows if len(sites) == rows.shape[1] else rows[:, sites]
            if data.are_bytes(part):
                part = part.astype(np.float32)
                levels = levels.astype(np.float32)
            for number, level in enumerate(levels.T):
                count = ones @ (part == level).astype(np.float32)
                total[places[:, number]] += count

    # A distribution ---------------------------------------------------------

    def _scale(self, dtype):
        """Of normal sites."""
        wide = _WIDER * tf.convert_to_tensor(self.spread.value)
        return tf.cast(wide, dtype)

    def _far(self, dtype):
        """Of the tenth beyond a single end."""
        low, high = self._ends(0.0)
        end = tf.cast(np.where(np.isfinite(self.space.low), low, high), dtype)
        away = self._cast("middle", dtype) - end
        return tf.sqrt(self._cast("spread", dtype) ** 2 + away**2)

    def _inside(self, dtype):
        """The normal distribution's function at both ends of each site."""
        middle, scale = self._cast("middle", dtype), self._scale(dtype)
        return (
            _below((tf.cast(end, dtype) - middle) / scale)
            for end in (self.space.low, self.space.high)
        )

    def _whole(self, dtype):
        return WholeNumbers.of(self._cast("middle", dtype), self._scale(dtype))

    def sample(self, n: Any, seed: random.Seed) -> tf.Tensor:
        """n independent states, (n, width), float32."""
        space = self.space
        first, second = random.split(seed, 2)
        x = space.start(n, first)
        middle = tf.convert_to_tensor(self.middle.value)
        scale = self._scale(x.dtype)
        x = tf.where(self._both, middle + scale * x, x)
        uniform = random.uniform((n, space.width), second, "float64")
        if self._ended.any():
            x = tf.where(self._ended, self._drawn(x, uniform), x)
        x = self.places.at(x)
        if space.whole.any():
            number = self._whole(tf.float64).drawn(uniform)
            x = tf.where(space.whole, tf.cast(number, x.dtype), x)
        for sites, levels, places in self._groups:
            below = tf.cumsum(
                tf.exp(self._log_shares(places, tf.float64)), axis=1
            )
            share = tf.gather(uniform, sites, axis=1) * below[:, -1]
            number = tf.reduce_sum(
                tf.cast(share[:, :, None] >= below[:, :-1], tf.int32), axis=2
            )
            is_level = tf.one_hot(number, levels.shape[1], dtype=x.dtype)
            own = tf.reduce_sum(is_level * levels.astype(np.float32), axis=2)
            x = tf.transpose(
                tf.tensor_scatter_nd_update(
                    tf.transpose(x), sites[:, None], tf.transpose(own)
                )
            )
        return x

    def _drawn(self, far, uniform):
        """States of sites with ends: most of one normal, a tenth of far ones.

        Args:
            far: even ones between two ends, half normal ones beyond one.
            uniform: (n, width), float64.
        """
        low, high = self._ends(0.0)
        end = np.where(np.isfinite(self.space.low), low, high)
        end = np.where(self._single, end, 0.0).astype(np.float32)
        size = _where(self._single, self._far(far.dtype), tf.ones(()))
        far = end + size * (far - end)
        below, above = self._inside(tf.float64)
        share = (uniform - _FAR) / (1 - _FAR)
        place = below + tf.maximum(share, 0.0) * (above - below)
        near = self._cast("middle", tf.float64) + self._scale(
            tf.float64
        ) * tf.math.ndtri(place)
        near = tf.clip_by_value(near, self.space.low, self.space.high)
        return tf.where(uniform < _FAR, far, tf.cast(near, far.dtype))

    def _log_shares(self, places, dtype):
        """log of the frequencies of the levels of sites, (sites, q)."""
        found = tf.gather(self._cast("logits", dtype), places)
        return tf.nn.log_softmax(found, axis=1)

    def log_prob(
        self, x: tf.Tensor, seen: tf.Tensor | None = None
    ) -> tf.Tensor:
        """log q of states (batch, width), (batch,).

        Args:
            x: states.
            seen: of which sites, bool (batch, width); None for all.
        """
        at = self.places.of(x)
        return self.log_prob_at(at, seen) - self.places.log_slope_at(at, seen)

    def log_prob_at(
        self, places: tf.Tensor, seen: tf.Tensor | None = None
    ) -> tf.Tensor:
        """log of the density of places (batch, width), (batch,).

        Args:
            places: of states.
            seen: of which sites, bool (batch, width); None for all.
        """
        space, x = self.space, places
        middle, scale = self._cast("middle", x.dtype), self._scale(x.dtype)
        each = _log_normal(x - middle, scale)
        if not self._both.all():
            low, high = self._ends(0.0)
            # Of a single end there is no other.
            is_between = self._bounded & ~self._discrete
            span = np.where(is_between, high - low, 1.0)
            far = tf.cast(-np.log(span), x.dtype)
            if self._single.any():
                end = np.where(np.isfinite(space.low), low, high)
                away, size = x - tf.cast(end, x.dtype), self._far(x.dtype)
                half = np.log(2) + _log_normal(away, size)
                far = tf.where(self._single, half, far)
            below, above = self._inside(x.dtype)
            near = each - tf.math.log(above - below)
            mixed = _log_sum(near + np.log1p(-_FAR), far + np.log(_FAR))
            each = tf.where(self._both, each, far)
            each = tf.where(self._ended, mixed, each)
        if space.whole.any():
            own = self._whole(x.dtype).log_prob(x)
            each = tf.where(space.whole, own, each)
        if seen is not None:
            each = tf.where(seen, each, 0)
        total = tf.reduce_sum(each, axis=1)
        for sites, levels, places in self._groups:
            rows = tf.gather(x, sites, axis=1)
            shares = self._log_shares(places, x.dtype)
            ends = tf.cast(levels, x.dtype)
            if levels.shape[1] == 2:
                # A straight line between them, which has a gradient.
                high = (rows - ends[:, 0]) / (ends[:, 1] - ends[:, 0])
                each = (1 - high) * shares[:, 0] + high * shares[:, 1]
            else:
                is_level = tf.cast(rows[:, :, None] == ends, x.dtype)
                each = tf.reduce_sum(is_level * shares, axis=2)
            if seen is not None:
                each = tf.where(tf.gather(seen, sites, axis=1), each, 0)
            total += tf.reduce_sum(each, axis=1)
        return total

    # In its units -----------------------------------------------------------

    def standardised(self, x: tf.Tensor) -> tf.Tensor:
        """States in the units in which a network sees them.

        Places of real sites, and whole numbers, less their mean, over their
        `units`; levels and angles as they are.
        """
        return self.standardised_at(self.places.of(x))

    def standardised_at(self, x: tf.Tensor) -> tf.Tensor:
        """The same of places."""
        shift, unit = self.units(x.dtype)
        # Compilers round (x - 0) / 1, too; levels are compared later on.
        plain = self._discrete | self.space.periodic
        return tf.where(plain, x, (x - shift) / unit)

    def units(self, dtype: Any) -> tuple[tf.Tensor, tf.Tensor]:
        """(shift, unit) of the places of each site, (width,) each.

        A unit is their standard deviation. Between two ends it is at
        least the variance over the mean's distance to either, which is the
        size of rare values where most lie at that end, and no more than half
        of the site.
        """
        plain = self._discrete | self.space.periodic
        spread = self._cast("spread", dtype)
        shift = _where(
            plain, tf.zeros_like(spread), self._cast("middle", dtype)
        )
        unit = _where(plain, tf.ones_like(spread), spread)
        if self._boxed.any():
            low, high = (tf.cast(end, dtype) for end in self._ends(0.0))
            size = spread**2 / tf.minimum(shift - low, high - shift)
            boxed = tf.minimum(tf.maximum(spread, size), 0.5 * (high - low))
            unit = _where(self._boxed, boxed, unit)
        return shift, unit

    def _cast(self, name, dtype):
        return tf.cast(getattr(self, name).value, dtype)

    def body(self) -> tf.Tensor:
        """Where the places of unbounded sites have their mass, (width, 2)."""
        middle, reach = (
            self._cast("middle", tf.float64),
            _REACH * self._cast("spread", tf.float64),
        )
        low = tf.maximum(middle - reach, self.space.low)
        high = tf.minimum(middle + reach, self.space.high)
        return tf.stack([low, high], axis=1)

    def mode(self) -> tf.Tensor:
        """A state in the midst of the data, float32 (1, width)."""
        x = self.places.at(self._cast("middle", tf.float32))
        for sites, levels, places in self._groups:
            best = tf.argmax(self._log_shares(places, tf.float32), axis=1)
            own = tf.gather(levels.astype(np.float32), best, batch_dims=1)
            x = tf.tensor_scatter_nd_update(x, sites[:, None], own)
        low, high = (
            np.float32(end) for end in (self.space.low, self.space.high)
        )
        return tf.clip_by_value(x, low, high)[None]


def _beginning(values):
    """An initializer of known numbers."""
    return lambda shape, dtype=None: keras.ops.cast(values, dtype)


def _log_normal(x, scale):
    z = x / scale
    return -0.5 * z * z - tf.math.log(scale) - 0.5 * float(np.log(2 * np.pi))


def _below(z):
    """The normal distribution's function."""
    # Of infinity TensorFlow's erf is NaN in double precision.
    z = tf.clip_by_value(z, -40.0, 40.0)
    return 0.5 * (1 + tf.math.erf(z * float(np.sqrt(0.5))))


def _log_sum(one, other):
    """log(exp(one) + exp(other))."""
    return tf.maximum(one, other) + tf.math.log(
        1 + tf.exp(-tf.abs(one - other))
    )


def _where(mask, one, other):
    """`tf.where` of a mask known in advance: all or none cost nothing."""
    if mask.all() or not mask.any():
        return tf.convert_to_tensor(one if mask.all() else other)
    return tf.where(mask, one, other)


def _groups(space, first):
    """Sites with as many levels: (sites, their levels, places of logits)."""
    sizes = np.array([0 if v is None else len(v) for v in space.levels])
    for size in sorted(set(sizes) - {0}):
        sites = np.flatnonzero(sizes == size)
        levels = np.array([space.levels[i] for i in sites], np.float64)
        yield sites, levels, first[sites][:, None] + np.arange(size)
