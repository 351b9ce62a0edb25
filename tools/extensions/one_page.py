"""Sphinx extension: all chapters on one page know how to write what each of them can write by itself.

An extension that registers a node for the `singlehtml` builder makes Sphinx ignore all that others have
registered for `html`; sphinx-exercise is one.
"""

from __future__ import annotations

from sphinx.application import Sphinx


def share_handlers(app: Sphinx) -> None:
    """Let the single page fall back to what is known for HTML, node by node."""
    handlers = app.registry.translation_handlers
    handlers["singlehtml"] = handlers.get("html", {}) | handlers.get("singlehtml", {})


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.connect("builder-inited", share_handlers)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
