"""The quizzes: complete, and fair to who answers wrongly."""

import json

import pytest

from helpers import quiz


@pytest.mark.parametrize("chapter", quiz.chapters())
def test_every_answer_is_explained_and_one_is_right(chapter):
    for question in quiz.questions(chapter):
        answers = question["answers"]
        assert sum(answer["correct"] for answer in answers) == 1
        assert len(answers) >= 3
        assert len({answer["answer"] for answer in answers}) == len(answers)
        for answer in answers:
            assert len(answer["feedback"].split()) >= 4, answer


def test_a_chapter_without_a_quiz_is_named():
    with pytest.raises(ValueError, match=r"chapter='99'.*06_worked_5x5"):
        quiz.questions("99")


def test_the_quiz_is_shown_with_its_questions(monkeypatch):
    shown = []
    monkeypatch.setattr(quiz, "display", shown.append)
    quiz.quiz("06_worked_5x5")
    script = shown[1].data
    for question in quiz.questions("06_worked_5x5"):
        assert json.dumps(question["question"]) in script
