"""Means of several quantities, kept in one weight."""

import keras
import tensorflow as tf


class Means(keras.metrics.Metric):
    """Weighted means by name, by one addition for all of them.

    Args:
        names: of the quantities.
    """

    def __init__(self, names, name=None):
        super().__init__(name=name, dtype="float32")
        self.names = tuple(names)
        self.sums = self.add_variable(
            shape=(len(self.names) + 1,), initializer="zeros", name="sums"
        )

    def update(self, values, rows):
        """Add values, a tensor in the order of the names, of this weight."""
        weighed = tf.concat([values * rows, [rows]], axis=0)
        self.sums.assign_add(weighed)

    def result(self):
        """The means so far, by name."""
        sums = tf.convert_to_tensor(self.sums.value)
        means = tf.math.divide_no_nan(sums[:-1], sums[-1])
        return dict(zip(self.names, tf.unstack(means), strict=True))
