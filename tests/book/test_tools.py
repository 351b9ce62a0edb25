"""The build: what it runs again, how it fails, what it leaves behind."""

import re
import sys
import zipfile
import zlib
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import MagicMock, Mock

import build
import execute
import inputs
import nbformat
import page_assets
import pdf
import pytest
import setup
import stage
from sphinx.search import IndexBuilder

from helpers.data import DataUnavailable

ROOT = Path(__file__).resolve().parents[2]


def write_notebook(path, *sources):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, path)
    return path


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A source tree, a destination and a work folder of the test's own, where no data is looked for."""
    monkeypatch.setattr(inputs, "ROOT", tmp_path)
    monkeypatch.setattr(execute, "prepare_kernels", lambda work: None)
    monkeypatch.delenv("STRIDE_BOOK_DATA", raising=False)
    return tmp_path / "notebooks", tmp_path / "stage", tmp_path / "work"


def outputs(path):
    return [output.text for cell in nbformat.read(path, as_version=4).cells for output in cell.outputs]


def test_only_what_changed_runs_again(place):
    source, destination, work = place
    one = write_notebook(source / "one.ipynb", "print('one')")
    two = write_notebook(source / "two.ipynb", "print('two')")
    assert execute.execute_all([one, two], destination, work) == 2
    assert execute.execute_all([one, two], destination, work) == 0
    write_notebook(two, "print('changed')")
    assert execute.execute_all([one, two], destination, work) == 1
    assert outputs(destination / "two.ipynb") == ["changed\n"]
    assert outputs(destination / "one.ipynb") == ["one\n"]


def test_what_is_edited_while_it_runs_runs_again(place):
    source, destination, work = place
    path = source / "one.ipynb"
    edit = f"from pathlib import Path; path = Path({str(path)!r}); "
    edit += "path.write_text(path.read_text().replace('early', 'late')); print('early')"
    notebook = write_notebook(path, edit)
    assert execute.execute_all([notebook], destination, work) == 1
    assert outputs(destination / "one.ipynb") == ["early\n"]
    assert execute.execute_all([notebook], destination, work) == 1
    assert outputs(destination / "one.ipynb") == ["late\n"]


def test_a_copy_that_another_build_has_left_is_not_taken_for_this_ones(place):
    source, destination, work = place
    notebook = write_notebook(source / "one.ipynb", "print('one')")
    execute.execute_all([notebook], destination, work)
    left = destination / "one.ipynb"
    left.write_text(left.read_text().replace("one", "old"))
    assert execute.execute_all([notebook], destination, work) == 1
    assert outputs(left) == ["one\n"]


def test_a_kernel_that_dies_is_named(place):
    source, destination, work = place
    notebook = write_notebook(source / "one.ipynb", "import os", "os._exit(3)")
    with pytest.raises(execute.NotebookFailed, match=r"notebooks/one\.ipynb: DeadKernelError"):
        execute.execute_all([notebook], destination, work)


def test_a_kernel_finds_the_work_folder_and_none_of_the_tools(place):
    source, destination, work = place
    find = "import importlib.util, os; print(os.getcwd(), importlib.util.find_spec('execute'))"
    execute.execute_all([write_notebook(source / "one.ipynb", find)], destination, work)
    assert outputs(destination / "one.ipynb") == [f"{work} None\n"]


def test_a_failing_cell_is_named_and_leaves_no_page(place):
    source, destination, work = place
    good = write_notebook(source / "good.ipynb", "1 + 1")
    bad = write_notebook(source / "bad.ipynb", "print(2 + 3)", "raise RuntimeError('the lesson broke')")
    with pytest.raises(execute.NotebookFailed) as failure:
        execute.execute_all([good, bad], destination, work)
    message = str(failure.value)
    assert "notebooks/bad.ipynb, cell 2: RuntimeError: the lesson broke" in message
    assert "raise RuntimeError('the lesson broke')" in message
    as_far_as_it_ran = Path(message.rpartition("with the traceback: ")[2]).read_text()
    assert re.search(r'"5\\n".*Traceback', as_far_as_it_ran, flags=re.DOTALL)
    assert (destination / "good.ipynb").exists()
    assert not (destination / "bad.ipynb").exists()
    assert execute.execute_all([good], destination, work) == 0


