"""The Ising model on the square lattice: steps, and long runs of them.

`p(s) = exp(-E(s) / T) / Z` with `E(s) = -sum s_i s_j` over the bonds between
nearest neighbours of a torus (periodic sides), spins -1 and 1; J = k_B = 1.

Reference:
    Metropolis et al., "Equation of state calculations by fast computing
    machines", J. Chem. Phys. 21, 1953. Wolff, "Collective Monte Carlo
    updating for spin systems", Phys. Rev. Lett. 62, 1989.
"""

import collections
import functools
import math
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from genzoo import checks
from genzoo.runtime import random
from genzoo.samplers import multispin
from genzoo.samplers.chain import Step
from genzoo.samplers.multispin import LANES, Words, pack, unpack
from genzoo.samplers.multispin_moves import MOVES, Chance
from genzoo.types import ArrayLike, SeedLike

__all__ = [
    "LANES",
    "Info",
    "Trajectory",
    "Words",
    "heat_bath",
    "metropolis",
    "pack",
    "simulate",
    "unpack",
    "wolff",
]

_GENERATORS = {"philox": random.Philox, "xoshiro": random.Xoshiro}
# Measurements that one call of the compiled loop has room for.
_BLOCK = 256
# What runs of a kind have taken on the host, and may take, where neither is
# seen but in the time: the words are the same.
_HOST_SECONDS: collections.Counter = collections.Counter()
_MOST_SECONDS = 3.0
# From here on 32 lattices in a word take less time than one lattice a word.
_FEWEST_IN_WORDS = 9


class Info(NamedTuple):
    """What a step did.

    Attributes:
        flipped: number of spins flipped in each lattice, int32, (lattices,).
    """

    flipped: tf.Tensor


class Trajectory(NamedTuple):
    """A run of several lattices.

    Attributes:
        energy: energy per site, float64, (measurements, lattices).
        magnetisation: mean spin, float64, (measurements, lattices).
        spins: the last configurations, int8, (lattices, rows, columns).
    """

    energy: np.ndarray
    magnetisation: np.ndarray
    spins: np.ndarray


def metropolis(temperature: float | tf.Tensor, lanes: int = LANES) -> Step:
    """A step that offers each spin a flip, even sites first.

    An offer is made with probability 7 / 8, so that spins without a
    preference do not all flip at every step, for ever.

    Args:
        temperature: T > 0 in units of J / k_B, a number or scalar tensor.
        lanes: lattices in a word, 32 or 1.

    Returns:
        A pure function `(seed, Words) -> (Words, Info)`. The same seed gives
        the same step eagerly, in graphs, and compiled by XLA.

    Example:
    >>> ising = genzoo.samplers.ising
    >>> state = ising.pack(tf.ones((64, 16, 16), tf.int8), lanes=32)
    >>> state = genzoo.samplers.run(ising.metropolis(2.5), 0, state, 10)
    >>> ising.unpack(state, lanes=32).shape
    TensorShape([64, 16, 16])
    """
    return _step("metropolis", temperature, lanes)


def heat_bath(temperature: float | tf.Tensor, lanes: int = LANES) -> Step:
    """A step that draws each spin given its neighbours, as `metropolis`.

    It forgets soonest when T is large, where a Metropolis sweep flips seven
    spins of eight, and so nearly comes back after two.
    """
    return _step("heat_bath", temperature, lanes)


def wolff(temperature: float | tf.Tensor, lanes: int = LANES) -> Step:
    """A step that flips the cluster of one random site, as `metropolis`.

    With probability 1 - exp(-8 / T) / 2: always but where T is so large that
    clusters are single sites, whose flips the next ones would undo.
    A step is not a sweep: count work in flipped spins per site, of which
    `Info` tells the number.
    """
    return _step("wolff", temperature, lanes)


def _step(move, temperature, lanes):
    # One for each lattice, perhaps.
    if not tf.is_tensor(temperature):
        for one in np.atleast_1d(np.asarray(temperature)).ravel():
            positive_temperature(one, f"{move}: temperature")

    def step(seed, words):
        hinted = tf.convert_to_tensor(temperature, dtype_hint=tf.float64)
        beta = 1 / tf.cast(hinted, tf.float64)
        chance = Chance.start(random.Philox, seed, words, lanes)
        new, _ = MOVES[move](words, beta, chance, lanes)
        changed = [
            multispin.total([tf.bitwise.bitwise_xor(a, b)], lanes)
            for a, b in zip(words, new, strict=True)
        ]
        return new, Info(changed[0] + changed[1])

    return step


