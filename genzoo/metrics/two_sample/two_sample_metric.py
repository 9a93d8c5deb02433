"""What all metrics of two samples share: features, checks, rows counted."""

import keras
import numpy as np
import tensorflow as tf


class TwoSampleMetric(keras.metrics.Metric):
    """A measure of how alike two samples are.

    `update_state` works in a graph and on the replicas of `tf.distribute`; a
    subclass gives `create_state`, `accumulate` and `evaluate`. `result` is
    for eager code, once, when all batches were seen: one number is returned
    as a float, several as a dict of floats.

    Args:
        features: what is compared: a function or Keras model from a batch of
            samples to (batch, ...) numbers, which are flattened; None
            compares the samples themselves. It runs inside a graph, and is
            saved with the metric if Keras can serialise it. Integers and
            booleans are given to it as floats.
        name: as in Keras.
        dtype: as in Keras; sums are float64 whatever it is.

    Raises:
        ValueError: by `update_state`, if the samples differ in shape from
            each other or from those before; by `result`, if there were no
            rows, or NaN or infinite numbers among them.
    """

    def __init__(self, features=None, name=None, dtype=None):
        super().__init__(name=name, dtype=dtype)
        if features is not None and not callable(features):
            raise ValueError(
                f"{type(self).__name__}: features must be a function or a "
                f"Keras model; received {features!r}."
            )
        self.features = features
        self.width = None

    # What a subclass gives ------------------------------------------------

    def create_state(self, width, dtype):
        """Add the variables for rows of this many numbers of this dtype."""
        raise NotImplementedError

    def accumulate(self, real, generated):
        """Take in two batches of rows, (n, width) and (m, width)."""
        raise NotImplementedError

    def evaluate(self):
        """The value, a float or a dict of floats, from the state."""
        raise NotImplementedError

    # Keras's contract -----------------------------------------------------

    def build(self, width, dtype="float32"):
        """Create the state; `update_state` does so if it was not done.

        Args:
            width: how many numbers `features` gives for one sample.
            dtype: of these numbers.
        """
        with tf.init_scope():
            self._rows = self.add_variable(
                (4,), "zeros", dtype="int64", name="rows"
            )
            self.create_state(width, dtype)
        self.width = width

    def update_state(self, real, generated, sample_weight=None):
        """Take in a batch of data and a batch of samples.

        Args:
            real: data, (n, ...).
            generated: samples, (m, ...) of the same shape but for the rows.
            sample_weight: not taken.
        """
        if sample_weight is not None:
            raise ValueError(f"{type(self).__name__}: takes no sample_weight.")
        real, generated = (
            tf.convert_to_tensor(real),
            tf.convert_to_tensor(generated),
        )
        if not real.shape[1:].is_compatible_with(generated.shape[1:]):
            raise ValueError(
                f"{type(self).__name__}.update_state: real and generated must "
                f"have the same shape but for the number of rows; received "
                f"{tuple(real.shape)} and {tuple(generated.shape)}."
            )
        real, generated = self.describe(real), self.describe(generated)
        width = real.shape[1]
        if self.width is None:
            self.build(width, real.dtype.name)
        if width != self.width or generated.shape[1] != width:
            raise ValueError(
                f"{type(self).__name__}.update_state: this metric compares "
                f"rows of {self.width} numbers; received {width} and "
                f"{generated.shape[1]}."
            )
        self._rows.assign_add(
            tf.stack(
                [
                    tf.shape(real, tf.int64)[0],
                    tf.shape(generated, tf.int64)[0],
                    _invalid(real),
                    _invalid(generated),
                ]
            )
        )
        self.accumulate(real, generated)

    def describe(self, x):
        """Rows of numbers, (n, width), for a batch of samples."""
        x = _as_float(self.apply_features(x))
        if x.dtype.size < 4:
            x = tf.cast(x, tf.float32)
        width = x.shape[1:].num_elements()
        if not width:
            raise ValueError(
                f"{type(self).__name__}: the shape of a sample's features must "
                f"be known and not empty; they are {x.shape}."
            )
        return tf.reshape(x, (-1, width))

    def apply_features(self, x):
        """The features of a batch of samples, as they come."""
        x = _as_float(x)
        if isinstance(self.features, keras.layers.Layer):
            x = self.features(x, training=False)
        elif self.features is not None:
            x = self.features(x)
        return tf.convert_to_tensor(x)

    def result(self):
        """The value for all rows seen since `reset_state`; eager code only."""
        self.counts()
        return self.evaluate()

    def counts(self, least=1):
        """(real rows, generated rows), at least so many of each."""
        rows = [0] * 4 if self.width is None else self._rows.numpy().tolist()
        *rows, bad_real, bad_generated = rows
        for argument, number in (
            ("real", bad_real),
            ("generated", bad_generated),
        ):
            if number:
                raise ValueError(
                    f"{type(self).__name__}: {argument} must be finite; "
                    f"{number} rows hold NaN or infinite numbers."
                )
        if min(rows) < least:
            raise ValueError(
                f"{type(self).__name__}: needs at least {least} rows of real "
                f"and of generated samples; update_state got {rows[0]} and "
                f"{rows[1]}."
            )
        return tuple(rows)

    def get_config(self):
        """The constructor's arguments."""
        serialize = keras.saving.serialize_keras_object
        return {**super().get_config(), "features": serialize(self.features)}

    @classmethod
    def from_config(cls, config):
        """The metric of a configuration."""
        return cls(
            **{
                name: keras.saving.deserialize_keras_object(value)
                if isinstance(value, dict)
                else value
                for name, value in config.items()
            }
        )


def read(variable):
    """A variable's value as a NumPy array, summed over the replicas."""
    return np.asarray(variable.numpy())


def _as_float(x):
    return x if x.dtype.is_floating else tf.cast(x, keras.config.floatx())


def _invalid(rows):
    finite = tf.reduce_all(tf.math.is_finite(rows), axis=1)
    return tf.math.count_nonzero(tf.logical_not(finite))
