import numpy as np
import pytest
import tensorflow as tf
from goodness_of_fit import assert_chi_square, count_states

from genzoo import samplers
from genzoo.runtime import random
from genzoo.runtime.graph import compiled
from genzoo.samplers import coloured_sweep, sites

SPIN = np.array([-1, 1]), np.array([[-1], [1]])
BINARY = np.array([0, 1]), np.array([[0], [1]])
BLUME_CAPEL = np.array([-1, 0, 1]), np.array([[-1, 1], [0, 0], [1, 1]])
POTTS = np.array([2, 5, 7, 9]), np.eye(4)[:, :-1]
SPACES = {
    "spin": SPIN,
    "binary": BINARY,
    "blume_capel": BLUME_CAPEL,
    "potts": POTTS,
}
PAIRWISE = [samplers.gibbs_sites, samplers.metropolis_sites]


def model(space="spin", n=4, adjacency=None, dtype="float32", seed=0):
    """(pairwise, all states, their probabilities by enumeration)."""
    levels, encoding = SPACES[space]
    d = encoding.shape[1]
    rng = np.random.default_rng(seed)
    if adjacency is None:
        adjacency = np.ones((n, n))
    coupling = rng.normal(size=(n, d, n, d)) * 0.5
    coupling += np.einsum("iajb->jbia", coupling)
    coupling *= (adjacency * (1 - np.eye(n)))[:, None, :, None]
    bias = rng.normal(size=n * d) * 0.5
    coupling = coupling.reshape(n * d, n * d)
    numbers = np.array(list(np.ndindex((len(levels),) * n)))
    phi = encoding[numbers].reshape(len(numbers), -1)
    log_p = phi @ bias + 0.5 * np.sum(phi @ coupling * phi, axis=1)
    p = np.exp(log_p - log_p.max())
    pairwise = samplers.PairwiseEnergy(
        levels, encoding, tf.cast(bias, dtype), tf.cast(coupling, dtype)
    )
    return pairwise, levels[numbers].astype(dtype), p / p.sum()


def ring(n):
    joined = np.roll(np.eye(n), 1, axis=1)
    return np.maximum(joined, joined.T)


def exact_draws(states, p, chains, seed=0):
    rng = np.random.default_rng(seed)
    return tf.constant(states[rng.choice(len(p), size=chains, p=p)])


def transitions(step, states, start_p, chains=200_000):
    """How often a step from exact draws went from state i to state j."""
    x = exact_draws(states, start_p, chains)
    y, _ = step(random.as_seed(5), x)
    before, after = (
        np.argmax(np.all(np.asarray(z)[:, None] == states, axis=2), axis=1)
        for z in (x, y)
    )
    flow = np.zeros(2 * (len(states),), int)
    np.add.at(flow, (before, after), 1)
    return flow


def assert_symmetric(flow):
    """Detailed balance: as often there as back, pair by pair."""
    upper = np.triu_indices(len(flow), 1)
    there, back = flow[upper], flow.T[upper]
    often = there + back >= 20
    assert often.sum() > 3
    z = (there - back)[often] / np.sqrt((there + back)[often])
    # A normal number is beyond 4.5 once in 150,000.
    assert np.max(np.abs(z)) < 4.5


@pytest.mark.parametrize("space", SPACES)
def test_pairwise_energies_and_log_weights(space):
    pairwise, states, p = model(space, n=3, dtype="float64")
    energy = pairwise.energy(tf.constant(states)).numpy()
    np.testing.assert_allclose(
        energy - energy[0], -np.log(p / p[0]), atol=1e-12
    )
    numbers = pairwise.level_numbers(tf.constant(states))
    np.testing.assert_array_equal(pairwise.decode(numbers), states)
    half = pairwise.scaled(0.5).energy(tf.constant(states))
    np.testing.assert_allclose(half, 0.5 * energy)
    # Also inside of a loop in a graph, which TensorFlow writes anew.
    in_loop = tf.function(
        lambda: tf.while_loop(
            lambda number, _: number < 1,
            lambda number, _: (number + 1, pairwise.energy(states)),
            (0, tf.zeros(len(states), tf.float64)),
        )
    )
    np.testing.assert_allclose(in_loop()[1], energy)
    # log p(level | rest) is minus the energy with the level put in.
    log_weights = pairwise.log_weights(tf.constant(states)).numpy()
    for site in range(3):
        for number, level in enumerate(pairwise.levels):
            x = states.copy()
            x[:, site] = level
            e = pairwise.energy(tf.constant(x)).numpy()
            x[:, site] = pairwise.levels[0]
            difference = e - pairwise.energy(tf.constant(x)).numpy()
            np.testing.assert_allclose(
                log_weights[:, site, 0] - log_weights[:, site, number],
                difference,
                atol=1e-12,
            )


