"""Take the outputs out of the notebooks that load the data sets: `python tools/committable.py FOLDER`.

No image of MNIST or Fashion-MNIST is ever committed. The workflow that commits executed notebooks calls this
first; the numbers in their sentences stay. It needs no package.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import inputs


def main() -> int:
    """Clear what has to be cleared in a folder and say so; return the exit status."""
    given = sys.argv[1:]
    found = sorted(Path(given[0]).glob("*.ipynb")) if len(given) == 1 else []
    if not found:
        print("error: FOLDER must be one that holds notebooks, got", *given or ["none"], file=sys.stderr)
        return 1
    for path in found:
        if inputs.DATA in inputs.imported_modules(path):
            clear(path)
            print(f"{path.name} without its outputs: it loads the data sets")
    return 0


def clear(path: Path) -> None:
    """Take the outputs out of a notebook."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell |= {"outputs": [], "execution_count": None}
    path.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    raise SystemExit(main())