def test_a_notebook_that_no_longer_runs_loses_its_old_page(place):
    source, destination, work = place
    notebook = write_notebook(source / "one.ipynb", "1 + 1")
    execute.execute_all([notebook], destination, work)
    write_notebook(notebook, "1 / 0")
    with pytest.raises(execute.NotebookFailed, match="cell 1: ZeroDivisionError"):
        execute.execute_all([notebook], destination, work)
    assert not (destination / "one.ipynb").exists()


def test_a_broken_file_is_named(place):
    source, destination, work = place
    source.mkdir()
    broken = source / "broken.ipynb"
    broken.write_text('{"cells": [')
    with pytest.raises(execute.NotebookFailed, match=r"notebooks/broken\.ipynb: "):
        execute.execute_all([broken], destination, work)


def test_executed_notebooks_carry_no_trace_of_the_run(place):
    source, destination, work = place
    execute.execute_all([write_notebook(source / "one.ipynb", "1 + 1")], destination, work)
    text = (destination / "one.ipynb").read_text()
    assert "papermill" not in text
    assert str(source.parent) not in text


DRAWN = """
"model_id": "{0}{0}{0}{0}", "<table id=\\"T_{1}\\">", "#T_{1}_row0, #T_{2}_row0", "T_shirt"
"<div id=\\"quiz_{3}{3}{3}{3}\\">", "questionsquiz_{3}{3}{3}{3}", "<Frames object at 0x7f{0}>"
"""


def test_what_is_drawn_by_chance_is_the_same_in_each_build_and_another_in_each_notebook():
    first, second = (
        execute.with_names_of_its_own(DRAWN.format(*drawn), "one")
        for drawn in (("01234567", "abcde", "12345", "76543210"), ("00000000", "aaaaa", "bbbbb", "cccccccc"))
    )
    assert first == second
    assert "<Frames object>" in first
    tables = re.findall(r"T_\w{5}", first)
    assert tables[0] == tables[1] != tables[2]
    assert tables[3] == "T_shirt"
    assert len(set(re.findall(r"quiz_(\w+)", first))) == 1
    assert not set(tables[:3]) & set(re.findall(r"T_\w{5}", execute.with_names_of_its_own(DRAWN, "two")))


def test_two_builds_of_the_same_sources_give_the_same_bytes(place):
    source, destination, work = place
    notebook = write_notebook(source / "one.ipynb", "print({'a', 'b', 'c'}); object()")
    found = []
    for _ in range(2):
        execute.execute_all([notebook], destination, work)
        found.append((destination / "one.ipynb").read_bytes())
        (destination / "one.ipynb").unlink()
    assert found[0] == found[1]


def test_a_removed_notebook_is_forgotten(place):
    source, destination, work = place
    notebook = write_notebook(source / "one.ipynb", "1 + 1")
    execute.execute_all([notebook], destination, work)
    execute.execute_all([], destination, work)
    assert list(destination.iterdir()) == []


def test_unreadable_data_stops_the_build(place, monkeypatch):
    broken = place[0].parent / "MNIST" / "raw" / "train-images-idx3-ubyte.gz"
    broken.parent.mkdir(parents=True)
    broken.write_bytes(b"not what it should be")
    monkeypatch.setenv("STRIDE_BOOK_DATA", str(broken.parents[2]))
    with pytest.raises(execute.NotebookFailed, match="data could not be read"):
        execute.fetch_data()


