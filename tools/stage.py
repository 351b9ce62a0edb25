"""Assemble in the build folder what jupyter-book reads. Nothing is ever written into the source tree."""

from __future__ import annotations

import base64
import contextlib
import filecmp
import hashlib
import importlib.metadata
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from helpers.data import DataUnavailable, packed_excerpt
from helpers.widgets import ConvolutionExplorer
from helpers.widgets.base import module_names, page_script, style_sheet
from helpers.widgets.page_networks import IMAGE_SETS

ROOT = Path(__file__).resolve().parent.parent
HTML = ROOT / "_build" / "html"
END = '";\n'  # of a script of images
DOWNLOADS = {  # what `make pdf` adds to the pages, and how the front page calls it
    "stride-and-padding.pdf": "as one PDF",
    "stride-and-padding.zip": "as a zip of these pages, to read without a network",
}
TEACHING = (  # the question bank, as `make teaching` calls its files
    "stride-and-padding-moodle.xml",
    "stride-and-padding-qti21.zip",
    "stride-and-padding.json",
    "stride-and-padding.schema.json",
)


def stage(destination: Path) -> bool:
    """Bring `destination` up to date with the sources; return whether a file that all pages load has changed.

    Files that are the same already are left alone, so that Sphinx reads again only what changed. The executed
    notebooks in `destination/notebooks` are `execute`'s.
    """
    pages = {Path(name): ROOT / name for name in ("_config.yml", "_toc.yml")} | tree("book")
    statics = tree("site") | mathjax()
    written = explorers() | image_scripts(destination)
    known: dict[str, Callable[[], str]] = {
        "downloads": downloads,
        "explorer": front_explorer,
        "findings": lambda: findings(destination),
        "misconceptions": misconceptions,
        "teaching": teaching,
    }
    changed = [copy_if_new(source, destination / target) for target, source in statics.items()]
    changed += [write_if_new(text, destination / target) for target, text in written.items()]
    for target, source in pages.items():
        write_if_new(filled(source.read_text(encoding="utf-8"), known), destination / target)
    kept = pages.keys() | statics.keys() | written.keys()
    for folder in ("book", "site"):
        removed = [
            path
            for path in (destination / folder).rglob("*")
            if path.is_file() and path.relative_to(destination) not in kept
        ]
        for path in removed:
            path.unlink()
    return any(changed)


def tree(folder: str) -> dict[Path, Path]:
    """Map each file below a source folder from its place in the stage."""
    return {path.relative_to(ROOT): path for path in sorted((ROOT / folder).rglob("*")) if path.is_file()}


def mathjax() -> dict[Path, Path]:
    """Map the few files of MathJax that the pages load; the package carries fifteen times as much."""
    package = "sphinx-mathjax-offline"
    wanted = ("tex-mml-chtml.js", "output/chtml/fonts/woff-v2/")
    inside = f"{package}/static/mathjax/"
    found = {
        Path("site/mathjax") / str(path).removeprefix(inside): Path(str(path.locate()))
        for path in importlib.metadata.files(package) or []
        if str(path).startswith(tuple(inside + name for name in wanted))
    }
    if not found:
        raise FileNotFoundError(
            f"{package} holds no MathJax where it is looked for; is another version installed?"
        )
    return found


def filled(page: str, known: Mapping[str, Callable[[], str]]) -> str:
    """Put what only a build knows in place of comments, which show nothing on GitHub."""
    for name, content in known.items():
        if (comment := f"<!-- {name} -->") in page:
            page = page.replace(comment, content())
    return page


def findings(destination: Path) -> str:
    """What the ledger has found, for the front page; nothing where no records are.

    It is kept in `destination`, and judged again only if chapter 14 was executed since.
    """
    from study.records import RECORDED

    if not RECORDED.is_dir():
        return ""
    kept, chapter = destination / "findings.html", destination / "notebooks" / "14_claims.ipynb"
    is_judged = kept.exists() and chapter.exists() and kept.stat().st_mtime_ns >= chapter.stat().st_mtime_ns
    if not is_judged:
        # Seconds to import, and seconds to judge: a build that finds all as it was need not wait for them.
        from study.ledger import judge_all, page

        unfinished = kept.with_suffix(".tmp")
        unfinished.write_text(
            page.headlines(judge_all(), ledger="../notebooks/14_claims.html").html, encoding="utf-8"
        )
        unfinished.replace(kept)  # a half of it would be taken for all, and for new
    return kept.read_text(encoding="utf-8")


