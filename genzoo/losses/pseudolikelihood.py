"""Pseudolikelihood: each unit predicted from all the others."""

from typing import Any, ClassVar

import keras
import tensorflow as tf

from genzoo import checks
from genzoo.losses.loss import LearningRule
from genzoo.losses.protocols import Conditional, Gradients, rules_of
from genzoo.runtime.random import Seed


@keras.saving.register_keras_serializable("genzoo")
class Pseudolikelihood(LearningRule):
    """The negative mean log-pseudolikelihood, in nats.

    `-< sum_i log p(v_i | all other v) >_data`: needs neither chains nor Z.
    Discrete visible units only, or sites with pairwise energies.

    Args:
        sites: for RBMs, number of units drawn at random for each update, the
            sum being scaled up so that it stays unbiased. None takes all,
            which costs as much as one free energy per unit and level.
        l1: for Boltzmann machines, the weight of `sum |J|` over couplings,
            in nats. With `LBFGS`, the default, couplings that are not needed
            become exactly zero.
        l2: the same of `sum J^2 / 2`; for categorical sites in the zero-sum
            gauge, over all values, also the last. None is 0, but with
            `LBFGS`, if the best couplings would be infinite (levels of two
            sites that never meet, a site that follows from others), as little
            as one example more, with a warning, and `l2` in the history.
        l2_fields: the weight of `sum h^2 / 2` over fields, in this gauge.
        symmetric: for Boltzmann machines, whether the two sites of a coupling
            agree on it while they learn. False: each site is a regression of
            its own, `J_ij` the average of the two that were found, each of
            which half of l2 holds; with `LBFGS`, in one epoch.

    Raises:
        ValueError: if `sites` is neither None nor a positive int, or a
            penalty is negative, or l1 with `symmetric=False`.

    Reference:
        Besag, "Statistical analysis of non-lattice data", The Statistician
        24, 1975. Marlin et al., "Inductive principles for restricted
        Boltzmann machine learning", AISTATS 2010. Couplings with an L1
        penalty: Ravikumar, Wainwright and Lafferty, "High-dimensional Ising
        model selection using l1-regularized logistic regression", Annals of
        Statistics 38, 2010. Site by site: Ekeberg, Hartonen and Aurell,
        "Fast pseudolikelihood maximization for direct-coupling analysis",
        Journal of Computational Physics 276, 2014.

    Example:
    >>> machine = genzoo.BoltzmannMachine(genzoo.spaces.Binary(4))
    >>> machine.compile(loss=genzoo.losses.Pseudolikelihood(l1=0.02))
    >>> history = machine.fit(x_train[:, 26:30], verbose=0)
    >>> absent = machine.couplings == 0
    """

    needs = Conditional
    measure = "pseudolikelihood_loss"

    arguments: ClassVar[checks.Arguments] = {
        "sites": checks.optional(checks.positive_int),
        "l1": checks.penalty,
        "l2": checks.optional(checks.penalty),
        "l2_fields": checks.penalty,
        "symmetric": checks.flag,
    }

    def __init__(
        self,
        sites: int | None = None,
        l1: float = 0.0,
        l2: float | None = None,
        l2_fields: float = 0.0,
        symmetric: bool = True,
    ):
        given = checks.arguments(
            self,
            sites=sites,
            l1=l1,
            l2=l2,
            l2_fields=l2_fields,
            symmetric=symmetric,
        )
        self.sites, self.l1, self.l2, self.l2_fields, self.symmetric = given
        if l1 and not self.symmetric:
            raise ValueError(
                f"Pseudolikelihood: l1={l1} is for symmetric couplings; site "
                "by site one of two may be zero. Use l2, or symmetric=True."
            )

    def gradients(self, model: Any, x: tf.Tensor, seed: Seed) -> Gradients:
        """The negative mean log-pseudolikelihood and its gradient."""
        if not self.symmetric:
            raise ValueError(
                "Pseudolikelihood: symmetric=False is a regression for each "
                "site, not a step for all. Call fit of a Boltzmann machine."
            )
        return rules_of(model).pseudolikelihood_gradients(x, self.sites, seed)

    def value(self, model: Any, x: tf.Tensor, seed: Seed) -> tf.Tensor:
        """The negative mean log-pseudolikelihood over all units."""
        return rules_of(model).pseudolikelihood_loss(x)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {name: getattr(self, name) for name in self.arguments}
