"""What `pip install` of the built wheel brings."""

import email
import os
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import genzoo as gz

ROOT = Path(__file__).parents[2]


SDIST = "import sys, setuptools.build_meta as b; b.build_sdist(sys.argv[1])"


@pytest.fixture(scope="module")
def sdist(tmp_path_factory):
    """The built source distribution."""
    folder = tmp_path_factory.mktemp("sdist")
    source = folder / "source"
    source.mkdir()
    # A build leaves files beside the source.
    for name in ("genzoo", "saved_models"):
        shutil.copytree(ROOT / name, source / name)
    files = "setup.cfg", "pyproject.toml", "README.md", "LICENSE", "MANIFEST.in"
    for name in files:
        shutil.copy(ROOT / name, source)
    command = [sys.executable, "-c", SDIST, str(folder)]
    subprocess.run(command, check=True, cwd=source, capture_output=True)
    (archive,) = folder.glob("*.tar.gz")
    return archive


@pytest.fixture(scope="module")
def wheel(sdist, tmp_path_factory):
    """The wheel that is built of the source distribution."""
    folder = tmp_path_factory.mktemp("wheel")
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    (source,) = folder.glob("genzoo-*")
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


def test_distributions_are_small_enough_for_an_index(sdist, wheel):
    assert sdist.name == f"genzoo-{gz.__version__}.tar.gz"
    assert sdist.stat().st_size < 40e6
    assert wheel.stat().st_size < 40e6


def test_no_package_is_left_out(unpacked):
    written = {p.relative_to(ROOT) for p in ROOT.glob("genzoo/**/*.py")}
    packed = {p.relative_to(unpacked) for p in unpacked.glob("genzoo/**/*.py")}
    assert written == packed


def test_presets_are_inside(unpacked):
    names = {p.name for p in (unpacked / "genzoo" / "saved_models").iterdir()}
    assert names == set(gz.list_presets())


def _required(wheel):
    """The installed distributions that a wheel asks for, and those they do."""
    with zipfile.ZipFile(wheel) as archive:
        (path,) = [n for n in archive.namelist() if n.endswith("/METADATA")]
        asked = email.message_from_bytes(archive.read(path))
    found = {}
    left = [Requirement(line) for line in asked.get_all("Requires-Dist")]
    while left:
        wanted = left.pop()
        extras = wanted.extras or {""}
        if wanted.marker and not wanted.marker.evaluate({"extra": ""}):
            continue
        if (wanted.name, *extras) not in found:
            part = metadata.distribution(wanted.name)
            found[wanted.name, *extras] = part
            for line in part.requires or []:
                inner = Requirement(line)
                if inner.marker is None or any(
                    inner.marker.evaluate({"extra": extra}) for extra in extras
                ):
                    inner.marker = None
                    left.append(inner)
    return found.values()


def test_fresh_environment_samples_from_every_preset(wheel, tmp_path):
    """As a user has it: nothing but the wheel and what it requires.

    What it requires is here already, and takes gigabytes: it is linked. pip
    then finds it installed, or refuses the wheel for what is missing.
    """
    folder = tmp_path / "fresh"
    venv.create(folder)
    python = folder / "bin" / "python"
    (packages,) = folder.glob("lib/python*/site-packages")
    for part in _required(wheel):
        for name in {file.parts[0] for file in part.files} - {
            "..",
            "__pycache__",
        }:
            link = packages / name
            if not link.exists():
                link.symlink_to(part.locate_file(name).resolve())
    pip = [sys.executable, "-m", "pip", "--python", python, "install"]
    options = ["--quiet", "--no-index", "--no-compile"]
    subprocess.run([*pip, *options, wheel], check=True)
    code = """
import genzoo as gz
print(gz.__file__)
for name in gz.list_presets():
    model = gz.from_preset(name)
    if hasattr(model, "sample"):
        options = {} if not getattr(model, "is_conditional", False) else {
            "labels": [1, 1]} if model.conditions.classes else {
            "conditions": [[200.0]] * 2}
        if not isinstance(model, gz.GAN):
            options["steps"] = 20
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
