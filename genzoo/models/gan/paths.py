"""Latents that are chosen: truncated ones, and paths from one to another."""

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from genzoo.models.gan import latents
from genzoo.runtime import random

# Below this sine of the angle between two latents a path is straight.
_PARALLEL = 1e-3


def truncated(z: tf.Tensor, most: float, chooses: bool) -> tf.Tensor:
    """Normal latents as those of a normal law cut off at -most and most.

    Each number keeps its quantile: the law is that of drawing anew until a
    number lies within, and a seed still gives nearly the same example.

    Args:
        z: latents, (n, *latent_shape).
        most: the greatest size of a number.
        chooses: whether the last latent chooses a cluster; it stays.
    """
    inside = tf.math.erf(most / np.float32(np.sqrt(2)))
    quantile = tf.math.erf(z / np.sqrt(2)) * inside
    cut = np.sqrt(2) * tf.math.erfinv(quantile)
    # The quantiles of large numbers are rounded to one.
    cut = tf.clip_by_value(cut, -most, most)
    return tf.concat([cut[:, :-1], z[:, -1:]], axis=1) if chooses else cut


def drawn(
    law: Any,
    n: int,
    steps: int,
    shape: tuple[int, ...],
    seed: random.Seed,
    chooses: bool,
) -> tf.Tensor:
    """Paths of latents, (n, steps, *shape), from the first n to n others.

    Of a law that is made of normal numbers those take the path.

    Args:
        law: of the latents, as `latents.checked` gives it.
        n: number of paths.
        steps: points of each, with both ends.
        shape: of one z.
        seed: of the draws.
        chooses: whether the last latent chooses a cluster.
    """
    is_uniform = law == "uniform"
    make = random.uniform if is_uniform else random.normal
    ends = make((2 * n, *shape), seed)
    if is_uniform:
        ends = 2 * ends - 1
    join = straight if is_uniform else turning
    z = between(ends[:n], ends[n:], steps, join, chooses)
    flat = tf.reshape(z, (-1, *shape))
    return tf.reshape(latents.of_normal(law, flat), (n, steps, *shape))


def between(
    first: tf.Tensor,
    last: tf.Tensor,
    steps: int,
    join: Callable[..., tf.Tensor],
    chooses: bool,
) -> tf.Tensor:
    """Paths from the first to the last, (n, steps, *latent_shape)."""
    shape = first.shape[1:]
    first, last = (tf.reshape(z, (len(z), 1, -1)) for z in (first, last))
    t = tf.linspace(0.0, 1.0, steps)[None, :, None]
    if not chooses:
        return tf.reshape(join(first, last, t), (-1, steps, *shape))
    # The first end's cluster stays.
    found = join(first[..., :-1], last[..., :-1], t)
    cluster = tf.repeat(first[..., -1:], steps, axis=1)
    return tf.concat([found, cluster], axis=2)


def straight(first: tf.Tensor, last: tf.Tensor, t: tf.Tensor) -> tf.Tensor:
    """Points of lines, for t from 0 to 1."""
    return (1 - t) * first + t * last


def turning(first: tf.Tensor, last: tf.Tensor, t: tf.Tensor) -> tf.Tensor:
    """Points of great circles, as far from the origin as normal latents are."""
    lengths = tf.norm(first, axis=2) * tf.norm(last, axis=2)
    cosine = tf.math.divide_no_nan(tf.reduce_sum(first * last, axis=2), lengths)
    angle = tf.acos(tf.clip_by_value(cosine, -1.0, 1.0))[..., None]
    sine = tf.sin(angle)
    is_curved = (sine > _PARALLEL) & (lengths[..., None] > 0)
    sine = tf.where(is_curved, sine, 1.0)
    a, b = tf.sin((1 - t) * angle) / sine, tf.sin(t * angle) / sine
    line = straight(first, last, t)
    return tf.where(is_curved, a * first + b * last, line)
