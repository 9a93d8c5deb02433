"""Examples are checked before anything is learned from them."""

import numpy as np
import tensorflow as tf

from genzoo.runtime import data, distribute

OUTSIDE = "genzoo: values outside of the space"
UNKNOWN = "genzoo: conditions that the model does not take"


class CheckedExamples:
    """The part of `GenerativeModel` that knows what an example is."""

    def outside(self, x):
        """A boolean scalar: whether any value of x is not in the space."""
        raise NotImplementedError

    @property
    def space_in_words(self):
        """The space of one example in words, and a hint for other data."""
        raise NotImplementedError

    @property
    def event_shape(self):
        """The shape of one example."""
        raise NotImplementedError

    def check_array(self, method, x):
        """x as a compact array, once it is known to be in the space.

        Raises:
            ValueError: if x is empty, of another shape, or outside.
        """
        where = f"{type(self).__name__}.{method}"
        try:
            x = data.as_array(x)
        except ValueError as error:
            raise ValueError(f"{where}: {error}") from None
        expected = ", ".join(["n", *map(str, self.event_shape)])
        if x.ndim == 0 or x.shape[1:] != self.event_shape:
            raise ValueError(
                f"{where}: x must have shape ({expected}); "
                f"received {x.shape}. Reshape it, for example "
                f"x.reshape(len(x), -1)."
            )
        if len(x) == 0:
            raise ValueError(f"{where}: x is empty, shape {x.shape}.")
        if self.outside(x):
            raise ValueError(self._outside_message(where, x))
        return x

    def _outside_message(self, where, x):
        space, hint = self.space_in_words
        x = np.asarray(x, np.float64)
        strange = int(x.size - np.isfinite(x).sum())
        if strange:
            found = f"{strange} values that are not finite"
        else:
            found = f"values in [{x.min():g}, {x.max():g}]"
        return f"{where}: x must hold {space}; found {found}. {hint}"

    def check_dataset(self, method, dataset):
        """The dataset, which raises as soon as a batch is not in the space.

        Raises:
            ValueError: if it is empty or its first batch is wrong.
        """
        where = f"{type(self).__name__}.{method}"
        if distribute.is_shared_out(dataset):
            return dataset
        if not isinstance(dataset, tf.data.Dataset):
            raise ValueError(
                f"{where}: x must be an array or a tf.data.Dataset; received "
                f"{type(dataset).__name__}. Wrap it, for example with "
                "tf.data.Dataset.from_generator."
            )
        first = next(iter(dataset.take(1)), None)
        if first is None:
            raise ValueError(f"{where}: the dataset is empty.")
        x, *labels = first if isinstance(first, tuple) else (first,)
        if labels:
            raise ValueError(
                f"{where}: the dataset must give x alone; it gives "
                f"{1 + len(labels)} values. Map it: "
                "dataset.map(lambda x, *rest: x)."
            )
        self.check_array(method, x)

        def check(batch):
            x = batch[0] if isinstance(batch, tuple) else batch
            # TensorFlow compares no bool with a number, nor uint8 with inf.
            known = x.dtype.is_floating
            outside = self.outside(x if known else tf.cast(x, tf.float32))
            inside = tf.logical_not(outside)
            checked = tf.debugging.Assert(inside, [OUTSIDE])
            with tf.control_dependencies([checked] if checked else []):
                return tf.identity(x)

        return dataset.map(
            lambda *batch: check(batch), num_parallel_calls=tf.data.AUTOTUNE
        )

    def _checked(self, method, x):
        """x, an array or a dataset, in the form that Keras's loops take."""
        where = f"{type(self).__name__}.{method}"
        if isinstance(x, tuple):
            x, *others = x
            if any(other is not None for other in others):
                raise ValueError(
                    f"{where}: takes examples alone; received a tuple of "
                    f"{1 + len(others)}, with labels or weights."
                )
        if x is None:
            raise ValueError(f"{where}: x is missing.")
        if data.is_array(x):
            x = self.check_array(method, x)
        else:
            x = self.check_dataset(method, x)
        if distribute.is_multi_worker(self.distribute_strategy):
            # Before it trains, Keras averages a batch over the workers.
            x = data.as_float(x)
        return x


class SpaceErrors:
    """Turns the pipeline's complaint into the ValueError that it means."""

    def __init__(self, model, method):
        self.where = f"{type(model).__name__}.{method}"
        self.model = model

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if isinstance(error, tf.errors.InvalidArgumentError):
            if UNKNOWN in str(error):
                raise ValueError(
                    f"{self.where}: a batch of the dataset has conditions that "
                    f"the model does not take: {self.model.condition_in_words}."
                ) from None
            if OUTSIDE in str(error):
                space, hint = self.model.space_in_words
                raise ValueError(
                    f"{self.where}: a batch of the dataset is not in the "
                    f"model's space; x must hold {space}. {hint}"
                ) from None
        return False
