"""Moves of Ising lattices in words: single spins and clusters.

A move is a function `(words, beta, chance, lanes) -> (words, chance)`, where
beta = 1 / T is a float64 scalar and `chance` holds the random streams. See
`multispin` for words, lanes and sublattices.
"""

from collections.abc import Sequence
from typing import NamedTuple, Self

import numpy as np
import tensorflow as tf

from genzoo.runtime import bits, random
from genzoo.samplers.multispin import LANES, Words, count, neighbours

_OWN_DIGITS = 16
# A Metropolis flip is tried with this probability, of three binary digits. If
# it always were, sites without a preference would flip at every sweep, all at
# once, for ever: states that no other state enters or is entered from.
_TRIED = 7 / 8

_and, _or, _xor, _not = bits.and_, bits.or_, bits.xor, bits.not_


class Chance(NamedTuple):
    """The random words of a simulation, as two streams of one kind.

    Attributes:
        own: draws the first 16 binary digits of a site's own number.
        shared: draws the digits below, the same for all sites of a lattice.
    """

    own: random.Philox | random.Xoshiro
    shared: random.Philox | random.Xoshiro

    @classmethod
    def start(
        cls,
        kind: type[random.Philox] | type[random.Xoshiro],
        seed: random.Seed,
        words: Words,
        lanes: int,
    ) -> Self:
        """Both streams, of `random.Philox` or `random.Xoshiro`."""
        own, shared = random.split(seed, 2)
        shapes = _shapes(words.even, lanes)
        return cls(kind.start(shapes[0], own), kind.start(shapes[1], shared))


def _shapes(like, lanes):
    count, rows, half = like.shape
    # A site that is a word of its own takes half a random word.
    rows = rows if lanes == LANES else rows // 2
    return (count, rows, half), (count, 1, 1)


def below(
    probabilities: Sequence[float | tf.Tensor],
    chance: Chance,
    like: tf.Tensor,
    lanes: int,
) -> tuple[list[tf.Tensor], Chance]:
    """Words whose bits are 1 with the given probabilities, and chance.

    A bit says whether a number of its site lies below the probability, to 32
    binary digits: the same number for all probabilities. The digits behind
    the first 16, which hardly ever decide, are shared by the sites of a
    lattice, so that two of its bits have a covariance of less than 2**-33.

    Args:
        probabilities: float64 scalars, or floats whose few digits are then
            all that is looked at.
        chance: a `Chance`.
        like: words of the shape wanted.
        lanes: lattices in a word.
    """
    draw = _below_of_32 if lanes == LANES else _below_of_1
    return draw(_scaled(probabilities), chance, *_shapes(like, lanes))


def _scaled(probabilities):
    """Of 2**32, as ints where they are known before a graph runs."""
    return [
        min(int(p * 2**32), 2**32 - 1)
        if isinstance(p, float)
        else tf.minimum(tf.cast(p * 2.0**32, tf.int64), 2**32 - 1)
        for p in probabilities
    ]


def _below_of_1(scaled, chance, shape, shared_shape):
    (word,), own = chance.own.next(shape, 1)
    (rest,), shared = chance.shared.next(shared_shape, 1)
    halves = (
        _and(word, np.uint32(0xFFFF0000)),
        bits.left(word, 16),
    )
    number = _or(bits.joined(halves, 1), bits.right(rest, 16))
    return [bits.below(number, p) for p in scaled], Chance(own, shared)


def _below_of_32(scaled, chance, shape, shared_shape):
    low, shared = chance.shared.next(shared_shape, LANES - _OWN_DIGITS)
    high, own = chance.own.next(shape, _OWN_DIGITS)
    return [_digitwise(p, low + high) for p in scaled], Chance(own, shared)


def _digitwise(scaled, words):
    """Bits that say whether a number of these digits, last first, is below.

    A bit of a word that is 1 stands for the digit 0.
    """
    bit = bits.ZERO
    if bits.is_host(words[0]):
        scaled = int(scaled)
    if isinstance(scaled, int):
        # Known digits: zeros behind the last one change nothing.
        last = max((scaled & -scaled).bit_length() - 1, 0)
        for place in range(last, LANES):
            join = _or if scaled >> place & 1 else _and
            bit = join(words[place], bit)
        return bit
    places = np.arange(LANES, dtype=np.int64)
    digits = tf.bitwise.right_shift(scaled, places) & np.int64(1)
    digits = tf.unstack(tf.cast(digits * int(bits.ONES), tf.uint32))
    for digit, word in zip(digits, words, strict=True):
        # The number is below if its digit is 0 where the probability has 1,
        # not below if it is 1 where that has 0; else as it was.
        bit = _or(_and(word, _or(bit, digit)), _and(bit, digit))
    return bit


def below_once(
    probability: tf.Tensor, chance: Chance, words: int, lanes: int
) -> tuple[tf.Tensor, Chance]:
    """As `below`, a bit for each lattice: (words, 1, 1), and chance."""
    (scaled,) = _scaled([probability])
    digits = LANES if lanes == LANES else 1
    drawn, shared = chance.shared.next((words, 1, 1), digits)
    draw = (
        _digitwise(scaled, drawn)
        if digits > 1
        else bits.below(drawn[0], scaled)
    )
    return draw, chance._replace(shared=shared)


