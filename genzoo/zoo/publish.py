"""Presets to the Hugging Face Hub: `upload_preset`, and their card there."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from genzoo import checks
from genzoo.zoo import files, hub, presets

_PICTURE = "samples.png"
_README = """\
# {name}

{description}

```python
import genzoo

model = genzoo.from_preset("hf://{name}")
```

It is read as data: JSON and arrays, checked by the hashes in `metadata.json`;
nothing in it is executed. For the same model again, name the commit:
`hf://{name}@<commit>`.
{picture}
{facts}
{measured}"""
# Of the card: what stands in the list of facts, and how it is called there.
_FACTS = {
    "class": "Model",
    "parameters": "Parameters",
    "data": "Data",
    "data_licence": "Licence of the data",
    "training": "Training",
    "command": "Made by",
    "seed": "Seed",
    "date": "Date",
    "versions": "Versions",
}


def upload_preset(
    handle: str, folder: str | os.PathLike, private: bool = False
) -> str:
    """Put a preset on the Hugging Face Hub, in one commit.

    The repository is made if there is none. Its README.md is the card, with
    the Hub's own fields: licence, library, tags. Needs a token that may write,
    by `hf auth login` or the variable HF_TOKEN.

    Args:
        handle: "hf://org/name".
        folder: what `save_to_preset` wrote, or the name of a built-in preset;
            it is loaded first, to see that others will be able to.
        private: whether a new repository is.

    Returns:
        The handle with the revision that was made, for `from_preset`.

    Raises:
        ImportError: without huggingface_hub.
        ValueError: for another handle, a folder that holds no preset, or if
            the server refuses the token.
        ConnectionError: if the server does not answer, or fails.

    Example:
    >>> genzoo.upload_preset("hf://org/rbm", "no folder")
    Traceback (most recent call last):
        ...
    ValueError: upload_preset: 'no folder' is neither a folder nor one of ...
    """
    repository, revision = hub.parts(handle, "upload_preset")
    if revision is not None:
        raise ValueError(
            f"upload_preset: {handle!r} names a revision, which only the "
            f"server can give. Pass 'hf://{repository}'."
        )
    checks.flag(private, "upload_preset: private")
    contents = _contents(folder)
    library = hub.library("upload_preset")
    texts = {**contents, "README.md": readme(repository, contents).encode()}
    endpoint = os.environ.get("HF_ENDPOINT", "").rstrip("/") or None
    api = library.HfApi(endpoint=endpoint, library_name="genzoo")
    with _one_error(handle):
        api.create_repo(repository, private=private or None, exist_ok=True)
        made = api.create_commit(
            repository,
            operations=[
                library.CommitOperationAdd(name, content)
                for name, content in texts.items()
            ],
            commit_message="A preset of genzoo",
        )
    return f"hf://{repository}@{made.oid}"


def readme(repository: str, contents: dict[str, bytes]) -> str:
    """The README.md of a repository: the Hub's fields, then the card.

    Args:
        repository: "org/name".
        contents: the files of the preset.
    """
    card = files.from_json(contents[files.METADATA], files.METADATA)
    library = hub.library("upload_preset")
    fields = {
        "library_name": "genzoo",
        "tags": ["genzoo", "keras", "generative-model", card["class"].lower()],
    }
    if isinstance(card.get("licence"), str):
        fields["license"] = card["licence"].lower()
    facts = [
        f"- **{name}**: {_text(card[key])}"
        for key, name in _FACTS.items()
        if key in card
    ]
    text = _README.format(
        name=repository,
        description=_text(card.get("description", "")),
        picture=f"\n![Samples]({_PICTURE})\n" if _PICTURE in contents else "",
        facts="\n".join(facts),
        measured=_measured(card),
    )
    head = library.ModelCardData(**fields).to_yaml()
    return f"---\n{head}\n---\n\n{text}"


def _measured(card):
    """The table of measured numbers, with their errors."""
    rows = [
        f"| {name.replace('_', ' ')} | {found['value']:.6g} | "
        f"{_error(found.get('stderr'))} |"
        for name, found in (card.get("measured") or {}).items()
        if isinstance(found, dict) and "value" in found
    ]
    if not rows:
        return ""
    units = _text(card.get("units", ""))
    head = ["", "| measured | value | standard error |", "|---|---|---|"]
    return "\n".join([*head, *rows, "", units, ""])


def _error(stderr):
    return "" if stderr is None else f"{stderr:.2g}"


def _text(value: Any) -> str:
    """A value of a card on one line."""
    if isinstance(value, dict):
        value = ", ".join(f"{key} {part}" for key, part in value.items())
    return " ".join(str(value).split())


def _contents(folder):
    """The files of a preset that loads, and its picture."""
    try:
        presets.load(folder)
        where, contents = presets.read(folder)
    except ValueError as error:
        text = str(error).removeprefix("from_preset: ")
        raise ValueError(f"upload_preset: {text}") from None
    picture = Path(where) / _PICTURE
    if picture.is_file():
        contents = {**contents, _PICTURE: picture.read_bytes()}
    return contents


@contextlib.contextmanager
def _one_error(handle: str) -> Iterator[None]:
    """What the connection and the server can raise, as one clear error."""
    import httpx2
    from huggingface_hub import errors

    where = f"upload_preset: {handle!r}"
    try:
        yield
    except errors.HfHubHTTPError as error:
        status = getattr(error.response, "status_code", None)
        if status in (401, 403, 404):
            raise ValueError(
                f"{where}: the server refuses (status {status}): the token "
                "must be one that may write there; `hf auth login` sets one."
            ) from error
        raise ConnectionError(
            f"{where}: the server answered with status {status}; try again."
        ) from error
    except (errors.LocalTokenNotFoundError, ImportError) as error:
        raise ValueError(f"{where}: {str(error)[:200]}") from error
    except (httpx2.HTTPError, ConnectionError) as error:
        reason = str(error)[:200] or type(error).__name__
        raise ConnectionError(
            f"{where}: the connection was lost: {reason}."
        ) from error
