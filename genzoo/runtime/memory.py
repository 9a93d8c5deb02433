"""What the machine's memory allows."""

import os


def check_memory(
    argument: str, count: int, width: int, item_bytes: int = 4
) -> None:
    """Refuse an array of (count, width) larger than the machine's memory.

    Raises:
        ValueError: naming the argument, the bytes needed and those there are.
    """
    if not hasattr(os, "sysconf"):
        return
    needed = int(count) * int(width) * item_bytes
    available = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if needed > available:
        raise ValueError(
            f"{argument}={count} needs {needed:,} bytes for states of width "
            f"{width}; this machine has {available:,} bytes of memory. "
            f"Use fewer."
        )
