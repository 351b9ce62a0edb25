"""The form every chapter keeps, so that a reader always knows where to look."""

import ast
import builtins
import re
import symtable
from pathlib import Path

import nbformat
import pytest
from install_cell import IDENTIFIER

from helpers import chapter
from helpers.drills import KINDS

ROOT = Path(__file__).resolve().parents[2]
UNSHOWN = {"remove-input", "remove-cell"}  # cells whose code no reader of the page can look up
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
CHAPTERS = [path for path in NOTEBOOKS if re.match(r"\d\d_", path.name)]


def read(path):
    return nbformat.read(path, as_version=4)


def prose(path):
    return "\n\n".join(cell.source for cell in read(path).cells if cell.cell_type == "markdown")


def code(path):
    return [cell for cell in read(path).cells if cell.cell_type == "code"]


def tags(cell):
    return set(cell.metadata.get("tags", ()))


def opening(path):
    """What stands before the first section, in words."""
    return prose(path).split("\n## ")[0]


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
    need = opening(path).split("**You need:**")[1]
    assert minutes in need
    assert re.findall(r"\d+", after) == re.findall(r"chapter (\d+) <", need)


@each(NOTEBOOKS)
def test_is_committed_without_outputs(path):
    for cell in code(path):
        assert cell.outputs == []
        assert cell.execution_count is None


@each(NOTEBOOKS)
def test_opens_with_what_the_reader_will_do_learn_and_need(path):
    words = opening(path)
    assert len(re.findall(r"^# ", words, flags=re.MULTILINE)) == 1
    for promise in ("**You will do:**", "**You will learn:**", "**You need:**"):
        assert promise in words
    assert re.search(r"\d+ minutes", words)


@each(CHAPTERS)
def test_its_first_screen_is_two_sentences_and_a_picture(path):
    title, picture, promise = [cell for cell in read(path).cells if cell.id != IDENTIFIER][:3]
    label, heading, lead = title.source.split("\n", 2)
    assert (label[-2:], heading[:2]) == (")=", "# ")
    assert len(re.findall(r"[.?](?=\s|$)", lead)) == 2, lead
    shown = ast.parse(picture.source).body[-1].value
    assert tags(picture) == {"hide-input"}
    assert re.search(r"(^|[._])figure$|Explorer$", ast.unparse(shown.func))
    assert promise.source.startswith("- **You will do:**")


@each(
    [path for path in CHAPTERS if path.stem[:2] not in ("06", "07", "08")]
)  # short: all of it is the thread
def test_the_sections_that_its_top_does_not_name_are_marked(path):
    named = re.search(r"\*\*First reading:\*\*(.+?)\. The\s+rest\s", opening(path), re.DOTALL)
    titles = re.findall(r"^## (.+)$", prose(path), flags=re.MULTILINE)
    thread = [title for title in titles if not title.endswith(" (second reading)")]
    assert re.findall(r"\*(.+?)\*", " ".join(named[1].split())) == [
        title for title in thread if title not in ("Summary", "Exercises", "Practice", "Quiz")
    ]
    assert len(thread) < len(titles)


@each(NOTEBOOKS)
def test_has_one_parameters_cell_that_only_assigns(path):
    (cell,) = [cell for cell in code(path) if "parameters" in tags(cell)]
    for line in cell.source.splitlines():
        assert re.match(r"[A-Z][A-Z_, ]* = ", line), line


@each(CHAPTERS)
def test_its_set_up_is_folded(path):
    imports = re.compile(r"^(?:import|from) ", flags=re.MULTILINE)
    found = [cell for cell in code(path) if len(imports.findall(cell.source)) > 1]
    assert all("hide-input" in tags(cell) for cell in found)
    assert sum(prompt(cell) == "the set-up" for cell in found) == 1


def prompt(cell):
    """What the bar over a folded cell offers to show."""
    return cell.metadata.get("mystnb", {}).get("code_prompt_show", "Show the code").removeprefix("Show ")


def asserts(tree):
    """Whether something in a piece of code asserts."""
    calls = [ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return any(isinstance(node, ast.Assert) for node in ast.walk(tree)) or any(
        ".assert_" in name for name in calls
    )


def checks_cases(source):
    """Whether code asserts something of many cases: in a loop over a product, or in a loop in a loop."""
    loops = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.For) and asserts(node)]
    inside = [inner for loop in loops for inner in ast.walk(loop) if inner is not loop]
    return any(ast.unparse(loop.iter).startswith("product(") or loop in inside for loop in loops)


@each(NOTEBOOKS)
def test_what_checks_many_cases_is_folded_as_the_check(path):
    shown = [cell for cell in code(path) if not tags(cell) & UNSHOWN]
    for cell in shown:
        assert not checks_cases(cell.source) or prompt(cell) == "the check", cell.source
        if prompt(cell) == "the check":
            assert cell.metadata.mystnb.code_prompt_hide == "Hide the check"
            assert tags(cell) == {"hide-input"}
            assert asserts(ast.parse(cell.source))


def names(source):
    """What a cell binds at its top level, and what it looks up there."""
    tables = [symtable.symtable(source, "cell", "exec")]
    for table in tables:
        tables += table.get_children()
    symbols = [(table is tables[0], symbol) for table in tables for symbol in table.get_symbols()]
    bound = {
        each.get_name() for is_top, each in symbols if is_top and (each.is_assigned() or each.is_imported())
    }
    bound |= {node.target.id for node in ast.walk(ast.parse(source)) if isinstance(node, ast.NamedExpr)}
    used = {
        each.get_name() for is_top, each in symbols if each.is_referenced() and (is_top or each.is_global())
    }
    return bound, used


@each(NOTEBOOKS)
def test_every_name_in_a_cell_can_be_looked_up_above_it(path):
    known = set(dir(builtins))
    for cell in [cell for cell in code(path) if not tags(cell) & UNSHOWN]:
        bound, used = names(cell.source)
        known |= bound
        assert used <= known, f"{used - known} in:\n{cell.source}"


@each(CHAPTERS)
def test_asks_before_it_shows(path):
    assert "Commit to an answer first" in prose(path)


@each(CHAPTERS)
def test_closes_with_summary_exercises_and_quiz(path):
    headings = re.findall(r"^## (.+)$", prose(path), flags=re.MULTILINE)
    practice = ["Practice"] if drills_of(path) else []
    assert headings[headings.index("Summary") :] == ["Summary", "Exercises", *practice, "Quiz"]
    assert f'quiz("{path.stem}")' in code(path)[-1].source
    assert path.stem in chapter.chapters()


def drills_of(path):
    """The kinds of exercises without end that belong to a chapter."""
    return [kind.name for kind in KINDS.values() if path.stem in kind.chapters]


@each(CHAPTERS)
def test_its_own_exercises_without_end_stand_before_the_quiz(path):
    shown = [call for cell in code(path) for call in ast.walk(ast.parse(cell.source)) if calls_drill(call)]
    assert [ast.unparse(call) for call in shown] == [
        f"Drill(kinds={kinds})" for kinds in [drills_of(path)] if kinds
    ]


def calls_drill(node):
    return isinstance(node, ast.Call) and ast.unparse(node.func) == "Drill"


def test_every_kind_of_exercise_has_a_chapter_and_the_page_of_all_has_all():
    assert {chapter for kind in KINDS.values() for chapter in kind.chapters} <= {
        path.stem for path in CHAPTERS
    }
    assert all(kind.chapters for kind in KINDS.values())
    page = [cell.source for cell in code(ROOT / "notebooks" / "practice.ipynb")]
    assert "Drill(seed=SEED)" in page


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
