"""How far the samples' means and covariances are from the data's."""

import keras
import numpy as np

from genzoo.metrics.two_sample.moment_metric import MomentMetric


@keras.saving.register_keras_serializable("genzoo")
class MomentError(MomentMetric):
    """Errors of the means and the covariances of features.

    `result` is a dict, with means m, variances v, covariances C of the data
    and m', v', C' of the samples, over features i = 1..d:

    - `mean`: (mean_i (m'_i - m_i)^2 / ((v_i + v'_i) / 2))^(1/2), in standard
      deviations, from 0 upwards.
    - `covariance`: |C' - C| / |C|, Frobenius norms, from 0 upwards; infinite
      if only the data do not vary.
    - `chi_square`: mean_i (m'_i - m_i)^2 / (v_i / n + v'_i / n'), which is
      about 1 +- (2 / d)^(1/2) for equal distributions and independent
      features, and independent rows: the error bar of `mean`.

    A feature that varies in neither sample counts as 0 if it is the same in
    both, else as infinite.

    State: as `MomentMetric`, 8 width (2 width + 3) bytes.

    Args:
        features: see `TwoSampleMetric`; observables of physics, say.
        name: as in Keras.
        dtype: as in Keras.

    Raises:
        ValueError: as `TwoSampleMetric` does, and for less than two rows.

    Reference:
        The likelihood equations of exponential families: all errors vanish
        for the maximum entropy model of these features; Wainwright and
        Jordan, "Graphical models, exponential families, and variational
        inference", 2008.

    Example:
    >>> rng = np.random.default_rng(0)
    >>> x, y = rng.normal(size=(2, 500, 3))
    >>> metric = genzoo.metrics.MomentError(genzoo.features.Moments(2))
    >>> metric.update_state(x, y)
    >>> sorted(metric.result())
    ['chi_square', 'covariance', 'mean']
    """

    fields = "mean", "covariance", "chi_square"

    def evaluate(self) -> dict[str, float]:
        """The dict of mean, covariance and chi_square."""
        real, generated = self.moments()
        square = np.square(generated.mean - real.mean)
        # Rounding of the sums of a constant feature is not a variance.
        noise = 1e-12 * np.square([real.mean, generated.mean])
        variance, other = (
            np.where(diagonal > floor, diagonal, 0.0)
            for diagonal, floor in zip(
                (np.diag(real.covariance), np.diag(generated.covariance)),
                noise,
                strict=True,
            )
        )
        square = np.where(square > noise.max(axis=0), square, 0.0)
        difference = np.linalg.norm(generated.covariance - real.covariance)
        size = np.linalg.norm(real.covariance)
        return {
            "mean": _ratio(square, (variance + other) / 2) ** 0.5,
            "covariance": _ratio(difference, size),
            "chi_square": _ratio(
                square, variance / real.rows + other / generated.rows
            ),
        }


def _ratio(above, below):
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(np.mean(np.where(above > 0, above / below, 0.0)))
