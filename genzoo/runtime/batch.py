"""A batch of examples that count differently, or are not known in full."""

from typing import Any, NamedTuple

import tensorflow as tf

from genzoo.runtime import distribute


class Batch(NamedTuple):
    """Examples with what comes beside them.

    Learning rules and models take it wherever they take x. Weights have a
    mean of about one over the data, so that `sum_b w_b l_b / rows` is the
    batch's part of the weighted mean.

    Attributes:
        x: examples, (rows, *event_shape).
        weight: of each, float (rows,); None for equal ones.
        seen: which entries of x are known, bool; None for all.
        condition: what each row is given, (rows, width), for models of that.
    """

    x: tf.Tensor
    weight: tf.Tensor | None = None
    seen: tf.Tensor | None = None
    condition: tf.Tensor | None = None


def make(
    x: tf.Tensor, weight: Any = None, seen: Any = None, condition: Any = None
) -> Any:
    """A `Batch`, or x itself where nothing comes beside it."""
    beside = weight, seen, condition
    return x if all(part is None for part in beside) else Batch(x, *beside)


def examples(x: Any) -> tf.Tensor:
    """The examples of a batch."""
    return x.x if isinstance(x, Batch) else x


def weight(x: Any) -> tf.Tensor | None:
    """Their weights, or None."""
    return x.weight if isinstance(x, Batch) else None


def seen(x: Any) -> tf.Tensor | None:
    """Which entries are known, or None."""
    return x.seen if isinstance(x, Batch) else None


def condition(x: Any) -> tf.Tensor | None:
    """What its rows are given, or None."""
    return x.condition if isinstance(x, Batch) else None


def shares(x: Any, dtype: Any) -> tf.Tensor:
    """The weight of each row in a mean over the rows of all replicas.

    A number where all are equal, else of shape (rows,). It adds up to
    `total`.
    """
    _, rows = distribute.global_rows(tf.shape(examples(x))[0])
    share = 1 / tf.cast(rows, dtype)
    own = weight(x)
    return share if own is None else share * tf.cast(own, dtype)


def total(x: Any, dtype: Any) -> Any:
    """The mean weight of the rows of all replicas, 1.0 for equal ones."""
    if weight(x) is None:
        return 1.0
    return distribute.all_sum(tf.reduce_sum(shares(x, dtype)))


def weighed(share: tf.Tensor, values: tf.Tensor) -> tf.Tensor:
    """The sum of values (rows, ...) by their shares."""
    if share.shape.rank == 0:
        return share * tf.reduce_sum(values, axis=0)
    return tf.reduce_sum(column(share, values) * values, axis=0)


def column(share: tf.Tensor, values: tf.Tensor) -> tf.Tensor:
    """Shares in a shape that multiplies values (rows, ...)."""
    if share.shape.rank == 0:
        return share
    return tf.reshape(share, (-1, *(1 for _ in values.shape[1:])))


def packed(x: Any, weight: Any = None, seen: Any = None) -> Any:
    """What a pipeline carries: a dict of what there is, or x alone."""
    if weight is None and seen is None:
        return x
    parts = {"x": x, "weight": weight, "seen": seen}
    return {name: part for name, part in parts.items() if part is not None}


def has_gaps(data: Any) -> bool:
    """Whether what `packed` made says which entries are known."""
    return isinstance(data, dict) and "seen" in data


def unpacked(data: Any) -> Any:
    """A `Batch`, or x itself, of what `packed` made."""
    return make(**data) if isinstance(data, dict) else data
