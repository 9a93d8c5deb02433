"""Which features follow from others, and which nearly do.

A covariance holds the squares of what features have of their own: what is
below 1e-16 of a variance is lost in it, though features are known to 1e-16
of their size. So the part of a feature that the others leave is made a
function itself, and its variance is summed anew.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from genzoo.models.maxent.routes.product import ProductRoute
from genzoo.models.maxent.routes.summation import Summation
from genzoo.types import Array

# A feature is nearly dependent with less of its variance its own.
_NEAR = 1e-10
# It follows from others if what it has of its own is not above this share of
# its size: a few times the rounding of the sums that it is left by.
_ROUNDING = 64 * np.finfo(np.float64).eps
_MOST_TURNS = 6
# Variances, as shares of the greatest, below which a sum tells nothing.
_LOST, _LOST_AGAIN = 1e-14, 1e-13


class Dependence(NamedTuple):
    """What features have of their own, beside those before them.

    Attributes:
        redundant: for each whether it follows from the others.
        share: of its variance, what those before it leave, 0 if redundant.
        mean: of the features under the distribution that was summed.
        left: matrix (n, n): `(f - mean) left` is what is left of each.
    """

    redundant: Array
    share: Array
    mean: Array
    left: Array

    @property
    def nearly(self) -> Array:
        """For each whether it is nearly dependent."""
        return ~self.redundant & (self.share < _NEAR)

    def predict(self, observed: Array) -> Array:
        """The averages of all features, with those that follow as they must."""
        change = (observed - self.mean) @ self.left
        return np.where(self.redundant, observed - change, observed)


def dependence(
    mean: Array,
    covariance: Array,
    size: Array,
    again: Callable[[Array], Array] | None = None,
) -> Dependence:
    """What is left of each feature by those before it.

    Args:
        mean: of the features under any distribution of full support.
        covariance: of the same, summed about the mean.
        size: of the features, whose rounding they have.
        again: function from a matrix B, (n, n), to the covariance of
            `(f - mean) B`, summed anew; None where it is not to be had.

    Returns:
        The `Dependence`.
    """
    count = len(mean)
    left = np.eye(count)
    redundant = np.zeros(count, bool)
    variance = np.diag(covariance).copy()
    for turn in range(_MOST_TURNS):
        rounding = _ROUNDING * (size @ np.abs(left))
        redundant |= np.diag(covariance) <= np.square(rounding)
        kept = np.flatnonzero(~redundant)
        step, unsure = _orthonormal(covariance[np.ix_(kept, kept)])
        left[:, kept] = left[:, kept] @ step
        if not unsure.any():
            break
        if again is None or turn == _MOST_TURNS - 1:
            redundant[kept[unsure]] = True
            break
        covariance = again(left)
    own = np.zeros(count)
    own[~redundant] = np.diag(left)[~redundant] ** -2.0
    own[~redundant] /= variance[~redundant]
    return Dependence(redundant, own, mean, left)


def _orthonormal(covariance):
    """(matrix, unsure): what makes functions orthonormal, in their order.

    Those of which all but nothing is left are left as that, and are unsure.
    """
    variance = np.diag(covariance)
    try:
        lower = np.linalg.cholesky(covariance)
        unsure = np.square(np.diag(lower)) <= _NEAR * variance
        if not unsure.any():
            return np.triu(np.linalg.inv(lower).T), unsure
    except np.linalg.LinAlgError:
        # Some is not positive: one by one.
        pass
    count = len(covariance)
    matrix, rows = np.eye(count), np.zeros((count, count))
    remaining = variance.copy()
    unsure = np.zeros(count, bool)
    for k in range(count):
        known = ~unsure[:k]
        part = rows[:k, k] * known
        matrix[:, k] -= matrix[:, :k] @ part
        if remaining[k] <= _NEAR * covariance[k, k]:
            unsure[k] = True
            continue
        root = np.sqrt(remaining[k])
        matrix[:, k] /= root
        rows[k] = (covariance[k] - part @ rows[:k]) / root
        remaining -= rows[k] ** 2
    return matrix, unsure


def root_of_inverse(
    route: Summation | ProductRoute,
    multipliers: tf.Tensor,
    centre: tf.Tensor,
    covariance: tf.Tensor,
    l2: tf.Tensor,
    free: tf.Tensor,
) -> tf.Tensor:
    """W, (n, n), with W' (covariance + diag(l2)) W = 1 on the free features.

    The covariance gives a basis that is orthonormal but for its rounding; the
    sum is made again in this basis.

    Args:
        route: that sums.
        multipliers: of the density.
        centre: <f>.
        covariance: of the features.
        l2: what is added to its diagonal.
        free: 1.0 for the features that count, 0.0 for the others.
    """
    scale = free * tf.math.rsqrt(tf.maximum(_diagonal(covariance), 1e-300))
    scaled = (covariance + tf.linalg.diag(l2)) * scale[:, None] * scale
    basis = scale[:, None] * _root(scaled, free, _LOST)
    second = route.covariance(
        multipliers, centre, lambda values: tf.matmul(values, basis)
    )
    second += tf.matmul(basis, l2[:, None] * basis, transpose_a=True)
    every = tf.ones_like(free)
    return tf.matmul(basis, _root(second, every, _LOST_AGAIN))


def _diagonal(matrix):
    return tf.linalg.diag_part(matrix)


def _root(matrix, free, lost):
    """V e^(-1/2) of a symmetric matrix V e V', with ones where not free."""
    # Beyond all numbers the result does not count, but it must come.
    matrix = tf.where(tf.math.is_finite(matrix), matrix, 0 * free)
    matrix = tf.linalg.set_diag(matrix, _diagonal(matrix) + 1 - free)
    values, vectors = tf.linalg.eigh(0.5 * (matrix + tf.transpose(matrix)))
    return vectors * tf.math.rsqrt(tf.maximum(values, lost * values[-1]))
