"""What a course takes along: the sheets, the links to them, and the page for teachers."""

import re
from pathlib import Path
from urllib.parse import unquote

import pytest
import stage
import teaching

import helpers.widgets
from helpers.drills import KINDS, MISCONCEPTIONS, sheet
from helpers.teaching import misconception_tables, revealing_drills

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "book" / "teach.md").read_text(encoding="utf-8")
EXPLORERS = {
    kind._module.removesuffix("_explorer"): kind
    for kind in (getattr(helpers.widgets, name) for name in helpers.widgets.__all__)
}


@pytest.fixture(scope="module")
def pages():
    return dict(teaching.sheets(seed=7))


def test_each_chapter_that_has_drills_gets_a_sheet_and_its_solutions(pages):
    chapters = {chapter for kind in KINDS.values() for chapter in kind.chapters}
    assert set(pages) == {f"sheet-{name}{end}" for name in chapters for end in ("", "-solutions")}


def test_a_sheet_has_its_drills_its_lines_to_fill_and_no_answer(pages):
    page, solved = pages["sheet-02_stride"], pages["sheet-02_stride-solutions"]
    assert page.count('class="question"') == solved.count('class="question"') == teaching.ON_A_SHEET
    for words in ("<h1>2. Stride: exercises</h1>", "Sheet of seed 7.", "Name:", "Date:", "CC BY 4.0"):
        assert words in page
    kinds = [name for name, kind in KINDS.items() if "02_stride" in kind.chapters]
    drills = sheet(kinds, seed=7, count=teaching.ON_A_SHEET)
    told = [words for drill in drills for words in (*drill.steps, *MISCONCEPTIONS.values())]
    assert not [words for words in told if f">{words}<" in page]
    for drill in drills:
        assert drill.question.split("\n")[1] in page
        assert all(f"<li>{step}</li>" in solved for step in drill.steps)
        assert f"<strong>{teaching.answer_text(drill, drill.answer)}</strong>" in solved


def test_another_seed_gives_another_sheet(pages):
    assert dict(teaching.sheets(seed=7)) == pages
    other = dict(teaching.sheets(seed=8))
    assert all(other[name] != page for name, page in pages.items())


def test_what_was_not_made_is_not_linked(tmp_path, monkeypatch):
    monkeypatch.setattr(stage, "HTML", tmp_path)
    assert stage.teaching() == ""
    folder = tmp_path / "teaching"
    folder.mkdir()
    for name in stage.TEACHING[1:]:
        (folder / name).touch()
    assert stage.teaching() == ""  # half of it is not offered
    (folder / stage.TEACHING[0]).touch()
    for name in ("sheet-02_stride.pdf", "sheet-02_stride-solutions.pdf"):
        (folder / name).touch()
    links = re.findall(r'href="\.\./teaching/([^"]+)"', stage.teaching())
    assert sorted(links) == sorted(path.name for path in folder.iterdir())
    assert "{doc}`../notebooks/02_stride`" in stage.teaching()


def test_the_bank_is_written_under_the_names_that_the_page_links(tmp_path, monkeypatch):
    monkeypatch.setattr(teaching, "KINDS", {"cost": KINDS["cost"]})
    count = teaching.write_bank(tmp_path, drills=2, seed=0)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(stage.TEACHING)
    moodle = (tmp_path / stage.TEACHING[0]).read_text(encoding="utf-8")
    assert moodle.count("<idnumber>") == count == 2 + len(re.findall(r"<idnumber>quiz-", moodle))
    assert all(name in PAGE for name in stage.TEACHING)


def test_too_many_drills_are_an_error_in_one_line(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(teaching, "OUT", tmp_path / "out")
    assert teaching.make(drills=-1, seed=0) == 1
    assert capsys.readouterr().err == "error: count must be at least 0, got -1\n"
    assert list((tmp_path / "out").iterdir()) == []


def test_what_was_made_goes_beside_the_pages_in_place_of_the_old(tmp_path, monkeypatch):
    out, html = tmp_path / "teaching", tmp_path / "html"
    for place, name in ((out, "new"), (html / "teaching", "old")):
        place.mkdir(parents=True)
        (place / name).touch()
    monkeypatch.setattr(teaching, "OUT", out)
    monkeypatch.setattr(teaching, "HTML", html)
    monkeypatch.setattr(teaching, "build_pages", lambda: 5)
    assert teaching.link() == 5  # the pages are built after it, and their status is the command's
    assert [path.name for path in (html / "teaching").iterdir()] == ["new"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["html", "teaching"]


def test_the_table_has_a_row_for_each_misconception_that_a_number_gives_away():
    table = misconception_tables("../explorer")
    rows = revealing_drills()
    assert table.count('<th scope="row">') == len(rows)
    assert table.count("<details") == table.count("<table") == len({row.drill.kind for row in rows})
    assert table.count("<details open>") == 1
    assert PAGE.count("<!-- misconceptions -->") == PAGE.count("<!-- teaching -->") == 1


def test_the_minutes_of_a_lesson_add_up():
    tables = re.findall(r"^\| minutes \|.*\n\|[-|]+\|\n((?:\|.*\n)+)", PAGE, flags=re.MULTILINE)
    minutes = [[int(row.split("|")[1]) for row in table.splitlines()] for table in tables]
    assert [sum(lesson) for lesson in minutes] == [45] * 3
    course = re.findall(r"^\| (\d) \| (\d+) \| (.*?) \|", PAGE, flags=re.MULTILINE)
    assert [(int(lesson), int(length)) for lesson, length, _ in course] == [(n, 45) for n in range(1, 7)]
    for _, length, plan in course[4:]:
        assert sum(int(part) for part in re.findall(r"\b(\d+)(?: minutes)? (?:of|to)\b", plan)) == int(length)


def test_each_chapter_has_its_presumptions():
    part = PAGE[PAGE.index("(what-chapters-presume)=") : PAGE.index("(lesson-plans)=")]
    named = [int(number) for number in re.findall(r"\{ref\}`[Cc]hapter (\d+) <", part)]
    assert named == [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 14, 15, 16]  # 10 to 14 stand together


def value(text):
    """A value of an address that a teacher may write: a number, a pair of them, a word."""
    words = unquote(text.replace("+", " "))
    if re.fullmatch(r"[\d,]+", words):
        numbers = tuple(map(int, words.split(",")))
        return numbers if len(numbers) > 1 else numbers[0]
    return words


def test_the_page_sets_explorers_as_they_can_be_set():
    links = re.findall(r'href="\.\./explorer/(\w+)\.html(?:#([^"]*))?"', PAGE)
    assert len(links) > 8
    for name, setting in links:
        parts = [part.split("=") for part in setting.split("&amp;") if part]
        EXPLORERS[name](**{trait: value(text) for trait, text in parts})
