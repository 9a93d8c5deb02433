"""Observables of lattices against enumeration, and errors against repeats."""

import itertools
import math

import brute_lattices
import numpy as np
import pytest

import genzoo as gz
from genzoo.metrics import lattice


def all_spins(shape):
    count = math.prod(shape)
    states = itertools.product([-1.0, 1.0], repeat=count)
    return np.array(list(states)).reshape(-1, *shape)


def bond_energy(state, coupling, field, periodic, dimensions=None):
    """One bond after the other, of a state or many along the last axis."""
    total = 0.0
    sides = state.shape[:dimensions]
    for site in np.ndindex(*sides):
        total -= field * state[site]
        for axis, side in enumerate(sides):
            place = list(site)
            place[axis] += 1
            if side == 1 or (place[axis] == side and not periodic):
                continue
            place[axis] %= side
            total -= coupling * state[site] * state[tuple(place)]
    return total / math.prod(sides)


@pytest.mark.parametrize("shape", [(3, 3), (2, 5), (7,), (2, 2, 3), (3, 1)])
@pytest.mark.parametrize("periodic", [True, False])
def test_energies_are_sums_over_bonds(shape, periodic):
    rng = np.random.default_rng(0)
    x = rng.choice(np.array([-1, 1], np.int8), (6, *shape))
    expected = [bond_energy(s.astype(float), 0.7, 0.3, periodic) for s in x]
    np.testing.assert_allclose(
        lattice.energy(x, 0.7, 0.3, periodic), expected, atol=1e-12
    )
    found = lattice.correlation(x, periodic)
    for distance, value in zip(found.distance, found.value, strict=True):
        pairs = []
        for site in np.ndindex(*shape):
            for axis, side in enumerate(shape):
                place = list(site)
                place[axis] += distance
                if side > 1 and (periodic or place[axis] < side):
                    place[axis] %= side
                    pairs.append(x[(..., *site)] * x[(..., *place)])
        np.testing.assert_allclose(value, np.mean(pairs), atol=1e-12)


def exact(states, temperature, coupling, field):
    """The five quantities by enumeration."""
    n = states[0].size
    # One site after the other, over all states at once.
    e = bond_energy(
        np.moveaxis(states, 0, -1), coupling, field, True, states.ndim - 1
    )
    m = states.reshape(len(states), -1).mean(axis=1)
    p = np.exp(-n * (e - e.min()) / temperature)
    p /= p.sum()
    return p, [
        p @ e,
        p @ abs(m),
        n * (p @ e**2 - (p @ e) ** 2) / temperature**2,
        n * (p @ m**2 - (p @ abs(m)) ** 2) / temperature,
        1 - p @ m**4 / (3 * (p @ m**2) ** 2),
    ]


@pytest.mark.parametrize(
    ("shape", "temperature", "coupling", "field"),
    [((3, 3), 2.3, 1.0, 0.0), ((2, 5), 1.4, -0.5, 0.2), ((9,), 3.0, 2.0, -0.4)],
)
def test_estimates_and_errors_of_independent_samples(
    shape, temperature, coupling, field
):
    states = all_spins(shape)
    p, expected = exact(states, temperature, coupling, field)
    rng = np.random.default_rng(1)
    pulls = []
    for independent in (True, False):
        for _ in range(100):
            x = states[rng.choice(len(p), 1000, p=p)]
            found = lattice.thermodynamics(
                x, temperature, coupling, field, independent=independent
            )[:5]
            pulls.append(
                [
                    (ours.value - true) / ours.stderr
                    for ours, true in zip(found, expected, strict=True)
                ]
            )
    # 200 pulls of each: sd within 5 of its own errors, mean too.
    np.testing.assert_allclose(np.std(pulls, axis=0), 1, atol=5 / 20)
    np.testing.assert_allclose(np.mean(pulls, axis=0), 0, atol=5 / 200**0.5)


def chain(states, p, n, rng):
    """Metropolis with flips of one spin, in the order of its steps."""
    sites = states[0].size
    flip = np.array([2 ** (sites - 1 - i) for i in range(sites)])
    state, found = rng.choice(len(p), p=p), np.empty(n, int)
    choices, uniforms = rng.integers(0, sites, n), rng.random(n)
    for step in range(n):
        other = state ^ flip[choices[step]]
        if uniforms[step] * p[state] < p[other]:
            state = other
        found[step] = state
    return states[found]


def test_errors_know_the_autocorrelation_of_a_chain():
    states = all_spins((3, 3))
    p, expected = exact(states, 3.0, 1.0, 0.0)
    rng = np.random.default_rng(2)
    pulls, naive = [], []
    for _ in range(100):
        parts = [chain(states, p, 2000, rng) for _ in range(2)]
        x = np.concatenate(parts)
        found = lattice.thermodynamics(x, 3.0, chains=2)
        assert found.energy_time > 1
        pulls.append(
            [
                (ours.value - true) / ours.stderr
                for ours, true in zip(found[:5], expected, strict=True)
            ]
        )
        plain = lattice.thermodynamics(x, 3.0, independent=True)
        naive.append((plain.energy.value - expected[0]) / plain.energy.stderr)
    spread = np.std(pulls, axis=0)
    # Too small by a few percent: a window is finite.
    assert (spread > 0.75).all(), spread
    assert (spread < 1.3).all(), spread
    assert np.std(naive) > 2


