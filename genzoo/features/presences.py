"""Errors of averages over where a species was seen, as maxnet takes them."""

from typing import Any

import numpy as np
import tensorflow as tf

from genzoo import checks
from genzoo.features.feature import Feature
from genzoo.features.feature_list import FeatureList
from genzoo.features.hinges import Hinge, Threshold
from genzoo.features.indicators import Indicators
from genzoo.features.marginal import Marginal
from genzoo.features.moments import Moments
from genzoo.features.pairwise import Pairwise
from genzoo.types import Array, ArrayLike

# Numbers of presences, and by how much standard errors are multiplied there;
# straight lines between them, constant beyond.
_LINEAR = (0, 10, 30, 100), (1.0, 1.0, 0.2, 0.05)
_QUADRATIC = (0, 10, 17, 30, 100), (1.3, 0.8, 0.5, 0.25, 0.05)
_PRODUCT = (0, 10, 17, 30, 100), (2.6, 1.6, 0.9, 0.55, 0.05)
_HINGE = (0, 1), (0.5, 0.5)
_THRESHOLD = (0, 100), (2.0, 1.0)
_CATEGORY = (0, 10, 17), (0.65, 0.5, 0.25)
# Of the range of a feature, the least error.
_LEAST = 1e-3


def presence_stderr(
    features: FeatureList,
    presences: ArrayLike,
    background: ArrayLike,
    strength: float = 1.0,
) -> Array:
    """The `observation_stderr` of features that maxnet takes by default.

    A multiplier of the feature's class and of the number n of presences,
    times its standard deviation over the presences, by the root of n:

    - 1 to 0.05 for linear features (n up to 10; from 100 on), 1.3 to 0.05 for
      them and powers where there are powers, 2.6 to 0.05 for these and
      products where there are products, and for all other functions alike;
    - 0.5 for `Hinge`, whose deviation counts as `1 / sqrt(n)` at least;
    - 2 to 1 for `Threshold`; 1 in all for one that is alike in all presences;
    - 0.65 to 0.25 for `Indicators` and `Marginal`, which are categories;

    and at least a thousandth of the feature's range. They are for
    `tolerance="laplace"`, with which a few of many features are used.

    Args:
        features: the functions, a `FeatureList` of a space of the covariates.
        presences: covariates where the species was seen, (n, sites).
        background: those of the rows that it is compared with, (rows, sites).
        strength: positive, by which all are multiplied; maxnet's `regmult`.

    Returns:
        The errors, (features,), float64.

    Raises:
        ValueError: for fewer than two presences, or what is no list of rows.

    Reference:
        Phillips and Dudik, "Modeling of species distributions with Maxent:
        new extensions and a comprehensive evaluation", Ecography 31, 2008,
        for the multipliers. Phillips, Anderson, Dudik, Schapire and Blair,
        "Opening the black box: an open-source release of Maxent", Ecography
        40, 2017.

    Example:
    >>> x = np.random.default_rng(0).standard_normal((500, 2))
    >>> seen = x[x[:, 0] > 1]
    >>> knots = np.linspace(x.min(0), x.max(0), 20)
    >>> values = genzoo.features.FeatureList(
    ...     genzoo.spaces.Real(2),
    ...     [genzoo.features.Moments(1, 2), genzoo.features.Hinge(knots)],
    ... )
    >>> stderr = genzoo.features.presence_stderr(values, seen, x)
    >>> found = genzoo.MaxEnt.reweight(
    ...     values(tf.constant(x)),
    ...     values(tf.constant(seen)).numpy().mean(axis=0),
    ...     observation_stderr=stderr,
    ...     tolerance="laplace",
    ... )
    >>> density = found.density(values(tf.constant(seen)))
    >>> len(density) == len(seen) and bool(density.mean() > 2)
    True
    """
    where = "presence_stderr"
    if not isinstance(features, FeatureList):
        raise ValueError(
            f"{where}: features must be a genzoo.features.FeatureList, such as "
            "FeatureList(genzoo.spaces.Real(8), [Moments(1, 2)]); received "
            f"{type(features).__name__}."
        )
    strength = checks.positive_number(strength, f"{where}: strength")
    seen = _values(f"{where}: presences", features, presences)
    rows = _values(f"{where}: background", features, background)
    count = len(seen)
    if count < 2:
        raise ValueError(
            f"{where}: presences must have two rows or more; received {count}."
        )
    root = np.sqrt(count)
    every = np.concatenate([seen, rows])
    deviation = seen.std(axis=0, ddof=1)
    least = _LEAST * np.ptp(every, axis=0)
    factors = np.empty(len(features))
    smooth = _smooth(features.parts)
    start = 0
    for part, size in zip(features.parts, features.counts, strict=True):
        own = slice(start, start + size)
        start += size
        table = smooth
        if isinstance(part, Hinge):
            table = _HINGE
            deviation[own] = np.maximum(deviation[own], 1 / root)
        elif isinstance(part, Threshold):
            table = _THRESHOLD
            alike = np.ptp(seen[:, own], axis=0) == 0
            least[own] = np.where(alike, 1.0, least[own])
        elif isinstance(part, (Indicators, Marginal)):
            table = _CATEGORY
        factors[own] = np.interp(count, *table)
    return strength * np.maximum(least, factors * deviation / root)


def _smooth(parts: list[Feature]):
    """The table of linear features, powers and products: one for all."""
    if any(isinstance(part, Pairwise) for part in parts):
        return _PRODUCT
    powers = [
        p for part in parts if isinstance(part, Moments) for p in part.powers
    ]
    return _QUADRATIC if any(p > 1 for p in powers) else _LINEAR


def _values(where: str, features: FeatureList, x: Any) -> Array:
    """Features of rows of covariates, (rows, features)."""
    try:
        states = np.asarray(x, np.float64)
    except (TypeError, ValueError):
        states = np.zeros(0)
    width = features.space.width
    states = states[:, None] if states.ndim == 1 and width == 1 else states
    if states.ndim != 2 or states.shape[1] != width or not len(states):
        raise ValueError(
            f"{where} must have shape (rows, {width}); received {np.shape(x)}."
        )
    if not np.isfinite(states).all():
        raise ValueError(
            f"{where} must be finite numbers. Leave out rows of which "
            "something is not known."
        )
    return features(tf.constant(states)).numpy()
