"""Few states in one table, summed at once without a graph."""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from genzoo.models.maxent.density import Density
from genzoo.types import Array

# Numbers of a table: 8 MiB.
MOST_HELD = 2**20


class Sums(NamedTuple):
    """What a `Table` knows of a density; see `routes.route.Moments`."""

    log_z: np.float64
    mean: Array
    covariance: Array | None
    log_reference: np.float64


class Table(NamedTuple):
    """The features of all states, where these are few.

    Attributes:
        values: f(x), (states, features).
        base: log r(x), (states,); None for r = 1.
    """

    values: Array
    base: Array | None

    def less(self, shift: Array) -> "Table":
        """The table of f(x) - shift."""
        return self._replace(values=self.values - shift)

    def sums(self, multipliers: Array, second: bool = True) -> Sums:
        """log Z, averages and the covariance of the features."""
        # Multipliers beyond all numbers have sums that are none.
        with np.errstate(over="ignore", invalid="ignore"):
            return self._sums(multipliers, second)

    def _sums(self, multipliers, second):
        values, base = self
        log_w = values @ multipliers
        if base is not None:
            log_w += base
        largest = log_w.max()
        weights = np.exp(log_w - largest)
        total = weights.sum()
        weights /= total
        mean = weights @ values
        log_r, covariance = np.float64(0.0), None
        if base is not None:
            # 0 log 0 = 0.
            log_r = weights @ np.where(weights > 0, base, 0.0)
        if second:
            # Of the centred features, which lose no digits to their mean.
            centred = values - mean
            covariance = (centred * weights[:, None]).T @ centred
        return Sums(largest + np.log(total), mean, covariance, log_r)


def table_of(density: Density, points: int) -> Table | None:
    """The `Table` of a density; None where it is no sum over few states.

    Args:
        density: the `Density`.
        points: of its space.
    """
    parts = density.features.parts
    layers = [part.layer for part in parts]
    # Weights of a layer may be loaded from a file.
    if any(layer is not None for layer in layers) or isinstance(
        density.reference, tf.Module
    ):
        return None
    width = max(len(density.features), density.space.width)
    if not density.space.is_discrete or points * width > MOST_HELD:
        return None
    states = density.space.quadrature().points(0, points)
    values, base = density.features(states).numpy(), None
    if density.reference is not None:
        base = density.log_reference(states).numpy()
    usable = np.isfinite(values).all() and (
        base is None or (base < np.inf).all() and (base > -np.inf).any()
    )
    return Table(values, base) if usable else None
