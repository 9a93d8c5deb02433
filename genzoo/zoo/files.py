"""The files of a preset: read whole, within limits, from one folder only."""

import hashlib
import json
import os
import re
import stat
from pathlib import Path
from typing import Any

CONFIG = "config.json"
METADATA = "metadata.json"
WEIGHTS = "model.weights.h5"
# The most bytes that are read of each.
MOST_BYTES = {CONFIG: 2**20, METADATA: 2**20, WEIGHTS: 2**28}
_DEEPEST = 16


def read(folder: str | os.PathLike, name: str) -> bytes:
    """The bytes of a file of a preset.

    What is hashed, checked and parsed later are these bytes, whatever
    becomes of the file.

    Args:
        folder: where the preset is.
        name: one of the three names.

    Raises:
        ValueError: if it is missing, no ordinary file, a symbolic link, which
            may lead out of the folder, or too large.
    """
    path = Path(folder) / name
    # Not to wait for the other end of a pipe, nor to follow a link.
    flags = os.O_RDONLY
    for flag in ("O_NOFOLLOW", "O_NONBLOCK", "O_BINARY", "O_CLOEXEC"):
        flags |= getattr(os, flag, 0)
    if path.is_symlink():
        raise ValueError(f"{path} is a symbolic link; copy the file itself.")
    try:
        descriptor = os.open(path, flags)
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}.") from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise ValueError(f"{path} is no ordinary file.")
    with os.fdopen(descriptor, "rb") as file:
        content = file.read(MOST_BYTES[name] + 1)
    if len(content) > MOST_BYTES[name]:
        raise ValueError(
            f"{path} is larger than {MOST_BYTES[name]:,} bytes, the most "
            "that a preset may have."
        )
    return content


def write(folder: str | os.PathLike, name: str, content: bytes) -> None:
    """Put a file into a folder, whole or not at all."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f".{name}.{os.getpid()}"
    try:
        part.write_bytes(content)
        part.replace(folder / name)
    finally:
        part.unlink(missing_ok=True)


def sha256(content: bytes) -> str:
    """The hash of bytes, 64 hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def to_json(data: Any) -> bytes:
    """Plain data as the bytes of a file, for people to read."""
    text = json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False)
    return (text + "\n").encode()


def from_json(content: bytes, where: str) -> dict[str, Any]:
    """The object that bytes hold as JSON, a dict.

    Raises:
        ValueError: unless it is UTF-8, shallow, of finite numbers and of
            names that come once.
    """

    def refuse(constant):
        raise ValueError(f"the number {constant} is not JSON")

    def once(pairs):
        found = dict(pairs)
        if len(found) < len(pairs):
            raise ValueError("a name comes twice in one object")
        return found

    try:
        text = content.decode("utf-8")
        _check_depth(text)
        data = json.loads(text, parse_constant=refuse, object_pairs_hook=once)
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
    outside_strings = re.sub(r'"(?:[^"\\]|\\.)*"', "", text, flags=re.DOTALL)
    for mark in re.findall(r"[\[{\]}]", outside_strings):
        depth += 1 if mark in "[{" else -1
        if depth > _DEEPEST:
            raise ValueError(f"it is nested more than {_DEEPEST} deep")
