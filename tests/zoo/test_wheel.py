"""What `pip install` of the built wheel brings."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import genzoo as gz

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The built wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    source.mkdir()
    # A build leaves files beside the source.
    for name in ("genzoo", "saved_models"):
        shutil.copytree(ROOT / name, source / name)
    for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"]
    options = ["--no-build-isolation", "--no-index", "-w", str(folder)]
    subprocess.run([*command, *options, str(source)], check=True)
    (wheel,) = folder.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def unpacked(wheel):
    """The files of the wheel, as an installation has them."""
    folder = wheel.parent / "installed"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def test_no_package_is_left_out(unpacked):
    written = {p.relative_to(ROOT) for p in ROOT.glob("genzoo/**/*.py")}
    packed = {p.relative_to(unpacked) for p in unpacked.glob("genzoo/**/*.py")}
    assert written == packed


def test_presets_are_inside(unpacked):
    names = {p.name for p in (unpacked / "genzoo" / "saved_models").iterdir()}
    assert names == set(gz.list_presets())


def test_fresh_environment_samples_from_every_preset(wheel, tmp_path):
    """As a user has it: nothing but the wheel and what it requires."""
    folder = tmp_path / "fresh"
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    python = folder / "bin" / "python"
    install = [python, "-m", "pip", "install", "--quiet", "--no-compile"]
    constraints = ["-c", ROOT / "constraints.txt"]
    subprocess.run([*install, *constraints, wheel], check=True)
    code = """
import genzoo as gz
print(gz.__file__)
for name in gz.list_presets():
    model = gz.from_preset(name)
    if hasattr(model, "sample"):
        options = {} if not getattr(model, "is_conditional", False) else {
            "labels": [1, 1]} if model.conditions.classes else {
            "conditions": [[200.0]] * 2}
        assert len(model.sample(2, seed=0, **options)) == 2
        print(name)
"""
    result = subprocess.run(
        [python, "-c", code],
        cwd=tmp_path,
        env={k: v for k, v in os.environ.items() if k != "PYTHONPATH"},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    first, *sampled = result.stdout.splitlines()
    assert first.startswith(str(folder))
    assert sampled == [n for n in gz.list_presets() if n != "digit_features"]
