"""Critics: how much like data a model's chains are, row by row."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from genzoo.losses.adversarial import descend
from genzoo.runtime import batch, distribute

# Of the nearest others that are asked; more, if several are as far.
NEIGHBOURS = 5
# Of squared distances, in units of the largest: what is as far but for it.
_ROUNDING = 1e-6
# Activations whose ends are no logit's.
_SQUASHED = ("sigmoid", "hard_sigmoid", "softmax", "tanh")


class Opinion(NamedTuple):
    """What a critic says.

    Attributes:
        data: T of each row of data, log D / (1 - D), where D is the
            probability that it is of the data and not of the chains, if
            there are as many of each.
        chains: T of each chain.
        loss: this replica's share of the cross-entropy, or None.
    """

    data: tf.Tensor
    chains: tf.Tensor
    loss: tf.Tensor | None = None


class Critic(keras.layers.Layer):
    """A network of one logit for each row, and its optimizer.

    It is called with `training=False`: a score is a function of the row alone.

    Args:
        network: a built Keras model from a view to (rows, 1) or (rows,).
        optimizer: of its trainable weights, one of `keras.optimizers`.
    """

    def __init__(self, network: keras.Model, optimizer: Any, **kwargs):
        super().__init__(**kwargs)
        self.network = network
        self.optimizer = optimizer
        optimizer.build(network.trainable_variables)
        self.built = True

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """The logits, float32 (rows,)."""
        rows = tf.shape(x)[0]
        (x,) = distribute.filled(tf.cast(x, tf.float32))
        found: Any = self.network(x, training=False)
        return tf.cast(tf.reshape(found, (-1,)), tf.float32)[:rows]

    def look(
        self,
        data: tf.Tensor,
        chains: tf.Tensor,
        weights: tuple[tf.Tensor, tf.Tensor],
    ) -> Opinion:
        """What it says of both; changes nothing."""
        return Opinion(*self._judged(data, chains, weights)[1:])

    def learn(
        self,
        data: tf.Tensor,
        chains: tf.Tensor,
        weights: tuple[tf.Tensor, tf.Tensor],
    ) -> Opinion:
        """What it says of both, before a step down the cross-entropy.

        Args:
            data: a view of data.
            chains: the same of chains.
            weights: what each row counts, (rows,) each.
        """
        found = descend(
            self.optimizer,
            self.network.trainable_variables,
            lambda: self._judged(data, chains, weights),
        )
        return Opinion(*found[1:])

    def _judged(self, data, chains, weights):
        count = tf.shape(data)[0]
        logits = self(tf.concat([data, chains], axis=0))
        of_data, of_chains = logits[:count], logits[count:]
        costs = tf.nn.softplus(-of_data), tf.nn.softplus(of_chains)
        loss = sum(map(batch.weighed, weights, costs)) / 2
        # Regularizers of its layers; each replica adds its share.
        own = sum(tf.cast(term, tf.float32) for term in self.network.losses)
        return loss + distribute.share(own), of_data, of_chains, loss


def checked_network(
    owner: str, network: keras.Model, shape: Sequence[int]
) -> keras.Model:
    """A network that gives one logit for each row of a view.

    Args:
        owner: who takes it, for messages.
        network: the network, which is built here.
        shape: of one row.

    Raises:
        ValueError: if it does not take such rows, gives something else, or
            was made in the scope of another strategy.
    """
    if isinstance(network, keras.Model):
        distribute.check_scope(owner, "critic", network)
    # Some layers would broadcast what does not fit.
    known = getattr(network, "input_shape", None)
    expected = (None, *shape)
    takes = f"{owner}: critic must take rows of shape {expected}"
    if isinstance(known, tuple) and len(known) != len(expected):
        raise ValueError(f"{takes}; it takes {known}.")
    try:
        found = network(tf.zeros((2, *shape)), training=False)
    except Exception as error:
        raise ValueError(f"{takes}; it says: {error}") from error
    if tuple(getattr(found, "shape", ())) not in ((2,), (2, 1)):
        given = getattr(found, "shape", type(found).__name__)
        raise ValueError(
            f"{owner}: critic must give one logit for each row, (rows, 1) or "
            f"(rows,); of two rows it gives {given}. End it in Dense(1)."
        )
    last = (getattr(network, "layers", None) or [network])[-1]
    name = getattr(getattr(last, "activation", None), "__name__", None)
    if name in _SQUASHED:
        raise ValueError(
            f"{owner}: critic ends in {name}; it must give logits, which lose "
            "nothing where it is sure. Remove the last activation."
        )
    return network


def nearest(
    data: tf.Tensor,
    chains: tf.Tensor,
    weights: tuple[tf.Tensor, tf.Tensor],
    neighbours: int = NEIGHBOURS,
) -> Opinion:
    """D as the share of data among the nearest others of each row.

    All rows that are as near as the k-th count, each its weight, so that the
    order of equal ones does not matter. Rows of other replicas count too.

    Args:
        data: a view of data.
        chains: the same of chains.
        weights: what each row counts, (rows,) each, which add up to the same.
        neighbours: k.
    """
    flat = [tf.reshape(x, (tf.shape(x)[0], -1)) for x in (data, chains)]
    flat = [tf.cast(x, tf.float32) for x in flat]
    every = [distribute.all_rows(x) for x in flat]
    pool, own = tf.concat(every, axis=0), tf.concat(flat, axis=0)
    # Nearer to zero less is rounded.
    middle = tf.reduce_mean(pool, axis=0)
    pool, own = pool - middle, own - middle
    counts = [tf.cast(distribute.all_rows(w), tf.float32) for w in weights]
    of_data = tf.concat([counts[0], 0 * counts[1]], axis=0)
    of_all = tf.concat(counts, axis=0)
    first = [distribute.global_rows(tf.shape(x)[0])[0] for x in flat]
    selves = tf.concat(
        [
            first[0] + tf.range(tf.shape(flat[0])[0]),
            tf.shape(every[0])[0] + first[1] + tf.range(tf.shape(flat[1])[0]),
        ],
        axis=0,
    )
    square = (
        tf.reduce_sum(own**2, axis=1)[:, None]
        + tf.reduce_sum(pool**2, axis=1)
        - 2 * tf.matmul(own, pool, transpose_b=True)
    )
    margin = _ROUNDING * tf.reduce_max(square)
    others = tf.one_hot(selves, tf.shape(pool)[0], False, True, dtype=tf.bool)
    square = tf.where(others, square, square.dtype.max)
    most = tf.minimum(neighbours, tf.shape(pool)[0] - 1)
    reach = -tf.math.top_k(-square, most).values[:, -1:]
    inside = tf.cast(others & (square <= reach + margin), tf.float32)
    known, total = (
        tf.linalg.matvec(inside, count) for count in (of_data, of_all)
    )
    share = tf.where(total > 0, tf.math.divide_no_nan(known, total), 0.5)
    # T to first order, where D is 1 / 2; it has no end where D is 0 or 1.
    score = 4 * share - 2
    return Opinion(*tf.split(score, [tf.shape(x)[0] for x in flat]))
