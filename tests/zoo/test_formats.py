"""Presets of other versions: older ones are read, newer ones named."""

import json
from pathlib import Path

import pytest

import genzoo as gz
from genzoo.zoo import files, formats, table

# The arguments that presets of the first format may hold, and no more.
RECORDED = json.loads((Path(__file__).parent / "format_1.json").read_text())


@pytest.mark.parametrize("name", RECORDED)
def test_argument_that_is_new_orphans_no_preset(name):
    """A new one is in `_newer_arguments`; one that went needs a migration."""
    entry = table.TABLE[name]
    newer = getattr(entry, "_newer_arguments", {}).keys()
    assert set(entry.arguments) - newer <= set(RECORDED[name])
    assert set(RECORDED[name]) <= set(entry.arguments)


def _with_format(original, number):
    config = json.loads(original[files.CONFIG])
    return {files.CONFIG: files.to_json({**config, "format": number})}


def test_newer_format_is_refused_by_the_version_that_wrote_it(
    put, original, refused
):
    contents = {**original, **_with_format(original, 7)}
    metadata = json.loads(original[files.METADATA])
    metadata["versions"]["genzoo"] = "9.8.7"
    metadata["sha256"][files.CONFIG] = files.sha256(contents[files.CONFIG])
    contents[files.METADATA] = files.to_json(metadata)
    refused(put(contents), r"genzoo 9\.8\.7 wrote it in format 7; this is")


@pytest.mark.parametrize("versions", [None, 3, [], {"genzoo": {}}])
def test_writer_that_is_not_named(versions, put, original, refused):
    metadata = json.loads(original[files.METADATA])
    metadata["versions"] = versions
    contents = _with_format(original, 2)
    metadata["sha256"][files.CONFIG] = files.sha256(contents[files.CONFIG])
    contents[files.METADATA] = files.to_json(metadata)
    refused(put(contents), "in format 2; this is")


def test_older_format_is_migrated(put, original, monkeypatch):
    """As if the next format called an argument and an array otherwise."""

    def forwards(config, arrays):
        assert config["hidden"].pop("units") == 2
        config["hidden"]["size"] = 2
        arrays["kernel"] = arrays.pop("weights")
        return config, arrays

    monkeypatch.setattr(formats, "FORMAT", 3)
    monkeypatch.setattr(
        formats, "MIGRATIONS", {1: lambda *both: both, 2: forwards}
    )
    config = json.loads(original[files.CONFIG])
    config["hidden"]["units"] = config["hidden"].pop("size")
    arrays = gz.zoo.weights.from_bytes(original[files.WEIGHTS], "x")
    kernel = arrays["kernel"]
    arrays["weights"] = arrays.pop("kernel")
    folder = put(
        {
            files.CONFIG: json.dumps(config).encode(),
            files.WEIGHTS: gz.zoo.weights.to_bytes(arrays),
        }
    )
    assert (gz.from_preset(folder).kernel.numpy() == kernel).all()


def test_folder_that_is_a_link(put, tmp_path, refused):
    (tmp_path / "link").symlink_to(put({}))
    refused(tmp_path / "link", "give the folder itself")


@pytest.mark.parametrize("value", [1e300, -1e39])
def test_number_that_is_infinite_in_the_models_dtype(
    value, put, original, refused
):
    arrays = gz.zoo.weights.from_bytes(original[files.WEIGHTS], "x")
    arrays["kernel"] = arrays["kernel"].astype("float64")
    arrays["kernel"][0, 0] = value
    content = gz.zoo.weights.to_bytes(arrays)
    refused(put({files.WEIGHTS: content}), "not finite in float32")
