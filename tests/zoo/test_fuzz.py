"""Presets that chance has changed: they load, or raise one short ValueError.

`python -m tests.zoo.test_fuzz 100000` tries so many, and says what each cost.
"""

import json
import random
import sys
import time

import numpy as np
import pytest

import genzoo as gz
from genzoo.zoo import files, presets, table
from genzoo.zoo.presets import Preset

IN_TESTS = 9_800
WHOLE = 200
SLOWEST = 1.0

# What means something to a reader of JSON, to HDF5 or to Python.
_TEXTS = [
    b'"', b"\\", b'\\"', b"{", b"}", b"[", b"]", b",", b":", b"null", b"NaN",
    b"1e999", b"-1", b"9" * 400, b"true", b"\\ud800", b"\xff", b"\x00",
    b"0.5", b"[[[[[[[[[[[[[[[[[[", b'"class"', b"Infinity", b"1e-999",
]  # fmt: skip
_VALUES = [
    None, True, -1, 0, 1, 2**31, 2**63, 2**64, 10**400, -0.5, 1e308, "", "RBM",
    "\ud800", [], {}, [[]], {"class": "RBM"}, {"class": []}, "units.Spin",
    [1, 2, 3], "a" * 5000, {"class": "units.Bernoulli", "size": 2},
    {"class": "keras.regularizers.L2", "l2": 1e-3},
]  # fmt: skip


def _bytes(content, chance):
    """Bytes with a few changes."""
    content = bytearray(content)
    for _ in range(chance.randint(1, 4)):
        place = chance.randrange(len(content) + 1)
        kind = chance.randrange(6)
        if kind == 0 and place < len(content):
            content[place] ^= 1 << chance.randrange(8)
        elif kind == 1:
            content[place : place + chance.choice((1, 4, 8))] = bytes(
                chance.choice((0, 255, 127, 128)) for _ in range(8)
            )
        elif kind == 2:
            content[place:place] = chance.choice(_TEXTS) * chance.choice(
                (1, 1, 1, 50)
            )
        elif kind == 3:
            del content[place : place + chance.choice((1, 2, 64))]
        elif kind == 4:
            del content[place:]
        else:
            other = chance.randrange(len(content) + 1)
            content[place:place] = content[other : other + 32]
        content = content or bytearray(b"{")
    return bytes(content)


def _places(value, path=()):
    """All places in nested dicts and lists."""
    yield path
    items = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for key, item in items:
        yield from _places(item, (*path, key))


def _plain(config, chance):
    """A configuration with one value that is another."""
    config = json.loads(json.dumps(config))
    path = chance.choice([p for p in _places(config) if p])
    inside = config
    for key in path[:-1]:
        inside = inside[key]
    kind = chance.randrange(4)
    if kind == 0:
        inside.pop(path[-1])
    elif kind == 1 and isinstance(inside, dict):
        inside[chance.choice(["x", "class", "size", "seed"])] = chance.choice(
            _VALUES
        )
    else:
        inside[path[-1]] = chance.choice(_VALUES)
    return config


def _models():
    """Small presets of several kinds."""
    bits = np.eye(4, dtype="uint8")
    rbm = gz.RBM(gz.units.Bernoulli(4), gz.units.Spin(2), seed=0)
    rbm.adapt(bits)
    mixed = gz.RBM(
        gz.units.Gaussian(3),
        gz.units.Bernoulli(2),
        kernel_regularizer="l2",
        seed=0,
    )
    mixed.adapt(np.random.default_rng(0).standard_normal((9, 3)))
    boltzmann = gz.BoltzmannMachine(gz.spaces.Spin(3), seed=0)
    boltzmann.adapt(2 * bits[:, :3].astype(float) - 1)
    gan = gz.GAN(*gz.networks.mlp(latent=2, output=2, width=3), seed=0)
    return [rbm, mixed, boltzmann, gan]


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    return _written(tmp_path_factory.mktemp("presets"))


def _written(folder):
    found = []
    models = [(model, "h5") for model in _models()]
    # As often as the others.
    models += [(models[0][0], "safetensors")]
    for number, (model, weights_format) in enumerate(models):
        place = folder / str(number)
        model.save_to_preset(place, weights_format=weights_format)
        found.append({path.name: path.read_bytes() for path in place.iterdir()})
    return found


def _tell(error):
    message = str(error)
    assert len(message) < 4000
    # For a terminal and for a log.
    message.encode("utf-8", "backslashreplace")


def _try_readers(contents, chance):
    """One mutation through the readers alone; whether it was refused."""
    kind = chance.randrange(3)
    try:
        if kind == 0:
            name = files.weights_of(contents)
            content = _bytes(contents[name], chance)
            presets._FORMATS[name].from_bytes(content, "x")
            return False
        config = contents[files.CONFIG]
        if kind == 1:
            config = _bytes(config, chance)
        else:
            plain = _plain(json.loads(config), chance)
            config = json.dumps(plain).encode()
        found = files.from_json(config, "x")
        found.pop("format", None)
        table.Config(found).checked((Preset,), "x")
    except ValueError as error:
        _tell(error)
        return True
    return False


def _try_whole(contents, chance, folder):
    """One mutation with right hashes through `from_preset`."""
    contents = dict(contents)
    weights = files.weights_of(contents)
    kind = chance.randrange(3)
    if kind == 0:
        contents[weights] = _bytes(contents[weights], chance)
    else:
        plain = _plain(json.loads(contents[files.CONFIG]), chance)
        contents[files.CONFIG] = json.dumps(plain).encode()
    metadata = json.loads(contents[files.METADATA])
    metadata["sha256"] = {
        name: files.sha256(contents[name]) for name in (files.CONFIG, weights)
    }
    if kind == 2:
        metadata = _plain(metadata, chance)
    contents[files.METADATA] = json.dumps(metadata).encode()
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    try:
        model = gz.from_preset(folder)
    except ValueError as error:
        _tell(error)
        return True
    for variable in model.preset_weights().values():
        assert np.isfinite(np.asarray(variable.numpy())).all()
    return False


def _run(written, count, whole, folder, seed):
    refused = slowest = 0.0
    for number in range(count + whole):
        chance = random.Random(seed * 10**9 + number)
        contents = written[number % len(written)]
        began = time.process_time()
        try:
            if number < count:
                refused += _try_readers(contents, chance)
            else:
                refused += _try_whole(contents, chance, folder)
        except Exception as error:
            raise AssertionError(f"mutation {number} of {seed}") from error
        slowest = max(slowest, time.process_time() - began)
    return refused / (count + whole), slowest


def test_mutated_presets_are_loaded_or_refused(written, tmp_path):
    share, slowest = _run(written, IN_TESTS, WHOLE, tmp_path, seed=1)
    assert 0.5 < share < 0.99
    assert slowest < SLOWEST


@pytest.mark.parametrize("unit", ['\\"', "\\", '"', "[", '{"a":', "\\u005c"])
def test_reading_json_takes_time_in_proportion(unit):
    """Each of them, repeated, in a text of the largest size."""
    most = files.MOST_BYTES[files.CONFIG]
    text = ('{"a": "' + unit * (most // len(unit)))[:most]
    began = time.process_time()
    with pytest.raises(ValueError, match="no valid JSON"):
        files.from_json(text.encode(), "x")
    assert time.process_time() - began < SLOWEST


if __name__ == "__main__":
    import pathlib
    import tempfile

    with tempfile.TemporaryDirectory() as place:
        place = pathlib.Path(place)
        (place / "one").mkdir()
        made = _written(place)
        many = int(sys.argv[1])
        print(_run(made, many, many // 50, place / "one", seed=2))