@pytest.mark.parametrize(("imported", "fetched"), [("helpers.data", 1), ("helpers", 0)])
def test_data_are_fetched_only_for_who_reads_them(place, monkeypatch, imported, fetched):
    source, destination, work = place
    monkeypatch.setattr(inputs, "ROOT", ROOT)
    monkeypatch.setattr(execute, "execute", Mock(return_value="not executed"))
    monkeypatch.setattr(execute, "fetch_data", fetch := Mock())
    with pytest.raises(execute.NotebookFailed, match="not executed"):
        execute.execute_all([write_notebook(source / "one.ipynb", f"import {imported}")], destination, work)
    assert fetch.call_count == fetched


@pytest.mark.parametrize("named", ["data", "~/data"])
def test_kernels_find_the_data_wherever_they_run(tmp_path, monkeypatch, named):
    monkeypatch.setattr("os.environ", {"HOME": str(tmp_path), "STRIDE_BOOK_DATA": named})
    monkeypatch.setattr("kernels.begin", lambda: None)
    monkeypatch.chdir(tmp_path)
    images = tmp_path / "data" / "MNIST" / "raw" / "train-images-idx3-ubyte.gz"
    images.parent.mkdir(parents=True)
    images.touch()
    before = list(inputs.data_files())
    assert before[0].startswith(str(images))
    execute.prepare_kernels(tmp_path / "work")
    assert execute.os.environ["STRIDE_BOOK_DATA"] == str(tmp_path / "data")
    assert list(inputs.data_files()) == before


def test_the_build_says_what_failed(tmp_path, monkeypatch, capsys):
    def fail(*_):
        raise execute.NotebookFailed("notebooks/bad.ipynb, cell 2: it broke")

    monkeypatch.setattr(execute, "execute_all", fail)
    monkeypatch.setattr(build, "BUILD", tmp_path)
    assert build.main() == 1
    assert "notebooks/bad.ipynb, cell 2: it broke" in capsys.readouterr().err


def test_the_lock_pins_the_installer_with_its_hashes():
    entry = setup.lock_entry("uv").splitlines()
    assert entry[0].startswith("uv==")
    assert len(entry) > 1
    assert all("--hash=sha256:" in line for line in entry[1:])


def test_a_package_that_is_not_locked_is_named():
    with pytest.raises(SystemExit, match="no entry for nonesuch; `make lock`"):
        setup.lock_entry("nonesuch")


@pytest.fixture
def set_up(tmp_path, monkeypatch):
    """A set-up that installs nothing, and tells which torch it would install, and whether all begins anew."""
    done = []
    for name in ("READY", "CHOICE"):
        monkeypatch.setattr(setup, name, tmp_path / name)
    monkeypatch.setattr(setup, "create_environment", lambda *, anew: done.append(anew))
    monkeypatch.setattr(setup, "install_packages", done.append)
    monkeypatch.setattr("subprocess.run", lambda *_, **__: None)

    def run(*words):
        done.clear()
        monkeypatch.setattr("sys.argv", ["setup.py", *words])
        assert setup.main() == 0
        return tuple(done)

    return run


def test_the_choice_of_torch_is_remembered(set_up, monkeypatch):
    assert set_up("--torch", "cpu") == (True, "cpu")
    assert set_up() == ()
    monkeypatch.setattr(setup, "digest", lambda: "of another lock")
    assert set_up() == (False, "cpu")
    assert set_up("--torch", "cpu") == ()


def test_another_choice_of_torch_is_installed_anew(set_up):
    assert set_up() == (False, "locked")
    assert set_up("--torch", "cpu") == (True, "cpu")
    assert set_up("--torch", "locked") == (True, "locked")
    assert set_up() == ()


