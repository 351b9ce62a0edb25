"""Questions with each answer that is foreseen: those of the quizzes, any number of drills; and as JSON."""

import base64
import io
import json
import random
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from itertools import product
from typing import NamedTuple, get_args
from xml.etree.ElementTree import Element, ElementTree, indent, tostring

from PIL import Image

from helpers import plots
from helpers.arithmetic import Convention, resolve_padding
from helpers.chapter import chapters, questions
from helpers.checks import choice, whole_number
from helpers.drills import KINDS, MISCONCEPTIONS, Exercise, exercise
from helpers.drills.making import LEVELS, Form
from helpers.plots.picture import png

TITLE = "Stride and Padding"
LICENSE = "CC BY 4.0"
LICENSE_ADDRESS = "https://creativecommons.org/licenses/by/4.0/"
NOTICE = f"{TITLE}, by the developers of {TITLE}. License: {LICENSE}, {LICENSE_ADDRESS}"
_TRIES = 100  # drills that are made for one that differs from those before it
_WRONG = "That is not it. Take it line by line."  # of a choice that no misconception makes
_CONVENTIONS: dict[str, Convention] = {name: name for name in get_args(Convention)}
_SEEDS = 12  # of each kind and level, among which a drill that reveals a misconception is looked for
_COLORS = 32  # of a picture: lines, two fills, and the gray that smooths the letters
_DRAWN = 20  # pixels of the longest axis that is drawn: beyond it no cell could hold its number


class Reply(NamedTuple):
    """An answer that is foreseen; a number stands as ``"13"``, a pair as ``"1, 2"``."""

    answer: str
    is_right: bool
    feedback: str


@dataclass(frozen=True)
class Question:
    """A question of the bank.

    Attributes:
        identifier: tells it from all others; letters, digits, `-` and `_`, as each format takes them.
        title: what a list of questions shows of it.
        folder: where the bank keeps it, from the outside in.
        form: how it is answered: by a choice, a whole number, or two.
        text: what is asked. Here and in all texts, what stands between backticks is code.
        replies: the answers that are foreseen, one of which is right; of a choice, all that is offered.
        steps: the way to the right answer, line by line; empty where the feedback says it.
        picture: a PNG file of the solution, or nothing.
        alt: what the picture shows, in words.
        is_ordered: whether a choice has to stay in its order.
    """

    identifier: str
    title: str
    folder: tuple[str, ...]
    form: Form
    text: str
    replies: tuple[Reply, ...]
    steps: tuple[str, ...] = ()
    picture: bytes = b""
    alt: str = ""
    is_ordered: bool = False

    @property
    def tags(self) -> tuple[str, ...]:
        """Words to find it by; the license is one, so that it stays with a question that is copied."""
        return (TITLE, *self.folder[1:], LICENSE)


def quiz_questions(chapter: str) -> list[Question]:
    """The questions that close a chapter.

    Raises:
        TypeError: if the chapter is not a string.
        ValueError: if no chapter of that name has a quiz.

    >>> first = quiz_questions("02_stride")[0]
    >>> first.identifier, first.folder, first.replies[0].answer
    ('quiz-02_stride-1', ('Stride and Padding', 'Quizzes', '2. Stride'), '3')
    """
    choice("chapter", chapter, chapters())
    number, _, name = chapter.partition("_")
    words = name.replace("_", " ").replace("mnist", "MNIST")
    title = f"{int(number)}. {words[0].upper()}{words[1:]}"
    return [
        Question(
            f"quiz-{chapter}-{place}",
            f"{title}: question {place}",
            (TITLE, "Quizzes", title),
            "choice",
            asked["question"],
            tuple(Reply(each["answer"], each["correct"], each["feedback"]) for each in asked["answers"]),
        )
        for place, asked in enumerate(questions(chapter), 1)
    ]


