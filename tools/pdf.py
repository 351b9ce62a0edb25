"""Print the built book as one PDF and pack its pages into a zip; `make pdf`, after `make book`.

Jupyter Book joins all chapters to a single page, and Chromium prints it: bookmarks, tags and drawn math come
from the browser. Both files go beside the pages, which then link to them.
"""

from __future__ import annotations

import shutil
import sys
import time
import zipfile
from pathlib import Path

import browser
from build import BUILD, ROOT, alone, build_pages, run_jupyter_book
from playwright.sync_api import Browser, sync_playwright
from stage import DOWNLOADS, downloads

SINGLE = BUILD / "single"
HTML = BUILD / "html"
PDF, ZIP = (HTML / name for name in DOWNLOADS)
LEFT_OUT = {*DOWNLOADS, ".buildinfo", "objects.inv"}  # of the zip: itself, the PDF, and what Sphinx reads

PREPARE = (Path(__file__).parent / "print.js").read_text(encoding="utf-8")


def main() -> int:
    """Make both files, link them, and say where they are; return the exit status."""
    chromium = browser.find()
    if chromium is None:
        print(f"the PDF was not made: {browser.ADVICE}", file=sys.stderr)
        return 1
    with alone():
        return make(chromium)


def make(chromium: str) -> int:
    """Make both files with the browser of that path."""
    start = time.perf_counter()
    if status := join_pages():
        return status
    with sync_playwright() as playwright:
        instance = playwright.chromium.launch(executable_path=chromium, args=browser.FLAGS)
        print_page(instance, SINGLE / "_build" / "singlehtml" / "book.html", PDF)
    if not ZIP.exists():
        pack(HTML, ZIP)  # so that the front page links to it; the pages with that link are packed below
    if status := build_pages():
        return status
    pack(HTML, ZIP)
    for path in (PDF, ZIP):
        print(f"{path.relative_to(ROOT)}: {path.stat().st_size / 1e6:.1f} MB")
    print(f"done after {time.perf_counter() - start:.0f} s")
    return 0


def join_pages() -> int:
    """Write the whole book as one page; return the exit status of jupyter-book."""
    status = run_jupyter_book("--builder", "singlehtml", output=SINGLE)
    if not status:
        # Sphinx writes it into the folder of the first page, with addresses relative to the root.
        pages = SINGLE / "_build" / "singlehtml"
        shutil.copyfile(pages / "book" / "intro.html", pages / "book.html")
    return status


def print_page(chromium: Browser, source: Path, target: Path, *, footer: str = "") -> None:
    """Let Chromium print a page as a tagged PDF with bookmarks; it appears whole or not at all.

    A footer is HTML that Chromium puts below each page, in which it counts them.
    """
    page = chromium.new_page()
    page.goto(source.as_uri(), wait_until="load", timeout=120_000)
    page.evaluate("() => window.MathJax?.startup?.promise")
    page.evaluate(PREPARE)
    page.emulate_media(media="print")
    unfinished = target.with_suffix(".tmp")
    page.pdf(
        path=str(unfinished),
        format="A4",
        scale=0.8,  # letters of 9.6 points, and lines of code that fit
        print_background=True,
        tagged=True,
        outline=True,
        display_header_footer=bool(footer),
        header_template="<span></span>",
        footer_template=footer,
        margin={"top": "18mm", "bottom": "18mm", "left": "16mm", "right": "16mm"},
    )
    page.close()
    unfinished.replace(target)


def pack(folder: Path, target: Path) -> None:
    """Pack the pages into a zip that opens from the disk; it appears whole or not at all.

    Its front page does not offer the downloads, which are not in it.
    """
    unfinished = target.with_suffix(".tmp")
    offer, front = downloads(), folder / "book" / "intro.html"
    with zipfile.ZipFile(unfinished, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            name = Path(folder.name, path.relative_to(folder))
            if path == front:
                archive.writestr(str(name), path.read_text(encoding="utf-8").replace(offer, ""))
            elif path.is_file() and path.name not in LEFT_OUT | {unfinished.name}:
                archive.write(path, name)
    unfinished.replace(target)


if __name__ == "__main__":
    raise SystemExit(main())
