"""Presets: models that are saved to a folder as data, and loaded again."""

import datetime
import difflib
import importlib.metadata
import os
import platform
from pathlib import Path
from typing import Any

import numpy as np

from genzoo._version import __version__
from genzoo.models.common.presets import Preset
from genzoo.zoo import builtin, files, formats, hub, table, tensors, weights
from genzoo.zoo.counting import Unallocated

# To read a preset while others are saved in its place.
_TRIES = 10
# How the files of weights are written and read, and what they are called.
_FORMATS = {files.WEIGHTS: weights, files.TENSORS: tensors}
_FILES = {"h5": files.WEIGHTS, "safetensors": files.TENSORS}
_OWN = ("format", "class", "parameters", "date", "versions", "sha256")


def list_presets() -> list[str]:
    """The names of the presets that come with genzoo, a sorted list."""
    return sorted(builtin.HASHES)


def from_preset(handle: str | os.PathLike) -> Any:
    """A model with its trained weights.

    What is read is data, never code: `config.json` names classes of a closed
    table, with arguments in checked ranges; `model.weights.h5`, or
    `model.safetensors`, holds plain arrays, as many numbers as these arguments
    ask for. All of it is verified
    before the model is made. The built-in presets must also have the
    hashes that this version of genzoo knows.

    Args:
        handle: a name of `list_presets`, a folder that `save_to_preset`
            wrote, or "hf://org/name@revision" on the Hugging Face Hub, which
            needs `pip install genzoo[hub]`. The revision is the full hash of
            a commit: its files are verified against the hashes that the
            server names for it, and are downloaded once. Without "@revision"
            the latest is loaded, with a warning.

    Returns:
        The model, not compiled: to sample from, or to compile and fit on.
        Its `preset` is the handle, for the Hub with the revision it got, its
        `card` the model card, until the weights change.

    Raises:
        ValueError: for an unknown name, or files that are damaged, altered,
            too large or in any other way not those of a preset.
        ConnectionError: if the Hub cannot be reached, or the connection is
            lost.
        ImportError: for the Hub, without huggingface_hub; for
            `model.safetensors`, without safetensors.

    Example:
    >>> rbm = genzoo.from_preset("rbm_digits_8x8")
    >>> rbm.sample(16, seed=0).shape
    (16, 64)
    """
    return load(handle)


def load(handle: str | os.PathLike, cls: type | None = None) -> Any:
    """`from_preset`, with the class that the model must have, if any."""
    handle = hub.pinned(handle)
    folder, contents = read(handle)
    where = str(folder / files.CONFIG)
    config = files.from_json(contents[files.CONFIG], where)
    name = files.METADATA
    metadata = files.from_json(contents[name], str(folder / name))
    version = formats.check(config.pop("format", None), metadata, where)
    name = files.weights_of(contents)
    path = str(folder / name)
    arrays = _FORMATS[name].from_bytes(contents[name], path)
    config, arrays = formats.upgraded(version, config, arrays)
    checked = table.Config(config).checked((Preset,), where)
    entry = checked.entry
    _check_class(config["class"], cls, handle)
    with Unallocated() as scope:
        parts = checked.parts()
        wanted = entry.preset_size(**parts)
    if wanted > weights.MOST_WEIGHTS:
        raise ValueError(
            f"{where}: the model would have {wanted:,} weights; at most "
            f"{weights.MOST_WEIGHTS:,} are loaded."
        )
    arrays = entry._preset_upgrade(arrays, **parts)
    stored = sum(array.size for array in arrays.values())
    if stored != wanted:
        raise ValueError(
            f"{path} holds {stored:,} numbers; the model of {files.CONFIG} "
            f"has {wanted:,}."
        )
    scope.allocate(parts)
    model = entry.preset_make(**parts)
    weights.assign(model.preset_weights(), arrays, path)
    model.preset_loaded()
    model.preset = str(handle)
    model.card = metadata
    return model


def _check_class(name, cls, handle):
    if cls is None:
        return
    known = {table.name_of(c) for c in _descendants(cls)}
    if name not in known:
        raise ValueError(
            f"{cls.__name__}.from_preset: {handle!r} is a {name}. Use "
            "genzoo.from_preset."
        )


def _descendants(cls):
    return [cls, *(d for c in cls.__subclasses__() for d in _descendants(c))]


def card(handle: str | os.PathLike) -> dict[str, Any]:
    """The metadata.json of a preset, a dict: its model card.

    Args:
        handle: as for `from_preset`.

    Raises:
        ValueError, ConnectionError, ImportError: as `from_preset` does.
    """
    folder, contents = read(hub.pinned(handle))
    name = files.METADATA
    return files.from_json(contents[name], str(folder / name))


def read(handle: str | os.PathLike) -> tuple[Path, dict[str, bytes]]:
    """(folder, dict from file names to bytes), the hashes verified."""
    folder, hashes = _locate(handle)
    if hashes is not None:
        return folder, {
            name: files.read_hashed(folder, name, expected)
            for name, expected in hashes.items()
        }
    for _ in range(_TRIES):
        metadata = files.read(folder, files.METADATA)
        try:
            return folder, _described(folder, metadata)
        except ValueError:
            # Somebody may have saved another preset meanwhile.
            if files.read(folder, files.METADATA) == metadata:
                raise
    raise ValueError(f"{folder} is written all the time; try again later.")


