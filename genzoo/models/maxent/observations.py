"""Averages: checked, found from examples, and kept as weights."""

from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from genzoo import checks
from genzoo.features import FeatureList
from genzoo.models.maxent.cells import cells_of
from genzoo.models.maxent.density import Density
from genzoo.models.maxent.named import by_name
from genzoo.runtime import batch, data, distribute, weights
from genzoo.types import Array, ArrayLike

# What is known of the errors of averages; weights hold their number.
_TOLERANCES = ("none", "gaussian", "laplace")


class Averages(NamedTuple):
    """Averages of features, and how well they are known.

    Attributes:
        values: <f_i>, float64.
        stderr: their standard errors, zeros where they must be met, inf
            where they are not constrained.
        tolerance: "none", "gaussian" or "laplace".
        examples: how many independent ones stand behind them.
    """

    values: Array
    stderr: Array
    tolerance: str
    examples: int


class Place(NamedTuple):
    """Where examples lie: mean and standard deviation of each site."""

    mean: Array
    spread: Array


def as_averages(
    where: str,
    features: FeatureList,
    values: ArrayLike,
    stderr: ArrayLike | None = None,
    tolerance: str = "gaussian",
    count: int | None = None,
) -> Averages:
    """`Averages` of what a user gives; see `MaxEnt.fit`.

    Raises:
        ValueError: naming what is no number, or not one for each feature.
    """
    argument = f"{where}: observations"
    if hasattr(values, "keys"):
        values = by_name(argument, values, features.names)
    values = _numbers(argument, values, features)
    # What is not known is not asked for.
    unknown = np.isnan(values)
    if unknown.all():
        raise ValueError(f"{argument}: none is known; all are nan.")
    errors = np.where(unknown, np.inf, 0.0)
    values = np.where(unknown, 0.0, values)
    if stderr is not None:
        argument = f"{where}: observation_stderr"
        if hasattr(stderr, "keys"):
            stderr = by_name(argument, stderr, features.names, 0.0)
        errors = _numbers(argument, stderr, features, one_for_all=True)
        errors = np.where(np.isnan(errors) | unknown, np.inf, errors)
        if (errors < 0).any() or np.isinf(errors).all():
            raise ValueError(
                f"{argument} must be 0 or more, or nan or inf for averages "
                f"that are not constrained, but not all; received {stderr!r}."
            )
        # What is not asked for need not be known.
        unknown = np.isinf(errors) & ~np.isfinite(values)
        values = np.where(unknown, 0.0, values)
    if tolerance not in _TOLERANCES[1:]:
        words = "'gaussian' or 'laplace'"
        checks.refuse(tolerance, f"{where}: tolerance", words)
    if count is not None:
        checks.positive_int(count, f"{where}: observation_count")
    kind = tolerance if errors[np.isfinite(errors)].any() else "none"
    return Averages(values, errors, kind, count or 1)


def _numbers(where, values, features, one_for_all=False):
    count = len(features)
    try:
        array = np.asarray(values, np.float64)
        if one_for_all:
            array = np.broadcast_to(array, count)
    except (TypeError, ValueError):
        array = np.zeros(0)
    if array.shape != (count,):
        names = features.names
        shown = ", ".join(names[:6]) + (", ..." if len(names) > 6 else "")
        text = repr(values)
        if len(text) >= 80:
            text = f"an array of shape {np.shape(values)}"
        raise ValueError(
            f"{where} must be {count} numbers, one for each feature "
            f"({shown}); received {text}."
        )
    return np.array(array)


def of_examples(
    where: str,
    density: Density,
    x: Any,
    steps: int | None = None,
    weight: Array | None = None,
) -> tuple[Averages, Place | None]:
    """The averages of examples, and where they lie if a site is unbounded.

    Args:
        where: who asks, for messages.
        density: whose features are averaged.
        x: checked examples, an array or a dataset.
        steps: how many batches of a dataset to see; None means all.
        weight: of the rows of an array, (n,).

    Raises:
        ValueError: for a dataset without an end.
    """
    space = density.space
    if data.is_array(x) and density.is_wide:
        # Of many levels: no batch of one-hot rows in float64.
        found = cells_of(density, x, weight)
        values = found.averages(density)
        count = max(round(found.rows), 1)
        return Averages(values, np.zeros_like(values), "none", count), None
    endless = tf.data.INFINITE_CARDINALITY
    if not data.is_array(x) and steps is None and x.cardinality() == endless:
        raise ValueError(
            f"{where}: the dataset has no end; pass steps_per_epoch."
        )
    # Differences from the first example: sums of what lies far from zero
    # would lose the digits in which examples differ.
    total = square = sites = tf.zeros((), tf.float64)
    first, first_values = None, tf.zeros((), tf.float64)
    seen = data.Count()
    for part, of_part in data.parts(x, weight, steps):
        states = space.flatten(tf.cast(part, tf.float64))
        ones = seen.add(of_part, len(states))
        # One for all where they are equal, so that sums round as they did.
        own = tf.constant(1.0 if of_part is None else ones, tf.float64)
        if space.is_discrete:
            total += density.feature_sums(states, own)
            continue
        values = density.features(states)
        if first is None:
            first, first_values = states[0], values[0]
        total += batch.weighed(own, values - first_values)
        sites += batch.weighed(own, states - first)
        square += batch.weighed(own, (states - first) ** 2)
    values = (first_values + total / seen.total).numpy()
    count = max(round(seen.examples), 1)
    averages = Averages(values, np.zeros_like(values), "none", count)
    if space.is_bounded or first is None:
        return averages, None
    change = (sites / seen.total).numpy()
    mean = first.numpy() + change
    variance = np.maximum((square / seen.total).numpy() - change**2, 0.0)
    return averages, Place(mean, np.sqrt(variance) + 1e-9 * (1 + np.abs(mean)))


