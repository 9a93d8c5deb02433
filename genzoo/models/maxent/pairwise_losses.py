"""Losses of pairwise energies that sum over sites, each given the others.

A site enters by its field alone, `f_i = b_i + sum_j J_ij phi_j`. So a loss is
a function of phi and f, and its derivatives by b and J follow from those by
f, here called `slope`: `dL/db = slope`, and `dL/dJ_ij = slope_i phi_j +
phi_i slope_j`.
"""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from genzoo.features.feature import Quadratic
from genzoo.samplers import PairwiseEnergy


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


def multiplier_gradient(
    form: Quadratic, phi: tf.Tensor, slope: tf.Tensor, weight: tf.Tensor
) -> tf.Tensor:
    """The gradient by the multipliers of a `features.Quadratic` form.

    Args:
        form: which multiplier each bias and coupling is.
        phi: encoded states, (batch, width).
        slope: derivatives by the fields, (batch, width).
        weight: what each row counts.

    Returns:
        A tensor (features,).
    """
    product = weight * tf.matmul(slope, phi, transpose_a=True)
    product += tf.transpose(product)
    return of_features(form, weight * tf.reduce_sum(slope, axis=0), product)


def of_features(
    form: Quadratic, single: tf.Tensor, product: tf.Tensor
) -> tf.Tensor:
    """What belongs to each feature of a form, added up, (features,).

    Args:
        form: which feature each site and pair belongs to.
        single: a number for each of phi, (width,).
        product: a number for each pair of phi, (width, width).
    """
    count = 1 + max(
        form.site_features.max(initial=-1), form.pair_features.max(initial=-1)
    )
    pairs, owners = _held(form.pairs), _held(form.pair_features)
    return tf.math.unsorted_segment_sum(
        tf.gather(single, form.sites), form.site_features, int(count)
    ) + tf.math.unsorted_segment_sum(
        tf.gather_nd(product, pairs), owners, int(count)
    )


def _held(numbers):
    """A tensor that graphs share: as a constant each would have copies."""
    with tf.init_scope():
        return tf.constant(numbers, tf.int32)


def independent_inverse(
    form: Quadratic, means: tf.Tensor, spread: tf.Tensor, l2: tf.Tensor
) -> Callable[[tf.Tensor], tf.Tensor] | None:
    """The inverse Hessian of the log-pseudolikelihood of independent sites.

    In the biases of centred sites, `c_i = b_i + sum_j J_ij m_j`, the Hessian
    is V for a site, its covariance, and `2 V_i x V_j` for a pair.

    Args:
        form: of fields and couplings, each with a multiplier of its own.
        means: m of phi, (sites * d,).
        spread: V of each site, (sites, d, d), positive definite.
        l2: weights of `sum l2 x^2 / 2`, (features,).

    Returns:
        A function from vectors (features,) to products; None for forms with
        tied multipliers or without a field for each of phi.
    """
    owners = np.concatenate([form.site_features, form.pair_features])
    width = means.shape[0]
    if len(np.unique(owners)) < len(owners) or len(form.sites) < width:
        return None
    pairs, pair_owners = _held(form.pairs), _held(form.pair_features)
    first, second = tf.unstack(pairs, axis=1)
    fields = form.site_features[np.argsort(form.sites)]
    order = _held(np.argsort(np.concatenate([fields, form.pair_features])))
    size, axes = tf.linalg.eigh(spread)
    size = tf.reshape(size, (-1,))
    same = tf.eye(spread.shape[0], dtype=spread.dtype)
    blocks = tf.reshape(axes[:, :, None] * same[:, None, :, None], (width,) * 2)
    held = tf.reduce_max(tf.gather(l2, pair_owners))
    bend = 2 * size[:, None] * size + held

    def in_axes(matrix, there):
        turned = tf.matmul(blocks, matrix, transpose_a=there)
        return tf.matmul(turned, blocks, transpose_b=not there)

    def product(vector):
        field = tf.gather(vector, fields)
        pair = tf.gather(vector, pair_owners)
        pair -= tf.gather(means, second) * tf.gather(field, first)
        pair -= tf.gather(means, first) * tf.gather(field, second)
        matrix = tf.scatter_nd(pairs, pair, (width, width))
        matrix += tf.transpose(matrix)
        matrix = in_axes(in_axes(matrix, True) / bend, False)
        coupling = tf.gather_nd(matrix, pairs)
        matrix = tf.scatter_nd(pairs, coupling, (width, width))
        shift = tf.linalg.matvec(matrix + tf.transpose(matrix), means)
        turned = tf.linalg.matvec(blocks, field, transpose_a=True) / size
        field = tf.linalg.matvec(blocks, turned) - shift
        return tf.gather(tf.concat([field, coupling], axis=0), order)

    return product
