"""Energy-based models: p(x) = exp(-E(x)) / Z, trained by likelihood."""

import keras
import numpy as np
import tensorflow as tf

from genzoo import losses
from genzoo.models.generative_model import GenerativeModel
from genzoo.models.sample_metrics import SampleMetrics
from genzoo.models.serving import fingerprint
from genzoo.partition.log_partition import RECORD_LENGTH, LogPartition
from genzoo.runtime import distribute, random


class EnergyBasedModel(GenerativeModel):
    """A `keras.Model` of an unnormalised density, trained by likelihood.

    A subclass gives the energy, its gradients and its Markov chain; see
    `RBM`. Training, evaluation, log Z and saving are written here.
    """

    def __init__(self, seed=None, **kwargs):
        super().__init__(seed=seed, **kwargs)
        self.chains = None
        self.adapted = self.add_weight(
            name="adapted",
            shape=(),
            dtype="int32",
            initializer="zeros",
            trainable=False,
            autocast=False,
            aggregation="only_first_replica",
        )
        self.known_log_partition = self.add_weight(
            name="known_log_partition",
            shape=(RECORD_LENGTH + 1,),
            dtype="float64",
            initializer="zeros",
            trainable=False,
            autocast=False,
            aggregation="only_first_replica",
        )

    # Compiling ------------------------------------------------------------

    def compile(
        self,
        optimizer=None,
        loss="pcd",
        metrics=None,
        run_eagerly=False,
        steps_per_execution=1,
        jit_compile="auto",
    ):
        """Choose the optimizer and the learning rule.

        Args:
            optimizer: any Keras optimizer; by default the model's
                `default_optimizer`, `SGD(0.05)` for discrete units.
            loss: a learning rule of `genzoo.losses` or its name; by default
                persistent contrastive divergence with 128 chains.
            metrics: list of `keras.metrics.Metric`s, whose `update_state`
                gets (data, samples) in `evaluate` and for validation data.
            run_eagerly: as in Keras.
            steps_per_execution: as in Keras; 16 saves about a tenth.
            jit_compile: as in Keras. XLA makes sampling slower on CPUs.

        Raises:
            ValueError: if the model has no such loss, its chains do not fit
                into memory, or an option fails under the current strategy.
        """
        distribute.check_compile(steps_per_execution, jit_compile)
        loss = losses.get(loss)
        loss.check(self)
        compared = SampleMetrics(metrics)
        optimizer = keras.optimizers.get(
            self.default_optimizer if optimizer is None else optimizer
        )
        if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
            raise ValueError(
                "compile: optimizer is a LossScaleOptimizer, but there is no "
                "loss to be scaled: gradients are closed forms in the "
                "variables' dtype. Pass its inner optimizer."
            )
        self.set_chains(loss.chains)
        super().compile(
            optimizer=optimizer,
            run_eagerly=run_eagerly,
            steps_per_execution=steps_per_execution,
            jit_compile=jit_compile,
            auto_scale_loss=False,
        )
        self.loss = loss
        self._compared = compared
        self.optimizer.build(self.trainable_variables)

    @property
    def default_optimizer(self):
        """What `compile` takes when it is given none."""
        return keras.optimizers.SGD(0.05)

    def get_compile_config(self):
        """The arguments of `compile`, serialised."""
        if not self.compiled:
            return {}
        config = super().get_compile_config()
        return {
            "optimizer": config["optimizer"],
            "loss": keras.saving.serialize_keras_object(self.loss),
            "metrics": self._compared.serialize(),
            "run_eagerly": config["run_eagerly"],
            "steps_per_execution": config["steps_per_execution"],
            "jit_compile": config["jit_compile"],
        }

    def compile_from_config(self, config):
        """Compile as before a save."""
        self.compile(**keras.saving.deserialize_keras_object(config))

    def set_chains(self, count):
        """Have so many persistent chains, those there are if as many."""
        if count == 0:
            self._forget_chains()
        elif self.chains is None or self.chains.count != count:
            chains = distribute.Chains(
                count, self.chain_width, name="chains", dtype=self.dtype_policy
            )
            self._forget_chains()
            # Keras locks a model that was built by `build`.
            self._tracker.unlock()
            self.chains = chains
            self.reset_chains()

    def _forget_chains(self):
        if self.chains is not None:
            self._tracker.untrack(self.chains)
            self.chains = None

    # What a subclass gives ------------------------------------------------

    @property
    def parameters(self):
        """The weights of the energy, in the order of all gradients."""
        raise NotImplementedError

    @property
    def chain_width(self):
        """The length of the state of one Markov chain."""
        raise NotImplementedError

    def reset_chains(self):
        """Draw new persistent chains from the model as it is adapted."""
        raise NotImplementedError

    def free_energy(self, x):
        """F(x) = -log sum_h exp(-E(x, h)), shape (batch,), in nats."""
        raise NotImplementedError

    def adapt(self, x, steps=None):
        """Set what follows from the data's averages alone."""
        raise NotImplementedError

    def estimate_log_partition(self, method, **options):
        """`LogPartition` by a method that `log_partition` has checked."""
        raise NotImplementedError

    # Training -------------------------------------------------------------

    def prepare(self, x, steps=None):
        """Adapt to the data, unless that was done before."""
        if not self.is_adapted:
            self.adapt(x, steps)

    @property
    def is_adapted(self):
        """Whether the model was adapted to data, fitted or loaded."""
        return bool(self.adapted.numpy())

    def train_step(self, data):
        """One update by the learning rule that `compile` was given."""
        x = _examples(data)
        first, rows = distribute.global_rows(tf.shape(x)[0])
        seed = self.draws.next().at_row(first)
        penalties = self.penalty_gradients()
        loss, gradients = self.loss.gradients(self, x, seed)
        pairs = [
            (gradient if penalty is None else gradient + penalty, weight)
            for gradient, penalty, weight in zip(
                gradients, penalties, self.parameters, strict=True
            )
            if weight.trainable
        ]
        if pairs:
            self.optimizer.apply(*map(list, zip(*pairs, strict=True)))
        self.adapted.assign(1)
        self._loss_tracker.update_state(
            distribute.all_sum(loss), sample_weight=rows
        )
        return distribute.shape_logs({"loss": self._loss_tracker.result()})

    def penalty_gradients(self):
        """This replica's share of the regularizers' gradients, or Nones."""
        regularized = [w for w in self.parameters if w.regularizer is not None]
        if not regularized:
            return [None] * len(self.parameters)
        with tf.GradientTape() as tape:
            penalty = sum(w.regularizer(w) for w in regularized)
            penalty /= distribute.replica_count()
        return tape.gradient(penalty, [w.value for w in self.parameters])

    def test_step(self, data):
        """The loss of held-out data, and the metrics of data and samples."""
        x = _examples(data)
        first, rows = distribute.global_rows(tf.shape(x)[0])
        seed = self.draws.next(random.SAMPLING).at_row(first)
        loss = self.loss.value(self, x, seed)
        self._loss_tracker.update_state(
            distribute.all_sum(loss), sample_weight=rows
        )
        if self._compared.metrics:
            samples = self.generate(tf.shape(x)[0], random.fold_in(seed, 0))
            self._compared.update(x, samples)
        return distribute.shape_logs({"loss": self._loss_tracker.result()})

    # log Z ----------------------------------------------------------------

    def log_partition(self, method="auto", **options):
        """log Z in nats, with what is known of its error.

        The result is kept with the weights, and saved: `log_prob` and
        `export` use it until the weights change.

        Args:
            method: "enumeration", "ais", or "auto", which enumerates where
                that is cheap.
            **options: see the model's class.

        Returns:
            A `genzoo.partition.LogPartition`.

        Raises:
            ValueError: for an unknown or impossible method, or a model that
                was never adapted to data, fitted or loaded.
        """
        if method not in ("auto", "ais", "enumeration"):
            raise ValueError(
                f"{type(self).__name__}.log_partition: method must be 'auto', "
                f"'enumeration' or 'ais'; received {method!r}."
            )
        self._check_adapted("log_partition")
        result = self.estimate_log_partition(method, **options)
        record = [*result.to_record(), self._digest()]
        self.known_log_partition.assign(record)
        return result

    @property
    def stored_log_partition(self):
        """The `LogPartition` last found for the present weights, or None."""
        *record, of = self.known_log_partition.numpy()
        return (
            LogPartition.from_record(record) if of == self._digest() else None
        )

    def log_prob(self, x):
        """log p(x) = -F(x) - log Z, in nats, an array of shape (n,).

        log Z is the one last found for the present weights by
        `log_partition`, or is found now by its "auto" method.

        Raises:
            ValueError: if x is not in the model's space, or the model was
                never adapted to data, fitted or loaded.
        """
        self._check_adapted("log_prob")
        x = self.check_array("log_prob", x)
        log_z = self.stored_log_partition or self.log_partition()
        return -self._in_batches(self.free_energy, x) - log_z.value

    def _in_batches(self, function, x, size=4096):
        parts = [
            np.asarray(function(tf.cast(x[i : i + size], self.variable_dtype)))
            for i in range(0, len(x), size)
        ]
        return np.concatenate(parts)

    def _check_adapted(self, method):
        if not self.is_adapted:
            raise ValueError(
                f"{type(self).__name__}.{method}: the model has not seen data. "
                "Call fit(x), or adapt(x), or load weights first."
            )

    def _digest(self):
        """A number that changes with any weight of the energy."""
        return fingerprint(self.parameters) + 1

    def call(self, x):
        """The free energy of each example, (batch,)."""
        return self.free_energy(x)

    def endpoints(self):
        """What `export` serves of any energy."""
        shape = (None, *self.event_shape)
        examples = [tf.TensorSpec(shape, self.variable_dtype, "x")]
        served = {
            "serve": (self.call, examples),
            "energy": (self.call, examples),
        }
        stored = self.stored_log_partition
        if stored is not None:
            # Not a tensor: ONNX would have it as an input.
            log_z = float(stored.value)
            served["log_prob"] = (lambda x: -self.call(x) - log_z, examples)
        return served


def _examples(data):
    x, y, weight = keras.utils.unpack_x_y_sample_weight(data)
    if y is not None or weight is not None:
        raise ValueError(
            "The data must be x alone, without labels or weights. Map the "
            "dataset: dataset.map(lambda x, *rest: x)."
        )
    return x