def test_time_and_error_of_an_autoregressive_series():
    rng = np.random.default_rng(3)
    a, repeats = 0.9, 200
    noise = rng.normal(size=(3000, repeats, 3))
    x = np.empty_like(noise)
    x[0] = noise[0]
    for t in range(1, len(x)):
        x[t] = a * x[t - 1] + math.sqrt(1 - a * a) * noise[t]
    pulls, times = [], []
    for number in range(repeats):
        series = x[:, number].T.ravel() + 7
        found = lattice.mean(series, chains=3)
        pulls.append((found.value - 7) / found.stderr)
        times.append(found.stderr**2 * series.size / 2)
    # (1 + a) / (2 (1 - a)) is 9.5.
    np.testing.assert_allclose(np.mean(times), 9.5, rtol=0.1)
    np.testing.assert_allclose(np.std(pulls), 1, atol=0.25)


def test_energies_are_those_of_the_exact_sum_on_a_torus():
    states = all_spins((4, 4))
    p, expected = exact(states, 2.2, 1.0, 0.0)
    x = states[np.random.default_rng(5).choice(len(p), 2000, p=p)]
    found = lattice.thermodynamics(x, 2.2, independent=True)
    kaufman = gz.partition.torus_energy((4, 4), 2.2)
    assert expected[0] == pytest.approx(kaufman)
    assert abs(found.energy.value - kaufman) < 4 * found.energy.stderr


def test_constant_series_have_no_error():
    found = lattice.thermodynamics(np.ones((5, 4, 4)), 2.0)
    assert found.energy == (-2.0, 0.0)
    assert found.binder_cumulant == (pytest.approx(2 / 3), 0.0)
    assert found.specific_heat.value == 0


@pytest.mark.parametrize(
    ("x", "arguments", "message"),
    [
        (np.zeros((4, 3, 3)), {}, "From 0 and 1, take 2.0"),
        (np.full((4, 3), 2.0), {}, r"found values in \[2, 2\]"),
        (np.ones(4), {}, "take x.None."),
        (np.ones((4, 3)), {"temperature": 0}, "temperature must be a positive"),
        (np.ones((5, 3)), {"chains": 2}, "2 chains of the same length"),
        (np.ones((1, 3)), {}, "two rows or more"),
        (np.full((4, 3), math.nan), {}, "must hold -1 and"),
    ],
)
def test_errors_say_what_is_wrong(x, arguments, message):
    with pytest.raises(ValueError, match=message):
        lattice.thermodynamics(x, **{"temperature": 2.0, **arguments})


@pytest.mark.parametrize(
    ("model", "states"),
    [("ising", None), ("potts", 4), ("clock", 5), ("xy", 0)],
)
@pytest.mark.parametrize(
    ("shape", "ends", "kind"),
    [
        ((3, 4), ["open", "periodic"], "triangular"),
        ((2, 2), "periodic", "triangular"),
        ((2, 1, 3), "open", "square"),
    ],
)
def test_observables_of_other_models(model, states, shape, ends, kind):
    rng = np.random.default_rng(6)
    x = rng.choice([-1, 1], (20, *shape))
    if model == "xy":
        x = rng.normal(size=x.shape)
    elif states:
        x = rng.integers(0, states, x.shape)
    words = {"periodic": True, "open": False}
    several = ends if isinstance(ends, list) else [ends] * len(shape)
    wraps = [words[end] for end in several]
    flat = x.reshape(20, -1)
    sites = flat.shape[1]
    edges = brute_lattices.bonds(shape, wraps, kind)
    expected = brute_lattices.energies(model, states, flat, edges, -0.7, 0.3)
    given = {"model": model, "states": states or None}
    found = lattice.energy(x, -0.7, 0.3, boundary=ends, lattice=kind, **given)
    np.testing.assert_allclose(found, expected / sites, atol=1e-12)
    np.testing.assert_array_equal(
        found, lattice.energy(x, -0.7, 0.3, wraps, kind, **given)
    )
    m = lattice.magnetisation(x, **given)
    if model == "potts":
        most = [np.bincount(row).max() / sites for row in flat]
        np.testing.assert_allclose(m, (4 * np.array(most) - 1) / 3)
    elif model != "ising":
        pairs = [
            brute_lattices.pair(model, states, flat[:, i], flat[:, j])[0]
            for i in range(sites)
            for j in range(sites)
        ]
        np.testing.assert_allclose(m**2, np.mean(pairs, axis=0), atol=1e-12)
    along = brute_lattices.bonds(shape, wraps)
    first = brute_lattices.pair(
        model, states, flat[:, along[:, 0]], flat[:, along[:, 1]]
    )[0]
    value = lattice.correlation(x, boundary=ends, **given).value
    assert value[0] == pytest.approx(1)
    if len(value) > 1:
        assert value[1] == pytest.approx(first.mean())


@pytest.mark.parametrize(
    ("x", "arguments", "message"),
    [
        (np.ones((4, 3)), {"model": "potts"}, "states must be the number of"),
        (np.full((4, 3), 3), {"model": "potts", "states": 3}, "take x - 1"),
        (np.full((4, 3), 0.5), {"model": "clock", "states": 3}, "levels 0"),
        (np.ones((4, 3)), {"states": 2}, "left out for model"),
        (np.ones((4, 3)), {"model": "heisenberg"}, "model must be one of"),
        (np.full((4, 3), np.inf), {"model": "xy"}, "finite angles"),
        (np.ones((4, 3)), {"boundary": "shut"}, "boundary must be"),
        (np.ones((4, 3)), {"lattice": "triangular"}, "of 2 sides"),
    ],
)
def test_errors_of_other_models_say_what_is_wrong(x, arguments, message):
    with pytest.raises(ValueError, match=message):
        lattice.energy(x, **arguments)
