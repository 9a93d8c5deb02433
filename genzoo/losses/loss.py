"""The learning rules: what `fit` minimises, and how its gradient is found."""

from collections.abc import Callable
from typing import Any, ClassVar, Self

import keras
import tensorflow as tf

from genzoo.checks import Arguments
from genzoo.losses.protocols import Gradients, Step, require
from genzoo.runtime.random import Seed
from genzoo.spaces import Space


class LearningRule:
    """A loss of an energy-based model, given by its gradient.

    Attributes:
        needs: the protocol of `genzoo.losses.protocols` that a model must
            have.
        chains: how many persistent chains the model must keep for it; None
            lets the model choose.
        uses_averages: whether it depends on the data through the averages of
            d(-E)/d theta alone, for models where these do not depend on theta.
        samples: whether its gradient is an estimate by Markov chains.
        of_all: whether all columns are to be learned, not some given others;
            `fit` then warns of a model that ends behind independent columns.
        measure: the name in the logs of what it makes small; "loss" is kept
            for -<log p>.
        scores: the names of what else stands in the logs, of training and of
            held-out data, which `score` finds.

    Example:
    >>> class WeightsOnly(genzoo.losses.LearningRule):
    ...     rule = genzoo.losses.Pseudolikelihood()
    ...
    ...     def gradients(self, model, x, seed):
    ...         loss, slopes = self.rule.gradients(model, x, seed)
    ...         return loss, [g if len(g.shape) == 2 else 0 * g for g in slopes]
    ...
    ...     def value(self, model, x, seed):
    ...         return self.rule.value(model, x, seed)
    >>> rbm = genzoo.RBM(genzoo.units.Bernoulli(64), genzoo.units.Bernoulli(8))
    >>> rbm.compile(loss=WeightsOnly())
    >>> history = rbm.fit(x_train, verbose=0)
    """

    arguments: ClassVar[Arguments] = {}
    needs: type = object
    chains: int | None = 0
    uses_averages = False
    samples = False
    of_all = True
    measure = "objective"
    scores: tuple[str, ...] = ()

    def gradients(
        self, model: Any, x: tf.Tensor, seed: Seed
    ) -> Step | Gradients:
        """The measure of a batch and its gradient.

        Args:
            model: an `EnergyBasedModel`.
            x: a batch of data, (rows, *event_shape).
            seed: a `runtime.random.Seed` for this step.

        Returns:
            A `Step`, or the first two of its parts.
        """
        raise NotImplementedError

    def value(self, model: Any, x: tf.Tensor, seed: Seed) -> tf.Tensor:
        """This replica's share of the measure of a batch, in nats.

        Changes nothing of the model.
        """
        raise NotImplementedError

    def score(
        self, model: Any, x: tf.Tensor, seed: Seed
    ) -> dict[str, tf.Tensor]:
        """This replica's shares of the scores of a batch, by name.

        Changes nothing of the model. The measure may be among them.
        """
        return {}

    def make_critic(
        self, model: Any, perceptron: Callable[[Space], keras.Model]
    ) -> keras.layers.Layer | None:
        """A layer of what the rule learns besides the model, or None.

        It is kept as `model.critic`, and saved with the model.

        Args:
            model: an `EnergyBasedModel`.
            perceptron: makes a network from examples of a space to a number.
        """
        return None

    def check(self, model: Any) -> None:
        """Raise a ValueError if the model lacks what the rule needs."""
        require(model, self)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """A learning rule from `get_config`."""
        return cls(**config)
