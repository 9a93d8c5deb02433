"""The restricted Boltzmann machine, for every pair of unit types."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from genzoo import checks, losses, partition, regularizers
from genzoo.losses.protocols import Conditional, Enumerable, Labelled
from genzoo.models.common import EnergyBasedModel, completion, sample_weights
from genzoo.models.common.clamped import ClampedWalks
from genzoo.models.common.endpoints import COUNT, SEED, STEPS, Endpoints
from genzoo.models.common.energy_based_model import KNOWN_LENGTH, Draw
from genzoo.models.common.given import Given
from genzoo.models.common.posterior import Posterior
from genzoo.models.common.presets import AllChains
from genzoo.models.common.stiffness import Odds, Pull, Stiffness
from genzoo.models.common.walks import Walks
from genzoo.models.rbm import bags, labels, posterior
from genzoo.models.rbm.centring import Offsets
from genzoo.models.rbm.conditional import ConditionalRules
from genzoo.models.rbm.conditional import Given as Conditioned
from genzoo.models.rbm.exact import CHEAP, Sums
from genzoo.models.rbm.links import Links, units_of
from genzoo.models.rbm.machine import Machine
from genzoo.models.rbm.mask import Held, as_mask, as_text
from genzoo.models.rbm.rules import Rules
from genzoo.models.rbm.start import (
    differences,
    some_rows,
    weighed_mean,
)
from genzoo.optimizers import Falling
from genzoo.regularizers.of_keras import (
    CONSTRAINTS,
    REGULARIZERS,
    check_in_preset,
)
from genzoo.regularizers.sparsity import Sparsity
from genzoo.regularizers.sparsity import get as get_sparsity
from genzoo.runtime import batch, data, distribute, random, weights
from genzoo.runtime.graph import Graph
from genzoo.runtime.memory import check_memory
from genzoo.spaces import Counts, OneHot, Space
from genzoo.types import Array, ArrayLike, Examples, SeedLike
from genzoo.units import Bernoulli, Mixed, Multinomial, Unit
from genzoo.units.mixed import layer_of, told

# Of one visible and one hidden unit together, where a rate is made of it.
_LEAST_VARIANCE = 1e-4
# Examples that the kernel may begin with.
_SEEN = 500
# Sweeps from the data where there is a condition.
_SWEEPS = 10
# Rows that are scored at once.
_SCORED = 256


@keras.saving.register_keras_serializable("genzoo")
class RBM(EnergyBasedModel):
    """Restricted Boltzmann machine with general unit potentials.

    `E(v, h) = -sum_i a_i(v_i) - sum_m b_m(h_m) - sum_im W_im v_i h_m`, where
    the potentials a and b belong to the unit types, and
    `p(v) = sum_h exp(-E(v, h)) / Z = exp(-E(v)) / Z`. The energy of visible
    states alone, `E(v) = -log sum_h exp(-E(v, h))`, is also known as their
    free energy.

    Args:
        visible: the visible `Unit`s: of one kind, or a list of several or a
            dict of them by name, which stand side by side as `units.Mixed`.
            Their examples are one array (n, width), a dict of arrays by name,
            or a tuple of arrays.
        hidden: the hidden `Unit`s, likewise. At least one of the two layers
            must be bounded: then the model is normalisable whatever its
            weights. Where one has finitely many states, log Z can be a sum
            over them.
        centered: whether the gradient is that of the centred energy, in which
            v and h stand for their difference from the data's mean. Another
            metric for the same likelihood, far better conditioned.
        kernel_initializer: Keras initializer of the kernel; by default normal
            with standard deviation 0.01, to which `adapt` adds differences of
            examples, so that training does not start on the saddle at W = 0.
        kernel_regularizer: Keras regularizer of the kernel, or None.
        kernel_constraint: Keras constraint of the kernel, or None: after each
            update the kernel is projected, and with centred gradients the
            biases follow, so that they are those of the projected kernel.
        kernel_mask: array (visible.width, hidden.width) of 0 and 1, or None:
            where it is 0, the kernel is zero and stays so, as of hidden units
            that see a patch of an image; see `models.rbm.local_mask`.
        bias_regularizer: Keras regularizer of both layers' biases, or a pair,
            that of the visible and that of the hidden ones, or None.
        sparsity: a `regularizers.Sparsity`, or its target: the mean activity
            near which hidden units are held; None for no such.
        condition: what is given and not modelled: how many real numbers, or a
            shape of them, such as `keras.Input` takes; units for conditions
            of other kinds, or a list or a dict of units; None for nothing.
            The model is then `p(v | c) = sum_h exp(-E(v, h | c)) / Z(c)` with
            `E(v, h | c) = E(v, h) - c A v - c B h`.
        seed: int or pair of ints, for all that is drawn at random.

    Attributes:
        kernel: the weights W, (visible.width, hidden.width).
        visible: its `bias` has shape (visible.width,).
        hidden: its `bias` has shape (hidden.width,).
        offsets: the `Offsets` of centring.
        condition: the condition's units, a `units.Mixed`, or None.
        links: A and B, with weights `to_visible` of shape (condition.width,
            visible.width) and `to_hidden` likewise, or None.

    Raises:
        ValueError: for units whose pair cannot be normalised, or that belong
            to another model; for a mask of another shape.

    Reference:
        Smolensky 1986; Hinton, "A practical guide to training restricted
        Boltzmann machines", 2012. Centring: Montavon and Mueller 2012;
        Melchior, Fischer and Wiskott, JMLR 17(99), 2016. Conditions: Taylor,
        Hinton and Roweis, "Modeling human motion using binary latent
        variables", NIPS 2006; Mnih, Larochelle and Hinton, "Conditional
        restricted Boltzmann machines for structured output prediction", UAI
        2011.

    Example:
    >>> rbm = genzoo.RBM(
    ...     visible=genzoo.units.Bernoulli(64),
    ...     hidden=genzoo.units.Bernoulli(16),
    ... )
    >>> rbm.compile()
    >>> history = rbm.fit(x_train, epochs=1, verbose=0)
    >>> rbm.sample(25, seed=0).shape
    (25, 64)

    Columns of several kinds in one table:

    >>> table = genzoo.RBM(
    ...     visible={
    ...         "age": genzoo.units.Gaussian(1),
    ...         "colour": genzoo.units.Categorical(1, 3),
    ...     },
    ...     hidden=genzoo.units.Bernoulli(4),
    ... )
    >>> table.compile()
    >>> columns = {"age": [31.0, 48.0, 25.0, 62.0], "colour": [0, 2, 2, 1]}
    >>> history = table.fit(columns, verbose=0)
    >>> drawn = table.visible.split(table.sample(5, seed=0))
    >>> drawn["age"].shape, drawn["colour"].shape
    ((5, 1), (5, 3))

    Given a label, that is, what each digit looks like:

    >>> digits = genzoo.RBM(
    ...     visible=genzoo.units.Bernoulli(64),
    ...     hidden=genzoo.units.Bernoulli(16),
    ...     condition=genzoo.units.Categorical(1, 10),
    ... )
    >>> digits.compile()
    >>> labels = np.arange(len(x_train)) % 10
    >>> history = digits.fit(x_train, labels, verbose=0)
    >>> digits.sample(4, condition=7, seed=0).shape
    (4, 64)

    A series, each frame given the last two; the sequence goes on from what
    is drawn:

    >>> series = (np.arange(300)[:, None] + np.arange(4)) % 4 == 0
    >>> frames = keras.utils.timeseries_dataset_from_array(
    ...     series[:-1], series[2:], sequence_length=2, batch_size=16
    ... )
    >>> temporal = genzoo.RBM(
    ...     visible=genzoo.units.Bernoulli(4),
    ...     hidden=genzoo.units.Bernoulli(6),
    ...     condition=genzoo.units.Bernoulli((2, 4)),
    ... )
    >>> temporal.compile()
    >>> history = temporal.fit(frames.map(lambda c, x: (x, c)), verbose=0)
    >>> sequence = list(series[:2])
    >>> for _ in range(8):
    ...     last = np.stack(sequence[-2:])
    ...     sequence.append(temporal.sample(1, condition=last)[0])
    """

    _is_free = True
    arguments: ClassVar[checks.Arguments] = {
        "visible": checks.part(Unit),
        "hidden": checks.part(Unit),
        "centered": checks.flag,
        "kernel_regularizer": checks.optional(
            checks.list_of(checks.number(0, 1e9), 2, 2)
        ),
        "chains": checks.optional(checks.whole(1, 2**16)),
        "seed": checks.seed_pair,
        "kernel_mask": checks.optional(as_mask),
        "sparsity": checks.optional(checks.part(regularizers.Sparsity)),
        "kernel_constraint": checks.optional(checks.part(*CONSTRAINTS)),
        "bias_regularizer": checks.list_of(
            checks.optional(checks.part(*REGULARIZERS)), 2, 2
        ),
        "condition": checks.optional(checks.part(Mixed)),
    }
    # What older presets do not say.
    _newer_arguments: ClassVar[dict[str, Any]] = {
        "kernel_mask": None,
        "sparsity": None,
        "kernel_constraint": None,
        "bias_regularizer": [None, None],
        "condition": None,
    }

    def __init__(
        self,
        visible: Unit | Sequence[Unit] | Mapping[str, Unit],
        hidden: Unit | Sequence[Unit] | Mapping[str, Unit],
        centered: bool = True,
        kernel_initializer: Any = None,
        kernel_regularizer: Any = None,
        seed: SeedLike | None = None,
        kernel_constraint: Any = None,
        kernel_mask: ArrayLike | str | None = None,
        bias_regularizer: Any = None,
        sparsity: Sparsity | float | None = None,
        condition: Any = None,
        **kwargs,
    ):
        layers = [
            layer_of(given, f"RBM: {name}")
            for name, given in (("visible", visible), ("hidden", hidden))
        ]
        _check_pair(*layers)
        if condition is not None and isinstance(layers[0], Multinomial):
            raise ValueError(
                "RBM: Multinomial visible units are given the total of each "
                "document, and take no other condition. Leave condition out, "
                "or take Poisson units."
            )
        super().__init__(seed=seed, **kwargs)
        named = dict(zip(_UNITS, layers, strict=True))
        self.condition: Mixed | None = None
        if condition is not None:
            self.condition = units_of(condition, self.dtype_policy)
            named["condition"] = self.condition
            # They are given: nothing of them is learned.
            self.condition.trainable = False
        for name, unit in named.items():
            if unit.variable_dtype != self.variable_dtype:
                raise ValueError(
                    f"RBM: dtype is {self.variable_dtype}, but the {name} "
                    f"units have {unit.variable_dtype}. Give both the same, "
                    f"for example Bernoulli(64, dtype={self.variable_dtype!r})."
                )
        self.kernel_mask = _checked_mask(kernel_mask, *layers)
        self.sparsity = _checked_sparsity(sparsity, layers[1])
        self.kernel_constraint = checks.of_keras(
            keras.constraints, kernel_constraint, "RBM: kernel_constraint"
        )
        self.bias_regularizer = _pair_of_regularizers(bias_regularizer)
        weights.claim("RBM", **named)
        self.visible: Unit
        self.hidden: Unit
        self.visible, self.hidden = layers
        self.space = self.visible.space
        self.centered = checks.flag(centered, "RBM: centered")
        self._is_default = kernel_initializer is None
        self.kernel_initializer = checks.of_keras(
            keras.initializers,
            kernel_initializer or self._small_normal(),
            "RBM: kernel_initializer",
        )
        self.kernel_regularizer = checks.of_keras(
            keras.regularizers, kernel_regularizer, "RBM: kernel_regularizer"
        )
        check_memory("RBM: visible", self.visible.width, self.hidden.width, 8)
        self.kernel = self.add_weight(
            name="kernel",
            shape=(self.visible.width, self.hidden.width),
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self._holds(),
            autocast=False,
        )
        self._hold_kernel()
        for unit, penalty in zip(layers, self.bias_regularizer, strict=True):
            for block in unit.blocks():
                block.bias.regularizer = penalty
        self.offsets = Offsets(
            self.visible.width,
            self.hidden.width,
            self.centered,
            records=self.sparsity is not None,
            name="offsets",
            dtype=self.dtype_policy,
        )
        means = self.offsets.visible, self.offsets.hidden
        self._machine = Machine(self.visible, self.hidden, self.kernel, means)
        self.links: Links | None = None
        self._conditioned: Any = None
        rules = Rules(self._machine, self.offsets, self.compute_dtype)
        self._rules: Any = rules
        self._sums = Sums(self._machine)
        self._labels: Any = (
            None
            if self.condition is not None or labels.why_not(self.visible)
            else labels.Labels(self._machine)
        )
        self.walks = Walks(self._machine, type(self).__name__)
        if self.condition is not None:
            self._link(self.condition)
        elif isinstance(self.visible, Multinomial):
            self._given_by(bags.Counted(self._machine))
        self._scores = Graph(
            rules.site_scores,
            tf.TensorSpec((None, *self.event_shape), self.variable_dtype),
        )
        self._classified: Any = None
        if self._labels is not None:
            shape = (None, *self._labels.space.event_shape)
            self._classified = Graph(
                self._label_density, tf.TensorSpec(shape, self._energy_dtype)
            )
        self.built = True

    def _link(self, units):
        """Have both layers depend on a condition."""
        self.links = Links(
            units,
            self.visible.width,
            self.hidden.width,
            self.centered,
            self.kernel_regularizer,
            name="links",
            dtype=self.dtype_policy,
        )
        self._given_by(Conditioned(self._machine, self.links))

    def _given_by(self, walker):
        """Have chains, rules and sums that differ from row to row."""
        self._conditioned = walker
        self._rules = ConditionalRules(walker, self.offsets, self.compute_dtype)
        self.walks = Walks(walker, type(self).__name__)

    def _holds(self):
        """What holds the kernel, or None where nothing does."""
        if self.kernel_constraint is self.kernel_mask is None:
            return None
        return Held(self.kernel_constraint, self.kernel_mask)

    def _hold_kernel(self):
        """Take out what the mask leaves out; nobody has given it that value."""
        value = getattr(self.kernel, "_value", None)
        if self.kernel_mask is None or value is None:
            return
        self.kernel.assign(self.kernel.numpy() * self.kernel_mask)
        weights.mark(self.kernel)

    def _label_density(self, x):
        return self._labels.probabilities(self._labels.rest(x))

    def _small_normal(self):
        seed = int(self.draws.epoch_key()[0] % 2**31)
        return keras.initializers.RandomNormal(stddev=0.01, seed=seed)

    @classmethod
    def from_weights(
        cls,
        kernel: ArrayLike,
        visible_bias: ArrayLike | None = None,
        hidden_bias: ArrayLike | None = None,
        visible: Unit | Sequence[Unit] | Mapping[str, Unit] | None = None,
        hidden: Unit | Sequence[Unit] | Mapping[str, Unit] | None = None,
        **kwargs: Any,
    ) -> Self:
        """The RBM with these weights, which `fit` and `adapt` begin from.

        Args:
            kernel: W, array of shape (visible.width, hidden.width).
            visible_bias: array of shape (visible.width,); None for zeros.
            hidden_bias: array of shape (hidden.width,); None for zeros.
            visible: the visible units; by default `Bernoulli`, as many as
                the kernel has rows.
            hidden: the hidden units; by default `Bernoulli`, as many as the
                kernel has columns.
            **kwargs: of the constructor. Weights are rounded to float32
                unless `dtype="float64"`.

        Raises:
            ValueError: for arrays of other shapes, or with NaN or infinite
                numbers; as the constructor.

        Example:
        >>> rbm = genzoo.RBM.from_weights([[1.0], [-1.0]], [0.5, 0.0], [0.0])
        >>> round(float(np.exp(rbm.log_prob([[1, 0]]))[0]), 4)
        0.4791
        """
        where = f"{cls.__name__}.from_weights"
        kernel = checks.array(kernel, f"{where}: kernel")
        if kernel.ndim != 2:
            raise ValueError(
                f"{where}: kernel must have shape (visible.width, "
                f"hidden.width); received {kernel.shape}."
            )
        made = {"dtype": kwargs.get("dtype")}
        units = [
            Bernoulli(size, **made) if unit is None else layer_of(unit, where)
            for unit, size in zip((visible, hidden), kernel.shape, strict=True)
        ]
        _check_pair(*units)
        widths = tuple(unit.width for unit in units)
        given = {"kernel": (kernel, widths)}
        for name, bias, width in zip(
            ("visible_bias", "hidden_bias"),
            (visible_bias, hidden_bias),
            widths,
            strict=True,
        ):
            bias = np.zeros(width) if bias is None else bias
            given[name] = checks.array(bias, f"{where}: {name}"), (width,)
        for name, (values, shape) in given.items():
            if values.shape != shape:
                raise ValueError(
                    f"{where}: {name} must have shape {shape}, as the units "
                    f"have; received {values.shape}."
                )
        rbm = cls(*units, **kwargs)
        mask = rbm.kernel_mask
        if mask is not None and kernel[~mask].any():
            raise ValueError(
                f"{where}: kernel must be 0 where kernel_mask is; it has other "
                f"numbers in {np.count_nonzero(kernel[~mask])} of these places."
            )
        own: list[Any] = [rbm.kernel, rbm.visible.bias, rbm.hidden.bias]
        for weight, (values, _) in zip(own, given.values(), strict=True):
            weight.assign(values)
            weights.touch(weight)
        return rbm

    @classmethod
    def from_sklearn(cls, estimator: Any, **kwargs: Any) -> Self:
        """The RBM that a fitted `sklearn.neural_network.BernoulliRBM` is.

        Args:
            estimator: the fitted `BernoulliRBM`.
            **kwargs: of the constructor.

        Raises:
            ValueError: for what has not its weights.

        Example:
        >>> class Fitted:  # as scikit-learn's BernoulliRBM after fit
        ...     components_ = np.array([[1.0, -1.0]])
        ...     intercept_visible_ = np.array([0.5, 0.0])
        ...     intercept_hidden_ = np.array([0.0])
        >>> genzoo.RBM.from_sklearn(Fitted())
        <RBM: 2 Bernoulli x 1 Bernoulli units>
        """
        names = "components_", "intercept_visible_", "intercept_hidden_"
        missing = [name for name in names if not hasattr(estimator, name)]
        if missing:
            raise ValueError(
                f"{cls.__name__}.from_sklearn: estimator must be a fitted "
                f"BernoulliRBM of scikit-learn; received {estimator!r}, which "
                f"has no {missing[0]}. Fit it first."
            )
        components, *biases = (getattr(estimator, name) for name in names)
        return cls.from_weights(np.transpose(components), *biases, **kwargs)

    def __repr__(self) -> str:
        layers = " x ".join(map(told, (self.visible, self.hidden)))
        given = (
            "" if self.condition is None else f" given {self.condition.said}"
        )
        return f"<{type(self).__name__}: {layers} units{given}>"

    # Energies and conditionals ----------------------------------------------

    @property
    def parameters(self) -> list[keras.Variable]:
        """kernel, then the visible and the hidden units' weights; A and B."""
        linked = [] if self.links is None else self.links.parameters
        return [*self._machine.parameters, *linked]

    def _energy_weights(self) -> list[keras.Variable]:
        """The parameters, and the units' weights that are held fixed."""
        known = {id(weight) for weight in self.parameters}
        given = [] if self.condition is None else self.condition.weights
        units = (*self.visible.weights, *self.hidden.weights, *given)
        fixed = [weight for weight in units if id(weight) not in known]
        return [*self.parameters, *fixed]

    def call(self, x: tf.Tensor, condition: Any = None) -> tf.Tensor:
        """E(x) = -log sum_h exp(-E(x, h)), (batch,), in nats."""
        self._check_width(x)
        machine = self._given_machine("call", condition, x=x)
        return machine.energy(machine.rows(x))

    @property
    def _is_conditional(self) -> bool:
        return self._conditioned is not None

    @property
    def _counts(self) -> bool:
        """Whether examples are bags of words, which tell their totals."""
        return self._is_conditional and self.links is None

    def _condition_for(
        self, method: str, condition: Any, rows: int | None, x: Any = None
    ) -> Array | None:
        if self._counts:
            if x is None:
                where = self._where(method)
                return bags.check_totals(where, condition, rows)
            self._refuse_totals(method, condition)
            return bags.totals_of(x)
        if self.links is None:
            return super()._condition_for(method, condition, rows)
        return self.links.given.check(
            self._where(method), condition, rows, wide=True
        )

    def _refuse_totals(self, method, condition):
        if condition is not None:
            raise ValueError(
                f"{self._where(method)}: condition was given, but the totals "
                "of documents are those of x. Leave it out."
            )

    def _given_machine(self, method, condition, rows=None, x=None):
        """The machine of rows that are given a condition, or of any rows."""
        if self._counts:
            if x is not None and rows is not None:
                self._refuse_totals(method, condition)
                condition = None
            if x is not None and condition is None:
                return self._conditioned.at(self._conditioned.conditions(x))
            if rows is not None:
                condition = self._condition_for(method, condition, rows)
            return self._conditioned.at(tf.convert_to_tensor(condition))
        if rows is not None or self.links is None or condition is None:
            condition = self._condition_for(method, condition, rows or 1)
        if condition is None:
            return self._machine
        return self._conditioned.at(tf.convert_to_tensor(condition))

    def joint_energy(
        self, v: ArrayLike, h: ArrayLike, condition: Any = None
    ) -> Array:
        """E(v, h) in nats, an array of shape (n,).

        Args:
            v: visible states, (n, *visible.space.event_shape).
            h: as many hidden states.
            condition: what each is given, or one for all, of a conditional
                model.

        Raises:
            ValueError: if they are not in their spaces, or not as many.
        """
        v = self._states("joint_energy", "v", v, self.visible)
        h = self._states("joint_energy", "h", h, self.hidden)
        if len(v) != len(h):
            raise ValueError(
                f"{self._where('joint_energy')}: there are {len(v)} visible "
                f"and {len(h)} hidden states."
            )
        machine = self._given_machine("joint_energy", condition, len(v), v)
        interaction = ops.sum(machine.hidden_field(v) * h, axis=-1)
        potentials = machine.visible.potential(v) + machine.hidden.potential(h)
        scales = self.visible.log_scale() + self.hidden.log_scale()
        return (scales - potentials - interaction).numpy()

    def hidden_mean(self, v: ArrayLike, condition: Any = None) -> Array:
        """<h> given v, an array of shape (n, *hidden.space.event_shape).

        Args:
            v: examples, (n, *event_shape).
            condition: what each is given, or one for all, of a conditional
                model.

        Raises:
            ValueError: if v is not in the model's space.
        """
        where = f"{self._where('hidden_mean')}: v"
        if self._counts:
            bags.refuse_text(self._where("hidden_mean"), v)
        v = self.space.check(where, v, wide=True)
        c = self._condition_for("hidden_mean", condition, len(v), v)
        return self._in_batches(self._hidden_mean, v, beside=c)

    def _hidden_mean(self, x, condition=None):
        machine = self._given_machine("hidden_mean", condition, x=x)
        field = machine.hidden_field(machine.rows(x))
        return _examples(self.hidden, machine.hidden.mean(field))

    def visible_mean(self, h: ArrayLike, condition: Any = None) -> Array:
        """<v> given h, an array of shape (n, *event_shape).

        Args:
            h: hidden states, (n, *hidden.space.event_shape).
            condition: what each is given, or one for all, of a conditional
                model.

        Raises:
            ValueError: if h holds no hidden states.
        """
        h = self._states("visible_mean", "h", h, self.hidden)
        machine = self._given_machine("visible_mean", condition, len(h))
        v = machine.visible.mean(machine.visible_field(h))
        return self._unflatten(v).numpy()

    def sample_hidden(
        self,
        v: ArrayLike,
        seed: SeedLike | None = None,
        condition: Any = None,
    ) -> Array:
        """h drawn given v, an array of shape (n, *hidden.space.event_shape).

        Args:
            v: examples, (n, *event_shape).
            seed: int or pair of ints, or None.
            condition: what each is given, or one for all, of a conditional
                model.

        Raises:
            ValueError: if v is not in the model's space.
        """
        v = self._states("sample_hidden", "v", v, self.visible)
        machine = self._given_machine("sample_hidden", condition, len(v), v)
        field = machine.hidden_field(v)
        h = machine.hidden.sample(field, self._seed_for(seed))
        return _examples(self.hidden, h).numpy()

    def sample_visible(
        self,
        h: ArrayLike,
        seed: SeedLike | None = None,
        condition: Any = None,
    ) -> Array:
        """v drawn given h, an array of shape (n, *event_shape).

        Args:
            h: hidden states, (n, *hidden.space.event_shape).
            seed: int or pair of ints, or None.
            condition: what each is given, or one for all, of a conditional
                model.

        Raises:
            ValueError: if h holds no hidden states.
        """
        h = self._states("sample_visible", "h", h, self.hidden)
        machine = self._given_machine("sample_visible", condition, len(h))
        field = machine.visible_field(h)
        v = machine.visible.sample(field, self._seed_for(seed))
        return self._unflatten(v).numpy()

    def reconstruct(self, v: ArrayLike, condition: Any = None) -> Array:
        """<v> given the mean hidden state of v, (n, *event_shape).

        Args:
            v: examples, (n, *event_shape).
            condition: what each is given, or one for all, of a conditional
                model.

        Raises:
            ValueError: if v is not in the model's space.
        """
        v = self._states("reconstruct", "v", v, self.visible)
        machine = self._given_machine("reconstruct", condition, len(v), v)
        h = machine.hidden.mean(machine.hidden_field(v))
        v = machine.visible.mean(machine.visible_field(h))
        return self._unflatten(v).numpy()

    def _states(self, method, name, x, unit):
        """The states of checked examples of a layer."""
        where = f"{self._where(method)}: {name}"
        x = np.asarray(unit.space.check(where, x, wide=True))
        return unit.standardise(unit.space.flatten(tf.convert_to_tensor(x)))

    @property
    def _keeps_float64(self) -> bool:
        # Real numbers lose by being rounded before they are centred.
        return not self.visible.is_discrete or super()._keeps_float64

    @property
    def _energy_dtype(self) -> str:
        return "float64" if self._keeps_float64 else self.variable_dtype

    def _labelled(self, method):
        """The labels, which there must be."""
        if self.links is not None:
            raise ValueError(
                f"{self._where(method)}: the model is conditional. Ask for "
                "conditional_mean(x, mask, condition=), with the mask false "
                "at the labels: of a category it gives the probabilities."
            )
        reason = labels.why_not(self.visible)
        if self._labels is None:
            raise ValueError(f"{self._where(method)}: {reason}")
        return self._labels

    def predict_proba(self, x: Any) -> Array:
        """p(y | x) of labels y, the last block of the visible units.

        Exact: free energies of x with each label. For one categorical label
        they are the probabilities of its states, (n, states); for binary
        labels those of each being 1, (n, labels).

        Args:
            x: examples without labels, (n, *event_shape) of the first block;
                of several a dict, a tuple or one array.

        Raises:
            ValueError: if there are no labels that can be summed over, x is
                not in its space, or the model has not seen data.
        """
        p, states = self._label_probabilities("predict_proba", x)
        found = p @ states
        return np.reshape(found, (-1, *self._labels.block.space.event_shape))

    def classify(self, x: Any) -> Array:
        """The most probable labels of x: of a category numbers, (n,).

        Several categorical labels are numbers (n, labels), binary ones 0 and
        1; all labels together are the most probable.

        Args:
            x: as of `predict_proba`.

        Raises:
            ValueError: as `predict_proba`.
        """
        p, states = self._label_probabilities("classify", x)
        best, space = states[p.argmax(axis=1)], self._labels.block.space
        if not isinstance(space, OneHot):
            return np.reshape(best, (-1, *space.event_shape))
        numbers = np.reshape(best, (-1, *space.groups, space.n_states))
        numbers = numbers.argmax(axis=-1)
        return numbers[:, 0] if space.groups == (1,) else numbers

    def _label_probabilities(self, method, x):
        """(probabilities of all joint labels, these), arrays."""
        found = self._labelled(method)
        self._check_adapted(method)
        x = found.checked(self._where(method), x, self._keeps_float64)
        p = self._in_batches(self._classified, x, _SCORED)
        return p, found.states(self.variable_dtype).numpy()

    def _with_labels(self, method, x, y):
        """Examples and labels in one array."""
        found = self._labelled(method)
        where = self._where(method)
        return found.joined(where, x, y, self._keeps_float64)

    def log_pseudolikelihood(
        self, x: ArrayLike, condition: Any = None
    ) -> Array:
        """sum_i log p(x_i | all other x), in nats, an array of shape (n,).

        Needs no log Z; comparable between models of the same visible units.
        A score, not a likelihood.

        Args:
            x: examples, (n, *event_shape).
            condition: what each is given, or one for all, of a conditional
                model.

        Raises:
            ValueError: if x is not in the space, or the visible units have
                no finite list of levels.
        """
        where = self._where("log_pseudolikelihood")
        if not self.visible.is_discrete:
            raise ValueError(f"{where}: {self._continuous()}")
        x = self.space.check(where, x)
        c = self._condition_for("log_pseudolikelihood", condition, len(x))
        if c is None:
            return self._in_batches(self._scores, x, _SCORED)

        def scores(x, c):
            rules = Rules(self._conditioned.at(c), self.offsets, x.dtype)
            return rules.site_scores(x)

        return self._in_batches(scores, x, _SCORED, c)

    def _unflatten(self, states: tf.Tensor) -> tf.Tensor:
        """The examples of visible states, (n, *event_shape)."""
        return _examples(self.visible, states)

    # Examples in blocks -----------------------------------------------------

    def _given(
        self,
        method: str,
        x: Any,
        y: Any = None,
        weight: Any = None,
        missing: float | str | None = None,
        mask: Any = None,
    ) -> Given:
        """As of any model; the blocks of examples are joined first."""
        if missing is not None or mask is not None:
            self._refuse_gaps(method)
        if self._counts:
            bags.refuse_text(self._where(method), x)
        if self.links is not None:
            return self._given_with_condition(
                method, x, y, weight, missing, mask
            )
        return self._given_alone(method, x, y, weight, missing, mask)

    def _examples(self, method: str, x: ArrayLike) -> Array:
        if self._counts:
            bags.refuse_text(self._where(method), x)
        return super()._examples(method, x)

    def _read(
        self,
        method: str,
        x: Any,
        mask: Any,
        missing: float | str | None = "nan",
        name: str = "x",
    ) -> completion.Partial:
        self._refuse_gaps(method)
        return super()._read(method, x, mask, missing, name)

    def _refuse_gaps(self, method):
        if self._counts:
            raise ValueError(
                f"{self._where(method)}: counts of words are known in full or "
                "not at all, since their total is what the model is given. "
                "Pass documents without missing counts and without a mask; "
                "sample(n, condition=totals) and conditional_mean(None, "
                "condition=totals) take totals alone."
            )

    def _given_with_condition(
        self, method, x, y=None, weight=None, missing=None, mask=None
    ):
        """Examples, with their conditions for y."""
        links: Any = self.links
        space: Any = self.space
        where = self._where(method)
        x, y, weight = self._parts(x, y, weight)
        (x,), _ = self._opened(method, x)
        x, y = links.given.taken(x, y)
        gaps = {"missing": missing, "mask": mask}
        gaps = {} if missing is mask is None else gaps
        blocks = isinstance(self.visible, Mixed) and space.are_blocks(x)
        if x is None or data.is_array(x) or blocks or isinstance(x, Mapping):
            if y is None:
                links.given.check(where, y, 0)
            given = self._given_alone(method, x, None, weight, **gaps)
            rows = len(given.x)
            c = links.given.check(where, y, rows, True, one_for_all=False)
            return given._replace(y=c)
        if any(v is not None for v in (y, weight, mask)):
            raise ValueError(
                f"{where}: condition, sample_weight and mask go with an array "
                "x; a dataset gives (x, condition, sample_weight)."
            )

        def inner(where, dataset, space):
            if missing is None:
                return sample_weights.check_dataset(where, dataset, space)
            wide = self._keeps_float64
            return completion.check_dataset(
                where, dataset, space, missing, wide
            )

        return Given(links.given.check_dataset(where, x, self.space, inner))

    def _given_alone(
        self, method, x, y=None, weight=None, missing=None, mask=None
    ):
        if isinstance(self.visible, Mixed):
            has_gaps = missing is not None or mask is not None
            x, others = self._unpacked(method, x, (y, weight), has_gaps)
            y, weight = ([*others] + [None, None])[:2]
        return super()._given(method, x, y, weight, missing, mask)

    def _unpacked(self, method, x, others, has_gaps=False):
        """x in one array, and what stands beside it.

        Blocks of which some is missing are joined where they are read.
        """
        space: Any = self.space
        alone = all(other is None for other in others)
        if isinstance(x, tuple) and alone and not space.are_blocks(x):
            x, *others = x
        if others and others[0] is not None:
            if has_gaps:
                x = self._labelled(method).blocks(x, others[0])
            else:
                x = self._with_labels(method, x, others[0])
            others = [None, *others[1:]]
        if space.are_blocks(x) and not has_gaps:
            x = space.check(self._where(method), x, wide=self._keeps_float64)
        return x, others

    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: str | int = "auto",
        sample_weight: ArrayLike | None = None,
        steps: int | None = None,
        callbacks: Any = None,
        return_dict: bool = False,
        missing: float | str | None = None,
        mask: ArrayLike | None = None,
        condition: Any = None,
        **kwargs: Any,
    ) -> Any:
        """As of any energy-based model; x may come in blocks, y be labels.

        Of a conditional model y is the condition, or `condition` is, as in
        `fit`.

        Raises:
            ValueError: as `fit` does.
        """
        is_own = not kwargs.get("_use_cached_eval_dataset")
        is_own = is_own and missing is None and mask is None
        if self.links is not None and not (missing is mask is None):
            raise ValueError(
                f"{self._where('evaluate')}: takes no missing entries where "
                "there is a condition. Ask for the mean of "
                "log_marginal(x, mask, condition=).value."
            )
        x, y = self._with_condition("evaluate", x, y, condition)
        is_own = is_own and self.links is None
        if is_own and isinstance(self.visible, Mixed) and _is_held(x):
            given = y, sample_weight
            x, (y, *weight) = self._unpacked("evaluate", x, given)
            sample_weight = weight[0] if weight else None
        return super().evaluate(
            x,
            y,
            batch_size,
            verbose,
            sample_weight,
            steps,
            callbacks,
            return_dict,
            missing,
            mask,
            **kwargs,
        )

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
        condition: Any = None,
        **kwargs: Any,
    ) -> keras.callbacks.History:
        """Train as any energy-based model; see `EnergyBasedModel.fit`.

        Args:
            x: examples, in one array or in blocks; or batches.
            y: labels, the last block of the visible units, of a model that
                has them. Of a conditional model its condition, as of a
                conditional `GAN`; with `condition` labels again.
            batch_size: rows of a batch, over all replicas.
            epochs: passes over the data, by default 1.
            verbose: as in Keras.
            callbacks: as in Keras.
            validation_split: the last share of x, held out.
            validation_data: held-out examples, with what stands beside them.
            shuffle: whether to shuffle an array.
            class_weight: not taken.
            sample_weight: what each example counts, (n,).
            missing: what stands for an unknown number in x.
            mask: what of an array x is known, bool.
            condition: what each example is given, (n, *event_shape) of the
                condition's units, categories also as numbers; of several
                units a dict or a tuple. A dict x may have it as its entry
                "condition"; datasets give (x, condition) or (x, condition,
                sample_weight), and so do `validation_data`.
            **kwargs: as in Keras.

        Returns:
            The `History` of Keras.

        Raises:
            ValueError: as `GenerativeModel.fit`; for a condition that is
                missing, not as long as x, or not in the condition's space.
        """
        x, y = self._with_condition("fit", x, y, condition)
        return super().fit(
            x,
            y,
            batch_size,
            epochs,
            verbose,
            callbacks,
            validation_split,
            validation_data,
            shuffle,
            class_weight,
            sample_weight,
            missing,
            mask,
            **kwargs,
        )

    def _with_condition(self, method, x, y, condition):
        """(x, y) where y is the condition, if there is one."""
        if condition is None:
            return x, y
        if self._counts:
            self._refuse_totals(method, condition)
        if self.links is None:
            self._condition_for(method, condition, 1)
        return x if y is None else (x, y), condition

    def _complaints(self) -> dict[str, str]:
        found = super()._complaints()
        if self.links is not None:
            # Before what is said of x.
            found = {**self.links.given.complaint, **found}
        return found

    def _one_batch(self, method: str, x: Any) -> Any:
        visible = self.visible
        if isinstance(visible, Mixed) and visible.space.are_blocks(x):
            return x
        return super()._one_batch(method, x)

    def _checked_inputs(self, method: str, x: Any) -> Any:
        if self.links is not None:
            raise ValueError(
                f"{self._where(method)}: takes no conditions, which the model "
                "needs. Call energy(x, condition=), which gives the same."
            )
        if isinstance(self.visible, Mixed):
            x, _ = self._unpacked(method, x, ())
        return super()._checked_inputs(method, x)

    def _check_dataset(self, where: str, dataset: Any) -> Any:
        dataset = self._of_blocks(where, dataset, has_gaps=False)
        return super()._check_dataset(where, dataset)

    def _of_blocks(self, where: str, dataset: Any, has_gaps: bool) -> Any:
        """A dataset of blocks, perhaps with weights, as one of examples."""
        if not isinstance(self.visible, Mixed):
            return dataset
        spec = getattr(dataset, "element_spec", None)
        if spec is None or sample_weights.is_checked(dataset):
            return dataset
        space: Any = self.space

        def joined(blocks):
            return space.joined_batch(where, blocks, has_gaps)

        def check(take):
            # In words that tell of blocks.
            first = take(data.first_batch(where, dataset))
            if not has_gaps:
                space.check(where, first, wide=self._keeps_float64)

        if space.are_blocks(spec):
            check(lambda found: found)
            return data.mapped(
                dataset,
                lambda *blocks: joined(
                    blocks[0] if len(blocks) == 1 else blocks
                ),
            )
        if not isinstance(spec, tuple):
            return dataset
        if isinstance(spec[0], Mapping) and space.names[-1] not in spec[0]:
            # What labels belong to.
            dataset = data.mapped(
                dataset,
                lambda x, y, *rest: (
                    ({**x, space.names[-1]: y}, *rest)
                    if rest
                    else {**x, space.names[-1]: y}
                ),
            )
            return self._of_blocks(where, dataset, has_gaps)
        if space.are_blocks(spec[0]):
            check(lambda found: found[0])
            return data.mapped(dataset, lambda x, *rest: (joined(x), *rest))
        if space.are_blocks(spec[:-1]):
            check(lambda found: found[:-1])
            return data.mapped(
                dataset, lambda *found: (joined(found[:-1]), found[-1])
            )
        return dataset

    # Learning ---------------------------------------------------------------

    @property
    def rules(self) -> Any:
        """What learning rules ask for; see `genzoo.losses.protocols`."""
        return self._rules

    def why_not(self, rule: losses.LearningRule) -> str | None:
        """Why the model cannot learn by this rule, or None."""
        if self._is_conditional:
            reason = self._why_not_given(rule)
            if reason is not None:
                return reason
        if rule.needs is Labelled:
            return labels.why_not(self.visible)
        if rule.needs is Enumerable:
            return self._sums.why_not()
        if rule.needs is Conditional and not self.visible.is_discrete:
            return self._continuous()
        if not isinstance(rule, losses.Pseudolikelihood):
            return None
        if rule.sites is not None and rule.sites > self.visible.size:
            return (
                f"sites={rule.sites} is more than the {self.visible.size} "
                "visible units there are."
            )
        if not rule.symmetric:
            return "symmetric=False is for Boltzmann machines. Leave it out."
        if rule.l1 or rule.l2:
            return (
                "l1 and l2 are for couplings of Boltzmann machines. Give the "
                "RBM a kernel_regularizer."
            )
        return None

    def _why_not_given(self, rule):
        """Why it cannot while there is a condition."""
        if rule.chains != 0:
            if self._counts:
                return (
                    "keeps chains from batch to batch, but those of bags of "
                    "words belong to the total of one row. Compile with "
                    "loss=genzoo.losses.ContrastiveDivergence(10), or 'auto'."
                )
            return (
                "keeps chains from batch to batch, but those of a conditional "
                "model belong to the condition of one row. Compile with "
                "loss=genzoo.losses.ContrastiveDivergence(10), or 'auto'."
            )
        if rule.needs is Labelled:
            return (
                "is not there for a conditional model. Make the labels the "
                "visible units, and what they are predicted from the "
                "condition: its likelihood is p(y | x)."
            )
        if rule.needs is Enumerable and not self._conditioned.is_possible:
            if self._counts:
                return (
                    "sums over all hidden states, at most 2**24 numbers for a "
                    f"batch; there are {self._conditioned.terms:,.0f}. Compile "
                    "with loss='cd'."
                )
            return (
                "sums over the states of the smaller layer for each row, at "
                "most 2**17 numbers; there are "
                f"{self._conditioned.terms:,.0f}. Compile with loss='cd'."
            )
        return None

    def _default_loss(self) -> Any:
        if not self._is_conditional:
            return super()._default_loss()
        if self._conditioned.is_learned_exactly:
            return losses.ExactLikelihood()
        return losses.ContrastiveDivergence(_SWEEPS)

    def _continuous(self):
        return (
            "needs discrete visible units of finitely many levels; these are "
            f"{self.visible.said}."
        )

    def _default_optimizer(self, rule: losses.LearningRule) -> Any:
        if rule.needs is Labelled:
            return keras.optimizers.Adam(0.01)
        return Falling()

    def _batch_size_for(self, given: Given) -> int:
        return given.batch_size(100, 4)

    def _rate_unit(self) -> float:
        """One over the variances that the kernel joins."""
        of_visible, of_hidden = self._variances()
        return float(1 / max(of_visible * of_hidden, _LEAST_VARIANCE))

    def _variances(self):
        """Of visible and of hidden units.

        Of visible units it is the mean that is weighted by itself: columns
        that hardly vary do not count.
        """
        at = self.offsets.visible.numpy()
        variance = self.visible.variance_of(np.asarray(at, np.float64))
        # What data spread more than the units is what hidden units tell
        # apart; without bounds they would answer by as much.
        spread = np.asarray(self.visible.dispersion, np.float64)
        variance = variance * spread ** (0.5 if self.hidden.is_bounded else 1)
        of_visible = weighed_mean(variance)
        # Of hidden units that their bias and the data leave undecided.
        middle = self.hidden.mean(-self.hidden.bias.value[None]).numpy()
        of_hidden = self.hidden.variance_of(middle).mean() * self.hidden.growth
        return of_visible, of_hidden

    def _penalty_gradients(self) -> list:
        found = super()._penalty_gradients()
        if self.links is not None:
            return self._rules.penalty(found)
        return self.offsets.penalty(self._machine, found)

    def _before_step(
        self, gradients: list, seed: random.Seed
    ) -> tuple[list, Any]:
        held = None
        if stiffness := self._stiffness():
            gradients = stiffness.turned(self.parameters, gradients)
            held = stiffness.release()
        own = len(self._machine.parameters)
        gradients, of_links = gradients[:own], gradients[own:]
        if self.links is not None and isinstance(self.optimizer, Falling):
            pace = tf.unstack(tf.convert_to_tensor(self.links.pace.value))
            of_links = [p * g for p, g in zip(pace, of_links, strict=True)]
        gradients, place = self._steps(gradients)
        return [*gradients, *of_links], (place, held)

    def _stiffness(self) -> Stiffness | None:
        """That of visible units, where precisions learn."""
        if not self.visible.precisions:
            return None
        pair = self.offsets.pair(self._machine)
        middle = tf.zeros(self.hidden.width, self.kernel.dtype)
        if pair is not None:
            middle = pair[1]
        pulls, odds = [Pull(self.kernel, middle)], None
        if self.links is not None:
            mean = tf.convert_to_tensor(self.links.mean.value)
            mean *= float(self.links.centered)
            pulls.append(Pull(self.links.to_visible, mean, True))
        elif pair is not None and self.hidden.bias.trainable:
            odds = Odds(self.hidden, self.visible, pulls[0], pair[0])
        return Stiffness.of(self.visible, pulls, self.optimizer, odds)

    def _steps(self, gradients):
        place = None
        if self._counts and isinstance(self.optimizer, Falling):
            gradients = self._paced_by_totals(gradients)
        holds = self.kernel.constraint
        if holds is not None and self.kernel.trainable:
            # A projection moves the kernel where no gradient says so.
            gradients = self.offsets.uncentred(self._machine, gradients)
            gradients[0] = holds.masked(gradients[0])
            place = tf.identity(self.kernel.value)
        if self.sparsity is not None:
            mean = tf.convert_to_tensor(self.offsets.latest.value)
            excess = distribute.share(self.sparsity.gradient(mean))
            gradients = self._machine.with_hidden_bias(gradients, excess)
        return gradients, place

    def _paced_by_totals(self, gradients):
        """As if the hidden bias were that of a document, as it is elsewhere.

        Its gradient is D times that of a bias of all words, and so is what
        it moves.
        """
        machine = self._machine
        gradients = self.offsets.uncentred(machine, gradients)
        at = 1 + len(machine.visible.parameters)
        bias = machine.hidden.gather(gradients[at:])[0]
        total = tf.convert_to_tensor(self.visible.total.value)[1]
        pace = 1 / tf.square(tf.maximum(total, 1.0))
        gradients = machine.with_hidden_bias(gradients, (pace - 1) * bias)
        return self.offsets.penalty(machine, gradients)

    def _after_step(self, place: Any) -> None:
        kernel, held = place
        if kernel is not None:
            self.offsets.settle(self._machine, kernel)
        if stiffness := self._stiffness():
            stiffness.hold(held)

    def adapt(
        self,
        x: Examples,
        steps: int | None = None,
        sample_weight: ArrayLike | None = None,
        missing: float | str | None = None,
        mask: ArrayLike | None = None,
        condition: Any = None,
    ) -> None:
        """Set what follows from the data alone, before training.

        The visible bias is that at which, without a kernel, each visible unit
        fits its data (for Bernoulli units, their log-odds). A kernel that is
        still the default one gets differences of examples, with biases such
        that neither layer gets a field where the other is at its mean; real
        units that learn their variance then begin at a quarter of the data's,
        and leave the rest to the kernel. The
        centring offsets are set, and the persistent chains drawn anew. `fit`
        calls this unless you have.

        What was assigned, loaded or trained stays as it is; with an assigned
        kernel all biases do, those that are zero too. To begin from a kernel
        and the data's averages, pass `kernel_initializer`.

        Args:
            x: array of shape (n, *event_shape), or a dataset of batches.
            steps: how many batches of the dataset to see; None means all.
            sample_weight: what each example of an array counts, (n,).
            missing: what stands for an unknown number in x; see `fit`.
            mask: what of an array x is known; see `fit`.
            condition: what each example of an array is given; see `fit`.

        Raises:
            ValueError: if x is empty, of another shape or outside the space.
        """
        _, y = self._with_condition("adapt", x, None, condition)
        given = self._given("adapt", x, y, sample_weight, missing, mask)
        self._check_adapts(given.x, steps)
        with self._told_plainly("adapt"):
            self._adapt(given, steps)

    def _prepare(self, given: Given, steps: int | None = None) -> None:
        if not self.adapted.numpy():
            self._adapt(given, steps)

    def _adapt(self, given: Given, steps: int | None) -> None:
        """Set what follows from checked data."""
        x, _, weight, seen = given
        mean, variance, count = data.moments(x, steps, weight, seen)
        mean, variance = np.ravel(mean), np.ravel(variance)
        is_new = not self.adapted.numpy()
        if not is_new and weights.is_touched(self.kernel):
            return
        if self.links is not None:
            c = given.x if given.y is None else given.y
            self.links.adapt(c, weight, steps)
        if self._counts:
            known = self.visible.total
            known.assign(bags.mean_totals(x, weight, steps))
            weights.mark(known)
        blocks = self.visible.blocks()
        moves = any(block.bias.trainable for block in blocks)
        if moves and not weights.is_touched(self.kernel):
            self._check_variance(variance)
            self.visible.adapt_untouched(mean, variance, round(count))
            self._leave_saddle(given, mean)
        center = self.visible.state_of_mean(mean)
        field = self._machine.hidden_field(center[None])
        if self.links is not None:
            field += self.links.shifts(self.links.mean.value[None])[1]
        if self._counts:
            # Of a document of the mean total.
            total = self.visible.total.numpy()[0]
            own = ops.cast(self.hidden.bias, field.dtype)
            field = total * field + (total - 1) * own
        self.offsets.visible.assign(center)
        self.offsets.hidden.assign(self.hidden.mean(field)[0])
        if self.links is not None:
            self.links.keep_pace(*self._variances())
        self.adapted.assign(1)
        if self.chains is not None:
            self.reset_chains()

    def _check_variance(self, variance: Array) -> None:
        """Raise a ValueError where hidden units would run away.

        Of a mean that is weighted by itself, as of `_rate_unit`.
        """
        most = self.hidden.most_variance
        found = np.sum(variance**2) / max(np.sum(variance), 1e-12)
        if found > most:
            raise ValueError(
                f"{data.TOLD}x has a variance of about {found:.3g} in each "
                f"column; with {self.hidden.said} hidden units, whose means "
                f"are powers of e, training would run away beyond {most:g}. "
                "Take Bernoulli, UnitInterval, ReLU or Gaussian hidden units, "
                "or visible counts of fewer trials."
            )

    def _leave_saddle(self, given: Given, mean: Array) -> None:
        """Let a kernel that is still the default tell examples apart."""
        is_own = self._is_default and self.kernel.trainable
        kept: list[Any] = [self.visible.bias, self.hidden.bias]
        if self.links is not None:
            kept += self.links.parameters
        if any(weights.is_touched(weight) for weight in kept):
            return
        if not self.visible.bias.trainable:
            return
        if not (is_own and self.hidden.trainable):
            return
        self.visible.leave_room()
        generator = np.random.default_rng(self.draws.epoch_key())
        count = max(_SEEN, 2 * self.hidden.width)
        rows, c = some_rows(given, count, generator, mean)
        states = self._machine.rows(rows).numpy()
        mask = self.kernel_mask
        center = self.visible.state_of_mean(mean).numpy()
        if self._counts:
            # Words tell documents apart, not how many they are.
            states = states - bags.totals_of(states) * center
        if self.links is not None:
            # Hidden units tell examples with their conditions apart.
            states = self.links.beside(states, c)
            mask = self.links.open_mask(mask)
        shape, dtype = self.kernel.shape, self.kernel.dtype
        kernel = np.asarray(self.kernel_initializer(shape, dtype))
        apart = differences(states, self.hidden, generator, mask)
        kernel = kernel + apart[: len(kernel)]
        if self.kernel.constraint is not None:
            kernel = np.asarray(self.kernel.constraint(kernel))
        empty = tf.zeros((1, self.hidden.width), dtype)
        # No field where both layers are at their means.
        of_hidden = self.hidden.mean(empty).numpy()[0]
        bias = self.visible.bias.numpy() - kernel @ of_hidden
        of_center = -kernel.T @ center
        found: list[Any] = []
        if self.links is not None:
            found = [(self.links.to_hidden, apart[len(kernel) :])]
            of_center -= found[0][1].T @ self.links.mean.numpy()
        for weight, value in (
            (self.kernel, kernel),
            (self.visible.bias, bias),
            (self.hidden.bias, of_center),
            *found,
        ):
            weight.assign(value)
            weights.mark(weight)

    # Where there is a condition ---------------------------------------------

    @property
    def _watches(self) -> bool:
        own = not self._is_conditional or self._conditioned.is_followed
        return super()._watches and own

    def _height(self, x: Any, energy: Any = None) -> tf.Tensor:
        if not self._is_conditional:
            return super()._height(x, energy)
        # Of each row with its own log Z.
        return self._rules.exact_loss(x)

    def _look(self) -> partition.LogPartition:
        if not self._is_conditional:
            return super()._look()
        return partition.LogPartition.exact(0.0)

    def _log_z(self) -> float:
        if not self._is_conditional:
            return super()._log_z()
        # It is a part of each example's likelihood.
        self._check_adapted("evaluate")
        return 0.0

    def _set_level(self, log_z: float) -> None:
        if not self._is_conditional:
            super()._set_level(log_z)

    @property
    def _has_few_states(self) -> bool:
        return not self._is_conditional and super()._has_few_states

    @property
    def _is_estimated(self) -> bool:
        return not self._is_conditional and super()._is_estimated

    def _log_z_given(self, condition: Array | None) -> Any:
        if condition is None:
            return super()._log_z_given(condition)
        # Of each condition once.
        own, which = np.unique(condition, axis=0, return_inverse=True)
        nothing = completion.unknown(self.space, 1).under(own)
        found = self._completion.marginal(
            self._where("log_prob"),
            nothing,
            0.0,
            completion.CHAINS,
            completion.TEMPERATURES,
            random.as_seed(0),
        )
        return np.broadcast_to(found.value, len(own))[np.ravel(which)]

    def _known(self, partial: completion.Partial) -> tuple[Array, Array]:
        states, seen = super()._known(partial)
        if not self._is_conditional:
            return states, seen
        if self.links is None:
            states = np.concatenate([states, partial.condition], axis=1)
        else:
            states = self.links.beside(states, partial.condition)
        known = np.ones((len(seen), states.shape[1] - seen.shape[1]), bool)
        return states, np.concatenate([seen, known], axis=1)

    def _draw_beside(self, x: Any, seed: random.Seed, steps: Any) -> tf.Tensor:
        if not self._is_conditional:
            return super()._draw_beside(x, seed, steps)
        machine = self._conditioned.at(self._conditioned.conditions(x))
        first, second = random.split(seed, 2)
        rows = tf.shape(batch.examples(x))[0]
        states = machine.fresh(rows, first)
        return self._unflatten(machine.walk(states, second, steps))

    # log Z ------------------------------------------------------------------

    def _sum_terms(self) -> float:
        return self._sums.terms

    def log_partition(self, *arguments: Any, **named: Any) -> Any:
        """log Z in nats; see `EnergyBasedModel.log_partition`.

        Raises:
            ValueError: as there; for a conditional model, which has a log Z
                for each condition.
        """
        if self._counts:
            raise ValueError(
                f"{self._where('log_partition')}: there is a log Z for each "
                "total of words. Ask for log_prob(x), in which it is; log Z = "
                "-energy(x) - log_prob(x) of any x of that total."
            )
        if self.links is not None:
            raise ValueError(
                f"{self._where('log_partition')}: a conditional model has a "
                "log Z for each condition. Ask for log_prob(x, condition=), "
                "in which it is; log Z(c) = -energy(x, c) - log_prob(x, c) of "
                "any x."
            )
        return super().log_partition(*arguments, **named)

    def _reference_energy(self) -> Any:
        mean = tf.convert_to_tensor(self.offsets.visible.value)
        energy = self._machine.energy(mean[None])[0]
        # Not every unit has a potential between its states.
        return tf.where(tf.math.is_finite(energy), energy, 0.0)

    def _partition_methods(self) -> list[str]:
        return self._sums.methods()

    def _exact_log_partition(self) -> partition.LogPartition:
        return self._sums.log_partition(self._where("log_partition"))

    def _annealed(
        self, chains: int, temperatures: int, reverse: bool, seed: random.Seed
    ) -> partition.LogPartition:
        walks = self._walks()
        return self._sums.annealed(walks, chains, temperatures, reverse, seed)

    # Samples ----------------------------------------------------------------

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
        condition: Any = None,
    ) -> Array:
        """Examples drawn from the model; see `EnergyBasedModel.sample`.

        Exact where the smaller layer can be summed over: by default up to
        2**26 terms, the joint states of that layer times the units of the
        larger one; up to 2**30 with `method="exact"`.

        Args:
            n: number of samples.
            seed: int or pair of ints, or None.
            steps: sweeps of the chains.
            start: "chains", "random", an array of n examples, or None.
            temperature: of the two layers together: what is drawn is v of
                `p(v, h)^(1 / temperature)`, normalised, not `p(v)` to that
                power. At 1 it is the model.
            method: "auto", "exact" or "chains".
            given: an example of which some is known, or n of them.
            mask: what of `given` is known, bool; None takes all but NaN.
            condition: of a conditional model what each of the n is given, or
                one condition for all. Row r has the same draws in both. Of
                `Multinomial` units the total of each, as in all that is asked
                without examples; the totals of examples are read off them.

        Returns:
            An array of shape (n, *event_shape).

        Raises:
            ValueError: as `EnergyBasedModel.sample`; for a temperature other
                than 1 of units whose potential is neither linear nor that of
                Gaussian or ReLU units.
        """
        if temperature != 1 and not self._machine.can_cool:
            raise ValueError(
                f"{self._where('sample')}: temperature must be 1 for "
                f"{self!r}: no other is known of units, unless their "
                "potential is bias . x, or that of Gaussian or ReLU units; "
                f"received {temperature}."
            )
        how = seed, steps, start, temperature, method
        return self._sampled(n, *how, given, mask, condition)

    def _served_states(self, x: tf.Tensor) -> tf.Tensor:
        return self._machine.rows(x)

    def _states_of(self, x: Array) -> Array:
        return self._machine.rows(x).numpy()

    def _log_scale_of(self, seen: Array) -> Array | float:
        return self.visible.log_scale_of(tf.constant(seen)).numpy()

    def _conditional(
        self, states: Array, seen: Array, seed: random.Seed
    ) -> Posterior | None:
        if self._is_conditional:
            return self._conditioned.posterior(states, seen, seed)
        if min(posterior.cost(self._machine, seen)) > CHEAP:
            return None
        return posterior.posterior(self._machine, states, seen, seed)

    def _exact_draws(
        self, effort: str, temperature: float = 1.0
    ) -> Draw | None:
        return self._sums.draws(effort, temperature)

    # Export -----------------------------------------------------------------

    def endpoints(self) -> Endpoints:
        """What `export` serves: see there."""
        if self._counts:
            return self._endpoints_of_bags()
        if self.links is not None:
            return self._endpoints_given(self.links)
        served = super().endpoints()
        _, given = served["energy"]
        served["hidden_mean"] = (self._hidden_mean, given)
        if self._labels is not None:
            shape = (None, *self._labels.space.event_shape)
            alone = tf.TensorSpec(shape, self.variable_dtype, "x")
            served["predict_proba"] = (self._labels.mean, [alone])
        return served

    def _guards(self, endpoint: str) -> tuple[dict[str, Space], dict[str, int]]:
        spaces, _ = super()._guards(endpoint)
        if self._labels is not None and endpoint == "predict_proba":
            spaces["x"] = self._labels.space
        if self.links is not None and not self._counts:
            spaces["condition"] = self.links.units.space
        if self._counts:
            spaces["condition"] = Counts(None)
        return spaces, {}

    def _endpoints_given(self, links):
        """What is served of a conditional model, all with its condition."""
        walker, walks = self._conditioned, ClampedWalks(self._conditioned)
        inputs = walker.path_inputs()
        shape, dtype = (None, *self.event_shape), self.variable_dtype
        x = tf.TensorSpec(shape, dtype, "x")
        mask = tf.TensorSpec(shape, tf.bool, "mask")
        width = links.units.width
        condition = tf.TensorSpec((None, width), dtype, "condition")

        def complete(x, mask, c, seed, steps):
            v, u = self._machine.rows(x), links.states(c)
            seen = self.space.flatten(mask)
            seen = tf.concat([seen, tf.ones_like(u, tf.bool)], axis=1)
            rows, own = tf.concat([v, u], axis=1), random.as_seed(seed)
            drawn = walks.served(rows, seen, own, steps, inputs)
            drawn = tf.cast(self._unflatten(drawn), x.dtype)
            return tf.where(mask, x, drawn)

        def sample(n, seed, steps, c):
            c = tf.broadcast_to(c, (n, width))
            nothing = tf.zeros((n, *self.event_shape), dtype)
            seen = tf.zeros_like(nothing, tf.bool)
            return complete(nothing, seen, c, seed, steps)

        served: Endpoints = {
            "serve": (self.call, [x, condition]),
            "energy": (self.call, [x, condition]),
            "hidden_mean": (self._hidden_mean, [x, condition]),
            "sample": (sample, [COUNT, SEED, STEPS, condition]),
            "complete": (complete, [x, mask, condition, SEED, STEPS]),
        }
        if walker.is_possible:
            served["log_prob"] = (
                lambda x, c: -self._rules.each(batch.Batch(x, condition=c)),
                [x, condition],
            )
        return served

    def _endpoints_of_bags(self):
        """What is served of bags of words; `sample` is given their totals."""
        walker, walks = self._conditioned, ClampedWalks(self._conditioned)
        inputs = walker.path_inputs()
        shape, dtype = (None, *self.event_shape), self.variable_dtype
        x = tf.TensorSpec(shape, dtype, "x")
        condition = tf.TensorSpec((None, 1), dtype, "condition")

        def sample(n, seed, steps, c):
            c = tf.broadcast_to(c, (n, 1))
            nothing = tf.zeros((n, self.visible.width), dtype)
            rows, own = tf.concat([nothing, c], axis=1), random.as_seed(seed)
            seen = tf.zeros_like(rows, tf.bool)
            drawn = walks.served(rows, seen, own, steps, inputs)
            return tf.cast(self._unflatten(drawn), dtype)

        served: Endpoints = {
            "serve": (self.call, [x]),
            "energy": (self.call, [x]),
            "hidden_mean": (self._hidden_mean, [x]),
            "sample": (sample, [COUNT, SEED, STEPS, condition]),
        }
        if walker.is_possible:
            served["log_prob"] = (lambda x: -self._rules.each(x), [x])
        return served

    def portable_endpoints(self) -> Endpoints:
        """What ONNX and LiteRT files hold: see `export`."""
        held = super().portable_endpoints()
        units = {"u_hidden": self.hidden, "u_visible": self.visible}
        is_plain = self.links is None
        if not (is_plain and all(u.is_discrete for u in units.values())):
            return held
        machine = self._machine

        def gibbs_sweep(x, u_hidden, u_visible):
            field = machine.hidden_field(machine.rows(x))
            h = self.hidden.from_uniform(field, u_hidden)
            v = self.visible.from_uniform(machine.visible_field(h), u_visible)
            return self._unflatten(v)

        _, given = held["energy"]
        uniforms = [
            tf.TensorSpec((None, unit.size), self.variable_dtype, name)
            for name, unit in units.items()
        ]
        return {**held, "gibbs": (gibbs_sweep, [*given, *uniforms])}

    # Saving -----------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        serialize = keras.saving.serialize_keras_object
        return {
            **super().get_config(),
            "visible": serialize(self.visible),
            "hidden": serialize(self.hidden),
            "centered": self.centered,
            # The default says itself where training starts.
            "kernel_initializer": None
            if self._is_default
            else serialize(self.kernel_initializer),
            "kernel_regularizer": serialize(self.kernel_regularizer),
            "kernel_constraint": serialize(self.kernel_constraint),
            "kernel_mask": as_text(self.kernel_mask),
            "bias_regularizer": [
                serialize(penalty) for penalty in self.bias_regularizer
            ],
            "sparsity": serialize(self.sparsity),
            "condition": serialize(self.condition),
            "seed": self.draws.seed,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """A model from `get_config`."""
        deserialize = keras.saving.deserialize_keras_object
        names = (*_UNITS, "condition")
        units = {name: deserialize(config.get(name)) for name in names}
        return cls(**{**config, **units})

    # As a preset, with its chains -------------------------------------------

    @classmethod
    def preset_make(
        cls,
        kernel_regularizer: list[float] | None = None,
        chains: int | None = None,
        **arguments: Any,
    ) -> Self:
        """The RBM, with room for its chains."""
        if kernel_regularizer is not None:
            arguments["kernel_regularizer"] = keras.regularizers.L1L2(
                *kernel_regularizer
            )
        rbm = cls(**arguments)
        rbm.keep_chains(chains or 0)
        return rbm

    @classmethod
    def _preset_upgrade(
        cls, arrays: dict[str, Array], **arguments: Any
    ) -> dict[str, Array]:
        """With the weights of units that older presets lack."""
        added = {
            f"{side}.{name}": np.full(width, value, np.float32)
            for side in _UNITS
            for name, (width, value) in arguments[side].newer_weights().items()
        }
        return {**added, **arrays}

    @classmethod
    def preset_size(cls, **arguments: Any) -> int:
        """Kernel, chains, what is known of log Z; units and their offsets."""
        units = [arguments[name] for name in _UNITS]
        (visible, hidden), chains = units, arguments["chains"] or 0
        total = (visible.width + chains) * hidden.width + KNOWN_LENGTH
        total += sum(unit.count_params() + unit.width for unit in units)
        given = arguments["condition"]
        if given is None:
            return total
        linked = given.width * (visible.width + hidden.width + 1)
        return total + given.count_params() + linked

    def preset_config(self) -> dict[str, Any]:
        """The arguments above.

        Raises:
            ValueError: if it has not seen data, has another regularizer than L1
                or L2 of the kernel, or another one of biases or a constraint
                than those of Keras.
        """
        for name, given, parts in (
            ("kernel_regularizer", [self.kernel_regularizer], REGULARIZERS),
            ("kernel_constraint", [self.kernel_constraint], CONSTRAINTS),
            ("bias_regularizer", self.bias_regularizer, REGULARIZERS),
        ):
            for one in given:
                check_in_preset(self._where("save_to_preset"), name, one, parts)
        penalty = None
        if self.kernel_regularizer is not None:
            config = self.kernel_regularizer.get_config()
            penalty = [float(config.get(name, 0.0)) for name in ("l1", "l2")]
        return {
            **super().preset_config(),
            "kernel_regularizer": penalty,
            "kernel_mask": as_text(self.kernel_mask),
            "sparsity": self.sparsity,
            "chains": self.chains.count if self.chains else None,
        }

    def preset_weights(self) -> dict[str, Any]:
        """Kernel, offsets, known log Z, the units' weights and chains."""
        found = {
            "kernel": self.kernel,
            "visible_offset": self.offsets.visible,
            "hidden_offset": self.offsets.hidden,
            "known_log_partition": self.known_log_partition,
        }
        for side in _UNITS:
            for name, weight in getattr(self, side).named_weights().items():
                found[f"{side}.{name}"] = weight
        if self.chains:
            found["chains"] = AllChains(self.chains)
        if self.links is not None:
            for weight in (*self.links.parameters, self.links.mean):
                found[f"links.{weight.name}"] = weight
            for name, weight in self.links.units.named_weights().items():
                found[f"condition.{name}"] = weight
        return found


_UNITS = ("visible", "hidden")


def _is_held(x):
    """Whether examples are in memory, as an array or in blocks."""
    return isinstance(x, Mapping) or (x is not None and data.is_array(x))


def _examples(unit, states):
    """The examples of a layer's states, in their shape."""
    return unit.space.unflatten(unit.restore(states))


def _checked_mask(given, visible, hidden):
    """The mask of a kernel between these layers, booleans, or None."""
    if given is None:
        return None
    mask = as_mask(given, "RBM: kernel_mask")
    shape = visible.width, hidden.width
    if mask.shape != shape:
        raise ValueError(
            f"RBM: kernel_mask must have shape {shape}, (visible.width, "
            f"hidden.width); received {mask.shape}."
        )
    return mask


def _checked_sparsity(given, hidden):
    """A target that hidden units can have, or None."""
    if given is None:
        return None
    found, space = get_sparsity(given), hidden.space
    if not ((space.low < found.target) & (found.target < space.high)).all():
        raise ValueError(
            f"RBM: sparsity must have a target between the ends of "
            f"{hidden.said} units, {space.low.max():g} and "
            f"{space.high.min():g}; received {found.target:g}."
        )
    return found


def _pair_of_regularizers(given):
    """Those of the visible and of the hidden biases."""
    pair = given if isinstance(given, (list, tuple)) else [given, given]
    if len(pair) != 2:
        raise ValueError(
            "RBM: bias_regularizer must be one regularizer or a pair, that of "
            f"visible and that of hidden biases; received {given!r}."
        )
    where = "RBM: bias_regularizer"
    return [checks.of_keras(keras.regularizers, one, where) for one in pair]


def _check_pair(visible, hidden):
    for name, unit in (("visible", visible), ("hidden", hidden)):
        if not isinstance(unit, Unit):
            raise ValueError(
                f"RBM: {name} must be units, for example "
                f"genzoo.units.Bernoulli(64); received {unit!r}."
            )
    if isinstance(hidden, Multinomial):
        raise ValueError(
            "RBM: hidden must not be Multinomial: their total would have to "
            "be given. Make them the visible units, or take Categorical ones."
        )
    if visible is hidden:
        raise ValueError(
            "RBM: visible and hidden are one object; their weights would be "
            "shared. Make two."
        )
    shared = [
        block
        for block in visible.blocks()
        if any(block is other for other in hidden.blocks())
    ]
    if shared:
        raise ValueError(
            f"RBM: visible and hidden both hold the object {shared[0].name!r}; "
            "its weights would be shared. Make two."
        )
    if not (visible.is_bounded or hidden.is_bounded):
        pair = [
            next(block for block in unit.blocks() if not block.is_bounded)
            for unit in (visible, hidden)
        ]
        raise ValueError(
            f"RBM: {type(pair[0]).__name__} visible with "
            f"{type(pair[1]).__name__} hidden units cannot be normalised: with "
            "both layers unbounded exp(-E) has no finite sum or integral once "
            "the kernel is large. Make one layer bounded (Bernoulli, Spin, "
            "Categorical, Binomial or UnitInterval)."
        )
