"""The deep Boltzmann machine, of layers of any unit types."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import keras
import numpy as np
import tensorflow as tf

from genzoo import checks, losses, partition
from genzoo.models.common import EnergyBasedModel, completion
from genzoo.models.common.endpoints import Endpoints
from genzoo.models.common.energy_based_model import KNOWN_LENGTH, Draw
from genzoo.models.common.given import Given
from genzoo.models.common.posterior import Posterior
from genzoo.models.common.presets import AllChains
from genzoo.models.common.stiffness import Pull, Stiffness
from genzoo.models.common.walks import Walks
from genzoo.models.dbm import pretraining
from genzoo.models.dbm.machine import DeepMachine
from genzoo.models.dbm.offsets import DeepOffsets
from genzoo.models.dbm.rules import Rules
from genzoo.models.rbm import posterior
from genzoo.models.rbm.exact import CHEAP, Sums
from genzoo.models.rbm.stack import Stack, pretrain
from genzoo.models.rbm.start import (
    differences,
    some_rows,
    weighed_mean,
)
from genzoo.optimizers import Falling
from genzoo.regularizers.of_keras import REGULARIZERS, check_in_preset
from genzoo.runtime import data, random, weights
from genzoo.types import Array, ArrayLike, Examples, SeedLike
from genzoo.units import Bernoulli, Multinomial, Unit
from genzoo.units.mixed import layer_of, told

_MOST_LAYERS = 32
# Of two units of neighbouring layers together, where a rate is made of it.
_LEAST_VARIANCE = 1e-4
# Examples that the kernels may begin with.
_SEEN = 500
# Size of the kernels between hidden layers, where that of the first is 1.
_START = 0.3


@keras.saving.register_keras_serializable("genzoo")
class DeepBoltzmannMachine(EnergyBasedModel):
    """Layers of units, each joined with the next by a kernel.

    `E(x, h) = -sum_l a_l(h_l) - sum_l h_l W_l h_(l+1)` with h_0 = x, where
    the potentials a_l belong to the unit types, and
    `p(x) = sum_h exp(-E(x, h)) / Z`.

    The sum over all hidden layers is too long but for small ones. Its mean
    field, the best q(h) of independent units, gives a lower bound,
    `log p(x) >= -<E(x, h)>_q + H(q) - log Z`: the `bound`, which training
    makes larger, by mean field for the data and chains for the model. `loss`
    and `val_loss` in the logs are minus the bound in nats. Gradients are
    centred, so that no layer needs to be trained before the others.

    Calling the model gives `<E(x, h)>_q - H(q)`.

    Args:
        units: the layers, `Unit`s or lists of them, that of the examples
            first; at least three. Of two neighbours one must be bounded.
        centered: whether gradients are those of the centred energy, in which
            all states stand for their difference from their running means.
        kernel_initializer: Keras initializer of the kernels; by default
            normal with standard deviation 0.01, to which `adapt` adds
            differences of examples, and of the hidden states these have.
        kernel_regularizer: Keras regularizer of all kernels, or None.
        seed: int or pair of ints, for all that is drawn at random.
        **kwargs: of `keras.Model`: name, dtype.

    Attributes:
        units: the layers, with their `bias`es.
        kernels: the weights W_l, (units[l].width, units[l + 1].width).
        offsets: the `DeepOffsets` of centring.

    Raises:
        ValueError: for fewer than three layers, neighbours that cannot be
            normalised together, or units that belong to another model.

    Reference:
        Salakhutdinov and Hinton, "Deep Boltzmann machines", AISTATS 2009.
        Melchior, Fischer and Wiskott, "How to center deep Boltzmann
        machines", JMLR 17(99), 2016.

    Example:
    >>> dbm = genzoo.DeepBoltzmannMachine(
    ...     [genzoo.units.Bernoulli(n) for n in (64, 16, 8)]
    ... )
    >>> dbm.compile()
    >>> history = dbm.fit(x_train, epochs=1, verbose=0)
    >>> dbm.bound(x_test[:5]).shape, dbm.sample(25, seed=0).shape
    ((5,), (25, 64))
    """

    _is_free = True
    arguments: ClassVar[checks.Arguments] = {
        "units": checks.list_of(checks.part(Unit), 3, _MOST_LAYERS),
        "centered": checks.flag,
        "kernel_regularizer": checks.optional(checks.part(*REGULARIZERS)),
        "chains": checks.optional(checks.whole(1, 2**16)),
        "seed": checks.seed_pair,
    }

    def __init__(
        self,
        units: Sequence[Unit | Sequence[Unit] | Mapping[str, Unit]],
        centered: bool = True,
        kernel_initializer: Any = None,
        kernel_regularizer: Any = None,
        seed: SeedLike | None = None,
        **kwargs,
    ):
        layers = _checked(units)
        super().__init__(seed=seed, **kwargs)
        for number, unit in enumerate(layers):
            if unit.variable_dtype != self.variable_dtype:
                raise ValueError(
                    f"DeepBoltzmannMachine: dtype is {self.variable_dtype}, "
                    f"but units[{number}] has {unit.variable_dtype}. Give "
                    "all the same, for example Bernoulli(64, "
                    f"dtype={self.variable_dtype!r})."
                )
        weights.claim(
            "DeepBoltzmannMachine",
            **{f"units[{i}]": unit for i, unit in enumerate(layers)},
        )
        self.units: list[Unit] = layers
        self.space = layers[0].space
        self.centered = checks.flag(centered, "DeepBoltzmannMachine: centered")
        self._is_default = kernel_initializer is None
        seed = int(self.draws.epoch_key()[0] % 2**31)
        self.kernel_initializer = checks.of_keras(
            keras.initializers,
            kernel_initializer
            or keras.initializers.RandomNormal(stddev=0.01, seed=seed),
            "DeepBoltzmannMachine: kernel_initializer",
        )
        self.kernel_regularizer = checks.of_keras(
            keras.regularizers,
            kernel_regularizer,
            "DeepBoltzmannMachine: kernel_regularizer",
        )
        widths = [unit.width for unit in layers]
        self.kernels: list[keras.Variable] = [
            self.add_weight(
                name=f"kernel_{lower}",
                shape=(widths[lower], widths[lower + 1]),
                initializer=self.kernel_initializer,
                regularizer=self.kernel_regularizer,
                autocast=False,
            )
            for lower in range(len(layers) - 1)
        ]
        self.offsets = DeepOffsets(
            widths, self.centered, name="offsets", dtype=self.dtype_policy
        )
        means = self.offsets.visible, self.offsets.hidden
        self._machine = DeepMachine(self.units, self.kernels, means)
        self._rules = Rules(self._machine, self.offsets, self.compute_dtype)
        self._sums = Sums(self._machine)
        self.walks = Walks(self._machine, type(self).__name__)
        self.built = True

    @classmethod
    def from_weights(
        cls,
        kernels: Sequence[ArrayLike],
        biases: Sequence[ArrayLike] | None = None,
        units: Sequence[Any] | None = None,
        **kwargs: Any,
    ) -> Self:
        """The machine with these weights, which `fit` begins from.

        Args:
            kernels: the arrays W_l, (width of layer l, that of layer l + 1).
            biases: of each layer an array (width,); None for zeros.
            units: the layers; by default `Bernoulli`.
            **kwargs: of the constructor. Weights are rounded to float32
                unless `dtype="float64"`.

        Raises:
            ValueError: for arrays of other shapes, or with NaN or infinite
                numbers; as the constructor.

        Example:
        >>> dbm = genzoo.DeepBoltzmannMachine.from_weights(
        ...     [[[1.0], [-1.0]], [[2.0]]]
        ... )
        >>> round(float(dbm.log_partition().value), 4)
        3.9253
        """
        where = f"{cls.__name__}.from_weights"
        found = [
            checks.array(kernel, f"{where}: kernels[{number}]")
            for number, kernel in enumerate(kernels)
        ]
        for number, kernel in enumerate(found):
            if kernel.ndim != 2:
                raise ValueError(
                    f"{where}: kernels[{number}] must have two dimensions; "
                    f"received shape {kernel.shape}."
                )
            if number and len(kernel) != found[number - 1].shape[1]:
                raise ValueError(
                    f"{where}: kernels[{number}] must have "
                    f"{found[number - 1].shape[1]} rows, as many as the one "
                    f"before has columns; received shape {kernel.shape}."
                )
        if units is None and found:
            sizes = [len(kernel) for kernel in found] + [found[-1].shape[1]]
            dtype = kwargs.get("dtype")
            units = [Bernoulli(size, dtype=dtype) for size in sizes]
        model = cls(units or [], **kwargs)
        layers = [unit.bias for unit in model.units]
        if biases is None:
            biases = [np.zeros(bias.shape) for bias in layers]
        pairs: list[Any] = []
        for name, given, own in (
            ("kernels", found, model.kernels),
            ("biases", biases, layers),
        ):
            if len(given) != len(own):
                raise ValueError(
                    f"{where}: {name} must be {len(own)} arrays for "
                    f"{len(layers)} layers; received {len(given)}."
                )
            for number, (value, weight) in enumerate(
                zip(given, own, strict=True)
            ):
                value = checks.array(value, f"{where}: {name}[{number}]")
                if value.shape != tuple(weight.shape):
                    raise ValueError(
                        f"{where}: {name}[{number}] must have shape "
                        f"{tuple(weight.shape)}; received {value.shape}."
                    )
                pairs.append((weight, value))
        for weight, value in pairs:
            weight.assign(value)
            weights.touch(weight)
        model._set_offsets(None)
        return model

    def __repr__(self) -> str:
        layers = " x ".join(map(told, self.units))
        return f"<{type(self).__name__}: {layers} units>"

    # Energies and bounds ----------------------------------------------------

    @property
    def parameters(self) -> list[keras.Variable]:
        """The kernels, then the weights of even and of odd layers."""
        return self._machine.parameters

    def _energy_weights(self) -> list[keras.Variable]:
        known = {id(weight) for weight in self.parameters}
        own = [weight for unit in self.units for weight in unit.weights]
        fixed = [weight for weight in own if id(weight) not in known]
        return [*self.parameters, *fixed]

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """`<E(x, h)>_q - H(q)`, (batch,), in nats: at least E(x)."""
        self._check_width(x)
        return self._rules.marginal_energy(x)

    @property
    def _keeps_float64(self) -> bool:
        # Real numbers lose by being rounded before they are centred.
        return not self.units[0].is_discrete or super()._keeps_float64

    @property
    def _energy_dtype(self) -> str:
        return "float64" if self._keeps_float64 else self.variable_dtype

    def bound(self, x: ArrayLike) -> Array:
        """A lower bound of log p(x) by mean field, in nats, (n,).

        It has the error of log Z, which is the one last found for the present
        weights by `log_partition`, or is found now.

        Args:
            x: examples, (n, *event_shape).

        Raises:
            ValueError: if x is not in the model's space, or the model has not
                seen data.
        """
        self._check_adapted("bound")
        x = self._examples("bound", x)
        return -self._in_batches(self.call, x) - self._log_z()

    def energy(self, x: ArrayLike, condition: Any = None) -> Array:
        """E(x) = -log sum_h exp(-E(x, h)) in nats, an array of shape (n,).

        Args:
            x: examples, (n, *event_shape).
            condition: must be None.

        Raises:
            ValueError: if x is not in the model's space, or there are too
                many hidden states to sum over.
        """
        x = self._examples("energy", x)
        self._condition_for("energy", condition, len(x), x)
        return self._summed("energy", x)

    def log_prob(
        self,
        x: ArrayLike,
        mask: ArrayLike | None = None,
        condition: Any = None,
    ) -> Array:
        """log p(x), in nats, an array of shape (n,), where it can be summed.

        Args:
            x: examples, (n, *event_shape).
            mask: what of them is known; log p is then that of the known, the
                value of `log_marginal`, which has its errors.
            condition: must be None.

        Raises:
            ValueError: if x is not in the model's space, the model has not
                seen data, or there are too many hidden states to sum over.
        """
        if mask is not None:
            return self.log_marginal(x, mask, condition=condition).value
        self._check_adapted("log_prob")
        x = self._examples("log_prob", x)
        self._condition_for("log_prob", condition, len(x), x)
        return -self._summed("log_prob", x) - self._log_z()

    def _summed(self, method, x):
        machine = self._machine
        if machine.sums_over is None:
            raise ValueError(
                f"{self._where(method)}: the hidden layers of {self!r} have "
                "too many states to sum over. bound(x) is a lower bound of "
                "log p(x); log_marginal(x) estimates it by annealing, with "
                "its standard error."
            )
        size = min(machine.rows_at_once, self._most_rows)
        return self._in_batches(machine.energy_of, x, size)

    def hidden_mean(self, x: ArrayLike, layer: int = -1) -> Array:
        """Means of a hidden layer in the mean field of x, (n, *its shape).

        Args:
            x: examples, (n, *event_shape).
            layer: which of `units`, from 1 on; -1 is the last.

        Raises:
            ValueError: if x is not in the model's space, or there is no such
                layer.
        """
        where = self._where("hidden_mean")
        check = checks.hidden_layer(len(self.units))
        layer = check(layer, f"{where}: layer")
        x = self._examples("hidden_mean", x)
        found = self._in_batches(self._all_means, x)
        ends = np.cumsum([unit.width for unit in self.units])
        unit = self.units[layer]
        end = ends[layer]
        own = unit.restore(tf.constant(found[:, end - unit.width : end]))
        return unit.space.unflatten(own).numpy()

    def transform(self, x: ArrayLike) -> Array:
        """Means of all hidden layers side by side, (n, the sum of widths).

        Args:
            x: examples, (n, *event_shape).

        Raises:
            ValueError: if x is not in the model's space.
        """
        x = self._examples("transform", x)
        return self._in_batches(self._all_means, x)[:, self.units[0].width :]

    def _all_means(self, x):
        """Means of all layers, in their order, (rows, the sum of widths)."""
        v, found = self._rules.infer(x)
        blocks = (
            self._machine.even_mean(v, found),
            self._machine.hidden.mean(found.odd_field),
        )
        parts: list[Any] = [None] * len(self.units)
        for first, block in enumerate(blocks):
            widths = [unit.width for unit in self.units[first::2]]
            parts[first::2] = tf.split(block, widths, axis=1)
        return tf.concat(parts, axis=1)

    # Learning ---------------------------------------------------------------

    @property
    def rules(self) -> Rules:
        """What learning rules ask for; see `genzoo.losses.protocols`."""
        return self._rules

    def _default_optimizer(self, rule: losses.LearningRule) -> Any:
        return Falling()

    def _batch_size_for(self, given: Given) -> int:
        return given.batch_size(100, 4)

    def _rate_unit(self) -> float:
        """One over the variances that the first kernel joins."""
        first, second, *_ = self._variances()
        return float(1 / max(first * second, _LEAST_VARIANCE))

    def _variances(self):
        """Of the units of each layer; as of an RBM, see there."""
        first = self.units[0]
        at = self.offsets.visible.numpy()[: first.width]
        variance = first.variance_of(np.asarray(at, np.float64))
        spread = np.asarray(first.dispersion, np.float64)
        power = 0.5 if self.units[1].is_bounded else 1
        found = [weighed_mean(variance * spread**power)]
        for unit in self.units[1:]:
            middle = unit.mean(-unit.bias.value[None]).numpy()
            found.append(unit.variance_of(middle).mean() * unit.growth)
        return found

    def _keep_pace(self):
        """How fast each kernel learns, the first at 1.

        In the units of the variances that it joins. Two layers also pull at
        each other, by the square root of the product of their total
        variances: beside the pull of the examples on the first hidden layer
        none may count for more than half, or wide layers learn each other's
        noise.
        """
        found = np.array(self._variances())
        joint = np.maximum(found[:-1] * found[1:], _LEAST_VARIANCE)
        total = found * [unit.size for unit in self.units]
        pull = np.maximum(total[:-1] * total[1:], _LEAST_VARIANCE)
        pace = joint[0] / joint * np.minimum(1, np.sqrt(pull[0] / pull)) / 2
        pace[0] = 1.0
        self.offsets.pace.assign(pace)

    def _penalty_gradients(self) -> list:
        found = super()._penalty_gradients()
        return self.offsets.penalty(self._machine, found)

    def _before_step(
        self, gradients: list, seed: random.Seed
    ) -> tuple[list, Any]:
        if not isinstance(self.optimizer, Falling):
            return gradients, None
        if stiffness := self._stiffness():
            gradients = stiffness.turned(self.parameters, gradients)
            stiffness.release()
        pace = tf.unstack(tf.convert_to_tensor(self.offsets.pace.value))
        of = {id(w): p for w, p in zip(self.kernels, pace, strict=True)}
        # A bias learns as the kernel does that joins it with the examples.
        for unit, own in zip(self.units[1:], pace, strict=True):
            of |= {id(weight): own for weight in unit.parameters}
        pairs = zip(gradients, self.parameters, strict=True)
        return [of.get(id(w), 1.0) * gradient for gradient, w in pairs], None

    def _after_step(self, place: Any) -> None:
        if stiffness := self._stiffness():
            stiffness.hold(None)

    def _stiffness(self) -> Stiffness | None:
        """That of the layer 0, where precisions learn."""
        if not self.units[0].precisions:
            return None
        pair = self.offsets.pair(self._machine)
        width = self.units[1].width
        middle = tf.zeros(width, self.kernels[0].dtype)
        if pair is not None:
            middle = pair[1][:width]
        pulls = [Pull(self.kernels[0], middle)]
        return Stiffness.of(self.units[0], pulls, self.optimizer)

    def adapt(
        self,
        x: Examples,
        steps: int | None = None,
        sample_weight: ArrayLike | None = None,
        missing: float | str | None = None,
        mask: ArrayLike | None = None,
    ) -> None:
        """Set what follows from the data alone, before training.

        The bias of the layer 0 is that at which, without kernels, each unit
        fits its data. Kernels that are still the default ones get differences
        of examples, and of hidden states that these lead to, with biases such
        that no layer gets a field where its neighbours are at their means.
        The centring offsets are set, and the persistent chains drawn anew.
        `fit` calls this unless you have. What was assigned, loaded or trained
        stays as it is.

        Args:
            x: array of shape (n, *event_shape), or a dataset of batches.
            steps: how many batches of the dataset to see; None means all.
            sample_weight: what each example of an array counts, (n,).
            missing: what stands for an unknown number in x; see `fit`.
            mask: what of an array x is known; see `fit`.

        Raises:
            ValueError: if x is empty, of another shape or outside the space.
        """
        given = self._given("adapt", x, None, sample_weight, missing, mask)
        self._check_adapts(given.x, steps)
        with self._told_plainly("adapt"):
            self._adapt(given, steps)

    def pretrain(
        self,
        x: ArrayLike,
        epochs: int | Sequence[int] = 10,
        batch_size: int | None = None,
        validation_data: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        missing: float | str | None = None,
        mask: ArrayLike | None = None,
        **options: Any,
    ) -> Stack:
        """Begin with kernels of RBMs, trained one after the other.

        An option: `fit` does well without. Each RBM learns the hidden states
        of the one below it, the first and the last with their end layer twice,
        since a layer of the deep machine hears both of its neighbours. Biases
        of a layer that two RBMs have are their mean. What the machine had
        learned is lost.

        Args:
            x: examples, (n, *event_shape), or a dataset with an end.
            epochs: of each RBM, or one number for each.
            batch_size: as in `RBM.fit`.
            validation_data: held-out examples, as x.
            sample_weight: what each example counts, (n,).
            missing: what stands for an unknown number in x; see `fit`.
            mask: what of an array x is known; see `fit`.
            **options: of `genzoo.pretrain`, such as verbose.

        Returns:
            The `Stack`, with the `histories` of the RBMs.

        Raises:
            ValueError: if the first or the last layer is not `Bernoulli`;
                and as `genzoo.pretrain`.

        Reference:
            Salakhutdinov and Hinton, "Deep Boltzmann machines", AISTATS 2009.
        """
        where = self._where("pretrain")
        own = random.as_seed(self.draws.epoch_key())
        rbms = pretraining.rbms_of(self.units, own, where)
        given = self._given("pretrain", x, None, sample_weight, missing, mask)
        given = given.gathered(where)
        first = pretraining.doubled(given.x, given.seen)
        if validation_data is not None:
            held = self._given("pretrain: validation_data", validation_data)
            options["validation_data"] = pretraining.doubled(held.x, held.seen)
        if given.seen is not None:
            options["missing"] = "nan"
        options |= {"batch_size": batch_size, "sample_weight": given.weight}
        stack = pretrain(rbms, first, epochs, **options)
        kernels, layers = pretraining.composed(stack)
        for own, value in zip(self.kernels, kernels, strict=True):
            own.assign(value)
            weights.touch(own)
        for unit, values in zip(self.units, layers, strict=True):
            for own, value in zip(unit.parameters, values, strict=True):
                own.assign(value)
                weights.touch(own)
        self.adapted.assign(0)
        with self._told_plainly("pretrain"):
            self._adapt(given, None)
        return stack

    def _given(
        self,
        method: str,
        x: Any,
        y: Any = None,
        weight: Any = None,
        missing: float | str | None = None,
        mask: Any = None,
    ) -> Given:
        """As of any model; blocks of examples are joined first."""
        if missing is None and mask is None:
            if completion.are_blocks(self.space, x):
                where, wide = self._where(method), self._keeps_float64
                x = self.space.check(where, x, wide=wide)
            return super()._given(method, x, y, weight)
        return super()._given(method, x, y, weight, missing, mask)

    def _prepare(self, given: Given, steps: int | None = None) -> None:
        if not self.adapted.numpy():
            self._adapt(given, steps)

    def _adapt(self, given: Given, steps: int | None) -> None:
        """Set what follows from checked data."""
        first, kernels = self.units[0], self._machine.kernels
        x, _, weight, seen = given
        mean, variance, count = data.moments(x, steps, weight, seen)
        mean, variance = np.ravel(mean), np.ravel(variance)
        if self.adapted.numpy() and weights.is_touched(kernels):
            return
        moves = any(block.bias.trainable for block in first.blocks())
        if moves and not weights.is_touched(kernels):
            first.adapt_untouched(mean, variance, round(count))
            self._leave_saddle(given, mean)
        self._set_offsets(first.state_of_mean(mean))
        self._keep_pace()
        self.adapted.assign(1)
        if self.chains is not None:
            self.reset_chains()

    def _set_offsets(self, center: Any) -> None:
        """The offsets of hidden layers, where the layer 0 is at its mean."""
        machine, offsets = self._machine, self.offsets
        empty = [tf.zeros((1, unit.width), self.dtype) for unit in self.units]
        means = [u.mean(e) for u, e in zip(self.units, empty, strict=True)]
        if center is not None:
            means[0] = tf.cast(center, means[0].dtype)[None]
        offsets.visible.assign(tf.concat(means[::2], axis=1)[0])
        found = machine.infer(means[0])
        offsets.visible.assign(machine.even_mean(means[0], found)[0])
        offsets.hidden.assign(machine.hidden.mean(found.odd_field)[0])

    def _leave_saddle(self, given: Given, mean: Array) -> None:
        """Let kernels that are still the default ones tell examples apart."""
        biases: list[Any] = [unit.bias for unit in self.units]
        if any(weights.is_touched(bias) for bias in biases):
            return
        layers = [*self.kernels, *biases]
        is_free = all(weight.trainable for weight in layers)
        if not (self._is_default and is_free):
            return
        self.units[0].leave_room()
        own = self.draws.epoch_key()
        generator = np.random.default_rng(own)
        count = max(_SEEN, 2 * max(unit.width for unit in self.units[1:]))
        rows, _ = some_rows(given, count, generator, mean)
        states = self._machine.rows(rows).numpy()
        center = self.units[0].state_of_mean(mean).numpy()
        values = [bias.numpy() for bias in biases]
        for lower, kernel in enumerate(self.kernels):
            above = self.units[lower + 1]
            # What is above a hidden layer only has to differ from unit to unit.
            scale = _START if lower else 1.0
            apart = differences(states, above, generator)
            value = kernel.numpy() + scale * apart
            empty = tf.zeros((1, above.width), kernel.dtype)
            middle = above.mean(empty).numpy()[0]
            # No field where both layers are at their means.
            values[lower] = values[lower] - value @ middle
            values[lower + 1] = values[lower + 1] - center @ value
            field = tf.constant((states - center) @ value, kernel.dtype)
            key = random.fold_in(random.as_seed(own), lower)
            states = above.sample(field, key).numpy()
            center = middle
            kernel.assign(value)
            weights.mark(kernel)
        for bias, value in zip(biases, values, strict=True):
            bias.assign(value)
            weights.mark(bias)

    # log Z and samples ------------------------------------------------------

    def _sum_terms(self) -> float:
        return self._sums.terms

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

    def _sampled(self, n, seed, steps, start, temperature, *rest) -> Array:
        if temperature != 1 and not self._machine.can_cool:
            raise ValueError(
                f"{self._where('sample')}: temperature must be 1 for "
                f"{self!r}: no other is known of units, unless their "
                "potential is bias . x, or that of Gaussian or ReLU units; "
                f"received {temperature}."
            )
        how = n, seed, steps, start, temperature
        return super()._sampled(*how, *rest)

    def _exact_draws(
        self, effort: str, temperature: float = 1.0
    ) -> Draw | None:
        return self._sums.draws(effort, temperature)

    @property
    def _has_few_states(self) -> bool:
        # Its identities are those of log p, not of the bound.
        return self._machine.sums_over is not None and super()._has_few_states

    def _unflatten(self, states: tf.Tensor) -> tf.Tensor:
        """The examples that even states begin with, (n, *event_shape)."""
        first = self.units[0]
        return first.space.unflatten(first.restore(states[:, : first.width]))

    # Where some of an example is known --------------------------------------

    def _served_known(
        self, x: tf.Tensor, seen: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        machine = self._machine
        v = machine.rows(x)
        hidden = tf.zeros((tf.shape(v)[0], machine.rest.width), tf.bool)
        return machine.beside(v), tf.concat([seen, hidden], axis=1)

    def _known(self, partial: completion.Partial) -> tuple[Array, Array]:
        x, seen = tf.constant(partial.x), tf.constant(partial.seen)
        states, seen = self._served_known(x, seen)
        return states.numpy(), seen.numpy()

    def _log_scale_of(self, seen: Array) -> Array | float:
        return self.units[0].log_scale_of(tf.constant(seen)).numpy()

    def _conditional(
        self, states: Array, seen: Array, seed: random.Seed
    ) -> Posterior | None:
        if min(posterior.cost(self._machine, seen)) > CHEAP:
            return None
        return posterior.posterior(self._machine, states, seen, seed)

    # Export -----------------------------------------------------------------

    def endpoints(self) -> Endpoints:
        """What `export` serves: see there.

        `energy` and `log_prob` where the hidden layers can be summed over,
        `bound` where log Z is known.
        """
        served = super().endpoints()
        _, given = served.pop("energy")
        served.pop("log_prob", None)
        machine, stored = self._machine, self.stored_log_partition
        log_z = None if stored is None else float(stored.value)

        def as_given(function):
            return lambda x: tf.cast(function(x), x.dtype)

        last = self.units[-1].width

        def hidden_mean(x):
            unit = self.units[-1]
            found = unit.restore(self._all_means(x)[:, -last:])
            return unit.space.unflatten(found)

        served["hidden_mean"] = (hidden_mean, given)
        if machine.sums_over is not None:
            served["energy"] = (as_given(machine.energy_of), given)
        if log_z is not None:
            served["bound"] = (lambda x: -self.call(x) - log_z, given)
            if machine.sums_over is not None:
                served["log_prob"] = (
                    as_given(lambda x: -machine.energy_of(x) - log_z),
                    given,
                )
        return served

    # Saving -----------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        serialize = keras.saving.serialize_keras_object
        return {
            **super().get_config(),
            "units": [serialize(unit) for unit in self.units],
            "centered": self.centered,
            "kernel_initializer": None
            if self._is_default
            else serialize(self.kernel_initializer),
            "kernel_regularizer": serialize(self.kernel_regularizer),
            "seed": self.draws.seed,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """A model from `get_config`."""
        deserialize = keras.saving.deserialize_keras_object
        units = [deserialize(unit) for unit in config["units"]]
        return cls(**{**config, "units": units})

    # As a preset, with its chains -------------------------------------------

    @classmethod
    def preset_make(cls, chains: int | None = None, **arguments: Any) -> Self:
        """The machine, with room for its chains."""
        model = cls(**arguments)
        model.keep_chains(chains or 0)
        return model

    @classmethod
    def preset_size(cls, **arguments: Any) -> int:
        """Kernels, chains, what is known of log Z; units and their offsets."""
        units = arguments["units"]
        widths = [unit.width for unit in units]
        pairs = zip(widths[:-1], widths[1:], strict=True)
        total = sum(lower * upper for lower, upper in pairs)
        total += (arguments["chains"] or 0) * sum(widths[1::2])
        total += len(units) - 1 + KNOWN_LENGTH
        return total + sum(unit.count_params() + unit.width for unit in units)

    def preset_config(self) -> dict[str, Any]:
        """The arguments above.

        Raises:
            ValueError: if it has not seen data, or has another regularizer
                than L1 or L2.
        """
        where, given = self._where("save_to_preset"), self.kernel_regularizer
        check_in_preset(where, "kernel_regularizer", given, REGULARIZERS)
        return {
            **super().preset_config(),
            "chains": self.chains.count if self.chains else None,
        }

    def preset_weights(self) -> dict[str, Any]:
        """Kernels, offsets, known log Z, the units' weights and chains."""
        found: dict[str, Any] = {
            **{kernel.name: kernel for kernel in self.kernels},
            "even_offset": self.offsets.visible,
            "odd_offset": self.offsets.hidden,
            "pace": self.offsets.pace,
            "known_log_partition": self.known_log_partition,
        }
        for number, unit in enumerate(self.units):
            for name, weight in unit.named_weights().items():
                found[f"units.{number}.{name}"] = weight
        if self.chains:
            found["chains"] = AllChains(self.chains)
        return found


