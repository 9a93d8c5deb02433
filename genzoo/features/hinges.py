"""Hinges and thresholds: functions that bend or jump at knots.

With a Laplace tolerance a few of many are used, so that the log-density is a
piecewise linear or constant function of each site, of the data's own choice.
This is how species distributions are modelled.
"""

from collections.abc import Iterable
from typing import Any, ClassVar

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from genzoo import checks
from genzoo.features.feature import Feature, OneSite, flat
from genzoo.spaces import Space
from genzoo.types import Array, ArrayLike

_MOST_KNOTS = 2**16


def _knots(least: int) -> checks.Check:
    """Increasing numbers, or columns of them, as a float64 array."""
    many = {1: "one", 2: "two"}[least]

    def check(value: Any, where: str) -> Array:
        words = (
            f"{many} or more increasing numbers, or a column of them for each "
            "site, such as np.linspace(x.min(0), x.max(0), 50)"
        )
        try:
            found = np.asarray(value)
        except ValueError:
            found = np.zeros(0, object)
        if (
            found.dtype.kind not in "iuf"
            or found.ndim not in (1, 2)
            or not least <= len(found) <= _MOST_KNOTS
            or not 0 < found.size <= _MOST_KNOTS
            or not np.isfinite(found).all()
        ):
            checks.refuse(value, where, words)
        knots = found.astype(np.float64)
        rises = (np.diff(knots, axis=0) > 0).all(axis=0)
        if not rises.all():
            hint = "Take each number once, in order."
            if knots.ndim == 2:
                column = int(np.flatnonzero(~rises)[0])
                hint = (
                    f"Those of column {column} do not increase: a site that "
                    "is constant has none, leave it out by sites=."
                )
            checks.refuse(value, where, words, hint)
        return knots

    return check


def _sites(value: Any, where: str) -> list[int]:
    """Positions of sites, each once."""
    is_list = isinstance(value, (list, tuple))
    found = value if is_list else np.ravel(value).tolist()
    if (
        not 0 < len(found) <= _MOST_KNOTS
        or not all(checks.is_int(site) and site >= 0 for site in found)
        or len(set(found)) < len(found)
    ):
        checks.refuse(value, where, "positions of sites from 0, each once")
    return [int(site) for site in found]


