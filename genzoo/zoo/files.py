"""The files of a preset: read whole, within limits, from one folder only.

What belongs together is said by metadata.json, which holds the hashes of the
others. A save puts these beside under names of their own; then it replaces
metadata.json, from when on the new preset is the one that is read; and then
gives them their names. So a kill at any moment leaves one preset or the other.
"""

import contextlib
import hashlib
import json
import math
import os
import re
import stat
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from genzoo.runtime import atomic

try:
    import fcntl
except ImportError:  # Not on Windows.
    fcntl = None  # type: ignore[assignment]

CONFIG = "config.json"
METADATA = "metadata.json"
# Of weights there is one file, in one format or the other.
WEIGHTS = "model.weights.h5"
TENSORS = "model.safetensors"
# The most bytes that are read of each.
MOST_BYTES = {
    CONFIG: 2**20,
    METADATA: 2**20,
    WEIGHTS: 2**28,
    TENSORS: 2**28,
}
_DEEPEST = 16
# Strings, the last of which may have no end: one pass without going back.
_STRING = re.compile(r'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)', re.DOTALL)
_DIGITS = 16


def read(
    folder: str | os.PathLike, name: str, most: int | None = None
) -> bytes:
    """The bytes of a file of a preset.

    What is hashed, checked and parsed later are these bytes, whatever
    becomes of the file.

    Args:
        folder: where the preset is.
        name: one of the names above.
        most: bytes that are read; by default those of the name.

    Raises:
        ValueError: if it or the folder is missing, no ordinary file, a
            symbolic link, which may lead out of the folder, or too large.
    """
    path = Path(folder) / name
    most = MOST_BYTES[name] if most is None else most
    # Not to wait for the other end of a pipe, nor to follow a link.
    flags = os.O_RDONLY
    for flag in ("O_NOFOLLOW", "O_NONBLOCK", "O_BINARY", "O_CLOEXEC"):
        flags |= getattr(os, flag, 0)
    if path.is_symlink():
        raise ValueError(f"{path} is a symbolic link; copy the file itself.")
    if path.parent.is_symlink():
        raise ValueError(
            f"{path.parent} is a symbolic link; give the folder itself, "
            f"{os.path.realpath(path.parent)!r}, if it is the one you mean."
        )
    try:
        descriptor = os.open(path, flags)
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}.") from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise ValueError(f"{path} is no ordinary file.")
    with os.fdopen(descriptor, "rb") as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise ValueError(
            f"{path} is larger than {most:,} bytes, the most that a preset "
            "may have."
        )
    return content


def write(folder: str | os.PathLike, name: str, content: bytes) -> None:
    """Put a file into a folder, whole or not at all."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    atomic.write(folder / name, content)


def write_preset(
    folder: str | os.PathLike, contents: Mapping[str, bytes]
) -> None:
    """Put all files of a preset into a folder, or change nothing.

    Other files of the folder stay, but for weights in the other format. Two
    who write at the same time take turns.

    Args:
        folder: where; it is made if it is not there.
        contents: of the three files, by name.

    Raises:
        ValueError: if a folder has the name of a file.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for name in MOST_BYTES:
        path = folder / name
        if path.is_dir() and not path.is_symlink():
            raise ValueError(
                f"{path} is a folder, where the file of a preset would be. "
                "Move it away, or save to another folder."
            )
    others = {
        name: _beside(folder, name, sha256(content))
        for name, content in contents.items()
        if name != METADATA
    }
    with _turn(folder):
        try:
            for name, path in others.items():
                atomic.write(path, contents[name])
            atomic.write(folder / METADATA, contents[METADATA])
        except BaseException:
            # Unless it is the new preset that is read now.
            if not _holds(folder / METADATA, contents[METADATA]):
                for path in others.values():
                    path.unlink(missing_ok=True)
            raise
        for name, path in others.items():
            path.replace(folder / name)
        for name in MOST_BYTES.keys() - contents.keys():
            # What metadata.json does not name is not of the preset any more.
            (folder / name).unlink(missing_ok=True)
        atomic.sync(folder)
        for name in MOST_BYTES:
            # Of saves that were killed.
            for path in folder.glob(f".{name}.{'[0-9a-f]' * _DIGITS}"):
                path.unlink(missing_ok=True)


