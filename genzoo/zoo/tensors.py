"""model.safetensors: the same plain arrays, in the format of the Hub.

A file is a header in JSON, which names arrays with their types, shapes and
places, and then their bytes, without a gap: it cannot hold anything else. The
package safetensors checks the places; it is an extra, `genzoo[safetensors]`.
"""

from collections.abc import Mapping
from typing import Any

# It names bfloat16 to NumPy.
import ml_dtypes  # noqa: F401
import numpy as np

from genzoo.types import Array
from genzoo.zoo import files, weights

_DTYPES = {
    "BF16": "bfloat16",
    "BOOL": "bool",
    "F16": "float16",
    "F32": "float32",
    "F64": "float64",
    "I32": "int32",
    "I64": "int64",
    "U8": "uint8",
    "U32": "uint32",
}
# Bytes before the header, which give its length, and those it may have.
_LENGTH, _MOST_HEADER = 8, 2**20


def to_bytes(arrays: Mapping[str, Array], where: str) -> bytes:
    """The file that holds some arrays.

    Args:
        arrays: dict from names to arrays.
        where: who asks, for messages.

    Raises:
        ImportError: without the package safetensors.
        ValueError: for an array of a type that would not be read.
    """
    _library(where)
    from safetensors.numpy import save

    for name, array in arrays.items():
        _check_dtype(array.dtype.name, name, where)
    # It takes the bytes as they lie.
    lying = {k: np.asarray(v, order="C") for k, v in arrays.items()}
    return bytes(save(lying))


def from_bytes(content: bytes, where: str) -> dict[str, Array]:
    """The arrays that a file holds, a dict by name, checked before read.

    Raises:
        ImportError: without the package safetensors.
        ValueError: if the file is damaged, or holds arrays of other types.
    """
    library = _library(where)
    try:
        _check_header(content, where)
        found = dict(library.deserialize(content))
        total = sum(
            len(array["data"]) // _dtype(array, name).itemsize
            for name, array in found.items()
        )
        weights.check_total(total)
        return {name: _array(array, name) for name, array in found.items()}
    except (library.SafetensorError, ValueError, OverflowError) as error:
        said = str(error).rstrip(".")
        raise ValueError(f"{where} is no file of weights: {said}.") from error


def _library(where: str) -> Any:
    try:
        import safetensors
    except ImportError as error:
        raise ImportError(
            f"{where}: {files.TENSORS} needs the package safetensors: pip "
            "install genzoo[safetensors]."
        ) from error
    return safetensors


def _check_header(content, where):
    """Raise a ValueError for one that is long, or names an array twice."""
    length = int.from_bytes(content[:_LENGTH], "little")
    if length > min(_MOST_HEADER, len(content) - _LENGTH):
        raise ValueError(
            f"its header would have {length:,} bytes, of {len(content):,} in "
            f"all; at most {_MOST_HEADER:,} are read"
        )
    files.from_json(content[_LENGTH : _LENGTH + length], "its header")


def _check_dtype(dtype, name, where):
    if dtype not in _DTYPES.values():
        raise ValueError(
            f"{where}: {name} is of type {dtype}, not one of "
            f"{tuple(_DTYPES.values())}."
        )


def _dtype(array, name):
    if array["dtype"] not in _DTYPES:
        raise ValueError(
            f"{name!r} is of type {array['dtype']}, not one of {tuple(_DTYPES)}"
        )
    return np.dtype(_DTYPES[array["dtype"]])


def _array(array, name):
    dtype = _dtype(array, name)
    if dtype.kind == "b" and max(array["data"], default=0) > 1:
        raise ValueError(f"{name!r} is of type BOOL, but not of 0 and 1")
    return np.frombuffer(array["data"], dtype).reshape(array["shape"])