def _checked(given: Any) -> list[Unit]:
    """The layers, of which neighbours can be normalised together."""
    where = "DeepBoltzmannMachine"
    if not isinstance(given, (list, tuple)) or not (
        3 <= len(given) <= _MOST_LAYERS
    ):
        count = len(given) if isinstance(given, (list, tuple)) else given
        raise ValueError(
            f"{where}: units must be a list of 3 to {_MOST_LAYERS} layers, "
            "for example [Bernoulli(64), Bernoulli(50), Bernoulli(20)]; "
            f"received {count!r}. Of two layers it is a genzoo.RBM."
        )
    layers = [
        layer_of(one, f"{where}: units[{number}]")
        for number, one in enumerate(given)
    ]
    for number, unit in enumerate(layers):
        name = f"{where}: units[{number}]"
        if not isinstance(unit, Unit):
            raise ValueError(
                f"{name} must be units, for example "
                f"genzoo.units.Bernoulli(64); received {unit!r}."
            )
        if isinstance(unit, Multinomial):
            raise ValueError(
                f"{name} must not be Multinomial: their total would have to "
                "be given. Take Poisson or Categorical units, or a genzoo.RBM."
            )
    blocks = [
        (number, block)
        for number, unit in enumerate(layers)
        for block in unit.blocks()
    ]
    for place, (number, block) in enumerate(blocks):
        for other, before in blocks[:place]:
            if block is before:
                raise ValueError(
                    f"{where}: units[{other}] and units[{number}] are one "
                    "object; their weights would be shared. Make two."
                )
    for number, (lower, upper) in enumerate(
        zip(layers[:-1], layers[1:], strict=True)
    ):
        if not (lower.is_bounded or upper.is_bounded):
            raise ValueError(
                f"{where}: units[{number}], {lower.said}, and "
                f"units[{number + 1}], {upper.said}, cannot be normalised: "
                "with both layers unbounded exp(-E) has no finite sum or "
                "integral once the kernel is large. Make one of them bounded "
                "(Bernoulli, Spin, Categorical, Binomial or UnitInterval)."
            )
    return layers
