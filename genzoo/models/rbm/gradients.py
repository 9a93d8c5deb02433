"""The closed-form gradients of two layers of units joined by a kernel.

Gradients are lists: the kernel's, then those of the visible and of the hidden
units, in the order of their statistics, of which the first is the whole layer's
state: `Machine.spread` has them in the order of weights. They are of a loss, to
be descended.
"""

from typing import Any, NamedTuple

import tensorflow as tf
from keras import ops

from genzoo.partition import Layers
from genzoo.runtime import batch, random
from genzoo.units import Unit


def outer(v: tf.Tensor, h: tf.Tensor, dtype: Any) -> tf.Tensor:
    """sum over the batch of v h', multiplied in `dtype`, as h's dtype."""
    product = tf.matmul(
        ops.cast(v, dtype), ops.cast(h, dtype), transpose_a=True
    )
    return ops.cast(product, h.dtype)


def free_energy(
    layers: Layers, v: tf.Tensor, field: tf.Tensor, weight: Any
) -> tuple[tf.Tensor, list[tf.Tensor]]:
    """`sum_b weight_b F(v_b)`, with `F = -a(v) - log-cumulant(W' v)`.

    The weight is a number or of shape (batch,).

    Returns:
        (value, means): means are the hidden units' mean statistics.
    """
    cumulant, means = layers.hidden.moments(field)
    potential = layers.visible.potential(v)
    return -batch.weighed(weight, potential + cumulant), means


def averages(
    layers: Layers, v: tf.Tensor, means: list[tf.Tensor], weight: Any
) -> list[tf.Tensor]:
    """`sum_b weight_b` of the visible and of the hidden statistics."""
    weights = tf.broadcast_to(weight, (1, tf.shape(v)[0]))
    statistics = [*layers.visible.statistics(v), *means]
    return [tf.matmul(weights, s)[0] for s in statistics]


def phases(
    layers: Layers,
    data: tuple[tf.Tensor, tf.Tensor],
    samples: tuple[tf.Tensor, tf.Tensor],
    weights: tuple[tf.Tensor, tf.Tensor],
    dtype: Any,
    offsets: tuple[tf.Tensor, tf.Tensor] | None = None,
    factors: tuple[Any, tf.Tensor] | None = None,
) -> tuple[tuple[tf.Tensor, tf.Tensor], list[tf.Tensor], tf.Tensor]:
    """The difference of free energies of data and samples, with gradients.

    Centred gradients cost no pass over the kernel: of the two rank-1 terms of
    `center`, one is a shift of the hidden means, the other a further row of
    the product of both phases.

    Args:
        layers: a `partition.Layers`.
        data: (v, W' v), each (batch, width).
        samples: the same for samples.
        weights: what a row counts, of the data and of the samples: numbers,
            or of shape (batch,).
        dtype: the dtype of products.
        offsets: visible and hidden offsets for centred gradients, or None.
        factors: by which both count in the gradients alone, or None. Weights
            times factors add up to the same in both.

    Returns:
        (values, gradients, hidden_mean): values are mean F of the data and of
        the samples, the gradients those of their difference; hidden_mean is
        <h> over the data.
    """
    (v0, field0), (v1, field1) = data, samples
    w0, w1 = weights
    value0, means0 = free_energy(layers, v0, field0, w0)
    value1, means1 = free_energy(layers, v1, field1, w1)
    averages0 = averages(layers, v0, means0, w0)
    averages1 = averages(layers, v1, means1, w1)
    at_hidden = layers.visible.statistic_count
    mean = averages0[at_hidden]
    if factors is not None:
        w0, w1 = w0 * factors[0], w1 * factors[1]
        averages0 = averages(layers, v0, means0, w0)
        averages1 = averages(layers, v1, means1, w1)
    rest = [s1 - s0 for s0, s1 in zip(averages0, averages1, strict=True)]
    w0, w1 = batch.column(w0, v0), batch.column(w1, v1)
    v, h = [v0, v1], [-w0 * means0[0], w1 * means1[0]]
    if offsets:
        # As the product rounds it, so that all terms have the same offset.
        c = ops.cast(ops.cast(offsets[0], dtype), v0.dtype)
        d = offsets[1]
        v = [*v, c[None]]
        h = [h[0] + w0 * d, h[1] - w1 * d, -rest[at_hidden][None]]
    kernel = outer(tf.concat(v, axis=0), tf.concat(h, axis=0), dtype)
    if offsets:
        rest = centred_biases(kernel, rest, at_hidden, c, d)
    return (value0, value1), [kernel, *rest], mean


