"""Minimum probability flow."""

from typing import ClassVar

import keras

from genzoo import checks
from genzoo.losses.loss import LearningRule
from genzoo.losses.protocols import Flowing, rules_of


@keras.saving.register_keras_serializable("genzoo")
class MinimumProbabilityFlow(LearningRule):
    """The flow of probability away from the data, to be made small.

    `< sum_x' exp((E(x) - E(x')) / 2) >_data` over all states x' that differ
    from x at one site. Needs neither chains nor Z; not a likelihood. All
    neighbours count, also those among the data: the minimum is at the true
    energy all the same, by detailed balance.

    Args:
        l1: weight of `sum |J|` over couplings.
        l2: the same of `sum J^2 / 2`.

    Raises:
        ValueError: if a penalty is negative.

    Reference:
        Sohl-Dickstein, Battaglino and DeWeese, "New method for parameter
        estimation in probabilistic models: minimum probability flow",
        Physical Review Letters 107, 2011.
    """

    needs = Flowing

    arguments: ClassVar[checks.Arguments] = {
        "l1": checks.penalty,
        "l2": checks.penalty,
    }

    def __init__(self, l1: float = 0.0, l2: float = 0.0):
        self.l1, self.l2 = checks.arguments(self, l1=l1, l2=l2)

    def gradients(self, model, x, seed):
        """The flow and its gradient."""
        return rules_of(model).flow_gradients(x)

    def value(self, model, x, seed):
        """The flow."""
        return rules_of(model).flow_gradients(x)[0]

    def get_config(self):
        """The constructor's arguments."""
        return {"l1": self.l1, "l2": self.l2}
