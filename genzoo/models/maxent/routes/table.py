"""Few states or nodes in one table, summed at once without a graph."""

import math
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
    """The features at all points of a space, where these are few.

    Attributes:
        values: f(x), (points, features).
        log_weights: of nodes of a quadrature, with log r(x), (points,); None
            where all are zero.
        log_reference: log r(x), (points,); None for r = 1.
    """

    values: Array
    log_weights: Array | None
    log_reference: Array | None = None

    def less(self, shift: Array) -> "Table":
        """The table of f(x) - shift."""
        if not np.any(shift):
            return self
        return self._replace(values=self.values - shift)

    def sums(self, multipliers: Array, second: bool = True) -> Sums:
        """log Z, averages and the covariance of the features."""
        # Multipliers beyond all numbers have sums that are none.
        with np.errstate(over="ignore", invalid="ignore"):
            return self._sums(multipliers, second)

    def _sums(self, multipliers, second):
        values, base, log_reference = self
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
        if log_reference is not None:
            # 0 log 0 = 0.
            log_r = weights @ np.where(weights > 0, log_reference, 0.0)
        if second:
            # Less a shift near their mean, so that few digits cancel.
            square = _square(values * np.sqrt(weights)[:, None])
            covariance = square - np.outer(mean, mean)
        return Sums(largest + np.log(total), mean, covariance, log_r)


def _square(values):
    """values' values, of few rows at a time: these need no second thread."""
    rows = _UNSHARED // values.shape[1] ** 2
    if rows < _FEWEST_ROWS:
        return values.T @ values
    total = np.zeros((values.shape[1],) * 2)
    for start in range(0, len(values), rows):
        part = values[start : start + rows]
        total += part.T @ part
    return total


def table_of(density: Density) -> Table | None:
    """The `Table` of a density; None where it is no sum over few points.

    Of spaces whose sites all have ends, so that points stay where they are.

    Args:
        density: the `Density`.
    """
    space, features = density.space, density.features
    layers = [part.layer for part in features.parts]
    # Weights of a layer may be loaded from a file.
    if any(layer is not None for layer in layers) or isinstance(
        density.reference, tf.Module
    ):
        return None
    if not space.is_bounded:
        return None
    width = max(len(features), space.width)
    axes = [
        space.axis(site, density.nodes, features.breaks)
        for site in range(space.width)
    ]
    if math.prod(len(axis.values) for axis in axes) * width > MOST_HELD:
        return None
    mesh = np.meshgrid(*(axis.values for axis in axes), indexing="ij")
    states = np.stack([values.ravel() for values in mesh], axis=1)
    log_weights = log_reference = None
    if not space.is_discrete:
        parts = np.meshgrid(*(a.log_weights for a in axes), indexing="ij")
        log_weights = sum(part.ravel() for part in parts)
    values = _features(density, states)
    if density.reference is not None:
        log_reference = density.log_reference(tf.constant(states)).numpy()
        log_weights = log_reference + (
            0 if log_weights is None else log_weights
        )
    usable = np.isfinite(values).all()
    if log_weights is not None:
        usable &= (log_weights < np.inf).all() & np.isfinite(log_weights).any()
    return Table(values, log_weights, log_reference) if usable else None


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
