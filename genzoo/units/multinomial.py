"""Multinomial units: the counts of words in a document, a bag of words."""

from typing import Any, ClassVar

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from genzoo import checks
from genzoo.runtime import random
from genzoo.spaces import Counts
from genzoo.types import Array
from genzoo.units.unit import Unit


@keras.saving.register_keras_serializable("genzoo")
class Multinomial(Unit):
    """Counts v of words, `a(v) = sum_k bias_k v_k + log(D! / prod_k v_k!)`.

    D = sum_k v_k is the document's total, which may differ from row to row
    and is given: D exchangeable one-hot units that share their weights.
    Given a field `phi` from the other layer the counts are multinomial, D
    draws of a word with the probabilities `softmax(bias + phi)`. An `RBM`
    with such visible units is the replicated softmax model

    `E(v, h) = -a . v - D b . h - v W h - log(D! / prod_k v_k!)`,

    normalised over all v of the same total: `p(v | D)`. The hidden bias is
    that of one word, and D times as large in a document of D words.

    Alone, the layer speaks of one word, D = 1; `Totalled` of rows of others.

    Args:
        words: the size of the vocabulary, or a shape of it.

    Attributes:
        total: weight (2,), the data's mean total, and the root of its mean
            square. 1 before `adapt`.
        dispersion: weight (words,), the data's variance over that of words
            drawn independently, at least 1. 1 before `adapt`.

    Reference:
        Salakhutdinov and Hinton, "Replicated softmax: an undirected topic
        model", NIPS 2009.

    Example:
    >>> counts = np.random.default_rng(0).poisson(1.0, (200, 6))
    >>> topics = genzoo.RBM(
    ...     genzoo.units.Multinomial(6), genzoo.units.Bernoulli(3)
    ... )
    >>> topics.compile()
    >>> history = topics.fit(counts, verbose=0)
    >>> topics.hidden_mean(counts).shape
    (200, 3)
    >>> topics.sample(2, condition=[7, 30], seed=0).sum(axis=1).tolist()
    [7.0, 30.0]

    The perplexity of documents, a mean over their words; of equal words it
    is that of the likeliest order, so that the multinomial coefficient goes:

    >>> log_p = topics.log_prob(counts).sum()
    >>> base = topics.visible.log_base(tf.constant(counts, "float64"))
    >>> perplexity = np.exp(-(log_p - base.numpy().sum()) / counts.sum())
    >>> bool(1 < perplexity < 6.5)
    True
    """

    arguments: ClassVar[checks.Arguments] = {"words": checks.size_or_shape}

    def __init__(self, words: int | tuple[int, ...], **kwargs):
        (words,) = checks.arguments(self, words=words)
        super().__init__(words, **kwargs)
        # Its numbers are known together, or not at all.
        self.size = 1
        self.total, self.dispersion = (
            self.add_weight(
                name=name,
                shape=(width,),
                initializer="ones",
                trainable=False,
                autocast=False,
            )
            for name, width in (("total", 2), ("dispersion", self.width))
        )

    def space_of(self, arrangement: int | tuple[int, ...]) -> Counts:
        """Whole numbers from 0 up."""
        return Counts(None, arrangement)

    @property
    def is_bounded(self) -> bool:
        """True: of a total there are finitely many counts."""
        return True

    def log_base(self, x: tf.Tensor) -> tf.Tensor:
        """log(D! / prod_k v_k!), (batch,)."""
        # Large terms that cancel.
        x = ops.cast(x, "float64")
        of_words = ops.sum(tf.math.lgamma(x + 1), axis=-1)
        return tf.math.lgamma(ops.sum(x, axis=-1) + 1) - of_words

    def potential(self, x: tf.Tensor) -> tf.Tensor:
        """a(v), (batch,)."""
        linear = ops.matmul(x, ops.cast(self.bias, x.dtype)[:, None])[:, 0]
        return linear + ops.cast(self.log_base(x), x.dtype)

    def _logits(self, field):
        return ops.cast(self.bias, field.dtype) + field

    def unit_log_cumulant(self, field: tf.Tensor) -> tf.Tensor:
        """logsumexp(bias + field), that of one word, (batch, 1)."""
        return ops.logsumexp(self._logits(field), axis=-1, keepdims=True)

    def mean(self, field: tf.Tensor) -> tf.Tensor:
        """The probabilities of the words, (batch, width)."""
        return ops.softmax(self._logits(field), axis=-1)

    def sample(self, field: tf.Tensor, seed: random.Seed) -> tf.Tensor:
        """One word of each row, one-hot, (batch, width)."""
        one = tf.ones(tf.shape(field)[:1], field.dtype)
        return self.sample_totals(field, one, seed)

    def sample_totals(
        self, field: tf.Tensor, total: tf.Tensor, seed: random.Seed
    ) -> tf.Tensor:
        """Counts of so many words, (batch, width).

        Args:
            field: of the other layer, (batch, width).
            total: of each row, (batch,).
            seed: of the draws; a row's do not depend on other rows.
        """
        ends = ops.cumsum(self.mean(field), axis=-1)
        # Rounding leaves the last one beside 1.
        ends = ends / ends[:, -1:]
        rows = tf.shape(field)[0]
        blocks = tf.cast(tf.math.ceil(tf.reduce_max(total) / _BLOCK), tf.int32)
        first = tf.range(rows)[:, None] * self.width

        def draw(number, counts):
            own = random.fold_in(seed, number)
            uniform = random.uniform((rows, _BLOCK), own, field.dtype)
            word = tf.searchsorted(ends, uniform, side="right")
            word = tf.minimum(word, self.width - 1)
            place = tf.range(_BLOCK, dtype=total.dtype)[None]
            place += _BLOCK * tf.cast(number, total.dtype)
            counted = tf.cast(place < total[:, None], field.dtype)
            return number + 1, counts + tf.math.unsorted_segment_sum(
                tf.reshape(counted, (-1,)),
                tf.reshape(first + word, (-1,)),
                rows * self.width,
            )

        _, counts = tf.while_loop(
            lambda number, _: number < blocks,
            draw,
            (
                tf.zeros((), tf.int32),
                tf.zeros((rows * self.width,), ends.dtype),
            ),
            parallel_iterations=1,
        )
        return tf.reshape(counts, (rows, self.width))

    def totals(self, x: tf.Tensor) -> tf.Tensor:
        """D of each row of counts, (batch,)."""
        return tf.reduce_sum(x, axis=-1)

    def state_of_mean(self, mean: Array) -> tf.Tensor:
        """The words' probabilities, of their mean counts."""
        return ops.cast(mean / max(np.sum(mean), 1e-12), self.bias.dtype)

    def smooth(self, mean: Array, count: int) -> Array:
        """Probabilities, one half of each word added to all documents."""
        words = mean * count + 0.5
        return words / words.sum()

    def variance_of(self, mean: Array) -> Array:
        """D mean (1 - mean) of probabilities, D being the mean total."""
        return float(self.total[0]) * mean * (1 - mean)

    def adapt(self, mean: Array, variance: Array, count: int) -> None:
        """Take the data's shares of words, and how far counts spread."""
        own = self.smooth(mean, count)
        self.bias.assign(self.bias_for(own))
        total = max(float(np.sum(mean)), 1e-12)
        self.dispersion.assign(
            np.maximum(variance / (total * own * (1 - own)), 1.0)
        )

    def bias_for(self, mean: Array) -> Array:
        """The log-probabilities."""
        return np.log(mean)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        config = super().get_config()
        config["words"] = config.pop("size")
        return config


