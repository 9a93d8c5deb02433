"""model.safetensors: the arrays of model.weights.h5, with the same checks."""

import json
import sys

import keras
import ml_dtypes
import numpy as np
import pytest

import genzoo as gz
from genzoo.zoo import files, presets, tensors, weights

TENSORS, WEIGHTS = files.TENSORS, files.WEIGHTS


@pytest.fixture(scope="module")
def rbm():
    """One that was trained, with chains, a draw counter and a log Z."""
    x = np.random.default_rng(0).integers(0, 2, (40, 4))
    model = gz.RBM(gz.units.Bernoulli(4), gz.units.Bernoulli(2), seed=7)
    model.compile()
    model.fit(x, epochs=1, verbose=0)
    model.log_partition()
    return model


@pytest.fixture(scope="module")
def contents(rbm, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tensors")
    rbm.save_to_preset(folder, weights_format="safetensors")
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def put_tensors(contents, tmp_path):
    """Writes the preset with other weights, their hash made right."""

    def write(content):
        metadata = json.loads(contents[files.METADATA])
        metadata["sha256"][TENSORS] = files.sha256(content)
        changed = {TENSORS: content, files.METADATA: files.to_json(metadata)}
        for name, found in {**contents, **changed}.items():
            (tmp_path / name).write_bytes(found)
        return tmp_path

    return write


def _file(header, data=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def _entry(dtype="F32", shape=(4, 2), offsets=(0, 32)):
    return {"dtype": dtype, "shape": shape, "data_offsets": offsets}


def _bits(array):
    return array.dtype, array.shape, array.tobytes()


# Round trips ----------------------------------------------------------------


def _every_dtype():
    generator = np.random.default_rng(1)
    rounded = generator.standard_normal((3, 5)).astype("float32")
    yield "bfloat16", rounded.astype(ml_dtypes.bfloat16)
    yield "bool", generator.integers(0, 2, (2, 3)).astype(bool)
    yield "counter", np.array(2**64 - 1 - 2**63, "int64")
    yield "float16", rounded.astype("float16")
    # Another order in memory, no rows, a signed zero and a denormal number.
    yield "float32", np.asfortranarray(rounded)
    yield "float64", np.array([-0.0, 5e-324, np.pi])
    yield "int32", np.array([-(2**31), 2**31 - 1], "int32")
    yield "none", np.zeros((0, 3), "float32")
    yield "seed", np.array([0, 2**32 - 1], "uint32")
    yield "sliced", rounded[:, ::2]
    yield "uint8", np.arange(256).astype("uint8")


def test_every_bit_of_every_type_comes_back():
    arrays = dict(_every_dtype())
    found = tensors.from_bytes(tensors.to_bytes(arrays, "here"), "there")
    assert {k: _bits(v) for k, v in found.items()} == {
        k: _bits(v) for k, v in arrays.items()
    }


@pytest.mark.parametrize("dtype", ["bfloat16", "bool", "int64", "uint32"])
def test_variables_get_these_bits(dtype):
    values = {"bool": [0, 1], "bfloat16": [0.1, -3e38]}.get(dtype, [0, 2**31])
    values = np.array(values).astype(dtype)
    variable = keras.Variable(np.zeros(2), dtype=dtype, trainable=False)
    content = tensors.to_bytes({"x": values}, "here")
    found = tensors.from_bytes(content, "there")
    weights.assign({"x": variable}, found, "there")
    assert _bits(variable.numpy()) == _bits(values)


def test_both_formats_hold_the_same_model(rbm, tmp_path):
    options = {"h5": WEIGHTS, "safetensors": TENSORS}
    loaded = []
    for name, file in options.items():
        rbm.save_to_preset(tmp_path / name, weights_format=name)
        assert sorted(p.name for p in (tmp_path / name).iterdir()) == sorted(
            [files.CONFIG, files.METADATA, file]
        )
        loaded.append(gz.from_preset(tmp_path / name))
    own = {k: _bits(v.numpy()) for k, v in rbm.preset_weights().items()}
    for model in loaded:
        found = {k: _bits(v.numpy()) for k, v in model.preset_weights().items()}
        assert found == own
    np.testing.assert_array_equal(*(m.sample(5, seed=3) for m in loaded))


def test_bytes_are_the_same_each_time(rbm, contents, tmp_path):
    rbm.save_to_preset(tmp_path, weights_format="safetensors")
    assert (tmp_path / TENSORS).read_bytes() == contents[TENSORS]


def test_half_precision(rbm, tmp_path):
    rbm.save_to_preset(tmp_path, dtype="float16", weights_format="safetensors")
    found = tensors.from_bytes((tmp_path / TENSORS).read_bytes(), "there")
    assert found["kernel"].dtype == "float16"
    assert found["known_log_partition"].dtype != "float16"
    gz.from_preset(tmp_path)


def test_other_format_takes_the_place_of_one(rbm, tmp_path):
    for name in ("h5", "safetensors", "h5"):
        rbm.save_to_preset(tmp_path, weights_format=name)
        kept = {p.name for p in tmp_path.iterdir()} & {WEIGHTS, TENSORS}
        assert kept == {{"h5": WEIGHTS, "safetensors": TENSORS}[name]}
        gz.from_preset(tmp_path)


def test_save_that_is_killed_leaves_one_preset_or_the_other(
    rbm, tmp_path, monkeypatch
):
    """At each of its steps, over a preset in the other format."""
    write, steps = files.atomic.write, []

    def killed(path, content):
        if len(steps) == survives:
            raise KeyboardInterrupt
        steps.append(path.name)
        write(path, content)

    def replaced(self, target):
        if target.name == TENSORS:
            raise KeyboardInterrupt
        return replace(self, target)

    replace = files.Path.replace

    for survives in range(4):
        folder = tmp_path / str(survives)
        rbm.save_to_preset(folder)
        steps.clear()
        with monkeypatch.context() as patch:
            patch.setattr(files.atomic, "write", killed)
            if survives == 3:
                patch.setattr(files.Path, "replace", replaced)
            with pytest.raises(KeyboardInterrupt):
                rbm.save_to_preset(folder, weights_format="safetensors")
        card = gz.from_preset(folder).card
        assert (TENSORS in card["sha256"]) == (survives == 3)


# What is refused ------------------------------------------------------------


def _header_of(content):
    length = int.from_bytes(content[:8], "little")
    return json.loads(content[8 : 8 + length]), content[8 + length :]


def _changed(change):
    def content(original):
        header, data = _header_of(original)
        return _file(*change(header, data))

    return content


def _moved(header, data):
    kernel = header["kernel"]
    kernel["data_offsets"] = [n + 8 for n in kernel["data_offsets"]]
    return header, data


def _transposed(header, data):
    header["kernel"]["shape"] = header["kernel"]["shape"][::-1]
    return header, data


def _more(header, data):
    end = len(data)
    return {
        **header,
        "more": _entry("F32", [1], [end, end + 4]),
    }, data + b"0000"


def _renamed(header, data):
    header["weight"] = header.pop("kernel")
    return header, data


def _not_a_number(header, data):
    first = header["kernel"]["data_offsets"][0]
    nan = np.float32(np.nan).tobytes()
    return header, data[:first] + nan + data[first + 4 :]


_HUGE = (2**21).to_bytes(8, "little") + b"{}" + b" " * 2**21
_TWICE = b'{"x":%b,"x":%b}' % ((json.dumps(_entry()).encode(),) * 2)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (lambda c: b"", "its header would have 0 bytes, of 0"),
        (lambda c: c[:7], "its header would have"),
        (lambda c: c[:100], "its header would have"),
        (lambda c: c[:-1], "no file of weights: Error"),
        (lambda c: c + b"\n", "no file of weights: Error"),
        (lambda c: b"\x80\x04\x95\x1d", "its header would have"),
        (lambda c: b"\xff" * 8 + b"{}", "its header would have"),
        (lambda c: b"\x89HDF\r\n\x1a\n" + bytes(99), "its header would have"),
        (lambda c: _HUGE, "at most 1,048,576 are read"),
        (lambda c: _file(_TWICE, bytes(32)), "a name comes twice"),
        (lambda c: _file(b"[1]"), "must hold a JSON object"),
        (lambda c: _file(b"{" * 99), "nested more than"),
        (lambda c: _file({}), "numbers; the model of"),
        (lambda c: _file({"x": _entry("F8_E4M3")}), "no file of weights"),
        (
            lambda c: _file({"x": _entry("U16", [16])}, bytes(32)),
            "'x' is of type U16, not one of",
        ),
        (
            lambda c: _file({"x": _entry("BOOL", [2], [0, 2])}, b"\1\2"),
            "BOOL, but not of 0 and 1",
        ),
        (
            lambda c: _file({"x": _entry(shape=[2**40, 2**40])}, bytes(32)),
            "no file of weights: Error",
        ),
        (
            lambda c: _file(
                {"x": _entry(shape=[1] * 99, offsets=(0, 4))}, b"0000"
            ),
            "no file of weights",
        ),
        (
            lambda c: _file({"x": _entry(shape=[0, 2**63], offsets=(0, 0))}),
            "no file of weights",
        ),
        (_changed(_moved), "no file of weights: Error"),
        (_changed(_transposed), r"kernel has shape \(2, 4\)"),
        (_changed(_more), "numbers; the model of"),
        (_changed(_renamed), r"of another model: it lacks \['kernel'\]"),
        (_changed(_not_a_number), "kernel holds a value not finite"),
    ],
)
def test_what_is_no_file_of_its_weights(
    content, message, contents, put_tensors, refused
):
    refused(put_tensors(content(contents[TENSORS])), message)


