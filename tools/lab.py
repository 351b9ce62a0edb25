"""Open the notebooks that readers get in JupyterLab: numbers in the sentences; `make lab`, after `make book`.

They lie in `_build/lab`, a copy that is the reader's: what they have run or changed there is kept.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

from build import BUILD

GIVEN = BUILD / "html" / "_sources" / "notebooks"
LAB = BUILD / "lab"


def main() -> int:
    """Bring the copy up to date and open it; return JupyterLab's exit status."""
    for name in give(GIVEN, LAB):
        print(f"{name} is yours and stays; the book has a newer one. To get it: delete {LAB / name}")
    command = [sys.executable, "-m", "jupyterlab", f"--notebook-dir={BUILD}"]
    return subprocess.run([*command, f"--LabApp.default_url=/lab/tree/{LAB.name}"]).returncode


def give(given: Path, lab: Path) -> list[str]:
    """Copy the notebooks; return the names of those that a reader has changed and the book has too."""
    lab.mkdir(parents=True, exist_ok=True)
    kept = []
    for source in sorted(given.glob("*.ipynb")):
        # From beside the sources to the pages it is two folders up, from here it is one.
        text = source.read_text(encoding="utf-8").replace("../../", "../html/")
        target, stamp = lab / source.name, lab / f".{source.stem}.given"
        last = stamp.read_text(encoding="utf-8") if stamp.exists() else ""
        if target.exists() and digest(target.read_text(encoding="utf-8")) != last:
            kept += [source.name] if digest(text) != last else []
        else:
            target.write_text(text, encoding="utf-8")
            stamp.write_text(digest(text), encoding="utf-8")
    return kept


def digest(text: str) -> str:
    """What tells one version of a notebook from another."""
    return hashlib.sha256(text.encode()).hexdigest()


if __name__ == "__main__":
    raise SystemExit(main())
