"""Records what `helpers.drills` asks and says: whole exercises, and digests of thousands more.

    .venv/bin/python tests/golden/record_drills.py

It writes drills.json beside itself. `cases` holds one exercise of each kind, with what is said of each answer
that `typed_at` types. `digests` holds, by kind and level, the SHA-256 of many exercises with all that, one of
each block of seeds. The pages make both anew (tests/browser/test_drills.py), and so does Python
(tests/helpers/test_drills.py).
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from helpers.drills import KINDS, Exercise, diagnose, exercise

TARGET = Path(__file__).with_name("drills.json")
LEVELS = range(1, 5)
BLOCK, BLOCKS = 125, 4  # seeds of a digest, digests of a kind at a level
SOME = 7  # of what follows, for each exercise other ones
# What readers type, and what nobody should.
TYPED = [
    *("", " ", "abc", "14", " 14 ", "14.0", "014", "+5", "-4", "−4", "-0", "7/2", "28/2", "3.5", ".5", "5."),
    *("5/0", "1e3", "1,000", "1000", "10,00", "1, 2", "(1, 2)", "[1,2]", "(1 2", "1 2", "1;2", "1 ; 2"),
    *("1,234 5,678", "1,2,3", "7 x 2", "1.5, 2", "12\n", "１４", "（７，２）", "٣", "9" * 15, "9" * 16),
    *("1" + "0" * 40, "1" * 201, "None of them", "none of them", "CONV1", "1", "2", "8", "0", "null", "NaN"),
    *("Infinity", "\u00a07\u202f", "\u20287", "\U0001f600", "½", "0x10"),
]


def typed_at(drill: Exercise) -> list[str]:
    """What is typed as an answer: the right one, those of the mistakes, those beside it, and much else."""
    answers = [drill.answer, *(each.answer for each in drill.mistakes)]
    others = [TYPED[(SOME * drill.seed + place) % len(TYPED)] for place in range(SOME)]
    if drill.form == "choice":
        return [drill.choices[answer[0]] for answer in answers] + others
    for moved in range(len(drill.answer)):
        for by in (1, -1, 3):
            near = [number + by * (place == moved) for place, number in enumerate(drill.answer)]
            answers.append(tuple(near))
    written = [", ".join(map(str, answer)) for answer in answers]
    return [*written, ", ".join(f"{number}.5" for number in drill.answer), *others]


def case_of(kind: str, seed: int, level: int) -> list[Any]:
    """An exercise, and what is said of each answer."""
    drill = exercise(kind, seed=seed, level=level)
    return [asdict(drill), [asdict(diagnose(drill, text)) for text in typed_at(drill)]]


def compact(value: Any) -> str:
    """JSON as browsers write it."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def digest_of(kind: str, level: int, seeds: Iterable[int]) -> str:
    """The first 16 digits of the SHA-256 of these cases, a line of JSON each."""
    lines = "\n".join(compact(case_of(kind, seed, level)) for seed in seeds)
    return hashlib.sha256(lines.encode()).hexdigest()[:16]


if __name__ == "__main__":
    blocks = [range(BLOCK * block, BLOCK * (block + 1)) for block in range(BLOCKS)]
    parts = [f'"block":{BLOCK}', f'"some":{SOME}', f'"typed":{json.dumps(TYPED)}']
    digests = [
        f'"{kind}":{compact([[digest_of(kind, level, seeds) for seeds in blocks] for level in LEVELS])}'
        for kind in KINDS
    ]
    cases = [compact(case_of(kind, 2**32 - 1, 3)) for kind in KINDS]
    parts += ['"digests":{\n' + ",\n".join(digests) + "\n}", '"cases":[\n' + ",\n".join(cases) + "\n]"]
    TARGET.write_text("{\n" + ",\n".join(parts) + "\n}\n", encoding="utf-8")
