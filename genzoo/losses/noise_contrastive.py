"""Data told from noise: energies with their log Z, without chains."""

from typing import Any, ClassVar

import keras
import tensorflow as tf

from genzoo import checks
from genzoo.losses.differentiable import DifferentiableRule
from genzoo.runtime import random
from genzoo.runtime.random import Seed


@keras.saving.register_keras_serializable("genzoo")
class NoiseContrastiveEstimation(DifferentiableRule):
    """The cross-entropy of telling data from noise by the model's density.

    With u = -E(x) - log q(x) - log(ratio) and noise from the model's
    reference q, `< log(1 + e^-u) >_data + ratio < log(1 + e^u) >_noise`. It is
    least where exp(-E) is the density of the data *with its normalisation*:
    the model's `offset` learns -log Z, so that `log_partition` is near 0
    afterwards.

    Noise must reach wherever data are, and few dimensions are best: where all
    noise is far from the data, telling them apart is easy and teaches little.

    Args:
        ratio: draws of noise for each example.

    Raises:
        ValueError: if `ratio` is not a positive int.

    Reference:
        Gutmann and Hyvarinen, "Noise-contrastive estimation of unnormalized
        statistical models", JMLR 13, 2012.

    Example:
    >>> x = np.random.default_rng(0).standard_normal((64, 1))
    >>> model = genzoo.EnergyModel(genzoo.spaces.Real(1))
    >>> model.compile(loss=genzoo.losses.NoiseContrastiveEstimation())
    >>> history = model.fit(x, verbose=0)
    """

    has_level = True

    arguments: ClassVar[checks.Arguments] = {"ratio": checks.positive_int}

    def __init__(self, ratio: int = 1):
        (self.ratio,) = checks.arguments(self, ratio=ratio)

    def each(self, rules: Any, states: tf.Tensor, seed: Seed) -> tf.Tensor:
        """The objective of each row and its noise, (rows,)."""
        total = tf.nn.softplus(-self._logit(rules, states))
        for number in range(self.ratio):
            own = random.fold_in(seed, number)
            noise = tf.stop_gradient(rules.noise(tf.shape(states)[0], own))
            total += tf.nn.softplus(self._logit(rules, noise))
        return total

    def _logit(self, rules, states):
        log_ratio = -rules.energies(states) - rules.log_noise(states)
        return log_ratio - tf.math.log(float(self.ratio))

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {"ratio": self.ratio}
