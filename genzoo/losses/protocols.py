"""What a learning rule asks of a model, written down.

A rule names the protocol that it needs. `require` holds the model's `rules`
against it, or the model itself where it has no such object.
So a model that lacks a method, or cannot have it for its size or its energy,
gets a ValueError in `compile` that names both.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol, TypeAlias, runtime_checkable

import tensorflow as tf

from genzoo.runtime.random import Seed
from genzoo.spaces import Space

Gradients = tuple[tf.Tensor, list[tf.Tensor]]


class Step(NamedTuple):
    """What a rule makes of a batch; shares of the replicas add up.

    Attributes:
        measure: what the rule makes small, this replica's share.
        gradients: its gradients, in the order of `model.parameters`.
        energy: this replica's share of the mean energy of the batch, where it
            was found on the way; None if not.
        scores: this replica's share of what else the logs show, by name, for
            a rule that has `scores`.
    """

    measure: tf.Tensor
    gradients: list[tf.Tensor]
    energy: tf.Tensor | None = None
    scores: dict[str, tf.Tensor] | None = None


class Verdict(NamedTuple):
    """What a judge says of data and chains.

    Attributes:
        factors: what the data count in the gradient, a number, and what each
            chain counts, (chains,); None leaves both as they are.
        scores: this replica's shares of what the logs show, by name.
    """

    factors: tuple[Any, tf.Tensor] | None
    scores: dict[str, tf.Tensor]


# What can be seen of states, by name: "visible", (rows, *event_shape), and
# of models with hidden units "hidden", their means.
Views: TypeAlias = dict[str, tf.Tensor]
# From views of data and of chains, and what each row counts in its mean.
Judge: TypeAlias = Callable[
    [Views, Views, tuple[tf.Tensor, tf.Tensor]], Verdict
]


class Contrast(NamedTuple):
    """Data against chains: this replica's shares, and the chains' ends.

    Attributes:
        data: the mean energy of the data.
        chains: that of the chains.
        gradients: of their difference, as a judge has weighed it.
        states: of the chains, after their sweeps.
        energy: the mean energy of the data as the logs' `loss` has it, where
            what is compared with chains is another; None if not.
        scores: the judge's, by name; None without one.
    """

    data: tf.Tensor
    chains: tf.Tensor
    gradients: list[tf.Tensor]
    states: tf.Tensor
    energy: tf.Tensor | None = None
    scores: dict[str, tf.Tensor] | None = None

    def step(self) -> Step:
        """The step that makes the difference smaller."""
        energy = self.data if self.energy is None else self.energy
        measure = self.data - self.chains
        return Step(measure, self.gradients, energy, self.scores)


@runtime_checkable
class Enumerable(Protocol):
    """The likelihood itself can be computed."""

    def exact_gradients(self, x: tf.Tensor) -> Gradients:
        """-<log p> of a batch and its gradient, this replica's shares."""

    def exact_loss(self, x: tf.Tensor) -> tf.Tensor:
        """This replica's share of -<log p>."""


@runtime_checkable
class Walkable(Protocol):
    """Markov chains of the model walk, and are compared with data."""

    def chains_at(self, x: tf.Tensor, seed: Seed) -> tf.Tensor:
        """States of chains that begin at examples."""

    def advance(self, states: tf.Tensor, steps: int, seed: Seed) -> tf.Tensor:
        """The chains' states after some sweeps."""

    def contrast(
        self,
        x: tf.Tensor,
        states: tf.Tensor,
        steps: int,
        seed: Seed,
        jumps: bool = False,
    ) -> Contrast:
        """Data against chains after sweeps, and jumps where there are any."""

    def energy_difference(
        self, x: tf.Tensor, states: tf.Tensor, seed: Seed
    ) -> tf.Tensor:
        """This replica's share of mean E of data less that of chains."""


@runtime_checkable
class Judged(Protocol):
    """Chains that a judge may weigh against data, as `Walkable` besides."""

    def contrast(
        self,
        x: tf.Tensor,
        states: tf.Tensor,
        steps: int,
        seed: Seed,
        jumps: bool = False,
        judge: Judge | None = None,
    ) -> Contrast:
        """Data against chains, which count what the judge says."""

    def view_spaces(self) -> dict[str, Space]:
        """The `Space` of each of the views that there are."""

    def views(self, x: Any, seed: Seed) -> Views:
        """What can be seen of a batch of data."""

    def chain_views(self, states: Any, seed: Seed) -> Views:
        """What can be seen of chains that have the states kept."""


