import math

import numpy as np
import pytest
import tensorflow as tf
from goodness_of_fit import (
    assert_chi_square,
    assert_kolmogorov_smirnov,
    count_states,
)

from genzoo import samplers
from genzoo.runtime import random
from genzoo.runtime.graph import compiled

BETAS = [1.0, 0.6, 0.2, 0.0]


def magnet(n, strength):
    """(pairwise, states, energies): spins that all favour each other."""
    bias = np.full(n, 0.1, np.float32)
    coupling = np.float32(strength) * (1 - np.eye(n, dtype=np.float32))
    levels = np.array([-1, 1])
    pairwise = samplers.PairwiseEnergy(
        levels, levels[:, None], tf.constant(bias), tf.constant(coupling)
    )
    states = levels[np.array(list(np.ndindex((2,) * n)))].astype("float32")
    energies = -states @ bias - 0.5 * np.sum(states @ coupling * states, 1)
    return pairwise, states, energies


def boltzmann(energies, beta):
    weights = np.exp(-beta * (energies - energies.min()))
    return weights / weights.sum()


def tempered(pairwise, sampler=samplers.gibbs_sites):
    colours = [[i] for i in range(pairwise.sites)]
    return samplers.parallel_tempering(
        lambda beta: sampler(pairwise.scaled(beta), colours),
        pairwise.energy,
        BETAS,
    )


@pytest.mark.parametrize(
    "sampler", [samplers.gibbs_sites, samplers.metropolis_sites]
)
def test_replicas_cross_a_barrier_and_follow_their_temperatures(sampler):
    pairwise, states, energies = magnet(5, 1.5)
    start = tf.ones((5000, 5))
    alone = samplers.gibbs_sites(pairwise, [[i] for i in range(5)])
    seed = random.as_seed(0)
    stuck = compiled(lambda: samplers.run(alone, seed, start, 60))()
    share = np.mean(np.all(stuck == 1, axis=1))
    p = boltzmann(energies, 1.0)
    assert share > p[-1] + 0.1
    step = tempered(pairwise, sampler)
    x = compiled(lambda: samplers.run(step, seed, tf.stack([start] * 4), 60))()
    for beta, replica in zip(BETAS, x, strict=True):
        counts = count_states(replica, states)
        assert_chi_square(counts, boltzmann(energies, beta))


def test_a_step_leaves_independent_exact_replicas_so():
    pairwise, states, energies = magnet(3, 0.4)
    rng = np.random.default_rng(0)
    p = [boltzmann(energies, beta) for beta in BETAS]
    chains = 100_000
    draws = np.stack([states[rng.choice(8, chains, p=each)] for each in p])
    x, info = tempered(pairwise)(random.as_seed(0), tf.constant(draws))
    for first in range(3):
        both = tf.concat([x[first], x[first + 1]], axis=1)
        pairs = np.array([[*a, *b] for a in states for b in states])
        joint = np.outer(p[first], p[first + 1]).ravel()
        assert_chi_square(count_states(both, pairs), joint)
        gap = BETAS[first] - BETAS[first + 1]
        swap = np.exp(gap * np.subtract.outer(energies, energies))
        expected = np.sum(joint.reshape(8, 8) * np.minimum(1, swap))
        np.testing.assert_allclose(
            info.swap_acceptance[first], expected, atol=4 * 0.5 / chains**0.5
        )
    flat = tf.reshape(x, (-1, 3))
    np.testing.assert_allclose(
        tf.reshape(info.energy, (-1,)), pairwise.energy(flat), rtol=1e-5
    )


def test_swaps_are_of_every_other_pair_and_both_kinds_happen():
    # All swaps are accepted where the energy is constant.
    still = samplers.parallel_tempering(
        lambda beta: lambda seed, x: (x, None),
        lambda x: tf.zeros_like(x[:, 0]),
        [1.0, 0.8, 0.5, 0.3, 0.1],
    )
    start = tf.tile(tf.range(5.0)[:, None, None], (1, 2, 1))
    seen = set()
    for number in range(20):
        x, info = still(random.fold_in(random.as_seed(0), number), start)
        np.testing.assert_array_equal(x[:, 0], x[:, 1])
        np.testing.assert_array_equal(info.swap_acceptance, np.ones(4))
        seen.add(tuple(x[:, 0, 0].numpy().astype(int).tolist()))
    assert seen == {(1, 0, 3, 2, 4), (0, 2, 1, 4, 3)}


def test_chains_are_addressed_by_row():
    step = tempered(magnet(3, 0.4)[0])
    x = 2 * tf.round(random.uniform((4, 8, 3), random.as_seed(0))) - 1
    seed = random.as_seed(3)
    full = samplers.run(step, seed, x, 5)
    some = samplers.run(step, seed.at_row(4), x[:, 4:], 5)
    np.testing.assert_array_equal(full[:, 4:], some)
    assert np.any(full[:, 4:] != samplers.run(step, seed, x[:, 4:], 5))


def test_replica_exchange_visits_both_of_two_modes():
    def two_modes(x):
        at = -0.5 * (x[:, 0, None] - np.array([-6.0, 6.0], np.float32)) ** 2
        weights = np.log(np.array([0.3, 0.7], np.float32))
        return tf.reduce_logsumexp(at + weights, axis=1)

    def cdf(x):
        erf = np.vectorize(math.erf)
        below = [0.5 * (1 + erf((x - m) / 2**0.5)) for m in (-6, 6)]
        return 0.3 * below[0] + 0.7 * below[1]

    step = samplers.replica_exchange(two_modes, [1, 0.3, 0.1, 0.03], 0.8, 4)
    start = tf.fill((4, 2000, 1), -6.0)
    x = compiled(lambda: samplers.run(step, random.as_seed(0), start, 300))()
    assert_kolmogorov_smirnov(x[0, :, 0], cdf)


@pytest.mark.parametrize(
    "betas", [[1.0], 1.0, [1, 0.5, 0.7], [1, 1], [1, -0.1], [1, np.nan], []]
)
def test_betas_are_checked(betas):
    with pytest.raises(ValueError, match="parallel_tempering: betas must be"):
        samplers.parallel_tempering(len, len, betas)
    with pytest.raises(ValueError, match="replica_exchange: betas .* above 0"):
        samplers.replica_exchange(len, [1, 0], 0.1, 2)
