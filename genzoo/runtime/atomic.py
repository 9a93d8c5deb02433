"""Files that are there whole or not at all, whenever the process is killed.

What is new is written beside the old, brought to the disk, and then takes
its name: whoever opens the name finds the old or the new. What a killed
process left behind is removed by the next save of the same file.
"""

import contextlib
import itertools
import os
import re
import socket
import threading
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py

_SEAL = b"\ngenzoo crc32 "
# Bytes that are read together.
_AT_ONCE = 2**24
_numbers = itertools.count()
_open: set[str] = set()
_lock = threading.Lock()


class DamagedFile(OSError, ValueError):
    """A file that was cut off, or is another thing than its name says.

    Also an OSError, at which `keras.callbacks.BackupAndRestore` takes the
    save before, where it keeps two.
    """


@contextlib.contextmanager
def replacing(path: str | os.PathLike, suffix: str) -> Iterator[Path]:
    """A path beside another, which it takes the place of at the end.

    Args:
        path: of a file, which may be there.
        suffix: of the file to be written, such as ".keras".

    Yields:
        Where to write. If that fails, the file at `path` is as it was.
    """
    # Through links, which stay.
    target = Path(os.path.realpath(path))
    if not target.parent.is_dir():
        raise FileNotFoundError(
            f"{os.fspath(path)!r}: there is no folder {str(target.parent)!r}."
        )
    part = _part(target, suffix)
    try:
        yield part
        if part.is_dir():
            _exchange(part, target)
            return
        with contextlib.suppress(OSError):
            part.chmod(target.stat().st_mode)
        sync(part)
        part.replace(target)
        sync(target.parent)
    finally:
        _remove(part)
        with _lock:
            _open.discard(part.name)


def write(path: str | os.PathLike, content: bytes | memoryview) -> None:
    """Put bytes into a file, whole or not at all."""
    with replacing(path, "") as part:
        part.write_bytes(content)


def sync(path: Path) -> None:
    """Bring a file, or the names in a folder, to the disk."""
    # Not every system can do so with a folder.
    with contextlib.suppress(PermissionError):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def check_whole(path: str | os.PathLike, where: str) -> None:
    """Raise an error unless a file of weights or a model was written whole.

    Raises:
        FileNotFoundError: if there is none.
        DamagedFile: if it was cut off, or is no such file.
    """
    name = os.fspath(path)
    if not os.path.exists(name):
        raise FileNotFoundError(f"{where}: there is no file {name!r}.")
    if os.path.isdir(name):
        raise DamagedFile(f"{where}: {name!r} is a folder.")
    problem = None
    if name.endswith(".keras"):
        problem = None if zipfile.is_zipfile(name) else "its end is missing"
    elif name.endswith(".h5"):
        try:
            h5py.File(name, "r").close()
        except (OSError, RuntimeError) as error:
            problem = str(error)
        problem = problem or _broken_seal(name)
    if problem is not None:
        raise damaged(name, where, problem)


def damaged(path: str | os.PathLike, where: str, problem: Any) -> DamagedFile:
    """The error of a file that is there, but not as it was written."""
    return DamagedFile(
        f"{where}: {os.fspath(path)!r} is there, but truncated or damaged "
        f"({problem}): it has {os.path.getsize(path):,} bytes. Its writing "
        "or copying was interrupted; take another copy."
    )


def seal(content: bytes | memoryview) -> bytes:
    """What a file of HDF5 may end with: a sum of all that is before.

    HDF5 keeps no sum itself: a flipped bit would be another weight.
    """
    return _SEAL + b"%08x" % zlib.crc32(content)


def _broken_seal(name):
    length = len(seal(b""))
    with open(name, "rb") as file:
        left = max(os.path.getsize(name) - length, 0)
        file.seek(left)
        found = file.read()
        if not found.startswith(_SEAL):
            return None
        file.seek(0)
        total = 0
        while left:
            part = file.read(min(left, _AT_ONCE))
            total, left = zlib.crc32(part, total), left - len(part)
    return None if found == _SEAL + b"%08x" % total else "its sum is another"


def _part(target, suffix):
    """A new path beside the target; those of the dead are removed."""
    host = re.sub(r"\W", "", socket.gethostname())[:20]
    # A name of its own for each file, not longer than names may be.
    stem = f".{target.name[:100]}.{host}"
    with _lock:
        for other in target.parent.glob(f"{_escaped(stem)}-*"):
            if _is_left_behind(other.name, stem):
                _remove(other)
        name = f"{stem}-{os.getpid()}-{next(_numbers)}{suffix}"
        _open.add(name)
    return target.with_name(name)


def _escaped(name):
    return re.sub(r"([*?[])", r"[\1]", name)


def _is_left_behind(name, stem):
    found = re.match(r"-(\d+)-\d+", name[len(stem) :])
    if found is None:
        return False
    if int(found[1]) == os.getpid():
        return name not in _open
    try:
        os.kill(int(found[1]), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False


def _remove(path):
    if path.is_dir():
        for inner in path.iterdir():
            _remove(inner)
        path.rmdir()
    else:
        path.unlink(missing_ok=True)


def _exchange(part, target):
    """Let a folder take the place of another, which is then removed."""
    for inner in part.rglob("*"):
        sync(inner)
    if not target.exists():
        part.rename(target)
    elif not _exchanged(part, target):
        # For a moment there is neither; the old one is beside.
        old = part.with_name(f"{part.name}.old")
        target.rename(old)
        part.rename(target)
        _remove(old)
    sync(target.parent)


def _exchanged(first, second):
    """Whether the system could exchange two names at once."""
    import ctypes

    at_fdcwd, exchange = -100, 2
    try:
        rename = ctypes.CDLL(None, use_errno=True).renameat2
    except (AttributeError, OSError, TypeError):
        return False
    paths = (os.fsencode(first), os.fsencode(second))
    return rename(at_fdcwd, paths[0], at_fdcwd, paths[1], exchange) == 0
