"""Likelihood with an adversary: a critic weighs the chains."""

import copy
from collections.abc import Callable
from typing import Any, ClassVar, Self

import keras
import tensorflow as tf

from genzoo import checks
from genzoo.losses import critics
from genzoo.losses.critics import Critic
from genzoo.losses.likelihood import (
    ContrastiveDivergence,
    PersistentContrastiveDivergence,
)
from genzoo.losses.loss import LearningRule
from genzoo.losses.protocols import Judged, Step, Verdict, rules_of
from genzoo.runtime import batch, distribute, random
from genzoo.runtime.random import Seed
from genzoo.spaces import Space

_OF_CHAINS = ContrastiveDivergence, PersistentContrastiveDivergence
_NEAREST = "nearest"


def _likelihood(value: Any, where: str) -> LearningRule:
    """A rule whose chains can be weighed."""
    from genzoo import losses

    if value is None:
        return PersistentContrastiveDivergence()
    rule = None
    if isinstance(value, (str, dict, LearningRule)):
        try:
            rule = losses.get(value)
        except ValueError:
            rule = None
    if not isinstance(rule, _OF_CHAINS):
        checks.refuse(
            value,
            where,
            "a likelihood by Markov chains, PersistentContrastiveDivergence() "
            "or ContrastiveDivergence()",
        )
    return rule


def _critic(value: Any, where: str) -> Any:
    """A network, "nearest", or None."""
    if isinstance(value, dict):
        value = keras.saving.deserialize_keras_object(value)
    if value is None or value == _NEAREST:
        return value
    if not isinstance(value, keras.layers.Layer):
        checks.refuse(
            value,
            where,
            "a Keras model that ends in one logit, 'nearest', or None for a "
            "perceptron",
        )
    return value


def _optimizer(value: Any, where: str) -> Any:
    """An optimizer, of one's own or by Keras's names."""
    return checks.of_keras(keras.optimizers, value, where)