def test_flipped_bit_is_another_hash(contents, put_tensors, refused):
    folder = put_tensors(contents[TENSORS])
    content = bytearray(contents[TENSORS])
    content[-3] ^= 1
    (folder / TENSORS).write_bytes(content)
    refused(folder, "model.safetensors was altered or damaged")


def test_too_many_numbers(monkeypatch):
    content = tensors.to_bytes({"x": np.zeros(10, bool)}, "here")
    monkeypatch.setattr(weights, "MOST_WEIGHTS", 9)
    with pytest.raises(ValueError, match="at most 9"):
        tensors.from_bytes(content, "here")


def test_preset_has_one_file_of_weights(contents, tmp_path, refused):
    metadata = json.loads(contents[files.METADATA])
    metadata["sha256"][WEIGHTS] = metadata["sha256"][TENSORS]
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / files.METADATA).write_bytes(files.to_json(metadata))
    refused(tmp_path, "sha256 must give the hashes")


def test_newer_format_names_its_writer(contents, put_tensors, refused):
    folder = put_tensors(contents[TENSORS])
    config = json.loads(contents[files.CONFIG])
    config = files.to_json({**config, "format": 7})
    metadata = json.loads((folder / files.METADATA).read_bytes())
    metadata["versions"]["genzoo"] = "9.8.7"
    metadata["sha256"][files.CONFIG] = files.sha256(config)
    (folder / files.CONFIG).write_bytes(config)
    (folder / files.METADATA).write_bytes(files.to_json(metadata))
    refused(folder, r"genzoo 9\.8\.7 wrote it in format 7")


