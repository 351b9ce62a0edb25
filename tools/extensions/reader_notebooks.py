"""Sphinx extension: beside each chapter's page lies its notebook as every host can show it.

The sources are MyST: a number in a sentence is a role, a link is a role, a box is a directive. Only the page
shows these. So the build writes another notebook from the executed one: numbers stand in the sentences, links
are Markdown, boxes are quotes, solutions are folded, and the code of figures is hidden.
It needs no extension in JupyterLab, VS Code, Colab, nbviewer or on GitHub.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

import nbformat
from answers import OPEN, QUESTION
from nbformat import NotebookNode
from notebook_links import LINK
from pybtex.database import Entry, Person
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

FOLDER = "_sources/notebooks"  # where the download button of a page leads
PAGES = "../.."  # from there
FOLDED = {"hide-input", "remove-input", "hide-cell", "remove-cell"}  # code that the page hides or folds
WIDGET = "application/vnd.jupyter.widget-view+json"  # a live view, dead without the kernel that made it
HIDDEN = {"hide-output", "hide-cell"}  # outputs that the page folds
PLACEHOLDER = re.compile(r"<div class=\"book-widget\"[^']*'[^']*'>")  # which a script of the pages would draw
PIXELS = "image/png"  # of a figure, beside its HTML
CAPTION = re.compile(r"<figcaption>([^<]*)</figcaption>")
SCRIPTED = re.compile(r"\s*With JavaScript, [^<]*")
LIVE = "<p><em>Run this cell, in Jupyter, VS Code or Colab, and it is live.</em></p>"

FIRST = """\
> **The numbers in the sentences** are those of the run that made this notebook, with the parameters as they
> stand below. Change a parameter and run on: outputs follow, sentences do not."""

_UNQUOTED = "?/:@!$&'()*+,;="  # in an address of a heading, as nbconvert and JupyterLab both read it
_STRAIGHT = str.maketrans("\u201c\u201d\u2018\u2019", "\"\"''")  # quotes as a notebook's heading has them

Link = tuple[str, str]
"""Text and address of a link."""


class Links(Protocol):
    """What a sentence may point to."""

    def reference(self, label: str, text: str) -> Link:
        """A label of the book, with the text that the sentence gives it, or with its title."""

    def citation(self, key: str, *, in_brackets: bool) -> Link:
        """An entry of the bibliography."""

    def term(self, name: str, text: str) -> Link:
        """An entry of the glossary."""


@dataclass
class Place:
    """Where in a notebook a conversion stands: exercises are counted, solutions and questions span cells."""

    chapter: str
    exercises: int = 0
    in_solution: bool = False
    is_asked: bool = False  # a question whose answer has not come yet


def plain(executed: NotebookNode, *, chapter: str, links: Links) -> NotebookNode:
    """The notebook for every host, from the executed one.

    Args:
        executed: with the outputs that carry the numbers of its sentences.
        chapter: what its exercises are numbered by, such as "10".
        links: where its references lead.

    Raises:
        ValueError: for a role, a directive or a number that is not known, with the cell it stands in.
    """
    notebook: NotebookNode = nbformat.from_dict(executed)
    values, place = spoken(notebook), Place(chapter)
    for index, cell in enumerate(notebook.cells):
        try:
            if cell.cell_type == "markdown":
                place.is_asked &= not re.search(r"^#|^[`:]{3,}\{admonition", cell.source, flags=re.MULTILINE)
                place.is_asked |= QUESTION in cell.source
                cell.source = markdown(cell.source, values=values, links=links, place=place)
            elif cell.cell_type == "code":
                fold(cell, is_solution=place.in_solution)
                if place.is_asked and cell.outputs:
                    place.is_asked = False
                    fold_answer(cell)
                cell.outputs = [shown for output in cell.outputs for shown in still(output, links)]
        except ValueError as error:
            raise ValueError(f"cell {index}: {error}") from error
    notebook.cells = [cell for cell in notebook.cells if cell.cell_type == "code" or cell.source.strip()]
    head = notebook.cells[0]
    head.source = re.sub(
        r"^# (.*)", lambda title: f"# {numbered(title[1], chapter)}", head.source, flags=re.M
    )
    notebook.cells.insert(_parameters(notebook), nbformat.v4.new_markdown_cell(FIRST, id="about-the-numbers"))
    return notebook


def _parameters(notebook: NotebookNode) -> int:
    """Where the cell of parameters stands; behind the title if there is none."""
    tagged = ("parameters" in cell.metadata.get("tags", ()) for cell in notebook.cells)
    return next((index for index, is_it in enumerate(tagged) if is_it), 1)


def numbered(title: str, chapter: str) -> str:
    """The title of a chapter with its number; what is no chapter has none.

    >>> numbered("Padding", "3"), numbered("Errata", "errata")
    ('3. Padding', 'Errata')
    """
    return f"{chapter}. {title}" if chapter.isdigit() else title


def chapter_of(name: str) -> str:
    """The number of a chapter, from the name of its notebook: the "3" of `03_padding`."""
    return name.split("_")[0].lstrip("0")


def spoken(notebook: NotebookNode) -> dict[str, str]:
    """The numbers that code has handed to sentences, by name."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    return {
        output.metadata["scrapbook"]["name"]: str(
            output.data.get("application/papermill.record/text/plain", "")
        ).strip("'\"")
        for output in outputs
        if "scrapbook" in output.get("metadata", {})
    }


