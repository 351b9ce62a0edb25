"""The notebooks that readers open: what MyST says in roles and boxes, in Markdown that every host shows."""

import os
import time
from types import SimpleNamespace

import answers
import lab
import nbformat
import pytest
import reader_notebooks
from docutils import nodes
from docutils.utils import new_document
from nbformat import validate
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from pybtex.database import Entry, Person
from reader_notebooks import BookLinks, Place, address, markdown, names, plain

LATER = (time.time_ns() // 10**9 + 1_000) * 10**9  # than the code that writes


class Known:
    def reference(self, label, text):
        if label == "nowhere":
            raise ValueError("no label 'nowhere' in the book")
        return text or "Padding", f"03_padding.ipynb#{label}"

    def citation(self, key, *, in_brackets):
        return f"{key}, 2016" if in_brackets else f"{key} (2016)", f"https://example.org/{key}"

    def term(self, name, text):
        return text or name, f"../../book/glossary.html#term-{name}"


def shown(source, place=None, **values):
    return markdown(source, values=values, links=Known(), place=place or Place("3"))


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("It reads {glue:text}`share` pixels.", "It reads 12 % pixels."),
        ("See {ref}`chapter 3 <padding>`.", "See [chapter 3](03_padding.ipynb#padding)."),
        ("See {ref}`padding`.", "See [Padding](03_padding.ipynb#padding)."),
        ("broken {ref}`chapter\n3 <padding>` line", "broken [chapter 3](03_padding.ipynb#padding) line"),
        ("the {term}`taps <tap>`", "the [taps](../../book/glossary.html#term-tap)"),
        ("{cite:t}`one` says", "[one (2016)](https://example.org/one) says"),
        (
            "so {cite:p}`one,two`",
            "so [[one, 2016](https://example.org/one), [two, 2016](https://example.org/two)]",
        ),
        ("(padding)=\n# Padding", '<a id="padding"></a>\n\n# Padding'),
        ('<a href="#explorer=solver&amp;stride=2">at stride\n2</a> it is', "at stride\n2 it is"),
        ("$\\{a\\}$ and `{ref}` stay", "$\\{a\\}$ and `{ref}` stay"),
    ],
)
def test_a_sentence_says_what_the_page_says(source, expected):
    assert shown(source, share="12 %") == expected


def test_a_box_is_a_quote_without_its_options():
    source = "```{admonition} Commit to an answer first\n:class: tip\nHow many?\n\n- one\n```\nThen on."
    assert shown(source) == "> **Commit to an answer first.** How many?\n>\n> - one\nThen on."


def test_exercises_are_numbered_by_their_chapter_and_solutions_fold():
    place = Place("3")
    source = (
        "```{exercise}\n:label: ex-a\nCount.\n```\n\n"
        "```{solution-start} ex-a\n:class: dropdown\n```\n\nFive.\n\n"
        "```{solution-end}\n```\n\n```{exercise}\n:label: ex-b\nAgain.\n```"
    )
    text = shown(source, place)
    assert "> **Exercise 3.1.** Count." in text
    assert "> **Exercise 3.2.** Again." in text
    assert "<details><summary>Solution</summary>\n\n\nFive.\n\n\n</details>" in text
    assert not place.in_solution


def test_a_solution_that_spans_cells_is_folded_in_each():
    cells = [
        new_markdown_cell("# Title"),
        new_markdown_cell("```{solution-start} ex-a\n:class: dropdown\n```\n\nFive, by"),
        new_code_cell("output_size(7)", outputs=[new_output("execute_result", {"text/plain": "5"})]),
        new_markdown_cell("and so on.\n\n```{solution-end}\n```"),
        new_code_cell("after()"),
    ]
    made = plain(new_notebook(cells=cells), chapter="3", links=Known())
    first, code, last, after = made.cells[2:]
    assert first.source.startswith("<details>")
    assert first.source.rstrip().endswith("</details>")
    assert last.source.startswith("<details>")
    assert code.metadata["jupyter"] == {"source_hidden": True, "outputs_hidden": True}
    assert "jupyter" not in after.metadata


