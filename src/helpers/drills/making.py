"""From a seed to an exercise: numbers are drawn, a kind's rules make a case of them, and templates its words.

The words stand in `drills.json`, which the pages read, too; `drills.mjs` makes the same of the same seeds.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any, Literal

from helpers.checks import choice, whole_number
from helpers.drills.one_layer import Case, Drawn, one_layer_rules
from helpers.drills.paddings import padding_rules
from helpers.drills.stacks import stack_rules

Form = Literal["number", "pair", "choice"]

LEVELS = 4
_MOST_SEED = 2**32 - 1
_MOST_ON_A_SHEET = 100
_TRIES = 2000  # draws of an exercise, of which the rules of a level take some


@dataclass(frozen=True, slots=True)
class DrillKind:
    """What an exercise can be about.

    Attributes:
        name: what it is called in code, such as "output-size".
        title: what it is called in a menu.
        chapters: the chapters that teach it, by the stems of their files, such as "02_stride".
    """

    name: str
    title: str
    chapters: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Mistake:
    """A wrong answer that someone gives who thinks in a certain way.

    Attributes:
        answer: as `Exercise.answer`, never equal to it.
        misconception: a key of `MISCONCEPTIONS`.
        step: index of the line of `Exercise.steps` where the sum bends.
    """

    answer: tuple[int, ...]
    misconception: str
    step: int


@dataclass(frozen=True, slots=True)
class Exercise:
    """One question, its answer, and the wrong answers that are known.

    Attributes:
        kind: a key of `KINDS`.
        seed: what it was drawn from.
        level: how hard it is, 1 to 4.
        question: plain text of several lines, a layer a line.
        form: "number", "pair" (two numbers) or "choice".
        choices: what to choose from; empty unless the form is "choice".
        answer: one number, or two; of a choice its index from 0.
        steps: the lines of the sum, to be shown one at a time.
        mistakes: likelier ones first; two may give one number.
        opens: the address of an explorer at this case, such as "#explorer=convolution&stride=2"; empty where
            none shows it.
        rounds: index of the step that rounds a fraction, or None.
    """

    kind: str
    seed: int
    level: int
    question: str
    form: Form
    choices: tuple[str, ...]
    answer: tuple[int, ...]
    steps: tuple[str, ...]
    mistakes: tuple[Mistake, ...]
    opens: str
    rounds: int | None


@cache
def drill_words() -> dict[str, Any]:
    """All words of the exercises and what is drawn for each level: `drills.json`."""
    text = (resources.files("helpers") / "drills.json").read_text(encoding="utf-8")
    table: dict[str, Any] = json.loads(text)
    return table


KINDS: Mapping[str, DrillKind] = MappingProxyType(
    {
        name: DrillKind(name, own["title"], tuple(own["chapters"]))
        for name, own in drill_words()["kinds"].items()
    }
)
MISCONCEPTIONS: Mapping[str, str] = MappingProxyType(drill_words()["misconceptions"])
_RULES: Mapping[str, Callable[[Drawn, int], Case | None]] = {
    **one_layer_rules,
    **padding_rules,
    **stack_rules,
}


def exercise(kind: str, *, seed: int, level: int = 1) -> Exercise:
    """The exercise that a seed gives: the same one at every call, and in the pages.

    Args:
        kind: a key of `KINDS`.
        seed: a whole number from 0 to 4,294,967,295.
        level: from 1, where nothing is rounded or dilated, to 4, where there are two axes or several layers.

    Raises:
        TypeError: if an argument is of the wrong kind.
        ValueError: if the kind is unknown, or a number out of range.

    >>> drill = exercise("output-size", seed=7)
    >>> print(drill.question)
    A convolution moves over an image of 14 × 14 pixels.
    Kernel 2 × 2, stride 1, padding 2 on each side.
    How many pixels has each side of its output?
    >>> drill.answer
    (17,)
    """
    choice("kind", kind, KINDS)
    seed = _at_most("seed", whole_number("seed", seed, at_least=0), _MOST_SEED)
    level = _at_most("level", whole_number("level", level, at_least=1), LEVELS)
    words = drill_words()["kinds"][kind]
    below = _stream(seed, LEVELS * list(KINDS).index(kind) + level)
    for _ in range(_TRIES):
        case = _RULES[kind](_drawn(words["levels"][level - 1], below), level)
        if case is not None:
            return _told(kind, seed, level, case)
    raise AssertionError(f"no exercise of {kind} at level {level} from seed {seed}")


def sheet(
    kinds: Sequence[str] | None = None, *, seed: int, count: int = 12, level: int | None = None
) -> tuple[Exercise, ...]:
    """Exercises that differ from one another, the kinds in turn.

    Args:
        kinds: keys of `KINDS`; all if left out.
        seed: as in `exercise`; one seed gives one sheet.
        count: how many, 1 to 100.
        level: of all of them; if left out, it rises from 1 to 4 over the sheet.

    Raises:
        TypeError: if an argument is of the wrong kind.
        ValueError: if a kind is unknown, or a number out of range.

    >>> [each.level for each in sheet(["output-size"], seed=1, count=4)]
    [1, 2, 3, 4]
    """
    if isinstance(kinds, str):
        raise TypeError(f"kinds must be a sequence of names, got {kinds!r}")
    names = list(KINDS) if kinds is None else list(kinds)
    for position, name in enumerate(names):
        choice(f"kinds[{position}]", name, KINDS)
    if not names:
        raise ValueError("kinds must hold a name, got none")
    below = _stream(_at_most("seed", whole_number("seed", seed, at_least=0), _MOST_SEED), 0)
    count = _at_most("count", whole_number("count", count, at_least=1), _MOST_ON_A_SHEET)
    made: list[Exercise] = []
    asked: set[str] = set()
    while len(made) < count:
        rising = 1 + LEVELS * len(made) // count
        each = exercise(
            names[len(made) % len(names)], seed=below(2**32), level=rising if level is None else level
        )
        if each.question not in asked:
            asked.add(each.question)
            made.append(each)
    return tuple(made)


def filled(template: str, facts: Mapping[str, Any]) -> str:
    """A template with its holes filled, `{size}` by that fact; `<rest:...>` goes where `rest` is zero."""
    kept = re.sub(r"<(\w+):([^>]*)>", lambda option: option[2] if facts.get(option[1]) else "", template)
    return re.sub(r"\{(\w+)\}", lambda hole: _shown(facts[hole[1]]), kept)


def _shown(value: Any) -> str:
    """The words of a name; a number in groups of three from five digits on."""
    if isinstance(value, str):
        return str(drill_words()["words"].get(value, value))
    digits = f"{abs(value):,}" if abs(value) >= 10_000 else f"{abs(value)}"
    return f"−{digits}" if value < 0 else digits


def _told(kind: str, seed: int, level: int, case: Case) -> Exercise:
    """The exercise of a case: its lines filled, and its mistakes with the line where each bends."""
    words = drill_words()["kinds"][kind]
    facts = {**case.layers[0], **case.facts}
    layers = [{**facts, **layer} for layer in case.layers]
    listed = [filled(words["layer"], layer) for layer in layers] if "layer" in words else []
    question = [*(filled(line, facts) for line in words["intro"]), *listed, filled(words["ask"], facts)]
    lines: list[str] = []
    places: dict[str, int] = {}
    for index, own in enumerate([*layers, facts]):
        for key, template in words["end" if own is facts else "each"].items():
            places[f"{index} {key}"] = len(lines)
            lines += filter(None, [filled(template, own)])

    def step(slug: str, bent: int = 0) -> int:
        key = words["mistakes"][slug]
        layer = len(layers) if key in words["end"] else case.bends.get(slug, bent)
        return min(places[f"{layer} {key}"], len(lines) - 1)

    return Exercise(
        kind=kind,
        seed=seed,
        level=level,
        question="\n".join(filter(None, question)),
        form="choice" if case.choices else "pair" if len(case.answer) == 2 else "number",
        choices=tuple(map(_shown, case.choices)),
        answer=case.answer,
        steps=tuple(lines),
        mistakes=tuple(_mistakes(case, list(words["mistakes"]), step)),
        opens=_address(case.opens),
        rounds=places[f"{case.rounds} {words['rounds']}"] if case.rounds is not None else None,
    )


def _mistakes(case: Case, known: Sequence[str], step: Callable[..., int]) -> Iterator[Mistake]:
    """The wrong answers of a case, the likelier first; none is right, and no count is negative."""
    wrong = {**case.wrong}
    if len(case.answer) == 2:
        wrong["swapped"] = case.answer[::-1]
    named = {case.answer}
    for slug in known:
        answer = wrong.get(slug, case.answer)
        if answer != case.answer and min(answer) >= 0:
            named.add(answer)
            yield Mistake(answer, slug, step(slug))
    for place in range(len(case.choices)):
        if (place,) not in named:
            slug = "too-early" if (place,) < case.answer else "too-late"
            yield Mistake((place,), slug, step(slug, min(place, *case.answer, len(case.layers) - 1)))


def _address(opens: Mapping[str, Any]) -> str:
    """The address that sets an explorer, as `share.mjs` reads it."""
    return "#" + "&".join(f"{name}={_written(value)}" for name, value in opens.items()) if opens else ""


def _written(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, list | dict):
        return str(value).lower().replace(" ", "+")
    if isinstance(value, dict):
        return ",".join(f"{name}:{_written(each)}" for name, each in value.items())
    if isinstance(value[0], list | dict):
        return "/".join(map(_written, value)) + "/" * (len(value) == 1)
    return ",".join(map(_written, value))


def _drawn(level: Mapping[str, Any], below: Callable[[int], int]) -> Drawn:
    """Numbers and words in the order of the table; what `layer` holds is drawn as often as `count` says."""

    def picked(options: Any) -> Any:
        if not isinstance(options, list):
            return options
        if len(options) == 2 and all(isinstance(end, int) for end in options):
            return options[0] + below(options[1] - options[0] + 1)
        return options[below(len(options))]

    draw = {name: picked(options) for name, options in level.items() if name != "layer"}
    layers = [{name: picked(each) for name, each in level["layer"].items()} for _ in range(draw["count"])]
    return {**draw, "layers": layers}


def _stream(seed: int, purpose: int) -> Callable[[int], int]:
    """The pages' `randomStream`: what it returns gives whole numbers below the limit it is called with."""

    def mixed(value: int) -> int:  # the last step of MurmurHash3, on 32 bits
        for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
            value = (value ^ value >> shift) * factor & 0xFFFFFFFF
        return value ^ value >> 16

    def numbers() -> Iterator[int]:
        counter = mixed(mixed(seed) + purpose & 0xFFFFFFFF)
        while True:
            counter = counter + 0x9E3779B9 & 0xFFFFFFFF
            yield mixed(counter)

    bits = numbers()
    return lambda limit: next(bits) * limit >> 32


def _at_most(name: str, number: int, most: int) -> int:
    if number > most:
        raise ValueError(f"{name} must be at most {most}, got {number}")
    return number
