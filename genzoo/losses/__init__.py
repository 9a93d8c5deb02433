"""What `fit` minimises."""

import keras

from genzoo.losses.adversarial import (
    AdversarialLoss,
    Hinge,
    LeastSquares,
    Minimax,
    NonSaturating,
    RelativisticPairing,
    Wasserstein,
    get_adversarial,
)
from genzoo.losses.adversary import Adversarial
from genzoo.losses.differentiable import DifferentiableRule
from genzoo.losses.labels import Discriminative, Hybrid
from genzoo.losses.likelihood import (
    ContrastiveDivergence,
    ExactLikelihood,
    PersistentContrastiveDivergence,
)
from genzoo.losses.loss import LearningRule
from genzoo.losses.noise_contrastive import NoiseContrastiveEstimation
from genzoo.losses.probability_flow import MinimumProbabilityFlow
from genzoo.losses.pseudolikelihood import Pseudolikelihood
from genzoo.losses.score_matching import (
    DenoisingScoreMatching,
    RatioMatching,
    ScoreMatching,
    SlicedScoreMatching,
)

_BY_NAME = {
    "contrastive_divergence": ContrastiveDivergence,
    "cd": ContrastiveDivergence,
    "persistent_contrastive_divergence": PersistentContrastiveDivergence,
    "pcd": PersistentContrastiveDivergence,
    "exact_likelihood": ExactLikelihood,
    "minimum_probability_flow": MinimumProbabilityFlow,
    "pseudolikelihood": Pseudolikelihood,
    "discriminative": Discriminative,
    "hybrid": Hybrid,
    "score_matching": ScoreMatching,
    "sliced_score_matching": SlicedScoreMatching,
    "denoising_score_matching": DenoisingScoreMatching,
    "ratio_matching": RatioMatching,
    "noise_contrastive_estimation": NoiseContrastiveEstimation,
    "nce": NoiseContrastiveEstimation,
    "adversarial": Adversarial,
}


def get(identifier: str | dict | LearningRule) -> LearningRule:
    """A learning rule from its name, its configuration or itself.

    Raises:
        ValueError: for an unknown name, listing the known ones.
    """
    if isinstance(identifier, dict):
        identifier = keras.saving.deserialize_keras_object(identifier)
    if isinstance(identifier, str) and identifier in _BY_NAME:
        return _BY_NAME[identifier]()
    if isinstance(identifier, LearningRule):
        return identifier
    raise ValueError(
        f"loss must be a genzoo learning rule or one of {sorted(_BY_NAME)}; "
        f"received {identifier!r}. Losses of labels, such as keras.losses, do "
        "not apply to a model without labels; adversarial ones, such as "
        "'hinge', belong to a GAN."
    )


__all__ = [
    "Adversarial",
    "AdversarialLoss",
    "ContrastiveDivergence",
    "Discriminative",
    "ExactLikelihood",
    "Hinge",
    "Hybrid",
    "LearningRule",
    "LeastSquares",
    "MinimumProbabilityFlow",
    "Minimax",
    "NonSaturating",
    "PersistentContrastiveDivergence",
    "Pseudolikelihood",
    "RelativisticPairing",
    "Wasserstein",
    "DenoisingScoreMatching",
    "DifferentiableRule",
    "NoiseContrastiveEstimation",
    "RatioMatching",
    "ScoreMatching",
    "SlicedScoreMatching",
    "get",
    "get_adversarial",
]
