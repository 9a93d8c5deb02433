"""The Fréchet distance of two samples' first and second moments."""

import keras
import numpy as np

from genzoo import checks
from genzoo.metrics.two_sample.moment_metric import MomentMetric
from genzoo.types import ArrayLike


@keras.saving.register_keras_serializable("genzoo")
class FrechetDistance(MomentMetric):
    """Squared Fréchet distance of Gaussians fitted to two samples' features.

        |m - m'|^2 + tr(C) + tr(C') - 2 tr((C^(1/2) C' C^(1/2))^(1/2))

    with means m and covariances C (divided by n - 1). On Inception features
    it is the FID. The last trace is the sum of the singular values of
    C^(1/2) C'^(1/2), the roots of the eigenvalues of the symmetric product
    in it; `sqrtm` of the product C C', which is not symmetric, loses digits
    where covariances are singular.

    In the units of the features, squared; from 0, for equal means and
    covariances, upwards. The estimate is too large by about const / n:
    compare models by equal numbers of samples.

    State: sums of features and of their outer products in float64,
    8 width (2 width + 3) bytes, whatever the number of samples.

    Args:
        features: see `TwoSampleMetric`; the samples themselves by default.
        name: as in Keras.
        dtype: as in Keras.

    Raises:
        ValueError: as `TwoSampleMetric` does, and for less than two rows.

    Reference:
        Dowson and Landau, "The Fréchet distance between multivariate normal
        distributions", J. Multivariate Analysis 12, 1982; Heusel et al.,
        "GANs trained by a two time-scale update rule", NeurIPS 2017.

    Example:
    >>> distance = genzoo.metrics.FrechetDistance()
    >>> x = np.random.default_rng(0).normal(size=(500, 3))
    >>> distance.update_state(x, x + 2.0)
    >>> round(distance.result(), 4)
    12.0
    """

    def evaluate(self) -> float:
        """The squared distance."""
        real, generated = self.moments()
        return frechet_distance(*real[1:], *generated[1:])


def frechet_distance(
    mean: ArrayLike,
    covariance: ArrayLike,
    other_mean: ArrayLike,
    other_covariance: ArrayLike,
) -> float:
    """The squared Fréchet distance of two Gaussians, a float.

    Args:
        mean: (d,).
        covariance: (d, d), symmetric and positive semidefinite.
        other_mean: (d,), of the other Gaussian.
        other_covariance: (d, d).

    Example:
    >>> genzoo.metrics.frechet_distance([0.0], [[1.0]], [1.0], [[4.0]])
    2.0

    Raises:
        ValueError: if sizes differ, or a covariance has a negative eigenvalue.
    """
    named = {
        "mean": mean,
        "covariance": covariance,
        "other_mean": other_mean,
        "other_covariance": other_covariance,
    }
    mean, covariance, other_mean, other_covariance = (
        checks.array(value, f"frechet_distance: {name}")
        for name, value in named.items()
    )
    shapes = [np.shape(value) for value in named.values()]
    if mean.ndim != 1 or shapes != 2 * [mean.shape, 2 * mean.shape]:
        raise ValueError(
            "frechet_distance: means must be (d,) and covariances (d, d), with "
            f"the same d; received the shapes {', '.join(map(str, shapes))}."
        )
    product = _root(covariance).T @ _root(other_covariance)
    fidelity = np.linalg.svd(product, compute_uv=False).sum()
    between = np.square(np.subtract(mean, other_mean)).sum()
    traces = np.trace(covariance) + np.trace(other_covariance)
    return float(max(between + traces - 2 * fidelity, 0.0))


def _root(covariance):
    """A matrix A with A A^T = covariance."""
    covariance = np.asarray(covariance, np.float64)
    values, vectors = np.linalg.eigh((covariance + covariance.T) / 2)
    # Rounding errors of eigenvalues that are zero, not to be made large by
    # the square root.
    noise = len(values) * np.finfo(np.float64).eps * np.abs(values).max()
    # Of sums in float32, too.
    if values.min() < -1e-3 * np.abs(values).max():
        raise ValueError(
            "frechet_distance: a covariance must have no negative eigenvalue; "
            f"found {values.min():g}."
        )
    return vectors * np.sqrt(np.where(values > noise, values, 0.0))
