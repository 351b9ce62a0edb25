"""The drill in Python: what it takes, what it refuses, what the browser tells it, its static form."""

import html
import json
import re

import pytest
from test_widgets import Placeholder
from traitlets import TraitError

from helpers.drills import KINDS, exercise
from helpers.widgets import Drill

ONE, LAST = next(iter(KINDS)), list(KINDS)[-1]
TOLD = {"kind": ONE, "seed": 3, "level": 1, "text": "13", "outcome": "right", "misconception": ""}


def test_it_shows_the_exercise_of_its_seed():
    assert Drill(kinds=[ONE], seed=7, level=2).exercise == exercise(ONE, seed=7, level=2)
    assert Drill(kind=LAST).exercise == exercise(LAST, seed=1)


def test_all_kinds_take_turns():
    drill, names = Drill(), list(KINDS)
    for seed in range(2 * len(names)):
        drill.seed = seed
        assert drill.exercise.kind == names[seed % len(names)]


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"kinds": ["sizes"]}, "kinds must be a list of kinds, each once, of output-size.*, got ..sizes.."),
        ({"kinds": [ONE, ONE]}, "kinds must be a list of kinds, each once"),
        ({"kinds": ONE}, "kinds must be a list of kinds"),
        ({"kinds": [[ONE]]}, "kinds must be a list of kinds"),
        ({"kinds": None}, "kinds must be a list of kinds"),
        ({"kind": "sizes"}, "kind must be '' or one of output-size.*, got 'sizes'"),
        ({"kind": None}, "kind must be '' or one of"),
        ({"seed": -1}, "seed must be a whole number from 0 to 999999, got -1"),
        ({"seed": 10**6}, "seed must be a whole number"),
        ({"seed": 1.0}, "seed must be a whole number"),
        ({"seed": True}, "seed must be a whole number"),
        ({"level": 0}, "level must be a whole number from 1 to 4, got 0"),
        ({"level": 5}, "level must be a whole number"),
        ({"_history": [TOLD | {"kind": "sizes"}]}, "_history must be a list of answers to exercises, got {"),
        ({"_history": [TOLD | {"outcome": "fine"}]}, "_history must be a list of answers"),
        ({"_history": [{}]}, "_history must be a list of answers"),
    ],
)
def test_what_is_illegal_is_refused_and_changes_nothing(changes, rule):
    drill = Drill()
    before = drill.static_state(), drill.history
    with pytest.raises(TraitError, match=rule):
        drill.set_state(changes)
    assert (drill.static_state(), drill.history) == before
    with pytest.raises(TraitError, match=rule):
        Drill(**changes)


def test_a_kind_is_one_of_those_that_are_offered():
    others = [kind for kind in KINDS if kind != ONE]
    if others:
        with pytest.raises(TraitError, match=f"kind must be one of kinds, {others[0]}.*, got '{ONE}'"):
            Drill(kinds=others, kind=ONE)
        drill = Drill(kind=ONE)
        with pytest.raises(TraitError, match="kind must be one of kinds"):
            drill.kinds = others
        drill.set_state({"kinds": others, "kind": others[0]})
        assert (drill.kinds, drill.kind) == (tuple(others), others[0])


def test_what_the_browser_tells_is_kept():
    drill = Drill()
    assert (drill.history, drill.answered) == ([], 0)
    wrong = TOLD | {"outcome": "wrong", "text": "12", "misconception": "no-first-stop"}
    drill.set_state({"_history": [wrong, TOLD, TOLD, TOLD | {"seed": 4}, wrong | {"seed": 5}]})
    assert drill.history[0]["misconception"] == "no-first-stop"
    assert drill.answered == 2, "one that was answered right twice is one"
    assert "_history" not in drill.static_state()


@pytest.mark.parametrize("kind", KINDS)
def test_its_static_form_is_the_exercise_with_its_sum_folded(kind):
    drill = Drill(kinds=[kind], seed=5)
    shown = drill.exercise
    placeholder = Placeholder(drill.static_html())
    assert placeholder.tags[:2] == ["div", "p"]
    words = html.unescape(re.sub("<[^>]*>", "\n", drill.fallback()))
    for line in (*shown.question.splitlines(), *shown.choices, *shown.steps):
        assert line in words
    assert drill.fallback().index(html.escape(shown.steps[0])) > drill.fallback().index("<details>")
    state = json.loads(placeholder.attributes["data-state"])
    assert state == {"kinds": [kind], "kind": "", "seed": 5, "level": 1}
    assert Drill(**state).exercise == shown
