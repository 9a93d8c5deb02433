"""What the machine's memory allows, and keeping what was freed."""

import ctypes
import functools
import os
import sys

_M_TOP_PAD = -2
_KEPT_BYTES = 64 * 2**20


def check_memory(argument, count, width, item_bytes=4):
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


@functools.cache
def keep_freed_memory():
    """Let the C library keep 64 MiB of freed memory for each thread.

    glibc gives the heap of TensorFlow's compute thread back to the system
    after each training step and takes it again in the next, one page fault
    every 4 KiB: a fifth of the CPU time of a 784x500 RBM. Only glibc on Linux;
    the environment variable `MALLOC_TOP_PAD_`, if set, is left to hold.
    """
    if not sys.platform.startswith("linux") or "MALLOC_TOP_PAD_" in os.environ:
        return
    libc = ctypes.CDLL(None)
    if hasattr(libc, "gnu_get_libc_version"):
        libc.mallopt(_M_TOP_PAD, _KEPT_BYTES)
