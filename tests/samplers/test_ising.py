import itertools
import math

import numpy as np
import pytest
import tensorflow as tf
from goodness_of_fit import LEAST_P, assert_chi_square

from genzoo import partition, samplers
from genzoo.runtime import random
from genzoo.samplers import ising, multispin, multispin_moves

LANES = [32, 1]
CHAINS = 16384
TEMPERATURE = 2.5


def energies(spins):
    """-sum of s s' over the bonds, by rolling."""
    s = np.asarray(spins, np.int64)
    return -(s * (np.roll(s, 1, 1) + np.roll(s, 1, 2))).sum(axis=(1, 2))


def states(shape):
    """All states, and their probabilities at TEMPERATURE."""
    spins = itertools.product([-1, 1], repeat=math.prod(shape))
    spins = np.array(list(spins), np.int8).reshape(-1, *shape)
    weights = np.exp(-energies(spins) / TEMPERATURE)
    return spins, weights / weights.sum()


def assert_samples_the_torus(spins):
    """All 256 states of 2 x 4 spins come as often as they should."""
    spins = np.asarray(spins).reshape(-1, 8)
    numbers = (spins > 0) @ (1 << np.arange(8)[::-1])
    probabilities = states((2, 4))[1]
    assert_chi_square(np.bincount(numbers, minlength=256), probabilities)


def random_spins(shape, seed=0):
    rng = np.random.default_rng(seed)
    return rng.choice([-1, 1], shape).astype("int8")


@pytest.fixture
def one_lattice_a_word(monkeypatch):
    monkeypatch.setattr(ising, "_FEWEST_IN_WORDS", 10**9)


def normal_quantile(tests=1):
    """Of |z|, exceeded by one of so many tests with LEAST_P."""
    return math.sqrt(2) * float(tf.math.erfinv(1 - LEAST_P / tests))


def test_xoshiro_gives_the_published_numbers():
    state = (tf.constant([k], tf.uint32) for k in (1, 2, 3, 4))
    drawn, stream = random.Xoshiro(*state).next((1,), 3)
    more, _ = stream.next((1,), 2)
    # The vector of the reference implementation that rand_xoshiro tests.
    expected = [641, 1573767, 3222811527, 3517856514, 836907274]
    assert [int(word[0]) for word in drawn + more] == expected


def test_streams_have_rows_of_their_own():
    seed = random.as_seed(1)
    for kind in (random.Philox, random.Xoshiro):
        drawn = []
        for rows in (2, 4):
            stream = kind.start((rows, 3), seed)
            words, stream = stream.next((rows, 3), 2)
            more, _ = stream.next((rows, 3), 1)
            drawn.append(np.stack(words + more))
        np.testing.assert_array_equal(drawn[0], drawn[1][:, :2])
        assert len(np.unique(drawn[1])) == 36


@pytest.mark.parametrize("lanes", LANES)
@pytest.mark.parametrize(
    "shape", [(2, 2), (2, 8), (8, 2), (4, 6), (6, 4), (4, 200)]
)
def test_words_hold_the_lattices(lanes, shape):
    spins = random_spins((64, *shape))
    words = ising.pack(tf.constant(spins), lanes)
    np.testing.assert_array_equal(ising.unpack(words, lanes), spins)
    energy = multispin.energy(words, lanes)
    np.testing.assert_array_equal(energy, energies(spins))
    total = multispin.magnetisation(words, lanes)
    np.testing.assert_array_equal(total, spins.sum(axis=(1, 2), dtype=int))
    for i in range(4):
        there = multispin.neighbours(words.even, 1)[i]
        back = multispin.neighbours(there, 0)[i]
        np.testing.assert_array_equal(back, words.even)


@pytest.mark.parametrize("lanes", LANES)
def test_bits_have_the_probability_asked_for(lanes):
    # Far more than 16 binary digits: 16 would make 2 or 3 of the last 2.5.
    probabilities = [0.3, 0.5, 1.0, 2.5 / 2**16]
    draws, shape = (3, (8, 256, 256)) if lanes == 32 else (20, (16, 256, 256))
    like = tf.zeros(shape, tf.uint32)
    chance = multispin_moves.Chance.start(
        random.Xoshiro, random.as_seed(5), multispin.Words(like, like), lanes
    )
    found = np.zeros(4)
    for _ in range(draws):
        scaled = [tf.constant(p, tf.float64) for p in probabilities]
        bits, chance = multispin_moves.below(scaled, chance, like, lanes)
        for i, words in enumerate(bits):
            found[i] += (
                np.unpackbits(words.numpy().view(np.uint8)).sum() * lanes / 32
            )
    count = draws * math.prod(shape) * lanes
    p = np.array(probabilities)
    z = (found - count * p) / np.sqrt(count * p * (1 - p) + 1e-9)
    assert np.all(np.abs(z[[0, 1, 3]]) < normal_quantile(3)), z
    assert found[2] == count


@pytest.mark.parametrize("algorithm", ["metropolis", "hybrid"])
def test_multispin_lattices_follow_boltzmann(algorithm):
    run = ising.simulate((2, 4), TEMPERATURE, 40, CHAINS, 1, algorithm)
    assert_samples_the_torus(run.spins)