class _AtKnots(Feature):
    """Functions of one site each, that bend or jump at its knots."""

    def __init__(self, knots, sites):
        self.knots, self.sites = checks.arguments(
            self, knots=knots, sites=sites
        )
        name = type(self).__name__
        if self.sites is not None and self.knots.ndim == 2:
            self._check_columns(name, len(self.sites), "sites names")

    def _check_columns(self, name, expected, whose):
        columns = self.knots.shape[1]
        if columns != expected:
            raise ValueError(
                f"{name}: knots has {columns} columns, one for each site; "
                f"{whose} {expected}. Pass as many columns, or one list of "
                "knots for all."
            )

    @property
    def breaks(self) -> tuple[float, ...]:
        """The knots of all sites."""
        return tuple(np.unique(self.knots).tolist())

    def _places(self, width):
        """The sites that have knots, an int array."""
        name = type(self).__name__
        if self.sites is None:
            if self.knots.ndim == 2:
                self._check_columns(name, width, "the space has")
            return np.arange(width)
        if max(self.sites) >= width:
            raise ValueError(
                f"{name}: sites names site {max(self.sites)}; the space has "
                f"{width}, numbered from 0."
            )
        return np.array(self.sites)

    def _by_site(self, width):
        """(sites, the knots of each, (sites, knots))."""
        places = self._places(width)
        knots = self.knots.T if self.knots.ndim == 2 else self.knots[None]
        return places, np.broadcast_to(knots, (len(places), knots.shape[1]))

    def one_site(self, space: Space) -> OneSite:
        """Those of each site that has knots."""
        places = self._places(space.width)
        sites = np.repeat(places, self.count(space) // len(places))
        return OneSite(self, sites, np.arange(len(sites)))

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {"knots": self.knots.tolist(), "sites": self.sites}


@keras.saving.register_keras_serializable("genzoo.features")
class Hinge(_AtKnots):
    """Functions of a site that rise from 0 to 1 and stay there, as in maxnet.

    With knots `k_0 < ... < k_m` these are, for each site, m forward hinges,
    which rise from a knot to the last one, and m reverse hinges, which rise
    from the first knot to another,

        f(x) = clip((x - k_i) / (k_m - k_i), 0, 1),      i = 0 ... m - 1,
        f(x) = clip((x - k_0) / (k_i - k_0), 0, 1),      i = 1 ... m.

    The first and the last of them are the same function. Beyond the ends all
    are constant. The knots are kinks, which integrals over continuous sites
    respect.

    Args:
        knots: two or more increasing numbers, from the least to the greatest
            of the data, for all sites alike; or a column for each site, an
            array (knots, sites).
        sites: the positions of the sites that have hinges; None takes all.

    Raises:
        ValueError: if the knots do not increase, or there are not as many
            columns as sites.

    Reference:
        Phillips, Anderson, Dudik, Schapire and Blair, "Opening the black box:
        an open-source release of Maxent", Ecography 40, 2017.

    Example:
    >>> hinges = genzoo.features.Hinge([0, 1, 2])
    >>> names = hinges.names(genzoo.spaces.Interval(0, 2))
    >>> names[:3]
    ['hinge(x, 0, 2)', 'hinge(x, 1, 2)', 'reverse hinge(x, 0, 1)']
    >>> hinges(tf.constant([[0.5], [1.5]])).numpy().tolist()
    [[0.25, 0.0, 0.5, 0.25], [0.75, 0.5, 1.0, 0.75]]

    Of presences among sites with eight covariates x, (n, 8):

    >>> x = np.random.default_rng(0).standard_normal((100, 8))
    >>> knots = np.linspace(x.min(0), x.max(0), 20)
    >>> genzoo.features.Hinge(knots)(x).shape[1]
    304
    """

    arguments: ClassVar[checks.Arguments] = {
        "knots": _knots(2),
        "sites": checks.optional(_sites),
    }

    def __init__(
        self, knots: ArrayLike, sites: Iterable[int] | int | None = None
    ):
        super().__init__(knots, sites)

    def _ends(self, width):
        """(sites, where each begins to rise, and where it ends)."""
        places, knots = self._by_site(width)
        first = np.broadcast_to(knots[:, :1], knots[:, 1:].shape)
        last = np.broadcast_to(knots[:, -1:], first.shape)
        low = np.concatenate([knots[:, :-1], first], axis=1)
        return places, low, np.concatenate([last, knots[:, 1:]], axis=1)

    def count(self, space: Space) -> int:
        """Twice the knots but one, times sites."""
        return len(self._places(space.width)) * 2 * (len(self.knots) - 1)

    def names(self, space: Space) -> list[str]:
        """hinge(x, 0, 2), which rises from 0 to 2, and so on."""
        places, low, high = self._ends(space.width)
        forward = len(self.knots) - 1
        return [
            f"{'' if place < forward else 'reverse '}"
            f"hinge({space.site_names[site]}, {a:g}, {b:g})"
            for site, *ends in zip(places, low, high, strict=True)
            for place, (a, b) in enumerate(zip(*ends, strict=True))
        ]

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        """Hinges, (batch, sites * 2 (knots - 1))."""
        x = flat(ops.convert_to_tensor(x))
        places, low, high = self._ends(x.shape[1])
        x = ops.take(x, places, axis=1)[:, :, None]
        low, slope = (ops.cast(a, x.dtype) for a in (low, 1 / (high - low)))
        value = ops.clip((x - low) * slope, 0.0, 1.0)
        return ops.reshape(value, (-1, int(np.prod(value.shape[1:]))))


@keras.saving.register_keras_serializable("genzoo.features")
class Threshold(_AtKnots):
    """Steps, `f_k(x) = 1 if x >= k`, for each site and each knot k.

    The knots are jumps, which integrals over continuous sites respect.

    Args:
        knots: increasing numbers, inside of the range of the data, for all
            sites alike; or a column for each site, an array (knots, sites).
        sites: the positions of the sites that have steps; None takes all.

    Raises:
        ValueError: if the knots do not increase, or there are not as many
            columns as sites.

    Example:
    >>> steps = genzoo.features.Threshold([0.25, 0.75])
    >>> model = genzoo.MaxEnt(genzoo.spaces.Interval(0, 1), steps)
    >>> model.compile()
    >>> history = model.fit(observations=[0.5, 0.1], verbose=0)
    >>> model.features.names
    ['x >= 0.25', 'x >= 0.75']
    >>> [round(p, 3) for p in model.prob([[0.1], [0.5], [0.9]]).tolist()]
    [2.0, 0.8, 0.4]
    """

    arguments: ClassVar[checks.Arguments] = {
        "knots": _knots(1),
        "sites": checks.optional(_sites),
    }

    def __init__(
        self, knots: ArrayLike, sites: Iterable[int] | int | None = None
    ):
        super().__init__(knots, sites)

    def count(self, space: Space) -> int:
        """Knots times sites."""
        return len(self._places(space.width)) * len(self.knots)

    def names(self, space: Space) -> list[str]:
        """x >= 0.5, and so on."""
        places, knots = self._by_site(space.width)
        return [
            f"{space.site_names[site]} >= {knot:g}"
            for site, own in zip(places, knots, strict=True)
            for knot in own
        ]

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        """Steps, (batch, sites * knots)."""
        x = flat(ops.convert_to_tensor(x))
        places, knots = self._by_site(x.shape[1])
        x = ops.take(x, places, axis=1)[:, :, None]
        value = ops.cast(x >= ops.cast(knots, x.dtype), x.dtype)
        return ops.reshape(value, (-1, int(np.prod(value.shape[1:]))))