def _described(folder, metadata):
    """The files whose hashes metadata.json holds, with itself."""
    hashes = files.hashes(metadata, str(folder / files.METADATA))
    found = {
        name: files.read_hashed(folder, name, expected)
        for name, expected in hashes.items()
    }
    return {**found, files.METADATA: metadata}


def _locate(handle):
    """(folder, hashes if known) of a handle."""
    if isinstance(handle, str) and handle in builtin.HASHES:
        return builtin.root() / handle, builtin.HASHES[handle]
    if hub.is_handle(handle):
        return hub.folder(handle), None
    is_path = isinstance(handle, (str, Path)) and str(handle) != ""
    if is_path and os.path.isdir(handle):
        return Path(handle), None
    shown = repr(handle)
    shown = shown if len(shown) <= 100 else f"{shown[:97]}..."
    near = difflib.get_close_matches(shown, builtin.HASHES, 1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise ValueError(
        f"from_preset: {shown} is neither a folder nor one of the presets "
        f"{list_presets()}; from the Hugging Face Hub: "
        f"'hf://org/name@revision'.{hint}"
    )


def save(
    model: Any,
    folder: str | os.PathLike,
    card: dict[str, Any] | None = None,
    dtype: str | None = None,
    weights_format: str = "h5",
) -> None:
    """Write a model to a folder; see `Preset.save_to_preset`."""
    where = f"{type(model).__name__}.save_to_preset"
    if dtype not in (None, "float16", "float32"):
        raise ValueError(
            f"{where}: dtype must be 'float16', 'float32' or None; received "
            f"{dtype!r}."
        )
    if not isinstance(weights_format, str) or weights_format not in _FILES:
        raise ValueError(
            f"{where}: weights_format must be one of {list(_FILES)}; received "
            f"{weights_format!r}."
        )
    if card is not None and not isinstance(card, dict):
        raise ValueError(
            f"{where}: card must be a dict of plain data; received "
            f"{type(card).__name__}."
        )
    card = dict(card or {})
    files.check_plain(card, f"{where}: card")
    if not isinstance(folder, (str, os.PathLike)):
        raise ValueError(
            f"{where}: folder must be a path; received {folder!r}."
        )
    if Path(folder).exists() and not Path(folder).is_dir():
        raise ValueError(
            f"{where}: folder must be a folder, which is made if it is not "
            f"there; {os.fspath(folder)!r} is a file."
        )
    if card.keys() & set(_OWN):
        raise ValueError(
            f"{where}: card must not have {sorted(card.keys() & set(_OWN))}, "
            "which are written in any case."
        )
    name = table.name_of(type(model))
    if table.TABLE.get(name) is not type(model):
        known = [cls.__name__ for cls in table.MODELS]
        raise ValueError(
            f"{where}: a preset is one of {known}. Save the model as .keras "
            "instead."
        )
    described = table.describe(model.preset_config(), where)
    config = {"class": name, **described}
    # So that nothing is written that would not be read.
    table.Config(config).checked((Preset,), where)
    variables = model.preset_weights()
    arrays = {name: _stored(v, dtype) for name, v in variables.items()}
    for name, array in arrays.items():
        if name != "known_log_partition" and not np.isfinite(array).all():
            raise ValueError(
                f"{where}: {name} holds a value that is not finite"
                f"{' in ' + dtype if dtype else ''}."
            )
    file = _FILES[weights_format]
    contents = {
        files.CONFIG: files.to_json({"format": formats.FORMAT, **config}),
        file: _FORMATS[file].to_bytes(arrays, where),
    }
    metadata = {
        "format": formats.FORMAT,
        "class": config["class"],
        **card,
        "parameters": sum(
            int(np.prod(v.shape)) for v in model.trainable_variables
        ),
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "versions": _versions(),
        "sha256": {name: files.sha256(c) for name, c in contents.items()},
    }
    contents[files.METADATA] = files.to_json(metadata)
    for name, content in contents.items():
        if len(content) > files.MOST_BYTES[name]:
            raise ValueError(
                f"{where}: {name} would have {len(content):,} bytes; at most "
                f"{files.MOST_BYTES[name]:,} are read. Save the model as "
                ".keras, or make the card shorter."
            )
    files.write_preset(folder, contents)


def _stored(variable, dtype):
    array = np.asarray(variable.numpy())
    # A log Z is of the weights at full precision.
    is_float = array.dtype.kind == "f" and "log_partition" not in variable.name
    return array.astype(dtype) if dtype and is_float else array


def _versions():
    packages = ("tensorflow", "keras", "numpy")
    return {
        "genzoo": __version__,
        "python": platform.python_version(),
        **{name: importlib.metadata.version(name) for name in packages},
    }
