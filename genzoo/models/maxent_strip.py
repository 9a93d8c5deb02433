"""Lattices narrow enough for the transfer matrix."""

import math
from typing import NamedTuple

import tensorflow as tf

from genzoo import partition
from genzoo.features import LatticeBonds, Moments
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
        count: number of features.
    """

    shape: tuple
    periodic: tuple
    bonds: int
    spins: int | None
    count: int

    def _log_partition(self, multipliers):
        field = 0.0 if self.spins is None else multipliers[self.spins]
        return partition.transfer_matrix(
            self.shape, self.periodic, multipliers[self.bonds], field
        )

    def moments(self, multipliers, shift):
        """(log Z - multipliers . shift, <f> - shift, covariance, 0)."""
        with tf.GradientTape(persistent=True) as outer:
            outer.watch(multipliers)
            with tf.GradientTape() as inner:
                inner.watch(multipliers)
                log_z = self._log_partition(multipliers)
            mean = inner.gradient(log_z, multipliers)
            parts = [mean[i] for i in range(self.count)]
        covariance = tf.stack(
            [outer.gradient(part, multipliers) for part in parts]
        )
        value = log_z - tf.reduce_sum(multipliers * shift)
        return value, mean - shift, covariance, tf.zeros((), tf.float64)

    def sample(self, multipliers, n, seed):
        """n exact draws, (n, sites)."""
        field = 0.0 if self.spins is None else multipliers[self.spins]
        draws = partition.sample_transfer_matrix(
            self.shape, self.periodic, multipliers[self.bonds], field, n, seed
        )
        return tf.reshape(draws, (-1, math.prod(self.shape)))


def find_strip(model):
    """The `Strip` that a MaxEnt is, or None.

    Its features must be `LatticeBonds` in one or two dimensions, no wider
    than 10, and at most `Moments(1, tied=True)` besides, on spins and without
    a reference.
    """
    if not isinstance(model.space, Spin) or model.reference is not None:
        return None
    bonds = spins = None
    for place, part in enumerate(model.features.parts):
        if isinstance(part, LatticeBonds) and bonds is None:
            bonds, lattice = place, part
        elif (
            isinstance(part, Moments)
            and (part.powers, part.tied) == ([1], True)
            and spins is None
        ):
            spins = place
        else:
            return None
    if bonds is None or len(lattice.shape) > 2:
        return None
    shape = (*lattice.shape, 1)[:2]
    wraps = lattice.wraps + [False]
    # A side of one site has no bonds.
    wraps = tuple(w and s > 1 for w, s in zip(wraps, shape, strict=False))
    narrow, long = min(shape), max(shape)
    if narrow > _WIDEST or 4**narrow * long > _MOST_NUMBERS:
        return None
    return Strip(shape, wraps, bonds, spins, len(model.features))
