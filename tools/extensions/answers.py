"""Sphinx extension: what comes out after a question is folded until the reader asks for it.

A box with the title `QUESTION` has its reader commit to an answer; the first output below it, in the same
section, gives that answer. It folds without a script, and is open on paper. An explorer stays open: with it
the reader finds the answer. So does the ledger, which asks and folds by itself.
"""

from __future__ import annotations

from docutils import nodes
from sphinx.application import Sphinx

QUESTION = "Commit to an answer first"
OPEN = ("book-widget", 'class="ledger"')  # what is never folded
FOLD = '<details class="answer"><summary>What comes out</summary>'


def fold_answers(app: Sphinx, document: nodes.document) -> None:
    """Fold the answer to each question of a page."""
    for box in list(document.findall(nodes.admonition)):
        if box[0].astext() == QUESTION and (output := answer(box)):
            cell = output.parent
            place = cell.index(output)
            cell.insert(place + 1, nodes.raw("", "</details>", format="html"))
            cell.insert(place, nodes.raw("", FOLD, format="html"))


def answer(box: nodes.admonition) -> nodes.container | None:
    """The output that answers a question, if it is one to be folded."""
    for later in box.parent[box.parent.index(box) + 1 :]:
        if isinstance(later, nodes.section | nodes.admonition):
            return None
        for output in later.findall(nodes.container):
            if "cell_output" in output["classes"] and output.children:
                shown = "".join(raw.astext() for raw in output.findall(nodes.raw))
                return None if any(mark in shown for mark in OPEN) else output
    return None


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.connect("doctree-read", fold_answers)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
