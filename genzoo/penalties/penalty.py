"""Gradient penalties: how steep the discriminator may be, and where.

A penalty is a place where the gradient of D is taken and a cost of its norm.
All are computed in float32, whatever the policy of the discriminator, and in
one pass for all penalties that look at the same rows.
"""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Self

import keras
import tensorflow as tf

from genzoo import checks
from genzoo.runtime import distribute, random


def _fraction(value: Any, where: str) -> float:
    """One over an int."""
    share = checks.positive_number(value, where)
    period = round(1 / share) if share > 1e-9 else 0
    if period < 1 or abs(period * share - 1) > 1e-6:
        checks.refuse(value, where, "one over an int, such as 1/8")
    return share


class Penalty:
    """A cost of `|grad_x D(x)|` at some points.

    Args:
        weight: how much it counts, a number above 0.
        fraction: the share of the batch that it looks at, one over an int.
            1/8 is unbiased too, and adds a fifth to the time of a step where
            the whole batch doubles or triples it.

    Raises:
        ValueError: for another weight or fraction.

    Example:
    >>> class Midway(genzoo.penalties.Penalty):
    ...     def points(self, real, fake, seed):
    ...         return (real + fake) / 2
    ...
    ...     def cost(self, square):
    ...         return square
    >>> gan = genzoo.GAN(*genzoo.networks.mlp(2, 2, width=8, depth=1))
    >>> gan.compile(penalties=[Midway(0.1)])
    """

    arguments: ClassVar[checks.Arguments] = {
        "weight": checks.positive_number,
        "fraction": _fraction,
    }

    def __init__(self, weight: float, fraction: float = 1.0):
        self.weight, self.fraction = checks.arguments(
            self, weight=weight, fraction=fraction
        )
        self.period = round(1 / self.fraction)

    def points(
        self, real: tf.Tensor, fake: tf.Tensor, seed: random.Seed
    ) -> tf.Tensor:
        """Where the gradient is taken, as many as there are rows."""
        raise NotImplementedError

    def cost(self, square: tf.Tensor) -> tf.Tensor:
        """The cost of each gradient, given its squared norm, (rows,)."""
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {"weight": self.weight, "fraction": self.fraction}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """A penalty from `get_config`."""
        return cls(**config)


def get(where: str, identifiers: Any) -> tuple[Penalty, ...]:
    """Penalties from a list of them or their configurations, or from one.

    Raises:
        ValueError: for anything else.
    """
    if not isinstance(identifiers, (list, tuple)):
        identifiers = [identifiers]
    found = [
        keras.saving.deserialize_keras_object(penalty)
        if isinstance(penalty, dict)
        else penalty
        for penalty in identifiers
    ]
    for penalty in found:
        if not isinstance(penalty, Penalty):
            raise ValueError(
                f"{where}: penalties must be of genzoo.penalties, for "
                f"example R1(0.1); received {penalty!r}."
            )
    return tuple(found)


def total(
    penalties: Sequence[Penalty],
    critic: Callable[[tf.Tensor, list[tf.Tensor]], tf.Tensor],
    real: tf.Tensor,
    fake: tf.Tensor,
    condition: Sequence[tf.Tensor],
    seed: random.Seed,
) -> tf.Tensor:
    """This replica's share of the mean costs, weighted and added up.

    Args:
        penalties: a list of `Penalty`s.
        critic: function of (examples, conditions) to logits.
        real: data, float32, (rows, *event).
        fake: generated examples of the same shape.
        condition: tensors of as many rows, perhaps empty.
        seed: a `runtime.random.Seed` at this replica's first row of those.
    """
    _, rows = distribute.global_rows(tf.shape(real)[0])
    loss = tf.zeros(())
    for period in sorted({penalty.period for penalty in penalties}):
        group = [
            (number, penalty)
            for number, penalty in enumerate(penalties)
            if penalty.period == period
        ]
        # Every period-th row of the whole batch, whichever replica has it.
        chosen = slice((-seed.row) % period, None, period)
        points = [
            penalty.points(real, fake, random.fold_in(seed, number))[chosen]
            for number, penalty in group
        ]
        conditions = [
            tf.concat([part[chosen]] * len(group), axis=0) for part in condition
        ]
        x = tf.concat(points, axis=0)
        with tf.GradientTape() as tape:
            tape.watch(x)
            logits = tf.reduce_sum(critic(x, conditions))
        gradient = tf.cast(tape.gradient(logits, x), tf.float32)
        axes = list(range(1, len(x.shape)))
        squares = tf.reduce_sum(tf.square(gradient), axis=axes)
        count = tf.maximum((rows + period - 1) // period, 1)
        for (_, penalty), square in zip(
            group, tf.split(squares, len(group)), strict=True
        ):
            cost = tf.reduce_sum(penalty.cost(square))
            loss += penalty.weight * cost / tf.cast(count, tf.float32)
    return loss
