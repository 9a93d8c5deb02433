import brute_lattices
import numpy as np
import pytest

from genzoo.spaces.lattice import Lattice

CASES = [
    ((3, 3), True, "square"),
    ((2, 3, 4), True, "cubic"),
    ((5,), False, "square"),
    ((1, 4), [False, True], "square"),
    ((2, 2, 1, 3), [True, False, True, True], "square"),
    ((3, 3), True, "triangular"),
    ((4, 5), True, "triangular"),
    ((2, 7), [True, False], "triangular"),
    ((6, 3), [False, True], "triangular"),
    ((1, 5), True, "triangular"),
    ((1, 1), True, "triangular"),
]


@pytest.mark.parametrize(("shape", "periodic", "kind"), CASES)
def test_bonds_neighbours_and_colours(shape, periodic, kind):
    lattice = Lattice(shape, periodic, kind)
    expected = brute_lattices.bonds(shape, periodic, kind)
    assert sorted(map(sorted, lattice.bonds.tolist())) == sorted(
        map(sorted, expected.tolist())
    )
    ends = np.concatenate([expected, expected[:, ::-1]])
    for site, near in enumerate(lattice.neighbours):
        found = sorted(near[near < lattice.sites].tolist())
        assert found == sorted(ends[ends[:, 0] == site, 1].tolist())
    number = np.full(lattice.sites, -1)
    for colour, sites in enumerate(lattice.colours):
        number[sites] = colour
    assert (number >= 0).all()
    assert len(np.concatenate(lattice.colours)) == lattice.sites
    assert (number[expected[:, 0]] != number[expected[:, 1]]).all()


def test_words_for_the_boundary_are_bools():
    words = Lattice((3, 4), ["periodic", "open"])
    np.testing.assert_array_equal(
        words.bonds, Lattice((3, 4), [True, False]).bonds
    )
    assert len(Lattice((4, 4), "open").colours) == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (((3, 3), "closed"), 'periodic must be a bool, "periodic" or "open"'),
        (((3, 3), ["open"]), "one for each of the 2 dimensions"),
        (((3, 3), True, "hexagonal"), "lattice must be one of"),
        (((3, 3), True, "cubic"), "of 3 sides for lattice"),
        (((3, 3, 3), True, "triangular"), "of 2 sides for lattice"),
        (((3, 0),), "shape must be a positive int"),
    ],
)
def test_errors_say_what_is_wrong(arguments, message):
    with pytest.raises(ValueError, match=message):
        Lattice(*arguments)
