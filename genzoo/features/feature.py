"""What every feature provides, and several features as one."""

from typing import ClassVar, NamedTuple

import numpy as np
from keras import ops

from genzoo.checks import Arguments
from genzoo.spaces import Space


class Quadratic(NamedTuple):
    """Features that are parts of `sum b_i phi_i + sum J_ij phi_i phi_j`.

    phi is the state itself, or, with `values`, the indicators of all but the
    last value at each site.

    Attributes:
        sites: positions in phi of the linear parts, an int array.
        site_features: which feature each belongs to.
        pairs: positions (i, j) of the bilinear parts, an int array (m, 2).
        pair_features: which feature each belongs to.
        values: the values that a site takes, or None where phi = x.
    """

    sites: np.ndarray
    site_features: np.ndarray
    pairs: np.ndarray
    pair_features: np.ndarray
    values: tuple | None = None


NO_SITES = np.zeros(0, np.int64)
NO_PAIRS = np.zeros((0, 2), np.int64)


class Feature:
    """One or more functions f_i(x), whose averages are constrained."""

    arguments: ClassVar[Arguments] = {}

    @property
    def breaks(self) -> tuple[float, ...]:
        """Numbers at which a function of a continuous site may jump."""
        return ()

    def count(self, space: Space) -> int:
        """How many functions there are, without a list of them.

        Raises:
            ValueError: if the feature does not apply to the space.
        """
        return len(self.names(space))

    def names(self, space: Space) -> list[str]:
        """A name for each function, a list.

        Raises:
            ValueError: if the feature does not apply to the space.
        """
        raise NotImplementedError

    def __call__(self, x):
        """f(x), shape (batch, n), for examples (batch, *event_shape)."""
        raise NotImplementedError

    def quadratic(self, space):
        """The `Quadratic` form that the functions are, or None."""
        return

    def get_config(self):
        """The constructor's arguments."""
        return {}

    @classmethod
    def from_config(cls, config):
        """A feature from `get_config`."""
        return cls(**config)


def flat(x):
    """Examples (batch, *event_shape) as states (batch, width)."""
    return ops.reshape(x, (ops.shape(x)[0], int(np.prod(x.shape[1:]))))
