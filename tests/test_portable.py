"""ONNX and LiteRT files say what the live model says."""

import gc
import importlib.util
import json
import subprocess
import sys

import gan_cases
import numpy as np
import onnx
import onnxruntime
import pytest
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter
from tensorflow.lite.python import schema_py_generated as schema

import genzoo as gz
from genzoo import units
from genzoo.portable import SUFFIXES
from genzoo.runtime import random


def _rbm(visible, hidden):
    rbm = gz.RBM(visible, hidden, seed=0)
    rng = np.random.default_rng(0)
    for weight in rbm.parameters:
        weight.assign(rng.normal(size=weight.shape))
    return rbm


def _bits():
    rbm = _rbm(units.Bernoulli(6), units.Spin(4))
    rbm.adapted.assign(1)
    rbm.log_partition()
    return rbm


def _potts():
    model = gz.BoltzmannMachine(gz.spaces.Categorical([0, 1, 2], shape=(4,)))
    model.multipliers = np.sin(np.arange(len(model.multipliers)))
    return model


def _lattice():
    shape = (3, 4)
    features = [gz.features.LatticeBonds(shape), gz.features.Moments(1)]
    model = gz.MaxEnt(gz.spaces.Spin(shape), features)
    model.multipliers = np.sin(1 + np.arange(len(model.multipliers)))
    return model


def _interval():
    model = gz.MaxEnt(gz.spaces.Interval(0, 1), gz.features.Moments(1, 2))
    model.multipliers = [1.0, -2.0]
    return model


def _clusters():
    model = gan_cases.clusters_gan()
    model.fit(gan_cases.spots()[0], verbose=0)
    return model


def _tails():
    model = gz.EnergyModel(gz.spaces.Real(2), seed=0)
    model.adapt(np.random.default_rng(0).standard_t(2, (2000, 2)))
    assert model.sites.stretch.numpy().all()
    model.network.layers[-1].kernel.assign_add(
        np.ones(model.network.layers[-1].kernel.shape)
    )
    return model


def _of_sites(space, x):
    network = gz.networks.energy_mlp(space, width=8, depth=1, seed=0)
    model = gz.EnergyModel(space, network, seed=0)
    model.adapt(x)
    last = model.network.layers[-1].kernel
    last.assign_add(np.ones(last.shape))
    return model


def _network_of_bits():
    x = np.random.default_rng(0).integers(0, 2, (50, 23))
    return _of_sites(gz.spaces.Binary(23), x)


def _network_of_counts():
    x = np.random.default_rng(0).poisson(4, (50, 3))
    return _of_sites(gz.spaces.Counts(None, 3), x)


def _network_of_a_box():
    x = np.random.default_rng(0).random((50, 3))
    return _of_sites(gz.spaces.Interval(0, 4, 3), x)


# How each model is made, its endpoints, and the values of an x.
ENERGY = ("serve", "energy")
MODELS = {
    "gan": (gan_cases.points_gan, ("serve", "score"), None),
    "conditional dcgan": (gan_cases.images_gan, ("serve", "score"), None),
    "clusters": (_clusters, ("serve", "score"), None),
    "rbm": (_bits, (*ENERGY, "log_prob", "hidden_mean", "gibbs"), [0, 1]),
    "potts rbm": (
        lambda: _rbm(units.Spin(5), units.Categorical(3, states=3)),
        (*ENERGY, "hidden_mean", "gibbs"),
        [-1, 1],
    ),
    "gaussian rbm": (
        lambda: _rbm(units.Gaussian(5), units.Bernoulli(3)),
        (*ENERGY, "hidden_mean"),
        None,
    ),
    "lattice": (_lattice, (*ENERGY, "gibbs"), [-1, 1]),
    "potts": (_potts, (*ENERGY, "gibbs"), [0, 1, 2]),
    "interval": (_interval, ENERGY, None),
    "tails": (_tails, ENERGY, None),
    "network of bits": (_network_of_bits, ENERGY, [0, 1]),
    "network of counts": (_network_of_counts, ENERGY, [0, 1, 9]),
    "network of a box": (_network_of_a_box, ENERGY, [0, 1, 3.5]),
}
# `serve` of an energy is `energy`: once is enough.
WRITTEN = [
    (name, endpoint)
    for name, (_, endpoints, _) in MODELS.items()
    for endpoint in endpoints
    if (name, endpoint) == ("rbm", "serve")
    or endpoints[:2] != ENERGY
    or endpoint != "serve"
]


