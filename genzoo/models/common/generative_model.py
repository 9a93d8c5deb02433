"""What all generative models share: checked data, counted draws."""

import math
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras.optimizers import LossScaleOptimizer

from genzoo import checks
from genzoo.export import export
from genzoo.models.common import options as checked_options
from genzoo.models.common import resume, sample_weights
from genzoo.models.common import state_tree as trees
from genzoo.models.common.endpoints import SEED, Endpoints, described, guarded
from genzoo.models.common.given import Given
from genzoo.models.common.presets import Preset
from genzoo.models.common.sample_metrics import SampleMetrics
from genzoo.optimizers.falling import Planned
from genzoo.portable import SUFFIXES, export_portable
from genzoo.runtime import data, distribute, graph, random, weights
from genzoo.runtime.memory import check_memory
from genzoo.runtime.streams import MOST, Stream
from genzoo.spaces import Space
from genzoo.types import Array, ArrayLike, Examples, SeedLike

# Which method takes datasets, for those that take one batch.
_OF_DATASETS = {
    "train_on_batch": "fit",
    "test_on_batch": "evaluate",
    "predict_on_batch": "predict",
}

# What `fit` names, for who writes a name wrongly.
_OF_FIT = (
    *("x", "y", "batch_size", "epochs", "verbose", "callbacks", "shuffle"),
    *("validation_split", "validation_data", "sample_weight"),
)

# Of a tuple (x, y, sample_weight); more than so many are rows.
_MOST_PARTS = 3


