"""A public name is added or taken away on purpose only."""

import json

import hints
import pytest
import surface

import genzoo as gz

FOUND = surface.names()
KEPT = json.loads(surface.KEPT.read_text())


@pytest.mark.parametrize("where", sorted(FOUND.keys() | KEPT.keys()))
def test_public_names_are_those_that_were_agreed_on(where):
    # Where a change is meant: python tools/surface.py --write
    assert FOUND.get(where) == KEPT.get(where)


@pytest.mark.parametrize("room", [n for n in FOUND if n.startswith("genzoo.")])
def test_a_room_has_what_it_names(room):
    module = getattr(gz, room.removeprefix("genzoo."))
    assert all(hasattr(module, name) for name in FOUND[room])


@pytest.mark.parametrize(
    ("model", "most"),
    [("MaxEnt", 39), ("BoltzmannMachine", 48), ("RBM", 39), ("GAN", 19)],
)
def test_a_model_has_few_names_of_its_own(model, most):
    assert len(FOUND[model]) <= most


def test_public_signatures_have_type_hints():
    assert hints.bare() == []
