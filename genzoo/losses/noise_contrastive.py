"""Data told from noise: energies with their log Z, without chains."""

from collections.abc import Callable
from typing import Any, ClassVar

import keras
import tensorflow as tf

from genzoo import checks
from genzoo.losses import noise as noises
from genzoo.losses.differentiable import DifferentiableRule
from genzoo.losses.protocols import rules_of
from genzoo.runtime import batch, probability, random
from genzoo.runtime.random import Seed


@keras.saving.register_keras_serializable("genzoo")
class NoiseContrastiveEstimation(DifferentiableRule):
    """The cross-entropy of telling data from noise by the model's density.

    With u = -E(x) - log q(x) - log(ratio) and noise from a density q that is
    known, `< log(1 + e^-u) >_data + ratio < log(1 + e^u) >_noise`. It is
    least where exp(-E) is the density of the data *with its normalisation*:
    the model's `offset` learns -log Z, so that `log_partition` is near 0
    afterwards.

    Noise must reach wherever data are, and wherever the model's reference has
    weight, which nothing else takes away. Few dimensions are best: where all
    noise is far from the data, telling them apart is easy and teaches little.

    Args:
        ratio: draws of noise for each example.
        noise: q. None takes the model's reference; else a fitted genzoo model
            that has an energy and is not conditional, or one of
            `tfp.distributions` whose event has the shape of one example. A
            model is copied by `compile`, and steps take their noise from up to
            65,536 draws that are made then; where its log Z is an estimate,
            the model's has the same error.

    Raises:
        ValueError: if `ratio` is not a positive int, or `noise` none of these;
            by `compile`, for noise that was not fitted, has draws outside of
            the model's space, or cannot score them; by `fit`, where noise has
            no density at an example; by `save`, for a distribution that is
            not made of numbers.

    Reference:
        Gutmann and Hyvarinen, "Noise-contrastive estimation of unnormalized
        statistical models", JMLR 13, 2012.

    Example:
    >>> x = np.random.default_rng(0).standard_normal((64, 1))
    >>> model = genzoo.EnergyModel(genzoo.spaces.Real(1))
    >>> model.compile(loss=genzoo.losses.NoiseContrastiveEstimation())
    >>> history = model.fit(x, verbose=0)

    Against a MaxEnt of the same moments:

    >>> moments = genzoo.features.Moments(1, 2)
    >>> normal = genzoo.MaxEnt(genzoo.spaces.Real(1), moments)
    >>> normal.compile()
    >>> history = normal.fit(x, verbose=0)
    >>> loss = genzoo.losses.NoiseContrastiveEstimation(2, noise=normal)
    >>> model.compile(loss=loss)
    >>> history = model.fit(x, verbose=0)
    """

    has_level = True

    arguments: ClassVar[checks.Arguments] = {
        "ratio": checks.positive_int,
        "noise": noises.argument,
    }

    def __init__(self, ratio: int = 1, noise: Any = None):
        # Of a configuration, whose weights are loaded with the model.
        self._is_read = isinstance(noise, dict)
        self.ratio, self.noise = checks.arguments(
            self, ratio=ratio, noise=noise
        )

    def check(self, model: Any) -> None:
        """Raise a ValueError if the noise does not go with the model."""
        super().check(model)
        is_awaited = self._is_read and not noises.is_known(self.noise)
        if self.noise is not None and not is_awaited:
            noises.try_out(self.noise, model.space)

    def make_critic(
        self, model: Any, perceptron: Callable
    ) -> keras.layers.Layer | None:
        """The noise of a model, which has weights."""
        if self.noise is None or probability.is_distribution(self.noise):
            return None
        return noises.Model.of(self.noise, model.draws.seed)

    def value(self, model: Any, x: tf.Tensor, seed: Seed) -> tf.Tensor:
        """This replica's share of the mean."""
        rules, source = rules_of(model), noises.source(self.noise, model)
        each = self.each(rules, rules.states(x), seed, source)
        return batch.weighed(batch.shares(x, each.dtype), each)

    def each(
        self, rules: Any, states: tf.Tensor, seed: Seed, source: Any = None
    ) -> tf.Tensor:
        """The objective of each row and its noise, (rows,).

        Args:
            rules: what the model gives.
            states: examples in rows, float32 (rows, width).
            seed: a `runtime.random.Seed`, addressed by the rows.
            source: what draws and scores noise; None for the rules.
        """
        source = rules if source is None else source
        log_q = source.log_noise(states)
        if self.noise is not None:
            log_q = noises.asserted(log_q)
        total = tf.nn.softplus(-self._logit(rules, states, log_q))
        for number in range(self.ratio):
            own = random.fold_in(seed, number)
            noise = tf.stop_gradient(source.noise(tf.shape(states)[0], own))
            log_q = source.log_noise(noise)
            total += tf.nn.softplus(self._logit(rules, noise, log_q))
        return total

    def _logit(self, rules, states, log_q):
        log_ratio = -rules.energies(states) - log_q
        return log_ratio - tf.math.log(float(self.ratio))

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {"ratio": self.ratio, "noise": noises.serialize(self.noise)}
