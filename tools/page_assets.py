"""Sphinx extension: a page loads the explorers that it holds, and MathJax only if it holds math."""

from __future__ import annotations

import re
from typing import Any

from sphinx.application import Sphinx


def add_assets(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: object) -> None:
    """Add to a page the module of each explorer in it, and what draws them all; drop MathJax without math."""
    if 'class="math' not in context.get("body", ""):
        # Sphinx counts the math of all that a table of contents lists; the front page has none of its own.
        scripts = context.get("script_files", [])
        scripts[:] = [script for script in scripts if "mathjax" not in str(script.filename)]
    modules = set(re.findall(r'<div class="book-widget" data-module="(\w+)"', context.get("body", "")))
    if modules:
        app.add_css_file("widgets.css")
        for name in (*sorted(f"widgets/{module}" for module in modules), "widgets"):
            app.add_js_file(f"{name}.js", loading_method="defer")


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.connect("html-page-context", add_assets)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