def hashes(metadata: bytes, where: str) -> dict[str, Any]:
    """The hashes that metadata.json holds: of config.json and of weights.

    Raises:
        ValueError: if these are not what it names.
    """
    found = from_json(metadata, where).get("sha256")
    known = ({CONFIG, WEIGHTS}, {CONFIG, TENSORS})
    if not isinstance(found, dict) or set(found) not in known:
        raise ValueError(
            f"{where}: sha256 must give the hashes of {CONFIG} and of "
            f"{WEIGHTS} or {TENSORS}."
        )
    return found


def weights_of(names: Iterable[str]) -> str:
    """The name of the file of weights among those of a preset."""
    return TENSORS if TENSORS in names else WEIGHTS


def read_hashed(folder: str | os.PathLike, name: str, expected: Any) -> bytes:
    """The bytes of a file, also where a save was killed before its end.

    Raises:
        ValueError: if they have another hash than what is expected.
    """
    folder, problem = Path(folder), None
    try:
        content = read(folder, name)
        if sha256(content) == expected:
            return content
    except ValueError as error:
        problem = error
    if re.fullmatch("[0-9a-f]{64}", str(expected)):
        path = _beside(folder, name, expected)
        if path.is_file():
            content = read(folder, path.name, MOST_BYTES[name])
            if sha256(content) == expected:
                return content
    if problem is not None:
        raise problem
    raise ValueError(
        f"{folder / name} was altered or damaged: its SHA-256 is "
        f"{sha256(content)}, not {str(expected)[:64]}."
    )


def _holds(path, content):
    try:
        return path.read_bytes() == content
    except OSError:
        return False


def _beside(folder, name, digest):
    return folder / f".{name}.{digest[:_DIGITS]}"


@contextlib.contextmanager
def _turn(folder: Path) -> Iterator[None]:
    """Wait until nobody else writes into a folder."""
    if fcntl is None:
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        # Some file systems know no locks.
        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def sha256(content: bytes) -> str:
    """The hash of bytes, 64 hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def to_json(data: Any) -> bytes:
    """Plain data as the bytes of a file, for people to read."""
    text = json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False)
    return (text + "\n").encode()


def check_plain(value: Any, where: str, deep: int = _DEEPEST - 1) -> None:
    """Raise a ValueError unless JSON holds a value as it is."""
    if value is None or isinstance(value, (bool, int, str)):
        return
    if isinstance(value, float) and math.isfinite(value):
        return
    if deep and isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise ValueError(
                    f"{where} has the name {key!r}; names must be strings."
                )
            check_plain(item, f"{where}[{key!r}]", deep - 1)
    elif deep and isinstance(value, (list, tuple)):
        for place, item in enumerate(value):
            check_plain(item, f"{where}[{place}]", deep - 1)
    else:
        shown = repr(value)[:60]
        raise ValueError(
            f"{where} must be plain data: strings, finite numbers, true, "
            f"false, None, lists and dicts, at most {_DEEPEST} deep; received "
            f"{shown}. Of an array take x.tolist(), of a NumPy number x.item()."
        )


def from_json(content: bytes, where: str) -> dict[str, Any]:
    """The object that bytes hold as JSON, a dict.

    Raises:
        ValueError: unless it is UTF-8, shallow, of finite numbers and of
            names that come once.
    """

    def refuse(constant):
        raise ValueError(f"the number {constant} is not JSON")

    def finite(number):
        if math.isinf(float(number)):
            refuse(number[:60])
        return float(number)

    def once(pairs):
        found = dict(pairs)
        if len(found) < len(pairs):
            raise ValueError("a name comes twice in one object")
        return found

    try:
        text = content.decode("utf-8")
        _check_depth(text)
        data = json.loads(
            text,
            parse_constant=refuse,
            parse_float=finite,
            object_pairs_hook=once,
        )
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{where} is no valid JSON: {error}.") from error
    if not isinstance(data, dict):
        raise ValueError(
            f"{where} must hold a JSON object; it holds a "
            f"{type(data).__name__}."
        )
    return data


def _check_depth(text):
    depth = 0
    outside_strings = _STRING.sub("", text)
    for mark in re.findall(r"[\[{\]}]", outside_strings):
        depth += 1 if mark in "[{" else -1
        if depth > _DEEPEST:
            raise ValueError(f"it is nested more than {_DEEPEST} deep")
