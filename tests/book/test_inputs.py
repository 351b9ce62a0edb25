"""What a notebook reads, so that it is executed again if and only if something of that has changed."""

import re
from functools import cache
from pathlib import Path

import inputs
import nbformat
import pytest

from helpers.data.files import cache_folder

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
FIRST_EIGHT = [path for path in NOTEBOOKS if re.match("0[1-8]_", path.name)]


@cache
def read_by(notebook):
    """What a notebook of the book reads, as paths below the root."""
    files = inputs.files(notebook, inputs.imported_modules(notebook))
    return {path.relative_to(ROOT).as_posix() for path in files}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_no_chapter_reads_what_its_page_loads(path):
    loaded = {read for read in read_by(path) if read.startswith("site/") or read.endswith((".mjs", ".css"))}
    assert loaded <= {"src/study/ledger/templates/ledger.css"}, "which stands in the outputs of chapter 14"


@pytest.mark.parametrize("path", FIRST_EIGHT, ids=lambda path: path.stem)
def test_the_first_eight_chapters_read_nothing_of_the_study(path):
    assert {read for read in read_by(path) if re.match(r"src/study/|study/|results/", read)} == set()


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_chapter_reads_what_it_names_and_the_packages_around_it(path):
    source = "\n".join(inputs.code(path))
    named = set(re.findall(r"^from ((?:helpers|study)[\w.]*) import", source, flags=re.MULTILINE))
    assert named
    for module in named:
        packages = module.split(".")
        for length in range(1, len(packages) + 1):
            name = ".".join(packages[:length])
            assert inputs.source_file(name).relative_to(ROOT).as_posix() in read_by(path)
    assert "requirements.lock" in read_by(path)
    assert f"src/helpers/quizzes/{path.stem}.json" in read_by(path) or "quiz(" not in source


def test_records_are_read_by_whoever_reads_records_and_by_no_one_else():
    readers = {path.stem[:2] for path in NOTEBOOKS if any("results/" in read for read in read_by(path))}
    assert {"09", "10", "12", "13", "14", "17"} <= readers <= {"09", "10", "11", "12", "13", "14", "17"}


def test_every_file_beside_the_code_has_its_readers_or_is_loaded_by_pages():
    for module, pattern in inputs.FILES.items():
        assert inputs.source_file(module), module
        assert list(ROOT.glob(pattern.format(notebook="*"))), pattern
    known = {path for pattern in inputs.FILES.values() for path in ROOT.glob(pattern.format(notebook="*"))}
    others = {
        path for path in (ROOT / "src").rglob("*") if path.is_file() and path.suffix not in (".py", ".pyc")
    }
    assert {
        path.relative_to(ROOT / "src").as_posix() for path in others - known if path.suffix != ".mjs"
    } == {
        "helpers/py.typed",
        "helpers/teaching/bank.schema.json",  # which no notebook reads, but `make teaching`
        "helpers/widgets/widgets.css",
    }


def test_no_module_reads_a_file_or_imports_one_of_ours_unseen():
    exempt = {
        "helpers.widgets.base",
        "study.records.environment",
    }  # for the browser; where the commit stands
    for path in (ROOT / "src").rglob("*.py"):
        source = path.read_text()
        module = ".".join(path.relative_to(ROOT / "src").with_suffix("").parts)
        if re.search(r"resources\.files|PackageLoader|__file__", source):
            assert module in inputs.FILES.keys() | exempt
        assert not re.search(r"\b__import__\(|^def __getattr__|^from \.", source, flags=re.MULTILINE), module
        by_name = {'"distributed"', '"helpers.data"'}  # what a sweep on a cluster and a live page ask for
        assert set(re.findall(r"import_module\((.*?)\)", source)) <= by_name, module


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """A small source tree, with a notebook that imports one package of it in three roundabout ways."""
    monkeypatch.setattr(inputs, "ROOT", tmp_path)
    monkeypatch.setattr(
        inputs, "FILES", {"study.records": "results/**/*", "helpers.quiz": "q/{notebook}.json"}
    )
    monkeypatch.setattr("platformdirs.user_cache_path", lambda *_, **__: tmp_path / "cache")
    monkeypatch.delenv("STRIDE_BOOK_DATA", raising=False)
    for name, text in {
        "requirements.lock": "",
        "site/book.css": "",
        "results/mnist/0.json": "{}",
        "q/one.json": "[]",
        "q/other.json": "[]",
        "cache/MNIST/raw/train-images-idx3-ubyte.gz": "",
        "src/helpers/__init__.py": "",
        "src/helpers/arithmetic/__init__.py": "from helpers.arithmetic.window import size",
        "src/helpers/arithmetic/window.py": "size = 3",
        "src/helpers/quiz.py": "def ask():\n    import helpers.arithmetic.window",
        "src/helpers/plots.py": "import helpers.quiz as quiz",
        "src/helpers/data.py": "",
        "src/helpers/unused.py": "",
        "src/helpers/widgets.mjs": "",
        "src/study/__init__.py": "",
        "src/study/records.py": "from helpers import data",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def notebook(tree, *sources):
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tree / "one.ipynb")
    return tree / "one.ipynb"


