"""What an attacker would put into a preset is refused, and does nothing."""

import json
import os

import keras
import pytest

import genzoo as gz
from genzoo.zoo import builtin, files

CONFIG, METADATA, WEIGHTS = files.CONFIG, files.METADATA, files.WEIGHTS


def test_original_is_loaded(put):
    assert gz.from_preset(put({})).sample(2, seed=0, steps=1).shape == (2, 4)


# config.json ----------------------------------------------------------------

_LAMBDA = {
    "class_name": "Lambda",
    "module": "keras.layers",
    "registered_name": None,
    "config": {"function": {"class_name": "__lambda__", "config": {}}},
}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"class": "Sequential"}, "class must be one of"),
        ({"class": "keras.layers.Lambda"}, "class must be one of"),
        ({"class": "genzoo>RBM"}, "class must be one of"),
        ({"class": ["RBM"]}, "class must be one of"),
        ({"class": "units.Bernoulli", "size": 3}, "class must be one of"),
        ({"visible": _LAMBDA}, "class must be one of"),
        ({"visible": {"class": "os.system", "size": 1}}, "must be one of"),
        ({"visible": {"class": "RBM"}}, "class must be one of"),
        ({"hidden": "units.Bernoulli"}, "hidden must be a Unit"),
        ({"module": "os", "class_name": "system"}, "not known"),
        ({"build_config": {"input_shape": [1]}}, "not known"),
        ({"dtype": "float64"}, "not known"),
        ({"name": "../../x"}, "not known"),
        ({"centered": "yes"}, "must be true or false"),
        ({"centered": _LAMBDA}, "must be true or false"),
        ({"kernel_regularizer": "l2"}, "must be a list"),
        ({"kernel_regularizer": [0, -1.0]}, "must be a number from 0"),
        ({"kernel_constraint": "non_neg"}, "must be a keras.constraints"),
        (
            {"kernel_constraint": {"class": "keras.constraints.Constraint"}},
            "class must be one of",
        ),
        (
            {"kernel_constraint": {"class": "keras.regularizers.L2", "l2": 1}},
            "class must be one of",
        ),
        (
            {
                "kernel_constraint": {
                    "class": "keras.constraints.UnitNorm",
                    "axis": 2**40,
                }
            },
            "must be an int from -8 to 8",
        ),
        (
            {
                "bias_regularizer": [
                    None,
                    {"class": "keras.regularizers.L1", "l1": -0.5},
                ]
            },
            "must be a number from 0",
        ),
        ({"seed": [0]}, "must be a list of 2 to 2"),
        ({"seed": [0, 2**63]}, "must be an int"),
        ({"format": 2}, "reads up to format 1"),
        ({"format": 0}, "format must be an int from 1"),
        ({"format": None}, "format must be an int from 1"),
    ],
)
def test_configuration_outside_of_the_table(
    change, message, put, original, refused
):
    config = {**json.loads(original[CONFIG]), **change}
    refused(put({CONFIG: json.dumps(config).encode()}), message)


@pytest.mark.parametrize(
    "size",
    [
        *(0, -1, 10**12, 10**400, 1.5, True, "4", None, {}),
        *([], [0], [4, -1], [[4]], [4, "4"], [4.0], [2] * 9, [2**11] * 2),
    ],
)
def test_size_out_of_range(size, put, original, refused):
    config = json.loads(original[CONFIG])
    config["visible"]["size"] = size
    message = "units.Bernoulli.size must be a positive int"
    refused(put({CONFIG: json.dumps(config).encode()}), message)


def test_argument_that_is_missing(put, original, refused):
    config = json.loads(original[CONFIG])
    del config["visible"]["size"]
    message = r"missing \['size'\]"
    refused(put({CONFIG: json.dumps(config).encode()}), message)


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ((60_000, 60_000), "weights; at most"),
        ((5_000, 5_000), "the model of config.json has"),
    ],
)
def test_too_many_weights_are_refused_before_any_exist(
    sizes, message, put, original, monkeypatch, refused
):
    config = json.loads(original[CONFIG])
    for side, size in zip(("visible", "hidden"), sizes, strict=True):
        config[side]["size"] = size
    folder = put({CONFIG: json.dumps(config).encode()})

    def allocate(self, value):
        raise AssertionError("a weight was made")

    monkeypatch.setattr(keras.Variable, "_initialize", allocate)
    refused(folder, message)
    # Nor is any left that another scope would make.
    with keras.StatelessScope():
        pass


