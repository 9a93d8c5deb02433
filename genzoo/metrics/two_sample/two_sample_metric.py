"""What all metrics of two samples share: features, checks, rows counted."""

import re
from collections.abc import Callable
from typing import Any, TypeAlias

import keras
import tensorflow as tf

from genzoo.types import ArrayLike

# A function or Keras model of a batch of samples, or a saved one.
Features: TypeAlias = Callable[[Any], Any] | None
_CAPITAL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


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
        name: as in Keras; by default that of the class, as in
            `frechet_distance`, of however many there are.
        dtype: as in Keras; sums are float64 whatever it is.

    Attributes:
        fields: the names of the numbers, where `result` is a dict.

    Raises:
        ValueError: by `update_state`, if the samples differ in shape from
            each other or from those before; by `result`, if there were no
            rows, or NaN or infinite numbers among them.

    Example:
    >>> class LargestGap(genzoo.metrics.TwoSampleMetric):
    ...     def create_state(self, width, dtype):
    ...         self.largest = self.add_variable((2,), "zeros", "float64")
    ...     def accumulate(self, real, generated):
    ...         now = [tf.reduce_max(real), tf.reduce_max(generated)]
    ...         now = tf.cast(tf.stack(now), "float64")
    ...         self.largest.assign(tf.maximum(self.largest.value, now))
    ...     def evaluate(self):
    ...         return float(abs(np.diff(self.largest.numpy())[0]))
    >>> metric = LargestGap()
    >>> metric.update_state(np.array([[1.0], [2.0]]), np.array([[5.0]]))
    >>> metric.result()
    3.0
    """

    fields: tuple[str, ...] = ()

    def __init__(
        self,
        features: Features = None,
        name: str | None = None,
        dtype: str | None = None,
    ):
        # Keras would number them through the process.
        name = name or _CAPITAL.sub("_", type(self).__name__).lower()
        super().__init__(name=name, dtype=dtype)
        if features is not None and not callable(features):
            raise ValueError(
                f"{type(self).__name__}: features must be a function or a "
                f"Keras model; received {features!r}."
            )
        self.features = features
        self.width: int | None = None

    # What a subclass gives ------------------------------------------------

    def create_state(self, width: int, dtype: str) -> None:
        """Add the variables for rows of this many numbers of this dtype."""
        raise NotImplementedError

    def accumulate(self, real: tf.Tensor, generated: tf.Tensor) -> None:
        """Take in two batches of rows, (n, width) and (m, width)."""
        raise NotImplementedError

    def evaluate(self) -> float | dict[str, float]:
        """The value, a float or a dict of floats, from the state."""
        raise NotImplementedError

    # Keras's contract -----------------------------------------------------

    def build(self, width: int, dtype: str = "float32") -> None:
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

    def update_state(
        self,
        real: ArrayLike,
        generated: ArrayLike,
        sample_weight: None = None,
    ) -> None:
        """Take in a batch of data and a batch of samples.

        Args:
            real: data, (n, ...).
            generated: samples, (m, ...) of the same shape but for the rows.
            sample_weight: not taken.
        """
        if sample_weight is not None:
            raise ValueError(f"{type(self).__name__}: takes no sample_weight.")
        real, generated = map(tf.convert_to_tensor, (real, generated))
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

    def describe(self, x: tf.Tensor) -> tf.Tensor:
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

    def apply_features(self, x: tf.Tensor) -> tf.Tensor:
        """The features of a batch of samples, as they come."""
        x = _as_float(x)
        if isinstance(self.features, keras.layers.Layer):
            x = self.features(x, training=False)
        elif self.features is not None:
            x = self.features(x)
        return tf.convert_to_tensor(x)

    def result(self) -> Any:
        """The value for all rows seen since `reset_state`; eager code only."""
        self.counts()
        return self.evaluate()

    def counts(self, least: int = 1) -> tuple[int, int]:
        """(real rows, generated rows), at least so many of each."""
        rows = (0,) * 4 if self.width is None else self._rows.numpy().tolist()
        real, generated, *bad = rows
        for argument, number in zip(("real", "generated"), bad, strict=True):
            if number:
                raise ValueError(
                    f"{type(self).__name__}: {argument} must be finite; "
                    f"{number} rows hold NaN or infinite numbers."
                )
        if min(real, generated) < least:
            raise ValueError(
                f"{type(self).__name__}: needs at least {least} rows of real "
                f"and of generated samples; update_state got {real} and "
                f"{generated}."
            )
        return real, generated

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        serialize = keras.saving.serialize_keras_object
        return {**super().get_config(), "features": serialize(self.features)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "TwoSampleMetric":
        """The metric of a configuration."""
        return cls(
            **{
                name: keras.saving.deserialize_keras_object(value)
                if isinstance(value, dict)
                else value
                for name, value in config.items()
            }
        )


def _as_float(x):
    return x if x.dtype.is_floating else tf.cast(x, keras.config.floatx())


def _invalid(rows):
    finite = tf.reduce_all(tf.math.is_finite(rows), axis=1)
    return tf.math.count_nonzero(tf.logical_not(finite))
