"""Data sets on lattices against sums over all states, by the public API."""

import math

import brute_lattices
import numpy as np
import pytest

import genzoo as gz
from genzoo.samplers import ising as words

N = 2000
CASES = [
    ("ising", 2, (3, 3), 2.3, {"field": 0.3}),
    ("ising", 2, (2, 2, 2), 4.5, {}),
    ("ising", 2, (3, 2, 2), 1.5, {"lattice": "cubic", "coupling": -1.0}),
    ("ising", 2, (3, 3), 3.64, {"lattice": "triangular"}),
    ("ising", 2, (2, 4), 2.0, {"coupling": -1.5}),
    ("ising", 2, (2, 5), 1.5, {"boundary": ["open", "periodic"]}),
    ("ising", 2, 9, 0.8, {"coupling": 0.5, "boundary": "open", "field": -0.1}),
    ("ising", 2, (3, 3), 2.0, {"coupling": 0.0, "field": 1.0}),
    ("potts", 3, (2, 3), 0.995, {}),
    ("potts", 3, (3, 2), 0.7, {"coupling": -1.0, "lattice": "triangular"}),
    ("clock", 4, (2, 3), 1.1, {"field": 0.4, "boundary": "open"}),
    ("xy", 20, (2, 2), 0.9, {"field": 0.2}),
]


@pytest.mark.parametrize(("name", "q", "shape", "temperature", "given"), CASES)
def test_averages_are_those_of_all_states(name, q, shape, temperature, given):
    sides = shape if isinstance(shape, tuple) else (shape,)
    coupling, field = given.get("coupling", 1.0), given.get("field", 0.0)
    ends = np.atleast_1d(given.get("boundary", "periodic")) == "periodic"
    kind = given.get("lattice", "square")
    kind = "square" if kind == "cubic" else kind
    edges = brute_lattices.bonds(sides, np.broadcast_to(ends, len(sides)), kind)
    states = brute_lattices.all_states(name, q, math.prod(sides))
    energy = brute_lattices.energies(name, q, states, edges, coupling, field)
    p = brute_lattices.boltzmann(energy, temperature)
    levels = {"states": q} if name in ("potts", "clock") else {}
    x = getattr(gz.datasets, name)(
        shape, temperature, N, seed=3, **given, **levels
    )
    assert x.shape == (N, *sides)
    as_model = {"model": name, **levels}
    place = {k: given[k] for k in ("boundary", "lattice") if k in given}
    lattice = gz.metrics.lattice
    found = lattice.thermodynamics(
        x, temperature, coupling, field, independent=True, **place, **as_model
    )
    every = states.reshape(-1, *sides)
    mean = abs(lattice.magnetisation(every, **as_model))
    per_site = energy / math.prod(sides)
    for estimate, exact in (
        (found.energy, p @ per_site),
        (found.magnetisation, p @ mean),
        (
            found.specific_heat,
            math.prod(sides)
            * (p @ per_site**2 - (p @ per_site) ** 2)
            / temperature**2,
        ),
    ):
        # Where all states are alike in it, the error is nothing but rounding.
        error = estimate.stderr + 1e-9
        assert abs(estimate.value - exact) < 4.5 * error, (estimate, exact)


def test_only_the_ratio_to_the_temperature_counts():
    x = gz.datasets.ising((4, 6), 2.0, 50, seed=1, sweeps=9)
    twice = gz.datasets.ising((4, 6), 4.0, 50, seed=1, sweeps=9, coupling=2.0)
    np.testing.assert_array_equal(x, twice)
    # The antiferromagnet on an even torus has every other spin reversed.
    other = gz.datasets.ising((4, 6), 2.0, 50, seed=1, sweeps=9, coupling=-1.0)
    signs = (-1) ** np.indices((4, 6)).sum(axis=0)
    np.testing.assert_array_equal(x * signs, other)


