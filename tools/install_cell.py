"""Commit to each notebook the cell that installs the package, if `_config.yml` has a `repository.url`.

Colab opens a notebook without the package. `make format` runs this file, which writes the
cell, or takes it out again where there is no address.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import yaml  # type: ignore[import-untyped]

ROOT = Path(__file__).resolve().parent.parent
IDENTIFIER = "install-package"
CELL = """\
try:
    import helpers
except ModuleNotFoundError:  # on Colab, say
    %pip install -q "git+{url}@{branch}\""""


def main() -> int:
    """Bring the cell of every notebook up to date; return the exit status."""
    repository = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))["repository"]
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        if place_cell(notebook, repository):
            nbformat.write(notebook, path)
            print(f"{path.relative_to(ROOT)}: the cell that installs the package")
    return 0


def place_cell(notebook: dict[str, Any], repository: dict[str, str]) -> bool:
    """Put the cell behind a notebook's title, without an address take it out; return whether that was new."""
    before = list(notebook["cells"])
    cells = [cell for cell in before if cell["id"] != IDENTIFIER]
    if repository["url"]:
        source = CELL.format(url=repository["url"].removesuffix("/"), branch=repository["branch"])
        metadata = {"tags": ["remove-cell"]}  # the book's readers need not see it
        cells.insert(1, nbformat.v4.new_code_cell(source, id=IDENTIFIER, metadata=metadata))
    notebook["cells"] = cells
    return cells != before


if __name__ == "__main__":
    raise SystemExit(main())
