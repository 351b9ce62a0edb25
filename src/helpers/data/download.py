"""Fetching the published files into the cache: all four of a data set or none."""

import contextlib
import io
import os
import shutil
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from http.client import HTTPException
from pathlib import Path

from helpers.data.files import FOLDERS, MD5

OFFLINE = "STRIDE_BOOK_OFFLINE"
TIMEOUT = 5.0  # seconds without an answer; a mirror has up to eight addresses, and each of them may be silent
PARTIAL = ".partial-"
ABANDONED = 24 * 3600.0  # seconds after which an unfinished download belongs to a process that was killed

_one_at_a_time = threading.Lock()  # the streams and the timeout below belong to the whole process


def fetch(name: str, *, folder: Path) -> str | None:
    """Download a data set into `folder`, laid out as torchvision's `root`; returns why that failed, or None.

    torchvision fetches the files from its mirrors and checks their md5, in a temporary folder; only then are
    they moved to where `load` looks, each in one step, so that another process sees a whole file or none.
    """
    if os.environ.get(OFFLINE, "0") not in ("", "0"):
        return f"not tried, because ${OFFLINE} is set"
    from torchvision import datasets  # here, since hardly ever is anything to be downloaded

    try:
        with _one_at_a_time, _quietly(), _impatiently():
            folder.mkdir(parents=True, exist_ok=True)
            _sweep(folder)
            with tempfile.TemporaryDirectory(prefix=PARTIAL, dir=folder) as scratch:
                getattr(datasets, FOLDERS[name])(root=scratch, download=True)
                _move(name, Path(scratch), folder)
    except (RuntimeError, OSError, HTTPException) as error:
        return f"failed: {' '.join(str(error).split())}"
    return None


def _move(name: str, scratch: Path, folder: Path) -> None:
    raw = Path(FOLDERS[name], "raw")
    (folder / raw).mkdir(parents=True, exist_ok=True)
    for file in MD5[name]:
        (scratch / raw / file).replace(folder / raw / file)


def _sweep(folder: Path) -> None:
    """Remove what killed downloads left behind."""
    for leftover in folder.glob(f"{PARTIAL}*"):
        with contextlib.suppress(OSError):  # another process may be sweeping too
            if time.time() - leftover.stat().st_mtime > ABANDONED:
                shutil.rmtree(leftover)


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """Keep torchvision's progress bars off the pages."""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        yield


@contextlib.contextmanager
def _impatiently() -> Iterator[None]:
    """Give up on a network that does not answer; by default, Python waits forever."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(TIMEOUT)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