def test_a_row_depends_on_its_number_and_the_seed_only(monkeypatch):
    for draw, given in (
        (gz.datasets.ising, {"lattice": "triangular"}),
        (gz.datasets.potts, {"states": 4}),
        (gz.datasets.clock, {"states": 200}),
        (gz.datasets.xy, {}),
    ):
        x = draw((3, 3), 1.0, 12, seed=2, sweeps=5, **given)
        fewer = draw((3, 3), 1.0, 5, seed=2, sweeps=5, **given)
        np.testing.assert_array_equal(fewer, x[:5])
        other = draw((3, 3), 1.0, 12, seed=3, sweeps=5, **given)
        assert (other != x).any()
        with monkeypatch.context() as patched:
            patched.setattr(gz.datasets.lattices, "_MOST_NUMBERS", 9 * 8 * 5)
            parts = draw((3, 3), 1.0, 12, seed=2, sweeps=5, **given)
        np.testing.assert_array_equal(parts, x)


def test_cold_and_hot():
    for temperature in (1e-12, 0.05):
        x = gz.datasets.potts((4, 3), temperature, 40, states=5, sweeps=20)
        assert (x == x[:, :1, :1]).all()
        assert len(np.unique(x)) == 5
        x = gz.datasets.ising((3, 3, 3), temperature, 40, sweeps=20)
        assert abs(x.mean(axis=(1, 2, 3))).min() == 1
        assert abs(x[:, 0, 0, 0].mean()) < 0.8
    x = gz.datasets.clock((5, 5), math.inf, 200, states=3, sweeps=2)
    assert abs(np.bincount(x.ravel()) / x.size - 1 / 3).max() < 0.03
    # A field wins at once, whatever the start.
    x = gz.datasets.ising((4, 5), 0.1, 20, field=-0.5, sweeps=9)
    assert (x == -1).all()


def test_first_call_compiles_nothing(monkeypatch):
    monkeypatch.setattr(words, "_loop", None)
    monkeypatch.setattr(words, "_HOST_SECONDS", type(words._HOST_SECONDS)())
    assert gz.datasets.ising((8, 8), 2.4, 100, sweeps=20).shape == (100, 8, 8)


@pytest.mark.parametrize(
    ("algorithm", "lattices"), [("metropolis", 3), ("wolff", 40)]
)
def test_words_on_the_host_are_those_of_xla(monkeypatch, algorithm, lattices):
    def run():
        runs = [
            words.simulate((4, 6), t, 12, lattices, 5, algorithm, every=3)
            for t in (0.02, 2.3, math.inf)
        ]
        return [part for found in runs for part in found]

    short = run()
    monkeypatch.setattr(words, "_MOST_SECONDS", 0.0)
    for found, expected in zip(run(), short, strict=True):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    ("draw", "arguments", "message"),
    [
        ("ising", {"boundary": "closed"}, "datasets.ising: boundary must be"),
        ("ising", {"boundary": ["open"] * 3}, "one for each of the 2 dim"),
        ("ising", {"lattice": "kagome"}, "datasets.ising: lattice must be one"),
        ("ising", {"lattice": "cubic"}, "of 3 sides"),
        ("ising", {"coupling": math.nan}, "ising: coupling must be a finite"),
        ("ising", {"field": "up"}, "datasets.ising: field must be a finite"),
        ("ising", {"sweeps": 0}, "datasets.ising: sweeps must be a positive"),
        ("potts", {"states": 1}, "datasets.potts: states must be an int"),
        ("clock", {"states": 2.5}, "datasets.clock: states must be an int"),
        ("xy", {"temperature": 0}, "datasets.xy: temperature must be"),
        ("xy", {"n": 0}, "datasets.xy: n must be"),
    ],
)
def test_errors_say_what_is_wrong(draw, arguments, message):
    given = {"shape": (4, 4), "temperature": 1.0, "n": 2, **arguments}
    with pytest.raises(ValueError, match=message):
        getattr(gz.datasets, draw)(**given)