@pytest.mark.parametrize(
    "adjacency",
    [
        np.ones((5, 5)),
        ring(7),
        np.zeros((3, 3)),
        np.random.default_rng(0).random((40, 40)) < 0.2,
    ],
)
def test_colours_are_proper_and_hold_every_site_once(adjacency):
    adjacency = np.maximum(adjacency, np.transpose(adjacency)) > 0
    colours = samplers.colour(adjacency)
    n = len(adjacency)
    np.testing.assert_array_equal(np.sort(np.concatenate(colours)), range(n))
    for members in colours:
        among = adjacency[np.ix_(members, members)]
        assert not np.any(among & ~np.eye(len(members), dtype=bool))


def test_bipartite_graphs_have_two_colours():
    side = 6
    site = np.arange(side**2).reshape(side, side)
    lattice = np.zeros((side**2, side**2), bool)
    for axis in (0, 1):
        lattice[site, np.roll(site, 1, axis)] = True
    assert [len(c) for c in samplers.colour(lattice | lattice.T)] == [18, 18]
    # A tree, sites in an order that misleads a greedy colouring.
    rng = np.random.default_rng(0)
    order = rng.permutation(60)
    tree = np.zeros((60, 60), bool)
    for child in range(1, 60):
        tree[order[child], order[rng.integers(child)]] = True
    assert len(samplers.colour(tree | tree.T)) == 2
    assert len(samplers.colour(ring(7))) == 3
    assert len(samplers.colour(1 - np.eye(6))) == 6


@pytest.mark.parametrize("sampler", PAIRWISE)
@pytest.mark.parametrize("space", SPACES)
def test_last_states_of_many_chains_follow_the_distribution(space, sampler):
    n = 3 if space == "potts" else 4
    pairwise, states, p = model(space, n)
    step = sampler(pairwise, samplers.colour(np.ones((n, n))))
    start = tf.repeat(states[:1], 20_000, axis=0)
    walk = compiled(lambda: samplers.run(step, random.as_seed(1), start, 50))
    assert_chi_square(count_states(walk(), states), p)


@pytest.mark.parametrize("sampler", PAIRWISE)
@pytest.mark.parametrize("space", ["spin", "blume_capel", "potts"])
def test_a_sweep_leaves_exact_draws_exact(space, sampler):
    # Colours of different sizes: 0, 2, 4 and 1, 3, 5, or three on a ring of 5.
    n = 5 if space == "spin" else 4
    pairwise, states, p = model(space, n, ring(n))
    step = sampler(pairwise, samplers.colour(ring(n)))
    x, _ = step(random.as_seed(2), exact_draws(states, p, 50_000))
    assert_chi_square(count_states(x, states), p)


@pytest.mark.parametrize("sampler", PAIRWISE)
@pytest.mark.parametrize("space", ["spin", "potts"])
def test_a_colour_alone_is_in_detailed_balance(space, sampler):
    open_chain = np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]])
    pairwise, states, p = model(space, 3, open_chain)
    outer, middle = [0, 2], [1]
    assert [list(c) for c in samplers.colour(open_chain)] == [middle, outer]
    flow = transitions(sampler(pairwise, [outer]), states, p)
    assert_symmetric(flow)
    # Sites of no colour are kept.
    changed = states[:, None] != states
    assert not np.any(flow[changed[..., 1]])
    assert np.any(flow[changed[..., 0] & changed[..., 2]])
    x = exact_draws(states, p, 100)
    y, info = sampler(pairwise, [outer])(random.as_seed(0), x)
    moves = np.sum(np.asarray(x) != y, axis=1)
    np.testing.assert_array_equal(info.acceptance, moves / 2)


