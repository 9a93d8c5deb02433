"""Imports point down, and no class stands on many others."""

import ast

import house
import pytest

ROOT = house.PACKAGE
# A room may import rooms on floors below its own, and itself.
FLOORS = [
    {"checks", "types", "_version"},
    {"runtime", "regularizers"},
    {"spaces", "random"},
    {"units", "features"},
    {"samplers", "partition"},
    {"export", "portable", "losses", "penalties", "layers"},
    {"networks"},
    {"models"},
    {"zoo", "sklearn"},
]
HEIGHT = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}
# Rooms to the side, and all that they may import besides themselves.
BESIDE = {
    "optimizers": {"checks", "types"},
    "metrics": {"checks", "types", "runtime", "spaces"},
    "callbacks": {"checks", "types", "runtime", "spaces", "metrics"},
    "datasets": {"checks", "types", "runtime", "spaces"},
}
# What is also allowed, file by file.
EXCEPTIONS = {
    # Equilibrium configurations are drawn.
    "datasets/ising_model.py": {"samplers"},
    "datasets/lattices.py": {"samplers"},
    # Names of what signatures take, seeds among them.
    "types.py": {"runtime"},
}
FILES = sorted(ROOT.rglob("*.py"))


def _is_allowed(room, other):
    if room == other:
        return True
    if room in BESIDE:
        return other in BESIDE[room]
    if other in BESIDE:
        # What is beside knows nothing of the floors above it.
        return HEIGHT[room] >= HEIGHT["models"]
    return HEIGHT[other] < HEIGHT[room]


@pytest.mark.parametrize(
    "path", FILES, ids=lambda path: str(path.relative_to(ROOT))
)
def test_imports_point_down(path):
    room = house.room(path)
    if room == "__init__":
        return
    allowed = EXCEPTIONS.get(str(path.relative_to(ROOT)), set())
    wrong = {
        other
        for other in house.imported(path) - allowed
        if not _is_allowed(room, other)
    }
    assert not wrong


def test_every_room_has_a_floor():
    rooms = {house.room(path) for path in FILES} - {"__init__"}
    assert rooms == HEIGHT.keys() | BESIDE.keys()


def _classes():
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef):
                bases = [ast.unparse(b).split(".")[-1] for b in node.bases]
                yield path, node.name, bases


def test_a_class_has_at_most_two_bases_of_ours():
    ours = {name for _, name, _ in _classes()}
    for path, name, bases in _classes():
        own = [base for base in bases if base in ours]
        assert len(own) <= 2, f"{path}: {name}({', '.join(own)})"


DOORS = {
    "tf.random.": "runtime/random.py",
    "keras.random.": "runtime/random.py",
    "tf.distribute": "runtime/distribute.py",
    "tensorflow_probability": "runtime/probability.py",
}


@pytest.mark.parametrize("word", DOORS)
def test_three_things_are_behind_one_door_each(word):
    users = {
        str(path.relative_to(ROOT))
        for path in FILES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, (ast.Attribute, ast.Import))
        and ast.unparse(node).removeprefix("import ").startswith(word)
    }
    assert users <= {DOORS[word]}


def test_the_picture_in_contributing_is_of_this_house():
    assert house.picture() in house.PAGE.read_text()
