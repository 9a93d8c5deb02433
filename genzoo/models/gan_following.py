"""What follows the steps of a GAN: the average of G, D's learning rate."""

import keras
import tensorflow as tf


class GANFollowing:
    """The part of `GAN` that follows the generator and its optimizer."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        # The ratio of the learning rates, and both after the last step.
        self.rates = self.add_weight(
            name="learning_rates",
            shape=(3,),
            dtype="float32",
            initializer="zeros",
            trainable=False,
            autocast=False,
            aggregation="only_first_replica",
        )

    # The average -----------------------------------------------------------

    def start_average(self):
        """Let the averaged generator be the generator."""
        for average, weight in self._averaged():
            average.assign(weight)

    def _averaged(self):
        return zip(
            self.averaged_generator.variables,
            self.generator.variables,
            strict=True,
        )

    def _average(self):
        if self.ema is None:
            return
        step = tf.cast(self.draws.state[2], tf.float32)
        # In the first steps an average over the latest part of them.
        change = 1 - tf.minimum(self.ema, (1 + step) / (10 + step))
        for average, weight in self._averaged():
            now = tf.convert_to_tensor(average.value)
            if now.dtype.is_floating:
                difference = tf.convert_to_tensor(weight.value) - now
                now += tf.cast(change, now.dtype) * difference
                average.assign(now)
            else:
                average.assign(weight.value)

    # Learning rates --------------------------------------------------------

    def follow_learning_rate(self):
        """Fix the ratio of the two learning rates as it is now."""
        self.rates.assign(tf.zeros(3))
        self._follow()

    def _follow(self):
        """Callbacks set the generator's rate: the discriminator's follows.

        One that was set itself since the last step stays, with a new ratio.
        """
        own, other = (
            _learning_rate(optimizer)
            for optimizer in (self.optimizer, self.discriminator_optimizer)
        )
        if own is None or other is None:
            return
        ratio, own_before, before = tf.unstack(
            tf.convert_to_tensor(self.rates.value)
        )
        rate, now = map(tf.convert_to_tensor, (own.value, other.value))
        was_set = now != before
        ratio = tf.where(was_set, tf.math.divide_no_nan(now, rate), ratio)
        follows = (rate != own_before) & ~was_set & (ratio > 0)
        now = tf.where(follows, ratio * rate, now)
        other.assign(now)
        self.rates.assign(tf.stack([ratio, rate, now]))


def _learning_rate(optimizer):
    """The variable of a learning rate, None where it is a schedule."""
    optimizer = getattr(optimizer, "inner_optimizer", optimizer)
    rate = optimizer._learning_rate
    return rate if isinstance(rate, keras.Variable) else None