@runtime_checkable
class Conditional(Protocol):
    """Each site can be predicted from all the others."""

    def pseudolikelihood_gradients(
        self, x: tf.Tensor, sites: int | None, seed: Seed
    ) -> Gradients:
        """The negative mean log-pseudolikelihood and its gradient."""

    def pseudolikelihood_loss(self, x: tf.Tensor) -> tf.Tensor:
        """This replica's share of it, over all sites."""


@runtime_checkable
class Flowing(Protocol):
    """Probability flows from each state to those at one change from it."""

    def flow_gradients(self, x: tf.Tensor) -> Gradients:
        """The flow out of the data and its gradient."""


@runtime_checkable
class Labelled(Protocol):
    """The last block of an example can be predicted from the others."""

    def label_gradients(self, x: tf.Tensor) -> tuple[Any, list[tf.Tensor]]:
        """(scores, gradients of -log p(y | x)), this replica's shares.

        Scores have `loss`, `accuracy` and `energy`.
        """

    def label_scores(self, x: tf.Tensor) -> Any:
        """The scores."""


@runtime_checkable
class Differentiable(Protocol):
    """Energies of which automatic derivatives can be taken."""

    def states(self, x: Any) -> tf.Tensor:
        """The states of a batch, (rows, width)."""

    def energies(self, states: tf.Tensor) -> tf.Tensor:
        """E of states, (rows,)."""

    def units(self) -> tf.Tensor:
        """The unit of each site, (width,)."""

    def noise(self, n: Any, seed: Seed) -> tf.Tensor:
        """States of a distribution that is known, (n, width)."""

    def log_noise(self, states: tf.Tensor) -> tf.Tensor:
        """Its log-density, (rows,)."""

    def slope(
        self, tape: tf.GradientTape, value: tf.Tensor, has_level: bool = False
    ) -> list[tf.Tensor]:
        """The gradient of a value by the model's parameters."""


NEEDS: dict[type, str] = {
    Differentiable: "energies with automatic derivatives, `energies`",
    Enumerable: "the likelihood by enumeration, `exact_gradients`",
    Walkable: "Markov chains, `contrast`",
    Judged: "Markov chains that a critic sees, `chain_views`",
    Labelled: "labels, `label_gradients`",
    Conditional: "sites given the others, `pseudolikelihood_gradients`",
    Flowing: "flow between neighbouring states, `flow_gradients`",
}


def rules_of(model: Any) -> Any:
    """What a rule asks: the model's `rules`, or the model without them."""
    # An attribute that were the model itself would lead Keras's saver astray.
    return getattr(model, "rules", model)


def can_weigh(model: Any) -> bool:
    """Whether its rules take a `genzoo.runtime.batch.Batch` for x."""
    return getattr(rules_of(model), "takes_batches", False)


def can_complete(model: Any, rule: Any) -> bool:
    """Whether it learns by a rule from a `Batch` of which some is not seen.

    Its `rules` may say so of all, `takes_gaps = True`, or name the protocols
    of this file whose methods take one.
    """
    taken = getattr(rules_of(model), "takes_gaps", False)
    if rule is None:
        # Not compiled yet: by one of them.
        return bool(taken)
    return rule.needs in taken if isinstance(taken, tuple) else taken


def require(model: Any, rule: Any) -> None:
    """Hold a model against what a rule needs.

    Args:
        model: an `EnergyBasedModel`.
        rule: a `LearningRule`.

    Raises:
        ValueError: if the model lacks a method, or says why it cannot learn
            by this rule.
    """
    owner, name = type(rule).__name__, type(model).__name__
    if not isinstance(rules_of(model), rule.needs):
        raise ValueError(
            f"{owner}: needs {NEEDS[rule.needs]}, which {name} does not have. "
            f"Compile with one of {known_rules(model)}, or give {name} the "
            f"methods of genzoo.losses.protocols.{rule.needs.__name__}."
        )
    reason = model.why_not(rule)
    if reason is not None:
        raise ValueError(f"{owner}: {reason}")


def known_rules(model: Any) -> list[str]:
    """The names of the rules that a model has, the usual one first."""
    from genzoo import losses

    rules = ((name, losses.get(name)) for name in _USUAL)
    return [
        name
        for name, rule in rules
        if isinstance(rules_of(model), rule.needs)
        and model.why_not(rule) is None
    ]


_USUAL = (
    "pcd",
    "cd",
    "exact_likelihood",
    "pseudolikelihood",
    "minimum_probability_flow",
)
