"""Indicators of the values of categorical sites, alone and in pairs.

The last value is left out everywhere: indicators of all values add up to one,
so that with it the multipliers would not be determined.
"""

from collections.abc import Iterable
from typing import Any, ClassVar

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from genzoo import checks
from genzoo.features.feature import (
    NO_PAIRS,
    NO_SITES,
    Feature,
    OneSite,
    Quadratic,
    flat,
)
from genzoo.features.pairwise import edge_array, edge_count, edges_of
from genzoo.spaces import Space

_VALUES = checks.number_list("two or more different finite numbers")


@keras.saving.register_keras_serializable("genzoo.features")
class Indicators(Feature):
    """`f_ia(x) = 1 if x_i = a`, for each site and each value but the last.

    Args:
        values: the values of a site.

    Raises:
        ValueError: unless there are two or more different numbers.

    Example:
    >>> values = [1, 2, 3]
    >>> space = genzoo.spaces.Categorical(values)
    >>> model = genzoo.MaxEnt(space, genzoo.features.Indicators(values))
    >>> model.compile()
    >>> history = model.fit(observations=[0.5, 0.3], verbose=0)
    >>> [round(p, 3) for p in model.prob(space.states()).tolist()]
    [0.5, 0.3, 0.2]
    """

    arguments: ClassVar[checks.Arguments] = {"values": _VALUES}

    def __init__(self, values: Iterable[float]):
        (values,) = checks.arguments(self, values=values)
        self.values = tuple(values)

    def count(self, space: Space) -> int:
        """Sites times values but one."""
        return space.width * (len(self.values) - 1)

    def names(self, space: Space) -> list[str]:
        """x_0=1, and so on."""
        return [
            f"{site}={value:g}"
            for site in space.site_names
            for value in self.values[:-1]
        ]

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        """Indicators, (batch, width * (values - 1))."""
        x = flat(x)
        # Examples are kept in float32, which may hold a level's nearest
        # number only.
        values = ops.cast(np.array(self.values[:-1]), "float32")
        equal = ops.cast(x, "float32")[:, :, None] == values
        equal = ops.cast(equal, x.dtype)
        return ops.reshape(equal, (-1, x.shape[1] * (len(self.values) - 1)))

    def quadratic(self, space: Space) -> Quadratic:
        """Linear in the indicators."""
        count = np.arange(space.width * (len(self.values) - 1))
        return Quadratic(count, count, NO_PAIRS, NO_SITES, self.values)

    def one_site(self, space: Space) -> OneSite:
        """Those of each site."""
        sites = np.repeat(np.arange(space.width), len(self.values) - 1)
        return OneSite(self, sites, np.arange(len(sites)))

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {"values": list(self.values)}


@keras.saving.register_keras_serializable("genzoo.features")
class PairIndicators(Feature):
    """`f_iajb(x) = 1 if x_i = a and x_j = b`: the couplings of a Potts model.

    Args:
        values: the values of a site; the last is left out.
        edges: pairs (i, j) of sites; None takes all.

    Raises:
        ValueError: unless there are two or more different numbers, and edges
            are pairs of different sites, each once.

    Example:
    >>> values = [0, 1, 2]
    >>> chain = genzoo.features.PairIndicators(values, edges=[(0, 1), (1, 2)])
    >>> potts = genzoo.MaxEnt(genzoo.spaces.Categorical(values, 3), chain)
    >>> potts.features.names[:4]
    ['x_0=0 x_1=0', 'x_0=0 x_1=1', 'x_0=1 x_1=0', 'x_0=1 x_1=1']
    """

    arguments: ClassVar[checks.Arguments] = {
        "values": _VALUES,
        "edges": checks.optional(edge_array),
    }

    def __init__(self, values: Iterable[float], edges: Any = None):
        values, self.edges = checks.arguments(self, values=values, edges=edges)
        self.values = tuple(values)

    def count(self, space: Space) -> int:
        """Edges times pairs of values but one each."""
        edges = edge_count("PairIndicators", self.edges, space.event_shape)
        return edges * (len(self.values) - 1) ** 2

    def _places(self, width):
        """Positions of the pairs of indicators, (m, 2)."""
        kept = len(self.values) - 1
        edges = edges_of("PairIndicators", self.edges, width)
        a, b = np.divmod(np.arange(kept * kept), kept)
        first = edges[:, :1] * kept + a
        second = edges[:, 1:] * kept + b
        return np.stack([first.ravel(), second.ravel()], axis=1)

    def names(self, space: Space) -> list[str]:
        """x_0=1 x_1=2, and so on."""
        sites = Indicators(self.values).names(space)
        return [f"{sites[i]} {sites[j]}" for i, j in self._places(space.width)]

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        """Products of indicators, (batch, edges * (values - 1)**2)."""
        x = flat(x)
        indicators = Indicators(self.values)(x)
        places = self._places(x.shape[-1])
        first, second = np.ascontiguousarray(places.T)
        return ops.take(indicators, first, axis=-1) * ops.take(
            indicators, second, axis=-1
        )

    def quadratic(self, space: Space) -> Quadratic:
        """Bilinear in the indicators."""
        edges = edges_of("PairIndicators", self.edges, space.width)
        first = np.arange(len(edges)) * (len(self.values) - 1) ** 2
        return Quadratic(
            NO_SITES,
            NO_SITES,
            NO_PAIRS,
            NO_SITES,
            self.values,
            edges,
            first,
        )

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        edges = None if self.edges is None else self.edges.tolist()
        return {"values": list(self.values), "edges": edges}
