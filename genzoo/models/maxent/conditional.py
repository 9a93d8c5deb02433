"""Maximum entropy of y given a condition: log-linear models, logits."""

import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, NoReturn, Self

import keras
import numpy as np
import tensorflow as tf

from genzoo import checks, optimizers
from genzoo.features import FeatureList
from genzoo.features.feature import Feature
from genzoo.losses.protocols import Gradients
from genzoo.models.common import sample_weights
from genzoo.models.common.conditions import NAME, Conditions
from genzoo.models.common.endpoints import SEED, Endpoints
from genzoo.models.common.energy_based_model import (
    KNOWN_LENGTH,
    EnergyBasedModel,
)
from genzoo.models.common.given import Given
from genzoo.models.maxent.density import Density
from genzoo.models.maxent.routes.table import Table, table_of
from genzoo.models.maxent.search import Search, held_in_memory
from genzoo.optimizers import Evaluation
from genzoo.runtime import batch, data, distribute, random
from genzoo.spaces import Grid, Product, Real, Space
from genzoo.spaces.space import get as get_space
from genzoo.types import Array, ArrayLike, Examples, SeedLike

# Of more parameters, or states, no Hessian is formed.
_MOST_FOR_NEWTON = 1000
_MOST_STATES = 64
_EPOCHS = 200
# Rows that are hashed together.
_HASHED = 2**12
# Numbers of what is summed for some rows at once.
_AT_ONCE = 2**22


def space_of(condition: Any) -> Space:
    """The space of conditions, of what `condition=` may be.

    Raises:
        ValueError: for something else.
    """
    is_blocks = isinstance(condition, dict) and condition
    if is_blocks and all(isinstance(s, Space) for s in condition.values()):
        return Product(list(condition.values()), list(condition))
    if isinstance(condition, (Space, dict)):
        return get_space(condition)
    try:
        return Real(condition)
    except (TypeError, ValueError):
        raise ValueError(
            "MaxEnt: condition must be the number of real-valued inputs, or a "
            "shape of them, or one of genzoo.spaces, such as "
            f"genzoo.spaces.OneHot(1, 10); received {condition!r}."
        ) from None