class GenerativeModel(Preset, keras.Model):
    """A model that draws new examples.

    A subclass sets `space`, where examples lie.

    Args:
        seed: int or pair of ints, the source of all that is drawn at random;
            None takes one that `keras.utils.set_random_seed` determines.
        **kwargs: `name`, `dtype` and `trainable`, as in Keras.

    Attributes:
        space: the `genzoo.spaces.Space` of one example.

    Raises:
        ValueError: if distribution is set up in a way that cannot train; for
            a keyword of Keras that means nothing here.

    Example:
    >>> issubclass(genzoo.GAN, genzoo.models.GenerativeModel)
    True
    """

    default_batch_size = 128
    # Of examples, where only their averages count.
    _takes_negative_weights = False
    _takes_gaps = False
    space: Space
    # Of the present fit, and of the last file that was loaded.
    _progress: resume.Progress | None = None
    _saved: resume.Saved | None = None
    # On replicas, where one call makes several steps.
    _several: distribute.SeveralSteps | None = None
    # Keras's functions that were made for data of an unknown length.
    _endless: frozenset[str] = frozenset()

    def __init__(self, seed: SeedLike | None = None, **kwargs):
        distribute.check_supported()
        checks.layer_keywords(type(self).__name__, kwargs)
        super().__init__(**kwargs)
        # Keras would round real-valued examples to the compute dtype.
        self.autocast = False
        self.draws = random.DrawCounter(seed)
        self._compared = SampleMetrics()
        self._ends_at_nan = False

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        # Keras's would add up the replicas' first batches, which fails where
        # they differ in length. These models are built when they are made.
        if self._progress is not None and iterator is not None:
            self._progress.take(iterator)
        if iterator is None:
            return
        several = self._at_once()
        if several is not None:
            several.follow(iterator)
        self._note_length(iterator)

    def _note_length(self, iterator):
        """Have Keras's function made anew where the data have no known end."""
        held_out = getattr(self, "_eval_epoch_iterator", None)
        learns = self._progress is not None and iterator is not held_out
        name = "train_function" if learns else "test_function"
        length = iterator.steps_per_epoch or iterator.data_adapter.num_batches
        if (name in self._endless) != (not length):
            self._endless = self._endless ^ {name}
            setattr(self, name, None)

    def _make_function(self, step_function):
        several, step = self._at_once(), step_function
        learns = step_function == self.train_step
        if ("train_function" if learns else "test_function") in self._endless:
            step = graph.after_its_data(step)
        if several is None or self.run_eagerly:
            return super()._make_function(step)
        return several.function(step, step_function == self.test_step)

    def _at_once(self) -> distribute.SeveralSteps | None:
        """Steps of one call, where Keras's own way fails."""
        strategy, most = self.distribute_strategy, self.steps_per_execution
        if most == 1 or not distribute.are_mirrored(strategy):
            return None
        if self._several is None or self._several.most != most:
            self._several = distribute.SeveralSteps(strategy, most)
        return self._several

    def save_own_variables(self, store: Any) -> None:
        """Keras's, and with them the place where a training is."""
        super().save_own_variables(store)
        at = None if self._progress is None else self._progress.place
        resume.write(self, at, store)

    def load_own_variables(self, store: Any) -> None:
        """What `save_own_variables` wrote."""
        own, self._saved = resume.read(self, store)
        super().load_own_variables(own)

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
        """What Keras's own metrics say, those kept while training, by name."""
        own = self._compared.metrics
        found: dict[str, Any] = {}
        for metric in self.metrics:
            if not any(metric is compared for compared in own):
                value = metric.result()
                several = isinstance(value, dict)
                found.update(value if several else {metric.name: value})
        return found

    @property
    def metrics_names(self) -> list[str]:
        """The names of what `evaluate` returns for an array, in its order."""
        if not self.compiled:
            return []
        first, last = self._result_names()
        return [*first, *self._compared.names(), *last]

    def _result_names(self) -> tuple[list[str], list[str]]:
        """What `evaluate` finds besides metrics of samples: before, behind."""
        return ["loss"], []

    def _flatten_metrics_in_order(self, logs):
        # Called by Keras to make a list of a dict of results.
        known = [name for name in self.metrics_names if name in logs]
        rest = [name for name in logs if name not in known]
        values = [logs[name] for name in (*known, *rest)]
        return values[0] if len(values) == 1 else values

    def _get_metrics_result_or_logs(self, logs):
        # Called by Keras once the last batch was seen; by a training that
        # goes on where there is none, the means are of those before.
        logs = logs or self.get_metrics_result()
        if not self._compared.is_evaluating:
            self._check_progress(logs)
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
        sample_weight: ArrayLike | None = None,
        **kwargs: Any,
    ) -> keras.callbacks.History:
        """Train as `keras.Model.fit` does.

        Differences: an array is shuffled in an order that changes each epoch
        and follows from the model's seed; `batch_size` defaults to 128, and
        less for few rows: to about a hundredth of them for an RBM, 4 at
        least, and a twelfth for an `EnergyModel`, 16 at least; a model that
        was not adapted to data is adapted to x first.

        With `keras.callbacks.BackupAndRestore`, also `save_freq=n`, a
        training that was killed goes on at the batch of its last save, and
        ends as one that was not. So does a model that was loaded from a save
        in the middle of an epoch, told of it by `initial_epoch`. It takes the
        same data and batch_size; a shuffled `tf.data.Dataset` also the same
        `keras.utils.set_random_seed`. What other callbacks remember is lost.

        Args:
            x: array of shape (n, *event_shape), a pandas or polars frame, or
                a sparse matrix, which is made dense batch by batch; a
                memory-mapped array or an `h5py.Dataset`, which is read batch
                by batch; or
                batches: a `tf.data.Dataset`, a `keras.utils.PyDataset`, a
                PyTorch loader, or a generator with `steps_per_epoch`, of x or
                (x, sample_weight). What is there under the only key of a dict
                that fits is taken.
            y: conditions, for a conditional `GAN`, a tuple or dict of
                several; other models learn from x alone.
            batch_size: rows of a batch, over all replicas.
            epochs: passes over the data, by default 1; 0 trains nothing, and
                returns an empty History, once the data are checked and a model
                that was not is adapted to them.
            verbose: as in Keras.
            callbacks: as in Keras.
            validation_split: the last share of x, held out.
            validation_data: held-out examples, as x; (x, y) with conditions;
                (x, y, sample_weight), where y may be None.
            shuffle: whether to shuffle an array.
            class_weight: not taken.
            sample_weight: what each example counts, (n,), in any unit. Whole
                numbers are as good as repetitions of examples.
            **kwargs: the other arguments of `keras.Model.fit`.

        Returns:
            The `History` of Keras.

        Raises:
            ValueError: if data are empty, of another shape or outside of the
                model's space, before anything is changed; for a later batch
                of a dataset, before that batch is learned from; at the end of
                an epoch, if a weight or the loss is NaN or infinite. With
                `keras.callbacks.TerminateOnNaN` training then just ends.
        """
        checked_options.check(
            self._where("fit"),
            epochs=epochs,
            verbose=verbose,
            callbacks=callbacks,
            shuffle=shuffle,
            validation_split=validation_split,
            **kwargs,
        )
        self._refuse("fit", class_weight=class_weight)
        distribute.check_supported()
        self._assert_compile_called("fit")
        (x, validation_data), streams = self._opened("fit", x, validation_data)
        with self._told_plainly("fit"):
            x = self._as_rows("fit", x)
            validation_data = self._as_rows(
                "fit: validation_data", validation_data
            )
            plan = self._plan(
                x,
                y,
                sample_weight=sample_weight,
                batch_size=batch_size,
                epochs=epochs,
                callbacks=as_list(callbacks),
                validation_split=validation_split,
                validation_data=validation_data,
                shuffle=shuffle,
                **kwargs,
            )
        own = [*_begun(streams), *self._own_callbacks()]
        plan["callbacks"] = [*own, *plan["callbacks"]]
        in_memory = x is not None and data.is_array(x)
        several = self._at_once()
        if several is not None:
            several.is_even = in_memory or data.are_even(plan["x"])
        self._progress = resume.Progress(self, plan, self._saved, in_memory)
        self._ends_at_nan = any(
            isinstance(callback, keras.callbacks.TerminateOnNaN)
            for callback in plan["callbacks"]
        )
        strategy = self.distribute_strategy
        try:
            with (
                self._told_plainly("fit"),
                distribute.told_of_workers(self._where("fit"), strategy),
            ):
                is_chief = distribute.is_chief(strategy)
                return self._run(verbose if is_chief else 0, plan)
        finally:
            self._progress.end()
            self._progress = self._saved = None
            # Keras keeps it where training is interrupted, and would take
            # it for the validation data of the next training.
            if getattr(self, "_eval_epoch_iterator", None) is not None:
                del self._eval_epoch_iterator

    def _run(
        self, verbose: str | int, plan: dict[str, Any]
    ) -> keras.callbacks.History:
        """Train as planned."""
        assert self._progress is not None
        plan["callbacks"] = self._progress.around(plan["callbacks"])
        return super().fit(verbose=verbose, **plan)

    def _check_progress(self, logs: Any) -> None:
        """Stop training where there is nothing left to train.

        Raises:
            ValueError: if a weight or a value in the logs is not finite.
        """
        wrong = weights.not_finite(self.trainable_variables)
        optimizers = self._optimizers()
        # A loss that is scaled may overflow now and then: no step is made.
        if not any(
            isinstance(o, LossScaleOptimizer) for o in optimizers.values()
        ):
            values = ((name, np.asarray(logs[name])) for name in logs or {})
            wrong += [
                name
                for name, value in values
                if np.isnan(value).any()
                or (name.endswith("loss") and np.isinf(value).any())
            ]
        if not wrong:
            return
        if self._ends_at_nan:
            self.stop_training = True
            return
        rates = ", ".join(
            f"{name}.learning_rate is {float(optimizer.learning_rate):g}"
            for name, optimizer in optimizers.items()
        )
        raise ValueError(
            f"{self._where('fit')}: {', '.join(wrong[:4])} became NaN or "
            f"infinite: the steps were too large; {rates}. The weights are "
            "lost. Make the model anew, and compile it with a smaller "
            "learning rate. To end without an error, pass "
            "callbacks=[keras.callbacks.TerminateOnNaN()]."
        )

    def _check_options(
        self, run_eagerly: Any, steps_per_execution: Any, jit_compile: Any
    ) -> None:
        """Raise a ValueError for options of `compile` that fail later on."""
        where = self._where("compile")
        checks.flag(run_eagerly, f"{where}: run_eagerly")
        checks.positive_int(
            steps_per_execution, f"{where}: steps_per_execution"
        )
        if not isinstance(jit_compile, str) or jit_compile != "auto":
            checks.flag(jit_compile, f"{where}: jit_compile")
        distribute.check_compile(jit_compile)

    def _optimizers(self) -> dict[str, keras.optimizers.Optimizer]:
        """The optimizers by the name of their argument of `compile`."""
        return {"optimizer": self.optimizer}

    def _end_falling(self) -> None:
        """Let rates that fell to zero in a `fit` be those of single steps."""
        for optimizer in self._optimizers().values():
            plain = getattr(optimizer, "inner_optimizer", optimizer)
            if isinstance(plain, Planned) and plain.is_falling:
                plain.end()

    def _build_optimizer(self, optimizer: Any, variables: list) -> None:
        """Let an optimizer know its variables, before anything is changed.

        Raises:
            ValueError: if it belongs to the variables of another model.
        """
        known = getattr(optimizer, "inner_optimizer", optimizer)
        # Of variables on several devices.
        rate = float(np.asarray(known.learning_rate))
        if not 0 <= rate < math.inf:
            raise ValueError(
                f"{self._where('compile')}: learning_rate of the optimizer "
                f"must be a number of at least 0; {type(known).__name__} has "
                f"{rate:g}. Make another, for example "
                f"{type(known).__name__}(learning_rate=0.01)."
            )
        indices = known._trainable_variables_indices
        if optimizer.built and any(
            known._var_key(variable) not in indices for variable in variables
        ):
            raise ValueError(
                f"{self._where('compile')}: optimizer has the state of other "
                "variables, of another model or of fewer weights. Make a new "
                f"{type(optimizer).__name__}."
            )
        optimizer.build(variables)

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
        sample_weight: Any = None,
        **options: Any,
    ) -> dict[str, Any]:
        """The plan to learn from batches of examples."""
        checked_options.check_known(self._where("fit"), _OF_FIT, options)
        epochs = 1 if epochs is None else epochs
        first = options.get("initial_epoch", 0)
        checked_options.check_epochs(self._where("fit"), first, epochs)
        rows = self._batch_size("fit", batch_size, x)
        # What of the examples is known; models without gaps have none.
        gaps = self._gaps_of("fit", options)
        given = self._given("fit", x, y, sample_weight, **gaps)
        if batch_size is None and data.is_array(given.x):
            rows = self._batch_size_for(given)
        held = None
        if validation_data is not None:
            gaps.pop("mask", None)
            held = self._given("fit: validation_data", validation_data, **gaps)
        elif validation_split:
            given, held = given.split(self._where("fit"), validation_split)
        if held is not None:
            held_rows, steps = None, options.get("validation_steps")
            name = "validation_steps"
            self._check_end("fit: validation_data", held.x, steps, name)
            if data.is_array(held.x):
                held_rows = options.get("validation_batch_size") or rows
            held, told = self._packed("fit", held, steps)
            if held_rows is not None:
                self._hold_out(held, told)
            held, told = data.fed(held, told, held_rows)
            validation_data = held if told is None else (held, told)
        x = given.x
        if data.is_array(x) and options.get("steps_per_epoch") is not None:
            raise ValueError(
                f"{self._where('fit')}: steps_per_epoch goes with a dataset; "
                "an epoch of an array is all of it. Use "
                "tf.data.Dataset.from_tensor_slices(x)."
            )
        steps = options.get("steps_per_epoch")
        self._check_end("fit", x, steps, "steps_per_epoch")
        self._prepare(given, steps)
        in_memory = data.is_array(x)
        x, y = self._packed("fit", given, steps)
        if in_memory:
            self._follow(x, y)
        if in_memory and shuffle:
            order = data.EpochOrder(len(given.x), self.draws)
            together = x if y is None else (x, y)
            x, y = data.shuffled(together, rows, order.permutation), None
            callbacks = [order, *callbacks]
        else:
            x, y = data.fed(x, y, rows if in_memory else None)
        if in_memory:
            # Told, Keras makes one iterator an epoch; else another one that
            # it throws away.
            options["steps_per_epoch"] = data.steps_of(len(given.x), rows)
        return {
            "x": x,
            "y": y,
            "epochs": epochs,
            "callbacks": callbacks,
            "validation_data": validation_data,
            "shuffle": False,
            **options,
        }

    def _gaps_of(self, method: str, options: dict[str, Any]) -> dict[str, Any]:
        """What was said of missing numbers, taken out of options.

        Raises:
            ValueError: if the model takes no such examples.
        """
        names = [name for name in ("missing", "mask") if name in options]
        gaps: dict[str, Any] = {name: options.pop(name) for name in names}
        if gaps and not self._takes_gaps:
            raise ValueError(
                f"{self._where(method)}: takes no {' and no '.join(gaps)}; the "
                "model learns from examples that are known in full. Fill them "
                "in, for example by the impute of an RBM."
            )
        return gaps

    def _prepare(self, given: Given, steps: int | None = None) -> None:
        """Called with checked data before the first step."""

    def _follow(self, x: Any, y: Any) -> None:
        """Called with the array that `fit` learns from, packed."""

    def _hold_out(self, x: Any, y: Any) -> None:
        """Called with an array of validation data, as `_follow`."""

    def _prepare_scores(self, is_fitting: bool) -> None:
        """Called before examples are scored, in `fit` and outside of it."""

    def _prepare_batch(self, given: Given) -> None:
        """Called with a checked batch before `train_on_batch` takes a step."""
        self._prepare(given)

    def evaluate(
        self,
        x: Examples | None = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: str | int = "auto",
        sample_weight: ArrayLike | None = None,
        steps: int | None = None,
        callbacks: Any = None,
        return_dict: bool = False,
        **kwargs: Any,
    ) -> Any:
        """The loss and the metrics on examples, as `keras.Model.evaluate`.

        Raises:
            ValueError: as `fit` does.
        """
        checked_options.check(
            self._where("evaluate"),
            verbose=verbose,
            steps=steps,
            callbacks=callbacks,
            return_dict=return_dict,
        )
        self._gaps_of("evaluate", kwargs)
        if not kwargs.get("_use_cached_eval_dataset"):
            (x,), streams = self._opened("evaluate", x)
            with self._told_plainly("evaluate"):
                x = self._as_rows("evaluate", x)
            rows = self._batch_size("evaluate", batch_size, x)
            given = self._given("evaluate", x, y, sample_weight)
            self._check_end("evaluate", given.x, steps)
            size = rows if data.is_array(given.x) else None
            x, y = self._packed("evaluate", given, steps)
            x, y = data.fed(x, y, size)
            batch_size = None
            _begun(streams)
        self._prepare_scores(bool(kwargs.get("_use_cached_eval_dataset")))
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
        checked_options.check(
            self._where("predict"),
            verbose=verbose,
            steps=steps,
            callbacks=callbacks,
        )
        (x,), streams = self._opened("predict", x)
        rows = self._batch_size("predict", batch_size, x)
        x = self._checked_inputs("predict", x)
        self._check_end("predict", x, steps)
        size = rows if data.is_array(x) else None
        x, _ = data.fed(x, None, size)
        _begun(streams)
        with self._told_plainly("predict"):
            return super().predict(
                x, verbose=verbose, steps=steps, callbacks=callbacks
            )

    # One batch -------------------------------------------------------------

    def train_on_batch(
        self,
        x: ArrayLike,
        y: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        class_weight: None = None,
        return_dict: bool = False,
    ) -> Any:
        """One update, as `keras.Model.train_on_batch`.

        A model that was not adapted to data is adapted to this batch first.

        Args:
            x: array of shape (n, *event_shape).
            y: conditions, for a conditional `GAN`.
            sample_weight: what each example counts, (n,).
            class_weight: not taken.
            return_dict: whether a dict is returned, not a list.

        Raises:
            ValueError: as `fit` does, before anything is changed.
        """
        self._refuse("train_on_batch", class_weight=class_weight)
        where = self._where("train_on_batch")
        checked_options.check(where, return_dict=return_dict)
        self._assert_compile_called("train_on_batch")
        x = self._as_rows("train_on_batch", x)
        x = self._one_batch("train_on_batch", x)
        given = self._given("train_on_batch", x, y, sample_weight)
        self._prepare_batch(given)
        # What was loaded is not what the model is now.
        self._saved = None
        if self._progress is None:
            self._end_falling()
        x, y = self._packed("train_on_batch", given)
        return super().train_on_batch(x, y, return_dict=return_dict)

    def test_on_batch(
        self,
        x: ArrayLike,
        y: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        return_dict: bool = False,
    ) -> Any:
        """The loss of a batch, as `keras.Model.test_on_batch`.

        Args:
            x: array of shape (n, *event_shape).
            y: conditions, for a conditional `GAN`.
            sample_weight: what each example counts, (n,).
            return_dict: whether a dict is returned, not a list.

        Raises:
            ValueError: as `evaluate` does.
        """
        where = self._where("test_on_batch")
        checked_options.check(where, return_dict=return_dict)
        self._assert_compile_called("test_on_batch")
        x = self._as_rows("test_on_batch", x)
        x = self._one_batch("test_on_batch", x)
        given = self._given("test_on_batch", x, y, sample_weight)
        self._prepare_scores(is_fitting=False)
        x, y = self._packed("test_on_batch", given)
        return super().test_on_batch(x, y, return_dict=return_dict)

    def predict_on_batch(self, x: Any) -> Array:
        """What `call` gives for a batch, as `keras.Model.predict_on_batch`.

        Raises:
            ValueError: as `predict` does.
        """
        x = self._one_batch("predict_on_batch", x)
        x = self._checked_inputs("predict_on_batch", x)
        return super().predict_on_batch(x)

    def _one_batch(self, method, x):
        if x is not None and not data.is_array(x):
            raise ValueError(
                f"{self._where(method)}: x must be one batch, an array; "
                f"received {type(x).__name__}. For a dataset call "
                f"{_OF_DATASETS[method]}."
            )
        return data.dense(x)

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compile as before a save."""
        self.compile(**keras.saving.deserialize_keras_object(config))

    # State -----------------------------------------------------------------

    def get_state_tree(
        self, value_format: str = "backend_tensor"
    ) -> dict[str, dict]:
        """All variables, as `keras.Model.get_state_tree` gives them.

        Those of all optimizers are among the optimizer's. Paths are without
        the numbers that Keras gives in each process; equal ones are numbered,
        `falling/average`, `falling/average_2`.

        Args:
            value_format: "backend_tensor" or "numpy_array".

        Raises:
            ValueError: for another format.
        """
        return trees.of(self._state(), value_format)

    def set_state_tree(self, state_tree: dict[str, dict]) -> None:
        """Put all variables where a tree has them.

        Args:
            state_tree: what `get_state_tree` gave of a model that was built and
                compiled alike; whole groups of it may be left out.

        Raises:
            ValueError: if it is of another model; nothing is changed then.
        """
        trees.assign(self._state(), state_tree)

    def _state(self) -> dict[str, list]:
        optimizers = self._optimizers() if self.compiled else {}
        return {
            "trainable_variables": self.trainable_variables,
            "non_trainable_variables": self.non_trainable_variables,
            "optimizer_variables": [
                variable
                for optimizer in optimizers.values()
                if optimizer is not None
                for variable in optimizer.variables
            ],
            "metrics_variables": self.metrics_variables,
        }

    def quantize(self, *_: Any, **__: Any) -> None:
        """Not for models: networks would compute with other weights.

        Raises:
            ValueError: always.
        """
        raise ValueError(
            f"{self._where('quantize')}: a generative model is not quantised: "
            "likelihoods, samples and saves would be those of other weights "
            "than were learned. Train in half precision, by dtype, or "
            "export(..., format='onnx') and quantise the file by the tools of "
            "its runtime."
        )

    # Data ------------------------------------------------------------------

    def _as_rows(self, method: str, x: Any) -> Any:
        """What a user gave, where an example of several arrays is one row."""
        return x

    def _refuse(self, method: str, **arguments: Any) -> None:
        for name, value in arguments.items():
            if name == "class_weight" and value is not None:
                raise ValueError(
                    f"{self._where(method)}: takes no class_weight. Give each "
                    "example that of its class, "
                    "sample_weight=numpy.array([...])[y]."
                )
            if value is not None:
                raise ValueError(
                    f"{self._where(method)}: takes no {name}; the model "
                    "learns the distribution of x alone."
                )

    def _check_end(
        self, method: str, x: Any, steps: int | None, name: str = "steps"
    ) -> None:
        """Refuse data without an end, unless some steps of it are taken.

        Args:
            method: who asks, for messages.
            x: checked data.
            steps: how many batches are taken; None means all.
            name: of the argument that says so.
        """
        if steps is None and data.is_endless(x):
            raise ValueError(
                f"{self._where(method)}: the dataset has no end; pass {name}, "
                "the number of batches to take of it."
            )

    def _check_adapts(self, x: Any, steps: int | None) -> None:
        """Refuse steps of `adapt` that x cannot have, or does not have."""
        if steps is not None:
            where = self._where("adapt")
            checks.positive_int(steps, f"{where}: steps")
            if data.is_array(x):
                raise ValueError(
                    f"{where}: steps={steps} goes with a dataset; of an array "
                    "all rows are taken. Pass some of them, x[:1000]."
                )
        self._check_end("adapt", x, steps)

    def _batch_size_for(self, given: Given) -> int:
        """How many rows of an array `fit` takes in a batch by default."""
        return self.default_batch_size

    def _batch_size(self, method: str, batch_size: int | None, x: Any) -> int:
        """Rows of a batch of x, if x is an array."""
        if batch_size is None:
            return self.default_batch_size
        if isinstance(x, tf.data.Dataset):
            raise ValueError(
                f"{self._where(method)}: batch_size goes with an array; a "
                "dataset comes in batches. Use dataset.rebatch(batch_size)."
            )
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
            check_dataset: as `_check_dataset`, for datasets that give more.
        """
        where = self._where(method)
        if isinstance(x, tuple) and len(x) <= _MOST_PARTS:
            x, *others = x
            if any(other is not None for other in others):
                raise ValueError(
                    f"{where}: takes examples alone; received a tuple of "
                    f"{1 + len(others)}, with labels or weights."
                )
        if x is None:
            raise ValueError(f"{where}: x is missing.")
        (x,), _ = self._opened(method, x)
        if data.is_array(x) or isinstance(x, Mapping):
            x = self.space.check(where, x, wide=self._keeps_float64)
        else:
            x = (check_dataset or self._check_dataset)(where, x)
        if distribute.is_multi_worker(self.distribute_strategy):
            # Before it trains, Keras averages a batch over the workers.
            x = data.as_float(x, self._keeps_float64)
        return x

    def _check_dataset(self, where, dataset):
        """A dataset of x or (x, weight), in the form that train_step takes."""
        signed = self._takes_negative_weights
        return sample_weights.check_dataset(where, dataset, self.space, signed)

    def _given(
        self, method: str, x: Any, y: Any = None, weight: Any = None
    ) -> Given:
        """Checked examples, with what was given for each.

        Args:
            method: who asks, for messages.
            x: examples, a dataset, or a tuple of x and what comes with it.
            y: what comes with an array x.
            weight: of the examples of an array.
        """
        x, y, weight = self._parts(x, y, weight)
        if data.is_array(x):
            x, y = self._checked_pair(method, x, y)
            if weight is not None:
                where = self._where(method)
                weight = sample_weights.check(
                    where, weight, len(x), self._takes_negative_weights
                )
            return Given(x, y, weight)
        if weight is not None:
            raise ValueError(
                f"{self._where(method)}: sample_weight goes with an array x; "
                "a dataset gives (x, sample_weight)."
            )
        x, y = self._checked_pair(method, x, y)
        return Given(x, y)

    def _packed(self, method: str, given: Given, steps: Any = None) -> tuple:
        """(x, y) as Keras's loops take them, with weights of mean one."""
        with self._told_plainly(method):
            return given.scaled(self._where(method), steps).packed()

    def _parts(self, x: Any, y: Any, weight: Any) -> tuple:
        """(x, y, weight) of tuples such as Keras takes."""
        is_nest = isinstance(x, tuple) and 0 < len(x) <= _MOST_PARTS
        if not is_nest or y is not None or weight is not None:
            return x, y, weight
        return keras.utils.unpack_x_y_sample_weight(x)

    @property
    def _most_looked_at(self) -> float:
        """Numbers of an endless source that are looked at before training."""
        return MOST

    def _opened(self, method: str, *given: Any) -> tuple[list, list[Stream]]:
        """Data, what Python gives in batches as datasets; and the streams."""
        found, streams = list(given), []
        for place, x in enumerate(given):
            if data.is_stream(x):
                streams.append(
                    Stream(
                        self._where(method),
                        x,
                        self._keeps_float64,
                        self._most_looked_at,
                    )
                )
                found[place] = streams[-1].dataset
        return found, streams

    def _checked_pair(self, method: str, x: Any, y: Any = None) -> tuple:
        """(x, y) in the form that Keras's loops take; y may be None.

        Args:
            method: who asks, for messages.
            x: examples, or a dataset.
            y: what comes with an array x.
        """
        self._refuse(method, y=y)
        return self._checked(method, x), None

    def _checked_inputs(self, method: str, x: Any) -> Any:
        """What `predict` takes, in the form that Keras's loops take."""
        return self._checked(method, x)

    def _complaints(self) -> dict[str, str]:
        """What a pipeline's complaints mean; see `data.told_plainly`."""
        space = self.space
        return {
            data.OUTSIDE: "a batch of the dataset is not in the model's "
            f"space; x must hold {space.description}. {space.hint}",
            sample_weights.WRONG: "a batch of the dataset has weights that no "
            "mean can be taken with; they must be "
            f"{sample_weights.described(self._takes_negative_weights)}.",
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
        # Of a result in parts, put together and handed out.
        check_memory(where, n, int(np.prod(self.event_shape)), 12)
        return n

    def _finite(self, method: str, values: Array) -> Array:
        """What was found, if all of it are numbers.

        Raises:
            ValueError: naming the weights that are none, if some are.
        """
        if np.isfinite(values).all():
            return values
        wrong = weights.not_finite(self.weights)
        why = "the weights are too large"
        if wrong:
            why = f"{', '.join(wrong[:4])} hold NaN or infinite numbers"
        raise ValueError(
            f"{self._where(method)}: the result is not finite: {why}. Load or "
            "assign other weights, or train a new model with a smaller "
            "learning rate."
        )

    def _seed_for(self, seed: SeedLike | None) -> random.Seed:
        """A `Seed`: the user's, or the next of the model's own for samples."""
        if seed is None:
            return self.draws.next(random.SAMPLING)
        return random.as_seed(seed)

    # Export ----------------------------------------------------------------

    def _check_adapted(self, method: str) -> None:
        """Raise a ValueError if the model has to see data before `method`."""

    def endpoints(self) -> Endpoints:
        """Dict from names to (function, input signature), for `export`.

        The first is `serve`, which gives what `call` gives.
        """
        raise NotImplementedError

    def _guards(self, endpoint: str) -> tuple[dict[str, Space], dict[str, int]]:
        """Of an endpoint's arguments the spaces, and how many classes."""
        return {}, {}

    def _about(self) -> dict[str, Any]:
        """What goes with all exported files, as plain data."""
        return described(type(self).__name__, self.endpoints())

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
        - `complete(x, mask, seed, steps)`: what `sample` gives for `given=x`,
          as many as there are rows, by chains.
        - `hidden_mean(x)`, of an RBM; `predict_proba(x)`, if it has labels.
        - A conditional RBM takes `condition` beside x, and beside n, one row
          for each; its `sample` gives what the method does by chains.
        - `score(x)` or `score(x, labels)`: a GAN's logits, without packing.
        - Several conditions of a GAN have the names of the generator's inputs,
          and are given by these; without latents there is no z, and no
          `sample`, which is `serve`.

        A request that has no answer is an error: an `n` or `steps` outside of
        1 to 1,048,576, labels that are no classes, a number of rows that is
        not n, numbers that are not finite, and examples that are none of an
        energy-based model (with a mask, in what is known).

        Load it by `genzoo.load_exported`, or where there is no genzoo by
        `tf.saved_model.load`. The card of a preset is among the assets, as
        `metadata.json`; `serving.json` says the arguments of each endpoint,
        and the law of a GAN's latents.

        A file of the formats "onnx" and "litert" holds one endpoint, which
        draws nothing itself: `serve`, `energy`, `log_prob`, `hidden_mean` or
        `score` as above, or one Gibbs sweep of a model of discrete variables,
        as a function of numbers that are uniform in [0, 1):

        - `gibbs(x, u_hidden, u_visible)` of an RBM, the numbers of shape
          (batch, units).
        - `gibbs(x, u)` of a pairwise `MaxEnt`, u of shape (batch, sites).

        Its metadata has the same, with the card, under the name "genzoo".

        Args:
            filepath: the folder to write; the file, which must end in
                ".onnx" or ".tflite", in these formats.
            format: "tf_saved_model", "onnx" (extra `onnx`) or "litert".
            verbose: whether to print the endpoints.
            endpoint: what a file of one endpoint holds; None is `serve`.

        Raises:
            ValueError: for another format, an endpoint that the format or the
                model does not have, or a file of another suffix; for an
                energy-based model that has not seen data.
            ImportError: for "onnx" without the extra.
        """
        self._check_adapted("export")
        if format in SUFFIXES:
            about = {**self._about(), **(self.card or {})}
            # Of requests that draw, and of other files.
            about = {k: about[k] for k in about.keys() - {"limits", "sha256"}}
            export_portable(
                self, filepath, format, endpoint, bool(verbose), about
            )
            return
        if format != "tf_saved_model" or endpoint is not None:
            raise ValueError(
                f"{self._where('export')}: format must be 'tf_saved_model', "
                "which holds all endpoints, or 'onnx' or 'litert', which hold "
                f"one; received format={format!r} and endpoint={endpoint!r}."
            )
        served: Endpoints = {
            name: (guarded(function, signature, *self._guards(name)), signature)
            for name, (function, signature) in self.endpoints().items()
        }
        export(filepath, served, self, self.card, bool(verbose), self._about())


def _begun(streams):
    """Streams whose batches are learned from from now on."""
    for stream in streams:
        stream.begin()
    return streams


def as_list(callbacks: Any) -> list:
    """Callbacks as a list: of a list, one, None or Keras's own list."""
    if callbacks is None:
        return []
    if isinstance(callbacks, keras.callbacks.CallbackList):
        return list(callbacks.callbacks)
    return list(callbacks) if isinstance(callbacks, Sequence) else [callbacks]
