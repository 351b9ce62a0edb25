"""The quiz at the end of a chapter: questions from this package, shown by jupyterquiz."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any
from uuid import uuid4

from IPython.display import HTML, Javascript, display
from jupyterquiz.dynamic import loader, renderer

FOLDER = resources.files("helpers") / "quizzes"

# The page's own colors (site/book.css), so that a quiz follows light and dark.
COLORS = {
    "--jq-multiple-choice-bg": "var(--quiz-question)",
    "--jq-many-choice-bg": "var(--quiz-question)",
    "--jq-numeric-bg": "var(--quiz-question)",
    "--jq-numeric-input-bg": "#ffffff",
    "--jq-numeric-input-label": "#1a1a1a",
    "--jq-text-color": "#ffffff",
    "--jq-mc-button-bg": "#ffffff",
    "--jq-mc-button-border": "#767676",
    "--jq-correct-color": "#00674d",
    "--jq-incorrect-color": "#a63d00",
}


def questions(chapter: str) -> list[dict[str, Any]]:
    """Read the questions of a chapter, in jupyterquiz's format.

    Raises:
        ValueError: if there is no quiz of that name; the message lists those there are.
    """
    known = chapters()
    if chapter not in known:
        raise ValueError(f"chapter={chapter!r} has no quiz; those that have one: {', '.join(known)}")
    loaded: list[dict[str, Any]] = json.loads((FOLDER / f"{chapter}.json").read_text(encoding="utf-8"))
    return loaded


def chapters() -> list[str]:
    """Names of the chapters that have a quiz."""
    return sorted(entry.name.removesuffix(".json") for entry in FOLDER.iterdir())


def quiz(chapter: str) -> None:
    """Show the quiz of a chapter: no answer is marked before the reader has chosen one.

    The script runs inside a block that hides MathJax from it. Left to itself, it fetches MathJax from another
    host when the page's own has not started half a second after the quiz.
    """
    identifier = f"quiz-{uuid4().hex}".replace("-", "_")
    shown = questions(chapter)
    data, static, url = loader.load_questions_script(shown, identifier)
    box = renderer.render_div(identifier, False, True, False, len(shown), 720, 4, "left")
    script = renderer.build_script(data, static, url, identifier, True)
    display(HTML(box + renderer.build_styles(identifier, COLORS)))
    display(Javascript(f"(() => {{ let MathJax;\n{script}\n}})();"))
