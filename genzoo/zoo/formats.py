"""Versions of the format of presets, and how older ones are read.

A preset says in which version of the format it was written. An argument that
is new needs no new version: a class names it in `_newer_arguments`, with the
value that older presets mean. What changes the meaning of a file raises
`FORMAT` by one, and adds to `MIGRATIONS` how the configuration and the arrays
of the version before become those of the next.
"""

from collections.abc import Callable
from typing import Any

from genzoo._version import __version__

FORMAT = 1

Arrays = dict[str, Any]
# From each version to the next: functions of (configuration, arrays).
MIGRATIONS: dict[
    int, Callable[[dict[str, Any], Arrays], tuple[dict[str, Any], Arrays]]
] = {}


def check(found: Any, metadata: dict[str, Any], where: str) -> int:
    """The version of the format of a file, if it can be read.

    Args:
        found: what the file says.
        metadata: the card, which names the version of genzoo that wrote it.
        where: the file, for messages.

    Raises:
        ValueError: for one that is newer than this version of genzoo.
    """
    if isinstance(found, bool) or not isinstance(found, int) or found < 1:
        raise ValueError(
            f"{where}: format must be an int from 1 to {FORMAT}; received "
            f"{str(found)[:60]!r}. It is no preset of genzoo."
        )
    if found > FORMAT:
        versions = metadata.get("versions")
        writer = versions.get("genzoo") if isinstance(versions, dict) else None
        by = f"genzoo {str(writer)[:40]}" if writer else "a newer genzoo"
        raise ValueError(
            f"{where}: {by} wrote it in format {str(found)[:20]}; this is "
            f"genzoo {__version__}, which reads up to format {FORMAT}. Run "
            "pip install --upgrade genzoo."
        )
    return found


def upgraded(
    version: int, config: dict[str, Any], arrays: Arrays
) -> tuple[dict[str, Any], Arrays]:
    """(configuration, arrays) of an older version, as they are today."""
    for step in range(version, FORMAT):
        config, arrays = MIGRATIONS[step](config, arrays)
    return config, arrays
