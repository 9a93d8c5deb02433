"""Cosines and sines of angles."""

from typing import Any, ClassVar, Self

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from genzoo import checks
from genzoo.features.feature import Feature, OneSite, flat
from genzoo.features.moments import _powers
from genzoo.spaces import Space


@keras.saving.register_keras_serializable("genzoo.features")
class CircularMoments(Feature):
    """`cos k a` and `sin k a` of each angle: what a mean is on a circle.

    With k = 1 maximum entropy is the von Mises density, on several sites a
    product of them. a is x in radians, whatever the period of the space.
    Of other sites of a `Product` there are none.

    Args:
        *orders: ints k from 1 to 64; k = 1 if there are none.

    Raises:
        ValueError: if an order is not a positive int, or comes twice; for a
            space without a `genzoo.spaces.Angle`.

    Reference:
        Mardia and Jupp, "Directional statistics", 2000.

    Example:
    >>> hours = genzoo.spaces.Angle(period=24, low=0)
    >>> features = genzoo.features.CircularMoments(1, 2)
    >>> features.names(hours)
    ['cos x', 'sin x', 'cos 2 x', 'sin 2 x']
    """

    arguments: ClassVar[checks.Arguments] = {"orders": _powers}

    def __init__(self, *orders: int):
        (self.orders,) = checks.arguments(self, orders=orders or (1,))
        # The angles and radians of their units, once the space is known.
        self.sites: Any = None
        self.units: Any = None

    def on(self, space: Space) -> Feature:
        """The feature with the periods of the space's sites."""
        found = type(self)(*self.orders)
        found.sites = _angles(space)
        found.units = 2 * np.pi / (space.high - space.low)[found.sites]
        return found

    def count(self, space: Space) -> int:
        """Two for each order and angle."""
        return 2 * len(self.orders) * len(_angles(space))

    def names(self, space: Space) -> list[str]:
        """cos x, sin x, or cos 2 x_0, cos 2 x_1, and so on."""
        names = [space.site_names[site] for site in _angles(space)]
        return [
            f"{name} {'' if k == 1 else f'{k} '}{site}"
            for k in self.orders
            for name in ("cos", "sin")
            for site in names
        ]

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        """Cosines, then sines, order by order: (batch, 2 orders angles)."""
        x = flat(x)
        if self.units is not None:
            x = ops.take(x, self.sites, axis=-1)
            x = x * ops.cast(self.units, x.dtype)
        values = []
        for k in self.orders:
            values += [ops.cos(k * x), ops.sin(k * x)]
        return ops.concatenate(values, axis=-1)

    def one_site(self, space: Space) -> OneSite:
        """Those of each angle."""
        sites = np.tile(_angles(space), 2 * len(self.orders))
        return OneSite(self, sites, np.arange(len(sites)))

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {"orders": list(self.orders)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """A feature from `get_config`."""
        return cls(*config["orders"])


def _angles(space):
    """The numbers of the sites that are angles."""
    sites = np.flatnonzero(space.periodic)
    if not len(sites):
        raise ValueError(
            "CircularMoments: there must be angles, sites of "
            f"genzoo.spaces.Angle; received {space!r}."
        )
    return sites
