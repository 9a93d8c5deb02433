"""Examples and conditions of a GAN are checked before it learns from them."""

import numpy as np
import tensorflow as tf

from genzoo.models.checked_examples import OUTSIDE, UNKNOWN
from genzoo.runtime import data, distribute


class GANData:
    """The part of `GAN` that knows what its data are."""

    @property
    def event_shape(self):
        """The shape of one example."""
        return self.networks.event_shape

    @property
    def value_range(self):
        """(low, high): the range of the generator's last activation."""
        return self.networks.low, self.networks.high

    @property
    def is_conditional(self):
        """Whether examples come with conditions."""
        return (
            self.networks.condition_shape is not None and self.clusters is None
        )

    def outside(self, x):
        """A boolean scalar: whether any value the generator cannot give."""
        x = tf.cast(x, tf.float32)
        low, high = self.networks.low, self.networks.high
        # NaN is not inside either.
        inside = (x >= low) & (x <= high) & tf.math.is_finite(x)
        return tf.logical_not(tf.reduce_all(inside))

    @property
    def space_in_words(self):
        """The generator's range in words, and a hint for other data."""
        low, high = self.networks.low, self.networks.high
        if np.isinf(low):
            return "finite numbers", "Remove what is missing or infinite."
        if np.isinf(high):
            return f"finite numbers of at least {low:g}", "Shift them."
        scaled = "x / 127.5 - 1" if low < 0 else "x / 255"
        return (
            f"values in [{low:g}, {high:g}], the range of the generator's "
            "last activation",
            f"Scale them, for bytes {scaled}.",
        )

    @property
    def condition_in_words(self):
        """What conditions the model takes."""
        shape, classes = self.networks.condition_shape, self.networks.classes
        if classes:
            return f"labels 0 to {classes - 1}, shape (n,)"
        return f"conditions, shape (n, {', '.join(map(str, shape))})"

    def prepare(self, x, steps=None):
        """Find the clusters, unless that was done before."""
        if self.clusters is None or self.clusters.is_adapted:
            return
        if distribute.is_shared_out(x):
            raise ValueError(
                "GAN.fit: clusters are not found in a dataset that is divided "
                "among replicas. Fit an array or a tf.data.Dataset."
            )
        self.clusters.adapt(x, self.draws.seed, steps)

    def check_condition(self, method, y, rows=None):
        """Conditions as an array, int32 or float32, or None.

        Raises:
            ValueError: if they are missing, not wanted, of another shape or
                number, no classes or not finite.
        """
        where = f"GAN.{method}"
        if not self.is_conditional:
            if y is not None:
                hint = (
                    "It finds classes of its own, since it was made with "
                    "self_conditioned=True."
                    if self.clusters is not None
                    else "Build it of networks with classes= or condition=."
                )
                raise ValueError(
                    f"{where}: labels were given, but the model is not "
                    f"conditional. {hint}"
                )
            return None
        shape, classes = self.networks.condition_shape, self.networks.classes
        wanted = self.condition_in_words
        if y is None:
            raise ValueError(
                f"{where}: the model is conditional; pass {wanted}."
            )
        try:
            y = data.as_array(y)
        except ValueError:
            raise ValueError(
                f"{where}: conditions must be numbers, {wanted}."
            ) from None
        if classes and y.ndim == 2 and y.shape[1] == 1:
            y = y[:, 0]
        if y.ndim == 0 or y.shape[1:] != shape:
            raise ValueError(
                f"{where}: the model takes {wanted}; received shape {y.shape}."
            )
        if rows is not None and len(y) != rows:
            raise ValueError(
                f"{where}: there are {rows} examples and {len(y)} conditions."
            )
        if self._condition_outside(y):
            found = y[~np.isfinite(y)] if y.dtype.kind == "f" else y[:0]
            found = found if found.size else y
            raise ValueError(
                f"{where}: the model takes {wanted}; received values in "
                f"[{found.min()}, {found.max()}]."
            )
        return y.astype("int32" if classes else "float32")

    def _condition_outside(self, y):
        y = tf.cast(y, tf.float32)
        inside = tf.math.is_finite(y)
        if self.networks.classes:
            inside &= (y >= 0) & (y < self.networks.classes) & (y % 1 == 0)
        return tf.logical_not(tf.reduce_all(inside))

    def check_dataset(self, method, dataset):
        """The dataset, which raises as soon as a batch is not in the space.

        Raises:
            ValueError: if it is empty, its first batch is wrong, or it has
                conditions that the model does not take, or none.
        """
        if not self.is_conditional or distribute.is_shared_out(dataset):
            return super().check_dataset(method, dataset)
        first = next(iter(dataset.take(1)), None)
        if first is None:
            raise ValueError(f"GAN.{method}: the dataset is empty.")
        if not isinstance(first, tuple) or len(first) != 2:
            raise ValueError(
                f"GAN.{method}: the model is conditional; the dataset must "
                "give (x, conditions)."
            )
        x, y = first
        self.check_array(method, x)
        self.check_condition(method, y, len(x))
        dtype = tf.int32 if self.networks.classes else tf.float32

        def check(x, y):
            if self.networks.classes:
                y = tf.reshape(y, (-1,))
            checked = [
                tf.debugging.Assert(tf.logical_not(outside), [message])
                for outside, message in (
                    (self.outside(x), OUTSIDE),
                    (self._condition_outside(y), UNKNOWN),
                )
            ]
            with tf.control_dependencies([op for op in checked if op]):
                return tf.identity(x), tf.cast(y, dtype)

        return dataset.map(check, num_parallel_calls=tf.data.AUTOTUNE)

    def _checked_pair(self, method, x, y=None):
        """(x, conditions or None) in the form that Keras's loops take."""
        if isinstance(x, tuple) and y is None and 0 < len(x) < 3:
            x, y = (*x, None)[:2]
        if isinstance(x, tuple):
            raise ValueError(
                f"GAN.{method}: x must be an array or a dataset; received a "
                "tuple. Pass conditions as y."
            )
        if x is not None and not data.is_array(x) and y is not None:
            raise ValueError(
                f"GAN.{method}: y goes with an array x; a dataset gives "
                "(x, conditions)."
            )
        x = self._checked(method, x)
        if not data.is_array(x):
            return x, None
        return x, self.check_condition(method, y, len(x))
