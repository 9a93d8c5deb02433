"""Lattices narrow enough for the transfer matrix."""

import math
from typing import Any, NamedTuple

import tensorflow as tf

from genzoo import features, partition
from genzoo.models.maxent.density import Density
from genzoo.models.maxent.routes.route import ExactRoute, Moments
from genzoo.models.maxent.routes.window import Window
from genzoo.runtime import random
from genzoo.spaces import Spin

_WIDEST = 10
# Numbers in the powers of the matrix that exact draws keep.
_MOST_NUMBERS = 2**27


class Strip(NamedTuple):
    """An Ising lattice with one coupling and perhaps one field.

    Attributes:
        shape: (rows, columns).
        periodic: (bool, bool).
        bonds: the place of the coupling among the features.
        spins: that of the field, or None.
        features: their number.
    """

    shape: tuple
    periodic: tuple
    bonds: int
    spins: int | None
    features: int

    def _log_partition(self, multipliers):
        field = 0.0 if self.spins is None else multipliers[self.spins]
        return partition.transfer_matrix(
            self.shape, self.periodic, multipliers[self.bonds], field
        )

    def moments(self, multipliers: tf.Tensor, shift: tf.Tensor) -> Moments:
        """The `Moments` of the features less a shift."""
        with tf.GradientTape(persistent=True) as outer:
            outer.watch(multipliers)
            with tf.GradientTape() as inner:
                inner.watch(multipliers)
                log_z = self._log_partition(multipliers)
            mean = inner.gradient(log_z, multipliers)
            parts = [mean[i] for i in range(self.features)]
        covariance = tf.stack(
            [outer.gradient(part, multipliers) for part in parts]
        )
        value = log_z - tf.reduce_sum(multipliers * shift)
        zero = tf.zeros((), tf.float64)
        return Moments(value, mean - shift, covariance, zero)

    def sample(
        self, multipliers: tf.Tensor, n: int | tf.Tensor, seed: random.Seed
    ) -> tf.Tensor:
        """n exact draws, (n, sites)."""
        field = 0.0 if self.spins is None else multipliers[self.spins]
        draws = partition.sample_transfer_matrix(
            self.shape, self.periodic, multipliers[self.bonds], field, n, seed
        )
        return tf.reshape(draws, (-1, math.prod(self.shape)))


def find_strip(density: Density) -> Strip | None:
    """The `Strip` that a density is, or None.

    Its features must be `LatticeBonds` in one or two dimensions, no wider
    than 10, and at most `Moments(1, tied=True)` besides, on spins and without
    a reference.
    """
    if not isinstance(density.space, Spin) or density.reference is not None:
        return None
    bonds = spins = None
    for place, part in enumerate(density.features.parts):
        if isinstance(part, features.LatticeBonds) and bonds is None:
            bonds, lattice = place, part
        elif (
            isinstance(part, features.Moments)
            and (part.powers, part.tied) == ([1], True)
            and spins is None
        ):
            spins = place
        else:
            return None
    if (
        bonds is None
        or len(lattice.shape) > 2
        or (lattice.lattice, lattice.equal) != ("square", False)
    ):
        return None
    shape = (*lattice.shape, 1)[:2]
    ends = [*lattice.wraps, False]
    # A side of one site has no bonds.
    wraps = tuple(w and s > 1 for w, s in zip(ends, shape, strict=False))
    narrow, long = min(shape), max(shape)
    if narrow > _WIDEST or 4**narrow * long > _MOST_NUMBERS:
        return None
    return Strip(shape, wraps, bonds, spins, len(density.features))


class StripRoute(ExactRoute):
    """The transfer matrix.

    Args:
        density: the `Density`.
        window: as of any exact route; spins have no use for it.
        strip: what the density is.
    """

    name = "transfer_matrix"

    def __init__(self, density: Density, window: Window, strip: Strip):
        super().__init__(density, window)
        self.strip = strip

    def moments(
        self, multipliers: tf.Tensor, shift: tf.Tensor, second: bool = True
    ) -> Moments:
        """The `Moments`, as derivatives of log Z."""
        return self.strip.moments(multipliers, shift)

    def states(
        self,
        multipliers: tf.Tensor,
        n: Any,
        seed: random.Seed,
        temperature: Any,
        extent: tf.Tensor,
    ) -> tf.Tensor:
        """n independent states, row by row."""
        beta = tf.cast(1 / temperature, tf.float64)
        return self.strip.sample(beta * multipliers, n, seed)
