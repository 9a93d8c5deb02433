"""Metrics of the first and second moments, as running sums."""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from genzoo.metrics.two_sample.two_sample_metric import TwoSampleMetric

# A mean of so many spreads costs six digits of a variance.
_FAR = 1e3


class SampleMoments(NamedTuple):
    """Rows, mean (d,) and covariance (d, d), divided by rows - 1."""

    rows: int
    mean: np.ndarray
    covariance: np.ndarray


class MomentMetric(TwoSampleMetric):
    """A metric of means and covariances; see `TwoSampleMetric`.

    State: sums of features and of their outer products in float64,
    8 width (2 width + 3) bytes, whatever the number of samples. Features that
    lie far from zero are counted from their mean in the first batch, since
    their squares would leave no digits for a variance.
    """

    def create_state(self, width: int, dtype: str) -> None:
        """Sums and sums of outer products, for real and generated rows."""
        self._shift = self.add_variable(
            (width,), "zeros", dtype="float64", name="shift"
        )
        self._sums = self.add_variable(
            (2, width), "zeros", dtype="float64", name="sums"
        )
        self._outer = self.add_variable(
            (2, width, width), "zeros", dtype="float64", name="outer"
        )

    def accumulate(self, real: tf.Tensor, generated: tf.Tensor) -> None:
        """Add to the sums."""
        rows = [tf.cast(x, tf.float64) for x in (real, generated)]
        both = tf.concat(rows, axis=0)
        seen = tf.reduce_sum(self._rows.value[:2])
        is_first = tf.equal(seen, tf.shape(both, tf.int64)[0])
        shift = tf.where(is_first, _far(both), self._shift.value)
        self._shift.assign(shift)
        rows = [x - shift for x in rows]
        self._sums.assign_add(
            tf.stack([tf.reduce_sum(x, axis=0) for x in rows])
        )
        self._outer.assign_add(
            tf.stack([tf.matmul(x, x, transpose_a=True) for x in rows])
        )

    def moments(self) -> list[SampleMoments]:
        """`SampleMoments` of the real and of the generated features.

        Both means are less `_shift`.
        """
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


def _far(rows):
    """Means of the columns that lie far from zero, and 0 of the others."""
    mean = tf.math.divide_no_nan(
        tf.reduce_sum(rows, axis=0), tf.cast(tf.shape(rows)[0], rows.dtype)
    )
    spread = tf.reduce_max(tf.abs(rows - mean), axis=0)
    return tf.where(tf.abs(mean) > _FAR * spread, mean, tf.zeros_like(mean))