_DEEP = b'{"a":' * 100 + b"1" + b"}" * 100


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no valid JSON"),
        (b"[1, 2]", "must hold a JSON object"),
        (b'{"class": "RBM"', "no valid JSON"),
        (b'{"class": "\xff\xfe"}', "no valid JSON: 'utf-8'"),
        ('{"class": "RBM"}'.encode("utf-16"), "no valid JSON"),
        (b'{"class": NaN}', "NaN is not JSON"),
        (b'{"class": "RBM", "class": "GAN"}', "a name comes twice"),
        (_DEEP, "nested more than 16"),
        (b"[" * 10**6, "nested more than 16"),
        (b'{"a": ' + b"9" * 10_000 + b"}", "no valid JSON"),
        (b" " * (2**20 + 1), "larger than 1,048,576 bytes"),
        (b"import os\nos.system('touch x')\n", "no valid JSON"),
        (b"\x80\x04\x95\x1d\x00", "no valid JSON"),
    ],
)
@pytest.mark.parametrize("name", [CONFIG, METADATA])
def test_what_is_no_small_json(name, content, message, put, refused):
    refused(put({name: content}), message)


# Files ----------------------------------------------------------------------


@pytest.mark.parametrize("name", [CONFIG, METADATA, WEIGHTS])
def test_symbolic_link_out_of_the_folder(name, put, tmp_path, refused):
    folder = put({})
    secret = tmp_path / "secret"
    (folder / name).rename(secret)
    (folder / name).symlink_to(secret)
    refused(folder, "is a symbolic link")


@pytest.mark.parametrize("name", [CONFIG, METADATA, WEIGHTS])
def test_file_that_is_missing(name, put, refused):
    folder = put({})
    (folder / name).unlink()
    refused(folder, "cannot be read: No such file")


def test_pipe_and_folder_are_no_files(put, refused):
    folder = put({})
    (folder / CONFIG).unlink()
    os.mkfifo(folder / CONFIG)
    refused(folder, "no ordinary file")
    (folder / CONFIG).unlink()
    (folder / CONFIG).mkdir()
    refused(folder, "no ordinary file")


@pytest.mark.parametrize("name", [CONFIG, WEIGHTS])
def test_file_whose_hash_is_another(name, put, original, refused):
    folder = put({})
    (folder / name).write_bytes(original[name] + b"\n")
    refused(folder, "was altered or damaged")


@pytest.mark.parametrize(
    "hashes", [None, {}, "0", {CONFIG: 1, WEIGHTS: None}, {CONFIG: "0"}]
)
def test_hashes_that_are_none(hashes, put, original, refused):
    metadata = {**json.loads(original[METADATA]), "sha256": hashes}
    content = json.dumps(metadata).encode()
    refused(put({METADATA: content}), "sha256 must give|altered or damaged")


def test_built_in_preset_must_have_the_hashes_of_the_table(
    put, monkeypatch, original
):
    # A consistent preset, but not the one that genzoo knows by this name.
    folder = put({})
    hashes = {name: files.sha256(original[name]) for name in original}
    monkeypatch.setattr(builtin, "root", lambda: folder.parent)
    monkeypatch.setitem(builtin.HASHES, "preset", hashes)
    assert isinstance(gz.from_preset("preset"), gz.RBM)
    monkeypatch.setitem(builtin.HASHES, "preset", {**hashes, WEIGHTS: "0" * 64})
    with pytest.raises(ValueError, match="was altered or damaged"):
        gz.from_preset("preset")


@pytest.mark.parametrize(
    "handle", ["../rbm", "", "https://example.org/x", "a\0b", None, 3, b"x"]
)
def test_handles_that_are_none(handle):
    with pytest.raises(ValueError, match="neither a folder nor"):
        gz.from_preset(handle)