class Observations(keras.layers.Layer):
    """The averages that a model is fitted to, as weights.

    Args:
        count: number of features.

    Attributes:
        values: weight, <f_i>.
        stderr: weight, their errors.
        is_redundant: weight, 1 for features that follow from others, 2 for
            those whose multiplier is infinite, 3 for those whose multiplier
            is infinite and has a finite part, which is solved for.
        record: weight, how many examples, and the number of the tolerance.
    """

    def __init__(self, count: int, **kwargs):
        super().__init__(trainable=False, dtype="float64", **kwargs)
        self.values, self.stderr, self.is_redundant, self.record = (
            distribute.mirrored_weight(self, name, (size,))
            for name, size in (
                ("observed", count),
                ("observed_stderr", count),
                ("is_redundant", count),
                ("observation_record", 2),
            )
        )
        self.built = True

    @property
    def are_known(self) -> bool:
        """Whether there are any."""
        return self.count > 0

    @property
    def count(self) -> int:
        """How many independent examples stand behind them; 0 before any."""
        return int(weights.get(self.record)[0])

    @property
    def tolerance(self) -> str:
        """What their errors are: "none", "gaussian" or "laplace"."""
        return _TOLERANCES[int(weights.get(self.record)[1])]

    def differ(self, averages: Averages) -> bool:
        """Whether these averages are others than those kept."""
        return not (
            np.array_equal(weights.get(self.values), averages.values)
            and np.array_equal(weights.get(self.stderr), averages.stderr)
            and (self.count, self.tolerance)
            == (averages.examples, averages.tolerance)
        )

    @property
    def limited(self) -> Array:
        """For each feature whether its multiplier is infinite."""
        return weights.get(self.is_redundant) >= 2

    def forget_limits(self) -> None:
        """Take no multiplier for infinite any more."""
        held = weights.get(self.is_redundant)
        self.is_redundant.assign(np.where(held >= 2, 0.0, held))

    def keep(
        self,
        averages: Averages,
        redundant: Array | None = None,
        limited: Array | None = None,
    ) -> None:
        """Take these; and which features are redundant, if that was found."""
        weights.put(self.values, averages.values)
        weights.put(self.stderr, averages.stderr)
        kind = _TOLERANCES.index(averages.tolerance)
        weights.put(self.record, [averages.examples, kind])
        if redundant is not None:
            held = redundant.astype(float)
            if limited is not None:
                held[limited] = np.where(redundant, 2, 3)[limited]
            weights.put(self.is_redundant, held)

    # The terms that a tolerance adds to the dual, inside graphs ------------

    def l1(self) -> tf.Tensor:
        """Weights of `sum_i l1_i |lambda_i|`, (features,)."""
        return self._errors("laplace", 1)

    def l2(self) -> tf.Tensor:
        """Weights of `sum_i l2_i lambda_i^2 / 2`, (features,)."""
        return self._errors("gaussian", 2)

    def _errors(self, kind, power):
        if tf.executing_eagerly() and self.tolerance != kind:
            return tf.zeros(self.values.shape, tf.float64)
        record = tf.convert_to_tensor(self.record.value)
        errors = tf.convert_to_tensor(self.stderr.value)
        errors = tf.where(tf.math.is_finite(errors), errors, 0.0)
        on = tf.cast(record[1] == _TOLERANCES.index(kind), tf.float64)
        return on * errors**power

    def free(self) -> tf.Tensor:
        """1 for the multipliers that are solved for, 0 for the others.

        These are redundant, infinite without a finite part, or not
        constrained.
        """
        errors = tf.convert_to_tensor(self.stderr.value)
        asked = tf.cast(tf.math.is_finite(errors), tf.float64)
        held = tf.convert_to_tensor(self.is_redundant.value)
        is_free = (held == 0) | (held == 3)
        return asked * tf.cast(is_free, tf.float64)