@pytest.mark.parametrize("sampler", PAIRWISE)
def test_colours_of_different_sizes(sampler):
    star = np.zeros((8, 8))
    star[0, 1:] = star[1:, 0] = 1
    star[6, 7] = star[7, 6] = 1
    colours = samplers.colour(star)
    assert sorted(len(c) for c in colours) == [1, 1, 6]
    pairwise, states, p = model("spin", 8, star)
    start = exact_draws(states, p, 20_000)
    x, _ = sampler(pairwise, colours)(random.as_seed(2), start)
    assert_chi_square(count_states(x, states), p)
    # Every site is visited: the six of one colour too.
    assert np.all(np.any(x != start, axis=0))


@pytest.mark.parametrize("space", ["spin", "potts"])
@pytest.mark.parametrize("sampler", PAIRWISE)
def test_how_colours_are_divided_changes_nothing(monkeypatch, sampler, space):
    # Sites of three colours, 6, 4 and 4 of them.
    members = np.split(np.random.default_rng(0).permutation(14), [6, 10])
    adjacency = np.ones((14, 14))
    for group in members:
        adjacency[np.ix_(group, group)] = 0
    levels, encoding = SPACES[space]
    n, d = 14, encoding.shape[1]
    coupling = np.random.default_rng(1).normal(size=(n, d, n, d)) * 0.1
    coupling += np.einsum("iajb->jbia", coupling)
    coupling *= adjacency[:, None, :, None]
    coupling = tf.constant(coupling.reshape(n * d, n * d))
    bias = tf.zeros(n * d, tf.float64)
    pairwise = samplers.PairwiseEnergy(levels, encoding, bias, coupling)
    x = tf.constant(np.random.default_rng(2).choice(levels, (50, n)) * 1.0)
    single = [[site] for group in members for site in group]
    walked = []
    for colours, per_turn, per_block, shape in (
        (members, 8, 32, (1, 3, 6)),
        (members, 8, 1, (3, 1, 6)),
        (members, 0, 32, (1, 4, 4)),
        (members, 0, 12, (2, 3, 4)),
        (single, 8, 32, (1, 14, 1)),
        (single, 8, 4, (4, 4, 1)),
    ):
        monkeypatch.setattr(coloured_sweep, "_SITES_PER_TURN", per_turn)
        monkeypatch.setattr(coloured_sweep, "_SITES_PER_BLOCK", per_block)
        assert coloured_sweep._groups(colours, n, "").shape == shape
        step = sampler(pairwise, colours)
        walked.append(samplers.run(step, random.as_seed(0), x, 3))
        np.testing.assert_array_equal(walked[-1], walked[0])
    assert np.all(np.any(walked[0] != x, axis=0))


def test_metropolis_does_not_flip_free_spins_back_and_forth_together():
    free = samplers.PairwiseEnergy(*SPIN, tf.zeros(2), tf.zeros((2, 2)))
    step = samplers.metropolis_sites(free, [[0, 1]])
    x = tf.ones((20_000, 2))
    x, info = step(random.as_seed(0), x)
    rate = np.mean(info.acceptance)
    np.testing.assert_allclose(rate, np.mean(x == -1))
    np.testing.assert_allclose(rate, 15 / 16, atol=4 * 0.5 / 200)
    x = samplers.run(step, random.as_seed(1), x, 100)
    states = np.array(list(np.ndindex(2, 2))) * 2 - 1
    assert_chi_square(count_states(x, states), [0.25] * 4)


@pytest.mark.parametrize("space", ["binary", "potts"])
def test_gibbs_of_a_pairwise_energy_and_of_any_energy_agree(space):
    pairwise, states, p = model(space, 3)
    step = samplers.gibbs_energy(pairwise.energy, [pairwise.levels] * 3)
    start = exact_draws(states, p, 20_000)
    x, info = step(random.as_seed(1), start)
    assert_chi_square(count_states(x, states), p)
    changed = np.mean(np.asarray(x) != start, axis=1)
    np.testing.assert_allclose(info.acceptance, changed, rtol=1e-6)
    # Both invert the same cumulative distribution with the same numbers.
    colours = [[0], [1], [2]]
    same, _ = samplers.gibbs_sites(pairwise, colours)(random.as_seed(1), start)
    if space == "potts":
        assert np.mean(np.all(x == same, axis=1)) > 0.999


def mixed_energy(x):
    """Of sites of 2, 3 and 2 levels, and of a coordinate that is kept."""
    kept, rest = x[:, 1], tf.gather(x, [0, 2, 3], axis=1)
    return -0.5 * rest[:, 0] * rest[:, 1] + kept * rest[:, 2] - 0.3 * rest[:, 1]


