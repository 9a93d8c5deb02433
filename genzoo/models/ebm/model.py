"""`EnergyModel`: any network from an example to a number is its energy."""

import copy
import math
from typing import Any, ClassVar, Self

import keras
import numpy as np
import tensorflow as tf

from genzoo import checks, networks, optimizers
from genzoo.losses.loss import LearningRule
from genzoo.losses.protocols import Conditional, Enumerable, require
from genzoo.models.common.energy_based_model import Draw, EnergyBasedModel
from genzoo.models.common.given import Given
from genzoo.models.common.moves import Stride
from genzoo.models.common.presets import AllChains, numbered
from genzoo.models.common.walks import AnnealingSeeds, Walks
from genzoo.models.common.watch import KNOWN_LENGTH, EachEpoch
from genzoo.models.ebm import waves
from genzoo.models.ebm.energy import Energy
from genzoo.models.ebm.reference import Reference
from genzoo.models.ebm.repeated import Repeated
from genzoo.models.ebm.rules import Rules
from genzoo.models.ebm.sums import Sums
from genzoo.models.ebm.walker import Walker
from genzoo.networks import recipe
from genzoo.partition.log_partition import LogPartition
from genzoo.runtime import distribute, random
from genzoo.runtime import weights as weighing
from genzoo.spaces import Space
from genzoo.spaces.space import get as get_space
from genzoo.types import Array, ArrayLike, Examples, SeedLike

# Persistent chains, if nobody says how many.
_CHAINS = 256
# Sweeps of samples that go on from them, and of others.
_SWEEPS, _LONG = 100, 1000
# Points of a network beside one of a formula, in time.
_COST = 8
# Points up to which samples are drawn by a sum.
_FEW_POINTS = 2**18


