"""What a maximum-entropy model constrains: averages of functions of x."""

from genzoo.features.circular import CircularMoments
from genzoo.features.cosine_bonds import CosineBonds
from genzoo.features.feature import Feature, OneSite, Quadratic
from genzoo.features.feature_list import FeatureList, get
from genzoo.features.function import Function
from genzoo.features.hinges import Hinge, Threshold
from genzoo.features.histogram import Histogram
from genzoo.features.indicators import Indicators, PairIndicators
from genzoo.features.linear import Linear
from genzoo.features.marginal import Marginal
from genzoo.features.moments import Moments
from genzoo.features.pairwise import LatticeBonds, Pairwise
from genzoo.features.presences import presence_stderr

__all__ = [
    "CircularMoments",
    "CosineBonds",
    "Feature",
    "FeatureList",
    "Function",
    "Hinge",
    "Histogram",
    "Indicators",
    "LatticeBonds",
    "Linear",
    "Marginal",
    "Moments",
    "OneSite",
    "PairIndicators",
    "Pairwise",
    "Quadratic",
    "Threshold",
    "get",
    "presence_stderr",
]
