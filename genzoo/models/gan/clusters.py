"""Clusters of the data, which stand in for the labels of a GAN."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from genzoo.models.common import sample_weights
from genzoo.runtime import batch, data, distribute, random
from genzoo.types import Array, ArrayLike, Examples

_MOST_EXAMPLES = 60_000
_MOST_NUMBERS = 2**28  # a gigabyte
_MOST_ROUNDS = 30
_CHUNK = 4096


class Clusters(keras.layers.Layer):
    """The centres of k-means, and the share of the data around each.

    Args:
        count: how many clusters.
        shape: of one example.
    """

    def __init__(self, count: int, shape: tuple[int, ...], **kwargs):
        # Distances between like examples are lost in half precision.
        super().__init__(**{"trainable": False, "dtype": "float32", **kwargs})
        self.count = count
        width = int(np.prod(shape))
        self.centres, self.shares = (
            distribute.mirrored_weight(self, name, sizes)
            for name, sizes in (
                ("centres", (count, width)),
                ("shares", (count,)),
            )
        )
        self.built = True

    @property
    def is_adapted(self) -> bool:
        """Whether there are clusters."""
        return bool(self.shares.numpy().any())

    def adapt(
        self,
        x: Examples,
        key: tuple[int, int],
        steps: int | None = None,
        weight: Array | None = None,
    ) -> None:
        """Find the clusters by Lloyd's algorithm.

        At most 60,000 examples are looked at, fewer of large images: of more
        a part that is drawn at random, also of a dataset in any order.

        Args:
            x: array of examples, or a dataset of batches.
            key: two ints, by which examples and the first centres are chosen.
            steps: how many batches of a dataset to see; None means all.
            weight: of the rows of an array; examples are then taken as often
                as theirs says, and not at all if it is negative.

        Raises:
            ValueError: if there are fewer examples than clusters.
        """
        most = max(self.count, _MOST_NUMBERS // self.centres.shape[1])
        points = _points(x, key, steps, min(most, _MOST_EXAMPLES), weight)
        if len(points) < self.count:
            raise ValueError(
                f"GAN.fit: {len(points)} examples cannot make {self.count} "
                "clusters. Make the networks with fewer classes."
            )
        centres = points[: self.count].copy()
        before: Array | None = None
        for _ in range(_MOST_ROUNDS):
            self.centres.assign(centres)
            nearest = np.concatenate(
                [
                    self.nearest(points[i : i + _CHUNK]).numpy()
                    for i in range(0, len(points), _CHUNK)
                ]
            )
            if before is not None and np.array_equal(nearest, before):
                break
            before = nearest
            sizes = np.bincount(nearest, minlength=self.count)
            for cluster in np.flatnonzero(sizes):
                centres[cluster] = points[nearest == cluster].mean(axis=0)
            empty = np.flatnonzero(sizes == 0)
            if empty.size:
                squares = np.square(points - centres[nearest]).sum(axis=1)
                farthest = np.argsort(-squares, kind="stable")
                centres[empty] = points[farthest[: empty.size]]
        self.shares.assign(sizes / len(points))

    def nearest(self, x: ArrayLike) -> tf.Tensor:
        """The number of the nearest centre of each example, int32."""
        centres = tf.convert_to_tensor(self.centres.value)
        points = tf.reshape(tf.cast(x, tf.float32), (-1, centres.shape[1]))
        # |x - c|^2 without |x|^2.
        squares = tf.reduce_sum(tf.square(centres), axis=1)
        distances = squares - 2 * tf.matmul(points, centres, transpose_b=True)
        return tf.argmin(distances, axis=1, output_type=tf.int32)

    def chosen(self, z: tf.Tensor, latent: str) -> tf.Tensor:
        """The clusters that latents choose, each with its share, int32.

        Args:
            z: latents, float32, shape (n,).
            latent: their distribution, "normal" or "uniform" in [-1, 1).
        """
        ends = tf.cumsum(tf.convert_to_tensor(self.shares.value))
        quantiles = ends[:-1] / ends[-1]
        # Not the probability of z: formats without erf hold constants only.
        if latent == "normal":
            bounds = tf.math.ndtri(quantiles)
        else:
            bounds = 2 * quantiles - 1
        passed = z[:, None] >= bounds
        return tf.reduce_sum(tf.cast(passed, tf.int32), axis=1)


def _points(x, key, steps, most, weight=None) -> Array:
    """At most so many vectors, float32, in an order of the key's."""
    if data.is_array(x):
        order = random.permutation(len(x), key)[:most]
        points = np.asarray(x[order])
        weight = None if weight is None else weight[order]
    else:
        points, weight = _reservoir(x, key, steps, most)
        order = random.permutation(len(points), key)
        points = points[order]
        weight = None if weight is None else weight[order]
    if weight is not None:
        given = batch.make(points, np.maximum(weight, 0.0))
        points = sample_weights.repeated(given).numpy()
    return points.reshape(len(points), -1).astype("float32")


def _reservoir(x, key, steps, most):
    """(at most so many examples, weights or None) of batches, in their order.

    Those with the smallest of random numbers, one for each row: any part of
    the rows is as likely, and neither batches nor their order count.

    Reference:
        Vitter, "Random sampling with a reservoir", 1985.
    """
    seed = random.fold_in(random.as_seed(key), 0)
    filling: list[tuple] = []
    kept: tuple[Any, ...] = ()
    rows = 0
    for part, of_part in data.parts(x, steps=steps):
        lot = random.uniform((len(part),), seed.at_row(rows)).numpy()
        place = np.arange(rows, rows + len(part))
        new = [v for v in (lot, place, part, of_part) if v is not None]
        room = max(most - rows, 0)
        rows += len(part)
        if room:
            filling.append(tuple(v[:room] for v in new))
        if rows <= most:
            continue
        kept = kept or _joined(filling)
        _exchange(kept, [v[room:] for v in new])
    _, place, points, *weight = kept or _joined(filling)
    order = np.argsort(place)
    return points[order], weight[0][order] if weight else None


def _joined(parts):
    found = tuple(np.concatenate(v) for v in zip(*parts, strict=True))
    parts.clear()
    return found


def _exchange(kept, new):
    """Put rows of smaller lots in the place of those of the largest."""
    small = new[0] < kept[0].max()
    if not small.any():
        return
    lots = np.concatenate([kept[0], new[0][small]])
    size = len(kept[0])
    chosen = np.zeros(len(lots), bool)
    chosen[np.argpartition(lots, size - 1)[:size]] = True
    free, taken = np.flatnonzero(~chosen[:size]), chosen[size:]
    for own, found in zip(kept, new, strict=True):
        own[free] = found[small][taken]