@pytest.mark.parametrize(
    ("html", "between", "is_folded"),
    [
        ("13", [], True),
        ("13", [new_markdown_cell("Look closely."), new_code_cell("quietly()")], True),
        ("13", [new_markdown_cell("## Another section")], False),
        ('<div class="book-widget">', [], False),
    ],
)
def test_what_comes_out_after_a_question_is_folded(html, between, is_folded):
    question = new_markdown_cell("```{admonition} Commit to an answer first\n:class: tip\nHow many?\n```")
    shown = [new_output("execute_result", {"text/html": html})]
    answer, later = (new_code_cell("count()", outputs=shown) for _ in range(2))
    made = plain(new_notebook(cells=[question, *between, answer, later]), chapter="3", links=Known())
    assert [cell.metadata.get("jupyter", {}) for cell in made.cells[-2:]] == [
        {"outputs_hidden": True} if is_folded else {},
        {},
    ]


@pytest.mark.parametrize("tag", ["hide-input", "remove-input", "remove-cell"])
def test_code_that_the_page_folds_is_folded(tag):
    cells = [
        new_markdown_cell("# Title"),
        new_code_cell("draw()", metadata={"tags": [tag]}),
        new_code_cell("x"),
    ]
    made = plain(new_notebook(cells=cells), chapter="3", links=Known())
    assert made.cells[2].metadata["jupyter"]["source_hidden"] is True
    assert made.cells[2].metadata["cellView"] == "form"
    assert "jupyter" not in made.cells[3].metadata


def test_numbers_go_into_sentences_and_live_views_without_a_kernel_go():
    handed = new_output(
        "display_data",
        {"application/papermill.record/text/plain": "'28, 14'"},
        metadata={"scrapbook": {"name": "sizes", "mime_prefix": "application/papermill.record/"}},
    )
    view = new_output("display_data", {reader_notebooks.WIDGET: {}, "text/html": "still"})
    cells = [new_markdown_cell("{glue:text}`sizes`"), new_code_cell("say()", outputs=[handed, view])]
    made = plain(new_notebook(cells=cells), chapter="3", links=Known())
    validate(made)
    assert made.cells[0].source == "28, 14"
    assert [dict(output.data) for output in made.cells[2].outputs] == [{"text/html": "still"}]


def test_an_explorer_without_its_script_is_its_words_and_how_to_get_it():
    waiting = (
        '<div class="book-widget" data-module="frames" data-state=\'{"index":0}\'>'
        "<p>A line. With JavaScript, more.</p></div>"
    )
    views = [new_output("display_data", {reader_notebooks.WIDGET: {}, "text/html": waiting})]
    views.append(new_output("display_data", {reader_notebooks.WIDGET: {}, "text/plain": "Panel()"}))
    cells = [new_markdown_cell("# Title"), new_code_cell("show()", outputs=views)]
    explorer, panel = plain(new_notebook(cells=cells), chapter="3", links=Known()).cells[2].outputs
    assert explorer.data == {"text/html": f"<div><p>A line.</p></div>{reader_notebooks.LIVE}"}
    assert panel.data["text/html"] == reader_notebooks.LIVE


def test_a_figure_is_its_pixels_and_its_caption_since_github_shows_no_image_in_html():
    data = {"text/html": "<figure><img><figcaption>5 &lt; 6</figcaption></figure>", "text/plain": "words"}
    told = {"image/png": {"width": 700, "height": 300, "alt": "words"}}
    figures = [new_output("execute_result", data | {"image/png": "aGk="}, metadata=told)]
    figures.append(new_output("execute_result", {"text/html": "<figure><img></figure>", "image/png": "aGk="}))
    cells = [new_markdown_cell("# Title"), new_code_cell("figure()", outputs=figures)]
    made = plain(new_notebook(cells=cells), chapter="3", links=Known())
    validate(made)
    first, caption, second = made.cells[2].outputs
    assert first.data == {"text/plain": "words", "image/png": "aGk="}
    assert first.metadata == told
    assert caption.data == {"text/html": "<p>5 &lt; 6</p>", "text/plain": "5 < 6"}
    assert second.data == {"image/png": "aGk="}


