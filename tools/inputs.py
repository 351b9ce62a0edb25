"""What a notebook reads: itself, the modules of ours that it imports, what those import, and their files."""

from __future__ import annotations

import ast
import hashlib
import json
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = {"helpers", "study"}
VARIABLE = "STRIDE_BOOK_DATA"
EVERY = [
    "requirements.lock",
    "tools/execute.py",
    "tools/kernels.py",
]  # decide what any notebook's outputs are
# What ends in the outputs of whoever imports a module, besides its code. Scripts and style sheets of the
# explorers do not: a page loads them.
FILES = {
    "helpers.chapter": "src/helpers/quizzes/{notebook}.json",
    "helpers.arithmetic.snippets": "src/helpers/snippets.json",
    "helpers.drills.making": "src/helpers/drills.json",
    "helpers.plots.style": "src/helpers/palette.json",
    "study.judging.rules": "study/rules.json",
    "study.ledger.page": "src/study/ledger/templates/*",
    "study.records.store": "results/**/*",
}
DATA = "helpers.data"  # the module that reads the data sets


def fingerprint(notebook: Path) -> str:
    """Digest of a notebook and of all that its outputs depend on."""
    modules = imported_modules(notebook)
    digest = hashlib.sha256(notebook.read_bytes())
    for path in files(notebook, modules):
        digest.update(f"{path.relative_to(ROOT).as_posix()} {content(path)}\n".encode())
    if DATA in modules:
        digest.update("\n".join(data_files()).encode())
    return digest.hexdigest()


def files(notebook: Path, modules: set[str]) -> list[Path]:
    """The files that a notebook reads which imports, directly or not, these modules; the data sets aside."""
    patterns = EVERY + [pattern for module, pattern in FILES.items() if module in modules]
    found = {path for pattern in patterns for path in ROOT.glob(pattern.format(notebook=notebook.stem))}
    found |= {path for path in map(source_file, modules) if path}
    return sorted(path for path in found if path.is_file() and not path.name.startswith("."))


def imported_modules(notebook: Path) -> set[str]:
    """Names of the modules of ours that a notebook imports, that these import, and so on."""
    waiting = {name for source in code(notebook) for name in imports(source)}
    found: set[str] = set()
    while waiting:
        name = waiting.pop()
        path = source_file(name)
        if path and name not in found:
            found.add(name)
            waiting |= imports(path.read_text(encoding="utf-8"))
    return found


@cache
def imports(source: str) -> frozenset[str]:
    """Names that may be modules of ours in the imports of a piece of code, wherever in it they stand.

    A package counts with each module in it, since Python runs its `__init__` first.
    """
    try:
        nodes = list(ast.walk(ast.parse(source)))
    except SyntaxError:  # whoever executes it will say so
        return frozenset()
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    for node in nodes:
        if isinstance(node, ast.ImportFrom):
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    paths = [name.split(".") for name in names]
    return frozenset(
        ".".join(path[:length]) for path in paths if path[0] in PACKAGES for length in range(1, len(path) + 1)
    )


def code(notebook: Path) -> list[str]:
    """The code cells of a notebook, without lines that are for IPython."""
    try:
        cells = json.loads(notebook.read_bytes())["cells"]
        sources = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    except (ValueError, LookupError, TypeError):  # whoever executes it will say so
        return []
    own = ("%", "!")
    return ["\n".join(line for line in source.splitlines() if not line.startswith(own)) for source in sources]


def source_file(module: str) -> Path | None:
    """Where the code of a module of ours is; None if there is no such module."""
    path = ROOT / "src" / Path(*module.split("."))
    return next(filter(Path.is_file, [path / "__init__.py", path.with_suffix(".py")]), None)


def content(path: Path) -> str:
    """Digest of what is in a file."""
    status = path.stat()
    return _content(path, status.st_mtime_ns, status.st_size)


@cache  # several notebooks read the same thousand records
def _content(path: Path, changed: int, size: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def data_files() -> Iterator[str]:
    """Describe the data files where `helpers.data` looks, without the seconds that importing torch takes."""
    import platformdirs  # here, since what imports a notebook has is known without it

    for folder in filter(None, [named_data_folder(), platformdirs.user_cache_path("stride-and-padding")]):
        for path in sorted(folder.glob("*/raw/*.gz")):
            status = path.stat()
            yield f"{path} {status.st_size} {status.st_mtime_ns}"


def named_data_folder() -> Path | None:
    """Where the user says that the data lie, in full; None if nowhere."""
    named = os.environ.get(VARIABLE)
    return Path(named).expanduser().resolve() if named else None
