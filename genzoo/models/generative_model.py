"""What all generative models share: checked data, counted draws."""

import functools

import keras
import numpy as np

from genzoo.models.checked_examples import CheckedExamples, SpaceErrors
from genzoo.models.sample_metrics import SampleMetrics
from genzoo.models.serving import Serving
from genzoo.runtime import data, distribute, random
from genzoo.runtime.memory import check_memory


class GenerativeModel(CheckedExamples, Serving, keras.Model):
    """A model that draws new examples.

    Args:
        seed: int or pair of ints, the source of all that is drawn at random;
            None takes one that `keras.utils.set_random_seed` determines.

    Raises:
        ValueError: if distribution is set up in a way that cannot train.
    """

    default_batch_size = 128
    # Properties that take long, see `__dir__`.
    costly = ()

    def __init__(self, seed=None, **kwargs):
        distribute.check_supported()
        super().__init__(**kwargs)
        # Keras would round real-valued examples to the compute dtype.
        self.autocast = False
        self.draws = random.DrawCounter(seed)
        self._compared = SampleMetrics()

    def __dir__(self):
        """The names of attributes, without those that would be computed.

        Keras's savers read every attribute that `dir` lists, private ones
        too, in search of layers: each save would trace all graphs, and hold
        the state of a default optimizer.
        """
        computed = (property, functools.cached_property)
        hidden_too = {"default_optimizer", *self.costly}
        hidden = {
            name
            for owner in type(self).__mro__
            if owner.__module__.startswith("genzoo")
            for name, value in vars(owner).items()
            if isinstance(value, computed)
            and (name.startswith("_") or name in hidden_too)
        }
        return [name for name in super().__dir__() if name not in hidden]

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        # Keras's would add up the replicas' first batches, which fails where
        # they differ in length. These models are built when they are made.
        pass

    # Metrics of samples ----------------------------------------------------

    @property
    def metrics(self):
        """Keras's, and those that compare data with samples."""
        return [*super().metrics, *self._compared.metrics]

    def get_metrics_result(self):
        """What Keras's own metrics say, those kept while training."""
        own = self._compared.metrics
        kept = [m for m in self.metrics if not any(m is c for c in own)]
        return {metric.name: metric.result() for metric in kept}

    def _get_metrics_result_or_logs(self, logs):
        # Called by Keras once the last batch was seen.
        logs = super()._get_metrics_result_or_logs(logs)
        if self._compared.is_evaluating:
            return {**logs, **self._compared.results()}
        return logs

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
        """Train as `keras.Model.fit` does.

        Differences: an array is shuffled in an order that changes each epoch
        and follows from the model's seed; `batch_size` defaults to 128; a
        model that was not adapted to data is adapted to x first.

        Args:
            x: array of shape (n, *event_shape), or a `tf.data.Dataset` of
                batches.
            y: conditions, for a conditional `GAN`; other models learn from
                x alone.
            batch_size: rows of a batch, over all replicas.
            epochs: passes over the data.
            verbose: as in Keras.
            callbacks: as in Keras.
            validation_split: the last share of x, held out.
            validation_data: array or dataset of held-out examples; (x, y)
                with conditions.
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
            "fit", class_weight=class_weight, sample_weight=sample_weight
        )
        distribute.check_supported()
        self._assert_compile_called("fit")
        rows = self._batch_size("fit", batch_size)
        x, y = self._checked_pair("fit", x, y)
        if validation_data is not None:
            validation_data = self._checked_pair(
                "fit: validation_data", validation_data
            )
        elif validation_split:
            (x, y), validation_data = self._split(
                "fit", (x, y), validation_split
            )
        kwargs.setdefault("validation_batch_size", None)
        if validation_data is not None:
            if data.is_array(validation_data[0]):
                kwargs["validation_batch_size"] = (
                    kwargs["validation_batch_size"] or rows
                )
            if validation_data[1] is None:
                validation_data = validation_data[0]
        if not data.is_array(x):
            self.prepare(x, kwargs.get("steps_per_epoch"))
            rows, shuffle = None, False
        elif kwargs.get("steps_per_epoch") is not None:
            raise ValueError(
                f"{type(self).__name__}.fit: steps_per_epoch goes with a "
                "dataset; an epoch of an array is all of it. Use "
                "tf.data.Dataset.from_tensor_slices(x)."
            )
        else:
            self.prepare(x)
            if shuffle:
                order = data.EpochOrder(len(x), self.draws)
                examples = x if y is None else (x, y)
                x = data.shuffled(examples, rows, order.permutation)
                callbacks = _prepended(order, callbacks)
                rows, shuffle, y = None, False, None
        with SpaceErrors(self, "fit"):
            return super().fit(
                x,
                y,
                batch_size=rows,
                epochs=epochs,
                verbose=verbose,
                callbacks=callbacks,
                validation_data=validation_data,
                shuffle=shuffle,
                **kwargs,
            )

    def evaluate(
        self,
        x=None,
        y=None,
        batch_size=None,
        verbose="auto",
        sample_weight=None,
        steps=None,
        callbacks=None,
        return_dict=False,
        **kwargs,
    ):
        """The loss and the metrics on examples, as `keras.Model.evaluate`.

        Raises:
            ValueError: as `fit` does.
        """
        self._refuse("evaluate", sample_weight=sample_weight)
        if not kwargs.get("_use_cached_eval_dataset"):
            x, y = self._checked_pair("evaluate", x, y)
            rows = self._batch_size("evaluate", batch_size)
            batch_size = rows if data.is_array(x) else None
        self._compared.is_evaluating = True
        try:
            with SpaceErrors(self, "evaluate"):
                return super().evaluate(
                    x,
                    y,
                    batch_size=batch_size,
                    verbose=verbose,
                    steps=steps,
                    callbacks=callbacks,
                    return_dict=return_dict,
                    **kwargs,
                )
        finally:
            self._compared.is_evaluating = False

    def predict(
        self, x, batch_size=None, verbose="auto", steps=None, callbacks=None
    ):
        """What `call` gives for each example, as `keras.Model.predict`.

        Raises:
            ValueError: as `fit` does.
        """
        x = self._checked("predict", x)
        rows = self._batch_size("predict", batch_size)
        with SpaceErrors(self, "predict"):
            return super().predict(
                x,
                batch_size=rows if data.is_array(x) else None,
                verbose=verbose,
                steps=steps,
                callbacks=callbacks,
            )

    def _batch_size(self, method, batch_size):
        if batch_size is None:
            return self.default_batch_size
        is_int = isinstance(batch_size, (int, np.integer))
        if not is_int or isinstance(batch_size, bool) or batch_size < 1:
            raise ValueError(
                f"{type(self).__name__}.{method}: batch_size must be a "
                f"positive int; received {batch_size!r}."
            )
        return int(batch_size)

    def _checked_pair(self, method, x, y=None):
        """(x, y) in the form that Keras's loops take; y may be None.

        Args:
            method: who asks, for messages.
            x: examples, a dataset, or a tuple of x and what comes with it.
            y: what comes with an array x.
        """
        self._refuse(method, y=y)
        return self._checked(method, x), None

    def _split(self, method, pair, share):
        """The pairs to train on and those held out, the last ones."""
        where = f"{type(self).__name__}.{method}: validation_split={share!r}"
        x, y = pair
        if not data.is_array(x):
            raise ValueError(f"{where} needs x to be an array.")
        kept = int(len(x) * (1 - share)) if 0 < share < 1 else 0
        if not 0 < kept < len(x):
            raise ValueError(
                f"{where} must be between 0 and 1 and leave examples of the "
                f"{len(x)} on both sides."
            )
        labels = (None, None) if y is None else (y[:kept], y[kept:])
        return (x[:kept], labels[0]), (x[kept:], labels[1])

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


def _prepended(callback, callbacks):
    if isinstance(callbacks, keras.callbacks.CallbackList):
        # The user's own list, which may have been through `fit` before.
        others = [
            other
            for other in callbacks.callbacks
            if not isinstance(other, data.EpochOrder)
        ]
        callbacks.callbacks = [callback, *others]
        return callbacks
    others = callbacks if isinstance(callbacks, (list, tuple)) else [callbacks]
    return [callback, *(other for other in others if other is not None)]