def markdown(source: str, *, values: Mapping[str, str], links: Links, place: Place) -> str:
    """Markdown that needs no extension.

    Raises:
        ValueError: for a role, a directive or a number that is not known.
    """
    text = re.sub(r"^\(([\w-]+)\)=$", r'<a id="\1"></a>\n', source, flags=re.MULTILINE)
    text = re.sub(r'<a\s+href="#explorer=[^"]*">([^<]*)</a>', r"\1", text)  # only a page sets its explorer so
    text = _directives(text, place)
    roles: dict[str, Callable[[str], str]] = {
        "glue:text": lambda name: _value(values, name),
        "ref": lambda content: _linked(links.reference(*_split(content))),
        "term": lambda content: _linked(links.term(*_split(content))),
        "cite:t": lambda keys: _cited(links, keys, in_brackets=False),
        "cite:p": lambda keys: _cited(links, keys, in_brackets=True),
    }

    def role(found: re.Match[str]) -> str:
        if found[1] not in roles:
            raise ValueError(f"no plain form of the role {found[1]!r}")
        return roles[found[1]](re.sub(r"\s+", " ", found[2]))

    return re.sub(r"\{([\w:]+)\}`([^`]*)`", role, text)


def fold(cell: NotebookNode, *, is_solution: bool = False) -> None:
    """Hide what the page folds and the whole of a solution; drop what was only for sentences."""
    tags = set(cell.metadata.get("tags", ()))
    if is_solution or tags & FOLDED:
        cell.metadata.setdefault("jupyter", {})["source_hidden"] = True
        cell.metadata["cellView"] = "form"  # Colab's word for it
    if is_solution or tags & HIDDEN:
        cell.metadata.setdefault("jupyter", {})["outputs_hidden"] = True
    cell.outputs = [output for output in cell.outputs if "scrapbook" not in output.get("metadata", {})]


def fold_answer(cell: NotebookNode) -> None:
    """Hide what comes out after a question, as the page does."""
    shown = "".join(output.get("data", {}).get("text/html", "") for output in cell.outputs)
    if not any(mark in shown for mark in OPEN):
        cell.metadata.setdefault("jupyter", {})["outputs_hidden"] = True


