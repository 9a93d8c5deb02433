"""What all generative models share: checked data, counted draws."""

import json
import os
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np

from genzoo import checks
from genzoo.export import export
from genzoo.models.common.endpoints import SEED, Endpoints, fingerprint
from genzoo.models.common.presets import Preset
from genzoo.models.common.sample_metrics import SampleMetrics
from genzoo.portable import SUFFIXES, export_portable
from genzoo.runtime import data, distribute, random
from genzoo.runtime.memory import check_memory
from genzoo.spaces import Space
from genzoo.types import Array, Examples, SeedLike


class GenerativeModel(Preset, keras.Model):
    """A model that draws new examples.

    A subclass sets `space`, where examples lie.

    Args:
        seed: int or pair of ints, the source of all that is drawn at random;
            None takes one that `keras.utils.set_random_seed` determines.

    Attributes:
        space: the `genzoo.spaces.Space` of one example.

    Raises:
        ValueError: if distribution is set up in a way that cannot train.

    Example:
    >>> issubclass(genzoo.GAN, genzoo.models.GenerativeModel)
    True
    """

    default_batch_size = 128
    space: Space
    _card: tuple = (None, None)

    def __init__(self, seed: SeedLike | None = None, **kwargs):
        distribute.check_supported()
        super().__init__(**kwargs)
        # Keras would round real-valued examples to the compute dtype.
        self.autocast = False
        self.draws = random.DrawCounter(seed)
        self._compared = SampleMetrics()

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        # Keras's would add up the replicas' first batches, which fails where
        # they differ in length. These models are built when they are made.
        pass

    def _where(self, method: str) -> str:
        """Who asks, for messages: "RBM.fit"."""
        return f"{type(self).__name__}.{method}"

    @property
    def event_shape(self) -> tuple[int, ...]:
        """The shape of one example."""
        return self.space.event_shape

    @property
    def _keeps_float64(self) -> bool:
        """Whether examples in float64 stay so: then the model rounds them."""
        return self.variable_dtype == "float64"

    # Metrics of samples ----------------------------------------------------

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        """Keras's, and those that compare data with samples."""
        return [*super().metrics, *self._compared.metrics]

    def get_metrics_result(self) -> dict[str, Any]:
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

    # Keras's three loops, on checked data ---------------------------------

    def fit(
        self,
        x: Examples | None = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int | None = None,
        verbose: str | int = "auto",
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool = True,
        class_weight: None = None,
        sample_weight: None = None,
        **kwargs: Any,
    ) -> keras.callbacks.History:
        """Train as `keras.Model.fit` does.

        Differences: an array is shuffled in an order that changes each epoch
        and follows from the model's seed; `batch_size` defaults to
        128, for an RBM to a hundredth of the rows within 4 and 128; a model
        that was not adapted to data is adapted to x first.

        Args:
            x: array of shape (n, *event_shape), or a `tf.data.Dataset` of
                batches.
            y: conditions, for a conditional `GAN`; other models learn from
                x alone.
            batch_size: rows of a batch, over all replicas.
            epochs: passes over the data, by default 1.
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
        plan = self._plan(
            x,
            y,
            batch_size=batch_size,
            epochs=epochs,
            callbacks=as_list(callbacks),
            validation_split=validation_split,
            validation_data=validation_data,
            shuffle=shuffle,
            **kwargs,
        )
        plan["callbacks"] = [*self._own_callbacks(), *plan["callbacks"]]
        with self._told_plainly("fit"):
            return super().fit(verbose=verbose, **plan)

    def _own_callbacks(self) -> list[keras.callbacks.Callback]:
        """What a model of this kind does each epoch."""
        return []

    def _plan(self, x: Any, y: Any, **asked: Any) -> dict[str, Any]:
        """The arguments of `keras.Model.fit`, once all is checked.

        What a model learns from, and how long, is decided here; a model that
        learns from something else than batches of x gives another plan.
        """
        return self._plan_of_batches(x, y, **asked)

    def _plan_of_batches(
        self,
        x: Any,
        y: Any,
        *,
        batch_size: int | None,
        epochs: int | None,
        callbacks: list,
        validation_split: float,
        validation_data: Any,
        shuffle: bool,
        **options: Any,
    ) -> dict[str, Any]:
        """The plan to learn from batches of examples."""
        rows = self._batch_size("fit", batch_size)
        x, y = self._checked_pair("fit", x, y)
        if batch_size is None and data.is_array(x):
            rows = self._batch_size_for(len(x))
        if validation_data is not None:
            validation_data = self._checked_pair(
                "fit: validation_data", validation_data
            )
        elif validation_split:
            (x, y), validation_data = data.split(
                self._where("fit"), (x, y), validation_split
            )
        if validation_data is not None:
            if data.is_array(validation_data[0]):
                held_rows = options.get("validation_batch_size")
                options["validation_batch_size"] = held_rows or rows
            if validation_data[1] is None:
                validation_data = validation_data[0]
        if data.is_array(x) and options.get("steps_per_epoch") is not None:
            raise ValueError(
                f"{self._where('fit')}: steps_per_epoch goes with a dataset; "
                "an epoch of an array is all of it. Use "
                "tf.data.Dataset.from_tensor_slices(x)."
            )
        self._prepare(x, options.get("steps_per_epoch"))
        in_memory = data.is_array(x)
        if in_memory and shuffle:
            order = data.EpochOrder(len(x), self.draws)
            together = x if y is None else (x, y)
            x, y = data.shuffled(together, rows, order.permutation), None
            callbacks = [order, *callbacks]
            in_memory = False
        return {
            "x": x,
            "y": y,
            "batch_size": rows if in_memory else None,
            "epochs": 1 if epochs is None else epochs,
            "callbacks": callbacks,
            "validation_data": validation_data,
            "shuffle": False,
            **options,
        }

    def _prepare(self, x: Any, steps: int | None = None) -> None:
        """Called with checked data before the first step."""

    def evaluate(
        self,
        x: Examples | None = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: str | int = "auto",
        sample_weight: None = None,
        steps: int | None = None,
        callbacks: Any = None,
        return_dict: bool = False,
        **kwargs: Any,
    ) -> Any:
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
            with self._told_plainly("evaluate"):
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
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: str | int = "auto",
        steps: int | None = None,
        callbacks: Any = None,
    ) -> Array:
        """What `call` gives for each example, as `keras.Model.predict`.

        Raises:
            ValueError: as `fit` does.
        """
        x = self._checked_inputs(x)
        rows = self._batch_size("predict", batch_size)
        with self._told_plainly("predict"):
            return super().predict(
                x,
                batch_size=rows if data.is_array(x) else None,
                verbose=verbose,
                steps=steps,
                callbacks=callbacks,
            )

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compile as before a save."""
        self.compile(**keras.saving.deserialize_keras_object(config))

    # Data ------------------------------------------------------------------

    def _refuse(self, method: str, **arguments: Any) -> None:
        for name, value in arguments.items():
            if value is not None:
                raise ValueError(
                    f"{self._where(method)}: takes no {name}; the model "
                    "learns the distribution of x alone."
                )

    def _batch_size_for(self, rows: int) -> int:
        """How many of so many rows `fit` takes in a batch by default."""
        return self.default_batch_size

    def _batch_size(self, method: str, batch_size: int | None) -> int:
        if batch_size is None:
            return self.default_batch_size
        where = f"{self._where(method)}: batch_size"
        return checks.positive_int(batch_size, where)

    def _checked(
        self,
        method: str,
        x: Any,
        check_dataset: Callable | None = None,
    ) -> Any:
        """x, an array or a dataset, in the form that Keras's loops take.

        Args:
            method: who asks, for messages.
            x: examples.
            check_dataset: as `space.check_dataset`, for datasets that give
                more than x.
        """
        where = self._where(method)
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
            x = self.space.check(where, x, wide=self._keeps_float64)
        else:
            x = (check_dataset or self.space.check_dataset)(where, x)
        if distribute.is_multi_worker(self.distribute_strategy):
            # Before it trains, Keras averages a batch over the workers.
            x = data.as_float(x)
        return x

    def _checked_pair(self, method: str, x: Any, y: Any = None) -> tuple:
        """(x, y) in the form that Keras's loops take; y may be None.

        Args:
            method: who asks, for messages.
            x: examples, a dataset, or a tuple of x and what comes with it.
            y: what comes with an array x.
        """
        self._refuse(method, y=y)
        return self._checked(method, x), None

    def _checked_inputs(self, x: Any) -> Any:
        """What `predict` takes, in the form that Keras's loops take."""
        return self._checked("predict", x)

    def _complaints(self) -> dict[str, str]:
        """What a pipeline's complaints mean; see `data.told_plainly`."""
        space = self.space
        return {
            data.OUTSIDE: "a batch of the dataset is not in the model's "
            f"space; x must hold {space.description}. {space.hint}"
        }

    def _told_plainly(self, method: str):
        return data.told_plainly(self._where(method), self._complaints)

    # Samples --------------------------------------------------------------

    def sample(self, n: int, seed: SeedLike | None = None) -> Array:
        """n new examples, an array of shape (n, *event_shape)."""
        raise NotImplementedError

    def _check_count(self, method: str, n: Any) -> int:
        """n, if so many examples can be drawn.

        Raises:
            ValueError: if it is no positive int, or beyond memory.
        """
        where = f"{self._where(method)}: n"
        n = checks.positive_int(n, where)
        check_memory(where, n, int(np.prod(self.event_shape)))
        return n

    def _seed_for(self, seed: SeedLike | None) -> random.Seed:
        """A `Seed`: the user's, or the next of the model's own for samples."""
        if seed is None:
            return self.draws.next(random.SAMPLING)
        return random.as_seed(seed)

    # Export ----------------------------------------------------------------

    @property
    def card(self) -> dict[str, Any] | None:
        """The card of the preset that this model is, a dict, or None.

        It is None for a model of one's own, and for a preset that was trained
        on: the numbers on the card are those of other weights.
        """
        text, of = self._card
        is_same = text is not None and of == fingerprint(
            self.trainable_variables
        )
        return json.loads(text) if is_same else None

    @card.setter
    def card(self, card: dict[str, Any]) -> None:
        # As text, which Keras does not search for layers.
        text = json.dumps(card, indent=2, ensure_ascii=False)
        self._card = text, fingerprint(self.trainable_variables)

    def endpoints(self) -> Endpoints:
        """Dict from names to (function, input signature), for `export`.

        The first is `serve`, which gives what `call` gives.
        """
        raise NotImplementedError

    def portable_endpoints(self) -> Endpoints:
        """Those of `endpoints` that draw nothing, for ONNX and LiteRT.

        Energies add a `gibbs` of which the uniform numbers are inputs, where
        all that is drawn is discrete.
        """
        return {
            name: (function, signature)
            for name, (function, signature) in self.endpoints().items()
            if SEED not in signature
        }

    def export(
        self,
        filepath: str | os.PathLike,
        format: str = "tf_saved_model",
        verbose: bool | None = None,
        endpoint: str | None = None,
    ) -> None:
        """Write a SavedModel, which serves without genzoo and without Keras.

        The endpoints have the same names in all models, those of the methods;
        batches have any length, and chance comes from the seed, two ints,
        alone:

        - `serve`, the default: what `call` gives. `serve(x)` is the energy
          of examples, `serve(z)` or `serve(z, labels)` a GAN's G(z).
        - `sample(n, seed, steps)`, of a GAN `sample(n, seed)` or
          `sample(n, seed, labels)`: what the method gives for the same seed.
        - `energy(x)`: in nats, with p(x) = exp(-energy(x)) / Z.
        - `log_prob(x)`: if log Z is known for the weights; call
          `log_partition` before.
        - `gibbs(x, seed, steps)`: what `sample` gives with `start=x`.
        - `hidden_mean(x)`, of an RBM.
        - `score(x)` or `score(x, labels)`: a GAN's logits, without packing.

        Load it by `genzoo.load_exported`, or where there is no genzoo by
        `tf.saved_model.load`. The card of a preset is among the assets, as
        `metadata.json`.

        A file of the formats "onnx" and "litert" holds one endpoint, which
        draws nothing itself: `serve`, `energy`, `log_prob`, `hidden_mean` or
        `score` as above, or one Gibbs sweep of a model of discrete variables,
        as a function of numbers that are uniform in [0, 1):

        - `gibbs(x, u_hidden, u_visible)` of an RBM, the numbers of shape
          (batch, units).
        - `gibbs(x, u)` of a pairwise `MaxEnt`, u of shape (batch, sites).

        Args:
            filepath: the folder to write; the file, which must end in
                ".onnx" or ".tflite", in these formats.
            format: "tf_saved_model", "onnx" (extra `onnx`) or "litert".
            verbose: whether to print the endpoints.
            endpoint: what a file of one endpoint holds; None is `serve`.

        Raises:
            ValueError: for another format, an endpoint that the format or the
                model does not have, or a file of another suffix.
            ImportError: for "onnx" without the extra.
        """
        if format in SUFFIXES:
            export_portable(self, filepath, format, endpoint, bool(verbose))
            return
        if format != "tf_saved_model" or endpoint is not None:
            raise ValueError(
                f"{self._where('export')}: format must be 'tf_saved_model', "
                "which holds all endpoints, or 'onnx' or 'litert', which hold "
                f"one; received format={format!r} and endpoint={endpoint!r}."
            )
        export(filepath, self.endpoints(), self, self.card, bool(verbose))


def as_list(callbacks: Any) -> list:
    """Callbacks as a list: of a list, one, None or Keras's own list."""
    if callbacks is None:
        return []
    if isinstance(callbacks, keras.callbacks.CallbackList):
        return list(callbacks.callbacks)
    return list(callbacks) if isinstance(callbacks, Sequence) else [callbacks]
