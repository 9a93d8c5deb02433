"""Of HDF5, a preset may use plain arrays alone."""

import h5py
import numpy as np
import pytest

from genzoo.zoo import weights
from genzoo.zoo.files import WEIGHTS


def _altered(original, change, path):
    """The weights after a function of the open file."""
    path.write_bytes(original[WEIGHTS])
    with h5py.File(path, "r+") as file:
        change(file)
    return path.read_bytes()


def _external_link(file):
    with h5py.File("secret.h5", "w") as secret:
        secret["x"] = np.zeros((4, 2), "float32")
    del file["kernel"]
    file["kernel"] = h5py.ExternalLink("secret.h5", "/x")


def _soft_link(file):
    del file["kernel"]
    file["kernel"] = h5py.SoftLink("/visible.bias")


def _external_storage(file):
    del file["kernel"]
    file.create_dataset(
        "kernel", (4, 2), "float32", external=[("/etc/passwd", 0, 32)]
    )


def _virtual(file):
    del file["kernel"]
    layout = h5py.VirtualLayout((4, 2), "float32")
    layout[:] = h5py.VirtualSource("secret.h5", "x", (4, 2))
    file.create_virtual_dataset("kernel", layout)


def _compressed(file):
    del file["kernel"]
    # A gigabyte of zeros, in a file of a few kilobytes.
    file.create_dataset("kernel", (4, 2**26), "float32", compression="gzip")


def _never_written(file):
    del file["kernel"]
    file.create_dataset("kernel", (2**20, 2**20), "float32")


def _many_names(file):
    file["large"] = np.zeros(10_000)
    for number in range(20):
        file[f"again.{number}"] = file["large"]


def _text(file):
    del file["kernel"]
    file["kernel"] = "text of any length"


def _references(file):
    del file["kernel"]
    file.create_dataset("kernel", (4, 2), h5py.ref_dtype)


def _group(file):
    del file["kernel"]
    # In a circle, at that.
    file.create_group("kernel")["again"] = file["/"]


def _more(file):
    file["more"] = np.zeros(3)


def _fewer(file):
    del file["kernel"]


def _other_shape(file):
    kernel = file["kernel"][()]
    del file["kernel"]
    file["kernel"] = kernel.T.copy()


def _not_a_number(file):
    file["kernel"][0, 0] = np.nan


_UNREAD = {
    _external_link,
    _soft_link,
    _external_storage,
    _virtual,
    _compressed,
    _never_written,
    _many_names,
    _text,
    _references,
    _group,
}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_external_link, r"is a link \(ExternalLink\)"),
        (_soft_link, r"is a link \(SoftLink\)"),
        (_external_storage, "is stored in another file"),
        (_virtual, "not stored as one piece"),
        (_compressed, "not stored as one piece"),
        (_never_written, "but 0 bytes"),
        (_many_names, "it claims to hold"),
        (_text, "is of type object"),
        (_references, "is of type object"),
        (_group, "is no array"),
        (_more, "numbers; the model of"),
        (_fewer, "numbers; the model of"),
        (_other_shape, r"kernel has shape \(2, 4\)"),
        (_not_a_number, "kernel holds a value not finite"),
    ],
)
def test_what_hdf5_can_do_beside_arrays(
    change, message, put, original, tmp_path, monkeypatch, refused
):
    monkeypatch.chdir(tmp_path)
    folder = put({WEIGHTS: _altered(original, change, tmp_path / "w.h5")})
    if change in _UNREAD:

        def read(self, key):
            raise AssertionError("an array was read")

        monkeypatch.setattr(h5py.Dataset, "__getitem__", read)
    refused(folder, message)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.99])
def test_truncated_weights(share, put, original, refused):
    content = original[WEIGHTS]
    cut = content[: int(share * len(content))]
    refused(put({WEIGHTS: cut}), "is no file of weights")


def test_pickle_and_zip_are_no_weights(put, refused):
    refused(put({WEIGHTS: b"\x80\x04\x95\x1d"}), "is no file of weights")


def test_most_numbers_are_those_of_the_limit(monkeypatch):
    content = weights.to_bytes({"x": np.zeros(10, "float16")})
    monkeypatch.setattr(weights, "MOST_WEIGHTS", 9)
    with pytest.raises(ValueError, match="at most 9"):
        weights.from_bytes(content, "here")