@pytest.mark.parametrize("algorithm", ["metropolis", "heat_bath", "wolff"])
def test_single_lattices_follow_boltzmann(algorithm, one_lattice_a_word):
    run = ising.simulate((2, 4), TEMPERATURE, 60, CHAINS, 2, algorithm)
    assert_samples_the_torus(run.spins)


@pytest.mark.parametrize(
    ("algorithm", "shape", "lattices"),
    [
        ("default", (2, 2), 256),
        ("heat_bath", (2, 2), 8),
        ("wolff", (2, 2), 256),
        ("wolff", (4, 2), 8),
        ("hybrid", (2, 2), 8),
        ("metropolis", (2, 4), 8),
        ("metropolis", (4, 4), 8),
    ],
)
def test_small_lattices_against_enumeration(algorithm, shape, lattices):
    # Where all flips that are free or certain are made at once, a state may
    # come back for ever: all fields zero, or, hot, an odd number of spins up.
    chosen = {} if algorithm == "default" else {"algorithm": algorithm}
    spins = states(shape)[0]
    energy, m = energies(spins), np.abs(spins.mean(axis=(1, 2)))
    for temperature in (1.5, 2.3, 1e6):
        weights = np.exp(-(energy - energy.min()) / temperature)
        weights /= weights.sum()
        run = ising.simulate(
            shape, temperature, 1200, lattices, 12, every=2, **chosen
        )
        for found, expected in (
            (run.energy, weights @ energy / spins[0].size),
            (np.abs(run.magnetisation), weights @ m),
        ):
            # Lattices are independent of each other.
            means = found[100:].mean(axis=0)
            stderr = means.std(ddof=1) / math.sqrt(lattices)
            z = (means.mean() - expected) / stderr
            # Few lattices do not know their own error well.
            assert abs(z) < (4 if lattices > 30 else 6), (temperature, z)


@pytest.mark.parametrize("lanes", LANES)
@pytest.mark.parametrize("name", ["metropolis", "heat_bath", "wolff"])
def test_steps_keep_equilibrium(name, lanes):
    # From exact draws, so that a few steps show what they do to them.
    all_states, probabilities = states((2, 4))
    rng = np.random.default_rng(3)
    start = all_states[rng.choice(256, CHAINS, p=probabilities)]
    step = getattr(ising, name)(TEMPERATURE, lanes)
    walk = tf.function(
        lambda seed, words: samplers.run(step, seed, words, 4),
        autograph=False,
    )
    words = ising.pack(tf.constant(start), lanes)
    spins = ising.unpack(walk(random.as_seed(4), words), lanes).numpy()
    assert_samples_the_torus(spins)
    assert np.mean(spins != start) > 0.1


@pytest.mark.parametrize("lanes", LANES)
def test_info_counts_the_flipped_spins(lanes):
    spins = random_spins((32, 4, 6))
    words = ising.pack(tf.constant(spins), lanes)
    new, info = ising.metropolis(3.0, lanes)(random.as_seed(0), words)
    flipped = np.sum(ising.unpack(new, lanes) != spins, axis=(1, 2))
    np.testing.assert_array_equal(info.flipped, flipped)
    assert flipped.sum() > 0
    # Clusters: all of an ordered lattice when cold, one site when hot, which
    # half of them leave as it is.
    ordered = ising.pack(tf.ones((320, 4, 6), tf.int8), lanes)
    for temperature, sizes, flips in ((0.05, [24], 320), (1e12, [0, 1], 160)):
        step = ising.wolff(temperature, lanes)
        _, info = step(random.as_seed(1), ordered)
        assert np.unique(info.flipped).tolist() == sizes
        assert abs(np.sum(info.flipped.numpy() > 0) - flips) < 4 * 80**0.5


def test_clusters_start_everywhere_alike():
    sites = 24
    ordered = ising.pack(tf.ones((6000, 4, 6), tf.int8), 1)
    new, _ = ising.wolff(1e12, 1)(random.as_seed(7), ordered)
    spins = ising.unpack(new, 1).numpy().reshape(-1, sites)
    where = np.argmin(spins[spins.min(axis=1) < 0], axis=1)
    counts = np.bincount(where, minlength=sites)
    assert_chi_square(counts, np.full(sites, 1 / sites))


@pytest.mark.parametrize("algorithm", ["metropolis", "hybrid"])
def test_lattices_of_a_word_are_independent(algorithm):
    # As many as above: XLA has compiled this already.
    run = ising.simulate((2, 4), TEMPERATURE, 30, CHAINS, 6, algorithm)
    for values in (
        energies(run.spins),
        np.abs(run.magnetisation[-1]),
        run.spins[:, 0, 0],
    ):
        z = values - values.mean()
        z = (z / z.std()).reshape(-1, 32)
        correlation = z.T @ z / math.sqrt(len(z))
        pairs = correlation[np.triu_indices(32, 1)]
        assert np.max(np.abs(pairs)) < normal_quantile(len(pairs))


