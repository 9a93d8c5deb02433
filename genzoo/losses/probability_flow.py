"""Minimum probability flow."""

from typing import Any, ClassVar

import keras
import tensorflow as tf

from genzoo import checks
from genzoo.losses.loss import LearningRule
from genzoo.losses.protocols import Flowing, Gradients, rules_of
from genzoo.runtime.random import Seed


@keras.saving.register_keras_serializable("genzoo")
class MinimumProbabilityFlow(LearningRule):
    """The flow of probability away from the data, to be made small.

    `< sum_x' exp((E(x) - E(x')) / 2) >_data` over all states x' that differ
    from x at one site. Needs neither chains nor Z; not a likelihood. All
    neighbours count, also those among the data: the minimum is at the true
    energy all the same, by detailed balance.

    Args:
        l1: weight of `sum |J|` over couplings.
        l2: the same of `sum J^2 / 2`; see `Pseudolikelihood`.
        l2_fields: weight of `sum h^2 / 2` over fields.

    Raises:
        ValueError: if a penalty is negative.

    Reference:
        Sohl-Dickstein, Battaglino and DeWeese, "New method for parameter
        estimation in probabilistic models: minimum probability flow",
        Physical Review Letters 107, 2011.

    Example:
    >>> machine = genzoo.BoltzmannMachine(genzoo.spaces.Binary(4))
    >>> machine.compile(loss=genzoo.losses.MinimumProbabilityFlow(l2=0.01))
    >>> history = machine.fit(x_train[:, 26:30], verbose=0)
    >>> machine.couplings.shape
    (4, 4)
    """

    needs = Flowing
    measure = "probability_flow"

    arguments: ClassVar[checks.Arguments] = {
        "l1": checks.penalty,
        "l2": checks.optional(checks.penalty),
        "l2_fields": checks.penalty,
    }

    def __init__(
        self,
        l1: float = 0.0,
        l2: float | None = None,
        l2_fields: float = 0.0,
    ):
        self.l1, self.l2, self.l2_fields = checks.arguments(
            self, l1=l1, l2=l2, l2_fields=l2_fields
        )

    def gradients(self, model: Any, x: tf.Tensor, seed: Seed) -> Gradients:
        """The flow and its gradient."""
        return rules_of(model).flow_gradients(x)

    def value(self, model: Any, x: tf.Tensor, seed: Seed) -> tf.Tensor:
        """The flow."""
        return rules_of(model).flow_gradients(x)[0]

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {name: getattr(self, name) for name in self.arguments}
