"""What all generative models share: checked data, counted draws, export."""

import keras
import numpy as np
import tensorflow as tf

from genzoo.export import export
from genzoo.runtime import data, distribute, random
from genzoo.runtime.memory import check_memory

_OUTSIDE = "genzoo: values outside of the space"


class GenerativeModel(keras.Model):
    """A model that draws new examples.

    Args:
        seed: int or pair of ints, the source of all that is drawn at random;
            None takes one that `keras.utils.set_random_seed` determines.

    Raises:
        ValueError: if distribution is set up in a way that cannot train.
    """

    default_batch_size = 128

    def __init__(self, seed=None, **kwargs):
        distribute.check_supported()
        super().__init__(**kwargs)
        self.draws = random.DrawCounter(seed)

    # Data -----------------------------------------------------------------

    def outside(self, x):
        """A boolean scalar: whether any value of x is not in the space."""
        raise NotImplementedError

    @property
    def space(self):
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
        space, hint = self.space
        x = np.asarray(x, np.float64)
        strange = int(x.size - np.isfinite(x).sum())
        found = f"values in [{np.nanmin(x):g}, {np.nanmax(x):g}]"
        if strange:
            found = f"{strange} values that are not finite"
        return f"{where}: x must hold {space}; found {found}. {hint}"

    def check_dataset(self, method, dataset):
        """The dataset, which raises as soon as a batch is not in the space.

        Raises:
            ValueError: if it is empty or its first batch is wrong.
        """
        where = f"{type(self).__name__}.{method}"
        if not isinstance(dataset, tf.data.Dataset):
            return dataset
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
            checked = tf.debugging.Assert(inside, [_OUTSIDE])
            with tf.control_dependencies([checked] if checked else []):
                return tf.identity(x)

        return dataset.map(
            lambda *batch: check(batch), num_parallel_calls=tf.data.AUTOTUNE
        )

    def _refuse(self, method, **arguments):
        for name, value in arguments.items():
            if value is not None:
                raise ValueError(
                    f"{type(self).__name__}.{method}: takes no {name}; the "
                    f"model learns the distribution of x alone."
                )

    # Keras's three loops, on checked data ---------------------------------

    def fit(
        self,
        x=None,
        y=None,
        batch_size=None,
        epochs=1,
        verbose="auto",
        callbacks=None,
        validation_split=0.0,
        validation_data=None,
        shuffle=True,
        class_weight=None,
        sample_weight=None,
        **kwargs,
    ):
        """Train as `keras.Model.fit` does, on examples without labels.

        Differences: an array is shuffled in an order that changes each epoch
        and follows from the model's seed; `batch_size` defaults to 128; a
        model that was not adapted to data is adapted to x first.

        Args:
            x: array of shape (n, *event_shape), or a `tf.data.Dataset` of
                batches.
            y: not taken; nor are the weights.
            batch_size: rows of a batch, over all replicas.
            epochs: passes over the data.
            verbose: as in Keras.
            callbacks: as in Keras.
            validation_split: the last share of x, held out.
            validation_data: array or dataset of held-out examples.
            shuffle: whether to shuffle an array.
            class_weight: not taken.
            sample_weight: not taken.
            **kwargs: the other arguments of `keras.Model.fit`.

        Returns:
            The `History` of Keras.

        Raises:
            ValueError: if data are empty, of another shape or outside of the
                model's space, before anything is changed; for a later batch
                of a dataset, before that batch is learned from.
        """
        self._refuse(
            "fit",
            y=y,
            class_weight=class_weight,
            sample_weight=sample_weight,
        )
        distribute.check_supported()
        self._assert_compile_called("fit")
        batch_size = batch_size or self.default_batch_size
        if validation_data is not None:
            validation_data = self._checked("fit", validation_data)
        if x is None:
            raise ValueError(f"{type(self).__name__}.fit: x is missing.")
        x = self._checked("fit", x)
        if data.is_array(x):
            if kwargs.get("steps_per_epoch") is not None:
                raise ValueError(
                    f"{type(self).__name__}.fit: steps_per_epoch goes with a "
                    "dataset; an epoch of an array is all of it. Use "
                    "tf.data.Dataset.from_tensor_slices(x)."
                )
            if validation_split and validation_data is None:
                kept = int(len(x) * (1 - validation_split))
                x, validation_data = x[:kept], x[kept:]
            self.prepare(x)
            if shuffle:
                order = data.EpochOrder(len(x), self.draws)
                x = data.shuffled(x, batch_size, order.permutation)
                callbacks = _prepended(order, callbacks)
                batch_size, shuffle = None, False
        else:
            self.prepare(x, kwargs.get("steps_per_epoch"))
            batch_size, shuffle = None, False
        if validation_data is not None and data.is_array(validation_data):
            kwargs.setdefault(
                "validation_batch_size", batch_size or self.default_batch_size
            )
        with _space_errors(self, "fit"):
            return super().fit(
                x,
                batch_size=batch_size,
                epochs=epochs,
                verbose=verbose,
                callbacks=callbacks,
                validation_data=validation_data,
                shuffle=shuffle,
                **kwargs,
            )

    def evaluate(self, x=None, y=None, batch_size=None, **kwargs):
        """The loss and the metrics on examples, as `keras.Model.evaluate`.

        Raises:
            ValueError: as `fit` does.
        """
        self._refuse(
            "evaluate", y=y, sample_weight=kwargs.pop("sample_weight", None)
        )
        if not kwargs.get("_use_cached_eval_dataset"):
            x = self._checked("evaluate", x)
            if data.is_array(x):
                batch_size = batch_size or self.default_batch_size
        with _space_errors(self, "evaluate"):
            return super().evaluate(x, batch_size=batch_size, **kwargs)

    def predict(self, x, batch_size=None, **kwargs):
        """What `call` gives for each example, as `keras.Model.predict`.

        Raises:
            ValueError: as `fit` does.
        """
        x = self._checked("predict", x)
        with _space_errors(self, "predict"):
            return super().predict(x, batch_size=batch_size, **kwargs)

    def _checked(self, method, x):
        if isinstance(x, tuple) and len(x) == 1:
            x = x[0]
        if data.is_array(x):
            x = self.check_array(method, x)
        else:
            x = self.check_dataset(method, x)
        if distribute.is_multi_worker(self.distribute_strategy):
            # Before it trains, Keras averages a batch over the workers.
            x = data.as_float(x)
        return x

    def prepare(self, x, steps=None):
        """Called by `fit` with checked data before the first step."""

    # Samples --------------------------------------------------------------

    def check_count(self, method, n):
        """Raise a ValueError unless n examples can be drawn."""
        name = f"{type(self).__name__}.{method}: n"
        is_int = isinstance(n, (int, np.integer)) and not isinstance(n, bool)
        if not is_int or n < 1:
            raise ValueError(f"{name} must be a positive int; received {n!r}.")
        check_memory(name, n, int(np.prod(self.event_shape)))

    def generate(self, n, seed):
        """n examples for the metrics of `evaluate`, inside a graph.

        Args:
            n: int scalar tensor.
            seed: a `runtime.random.Seed`.
        """
        raise NotImplementedError

    def seed_for(self, seed):
        """A `Seed`: the user's, or the next of the model's own for samples."""
        if seed is None:
            return self.draws.next(random.SAMPLING)
        return random.as_seed(seed)

    # Serving --------------------------------------------------------------

    def endpoints(self):
        """Dict from names to (function, input signature), for `export`."""
        raise NotImplementedError

    def export(self, filepath, format="tf_saved_model", verbose=None):
        """Write a SavedModel, which serves without genzoo and without Keras.

        Load it by `tf.saved_model.load(filepath)`; the model's class lists
        its endpoints. `generate(n, seed, steps)` gives what `sample` gives
        for the same arguments, with a seed of two ints.

        Args:
            filepath: the folder to write.
            format: "tf_saved_model"; others do not hold random draws.
            verbose: whether to print the endpoints.

        Raises:
            ValueError: for another format.
        """
        if format != "tf_saved_model":
            raise ValueError(
                f"{type(self).__name__}.export: format must be "
                f"'tf_saved_model'; received {format!r}."
            )
        export(filepath, self.endpoints(), self, bool(verbose))


def _prepended(callback, callbacks):
    if isinstance(callbacks, keras.callbacks.CallbackList):
        callbacks.append(callback)
        return callbacks
    others = callbacks if isinstance(callbacks, (list, tuple)) else [callbacks]
    return [callback, *(other for other in others if other is not None)]


class _space_errors:
    """Turns the pipeline's complaint into the ValueError that it means."""

    def __init__(self, model, method):
        self.where = f"{type(model).__name__}.{method}"
        self.model = model

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if isinstance(error, tf.errors.InvalidArgumentError):
            if _OUTSIDE in str(error):
                space, hint = self.model.space
                raise ValueError(
                    f"{self.where}: a batch of the dataset is not in the "
                    f"model's space; x must hold {space}. {hint}"
                ) from None
        return False