def downloads() -> str:
    """What the front page says of the files that `make pdf` has put beside the pages, if it has."""
    links = [f'<a href="../{file}">{name}</a>' for file, name in DOWNLOADS.items() if (HTML / file).exists()]
    return f"Or download the book {' or '.join(links)}." if links else ""


def teaching() -> str:
    """Links to what `make teaching` has put beside the pages, if it has; for the page for teachers."""
    folder = HTML / "teaching"
    if not all((folder / name).exists() for name in TEACHING):
        return ""
    moodle, qti, plain, schema = (f'<a href="../teaching/{name}">{name}</a>' for name in TEACHING)
    bank = f"{moodle} for Moodle, {qti} for others, {plain} for programs, which {schema} describes"
    lines = [f"Here is the question bank: {bank}. And here are the sheets:", ""]
    for sheet in sorted(folder.glob("sheet-*-solutions.pdf")):
        name = sheet.name.removesuffix("-solutions.pdf")
        chapter = name.removeprefix("sheet-")
        files = {"sheet": f"{name}.pdf", "solutions": sheet.name}
        links = (f'<a href="../teaching/{file}">{what}</a>' for what, file in files.items())
        lines.append(f"- Chapter {int(chapter[:2])}, {{doc}}`../notebooks/{chapter}`: {', '.join(links)}")
    return "\n".join(lines)


def misconceptions() -> str:
    """The tables of misconceptions, for the page for teachers."""
    from helpers.teaching import misconception_tables  # Matplotlib, which no other page needs here

    return misconception_tables("../explorer")


def front_explorer() -> str:
    """The explorer of the front page, at the setting that its still figure shows."""
    return ConvolutionExplorer(input_size=8, stride=2).static_html()


def explorers() -> dict[Path, str]:
    """Map what the explorers' pages load to its text; `page_assets` says which page loads what."""
    scripts = {Path(f"site/widgets/{name}.js"): page_script(name) for name in module_names()}
    return scripts | {Path("site/widgets.css"): style_sheet()}


def image_scripts(destination: Path) -> dict[Path, str]:
    """Map the scripts of the images that pages train on to their text: drawn ones, MNIST's where it is had.

    They are made once for each state of what draws them, which takes seconds. They lie in the build folder
    alone.
    """
    sources = sorted((ROOT / "src" / "helpers" / "data").glob("*.py"))
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:16]
    scripts = {}
    for name in IMAGE_SETS:
        place, mark = Path(f"site/widgets/images/{name}.js"), f"// {digest}\n"
        kept = destination / place
        text = kept.read_text(encoding="utf-8") if kept.exists() else ""
        if text.startswith(mark) and text.endswith(END):  # a build may have been stopped
            scripts[place] = text
            continue
        with contextlib.suppress(DataUnavailable):  # then the page says that they do not lie beside it
            scripts[place] = mark + image_script(name, packed_excerpt(name))
    return scripts


def image_script(name: str, packed: bytes) -> str:
    """Packed images as a script: a page that is opened from the disk may load that, and fetch nothing."""
    return f'(window.BOOK_IMAGES ??= {{}})["{name}"] = "{base64.b64encode(packed).decode()}{END}'


def write_if_new(text: str, target: Path) -> bool:
    """Write a file unless it says so already; return whether it was written."""
    if target.exists() and target.read_text(encoding="utf-8") == text:
        return False
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text, encoding="utf-8")
    return True


def copy_if_new(source: Path, target: Path) -> bool:
    """Copy a file unless the copy is there already; return whether it was copied."""
    if target.exists() and filecmp.cmp(source, target, shallow=False):
        return False
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    return True
