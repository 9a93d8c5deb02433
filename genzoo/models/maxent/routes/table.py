"""Few states in one table, summed at once without a graph."""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from genzoo.models.maxent.density import Density
from genzoo.types import Array

# Numbers of a table: 8 MiB.
MOST_HELD = 2**20
# Products of matrices that OpenBLAS leaves to one thread, and how few rows of
# them are too few.
_UNSHARED = 2**18 - 1
_FEWEST_ROWS = 16


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
        # Without the threads of a library, which for so little cost more.
        log_w = np.einsum("ij,j->i", values, multipliers)
        if base is not None:
            log_w += base
        largest = log_w.max()
        weights = np.exp(log_w - largest)
        total = weights.sum()
        weights /= total
        mean = np.einsum("i,ij->j", weights, values)
        log_r, covariance = np.float64(0.0), None
        if base is not None:
            # 0 log 0 = 0.
            log_r = weights @ np.where(weights > 0, base, 0.0)
        if second:
            # Of the centred features, which lose no digits to their mean.
            centred = values - mean
            covariance = _products(centred * weights[:, None], centred)
        return Sums(largest + np.log(total), mean, covariance, log_r)


def _products(first, second):
    """first' second, of few rows at a time: these need no second thread."""
    rows = _UNSHARED // first.shape[1] ** 2
    if rows < _FEWEST_ROWS:
        return first.T @ second
    total = np.zeros((first.shape[1],) * 2)
    for start in range(0, len(first), rows):
        part = slice(start, start + rows)
        total += first[part].T @ second[part]
    return total


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
    levels = [np.asarray(v, np.float64) for v in density.space.levels]
    mesh = np.meshgrid(*levels, indexing="ij")
    states = np.stack([axis.ravel() for axis in mesh], axis=1)
    values, base = _features(density, states), None
    if density.reference is not None:
        base = density.log_reference(tf.constant(states)).numpy()
    usable = np.isfinite(values).all() and (
        base is None or (base < np.inf).all() and (base > -np.inf).any()
    )
    return Table(values, base) if usable else None


def _features(density, states):
    form = density.quadratic
    if form is None or form.values is not None:
        return density.features(tf.constant(states)).numpy()
    # Products of sites, which NumPy makes in less time than TensorFlow starts.
    first, second = form.pairs.T
    parts = [states[:, form.sites], states[:, first] * states[:, second]]
    owners = np.concatenate([form.site_features, form.pair_features])
    products = np.concatenate(parts, axis=1)
    if np.array_equal(owners, np.arange(len(density.features))):
        return products
    values = np.zeros((len(states), len(density.features)))
    np.add.at(values.T, owners, products.T)
    return values
