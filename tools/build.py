"""Build the book: execute the notebooks, assemble the sources, let jupyter-book write the pages."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from execute import NotebookFailed, execute_all
from stage import stage

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "_build"
STAGE = BUILD / "stage"


def main() -> int:
    """Build what is out of date and say where the result is; return the exit status."""
    start = time.perf_counter()
    notebooks = sorted((ROOT / "notebooks").glob("*.ipynb"))
    print(f"executing what changed of {len(notebooks)} notebooks", flush=True)
    try:
        ran = execute_all(notebooks, STAGE / "notebooks", BUILD / "work")
    except NotebookFailed as failure:
        print(f"\nthe book was not built:\n\n{failure}", file=sys.stderr)
        return 1
    print(f"{ran} of {len(notebooks)} notebooks executed; building the pages", flush=True)
    status = build_pages(rebuild_all=stage(STAGE))
    if status:
        print(f"\nthe book was not built: jupyter-book ended with status {status}; its messages stand above")
        return status
    print(f"the book, after {time.perf_counter() - start:.0f} s: {BUILD / 'html' / 'index.html'}")
    return 0


def build_pages(*, rebuild_all: bool) -> int:
    """Run jupyter-book, warnings as errors; return its exit status.

    A page carries the digest of every script and style sheet that it loads: a change of one rebuilds all.
    """
    command = [str(Path(sys.executable).with_name("jupyter-book")), "build", "-W", "--keep-going", "-q"]
    command += ["--all"] if rebuild_all else []
    command += [str(STAGE), "--path-output", str(ROOT)]
    return subprocess.run(command, env=os.environ | {"PYTHONHASHSEED": "0"}, check=False).returncode


if __name__ == "__main__":
    raise SystemExit(main())