def test_what_the_numbers_are_of_is_said_where_the_parameters_stand():
    cells = [
        new_markdown_cell("# Title"),
        new_code_cell("figure()"),
        new_markdown_cell("- **You will do:** it"),
    ]
    cells.append(new_code_cell("SIZE = 28", metadata={"tags": ["parameters"]}))
    made = plain(new_notebook(cells=cells), chapter="3", links=Known())
    assert [cell.id for cell in made.cells[3:]] == ["about-the-numbers", cells[-1].id]


def test_a_notebook_is_written_when_it_or_the_book_has_changed(tmp_path):
    stage, out = tmp_path / "stage", tmp_path / "html"
    source = stage / "notebooks" / "03_padding.ipynb"
    target = out / reader_notebooks.FOLDER / source.name
    source.parent.mkdir(parents=True)
    app = book_of_two_pages(builder=SimpleNamespace(name="html"), srcdir=stage, outdir=out)
    writer = reader_notebooks.Writer()

    def built(documents):
        """Whether a build that reads these pages writes the notebook, and whether it is another one then."""
        before = target.read_text() if target.exists() else ""
        if before:
            os.utime(target, ns=(LATER, LATER))
        writer.begin(app, app.env, documents)
        writer.write(app, None)
        return target.stat().st_mtime_ns != LATER, target.read_text() != before

    def change(text):
        source.write_text(nbformat.writes(new_notebook(cells=[new_markdown_cell(text)])))
        os.utime(source, ns=(LATER - 1, LATER - 1))

    change("# One")
    assert built([]) == (True, True)
    assert built([]) == (False, False)
    assert built(["book/data"]) == (False, False)
    change("# Two")
    assert built(["notebooks/03_padding"]) == (True, True)
    target.unlink()
    assert built([]) == (True, True)


def test_a_link_in_an_output_leads_where_those_of_sentences_do():
    output = new_output("display_data", {"text/html": '<a href="03_padding.ipynb#padding">3</a>'})
    cells = [new_markdown_cell("# Title"), new_code_cell("show()", outputs=[output])]
    made = plain(new_notebook(cells=cells), chapter="3", links=book_links("https://example.org/book/"))
    assert made.cells[2].outputs[0].data == {
        "text/html": '<a href="https://example.org/book/notebooks/03_padding.html#padding">3</a>'
    }


@pytest.mark.parametrize(
    ("chapter", "title"), [("3", "# 3. Padding\n# a comment"), ("errata", "# Padding\n# a comment")]
)
def test_a_chapter_has_its_number(chapter, title):
    cells = [new_markdown_cell("(padding)=\n# Padding\nWhy."), new_markdown_cell("## 1 of 2")]
    made = plain(new_notebook(cells=cells), chapter=chapter, links=Known())
    assert title.split("\n")[0] in made.cells[0].source.split("\n")
    assert made.cells[2].source == "## 1 of 2"


def book_of_two_pages(published="", **more):
    """What Sphinx would know of it."""
    labels = {
        "padding": ("notebooks/03_padding", "padding", "Padding"),
        "same": ("notebooks/03_padding", "same", "Four same"),
    }
    labels["data"] = ("book/data", "data", "Data")
    entry = Entry("misc", {"year": "2016"}, persons={"author": [Person("Dumoulin, Vincent")]})
    data = SimpleNamespace(entries={"guide": entry})
    env = SimpleNamespace(
        domaindata={"std": {"labels": labels}},
        titles={"notebooks/03_padding": SimpleNamespace(astext=lambda: "Padding")},
        get_domain=lambda _: SimpleNamespace(bibdata=SimpleNamespace(data=data)),
    )
    env.found_docs = {"notebooks/03_padding", "book/data"}
    return SimpleNamespace(env=env, config=SimpleNamespace(html_baseurl=published), **more)


def book_links(published=""):
    return BookLinks(book_of_two_pages(published))


