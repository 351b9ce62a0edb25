"""How a process that trains on a CPU keeps its memory. This is about glibc; elsewhere, nothing is done.

A training step frees its feature maps and asks for as many in the next step. By default glibc returns
blocks of this size to the system at once, and the kernel zeroes them page by page when they are wanted
again: 8,000 page faults a step, two fifths of the time that the MNIST networks take. There are two ways
out. Large pages make few faults, and a block that is returned leaves no hole behind; but glibc has to be
told before the process starts. Else it can be told to keep what is freed.
"""

import ctypes
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

_TUNABLES = "GLIBC_TUNABLES"
_LARGE_PAGES = "glibc.malloc.hugetlb=1"
_KERNEL = Path("/sys/kernel/mm/transparent_hugepage")
_LARGE = 2**21  # bytes; where the kernel's pages are larger still, they would waste memory

# Numbers of two options of glibc's mallopt, from its malloc.h.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3


@contextmanager
def large_pages() -> Iterator[None]:
    """Let processes that are started meanwhile ask the kernel for large pages, if it gives them."""
    before = os.environ.get(_TUNABLES)
    if _kernel_gives_large_pages() and "hugetlb" not in (before or ""):
        os.environ[_TUNABLES] = f"{before}:{_LARGE_PAGES}" if before else _LARGE_PAGES
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(_TUNABLES, None)
        else:
            os.environ[_TUNABLES] = before


def hand_back_freed_memory() -> None:
    """Return to the system what `keep_freed_memory` has let pile up."""
    if platform.libc_ver()[0] == "glibc":
        ctypes.CDLL(None).malloc_trim(0)


@cache
def keep_freed_memory() -> None:
    """Let this process keep the memory it frees, for as long as it runs, unless it asks for large pages."""
    if platform.libc_ver()[0] == "glibc" and _LARGE_PAGES not in os.environ.get(_TUNABLES, ""):
        limit = 2**31 - 1  # the largest value of a C int
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_M_MMAP_THRESHOLD, limit)
        mallopt(_M_TRIM_THRESHOLD, limit)


def _kernel_gives_large_pages() -> bool:
    try:
        never = "[never]" in (_KERNEL / "enabled").read_text()
        return not never and int((_KERNEL / "hpage_pmd_size").read_text()) <= _LARGE
    except OSError:  # not Linux
        return False
