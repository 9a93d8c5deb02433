"""Margins of a table: the probabilities of values of one site or several."""

import itertools
import math
from collections.abc import Sequence
from typing import Any, ClassVar, Self

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from genzoo import checks
from genzoo.features.feature import Feature, OneSite, flat
from genzoo.spaces import Space

_MOST = 8


def _sites(value: Any, where: str) -> list:
    """Numbers or names of sites, one or a list of a few."""
    sites = list(value) if isinstance(value, (list, tuple)) else [value]
    good = [
        isinstance(site, str)
        or (checks.is_int(site) and 0 <= site < checks.MOST_SITES)
        for site in sites
    ]
    if not 1 <= len(sites) <= _MOST or not all(good):
        words = f"the number or name of a site, or a list of 1 to {_MOST}"
        checks.refuse(value, where, words)
    return [site if isinstance(site, str) else int(site) for site in sites]


@keras.saving.register_keras_serializable("genzoo.features")
class Marginal(Feature):
    """`f_ab(x) = 1 if x_i = a and x_j = b`: all cells of a margin.

    Of discrete sites, which may differ in their values. The cells of a margin
    add up to one, so that one of them follows from the others and has no
    multiplier of its own. A cell of average 0 has the multiplier -inf: its
    states have the probability zero.

    Args:
        sites: the number or name of a site, or a list of several, whose
            values together are the cells; names are those of a `Product` of
            spaces of one site.

    Raises:
        ValueError: for a site that is not there, comes twice or is continuous.

    Example:
    >>> values = genzoo.spaces.Categorical
    >>> table = genzoo.spaces.Product(
    ...     [values([0, 1]), values([0, 1, 2])], names=["sex", "age"]
    ... )
    >>> margins = [genzoo.features.Marginal(name) for name in table.names]
    >>> model = genzoo.MaxEnt(table, margins)
    >>> model.features.names
    ['sex=0', 'sex=1', 'age=0', 'age=1', 'age=2']
    >>> model.compile()
    >>> observed = {"sex": {1: 0.4}, "age": [0.2, 0.5, 0.3]}
    >>> history = model.fit(observations=observed, verbose=0)
    >>> round(float(model.prob([[1, 2]])[0]), 3)
    0.12
    """

    arguments: ClassVar[checks.Arguments] = {"sites": _sites}

    def __init__(self, sites: int | str | Sequence[int | str]):
        (self.sites,) = checks.arguments(self, sites=sites)
        self._places: list[int] = []
        self._levels: list[np.ndarray] = []

    def on(self, space: Space) -> Self:
        """The same, which knows the values of its sites."""
        known = type(self)(self.sites)
        known._places = self._numbers(space)
        known._levels = [np.asarray(space.levels[i]) for i in known._places]
        return known

    def _numbers(self, space):
        """The numbers of the sites."""
        names = _names(space)
        found = []
        for site in self.sites:
            if site in names:
                found.append(names.index(site))
            elif isinstance(site, int) and site < space.width:
                found.append(site)
            else:
                raise ValueError(
                    f"Marginal: there is no site {site!r}; there are "
                    f"{space.width}, named {names[:6]}."
                )
        if len(set(found)) < len(found):
            raise ValueError(
                f"Marginal: sites must be different; received {self.sites}."
            )
        for i in found:
            if space.levels[i] is None:
                raise ValueError(
                    f"Marginal: the site {names[i]!r} is continuous. Take "
                    "features.Histogram, which has bins."
                )
        return found

    def count(self, space: Space) -> int:
        """The number of cells."""
        return math.prod(len(space.levels[i]) for i in self._numbers(space))

    def names(self, space: Space) -> list[str]:
        """sex=0 age=1, and so on, the last site's values fastest."""
        names = _names(space)
        parts = [
            [f"{names[i]}={value:.12g}" for value in space.levels[i]]
            for i in self._numbers(space)
        ]
        return [" ".join(cell) for cell in itertools.product(*parts)]

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        """Indicators of the cells, (batch, cells)."""
        if not self._levels:
            raise ValueError(
                "Marginal: call `marginal.on(space)` first, or give it to a "
                "model, which does."
            )
        x = flat(x)
        cells = ops.ones((ops.shape(x)[0], 1), x.dtype)
        for place, levels in zip(self._places, self._levels, strict=True):
            # Examples are in float32, which may hold a level's nearest only.
            values = ops.cast(levels, "float32")
            equal = ops.cast(x[:, place : place + 1], "float32") == values
            hot = ops.cast(equal, x.dtype)
            size = cells.shape[1] * len(levels)
            both = cells[:, :, None] * hot[:, None, :]
            cells = ops.reshape(both, (-1, size))
        return cells

    def one_site(self, space: Space) -> OneSite | None:
        """The cells of a margin of one site; None for more."""
        if len(self.sites) > 1:
            return None
        sites = np.repeat(self._numbers(space), self.count(space))
        return OneSite(self, sites, np.arange(len(sites)))

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {"sites": list(self.sites)}


def _names(space):
    """Of the sites: those of a product's spaces, where each has one."""
    names = getattr(space, "names", None)
    return names if names and len(names) == space.width else space.site_names
