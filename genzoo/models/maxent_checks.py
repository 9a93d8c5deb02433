"""Whether averages are possible, and where a density on R has its mass."""

import functools
import warnings

import numpy as np
import tensorflow as tf

from genzoo.models import feasibility
from genzoo.runtime.graph import compiled

# Features at all points are kept where they are no more numbers than this.
_MOST_VALUES = 2**24
# An unbounded site is integrated where the log-density is within this many
# nats of its maximum.
_DEPTH = 45.0
_MOST_WINDOWS = 15


class Checks:
    """The part of `MaxEnt` that looks at the space before and between steps."""

    @functools.cached_property
    def _at_start(self):
        """Features' averages and covariance where all multipliers are 0."""

        def moments(window_unused):
            zeros = tf.zeros((len(self.features),), tf.float64)
            return self.moments(zeros, zeros)[1:3]

        return compiled(moments, tf.TensorSpec((), tf.float64))

    @functools.cached_property
    def _bounded_reach(self):
        return self._feature_table(len(self.features) <= feasibility.FEW)

    @property
    def _reachable(self):
        """(least, greatest) of each feature, and all values if few."""
        if not self.is_summable:
            # A lattice: all spins alike have the most bonds.
            alike = tf.ones((1, self.space.width), tf.float64)
            most = self.features(alike)[0].numpy()
            return -most, most, None
        if self.space.is_bounded:
            return self._bounded_reach
        return self._feature_table(True)

    @functools.cached_property
    def _dual(self):
        """The dual objective, with the terms of a tolerance."""

        def dual(x):
            observed = tf.convert_to_tensor(self.observed.value)
            value = self.moments(x, observed, False)[0]
            value += tf.reduce_sum(0.5 * self._l2() * x * x)
            return value + tf.reduce_sum(self._l1() * tf.abs(x))

        spec = tf.TensorSpec((len(self.features),), tf.float64)
        return compiled(dual, spec)

    def start_over_if_better(self):
        """Go to multipliers of zero if the dual is less there."""
        kept = self.multipliers
        if self.is_exact and kept.any():
            if not self._dual(kept) < self._dual(0 * kept):
                self.multiplier_weights.assign(0 * kept)

    def _feature_table(self, wants_values):
        """(least, greatest) of each feature, and all values if wanted.

        The ends of bounded sites count, where quadrature has no nodes.
        """
        grid = self.grid()
        count = grid.count
        few = wants_values and count * len(self.features) <= _MOST_VALUES
        size = min(count, 2**22 // max(len(self.features), 1) + 1)
        blocks = []
        low = np.full(len(self.features), np.inf)
        high = -low
        for start in range(0, count, size):
            points = grid.points(start, min(size, count - start))
            blocks.append(self.features(points).numpy())
            low = np.minimum(low, blocks[-1].min(axis=0))
            high = np.maximum(high, blocks[-1].max(axis=0))
            if not few:
                blocks = []
        corners = self._corners()
        if len(corners):
            ends = self.features(tf.constant(corners)).numpy()
            blocks.append(ends)
            low = np.minimum(low, ends.min(axis=0))
            high = np.maximum(high, ends.max(axis=0))
        return low, high, np.concatenate(blocks) if few else None

    def _corners(self):
        """The ends of bounded continuous sites, with a few levels."""
        sites = self.space.continuous_sites
        if not len(sites):
            return np.zeros((0, self.space.width))
        axes = []
        for site, levels in enumerate(self.space.levels):
            low, high = self.space.low[site], self.space.high[site]
            if levels is not None:
                axes.append(np.asarray(levels, np.float64))
            else:
                ends = [v for v in (low, high) if np.isfinite(v)]
                inner = self.window.numpy()[site]
                axes.append(np.array([*ends, *(inner if not ends else [])]))
        if np.prod([len(axis) for axis in axes]) > 2**16:
            return np.zeros((0, self.space.width))
        mesh = np.meshgrid(*axes, indexing="ij")
        return np.stack([m.ravel() for m in mesh], axis=1)

    def check_observations(self, where, observed, has_tolerance):
        """Refuse impossible averages, and find redundant features.

        Returns:
            A boolean array: the features that follow from others.

        Raises:
            ValueError: naming the constraint.
        """
        names = self.features.names
        if not np.isfinite(observed).all():
            bad = names[int(np.flatnonzero(~np.isfinite(observed))[0])]
            raise ValueError(
                f"{where}: the average of {bad} is not a finite number."
            )
        if not has_tolerance:
            feasibility.check_variances(where, names, observed)
            feasibility.check_covariance(where, self.space, names, observed)
        if not self.is_exact:
            return np.zeros(len(names), bool)
        low, high, values = self._reachable
        if not has_tolerance:
            # Chains go towards infinity slowly, and stay of use.
            strict = not (self.compiled and self.loss.samples)
            feasibility.check_ranges(where, names, low, high, observed, strict)
        if not has_tolerance and strict and len(names) <= feasibility.FEW:
            if values is not None:
                feasibility.check_hull(where, names, values, observed)
        mean, covariance = (
            part.numpy() for part in self._at_start(tf.zeros((), tf.float64))
        )
        scale = np.maximum(np.abs(low), np.abs(high))
        flags, predict = feasibility.redundant(mean, covariance, scale)
        if flags.any():
            told = ", ".join(np.array(names)[flags][:5])
            error = np.abs(predict(observed) - observed[flags])
            if not has_tolerance and (error > 1e-6 * (1 + scale[flags])).any():
                raise ValueError(
                    f"{where}: the features {told} follow from the others, "
                    "but their averages do not: they should be "
                    f"{predict(observed)[:5]}; received {observed[flags][:5]}."
                )
            warnings.warn(
                f"{where}: {int(flags.sum())} of {len(names)} features follow "
                f"from the others and are redundant: {told}. Their "
                "multipliers are zero; the distribution is the same.",
                stacklevel=3,
            )
        return flags

    def explain_failure(self, where):
        """Raise a ValueError that says why there are no multipliers."""
        values = self._feature_table(True)[2] if self.is_summable else None
        if values is not None:
            feasibility.check_hull(
                where, self.features.names, values, self.observed.numpy()
            )

    # The window of unbounded sites -----------------------------------------

    def move_window(self):
        """Fit the window to the present density; whether it has moved.

        Raises:
            ValueError: if the density does not decay towards infinity.
        """
        unbounded = ~np.isfinite(self.space.low) | ~np.isfinite(self.space.high)
        if not unbounded.any():
            return False
        window = self.window.numpy()
        new = window.copy()
        log_density = self._log_density_on_grid()
        grid = self.grid()
        low, high = (np.asarray(b) for b in self.space.bounds(window))
        for site in np.flatnonzero(unbounded):
            others = tuple(i for i in range(len(grid.sizes)) if i != site)
            profile = log_density.max(axis=others)
            deep = profile > profile.max() - _DEPTH
            first, last = np.flatnonzero(deep)[[0, -1]]
            axis = np.asarray(grid.axes[site].values)
            scale, shift = 0.5 * (high - low)[site], 0.5 * (high + low)[site]
            at = axis * scale + shift
            width = high[site] - low[site]
            count = len(axis)
            # Open ends are pushed out, empty ones cut off.
            a = low[site] - (2 * width if first == 0 else 0.0)
            b = high[site] + (2 * width if last == count - 1 else 0.0)
            if first > 0 and at[first] - low[site] > 0.15 * width:
                a = at[first] - 0.05 * (at[last] - at[first])
            if last < count - 1 and high[site] - at[last] > 0.15 * width:
                b = at[last] + 0.05 * (at[last] - at[first])
            new[site] = a, b
        fixed = np.isfinite([self.space.low, self.space.high]).T
        new = np.where(fixed, window, new)
        if np.allclose(new, window, rtol=0, atol=0):
            return False
        self.windows_tried += 1
        if self.windows_tried > _MOST_WINDOWS or np.abs(new).max() > 1e12:
            raise ValueError(
                "MaxEnt.fit: the density does not decay towards infinity, so "
                "that it cannot be normalised: "
                f"window {new.tolist()}. Constrain a power that bounds it, "
                "such as Moments(1, 2), or use an Interval."
            )
        self.window.assign(new)
        return True

    def _log_density_on_grid(self):
        grid = self.grid()
        x = tf.convert_to_tensor(self.multiplier_weights.value)
        parts = []
        for start in range(0, grid.count, 2**16):
            points = grid.points(start, min(2**16, grid.count - start))
            value = tf.linalg.matvec(self.features(points), x)
            parts.append(value + self.log_reference(points))
        return tf.concat(parts, axis=0).numpy().reshape(grid.sizes)
