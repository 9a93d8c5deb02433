"""Energy-based models: p(x) = exp(-E(x)) / Z, trained by likelihood."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from genzoo import checks, losses, networks
from genzoo.losses.protocols import (
    Step,
    can_complete,
    can_weigh,
    known_rules,
    rules_of,
)
from genzoo.models.common import completion, resume, sample_weights
from genzoo.models.common import posterior as posteriors
from genzoo.models.common import watch as watching
from genzoo.models.common.agreement import warn_of_disagreement
from genzoo.models.common.clamped import ClampedWalks
from genzoo.models.common.endpoints import (
    COUNT,
    SEED,
    STEPS,
    Endpoints,
)
from genzoo.models.common.generative_model import GenerativeModel
from genzoo.models.common.given import Given
from genzoo.models.common.identity import likelihood_identity
from genzoo.models.common.posterior import Posterior
from genzoo.models.common.presets import AllChains
from genzoo.models.common.sample_metrics import SampleMetrics
from genzoo.models.common.walks import GROUP, TOGETHER, Walks, divided
from genzoo.models.common.watch import KNOWN_LENGTH, Watch
from genzoo.optimizers.falling import Falling, Plan, Planned, Trail
from genzoo.partition.log_partition import LogPartition
from genzoo.runtime import batch, distribute, random, weights
from genzoo.runtime import data as pipelines
from genzoo.runtime.graph import Graph
from genzoo.runtime.memory import check_memory
from genzoo.runtime.weights import remember
from genzoo.spaces import Space
from genzoo.types import Array, ArrayLike, Examples, SeedLike

# Sweeps before samples are compared with data in `evaluate`.
_METRIC_STEPS = 100
_ROWS = 4096
# Numbers of the states that are drawn at once.
_DRAWN_ELEMENTS = 2**22
# Persistent chains, if nobody says how many.
_CHAINS = 128
# Chains from each other start, and the samples they are compared with for each.
_WITNESSES, _COMPARED = 32, 4
# Numbers of all completions of what is given, up to which they are listed.
_MOST_COMPLETED = 2**26
# From a number of draws and a seed to states in rows.
Draw = Callable[[Any, random.Seed], tf.Tensor]
# Of the seed of a critic's first weights.
_CRITIC = 0x5EED
# States that are listed, for the entropy of data.
_MOST_STATES = 2**20


class EnergyBasedModel(GenerativeModel):
    """A `keras.Model` of an unnormalised density, trained by likelihood.

    A subclass sets `space`, and gives `call`, which is the energy, its
    `parameters`, what the learning rules of `genzoo.losses.protocols` ask
    for, and how it is drawn: by `walks`, or by a `_draw` of its own.
    Training, evaluation, log Z, samples and saving are written here.

    Attributes:
        chains: the persistent Markov chains, a layer, or None.
        walks: the `Walks` of its chain, or None.
        critic: what the rule learns besides, a layer, or None; saved with the
            model, but no part of it.

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

    _takes_gaps = True
    # Whether it can be any distribution of independent sites.
    _is_free = False

    def __init__(self, seed: SeedLike | None = None, **kwargs):
        super().__init__(seed=seed, **kwargs)
        self.chains: distribute.Chains | None = None
        self.walks: Walks | None = None
        self.critic: Any = None
        self.adapted = distribute.mirrored_weight(
            self, "adapted", (), dtype="int32"
        )
        self.known_log_partition = distribute.mirrored_weight(
            self, "known_log_partition", (KNOWN_LENGTH,), dtype="float64"
        )
        self.watch = Watch(name="watch")
        self._may_watch = False
        # Of what is known of examples, if there is a quick sum for it.
        self._sees_likelihood = True
        self._measures: keras.metrics.Mean | None = None
        self._recent: Any = None
        # Whose likelihood is found at the end of each epoch of a fit.
        self._followed: watching.Followed | None = None
        # What it learns from and what is held out, of arrays.
        self._seen: watching.Followed | None = None
        self._held_out: watching.Followed | None = None
        # Whether training was traced for rows that come by once.
        self._is_streamed = False
        self._shared: Graph | None = None
        self._completion = completion.Completion(self)
        self._scores_seen: dict[str, keras.metrics.Mean] = {}
        self._reference = Graph(
            lambda: tf.convert_to_tensor(self._reference_energy())
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
        watch: bool = True,
    ) -> None:
        """Choose the optimizer and the learning rule.

        Whatever the rule, `loss` and `val_loss` in the logs are -<log p> in
        nats under the weights of the epoch's end: of the examples of an array,
        8,192 evenly taken where there are more (2,048 with gaps or conditions),
        of the last batches of a dataset, and of held-out data. What the rule
        itself makes small stands beside it under its own name, such as
        `contrast`, as the mean over the epoch; where that is the likelihood,
        `loss` is this mean. By `genzoo.optimizers.Falling`,
        the default of many models, weights rest at an average at each epoch's
        end but the last. log Z is summed at each epoch's
        end where that is quick, else annealed by 128 chains, at 80 to 1,000
        temperatures as the epoch is long; `log_partition_stderr` is its
        standard error, which `loss` and `val_loss` share.

        Args:
            optimizer: any Keras optimizer; by default that of the model, of
                an RBM `genzoo.optimizers.Falling`.
            loss: a learning rule of `genzoo.losses` or its name; "auto" takes
                one that the model has, persistent contrastive divergence with
                128 chains if it has that; of a conditional RBM the exact
                likelihood where that is quick, else ten sweeps from the data.
            metrics: list of `keras.metrics.Metric`s, whose `update_state`
                gets (data, samples) in `evaluate` and for validation data.
            run_eagerly: as in Keras.
            steps_per_execution: as in Keras; 16 saves about a tenth.
            jit_compile: as in Keras. XLA makes sampling slower on CPUs.
            watch: whether the likelihood is followed. False saves the time,
                and leaves only the rule's measure in the logs.

        Raises:
            ValueError: if the model lacks what the loss needs, its chains do
                not fit into memory, or an option fails under the current
                strategy.
        """
        self._check_options(run_eagerly, steps_per_execution, jit_compile)
        checks.flag(watch, f"{self._where('compile')}: watch")
        is_auto = isinstance(loss, str) and loss == "auto"
        rule = losses.get(self._default_loss() if is_auto else loss)
        rule.check(self)
        compared = SampleMetrics(metrics)
        optimizer = checks.of_keras(
            keras.optimizers,
            self._default_optimizer(rule) if optimizer is None else optimizer,
            f"{self._where('compile')}: optimizer",
        )
        if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
            raise ValueError(
                "compile: optimizer is a LossScaleOptimizer, but there is no "
                "loss to be scaled: gradients are closed forms in the "
                "variables' dtype. Pass its inner optimizer."
            )
        self._check_optimizer(optimizer, rule)
        if isinstance(optimizer, Planned):
            optimizer.fingerprint = weights.fingerprint
        self._build_optimizer(optimizer, self.trainable_variables)
        with self.distribute_strategy.scope():
            critic = rule.make_critic(self, self._perceptron)
        # Last of what may be refused, so that a refusal changes nothing.
        asked = rule.chains
        self.keep_chains(self._default_chains() if asked is None else asked)
        super().compile(
            optimizer=optimizer,
            run_eagerly=run_eagerly,
            steps_per_execution=steps_per_execution,
            jit_compile=jit_compile,
            auto_scale_loss=False,
        )
        self.loss: Any = rule
        self._keep_critic(critic)
        self._compared = compared
        self._asked_to_watch = bool(watch)
        is_likelihood = rule.measure == "loss"
        has_log_z = self.walks is not None or math.isfinite(self._sum_terms())
        self._may_watch = bool(watch) and has_log_z and not is_likelihood
        with self.distribute_strategy.scope():
            self._measures = keras.metrics.Mean(name=rule.measure)
            self._recent = watching.Recent(name="loss")
            self._scores_seen = {
                name: keras.metrics.Mean(name=name) for name in rule.scores
            }

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

    def _default_chains(self) -> int:
        """How many persistent chains there are, if the rule does not say."""
        return _CHAINS

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
            "watch": self._asked_to_watch,
        }

    def keep_chains(self, count: int) -> None:
        """Have so many persistent chains, those there are if as many.

        Raises:
            ValueError: if the model has no Markov chain, or so many do not
                fit into memory or among the replicas.
        """
        checks.whole(0)(count, f"{self._where('keep_chains')}: count")
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

    def _keep_critic(self, critic: Any) -> None:
        """Have it saved with the model, whose weights it has no part in."""
        if critic is None:
            self.critic = None
            return
        # Keras locks a model that was built by `build`.
        self._tracker.unlock()
        self.critic = critic
        self._tracker.untrack(critic)

    def _perceptron(self, space: Space) -> keras.Model:
        """A network from examples of a space to one number."""
        first, second = (int(word) for word in self.draws.seed)
        own = (first ^ second ^ _CRITIC) % 2**31
        return networks.energy_mlp(space, width=64, depth=2, seed=own)

    def _walks(self) -> Walks:
        if self.walks is None:
            raise ValueError(f"{type(self).__name__} has no Markov chain.")
        return self.walks

    def _forget_chains(self) -> None:
        if self.chains is not None:
            self._tracker.untrack(self.chains)
            self.chains = self._walks().chains = None

    def set_weights(self, weights: Sequence[Array]) -> None:
        """Set all weights, as `keras.Model.set_weights` does.

        `compile` gives a model persistent chains, a clone has none yet: chains
        that come along are kept, and where none come new ones are drawn.

        Args:
            weights: arrays, those of `get_weights` of such a model.

        Raises:
            ValueError: if they are not as many, or of other shapes; the
                weights are then as they were.
        """
        put_back = remember(self)
        had = self.chains
        try:
            if had is None and len(weights) == len(self.weights) + 1:
                replicas = distribute.replica_count()
                self.keep_chains(replicas)
                rows = np.atleast_1d(weights[self._place_of_chains()])
                self.keep_chains(replicas * len(rows))
            elif had is not None and len(weights) == len(self.weights) - 1:
                place = self._place_of_chains()
                own = self.weights[place].numpy()
                weights = [*weights[:place], own, *weights[place:]]
                super().set_weights(weights)
                self.reset_chains()
                return
            super().set_weights(weights)
        except ValueError:
            if had is None:
                self.keep_chains(0)
            put_back()
            raise

    def _place_of_chains(self):
        assert self.chains is not None
        states = self.chains.states
        return next(i for i, w in enumerate(self.weights) if w is states)

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

    def adapt(
        self,
        x: Any,
        steps: int | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> None:
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
        self._check_finite(method)

    def _check_finite(self, method: str) -> None:
        """Raise a ValueError if weights of the energy are NaN or infinite."""
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
        aside = [self.adapted, self.known_log_partition]
        aside += [*self.draws.weights, *self.watch.weights]
        if self.chains is not None:
            aside += self.chains.weights
        known = {id(weight) for weight in (*aside, *self.parameters)}
        fixed = [weight for weight in self.weights if id(weight) not in known]
        return [*self.parameters, *fixed]

    # Training -------------------------------------------------------------

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
        missing: float | str | None = None,
        mask: ArrayLike | None = None,
        **kwargs: Any,
    ) -> keras.callbacks.History:
        """Train as `keras.Model.fit`; see `GenerativeModel.fit`.

        Where some of the examples is unknown, the likelihood is that of what
        is known: the rest is summed or sampled over, given that.

        A `UserWarning` tells of a fit, of an array that is known in full, that
        ends with a larger -<log p> than columns have one by one, by their
        frequencies or as normal distributions; and of one that does so on
        held-out rows alone, an array, and has learned noise.

        Args:
            x: array of shape (n, *event_shape), or a `tf.data.Dataset` of
                batches, which may be (x, sample_weight).
            y: must be None.
            batch_size: rows of a batch, over all replicas.
            epochs: passes over the data, by default 1.
            verbose: as in Keras.
            callbacks: as in Keras.
            validation_split: the last share of x, held out.
            validation_data: array or dataset of held-out examples, or (x,
                None, sample_weight).
            shuffle: whether to shuffle an array.
            class_weight: not taken.
            sample_weight: what each example counts, (n,), in any unit. Whole
                numbers are as good as repetitions of examples.
            missing: what stands for an unknown number in x: "nan", or a
                number such as -1; None takes all as known.
            mask: what of an array x is known, bool, true where it is, in the
                shape of x or of one example.
            **kwargs: the other arguments of `keras.Model.fit`.

        Returns:
            The `History` of Keras.

        Raises:
            ValueError: as `GenerativeModel.fit`.
        """
        gaps = {"missing": missing, "mask": mask}
        if missing is None and mask is None:
            gaps = {}
        # A fit that was refused may have left some.
        self._followed = self._seen = self._held_out = None
        return super().fit(
            x,
            y,
            batch_size=batch_size,
            epochs=epochs,
            verbose=verbose,
            callbacks=callbacks,
            validation_split=validation_split,
            validation_data=validation_data,
            shuffle=shuffle,
            class_weight=class_weight,
            sample_weight=sample_weight,
            **gaps,
            **kwargs,
        )

    def _given(
        self,
        method: str,
        x: Any,
        y: Any = None,
        weight: Any = None,
        missing: float | str | None = None,
        mask: Any = None,
    ) -> Given:
        if missing is None and mask is None:
            return super()._given(method, x, y, weight)
        where = self._where(method)
        if method != "evaluate" and not can_complete(self, self.loss):
            others = known_rules(self)
            able = [n for n in others if can_complete(self, losses.get(n))]
            choice = f"Compile with one of {able}" if able else "Fill them in"
            raise ValueError(
                f"{where}: {type(self.loss).__name__} of "
                f"{type(self).__name__} needs examples that are known in "
                f"full; some of x is missing. {choice}, or leave them out."
            )
        if not completion.are_blocks(self.space, x):
            x, y, weight = self._parts(x, y, weight)
        self._refuse(method, y=y)
        is_held = isinstance(x, Mapping) or completion.are_blocks(self.space, x)
        if not pipelines.is_array(x) and not is_held:
            if mask is not None or weight is not None:
                raise ValueError(
                    f"{where}: mask and sample_weight go with an array x; in "
                    "a dataset unknown numbers are those that are missing, "
                    "and it may give (x, sample_weight)."
                )
            x = self._of_blocks(where, x, has_gaps=True)
            return Given(
                completion.check_dataset(
                    where, x, self.space, missing, self._keeps_float64
                )
            )
        partial = completion.read(
            where, self.space, x, mask, missing, self._keeps_float64
        )
        if not len(partial.x):
            raise ValueError(f"{where}: x is empty, shape {partial.x.shape}.")
        if weight is not None:
            weight = sample_weights.check(where, weight, len(partial.x))
        return Given(
            partial.x, None, weight, partial.seen.reshape(partial.x.shape)
        )

    def _of_blocks(self, where: str, dataset: Any, has_gaps: bool) -> Any:
        """A dataset of examples, of one that may be of their blocks."""
        return dataset

    @property
    def _watches(self) -> bool:
        """Whether the likelihood is followed, beside what the rule measures."""
        return self._may_watch and self._sees_likelihood

    def _plan_of_batches(self, x: Any, y: Any, **asked: Any) -> dict[str, Any]:
        has_gaps = "missing" in asked or "mask" in asked
        sums = getattr(rules_of(self), "sums_gaps", False)
        self._sees_likelihood = sums or not has_gaps
        return self._with_pace(super()._plan_of_batches(x, y, **asked))

    def _with_pace(self, plan: dict[str, Any]) -> dict[str, Any]:
        """A plan of which a falling rate knows how long it is."""
        if isinstance(self.optimizer, Planned):
            begin = plan.get("initial_epoch", 0)
            done = resume.batches_done(self._saved, plan)
            pace = Plan(self._rate_unit(), begin, batches_done=done)
            plan["callbacks"] = [pace, *plan["callbacks"]]
        return plan

    def _rate_unit(self) -> float:
        """The unit of the rate of a `genzoo.optimizers.Falling`."""
        return 1.0

    def _prepare(self, given: Given, steps: int | None = None) -> None:
        if self.adapted.numpy():
            return
        # Models of users may know no weights.
        weight = [] if given.weight is None else [given.weight]
        self.adapt(given.x, steps, *weight)

    def train_step(self, data: Any) -> dict[str, tf.Tensor]:
        """One update by the learning rule that `compile` was given."""
        x = self._batch(data)
        first, rows = distribute.global_rows(_rows(x))
        seed = self.draws.next().at_row(first)
        x = self._learned(x, seed)
        penalties = self._penalty_gradients()
        step = Step(*self.loss.gradients(self, x, seed))
        # Before the weights move.
        height = self._height(x, step.energy) if self._watches else None
        gradients = [
            gradient if penalty is None else gradient + penalty
            for gradient, penalty in zip(step.gradients, penalties, strict=True)
        ]
        gradients, place = self._before_step(gradients, seed)
        pairs = [
            (gradient, weight)
            for gradient, weight in zip(gradients, self.parameters, strict=True)
            if weight.trainable
        ]
        if isinstance(self.optimizer, Falling):
            pairs = [(_paced(*pair), pair[1]) for pair in pairs]
        if pairs:
            self.optimizer.apply(*map(list, zip(*pairs, strict=True)))
        self._after_step(place)
        if trail := self._trail:
            trail.follow()
            if self._watches and self._is_streamed:
                height = self._height_ahead(x, height, trail)
        self.adapted.assign(1)
        return self._logs(step.measure, height, rows, x, step.scores)

    def _learned(self, x: Any, seed: random.Seed) -> Any:
        """A batch as a learning rule is given it."""
        return x

    def _before_step(
        self, gradients: list, seed: random.Seed
    ) -> tuple[list, Any]:
        """The gradients that are descended, and what `_after_step` is told."""
        return gradients, None

    def _after_step(self, place: Any) -> None:
        """Called once the optimizer has moved the weights."""

    def _batch(self, data: Any) -> Any:
        """A `Batch` or x, of what a pipeline gives."""
        x, y, weight = keras.utils.unpack_x_y_sample_weight(data)
        if weight is None and y is not None and sample_weights.may_be(y):
            y, weight = None, y
        if y is not None and not self._is_conditional:
            raise ValueError(
                "The data must be x alone, or (x, sample_weight) with floats "
                "of shape (batch,). To leave out labels, map the dataset: "
                "dataset.map(lambda x, *rest: x)."
            )
        x = batch.unpacked(x) if weight is None else batch.make(x, weight)
        if isinstance(x, batch.Batch) and not can_weigh(self):
            name = type(self).__name__
            raise ValueError(
                f"{name} takes no weights of examples: its learning rules "
                "are given x alone. Repeat examples instead, or have the "
                "rules take a genzoo.runtime.batch.Batch and set "
                "takes_batches = True."
            )
        if y is None:
            return x
        own = batch.weight(x), batch.seen(x)
        return batch.Batch(batch.examples(x), *own, condition=y)

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
        x = self._batch(data)
        first, rows = distribute.global_rows(_rows(x))
        seed = self.draws.next(random.SAMPLING).at_row(first)
        measure = height = scores = None
        if self.loss.scores:
            scores = self.loss.score(self, x, seed)
            measure = scores.pop(self.loss.measure, None)
        if self._watches:
            height = self._height(x)
        elif measure is None:
            measure = self.loss.value(self, x, seed)
        if self._compared.metrics:
            own = random.fold_in(seed, 0)
            steps = tf.constant(_METRIC_STEPS)
            samples = self._draw_beside(x, own, steps)
            self._compared.update(sample_weights.repeated(x), samples)
        return self._logs(measure, height, rows, x, scores, self._loss_tracker)

    # The logs ---------------------------------------------------------------

    def _height(self, x, energy=None) -> tf.Tensor:
        """This replica's share of <E(x) - E0> over a batch, in nats.

        E is minus the log of a sum over what is unknown of x.
        """
        if batch.seen(x) is not None:
            each = rules_of(self).marginal_energy(x)
            energy = batch.weighed(batch.shares(x, each.dtype), each)
        elif energy is None:
            each = self.call(batch.examples(x))
            energy = batch.weighed(batch.shares(x, each.dtype), each)
        reference = tf.cast(self._reference_energy(), energy.dtype)
        total = batch.total(x, energy.dtype)
        return energy - total * distribute.share(reference)

    def _reference_energy(self) -> Any:
        """E0, the energy of a point in the midst of the data, in nats."""
        return 0.0

    def _logs(
        self, measure, height, rows, x=None, scores=None, heights=None
    ) -> dict[str, tf.Tensor]:
        """The means so far, given this replica's shares of a batch's.

        Args:
            measure: what the rule makes small, or None.
            height: `_height`, or None.
            rows: of the batch, on all replicas.
            x: the batch; None counts rows alone.
            scores: further ones of the rule, by name.
            heights: what heights are kept in, by default that of training.
        """
        heights = heights or self._recent
        total = batch.total(x, tf.float32)
        if batch.weight(x) is not None:
            rows = total * tf.cast(rows, tf.float32)
        scores = scores or {}
        for tracker, value in (
            (self._measures, measure),
            (heights, height),
            *((self._scores_seen[name], scores[name]) for name in scores),
        ):
            if tracker is not None and value is not None:
                value = distribute.all_sum(value)
                if batch.weight(x) is not None:
                    value = tf.math.divide_no_nan(
                        value, tf.cast(total, value.dtype)
                    )
                tracker.update_state(value, sample_weight=rows)
        logs = self._results(heights)
        if measure is None:
            del logs[self.loss.measure]
        return distribute.shape_logs(logs)

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        """Keras's, the rule's measure, and those of samples."""
        own: list[keras.metrics.Metric] = []
        if self._measures is not None:
            own = [self._measures, self._recent]
        return [*own, *self._scores_seen.values(), *super().metrics]

    def get_metrics_result(self) -> dict[str, Any]:
        """The mean negative log-likelihood, and the rule's measure."""
        is_evaluating = self._compared.is_evaluating
        return self._results(
            self._loss_tracker if is_evaluating else self._recent
        )

    def _results(self, heights):
        if self._measures is None:
            return {}
        shown = [self._measures, *self._scores_seen.values()]
        measure = {tracker.name: tracker.result() for tracker in shown}
        if not self._watches:
            return measure
        height = heights.result()
        level = tf.cast(tf.convert_to_tensor(self.watch.level.value), "float32")
        return {"loss": height + level, **measure}

    def _look(self) -> LogPartition:
        """log Z at the present weights, found in less time than an epoch."""
        of = self._digest()
        found = self.watch.known(of)
        if found is None:
            found = self._glance(self._rows_of_epoch())
            self.watch.keep(found, of)
        self._set_level(found.value)
        return found

    def _rows_of_epoch(self) -> int:
        """How many rows the present epoch has learned from."""
        count = np.asarray(self._recent.rows.value.read_value())
        # Each replica counts all.
        replicas = distribute.replica_count(self.distribute_strategy)
        return int(count) // replicas

    def _set_level(self, log_z: float) -> None:
        self.watch.level.assign(log_z + float(self._reference()))

    def _glance(self, rows: int) -> LogPartition:
        """log Z by a sum, or by annealing as long as rows were learned from."""
        if watching.sums(self._sum_terms(), rows, self.space.width):
            return self._exact_log_partition()
        # The same draws each time, so that epochs differ by their weights.
        return self._walks().glance(
            watching.CHAINS, watching.temperatures(rows), random.as_seed(0)
        )

    def _sum_terms(self) -> float:
        """How many terms the sum for log Z has; inf if there is none."""
        own = type(self)._exact_log_partition
        has_sum = own is not EnergyBasedModel._exact_log_partition
        return 0 if has_sum else math.inf

    def _own_callbacks(self) -> list[keras.callbacks.Callback]:
        if not self._watches:
            return []
        return [watching.EachEpoch(self._look_ahead)]

    def _look_ahead(self) -> None:
        """Find log Z where an epoch begins, not where one goes on."""
        if self._progress is None or not self._progress.is_midway:
            self._look()

    def _get_metrics_result_or_logs(self, logs):
        # Called by Keras once the last batch of an epoch was seen.
        logs = super()._get_metrics_result_or_logs(logs)
        if self._compared.is_evaluating:
            return logs
        # A training that ends as planned ends where it is.
        trail = self._trail
        rests = trail is not None and not self.optimizer.has_fallen
        if trail is not None and rests:
            trail.rest()
        if not self._watches:
            return logs
        if weights.not_finite(self.trainable_variables):
            return logs
        before = self.watch.level.numpy()
        found = self._look()
        logs = {**logs, **self.get_metrics_result()}
        if self._followed is not None:
            logs["loss"] = self._height_now() + self.watch.level.numpy()
        elif rests:
            # Averages drift evenly; rows were seen a little earlier.
            logs["loss"] -= watching.LAG * (self.watch.level.numpy() - before)
        return {**logs, "log_partition_stderr": found.stderr}

    @property
    def _trail(self) -> Trail | None:
        """Where the weights were, if the optimizer keeps that."""
        is_planned = isinstance(self.optimizer, Planned)
        return self.optimizer.trail if is_planned else None

    def _height_ahead(self, x, height, trail) -> tf.Tensor:
        """`_height` where the weights will be at the epoch's end, or height.

        Of rows that come by once: an array's are looked at then.
        """
        counts = tf.logical_and(
            tf.equal(trail.is_over.value, 0), self._recent.is_late()
        )

        def ahead():
            found = trail.at_averages(lambda: self._height(x))
            return tf.cast(found, height.dtype)

        if distribute.on_several_replicas():
            # They sum up what they find, which none may do under a condition.
            return tf.where(counts, ahead(), height)
        return tf.cond(counts, ahead, lambda: height)

    def _height_now(self) -> float:
        """<E(x) - E0> of the examples that are followed."""
        assert self._followed is not None
        measure: Callable = self._share
        if self._followed.is_dear:
            # Sums are slow without a graph, energies as quick.
            spec = self._followed.spec()
            if self._shared is None or not self._shared.takes(spec):
                self._shared = Graph(self._share, spec)
            measure = self._shared
        shares = np.array(
            [
                [rows * float(part) for part in measure(given)]
                for rows, given in self._followed.parts()
            ]
        )
        height, total = shares.sum(axis=0)
        return float(height / total) if total else 0.0

    def _share(self, given: Any) -> tuple[tf.Tensor, tf.Tensor]:
        """A batch's `_height`, and its mean weight."""
        x = self._batch(given)
        total = tf.convert_to_tensor(batch.total(x, tf.float32))
        return self._height(x), total

    def train_on_batch(
        self,
        x: Any,
        y: Any = None,
        sample_weight: ArrayLike | None = None,
        class_weight: None = None,
        return_dict: bool = False,
    ) -> Any:
        """One update, as in Keras; what the rule makes small is returned.

        The likelihood is not: `test_on_batch` finds it.
        """
        checks.flag(
            return_dict, f"{self._where('train_on_batch')}: return_dict"
        )
        logs = super().train_on_batch(
            x, y, sample_weight, class_weight, return_dict=True
        )
        if self._watches:
            del logs["loss"]
        return logs if return_dict else logs[self.loss.measure]

    def _follow(self, x: Any, y: Any) -> None:
        given = x if y is None else (x, y)
        self._seen = watching.Followed(given, False)
        if self._watches:
            # Gaps and conditions have sums of their own for each row.
            is_dear = y is not None or batch.has_gaps(x)
            self._followed = watching.Followed(given, is_dear)

    def _hold_out(self, x: Any, y: Any) -> None:
        given = x if y is None else (x, y)
        self._held_out = watching.Followed(given, False)

    def _run(
        self, verbose: str | int, plan: dict[str, Any]
    ) -> keras.callbacks.History:
        is_streamed = self._followed is None
        if is_streamed != self._is_streamed:
            self._is_streamed, self.train_function = is_streamed, None
        try:
            callbacks = plan["callbacks"]
            history = super()._run(verbose, plan)
            self._compare_with_columns(history, callbacks)
            return history
        finally:
            self._followed = self._seen = self._held_out = None

    def _compare_with_columns(
        self, history: keras.callbacks.History, callbacks: list
    ) -> None:
        """Warn of a model that knows less of the data than columns alone."""
        if self._seen is None or not (self._is_free and self.loss.of_all):
            return
        # A loss of the epoch's end, not a mean while weights moved.
        is_known = self._followed is not None
        tried = self._held_out if "loss" in history.history else None
        if not is_known and tried is None:
            return
        where, count = self._where("fit"), watching.row_count(self.space)
        rows = self._batch(self._seen.some(count))
        if is_known:
            watching.warn_of_less(where, rows, self.space, history.history)
        if tried is not None:
            held = self._batch(tried.some(count))
            watching.warn_of_noise(
                where, rows, held, self.space, history, callbacks
            )

    def _prepare_scores(self, is_fitting: bool) -> None:
        if not self._watches:
            return
        if is_fitting:
            self._look()
        else:
            self._set_level(self._log_z())

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
        missing: float | str | None = None,
        mask: ArrayLike | None = None,
        **kwargs: Any,
    ) -> Any:
        """-<log p> of examples in nats, and whether the identities hold.

        `loss` is the mean of `-log_prob`, with the same log Z, of which
        `log_partition_stderr` is the standard error. For arrays of a discrete
        space of up to 2**20 states, `data_entropy` H(data),
        `kl_divergence` KL(data || model) and `likelihood_identity`,
        |<log p>_data + H(data) + KL(data || model)|, stand beside it.

        Where some of the examples is unknown, `loss` is the mean of minus
        `log_marginal`, of what is known, whatever the model was compiled
        with, and nothing else is measured. If what is unknown has no sum it
        is annealed: `marginal_stderr` is then the standard error of that.

        Args:
            x: examples, an array or a dataset of batches.
            y: must be None.
            batch_size: as in Keras.
            verbose: as in Keras.
            sample_weight: what each example counts, (n,).
            steps: as in Keras.
            callbacks: as in Keras.
            return_dict: as in Keras.
            missing: what stands for an unknown number in x, "nan" or a number
                such as -1; None takes all as known.
            mask: what of an array x is known, bool, true where it is.
            **kwargs: as in Keras.

        Raises:
            ValueError: if x is not in the space, or the model has not seen
                data.
        """
        checks.flag(return_dict, f"{self._where('evaluate')}: return_dict")
        if missing is not None or mask is not None:
            (x,), _ = self._opened("evaluate", x)
            given = self._given("evaluate", x, y, sample_weight, missing, mask)
            results = self._of_known(given, steps)
            values = list(results.values())
            if return_dict:
                return results
            return values if len(values) > 1 else values[0]
        is_fitting = bool(kwargs.get("_use_cached_eval_dataset"))
        if not is_fitting and not completion.are_blocks(self.space, x):
            x, y, sample_weight = self._parts(x, y, sample_weight)
        results = super().evaluate(
            x,
            y,
            batch_size=batch_size,
            verbose=verbose,
            sample_weight=sample_weight,
            steps=steps,
            callbacks=callbacks,
            return_dict=True,
            **kwargs,
        )
        if not is_fitting:
            results |= self._identities(x, sample_weight)
        return (
            results if return_dict else self._flatten_metrics_in_order(results)
        )

    def _of_known(self, given: Given, steps: int | None) -> dict[str, float]:
        """What `evaluate` finds of examples of which some is unknown."""
        where = self._where("evaluate")
        self._check_adapted("evaluate")
        if steps is None and pipelines.is_endless(given.x):
            raise ValueError(f"{where}: the dataset has no end; pass steps.")
        log_z, total, summed, square = self._log_z(), 0.0, 0.0, 0.0
        seed = random.as_seed(0)
        with self._told_plainly("evaluate"):
            parts = pipelines.known_parts(
                given.x, given.weight, given.seen, steps
            )
            for x, weight, seen in parts:
                rows = len(x)
                weight = np.ones(rows) if weight is None else weight
                weight = np.asarray(weight, np.float64)
                seen = np.ones(x.shape, bool) if seen is None else seen
                found = self._completion.marginal(
                    where,
                    completion.Partial(x, seen.reshape(rows, -1)),
                    log_z,
                    completion.CHAINS,
                    completion.TEMPERATURES,
                    seed,
                )
                seed = random.fold_in(seed, rows)
                total += weight.sum()
                summed += weight @ found.value
                square += weight**2 @ found.stderr**2
        if not total > 0:
            raise ValueError(
                f"{where}: the weights of the examples have the sum "
                f"{total:g}; they must have one above 0."
            )
        results = {"loss": float(-summed / total)}
        if square:
            results["marginal_stderr"] = float(np.sqrt(square) / total)
        stored = self.stored_log_partition
        if self._partition_methods()[0] == "ais" and stored is not None:
            results["log_partition_stderr"] = stored.stderr
        return results

    def _identities(
        self, x: Any, weight: ArrayLike | None = None
    ) -> dict[str, float]:
        """What `evaluate` finds beside the likelihood."""
        found = {}
        stored = self.stored_log_partition
        if self._is_estimated and stored is not None:
            found["log_partition_stderr"] = stored.stderr
        if self._has_few_states and pipelines.is_array(x):
            x = np.asarray(self._examples("evaluate", x))
            found |= likelihood_identity(x, self.log_prob, weight)
        return found

    @property
    def _is_estimated(self) -> bool:
        return self._watches and self._partition_methods()[0] == "ais"

    @property
    def _has_few_states(self) -> bool:
        return (self.space.state_count or np.inf) <= _MOST_STATES

    def _result_names(self) -> tuple[list[str], list[str]]:
        first = ["loss"] if self._watches else [self.loss.measure]
        if self.loss.scores:
            shown = [self.loss.measure, *self.loss.scores]
            first += [name for name in shown if name not in first]
        last = ["log_partition_stderr"] if self._is_estimated else []
        if self._has_few_states:
            last += ["data_entropy", "kl_divergence", "likelihood_identity"]
        return first, last

    # Samples --------------------------------------------------------------

    def sample(
        self,
        n: int,
        seed: SeedLike | None = None,
        steps: int = 1000,
        start: str | ArrayLike | None = None,
        temperature: float = 1.0,
        method: str = "auto",
        given: ArrayLike | None = None,
        mask: ArrayLike | None = None,
    ) -> Array:
        """Examples drawn from the model, or completed by it.

        Independent and exact where the model has a sum that takes no longer
        than chains would. Else from Markov chains: those that persisted
        through training go on, if there are any. If not, the first half of
        the sweeps follow a path from independent sites to the model along
        which the chains are resampled by weight, in groups of 128, so that
        modes have their shares although no chain passes between them; the
        second half are sweeps of the model. Beside 32 samples and more walk
        chains from other starts, and a warning says when these stay elsewhere.

        Args:
            n: number of samples.
            seed: int or pair of ints; None takes the next of the model's own
                seeds for samples, which does not affect training. Row r is
                the same however many there are.
            steps: sweeps of the chains, at least 1; exact draws need none.
            start: where a plain walk begins: "chains", the persistent chains;
                "random", without the model's couplings; an array of n
                examples. All sweeps are then of the model, also where draws
                could be exact. None leaves it to `method`.
            temperature: positive; `p^(1 / temperature)` is drawn, 1 being the
                model, and 0.5 favouring the probable.
            method: "exact", a sum, if the model has one; "chains", annealed
                Markov chains; or "auto", the first where that is cheap, else
                the persistent chains, else the second.
            given: an example of which some is known, or n of them: what is
                drawn is the rest, from its distribution given that. Exact
                where the rest can be summed over, else by chains in which the
                known is held.
            mask: what of `given` is known: bool, true where it is, in the
                shape of one example or of `given`; None takes all that is
                not NaN.

        Returns:
            An array of shape (n, *event_shape).

        Raises:
            ValueError: for an n or a number of steps below 1, an n beyond
                memory, or a start, a temperature or a method that the model
                does not have.
        """
        return self._sampled(
            n, seed, steps, start, temperature, method, given, mask
        )

    def _check_width(self, x: Any) -> None:
        """Raise a ValueError if rows hold other numbers than an example.

        They would be cut anew, into fewer or more rows.
        """
        shape = tf.TensorShape(getattr(x, "shape", None))
        if shape.rank is None or shape.rank < 2:
            return
        width = shape[1:].num_elements()
        if width is not None and width != math.prod(self.event_shape):
            expected = ", ".join(map(str, ("n", *self.event_shape)))
            raise ValueError(
                f"{self._where('call')}: x must have shape ({expected}); "
                f"received {tuple(shape)}."
            )

    def _sampled(
        self,
        n,
        seed,
        steps,
        start,
        temperature,
        method,
        given=None,
        mask=None,
        condition=None,
    ) -> Array:
        n = self._check_count("sample", n)
        self._check_adapted("sample")
        where = self._where("sample")
        steps = checks.positive_int(steps, f"{where}: steps")
        temperature = checks.positive_number(
            temperature, f"{where}: temperature"
        )
        method = checks.one_of("auto", "exact", "chains")(
            method, f"{where}: method"
        )
        if start is not None and method == "exact":
            raise ValueError(
                f"{where}: start is where chains begin; method is 'exact'. "
                "Leave one of them out."
            )
        asked = any(v is not None for v in (given, mask, condition))
        if asked or self._is_conditional:
            how = seed, steps, start, temperature, method
            return self._completed(n, *how, given, mask, condition)
        draw = None
        if start is None and method != "chains":
            effort = "asked" if method == "exact" else "call"
            draw = self._exact_draws(effort, temperature)
        if draw is not None:
            return self._collected(n, draw, self._seed_for(seed))
        if method == "exact":
            raise ValueError(
                f"{where}: method is 'exact', but there is no sum over so "
                "many states. Use method='auto'."
            )
        if self.walks is None:
            return self._own_draws(n, seed, steps, start, temperature, method)
        if start is None:
            keeps = self._has_places and temperature == 1
            persist = keeps and method == "auto"
            draw = self._compared_draws(steps, temperature, persist)
        else:
            draw = self._plain_draws(n, steps, start, temperature)
        # What is refused takes no draw of the model's.
        return self._collected(n, draw, self._seed_for(seed))

    def _completed(
        self,
        n,
        seed,
        steps,
        start,
        temperature,
        method,
        given=None,
        mask=None,
        condition=None,
    ) -> Array:
        """`sample` where something is given."""
        where = self._where("sample")
        c = self._condition_for("sample", condition, n)
        if given is None and (mask is not None or c is None):
            raise ValueError(
                f"{where}: mask says what of given is known, which is missing."
            )
        if start is not None or temperature != 1:
            raise ValueError(
                f"{where}: given or condition goes without start, and with "
                "temperature 1."
            )
        if given is None:
            partial = completion.unknown(self.space, 1)
        else:
            partial = self._read_given(given, mask, n)
        if c is not None and len(partial.x) == 1 and (c == c[:1]).all():
            # One row for all, of which sums are made once.
            c = c[:1]
        partial = partial.under(c)
        seed = self._seed_for(seed)
        return self._completion.draw(where, partial, n, seed, steps, method)

    def _partial(self, method, x, mask, missing="nan", condition=None):
        """Examples of which some is known, checked."""
        self._check_adapted(method)
        if x is None and self._is_conditional:
            found = completion.unknown(self.space, 1)
            return found.under(self._condition_for(method, condition, None))
        found = self._read(method, x, mask, missing)
        c = self._condition_for(method, condition, len(found.x))
        return found.under(c)

    def _read_given(self, given, mask, n):
        """What `sample` is given: one example, or as many as are drawn."""
        given = completion.as_one(self.space, given)
        count = getattr(given, "shape", None) or (n,)
        if count[0] in (1, n):
            # Blocks tell how many there are once they are read.
            partial = self._read("sample", given, mask, name="given")
            count = (len(partial.x),)
        if count[0] not in (1, n):
            raise ValueError(
                f"{self._where('sample')}: given has {count[0]} rows; n is "
                f"{n}. Pass one example, or as many as are drawn."
            )
        return partial

    def _read(self, method, x, mask, missing="nan", name="x"):
        where, wide = self._where(method), self._keeps_float64
        return completion.read(where, self.space, x, mask, missing, wide, name)

    def _known(self, partial: completion.Partial) -> tuple[Array, Array]:
        """(states, which of their numbers are known), both (n, width)."""
        return self._states_of(partial.x), partial.seen

    def conditional_mean(
        self,
        x: ArrayLike | None = None,
        mask: ArrayLike | None = None,
        steps: int = 1000,
        seed: SeedLike = 0,
        condition: Any = None,
    ) -> Array:
        """<x> given what is known of it, (n, *event_shape).

        By a sum over what is unknown where that takes seconds, else along one
        chain of each example, in which the known is held.

        Args:
            x: examples, (n, *event_shape); of a conditional model None, where
                nothing is known but its condition.
            mask: what of them is known: bool, true where it is, in the shape
                of x or of one example; None takes all that is not NaN.
            steps: sweeps of the chains, half of which are annealed.
            seed: int or pair of ints, for the chains.
            condition: what each is given, or one for all, of a conditional
                model.

        Raises:
            ValueError: if what is known is not in the model's space, or the
                mask has another shape.
        """
        partial = self._partial("conditional_mean", x, mask, "nan", condition)
        where = self._where("conditional_mean")
        steps = checks.positive_int(steps, f"{where}: steps")
        seed = random.as_seed(seed)
        return self._completion.mean(where, partial, seed, steps)

    def impute(
        self,
        x: ArrayLike,
        mask: ArrayLike | None = None,
        missing: float | str = "nan",
        how: str = "mean",
        steps: int = 1000,
        seed: SeedLike = 0,
        condition: Any = None,
    ) -> Array:
        """x with its missing numbers filled in, (n, *event_shape).

        Args:
            x: examples, (n, *event_shape).
            mask: what of them is known, as in `conditional_mean`.
            missing: what stands for a missing number where there is no mask:
                "nan", or a number such as -1.
            how: "mean", the conditional means, of categories their
                probabilities; or "sample", a draw, which lies in the space.
            steps: sweeps of the chains, where there is no sum.
            seed: int or pair of ints.
            condition: what each is given, or one for all, of a conditional
                model.

        Raises:
            ValueError: as `conditional_mean`.
        """
        where = self._where("impute")
        how = checks.one_of("mean", "sample")(how, f"{where}: how")
        steps = checks.positive_int(steps, f"{where}: steps")
        partial = self._partial("impute", x, mask, missing, condition)
        seed = random.as_seed(seed)
        if how == "mean":
            return self._completion.mean(where, partial, seed, steps)
        n = len(partial.x)
        return self._completion.draw(where, partial, n, seed, steps, "auto")

    def log_marginal(
        self,
        x: ArrayLike,
        mask: ArrayLike | None = None,
        chains: int = completion.CHAINS,
        temperatures: int = completion.TEMPERATURES,
        seed: SeedLike = 0,
        condition: Any = None,
    ) -> completion.Marginal:
        """log p of what is known of examples, in nats, with its errors.

        By a sum over what is unknown, else by annealed importance sampling of
        it. log Z is that of `log_prob`.

        Args:
            x: examples, (n, *event_shape).
            mask: what of them is known, as in `conditional_mean`.
            chains: of annealing, for each example.
            temperatures: of annealing.
            seed: int or pair of ints.
            condition: what each is given, or one for all, of a conditional
                model.

        Returns:
            A `Marginal` (value, stderr) of arrays (n,).

        Raises:
            ValueError: as `conditional_mean`.
        """
        partial = self._partial("log_marginal", x, mask, "nan", condition)
        where = self._where("log_marginal")
        for name, value in (("chains", chains), ("temperatures", temperatures)):
            checks.whole(2)(value, f"{where}: {name}")
        seed = random.as_seed(seed)
        log_z = self._log_z_given(partial.condition)
        return self._completion.marginal(
            where, partial, log_z, int(chains), int(temperatures), seed
        )

    def _states_of(self, x: Array) -> Array:
        """The states of checked examples, (n, width)."""
        return self.space.flatten(tf.cast(x, tf.float64)).numpy()

    def _log_scale_of(self, seen: Array) -> Array | float:
        """log of the units of examples in those of states, of what is seen."""
        return 0.0

    def _conditional(
        self, states: Array, seen: Array, seed: random.Seed
    ) -> Posterior | None:
        """What is unknown given what is seen, by sums; None if too long."""
        choices = [
            (np.array([site]), None if v is None else np.asarray(v)[:, None])
            for site, v in enumerate(self.space.levels)
        ]
        if not self.space.is_product:
            return None
        count = posteriors.completion_count(choices, seen)
        if count * self.space.width > _MOST_COMPLETED:
            return None
        uniform = random.uniform((len(states), 1), seed, "float64").numpy()

        def energy(x):
            x = self.space.unflatten(x).numpy()
            return self._in_batches(self.call, x)

        return posteriors.by_completions(
            energy, choices, states, seen, uniform[:, 0]
        )

    def _exact_draws(
        self, effort: str, temperature: float = 1.0
    ) -> Draw | None:
        """A function `(n, seed)` to exact draws in rows, in graphs or not.

        None where the model has no sum, or it takes too long.

        Args:
            effort: what it may cost: "batch", what each batch of a pass over
                data may; "call", what chains would; "asked", seconds.
            temperature: of `p^(1 / temperature)`.
        """
        return None

    def _collected(self, n: int, draw: Draw, seed: random.Seed) -> Array:
        """n examples, drawn a part at a time into one array."""
        walker = self.walks.walker if self.walks else None
        width = self.space.width + (walker.width if walker else 0)
        rows = max(_DRAWN_ELEMENTS // width // GROUP, 1) * GROUP
        if self.walks and self.walks.roams:
            # And their witnesses.
            rows = min(rows, TOGETHER - GROUP)

        def part(first):
            count = min(rows, n - first)
            return self._unflatten(draw(count, seed.at_row(first))).numpy()

        head = part(0)
        if len(head) == n:
            return head
        found = np.empty((n, *head.shape[1:]), head.dtype)
        found[:rows] = head
        for first in range(rows, n, rows):
            found[first : first + rows] = part(first)
        return found

    def _own_draws(self, n, seed, steps, start, temperature, method) -> Array:
        """By the model's own `_draw`, which knows no chains."""
        where = self._where("sample")
        if start is not None or method == "chains":
            raise ValueError(
                f"{where}: the model has no Markov chains; leave out start "
                "and method."
            )
        if temperature != 1:
            raise ValueError(
                f"{where}: the model is drawn at temperature 1 only; received "
                f"{temperature}."
            )

        def draw(count, seed):
            # What a model makes of a row is its own affair.
            part = int(seed.row)
            key = random.fold_in(seed, part).key if part else seed.key
            x = self._drawn(tf.constant(count), key, tf.constant(steps))
            return self.space.flatten(x)

        return self._collected(n, draw, self._seed_for(seed))

    def _plain_draws(self, n, steps, start, temperature) -> Draw:
        """A walk from a start that the user chose."""
        walks = self._walks()
        if isinstance(start, str):
            walks.check_start(start)
        else:
            where = self._where("sample")
            start = self.space.check(
                f"{where}: start", start, wide=self._keeps_float64
            )
            if len(start) != n:
                raise ValueError(
                    f"{where}: start has {len(start)} rows; n is {n}."
                )

        def draw(count, seed):
            first, second = random.split(seed, 2)
            if isinstance(start, str):
                states = walks.begin(count, first, start)
            else:
                given = start[seed.row : seed.row + count]
                states = walks.walker.at(tf.convert_to_tensor(given), first)
            return walks.run(states, second, steps, temperature)

        return draw

    def _compared_draws(self, steps, temperature, persist) -> Draw:
        """Sweeps of persistent or annealed chains, beside some from elsewhere.

        Args:
            steps: sweeps in all.
            temperature: of the draws.
            persist: whether they begin at the persistent chains.
        """
        walks = self._walks()
        annealed, walked = divided(steps)
        walked = steps if persist else walked

        def begin(rows, seed):
            if persist:
                return walks.begin(rows, seed, "chains")
            return walks.start(rows, seed, annealed, temperature)

        def walk(states, seed):
            if persist:
                return walks.go_on(states, seed, walked)
            return walks.run(states, seed, walked, temperature)

        def draw(count, seed):
            first, second = random.split(seed, 2)
            states = begin(count, first)
            if seed.row or count < _WITNESSES:
                return walk(states, second)
            others = walks.witnesses(
                states[:_WITNESSES],
                random.fold_in(seed, 2),
                max(annealed // 2, 1),
                temperature,
                persist,
            )
            together = tf.concat([states, *others.values()], axis=0)
            x = walk(together, second)
            groups = tf.split(x, [count] + [_WITNESSES] * len(others))
            self._compare_starts(groups, list(others), steps)
            return x[:count]

        return draw

    def _compare_starts(self, groups, names, steps) -> None:
        pairs = []
        for rows in groups:
            rows = rows[: _COMPARED * _WITNESSES]
            x = self._unflatten(rows).numpy()
            pairs.append((rows.numpy(), self._in_batches(self.call, x)))
        others = dict(zip(names, pairs[1:], strict=True))
        where = self._where("sample")
        warn_of_disagreement(where, pairs[0], others, steps)

    def _state(self) -> dict[str, list]:
        state = super()._state()
        if self.chains is not None:
            own = self.chains.states
            state["non_trainable_variables"] = [
                AllChains(self.chains) if variable is own else variable
                for variable in state["non_trainable_variables"]
            ]
        return state

    @property
    def _has_places(self) -> bool:
        """Whether there are persistent chains from which samples go on."""
        return self.walks is not None and self.walks.goes_on

    def _unflatten(self, states: tf.Tensor) -> tf.Tensor:
        """The examples of states in rows, (n, *event_shape)."""
        return self.space.unflatten(states)

    def _draw(self, n: Any, seed: random.Seed, steps: Any) -> tf.Tensor:
        """n examples to compare a batch with, inside a graph."""
        exact = self._exact_draws("batch")
        if exact is not None:
            return self._unflatten(exact(n, seed))
        walks = self._walks()
        first, second = random.split(seed, 2)
        states = walks.begin(n, first)
        walk = walks.go_on if self._has_places else walks.run
        return self._unflatten(walk(states, second, steps))

    def _draw_beside(self, x: Any, seed: random.Seed, steps: Any) -> tf.Tensor:
        """As many examples as a batch has, to compare it with."""
        return self._draw(_rows(x), seed, steps)

    def _served_draw(self) -> Callable:
        """`(n, seed, steps)` to what `sample` gives, inside a graph."""
        exact = self._exact_draws("call")
        if exact is not None:
            return lambda n, seed, steps: self._unflatten(exact(n, seed))
        if self.walks is None:
            return self._draw
        inputs = self.walks.walker.path_inputs()
        walked = self.walks.drawn(inputs, self._has_places)
        return lambda n, seed, steps: self._unflatten(walked(n, seed, steps))

    # Energies and log Z ----------------------------------------------------

    @property
    def _energy_dtype(self) -> str:
        return self.variable_dtype

    def energy(self, x: ArrayLike, condition: Any = None) -> Array:
        """E(x) in nats, an array of shape (n,), with p(x) = exp(-E(x)) / Z.

        Args:
            x: examples, (n, *event_shape).
            condition: what each is given, or one for all, of a conditional
                model, whose Z depends on it.

        Raises:
            ValueError: if x is not in the model's space.
        """
        x = self._examples("energy", x)
        c = self._condition_for("energy", condition, len(x), x)
        return self._in_batches(self.call, x, beside=c)

    def log_prob(
        self,
        x: ArrayLike,
        mask: ArrayLike | None = None,
        condition: Any = None,
    ) -> Array:
        """log p(x) = -E(x) - log Z, in nats, an array of shape (n,).

        log Z is the one last found for the present weights by
        `log_partition`, or is found now by its "auto" method.

        Args:
            x: examples, (n, *event_shape).
            mask: what of them is known, bool, true where it is, in the shape
                of x or of one example: log p is then that of the known, the
                value of `log_marginal`, which has its errors.
            condition: what each is given, or one for all, of a conditional
                model: log p(x | c), with log Z(c) by a sum, or annealed.

        Raises:
            ValueError: if x is not in the model's space, or the model was
                never adapted to data, fitted or loaded.
        """
        if mask is not None:
            return self.log_marginal(x, mask, condition=condition).value
        self._check_adapted("log_prob")
        x = self._examples("log_prob", x)
        c = self._condition_for("log_prob", condition, len(x), x)
        log_z = self._log_z_given(c)
        return -self._in_batches(self.call, x, beside=c) - log_z

    # What a model is given --------------------------------------------------

    @property
    def _is_conditional(self) -> bool:
        """Whether each example comes with a condition."""
        return False

    def _condition_for(
        self, method: str, condition: Any, rows: int | None, x: Any = None
    ) -> Array | None:
        """Checked conditions, one for each of so many rows; None if none.

        Any number of them where it is not known how many rows there are. x
        are the rows, where there are any, from which some are read.

        Raises:
            ValueError: if one is given that the model does not take, or is
                missing.
        """
        if condition is not None:
            raise ValueError(
                f"{self._where(method)}: condition was given, but the model "
                "is not conditional. Make an RBM with condition=, for example "
                "RBM(visible, hidden, condition=genzoo.units.Bernoulli(10))."
            )
        return None

    def _log_z_given(self, condition: Array | None) -> Any:
        """log Z, of a conditional model that of each condition."""
        return self._log_z()

    def _examples(self, method: str, x: ArrayLike) -> Array:
        where = self._where(method)
        return self.space.check(where, x, wide=self._keeps_float64)

    @property
    def _most_rows(self) -> int:
        """Examples that are looked at together, at most."""
        return _ROWS

    def _in_batches(
        self,
        function: Callable,
        x: Array,
        size: int | None = None,
        beside: Array | None = None,
    ) -> Array:
        dtype = self._energy_dtype
        size = pipelines.rows_at_once(x, size or self._most_rows)
        parts = []
        for i in range(0, len(x), size):
            own = [] if beside is None else [beside[i : i + size]]
            found = function(tf.cast(x[i : i + size], dtype), *own)
            parts.append(np.asarray(found))
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
        for name, value in ("chains", chains), ("temperatures", temperatures):
            checks.whole(2)(value, f"{where}: {name}")
        checks.flag(reverse, f"{where}: reverse")
        if method == "ais":
            width = self.space.width
            check_memory(f"{where}: chains", chains, width)
            seed = random.as_seed(seed)
            result = self._annealed(
                int(chains), int(temperatures), reverse, seed
            )
        else:
            result = self._exact_log_partition()
        self._check_log_partition(where, result)
        record = [*result.to_record(), self._digest()]
        self.known_log_partition.assign(record)
        return result

    def _check_log_partition(self, where: str, found: LogPartition) -> None:
        """Raise a ValueError for what is no log Z."""
        if not np.isfinite(found.value):
            raise ValueError(
                f"{where}: log Z is found to be {found.value}: the weights "
                "are too large for their dtype. Train with a smaller learning "
                "rate, or make the model with dtype='float64'."
            )

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
        """It has seen data, and may know log Z."""
        self.adapted.assign(1)
        *record, of = self.known_log_partition.numpy()
        if of == weights.fingerprint(self.parameters) + 1:
            # Presets whose log Z was known of what is learned alone.
            self.known_log_partition.assign([*record, self._digest()])

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

        draw = self._served_draw()

        def sample(n, seed, steps):
            return draw(n, random.as_seed(seed), steps)

        served["sample"] = (sample, [COUNT, SEED, STEPS])
        walks = self.walks
        if walks is not None:

            def gibbs(x, seed, steps):
                first, second = random.split(random.as_seed(seed), 2)
                x = walks.run(walks.walker.at(x, first), second, steps)
                return self._unflatten(x)

            served["gibbs"] = (gibbs, [*given, SEED, STEPS])
        if walks is not None and hasattr(walks.walker, "clamped"):
            held = ClampedWalks(walks.walker)
            inputs = walks.walker.path_inputs()

            def complete(x, mask, seed, steps):
                states, seen = self._served_known(x, self.space.flatten(mask))
                seed = random.as_seed(seed)
                drawn = held.served(states, seen, seed, steps, inputs)
                drawn = self._unflatten(drawn)
                return tf.where(mask, x, tf.cast(drawn, x.dtype))

            mask = tf.TensorSpec(shape, tf.bool, "mask")
            served["complete"] = (complete, [*given, mask, SEED, STEPS])
        return served

    def _guards(self, endpoint: str) -> tuple[dict[str, Space], dict[str, int]]:
        return {"x": self.space}, {}

    def _served_states(self, x: tf.Tensor) -> tf.Tensor:
        """The states of examples, inside graphs."""
        return self.space.flatten(x)

    def _served_known(
        self, x: tf.Tensor, seen: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """States, and which of their numbers are known, inside graphs."""
        return self._served_states(x), seen


def _paced(gradient, weight):
    # Some weights have a pace of their own; optimizers do not see it.
    return gradient * getattr(weight, "rate_share", 1.0)


def _rows(x):
    return tf.shape(batch.examples(x))[0]
