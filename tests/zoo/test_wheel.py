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
def unpacked(tmp_path_factory):
    """The files of the wheel, as an installation has them."""
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
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "installed")
    return folder / "installed"


def test_no_package_is_left_out(unpacked):
    written = {p.relative_to(ROOT) for p in ROOT.glob("genzoo/**/*.py")}
    packed = {p.relative_to(unpacked) for p in unpacked.glob("genzoo/**/*.py")}
    assert written == packed


def test_presets_are_inside_and_load(unpacked, tmp_path):
    names = {p.name for p in (unpacked / "genzoo" / "saved_models").iterdir()}
    assert names == set(gz.list_presets())
    code = """
import genzoo as gz
print(gz.__file__)
for name in gz.list_presets():
    model = gz.from_preset(name)
    if hasattr(model, "sample"):
        model.sample(2, seed=0)
"""
    result = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(unpacked)},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith(str(unpacked))
