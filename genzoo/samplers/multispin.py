"""Many lattices of Ising spins in the bits of a word, on a checkerboard.

Bit k of a uint32 word is the spin of lattice k at one site, 1 for up, so that
one operation on a word serves 32 lattices. The same code serves a single
lattice, whose spin is repeated in all bits of a word: `lanes` is the number
of lattices in a word, 32 or 1.

The sites (row, column) of a torus with even sides fall into two sublattices,
even and odd row + column, with neighbours only in the other. Place (r, j) of
a sublattice is the site (r, 2 j + r + parity mod columns): in these sheared
coordinates the four neighbours of all sites of a sublattice are the other
sublattice itself and three shifts of it.

Reference:
    Zorn, Herrmann and Rebbi, "Tests of the multi-spin-coding technique in
    Monte Carlo simulations of statistical systems", Computer Physics
    Communications 23, 1981.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from genzoo.runtime import bits

LANES = 32

_and, _or, _xor, _not = bits.and_, bits.or_, bits.xor, bits.not_


class Words(NamedTuple):
    """One word for each site of the even and of the odd sublattice.

    Attributes:
        even: uint32, (words, rows, columns / 2).
        odd: likewise.
    """

    even: tf.Tensor
    odd: tf.Tensor


def pack(spins: tf.Tensor, lanes: int) -> Words:
    """The `Words` of spins -1 and 1, integers, (lattices, rows, columns).

    The sides must be even, the lattices a multiple of `lanes`.
    """
    rows, columns = spins.shape[1:]
    up = tf.cast(tf.reshape(spins, (-1, lanes, rows * columns)) > 0, tf.int64)
    # In all bits of a word: the bit times the sum of their weights.
    weights = 2 ** np.arange(LANES) if lanes == LANES else np.array([bits.ONES])
    flat = tf.reduce_sum(up * weights.astype(np.int64)[:, None], axis=1)
    flat = tf.cast(flat, tf.uint32)
    return Words(*(tf.gather(flat, s, axis=1) for s in _sites(rows, columns)))


def unpack(words: Words, lanes: int) -> tf.Tensor:
    """Spins -1 and 1, int8, (lattices, rows, columns), of `Words`."""
    rows, half = words.even.shape[1:]
    flat = tf.reshape(tf.stack(words, axis=1), (-1, 1, 2 * rows * half))
    lane = np.arange(lanes, dtype=np.uint32)[:, None]
    ups = _and(bits.right(flat, lane), np.uint32(1))
    spins = tf.reshape(2 * tf.cast(ups, tf.int8) - 1, (-1, flat.shape[2]))
    places = np.argsort(np.ravel(_sites(rows, 2 * half)))
    spins = tf.gather(spins, places, axis=1)
    return tf.reshape(spins, (-1, rows, 2 * half))


def _sites(rows, columns):
    """The flat numbers of the sites of both sublattices, (2, rows, half)."""
    row = np.arange(rows)[:, None]
    column = 2 * np.arange(columns // 2) + row
    column = np.stack([column, column + 1]) % columns
    return row * columns + column


def _turned(x, places, axis):
    """x[i + places] along an axis of the torus."""
    size = x.shape[axis]
    first, rest = bits.parted(x, places % size, axis)
    return bits.joined([rest, first], axis)


def neighbours(other: tf.Tensor, parity: int) -> tuple[tf.Tensor, ...]:
    """The four words beside each place of the sublattice of this parity.

    Those of the even one lie right, left, below and above; those of the odd
    one left, right, above and below, so that number i leads back by number i.
    """
    rows = other.shape[1]
    # Row `rows` of the torus is row 0, but sheared by rows / 2 places.
    first, last = other[:, :1], other[:, -1:]
    below = [other[:, 1:], _turned(first, rows // 2, 2)]
    above = [_turned(last, -(rows // 2), 2), other[:, :-1]]
    below, above = bits.joined(below, 1), bits.joined(above, 1)
    if parity == 0:
        return other, _turned(other, -1, 2), _turned(below, -1, 2), above
    return other, _turned(other, 1, 2), _turned(above, 1, 2), below


def count(four: Sequence[tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """How many of four bits are set: its binary digits for 1, 2 and 4."""
    a, b, c, d = four
    ab, cd = _xor(a, b), _xor(c, d)
    carry, other = _and(a, b), _and(c, d)
    twos = _xor(_xor(carry, other), _and(ab, cd))
    return _xor(ab, cd), twos, _and(carry, other)


def energy(words: Words, lanes: int) -> tf.Tensor:
    """-sum of s s' over the bonds of each lattice, int32, (lattices,)."""
    aligned = [_not(_xor(words.odd, n)) for n in neighbours(words.even, 1)]
    _, rows, half = words.odd.shape
    return 4 * rows * half - 2 * total(count(aligned), lanes)


def magnetisation(words: Words, lanes: int) -> tf.Tensor:
    """The sum of the spins of each lattice, int32, (lattices,)."""
    _, rows, half = words.odd.shape
    return 2 * total((_xor(*words), _and(*words)), lanes) - 2 * rows * half


def total(planes: Sequence[tf.Tensor], lanes: int) -> tf.Tensor:
    """Sums over sites of sum_i 2**i planes[i], int32, (lattices,)."""

    def summed(words, mask):
        return sum(bits.left(_and(w, mask), i) for i, w in enumerate(words))

    if lanes == 1:
        numbers = tf.cast(summed(planes, np.uint32(1)), tf.int32)
        return tf.reduce_sum(numbers, axis=(1, 2))
    # Four lattices side by side in a word, then two of them along each row.
    # Shifts are axes, not a list: XLA compiles all of them at once.
    eight = np.arange(8, dtype=np.uint32)[:, None, None]
    shifted = [bits.right(p[:, None], eight) for p in planes]
    four = summed(shifted, np.uint32(0x01010101))[:, None]
    by_bytes = np.array([0, 8], np.uint32)[:, None, None, None]
    two = _and(bits.right(four, by_bytes), np.uint32(0x00FF00FF))
    two = tf.reduce_sum(two, axis=4)[:, None]
    by_halves = np.array([0, 16], np.uint32)[:, None, None, None]
    one = _and(bits.right(two, by_halves), np.uint32(0xFFFF))
    return tf.reshape(tf.reduce_sum(tf.cast(one, tf.int32), axis=4), (-1,))
