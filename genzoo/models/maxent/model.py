"""Maximum entropy: the least biased distribution with given averages."""

import contextlib
import math
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, NamedTuple, Self

import keras
import numpy as np
import tensorflow as tf

from genzoo import checks, optimizers, samplers
from genzoo.features import FeatureList
from genzoo.features.feature import Feature
from genzoo.features.function import serialize as serialize_function
from genzoo.losses import LearningRule
from genzoo.losses.protocols import Conditional, Enumerable, Flowing
from genzoo.models.common import GenerativeModel
from genzoo.models.common.completion import Partial
from genzoo.models.common.endpoints import Endpoints
from genzoo.models.common.energy_based_model import (
    KNOWN_LENGTH,
    Draw,
    EnergyBasedModel,
)
from genzoo.models.common.given import Given
from genzoo.models.common.moves import Stride
from genzoo.models.ebm.features import learned_features
from genzoo.models.maxent import quick, report
from genzoo.models.maxent.cells import Cells, cells_of
from genzoo.models.maxent.conditional import ConditionalMaxEnt
from genzoo.models.maxent.density import Density
from genzoo.models.maxent.dual import Dual
from genzoo.models.maxent.gaps import Expectation, Gaps, filled
from genzoo.models.maxent.hull import LIMIT
from genzoo.models.maxent.observations import (
    Averages,
    Observations,
    Place,
    as_averages,
    of_examples,
)
from genzoo.models.maxent.path import STRENGTHS, Path, standard_errors
from genzoo.models.maxent.reweighting import Reweighted, reweight
from genzoo.models.maxent.ridge import Ridge
from genzoo.models.maxent.routes import (
    ChainRoute,
    ProductRoute,
    Summation,
    Window,
    exact_route,
)
from genzoo.models.maxent.routes.route import DRAWS, Solved
from genzoo.models.maxent.rules import Rules
from genzoo.models.maxent.search import Search, held_in_memory
from genzoo.models.maxent.settled import Settled, spread_of
from genzoo.models.maxent.site_by_site import SiteBySite
from genzoo.models.maxent.start import (
    gaussian_start,
    pseudolikelihood_start,
)
from genzoo.optimizers import Evaluation
from genzoo.optimizers.solver import pseudogradient
from genzoo.partition import LogPartition
from genzoo.runtime import data, distribute, probability, random, weights
from genzoo.runtime.memory import check_memory
from genzoo.spaces import Space
from genzoo.spaces.space import get as get_space
from genzoo.types import Array, ArrayLike, Examples, SeedLike

# Up to so many multipliers `compile` takes a method with a matrix of them.
_MOST_FOR_NEWTON = 2000
_MOST_FOR_NATURAL_GRADIENT = 256
# Of more, the rate at first, what is added to the curvature, and the standard
# deviation of the energies that a step adds at most.
_RATE = 0.3
_HELD = 0.02
_FARTHEST = 0.3
# Persistent chains: so many for one multiplier, as the root of their number.
_CHAINS_OF_ONE = 8
_FEWEST_CHAINS = 128
_MOST_CHAINS = 4096
# From so many on L-BFGS remembers less: its memory is a multiple of them.
_MANY = 10**6
# By default, for exact searches and for chains.
_EPOCHS = {"exact": 200, "chains": 10}
# Of a search, from averages that are new: the first finds where it stands.
_STEPS_OF_GAPS = 4
_STEPS_PER_EPOCH = 100
# Of sums over all examples.
_NO_CHANCE: Any = None
# Numbers of examples that are looked at together.
_MOST_AT_ONCE = 2**18
# States that are listed: for TFP, and for the entropy of data.
_MOST_STATES = 2**20


class GivenAverages(NamedTuple):
    """What `fit` was given instead of examples; see there."""

    observations: Any = None
    stderr: Any = None
    tolerance: str = "gaussian"
    examples: int | None = None


