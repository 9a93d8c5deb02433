"""How a MaxEnt comes by averages, and where it begins."""

import numbers

import numpy as np
import tensorflow as tf

from genzoo import optimizers
from genzoo.models.checked_examples import SpaceErrors
from genzoo.runtime import data

TOLERANCES = ("none", "gaussian", "laplace")


class Observing:
    """The part of `MaxEnt` that takes and keeps observations."""

    def _in_memory(self, x, steps):
        """All examples of an array or a dataset, as an array."""
        x = self._checked("fit", x)
        if data.is_array(x):
            return x
        with SpaceErrors(self, "fit"):
            batches = x if steps is None else x.take(steps)
            return np.concatenate([batch.numpy() for batch in batches])

    def _averages(self, x, steps=None):
        """(averages of the features, number of examples, where they lie).

        The last is (mean, standard deviation) of each site, if one is
        unbounded, else None.
        """
        if data.is_array(x):
            batches = (x[i : i + 4096] for i in range(0, len(x), 4096))
        else:
            batches = x if steps is None else x.take(steps)
        if not data.is_array(x) and steps is None:
            if x.cardinality() == tf.data.INFINITE_CARDINALITY:
                raise ValueError(
                    f"{type(self).__name__}.fit: the dataset has no end; "
                    "pass steps_per_epoch."
                )
        total, square, count, sites = 0.0, 0.0, 0, []
        for batch in batches:
            states = self.space.flatten(tf.cast(batch, tf.float64))
            total += self._feature_sums(states)
            count += len(states)
            if not self.space.is_bounded:
                sites.append(tf.reduce_sum(states, axis=0))
                square += tf.reduce_sum(states**2, axis=0)
        place = None
        if sites:
            mean = (sum(sites) / count).numpy()
            variance = np.maximum((square / count).numpy() - mean**2, 0.0)
            place = mean, np.sqrt(variance) + 1e-9 * (1 + np.abs(mean))
        return total.numpy() / count, count, place

    def _feature_sums(self, states):
        return tf.reduce_sum(self.features(states), axis=0)

    def adapt(self, x, steps=None):
        """Take the averages of examples; `fit` then needs no more of them.

        Args:
            x: array of examples, or a dataset of batches.
            steps: how many batches of the dataset to see; None means all.

        Raises:
            ValueError: as `fit`.
        """
        x = self._checked("adapt", x)
        with SpaceErrors(self, "adapt"):
            observed, count, place = self._averages(x, steps)
        self.observe(observed, count=count, where="adapt", place=place)

    def prepare(self, x, steps=None):
        """Averages are kept also where a rule looks at examples."""
        observed, count, place = self._averages(x, steps)
        none = np.zeros_like(observed), "none"
        if self._differs(observed, *none, count):
            self._keep(observed, *none, count)
            if isinstance(self.optimizer, optimizers.Solver):
                self.optimizer.reset()
        if not self.is_adapted:
            self._begin(observed, place)

    def _begin(self, observed, place):
        """What is done once, when the first averages are known."""
        if place is not None and not self.is_summable:
            self.place_window(*place)
        self.start_at(observed)
        self.adapted.assign(1)
        if self.chains is not None:
            self.reset_chains()

    def start_at(self, observed):
        """Choose the multipliers to begin with, where zeros will not do.

        On unbounded sites chains would escape: there it is independent
        Gaussians, if the second powers are among the features.
        """
        if self.space.is_bounded or self.is_exact or self.multipliers.any():
            return
        place = {name: i for i, name in enumerate(self.features.names)}
        start = np.zeros(len(observed))
        for name in self.space.site_names:
            square = place.get(f"{name}^2")
            if square is not None:
                first = place.get(name)
                mean = 0.0 if first is None else observed[first]
                variance = observed[square] - mean**2
                start[square] = -0.5 / variance
                if first is not None:
                    start[first] = mean / variance
        total = place.get("sum x^2")
        if total is not None and not start.any():
            size = self.space.width
            first = place.get("sum x")
            mean = 0.0 if first is None else observed[first] / size
            variance = observed[total] / size - mean**2
            start[total] = -0.5 / variance
            if first is not None:
                start[first] = mean / variance
        self.multiplier_weights.assign(start)

    def observe(
        self,
        observations,
        stderr=None,
        tolerance="gaussian",
        count=None,
        where="fit",
        place=None,
    ):
        """Check averages and keep them as weights; see `fit`.

        Args:
            observations: as of `fit`.
            stderr: likewise.
            tolerance: likewise.
            count: likewise.
            where: the method, for messages.
            place: (mean, standard deviation) of each site, if examples were
                seen.
        """
        where = f"{type(self).__name__}.{where}"
        names = self.features.names
        observed = _numbers(where, "observations", observations, names)
        errors = np.zeros(len(names))
        if stderr is not None:
            errors = _numbers(where, "observation_stderr", stderr, names)
        if tolerance not in TOLERANCES[1:]:
            raise ValueError(
                f"{where}: tolerance must be 'gaussian' or 'laplace'; "
                f"received {tolerance!r}."
            )
        if (errors < 0).any() or not np.isfinite(errors).all():
            raise ValueError(
                f"{where}: observation_stderr must be 0 or more, and finite; "
                f"received {stderr!r}."
            )
        if count is not None and not _is_count(count):
            raise ValueError(
                f"{where}: observation_count must be a positive int; received "
                f"{count!r}."
            )
        count = count or 1
        kind = tolerance if errors.any() else "none"
        new = not self.is_adapted
        if new or self._differs(observed, errors, kind, count):
            if self.is_summable and not self.space.is_bounded:
                if place is None:
                    self.place_window_by_moments(observed)
                else:
                    self.place_window(*place)
            redundant = self.check_observations(where, observed, errors == 0)
            kept = np.where(redundant, 0.0, self.multipliers)
            self.multiplier_weights.assign(kept)
            self.is_redundant.assign(redundant.astype(float))
            self._keep(observed, errors, kind, count)
            self.windows_tried = 0
            self.start_over_if_better()
            if self.compiled and isinstance(self.optimizer, optimizers.Solver):
                self.optimizer.reset()
        if new:
            self._begin(observed, place)

    def _differs(self, observed, errors, kind, count):
        record = self.observation_record.numpy()
        return not (
            np.array_equal(self.observed.numpy(), observed)
            and np.array_equal(self.observed_stderr.numpy(), errors)
            and record.tolist() == [count, TOLERANCES.index(kind)]
        )

    def _keep(self, observed, errors, kind, count):
        self.observed.assign(observed)
        self.observed_stderr.assign(errors)
        self.observation_record.assign([count, TOLERANCES.index(kind)])


def _numbers(where, argument, values, names):
    try:
        array = np.asarray(values, np.float64)
        if argument == "observation_stderr":
            array = np.broadcast_to(array, len(names))
    except (TypeError, ValueError):
        array = np.zeros(0)
    if array.shape != (len(names),):
        shown = ", ".join(names[:6]) + (", ..." if len(names) > 6 else "")
        raise ValueError(
            f"{where}: {argument} must be {len(names)} numbers, one for each "
            f"feature ({shown}); received {_shown(values)}."
        )
    return np.array(array)


def _shown(values):
    text = repr(values)
    return text if len(text) < 80 else f"an array of shape {np.shape(values)}"


def _is_count(value):
    is_int = isinstance(value, numbers.Integral)
    return is_int and not isinstance(value, bool) and value > 0
