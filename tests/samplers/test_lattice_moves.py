"""Moves on lattices against enumeration: exact draws stay exact."""

import brute_lattices
import numpy as np
import pytest
from goodness_of_fit import assert_chi_square

from genzoo.runtime import random
from genzoo.samplers import lattice_models, lattice_moves
from genzoo.spaces.lattice import Lattice

N = 6000
MOVES = [lattice_moves.heat_bath, lattice_moves.clusters]
CASES = [
    ("ising", 2, (2, 2, 2), True, "square", 0.2, 0.0),
    ("ising", 2, (3, 3), True, "triangular", -0.5, 0.2),
    ("ising", 2, (2, 3), "open", "square", -0.7, 0.3),
    ("ising", 2, (4, 2), ["open", "periodic"], "triangular", 0.4, -0.2),
    ("ising", 2, (1,), True, "square", 1.0, 0.4),
    ("potts", 3, (2, 3), True, "square", 0.6, 0.4),
    ("potts", 4, (2, 2), True, "triangular", -0.5, -0.4),
    ("potts", 5, (3,), True, "square", 0.9, 0.0),
    ("clock", 5, (2, 2), "open", "square", 0.8, 0.5),
    ("clock", 4, (2, 3), True, "square", -0.6, 0.0),
]


def model_of(name, states, coupling, field):
    kind = {"potts": lattice_models.Potts, "clock": lattice_models.Clock}
    if name == "ising":
        return lattice_models.Ising(coupling, field)
    return kind[name](states, coupling, field)


@pytest.mark.parametrize(
    ("name", "q", "shape", "periodic", "kind", "coupling", "field"), CASES
)
def test_moves_keep_equilibrium_and_lead_to_it(
    name, q, shape, periodic, kind, coupling, field
):
    words = {"open": False, "periodic": True}
    ends = periodic if isinstance(periodic, list) else [periodic] * len(shape)
    edges = brute_lattices.bonds(
        shape, [words.get(end, end) for end in ends], kind
    )
    model = model_of(name, q, coupling, field)
    lattice = Lattice(shape, periodic, kind)
    states = brute_lattices.all_states(name, q, lattice.sites)
    energy = brute_lattices.energies(name, q, states, edges, coupling, field)
    p = brute_lattices.boltzmann(energy, 1.0)
    digits = q ** np.arange(lattice.sites)[::-1]
    low, step = states[0, 0], states[1, -1] - states[0, -1]

    def check(x):
        numbers = ((x - low) / step).astype(int) @ digits
        assert_chi_square(np.bincount(numbers, minlength=len(p)), p)

    rng = np.random.default_rng(0)
    exact = states[rng.choice(len(p), N, p=p)].astype(np.int8)
    moves = [make(model, lattice) for make in MOVES]
    for number, move in enumerate(moves):
        x = exact
        for turn in range(2):
            x = move(random.as_seed((number, turn)), x)
        assert (x != exact).any()
        check(x)
    x = np.repeat(model.values(rng.random((N, 1))), lattice.sites, axis=1)
    for turn in range(12):
        for number, move in enumerate(moves):
            x = move(random.as_seed((2 + number, turn)), x)
    check(x)


@pytest.mark.parametrize(
    ("shape", "periodic", "coupling", "field"),
    [
        ((2, 2), True, 0.7, 0.3),
        ((3,), True, -1.2, 0.0),
        ((2,), False, 4.0, 0.5),
    ],
)
def test_xy_spins_against_a_sum_over_angles(shape, periodic, coupling, field):
    # A sum over 24 angles a site is exact: the functions are smooth.
    edges = brute_lattices.bonds(shape, periodic)
    lattice = Lattice(shape, periodic)
    states = brute_lattices.all_states("xy", 24, lattice.sites)
    energy = brute_lattices.energies("xy", 0, states, edges, coupling, field)
    p = brute_lattices.boltzmann(energy, 1.0)
    length = abs(np.exp(1j * states).mean(axis=1)) ** 2
    model = lattice_models.XY(coupling, field)
    rng = np.random.default_rng(1)
    start = model.values(np.repeat(rng.random((N, 1)), lattice.sites, axis=1))
    heat = lattice_moves.heat_bath(model, lattice)
    for second in (
        lattice_moves.clusters(model, lattice),
        lattice_moves.over_relaxation(model, lattice),
    ):
        x = start
        for turn in range(40):
            for number, move in enumerate((heat, second)):
                x = move(random.as_seed((number, turn)), x)
        np.testing.assert_allclose(abs(x), 1, atol=1e-5)
        angles = np.angle(x).astype(float)
        found = brute_lattices.energies("xy", 0, angles, edges, coupling, field)
        for series, values in (
            (found, energy),
            (found**2, energy**2),
            (abs(x.mean(axis=1)) ** 2, length),
            (np.cos(angles[:, 0]), np.cos(states[:, 0])),
        ):
            error = series.std() / N**0.5
            assert abs(series.mean() - p @ values) < 4.5 * error
    before = brute_lattices.energies(
        "xy", 0, np.angle(start), edges, coupling, field
    )
    turned = lattice_moves.over_relaxation(model, lattice)(None, start)
    np.testing.assert_allclose(
        brute_lattices.energies(
            "xy", 0, np.angle(turned), edges, coupling, field
        ),
        before,
        atol=1e-4,
    )


def test_rows_depend_on_their_number_only():
    lattice = Lattice((3, 4), kind="triangular")
    seed = random.as_seed(4)
    for model in (lattice_models.Potts(3, 0.4), lattice_models.XY(0.5, 0.1)):
        uniform = np.random.default_rng(2).random((7, 12))
        x = model.values(uniform)
        for make in MOVES:
            move = make(model, lattice)
            whole, rest = move(seed, x), move(seed.at_row(3), x[3:])
            np.testing.assert_array_equal(whole[3:], rest)


def test_components_are_those_of_a_search():
    rng = np.random.default_rng(3)
    for nodes, edges in ((1, 0), (30, 12), (200, 150), (500, 1500)):
        first, second = rng.integers(0, nodes, (2, edges))
        expected = np.arange(nodes)
        changed = True
        while changed:
            least = np.minimum(expected[first], expected[second])
            before = expected.copy()
            np.minimum.at(expected, first, least)
            np.minimum.at(expected, second, least)
            changed = (expected != before).any()
        found = lattice_moves.components(nodes, first, second)
        np.testing.assert_array_equal(found, expected)
    # A long line, whose ends are far apart.
    line = rng.permutation(3000)
    found = lattice_moves.components(3000, line[:-1], line[1:])
    assert not found.any()


def test_no_temperature_is_too_low():
    # All states but the lowest underflow.
    lattice = Lattice((4, 3))
    for model in (
        lattice_models.Ising(1e6),
        lattice_models.Potts(3, 1e6, -1e5),
        lattice_models.Clock(6, 1e6),
    ):
        x = np.repeat(model.values(np.full((5, 1), 0.6)), 12, axis=1)
        for make in MOVES:
            x = make(model, lattice)(random.as_seed(5), x)
            assert (x == x[:, :1]).all(), model