@keras.saving.register_keras_serializable("genzoo")
class ConditionalMaxEnt(EnergyBasedModel):
    """p(y | c) of largest entropy with given averages of products f(y) c.

    `p(y | c) = exp(sum_a (b_a + sum_j W_ja c_j) f_a(y)) / Z(c)`, with
    `<f_a>` and `<f_a c_j>` as in the data: with the indicators of classes for
    f this is multinomial logistic regression. What y may be is summed over,
    for each condition. `MaxEnt(space, features, condition=...)` makes it.

    Args:
        space: of y, whose states, or the nodes of its integral, are few.
        features: f, one or a list of `genzoo.features`, or functions.
        condition: how many real numbers c is, or their shape, a
            `genzoo.spaces.Space`, or a dict of those by name.
        l2: the weight of `l2 / 2 sum W^2`, which is added to the mean negative
            log-likelihood; b is free. scikit-learn's C is `1 / (l2 n)`.
        seed: int or pair of ints, for samples.

    Raises:
        ValueError: if y has too many states, or none of its features is known
            without an average.

    Reference:
        Berger, Della Pietra and Della Pietra, "A maximum entropy approach to
        natural language processing", Computational Linguistics 22, 1996.

    Example:
    >>> kinds = genzoo.spaces.Categorical([0, 1, 2])
    >>> model = genzoo.MaxEnt(
    ...     kinds, genzoo.features.Indicators([0, 1, 2]), condition=2
    ... )
    >>> c = np.random.default_rng(0).standard_normal((300, 2))
    >>> y = (c[:, 0] > 0) + (c[:, 1] + c[:, 0] > 1.0)
    >>> model.compile()
    >>> history = model.fit(y[::3], c[::3] + c[1::3], verbose=0)
    >>> model.prob([0, 1, 2], condition=[0.0, 0.0]).sum().round(6)
    np.float64(1.0)
    """

    arguments: ClassVar[checks.Arguments] = {
        "space": checks.part(Space),
        "features": checks.list_of(checks.part(Feature), 1, 100),
        "condition": checks.part(Space),
        "l2": checks.number(0.0, math.inf, "a number, 0 or more"),
        "seed": checks.seed_pair,
    }
    # Its rules take a `Batch`.
    takes_batches = True

    def __init__(
        self,
        space: Space,
        features: Feature | Callable | Sequence[Feature | Callable],
        condition: Any,
        l2: float = 0.0,
        seed: SeedLike | None = None,
        **kwargs,
    ):
        space = get_space(space)
        features = FeatureList(space, features)
        super().__init__(seed=seed, **kwargs)
        self.space = space
        self.features = features
        self.condition = space_of(condition)
        blocks = self.condition
        if not isinstance(blocks, Product):
            blocks = Product([blocks], [NAME])
        self._conditions = Conditions(blocks)
        (self.l2,) = checks.arguments(self, l2=l2)
        self.density = Density("MaxEnt", space, features)
        self._held: Table | None = None
        self._size = (1 + self.condition.width, len(features))
        self.multiplier_weights = distribute.mirrored_weight(
            self,
            "multipliers",
            (math.prod(self._size),),
            dtype="float64",
            trainable=True,
        )
        # Of which examples a search knows, and where it stands.
        self.data_key = distribute.mirrored_weight(
            self, "data_key", (4,), dtype="int64"
        )
        self.searched = distribute.mirrored_weight(
            self, "searched", self.multiplier_weights.shape, dtype="float64"
        )
        self.built = True

    @property
    def _table(self) -> Table:
        """The features of all that y may be."""
        if self._held is None:
            with tf.init_scope():
                self._held = table_of(self.density)
            if self._held is None:
                raise ValueError(
                    f"{type(self).__name__}: a sum over y is made for each "
                    "condition, so that its states, or the nodes of its "
                    f"integral, must be few; received {self.space!r} with "
                    f"{len(self.features)} features. Given many variables "
                    "take an RBM(condition=...)."
                )
        return self._held

    # Compiling -------------------------------------------------------------

    def compile(  # type: ignore[override]
        self, optimizer: Any = None, loss: Any = "auto", **options: Any
    ) -> None:
        """As `EnergyBasedModel.compile`.

        Args:
            optimizer: any Keras optimizer, or "newton" or "lbfgs". None takes
                Newton for up to 1,000 parameters and 64 states of y.
            loss: "exact_likelihood".
            **options: as there.
        """
        if isinstance(optimizer, str):
            own = {"newton": optimizers.Newton, "lbfgs": optimizers.LBFGS}
            optimizer = own.get(optimizer, lambda: optimizer)()
        super().compile(optimizer, loss, **options)

    def _default_loss(self) -> str:
        return "exact_likelihood"

    def _default_optimizer(self, rule: Any) -> Any:
        few = math.prod(self._size) <= _MOST_FOR_NEWTON
        if few and len(self._table.values) <= _MOST_STATES:
            return optimizers.Newton()
        return optimizers.LBFGS()

    # The energy ------------------------------------------------------------

    @property
    def parameters(self) -> list[keras.Variable]:
        """b, then the rows of W, in one vector."""
        return [self.multiplier_weights]

    @property
    def intercepts(self) -> Array:
        """b, (features,)."""
        return self.multiplier_weights.numpy().reshape(self._size)[0]

    @property
    def coefficients(self) -> Array:
        """W, (features, condition width), as scikit-learn's `coef_`."""
        return self.multiplier_weights.numpy().reshape(self._size)[1:].T

    def _fields(self, condition):
        """What each feature is multiplied by, (rows, features)."""
        x = tf.convert_to_tensor(self.multiplier_weights.value)
        x = tf.reshape(x, self._size)
        return x[0] + tf.matmul(tf.cast(condition, x.dtype), x[1:])

    def _values(self, y):
        return self.features(self.space.flatten(tf.cast(y, tf.float64)))

    def _log_weights(self, fields):
        """log p(y | c) Z(c) of all y, (rows, states)."""
        table = self._table
        found = tf.matmul(fields, table.values, transpose_b=True)
        return found if table.log_weights is None else found + table.log_weights

    def call(self, x: tf.Tensor, condition: Any = None) -> tf.Tensor:
        """E(y, c) of a batch of y, (batch,), in nats."""
        if condition is None:
            condition = self._condition_for("call", None, None)
        self._check_width(x)
        fields = self._fields(tf.convert_to_tensor(condition))
        return -tf.reduce_sum(self._values(x) * fields, axis=1)

    @property
    def _energy_dtype(self) -> str:
        return "float64"

    @property
    def _keeps_float64(self) -> bool:
        return True

    # What learning rules ask for ---------------------------------------------

    def exact_loss(self, x: Any) -> tf.Tensor:
        """This replica's share of -<log p(y | c)>."""
        return self._sums(x)[0]

    def exact_gradients(self, x: Any) -> Gradients:
        """-<log p(y | c)> of a batch and its gradient, shares of them."""
        loss, gradient, _ = self._sums(x)
        return loss, [gradient]

    def _sums(self, x, second=False):
        """(loss, gradient, Hessian or None), this replica's shares."""
        c = tf.cast(batch.condition(x), tf.float64)
        share = batch.shares(x, tf.float64)
        fields, values = self._fields(c), self._values(batch.examples(x))
        log_w = self._log_weights(fields)
        log_z = tf.reduce_logsumexp(log_w, axis=1)
        each = log_z - tf.reduce_sum(fields * values, axis=1)
        p = tf.exp(log_w - log_z[:, None])
        mean = tf.matmul(p, self._table.values)
        # The intercept is the coefficient of a one.
        given = tf.concat([tf.ones_like(c[:, :1]), c], axis=1)
        own = batch.column(share, given) * given
        gradient = tf.matmul(own, mean - values, transpose_a=True)
        loss = batch.weighed(share, each)
        hessian = self._hessian(given, own, p, mean) if second else None
        return loss, tf.reshape(gradient, (-1,)), hessian

    def _hessian(self, given, own, p, mean):
        """The mean covariance of f(y) times the products of conditions."""
        size, count = self._size
        total = tf.zeros((size, count, size, count), tf.float64)
        for state, values in enumerate(self._table.values):
            part = tf.matmul(given, own * p[:, state, None], transpose_a=True)
            square = tf.constant(np.outer(values, values))
            total += part[:, None, :, None] * square[:, None]
        rows = (-1, size * count)
        joint = tf.reshape(given[:, :, None] * mean[:, None], rows)
        weighed = tf.reshape(own[:, :, None] * mean[:, None], rows)
        square = tf.reshape(total, (size * count, size * count))
        return square - tf.matmul(joint, weighed, transpose_a=True)

    def _held_down(self):
        """l2 of each parameter: of all but the intercepts."""
        held = np.full(self._size, self.l2)
        held[0] = 0.0
        return held.ravel()

    def _penalty_gradients(self) -> list:
        (own,) = super()._penalty_gradients()
        x = tf.convert_to_tensor(self.multiplier_weights.value)
        share = self._held_down() * x / distribute.replica_count()
        return [share if own is None else own + share]

    # Fitting ---------------------------------------------------------------

    def fit(  # type: ignore[override]
        self,
        x: Examples | None = None,
        y: ArrayLike | None = None,
        batch_size: int | None = None,
        epochs: int | None = None,
        condition: ArrayLike | None = None,
        **kwargs: Any,
    ) -> keras.callbacks.History:
        """Find b and W by the conditional likelihood.

        Args:
            x: examples of y, an array (n, *event_shape); or batches of (y,
                condition), (y, condition, sample_weight), or dicts with an
                entry "condition": a `tf.data.Dataset`, a PyDataset or a
                generator, which Newton and L-BFGS read into memory once.
            y: the condition of each row of an array, (n,
                *condition.event_shape); classes may be numbers.
            batch_size: as in Keras; Newton and L-BFGS take all rows at once.
            epochs: by default 200 for these, of which few are needed, else 1.
            condition: instead of y.
            **kwargs: as in Keras, among them sample_weight and validation_data
                (examples, conditions).

        Returns:
            A `keras.callbacks.History`.

        Raises:
            ValueError: as `GenerativeModel.fit`; for batches that Newton and
                L-BFGS have no memory for.
        """
        y = self._one_of("fit", y, condition)
        return super().fit(x, y, batch_size=batch_size, epochs=epochs, **kwargs)

    def evaluate(  # type: ignore[override]
        self,
        x: Examples | None = None,
        y: ArrayLike | None = None,
        batch_size: int | None = None,
        condition: ArrayLike | None = None,
        **kwargs: Any,
    ) -> Any:
        """-<log p(y | c)> of examples; arguments as of `fit`."""
        y = self._one_of("evaluate", y, condition)
        return super().evaluate(x, y, batch_size=batch_size, **kwargs)

    def _one_of(self, method, y, condition):
        if y is not None and condition is not None:
            raise ValueError(
                f"{self._where(method)}: y is the condition; pass one of them."
            )
        return condition if y is None else y

    def _plan(self, x: Any, y: Any, **asked: Any) -> dict[str, Any]:
        if not isinstance(self.optimizer, optimizers.Solver):
            return super()._plan(x, y, **asked)
        weight = asked.pop("sample_weight", None)
        given = self._given("fit", x, y, weight)
        if not data.is_array(given.x):
            steps = asked.pop("steps_per_epoch", None)
            given = given.gathered(self._where("fit"), steps)
        rows = len(given.x)
        if asked["batch_size"] not in (None, rows):
            raise ValueError(
                f"{self._where('fit')}: batch_size={asked['batch_size']}, but "
                f"{type(self.optimizer).__name__} takes all {rows} examples "
                "in one batch. Leave it out, or compile with optimizer='adam'."
            )
        if asked["validation_split"]:
            rows = int(rows * (1 - asked["validation_split"]))
        self._go_on_with(given, rows)
        # As far as rounding lets it, whatever the size of conditions.
        conditions: Any = given.y
        size = 1 + np.abs(conditions).mean(axis=0)
        noise = np.repeat(1e-8 * np.append(1.0, size), self._size[1])
        whole = asked["epochs"] is None
        search = Search(self._remaining, whole, noise=noise)
        asked |= {
            "batch_size": rows,
            "epochs": _EPOCHS if whole else asked["epochs"],
            "callbacks": [*asked["callbacks"], search],
            "shuffle": False,
        }
        asked.setdefault("validation_batch_size", self.default_batch_size)
        y = conditions.reshape(-1, *self.condition.event_shape)
        plan = super()._plan(given.x, y, sample_weight=given.weight, **asked)
        return held_in_memory(self, plan)

    def _go_on_with(self, given: Given, rows: int) -> None:
        """Begin a search anew, unless it has been one for these examples."""
        key = hashlib.sha256()
        for part in (given.x, given.y, given.weight):
            for first in range(0, 0 if part is None else rows, _HASHED):
                some = slice(first, min(first + _HASHED, rows))
                own: Any = part[some]  # type: ignore[index]
                key.update(np.ascontiguousarray(own, np.float64).tobytes())
        found = np.frombuffer(key.digest(), np.int64)
        is_same = np.array_equal(found, self.data_key.numpy())
        at = self.multiplier_weights.numpy()
        if not (is_same and np.array_equal(at, self.searched.numpy())):
            self.optimizer.reset()
        self.data_key.assign(found)

    def _remaining(self) -> Array:
        free = float(self.multiplier_weights.trainable)
        return free * self.optimizer.gradient.numpy()

    def train_step(self, data: Any) -> dict[str, tf.Tensor]:
        """One step of Newton's method or L-BFGS on all rows, or of a batch."""
        if not isinstance(self.optimizer, optimizers.Solver):
            return super().train_step(data)
        x, held = self._batch(data), tf.constant(self._held_down())

        def evaluate():
            second = self.optimizer.needs_hessian
            loss, gradient, hessian = self._sums(x, second)
            at = tf.convert_to_tensor(self.multiplier_weights.value)
            value = distribute.all_sum(loss)
            value += 0.5 * tf.reduce_sum(held * at * at)
            gradient = distribute.all_sum(gradient) + held * at
            if hessian is not None:
                hessian = distribute.all_sum(hessian) + tf.linalg.diag(held)
            return Evaluation(value, gradient, hessian)

        free = float(self.multiplier_weights.trainable)
        mask = free * tf.ones_like(self.multiplier_weights.value)
        value, residual = self.optimizer.advance(
            self.multiplier_weights,
            evaluate,
            None,
            mask,
            is_whole=self.space.is_bounded,
        )
        self.searched.assign(self.multiplier_weights.value)
        self.adapted.assign(1)
        logs = self._logs(distribute.share(value), None, 1)
        # Not rounded to float32.
        own = {self.loss.measure: value, "residual": residual}
        return distribute.shape_logs({**logs, **own})

    # Conditions --------------------------------------------------------------

    @property
    def _is_conditional(self) -> bool:
        return True

    @property
    def _has_few_states(self) -> bool:
        return False

    def _condition_for(
        self, method: str, condition: Any, rows: int | None, x: Any = None
    ) -> Array | None:
        where = self._where(method)
        found = self._conditions.check(where, condition, rows, wide=True)
        return np.asarray(found, np.float64)

    def _given(
        self,
        method: str,
        x: Any,
        y: Any = None,
        weight: Any = None,
        missing: Any = None,
        mask: Any = None,
    ) -> Given:
        where = self._where(method)
        if missing is not None or mask is not None:
            raise ValueError(f"{where}: takes examples that are known in full.")
        x, y, weight = self._parts(x, y, weight)
        (x,), _ = self._opened(method, x)
        x, y = self._conditions.taken(x, y)
        if x is None:
            raise ValueError(f"{where}: x is missing.")
        if data.is_array(x) or isinstance(x, Mapping):
            x = self.space.check(where, data.dense(x), wide=True)
            c = self._condition_for(method, y, len(x))
            if weight is not None:
                weight = sample_weights.check(where, weight, len(x))
            return Given(x, c, weight)
        if y is not None or weight is not None:
            raise ValueError(
                f"{where}: condition and sample_weight go with an array x; a "
                "dataset gives (x, condition, sample_weight)."
            )
        check = sample_weights.check_dataset
        return Given(
            self._conditions.check_dataset(where, x, self.space, check)
        )

    @property
    def _most_looked_at(self) -> float:
        # A single batch of all.
        optimizer = self.optimizer if self.compiled else None
        solves = isinstance(optimizer, optimizers.Solver)
        return math.inf if solves else super()._most_looked_at

    def _checked_inputs(self, method: str, x: Any) -> NoReturn:
        raise ValueError(
            f"{self._where(method)}: takes no conditions, which the model "
            "needs. Call energy(x, condition=), which gives the same."
        )

    def _complaints(self) -> dict[str, str]:
        # Before what is said of x.
        return {**self._conditions.complaint, **super()._complaints()}

    def _log_z_given(self, condition: Array | None) -> Any:
        return tf.reduce_logsumexp(self._all_given(condition), axis=1).numpy()

    def _all_given(self, condition):
        return self._log_weights(self._fields(tf.constant(condition)))

    def _log_z(self) -> float:
        # It is a part of each example's likelihood.
        return 0.0

    def prob(self, x: ArrayLike, condition: ArrayLike) -> Array:
        """p(y | c), (n,); for continuous y a density.

        Args:
            x: examples of y, (n, *event_shape).
            condition: of each, or one for all.
        """
        return np.exp(self.log_prob(x, condition=condition))

    def expectation(self, condition: ArrayLike) -> Array:
        """<f(y)> given each condition, (n, features).

        Args:
            condition: (n, *condition.event_shape).
        """
        self._check_adapted("expectation")
        c = self._condition_for("expectation", condition, None)
        p = tf.nn.softmax(self._all_given(c), axis=1)
        return tf.matmul(p, self._table.values).numpy()

    def entropy(self, condition: ArrayLike) -> Array:
        """The entropy of y given each condition, in nats, (n,).

        Args:
            condition: (n, *condition.event_shape).
        """
        self._check_adapted("entropy")
        c = self._condition_for("entropy", condition, None)
        log_p = tf.nn.log_softmax(self._all_given(c), axis=1)
        # Of densities, which have the weights of their nodes.
        beside = self._table.log_weights
        own = log_p if beside is None else log_p - beside
        return -tf.reduce_sum(tf.exp(log_p) * own, axis=1).numpy()

    def sample(  # type: ignore[override]
        self,
        n: int,
        seed: SeedLike | None = None,
        condition: ArrayLike | None = None,
    ) -> Array:
        """n independent draws of y, each given its condition.

        Exact for levels; for a continuous y but for the width of one of the
        512 cells of its integral.

        Args:
            n: number of samples.
            seed: int or pair of ints; None takes the next of the model's own.
            condition: one for all, or n of them.

        Returns:
            A float32 array of shape (n, *event_shape).
        """
        n = self._check_count("sample", n)
        self._check_adapted("sample")
        c = self._condition_for("sample", condition, n)
        return self._draw_given(c, self._seed_for(seed)).numpy()

    def _draw_given(self, c: Any, seed: random.Seed) -> tf.Tensor:
        """A draw for each condition, inside graphs too."""
        log_w = self._log_weights(self._fields(c))
        p = tf.exp(log_w - tf.reduce_max(log_w, axis=1, keepdims=True))
        ends = tf.cumsum(p, axis=1)
        rows = tf.shape(log_w)[0]
        seed, within = random.split(seed, 2)
        share = random.uniform((rows, 1), seed, "float64")
        number = tf.searchsorted(ends, share * ends[:, -1:], side="right")
        number = tf.minimum(number[:, 0], ends.shape[1] - 1)
        grid = self._grid
        low, high = grid.cells(grid.digits(number))
        # A level is its own cell; a node stands for all of its.
        place = random.uniform((rows, self.space.width), within, "float64")
        states = low + (high - low) * place
        return self.space.unflatten(tf.cast(states, tf.float32))

    @property
    def _grid(self) -> Grid:
        return self.space.quadrature(
            self.density.nodes, breaks=self.features.breaks
        )

    def _draw_beside(self, x: Any, seed: random.Seed, steps: Any) -> tf.Tensor:
        return self._draw_given(batch.condition(x), seed)

    # What there is not of a condition ----------------------------------------

    def _no(self, method: str) -> NoReturn:
        raise ValueError(
            f"{self._where(method)}: the model is of y given a condition. Ask "
            "for log_prob, prob, expectation, entropy or sample, with "
            "condition=."
        )

    def log_partition(self, *args: Any, **kwargs: Any) -> NoReturn:
        """There is a log Z for each condition.

        Raises:
            ValueError: always.
        """
        self._no("log_partition")

    def _partial(self, method, *args, **kwargs):
        self._no(method)

    # Export and saving -----------------------------------------------------

    def endpoints(self) -> Endpoints:
        """What `export` serves: energy, log_prob and sample."""
        y = tf.TensorSpec((None, *self.event_shape), tf.float64, "x")
        c = tf.TensorSpec((None, self.condition.width), tf.float64, "condition")

        def log_prob(x, condition):
            log_w = self._log_weights(self._fields(condition))
            return -self.call(x, condition) - tf.reduce_logsumexp(log_w, axis=1)

        def sample(condition, seed):
            return self._draw_given(condition, random.as_seed(seed))

        return {
            "serve": (log_prob, [y, c]),
            "energy": (self.call, [y, c]),
            "log_prob": (log_prob, [y, c]),
            "sample": (sample, [c, SEED]),
        }

    def _guards(self, endpoint: str) -> tuple[dict[str, Space], dict[str, int]]:
        return {"x": self.space, "condition": self.condition}, {}

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        serialize = keras.saving.serialize_keras_object
        return {
            **super().get_config(),
            "space": serialize(self.space),
            "features": self.features.serialize(),
            "condition": serialize(self.condition),
            "l2": self.l2,
            "seed": self.draws.seed,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """A model from `get_config`."""
        return cls(**config)

    @classmethod
    def preset_size(cls, **arguments: Any) -> int:
        """The multipliers, and log Z."""
        space = arguments["space"]
        count = sum(part.count(space) for part in arguments["features"])
        return count * (1 + arguments["condition"].width) + KNOWN_LENGTH

    def preset_config(self) -> dict[str, Any]:
        """The arguments above."""
        return {**super().preset_config(), "features": self.features.parts}

    def preset_weights(self) -> dict[str, Any]:
        """What it learned."""
        return {
            "multiplier_weights": self.multiplier_weights,
            "known_log_partition": self.known_log_partition,
        }