def centred_biases(
    kernel: tf.Tensor,
    rest: list[tf.Tensor],
    at_hidden: int,
    c: tf.Tensor,
    d: tf.Tensor,
) -> list[tf.Tensor]:
    """The other gradients, once the kernel's is that of the centred energy."""
    rest = list(rest)
    rest[0] -= tf.linalg.matvec(kernel, d)
    rest[at_hidden] -= tf.linalg.matvec(kernel, c, transpose_a=True)
    return rest


def center(
    layers: Layers,
    gradients: list[tf.Tensor],
    visible_offset: tf.Tensor,
    hidden_offset: tf.Tensor,
) -> list[tf.Tensor]:
    """The gradients of the centred energy, mapped back to the weights.

    With offsets c and d, `E = -a v - b h - (v - c) W (h - d)` has the kernel
    gradient `<(v - c)(h - d)'>`: two rank-1 terms from the plain one. Its
    biases are a + W d and b + W' c.

    Reference:
        Melchior, Fischer and Wiskott, "How to center deep Boltzmann
        machines", JMLR 17(99), 2016.
    """
    kernel, *rest = gradients
    at_hidden = layers.visible.statistic_count
    visible, hidden = rest[0], rest[at_hidden]
    left = tf.stack([visible_offset, visible], axis=1)
    kernel -= tf.matmul(left, tf.stack([hidden, hidden_offset], axis=0))
    rest = centred_biases(
        kernel, rest, at_hidden, visible_offset, hidden_offset
    )
    return [kernel, *rest]


def pseudolikelihood(
    layers: Layers,
    v: tf.Tensor,
    field: tf.Tensor,
    sites: tf.Tensor,
    weight: Any,
) -> tuple[tf.Tensor, list[tf.Tensor]]:
    """`-weight sum_b sum_i log p(v_bi | v_b without i)` and its gradients.

    For unit i the other levels s change the field to `W' v + (s - v_i) W_i`;
    all is computed from fields, one unit at a time.

    Args:
        layers: a `partition.Layers` whose visible units have levels.
        v: visible states, (batch, visible.width).
        field: W' v, (batch, hidden.width).
        sites: the units i to sum over, int tensor (n,).
        weight: a factor, a number or one for each row, (batch,).

    Returns:
        (scores, gradients): the unweighted sum over i of the
        log-conditionals, (batch,), and the gradients of the weighted loss.
    """
    visible, hidden, kernel = layers
    averages = hidden.mean_statistics(field)
    weight = tf.convert_to_tensor(weight, v.dtype)
    scores = tf.zeros_like(field[:, 0])
    means = [tf.zeros_like(s) for s in averages]
    rows, flips = [], []
    column = first = 0
    for block in visible.blocks():
        columns = slice(column, column + block.width)
        inside = (sites >= first) & (sites < first + block.size)
        is_all = len(visible.blocks()) == 1
        own = sites if is_all else tf.boolean_mask(sites, inside) - first
        column, first = columns.stop, first + block.size
        scores, means, of_rows, of_flips = _score_block(
            _Block(block, hidden, kernel[columns]),
            v[:, columns],
            field,
            own,
            weight,
            (scores, means),
        )
        rows.append(of_rows)
        flips.append(of_flips)
    count = tf.cast(tf.shape(sites)[0], v.dtype)
    # d loss = sum_i (sum_s q_s d(-F)(v with s at i) - d(-F)(v)).
    excess = [
        total - count * _by_row(weight, s)
        for total, s in zip(means, averages, strict=True)
    ]
    kernel_gradient = tf.matmul(v, excess[0], transpose_a=True)
    gradients = [
        kernel_gradient + tf.concat(rows, axis=0),
        tf.concat(flips, axis=0),
        *(tf.reduce_sum(s, axis=0) for s in excess),
    ]
    if weight.shape.rank:
        return scores, gradients
    return scores, [weight * gradient for gradient in gradients]


