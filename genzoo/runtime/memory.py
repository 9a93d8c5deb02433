"""What the memory that is free allows."""

import contextlib
import os
from pathlib import Path

from keras.src.backend.common.stateless_scope import in_stateless_scope

# Less is not looked at: to ask takes longer than to have it.
_SMALL = 2**22
_GROUPS = (
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
    (
        "/sys/fs/cgroup/memory/memory.limit_in_bytes",
        "/sys/fs/cgroup/memory/memory.usage_in_bytes",
    ),
)


def free_bytes() -> int | None:
    """How many bytes this process may still take; None if nothing is known.

    The least of what the machine has free, what is left of the limit of a
    container, and what is left of the process's own limit.
    """
    known = []
    with contextlib.suppress(OSError, ValueError, StopIteration, IndexError):
        lines = Path("/proc/meminfo").read_text().splitlines()
        line = next(x for x in lines if x.startswith("MemAvailable:"))
        known.append(int(line.split()[1]) * 1024)
    for limit, used in _GROUPS:
        with contextlib.suppress(OSError, ValueError):
            most = int(Path(limit).read_text())
            known.append(most - int(Path(used).read_text()))
    with contextlib.suppress(ImportError, OSError, ValueError, IndexError):
        import resource

        most, _ = resource.getrlimit(resource.RLIMIT_AS)
        if most != resource.RLIM_INFINITY:
            pages = int(Path("/proc/self/statm").read_text().split()[0])
            known.append(most - pages * os.sysconf("SC_PAGE_SIZE"))
    if not known and hasattr(os, "sysconf"):
        with contextlib.suppress(OSError, ValueError):
            pages = os.sysconf("SC_PHYS_PAGES")
            known.append(os.sysconf("SC_PAGE_SIZE") * pages)
    return max(0, min(known)) if known else None


def check_memory(
    argument: str, count: int, width: int, item_bytes: int = 4
) -> None:
    """Refuse an array of (count, width) larger than the memory that is free.

    Args:
        argument: what makes it large, for the message.
        count: its rows.
        width: numbers of a row.
        item_bytes: of a number, with all copies that are made of it.

    Raises:
        ValueError: naming the argument, the bytes needed and those there are.
    """
    needed = int(count) * int(width) * item_bytes
    # What is counted and not made takes none.
    if needed < _SMALL or in_stateless_scope():
        return
    free = free_bytes()
    if free is not None and needed > free:
        raise ValueError(
            f"{argument}={count} needs {needed:,} bytes for states of width "
            f"{width}; {free:,} bytes of memory are free. Use fewer."
        )