def still(output: NotebookNode, links: Links) -> list[NotebookNode]:
    """What an output becomes: a view that needs its kernel, what needs none; a figure in HTML, its pixels.

    GitHub shows no image inside HTML. Links in an output lead where those in sentences do.
    """
    data = output.get("data", {})
    if data.pop(WIDGET, None) is not None:
        data.setdefault("text/html", LIVE)
    if "text/html" not in data:
        return [output]
    if PLACEHOLDER.search(data["text/html"]):
        data["text/html"] = SCRIPTED.sub("", PLACEHOLDER.sub("<div>", data["text/html"])) + LIVE
    data["text/html"] = LINK.sub(
        lambda link: f'href="{html.escape(links.reference(link[2], "")[1])}"', data["text/html"]
    )
    if PIXELS not in data:
        return [output]
    caption = CAPTION.search(data.pop("text/html"))
    return [output, *([_words(caption[1])] if caption else [])]


def _words(escaped: str) -> NotebookNode:
    """An output of words alone, given as HTML has them."""
    said = {"text/html": f"<p>{escaped}</p>", "text/plain": html.unescape(escaped)}
    output: NotebookNode = nbformat.v4.new_output("display_data", said)
    return output


def _value(values: Mapping[str, str], name: str) -> str:
    if name not in values:
        raise ValueError(f"no code hands over the number {name!r}")
    return values[name]


def _split(content: str) -> tuple[str, str]:
    """Target and text of a role: "text <target>", or the target alone."""
    found = re.fullmatch(r"(.*?)\s*<([^>]+)>", content)
    return (found[2], found[1]) if found else (content, "")


def _linked(link: Link) -> str:
    text, address = link
    return f"[{text}]({address})"


def _cited(links: Links, keys: str, *, in_brackets: bool) -> str:
    cited = [_linked(links.citation(key.strip(), in_brackets=in_brackets)) for key in keys.split(",")]
    return f"[{', '.join(cited)}]" if in_brackets else ", ".join(cited)


def _directives(text: str, place: Place) -> str:
    """Boxes as quotes; a solution as a fold, which ends with each cell, since no fold spans two."""
    lines, out, closing = text.split("\n"), [], ""
    if place.in_solution:
        out += ["<details><summary>Solution</summary>", ""]
    inside: list[str] | None = None
    for line in lines:
        opened = re.fullmatch(r"(`{3,}|:{3,})\{([\w-]+)\}\s*(.*)", line)
        if inside is None and opened:
            closing, inside = opened[1], [_title(opened[2], opened[3], place)]
        elif inside is not None and line == closing:
            out += _ended(inside, place)
            inside = None
        elif inside is not None:
            if not re.fullmatch(r":[\w-]+:.*", line):
                inside.append(line)
        else:
            out.append(line)
    if place.in_solution:
        out += ["", "</details>"]
    return _without_empty_folds("\n".join(out))


def _title(name: str, argument: str, place: Place) -> str:
    if name == "admonition":
        return f"**{argument}.**"
    if name == "exercise":
        place.exercises += 1
        return f"**Exercise {place.chapter}.{place.exercises}.**"
    if name in ("solution-start", "solution-end"):
        return name
    raise ValueError(f"no plain form of the directive {name!r}")


def _ended(inside: list[str], place: Place) -> list[str]:
    """The lines of a box that has been closed."""
    if inside[0] == "solution-start":
        place.in_solution = True
        return ["<details><summary>Solution</summary>", ""]
    if inside[0] == "solution-end":
        place.in_solution = False
        return ["", "</details>"]
    body = "\n".join(inside[1:]).strip("\n")
    return [f"> {line}".rstrip() for line in f"{inside[0]} {body}".split("\n")]


def _without_empty_folds(text: str) -> str:
    return re.sub(r"<details><summary>Solution</summary>\s*</details>\n?", "", text)