def test_more_the_package_the_error_says_what_to_install(
    rbm, contents, put_tensors, tmp_path, monkeypatch
):
    folder = put_tensors(contents[TENSORS])
    monkeypatch.setitem(sys.modules, "safetensors", None)
    needs = r"model.safetensors.* pip install genzoo\[safetensors\]"
    with pytest.raises(ImportError, match=needs):
        gz.from_preset(folder)
    with pytest.raises(ImportError, match=needs):
        rbm.save_to_preset(tmp_path / "other", weights_format="safetensors")
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize("name", ["pickle", ".h5", None, [], 1])
def test_other_formats_are_refused(name, rbm, tmp_path):
    with pytest.raises(ValueError, match="weights_format must be one of"):
        rbm.save_to_preset(tmp_path / "x", weights_format=name)
    assert not (tmp_path / "x").exists()


def test_h5_names_the_format_for_what_it_does_not_hold():
    array = np.zeros(2, ml_dtypes.bfloat16)
    with pytest.raises(ValueError, match="'safetensors' holds more"):
        weights.to_bytes({"x": array})
    with pytest.raises(ValueError, match="x is of type complex64"):
        tensors.to_bytes({"x": array.astype("complex64")}, "here")


def test_checkpoints_are_no_safetensors(rbm, tmp_path):
    """They would not hold all that makes a run what it is."""
    path = tmp_path / "x.safetensors"
    with pytest.raises(ValueError, match=r"must end in '\.weights\.h5'"):
        rbm.save_weights(path)
    assert not path.exists()
    with pytest.raises(ValueError, match=r"must end in '\.weights\.h5'"):
        rbm.load_weights(path)


def test_cards_and_hashes(contents, put_tensors):
    folder = put_tensors(contents[TENSORS])
    assert presets.card(folder)["sha256"][TENSORS] == files.sha256(
        contents[TENSORS]
    )


@pytest.mark.parametrize("name", [TENSORS, WEIGHTS, files.METADATA])
def test_a_folder_in_the_place_of_a_file_is_left_alone(name, rbm, tmp_path):
    (tmp_path / name).mkdir()
    with pytest.raises(ValueError, match=f"{name} is a folder"):
        rbm.save_to_preset(tmp_path, weights_format="safetensors")
    assert [path.name for path in tmp_path.iterdir()] == [name]
