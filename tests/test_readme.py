import re
import runpy
from pathlib import Path

import keras
import numpy as np

import genzoo as gz

ROOT = Path(__file__).parents[1]


def test_measurements_are_those_of_the_committed_json():
    found = runpy.run_path(str(ROOT / "benchmarks" / "table.py"))
    text = (ROOT / "README.md").read_text()
    assert found["table"]() in text
    assert found["families"]() in text


def _blocks():
    text = (ROOT / "README.md").read_text()
    return re.findall(r"```python\n(.*?)```", text, re.DOTALL)


def test_maxent_examples_run_as_printed(capsys):
    names = {}
    die, lattice, boltzmann = _blocks()[3:6]
    exec(die, names)
    assert "4.5" in capsys.readouterr().out
    exec(lattice, names)
    assert names["lattice"].route == "transfer matrix"
    error = names["lattice"].multipliers[0] - 1 / 2.4
    assert abs(error) < 5 * names["lattice"].multiplier_stderr[0]
    exec(boltzmann, names)
    assert names["ising"].couplings.shape == (64, 64)
    assert names["memory"].sample(2, seed=0).shape == (2, 4)


def test_first_example_runs_as_printed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    blocks = _blocks()
    example = blocks[0].replace("epochs=50", "epochs=2, verbose=0")
    names = {}
    exec(example, names)
    assert names["rbm"].sample(4).shape == (4, 64)
    serving = blocks[2].replace("1000)", "5)")
    names["v"] = names["x_test"][:3].astype("float32")
    exec(serving, names)
    assert gz.RBM is type(names["rbm"])


def test_gan_examples_run_as_printed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    points, images, alike, presets = _blocks()[6:]
    points = points.replace("100_000", "2_000").replace("10_000", "1_000")
    names = {}
    exec(points.replace("epochs=200", "epochs=1, verbose=0"), names)
    assert names["gan"].sample(3).shape == (3, 2)
    x = np.random.default_rng(0).uniform(-1, 1, (24, 28, 28, 1))
    y = np.arange(24) % 10
    names |= {"keras": keras, "x_train": x, "y_train": y}
    names |= {"x_test": x[:12], "y_test": y[:12]}
    exec(images, names)
    assert names["gan"].sample(10, seed=0, labels=7).shape[0] == 10
    assert (tmp_path / "samples" / "epoch_0001.png").exists()
    exec(alike, names)
    assert (tmp_path / "table.png").exists()
    exec(presets, names)
    assert (tmp_path / "my_rbm" / "config.json").exists()
