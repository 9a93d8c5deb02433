"""Losses of pairwise energies that sum over sites, each given the others.

A site enters by its field alone, `f_i = b_i + sum_j J_ij phi_j`. So a loss is
a function of phi and f, and its derivatives by b and J follow from those by
f, here called `slope`: `dL/db = slope`, and `dL/dJ_ij = slope_i phi_j +
phi_i slope_j`.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from genzoo.models.maxent.layout import Layout
from genzoo.models.maxent.ridge import Ridge
from genzoo.samplers import PairwiseEnergy
from genzoo.types import Array

# Of correlations; what is nearer to zero is rounding, or would need more rows.
_LEAST = 0.02


def _two_levels(pairwise, phi, field):
    """(the change of energy if a site took its other level, direction)."""
    low, high = (float(v) for v in pairwise.encoding[:, 0])
    middle, span = 0.5 * (low + high), abs(high - low)
    # For spins twice the spin: a sign is slower than a multiplication.
    is_spin = (middle, span) == (0, 2)
    direction = 2 * phi if is_spin else span * tf.sign(phi - middle)
    return direction * field, direction


def _many_levels(pairwise, phi, field):
    """log-weights of all levels, one-hot of the present, codes."""
    codes = tf.cast(pairwise.encoding, phi.dtype)
    size = codes.shape[1]
    fields = tf.reshape(field, (-1, pairwise.sites, size))
    weights = tf.matmul(fields, codes, transpose_b=True)
    own = tf.reshape(phi, (-1, pairwise.sites, 1, size))
    present = tf.reduce_all(own == codes, axis=-1)
    return weights, tf.cast(present, phi.dtype), codes


def pseudolikelihood(
    pairwise: PairwiseEnergy, phi: tf.Tensor, field: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """`-sum_i log p(x_i | all others)`, (batch,), and its slopes.

    Returns:
        (value, slope): slope is the mean of phi given the others less phi.
    """
    if pairwise.encoding.shape == (2, 1):
        gain, direction = _two_levels(pairwise, phi, field)
        # A probability of zero would make the loss infinite.
        p = tf.maximum(tf.sigmoid(gain), 1e-37)
        value = -tf.reduce_sum(tf.math.log(p), axis=-1)
        return value, direction * (p - 1)
    weights, present, codes = _many_levels(pairwise, phi, field)
    log_p = tf.nn.log_softmax(weights)
    value = -tf.reduce_sum(present * log_p, axis=(1, 2))
    slope = tf.matmul(tf.exp(log_p) - present, codes)
    return value, tf.reshape(slope, tf.shape(phi))


def probability_flow(
    pairwise: PairwiseEnergy, phi: tf.Tensor, field: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """`sum_x' exp((E(x) - E(x')) / 2)` over single changes, and slopes."""
    if pairwise.encoding.shape == (2, 1):
        gain, direction = _two_levels(pairwise, phi, field)
        flow = tf.exp(-0.5 * gain)
        return tf.reduce_sum(flow, axis=-1), -0.5 * direction * flow
    weights, present, codes = _many_levels(pairwise, phi, field)
    own = tf.reduce_sum(weights * present, axis=-1, keepdims=True)
    flow = tf.exp(0.5 * (weights - own)) * (1 - present)
    total = tf.reduce_sum(flow, axis=-1, keepdims=True)
    slope = 0.5 * tf.matmul(flow - total * present, codes)
    return tf.reduce_sum(flow, axis=(1, 2)), tf.reshape(slope, tf.shape(phi))


class Whitened(NamedTuple):
    """The covariance of phi, one number a site, as curvature of its couplings.

    Attributes:
        means: m, (n,).
        root: the square root of the variance of each site, (n,).
        sizes: eigenvalues of the correlations, positive, (n,).
        axes: their eigenvectors in columns, (n, n).
        changes: which sites are not the same in all examples, bool (n,).
    """

    means: tf.Tensor
    root: tf.Tensor
    sizes: tf.Tensor
    axes: tf.Tensor
    changes: tf.Tensor


def whitened(
    means: Array, covariance: Array, rows: float, span: float
) -> Whitened:
    """`Whitened` covariances, kept from zero.

    Args:
        means: (n,).
        covariance: (n, n).
        rows: how many independent examples stand behind them.
        span: from the lower level to the upper one.
    """
    variance = np.diag(covariance)
    # Of a site that never changes, as if half a row were another.
    least = 0.5 * span**2 / rows
    changes = variance > least
    covariance = covariance + np.diag(np.where(changes, 0.0, least - variance))
    root = np.sqrt(np.maximum(variance, least))
    sizes, axes = np.linalg.eigh(covariance / np.outer(root, root))
    if not changes.any():
        changes = ~changes
    return Whitened(
        means=tf.constant(means, tf.float64),
        root=tf.constant(root, tf.float64),
        sizes=tf.constant(np.maximum(sizes, _LEAST), tf.float64),
        axes=tf.constant(axes, tf.float64),
        changes=tf.constant(changes),
    )


def correlated_inverse(
    layout: Layout, given: Whitened, l2: tf.Tensor
) -> Callable[[tf.Tensor], tf.Tensor]:
    """The inverse Hessian of the log-pseudolikelihood of correlated sites.

    Each site is a logistic regression on the others, with the Hessian `V_i C`:
    for symmetric couplings `V J C + C J V`, with C the covariance and V its
    diagonal. In the axes of the correlations all is divided by sums of two of
    their eigenvalues. That the couplings of a site to itself are zero is
    left out.

    Args:
        layout: of all fields and couplings, each with a multiplier of its own.
        given: what is known of the covariance.
        l2: the curvature of the ridge, (features,).
    """
    root, axes, sizes = given.root, given.axes, given.sizes
    held = tf.reduce_max(tf.where(layout.is_coupling, l2, 0.0))
    # Of sites that change: one that never does would hold all the others.
    often = tf.boolean_mask(root, given.changes)
    held *= tf.reduce_mean(often**-2) ** 2
    bend = sizes[:, None] + sizes + held
    scale = root[:, None] * root

    def product(vector):
        field, matrix = layout.matrices(vector)
        shift = field[:, None] * given.means
        matrix = (matrix - shift - tf.transpose(shift)) / scale
        matrix = tf.linalg.set_diag(matrix, tf.zeros_like(field))
        inner = tf.matmul(axes, tf.matmul(matrix, axes), transpose_a=True)
        matrix = tf.matmul(axes, tf.matmul(inner / bend, axes, False, True))
        matrix = tf.linalg.set_diag(matrix / scale, tf.zeros_like(field))
        moved = tf.linalg.matvec(matrix, given.means)
        return layout.features(field / root**2 - moved, matrix)

    return product


def independent_inverse(
    layout: Layout, means: tf.Tensor, spread: tf.Tensor, l2: tf.Tensor
) -> Callable[[tf.Tensor], tf.Tensor]:
    """The inverse Hessian of the log-pseudolikelihood of independent sites.

    In the biases of centred sites, `c_i = b_i + sum_j J_ij m_j`, the Hessian
    is V for a site, its covariance, and `2 V_i x V_j` for a pair; a ridge on
    couplings adds `l2 P x P` with P that of `Ridge`. At each site both are
    diagonal along the same axes.

    Args:
        layout: of fields and couplings, each with a multiplier of its own.
        means: m of phi, (sites * d,).
        spread: V of each site, (sites, d, d), positive definite; all is done
            in its dtype.
        l2: the curvature of the ridge, (features,).

    Returns:
        A function from vectors (features,) to products.
    """
    n, d, width = layout.sites, layout.codes, layout.size
    root = Ridge.inverse_root(layout, spread.dtype)
    size, axes = tf.linalg.eigh(root @ spread @ root)
    axes = root @ axes
    flat = tf.reshape(size, (-1,))
    dtype, means = spread.dtype, tf.cast(means, spread.dtype)
    held = tf.reduce_max(tf.where(layout.is_coupling, l2, 0.0))
    held = tf.cast(held, dtype)
    bend = 2 * flat[:, None] * flat + held
    joined = layout.matrices(tf.ones(layout.count, dtype))[1] > 0

    def in_axes(matrix, there):
        """Both sides of a matrix turned, site by site."""
        for _ in range(2):
            blocks = tf.reshape(matrix, (n, d, width))
            turned = tf.matmul(axes, blocks, transpose_a=there)
            matrix = tf.transpose(tf.reshape(turned, (width, width)))
        return matrix

    def product(vector):
        field, matrix = layout.matrices(tf.cast(vector, dtype))
        shift = field[:, None] * means
        matrix -= tf.where(joined, shift + tf.transpose(shift), 0.0)
        matrix = in_axes(in_axes(matrix, True) / bend, False)
        matrix = tf.where(joined, matrix, 0.0)
        moved = tf.linalg.matvec(matrix, means)
        own = tf.reshape(field, (n, d))
        turned = tf.linalg.matvec(axes, own, transpose_a=True) / size
        field = tf.reshape(tf.linalg.matvec(axes, turned), (width,)) - moved
        return tf.cast(layout.features(field, matrix), vector.dtype)

    return product