class BookLinks:
    """What Sphinx knows of the book.

    A published book has an address, and links lead there, which works wherever a notebook is opened. Without
    one they lead to the notebook beside, or to the page.
    """

    def __init__(self, app: Sphinx) -> None:
        self._published = app.config.html_baseurl.rstrip("/")
        self._titles = app.env.titles
        self._labels: Mapping[str, tuple[str, str, str]] = app.env.domaindata["std"]["labels"]
        self._bibliography = app.env.get_domain("cite").bibdata.data.entries  # type: ignore[attr-defined]

    def reference(self, label: str, text: str) -> Link:
        """To the section of another notebook, or of a page."""
        if label not in self._labels:
            raise ValueError(f"no label {label!r} in the book")
        document, anchor, title = self._labels[label]
        if self._published or not document.startswith("notebooks/"):
            return text or title, self._page(document, anchor)
        name = document.removeprefix("notebooks/")
        heading = numbered(title, chapter_of(name)) if title == self._titles[document].astext() else title
        typed = heading.translate(_STRAIGHT).replace(" ", "-")
        return text or title, f"{name}.ipynb#{quote(typed, safe=_UNQUOTED)}"

    def term(self, name: str, text: str) -> Link:
        """To the glossary's page."""
        anchor = re.sub(r"\W+", "-", name)
        return text or name, self._page("book/glossary", f"term-{anchor}")

    def citation(self, key: str, *, in_brackets: bool) -> Link:
        """To the address of the source, or where it has none to the bibliography."""
        if key not in self._bibliography:
            raise ValueError(f"no source {key!r} in the bibliography")
        entry = self._bibliography[key]
        year = entry.fields.get("year", "")
        text = f"{names(entry.persons.get('author', []))}{f', {year}' if in_brackets else f' [{year}]'}"
        return text, address(entry) or self._page("book/bibliography", "")

    def _page(self, document: str, anchor: str) -> str:
        return f"{self._published or PAGES}/{document}.html" + (f"#{anchor}" if anchor else "")


def names(authors: list[Person]) -> str:
    """As a sentence calls the authors.

    >>> names([Person("Dumoulin, Vincent"), Person("Visin, Francesco")])
    'Dumoulin and Visin'
    """
    last = [" ".join([*person.prelast_names, *person.last_names]).strip("{}") for person in authors]
    return f"{last[0]} et al." if len(last) > 2 else " and ".join(last)


def address(entry: Entry) -> str:
    """Where a source can be read; empty if the bibliography does not say."""
    fields = entry.fields
    if "url" in fields:
        return str(fields["url"])
    if "doi" in fields:
        return f"https://doi.org/{fields['doi']}"
    arxiv = re.search(r"arXiv:(\d{4}\.\d{4,5})", fields.get("note", ""))
    return f"https://arxiv.org/abs/{arxiv[1]}" if arxiv else ""


class Writer:
    """Puts the plain notebooks where the pages' download buttons lead, those that are not there already."""

    def __init__(self) -> None:
        self._is_read_anew = True

    def begin(self, app: Sphinx, env: BuildEnvironment, documents: list[str]) -> None:
        """Note whether any page is read: then a link of any notebook may lead elsewhere."""
        self._is_read_anew = bool(documents)

    def write(self, app: Sphinx, failure: Exception | None) -> None:
        """Write what is older than what it is made of, or after a change of the book another text."""
        if failure or app.builder.name != "html":
            return
        links = BookLinks(app)
        for document in sorted(app.env.found_docs):
            source = Path(app.srcdir) / f"{document}.ipynb"
            target = Path(app.outdir) / FOLDER / source.name
            if source.exists() and (self._is_read_anew or not _is_newer(target, source)):
                text = made_of(source, links)
                if not target.exists() or target.read_text(encoding="utf-8") != text:
                    target.parent.mkdir(parents=True, exist_ok=True)
                    target.write_text(text, encoding="utf-8")


def made_of(source: Path, links: Links) -> str:
    """The text of the plain notebook of an executed one.

    Raises:
        ValueError: for what has no plain form, with the name of the notebook and the cell.
    """
    try:
        made = plain(nbformat.read(source, as_version=4), chapter=chapter_of(source.stem), links=links)
    except ValueError as error:
        raise ValueError(f"{source.name}, {error}") from error
    return f"{nbformat.writes(made)}\n"


def _is_newer(target: Path, source: Path) -> bool:
    made_by = source, Path(__file__)
    return target.exists() and target.stat().st_mtime_ns > max(path.stat().st_mtime_ns for path in made_by)


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    writer = Writer()
    app.connect("env-before-read-docs", writer.begin)
    app.connect("build-finished", writer.write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
