"""Build the book: execute the notebooks, assemble the sources, let jupyter-book write the pages."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows, where nothing keeps two builds apart
    fcntl = None  # type: ignore[assignment]

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "_build"
STAGE = BUILD / "stage"
COMPLETE = BUILD / ".pages-complete"


def main() -> int:
    """Build what is out of date and say where the result is; return the exit status."""
    with alone():
        return build()


def build() -> int:
    """Build, in a folder where nothing else does."""
    # Here, since what a kernel is forked from imports this file; it is to hold nothing of ours.
    from execute import NotebookFailed, execute_all

    start = time.perf_counter()
    notebooks = sorted((ROOT / "notebooks").glob("*.ipynb"))
    print(f"executing what changed of {len(notebooks)} notebooks", flush=True)
    try:
        ran = execute_all(notebooks, STAGE / "notebooks", BUILD / "work")
    except NotebookFailed as failure:
        print(f"\nthe book was not built:\n\n{failure}", file=sys.stderr)
        return 1
    print(f"{ran} of {len(notebooks)} notebooks executed; building the pages", flush=True)
    if status := build_pages():
        print(f"\nthe book was not built: jupyter-book ended with status {status}; its messages stand above")
        return status
    print(f"the book, after {time.perf_counter() - start:.0f} s: {BUILD / 'html' / 'index.html'}")
    return 0


@contextmanager
def alone() -> Iterator[None]:
    """Wait until no other build is at work in this folder, and keep others waiting meanwhile.

    The lock is the system's: it falls when the last process of a build ends, however that ends.
    """
    BUILD.mkdir(exist_ok=True)
    with (BUILD / ".lock").open("w") as lock:
        if fcntl:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                print("another build is at work in this folder; this one waits for its end", flush=True)
                fcntl.flock(lock, fcntl.LOCK_EX)
            os.set_inheritable(lock.fileno(), True)
        yield


def build_pages() -> int:
    """Assemble the sources and run jupyter-book, warnings as errors; return its exit status.

    A page carries the digest of every script and style sheet that it loads: a change of one rebuilds all. So
    does a build that was stopped or failed: which pages it left as they were, no file tells.
    """
    from stage import stage

    rebuild_all = not COMPLETE.exists()
    COMPLETE.unlink(missing_ok=True)
    rebuild_all |= stage(STAGE)
    status = run_jupyter_book(*(["--all"] if rebuild_all else []), output=ROOT)
    if not status:
        COMPLETE.touch()
    return status


def run_jupyter_book(*options: str, output: Path) -> int:
    """Run jupyter-book on the stage; return its exit status."""
    command = [
        sys.executable,
        str(Path(__file__).with_name("write_pages.py")),
        "build",
        "-W",
        "--keep-going",
        "-q",
    ]
    command += [*options, str(STAGE), "--path-output", str(output)]
    # It inherits the lock: should this process be killed, the next build waits until the pages are at rest.
    return subprocess.run(command, env=os.environ | {"PYTHONHASHSEED": "0"}, close_fds=False).returncode


if __name__ == "__main__":
    raise SystemExit(main())