@keras.saving.register_keras_serializable("genzoo")
class EnergyModel(EnergyBasedModel):
    """p(x) = exp(-E(x)) / Z, with `E(x) = network(z) + offset - log q(x)`.

    q is a distribution of independent sites that is fitted to the data before
    training (see `reference`), z is x in its units. The network tilts q: a
    model begins as q, has an end at infinity whatever the network does there,
    and columns of all scales count alike.

    The network is any Keras model from one example to one number. It is
    called with `training=False`, since an energy is a function of x alone:
    dropout does nothing, and batches are not normalised.

    Single values that many rows share (days without sales, full marks) have
    no density: `adapt` finds them in columns of real numbers and warns, and
    training spreads each over up to a tenth of the column's standard
    deviation, as `repeated` says. Without that the likelihood has no bound.

    Rules that take
    second derivatives need a smooth one, such as `networks.energy_mlp`.

    Args:
        space: one of `genzoo.spaces`, a product of sites.
        network: a Keras model from (batch, *event_shape) to (batch, 1) or
            (batch,); None takes `genzoo.networks.energy_mlp(space)`.
        reference: "data", or None for `E(x) = network(x) + offset` in the
            units of x: the network must then grow at infinity by itself.
        seed: int or pair of ints; None takes a random one.
        **kwargs: of `keras.Model`: name, dtype.

    Raises:
        ValueError: for another space or reference, or a network that does not
            give one number for each example.

    Reference:
        LeCun et al., "A tutorial on energy-based learning", 2006. Xie, Lu,
        Zhu and Wu, "A theory of generative ConvNet", ICML 2016, for networks
        that tilt a reference.

    Example:
    >>> x = np.random.default_rng(0).standard_normal((256, 1)) ** 3
    >>> model = genzoo.EnergyModel(genzoo.spaces.Real(1), seed=0)
    >>> model.compile()
    >>> history = model.fit(x, epochs=2, verbose=0)
    >>> sorted(history.history)
    ['contrast', 'gradient_norm', 'log_partition_stderr', 'loss']
    >>> model.sample(5, seed=0).shape
    (5, 1)
    """

    arguments: ClassVar[checks.Arguments] = {
        "space": checks.part(Space),
        "network": checks.part(networks.energy_mlp, networks.energy_cnn),
        "reference": checks.optional(checks.one_of("data")),
        "seed": checks.seed_pair,
        # Of a preset: how many there are, before there is room for them.
        "chains": checks.optional(checks.whole(1, 2**16)),
    }
    # What older presets do not say.
    _newer_arguments: ClassVar[dict[str, Any]] = {"chains": None}

    _is_free = True

    def __init__(
        self,
        space: Space,
        network: keras.Model | None = None,
        reference: str | None = "data",
        seed: SeedLike | None = None,
        **kwargs,
    ):
        space = get_space(space)
        if not space.is_product:
            raise ValueError(
                f"EnergyModel: space must be a product of sites; received "
                f"{space!r}. For categories take "
                "genzoo.spaces.Categorical(range(states), shape)."
            )
        name = "EnergyModel: reference"
        self._reference_name = self.arguments["reference"](reference, name)
        super().__init__(seed=seed, **kwargs)
        self.space = space
        if network is None:
            first, second = (int(word) for word in self.draws.seed)
            own = (first ^ second) % 2**31
            network = networks.energy_mlp(space, seed=own)
        self.network = _checked(network, space)
        self.sites = Reference(space, name="sites")
        self.stride = Stride(name="stride")
        self.repeated = Repeated(space, name="repeated")
        self.offset = distribute.mirrored_weight(
            self, "offset", (), trainable=True
        )
        self.window = distribute.mirrored_weight(
            self, "window", (space.width, 2), dtype="float64"
        )
        is_tilted = reference is not None
        self._energy = Energy(
            space, self.network, self.sites, self.offset, is_tilted
        )
        self._sums = Sums(self._energy, self.window, self._digest)
        walker = Walker(self._energy, self.stride)
        self.walks = Walks(walker, type(self).__name__)
        self._rules = Rules(self._energy, self.parameters, walker, self._sums)
        self._norm: Any = None
        self.built = True

    def __repr__(self) -> str:
        count = sum(math.prod(p.shape) for p in self.parameters)
        return f"<EnergyModel: {count:,} parameters on {self.space!r}>"

    # Compiling --------------------------------------------------------------

    def _default_optimizer(self, rule: LearningRule) -> Any:
        if rule.chains != 0:
            # With more momentum shares of modes swing about their place.
            return optimizers.FallingAdam(3e-3, beta_1=0.5, full_steps=1500)
        return optimizers.FallingAdam()

    def _default_chains(self) -> int:
        return _CHAINS

    def _check_optimizer(self, optimizer: Any, rule: Any) -> None:
        wrong = (optimizers.Solver, optimizers.NaturalGradient)
        if isinstance(optimizer, wrong):
            raise ValueError(
                f"{self._where('compile')}: {type(optimizer).__name__} is for "
                "energies that are linear in their parameters. Leave the "
                "optimizer out, or take one of keras.optimizers."
            )

    def compile(self, *args: Any, **kwargs: Any) -> None:
        """As `EnergyBasedModel.compile`.

        By default by persistent contrastive divergence with 256 chains, and
        `genzoo.optimizers.FallingAdam(3e-3, beta_1=0.5, full_steps=1500)`; by
        other rules with `genzoo.optimizers.FallingAdam()`. These are
        "exact_likelihood" for up to 2**22 states or three continuous sites,
        "cd", "pseudolikelihood" and "ratio_matching" for discrete sites,
        "score_matching", "sliced_score_matching" and
        "denoising_score_matching" for real ones, and "nce".

        From examples of which some is missing it learns by "exact_likelihood",
        "pcd" and "cd". The first sums over what is unknown, of real sites by
        the quadrature of log Z; the others draw it at each update, from the
        reference and by ten sweeps in which what is known is held.
        """
        super().compile(*args, **kwargs)
        with self.distribute_strategy.scope():
            self._norm = keras.metrics.Mean(name="gradient_norm")

    @property
    def rules(self) -> Rules:
        """What learning rules ask for; see `genzoo.losses.protocols`."""
        return self._rules

    def why_not(self, rule: LearningRule) -> str | None:
        """Why the model cannot learn by a rule whose methods it has, if so."""
        if rule.needs is Enumerable and math.isinf(self._sums.count):
            return (
                "the space has too many points to sum over; at most 2**22 "
                "states, or three continuous sites; of whole numbers those "
                "up to 65,535, 255 of two and 49 of three sites. Use "
                "loss='pcd'."
            )
        if rule.needs is not Conditional:
            return None
        sizes = {None if v is None else len(v) for v in self.space.levels}
        if None in sizes or len(sizes) > 1:
            return (
                "needs discrete sites with as many levels each; the model's "
                f"hold {self.space.description}. Use loss='pcd'."
            )
        return None

    # The energy -------------------------------------------------------------

    @property
    def parameters(self) -> list[keras.Variable]:
        """The trainable weights of the network, and the offset."""
        return [*self.network.trainable_weights, self.offset]

    def _energy_weights(self) -> list[keras.Variable]:
        fixed = self.network.non_trainable_weights
        own = self.sites.weights if self._energy.is_tilted else []
        if not self.sites.stretch.numpy().any():
            # So that the log Z of older presets is known.
            own = [w for w in own if w is not self.sites.stretch]
        return [*self.parameters, *fixed, *own]

    @property
    def is_adapted(self) -> bool:
        """Whether it is a distribution: without a reference it always is."""
        return not self._energy.is_tilted or bool(self.adapted.numpy())

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """E(x) of a batch of examples, (batch,), in nats."""
        self._check_width(x)
        return self._energy(self.space.flatten(tf.cast(x, tf.float32)))

    def _reference_energy(self) -> Any:
        return self._energy(self.sites.mode())[0]

    # Training ---------------------------------------------------------------

    def _batch_size_for(self, given: Given) -> int:
        # Few rows need updates enough to learn from in ten epochs; of noise
        # four times as many would only learn the rows.
        return given.batch_size(12, 16)

    def adapt(
        self,
        x: Examples,
        steps: int | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> None:
        """Fit the reference to data, and draw the persistent chains from it.

        `fit` calls this unless you have. A reference that was fitted or loaded
        stays as it is.

        Args:
            x: array of shape (n, *event_shape), or a dataset of batches.
            steps: how many batches of the dataset to see; None means all.
            sample_weight: what each example of an array counts, (n,).

        Raises:
            ValueError: if x is empty, of another shape or outside the space.
        """
        given = self._given("adapt", x, None, sample_weight)
        self._check_adapts(given.x, steps)
        with self._told_plainly("adapt"):
            self._prepare(given, steps)

    def _prepare(self, given: Given, steps: int | None = None) -> None:
        if self.adapted.numpy():
            return
        self.sites.fit(given, steps)
        if self.loss is not None:
            # Whole numbers of the data may be too large for a sum.
            require(self, self.loss)
        unit = self.sites.units(tf.float32)[1].numpy()
        self.repeated.fit(given, unit, steps)
        if self._energy.is_tilted:
            waves.lengthen(
                self.network, self.sites, self.repeated, given, steps
            )
        self.adapted.assign(1)
        if math.isfinite(self._sums.count):
            self._sums.narrow()
        if self.chains is not None:
            self.reset_chains()

    def _learned(self, x: Any, seed: random.Seed) -> Any:
        return self.repeated.of_batch(x, random.fold_in(seed, 7))

    def _before_step(
        self, gradients: list, seed: random.Seed
    ) -> tuple[list, Any]:
        norm = tf.linalg.global_norm(
            # Layers may have dtypes of their own.
            [
                tf.cast(distribute.all_sum(gradient), tf.float32)
                for gradient in gradients
            ]
        )
        rule = getattr(self.loss, "likelihood", self.loss)
        if self.chains is None or not getattr(rule, "jumps", False):
            return gradients, (norm, None)
        states = tf.convert_to_tensor(self.chains.states.value)
        follow = self._rules.followed(states, random.fold_in(seed, 6))
        return gradients, (norm, follow)

    def _after_step(self, place: Any) -> None:
        norm, follow = place
        self._norm.update_state(norm)
        if follow is not None and self.chains is not None:
            self.chains.states.assign(follow())

    def train_step(self, data: Any) -> dict[str, tf.Tensor]:
        """One update; the logs have the norm of the gradient, too."""
        logs = super().train_step(data)
        own = {"gradient_norm": self._norm.result()}
        return {**logs, **distribute.shape_logs(own)}

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        """Keras's, the rule's measure, those of samples, and the norm."""
        return [*super().metrics, *([self._norm] if self._norm else [])]

    def _own_callbacks(self) -> list[keras.callbacks.Callback]:
        own = super()._own_callbacks()
        if self.loss.needs is Enumerable and not self.space.is_bounded:
            own.append(EachEpoch(self._sums.narrow))
        return own

    # log Z and samples ------------------------------------------------------

    def sample(
        self,
        n: int,
        seed: SeedLike | None = None,
        steps: int | None = None,
        start: str | ArrayLike | None = None,
        temperature: float = 1.0,
        method: str = "auto",
        given: ArrayLike | None = None,
        mask: ArrayLike | None = None,
    ) -> Array:
        """Examples drawn from the model; see `EnergyBasedModel.sample`.

        Exact where the space can be summed over. Else the persistent chains
        go on, if there are any, by sweeps between which they jump to places
        near other chains and of the reference. Without them, as for many
        discrete sites or another temperature, by an annealed path.

        Args:
            n: number of samples.
            seed: int or pair of ints, or None.
            steps: sweeps of the chains. None takes 100 of persistent chains,
                which begin where the model is, and 1,000 of others.
            start: "chains", "random", an array of n examples, or None.
            temperature: positive; 1 is the model, 0.5 favours the probable.
            method: "auto", "exact" or "chains".
            given: an example of which some is known, or n of them.
            mask: what of `given` is known, bool; None takes all but NaN.

        Returns:
            An array of shape (n, *event_shape).

        Raises:
            ValueError: as `EnergyBasedModel.sample`.
        """
        if steps is None:
            asked = [v for v in (start, given, mask) if v is not None]
            goes_on = self._has_places and method == "auto" and not asked
            steps = _SWEEPS if goes_on and temperature == 1 else _LONG
        return super().sample(
            n, seed, steps, start, temperature, method, given, mask
        )

    def _sum_terms(self) -> float:
        return _COST * self._sums.count

    def _partition_methods(self) -> list[str]:
        if math.isinf(self._sums.count):
            return ["ais"]
        return [self._sums.name, "ais"]

    def _exact_log_partition(self) -> LogPartition:
        return self._sums.log_partition()

    def _check_log_partition(self, where: str, found: LogPartition) -> None:
        super()._check_log_partition(where, found)
        if found.method == self._sums.name:
            self._sums.check_error(where, found.stderr)

    def _annealed(
        self, chains: int, temperatures: int, reverse: bool, seed: random.Seed
    ) -> LogPartition:
        first, second, up, down = random.split(seed, 4)
        seeds = AnnealingSeeds(first, up, second, down, down)
        exact = self._exact_draws("call")
        samples = None
        if reverse and exact is not None:
            samples = exact(chains, second)
        return self._walks().anneal(
            chains, temperatures, seeds, reverse, samples
        )

    def _exact_draws(
        self, effort: str, temperature: float = 1.0
    ) -> Draw | None:
        count = self._sums.count
        few = _FEW_POINTS if effort != "asked" else math.inf
        # The window of a sum is that of the model as it is.
        if count > few or (self._sums.is_integral and temperature != 1):
            return None
        if math.isinf(count) or effort == "batch":
            return None
        draw = self._sums.drawn_by()
        return lambda n, seed: draw(n, seed, 1 / temperature)

    # As a preset, and as .keras ---------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        serialize = keras.saving.serialize_keras_object
        return {
            **super().get_config(),
            "space": serialize(self.space),
            "network": recipe.serialize(self.network),
            "reference": self._reference_name,
            "seed": self.draws.seed,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """A model from `get_config`."""
        # Keras takes the dicts of a network apart.
        config = copy.deepcopy(config)
        if isinstance(config["network"], dict):
            config["network"] = recipe.deserialize(config["network"])
        return cls(**config)

    @classmethod
    def preset_make(cls, chains: int | None = None, **arguments: Any) -> Self:
        """The model, with room for its chains."""
        model = cls(**arguments)
        model.keep_chains(chains or 0)
        return model

    @classmethod
    def preset_size(cls, **arguments: Any) -> int:
        """The network, six numbers a site, levels, chains, and log Z."""
        space = arguments["space"]
        levels = sum(len(v) for v in space.levels if v is not None)
        own = (6 + (arguments["chains"] or 0)) * space.width
        own += levels + KNOWN_LENGTH + 2
        return arguments["network"].count_params() + own

    @classmethod
    def _preset_upgrade(
        cls, arrays: dict[str, Any], **arguments: Any
    ) -> dict[str, Any]:
        """Older presets know no long tails."""
        none = np.zeros((arguments["space"].width, 2), np.float32)
        return {"sites.stretch": none, **arrays}

    def preset_config(self) -> dict[str, Any]:
        """The arguments above, and how many chains there are.

        From these `sample` goes on; without them samples begin anew.

        Raises:
            ValueError: if it has not seen data, or its network has no recipe.
        """
        own = getattr(self.network, "recipe", None)
        if own is None:
            raise ValueError(
                f"{self._where('save_to_preset')}: a preset holds the "
                "arguments of networks.energy_mlp or energy_cnn; this network "
                "was made otherwise. Save as .keras instead."
            )
        return {
            **super().preset_config(),
            "network": own,
            "reference": self._reference_name,
            "chains": self.chains.count if self.chains else None,
        }

    def preset_weights(self) -> dict[str, Any]:
        """Those of the network, the reference, known log Z, and chains."""
        chains = {"chains": AllChains(self.chains)} if self.chains else {}
        return {
            **chains,
            **numbered("network", self.network),
            **{f"sites.{w.name}": w for w in self.sites.weights},
            "offset": self.offset,
            "window": self.window,
            "step_size": self.stride.size,
            "known_log_partition": self.known_log_partition,
        }


def _checked(network: Any, space: Space) -> keras.Model:
    """A network that gives one number for each example, built."""
    if not isinstance(network, keras.layers.Layer):
        raise ValueError(
            "EnergyModel: network must be a Keras model from an example to "
            f"its energy, or None; received {network!r}. Use "
            "genzoo.networks.energy_mlp(space)."
        )
    if isinstance(network, keras.Model):
        distribute.check_scope("EnergyModel", "network", network)
    weighing.claim("EnergyModel", network=network)
    try:
        # By values, since networks may look at them.
        found = network(space.unflatten(np.zeros((2, space.width), "float32")))
    except Exception as error:
        raise ValueError(
            "EnergyModel: network must take examples of shape "
            f"{(None, *space.event_shape)}; it says: {error}"
        ) from error
    if tuple(found.shape) not in ((2,), (2, 1)):
        raise ValueError(
            "EnergyModel: network must give one number for each example, "
            f"(batch, 1) or (batch,); it gives {(None, *found.shape[1:])}."
        )
    return network
