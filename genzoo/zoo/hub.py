"""Presets on the Hugging Face Hub: `hf://org/name@revision`.

Only the three files of a preset are asked for. Their bytes are kept once all
of them have the hashes that the server names for this very revision, in a
folder that is then read like any other; a revision that is in such a folder
is not asked for again.
"""

import contextlib
import hashlib
import os
import re
import shutil
import tempfile
import warnings
from pathlib import Path
from typing import Any

from genzoo._version import __version__
from genzoo.zoo import files

_NAME = r"\w(?:[\w.-]{0,94}\w)?"
_REVISION = r"[0-9a-f]{40}"
_HANDLE = re.compile(
    # The Hub's own rule for names.
    rf"hf://(?!.*(?:--|\.\.|\.git(?:@|$)))({_NAME}/{_NAME})(?:@({_REVISION}))?",
    re.ASCII,
)
_SECONDS = 10
# Of a git blob, and of a file in large file storage.
_HASH = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


def is_handle(handle: Any) -> bool:
    """Whether it is meant for the Hub, well formed or not."""
    return isinstance(handle, str) and handle.lower().startswith("hf:")


def pinned(handle: Any) -> Any:
    """The handle with its revision: without one, the latest, and a warning.

    What is no handle of the Hub is returned as it is.

    Raises:
        ImportError: without huggingface_hub.
        ValueError: for a handle that is malformed, or has no repository.
        ConnectionError: if the server does not answer.
    """
    if not is_handle(handle):
        return handle
    repository, revision = parts(handle)
    if revision is None:
        revision = _latest(handle, repository)
        found = f"hf://{repository}@{revision}"
        warnings.warn(
            f"from_preset: {handle!r} names no revision, so that its files may "
            f"change; the latest is loaded. To have the same model again, "
            f"give {found!r}.",
            UserWarning,
            stacklevel=4,
        )
        handle = found
    return handle


def folder(handle: str) -> Path:
    """The folder with the preset of a pinned handle, downloaded at first.

    Raises:
        ImportError, ValueError, ConnectionError: as `pinned` does; ValueError
            also for files that are missing, too large, of another revision,
            or that change while they are read. Then nothing is kept.
    """
    repository, revision = parts(handle)
    found = _root(repository) / revision
    if not found.is_dir():
        contents = {
            name: _download(handle, _url(repository, revision, name), name)
            for name in (files.CONFIG, files.METADATA)
        }
        where = f"from_preset: {handle!r}: {files.METADATA}"
        name = files.weights_of(files.hashes(contents[files.METADATA], where))
        url = _url(repository, revision, name)
        contents[name] = _download(handle, url, name)
        _keep(contents, found)
    return found


def parts(handle: Any, where: str = "from_preset") -> tuple[str, str | None]:
    """(org/name, revision or None) of a handle.

    Raises:
        ValueError: if it is malformed.
    """
    match = _HANDLE.fullmatch(handle) if isinstance(handle, str) else None
    if match is None:
        shown = handle
        if isinstance(handle, str) and len(handle) > 160:
            shown = f"{handle[:157]}..."
        raise ValueError(
            f"{where}: {shown!r} must be 'hf://org/name@revision': two "
            "names of letters, digits, '-', '_' and '.', and the full hash of "
            "a commit, 40 digits of 0-9a-f (or no '@revision', for the latest)."
        )
    repository, revision = match.groups()
    return repository, revision


def library(where: str = "from_preset") -> Any:
    """The package huggingface_hub.

    Raises:
        ImportError: without it.
    """
    try:
        import huggingface_hub
    except ImportError as error:
        raise ImportError(
            f"{where}: handles 'hf://...' need the package huggingface_hub: "
            "pip install genzoo[hub]."
        ) from error
    return huggingface_hub


def _root(repository):
    """Where the revisions of a repository are kept."""
    return library().cached_assets_path(
        "genzoo",
        namespace=repository,
        subfolder="presets",
        # Read now, as HF_ENDPOINT is, and not when the library was imported.
        assets_dir=os.environ.get("HF_ASSETS_CACHE"),
    )


def _url(repository, revision, name):
    return library().hf_hub_url(
        repository,
        name,
        revision=revision,
        endpoint=os.environ.get("HF_ENDPOINT", "").rstrip("/") or None,
    )


