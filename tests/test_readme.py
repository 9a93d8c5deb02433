import json
import re
import runpy
import time
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

ROOT = Path(__file__).parents[1]


def test_measurements_are_those_of_the_committed_json():
    found = runpy.run_path(str(ROOT / "benchmarks" / "table.py"))
    text = (ROOT / "README.md").read_text()
    assert found["table"]() in text
    assert found["families"]() in text
    assert found["presets"]() in text


def _blocks():
    text = (ROOT / "README.md").read_text()
    return re.findall(r"```python\n(.*?)```", text, re.DOTALL)


def test_maxent_examples_run_as_printed(capsys):
    names = {}
    die, lattice, boltzmann, proteins, tied, rings, deep = _blocks()[3:10]
    exec(die, names)
    assert "4.5" in capsys.readouterr().out
    exec(lattice, names)
    assert names["lattice"].route == "transfer matrix"
    error = names["lattice"].multipliers[0] - 1 / 2.4
    assert abs(error) < 5 * names["lattice"].multiplier_stderr()[0]
    exec(boltzmann, names)
    assert names["ising"].couplings.shape == (64, 64)
    assert names["memory"].sample(2, seed=0).shape == (2, 4)
    exec(proteins, names)
    assert names["potts"].contacts(2).shape == (2, 2)
    exec(tied, names)
    # Of 12 data sets the spread was 0.012.
    assert abs(names["tied"].multipliers[0] - 1 / 1.2) < 0.06
    exec(rings.replace("epochs=5", "epochs=5, verbose=0"), names)
    # -<log p> of the truth is 2.38, of independent normals 3.29.
    assert names["model"].log_prob(names["rings"]).mean() > -2.6
    assert names["drawn"].shape == (1000, 2)
    exec(deep.replace("epochs=30", "epochs=2, verbose=0"), names)
    assert -24.6 < names["deep"].bound(names["x_test"]).mean() < -15


def test_first_example_runs_as_printed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    example = _blocks()[0].replace("epochs=20", "epochs=20, verbose=0")
    names = {}
    start = time.process_time()
    exec(example, names)
    # Independent pixels: -24.6 nats.
    assert names["rbm"].log_prob(names["x_test"]).mean() >= -19.0
    assert time.process_time() - start < 30
    assert names["rbm"].sample(4).shape == (4, 64)
    exec(_blocks()[2], names)
    assert np.isnan(names["gaps"]).any()
    assert names["rbm"].log_prob(names["x_test"]).mean() > -30.0
    assert (tmp_path / "served" / "rbm" / "saved_model.pb").exists()


def test_features_run_as_printed():
    names = {}
    example = _blocks()[16].replace("epochs=20", "epochs=1")
    exec(example.replace("epochs=10", "epochs=1, verbose=0"), names)
    assert names["model"](names["x"]).shape == (1500, 10)


def test_gan_examples_run_as_printed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    points, images, tables, alike, presets, serving = _blocks()[10:16]
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
    names["frame"] = {
        "kind": np.repeat(["collector", "guest"], 50),
        "age": np.r_[np.arange(10, 60), np.arange(30, 79), np.nan],
    }
    gan = names["gan"]
    exec(tables.replace("epochs=100", "epochs=1, verbose=0"), names)
    assert (tmp_path / "table.json").exists()
    names["gan"] = gan
    exec(alike, names)
    assert (tmp_path / "table.png").exists()
    exec(presets, names)
    assert (tmp_path / "my_rbm" / "config.json").exists()
    exec(serving, names)
    drawn = names["digits"].sample(16, seed=0)
    np.testing.assert_array_equal(names["x"], drawn)
    # As TensorFlow Serving reads a request: inputs by name, in their dtype.
    text = (ROOT / "README.md").read_text()
    request = json.loads(re.search(r"-d '(.*?)'", text, re.DOTALL)[1])
    function = names["served"].signatures[request["signature_name"]]
    inputs = {
        name: tf.constant(request["inputs"][name], spec.dtype)
        for name, spec in function.structured_input_signature[1].items()
    }
    assert inputs.keys() == request["inputs"].keys()
    np.testing.assert_array_equal(function(**inputs)["output_0"], drawn)