ALWAYS = {"requirements.lock", "src/helpers/__init__.py"}
ARITHMETIC = {"src/helpers/arithmetic/__init__.py", "src/helpers/arithmetic/window.py"}
DATA_FILE = "cache/MNIST/raw/train-images-idx3-ubyte.gz"
RECORDS = {"src/study/__init__.py", "src/study/records.py", "results/mnist/0.json"}
IMPORTS = {
    "import helpers.arithmetic": ALWAYS | ARITHMETIC,
    "%matplotlib inline\nfrom helpers import arithmetic": ALWAYS | ARITHMETIC,
    "def f():\n    from helpers.plots import x": ALWAYS
    | ARITHMETIC
    | {"src/helpers/plots.py", "src/helpers/quiz.py", "q/one.json"},
    "from helpers import data": ALWAYS | {"src/helpers/data.py", DATA_FILE},
    "from study.records import x": ALWAYS | RECORDS | {"src/helpers/data.py", DATA_FILE},
    "1 + 1": {"requirements.lock"},
    "this is no Python": {"requirements.lock"},
}


@pytest.mark.parametrize("source", IMPORTS, ids=lambda source: source.splitlines()[-1].strip())
def test_a_change_counts_if_and_only_if_the_file_is_read(tree, source):
    path = notebook(tree, source)
    for file in sorted(path for path in tree.rglob("*") if path.is_file() and path.suffix != ".ipynb"):
        before = inputs.fingerprint(path)
        file.write_text(f"{file.read_text()}\n# changed")
        counts = inputs.fingerprint(path) != before
        assert counts == (file.relative_to(tree).as_posix() in IMPORTS[source]), file


def test_the_notebook_itself_counts(tree):
    assert inputs.fingerprint(notebook(tree, "1 + 1")) != inputs.fingerprint(notebook(tree, "1 + 2"))


def test_a_record_that_is_being_written_does_not_count_and_one_that_is_there_does(tree):
    path = notebook(tree, "import study.records")
    before = inputs.fingerprint(path)
    (tree / "results" / "mnist" / ".1.json.x.tmp").touch()
    assert inputs.fingerprint(path) == before
    (tree / "results" / "mnist" / "1.json").touch()
    assert inputs.fingerprint(path) != before


@pytest.mark.parametrize("text", ['{"cells": [', "[]", '{"cells": [{"source": "x"}]}', ""])
def test_a_broken_notebook_is_left_to_whoever_executes_it(tree, text):
    (tree / "one.ipynb").write_text(text)
    assert inputs.imported_modules(tree / "one.ipynb") == set()


def test_the_build_looks_where_the_package_keeps_its_downloads(tmp_path, monkeypatch):
    monkeypatch.delenv("STRIDE_BOOK_DATA", raising=False)
    monkeypatch.setattr("platformdirs.user_cache_path", lambda *names, **more: tmp_path / f"{names} {more}")
    images = cache_folder().folder / "MNIST" / "raw" / "train-images-idx3-ubyte.gz"
    images.parent.mkdir(parents=True)
    images.touch()
    assert [line.startswith(str(images)) for line in inputs.data_files()] == [True]
