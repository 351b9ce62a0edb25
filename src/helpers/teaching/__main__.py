"""`python -m helpers.teaching --format moodle --out questions.xml`: the question bank, or a part of it."""

import argparse
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from helpers.chapter import chapters
from helpers.commands import exit_status, write_whole
from helpers.drills import KINDS
from helpers.teaching.bank import Question, bank_json, drill_questions, quiz_questions
from helpers.teaching.moodle import moodle_xml
from helpers.teaching.qti import qti_package

FORMATS: Mapping[str, Callable[[Iterable[Question]], bytes]] = {
    "moodle": moodle_xml,
    "qti": qti_package,
    "json": bank_json,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Write one file and return the exit status, which is 1 after an error."""
    options = _parser().parse_args(arguments)

    def answer() -> str:
        bank = [question for name in options.quizzes for question in quiz_questions(name)]
        for kind in options.kinds:
            bank += drill_questions(
                kind,
                count=options.drills,
                seed=options.seed,
                level=options.level,
                pictures=not options.no_pictures,
            )
        if not bank:
            raise ValueError("the bank must hold a question, got neither a quiz nor a drill")
        write_whole(options.out, FORMATS[options.format](bank))
        print(f"{options.out}: {len(bank)} questions")
        return ""

    return exit_status(answer)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m helpers.teaching",
        description="Quizzes and drills for a course's question bank, feedback and solutions with them.",
        epilog=f"A QUIZ is one of {', '.join(chapters())}. A KIND is one of {', '.join(KINDS)}.",
    )
    parser.add_argument("--format", choices=FORMATS, required=True)
    parser.add_argument("--out", type=Path, required=True, metavar="FILE")
    parser.add_argument("--quizzes", nargs="*", default=chapters(), metavar="QUIZ", help="default: all")
    parser.add_argument(
        "--kinds", nargs="*", default=list(KINDS), metavar="KIND", help="of drills; default: all"
    )
    parser.add_argument("--drills", type=int, default=20, help="of each kind (default: 20)")
    parser.add_argument("--seed", type=int, default=0, help="what they are drawn from (default: 0)")
    parser.add_argument("--level", type=int, help="1 to 4; if left out, it rises")
    parser.add_argument("--no-pictures", action="store_true", help="leave the solutions' pictures out")
    return parser


if __name__ == "__main__":
    sys.exit(main())
