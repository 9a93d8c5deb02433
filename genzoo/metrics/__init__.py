"""Metrics that compare data with samples, and divergences, in nats."""

from genzoo.metrics import lattice
from genzoo.metrics.divergences.binned import (
    BinnedEstimate,
    binned_divergence,
    binned_entropy,
)
from genzoo.metrics.divergences.by_neighbours import (
    neighbour_entropy,
    neighbour_kl,
)
from genzoo.metrics.divergences.decomposition import (
    LogLikelihoodDecomposition,
    log_likelihood_decomposition,
)
from genzoo.metrics.divergences.density_ratio import (
    DensityRatioKL,
    density_ratio_kl,
    reverse_kl,
)
from genzoo.metrics.divergences.finite import (
    entropy,
    jensen_shannon,
    jensen_shannon_distance,
    kl_divergence,
    total_variation,
)
from genzoo.metrics.divergences.of_models import (
    model_jensen_shannon,
    model_kl_divergence,
    model_total_variation,
)
from genzoo.metrics.evaluation import GenerativeTable, evaluate_generative
from genzoo.metrics.numerics.estimate import Estimate
from genzoo.metrics.two_sample.binned_divergence import BinnedDivergence
from genzoo.metrics.two_sample.classifier_two_sample import ClassifierTwoSample
from genzoo.metrics.two_sample.frechet_distance import (
    FrechetDistance,
    frechet_distance,
)
from genzoo.metrics.two_sample.kernel_distance import KernelDistance
from genzoo.metrics.two_sample.manifold_overlap import (
    DensityCoverage,
    ManifoldOverlap,
    PrecisionRecall,
    manifold_overlap,
)
from genzoo.metrics.two_sample.mode_coverage import ModeCoverage
from genzoo.metrics.two_sample.moment_error import MomentError
from genzoo.metrics.two_sample.sliced_wasserstein import SlicedWasserstein
from genzoo.metrics.two_sample.two_sample_metric import TwoSampleMetric

__all__ = [
    "BinnedDivergence",
    "BinnedEstimate",
    "ClassifierTwoSample",
    "DensityCoverage",
    "DensityRatioKL",
    "Estimate",
    "FrechetDistance",
    "GenerativeTable",
    "KernelDistance",
    "LogLikelihoodDecomposition",
    "ManifoldOverlap",
    "ModeCoverage",
    "MomentError",
    "PrecisionRecall",
    "SlicedWasserstein",
    "TwoSampleMetric",
    "binned_divergence",
    "binned_entropy",
    "density_ratio_kl",
    "entropy",
    "evaluate_generative",
    "frechet_distance",
    "jensen_shannon",
    "jensen_shannon_distance",
    "kl_divergence",
    "lattice",
    "log_likelihood_decomposition",
    "manifold_overlap",
    "model_jensen_shannon",
    "model_kl_divergence",
    "model_total_variation",
    "neighbour_entropy",
    "neighbour_kl",
    "reverse_kl",
    "total_variation",
]
