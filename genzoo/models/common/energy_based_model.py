"""Energy-based models: p(x) = exp(-E(x)) / Z, trained by likelihood."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from genzoo import checks, losses
from genzoo.losses.protocols import known_rules
from genzoo.models.common.endpoints import (
    COUNT,
    SEED,
    STEPS,
    Endpoints,
)
from genzoo.models.common.generative_model import GenerativeModel
from genzoo.models.common.sample_metrics import SampleMetrics
from genzoo.models.common.walks import Walks
from genzoo.partition.log_partition import RECORD_LENGTH, LogPartition
from genzoo.runtime import distribute, random, weights
from genzoo.runtime.graph import Graph
from genzoo.runtime.memory import check_memory
from genzoo.types import Array, ArrayLike, SeedLike

# Sweeps before samples are compared with data in `evaluate`.
_METRIC_STEPS = 100
_ROWS = 4096
# What is known of log Z, and of which weights.
KNOWN_LENGTH = RECORD_LENGTH + 1


class EnergyBasedModel(GenerativeModel):
    """A `keras.Model` of an unnormalised density, trained by likelihood.

    A subclass sets `space`, and gives `call`, which is the energy, its
    `parameters`, what the learning rules of `genzoo.losses.protocols` ask
    for, and how it is drawn: by `walks`, or by a `_draw` of its own.
    Training, evaluation, log Z, samples and saving are written here.

    Attributes:
        chains: the persistent Markov chains, a layer, or None.
        walks: the `Walks` of its chain, or None.

    Example:
    >>> class Coin(genzoo.models.EnergyBasedModel):
    ...     def __init__(self, **kwargs):
    ...         super().__init__(**kwargs)
    ...         self.space = genzoo.spaces.Spin(1)
    ...         self.field = self.add_weight(name="field", shape=(1,))
    ...         self.built = True
    ...
    ...     def call(self, x):
    ...         return -tf.cast(x, "float32")[:, 0] * self.field[0]
    >>> Coin().energy(np.array([[1], [-1]])).shape
    (2,)
    """

    def __init__(self, seed: SeedLike | None = None, **kwargs):
        super().__init__(seed=seed, **kwargs)
        self.chains: distribute.Chains | None = None
        self.walks: Walks | None = None
        self.adapted = distribute.mirrored_weight(
            self, "adapted", (), dtype="int32"
        )
        self.known_log_partition = distribute.mirrored_weight(
            self, "known_log_partition", (KNOWN_LENGTH,), dtype="float64"
        )
        self._drawn = Graph(
            lambda n, key, steps: self._draw(n, random.Seed(key), steps),
            COUNT,
            SEED,
            STEPS,
        )

    # Compiling ------------------------------------------------------------

    def compile(
        self,
        optimizer: Any = None,
        loss: Any = "auto",
        metrics: Any = None,
        run_eagerly: bool = False,
        steps_per_execution: int = 1,
        jit_compile: bool | str = "auto",
    ) -> None:
        """Choose the optimizer and the learning rule.

        Args:
            optimizer: any Keras optimizer; by default `SGD(0.05)` for
                discrete units, Adam where states have no bound.
            loss: a learning rule of `genzoo.losses` or its name; "auto" takes
                one that the model has, persistent contrastive divergence with
                128 chains if it has that.
            metrics: list of `keras.metrics.Metric`s, whose `update_state`
                gets (data, samples) in `evaluate` and for validation data.
            run_eagerly: as in Keras.
            steps_per_execution: as in Keras; 16 saves about a tenth.
            jit_compile: as in Keras. XLA makes sampling slower on CPUs.

        Raises:
            ValueError: if the model lacks what the loss needs, its chains do
                not fit into memory, or an option fails under the current
                strategy.
        """
        self._check_options(run_eagerly, steps_per_execution, jit_compile)
        is_auto = isinstance(loss, str) and loss == "auto"
        rule = losses.get(self._default_loss() if is_auto else loss)
        rule.check(self)
        compared = SampleMetrics(metrics)
        optimizer = keras.optimizers.get(
            self._default_optimizer(rule) if optimizer is None else optimizer
        )
        if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
            raise ValueError(
                "compile: optimizer is a LossScaleOptimizer, but there is no "
                "loss to be scaled: gradients are closed forms in the "
                "variables' dtype. Pass its inner optimizer."
            )
        self._check_optimizer(optimizer, rule)
        self._build_optimizer(optimizer, self.trainable_variables)
        # Last of what may be refused, so that a refusal changes nothing.
        self.keep_chains(rule.chains)
        super().compile(
            optimizer=optimizer,
            run_eagerly=run_eagerly,
            steps_per_execution=steps_per_execution,
            jit_compile=jit_compile,
            auto_scale_loss=False,
        )
        self.loss: Any = rule
        self._compared = compared

    def _default_loss(self) -> str:
        """What the loss "auto" is."""
        rules = known_rules(self)
        if not rules:
            raise ValueError(
                f"{self._where('compile')}: the model has none of the rules "
                "of genzoo.losses. Give it the methods of one of "
                "genzoo.losses.protocols, such as exact_gradients."
            )
        return rules[0]

    def _default_optimizer(self, rule: losses.LearningRule) -> Any:
        """The optimizer that `compile` takes when it is given none."""
        return keras.optimizers.SGD(0.05)

    def _check_optimizer(self, optimizer: Any, rule: Any) -> None:
        """Raise a ValueError if the two do not go together."""

    def why_not(self, rule: losses.LearningRule) -> str | None:
        """Why the model cannot learn by a rule whose methods it has, if so."""
        return None

    def get_compile_config(self) -> dict[str, Any]:
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

    def keep_chains(self, count: int) -> None:
        """Have so many persistent chains, those there are if as many.

        Raises:
            ValueError: if the model has no Markov chain, or so many do not
                fit into memory or among the replicas.
        """
        if count == 0:
            self._forget_chains()
            return
        walks = self._walks()
        if self.chains is None or self.chains.count != count:
            chains = distribute.Chains(
                count,
                walks.walker.width,
                name="chains",
                dtype=self.dtype_policy,
            )
            self._forget_chains()
            # Keras locks a model that was built by `build`.
            self._tracker.unlock()
            self.chains = walks.chains = chains
            self.reset_chains()

    def _walks(self) -> Walks:
        if self.walks is None:
            raise ValueError(f"{type(self).__name__} has no Markov chain.")
        return self.walks

    def _forget_chains(self) -> None:
        if self.chains is not None:
            self._tracker.untrack(self.chains)
            self.chains = self._walks().chains = None

    def reset_chains(self) -> None:
        """Draw new persistent chains from the model as it is adapted."""
        self._walks().renew(self.draws.next())

    # What a subclass gives ------------------------------------------------

    @property
    def parameters(self) -> list[keras.Variable]:
        """The weights of the energy, in the order of all gradients."""
        raise NotImplementedError

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """E(x) of a batch of examples, (batch,), in nats."""
        raise NotImplementedError

    def adapt(self, x: Any, steps: int | None = None) -> None:
        """Set what follows from the data's averages alone."""
        self.adapted.assign(1)

    # Weights that were given ----------------------------------------------

    def add_weight(self, *args: Any, **kwargs: Any) -> keras.Variable:
        """A weight as in Keras; whether it is assigned later is noticed."""
        return weights.mark(super().add_weight(*args, **kwargs))

    @property
    def is_adapted(self) -> bool:
        """Whether it was adapted to data, fitted, loaded, or given weights."""
        return bool(self.adapted.numpy()) or any(
            weights.is_touched(weight) for weight in self.parameters
        )

    def _check_adapted(self, method: str) -> None:
        """Raise a ValueError unless the model is a distribution by now."""
        if not self.is_adapted:
            raise ValueError(
                f"{self._where(method)}: the model has not seen data. "
                "Call fit(x), or adapt(x), or load or assign weights first."
            )
        wrong = weights.not_finite(self._energy_weights())
        if wrong:
            raise ValueError(
                f"{self._where(method)}: {', '.join(wrong)} must be finite; "
                "found NaN or infinite numbers, with which the model is no "
                "distribution. Load or assign other weights, or train a new "
                "model with a smaller learning rate."
            )

    def _energy_weights(self) -> list[keras.Variable]:
        """All weights of the energy, those that are learned first.

        By default all that are not kept for training and sampling.
        """
        aside = [self.adapted, self.known_log_partition, *self.draws.weights]
        if self.chains is not None:
            aside += self.chains.weights
        known = {id(weight) for weight in (*aside, *self.parameters)}
        fixed = [weight for weight in self.weights if id(weight) not in known]
        return [*self.parameters, *fixed]

    # Training -------------------------------------------------------------

    def _prepare(self, x: Any, steps: int | None = None) -> None:
        if not self.adapted.numpy():
            self.adapt(x, steps)

    def train_step(self, data: Any) -> dict[str, tf.Tensor]:
        """One update by the learning rule that `compile` was given."""
        x = _examples(data)
        first, rows = distribute.global_rows(tf.shape(x)[0])
        seed = self.draws.next().at_row(first)
        penalties = self._penalty_gradients()
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
        return self._logs(loss, rows)

    def _penalty_gradients(self) -> list:
        """This replica's share of the regularizers' gradients, or Nones."""
        regularized = [w for w in self.parameters if w.regularizer is not None]
        if not regularized:
            return [None] * len(self.parameters)
        with tf.GradientTape() as tape:
            penalty = sum(w.regularizer(w) for w in regularized)
            penalty /= distribute.replica_count()
        return tape.gradient(penalty, [w.value for w in self.parameters])

    def test_step(self, data: Any) -> dict[str, tf.Tensor]:
        """The loss of held-out data, and the metrics of data and samples."""
        x = _examples(data)
        first, rows = distribute.global_rows(tf.shape(x)[0])
        seed = self.draws.next(random.SAMPLING).at_row(first)
        loss = self.loss.value(self, x, seed)
        if self._compared.metrics:
            own = random.fold_in(seed, 0)
            steps = tf.constant(_METRIC_STEPS)
            self._compared.update(x, self._draw(tf.shape(x)[0], own, steps))
        return self._logs(loss, rows)

    def _logs(self, loss, rows) -> dict[str, tf.Tensor]:
        """The mean loss so far, given this replica's share of a batch's."""
        self._loss_tracker.update_state(
            distribute.all_sum(loss), sample_weight=rows
        )
        return distribute.shape_logs({"loss": self._loss_tracker.result()})

    # Samples --------------------------------------------------------------

    def sample(
        self,
        n: int,
        seed: SeedLike | None = None,
        steps: int = 1000,
        start: str | ArrayLike | None = None,
    ) -> Array:
        """Examples after a walk of the model's Markov chain.

        Args:
            n: number of samples.
            seed: int or pair of ints; None takes the next of the model's own
                seeds for samples, which does not affect training.
            steps: sweeps of the walk, at least 1.
            start: where the walk begins: "chains", the persistent chains;
                "random", without the model's couplings; an array of n
                examples; or None, the chains if there are any.

        Returns:
            An array of shape (n, *event_shape).

        Raises:
            ValueError: for an n or a number of steps below 1, an n beyond
                memory, or a start that the model does not have.
        """
        n = self._check_count("sample", n)
        self._check_adapted("sample")
        where = f"{self._where('sample')}: steps"
        steps = checks.positive_int(steps, where)
        seed = self._seed_for(seed)
        if self.walks is None:
            key = seed.key
            return self._drawn(tf.constant(n), key, tf.constant(steps)).numpy()
        first, second = random.split(seed, 2)
        states = self._begin(n, first, start)
        x = self.walks.run(states, second, tf.constant(steps))
        return self.space.unflatten(x).numpy()

    def _begin(self, n: int, seed: random.Seed, start: Any) -> tf.Tensor:
        """The states in which n chains begin; see `sample`."""
        if start is None or isinstance(start, str):
            return self._walks().begin(n, seed, start)
        where = self._where("sample")
        start = self.space.check(f"{where}: start", start)
        if len(start) != n:
            raise ValueError(f"{where}: start has {len(start)} rows; n is {n}.")
        return self._walks().walker.at(tf.convert_to_tensor(start), seed)

    def _draw(self, n: Any, seed: random.Seed, steps: Any) -> tf.Tensor:
        """n examples, inside a graph."""
        walks = self._walks()
        first, second = random.split(seed, 2)
        x = walks.run(walks.begin(n, first), second, steps)
        return self.space.unflatten(x)

    # Energies and log Z ----------------------------------------------------

    @property
    def _energy_dtype(self) -> str:
        return self.variable_dtype

    def energy(self, x: ArrayLike) -> Array:
        """E(x) in nats, an array of shape (n,), with p(x) = exp(-E(x)) / Z.

        Raises:
            ValueError: if x is not in the model's space.
        """
        x = self.space.check(self._where("energy"), x)
        return self._in_batches(self.call, x)

    def log_prob(self, x: ArrayLike) -> Array:
        """log p(x) = -E(x) - log Z, in nats, an array of shape (n,).

        log Z is the one last found for the present weights by
        `log_partition`, or is found now by its "auto" method.

        Raises:
            ValueError: if x is not in the model's space, or the model was
                never adapted to data, fitted or loaded.
        """
        self._check_adapted("log_prob")
        x = self.space.check(self._where("log_prob"), x)
        log_z = self._log_z()
        return -self._in_batches(self.call, x) - log_z

    def _in_batches(
        self, function: Callable, x: Array, size: int = _ROWS
    ) -> Array:
        dtype = self._energy_dtype
        parts = [
            np.asarray(function(tf.cast(x[i : i + size], dtype)))
            for i in range(0, len(x), size)
        ]
        return np.concatenate(parts)

    def log_partition(
        self,
        method: str = "auto",
        chains: int = 100,
        temperatures: int = 1000,
        reverse: bool = True,
        seed: SeedLike = 0,
    ) -> LogPartition:
        """log Z in nats, with what is known of its error.

        The result is kept with the weights, and saved: `log_prob` and
        `export` use it until the weights change.

        Args:
            method: a sum that is exact, where the model has one:
                "enumeration", "quadrature" or "transfer_matrix"; "ais",
                annealed importance sampling from independent sites with the
                data's means; or "auto", which sums where that takes seconds.
            chains: number of AIS chains.
            temperatures: number of AIS temperatures.
            reverse: whether to anneal backwards as well, for `upper`, from
                exact samples where they can be drawn, else from the
                persistent chains after 100 further sweeps.
            seed: int or pair of ints, for AIS.

        Returns:
            A `genzoo.partition.LogPartition`. Of a quadrature, `stderr` is
            the difference from one with fewer nodes.

        Raises:
            ValueError: for an unknown or impossible method, or a model that
                was never adapted to data, fitted or loaded.
        """
        where = self._where("log_partition")
        methods = self._partition_methods()
        method = checks.one_of("auto", *methods)(method, f"{where}: method")
        self._check_adapted("log_partition")
        method = methods[0] if method == "auto" else method
        if method == "ais":
            for name, value in (
                ("chains", chains),
                ("temperatures", temperatures),
            ):
                checks.whole(2)(value, f"{where}: {name}")
            width = self.space.width
            check_memory(f"{where}: chains", chains, width)
            seed = random.as_seed(seed)
            result = self._annealed(
                int(chains), int(temperatures), reverse, seed
            )
        else:
            result = self._exact_log_partition()
        if not np.isfinite(result.value):
            raise ValueError(
                f"{where}: log Z is found to be {result.value}: the weights "
                "are too large for their dtype. Train with a smaller learning "
                "rate, or make the model with dtype='float64'."
            )
        record = [*result.to_record(), self._digest()]
        self.known_log_partition.assign(record)
        return result

    def _partition_methods(self) -> list[str]:
        """How log Z can be found, the first by default."""
        return ["enumeration"]

    def _exact_log_partition(self) -> LogPartition:
        """log Z by a sum."""
        raise ValueError(
            f"{self._where('log_partition')}: the model has no sum for log Z; "
            "its class gives none in _exact_log_partition."
        )

    def _annealed(
        self, chains: int, temperatures: int, reverse: bool, seed: random.Seed
    ) -> LogPartition:
        """log Z by annealed importance sampling."""
        raise NotImplementedError

    @property
    def stored_log_partition(self) -> LogPartition | None:
        """The `LogPartition` last found for the present weights, or None."""
        *record, of = self.known_log_partition.numpy()
        return (
            LogPartition.from_record(record) if of == self._digest() else None
        )

    def _log_z(self) -> float:
        return (self.stored_log_partition or self.log_partition()).value

    def _digest(self) -> int:
        """A number that changes with any weight of the energy."""
        return weights.fingerprint(self._energy_weights()) + 1

    # Presets ---------------------------------------------------------------

    def preset_config(self) -> dict[str, Any]:
        """The arguments of the constructor, parts as they are.

        Raises:
            ValueError: if the model has not seen data.
        """
        self._check_adapted("save_to_preset")
        return super().preset_config()

    def preset_weights(self) -> dict[str, Any]:
        """Those of the energy, and what is known of log Z."""
        return {
            **{weight.name: weight for weight in self.parameters},
            "known_log_partition": self.known_log_partition,
        }

    def preset_loaded(self) -> None:
        """It has seen data."""
        self.adapted.assign(1)

    # Export ----------------------------------------------------------------

    def endpoints(self) -> Endpoints:
        """What `export` serves: see there."""
        shape = (None, *self.event_shape)
        given = [tf.TensorSpec(shape, self.variable_dtype, "x")]
        served: Endpoints = {
            "serve": (self.call, given),
            "energy": (self.call, given),
        }
        stored = self.stored_log_partition
        if stored is not None:
            # Not a tensor: ONNX would have it as an input.
            log_z = float(stored.value)
            served["log_prob"] = (lambda x: -self.call(x) - log_z, given)

        def sample(n, seed, steps):
            return self._draw(n, random.as_seed(seed), steps)

        served["sample"] = (sample, [COUNT, SEED, STEPS])
        walks = self.walks
        if walks is not None:

            def gibbs(x, seed, steps):
                first, second = random.split(random.as_seed(seed), 2)
                x = walks.run(walks.walker.at(x, first), second, steps)
                return self.space.unflatten(x)

            served["gibbs"] = (gibbs, [*given, SEED, STEPS])
        return served


def _examples(data: Any) -> tf.Tensor:
    x, y, weight = keras.utils.unpack_x_y_sample_weight(data)
    if y is not None or weight is not None:
        raise ValueError(
            "The data must be x alone, without labels or weights. Map the "
            "dataset: dataset.map(lambda x, *rest: x)."
        )
    return x
