"""Labels predicted: -log p(y | x), alone or beside a generative rule.

The labels are the last block of the visible units of an RBM.
"""

from collections.abc import Callable
from typing import Any, ClassVar

import keras
import tensorflow as tf

from genzoo import checks
from genzoo.losses.likelihood import PersistentContrastiveDivergence
from genzoo.losses.loss import LearningRule
from genzoo.losses.protocols import Labelled, Step, rules_of
from genzoo.runtime import random
from genzoo.runtime.random import Seed
from genzoo.spaces import Space


@keras.saving.register_keras_serializable("genzoo")
class Discriminative(LearningRule):
    """The negative mean log p(y | x), with its exact gradient, in nats.

    The sum over hidden states and over labels y is made in closed form, so
    that no chains are needed. In the logs it is `discriminative_loss`, with
    the `accuracy` beside it. What the data x look like is not learned.

    Reference:
        Larochelle and Bengio, "Classification using discriminative restricted
        Boltzmann machines", ICML 2008.

    Example:
    >>> rbm = genzoo.RBM(
    ...     [genzoo.units.Bernoulli(64), genzoo.units.Categorical(1, 10)],
    ...     genzoo.units.Bernoulli(8),
    ... )
    >>> rbm.compile(loss=genzoo.losses.Discriminative())
    >>> y_train = np.arange(len(x_train)) % 10
    >>> history = rbm.fit((x_train, y_train), verbose=0)
    >>> rbm.predict_proba(x_train[:5]).shape
    (5, 10)
    """

    needs = Labelled
    of_all = False
    measure = "discriminative_loss"
    scores = ("accuracy",)

    def gradients(self, model: Any, x: tf.Tensor, seed: Seed) -> Step:
        """-log p(y | x) and its gradient."""
        found, slopes = rules_of(model).label_gradients(x)
        scores = {"accuracy": found.accuracy}
        return Step(found.loss, slopes, found.energy, scores)

    def value(self, model: Any, x: tf.Tensor, seed: Seed) -> tf.Tensor:
        """-log p(y | x)."""
        return rules_of(model).label_scores(x).loss

    def score(
        self, model: Any, x: tf.Tensor, seed: Seed
    ) -> dict[str, tf.Tensor]:
        """The accuracy."""
        found = rules_of(model).label_scores(x)
        return {self.measure: found.loss, "accuracy": found.accuracy}


def _rule(value: Any, where: str) -> LearningRule:
    """A generative rule."""
    from genzoo import losses

    if value is None:
        return PersistentContrastiveDivergence()
    try:
        rule = losses.get(value)
    except ValueError:
        rule = None
    if rule is None or rule.needs is Labelled:
        checks.refuse(
            value, where, "a rule of what data look like, or its name"
        )
    return rule


@keras.saving.register_keras_serializable("genzoo")
class Hybrid(LearningRule):
    """-log p(y | x) + weight (-log p(x, y)): labels, and what data look like.

    The second term, of a generative rule, keeps the model from learning of
    few examples by heart, and lets it be sampled. The logs have both
    measures, and the `accuracy`.

    Args:
        generative_weight: the weight of the generative gradient.
        generative: a `LearningRule`, or its name; by default persistent
            contrastive divergence.

    Raises:
        ValueError: for a negative weight, or something else than a rule.

    Reference:
        Larochelle and Bengio, "Classification using discriminative restricted
        Boltzmann machines", ICML 2008: weight 0.01 on MNIST, with contrastive
        divergence of one step.

    Example:
    >>> rbm = genzoo.RBM(
    ...     [genzoo.units.Bernoulli(64), genzoo.units.Categorical(1, 10)],
    ...     genzoo.units.Bernoulli(8),
    ... )
    >>> rbm.compile(loss=genzoo.losses.Hybrid(generative_weight=0.1))
    >>> y_train = np.arange(len(x_train)) % 10
    >>> history = rbm.fit((x_train, y_train), verbose=0)
    >>> sorted(history.history)[:3]
    ['accuracy', 'contrast', 'discriminative_loss']
    """

    needs = Labelled
    of_all = False
    measure = "discriminative_loss"

    arguments: ClassVar[checks.Arguments] = {
        "generative_weight": checks.penalty,
        "generative": _rule,
    }

    def __init__(
        self,
        generative_weight: float = 0.01,
        generative: LearningRule | str | dict | None = None,
    ):
        self.generative_weight, self.generative = checks.arguments(
            self, generative_weight=generative_weight, generative=generative
        )
        self.discriminative = Discriminative()
        self.chains = self.generative.chains
        self.samples = self.generative.samples
        # -<log p> stands in the logs of any rule.
        has_own = self.generative.measure != "loss"
        own = (self.generative.measure,) if has_own else ()
        self.scores = (*own, *self.generative.scores, "accuracy")

    def check(self, model: Any) -> None:
        """Raise a ValueError if the model lacks what either rule needs."""
        super().check(model)
        self.generative.check(model)

    def gradients(self, model: Any, x: tf.Tensor, seed: Seed) -> Step:
        """-log p(y | x), and the gradients of both."""
        first = self.discriminative.gradients(model, x, seed)
        second = Step(*self.generative.gradients(model, x, seed))
        weight = self.generative_weight
        slopes = [
            one + weight * other
            for one, other in zip(
                first.gradients, second.gradients, strict=True
            )
        ]
        scores = {
            **(first.scores or {}),
            **(second.scores or {}),
            self.generative.measure: second.measure,
        }
        kept = {name: scores[name] for name in self.scores}
        return Step(first.measure, slopes, first.energy, kept)

    def value(self, model: Any, x: tf.Tensor, seed: Seed) -> tf.Tensor:
        """-log p(y | x)."""
        return self.discriminative.value(model, x, seed)

    def score(
        self, model: Any, x: tf.Tensor, seed: Seed
    ) -> dict[str, tf.Tensor]:
        """The accuracy, and what the generative rule makes small."""
        found = self.discriminative.score(model, x, seed)
        if len(self.scores) > 1:
            own = random.fold_in(seed, 1)
            name = self.generative.measure
            found = {**found, name: self.generative.value(model, x, own)}
            found |= self.generative.score(model, x, own)
        return found

    def make_critic(
        self, model: Any, perceptron: Callable[[Space], keras.Model]
    ) -> keras.layers.Layer | None:
        """The generative rule's."""
        return self.generative.make_critic(model, perceptron)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {
            "generative_weight": self.generative_weight,
            "generative": self.generative,
        }
