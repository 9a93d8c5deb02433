"""Score matching, and its like for bits: energies without chains or log Z.

The score of a model is grad log p(x) = -grad E(x), which Z has no part in.
All derivatives are taken in the units in which the network sees x, so that
columns of all scales count alike.
"""

import math
from typing import Any, ClassVar

import keras
import numpy as np
import tensorflow as tf

from genzoo import checks
from genzoo.losses.differentiable import DifferentiableRule
from genzoo.runtime import random
from genzoo.runtime.random import Seed
from genzoo.types import ArrayLike

# Of sites, up to which the trace of a Hessian is taken in full.
_MOST_SITES = 32


class _Scores(DifferentiableRule):
    """A rule of derivatives by x, which must have no end."""

    def check(self, model: Any) -> None:
        """Raise a ValueError if the model lacks what the rule needs."""
        super().check(model)
        space = model.space
        ends = ~space.unbounded & ~space.periodic
        if len(space.real_sites) < space.width or ends.any():
            raise ValueError(
                f"{type(self).__name__}: needs sites on the whole real line "
                f"or angles; the model's hold {space.description}. Use "
                "loss='pcd', or for bits RatioMatching()."
            )

    def _slope(self, rules, states, weights=None):
        """(dE/dz, its derivative along weights and by them) of each row."""
        units = rules.units()
        with tf.GradientTape() as outer:
            outer.watch(states)
            with tf.GradientTape() as tape:
                tape.watch(states)
                energy = rules.energies(states)
            slope = tape.gradient(energy, states) * units
            along = None
            if weights is not None:
                along = tf.reduce_sum(weights * slope, axis=1)
        if weights is None:
            return slope, None
        second = outer.gradient(
            along, states, unconnected_gradients=tf.UnconnectedGradients.ZERO
        )
        return slope, tf.reduce_sum(weights * units * second, axis=1)


@keras.saving.register_keras_serializable("genzoo")
class ScoreMatching(_Scores):
    """`< |grad E|^2 / 2 - trace of the Hessian of E >_data`.

    Up to a constant it is half the mean square between the scores of data and
    model. The Hessian takes as many derivatives as there are sites, of which
    there may be 32; `SlicedScoreMatching` knows more. The network must be
    smooth: of a ReLU the second derivative is zero. By the waves of the
    default network scores learn the noise of their rows; where the density
    is smooth, `networks.energy_mlp(space, waves=0)` is far nearer to it.

    Reference:
        Hyvarinen, "Estimation of non-normalized statistical models by score
        matching", JMLR 6, 2005.

    Example:
    >>> x = np.random.default_rng(0).standard_normal((64, 1))
    >>> model = genzoo.EnergyModel(genzoo.spaces.Real(1))
    >>> model.compile(loss=genzoo.losses.ScoreMatching())
    >>> history = model.fit(x, verbose=0)
    """

    def check(self, model: Any) -> None:
        """Raise a ValueError if the model lacks what the rule needs."""
        super().check(model)
        if model.space.width > _MOST_SITES:
            raise ValueError(
                f"ScoreMatching: takes a second derivative for each site, of "
                f"which there may be {_MOST_SITES}; the model has "
                f"{model.space.width}. Use SlicedScoreMatching()."
            )

    def each(self, rules: Any, states: tf.Tensor, seed: Seed) -> tf.Tensor:
        """The objective of each row, (rows,)."""
        width = rules.space.width
        # A row for each site, which is the direction of its derivative.
        rows = tf.repeat(states, width, axis=0)
        directions = tf.tile(tf.eye(width), [tf.shape(states)[0], 1])
        slope, second = self._slope(rules, rows, directions)
        own = 0.5 * tf.reduce_sum(slope * directions, axis=1) ** 2 - second
        return tf.reduce_sum(tf.reshape(own, (-1, width)), axis=1)


@keras.saving.register_keras_serializable("genzoo")
class SlicedScoreMatching(_Scores):
    """`< |grad E|^2 / 2 - v' H v >` over data and directions v ~ N(0, 1).

    `ScoreMatching` in which the trace of the Hessian H is estimated along
    random directions, at the cost of two derivatives whatever the width.

    Args:
        directions: how many for each example.

    Raises:
        ValueError: if `directions` is not a positive int.

    Reference:
        Song, Garg, Shi and Ermon, "Sliced score matching", UAI 2019.

    Example:
    >>> x = np.random.default_rng(0).standard_normal((64, 1))
    >>> model = genzoo.EnergyModel(genzoo.spaces.Real(1))
    >>> model.compile(loss=genzoo.losses.SlicedScoreMatching())
    >>> history = model.fit(x, verbose=0)
    """

    arguments: ClassVar[checks.Arguments] = {"directions": checks.positive_int}

    def __init__(self, directions: int = 1):
        (self.directions,) = checks.arguments(self, directions=directions)

    def each(self, rules: Any, states: tf.Tensor, seed: Seed) -> tf.Tensor:
        """The objective of each row, (rows,)."""
        total = tf.zeros(tf.shape(states)[:1])
        for number in range(self.directions):
            own = random.fold_in(seed, number)
            v = random.normal(_shape(states), own, states.dtype)
            slope, second = self._slope(rules, states, v)
            total += 0.5 * tf.reduce_sum(slope**2, axis=1) - second
        return total / self.directions

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {"directions": self.directions}