@keras.saving.register_keras_serializable("genzoo")
class MaxEnt(EnergyBasedModel):
    """The distribution of largest entropy with given averages of features.

    `p(x) = r(x) exp(sum_i lambda_i f_i(x)) / Z`, so that the energy is
    `E(x) = -sum_i lambda_i f_i(x) - log r(x)`. The multipliers lambda are
    those at which `<f_i>_model = <f_i>_observed`, which is where the convex
    dual `log Z - sum_i lambda_i <f_i>_observed` is least. It is also where
    the likelihood of data with these averages is greatest.

    What is summed over: all states of a discrete space (enumeration), or the
    nodes of a Gauss-Legendre quadrature in up to three continuous sites, up
    to 2**22 points in all, stretched where tails are heavy; for
    `LatticeBonds` of spins with a side of at most 10 the transfer matrix.
    There all is exact, and `fit` takes damped Newton steps. Larger spaces are
    sampled by persistent Markov chains. `route` says which.

    Args:
        space: a `genzoo.spaces.Space`.
        features: one or a list of `genzoo.features`, functions of examples,
            (batch, *event_shape) to (batch, n), or Keras layers.
        reference: function from examples to the log-density r of a reference
            distribution, (batch,), which need not be normalised: the entropy
            relative to it is maximised. None for a constant.
        seed: int or pair of ints, for all that is drawn at random.
        condition: what y is given, not modelled: how many real numbers, their
            shape, or a space. The model is then a
            `genzoo.models.ConditionalMaxEnt` of p(y | c), which see.
        trainable_features: whether Keras layers among the features are
            trained too. The model is then a `genzoo.EnergyModel` with the
            energy `-sum_i lambda_i f_i(x)`, and no convex problem.

    Attributes:
        features: the `FeatureList`; its `names` are those of the constraints.

    Raises:
        ValueError: if a feature does not apply to the space.

    Reference:
        Jaynes, "Information theory and statistical mechanics", Physical
        Review 106, 1957. Della Pietra, Della Pietra and Lafferty, "Inducing
        features of random fields", IEEE PAMI 19, 1997.

    Example:
    >>> die = genzoo.MaxEnt(
    ...     genzoo.spaces.Categorical([1, 2, 3, 4, 5, 6]),
    ...     genzoo.features.Moments(1),
    ... )
    >>> die.compile()
    >>> history = die.fit(observations=[4.5], verbose=0)
    >>> round(die.entropy(), 5)                    # nats
    1.61358
    """

    arguments: ClassVar[checks.Arguments] = {
        "space": checks.part(Space),
        "features": checks.list_of(checks.part(Feature), 1, 100),
        "seed": checks.seed_pair,
    }

    def __new__(
        cls, *args: Any, trainable_features: bool = False, **kwargs: Any
    ) -> Any:
        """A model of p(y | c) if there is a condition, or of what learns."""
        name = f"{cls.__name__}: trainable_features"
        if checks.flag(trainable_features, name):
            if cls is not MaxEnt or kwargs.pop("condition", None) is not None:
                raise ValueError(
                    f"{name} must be False for a {cls.__name__}, or with a "
                    "condition. Take genzoo.EnergyModel."
                )
            return learned_features(*args, **kwargs)
        if cls is MaxEnt and kwargs.get("condition") is not None:
            return ConditionalMaxEnt(*args, **kwargs)
        kwargs.pop("condition", None)
        return super().__new__(cls, *args, **kwargs)

    def __init__(
        self,
        space: Space,
        features: Feature | Callable | Sequence[Feature | Callable],
        reference: Callable | None = None,
        seed: SeedLike | None = None,
        condition: None = None,
        trainable_features: bool = False,
        **kwargs,
    ):
        space = get_space(space)
        if not space.is_product:
            raise ValueError(
                f"{type(self).__name__}: space must be a product of sites; "
                f"received {space!r}. For categories take "
                "genzoo.spaces.Categorical(range(states), shape)."
            )
        if isinstance(reference, (dict, str)):
            reference = keras.saving.deserialize_keras_object(reference)
        if isinstance(reference, GenerativeModel):
            raise ValueError(
                "MaxEnt: reference must be a function from examples to a "
                f"log-density (batch,); received a {type(reference).__name__}"
                ", which gives energies. Pass lambda x: -model(x)."
            )
        if reference is not None and not callable(reference):
            raise ValueError(
                "MaxEnt: reference must be a function from examples to a "
                f"log-density (batch,), or None; received {reference!r}."
            )
        features = FeatureList(space, features)
        super().__init__(seed=seed, **kwargs)
        self.space = space
        self.features = features
        self.reference = reference
        # Tracked, so that they are saved with their weights.
        self.feature_layers = [
            part.layer for part in features.parts if part.layer is not None
        ]
        if isinstance(reference, keras.layers.Layer):
            self.feature_layers.append(reference)
        for layer in self.feature_layers:
            layer.trainable = False
        count = len(features)
        check_memory(f"{type(self).__name__}: features", count, 1, 16)
        self.multiplier_weights = distribute.mirrored_weight(
            self, "multipliers", (count,), dtype="float64", trainable=True
        )
        self.observations = Observations(count, name="observations")
        self.window = Window(space, name="window")
        self.stride = Stride(name="stride")
        name = type(self).__name__
        self.density = Density(name, space, features, reference)
        self._exact = exact_route(self.density, self.window)
        multipliers = self.multiplier_weights
        self._dual = Dual(
            self.density,
            self._exact,
            self.window,
            self.observations,
            multipliers,
        )
        self._chain = ChainRoute(
            self.density,
            self.window,
            multipliers,
            self.observations,
            self.stride,
        )
        self.walks = self._chain.walks
        self._is_placed = True
        self._is_by_default = False
        self._rules = {
            dtype: Rules(self.density, self._chain, self._dual, dtype)
            for dtype in ("float32", "float64")
        }
        self.built = True

    def __repr__(self) -> str:
        count = len(self.features)
        return (
            f"<{type(self).__name__}: {count} "
            f"constraint{'s' if count > 1 else ''} on {self.space!r}>"
        )

    # Compiling -------------------------------------------------------------

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

        Args:
            optimizer: any Keras optimizer, or one of `genzoo.optimizers`, or
                "newton", "lbfgs", "natural_gradient". None takes `Newton` for
                an exact likelihood, `LBFGS` if there are more than 2,000
                multipliers and no Laplace tolerance, with which `Newton`
                looks at few at a time, and `NaturalGradient` for chains and
                up to 256 multipliers. For chains and more of them `Falling`
                takes steps of a natural gradient of independent sites, if
                each field and coupling has its own multiplier; else Adam.
            loss: "exact_likelihood", "pcd" (persistent chains), "cd", or a
                learning rule of `genzoo.losses`; "auto" takes the first if
                the space can be summed over, else the second.
            metrics: list of `keras.metrics.Metric`s that compare (data,
                samples) in `evaluate`.
            run_eagerly: as in Keras.
            steps_per_execution: as in Keras.
            jit_compile: as in Keras.
            watch: whether the likelihood is followed, where the rule is
                another; see `EnergyBasedModel.compile`.

        Raises:
            ValueError: if the loss or the optimizer does not go with the
                model.
        """
        by_default = optimizer is None
        if isinstance(optimizer, str):
            optimizer = _SOLVERS.get(optimizer, lambda: optimizer)()
        super().compile(
            optimizer,
            loss,
            metrics,
            run_eagerly=run_eagerly,
            steps_per_execution=steps_per_execution,
            jit_compile=jit_compile,
            watch=watch,
        )
        self._is_by_default = by_default

    def get_compile_config(self) -> dict[str, Any]:
        """The arguments of `compile`, and whether the optimizer was none."""
        config = super().get_compile_config()
        if not config:
            return config
        return {**config, "is_by_default": self._is_by_default}

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compile as before a save."""
        config = dict(config)
        is_by_default = config.pop("is_by_default", False)
        super().compile_from_config(config)
        self._is_by_default = is_by_default

    def _suit(self, tolerance: str) -> None:
        """Take the default optimizer that goes with a tolerance.

        Above as many multipliers as there is memory for their products only
        an L1 term lets Newton's method look at few of them.
        """
        if not self._is_by_default or len(self.features) <= _MOST_FOR_NEWTON:
            return
        suited = self._default_optimizer(self.loss)
        if tolerance == "laplace" and not self.loss.samples:
            suited = optimizers.Newton()
        if type(suited) is not type(self.optimizer):
            told = keras.saving.serialize_keras_object(suited)
            config = {**self.get_compile_config(), "optimizer": told}
            self.compile_from_config(config)

    def _default_loss(self) -> str:
        return "pcd" if self._exact is None else "exact_likelihood"

    def _default_optimizer(self, rule: LearningRule) -> Any:
        count = len(self.features)
        if rule.samples:
            if count <= _MOST_FOR_NATURAL_GRADIENT and rule.uses_averages:
                return optimizers.NaturalGradient()
            is_direct = self.density.is_pairwise and (
                self.density.layout.is_direct
            )
            if is_direct and rule.uses_averages:
                return optimizers.Falling(_RATE)
            return keras.optimizers.Adam(0.01)
        if count <= _MOST_FOR_NEWTON and rule.uses_averages:
            return optimizers.Newton()
        return optimizers.LBFGS(10 if count < _MANY else 3)

    def _default_chains(self) -> int:
        # Their noise moves all multipliers at once.
        wanted = _CHAINS_OF_ONE * len(self.features) ** 0.5
        doublings = math.ceil(math.log2(max(wanted / _FEWEST_CHAINS, 1)))
        return min(_FEWEST_CHAINS * 2**doublings, _MOST_CHAINS)

    def _check_optimizer(self, optimizer: Any, rule: LearningRule) -> None:
        noisy = isinstance(optimizer, optimizers.NaturalGradient)
        if not noisy and not isinstance(optimizer, optimizers.Solver):
            if not getattr(rule, "symmetric", True):
                raise ValueError(
                    f"{self._where('compile')}: symmetric=False needs all "
                    "examples at once. Leave the optimizer out, or pass "
                    "optimizer='lbfgs'."
                )
            return
        if noisy != bool(rule.samples) or (
            optimizer.needs_hessian and not rule.uses_averages
        ):
            raise ValueError(
                f"{self._where('compile')}: {type(optimizer).__name__} does "
                f"not go with {type(rule).__name__}. Newton and LBFGS need "
                "exact values, LBFGS alone also takes pseudolikelihoods, "
                "NaturalGradient persistent chains; Keras's optimizers go "
                "with all."
            )

    @property
    def rules(self) -> Rules:
        """What learning rules ask for; see `genzoo.losses.protocols`."""
        searches = self.compiled and isinstance(
            self.optimizer, optimizers.Solver
        )
        return self._rules["float64" if searches else "float32"]

    def why_not(self, rule: LearningRule) -> str | None:
        """Why the model cannot learn by a rule whose methods it has, if so."""
        if rule.needs is Enumerable and self._exact is None:
            return (
                "the space has too many points to sum over; at most 2**22 "
                "states, or three continuous sites. Use loss='pcd'."
            )
        if rule.needs not in (Conditional, Flowing):
            return None
        if not self.density.is_pairwise:
            return (
                "needs discrete sites with the same levels and a pairwise "
                "energy, as a BoltzmannMachine has; features such as these "
                "learn by 'exact_likelihood', 'pcd' or 'cd'."
            )
        if getattr(rule, "sites", None) is not None:
            return (
                "sites is for RBMs; here all sites cost no more than one. "
                "Leave it out."
            )
        return None

    @property
    def route(self) -> str:
        """How averages of the model are found."""
        samples = self.compiled and self.loss.samples
        found = self._chain if samples or not self._exact else self._exact
        return found.name.replace("_", " ")

    # The energy ------------------------------------------------------------

    @property
    def parameters(self) -> list[keras.Variable]:
        """The multipliers."""
        return [self.multiplier_weights]

    def _energy_weights(self) -> list[keras.Variable]:
        """The multipliers, and the weights of features that are layers."""
        fixed = [w for layer in self.feature_layers for w in layer.weights]
        return [self.multiplier_weights, *fixed]

    @property
    def multipliers(self) -> Array:
        """lambda, a float64 array in the order of `features.names`.

        Infinite where an average, or a combination of some, is at an end of
        what is possible, so that states have probability zero.
        """
        values = self.multiplier_weights.numpy()
        limited = self.observations.limited
        return np.where(limited, np.copysign(np.inf, values), values)

    @multipliers.setter
    def multipliers(self, values: ArrayLike) -> None:
        values = np.asarray(values, np.float64)
        if values.shape != (len(self.features),):
            raise ValueError(
                f"{type(self).__name__}.multipliers: expected "
                f"{len(self.features)} numbers, one for each feature; "
                f"received shape {values.shape}."
            )
        if not np.isfinite(values).all():
            raise ValueError(
                f"{type(self).__name__}.multipliers: all must be finite."
            )
        self.multiplier_weights.assign(values)
        self.observations.forget_limits()
        self._forget_search()
        self.adapted.assign(1)
        if self._exact is not None and not self.space.is_bounded:
            self.window.settle(self.density, self._lambda())

    def _lambda(self) -> tf.Tensor:
        return tf.convert_to_tensor(self.multiplier_weights.value)

    def _check_adapted(self, method: str) -> None:
        if not self.adapted.numpy() and self.is_adapted:
            # The weight itself was assigned: look where its mass is.
            self.multipliers = self.multiplier_weights.numpy()
        super()._check_adapted(method)

    def _forget_search(self) -> None:
        if not self.compiled or not isinstance(
            self.optimizer, optimizers.Solver
        ):
            return
        # Before the first step there is nothing to forget.
        if weights.get(self.optimizer.started):
            self.optimizer.reset()

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """E(x) = -lambda . f(x) - log r(x), shape (batch,), in nats."""
        self._check_width(x)
        states = self.space.flatten(tf.convert_to_tensor(x))
        if not states.dtype.is_floating:
            states = tf.cast(states, tf.float64)
        return self._chain.energy(states)

    @property
    def _energy_dtype(self) -> str:
        return "float64"

    @property
    def _most_rows(self) -> int:
        # Short rows are looked at in fewer parts.
        widest = max(len(self.features), self.space.width)
        return int(np.clip(_MOST_AT_ONCE // widest, super()._most_rows, 2**16))

    @property
    def _keeps_float64(self) -> bool:
        return self.space.is_fine

    @property
    def _takes_negative_weights(self) -> bool:  # type: ignore[override]
        return not self.compiled or self.loss.uses_averages

    # Fitting ---------------------------------------------------------------

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
        steps_per_epoch: int | None = None,
        observations: Any = None,
        observation_stderr: Any = None,
        tolerance: str = "gaussian",
        observation_count: int | None = None,
        **kwargs: Any,
    ) -> keras.callbacks.History:
        """Find the multipliers, from bare averages or from examples.

        The features' averages over the examples are all that the likelihood
        depends on: they are taken once, before the first step. Where sums are
        exact an epoch is one Newton step, and `fit` ends when the residual is
        that of rounding. `History` has

        - `loss`: the dual `log Z - lambda . <f>`, in nats, which is the mean
          negative log-likelihood -<log p> of the examples;
        - `contrast`: for chains, the mean energy of the observations less
          that of the chains;
        - `residual`: the largest |<f_i>_model - <f_i>_observed|, with a
          tolerance the largest component of the dual's gradient;
        - `entropy`, `log_partition`: in nats, where sums are exact.

        Args:
            x: examples, an array or a `tf.data.Dataset` of batches.
            y: must be None, as class_weight.
            batch_size: rows of a batch of examples; for chains an epoch has
                as many steps as there are batches.
            epochs: by default 200 where sums are exact, of which few are
                needed, and 10 for chains.
            verbose: as in Keras.
            callbacks: as in Keras.
            validation_split: as in Keras.
            validation_data: examples, for `val_loss`.
            shuffle: as in Keras; the order does not matter here.
            class_weight: must be None.
            sample_weight: what each example counts, (n,), in any unit. Where
                averages are all that is learned from, some may be negative.
            missing: what stands for an unknown number in x, "nan" or a number
                such as -1. What is fitted is then the likelihood of what is
                known: after each epoch the averages are taken anew over what
                is unknown, given that, under the model.
            mask: what of an array x is known, bool, true where it is.
            steps_per_epoch: of a dataset, how many batches to see; for
                chains, the number of updates in an epoch, by default 100.
            observations: averages <f_i>, in the order of `features.names`,
                nan for those that are not known, which are not constrained;
                or a dict or Series of those that are, by name. Cells of a
                margin may be a dict or an array: `{"sex": {0: 0.4},
                ("sex", "age"): [[0.1, 0.3], [0.2, 0.4]]}`.
                One at an end of what is possible, such as 0 for a cell, or
                several together, leave out states: their probability is zero,
                the multipliers infinite.
            observation_stderr: their standard errors, a number or one for
                each: they then need not be met exactly. One of nan or inf
                leaves its feature out, with a multiplier of zero.
            tolerance: what these errors are: "gaussian", which adds
                `sum_i (stderr_i lambda_i)^2 / 2` to the dual, or "laplace",
                which adds `sum_i stderr_i |lambda_i|`: no average is off by
                more than its stderr, and multipliers that are not needed for
                that are zero.
            observation_count: number of independent examples behind the
                observations, by default 1, for `multiplier_stderr`.
            **kwargs: as in Keras.

        Returns:
            A `keras.callbacks.History`.

        Raises:
            ValueError: for impossible averages, naming the constraint; for
                examples outside of the space.
        """
        given = GivenAverages(
            observations, observation_stderr, tolerance, observation_count
        )
        with self._as_it_was():
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
                steps_per_epoch=steps_per_epoch,
                given=given,
                missing=missing,
                mask=mask,
                **kwargs,
            )

    @contextlib.contextmanager
    def _as_it_was(self):
        """What an exact search that is refused has changed is put back."""
        if not self.compiled or self.loss.samples:
            yield
            return
        put_back = weights.remember(self)
        try:
            yield
        except ValueError:
            put_back()
            raise

    def fit_path(
        self,
        x: ArrayLike | None = None,
        strengths: ArrayLike | None = None,
        validation_data: Any = None,
        validation_split: float = 0.0,
        sample_weight: ArrayLike | None = None,
        observations: ArrayLike | None = None,
        observation_stderr: ArrayLike | None = None,
        tolerance: str = "laplace",
        **kwargs: Any,
    ) -> Path:
        """Fit with tolerances of many strengths, and keep the best.

        From the strongest on, each fit begins where the last one ended. The
        choice is by the likelihood of examples that are held out; the model
        is left fitted at the best strength.

        Args:
            x: examples, an array; or None, and observations.
            strengths: positive numbers by which `observation_stderr` is
                multiplied; None takes 13 from 8 to 1/8.
            validation_data: examples to choose by.
            validation_split: instead of them the share of x that is held
                out, of rows drawn by the model's seed: the last ones of
                sorted rows would be another population.
            sample_weight: what each example counts, (n,).
            observations: averages <f_i>, as in `fit`.
            observation_stderr: their errors, as in `fit`; None takes for
                examples the standard errors of their averages.
            tolerance: "laplace" or "gaussian", as in `fit`.
            **kwargs: as in `fit`.

        Returns:
            A `Path` of arrays, the strongest first: `strength`, `nonzero`,
            the number of multipliers that are not zero, and
            `log_likelihood`, the mean log p of what was held out, in nats;
            `path.best` is the strength that was chosen.

        Raises:
            ValueError: as `fit`; without examples to choose by.

        Example:
        >>> x = np.random.default_rng(0).beta(2, 5, (400, 1))
        >>> hinges = genzoo.features.Hinge(np.linspace(0, 1, 9))
        >>> model = genzoo.MaxEnt(genzoo.spaces.Interval(0, 1), hinges)
        >>> model.compile()
        >>> path = model.fit_path(x, strengths=[4, 2, 1], validation_split=0.2)
        >>> path.strength.tolist(), len(path.nonzero)
        ([4.0, 2.0, 1.0], 3)
        """
        where = self._where("fit_path")
        if self._exact is None or not self._is_by_averages():
            raise ValueError(
                f"{where}: needs exact sums over the space, which say how "
                "likely held-out examples are. Compile with "
                "loss='exact_likelihood', on a smaller space if need be."
            )
        strengths = self._strengths(where, strengths)
        if (validation_data is None) == (not validation_split):
            raise ValueError(
                f"{where}: the strength is chosen by examples that are held "
                "out: pass validation_data, or of examples x "
                "validation_split=0.2."
            )
        weight = None
        if x is not None:
            rest = self._given("fit_path", x, None, sample_weight)
            if validation_split:
                parts = self._drawn_apart(where, rest, validation_split)
                rest, validation_data = parts
            x, weight = rest.x, rest.weight
            if observation_stderr is None:
                observation_stderr = standard_errors(
                    self.density, self._dual.reach, x, weight
                )
        elif observation_stderr is None:
            raise ValueError(
                f"{where}: strengths multiply observation_stderr, the errors "
                "of the observations. Pass it."
            )
        held = validation_data
        if not isinstance(held, Given):
            held = self._given("fit_path: validation_data", held)
        errors = np.asarray(observation_stderr, np.float64)
        options = {"verbose": 0, **kwargs, "tolerance": tolerance}

        def fit(strength):
            self.fit(
                x,
                sample_weight=weight,
                observations=observations,
                observation_stderr=strength * errors,
                **options,
            )

        found = []
        for strength in strengths:
            fit(strength)
            likely = np.average(self.log_prob(held.x), weights=held.weight)
            kept = self.multipliers
            found.append((strength, np.count_nonzero(kept), likely, kept))
        *columns, ends = zip(*found, strict=True)
        path = Path(*(np.array(column) for column in columns))
        if path.best != strengths[-1]:
            self.multipliers = ends[int(np.argmax(path.log_likelihood))]
            fit(path.best)
        return path

    def _drawn_apart(
        self, where: str, given: Given, share: float
    ) -> tuple[Given, Given]:
        """Two parts of an array's rows, whatever their order."""
        if not data.is_array(given.x):
            data.split(where, given, share)
        given = given.gathered(where)
        order = random.permutation(len(given.x), self.draws.epoch_key())
        mixed = (None if part is None else part[order] for part in given)
        kept, held = data.split(where, tuple(mixed), share)
        return Given(*kept), Given(*held)

    def _is_by_averages(self) -> bool:
        rule = self.loss if self.compiled else None
        return bool(rule and rule.uses_averages and not rule.samples)

    @staticmethod
    def _strengths(where, strengths):
        """Positive numbers, each once, the greatest first."""
        given = STRENGTHS if strengths is None else strengths
        found = np.unique(checks.array(given, f"{where}: strengths"))[::-1]
        if not len(found) or (found <= 0).any():
            words = "positive numbers, such as [4, 2, 1, 0.5]"
            checks.refuse(strengths, f"{where}: strengths", words)
        return found

    @property
    def _most_looked_at(self) -> float:
        if self.compiled and not self.loss.uses_averages:
            if not isinstance(self.optimizer, optimizers.Solver):
                return super()._most_looked_at
        # Averages are of all, and so is a single batch.
        return math.inf

    def _plan(self, x: Any, y: Any, **asked: Any) -> dict[str, Any]:
        given = asked.pop("given")
        if self.loss.uses_averages:
            self._refuse("fit", y=y)
            return self._plan_of_averages(x, given, **asked)
        if "missing" in asked or "mask" in asked:
            raise ValueError(
                f"{self._where('fit')}: {type(self.loss).__name__} needs "
                "examples that are known in full. Where some is missing, "
                "compile with loss='exact_likelihood' or 'pcd'."
            )
        if given.observations is not None or given.stderr is not None:
            raise ValueError(
                f"{self._where('fit')}: {type(self.loss).__name__} needs "
                "examples x, not observations. Compile with "
                "loss='exact_likelihood' or 'pcd' to fit averages."
            )
        if isinstance(self.optimizer, optimizers.Solver):
            x, asked = self._all_in_one_batch(x, **asked)
            if not getattr(self.loss, "symmetric", True):
                self._refuse("fit", y=y)
                return self._plan_by_site(x, asked)
            return held_in_memory(self, super()._plan(x, y, **asked))
        return super()._plan(x, y, **asked)

    def _plan_by_site(self, x: Array, asked: dict[str, Any]) -> dict[str, Any]:
        """The plan of regressions, one for each site, in one epoch."""
        where = self._where("fit")
        if asked["validation_split"] or asked["validation_data"] is not None:
            raise ValueError(
                f"{where}: with symmetric=False there is one epoch, and no "
                "validation on the way. Call evaluate on held-out examples."
            )
        if not self.density.layout.is_direct:
            raise ValueError(
                f"{where}: with symmetric=False each field and coupling has a "
                "multiplier of its own, as in a BoltzmannMachine. Use "
                "symmetric=True."
            )
        self._prepare(Given(x, None, asked["sample_weight"], None))
        ridge = self._ridge()
        held = (ridge.couplings, ridge.fields) if ridge else (0.0, 0.0)
        weight, variable = asked["sample_weight"], self.multiplier_weights
        free = self._mask().numpy()
        regressions = SiteBySite(self.density, variable, x, weight, *held, free)
        seen = [c for c in asked["callbacks"] if not isinstance(c, Search)]
        first = asked.get("initial_epoch", 0)
        return {
            "x": regressions,
            "epochs": min(asked["epochs"], first + 1),
            "callbacks": seen,
            "initial_epoch": first,
        }

    def _plan_of_averages(
        self,
        x: Any,
        given: GivenAverages,
        *,
        batch_size: int | None,
        epochs: int | None,
        callbacks: list,
        validation_split: float,
        validation_data: Any,
        shuffle: bool,
        steps_per_epoch: int | None,
        sample_weight: Any = None,
        missing: float | str | None = None,
        mask: Any = None,
        **options: Any,
    ) -> dict:
        """The plan where the averages are all that is learned from."""
        where = self._where("fit")
        # A search from there would go round until it tires.
        self._check_finite("fit")
        if (x is None) == (given.observations is None):
            raise ValueError(
                f"{where}: pass either examples x or observations, the "
                f"averages of {self.features.names[:6]}."
            )
        if x is None and sample_weight is not None:
            raise ValueError(
                f"{where}: sample_weight goes with examples x; observations "
                "are averages already."
            )
        rows = self._batch_size("fit", batch_size, x)
        held = None
        if validation_data is not None:
            held = self._given(
                "fit: validation_data", validation_data, missing=missing
            )
        place, steps, gaps = None, steps_per_epoch, None
        if x is not None:
            rest = self._given("fit", x, None, sample_weight, missing, mask)
            if missing is not None or mask is not None:
                rest = rest.gathered(where, steps)
            if validation_split:
                rest, held = rest.split(where, validation_split)
            if rest.seen is not None:
                gaps, rest, held = self._gaps(where, rest, held)
            x, weight = rest.x, rest.weight
            with self._told_plainly("fit"):
                found, place = of_examples(
                    where, self.density, x, steps, weight
                )
            if given.stderr is None:
                found = self._moved_inside(where, found)
            count = given.examples or found.examples
            given = given._replace(observations=found.values, examples=count)
            if data.is_array(x) and steps is None:
                steps = -(-len(x) // rows)
        averages = as_averages(where, self.features, *given)
        is_new = not weights.get(self.adapted)
        self._observe("fit", averages, place)
        self._suit(averages.tolerance)
        few, remaining = None, self._remaining
        is_exact = not self.loss.samples
        if x is not None and data.is_array(x):
            if is_new and gaps is None and not is_exact:
                self._start_near(x, weight)
            self._chain.place(x, self.draws.epoch_key())
        if gaps is not None:
            # Before others look at the loss.
            callbacks = [self._expectation(gaps, epochs is None), *callbacks]
        elif is_exact and isinstance(self.optimizer, optimizers.Solver):
            whole = epochs is None
            if held is None and self._may_be_quick(options):
                few = self._quick_steps()
                remaining = few.remaining
            search = Search(remaining, whole, self._dual, steps=few)
            callbacks = [*callbacks, search]
            if few is not None:
                return {
                    **options,
                    "x": few,
                    "epochs": _epochs(epochs, "exact"),
                    "callbacks": callbacks,
                }
        if held is not None:
            size = None
            if data.is_array(held.x):
                size = options.get("validation_batch_size") or rows
            validation_data, _ = self._packed("fit", held)
            validation_data, _ = data.fed(validation_data, None, size)
        if not is_exact:
            spread = spread_of(self.density, x)
            judge = Settled(self._chain, self._far_off, spread, epochs is None)
            callbacks = [*callbacks, judge]
        of_exact = 1 if gaps is None else _STEPS_OF_GAPS
        steps = of_exact if is_exact else steps or _STEPS_PER_EPOCH
        plan = {
            **options,
            **self._ticks(steps),
            "epochs": _epochs(epochs, "exact" if is_exact else "chains"),
            "callbacks": callbacks,
            "validation_data": validation_data,
            "shuffle": False,
        }
        return self._with_pace(plan)

    def _may_be_quick(self, options: dict[str, Any]) -> bool:
        """Whether Newton steps are made without a graph; see `quick`."""
        dual, exact = self._dual, self._exact
        return (
            exact is not None
            and type(self.optimizer) is optimizers.Newton
            and type(self).train_step is MaxEnt.train_step
            and self.steps_per_execution == 1
            and not (dual.is_sparse or dual.is_near_singular)
            and not getattr(self.loss, "l1", 0.0)
            and set(options) <= {"initial_epoch"}
            and distribute.replica_count(self.distribute_strategy) == 1
            and not distribute.is_multi_worker(self.distribute_strategy)
            and not keras.config.max_epochs()
            and not keras.config.max_steps_per_epoch()
            and exact.table is not None
        )

    def _quick_steps(self) -> quick.Steps:
        return quick.Steps(
            self._dual.exact.table,
            self.optimizer,
            self.multiplier_weights,
            self.observations,
        )

    def _run(
        self, verbose: str | int, plan: dict[str, Any]
    ) -> keras.callbacks.History:
        steps = plan["x"]
        if not isinstance(steps, (quick.Steps, SiteBySite)):
            return super()._run(verbose, plan)
        rest = {name: plan[name] for name in plan if name != "x"}
        note = self._note_loss
        seen = [c for c in plan["callbacks"] if not isinstance(c, Search)]
        if seen and self._progress is not None:
            rest["callbacks"] = self._progress.around(plan["callbacks"])
        return quick.fit(self, steps, note, bool(seen), verbose, **rest)

    def _note_loss(self, value: float) -> None:
        """Let the loss of the last step be what `get_metrics_result` tells."""
        tracker: Any = self._measures
        weights.put(tracker.total, value)
        weights.put(tracker.count, 1.0)

    def _gaps(
        self, where: str, given: Given, held: Given | None
    ) -> tuple[list[Gaps], Given, None]:
        """Examples of which some is missing; and filled in, to begin with.

        Held-out examples, if any, are scored where the others are expected.
        """
        generator = np.random.default_rng(self.draws.epoch_key())
        start = given._replace(x=filled(given, generator), seen=None)

        def energy(states):
            x = self.space.unflatten(states).numpy()
            return self._in_batches(self.call, x)

        def draw(given, sweeps, seed):
            seen = given.seen.reshape(len(given.x), -1)
            partial = Partial(given.x, seen)
            found = self._completion.draw(
                where, partial, len(seen), seed, sweeps, "chains"
            )
            return self.space.flatten(found).numpy()

        gaps = [Gaps(self.density, given, energy, draw)]
        if held is not None:
            held = held.gathered(where)
            gaps.append(Gaps(self.density, held, energy, draw))
            if not gaps[-1].is_listed:
                raise ValueError(
                    f"{where}: validation_data has too many completions to be "
                    "scored after each epoch. Leave it out, and call "
                    "evaluate(x, missing='nan') after the training."
                )
        return gaps, start, None

    def _expectation(self, gaps: list[Gaps], is_whole: bool) -> Expectation:
        kept = self.observations

        def keep(values):
            averages = Averages(
                values, kept.stderr.numpy(), kept.tolerance, kept.count
            )
            self.observations.keep(averages)
            self._forget_search()

        def log_z():
            if self._exact is None:
                return self._look().value if self._watches else None
            # Of the averages' own part nothing is left.
            return float(self._solved().log_z)

        def seed():
            return self.draws.next(random.SAMPLING)

        return Expectation(gaps, keep, log_z, seed, is_whole)

    def _ticks(self, steps: int) -> dict:
        """A dataset of so many steps an epoch, which learn from no batch."""
        replicas = distribute.replica_count(self.distribute_strategy)
        ticks = tf.data.Dataset.range(steps * replicas).batch(replicas)
        if self.steps_per_execution > 1:
            return {"x": ticks}
        # Without an end: an iterator for each epoch would take as long as
        # the step itself. Several steps at once need to see the end.
        return {"x": ticks.repeat(), "steps_per_epoch": steps}

    def _all_in_one_batch(
        self,
        x: Any,
        *,
        batch_size: int | None,
        epochs: int | None,
        callbacks: list,
        validation_split: float,
        steps_per_epoch: int | None,
        sample_weight: Any = None,
        **asked: Any,
    ) -> tuple[Array, dict]:
        """(x, what `_plan` is asked) for a search over all examples."""
        given = self._given("fit", x, None, sample_weight)
        with self._told_plainly("fit"):
            given = given.gathered(self._where("fit"), steps_per_epoch)
        x, weight = given.x, given.weight
        if batch_size not in (None, len(x)):
            raise ValueError(
                f"{self._where('fit')}: batch_size={batch_size}, but "
                f"{type(self.optimizer).__name__} takes all {len(x)} examples "
                "in one batch. Leave it out, or compile with optimizer='adam'."
            )
        kept = len(x)
        if validation_split:
            kept = int(len(x) * (1 - validation_split))
        of_kept = None if weight is None else weight[:kept]
        cells = cells_of(self.density, x[:kept], of_kept)
        loss: Any = self.loss
        least = 0.0
        if loss.l2 is None and not loss.l1:
            least = cells.least_l2(self.density)
        held = bool(loss.l1 or loss.l2)
        bounded = held or (loss.l2 is None and not least)
        where = self._where("fit")
        cells.warn_of_empty(where, self.density, bounded, least)
        self._whiten(cells, bounded or least > 0, least)
        noise = cells.noise(self.density)
        search = Search(self._remaining, epochs is None, noise=noise)
        return x, {
            **asked,
            "sample_weight": weight,
            "batch_size": kept,
            "epochs": _epochs(epochs, "exact"),
            "callbacks": [*callbacks, search],
            "validation_split": validation_split,
            "validation_batch_size": self.default_batch_size,
            "shuffle": False,
        }

    def _whiten(self, cells: Cells, penalised: bool, least: float) -> None:
        """Let the search know how sites of these examples go together.

        And by how much couplings without a finite optimum are held.
        """
        found, rules = cells.whitened(self.density, penalised), self.rules
        before, rules.whitened = rules.whitened, found
        pairs = zip(before or (), found or (), strict=False)
        same = all(np.array_equal(a, b) for a, b in pairs)
        same = same and bool(before) == bool(found)
        if not same or rules.least_l2 != least:
            # Keras keeps a graph that has seen others.
            self.train_function = None
        rules.least_l2 = least

    # Rows that are known ---------------------------------------------------

    @staticmethod
    def reweight(
        features: Any,
        observations: Any,
        weights: ArrayLike | None = None,
        observation_stderr: Any = None,
        observation_covariance: Any = None,
        tolerance: str = "gaussian",
        observation_count: int | None = None,
    ) -> Reweighted:
        """Weights of given rows with which features have given averages.

        Frames of a simulation and measured averages, respondents of a survey
        and the shares of a census, background points and where a species was
        seen: `p_i = w_i exp(lambda . F_i) / Z` with `sum_i p_i F_i` as
        observed, the weights nearest to w in relative entropy.

        Args:
            features: F, (rows, k); or a frame or dict of columns, whose names
                are those of the features. A column of text or categories has
                an indicator for each, named `column=category`.
            observations: averages, (k,), nan where unknown; or a dict or
                Series of those that are known, by name. For a column of
                categories a dict of their shares:
                `{"sex": {"f": 0.51, "m": 0.49}, "income": 3.2}`.
            weights: w, (rows,), of any sum; None for equal ones. A row
                without weight gets none.
            observation_stderr: standard errors of the averages, a number,
                (k,), or by name; as in `fit`. Of presences against background
                `features.presence_stderr` has those of maxnet.
            observation_covariance: (k, k), where errors are correlated; what
                its null space sees is met exactly.
            tolerance: as in `fit`, "gaussian" or "laplace".
            observation_count: as in `fit`.

        Returns:
            The `Reweighted`: its `weights`, `multipliers`, `entropy`,
            `effective_rows`, `solution()`, `density(new_features)`, and
            `scan()` for the size of the errors.

        Raises:
            ValueError: for averages that no weights have, naming them.

        Reference:
            Hummer and Köfinger, "Bayesian ensemble refinement by replica
            simulations and reweighting", Journal of Chemical Physics 143,
            2015. Deming and Stephan, "On a least squares adjustment of a
            sampled frequency table", Annals of Mathematical Statistics 11,
            1940.

        Example:
        >>> people = {"sex": ["f", "f", "m"], "age": [20.0, 60.0, 40.0]}
        >>> found = genzoo.MaxEnt.reweight(
        ...     people, {"sex": {"f": 0.5, "m": 0.5}, "age": 45.0}
        ... )
        >>> [round(p, 3) for p in found.weights.tolist()]
        [0.125, 0.375, 0.5]
        """
        return reweight(
            MaxEnt,
            features,
            observations,
            weights,
            observation_stderr,
            observation_covariance,
            tolerance,
            observation_count,
        )

    # Averages --------------------------------------------------------------

    def adapt(
        self,
        x: Examples,
        steps: int | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> None:
        """Take the averages of examples; `fit` then needs no more of them.

        Multipliers that were fitted, loaded or assigned stay as they are.

        Args:
            x: array of examples, or a dataset of batches.
            steps: how many batches of the dataset to see; None means all.
            sample_weight: what each example of an array counts, (n,).

        Raises:
            ValueError: as `fit`.
        """
        x, _, weight, _ = self._given("adapt", x, None, sample_weight)
        self._check_adapts(x, steps)
        where = self._where("adapt")
        with self._told_plainly("adapt"):
            averages, place = of_examples(where, self.density, x, steps, weight)
        averages = self._moved_inside(where, averages)
        if not self.is_adapted:
            self._observe("adapt", averages, place)
            return
        closed = bool(self.compiled and self.loss.samples)
        self._dual.reach.check(where, averages, closed)
        self.observations.keep(averages)
        # `fit` looks for redundant features and for a better start.
        self._is_placed = False

    def _prepare_batch(self, given: Given) -> None:
        if self.adapted.numpy() or not self.loss.uses_averages:
            self._prepare(given)
            return
        x, _, weight, _ = given
        where = self._where("train_on_batch")
        averages, place = of_examples(where, self.density, x, weight=weight)
        averages = self._moved_inside(where, averages)
        self._observe("train_on_batch", averages, place)

    def _moved_inside(self, where: str, averages: Averages) -> Averages:
        if self.compiled and self.loss.samples:
            return averages
        return self._dual.reach.moved_inside(where, averages)

    def _prepare(self, given: Given, steps: int | None = None) -> None:
        # Averages are kept also where a rule looks at examples.
        x, _, weight, _ = given
        where = self._where("fit")
        averages, place = of_examples(where, self.density, x, steps, weight)
        if self.observations.differ(averages):
            self.observations.keep(averages)
            self._forget_search()
        if not self.adapted.numpy():
            self._begin_at(averages, place)

    def _observe(
        self, method: str, averages: Averages, place: Place | None
    ) -> None:
        """Check averages and keep them; see `fit`.

        Args:
            method: who asks, for messages.
            averages: to be met.
            place: where the examples lie, if there were any.
        """
        new = not weights.get(self.adapted)
        if new or not self._is_placed or self.observations.differ(averages):
            if self._exact is not None and not self.space.is_bounded:
                if place is None:
                    names = self.features.names
                    self.window.place_by_moments(names, averages.values)
                else:
                    self.window.place(*place)
            closed = bool(self.compiled and self.loss.samples)
            averages, redundant, limits = self._dual.reach.check(
                self._where(method), averages, closed
            )
            held = redundant | np.isinf(averages.stderr) | (limits != 0)
            held |= self.observations.limited
            here = weights.get(self.multiplier_weights)
            kept = np.where(held, limits, here)
            weights.put(self.multiplier_weights, kept)
            self.observations.keep(averages, redundant, limits != 0)
            self.window.moves = 0
            self._dual.start_over_if_better()
            self._forget_search()
            self._is_placed = True
        if self._dual.look_at(averages):
            # Keras keeps a graph of the other kind of step.
            self.train_function = None
        if new:
            self._begin_at(averages, place)

    def _begin_at(self, averages: Averages, place: Place | None) -> None:
        """What is done once, when the first averages are known."""
        if place is not None and not isinstance(self._exact, Summation):
            self.window.place(*place)
        start = self._start(averages.values)
        if start is not None and not self.multiplier_weights.numpy().any():
            # Only of what is solved for: what is not known stays at zero.
            free = self.observations.free().numpy()
            self.multiplier_weights.assign(free * start)
        weights.put(self.adapted, 1)
        if self.chains is not None:
            self.reset_chains()

    def _start(self, observed: Array) -> Array | None:
        """The multipliers that training begins with; None for zeros."""
        if self.space.is_bounded or self._exact is not None:
            return None
        return gaussian_start(self.space, self.features.names, observed)

    def _start_near(self, x: Array, weight: ArrayLike | None) -> None:
        """Begin chains of tied couplings where pseudolikelihoods end.

        A machine that has a multiplier for each coupling says itself where,
        and of a space that can be summed over chains are only a study.
        """
        density = self.density
        if self._exact is not None or not density.is_pairwise:
            return
        if density.layout.is_direct:
            return
        weight = None if weight is None else np.asarray(weight)
        is_negative = weight is not None and (weight < 0).any()
        if is_negative or self.multiplier_weights.numpy().any():
            return
        fresh = MaxEnt(self.space, self.features.parts, seed=0)
        start = pseudolikelihood_start(fresh, x, weight)
        free = self.observations.free().numpy()
        self.multiplier_weights.assign(free * start)

    def reset_chains(self) -> None:
        """Draw new chains, without a model."""
        super().reset_chains()
        self.stride.walked.assign(0)

    # One step --------------------------------------------------------------

    def train_step(self, data: Any) -> dict[str, tf.Tensor]:
        """One Newton step, one of L-BFGS, or one from chains."""
        optimizer = self.optimizer
        if isinstance(optimizer, optimizers.Solver):
            return distribute.shape_logs(self._solver_step(data))
        if not self.loss.uses_averages:
            return super().train_step(data)
        if self.loss.samples:
            evaluation, logs = self._chain_evaluation()
        else:
            evaluation, facts = self._dual.evaluation(second=False)
            residual = tf.abs(evaluation.gradient * self._mask())
            logs = {"residual": tf.reduce_max(residual), **facts}
        loss, gradient, fisher = evaluation[:3]
        weights = self.multiplier_weights
        l1, mask = self._l1(), self._mask()
        if isinstance(optimizer, optimizers.NaturalGradient):
            chains = self._chain.walks.persistent.count
            optimizer.advance_noisy(weights, gradient, fisher, chains, l1, mask)
        else:
            gradient = mask * (gradient + l1 * tf.sign(self._lambda()))
            if self.loss.samples and isinstance(optimizer, optimizers.Falling):
                gradient = mask * self._natural(gradient, optimizer.rate())
            share = gradient / distribute.replica_count()
            optimizer.apply([share], [weights])
        self.adapted.assign(1)
        return {**self._logs_of_averages(loss), **distribute.shape_logs(logs)}

    def _natural(self, gradient, rate):
        """The natural gradient of independent sites, no longer than is safe.

        A step changes the energies of the chains, of which they must not know
        too little afterwards: collective modes, which independent sites do not
        have, would throw the model out of all bounds.
        """
        held = _HELD * tf.ones_like(gradient)
        inverse = self.rules.independent_inverse(held)
        if inverse is None:
            return gradient
        step = inverse(gradient)
        spread = self._chain.spread(step)
        change = tf.cast(rate, spread.dtype) * spread
        most = tf.constant(_FARTHEST, spread.dtype)
        farthest = tf.math.divide_no_nan(most, change)
        return step * tf.where(spread > 0, tf.minimum(farthest, 1.0), 1.0)

    def _logs_of_averages(self, measure):
        # The observations are their own reference.
        height = tf.zeros(()) if self._watches else None
        return self._logs(distribute.share(measure), height, 1)

    def _solver_step(self, data):
        facts = {}

        def of_averages():
            second = self.optimizer.needs_hessian
            evaluation, found = self._dual.evaluation(second)
            facts.update(found)
            return evaluation

        def of_examples():
            batch = self._batch(data)
            value, (gradient,) = self.loss.gradients(self, batch, _NO_CHANCE)
            x, ridge = self._lambda(), self._ridge()
            value = tf.cast(distribute.all_sum(value), tf.float64)
            gradient = tf.cast(distribute.all_sum(gradient), tf.float64)
            # The orthants of an L1 term are those of the multipliers.
            inverse = None
            if not getattr(self.loss, "l1", 0.0):
                held = tf.zeros_like(x) if ridge is None else ridge.diagonal
                inverse = self.rules.independent_inverse(held)
            if ridge is not None:
                penalty, slope = ridge(x)
                value, gradient = value + penalty, gradient + slope
                if self.loss.l2 is None and ridge.couplings:
                    facts["l2"] = tf.constant(ridge.couplings, tf.float64)
            return Evaluation(value, gradient, None, inverse)

        is_sparse = self._dual.is_sparse or getattr(self.loss, "l1", 0.0) > 0
        value, residual = self.optimizer.advance(
            self.multiplier_weights,
            of_averages if self.loss.uses_averages else of_examples,
            self._l1() if is_sparse else None,
            self._mask(),
            is_whole=self.space.is_bounded,
        )
        self.adapted.assign(1)
        logs = self._logs_of_averages(value)
        # Not rounded to float32.
        return {**logs, self.loss.measure: value, "residual": residual, **facts}

    def _remaining(self) -> Array:
        """The gradient where a search stands, of what is solved for."""
        gradient = tf.convert_to_tensor(self.optimizer.gradient.value)
        found = pseudogradient(self._lambda(), gradient, self._l1())
        return (found * self._mask()).numpy()

    def _far_off(self) -> Array:
        """The gradient where chains stand, but for what a tolerance allows."""
        x, states = self._lambda(), self._chain.walks.persistent.read_all()
        states = tf.cast(states, tf.float64)
        mean = self.density.feature_sums(states) / float(len(states))
        residual = mean - self._observed() + self.observations.l2() * x
        allowed = tf.maximum(tf.abs(residual) - self._l1(), 0.0)
        return (allowed * self._mask()).numpy()

    def _chain_evaluation(self):
        """What the persistent chains say after some sweeps."""
        rule: Any = self.loss
        seed = self.draws.next()
        self._chain.advance(rule.steps, seed, getattr(rule, "fresh", 0.0))
        noisy = isinstance(self.optimizer, optimizers.NaturalGradient)
        x, shift = self._lambda(), self._observed()
        _, residual, fisher, _ = self._chain.moments(x, shift, noisy)
        l2 = self.observations.l2()
        if fisher is not None:
            fisher += tf.linalg.diag(l2)
        logs = {"residual": tf.reduce_max(tf.abs(residual * self._mask()))}
        loss = tf.reduce_sum(x * residual)
        return Evaluation(loss, residual + l2 * x, fisher), logs

    def _observed(self) -> tf.Tensor:
        return tf.convert_to_tensor(self.observations.values.value)

    def _mask(self) -> tf.Tensor:
        """1 for the multipliers that are solved for."""
        trainable = float(self.multiplier_weights.trainable)
        return self.observations.free() * trainable

    def _l1(self) -> tf.Tensor:
        """Weights of the l1 terms of tolerance and loss, (features,)."""
        own = self.observations.l1()
        size = getattr(self.loss, "l1", 0.0) if self.compiled else 0.0
        if size:
            # Fields are not held down, only couplings.
            own += size * tf.cast(self.density.layout.is_coupling, own.dtype)
        return own

    def _ridge(self) -> Ridge | None:
        """The squares that the loss adds; None where there are none."""
        loss: Any = self.loss if self.compiled else None
        l2 = getattr(loss, "l2", 0.0)
        if l2 is None:
            searches = isinstance(self.optimizer, optimizers.Solver)
            l2 = self.rules.least_l2 if searches else 0.0
        weights = [l2, getattr(loss, "l2_fields", 0.0)]
        return Ridge(self.density.layout, *weights) if any(weights) else None

    def _penalty_gradients(self) -> list:
        """As of any model, and those of the loss and the tolerance.

        For Keras's optimizers; the gradient of an L1 term where a multiplier
        is zero is taken as zero.
        """
        (own,) = super()._penalty_gradients()
        x = self._lambda()
        share = self._l1() * tf.sign(x) + self.observations.l2() * x
        ridge = self._ridge()
        if ridge is not None:
            share += ridge.gradient(x)
        share /= distribute.replica_count()
        return [share if own is None else own + share]

    # Samples ---------------------------------------------------------------

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
        """n examples drawn from `p(x)^(1 / temperature)`, normalised.

        Independent and exact where the space can be summed over; else by
        chains of Gibbs sampling in the discrete sites and Hamiltonian Monte
        Carlo in the continuous ones; see `EnergyBasedModel.sample`.

        Args:
            n: number of samples.
            seed: int or pair of ints, or None.
            steps: sweeps of the chains.
            start: "chains", "random", an array of n examples, or None.
            temperature: positive; 1 is the model, 0.5 favours the probable.
            method: "auto", "exact" or "chains".
            given: an example of which some is known, or n of them.
            mask: what of `given` is known, bool; None takes all but NaN.

        Returns:
            A float32 array of shape (n, *event_shape).

        Raises:
            ValueError: as `EnergyBasedModel.sample`; for a model that was
                never adapted to data, fitted or loaded.
        """
        self._check_adapted("sample")
        return super().sample(
            n, seed, steps, start, temperature, method, given, mask
        )

    def _exact_draws(
        self, effort: str, temperature: float = 1.0
    ) -> Draw | None:
        if self._exact is None:
            return None
        draw = self._exact.draw
        return lambda n, seed: draw(self._lambda(), n, seed, temperature)

    # Results ---------------------------------------------------------------

    def _partition_methods(self) -> list[str]:
        return ["ais"] if self._exact is None else [self._exact.name, "ais"]

    def _exact_log_partition(self) -> LogPartition:
        return self._dual.exact.log_partition(self._lambda(), self._observed())

    def _annealed(
        self, chains: int, temperatures: int, reverse: bool, seed: random.Seed
    ) -> LogPartition:
        def independent(n, seed):
            return self._dual.exact.independent(self._lambda(), n, seed)

        exact = None if self._exact is None else independent
        return self._chain.annealed(chains, temperatures, reverse, seed, exact)

    def _sum_terms(self) -> float:
        if self._exact is None:
            return math.inf
        if isinstance(self._exact, ProductRoute):
            return self.space.width * len(self.features)
        return (self.space.state_count or _MOST_STATES) * len(self.features)

    def _reference_energy(self) -> Any:
        return -tf.reduce_sum(self._lambda() * self._observed())

    def _solved(self, second: bool = False) -> Solved:
        """What is exact, at the present multipliers."""
        return self._dual.exact.solved(self._lambda(), self._observed(), second)

    def _log_z(self) -> float:
        # Exact values are not kept, being quick.
        if self._exact is not None:
            return float(self._solved().log_z)
        return super()._log_z()

    def log_prob(
        self,
        x: ArrayLike,
        mask: ArrayLike | None = None,
        condition: Any = None,
    ) -> Array:
        """As `EnergyBasedModel.log_prob`; -inf where limits leave nothing."""
        found = super().log_prob(x, mask, condition)
        if self.observations.limited.any():
            found = np.where(found < -0.5 * LIMIT, -np.inf, found)
        return found

    def prob(self, x: ArrayLike) -> Array:
        """p(x), a float64 array of shape (n,); see `log_prob`.

        For continuous sites it is a density.
        """
        return np.exp(self.log_prob(x))

    def entropy(self) -> float:
        """The entropy `-<log p>` in nats; differential for continuous sites.

        Where the space cannot be summed over: from samples and log Z, with
        the errors of both.
        """
        self._check_adapted("entropy")
        if self._exact is None:
            return float(-self.log_prob(self.sample(DRAWS, seed=0)).mean())
        found = self._solved()
        mean = np.dot(self.multiplier_weights.numpy(), found.mean.numpy())
        return float(found.log_z - mean - found.log_reference)

    def expectation(self, function: Callable | None = None) -> Any:
        """<f(x)> under the model, exact where `route` is.

        Args:
            function: of examples, (batch, *event_shape) to (batch,) or
                (batch, n), or one of `genzoo.features`; None takes the
                model's features.

        Returns:
            A float64 array of shape (n,), or a float for (batch,). From
            10,000 samples where the space cannot be summed over; of
            independent sites features of one site each, such as
            `features.Moments(1)`, are exact.
        """
        self._check_adapted("expectation")
        if function is not None and not callable(function):
            checks.refuse(
                function,
                f"{self._where('expectation')}: function",
                "a function of examples, or None",
            )
        is_scalar = False
        if isinstance(function, Feature):
            function = function.on(self.space)
            found = self._of_one_site(function)
            if found is not None:
                return found

        def values(states):
            nonlocal is_scalar
            if function is None:
                return self.features(states)
            value = function(self.space.unflatten(states))
            value = tf.cast(value, states.dtype)
            is_scalar = len(value.shape) == 1
            return value[:, None] if is_scalar else value

        if function is None and self._exact is not None:
            return self._solved().mean.numpy()
        route = self._exact or self._chain
        result = route.expectation(self._lambda(), values).numpy()
        return float(result[0]) if is_scalar else result

    def _of_one_site(self, part):
        """<f> of another feature where sites are independent, or None."""
        count = part.count(self.space)
        sites = part.one_site(self.space)
        route = self._exact
        jumps = set(part.breaks) - set(self.features.breaks)
        if sites is None or jumps or not isinstance(route, ProductRoute):
            return None
        return route.one_site_means(self._lambda(), sites, count).numpy()

    def feature_covariance(self) -> Array:
        """The Fisher matrix: the covariance of the features, (n, n)."""
        self._check_adapted("feature_covariance")
        if self._exact is not None:
            return np.asarray(self._solved(second=True).covariance)
        x = tf.cast(self.sample(DRAWS, seed=0), tf.float64)
        values = self.features(self.space.flatten(x)).numpy()
        return np.atleast_2d(np.cov(values.T))

    def multiplier_stderr(self) -> Array:
        """Standard errors of the multipliers, (n,); nan if not determined.

        From the Fisher matrix F: with n independent examples behind the
        averages it is `sqrt(diag(F^-1) / n)`. With `observation_stderr` s the
        error of the averages is theirs, `diag(F^-1 diag(s^2) F^-1)`, where F
        includes the tolerance.
        """
        kept = self.observations
        if not kept.are_known:
            raise ValueError(
                f"{self._where('multiplier_stderr')}: there are no "
                "observations yet. Call fit first."
            )
        free = (self._mask().numpy() > 0) & ~kept.limited
        if kept.tolerance == "laplace":
            free &= self.multipliers != 0
        if self._exact is None:
            fisher = self.feature_covariance()
        else:
            fisher = self._dual.covariance(free)
        held, ridge = kept.l2(), self._ridge()
        if ridge is not None:
            held += ridge.diagonal
        fisher = fisher + np.diag(held.numpy())
        stderr = kept.stderr.numpy()
        inverse = None if self._exact is None else self._dual.inverse()
        return report.multiplier_stderr(
            fisher, free, stderr, kept.count, inverse
        )

    def solution(self) -> report.Solution:
        """The constraints: observed, model, multiplier and its error."""
        names = self.features.names
        known = self.observations.are_known
        none = np.full(len(names), np.nan)
        is_exact = self._exact is not None
        # Of limits log Z has no part, which would be infinite.
        kept = self.observations
        at_limits = self.multiplier_weights.numpy() * kept.values.numpy()
        beyond = float(at_limits[kept.limited].sum())
        asked = np.isfinite(kept.stderr.numpy()) & known
        many = "constraint" if len(names) == 1 else "constraints"
        where = f"{type(self).__name__} on {self.space.description}"
        return report.Solution(
            title=f"{where}: {len(names)} {many}, {self.route}",
            names=names,
            observed=np.where(asked, kept.values.numpy(), np.nan),
            mean=self.expectation(),
            multipliers=self.multipliers,
            stderr=self.multiplier_stderr() if known else none,
            is_redundant=self.observations.is_redundant.numpy() == 1,
            entropy=self.entropy() if is_exact else None,
            log_partition=self._log_z() - beyond if is_exact else None,
        )

    def summary(
        self,
        line_length: int | None = None,
        print_fn: Callable | None = None,
        **kwargs: Any,
    ) -> None:
        """Print `solution`.

        Args:
            line_length: not used; as in Keras.
            print_fn: what to print with, by default `print`.
            **kwargs: not used; as in Keras.
        """
        show = print_fn or print
        if not self.is_adapted:
            show(repr(self))
            show("not fitted: " + ", ".join(self.features.names[:20]))
            return
        for line in self.solution().lines():
            show(line)

    def to_distribution(self) -> Any:
        """The model as a TensorFlow Probability `Distribution`.

        Raises:
            ValueError: if the space has a continuous site, or more than 2**20
                states.
        """
        count = self.space.state_count
        if count is None or count > _MOST_STATES:
            raise ValueError(
                f"{self._where('to_distribution')}: needs a discrete space of "
                "at most 2**20 states; this one has "
                f"{count or 'infinitely many'}. Use log_prob and sample."
            )
        states = self.space.states()
        return probability.finite_distribution(states, self.log_prob(states))

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
        """The loss on examples, and whether the identities of training hold.

        On exact routes two facts of mathematics are checked, and what is
        missing from them is among the results:

        - `gradient_identity`: the largest |d log Z / d lambda_i - <f_i>|,
          the derivative taken by central differences of log Z;
        - `likelihood_identity`: |<log p>_data + H(data) + KL(data || model)|,
          for discrete spaces of up to 2**20 states, beside `data_entropy`
          H(data) and `kl_divergence` KL(data || model) themselves.

        Args:
            x: examples, an array or a dataset; None takes the observations
                that the model was fitted to.
            y: must be None.
            batch_size: as in Keras.
            verbose: as in Keras.
            sample_weight: what each example counts, (n,).
            steps: as in Keras.
            callbacks: as in Keras.
            return_dict: as in Keras.
            missing: what stands for an unknown number in x; see
                `EnergyBasedModel.evaluate`.
            mask: what of an array x is known, bool.
            **kwargs: as in Keras.

        Raises:
            ValueError: if x is not in the space.
        """
        if x is None and not kwargs.get("_use_cached_eval_dataset"):
            self._check_adapted("evaluate")
            results = self._evaluate_observations()
            if return_dict:
                return results
            # A list has the numbers that have names in `metrics_names`.
            named = {k: results[k] for k in self.metrics_names if k in results}
            return self._flatten_metrics_in_order(named or results)
        return super().evaluate(
            x,
            y,
            batch_size=batch_size,
            verbose=verbose,
            sample_weight=sample_weight,
            steps=steps,
            callbacks=callbacks,
            return_dict=return_dict,
            missing=missing,
            mask=mask,
            **kwargs,
        )

    def _result_names(self) -> tuple[list[str], list[str]]:
        first, last = super()._result_names()
        if self._exact is not None:
            first = [*first, "gradient_identity"]
        return first, last

    def _identities(
        self, x: Any, weight: ArrayLike | None = None
    ) -> dict[str, float]:
        found = {}
        if self._exact is not None:
            found["gradient_identity"] = report.gradient_identity(
                self._exact,
                self.multiplier_weights.numpy(),
                self.observations.values.numpy(),
                self.observations.is_redundant.numpy(),
            )
        if x is None:
            return found
        return found | super()._identities(x, weight)

    def _evaluate_observations(self) -> dict[str, float]:
        observed = self.observations.values.numpy()
        asked = np.isfinite(self.observations.stderr.numpy())
        residual = np.abs((self.expectation() - observed)[asked]).max()
        results = {"residual": float(residual)}
        if self._exact is not None:
            dual = self._log_z() - self.multiplier_weights.numpy() @ observed
            results = {"loss": float(dual), **results}
            results["entropy"] = self.entropy()
            results |= self._identities(None)
        return results

    # Export and saving -----------------------------------------------------

    def portable_endpoints(self) -> Endpoints:
        """What ONNX and LiteRT files hold: see `export`."""
        held = super().portable_endpoints()
        if not self.density.is_pairwise:
            return held

        def gibbs_sweep(x, u):
            sweep = samplers.gibbs_sites_from_uniform(
                self._chain.pairwise(), self.density.colours
            )
            states, _ = sweep(u, self.space.flatten(tf.cast(x, tf.float32)))
            return self.space.unflatten(states)

        _, given = held["energy"]
        uniforms = tf.TensorSpec((None, self.space.width), tf.float32, "u")
        return {**held, "gibbs": (gibbs_sweep, [*given, uniforms])}

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments.

        Raises:
            ValueError: if a feature or the reference is a function that Keras
                does not know by name.
        """
        serialize = keras.saving.serialize_keras_object
        config = super().get_config()
        return {
            **config,
            "space": serialize(self.space),
            "features": self.features.serialize(),
            "reference": self.reference
            and serialize_function(self.reference, "The reference"),
            "seed": self.draws.seed,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """A model from `get_config`."""
        return cls(**config)

    @classmethod
    def preset_size(cls, **arguments: Any) -> int:
        """Four numbers for each function, two for each site, and log Z."""
        space = arguments["space"]
        count = sum(part.count(space) for part in arguments["features"])
        return cls._stored(space, count)

    @staticmethod
    def _stored(space: Space, count: int) -> int:
        # Multipliers, averages, their errors, flags; a window for each site.
        window = 2 * space.width if space.is_bounded else 4 * space.width
        return 4 * count + 2 + window + KNOWN_LENGTH

    def preset_config(self) -> dict[str, Any]:
        """The arguments above.

        Raises:
            ValueError: if it has not seen data, or has a reference.
        """
        if self.reference is not None:
            raise ValueError(
                f"{self._where('save_to_preset')}: the reference is a "
                "function, which is no plain data. Save the model as .keras "
                "instead."
            )
        return {**super().preset_config(), "features": self.features.parts}

    def preset_weights(self) -> dict[str, Any]:
        """What it learned, and what it was fitted to."""
        kept = self.observations
        # Only where tails are, so that older presets are complete.
        stretch = {"stretch": self.window.stretch}
        return {
            **({} if self.space.is_bounded else stretch),
            "multiplier_weights": self.multiplier_weights,
            "observed": kept.values,
            "observed_stderr": kept.stderr,
            "is_redundant": kept.is_redundant,
            "observation_record": kept.record,
            "window": self.window.ends,
            "known_log_partition": self.known_log_partition,
        }


_SOLVERS = {
    "newton": optimizers.Newton,
    "lbfgs": optimizers.LBFGS,
    "natural_gradient": optimizers.NaturalGradient,
}


def _epochs(epochs: int | None, kind: str) -> int:
    """How many, by default those of a kind of search."""
    return _EPOCHS[kind] if epochs is None else epochs