def drill_questions(
    kind: str, *, count: int, seed: int = 0, level: int | None = None, pictures: bool = True
) -> list[Question]:
    """Drills of a kind, no two alike; the same ones for the same arguments.

    Args:
        kind: a key of `helpers.drills.KINDS`.
        count: how many, 0 or more.
        seed: what they are drawn from, 0 or more.
        level: of all of them; if left out, it rises from the first to the last.
        pictures: whether a solution that is a row of pixels with its windows is drawn.

    Raises:
        TypeError: if an argument is of the wrong kind.
        ValueError: if the kind or the level is unknown, a number is out of range, or the kind has no such
            number of drills.

    >>> (drill,) = drill_questions("output-size", count=1, seed=7, pictures=False)
    >>> drill.form, drill.folder, sum(reply.is_right for reply in drill.replies)
    ('number', ('Stride and Padding', 'Drills', 'Output size', 'Level 1'), 1)
    """
    choice("kind", kind, KINDS)
    count = whole_number("count", count, at_least=0)
    seeds = random.Random(whole_number("seed", seed, at_least=0))
    found: dict[str, Question] = {}
    for _ in range(_TRIES * count):
        if len(found) == count:
            break
        rising = 1 + LEVELS * len(found) // count
        drill = exercise(kind, seed=seeds.getrandbits(32), level=rising if level is None else level)
        if drill.question not in found:
            found[drill.question] = _of_drill(drill, pictures=pictures)
    if len(found) < count:
        raise ValueError(f"count must be at most {len(found)}, all that {kind} has found, got {count}")
    return list(found.values())


def _of_drill(drill: Exercise, *, pictures: bool) -> Question:
    told: dict[tuple[int, ...], list[str]] = {}
    for mistake in drill.mistakes:
        words = f"{MISCONCEPTIONS[mistake.misconception]} Look at this line: {drill.steps[mistake.step]}"
        told.setdefault(mistake.answer, []).append(words)
    feedback = {drill.answer: f"Right. {drill.steps[-1]}"}
    feedback |= {answer: "\nOr: ".join(words) for answer, words in told.items()}
    if drill.form == "choice":
        feedback = {(place,): feedback.get((place,), _WRONG) for place in range(len(drill.choices))}
    shown = [Reply(answer_text(drill, each), each == drill.answer, words) for each, words in feedback.items()]
    title = KINDS[drill.kind].title
    picture = _solution(drill.opens) if pictures else None
    return Question(
        f"drill-{drill.kind}-{drill.level}-{drill.seed}",
        f"{title}, level {drill.level}, seed {drill.seed}",
        (TITLE, "Drills", title, f"Level {drill.level}"),
        drill.form,
        drill.question,
        tuple(shown),
        drill.steps,
        _small(png(plots.compose(picture))) if picture else b"",
        picture.alt if picture else "",
        is_ordered=True,
    )


def answer_text(drill: Exercise, answer: tuple[int, ...]) -> str:
    """An answer to a drill as text: what is chosen, or its numbers."""
    return drill.choices[answer[0]] if drill.choices else ", ".join(map(str, answer))


def _solution(opens: str) -> plots.Panel | None:
    """The row of pixels with the windows on it, where an explorer opens at one that fits a picture."""
    setting = dict(part.split("=") for part in opens.removeprefix("#").split("&") if part)
    convention = _CONVENTIONS.get(setting.pop("convention", "tensorflow"))
    sides = re.fullmatch(r"same|(\d+)(?:,(\d+)/\1,\2)?", setting.pop("padding", "0"))
    setting.pop("view", "")
    if setting.pop("explorer", "") != "convolution" or not sides or not convention:
        return None
    if not all(text.isdecimal() for text in setting.values()):
        return None  # two axes, or another layer than a convolution
    number = {"stride": 1, "dilation": 1} | {name: int(text) for name, text in setting.items()}
    size, kernel_size = number["input_size"], number["kernel_size"]
    stride, dilation = number["stride"], number["dilation"]
    padding = resolve_padding(
        size,
        kernel_size=kernel_size,
        stride=stride,
        padding=(int(sides[1]), int(sides[2] or sides[1])) if sides[1] else "same",
        dilation=dilation,
        convention=convention,
    )
    if size + sum(padding) > _DRAWN:
        return None
    return plots.line_windows(
        size, kernel_size=kernel_size, stride=stride, padding=padding, dilation=dilation
    )


def _small(picture: bytes) -> bytes:
    """The same PNG file with few colors, a fourth of its size."""
    file = io.BytesIO()
    Image.open(io.BytesIO(picture)).convert("RGB").quantize(_COLORS, Image.Quantize.FASTOCTREE).save(
        file, "png", optimize=True
    )
    return file.getvalue()


