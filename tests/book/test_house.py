"""The rules of the house that a reviewer would otherwise have to remember."""

import ast
import re
import subprocess
import tomllib
from importlib import import_module
from inspect import ismodule
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src"

CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text()


def import_table() -> dict[str, set[str]]:
    """Who imports whom, as the map of the code in CONTRIBUTING.md says."""
    rows = re.findall(
        r"^\| `((?:helpers|study)\.\w+)` \| [^|]+ \|([^|\n]*)\|$", CONTRIBUTING, flags=re.MULTILINE
    )
    return {name: set(re.findall(r"`((?:helpers|study)\.\w+)`", imports)) for name, imports in rows}


MAY_IMPORT = import_table()


def modules() -> dict[str, list[Path]]:
    """Each room of the two packages, with its files."""
    found: dict[str, list[Path]] = {}
    for path in sorted(SOURCE.rglob("*.py")):
        package, *parts = path.relative_to(SOURCE).parts
        name = parts[0].removesuffix(".py")
        if name != "__init__":
            found.setdefault(f"{package}.{name}", []).append(path)
    return found


def imported_rooms(path: Path) -> set[str]:
    """Names of the rooms that a file imports."""
    names = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return {".".join(name.split(".")[:2]) for name in names if name.startswith(("helpers.", "study."))}


def test_every_room_has_its_row_and_every_row_its_room():
    assert set(modules()) == set(MAY_IMPORT)


def test_every_room_but_what_a_notebook_needs_has_its_page_in_the_book():
    pages = {path.stem for path in (ROOT / "book" / "api").glob("*.md")} - {"index"}
    without = {"checks", "commands", "chapter", "epoch", "__main__"}
    rooms = {name.split(".")[1] for name in modules()} - without
    assert pages == rooms


def is_module(name: str) -> bool:
    """Whether a dotted name is one, and no function of a package that is named like its module."""
    package, _, last = name.rpartition(".")
    return ismodule(getattr(import_module(package), last, None))


def test_every_package_and_all_that_readers_are_told_to_import_is_in_the_reference():
    told = ("README.md", "CONTRIBUTING.md", "book/*.md", "notebooks/*.ipynb")
    text = "\n".join(path.read_text() for pattern in told for path in ROOT.glob(pattern))
    named = set(re.findall(r"\b(?:helpers|study)(?:\.\w+)+", text))
    for package, names in re.findall(r"from ((?:helpers|study)[\w.]*) import ([\w, ]+)", text):
        named |= {f"{package}.{name}" for name in names.split(", ")}
    folders = [path.parent.relative_to(SOURCE) for path in SOURCE.rglob("*/*/__init__.py")]
    packages = {".".join(folder.parts) for folder in folders}
    pages = "".join(path.read_text() for path in ROOT.glob("book/api/*.md"))
    documented = set(re.findall(r"automodule:: (\S+)", pages))
    assert packages | set(filter(is_module, named)) <= documented | {
        "helpers.chapter",
        "helpers.checks",
        "helpers.commands",
        "helpers.epoch",
    }


@pytest.mark.parametrize("name", modules())
def test_a_room_imports_what_its_row_says_and_nothing_else(name):
    imported = set().union(*map(imported_rooms, modules()[name]))
    assert imported - {name} == MAY_IMPORT[name]


def test_no_room_imports_one_that_imports_it():
    floors: dict[str, int] = {}
    while len(floors) < len(MAY_IMPORT):
        ready = [name for name in MAY_IMPORT.keys() - floors if MAY_IMPORT[name] <= floors.keys()]
        assert ready, f"a circle among {sorted(MAY_IMPORT.keys() - floors)}"
        floors |= dict.fromkeys(ready, len(floors))


def test_helpers_import_nothing_of_the_study():
    for name, paths in modules().items():
        if name.startswith("helpers."):
            imported = set().union(*map(imported_rooms, paths))
            assert not [room for room in imported if room.startswith("study")], name


@pytest.mark.parametrize("path", sorted(SOURCE.rglob("*.py")), ids=lambda path: str(path.relative_to(SOURCE)))
def test_modules_and_functions_fit_a_screen(path):
    source = path.read_text()
    assert len(source.splitlines()) <= 400
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef):
            docstring = ast.get_docstring(node, clean=False) or ""
            length = node.end_lineno - node.lineno + 1 - len(docstring.splitlines())
            assert length <= 40, f"{node.name} has {length} lines"


