"""What a chapter's notebook needs besides its subject: numbers for its sentences, and its quiz.

The questions come with this package; jupyterquiz shows them.
"""

from __future__ import annotations

import json
from importlib import resources
from typing import Any
from uuid import uuid4

import numpy as np
from IPython.core.formatters import format_display_data
from IPython.display import HTML, Javascript, display
from jupyterquiz.dynamic import loader, renderer

_UNSEEN = "application/papermill.record/"  # before a MIME type: kept in the notebook, shown by no host
_FOLDER = resources.files("helpers") / "quizzes"

# The page's own colors (site/book.css), so that a quiz follows light and dark.
_COLORS = {
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


def say(**numbers: object) -> None:
    """Make numbers, or words that code has composed, available to the sentences of this notebook.

    A sentence refers to a value by its name with hyphens for underscores: after `say(unread_2=55)` the text
    ``{glue:text}`unread-2` pixels`` reads "55 pixels". NumPy numbers read like Python's. Nothing is shown
    below the cell.

    Raises:
        ValueError: if there is nothing to hand over.
    """
    if not numbers:
        raise ValueError("numbers must hold at least one name and its value, got none")
    for name, value in numbers.items():
        plain = value.item() if isinstance(value, np.generic) else value  # else it would read np.int64(55)
        data, metadata = format_display_data(plain)
        metadata["scrapbook"] = {"name": name.replace("_", "-"), "mime_prefix": _UNSEEN}
        display({f"{_UNSEEN}{kind}": shown for kind, shown in data.items()}, metadata=metadata, raw=True)


def questions(chapter: str) -> list[dict[str, Any]]:
    """Read the questions of a chapter, in jupyterquiz's format.

    Raises:
        ValueError: if there is no quiz of that name; the message lists those there are.
    """
    known = chapters()
    if chapter not in known:
        raise ValueError(f"chapter must be one that has a quiz ({', '.join(known)}), got {chapter!r}")
    loaded: list[dict[str, Any]] = json.loads((_FOLDER / f"{chapter}.json").read_text(encoding="utf-8"))
    return loaded


def chapters() -> list[str]:
    """Names of the chapters that have a quiz."""
    return sorted(entry.name.removesuffix(".json") for entry in _FOLDER.iterdir())


def quiz(chapter: str) -> None:
    """Show the quiz of a chapter: no answer is marked before the reader has chosen one.

    Raises:
        ValueError: if there is no quiz of that name.
    """
    identifier = f"quiz-{uuid4().hex}".replace("-", "_")
    shown = questions(chapter)
    data, static, url = loader.load_questions_script(shown, identifier)
    box = renderer.render_div(identifier, False, True, False, len(shown), 720, 4, "left")
    script = renderer.build_script(data, static, url, identifier, True)
    display(HTML(box + renderer.build_styles(identifier, _COLORS)))
    # The block hides MathJax from the script, which would else load it from another host wherever the page's
    # own has not started half a second after the quiz.
    display(Javascript(f"(() => {{ let MathJax;\n{script}\n}})();"))
