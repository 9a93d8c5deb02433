"""Powers of x."""

from typing import Any, ClassVar, Self

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from genzoo import checks
from genzoo.features.feature import NO_PAIRS, Feature, OneSite, Quadratic, flat
from genzoo.spaces import Space

_HIGHEST = 64


def _powers(value: Any, where: str) -> list[int]:
    if (
        not isinstance(value, (list, tuple))
        or not value
        or not all(checks.is_int(p) and 0 < p <= _HIGHEST for p in value)
        or len(set(value)) < len(value)
    ):
        words = f"different positive ints of at most {_HIGHEST}"
        checks.refuse(value, where, words)
    return [int(p) for p in value]


@keras.saving.register_keras_serializable("genzoo.features")
class Moments(Feature):
    """The powers `x_i^p` of each site, so that moments are constrained.

    Args:
        *powers: ints from 1 to 64; p = 1 if there are none.
        tied: whether there is one function `sum_i x_i^p` for all sites, such
            as the magnetisation, and not one for each.

    Raises:
        ValueError: if a power is not a positive int, or comes twice.

    Example:
    >>> powers = genzoo.features.Moments(1, 2)
    >>> gaussian = genzoo.MaxEnt(genzoo.spaces.Real(), powers)
    >>> gaussian.compile()
    >>> history = gaussian.fit(observations=[0.0, 1.0], verbose=0)
    >>> [round(value, 3) for value in gaussian.multipliers.tolist()]
    [0.0, -0.5]
    """

    arguments: ClassVar[checks.Arguments] = {
        "powers": _powers,
        "tied": checks.flag,
    }

    def __init__(self, *powers: int, tied: bool = False):
        self.powers, self.tied = checks.arguments(
            self, powers=powers or (1,), tied=tied
        )

    def count(self, space: Space) -> int:
        """Powers, times sites if they are not tied."""
        return len(self.powers) * (1 if self.tied else space.width)

    def names(self, space: Space) -> list[str]:
        """x^2, or x_0^2, x_1^2, or sum x^2."""
        sites = ["sum x"] if self.tied else space.site_names
        marks = ["" if p == 1 else f"^{p}" for p in self.powers]
        return [site + mark for mark in marks for site in sites]

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        """Powers, (batch, powers * width)."""
        x = flat(x)
        values, power = [], None
        for p in range(1, max(self.powers) + 1):
            power = x if power is None else power * x
            if p in self.powers:
                values.append(power)
        # In the order that they were asked for.
        order = sorted(self.powers)
        values = [values[order.index(p)] for p in self.powers]
        if self.tied:
            values = [ops.sum(v, axis=-1, keepdims=True) for v in values]
        return ops.concatenate(values, axis=-1)

    def quadratic(self, space: Space) -> Quadratic | None:
        """Linear, if the first power is all there is."""
        if self.powers != [1]:
            return None
        sites = np.arange(space.width)
        features = sites * 0 if self.tied else sites
        return Quadratic(sites, features, NO_PAIRS, NO_PAIRS[:, 0])

    def one_site(self, space: Space) -> OneSite:
        """The powers of each site."""
        count = len(self.powers)
        sites = np.tile(np.arange(space.width), count)
        if self.tied:
            each = type(self)(*self.powers)
            return OneSite(
                each, sites, np.repeat(np.arange(count), space.width)
            )
        return OneSite(self, sites, np.arange(len(sites)))

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {"powers": list(self.powers), "tied": self.tied}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """A feature from `get_config`."""
        return cls(*config["powers"], tied=config["tied"])