@pytest.fixture(autouse=True)
def without_collections(monkeypatch):
    """A converter of LiteRT looks through all objects of the process."""
    monkeypatch.setattr(gc, "collect", lambda *_: 0)


@pytest.fixture(scope="module")
def model_of():
    made = {}

    def get(name):
        if name not in made:
            made[name] = MODELS[name][0]()
        return made[name]

    return get


def _inputs(signature, levels, rows):
    rng = np.random.default_rng(rows)
    given = {}
    for spec in signature:
        shape = [rows if size is None else size for size in spec.shape]
        if spec.name == "labels":
            value = rng.integers(3, size=shape)
        elif spec.name.startswith("u"):
            value = rng.random(shape)
        elif spec.name == "x" and levels is not None:
            value = rng.choice(levels, shape)
        else:
            value = rng.uniform(-1, 1, shape)
        given[spec.name] = value.astype(spec.dtype.as_numpy_dtype)
    return given


def _run(path, given):
    """The output of a file, by the name of the endpoint."""
    if path.suffix == ".onnx":
        session = onnxruntime.InferenceSession(path)
        names = [output.name for output in session.get_outputs()]
        return dict(zip(names, session.run(None, given), strict=True))
    return Interpreter(model_path=str(path)).get_signature_runner()(**given)