def _headers():
    # With the user's token, if there is one.
    headers = library().utils.build_hf_headers(
        library_name="genzoo", library_version=__version__
    )
    return {**headers, "Accept-Encoding": "identity"}


def _about(handle, url, name):
    """A file's commit, hash and size, before any of it is read."""
    with _one_error(handle, name):
        return library().get_hf_file_metadata(
            url, timeout=_SECONDS, headers=_headers()
        )


def _latest(handle, repository):
    about = _about(handle, _url(repository, "main", files.CONFIG), files.CONFIG)
    if not re.fullmatch(_REVISION, str(about.commit_hash)):
        raise ValueError(
            f"from_preset: {handle!r}: the server does not say which revision "
            "is the latest. Give one, as 'hf://org/name@revision'."
        )
    return about.commit_hash


def _download(handle, url, name):
    """The bytes of a file, once they have the hash that was announced."""
    where = f"from_preset: {handle!r}: {name}"
    about = _about(handle, url, name)
    if about.commit_hash != parts(handle)[1]:
        raise ValueError(
            f"{where} comes from another revision, "
            f"{str(about.commit_hash)[:40]!r}; it is not loaded."
        )
    expected = str(about.etag)
    if not _HASH.fullmatch(expected):
        raise ValueError(
            f"{where} cannot be verified: the server must name its SHA-1 or "
            f"SHA-256 as ETag; found {expected[:70]!r}."
        )
    _check_size(about.size or 0, name, where)
    with _one_error(handle, name):
        content = _read(url, name, where)
    found = _hash(content, len(expected))
    if found != expected:
        raise ValueError(
            f"{where} was changed or damaged: the server announced the hash "
            f"{expected} and sent {found}. Nothing was kept."
        )
    return content


def _check_size(size, name, where):
    most = files.MOST_BYTES[name]
    if size > most:
        raise ValueError(
            f"{where} is larger than {most:,} bytes, the most that a preset "
            "may have."
        )


def _read(url, name, where):
    content = bytearray()
    session = library().get_session()
    with session.stream(
        "GET", url, headers=_headers(), timeout=_SECONDS, follow_redirects=True
    ) as answer:
        answer.raise_for_status()
        # As they come: unpacking could make many bytes of few.
        for chunk in answer.iter_raw():
            content += chunk
            _check_size(len(content), name, where)
    return bytes(content)


def _hash(content, digits):
    """SHA-256 for 64 digits; for 40 the SHA-1 of a git blob."""
    if digits == 64:
        return files.sha256(content)
    result = hashlib.sha1(b"blob %d\0" % len(content), usedforsecurity=False)
    result.update(content)
    return result.hexdigest()


def _keep(contents, folder):
    """Make a folder of files, whole or not at all."""
    part = Path(tempfile.mkdtemp(prefix=".", dir=folder.parent))
    try:
        for name, content in contents.items():
            files.write(part, name, content)
        part.rename(folder)
    except OSError:
        # Another process may have been first.
        if not folder.is_dir():
            raise
    finally:
        shutil.rmtree(part, ignore_errors=True)


@contextlib.contextmanager
def _one_error(handle, name):
    """What the connection and the server can raise, as one clear error."""
    import httpx2

    try:
        yield
    except (httpx2.HTTPError, ConnectionError) as error:
        where = f"from_preset: {handle!r}"
        answer = getattr(error, "response", None)
        if answer is not None:
            raise _refusal(where, name, answer) from error
        reason = str(error)[:200] or type(error).__name__
        raise ConnectionError(
            f"{where}: the connection was lost at {name}: {reason}. Nothing "
            "was kept; try again."
        ) from error


def _refusal(where, name, answer):
    code = answer.headers.get("X-Error-Code")
    if code == "RevisionNotFound":
        return ValueError(f"{where}: the repository has no such revision.")
    if code == "EntryNotFound":
        return ValueError(f"{where}: it has no {name}, so it is no preset.")
    if answer.status_code in (401, 403, 404):
        return ValueError(
            f"{where}: there is no such repository, or it needs a token; "
            "`hf auth login` sets one."
        )
    return ConnectionError(
        f"{where}: the server answered with status {answer.status_code} for "
        f"{name}; try again later."
    )
