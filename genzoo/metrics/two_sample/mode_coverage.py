"""How many modes of the data the samples reach, and how evenly."""

import math
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from genzoo import checks
from genzoo.metrics.two_sample.two_sample_metric import (
    Features,
    TwoSampleMetric,
)
from genzoo.types import ArrayLike


@keras.saving.register_keras_serializable("genzoo")
class ModeCoverage(TwoSampleMetric):
    """Modes reached, KL of the histogram of modes, share of good samples.

    Modes are points, `centres`, or the classes of a `classifier`. `result`
    is a dict:

    - `modes`: how many modes have at least `share` of the generated samples,
      and at least one; near centres only samples within `radius` count.
    - `kl`: KL(generated || reference) in nats of the histograms of nearest
      centres or predicted classes, of all samples; 0 when they are equal,
      about (modes - 1) / 2n for n samples of the reference itself, and
      infinite if samples are in a mode that the reference has none in.
    - `high_quality`: the share of generated samples within `radius` of a
      centre, or whose class has at least the probability `confidence`; not
      given for a classifier that names labels only.

    State: three counts per mode.

    Args:
        centres: array of shape (modes, ...), points in the space of samples.
        radius: distance from a centre, usually three standard deviations of
            a mode.
        classifier: instead of centres, a function or Keras model from
            samples to probabilities or logits (batch, modes), or to integer
            labels (batch,).
        share: of the samples that make a mode reached; by default 0.002 (20
            of 10,000) for centres and 0, that is one sample, for classes.
        reference: "data", the real samples' histogram, or "uniform".
        from_logits: whether the classifier gives logits.
        confidence: probability above which a class is certain.
        modes: number of classes, if the classifier gives labels.
        name: as in Keras.
        dtype: as in Keras.

    Raises:
        ValueError: for contradictory arguments; as `TwoSampleMetric` does;
            and for labels or probabilities that are none.

    Reference:
        Srivastava et al., "VEEGAN", NeurIPS 2017; Lin et al., "PacGAN",
        NeurIPS 2018.

    Example:
    >>> centres = np.array([[0.0, 0.0], [1.0, 1.0]])
    >>> coverage = genzoo.metrics.ModeCoverage(centres, radius=0.2)
    >>> coverage.update_state(np.repeat(centres, 4, axis=0), centres[:1])
    >>> coverage.result()["modes"], coverage.result()["high_quality"]
    (1.0, 1.0)
    """

    fields = "modes", "kl", "high_quality"

    def __init__(
        self,
        centres: ArrayLike | None = None,
        radius: float | None = None,
        classifier: Features = None,
        share: float | None = None,
        reference: str = "data",
        from_logits: bool = False,
        confidence: float = 0.9,
        modes: int | None = None,
        name: str | None = None,
        dtype: str | None = None,
    ):
        if (centres is None) == (classifier is None):
            raise ValueError(
                "ModeCoverage: give either centres or a classifier."
            )
        if centres is not None:
            words = "positive, such as three standard deviations of a mode"
            radius = checks.number(0, math.inf, words, open_ends=True)(
                radius, "ModeCoverage: radius of centres"
            )
        super().__init__(classifier, name=name, dtype=dtype)
        if centres is not None:
            centres = checks.array(centres, "ModeCoverage: centres")
            centres = centres.reshape(len(centres), -1)
            modes = len(centres)
        self.centres: Any = centres
        self.radius: Any = radius
        self.share = share
        self.reference = checks.one_of("data", "uniform")(
            reference, "ModeCoverage: reference"
        )
        self.from_logits = checks.flag(from_logits, "ModeCoverage: from_logits")
        self.confidence = checks.number(0.0, 1.0)(
            confidence, "ModeCoverage: confidence"
        )
        self.modes = modes
        self._gives_labels = False

    def create_state(self, width: int, dtype: str) -> None:
        """Counts of each mode: data, samples, samples of high quality."""
        self._counts = self.add_variable(
            (3, self.modes), "zeros", dtype="int64", name="counts"
        )
        self._strays = self.add_variable(
            (), "zeros", dtype="int64", name="strays"
        )

    def describe(self, x: tf.Tensor) -> tf.Tensor:
        """Rows (mode, whether of high quality, whether neither is known)."""
        if self.centres is not None:
            rows = tf.cast(super().describe(x), tf.float64)
            mode, good = self._nearest(rows)
            stray = tf.zeros_like(good)
            finite = tf.reduce_all(tf.math.is_finite(rows), axis=1)
        else:
            mode, good, stray, finite = self._classify(x)
        described = tf.stack(
            [tf.cast(part, tf.float64) for part in (mode, good, stray)], axis=1
        )
        nothing = tf.constant(np.nan, tf.float64)
        return tf.where(finite[:, None], described, nothing)

    def _nearest(self, rows):
        if rows.shape[1] != self.centres.shape[1]:
            raise ValueError(
                f"ModeCoverage: centres have {self.centres.shape[1]} numbers "
                f"each, samples {rows.shape[1]}."
            )
        # |x - c|^2 - |x|^2, without an array (batch, modes, width).
        shifted = tf.reduce_sum(self.centres**2, axis=1) - 2 * tf.matmul(
            rows, self.centres, transpose_b=True
        )
        mode = tf.argmin(shifted, axis=1)
        centre = tf.gather(tf.constant(self.centres), mode)
        square = tf.reduce_sum(tf.square(rows - centre), axis=1)
        return mode, square <= self.radius**2

    def _classify(self, x):
        output = self.apply_features(x)
        self._gives_labels = output.shape.rank == 1
        if self._gives_labels:
            if self.modes is None:
                raise ValueError(
                    "ModeCoverage: modes, the number of classes, is needed "
                    "for a classifier that gives labels."
                )
            stray = (output < 0) | (output >= self.modes)
            return output, tf.zeros_like(stray), stray, tf.ones_like(stray)
        if output.shape.rank != 2 or self.modes not in (
            None,
            output.shape[1],
        ):
            raise ValueError(
                "ModeCoverage: the classifier must give (batch, modes) "
                f"probabilities or (batch,) labels; it gave {output.shape}."
            )
        self.modes = output.shape[1]
        output = tf.cast(output, tf.float64)
        finite = tf.reduce_all(tf.math.is_finite(output), axis=1)
        if self.from_logits:
            output = tf.nn.softmax(output)
        stray = tf.reduce_any(output < 0, axis=1) | (
            tf.abs(tf.reduce_sum(output, axis=1) - 1) > 1e-3
        )
        good = tf.reduce_max(output, axis=1) >= self.confidence
        return tf.argmax(output, axis=1), good, stray, finite

    def accumulate(self, real: tf.Tensor, generated: tf.Tensor) -> None:
        """Count the modes."""
        good = tf.boolean_mask(generated, generated[:, 1] > 0)
        self._counts.assign_add(
            tf.stack([self._histogram(x) for x in (real, generated, good)])
        )
        self._strays.assign_add(
            tf.math.count_nonzero(real[:, 2] > 0)
            + tf.math.count_nonzero(generated[:, 2] > 0)
        )

    def _histogram(self, rows):
        known = tf.math.is_finite(rows[:, 0]) & ~(rows[:, 2] > 0)
        mode = tf.cast(tf.boolean_mask(rows[:, 0], known), tf.int32)
        ones = tf.ones_like(mode, tf.int64)
        return tf.math.unsorted_segment_sum(ones, mode, self.modes)

    def evaluate(self) -> dict[str, float]:
        """The dict of modes, kl and high_quality."""
        _, rows = self.counts()
        strays = int(self._strays.numpy())
        if strays:
            raise ValueError(
                f"ModeCoverage: the classifier gave {strays} rows "
                "that are neither labels below `modes` nor probabilities; "
                "logits need from_logits=True."
            )
        real, generated, good = self._counts.numpy()
        reached, share = (
            (good, 0.002) if self.features is None else (generated, 0)
        )
        if self.share is not None:
            share = self.share
        least = max(1, math.ceil(share * rows - 1e-9))
        if self.reference == "uniform":
            real = np.ones(self.modes)
        found = generated > 0
        with np.errstate(divide="ignore"):
            ratio = np.log(generated[found] / rows) - np.log(
                real[found] / real.sum()
            )
        result = {
            "modes": float(np.count_nonzero(reached >= least)),
            "kl": float((generated[found] / rows * ratio).sum()),
        }
        if not self._gives_labels:
            result["high_quality"] = float(good.sum() / rows)
        return result

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        config = super().get_config()
        config["classifier"] = config.pop("features")
        centres = self.centres
        return {
            **config,
            "centres": None if centres is None else centres.tolist(),
            "radius": self.radius,
            "share": self.share,
            "reference": self.reference,
            "from_logits": self.from_logits,
            "confidence": self.confidence,
            "modes": None if centres is not None else self.modes,
        }
