"""Sphinx extension: a page loads no script but those of the explorers and of the math that it holds."""

from __future__ import annotations

import re
from pathlib import Path
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


def drop_icon_script(app: Sphinx, failure: Exception | None) -> None:
    """Leave out of all pages the script that draws the theme's icons: 0.5 MB, and its fonts draw them too."""
    for path in Path(app.outdir).rglob("*.html"):
        page = path.read_text(encoding="utf-8")
        lighter = re.sub(r"\s*<script[^>]*/fontawesome\.js[^>]*></script>", "", page)
        if lighter != page:
            path.write_text(lighter, encoding="utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.connect("html-page-context", add_assets)
    app.connect("build-finished", drop_icon_script)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