def test_gibbs_of_mixed_levels_keeps_what_is_not_discrete():
    levels = [[-1, 1], None, [0, 1, 4], [0, 1]]
    step = samplers.gibbs_energy(mixed_energy, levels)
    states = np.array(
        [(a, b, c) for a in (-1, 1) for b in (0, 1, 4) for c in (0, 1)],
        np.float32,
    )
    full = np.insert(states, 1, 0.7, axis=1)
    p = np.exp(-mixed_energy(full).numpy())
    x = tf.repeat(full[:1], 20_000, axis=0)
    walk = compiled(lambda: samplers.run(step, random.as_seed(1), x, 30))
    x = walk().numpy()
    np.testing.assert_array_equal(x[:, 1], np.float32(0.7))
    drawn = x[:, [0, 2, 3]]
    assert_chi_square(count_states(drawn, states), p / p.sum())


def test_a_level_of_infinite_energy_is_never_drawn():
    def energy(x):
        forbidden = tf.reduce_sum(x, axis=1) != 1
        return tf.where(forbidden, np.inf, tf.zeros_like(x[:, 0]))

    step = samplers.gibbs_energy(energy, [[0, 1]] * 3)
    x = tf.constant([[0.0, 0, 1], [1, 0, 0]])
    y, info = step(random.as_seed(0), x)
    np.testing.assert_array_equal(y, x)
    np.testing.assert_array_equal(info.acceptance, [0, 0])


def steps_to_address():
    pairwise, _, _ = model("potts", 3)
    yield samplers.gibbs_sites(pairwise, [[0], [1, 2]]), POTTS[0]
    yield samplers.metropolis_sites(pairwise, [[0], [1, 2]]), POTTS[0]
    yield samplers.gibbs_energy(pairwise.energy, [POTTS[0]] * 3), POTTS[0]
    pairwise, _, _ = model("spin", 3)
    yield samplers.gibbs_sites(pairwise, [[0], [1, 2]]), SPIN[0]
    yield samplers.metropolis_sites(pairwise, [[0], [1, 2]]), SPIN[0]


@pytest.mark.parametrize("step_and_levels", list(steps_to_address()))
def test_chains_are_addressed_by_row(step_and_levels):
    step, levels = step_and_levels
    rng = np.random.default_rng(0)
    x = tf.constant(rng.choice(levels, (8, 3)), tf.float32)
    seed = random.as_seed(3)
    every = samplers.run(step, seed, x, 4)
    some = samplers.run(step, seed.at_row(4), x[4:], 4)
    np.testing.assert_array_equal(every[4:], some)
    assert np.any(every[4:] != samplers.run(step, seed, x[4:], 4))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("space", ["spin", "potts"])
@pytest.mark.parametrize("sampler", PAIRWISE)
def test_dtypes_and_numbers_of_chains_not_known_in_advance(
    sampler, space, dtype
):
    pairwise, states, _ = model(space, 3, dtype=dtype)
    step = sampler(pairwise, [[0], [1, 2]])

    @tf.function(input_signature=[tf.TensorSpec((None, 3), dtype)])
    def walk(x):
        return samplers.run(step, random.as_seed(0), x, 3)

    for chains in (5, 0):
        x = walk(states[:chains])
        assert x.shape == (chains, 3)
        assert x.dtype == dtype
    np.testing.assert_array_equal(
        walk(states[:5]),
        samplers.run(step, random.as_seed(0), tf.constant(states[:5]), 3),
    )


@pytest.mark.parametrize(
    "colours", [[[0], [0, 1]], [[0, 4]], [[-1]], [], [[0.5]]]
)
def test_colours_that_are_none(colours):
    pairwise, _, _ = model("spin", 4)
    with pytest.raises(ValueError, match=r"gibbs_sites: colours .* range\(4\)"):
        samplers.gibbs_sites(pairwise, colours)


def test_arguments_are_checked():
    with pytest.raises(ValueError, match="square and symmetric"):
        samplers.colour([[0, 1], [0, 0]])
    with pytest.raises(ValueError, match="square and symmetric"):
        samplers.colour(np.zeros((2, 3)))
    with pytest.raises(ValueError, match="no discrete site"):
        sites.gibbs_energy(mixed_energy, [None, None])