def _sigmas(value: Any, where: str) -> list[float]:
    """Positive numbers, one or several."""
    try:
        found = np.asarray(value, np.float64).ravel().tolist()
    except (TypeError, ValueError):
        found = []
    if not found or not all(math.isfinite(s) and s > 0 for s in found):
        checks.refuse(value, where, "a positive number, or a list of them")
    return found


@keras.saving.register_keras_serializable("genzoo")
class DenoisingScoreMatching(_Scores):
    """`< |sigma grad E(x + sigma n) - n|^2 / 2 >`, with n ~ N(0, 1).

    The model learns the data blurred by sigma: no second derivative is taken,
    and none need exist. Of several, each example gets one at random, and the
    density that is learned is blurred by all of them. Each n counts with -n,
    whose common part, which says nothing of the data, cancels in gradients.

    Args:
        sigmas: of the noise, a positive number or several, in the units in
            which the network sees x: the standard deviations of the columns.

    Raises:
        ValueError: if a sigma is not positive.

    Reference:
        Vincent, "A connection between score matching and denoising
        autoencoders", Neural Computation 23, 2011.

    Example:
    >>> x = np.random.default_rng(0).standard_normal((64, 1))
    >>> model = genzoo.EnergyModel(genzoo.spaces.Real(1))
    >>> model.compile(loss=genzoo.losses.DenoisingScoreMatching(0.2))
    >>> history = model.fit(x, verbose=0)
    """

    arguments: ClassVar[checks.Arguments] = {"sigmas": _sigmas}

    def __init__(self, sigmas: float | ArrayLike = 0.1):
        (self.sigmas,) = checks.arguments(self, sigmas=sigmas)

    def each(self, rules: Any, states: tf.Tensor, seed: Seed) -> tf.Tensor:
        """The objective of each row, (rows,)."""
        first, second = random.split(seed, 2)
        noise = random.normal(_shape(states), first, states.dtype)
        share = random.uniform((tf.shape(states)[0], 1), second)
        number = tf.cast(share * len(self.sigmas), tf.int32)
        sigma = tf.gather(tf.constant(self.sigmas, states.dtype), number)
        total = tf.zeros(tf.shape(states)[:1])
        for sign in (1.0, -1.0):
            own = sign * noise
            slope, _ = self._slope(rules, states + sigma * rules.units() * own)
            total += 0.25 * tf.reduce_sum((sigma * slope - own) ** 2, axis=1)
        return total

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {"sigmas": self.sigmas}


@keras.saving.register_keras_serializable("genzoo")
class RatioMatching(DifferentiableRule):
    """`< sum_i (1 + p(x) / p(x with bit i changed))^-2 >_data`.

    What score matching is to real numbers, for sites of two levels: ratios of
    probabilities of neighbours are fitted, in which Z cancels. It takes an
    energy for each site and example.

    Reference:
        Hyvarinen, "Some extensions of score matching", Computational
        Statistics and Data Analysis 51, 2007.

    Example:
    >>> model = genzoo.EnergyModel(genzoo.spaces.Binary(4))
    >>> model.compile(loss=genzoo.losses.RatioMatching())
    >>> history = model.fit(x_train[:, 26:30], verbose=0)
    """

    def check(self, model: Any) -> None:
        """Raise a ValueError if the model lacks what the rule needs."""
        super().check(model)
        levels = model.space.levels
        if any(v is None or len(v) != 2 for v in levels):
            raise ValueError(
                "RatioMatching: needs sites of two levels; the model's hold "
                f"{model.space.description}. Use loss='pcd', or for real "
                "numbers SlicedScoreMatching()."
            )

    def each(self, rules: Any, states: tf.Tensor, seed: Seed) -> tf.Tensor:
        """The objective of each row, (rows,)."""
        levels = np.array(rules.space.levels, np.float32)
        changed = levels.sum(axis=1) - states
        energy = rules.energies(states)

        def of_site(site):
            here = tf.range(rules.space.width) == site
            other = rules.energies(tf.where(here, changed, states))
            return tf.sigmoid(energy - other) ** 2

        sites = tf.range(rules.space.width)
        found = tf.map_fn(of_site, sites, fn_output_signature=tf.float32)
        return tf.reduce_sum(found, axis=0)


def _shape(states):
    # Of a known width, by which draws are addressed.
    return (tf.shape(states)[0], states.shape[1])