# Words that are drawn at once.
_BLOCK = 128


class Totalled:
    """Multinomial units of rows whose totals are given.

    Nothing is copied. It has the methods of a `Unit` that chains and sums
    need; what knows nothing of the total is asked of the unit.

    Args:
        unit: the `Multinomial`.
        total: of each row, (rows,).

    Example:
    >>> units = genzoo.units.Multinomial(2)
    >>> own = genzoo.units.multinomial.Totalled(units, tf.constant([0.0, 3.0]))
    >>> own.mean(tf.zeros((2, 2))).numpy().tolist()
    [[0.0, 0.0], [1.5, 1.5]]
    """

    def __init__(self, unit: Multinomial, total: tf.Tensor):
        self.unit = unit
        self.total = total

    def __getattr__(self, name: str) -> Any:
        return getattr(self.unit, name)

    def blocks(self) -> list:
        """Itself."""
        return [self]

    def repeated(self, count: int) -> "Totalled":
        """The units of rows that are repeated so often."""
        return Totalled(self.unit, tf.repeat(self.total, count))

    def _column(self, field):
        return ops.cast(self.total, field.dtype)[:, None]

    def unit_log_cumulant(self, field: tf.Tensor) -> tf.Tensor:
        """D logsumexp(bias + field), (batch, 1)."""
        return self._column(field) * self.unit.unit_log_cumulant(field)

    def log_cumulant(self, field: tf.Tensor) -> tf.Tensor:
        """The same, (batch,)."""
        return self.unit_log_cumulant(field)[:, 0]

    def mean(self, field: tf.Tensor) -> tf.Tensor:
        """<v> given the field, (batch, width)."""
        return self._column(field) * self.unit.mean(field)

    def mean_statistics(self, field: tf.Tensor) -> list[tf.Tensor]:
        """The statistics' means given the field."""
        return [self.mean(field)]

    def moments(self, field: tf.Tensor) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """(log-cumulant, mean statistics) given the field."""
        return self.log_cumulant(field), self.mean_statistics(field)

    def sample(self, field: tf.Tensor, seed: random.Seed) -> tf.Tensor:
        """Counts of these totals, (batch, width)."""
        rows = tf.shape(field)[:1]
        total = tf.broadcast_to(ops.cast(self.total, field.dtype), rows)
        return self.unit.sample_totals(field, total, seed)
