"""Waves of a network: short ones for what is fine in data, else long ones."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from genzoo.layers import RandomFourier
from genzoo.models.common.given import Given
from genzoo.models.ebm.reference import Reference
from genzoo.models.ebm.repeated import Repeated
from genzoo.runtime import data, random
from genzoo.types import Array

# Numbers of the data that are looked at, rows that are compared, and of how
# many anything can be said.
_NUMBERS, _MOST, _FEWEST = 2**21, 2000, 20
# Widths of bells, in standard deviations of the data. Waves are for structure
# that the narrow ones of them show.
_WIDTHS = np.geomspace(0.03, 1.0, 14)
_FINE = 0.15
# The wave vectors of smooth data, in those of other data.
_LONG = 0.15
# The share of rows that may lie alone, by a normal distribution.
_ALONE = 0.1
# Of those that are left out, being far from all.
_OUT = 0.02
# Of the variance, what a normal distribution has at least.
_LEAST = 1e-3


def lengthen(
    network: keras.Model,
    reference: Reference,
    repeated: Repeated,
    given: Given,
    steps: int | None = None,
) -> None:
    """Make the waves of a default network long, if the data are smooth.

    By short waves a perceptron learns narrow peaks, and where there are none
    it learns each example as one: of 400 rows of eight correlated columns the
    held-out likelihood ends below that of independent columns. So one half of
    the rows is told by a bell about each row of the other half, of the best
    of some widths, and by the normal distribution of the other half. Waves
    stay short if bells are better, and narrow.

    Args:
        network: of the energy; nothing is done to one that has learned or
            whose number of waves was asked for.
        reference: fitted, for its units.
        repeated: fitted; it spreads the values that many rows share.
        given: checked examples.
        steps: how many batches of a dataset to see; None means all.
    """
    waves = _of_default(network)
    if waves is None or reference.space.periodic.any():
        return
    real = reference.space.real_sites
    x, weight, seen = data.first_rows(given, _NUMBERS, steps)
    whole = seen[:, real].all(axis=1) & (weight > 0)
    # As training sees them: a frequent value is a narrow bell.
    x = repeated.spread(tf.constant(x[whole]), random.as_seed(0))
    z = reference.standardised(x).numpy()[:, real]
    if not _is_fine(z.astype(np.float64)):
        waves.vectors.assign(_LONG * waves.vectors.numpy())


def _of_default(network: Any) -> RandomFourier | None:
    """The waves that nobody asked for, of a network that has not learned."""
    recipe = getattr(network, "recipe", None)
    if recipe is None or recipe.arguments.get("waves", 0) is not None:
        return None
    if np.any(network.layers[-1].kernel.numpy()):
        return None
    found = (x for x in network.layers if isinstance(x, RandomFourier))
    return next(found, None)


def _is_fine(z: Array) -> bool:
    """Whether narrow bells tell held-out rows better than a normal does."""
    if len(z) < _FEWEST:
        return False
    z = np.random.default_rng(0).permutation(z)[:_MOST]
    one, other = z[::2], z[1::2]
    square = -2 * other @ one.T
    square += np.square(one).sum(axis=1) + np.square(other).sum(axis=1)[:, None]
    square = np.maximum(square, 0.0)
    normal = _of_normal(one, other)
    # A row that lies alone is left to the normal distribution.
    alone = np.log(_ALONE) + normal
    told = [
        _of_most(np.logaddexp(np.log1p(-_ALONE) + bells, alone))
        for bells in (_of_bells(square, w, z.shape[1]) for w in _WIDTHS)
    ]
    best = int(np.argmax(told))
    return bool(_WIDTHS[best] <= _FINE and told[best] > _of_most(normal))


def _of_most(values):
    """The mean without the rows that lie farthest out."""
    return np.sort(values)[int(_OUT * len(values)) :].mean()


def _of_bells(square, width, sites):
    log_bells = np.logaddexp.reduce(-square / (2 * width**2), axis=1)
    log_z = np.log(square.shape[1]) + 0.5 * sites * np.log(2 * np.pi * width**2)
    return log_bells - log_z


def _of_normal(one, other):
    sites = one.shape[1]
    covariance = np.cov(one.T).reshape(sites, sites)
    # Of few rows the correlations are mostly chance.
    share = min(1.0, sites / len(one))
    plain = np.diag(np.diag(covariance))
    covariance = covariance + share * (plain - covariance)
    covariance += _LEAST * np.eye(sites)
    away = other - one.mean(axis=0)
    square = np.sum(away * np.linalg.solve(covariance, away.T).T, axis=1)
    return -0.5 * (square + np.linalg.slogdet(2 * np.pi * covariance)[1])