@pytest.mark.parametrize(
    ("shape", "lattices"), [((4, 6), 3), ((2, 4), CHAINS - 5)]
)
def test_what_is_measured_is_what_is_there(shape, lattices):
    run = ising.simulate(shape, 2.3, 7, lattices, seed=8, every=2)
    assert run.energy.shape == run.magnetisation.shape == (3, lattices)
    np.testing.assert_allclose(
        run.energy[-1] * math.prod(shape), energies(run.spins)
    )
    np.testing.assert_allclose(
        run.magnetisation[-1], run.spins.mean(axis=(1, 2))
    )
    assert run.spins.dtype == np.int8
    # The measurements of shorter runs are the first of longer ones.
    short = ising.simulate(shape, 2.3, 4, lattices, seed=8, every=2)
    np.testing.assert_array_equal(short.energy, run.energy[:2])
    again = ising.simulate(shape, 2.3, 4, lattices, seed=8, every=2)
    np.testing.assert_array_equal(again.spins, short.spins)
    other = ising.simulate(shape, 2.3, 4, lattices, seed=9, every=2)
    assert np.any(other.spins != short.spins)


def test_runs_of_many_blocks_are_one_run(monkeypatch):
    whole = ising.simulate((4, 6), 2.3, 10, 3, seed=1)
    monkeypatch.setattr(ising, "_BLOCK", 4)
    # The loops that are compiled stay, for the other tests.
    monkeypatch.setattr(ising, "_loop", ising._loop.__wrapped__)
    parts = ising.simulate((4, 6), 2.3, 10, 3, seed=1)
    for found, expected in zip(parts, whole, strict=True):
        np.testing.assert_array_equal(found, expected)


def test_runs_start_where_they_are_told():
    spins = random_spins((3, 4, 6))
    # So cold that an ordered lattice stays: no site can flip.
    run = ising.simulate((4, 6), 0.01, 5, 3, spins=np.ones_like(spins))
    np.testing.assert_array_equal(run.spins, 1)
    np.testing.assert_array_equal(run.energy, -2)
    run = ising.simulate((4, 6), 2.0, 0, 3, spins=spins)
    np.testing.assert_array_equal(run.spins, spins)
    assert run.energy.shape == (0, 3)


def test_a_step_is_the_same_eagerly_in_graphs_and_by_xla():
    words = ising.pack(tf.constant(random_spins((32, 4, 6))), 32)
    step, seed = ising.metropolis(2.3), random.as_seed(10)
    eager, _ = step(seed, words)
    for compiled in (False, True):
        graph = tf.function(step, jit_compile=compiled, autograph=False)
        found, _ = graph(seed, words)
        for one, other in zip(eager, found, strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("kind", [random.Philox, random.Xoshiro])
def test_streams_are_the_same_eagerly_and_by_xla(kind):
    def draw(stream):
        words, stream = stream.next((2, 3), 4)
        more, _ = stream.next((2, 3), 1)
        return tf.stack(words + more)

    stream = kind.start((2, 3), random.as_seed((2**40, -7)))
    compiled = tf.function(draw, jit_compile=True, autograph=False)
    np.testing.assert_array_equal(draw(stream), compiled(stream))


def test_first_lattices_do_not_depend_on_the_others():
    # Of lattices in words the test of the data set asks the same.
    few, many = (ising.simulate((4, 6), 2.3, 3, n, seed=1) for n in (3, 5))
    np.testing.assert_array_equal(few.energy, many.energy[:, :3])
    np.testing.assert_array_equal(few.spins, many.spins[:3])


@pytest.mark.parametrize("rng", ["xoshiro", "philox"])
def test_energy_and_magnetisation_are_exact_below_critical(rng):
    # One lattice a word: philox in XLA compiles in a second.
    shape, temperature = (32, 16), 2.0
    run = ising.simulate(shape, temperature, 6000, 8, seed=11, rng=rng)
    energy = run.energy[200:].reshape(20, -1, 8).mean(axis=1)
    stderr = energy.std(ddof=1) / math.sqrt(energy.size)
    exact = partition.torus_energy(shape, temperature)
    assert abs(energy.mean() - exact) < 4.5 * stderr
    assert stderr < 2e-3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"shape": (3, 4)}, r"shape must be \(rows, columns\), both even"),
        ({"shape": 8}, "received 8"),
        ({"temperature": 0}, "temperature must be a number above 0"),
        ({"temperature": float("nan")}, "received nan"),
        ({"sweeps": -1}, "sweeps must be an int of at least 0"),
        ({"sweeps": 2.0}, "received 2.0"),
        ({"lattices": 0}, "lattices must be a positive int"),
        ({"every": 0}, "every must be a positive int"),
        ({"algorithm": "glauber"}, "algorithm must be one of"),
        ({"rng": "mt19937"}, "rng must be one of"),
        ({"spins": np.zeros((32, 4, 4))}, "spins must be -1 and 1"),
        ({"spins": np.ones((4, 4))}, r"received shape \(4, 4\)"),
    ],
)
def test_errors_say_what_is_wrong(arguments, message):
    arguments = {"shape": (4, 4), "temperature": 2.0, "sweeps": 1, **arguments}
    with pytest.raises(ValueError, match=message):
        ising.simulate(**arguments)