def metropolis(
    mine: tf.Tensor,
    other: tf.Tensor,
    parity: int,
    beta: tf.Tensor,
    chance: Chance,
    lanes: int,
) -> tuple[tf.Tensor, Chance]:
    """(the sublattice after each site tried to flip, chance).

    Tried with probability 7 / 8; then a flip that costs energy, 4 or 8, is
    made with probability exp(-cost / T), any other for certain.
    """
    aligned = [_not(_xor(mine, n)) for n in neighbours(other, parity)]
    ones, twos, fours = count(aligned)
    costs = [_TRIED * tf.exp(-cost * beta) for cost in (4, 8)]
    (tried, four, eight), chance = below([_TRIED, *costs], chance, mine, lanes)
    free = _not(_or(_and(ones, twos), fours))
    # One number decides all: `eight` implies `four`, which implies `tried`.
    flip = _or(_or(_and(tried, free), eight), _and(four, _not(fours)))
    return _xor(mine, flip), chance


def heat_bath(
    mine: tf.Tensor,
    other: tf.Tensor,
    parity: int,
    beta: tf.Tensor,
    chance: Chance,
    lanes: int,
) -> tuple[tf.Tensor, Chance]:
    """(the sublattice drawn given the other one, chance).

    A spin follows the majority of its neighbours but for an error of
    probability 1 / (1 + exp(cost / T)), where the cost is 8, 4 or 0.
    """
    ones, twos, fours = count(neighbours(other, parity))
    (tie, four, eight), chance = below(
        [tf.sigmoid(-cost * beta) for cost in (0, 4, 8)], chance, mine, lanes
    )
    majority = _or(fours, _and(ones, twos))
    error = _or(_and(four, ones), _and(tie, _and(twos, _not(ones))))
    return _xor(majority, _or(error, eight)), chance


def wolff_cluster(
    words: Words, beta: tf.Tensor, chance: Chance, lanes: int
) -> tuple[Words, Chance]:
    """(the cluster of a random site as `Words` of zeros and ones, chance).

    Aligned neighbours are joined with probability 1 - exp(-2 / T). Lattices
    of one word start at the same site: given the sites their moves are
    independent, and each move leaves equilibrium as it is.
    """
    lattices, rows, half = words.even.shape
    drawn, chance = _four_bits(-tf.math.expm1(-2 * beta), words, chance, lanes)
    bonds = [
        _and(bit, _not(_xor(words.even, near)))
        for bit, near in zip(drawn, neighbours(words.odd, 0), strict=True)
    ]
    (draw,), shared = chance.shared.next((lattices, 1, 1), 1)
    places = np.arange(2 * rows * half).reshape(2, 1, rows, half)
    start = Words(*(bits.at_place(draw, p, places.size) for p in places))

    def grow(_, cluster):
        even, odd = cluster
        for bond, near in zip(bonds, neighbours(odd, 0), strict=True):
            even = _or(even, _and(bond, near))
        for i, bond in enumerate(bonds):
            odd = _or(odd, neighbours(_and(bond, even), 1)[i])
        new = _or(_xor(even, cluster.even), _xor(odd, cluster.odd))
        return bits.is_any(new), Words(even, odd)

    if bits.is_host(draw):
        growing, cluster = True, start
        while growing:
            growing, cluster = grow(growing, cluster)
    else:
        _, cluster = tf.while_loop(
            lambda growing, _: growing, grow, (tf.constant(True), start)
        )
    return cluster, chance._replace(shared=shared)


def _four_bits(probability, words, chance, lanes):
    """Four times bits of this probability, and chance."""
    if bits.is_host(words.even):
        drawn = []
        for _ in range(4):
            (bit,), chance = below([probability], chance, words.even, lanes)
            drawn.append(bit)
        return drawn, chance

    def draw(number, chance, found):
        (bit,), chance = below([probability], chance, words.even, lanes)
        return number + 1, chance, found.write(number, bit)

    # A loop only so that XLA compiles its body once.
    _, chance, found = tf.while_loop(
        lambda number, *_: number < 4,
        draw,
        (0, chance, tf.TensorArray(tf.uint32, 4)),
    )
    return tf.unstack(found.stack(), 4), chance


def _sweep(rule):
    def move(words, beta, chance, lanes):
        even, chance = rule(words.even, words.odd, 0, beta, chance, lanes)
        odd, chance = rule(words.odd, even, 1, beta, chance, lanes)
        return Words(even, odd), chance

    return move


def _flip_cluster(words, beta, chance, lanes):
    """Flips it with probability 1 - exp(-8 / T) / 2, less where T is large.

    There clusters are single sites, and if each were flipped, the number of
    spins that are up would be odd and even in turn for ever.
    """
    cluster, chance = wolff_cluster(words, beta, chance, lanes)
    rests, chance = below_once(
        0.5 * tf.exp(-8 * beta), chance, words.even.shape[0], lanes
    )
    flipped = [
        _xor(w, _and(c, _not(rests)))
        for w, c in zip(words, cluster, strict=True)
    ]
    return Words(*flipped), chance


def _hybrid(words, beta, chance, lanes):
    words, chance = _sweep(heat_bath)(words, beta, chance, lanes)
    return _flip_cluster(words, beta, chance, lanes)


# Functions (words, beta, chance, lanes) -> (words, chance).
MOVES = {
    "metropolis": _sweep(metropolis),
    "heat_bath": _sweep(heat_bath),
    "wolff": _flip_cluster,
    "hybrid": _hybrid,
}