def public_names(path: Path) -> set[str]:
    """Functions, classes and constants at the top of a module that others may import."""
    names = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names |= {target.id for target in targets if isinstance(target, ast.Name)}
    return {name for name in names if not name.startswith("_")}


def test_a_public_name_means_one_thing():
    homes: dict[str, list[str]] = {}
    for path in sorted(SOURCE.rglob("*.py")):
        for name in public_names(path) - {"main"}:  # each command has one
            homes.setdefault(name, []).append(str(path.relative_to(SOURCE)))
    assert {name: places for name, places in homes.items() if len(places) > 1} == {}


def test_a_chapter_is_numbered_as_its_file_and_as_the_text_calls_it():
    parts = yaml.safe_load((ROOT / "_toc.yml").read_text())["parts"]
    numbered = [chapter["file"] for part in parts if part.get("numbered") for chapter in part["chapters"]]
    assert [file.split("/")[1].split("_")[0] for file in numbered] == [
        f"{number:02}" for number in range(1, len(numbered) + 1)
    ]
    sources = {path: path.read_text() for path in [*ROOT.glob("notebooks/*.ipynb"), *ROOT.glob("book/*.md")]}
    homes = {
        label: path
        for path, text in sources.items()
        for label in re.findall(r"^\s*\"?\(([\w-]+)\)=", text, re.M)
    }
    called = [each for text in sources.values() for each in re.findall(r"[cC]hapter (\d+) <([\w-]+)>", text)]
    assert len(called) > 40
    assert [each for each in called if not homes[each[1]].name.startswith(f"{int(each[0]):02}_")] == []


def test_the_readme_lists_the_chapters_as_the_front_page_does():
    front = (ROOT / "book" / "intro.md").read_text()
    cards = re.findall(r"\[(\d+\. [^\]]+)\]\(\.\./([^)]+)\)\n  (.+?) \*(.+?)\*\n", front)
    rows = re.findall(
        r"^\| \[(\d+\. [^\]]+)\]\(([^)]+)\) \| (.+?) \| (.+?) \|$",
        (ROOT / "README.md").read_text(),
        flags=re.MULTILINE,
    )
    assert rows == cards
    assert len(rows) == len([path for path in (ROOT / "notebooks").glob("[0-9]*.ipynb")])


def test_the_package_needs_what_the_requirements_say():
    needed = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    listed = {line.split("#")[0].strip() for line in (ROOT / "requirements.txt").read_text().splitlines()}
    assert set(needed) <= listed


def test_every_requirement_has_its_reason_and_its_pin():
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    locked = re.findall(r"^([\w.-]+)==", (ROOT / "requirements.lock").read_text(), flags=re.MULTILINE)
    for line in lines:
        if line and not line.startswith("#"):
            requirement, _, reason = line.partition("#")
            assert len(reason.split()) >= 3, f"no reason: {line}"
            assert re.match(r"[\w.-]+", requirement)[0] in locked, f"not locked: {line}"


def test_the_lock_names_no_host_and_hashes_everything():
    lock = (ROOT / "requirements.lock").read_text()
    assert "://" not in lock
    for entry in re.split(r"\n(?=\S)", lock.strip()):
        assert "--hash=sha256:" in entry, entry


def test_no_data_and_nothing_generated_is_tracked():
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    unwanted = [
        name for name in tracked.splitlines() if re.search(r"\.gz$|ubyte|\.pyc$|\.min\.js$|/_build/", name)
    ]
    assert unwanted == []


WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


@pytest.mark.parametrize(
    "path",
    [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / ".ci" / "run", *WORKFLOWS],
    ids=lambda p: p.name,
)
def test_every_make_command_that_is_named_exists(path):
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    named = set(re.findall(r"(?:^|`|- run: )make ([a-z][a-z-]*)", path.read_text(), flags=re.MULTILINE))
    assert named
    assert named <= targets


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_workflows_may_only_read_and_run_what_is_pinned(path):
    workflow = yaml.safe_load(path.read_text())
    assert workflow["permissions"] == {"contents": "read"}
    for job in workflow["jobs"].values():
        assert job["timeout-minutes"] <= 90
    used = re.findall(r"uses: (\S+)@(\S+)", path.read_text())
    assert used
    assert [action for action, commit in used if not re.fullmatch(r"[0-9a-f]{40}", commit)] == []
