"""Powers of x."""

import numbers

import keras
import numpy as np
from keras import ops

from genzoo.features.feature import NO_PAIRS, Feature, Quadratic, flat


@keras.saving.register_keras_serializable("genzoo.features")
class Moments(Feature):
    """The powers `x_i^p` of each site, so that moments are constrained.

    Args:
        *powers: positive ints; p = 1 if there are none.
        tied: whether there is one function `sum_i x_i^p` for all sites, such
            as the magnetisation, and not one for each.

    Raises:
        ValueError: if a power is not a positive int, or comes twice.

    Example:
    >>> Moments(1, 2)        # a Gaussian, on the real line
    """

    def __init__(self, *powers, tied=False):
        powers = powers or (1,)
        good = [
            isinstance(p, numbers.Integral)
            and not isinstance(p, bool)
            and p > 0
            for p in powers
        ]
        if not all(good) or len(set(powers)) < len(powers):
            raise ValueError(
                "Moments: powers must be different positive ints; received "
                f"{powers!r}."
            )
        self.powers = [int(p) for p in powers]
        self.tied = bool(tied)

    def names(self, space):
        """x^2, or x_0^2, x_1^2, or sum x^2."""
        sites = ["sum x"] if self.tied else space.site_names
        marks = ["" if p == 1 else f"^{p}" for p in self.powers]
        return [site + mark for mark in marks for site in sites]

    def __call__(self, x):
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

    def quadratic(self, space):
        """Linear, if the first power is all there is."""
        if self.powers != [1]:
            return None
        sites = np.arange(space.width)
        features = sites * 0 if self.tied else sites
        return Quadratic(sites, features, NO_PAIRS, NO_PAIRS[:, 0])

    def get_config(self):
        """The constructor's arguments."""
        return {"powers": self.powers, "tied": self.tied}

    @classmethod
    def from_config(cls, config):
        """A feature from `get_config`."""
        return cls(*config["powers"], tied=config["tied"])
