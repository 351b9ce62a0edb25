"""Where training runs, and how it keeps its memory."""

import ctypes
import platform
from functools import cache

import torch

# Numbers of two options of glibc's mallopt, from its malloc.h.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3


def choose_device(name: str = "auto") -> torch.device:
    """The device of that name; "auto" takes a GPU where there is one.

    Raises:
        ValueError: if the name is not "auto", "cpu", "cuda" or "mps", or this machine has no such device.
    """
    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        name = next(kind for kind, is_here in available.items() if is_here)
    if name not in available:
        raise ValueError(f"device must be 'auto', 'cpu', 'cuda' or 'mps', got {name!r}")
    if not available[name]:
        raise ValueError(f"device {name!r} is not available on this machine; use 'auto' or 'cpu'")
    return torch.device(name)


def hand_back_freed_memory() -> None:
    """Return to the system what `keep_freed_memory` has let pile up."""
    if platform.libc_ver()[0] == "glibc":
        ctypes.CDLL(None).malloc_trim(0)


@cache
def keep_freed_memory() -> None:
    """Let this process keep the memory it frees, for as long as it runs, instead of handing it back.

    A training step frees its feature maps and asks for as many in the next step. By default glibc returns
    blocks of this size to the system at once, and the kernel zeroes them page by page when they are wanted
    again: 8,000 page faults a step, two fifths of the time that the MNIST networks take. Where the C library
    is not glibc, this does nothing.
    """
    if platform.libc_ver()[0] == "glibc":
        limit = 2**31 - 1  # the largest value of a C int
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_M_MMAP_THRESHOLD, limit)
        mallopt(_M_TRIM_THRESHOLD, limit)
