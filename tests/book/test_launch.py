"""Colab and Binder: buttons, and a cell that installs the package, if the repository has an address."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import committable
import install_cell
import nbformat
import pytest
import stage
import yaml
from IPython.core.inputtransformer2 import TransformerManager

ROOT = Path(__file__).resolve().parents[2]

ADDRESS = "https://github.com/somebody/some-book"
KNOWN, UNKNOWN = ({"url": url, "branch": "main"} for url in (ADDRESS, ""))


def book():
    cells = [nbformat.v4.new_markdown_cell("# One"), nbformat.v4.new_code_cell("1 + 1")]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})


@pytest.mark.parametrize("path", sorted((ROOT / "notebooks").glob("*.ipynb")), ids=lambda path: path.stem)
def test_the_notebooks_agree_with_the_configuration(path):
    repository = yaml.safe_load((ROOT / "_config.yml").read_text())["repository"]
    is_new = install_cell.place_cell(nbformat.read(path, as_version=4), repository)
    assert not is_new, "run `make format`"


def test_the_cell_comes_and_goes_with_the_address():
    notebook, untouched = book(), book()
    untouched.cells = list(notebook.cells)
    assert install_cell.place_cell(notebook, KNOWN)
    assert not install_cell.place_cell(notebook, KNOWN)
    assert [cell.id for cell in notebook.cells][1:] == ["install-package", untouched.cells[1].id]
    assert notebook.cells[1].metadata.tags == ["remove-cell"]
    nbformat.validate(notebook)
    assert install_cell.place_cell(notebook, KNOWN | {"branch": "next"}), "another branch"
    assert "some-book@next" in notebook.cells[1].source
    assert install_cell.place_cell(notebook, UNKNOWN)
    assert notebook == untouched


@pytest.mark.parametrize("is_installed", [True, False])
def test_the_cell_installs_the_package_only_where_it_is_missing(monkeypatch, is_installed):
    notebook = book()
    install_cell.place_cell(notebook, KNOWN)
    if not is_installed:
        monkeypatch.setitem(sys.modules, "helpers", None)
    installed = []
    shell = SimpleNamespace(run_line_magic=lambda *line: installed.append(line))
    source = TransformerManager().transform_cell(notebook.cells[1].source)
    exec(source, {"get_ipython": lambda: shell})
    wanted = [("pip", f'install -q "git+{ADDRESS}@main"')]
    assert installed == ([] if is_installed else wanted)


@pytest.mark.parametrize("address", ["", ADDRESS])
def test_a_chapter_has_buttons_if_the_address_is_known(tmp_path, address, monkeypatch, drawn_once):
    sources = tmp_path / "_build" / "stage"
    monkeypatch.setattr(stage, "packed_excerpt", drawn_once)
    monkeypatch.setattr(stage, "findings", lambda destination: "")
    shutil.copytree(ROOT / "tools", tmp_path / "tools", ignore=shutil.ignore_patterns("__pycache__"))
    stage.stage(sources)
    config = (sources / "_config.yml").read_text()
    (sources / "_config.yml").write_text(re.sub('url: ".*?"', f'url: "{address}"', config))
    (sources / "_toc.yml").write_text("format: jb-book\nroot: notebooks/one\n")
    (sources / "notebooks").mkdir()
    notebook = book()
    notebook.cells[0].source = "(one)=\n# One"
    notebook.cells.append(nbformat.v4.new_markdown_cell("{ref}`here <one>`"))
    nbformat.write(notebook, sources / "notebooks" / "one.ipynb")
    command = [sys.executable, tmp_path / "tools" / "write_pages.py", "build", "-W", "-q", sources]
    subprocess.run([*command, "--path-output", tmp_path], check=True, capture_output=True)
    page = (tmp_path / "_build" / "html" / "notebooks" / "one.html").read_text()
    found = re.findall(r'href="(https://[^"]*(?:binder|colab)[^"]*)"', page)
    place = "notebooks/one.ipynb"
    binder = f"https://mybinder.org/v2/gh/somebody/some-book/notebooks?urlpath=lab/tree/{place}"
    colab = f"https://colab.research.google.com/github/somebody/some-book/blob/notebooks/{place}"
    assert found == ([binder, colab] if address else [])
    assert "github.com" not in page
    made = nbformat.read(tmp_path / "_build" / "html" / "_sources" / "notebooks" / "one.ipynb", as_version=4)
    beside, published = "one.ipynb#One", "https://somebody.github.io/some-book/notebooks/one.html#one"
    assert f"[here]({published if address else beside})" in made.cells[-1].source


def executed(source):
    shown = nbformat.v4.new_output("display_data", {"image/png": "aaaa"})
    number = nbformat.v4.new_markdown_cell("One run: 98.4%.")
    cell = nbformat.v4.new_code_cell(source, outputs=[shown], execution_count=1)
    return nbformat.v4.new_notebook(cells=[number, cell])


@pytest.mark.parametrize(
    ("source", "is_kept"),
    [
        ("from helpers.arithmetic import output_size", True),
        ("from helpers import plots, sources", True),
        ("from helpers import data", False),
        ("from helpers.data import load_or_draw", False),
        ("from study.comparisons import runs", False),
    ],
)
def test_no_image_of_the_data_sets_is_committed(source, is_kept, tmp_path, monkeypatch):
    nbformat.write(executed(source), tmp_path / "one.ipynb")
    monkeypatch.setattr(sys, "argv", ["committable", str(tmp_path)])
    assert committable.main() == 0
    number, cell = nbformat.read(tmp_path / "one.ipynb", as_version=4).cells
    assert number.source == "One run: 98.4%."
    assert (bool(cell.outputs), cell.source) == (is_kept, source)


def test_a_folder_without_notebooks_is_refused(tmp_path, monkeypatch, capsys):
    for arguments in ([], [str(tmp_path)], [str(tmp_path / "none")]):
        monkeypatch.setattr(sys, "argv", ["committable", *arguments])
        assert committable.main() == 1
        assert capsys.readouterr().err.startswith("error: FOLDER must be ")


def test_the_workflow_that_commits_notebooks_clears_them_before():
    workflow = (ROOT / ".github" / "workflows" / "pages.yml").read_text()
    steps = ("ipynb notebooks/", "tools/committable.py notebooks", "git commit")
    copied, cleared, committed = map(workflow.index, steps)
    assert copied < cleared < committed
