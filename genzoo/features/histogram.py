"""Histograms: how much of the probability lies in each bin."""

from collections.abc import Iterable
from typing import Any, ClassVar

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from genzoo import checks
from genzoo.features.feature import Feature, OneSite, flat
from genzoo.spaces import Space


@keras.saving.register_keras_serializable("genzoo.features")
class Histogram(Feature):
    """Indicators of bins, for each site: `f_k(x) = 1 if x is in bin k`.

    Bins are [a, b), the last one closed, as in `numpy.histogram`. If they
    cover all of the space their sum is always 1: one is redundant, and its
    multiplier is zero.

    Args:
        bins: the ends of the bins, increasing.

    Raises:
        ValueError: unless there are two or more increasing numbers.

    Example:
    >>> bins = genzoo.features.Histogram([0, 1, 2])
    >>> model = genzoo.MaxEnt(genzoo.spaces.Interval(0, 3), bins)
    >>> model.compile()
    >>> history = model.fit(observations=[0.5, 0.3], verbose=0)
    >>> model.features.names
    ['x in [0, 1)', 'x in [1, 2]']
    """

    arguments: ClassVar[checks.Arguments] = {
        "bins": checks.number_list("two or more increasing numbers", True)
    }

    def __init__(self, bins: Iterable[float]):
        (bins,) = checks.arguments(self, bins=bins)
        self.bins = np.array(bins)

    @property
    def breaks(self) -> tuple[float, ...]:
        """The ends of the bins."""
        return tuple(self.bins.tolist())

    def count(self, space: Space) -> int:
        """Bins times sites."""
        if not space.is_bounded:
            raise ValueError(
                "Histogram: the space is unbounded, where bins cannot be "
                "integrated exactly. Use Interval(low, high)."
            )
        return space.width * (len(self.bins) - 1)

    def names(self, space: Space) -> list[str]:
        """x in [0, 1), and so on."""
        self.count(space)
        last = len(self.bins) - 2
        bins = [
            f"[{low:g}, {high:g}{']' if k == last else ')'}"
            for k, (low, high) in enumerate(
                zip(self.bins[:-1], self.bins[1:], strict=True)
            )
        ]
        return [f"{site} in {bin}" for site in space.site_names for bin in bins]

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        """Indicators, (batch, width * bins)."""
        dtype = x.dtype
        x = flat(x)[:, :, None]
        low = ops.cast(self.bins[:-1], dtype)
        high = ops.cast(self.bins[1:], dtype)
        inside = ops.logical_and(x >= low, x < high)
        end = np.arange(len(self.bins) - 1) == len(self.bins) - 2
        closed = ops.logical_and(end, x == high)
        inside = ops.cast(ops.logical_or(inside, closed), dtype)
        bins = len(self.bins) - 1
        return ops.reshape(inside, (-1, inside.shape[1] * bins))

    def one_site(self, space: Space) -> OneSite:
        """The bins of each site."""
        sites = np.repeat(np.arange(space.width), len(self.bins) - 1)
        return OneSite(self, sites, np.arange(len(sites)))

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {"bins": self.bins.tolist()}
