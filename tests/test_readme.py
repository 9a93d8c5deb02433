import json
import re
import runpy
import time
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

ROOT = Path(__file__).parents[1]
PAGES = ROOT / "docs" / "models"
# In CI a pass of everything has to do: what a block says is held by less.
LESS = (
    ("epochs=20)", "epochs=1, verbose=0)"),
    ("epochs=50,", "epochs=1, verbose=0,"),
    ("epochs=200)", "epochs=1, verbose=0)"),
    ("epochs=100)", "epochs=1, verbose=0)"),
    ("epochs=60)", "epochs=1, verbose=0)"),
    ("epochs=30,", "epochs=2, verbose=0,"),
    ("epochs=10)", "epochs=1, verbose=0)"),
    ("epochs=5)", "epochs=5, verbose=0)"),
    ("epochs=20, verbose=0)  # one", "epochs=1, verbose=0)  # one"),
    ("100_000", "2_000"),
    ("10_000", "1_000"),
)


def _blocks(path):
    return re.findall(r"```python\n(.*?)```", path.read_text(), re.DOTALL)


def _run(block, names, changes=LESS):
    for old, new in changes:
        block = block.replace(old, new)
    exec(block, names)


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_measurements_are_those_of_the_committed_json():
    found = runpy.run_path(str(ROOT / "benchmarks" / "table.py"))
    assert found["table"]() in (ROOT / "README.md").read_text()


def test_blocks_of_the_readme_are_those_of_the_pages():
    pages = {block for path in PAGES.glob("*.md") for block in _blocks(path)}
    *blocks, presets = _blocks(ROOT / "README.md")
    # The GAN's is the page's on fewer points.
    own = [block for block in blocks if block not in pages]
    assert len(own) == 1
    assert "gaussian_ring" in own[0]
    names = {}
    for block in (*own, presets):
        assert "import genzoo as gz" in block
        _run(block, names)
    assert names["gan"].sample(3).shape == (3, 2)
    assert Path("my_rbm/config.json").exists()
    assert Path("served/digits/1/saved_model.pb").exists()


def test_pictures_and_pages_that_the_readme_names_are_there():
    text = (ROOT / "README.md").read_text()
    links = re.findall(r"\]\(([^)]*)\)", text)
    assert len(links) > 10
    for link in links:
        assert (ROOT / link).exists(), link


def test_rbm_blocks_run_as_printed():
    first, _, gaps, features = _blocks(PAGES / "rbm.md")
    names = {}
    start = time.process_time()
    _run(first, names, [("epochs=20", "epochs=20, verbose=0")])
    # Independent pixels: -24.6 nats.
    assert names["rbm"].log_prob(names["x_test"]).mean() >= -19.0
    assert time.process_time() - start < 30
    assert names["rbm"].sample(4).shape == (4, 64)
    _run(gaps, names, ())
    assert np.isnan(names["gaps"]).any()
    assert names["rbm"].log_prob(names["x_test"]).mean() > -30.0
    assert Path("served/rbm/saved_model.pb").exists()
    names = {}
    _run(features, names)
    assert names["model"](names["x"]).shape == (1500, 10)


def test_early_stopping_block_runs_as_printed():
    first, stopping = _blocks(PAGES / "rbm.md")[:2]
    names = {}
    _run(first, names)
    before = names["rbm"].log_prob(names["x_test"]).mean()
    _run(stopping, names)
    assert names["rbm"].log_prob(names["x_test"]).mean() > before - 1


def test_maxent_blocks_run_as_printed(capsys):
    names = {}
    die, lattice = _blocks(PAGES / "maxent.md")
    _run(die, names)
    assert "4.5" in capsys.readouterr().out
    _run(lattice, names)
    assert names["lattice"].route == "transfer matrix"
    error = names["lattice"].multipliers[0] - 1 / 2.4
    assert abs(error) < 5 * names["lattice"].multiplier_stderr()[0]


def test_boltzmann_blocks_run_as_printed():
    names = {}
    boltzmann, proteins, tied = _blocks(PAGES / "boltzmann.md")
    _run(boltzmann, names)
    assert names["ising"].couplings.shape == (64, 64)
    assert names["memory"].sample(2, seed=0).shape == (2, 4)
    _run(proteins, names)
    assert names["potts"].contacts(2).shape == (2, 2)
    _run(tied, names)
    # Of 12 data sets the spread was 0.012.
    assert abs(names["tied"].multipliers[0] - 1 / 1.2) < 0.06


def test_blocks_of_energies_and_depth_run_as_printed():
    names = {}
    _run(*_blocks(PAGES / "energies.md"), names)
    # -<log p> of the truth is 1.99, of independent normals 3.29.
    assert names["model"].log_prob(names["rings"]).mean() > -2.2
    assert names["drawn"].shape == (1000, 2)
    _run(*_blocks(PAGES / "deep.md"), names)
    assert -24.6 < names["deep"].bound(names["x_test"]).mean() < -15


def test_gan_blocks_run_as_printed():
    points, images, joint, tables = _blocks(PAGES / "gan.md")
    names = {}
    _run(points, names)
    assert names["gan"].sample(3).shape == (3, 2)
    x = np.random.default_rng(0).uniform(-1, 1, (24, 28, 28, 1))
    y = np.arange(24) % 10
    names |= {"keras": keras, "x_train": x, "y_train": y}
    names |= {"x_test": x[:12], "y_test": y[:12]}
    _run(images, names)
    assert names["gan"].sample(10, seed=0, labels=7).shape[0] == 10
    assert Path("samples/epoch_0001.png").exists()
    _run(joint, names)
    assert names["drawn"]["image"].shape == (100, 8, 8, 1)
    assert names["rows"].shape == (100, 74)
    names["frame"] = {
        "kind": np.repeat(["collector", "guest"], 50),
        "age": np.r_[np.arange(10, 60), np.arange(30, 79), np.nan],
    }
    _run(tables, names)
    assert Path("table.json").exists()
    (alike,) = _blocks(PAGES / "alike.md")
    _run(alike, names)
    assert Path("table.png").exists()


def test_blocks_of_presets_and_serving_run_as_printed():
    names = {}
    (presets,) = _blocks(PAGES / "presets.md")
    _run(presets, names)
    assert Path("my_rbm/config.json").exists()
    (serving,) = _blocks(PAGES / "serving.md")
    _run(serving, names)
    drawn = names["digits"].sample(16, seed=0)
    np.testing.assert_array_equal(names["x"], drawn)
    # As TensorFlow Serving reads a request: inputs by name, in their dtype.
    text = (PAGES / "serving.md").read_text()
    request = json.loads(re.search(r"-d '(.*?)'", text, re.DOTALL)[1])
    function = names["served"].signatures[request["signature_name"]]
    inputs = {
        name: tf.constant(request["inputs"][name], spec.dtype)
        for name, spec in function.structured_input_signature[1].items()
    }
    assert inputs.keys() == request["inputs"].keys()
    np.testing.assert_array_equal(function(**inputs)["output_0"], drawn)
