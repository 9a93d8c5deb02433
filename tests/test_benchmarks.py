import importlib
import json
import re
from pathlib import Path

import pytest

import genzoo as gz

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results"
NAMES = sorted(
    str(path.relative_to(RESULTS).with_suffix(""))
    for path in RESULTS.rglob("*.json")
)


@pytest.fixture(autouse=True)
def _from_the_root(monkeypatch):
    monkeypatch.syspath_prepend(ROOT)


@pytest.mark.parametrize("name", NAMES)
def test_rows_tell_the_numbers_beside_them(name):
    script = importlib.import_module(f"benchmarks.{name.replace('/', '.')}")
    found = json.loads((RESULTS / f"{name}.json").read_text())
    assert script.rows(found) == found["rows"]


def test_function_runs_in_a_process_of_its_own():
    common = importlib.import_module("benchmarks.common")
    averages = importlib.import_module("benchmarks.maxent.averages")
    here = averages.truncated_exponential(0.3)
    assert common.elsewhere(averages.truncated_exponential, 0.3) == here


def test_every_preset_has_a_recipe():
    train = importlib.import_module("recipes.train")
    assert sorted(train.PRESETS) == gz.list_presets()
    for name in train.PRESETS:
        command = gz.zoo.card(name)["command"]
        assert command == f"python -m recipes.train {name}"


def test_recipes_do_not_import_benchmarks():
    for path in (ROOT / "recipes").glob("*.py"):
        assert not re.search(
            r"(?m)^\s*(from|import) benchmarks", path.read_text()
        )
