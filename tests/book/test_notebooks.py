"""The form every chapter keeps, so that a reader always knows where to look."""

import ast
import re
from pathlib import Path

import nbformat
import pytest

from helpers import chapter

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
CHAPTERS = [path for path in NOTEBOOKS if re.match(r"\d\d_", path.name)]


def read(path):
    return nbformat.read(path, as_version=4)


def prose(path):
    return "\n\n".join(cell.source for cell in read(path).cells if cell.cell_type == "markdown")


def code(path):
    return [cell for cell in read(path).cells if cell.cell_type == "code"]


def each(paths):
    return pytest.mark.parametrize("path", paths, ids=lambda path: path.stem)


def test_the_table_of_contents_holds_every_notebook():
    listed = re.findall(r"notebooks/(\w+)", (ROOT / "_toc.yml").read_text())
    assert sorted(listed) == [path.stem for path in NOTEBOOKS]


def test_the_table_of_contents_holds_every_page():
    listed = re.findall(r"(?:root|file): (book/[\w/]+)", (ROOT / "_toc.yml").read_text())
    pages = [path.relative_to(ROOT).with_suffix("").as_posix() for path in (ROOT / "book").rglob("*.md")]
    assert sorted(listed) == sorted(pages)


def cards():
    """What the front page says of each chapter: its picture, number, minutes, and what it comes after."""
    card = r"cards/(\d+)\.svg\)\n\s+\[(\d+)\. .+\]\(\.\./notebooks/(\w+)\.ipynb\)\n.+\*(\d+ minutes)(.*)\*"
    found = re.findall(card, (ROOT / "book" / "intro.md").read_text(encoding="utf-8"))
    return {notebook: (picture, number, *rest) for picture, number, notebook, *rest in found}


def test_the_front_page_has_a_card_for_each_chapter():
    assert list(cards()) == [path.stem for path in CHAPTERS]


@each(CHAPTERS)
def test_the_card_agrees_with_the_opening(path):
    picture, number, minutes, after = cards()[path.stem]
    assert picture == path.stem[:2] == f"{int(number):02}"
    assert (ROOT / "site" / "cards" / f"{picture}.svg").exists()
    need = read(path).cells[0].source.split("**You need:**")[1]
    assert minutes in need
    assert re.findall(r"\d+", after) == re.findall(r"chapter (\d+) <", need)


@each(NOTEBOOKS)
def test_is_committed_without_outputs(path):
    for cell in code(path):
        assert cell.outputs == []
        assert cell.execution_count is None


@each(NOTEBOOKS)
def test_opens_with_what_the_reader_will_do_learn_and_need(path):
    opening = read(path).cells[0].source
    assert len(re.findall(r"^# ", opening, flags=re.MULTILINE)) == 1
    for promise in ("**You will do:**", "**You will learn:**", "**You need:**"):
        assert promise in opening
    assert re.search(r"\d+ minutes", opening)


@each(
    [path for path in CHAPTERS if path.stem[:2] not in ("06", "07", "08")]
)  # short: all of it is the thread
def test_the_sections_that_its_top_does_not_name_are_marked(path):
    named = re.search(r"\*\*First reading:\*\*(.+?)\. The\s+rest\s", read(path).cells[0].source, re.DOTALL)
    titles = re.findall(r"^## (.+)$", prose(path), flags=re.MULTILINE)
    thread = [title for title in titles if not title.endswith(" (second reading)")]
    assert re.findall(r"\*(.+?)\*", " ".join(named[1].split())) == [
        title for title in thread if title not in ("Summary", "Exercises", "Quiz")
    ]
    assert len(thread) < len(titles)


@each(NOTEBOOKS)
def test_has_one_parameters_cell_that_only_assigns(path):
    (cell,) = [cell for cell in code(path) if "parameters" in cell.metadata.get("tags", [])]
    for line in cell.source.splitlines():
        assert re.match(r"[A-Z][A-Z_, ]* = ", line), line


@each(CHAPTERS)
def test_its_set_up_is_folded(path):
    imports = re.compile(r"^(?:import|from) ", flags=re.MULTILINE)
    first = next(cell for cell in code(path) if len(imports.findall(cell.source)) > 1)
    assert "hide-input" in first.metadata.get("tags", [])


@each(CHAPTERS)
def test_asks_before_it_shows(path):
    assert "Commit to an answer first" in prose(path)


@each(CHAPTERS)
def test_closes_with_summary_exercises_and_quiz(path):
    headings = re.findall(r"^## (.+)$", prose(path), flags=re.MULTILINE)
    assert headings[-3:] == ["Summary", "Exercises", "Quiz"]
    assert f'quiz("{path.stem}")' in code(path)[-1].source
    assert path.stem in chapter.chapters()


@each(CHAPTERS)
def test_every_exercise_has_a_solution_that_runs(path):
    exercises = re.findall(r"```\{exercise\}\n:label: (\S+)", prose(path))
    assert len(exercises) >= 3
    cells = read(path).cells
    for label in exercises:
        start = next(i for i, cell in enumerate(cells) if f"{{solution-start}} {label}\n" in cell.source)
        end = next(i for i, cell in enumerate(cells) if i > start and "{solution-end}" in cell.source)
        assert any(cell.cell_type == "code" for cell in cells[start:end]), label


@each(NOTEBOOKS)
def test_no_slider_that_is_dead_in_the_page(path):
    assert not re.search(r"\binteract(_manual)?\(", "\n".join(cell.source for cell in code(path)))


@each(NOTEBOOKS)
def test_no_code_cell_is_longer_than_a_screen(path):
    assert [cell.id for cell in code(path) if len(cell.source.splitlines()) > 40] == []


def test_no_function_is_defined_in_two_notebooks():
    homes = {}
    for path in NOTEBOOKS:
        for cell in code(path):
            functions = [
                node for node in ast.walk(ast.parse(cell.source)) if isinstance(node, ast.FunctionDef)
            ]
            for function in functions:
                homes.setdefault(function.name, set()).add(path.stem)
    assert {name: found for name, found in homes.items() if len(found) > 1} == {}


@each(NOTEBOOKS)
def test_numbers_reach_sentences_by_one_door(path):
    assert re.findall(r"\bglue\(|import glue", "\n".join(cell.source for cell in code(path))) == []


@each(NOTEBOOKS)
def test_no_figure_is_drawn_apart_from_its_words(path):
    source = "\n".join(cell.source for cell in code(path))
    assert re.findall(r"\blambda ax\b|\bdescribe_\w+\(", source) == []
