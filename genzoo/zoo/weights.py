"""model.weights.h5: plain arrays by name, and nothing else that HDF5 can do.

A file holds a flat list of contiguous arrays of numbers, so that it is never
smaller than what it makes the reader allocate. HDF5 can also point to other
files, compress a terabyte of zeros into a kilobyte, compute one dataset from
others, and hold references: all of this is refused before anything is read.
"""

import io
import math
from collections.abc import Mapping

import h5py
import keras
import numpy as np

from genzoo.types import Array

MOST_WEIGHTS = 2**26
_MOST_ARRAYS = 10_000
# What h5py was seen to raise on damaged files, and what is akin to it.
_OF_HDF5 = (
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    SystemError,
    TypeError,
    ValueError,
)
_DTYPES = ("float16", "float32", "float64", "int32", "int64")


def to_bytes(arrays: Mapping[str, Array], where: str = "save") -> bytes:
    """The file that holds some arrays.

    Args:
        arrays: dict from names, without slashes, to arrays.
        where: who asks, for messages.

    Raises:
        ValueError: for an array of a type that would not be read.
    """
    for name, array in arrays.items():
        if array.dtype.name not in _DTYPES:
            raise ValueError(
                f"{where}: {name} is of type {array.dtype}, not one of "
                f"{_DTYPES}. The format 'safetensors' holds more of them."
            )
    buffer = io.BytesIO()
    with h5py.File(buffer, "w", libver=("earliest", "v110")) as file:
        for name, array in arrays.items():
            file.create_dataset(name, data=array, track_times=False)
    return buffer.getvalue()


def from_bytes(content: bytes, where: str) -> dict[str, Array]:
    """The arrays that a file holds, a dict by name, checked before read.

    Raises:
        ValueError: if the file is damaged, or holds anything but plain
            arrays.
    """
    try:
        with h5py.File(io.BytesIO(content), "r") as file:
            found = {name: _checked(file, name) for name in _names(file)}
            total = sum(_size(dataset) for dataset in found.values())
            check_total(total)
            claimed = sum(
                dataset.id.get_storage_size() for dataset in found.values()
            )
            if claimed > len(content):
                raise ValueError(
                    f"it claims to hold {claimed:,} bytes and has "
                    f"{len(content):,}"
                )
            return {name: dataset[()] for name, dataset in found.items()}
    except _OF_HDF5 as error:
        raise ValueError(f"{where} is no file of weights: {error}.") from error


def check_total(total: int) -> None:
    """Raise a ValueError for more numbers than are loaded."""
    if total > MOST_WEIGHTS:
        raise ValueError(
            f"it holds {total:,} numbers; at most {MOST_WEIGHTS:,} are loaded"
        )


def _names(file):
    if len(file) > _MOST_ARRAYS:
        raise ValueError(f"it holds more than {_MOST_ARRAYS:,} arrays")
    return list(file)


def _checked(file, name):
    """A dataset whose header alone was looked at."""
    link = file.get(name, getlink=True)
    if not isinstance(link, h5py.HardLink):
        kind = type(link).__name__
        raise ValueError(f"{name!r} is a link ({kind}), not an array")
    dataset = file[name]
    if not isinstance(dataset, h5py.Dataset):
        raise ValueError(f"{name!r} is no array")
    properties = dataset.id.get_create_plist()
    if properties.get_external_count():
        raise ValueError(f"{name!r} is stored in another file")
    if properties.get_layout() != h5py.h5d.CONTIGUOUS:
        raise ValueError(f"{name!r} is not stored as one piece")
    if properties.get_nfilters():
        raise ValueError(f"{name!r} is compressed")
    if dataset.shape is None or dataset.dtype.name not in _DTYPES:
        raise ValueError(
            f"{name!r} is of type {dataset.dtype}, not one of {_DTYPES}"
        )
    stored = dataset.id.get_storage_size()
    if stored != _size(dataset) * dataset.dtype.itemsize:
        raise ValueError(
            f"{name!r} has shape {dataset.shape}, but {stored:,} bytes"
        )
    return dataset


def _size(dataset):
    # h5py's own would overflow.
    return math.prod(dataset.shape)


def assign(
    variables: Mapping[str, keras.Variable],
    arrays: Mapping[str, Array],
    where: str,
) -> None:
    """Give variables the values of the arrays of their names.

    Args:
        variables: dict from names to Keras variables.
        arrays: dict from names to arrays, of any dtype.
        where: the file, for messages.

    Raises:
        ValueError: before anything is changed, if a name is missing or too
            many, a shape is another, or a value is not finite.
    """
    if variables.keys() != arrays.keys():
        lacks = sorted(variables.keys() - arrays.keys())[:3]
        extra = sorted(arrays.keys() - variables.keys())[:3]
        raise ValueError(
            f"{where} is of another model: it lacks {lacks}, and also "
            f"holds {extra}."
        )
    cast = {}
    for name, variable in variables.items():
        array = arrays[name]
        if tuple(variable.shape) != array.shape:
            raise ValueError(
                f"{where}: {name} has shape {array.shape}; the model's has "
                f"{tuple(variable.shape)}."
            )
        with np.errstate(all="ignore"):
            cast[name] = array.astype(variable.dtype)
        if cast[name].dtype.kind in "iub":
            if not np.array_equal(cast[name], array):
                raise ValueError(
                    f"{where}: {name} holds numbers that are no "
                    f"{variable.dtype}."
                )
        elif (
            name != "known_log_partition" and not np.isfinite(cast[name]).all()
        ):
            raise ValueError(
                f"{where}: {name} holds a value not finite in {variable.dtype}."
            )
    for name, variable in variables.items():
        variable.assign(cast[name])
