"""Numbers reach the sentences; the quizzes are complete, and fair to who answers wrongly."""

import json

import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.display import HTML
from IPython.utils.capture import capture_output
from myst_nb import glue

from helpers import chapter


@pytest.mark.parametrize("name", chapter.chapters())
def test_every_answer_is_explained_and_one_is_right(name):
    for question in chapter.questions(name):
        answers = question["answers"]
        assert sum(answer["correct"] for answer in answers) == 1
        assert len(answers) >= 3
        assert len({answer["answer"] for answer in answers}) == len(answers)
        for answer in answers:
            assert len(answer["feedback"].split()) >= 4, answer


def test_a_chapter_without_a_quiz_is_named():
    with pytest.raises(ValueError, match=r"chapter must be one .*06_worked_5x5.*, got '99'"):
        chapter.questions("99")


def test_the_quiz_is_shown_with_its_questions(monkeypatch):
    shown = []
    monkeypatch.setattr(chapter, "display", shown.append)
    chapter.quiz("06_worked_5x5")
    script = shown[1].data
    for question in chapter.questions("06_worked_5x5"):
        assert json.dumps(question["question"]) in script


def test_what_is_said_is_kept_where_the_book_looks_for_it():
    InteractiveShell.instance()
    values = {"lead": 0.12, "unread-2-valid": "231 pixels", "table": HTML("<b>3</b>"), "told-accuracy": 3}
    with capture_output() as said:
        chapter.say(**{name.replace("-", "_"): value for name, value in values.items()})
    with capture_output() as glued:
        for name, value in values.items():
            glue(name, value, display=False)
    assert [(each.data, each.metadata) for each in said.outputs] == [
        (each.data, each.metadata) for each in glued.outputs
    ]


def test_a_number_of_numpy_is_said_as_one_of_python():
    InteractiveShell.instance()
    with capture_output() as said:
        chapter.say(pixels=np.int64(55), share=np.float64(0.5))
    shown = [each.data["application/papermill.record/text/plain"] for each in said.outputs]
    assert shown == ["55", "0.5"]


def test_saying_nothing_is_refused():
    with pytest.raises(ValueError, match="numbers must hold at least one name"):
        chapter.say()