class Revealing(NamedTuple):
    """A misconception, and a drill whose answer tells that it is this one."""

    misconception: str
    drill: Exercise
    answer: tuple[int, ...]


def revealing_drills() -> list[Revealing]:
    """For each misconception a drill, as easy as there is one, where no other gives the same wrong answer.

    Left out are slips that no case makes, such as being off by one.
    """
    found: dict[str, Revealing] = {}
    for level, seed, kind in product(range(1, LEVELS + 1), range(_SEEDS), KINDS):
        drill = exercise(kind, seed=seed, level=level)
        times = Counter(mistake.answer for mistake in drill.mistakes)
        for answer, misconception in ((each.answer, each.misconception) for each in drill.mistakes):
            if times[answer] == 1 and misconception not in found:
                found[misconception] = Revealing(misconception, drill, answer)
    return [found[misconception] for misconception in MISCONCEPTIONS if misconception in found]


def misconception_tables(explorers: str = "explorer") -> str:
    """The misconceptions in HTML, a table a kind: what to ask, the right answer, what gives it away.

    Args:
        explorers: the address of the folder that holds the explorers' pages.
    """
    groups: dict[str, list[str]] = {}
    for slug, drill, answer in revealing_drills():
        asked = escape(drill.question).replace("\n", "<br>")
        if case := re.fullmatch(r"#explorer=(\w+)&(.+)", drill.opens):
            asked += f' <a href="{explorers}/{case[1]}.html#{escape(case[2])}">Show it</a>'
        answers = "".join(f"<td>{escape(answer_text(drill, each))}</td>" for each in (drill.answer, answer))
        row = f'<tr><th scope="row">{escape(MISCONCEPTIONS[slug])}</th><td>{asked}</td>{answers}</tr>'
        groups.setdefault(drill.kind, []).append(row)
    names = ("What was thought", "Ask", "Right", "Gives it away")
    head = "".join(f'<th scope="col">{name}</th>' for name in names)
    return "\n".join(
        f"<details{' open' * (place == 0)}><summary>{escape(KINDS[kind].title)}</summary>"
        '<div class="misconceptions pst-scrollable-table-container"><table class="table">'
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div></details>"
        for place, (kind, rows) in enumerate(groups.items())
    )


def bank_json(bank: Iterable[Question]) -> bytes:
    """Write questions as JSON; `helpers/teaching/bank.schema.json` says what stands where."""
    rows = [
        {
            "identifier": each.identifier,
            "title": each.title,
            "folder": each.folder,
            "form": each.form,
            "question": each.text,
            "answers": [
                {"answer": reply.answer, "correct": reply.is_right, "feedback": reply.feedback}
                for reply in each.replies
            ],
            "steps": each.steps,
            "picture": _picture(each),
            "ordered": each.is_ordered,
        }
        for each in bank
    ]
    head = {"title": TITLE, "license": LICENSE, "license_address": LICENSE_ADDRESS, "attribution": NOTICE}
    return (json.dumps({**head, "questions": rows}, indent=1, ensure_ascii=False) + "\n").encode()


def _picture(question: Question) -> dict[str, str] | None:
    if not question.picture:
        return None
    data = base64.b64encode(question.picture).decode()
    return {"address": f"data:image/png;base64,{data}", "alt": question.alt}


def as_html(text: str) -> str:
    """Text as a paragraph that is both HTML and XML; what stands between backticks is code.

    >>> as_html("Is `k < s`?")
    '<p>Is <code>k &lt; s</code>?</p>'
    """
    marked = re.sub("`([^`]+)`", r"<code>\1</code>", escape(text, quote=False))
    return f"<p>{marked}</p>".replace("\n", "<br/>")


def as_list(steps: Sequence[str]) -> str:
    """Steps as a numbered list, or nothing where there are none."""
    items = "".join(f"<li>{as_html(step)}</li>" for step in steps)
    return f"<ol>{items}</ol>" if items else ""


def as_xml(root: Element) -> bytes:
    """A file of XML, a line for each element."""
    indent(ElementTree(root))
    file: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return file + b"\n"
