"""Sphinx extension: a page loads the scripts that it needs, and beside the pages lies what they load."""

from __future__ import annotations

import re
import shutil
import zlib
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

import helpers.widgets
from helpers.widgets.base import LIBRARIES, BookWidget, libraries_of

SCRIPT = r"\s*<script[^>]*\b(?:{})\.js[^>]*></script>"
# Icons are drawn by a script of 0.5 MB, and by the theme's fonts as well.
ICONS = re.compile(SCRIPT.format("fontawesome"))
# The search has a page of its own: no other shows what it finds, so no other needs its index.
NEEDLESS = re.compile(SCRIPT.format("fontawesome|searchtools|searchheadings|language_data|searchindex"))
# Sphinx puts the digest of a file into the links to it, so that no browser takes an old one for it; where an
# extension brings the file last, the first build would leave it out.
UNSIGNED = re.compile(r'(?<==")((?:\.\./)*_static/)([^"?]+\.(?:css|js))(?=")')
# A page that holds one explorer alone, for slides and the pages of others. widgets.js knows its mark.
BARE = """\
<!doctype html>
<html lang="en" data-bare>
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} · Stride and Padding</title>
<link rel="icon" href="../_static/favicon.svg">
<link rel="stylesheet" href="../_static/widgets.css">
{scripts}
</head>
<body>
<main>
<h1>{title}</h1>
{explorer}
</main>
<footer><a href="../book/intro.html" target="_blank" rel="noopener">Stride and Padding</a></footer>
</body>
</html>
"""
# For debuggers, for browsers that do not know woff2, in other languages, and the script of the icons.
UNREAD = ("**/*.map", "**/*.ttf", "locales", "scripts/fontawesome.js")


def add_assets(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: object) -> None:
    """Add to a page what its explorers load, in this order; drop MathJax where there is no math."""
    if 'class="math' not in context.get("body", ""):
        # Sphinx counts the math of all that a table of contents lists; the front page has none of its own.
        scripts = context.get("script_files", [])
        scripts[:] = [script for script in scripts if "mathjax" not in str(script.filename)]
    modules = set(re.findall(r'<div class="book-widget" data-module="(\w+)"', context.get("body", "")))
    if modules:
        app.add_css_file("widgets.css")
        for script in explorer_scripts(*sorted(modules)):
            app.add_js_file(script, loading_method="defer")


def explorer_scripts(*modules: str) -> list[str]:
    """What a page with explorers of these modules loads, in this order."""
    needed = {library for module in modules for library in libraries_of(module)}
    libraries = [library for library in LIBRARIES if library in needed]
    return [*(f"widgets/{name}.js" for name in (*libraries, *modules)), "widgets.js"]


def bare_pages() -> dict[str, str]:
    """A page for each explorer, by the name of its file."""
    pages = {}
    for kind in (getattr(helpers.widgets, name) for name in helpers.widgets.__all__):
        name = kind._module.removesuffix("_explorer")
        if name not in ("", "frames"):  # neither the base nor figures over a slider
            explorer: BookWidget = kind()
            loads = "\n".join(
                f'<script src="../_static/{script}" defer></script>'
                for script in explorer_scripts(kind._module)
            )
            title = kind._module.replace("_", " ").capitalize()
            pages[f"{name}.html"] = BARE.format(title=title, scripts=loads, explorer=explorer.static_html())
    return pages


def write_bare_pages(app: Sphinx, failure: Exception | None) -> None:
    """Put them beside the book's pages."""
    if failure or app.builder.name != "html":
        return
    folder = Path(app.outdir) / "explorer"
    folder.mkdir(exist_ok=True)
    for name, page in bare_pages().items():
        (folder / name).write_text(page, encoding="utf-8")


def sign(page: str, static: Path) -> str:
    """Put the digests of files into those links of a page that have none."""

    def signed(link: re.Match[str]) -> str:
        content = (static / link[2]).read_bytes().replace(b"\r", b"")
        return f"{link[0]}?v={zlib.crc32(content):08x}"

    return UNSIGNED.sub(signed, page)


def lighten(app: Sphinx, failure: Exception | None) -> None:
    """Leave out what the theme brings and no reader needs: scripts of the pages, files beside them."""
    pages = Path(app.outdir)
    for path in pages.rglob("*.html"):
        page = path.read_text(encoding="utf-8")
        lighter = (ICONS if path.name == "search.html" else NEEDLESS).sub("", page)
        lighter = sign(lighter, pages / "_static")
        if lighter != page:
            path.write_text(lighter, encoding="utf-8")
    for path in [path for pattern in UNREAD for path in (pages / "_static").glob(pattern)]:
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def forget_words(app: Sphinx) -> list[tuple[str, dict[str, Any], str]]:
    """Drop from the index of the search what no page has any more; add no page.

    Sphinx goes on from the index of the build before, so that edited pages would leave their old words in it,
    and the same sources would give another file.
    """
    if indexer := getattr(app.builder, "indexer", None):
        for words in (indexer._mapping, indexer._title_mapping):
            for word in [word for word, pages in words.items() if not pages]:
                del words[word]
    return []


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.connect("html-page-context", add_assets)
    app.connect("html-collect-pages", forget_words)
    app.connect("build-finished", write_bare_pages)
    app.connect("build-finished", lighten)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
