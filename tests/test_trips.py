"""A call does not enter more files than it did: a reader opens as many."""

import pytest
import trips

MOST = {"MaxEnt.fit": 20, "RBM.fit": 24, "GAN.fit": 14, "from_preset": 28}


@pytest.fixture(scope="module")
def found():
    return trips.trips()


@pytest.mark.parametrize("name", MOST)
def test_a_call_enters_few_files(found, name):
    assert len(found[name]) <= MOST[name], found[name]
