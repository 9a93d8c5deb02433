"""Pseudolikelihood: each unit predicted from all the others."""

import keras

from genzoo.losses.loss import LearningRule, positive_int


@keras.saving.register_keras_serializable("genzoo")
class Pseudolikelihood(LearningRule):
    """The negative mean log-pseudolikelihood, in nats.

    `-< sum_i log p(v_i | all other v) >_data`: needs neither chains nor Z.
    Discrete visible units only.

    Args:
        sites: number of units drawn at random for each update, the sum being
            scaled up so that it stays unbiased. None takes all, which costs
            as much as one free energy per unit and level.

    Raises:
        ValueError: if `sites` is neither None nor a positive int.

    Reference:
        Besag, "Statistical analysis of non-lattice data", The Statistician
        24, 1975. Marlin et al., "Inductive principles for restricted
        Boltzmann machine learning", AISTATS 2010.
    """

    def __init__(self, sites=None):
        if sites is not None:
            positive_int("Pseudolikelihood", "sites", sites)
        self.sites = sites

    def gradients(self, model, x, seed):
        """The negative mean log-pseudolikelihood and its gradient."""
        return model.pseudolikelihood_gradients(x, self.sites, seed)

    def value(self, model, x, seed):
        """The negative mean log-pseudolikelihood over all units."""
        return model.pseudolikelihood_loss(x)

    def check(self, model):
        """Raise a ValueError if the visible units are continuous."""
        model.check_discrete("Pseudolikelihood")
        if self.sites is not None and self.sites > model.visible.size:
            raise ValueError(
                f"Pseudolikelihood: sites={self.sites} is more than the "
                f"{model.visible.size} visible units there are."
            )

    def get_config(self):
        """The constructor's arguments."""
        return {"sites": self.sites}