@keras.saving.register_keras_serializable("genzoo")
class Adversarial(LearningRule):
    """Likelihood, and a critic that tells data from the model's chains.

    Likelihood leaves weight far from the data where a model is too simple for
    them, since it asks how probable data are, and never how good samples are.
    The critic asks that. What is made small is

        (1 - weight) NLL - weight <T>_model,

    where T(x) = log D / (1 - D) is the critic's score, D(x) its probability
    that x is of the data and not of the model. For the optimal critic T is
    log p_data / p_model, and the second term has the gradient of the reverse
    divergence KL(model || data).

    The gradient weighs the chains of the negative phase: each counts
    `1 - weight (1 + T - <T>)`, where likelihood alone has 1, so that the
    energy rises where chains are unlike data. The data count `1 - weight`.

    Near 1 nothing holds the model to all of the data: it may settle on one
    mode, as a GAN does, or run away to where the critic has seen nothing.

    The logs have the rule's own measure, `contrast`, and `critic_loss`, the
    cross-entropy of telling data from chains, log 2 = 0.693 where the critic
    cannot, and `critic_accuracy`, then 0.5.

    Args:
        likelihood: `PersistentContrastiveDivergence`, the default, or
            `ContrastiveDivergence`, or a name of theirs.
        critic: a Keras model from what it sees to one logit; None for a
            perceptron; "nearest" for D as the share of data among the five
            nearest of batch and chains, which is not trained, with
            T = 4 D - 2: it says that a chain is far from data, not how far. A
            network is called with `training=False`, and is saved.
        weight: of the adversary, from 0, likelihood alone, to 1.
        sees: "visible", the states, real ones in the model's own units; or
            "hidden", the means of hidden units given them, of a
            `DeepBoltzmannMachine` those of the mean field, even layers first.
        critic_optimizer: of the critic's weights; by default `Adam(1e-3)`.

    Raises:
        ValueError: for another likelihood or critic, or a weight beyond the
            two ends; by `compile`, for a critic that does not fit the model.

    Reference:
        Fisher, Smith and Walsh, "Boltzmann encoded adversarial machines",
        arXiv:1804.08682, 2018.

    Example:
    >>> rbm = genzoo.RBM(genzoo.units.Bernoulli(64), genzoo.units.Bernoulli(8))
    >>> rbm.compile(loss=genzoo.losses.Adversarial(weight=0.2))
    >>> history = rbm.fit(x_train, verbose=0)
    >>> sorted(history.history)[:3]
    ['contrast', 'critic_accuracy', 'critic_loss']
    """

    needs = Judged
    samples = True

    arguments: ClassVar[checks.Arguments] = {
        "likelihood": _likelihood,
        "critic": _critic,
        "weight": checks.number(0.0, 1.0),
        "sees": checks.one_of("visible", "hidden"),
        "critic_optimizer": _optimizer,
    }

    def __init__(
        self,
        likelihood: LearningRule | str | dict | None = None,
        critic: keras.layers.Layer | str | dict | None = None,
        weight: float = 0.2,
        sees: str = "visible",
        critic_optimizer: Any = None,
    ):
        given = checks.arguments(
            self,
            likelihood=likelihood,
            critic=critic,
            weight=weight,
            sees=sees,
            critic_optimizer=critic_optimizer,
        )
        self.likelihood, self.critic, self.weight, self.sees = given[:4]
        self.critic_optimizer = given[4]
        self.chains = self.likelihood.chains
        self.measure = self.likelihood.measure
        learns = ("critic_loss",) if self.critic != _NEAREST else ()
        self.scores = (*learns, "critic_accuracy")

    def check(self, model: Any) -> None:
        """Raise a ValueError if the model lacks what either rule needs."""
        super().check(model)
        self.likelihood.check(model)
        there = rules_of(model).view_spaces()
        if self.sees not in there:
            raise ValueError(
                f"Adversarial: sees={self.sees!r}, but of a "
                f"{type(model).__name__} a critic sees {sorted(there)} alone."
            )

    def make_critic(
        self, model: Any, perceptron: Callable[[Space], keras.Model]
    ) -> Critic | None:
        """A `Critic` of the model, None for neighbours."""
        if self.critic == _NEAREST:
            return None
        space = rules_of(model).view_spaces()[self.sees]
        network = self.critic
        if network is None:
            network = perceptron(space)
        network = critics.checked_network(
            "Adversarial", network, space.event_shape
        )
        optimizer = self.critic_optimizer
        if optimizer is None:
            optimizer = keras.optimizers.Adam(1e-3)
        else:
            # Each model its own, also where several have this rule.
            optimizer = type(optimizer).from_config(optimizer.get_config())
        return Critic(network, optimizer, name="critic")

    # Inside of a step -------------------------------------------------------

    def gradients(self, model: Any, x: tf.Tensor, seed: Seed) -> Step:
        """What the likelihood makes small, and the gradients of both."""

        def judge(data, chains, weights):
            found, weights = self._opinion(model, data, chains, weights, True)
            factors = self._factors(found.chains, weights[1])
            return Verdict(factors, self._scores(found, weights))

        return self.likelihood.gradients(model, x, seed, judge)

    def _opinion(self, model, data, chains, weights, learns):
        """(the critic's `Opinion`, the weight of each row)."""
        both = data[self.sees], chains[self.sees]
        weights = tuple(
            tf.broadcast_to(tf.cast(weight, tf.float32), tf.shape(view)[:1])
            for weight, view in zip(weights, both, strict=True)
        )
        if self.critic == _NEAREST:
            return critics.nearest(*both, weights), weights
        ask = model.critic.learn if learns else model.critic.look
        return ask(*both, weights), weights

    def _factors(self, scores, weights):
        """What data and chains count in the gradient."""
        if not self.weight:
            # As without a critic, to the last bit.
            return None
        total = distribute.all_sum(tf.reduce_sum(weights))
        mean = distribute.all_sum(tf.reduce_sum(weights * scores))
        excess = scores - tf.math.divide_no_nan(mean, total)
        return 1 - self.weight, 1 - self.weight * (1 + excess)

    def _scores(self, found, weights):
        right = 1 + tf.sign(found.data), 1 - tf.sign(found.chains)
        halves = map(batch.weighed, weights, right)
        scores = {"critic_accuracy": sum(halves) / 4}
        if found.loss is not None:
            scores["critic_loss"] = found.loss
        return scores

    # Outside of one ---------------------------------------------------------

    def value(self, model: Any, x: tf.Tensor, seed: Seed) -> tf.Tensor:
        """What the likelihood makes small."""
        return self.likelihood.value(model, x, seed)

    def score(
        self, model: Any, x: tf.Tensor, seed: Seed
    ) -> dict[str, tf.Tensor]:
        """How well the critic tells held-out data from chains."""
        rules = rules_of(model)
        first, second = random.split(random.fold_in(seed, 7), 2)
        ends = self.likelihood.ends(model, x, seed)
        if self.likelihood.chains != 0:
            second = second.at_row(model.chains.first_row)
        shares = batch.shares(ends, tf.float32)
        if batch.weight(ends) is None:
            shares *= batch.total(x, tf.float32)
        views = rules.views(x, first), rules.chain_views(ends, second)
        weights = batch.shares(x, tf.float32), shares
        found = self._opinion(model, *views, weights, False)
        return self._scores(*found)

    # As a configuration -----------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        serialize = keras.saving.serialize_keras_object
        config = {name: getattr(self, name) for name in self.arguments}
        for name in ("critic", "critic_optimizer"):
            if isinstance(
                config[name], (keras.layers.Layer, keras.optimizers.Optimizer)
            ):
                config[name] = serialize(config[name])
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """A learning rule from `get_config`."""
        # Keras takes the dicts of a network apart.
        copies: dict[str, Any] = {
            name: copy.deepcopy(value) if isinstance(value, dict) else value
            for name, value in config.items()
        }
        return cls(**copies)
