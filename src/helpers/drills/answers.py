"""What a typed answer says, and which misconception gives exactly this number."""

import re
from dataclasses import dataclass
from typing import Literal

from helpers.drills.making import MISCONCEPTIONS, Exercise, Mistake, drill_words

_Outcome = Literal["right", "wrong", "unreadable"]
_Number = tuple[int, int]  # a fraction: above, below

_MOST_TYPED, _MOST_DIGITS = 200, 15  # characters; so that a page, too, computes with all digits
_BLANK = "[ \\t\\r\\n\\u00a0\\u2009\\u202f\\u3000]"
_WIDE = re.compile("[\\uff01-\\uff5e]")  # as some keyboards type digits and signs
_NUMBER = re.compile(r"([+-]?)([0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.([0-9]*)|/([0-9]+))?")


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What is to be said of an answer.

    Attributes:
        outcome: "right", "wrong", or "unreadable" if it is no answer at all.
        misconception: a key of `MISCONCEPTIONS`; empty if it is right, or nobody knows.
        says: sentences for the reader.
        step: index of the line of `Exercise.steps` where the sum bends, or None.
    """

    outcome: _Outcome
    misconception: str
    says: str
    step: int | None


def diagnose(exercise: Exercise, answer: str) -> Diagnosis:
    """Judge what a reader typed, and name what leads to exactly this answer.

    A number may have a sign, blanks around it, commas between thousands, zeros behind its point ("14.0"). A
    pair may stand in brackets, parted by a blank, a comma or a semicolon. A choice is given by its words, or
    by its number from 1.

    Args:
        exercise: what was asked.
        answer: any text; what cannot be read is said to be so, with what to type.

    Raises:
        TypeError: if an argument is of the wrong kind.

    >>> from helpers.drills import exercise
    >>> drill = exercise("output-size", seed=7)
    >>> diagnose(drill, f" {drill.answer[0]}.0 ").outcome
    'right'
    >>> diagnose(drill, str(drill.answer[0] - 1)).misconception
    'no-first-stop'
    """
    if not isinstance(exercise, Exercise):
        raise TypeError(f"exercise must be an Exercise, got {exercise!r}")
    if not isinstance(answer, str):
        raise TypeError(f"answer must be a string, got {answer!r}")
    words = drill_words()["diagnoses"]
    text = answer if len(answer) <= _MOST_TYPED else "?"
    text = _WIDE.sub(lambda sign: chr(ord(sign[0]) - 0xFEE0), text).replace("\u2212", "-")
    text = re.sub(f"^{_BLANK}+|{_BLANK}+$", "", text)
    if exercise.form == "choice":
        given = _chosen(exercise.choices, text)
    else:
        given = _numbers(text, len(exercise.answer))
    if given is None:
        hint = words[exercise.form].replace("{choices}", ", ".join(exercise.choices))
        return Diagnosis("unreadable", "", hint, None)
    whole = [above // below for above, below in given]
    if any(above % below for above, below in given):
        if exercise.rounds is None or tuple(whole) != exercise.answer:
            return Diagnosis("unreadable", "", words[exercise.form], None)
        return Diagnosis("wrong", "no-floor", MISCONCEPTIONS["no-floor"], exercise.rounds)
    if tuple(whole) == exercise.answer:
        return Diagnosis("right", "", words["right"], None)
    return _explained(exercise, whole)


def _explained(exercise: Exercise, given: list[int]) -> Diagnosis:
    """What is to be said of whole numbers that are not the answer."""
    words = drill_words()["diagnoses"]
    wrong = [place for place, right in enumerate(exercise.answer) if given[place] != right]
    found = _known(exercise, given, wrong)
    causes = f" {words['or']} ".join(MISCONCEPTIONS[each.misconception] for each in found)
    slug, step = (found[0].misconception, found[0].step) if found else ("", None)
    if not found and min(given) < 0:
        slug = "negative"
    elif not found and all(abs(given[place] - exercise.answer[place]) == 1 for place in wrong):
        slug = "off-by-one" if exercise.form != "choice" else ""
    said = [causes or MISCONCEPTIONS.get(slug, words["wrong"])]
    if len(given) == 2 and len(wrong) == 1:
        said.insert(0, words["first" if wrong == [1] else "second"])
    return Diagnosis("wrong", slug, " ".join(said), step)


def _known(exercise: Exercise, given: list[int], wrong: list[int]) -> list[Mistake]:
    """The mistakes that give these numbers, likelier ones first, at most two; else one that gives a half."""
    exact = [each for each in exercise.mistakes if each.answer == tuple(given)]
    if exact:
        return exact[:2]
    halves = [
        each for each in exercise.mistakes if all(each.answer[place] == given[place] for place in wrong)
    ] or [each for each in exercise.mistakes if any(each.answer[place] == given[place] for place in wrong)]
    return halves[:1]


def _chosen(choices: tuple[str, ...], text: str) -> list[_Number] | None:
    """The index of a choice, given by its words or its number from 1."""
    names = [each.lower() for each in choices] + [f"{number}" for number in range(1, len(choices) + 1)]
    place = names.index(text.lower()) if text.lower() in names else None
    return None if place is None else [(place % len(choices), 1)]


def _numbers(text: str, count: int) -> list[_Number] | None:
    """The numbers of a text, if it holds as many."""
    parts = [text]
    if count == 2:
        text = re.sub(f"^[(\\[]{_BLANK}*|{_BLANK}*[)\\]]$", "", text)
        parts = re.split(f"{_BLANK}*[,;]?{_BLANK}+|;", text)
        parts = parts if len(parts) == 2 else text.split(",")
    found = [_NUMBER.fullmatch(part) for part in parts]
    if len(found) != count or None in found:
        return None
    values = [_value(*each.groups()) for each in found if each]
    return values if all(below for _, below in values) else None


def _value(sign: str, digits: str, decimals: str | None, below: str | None) -> _Number:
    """A number as a fraction; one of more than 15 digits as one that no answer reaches."""
    decimals = (decimals or "").rstrip("0")
    above = (digits.replace(",", "") + decimals).lstrip("0") or "0"
    below = ((below or "1") + "0" * len(decimals)).lstrip("0") or "0"
    if max(len(above), len(below)) > _MOST_DIGITS:
        return 10**_MOST_DIGITS, 1
    return int(above) * (-1 if sign == "-" else 1), int(below)