@pytest.mark.parametrize("format", SUFFIXES)
@pytest.mark.parametrize(("name", "endpoint"), WRITTEN)
def test_a_file_gives_what_the_model_gives(
    model_of, name, endpoint, format, tmp_path
):
    model = model_of(name)
    path = tmp_path / "new" / f"file{SUFFIXES[format]}"
    model.export(path, format=format, endpoint=endpoint)
    function, signature = model.portable_endpoints()[endpoint]
    for rows in (7, 2):
        given = _inputs(signature, MODELS[name][2], rows)
        live = function(**{k: tf.constant(v) for k, v in given.items()})
        (output, found), *rest = _run(path, given).items()
        assert output == endpoint
        assert not rest
        assert found.shape == live.shape
        if endpoint == "gibbs":
            np.testing.assert_array_equal(found, live)
        else:
            np.testing.assert_allclose(found, live, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", MODELS)
def test_the_first_endpoint_is_what_the_model_serves(model_of, name):
    held = model_of(name).portable_endpoints()
    assert tuple(sorted(held)) == tuple(sorted(MODELS[name][1]))
    assert next(iter(held)) == "serve"


@pytest.mark.parametrize("name", ["lattice", "potts"])
def test_the_sweep_is_the_one_that_samples(model_of, name):
    model = model_of(name)
    sweep, (x, u) = model.portable_endpoints()["gibbs"]
    x = _inputs([x], MODELS[name][2], 50)["x"]
    seed = random.as_seed(3)
    drawn = sweep(tf.constant(x), random.uniform((50, u.shape[1]), seed))
    states, _ = model._chain.step()(seed, model.space.flatten(tf.constant(x)))
    np.testing.assert_array_equal(drawn, model.space.unflatten(states))


@pytest.mark.parametrize(
    "unit",
    [units.Bernoulli(2), units.Spin(2), units.Categorical(2, states=3)],
    ids=lambda unit: unit.name,
)
def test_evenly_spread_uniform_numbers_give_the_mean(unit):
    n = 10_000
    rng = np.random.default_rng(0)
    unit.bias.assign(rng.normal(size=unit.width))
    field = tf.constant(rng.normal(size=(1, unit.width)), tf.float32)
    uniform = (np.arange(n)[:, None] + np.full((1, 2), 0.5)) / n
    states = unit.from_uniform(
        tf.repeat(field, n, axis=0), tf.constant(uniform, tf.float32)
    ).numpy()
    assert not unit.space.outside(states)
    # Each threshold is off by one number at most, each 2 / n apart for spins.
    mean = unit.mean(field)[0]
    np.testing.assert_allclose(states.mean(axis=0), mean, atol=4 / n)


def test_continuous_units_say_that_uniform_numbers_are_not_enough():
    unit = units.Gaussian(2)
    with pytest.raises(ValueError, match=r"Gaussian units .* sample\(field"):
        unit.from_uniform(tf.zeros((1, 2)), tf.zeros((1, 2)))


def test_files_run_where_there_is_neither_tensorflow_nor_genzoo(
    model_of, tmp_path
):
    for suffix, format in ((".onnx", "onnx"), (".tflite", "litert")):
        model_of("rbm").export(tmp_path / f"rbm{suffix}", format=format)
    code = """
import sys
for name in ("tensorflow", "keras", "genzoo"):
    sys.modules[name] = None
import numpy as np, onnxruntime
from ai_edge_litert.interpreter import Interpreter
x = np.eye(6, dtype="float32")
session = onnxruntime.InferenceSession("rbm.onnx")
print(session.run(["serve"], {"x": x})[0].sum())
run = Interpreter(model_path="rbm.tflite").get_signature_runner()
print(run(x=x)["serve"].sum())
"""
    result = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    sums = [float(line) for line in result.stdout.split()]
    live = np.sum(model_of("rbm")(np.eye(6, dtype="float32")))
    np.testing.assert_allclose(sums, [live, live], rtol=1e-5)


def test_what_cannot_be_written_is_refused_and_leaves_no_file(
    model_of, tmp_path
):
    gaussian, path = model_of("gaussian rbm"), tmp_path / "rbm.onnx"
    with pytest.raises(
        ValueError,
        match=r"RBM\.export: with format='onnx' endpoint must be one of "
        r"'serve', 'energy', 'hidden_mean' for this model; received 'gibbs'",
    ):
        gaussian.export(path, format="onnx", endpoint="gibbs")
    with pytest.raises(ValueError, match="must end in '.tflite'; received"):
        gaussian.export(path, format="litert")
    with pytest.raises(ValueError, match="or 'onnx' or 'litert', which hold"):
        gaussian.export(path, format="onx")
    with pytest.raises(ValueError, match="holds all endpoints.*'energy'"):
        gaussian.export(tmp_path / "saved", endpoint="energy")
    relu = _rbm(units.Bernoulli(3), units.ReLU(2))
    for format, suffix in SUFFIXES.items():
        with pytest.raises(
            ValueError,
            match=f"endpoint='energy' .* format='{format}'; use .*Erfc",
        ):
            relu.export(tmp_path / f"relu{suffix}", format, endpoint="energy")
    assert not list(tmp_path.iterdir())


def test_without_the_extra_the_error_names_it(model_of, tmp_path, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"pip install 'genzoo\[onnx\]'"):
        model_of("rbm").export(tmp_path / "rbm.onnx", format="onnx")


@pytest.mark.parametrize("format", SUFFIXES)
def test_a_file_says_what_a_client_must_know(tmp_path, format):
    gan = gan_cases.points_gan(latent="uniform")
    path = tmp_path / f"made{SUFFIXES[format]}"
    gan.export(path, format=format)
    if format == "onnx":
        (text,) = (p.value for p in onnx.load(path).metadata_props)
        told = json.loads(text)
    else:
        model = schema.Model.GetRootAsModel(path.read_bytes(), 0)
        (buffer,) = (
            model.Metadata(i).Buffer()
            for i in range(model.MetadataLength())
            if model.Metadata(i).Name() == b"genzoo"
        )
        told = json.loads(model.Buffers(buffer).DataAsNumpy().tobytes())
    assert told["latents"] == "uniform"
    assert told["endpoint"] == "serve"
    assert told["inputs"] == {"z": {"shape": [None, 3], "dtype": "float32"}}
