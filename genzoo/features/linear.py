"""Weighted sums of sites: totals of groups, degrees, equations."""

from collections.abc import Sequence
from typing import Any, ClassVar

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from genzoo import checks
from genzoo.features.feature import NO_PAIRS, Feature, OneSite, Quadratic, flat
from genzoo.spaces import Space
from genzoo.types import Array, ArrayLike

# Numbers of the matrix, each of which a preset holds as text.
_MOST = 2**22


def _weights(value: Any, where: str) -> Array:
    """A matrix with a row for each function, none of them zero."""
    found = checks.array(value, where)
    found = found[None] if found.ndim == 1 else found
    if found.ndim != 2 or not 0 < found.size <= _MOST:
        words = "a matrix with a row for each function, a column for each site"
        checks.refuse(np.asarray(value), where, words)
    empty = np.flatnonzero(~found.any(axis=1))
    if len(empty):
        words = f"a matrix without rows of zeros, such as row {empty[0]}"
        checks.refuse(np.asarray(value), where, words)
    return found


def _names(value: Any, where: str) -> list[str]:
    found = list(value) if isinstance(value, (list, tuple)) else []
    if not found or not all(isinstance(name, str) for name in found):
        checks.refuse(value, where, "a list of strings")
    return found


@keras.saving.register_keras_serializable("genzoo.features")
class Linear(Feature):
    """`f_j(x) = sum_i W_ji x_i`: weighted sums of sites.

    Totals of groups of sites; the degrees of a graph whose edges are sites;
    the equations of a regression whose coefficients and errors are sites on
    supports (generalised maximum entropy: Golan, Judge and Miller, 1996). Under
    them alone, and other functions of one site, sites are independent, so that
    sums are exact for any number of sites.

    Args:
        weights: W, (functions, sites), or one row; sites in the order of a
            flattened example.
        names: of the functions; by default `W_0 x`, `W_1 x`.

    Raises:
        ValueError: if W has not a column for each site, or a row of zeros, or
            there is not a name for each function.

    Example:
    >>> edges = [(i, j) for i in range(4) for j in range(i)]
    >>> ends = [[float(node in edge) for edge in edges] for node in range(4)]
    >>> degrees = genzoo.features.Linear(ends)
    >>> graph = genzoo.MaxEnt(genzoo.spaces.Binary(len(edges)), degrees)
    >>> graph.compile()
    >>> history = graph.fit(observations=[2.0, 1.0, 1.0, 1.0], verbose=0)
    >>> float(graph.sample(1000, seed=0).sum(axis=1).mean().round(1))
    2.5
    """

    arguments: ClassVar[checks.Arguments] = {
        "weights": _weights,
        "names": checks.optional(_names),
    }

    def __init__(self, weights: ArrayLike, names: Sequence[str] | None = None):
        self.weights, self._given_names = checks.arguments(
            self, weights=weights, names=names
        )
        count = len(self.weights)
        if names is not None and len(self._given_names) != count:
            words = f"a name for each of {count} functions"
            checks.refuse(names, "Linear: names", words)

    def names(self, space: Space) -> list[str]:
        """Those given, or W_0 x and so on."""
        if space.width != self.weights.shape[1]:
            raise ValueError(
                f"Linear: weights must have a column for each of "
                f"{space.width} sites; received shape {self.weights.shape}."
            )
        if self._given_names is not None:
            return list(self._given_names)
        return [f"W_{j} x" for j in range(len(self.weights))]

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        """W x, (batch, functions)."""
        x = flat(x)
        return x @ ops.cast(self.weights.T, x.dtype)

    def quadratic(self, space: Space) -> Quadratic | None:
        """Linear, where sites are counted or not."""
        if not np.isin(self.weights, (0, 1)).all():
            return None
        owners, sites = np.nonzero(self.weights)
        return Quadratic(sites, owners, NO_PAIRS, NO_PAIRS[:, 0])

    def one_site(self, space: Space) -> OneSite:
        """The summands that are not zero."""
        owners, sites = np.nonzero(self.weights)
        factors = self.weights[owners, sites]

        def summands(x):
            x = ops.take(flat(x), sites, axis=1)
            return x * ops.cast(factors, x.dtype)

        return OneSite(summands, sites, owners)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        names = self._given_names
        return {"weights": self.weights.tolist(), "names": names}