class _Block(NamedTuple):
    """Visible units of one kind, with their part of the kernel."""

    visible: Unit
    hidden: Unit
    kernel: tf.Tensor


def _by_row(weight, values):
    return (
        batch.column(weight, values) * values if weight.shape.rank else values
    )


def _score_block(block, v, field, sites, weight, start):
    """(scores, means, gradients of the kernel's rows and of the bias)."""
    visible, hidden, kernel = block
    levels = ops.cast(visible.levels, v.dtype)
    depth = levels.shape[1]
    grouped = tf.reshape(v, (-1, visible.size, depth))
    kernels = tf.reshape(kernel, (visible.size, depth, hidden.width))
    potentials = visible.level_potentials(v.dtype)

    def add_site(number, scores, means, rows, flips):
        site = sites[number]
        present = tf.gather(grouped, site, axis=1)[:, None]
        change = levels[None] - present
        moved = field[:, None] + tf.matmul(change, kernels[site])
        flat = tf.reshape(moved, (-1, hidden.width))
        others = hidden.repeated(len(visible.levels))
        is_present = tf.reduce_all(tf.equal(change, 0), axis=2)
        each = tf.gather(potentials, site, axis=-2)
        own = tf.reduce_sum(tf.cast(is_present, v.dtype) * each, axis=1)
        gain = each - own[:, None]
        logits = gain + tf.reshape(
            others.log_cumulant(flat), tf.shape(change)[:2]
        )
        scores += hidden.log_cumulant(field) - tf.reduce_logsumexp(logits, 1)
        q = tf.nn.softmax(logits)[..., None]
        shape = [tf.shape(moved)[0], len(visible.levels)]
        moved_means = [
            _by_row(weight, q * tf.reshape(s, [*shape, s.shape[1]]))
            for s in others.mean_statistics(flat)
        ]
        means = [
            total + tf.reduce_sum(s, axis=1)
            for total, s in zip(means, moved_means, strict=True)
        ]
        row = tf.tensordot(change, moved_means[0], [[0, 1], [0, 1]])
        flip = tf.reduce_sum(_by_row(weight, change * q), axis=[0, 1])
        return (
            number + 1,
            scores,
            means,
            tf.tensor_scatter_nd_add(rows, [[site]], row[None]),
            tf.tensor_scatter_nd_add(flips, [[site]], flip[None]),
        )

    _, scores, means, rows, flips = tf.while_loop(
        lambda number, *_: number < tf.shape(sites)[0],
        add_site,
        (
            tf.zeros((), tf.int32),
            *start,
            tf.zeros_like(kernels),
            tf.zeros((visible.size, depth), v.dtype),
        ),
        parallel_iterations=1,
    )
    return (
        scores,
        means,
        tf.reshape(rows, tf.shape(kernel)),
        tf.reshape(flips, (-1,)),
    )


def choose_sites(size: int, sites: int | None, seed: random.Seed) -> tf.Tensor:
    """`sites` different units drawn at random, or all for None."""
    if sites is None or sites == size:
        return tf.range(size)
    ranks = random.uniform((1, size), seed)[0]
    return tf.math.top_k(ranks, sites).indices
