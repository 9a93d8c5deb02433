"""Bonds of angles: the XY model's."""

from typing import Any, ClassVar

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from genzoo import checks
from genzoo.features.feature import Feature, flat
from genzoo.features.pairwise import LatticeBonds
from genzoo.spaces import Space


@keras.saving.register_keras_serializable("genzoo.features")
class CosineBonds(Feature):
    """The sum `sum_<ij> cos(x_i - x_j)` over the bonds of a lattice of angles.

    Minus its average is the energy of the XY model with J = 1, so that its
    multiplier is J / T. Angles are in radians, whatever the period of the
    space.

    Args:
        shape: of the lattice, an int or a tuple of any number of sides.
        periodic: as of `LatticeBonds`.
        lattice: "square", of any dimension, "cubic" or "triangular".

    Raises:
        ValueError: for a bad shape, `periodic` or `lattice`; for a space whose
            sites are not all angles.

    Reference:
        Kosterlitz and Thouless, "Ordering, metastability and phase
        transitions in two-dimensional systems", J. Phys. C 6, 1973.

    Example:
    >>> bonds = genzoo.features.CosineBonds((4, 4))
    >>> xy = genzoo.MaxEnt(genzoo.spaces.Angle((4, 4)), bonds)
    >>> xy.multipliers = [1.0]
    >>> float(xy.energy(np.zeros((1, 4, 4)))[0])
    -32.0
    """

    arguments: ClassVar[checks.Arguments] = {
        name: LatticeBonds.arguments[name]
        for name in ("shape", "periodic", "lattice")
    }

    def __init__(
        self,
        shape: int | tuple[int, ...],
        periodic: bool | str | list = True,
        lattice: str = "square",
    ):
        self.shape, self.periodic, self.lattice = checks.arguments(
            self, shape=shape, periodic=periodic, lattice=lattice
        )
        self._bonds = LatticeBonds(self.shape, self.periodic, self.lattice)
        # Radians of the units of each site, once the space is known.
        self._units: Any = 1.0

    def on(self, space: Space) -> Feature:
        """The feature with the periods of the space's sites."""
        if not np.all(space.periodic):
            raise ValueError(
                "CosineBonds: all sites must be angles, of "
                f"genzoo.spaces.Angle; received {space!r}."
            )
        found = type(self)(self.shape, self.periodic, self.lattice)
        found._units = 2 * np.pi / (space.high - space.low)
        return found

    def count(self, space: Space) -> int:
        """One."""
        return self._bonds.count(space)

    def names(self, space: Space) -> list[str]:
        """Cosines of bonds."""
        self.count(space)
        return ["cosine bonds"]

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        """The sum, (batch, 1)."""
        x = flat(x)
        x = x * ops.cast(self._units, x.dtype)
        return self._bonds(ops.cos(x)) + self._bonds(ops.sin(x))

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {
            "shape": list(self.shape),
            "periodic": self.periodic,
            "lattice": self.lattice,
        }