def test_links_lead_to_the_files_beside_or_to_the_published_book():
    beside, published = book_links(), book_links("https://example.org/book/")
    assert beside.reference("padding", "chapter 3") == ("chapter 3", "03_padding.ipynb#3.-Padding")
    assert beside.reference("same", "") == ("Four same", "03_padding.ipynb#Four-same")
    assert beside.reference("data", "") == ("Data", "../../book/data.html#data")
    assert beside.term("a map", "maps") == ("maps", "../../book/glossary.html#term-a-map")
    assert beside.citation("guide", in_brackets=True) == ("Dumoulin, 2016", "../../book/bibliography.html")
    page = "https://example.org/book/notebooks/03_padding.html#same"
    assert published.reference("same", "there") == ("there", page)


def test_what_a_reader_has_changed_in_the_lab_is_kept(tmp_path):
    given, mine = tmp_path / "given", tmp_path / "mine"
    given.mkdir()
    for name in ("one", "two"):
        (given / f"{name}.ipynb").write_text("[page](../../book/data.html)")
    assert lab.give(given, mine) == []
    assert (mine / "one.ipynb").read_text() == "[page](../html/book/data.html)"
    (mine / "one.ipynb").write_text("my notes")
    assert lab.give(given, mine) == [], "the book has nothing newer"
    for name in ("one", "two"):
        (given / f"{name}.ipynb").write_text("newer")
    assert lab.give(given, mine) == ["one.ipynb"]
    assert [(mine / f"{name}.ipynb").read_text() for name in ("one", "two")] == ["my notes", "newer"]
    (mine / "one.ipynb").unlink()
    assert lab.give(given, mine) == []
    assert (mine / "one.ipynb").read_text() == "newer"


@pytest.mark.parametrize(
    ("source", "named"),
    [
        ("{glue:text}`nothing`", "no code hands over the number 'nothing'"),
        ("{ref}`nowhere`", "no label 'nowhere'"),
        ("{numref}`fig`", "no plain form of the role 'numref'"),
        ("```{figure} x.png\n```", "no plain form of the directive 'figure'"),
    ],
)
def test_what_has_no_plain_form_stops_the_build_and_names_the_cell(source, named):
    with pytest.raises(ValueError, match=f"cell 0: {named}"):
        plain(new_notebook(cells=[new_markdown_cell(source)]), chapter="3", links=Known())


def test_sources_are_named_by_their_authors_and_lead_to_their_address():
    one, two, three = Person("Dumoulin, Vincent"), Person("van Gemert, Jan C."), Person("Olah, Chris")
    assert names([one]) == "Dumoulin"
    assert names([one, two]) == "Dumoulin and van Gemert"
    assert names([one, two, three]) == "Dumoulin et al."
    assert address(Entry("misc", {"note": "arXiv:1603.07285"})) == "https://arxiv.org/abs/1603.07285"
    assert address(Entry("misc", {"doi": "10.1/x", "note": "arXiv:1603.07285"})) == "https://doi.org/10.1/x"
    assert address(Entry("misc", {"title": "untitled"})) == ""


def page_of(*cells):
    """A document with a section of these parts, as Sphinx reads it."""
    document, section = new_document("page"), nodes.section()
    document += section
    section += list(cells)
    return document


def box(title):
    return nodes.admonition("", nodes.title("", title), nodes.paragraph("", "How many?"))


def cell(shown):
    output = nodes.container("", nodes.raw("", shown, format="html"), classes=["cell_output"])
    return nodes.container("", output, classes=["cell"])


@pytest.mark.parametrize(
    ("parts", "folded"),
    [
        ([box(answers.QUESTION), cell("13"), cell("14")], ["13"]),
        ([box(answers.QUESTION), nodes.paragraph("", "Look."), cell("13")], ["13"]),
        ([box("Note"), cell("13")], []),
        ([box(answers.QUESTION), box("Note"), cell("13")], []),
        ([box(answers.QUESTION), cell('<div class="book-widget">')], []),
        ([box(answers.QUESTION), nodes.section("", cell("13"))], []),
    ],
)
def test_a_page_folds_the_answer_to_each_question(parts, folded):
    document = page_of(*[part.deepcopy() for part in parts])
    answers.fold_answers(None, document)
    raw = [each.astext() for each in document.findall(nodes.raw)]
    opened = [index for index, text in enumerate(raw) if text == answers.FOLD]
    assert [raw[index + 1] for index in opened] == folded
    assert [raw[index + 2] for index in opened] == ["</details>"] * len(folded)
