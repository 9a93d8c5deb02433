"""Whether averages are possible, and which features are redundant."""

import functools
import warnings

import numpy as np
import tensorflow as tf

from genzoo.models import feasibility

# Features at all points are kept where they are no more numbers than this.
_MOST_VALUES = 2**24


class Checks:
    """The part of `MaxEnt` that looks at the space before and between steps."""

    @functools.cached_property
    def _bounded_reach(self):
        return self._feature_table(len(self.features) <= feasibility.FEW)

    @functools.cached_property
    def _bounded_start(self):
        return self._at_start()

    def _at_start(self):
        """Features' averages and covariance where all multipliers are 0."""
        # For once only, a graph would take longer to trace than this to run.
        zeros = tf.zeros(len(self.features), tf.float64)
        return [part.numpy() for part in self.moments(zeros, zeros)[1:3]]

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

    def _dual(self, x):
        """The dual objective, with the terms of a tolerance."""
        x = tf.constant(x)
        observed = tf.convert_to_tensor(self.observed.value)
        value = self.moments(x, observed, False)[0]
        value += tf.reduce_sum(0.5 * self._l2() * x * x)
        return value + tf.reduce_sum(self._l1() * tf.abs(x))

    def start_over_if_better(self):
        """Go to multipliers of zero if the dual is less there."""
        kept = self.multipliers
        if self.is_exact and kept.any():
            if not self._dual(kept) < self._dual(0 * kept):
                self.multiplier_weights.assign(0 * kept)

    def _feature_table(self, wants_values):
        """(least, greatest) of each feature, and all values if wanted.

        The ends of bounded sites count, where quadrature has no nodes. Where
        a feature is infinite there is no value.
        """
        grid = self.grid()
        count = grid.count
        few = wants_values and count * len(self.features) <= _MOST_VALUES
        size = min(count, 2**22 // max(len(self.features), 1) + 1)
        blocks = []
        low = np.full(len(self.features), np.inf)
        high = -low
        points = [
            grid.points(start, min(size, count - start))
            for start in range(0, count, size)
        ]
        corners = self._corners()
        if len(corners):
            points.append(tf.constant(corners))
        for number, part in enumerate(points):
            values = self.features(part).numpy()
            least, greatest = values.min(axis=0), values.max(axis=0)
            # At a corner log x may be no number; inside it must be one.
            inside = number < len(points) - bool(len(corners))
            strange = ~np.isfinite(least) | ~np.isfinite(greatest)
            if inside and strange.any():
                bad = self.features.names[int(np.flatnonzero(strange)[0])]
                raise ValueError(
                    f"{type(self).__name__}: the feature {bad} is not finite "
                    "everywhere in the space. Leave out the states where it "
                    "is not, or change it."
                )
            if strange.any():
                is_finite = np.isfinite(values)
                finite = np.where(is_finite, values, np.nan)
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", RuntimeWarning)
                    least = np.nanmin(finite, axis=0)
                    greatest = np.nanmax(finite, axis=0)
                # Beyond what is finite there is no end.
                least[(values == -np.inf).any(axis=0)] = -np.inf
                greatest[(values == np.inf).any(axis=0)] = np.inf
                values = values[is_finite.all(axis=1)]
            low, high = np.fmin(low, least), np.fmax(high, greatest)
            if few:
                blocks.append(values)
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

    def check_observations(self, where, observed, strict):
        """Refuse impossible averages, and find redundant features.

        Args:
            where: who asks, for messages.
            observed: the averages.
            strict: a boolean for each: whether it must be met exactly.

        Returns:
            A boolean array: the strict features that follow from others.

        Raises:
            ValueError: naming the constraint.
        """
        names = self.features.names
        if not np.isfinite(observed).all():
            bad = names[int(np.flatnonzero(~np.isfinite(observed))[0])]
            raise ValueError(
                f"{where}: the average of {bad} is not a finite number."
            )
        redundant = np.zeros(len(names), bool)
        if not strict.any():
            return redundant
        names = [name for name, s in zip(names, strict, strict=True) if s]
        observed = observed[strict]
        feasibility.check_sites(where, self.space, names, observed)
        feasibility.check_covariance(where, self.space, names, observed)
        if not self.is_exact:
            return redundant
        low, high, values = self._reachable
        if self.space.is_bounded:
            # Chains go towards infinity slowly, and stay of use.
            closed = self.compiled and self.loss.samples
            feasibility.check_ranges(
                where, names, low[strict], high[strict], observed, not closed
            )
            if not closed and values is not None:
                feasibility.check_hull(
                    where, names, values[:, strict], observed
                )
        # A layer's weights may be loaded from a file.
        lasts = self.space.is_bounded and not self.feature_layers
        mean, covariance = self._bounded_start if lasts else self._at_start()
        mean, covariance = mean[strict], covariance[np.ix_(strict, strict)]
        scale = np.abs(mean) + np.sqrt(np.diag(covariance))
        flags, predict = feasibility.redundant(mean, covariance, scale)
        if flags.any():
            told = ", ".join(np.array(names)[flags][:5])
            error = np.abs(predict(observed) - observed[flags])
            if (error > 1e-6 * (1 + scale[flags])).any():
                raise ValueError(
                    f"{where}: the features {told} follow from the others, "
                    "but their averages do not: they should be "
                    f"{predict(observed)[:5]}; received {observed[flags][:5]}."
                )
            warnings.warn(
                f"{where}: {int(flags.sum())} of {len(names)} features follow "
                f"from the others and are redundant: {told}. Their "
                "multipliers are zero; the distribution is the same.",
                stacklevel=4,
            )
        redundant[strict] = flags
        return redundant

    def explain_failure(self, where):
        """Raise a ValueError that says why there are no multipliers."""
        if not self.is_summable or not self.space.is_bounded:
            return
        values = self._feature_table(True)[2]
        strict = self.observed_stderr.numpy() == 0
        if values is not None and strict.any():
            names = np.array(self.features.names)[strict].tolist()
            feasibility.check_hull(
                where, names, values[:, strict], self.observed.numpy()[strict]
            )
