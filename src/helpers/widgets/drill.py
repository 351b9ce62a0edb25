"""The drill: exercises without end, where a wrong answer is told from which line on it is wrong."""

import html
from typing import Any

from traitlets import Bunch, Dict, TraitError, TraitType, validate
from traitlets import List as ListTrait

from helpers.drills import KINDS, Exercise, exercise
from helpers.drills.making import LEVELS
from helpers.widgets.base import BookWidget
from helpers.widgets.traits import WholeNumber

_MOST_SEED = 999_999
_OUTCOMES = ("right", "wrong", "unreadable")


class KindsTrait(TraitType[tuple[str, ...], Any]):
    """Kinds of exercises, each once; none stands for all."""

    default_value = ()

    def validate(self, obj: Any, value: Any) -> tuple[str, ...]:
        """Return the kinds, with a tuple where JSON has a list."""
        is_list = isinstance(value, list | tuple) and all(isinstance(kind, str) for kind in value)
        if not is_list or not set(value) <= set(KINDS) or len(set(value)) < len(value):
            raise TraitError(
                f"{self.name} must be a list of kinds, each once, of {', '.join(KINDS)}, got {value!r}"
            )
        return tuple(value)


class KindTrait(TraitType[str, Any]):
    """One kind of exercises, or "" for those there are in turn."""

    default_value = ""

    def validate(self, obj: Any, value: Any) -> str:
        """Return the kind."""
        if not isinstance(value, str) or value not in ("", *KINDS):
            raise TraitError(f"{self.name} must be '' or one of {', '.join(KINDS)}, got {value!r}")
        return value


class Drill(BookWidget, module="drill"):
    """Exercises without end: a question, an answer, and what a wrong answer was thinking.

    The exercises are those of `helpers.drills`. Of a wrong answer it is said which misconception gives this
    number, and in which line of the sum. Two right at once in a row make the next one harder, two wrong make
    it easier. With a kernel, `history` holds what was answered so far:

        drill = Drill(kinds=["output-size", "unread"], seed=7)
        drill.history[-1]      # after an answer

    Attributes:
        kinds: what the reader can choose from, keys of `helpers.drills.KINDS`; none stands for all.
        kind: one of them, or "" for all of them in turn.
        seed: of the exercise that is shown, 0 to 999,999; the next one has the next seed.
        level: how hard the exercise that is shown is, 1 to 4.

    Raises:
        TraitError: for a value out of range, or a kind that is not among `kinds`.

    >>> Drill(kinds=["output-size"], seed=7).exercise.kind
    'output-size'
    """

    kinds = KindsTrait().tag(sync=True)
    kind = KindTrait().tag(sync=True)
    seed = WholeNumber(1, low=0, high=_MOST_SEED).tag(sync=True)
    level = WholeNumber(1, low=1, high=LEVELS).tag(sync=True)
    _history = ListTrait(Dict()).tag(sync=True)  # only with a kernel: what the browser reports

    @property
    def exercise(self) -> Exercise:
        """The exercise that is shown."""
        pool = [self.kind] if self.kind else self.kinds or list(KINDS)
        return exercise(pool[self.seed % len(pool)], seed=self.seed, level=self.level)

    @property
    def history(self) -> list[dict[str, Any]]:
        """Each answer in order: kind, seed, level, text as typed, outcome, misconception (may be empty)."""
        return list(self._history)

    @property
    def answered(self) -> int:
        """How many exercises were answered right, be it at the second try."""
        right = [each for each in self._history if each["outcome"] == "right"]
        return len({(each["kind"], each["seed"], each["level"]) for each in right})

    def fallback(self) -> str:
        """The first exercise, with its sum folded."""
        shown = self.exercise
        asked = "<br>".join(map(html.escape, (*shown.question.splitlines(), *shown.choices)))
        sum_ = "".join(f"<li>{html.escape(line)}</li>" for line in shown.steps)
        return (
            f"<p>{asked}</p><details><summary>The sum</summary><ol>{sum_}</ol></details>"
            "<p>With JavaScript, one exercise follows another, and wrong answers are explained.</p>"
        )

    @validate("kinds", "kind")
    def _check_kind(self, proposal: Bunch) -> Any:
        given = {"kinds": self.kinds, "kind": self.kind} | {proposal["trait"].name: proposal["value"]}
        pool = given["kinds"] or list(KINDS)
        if given["kind"] and given["kind"] not in pool:
            raise TraitError(f"kind must be one of kinds, {', '.join(pool)}, got {given['kind']!r}")
        return proposal["value"]

    @validate("_history")
    def _check_history(self, proposal: Bunch) -> Any:
        for each in proposal["value"]:
            is_told = {"kind", "seed", "level", "text", "outcome", "misconception"} == each.keys()
            if not is_told or each["kind"] not in KINDS or each["outcome"] not in _OUTCOMES:
                raise TraitError(f"_history must be a list of answers to exercises, got {each!r}")
        return proposal["value"]
