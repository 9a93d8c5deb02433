"""A call does not enter more files than it did: a reader opens as many."""

import pytest
import trips

MOST = {"MaxEnt.fit": 22, "RBM.fit": 31, "GAN.fit": 24, "from_preset": 32}


@pytest.fixture(scope="module")
def found():
    return trips.trips()


@pytest.mark.parametrize("name", MOST)
def test_a_call_enters_few_files(found, name):
    assert len(found[name]) <= MOST[name], found[name]
