"""Metrics of the first and second moments, as running sums."""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from genzoo.metrics.two_sample.two_sample_metric import TwoSampleMetric


class SampleMoments(NamedTuple):
    """Rows, mean (d,) and covariance (d, d), divided by rows - 1."""

    rows: int
    mean: np.ndarray
    covariance: np.ndarray


class MomentMetric(TwoSampleMetric):
    """A metric of means and covariances; see `TwoSampleMetric`.

    State: sums of features and of their outer products in float64,
    16 width (width + 1) bytes, whatever the number of samples.
    """

    def create_state(self, width: int, dtype: str) -> None:
        """Sums and sums of outer products, for real and generated rows."""
        self._sums = self.add_variable(
            (2, width), "zeros", dtype="float64", name="sums"
        )
        self._outer = self.add_variable(
            (2, width, width), "zeros", dtype="float64", name="outer"
        )

    def accumulate(self, real: tf.Tensor, generated: tf.Tensor) -> None:
        """Add to the sums."""
        rows = [tf.cast(x, tf.float64) for x in (real, generated)]
        self._sums.assign_add(
            tf.stack([tf.reduce_sum(x, axis=0) for x in rows])
        )
        self._outer.assign_add(
            tf.stack([tf.matmul(x, x, transpose_a=True) for x in rows])
        )

    def moments(self) -> list[SampleMoments]:
        """`SampleMoments` of the real and of the generated features."""
        both = []
        for rows, total, outer in zip(
            self.counts(least=2),
            self._sums.numpy(),
            self._outer.numpy(),
            strict=True,
        ):
            mean = total / rows
            covariance = (outer - rows * np.outer(mean, mean)) / (rows - 1)
            both.append(SampleMoments(rows, mean, covariance))
        return both