def test_a_set_up_that_was_cut_off_goes_on_with_its_choice(set_up, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(setup, "install_packages", Mock(side_effect=KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            set_up("--torch", "cpu")
    assert set_up() == (False, "cpu")


@pytest.fixture
def sources(tmp_path, monkeypatch, drawn_once):
    """A small source tree for `stage`."""
    monkeypatch.setattr(stage, "packed_excerpt", drawn_once)
    root = tmp_path / "source"
    for name in ("_config.yml", "_toc.yml", "book/intro.md", "site/book.css"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    monkeypatch.setattr(stage, "ROOT", root)
    monkeypatch.setattr(stage, "packed_excerpt", str.encode)  # to draw all images takes seconds
    return root, tmp_path / "stage"


def test_the_stage_follows_the_sources(sources):
    root, destination = sources
    assert stage.stage(destination), "everything is new"
    assert not stage.stage(destination), "nothing has changed"
    page = destination / "book" / "intro.md"
    page_time = page.stat().st_mtime_ns
    (root / "site" / "book.css").write_text("new")
    assert stage.stage(destination), "a style sheet has changed"
    assert (destination / "site" / "book.css").read_text() == "new"
    assert page.stat().st_mtime_ns == page_time
    (root / "book" / "intro.md").unlink()
    stage.stage(destination)
    assert not page.exists()


def test_a_page_is_filled_with_what_the_build_knows(sources, monkeypatch):
    root, destination = sources
    (root / "book" / "intro.md").write_text("# Title\n\n<!-- explorer -->\n\nRead it. <!-- downloads -->\n")
    monkeypatch.setattr(stage, "HTML", root / "html")
    stage.stage(destination)
    page = destination / "book" / "intro.md"
    assert re.search(r"\n\n<div class=\"book-widget\" .+</div>\n\nRead it\. \n", page.read_text())
    (root / "html").mkdir()
    (root / "html" / "stride-and-padding.pdf").touch()
    stage.stage(destination)
    assert (
        'Read it. Or download the book <a href="../stride-and-padding.pdf">as one PDF</a>.'
        in page.read_text()
    )


def test_the_front_page_tells_what_the_ledger_has_found(sources, monkeypatch):
    root, destination = sources
    (root / "book" / "intro.md").write_text("# Title\n\n<!-- findings -->\n")
    judge = Mock(return_value={})
    monkeypatch.setattr("study.ledger.judge_all", judge)
    monkeypatch.setattr("study.ledger.page.headlines", lambda *_, **__: Mock(html="<p>Two claims hold.</p>"))
    front = destination / "book" / "intro.md"
    stage.stage(destination)
    assert front.read_text() == "# Title\n\n<p>Two claims hold.</p>\n"
    chapter = destination / "notebooks" / "14_claims.ipynb"
    chapter.parent.mkdir(exist_ok=True)
    chapter.touch()
    stage.stage(destination)
    stage.stage(destination)
    assert judge.call_count == 2, "judged again once chapter 14 was executed, and then no more"
    with monkeypatch.context() as patched:
        patched.setitem(sys.modules, "study.ledger", None)  # ten times as slow to import as all else
        stage.stage(destination)
    monkeypatch.setattr("study.records.RECORDED", root / "nowhere")
    stage.stage(destination)
    assert front.read_text() == "# Title\n\n\n", "a book without records"


def test_findings_of_a_build_that_was_stopped_are_judged_again(sources, monkeypatch):
    root, destination = sources
    (root / "book" / "intro.md").write_text("<!-- findings -->\n")
    chapter = destination / "notebooks" / "14_claims.ipynb"
    chapter.parent.mkdir(parents=True)
    chapter.touch()
    monkeypatch.setattr("study.ledger.judge_all", dict)
    monkeypatch.setattr("study.ledger.page.headlines", lambda *_, **__: Mock(html="<p>Two claims hold.</p>"))

    def stop(path, text, **_):
        with path.open("w") as file:
            file.write(text[:5])
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_text", stop)
        with pytest.raises(KeyboardInterrupt):
            stage.findings(destination)
    assert stage.findings(destination) == "<p>Two claims hold.</p>"


def test_mathjax_is_staged_with_its_fonts_only(sources):
    _, destination = sources
    stage.stage(destination)
    staged = [path for path in (destination / "site" / "mathjax").rglob("*") if path.is_file()]
    assert {path.suffix for path in staged} == {".js", ".woff"}
    assert sum(path.stat().st_size for path in staged) < 2_000_000


def test_the_explorers_are_staged(sources):
    _, destination = sources
    stage.stage(destination)
    script = destination / "site" / "widgets" / "frames.js"
    assert "window.BOOK_WIDGETS" in script.read_text()
    assert "--book-window" in (destination / "site" / "widgets.css").read_text()
    script.write_text("old")
    assert stage.stage(destination), "a script has changed"
    assert "window.BOOK_WIDGETS" in script.read_text()


def test_images_to_train_on_are_packed_once_for_each_state_of_what_draws_them(sources, monkeypatch):
    root, destination = sources
    (root / "src" / "helpers" / "data").mkdir(parents=True)
    drawing = root / "src" / "helpers" / "data" / "drawing.py"
    drawing.write_text("one")
    missing, packed = {"mnist"}, []

    def pack(name):
        if name in missing:
            raise DataUnavailable(name, "train", ())
        packed.append(name)
        return name.encode()

    monkeypatch.setattr(stage, "packed_excerpt", pack)
    stage.stage(destination)
    images = destination / "site" / "widgets" / "images"
    assert sorted(path.name for path in images.iterdir()) == ["digits.js", "garments.js"]
    script = images / "digits.js"
    assert script.read_text().endswith('\n(window.BOOK_IMAGES ??= {})["digits"] = "ZGlnaXRz";\n')
    assert not stage.stage(destination)
    assert packed == ["digits", "garments"], "kept"
    missing.clear()
    assert stage.stage(destination)
    assert (packed[2:], (images / "mnist.js").exists()) == (["mnist"], True), "once it is had"
    script.write_text(script.read_text()[:-9])
    stage.stage(destination)
    assert packed[3:] == ["digits"], "a script that was cut off is none"
    drawing.write_text("two")
    missing.add("mnist")
    assert stage.stage(destination)
    assert packed[4:] == ["digits", "garments"]
    assert not (images / "mnist.js").exists(), "the old one is not taken for a new one"


class Page:
    """Stands for Sphinx while it writes one page: remembers what the page is to load."""

    def __init__(self, body):
        self.loaded = []
        self.scripts = [SimpleNamespace(filename="mathjax/tex.js"), SimpleNamespace(filename="theme.js")]
        context = {"body": body, "script_files": self.scripts}
        page_assets.add_assets(self, "page", "page.html", context, None)

    def add_css_file(self, name):
        self.loaded.append(name)

    def add_js_file(self, name, **_):
        self.loaded.append(name)


def test_only_a_page_with_math_loads_mathjax():
    assert [script.filename for script in Page("<p>text</p>").scripts] == ["theme.js"]
    assert len(Page('<span class="math notranslate">n</span>').scripts) == 2


def test_what_no_reader_needs_is_left_out_of_the_pages(tmp_path):
    heads = {
        f"{page}.html": "".join(
            f'\n<script {kind}src="{place}{name}.js?v=1"></script>'
            for kind, place, name in (
                ("defer ", "_static/scripts/", "fontawesome"),
                ("", "_static/", "searchheadings"),
                ("", "_static/", "searchtools"),
                ("", "_static/", "language_data"),
                ("", "", "searchindex"),
                ("", "_static/", "doctools"),
            )
        )
        for page in ("search", "other")
    }
    unread = ["styles/a.css.map", "webfonts/a.ttf", "locales/de/sphinx.mo", "scripts/fontawesome.js"]
    read = ["styles/a.css", "webfonts/a.woff2", "scripts/a.js", "scripts/a.js.LICENSE.txt"]
    for name in [*heads, *(f"_static/{name}" for name in unread + read)]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(heads.get(name, ""))
    page_assets.lighten(SimpleNamespace(outdir=tmp_path), None)
    left = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert left == {*heads, *(f"_static/{name}" for name in read)}
    loaded = {name: re.findall(r"(\w+)\.js", (tmp_path / name).read_text()) for name in heads}
    assert loaded["other.html"] == ["doctools"]
    ours = ["searchheadings", "searchtools", "language_data", "searchindex", "doctools"]
    assert loaded["search.html"] == ours


def test_the_index_of_the_search_forgets_words_that_no_page_has_any_more():
    environment = MagicMock(_search_index_mapping={}, _search_index_title_mapping={})
    indexer = IndexBuilder(environment, "en", {}, "")
    indexer._mapping |= {"stride": {"one", "two"}, "old": {"one"}}
    indexer._title_mapping |= {"padding": {"two"}, "former": {"one"}}
    indexer.prune(["two"])  # as Sphinx does before it reads a page again
    assert page_assets.forget_words(SimpleNamespace(builder=SimpleNamespace(indexer=indexer))) == []
    assert (indexer._mapping, indexer._title_mapping) == ({"stride": {"two"}}, {"padding": {"two"}})
    assert page_assets.forget_words(SimpleNamespace(builder=SimpleNamespace())) == []


def test_a_link_without_a_digest_gets_one_as_sphinx_makes_them(tmp_path):
    (tmp_path / "a.css").write_bytes(b"a {}\r\n")
    page = '<link href="../{0}_static/a.css" /><script src="{0}_static/a.css?v=1"></script><a href="a.css">'
    for folder in ("", "../"):
        signed = page_assets.sign(page.format(folder), tmp_path)
        assert signed == page.format(folder).replace(
            'a.css" /', f'a.css?v={zlib.crc32(b"a {}" + bytes([10])):08x}" /'
        )


def test_the_zip_holds_the_pages_and_offers_no_file_that_is_not_in_it(tmp_path, monkeypatch):
    monkeypatch.setattr(stage, "HTML", tmp_path / "html")
    downloads = list(stage.DOWNLOADS)
    for name in ("book/intro.html", "_static/a.css", "objects.inv", ".buildinfo", *downloads):
        (tmp_path / "html" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "html" / name).touch()
    front = tmp_path / "html" / "book" / "intro.html"
    front.write_text(f"<p>Read it. {stage.downloads()}</p>")
    target = tmp_path / "html" / downloads[1]
    pdf.pack(tmp_path / "html", target)
    assert front.read_text().count("href") == 2
    with zipfile.ZipFile(target) as archive:
        assert set(archive.namelist()) == {"html/book/intro.html", "html/_static/a.css"}
        assert archive.read("html/book/intro.html") == b"<p>Read it. </p>"


def test_a_build_that_fails_leaves_no_link_to_an_empty_zip(tmp_path, monkeypatch):
    for name in ("HTML", "PDF", "ZIP"):
        monkeypatch.setattr(pdf, name, tmp_path / name)
    (tmp_path / "HTML" / "book").mkdir(parents=True)
    (tmp_path / "HTML" / "book" / "intro.html").touch()
    for name, result in {"join_pages": 0, "print_page": None, "alone": MagicMock(), "build_pages": 1}.items():
        monkeypatch.setattr(pdf, name, Mock(return_value=result))
    monkeypatch.setattr(pdf, "sync_playwright", MagicMock())
    monkeypatch.setattr(pdf.browser, "find", lambda: "chromium")
    assert pdf.main() == 1
    with zipfile.ZipFile(tmp_path / "ZIP") as archive:
        assert archive.namelist() == ["HTML/book/intro.html"]


def test_a_page_loads_the_explorers_it_holds():
    one, other = (
        f'<p>text</p><div class="book-widget" data-module="{name}"></div>'
        for name in ("feature_map_explorer", "frames")
    )
    assert Page("<p>no explorer</p>").loaded == []
    assert Page(other).loaded == ["widgets.css", "widgets/common.js", "widgets/frames.js", "widgets.js"]
    assert Page(other + one + other).loaded == [
        "widgets.css",
        "widgets/common.js",
        "widgets/picture.js",
        "widgets/share.js",
        "widgets/feature_map_explorer.js",
        "widgets/frames.js",
        "widgets.js",
    ]