def simulate(
    shape: tuple[int, int],
    temperature: float,
    sweeps: int,
    lattices: int = 32,
    seed: SeedLike = 0,
    algorithm: str = "metropolis",
    rng: str = "xoshiro",
    every: int = 1,
    spins: ArrayLike | None = None,
) -> Trajectory:
    """Runs independent lattices and measures them as they go.

    Long runs are compiled by XLA, short ones, which would take less than
    that, run on arrays of the host: with the same result.

    Args:
        shape: (rows, columns), even.
        temperature: T > 0 in units of J / k_B; 2.2692 is critical.
        sweeps: number of sweeps of each lattice; of clusters, if "wolff".
            What is left beyond a multiple of `every` is not run.
        lattices: number of lattices. 32 or more give the most flips a second.
        seed: int, pair of ints or `runtime.random.Seed`.
        algorithm: "metropolis", "heat_bath", "wolff", or "hybrid": a heat
            bath sweep and a Wolff cluster in turn.
        rng: "xoshiro", or "philox", ten times slower. They give different
            runs. Each is integers throughout: the same seed gives the same
            run on any machine whose `exp` agrees to 32 binary digits. The
            first lattices of a run do not depend on how many more there are,
            among runs of 9 or more and among runs of fewer.
        every: sweeps between measurements.
        spins: configurations to start from, -1 and 1, (lattices, *shape). By
            default all spins of a lattice are alike, up or down at random.

    Returns:
        A `Trajectory` of sweeps // every measurements.

    Raises:
        ValueError: if an argument is out of range.
    """
    even_shape(shape, "simulate: shape")
    positive_temperature(temperature, "simulate: temperature")
    checks.whole(0)(sweeps, "simulate: sweeps")
    checks.positive_int(lattices, "simulate: lattices")
    checks.positive_int(every, "simulate: every")
    checks.one_of(*MOVES)(algorithm, "simulate: algorithm")
    checks.one_of(*_GENERATORS)(rng, "simulate: rng")
    first, second = random.split(random.as_seed(seed), 2)
    lanes = LANES if lattices >= _FEWEST_IN_WORDS else 1
    full = -(-lattices // lanes) * lanes
    if spins is None:
        coins = random.uniform((full, 1, 1), first) < 0.5
        spins = tf.where(coins, tf.ones((1, *shape), tf.int8), np.int8(-1))
    else:
        spins = np.asarray(spins)
        if spins.shape != (lattices, *shape) or np.any(np.abs(spins) != 1):
            raise ValueError(
                "simulate: spins must be -1 and 1 of shape (lattices, *shape) "
                f"= {(lattices, *shape)}; received shape {spins.shape} and "
                f"values {np.unique(spins)[:5]}."
            )
        spins = np.resize(spins, (full, *shape))
    words = pack(tf.constant(spins), lanes)
    state = words, Chance.start(_GENERATORS[rng], second, words, lanes)
    kind = (algorithm, lanes, rng, tuple(words.even.shape))
    left = sweeps // every
    is_short = _is_short(kind, left * every, left)
    loop = _host_loop(algorithm, lanes) if is_short else _loop(*kind)
    beta = tf.constant(1 / temperature, tf.float64)
    energies, magnetisations = [], []
    while left:
        block = min(left, _BLOCK)
        state, energy, magnetisation = loop(
            state, beta, tf.constant(block), tf.constant(every)
        )
        energies.append(energy.numpy()[:block, :lattices])
        magnetisations.append(magnetisation.numpy()[:block, :lattices])
        left -= block
    sites = shape[0] * shape[1]
    nothing = [np.zeros((0, lattices))]
    return Trajectory(
        np.concatenate(energies or nothing) / sites,
        np.concatenate(magnetisations or nothing) / sites,
        unpack(state[0], lanes).numpy()[:lattices],
    )


def _is_short(kind, steps, measurements):
    """Whether a run, with all before it, takes less time than to compile.

    That is five seconds. Arrays of the host need about so many for each step,
    and for each word.
    """
    if kind[2] != "xoshiro":
        return False
    seconds = steps * (0.004 + 1.5e-6 * math.prod(kind[3]))
    _HOST_SECONDS[kind] += seconds + 0.003 * measurements
    return _HOST_SECONDS[kind] < _MOST_SECONDS


def _host_loop(algorithm, lanes):
    """As the compiled loop, with the same words, by arrays of the host."""
    move = MOVES[algorithm]

    def loop(state, beta, measurements, every):
        words, chance = tf.nest.map_structure(np.asarray, state)
        energy, magnetisation = [], []
        for _ in range(int(measurements)):
            for _ in range(int(every)):
                words, chance = move(words, beta, chance, lanes)
            there = Words(*map(tf.constant, words))
            energy.append(multispin.energy(there, lanes))
            magnetisation.append(multispin.magnetisation(there, lanes))
        words = Words(*map(tf.constant, words))
        return (words, chance), tf.stack(energy), tf.stack(magnetisation)

    return loop


@functools.cache
def _loop(algorithm, lanes, rng, shape):
    """The compiled loop for states of this kind and shape, one for each."""
    del rng, shape
    move = MOVES[algorithm]

    def loop(state, beta, measurements, every):
        room = tf.zeros((_BLOCK, state[0].even.shape[0] * lanes), tf.int32)

        def one(number, words, chance):
            return number + 1, *move(words, beta, chance, lanes)

        def measured(number, words, chance, energy, magnetisation):
            _, words, chance = tf.while_loop(
                lambda n, *_: n < every,
                one,
                (tf.zeros((), tf.int32), words, chance),
            )
            at = number[None, None]
            energy = tf.tensor_scatter_nd_update(
                energy, at, multispin.energy(words, lanes)[None]
            )
            magnetisation = tf.tensor_scatter_nd_update(
                magnetisation, at, multispin.magnetisation(words, lanes)[None]
            )
            return number + 1, words, chance, energy, magnetisation

        _, *state, energy, magnetisation = tf.while_loop(
            lambda number, *_: number < measurements,
            measured,
            (tf.zeros((), tf.int32), *state, room, room),
        )
        return tuple(state), energy, magnetisation

    return tf.function(loop, jit_compile=True, autograph=False)


def even_shape(value: Any, where: str) -> tuple[int, int]:
    """A check: two even sides."""
    if (
        not isinstance(value, (tuple, list))
        or len(value) != 2
        or any(not checks.is_int(s) or s < 2 or s % 2 for s in value)
    ):
        words = "(rows, columns), both even and 2 or more"
        hint = "Odd sides have no checkerboard: take the next even size."
        checks.refuse(value, where, words, hint)
    return tuple(value)


def positive_temperature(value: Any, where: str) -> float:
    """A check: a number above 0, perhaps infinite."""
    if not checks.is_number(value) or not value > 0:
        words = "a number above 0, in units of J / k_B"
        checks.refuse(value, where, words, "The critical one is 2.2692.")
    return value
