"""Pairwise energies of discrete sites, and which sites may move together."""

from typing import NamedTuple, Self

import numpy as np
import tensorflow as tf
from keras import ops

from genzoo import checks
from genzoo.types import Array, ArrayLike


class PairwiseEnergy(NamedTuple):
    """E(x) = -bias . phi(x) - 1/2 phi(x)' coupling phi(x), p(x) = e^-E / Z.

    Each of `n` sites has one of the same `q` levels, and phi writes it as `d`
    numbers, so that all sites together have a phi of n * d numbers, those of
    the first site first:

    - Ising spins: levels [-1, 1], encoding [[-1], [1]];
    - binary sites: levels [0, 1], encoding [[0], [1]];
    - Potts sites of q levels, the last of them without parameters:
      levels range(q), encoding np.eye(q)[:, :-1].

    Attributes:
        levels: array (q,), the values of `x` at a site, all different.
        encoding: array (q, d), phi of each level.
        bias: tensor (n * d,).
        coupling: tensor (n * d, n * d), symmetric, zero from a site to itself.

    Example:
    >>> pair = genzoo.samplers.PairwiseEnergy(
    ...     levels=np.array([-1.0, 1.0]),
    ...     encoding=np.array([[-1.0], [1.0]]),
    ...     bias=tf.zeros(2),
    ...     coupling=tf.constant([[0.0, 0.5], [0.5, 0.0]]),
    ... )
    >>> pair.energy(tf.constant([[1.0, 1.0], [1.0, -1.0]])).numpy().tolist()
    [-0.5, 0.5]
    >>> sweep = genzoo.samplers.gibbs_sites(pair, [[0], [1]])
    >>> genzoo.samplers.run(sweep, 0, tf.ones((10, 2)), 5).shape
    TensorShape([10, 2])
    """

    levels: np.ndarray
    encoding: np.ndarray
    bias: tf.Tensor
    coupling: tf.Tensor

    @property
    def sites(self) -> int:
        """The number of sites, n."""
        return self.bias.shape[0] // np.shape(self.encoding)[1]

    @property
    def is_encoded(self) -> bool:
        """Whether x is its own phi, as for spins and binary sites."""
        return np.array_equal(np.reshape(self.levels, (-1, 1)), self.encoding)

    def scaled(self, inverse_temperature: float | tf.Tensor) -> Self:
        """The energy times `inverse_temperature`, a float or a scalar."""
        return self._replace(
            bias=inverse_temperature * self.bias,
            coupling=inverse_temperature * self.coupling,
        )

    def level_numbers(self, x: tf.Tensor) -> tf.Tensor:
        """The number of the level at each site, int32 (chains, n)."""
        match = tf.cast(self._match(x), tf.int8)
        return tf.argmax(match, axis=-1, output_type=tf.int32)

    def _match(self, x):
        # Examples are float32, in which a level such as 0.1 is another.
        levels = tf.cast(self.levels, tf.float32)
        return tf.cast(x, tf.float32)[..., None] == levels

    def decode(self, numbers: tf.Tensor) -> tf.Tensor:
        """The values (chains, n) of levels given by their numbers."""
        return tf.gather(tf.cast(self.levels, self.bias.dtype), numbers)

    def encode(self, x: tf.Tensor) -> tf.Tensor:
        """phi, shape (chains, n * d), of values (chains, n)."""
        x = tf.cast(x, self.bias.dtype)
        if self.is_encoded:
            return x
        codes = tf.cast(self.encoding, x.dtype)
        phi = tf.matmul(tf.cast(self._match(x), x.dtype), codes)
        return tf.reshape(phi, (ops.shape(x)[0], self.bias.shape[0]))

    def field(self, phi: tf.Tensor) -> tf.Tensor:
        """bias + coupling phi, shape (chains, n * d)."""
        return tf.matmul(phi, self.coupling) + self.bias

    def energy(self, x: tf.Tensor) -> tf.Tensor:
        """E(x) in nats, shape (chains,)."""
        phi = self.encode(x)
        # Not 0.5 * (field + bias): inside of a loop in a graph, TensorFlow
        # 2.21 makes an empty tensor of a constant added twice.
        halved = 0.5 * tf.matmul(phi, self.coupling) + self.bias
        return -tf.reduce_sum(phi * halved, axis=-1)

    def log_weights(self, x: tf.Tensor) -> tf.Tensor:
        """log p(level at a site | all other sites) but for a constant.

        Shape (chains, n, q); a softmax over the last axis normalises it.
        """
        field = self.field(self.encode(x))
        codes = tf.cast(self.encoding, field.dtype)
        shape = (*ops.shape(x), codes.shape[1])
        return tf.matmul(tf.reshape(field, shape), codes, transpose_b=True)


def colour(adjacency: ArrayLike) -> list[Array]:
    """Colours of the sites of a graph such that neighbours differ.

    The site with the most colours among its neighbours is next, and takes the
    first colour that they leave. Two colours suffice wherever they can, as on
    square lattices.

    Args:
        adjacency: array (n, n), true or not 0 where two sites interact. The
            diagonal is not looked at.

    Returns:
        A list of int arrays, the sites of each colour in ascending order.

    Raises:
        ValueError: if `adjacency` is not square and symmetric.

    Reference:
        Brelaz, "New methods to color the vertices of a graph",
        Communications of the ACM 22, 1979.
    """
    joined = checks.array(adjacency, "colour: adjacency") != 0
    if joined.ndim != 2 or not np.array_equal(joined, joined.T):
        raise ValueError(
            "colour: adjacency must be square and symmetric; received shape "
            f"{joined.shape}."
        )
    n = len(joined)
    joined = joined & ~np.eye(n, dtype=bool)
    degree = joined.sum(axis=1)
    # One row a colour: the sites that have a neighbour of this colour.
    taken = np.zeros((n, n), bool)
    colours = np.full(n, -1)
    variety = np.zeros(n, int)
    for _ in range(n):
        urgency = np.where(colours < 0, variety * (n + 1) + degree, -1)
        site = np.argmax(urgency)
        first = np.argmin(taken[:, site])
        colours[site] = first
        variety += joined[site] & ~taken[first]
        taken[first] |= joined[site]
    return [np.flatnonzero(colours == c) for c in range(colours.max() + 1)]
