"""Speed and memory of a sweep's processes: settings of glibc's malloc, and an Adam of its own.

A training step frees its feature maps and allocates as many in the next step. By default glibc returns blocks
of this size to the system at once, and the kernel zeroes them page by page when they are wanted again: 8,000
page faults per step, two fifths of the time that the MNIST networks take. There are two remedies. Large pages
cause few faults, and freed blocks leave no holes; but glibc must be set before the process starts. Else glibc
can be told to keep freed memory. With another C library, nothing is done.
"""

import ctypes
import os
import platform
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import torch
from torch import nn
from torch.optim.adam import adam

TUNABLES = "GLIBC_TUNABLES"
_LARGE_PAGES = "glibc.malloc.hugetlb=1"
_KERNEL = Path("/sys/kernel/mm/transparent_hugepage")
_LARGE = 2**21  # bytes; where the kernel's pages are larger still, they would waste memory

# Numbers of two options of glibc's mallopt, from its malloc.h.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3


def with_large_pages(tunables: str) -> str:
    """Add to the value of GLIBC_TUNABLES that a process asks the kernel for large pages.

    The value stays as it is if the kernel has no such pages, or if it already sets them.
    """
    if "hugetlb" in tunables or not _kernel_gives_large_pages():
        return tunables
    return f"{tunables}:{_LARGE_PAGES}" if tunables else _LARGE_PAGES


def hand_back_freed_memory() -> None:
    """Return to the system the freed memory that `keep_freed_memory` has kept."""
    if platform.libc_ver()[0] == "glibc":
        ctypes.CDLL(None).malloc_trim(0)


@cache
def keep_freed_memory() -> None:
    """Let this process keep the memory it frees, for as long as it runs, unless it asks for large pages."""
    if platform.libc_ver()[0] == "glibc" and _LARGE_PAGES not in os.environ.get(TUNABLES, ""):
        limit = 2**31 - 1  # the largest value of a C int
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_M_MMAP_THRESHOLD, limit)
        mallopt(_M_TRIM_THRESHOLD, limit)


class Adam:
    """`torch.optim.Adam(fused=True)`: the same function of torch, hence the same numbers.

    The class of torch imports torch's compiler, which takes 0.2 GB in each process of a sweep.

    Args:
        parameters: updated in place; all on one device.
        lr: learning rate.
        eps: added to the denominator.
    """

    def __init__(self, parameters: Iterable[nn.Parameter], *, lr: float, eps: float) -> None:
        self.parameters = list(parameters)
        self.lr, self.eps = lr, eps
        self._means = [torch.zeros_like(each) for each in self.parameters]
        self._squares = [torch.zeros_like(each) for each in self.parameters]
        self._steps = [torch.zeros((), device=each.device) for each in self.parameters]

    def zero_grad(self) -> None:
        """Set the gradients of all parameters to None."""
        for each in self.parameters:
            each.grad = None

    @torch.no_grad()
    def step(self) -> None:
        """Update the parameters by their gradients; those without one stay."""
        rows = zip(self.parameters, self._means, self._squares, self._steps, strict=True)
        known = [(each, each.grad, *state) for each, *state in rows if each.grad is not None]
        changed, gradients, means, squares, steps = (list(column) for column in zip(*known, strict=True))
        adam(
            changed, gradients, means, squares, [], steps,
            fused=True, amsgrad=False, maximize=False, weight_decay=0.0,
            beta1=0.9, beta2=0.999, lr=self.lr, eps=self.eps,
        )  # fmt: skip


def _kernel_gives_large_pages() -> bool:
    try:
        never = "[never]" in (_KERNEL / "enabled").read_text()
        return not never and int((_KERNEL / "hpage_pmd_size").read_text()) <= _LARGE
    except OSError:  # not Linux
        return False
