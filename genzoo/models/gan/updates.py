"""Updates of the two networks: optimizers, learning rates, G's average."""

from typing import Any, TypeAlias

import keras
import tensorflow as tf

from genzoo import checks
from genzoo.optimizers import FallingAdam
from genzoo.runtime import distribute

Optimizer: TypeAlias = keras.optimizers.Optimizer


def optimizers(
    own: Any, other: Any, are_scaled: bool
) -> tuple[Optimizer, Optimizer]:
    """The optimizers of G and D, from what `keras.optimizers.get` takes.

    Args:
        own: the generator's; None takes a `FallingAdam` of 2e-3 with
            beta_1=0, beta_2=0.99.
        other: the discriminator's; None takes another like the generator's.
        are_scaled: whether losses must be scaled, for float16.

    Raises:
        ValueError: if both are one.
    """
    if own is None:
        own = FallingAdam(2e-3, beta_1=0.0, beta_2=0.99)
    own = checks.of_keras(keras.optimizers, own, "GAN.compile: optimizer")
    if other is None:
        # Of the same configuration, without its state.
        other = type(plain(own)).from_config(plain(own).get_config())
    where = "GAN.compile: discriminator_optimizer"
    other = checks.of_keras(keras.optimizers, other, where)
    if plain(other) is plain(own):
        raise ValueError(
            "GAN.compile: discriminator_optimizer is the generator's; an "
            "optimizer keeps the state of one network. Make a second one."
        )
    if are_scaled:
        own, other = map(_scaled, (own, other))
    return own, other


def plain(optimizer: Optimizer) -> Optimizer:
    """An optimizer without the scale of its losses."""
    return getattr(optimizer, "inner_optimizer", optimizer)


def _scaled(optimizer):
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        return optimizer
    return keras.optimizers.LossScaleOptimizer(optimizer)


class Average:
    """The running average of the generator's weights, batch statistics too.

    `average += (1 - decay) (weight - average)`, where decay is
    min(ema, (1 + t) / (10 + t)): in the first steps t it is an average over
    the latest part of them.

    Args:
        average: a copy of the generator, which the average is written to.
        generator: the network that is trained.
        ema: the decay in the long run.

    Reference:
        Yazici et al., "The unusual effectiveness of averaging in GAN
        training", 2019.
    """

    def __init__(
        self, average: keras.Model, generator: keras.Model, ema: float
    ):
        average.trainable = False
        self.ema = ema
        self._pairs = list(
            zip(average.variables, generator.variables, strict=True)
        )

    def start(self) -> None:
        """Let the average be the generator as it is."""
        for average, weight in self._pairs:
            average.assign(weight)

    def follow(self, step: tf.Tensor) -> None:
        """Take the weights behind this step into account, the first is 1."""
        step = tf.cast(step, tf.float32)
        change = 1 - tf.minimum(self.ema, (1 + step) / (10 + step))
        for average, weight in self._pairs:
            now = tf.convert_to_tensor(average.value)
            if now.dtype.is_floating:
                difference = tf.convert_to_tensor(weight.value) - now
                now += tf.cast(change, now.dtype) * difference
                average.assign(now)
            else:
                average.assign(weight.value)


class Rates(keras.layers.Layer):
    """Keeps the ratio of two learning rates, where callbacks set the first.

    Its weight holds the ratio, and both rates after the last step.
    """

    def __init__(self, **kwargs):
        super().__init__(**{"trainable": False, "dtype": "float32", **kwargs})
        self.state = distribute.mirrored_weight(self, "learning_rates", (3,))
        self.built = True

    def fix(self, optimizer: Optimizer, other: Optimizer) -> None:
        """Keep the ratio as it is now."""
        self.state.assign(tf.zeros(3))
        self.follow(optimizer, other)

    def follow(self, optimizer: Optimizer, other: Optimizer) -> None:
        """Change the other's rate in proportion to the first one's.

        One that was set itself since the last step stays, with a new ratio.
        """
        own, its = map(_learning_rate, (optimizer, other))
        if own is None or its is None:
            return
        ratio, own_before, before = tf.unstack(
            tf.convert_to_tensor(self.state.value)
        )
        rate, now = (tf.cast(v.value, tf.float32) for v in (own, its))
        was_set = now != before
        ratio = tf.where(was_set, tf.math.divide_no_nan(now, rate), ratio)
        follows = (rate != own_before) & ~was_set & (ratio > 0)
        now = tf.where(follows, ratio * rate, now)
        its.assign(now)
        self.state.assign(tf.stack([ratio, rate, now]))


def _learning_rate(optimizer: Optimizer) -> keras.Variable | None:
    """The variable of a learning rate, None where it is a schedule."""
    rate = plain(optimizer)._learning_rate
    return rate if isinstance(rate, keras.Variable) else None
