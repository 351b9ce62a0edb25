"""Write what a course takes from the book: a question bank, and sheets of drills; `make teaching`.

Chromium prints the sheets, one a chapter, and their solutions. All of it lies in `_build/teaching`. Where the
book is built, it also goes beside the pages, and the page "Teach with it" links to it.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from collections.abc import Iterator
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import browser
import nbformat
from build import BUILD, COMPLETE, ROOT, alone, build_pages
from jinja2 import Environment, Template
from pdf import print_page
from playwright.sync_api import sync_playwright
from stage import HTML, TEACHING

from helpers.chapter import chapters
from helpers.commands import write_whole
from helpers.drills import KINDS, MISCONCEPTIONS, Exercise, sheet
from helpers.teaching import Question, bank_json, drill_questions, moodle_xml, qti_package, quiz_questions
from helpers.teaching.bank import NOTICE, answer_text

OUT = BUILD / "teaching"
ON_A_SHEET = 12
ROOM = 45  # pixels of paper for the sum of a drill
FOOTER = (
    '<div style="width: 100%; text-align: center; font: 9px sans-serif; color: #595959">'
    'page <span class="pageNumber"></span> of <span class="totalPages"></span></div>'
)


def main() -> int:
    """Write all files and say where they are; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--drills", type=int, default=20, help="of each kind, in the question bank")
    parser.add_argument("--seed", type=int, default=0, help="of the bank and of the sheets")
    options = parser.parse_args()
    with alone():
        return make(drills=options.drills, seed=options.seed)


def make(*, drills: int, seed: int) -> int:
    """Make the bank, the sheets and the links to them; return the exit status."""
    start = time.perf_counter()
    OUT.mkdir(parents=True, exist_ok=True)
    try:
        count = write_bank(OUT, drills=drills, seed=seed)
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"{count} questions in three formats after {time.perf_counter() - start:.0f} s")
    if chromium := browser.find():
        write_sheets(chromium, OUT, seed=seed)
    else:
        print(f"the sheets were not made: {browser.ADVICE}", file=sys.stderr)
    for path in sorted(OUT.iterdir()):
        print(f"{path.relative_to(ROOT)}: {path.stat().st_size / 1e3:,.0f} kB")
    status = link() if COMPLETE.exists() else 0
    print(f"done after {time.perf_counter() - start:.0f} s")
    return status or int(not chromium)


def write_bank(folder: Path, *, drills: int, seed: int) -> int:
    """Write all quizzes, and so many drills of each kind, in each format; return how many questions."""
    bank: list[Question] = [question for name in chapters() for question in quiz_questions(name)]
    for kind in KINDS:
        bank += drill_questions(kind, count=drills, seed=seed)
    schema = resources.files("helpers.teaching") / "bank.schema.json"
    moodle, qti, plain, described = TEACHING
    write_whole(folder / moodle, moodle_xml(bank))
    write_whole(folder / qti, qti_package(bank))
    write_whole(folder / plain, bank_json(bank))
    write_whole(folder / described, schema.read_bytes())
    return len(bank)


def write_sheets(chromium: str, folder: Path, *, seed: int) -> None:
    """Print a sheet of each chapter that has drills, and its solutions."""
    with sync_playwright() as playwright:
        instance = playwright.chromium.launch(executable_path=chromium, args=browser.FLAGS)
        for name, page in sheets(seed=seed):
            source = folder / f"{name}.html"
            source.write_text(page, encoding="utf-8")
            print_page(instance, source, folder / f"{name}.pdf", footer=FOOTER)
            source.unlink()


def sheets(*, seed: int) -> Iterator[tuple[str, str]]:
    """The name of each sheet, with and without solutions, and its page in HTML."""
    for chapter in sorted({chapter for kind in KINDS.values() for chapter in kind.chapters}):
        kinds = [name for name, kind in KINDS.items() if chapter in kind.chapters]
        drills = sheet(kinds, seed=seed, count=ON_A_SHEET)
        title = f"{int(chapter.split('_')[0])}. {heading(chapter)}"
        for solved in (False, True):
            yield (
                f"sheet-{chapter}{'-solutions' * solved}",
                template().render(
                    title=f"{title}: {'solutions' if solved else 'exercises'}",
                    about=f"Sheet of seed {seed}.",
                    drills=[shown(drill) for drill in drills],
                    solved=solved,
                    room=ROOM,
                    notice=NOTICE,
                ),
            )


@cache
def template() -> Template:
    """The page of a sheet."""
    text = Path(__file__).with_name("sheet.html").read_text(encoding="utf-8")
    return Environment(autoescape=True, trim_blocks=True).from_string(text)


def heading(chapter: str) -> str:
    """The title of a chapter, from its notebook."""
    first: str = nbformat.read(ROOT / "notebooks" / f"{chapter}.ipynb", as_version=4).cells[0].source
    return next(line.removeprefix("# ") for line in first.splitlines() if line.startswith("# "))


def shown(drill: Exercise) -> dict[str, Any]:
    """What a sheet shows of a drill."""
    wrong = {
        answer_text(drill, mistake.answer): MISCONCEPTIONS[mistake.misconception]
        for mistake in reversed(drill.mistakes)
    }
    return {
        "question": drill.question,
        "choices": drill.choices,
        "blanks": ", ".join(["______"] * len(drill.answer)),
        "answer": answer_text(drill, drill.answer),
        "steps": drill.steps,
        "wrong": list(reversed(wrong.items())),
    }


def link() -> int:
    """Put the files beside the pages, and build those anew; return the exit status."""
    whole, beside = OUT.with_suffix(".copy"), HTML / "teaching"
    for old in (whole, beside):
        shutil.rmtree(old, ignore_errors=True)
    shutil.copytree(OUT, whole)
    whole.replace(beside)
    return build_pages()


if __name__ == "__main__":
    raise SystemExit(main())
