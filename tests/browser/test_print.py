"""On paper: what a printed page leaves out, and the whole book as a PDF."""

import re

import pdf  # of tools
import pytest
from explorer_page import ROOT

QUIZ = """
<div class="Quiz"><div class="MultipleChoiceQn"><div>How many?</div></div>
<label class="MCButton" data-correct="false" data-feedback="Count again.">Six</label>
<label class="MCButton" data-correct="true" data-feedback="Three by three.">Nine</label></div>
"""
CHAPTER = """
<span id="document-notebooks/0NUMBER_name"></span>
<section id="chapter-NUMBER"><h2>Chapter NUMBER of the book, with a name that is long</h2>
<p>See <a href="book/intro.html#chapter-2">chapter 2</a> and <a href="book/intro.html#id1">a source</a>.</p>
<section id="idNUMBER"><h3>Exercises</h3><div class="solution admonition toggle-hidden">
<button class="toggle-button toggle-button-hidden" onclick="this.className = 'toggle-button';
this.parentElement.classList.remove('toggle-hidden')">Show</button>
<p>Solution NUMBER</p></div></section>
<section><h3>Quiz</h3><div data-numquestions="1">QUIZ</div></section>
TEXT</section>
"""
TEXT = "".join(f"<h3>Part {part}</h3><p>{'Words. ' * 150}</p>" for part in range(12))
BOOK = f"""<!doctype html><html lang="en" data-theme="light"><meta charset="utf-8"><title>A book</title>
<link rel="stylesheet" href="book.css"><script src="accessibility.js"></script>
<style>h1, h2, h3 {{ break-after: avoid; }} .bd-main .bd-content table {{ break-inside: avoid; }}
.MultipleChoiceQn {{ background: #123; color: #fff; }}</style>
<main class="bd-main"><div class="bd-content"><article><section><h1>A book</h1>
<details><summary>The answer</summary><p>Thirteen.</p></details>
<details class="hide"><summary>Code</summary><p>draw()</p></details>
<div class="book-widget"><div class="book-explorer">
<div class="settings">sliders</div><p>drawing</p></div></div>
<div class="ledger"><table><tr><th scope="rowgroup">A source</th></tr><tr><td>A claim</td></tr>
<tfoot><tr><td>In all</td></tr></tfoot></table></div>
{"".join(CHAPTER.replace("NUMBER", number) for number in "12").replace("QUIZ", QUIZ).replace("TEXT", TEXT)}
<div class="citation" id="id1">Somebody 2020</div>
</section></article></div></main></html>
"""


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    folder = tmp_path_factory.mktemp("book")
    for name in ("book.css", "accessibility.js"):
        (folder / name).write_text((ROOT / "site" / name).read_text())
    (folder / "book.html").write_text(BOOK)
    return folder / "book.html"


@pytest.fixture
def paper(chromium, book):
    page = chromium.new_page()
    page.goto(book.as_uri())
    page.emulate_media(media="print")
    yield page
    page.close()


def test_what_is_folded_away_is_not_printed(paper):
    printed = paper.locator("article").inner_text()
    assert "Nine" in printed
    assert not re.search(r"The answer|Thirteen|Code|draw\(\)|Solution \d|Show", printed)
    paper.locator("details").first.evaluate("element => { element.open = true; }")
    assert "Thirteen" in paper.locator("article").inner_text()


def test_an_explorer_leaves_its_drawing(paper):
    assert paper.locator(".book-widget").inner_text().strip() == "drawing"


def test_a_long_table_breaks_between_its_rows_and_not_behind_a_heading(paper):
    styles = paper.locator(".ledger").evaluate(
        """element => ["table", "tr", "tr + tr", "tfoot"].map((name) => {
            const { breakInside, breakAfter, display } = getComputedStyle(element.querySelector(name));
            return [breakInside, breakAfter, display];
        })"""
    )
    assert styles == [
        ["auto", "auto", "table"],
        ["avoid", "avoid", "table-row"],
        ["avoid", "auto", "table-row"],
        ["avoid", "auto", "table-row-group"],  # else the total would stand on every page
    ]


def test_no_empty_page_is_made_by_a_margin_at_the_end_of_a_chapter(paper):
    last = paper.locator("section > :last-child").evaluate_all(
        "elements => elements.map((element) => getComputedStyle(element).marginBottom)"
    )
    assert last
    assert set(last) == {"0px"}


def test_a_question_is_dark_on_white_and_has_a_number(paper):
    question = paper.locator(".MultipleChoiceQn").nth(1)
    colors = question.evaluate(
        "element => ['color', 'backgroundColor'].map((name) => getComputedStyle(element)[name])"
    )
    assert colors == ["rgb(0, 0, 0)", "rgba(0, 0, 0, 0)"]
    number = question.evaluate("element => getComputedStyle(element.firstElementChild, '::before').content")
    assert number == 'counter(question) ". "'


def test_paper_is_white_whatever_the_theme(paper):
    themes = paper.evaluate(
        """() => {
            const { dataset } = document.documentElement;
            dataset.theme = "dark";
            return ["beforeprint", "afterprint"].map((name) => {
                dispatchEvent(new Event(name));
                return dataset.theme;
            });
        }"""
    )
    assert themes == ["light", "dark"]


def test_the_book_ends_each_chapter_with_its_solutions_and_answers(paper):
    paper.evaluate(pdf.PREPARE)
    for number in (1, 2):
        chapter = paper.locator(f"#chapter-{number}").inner_text()
        order = ["Exercises", "How many", "Part 11", "Solutions", f"Solution {number}", "Answers to the quiz"]
        places = [chapter.index(part) for part in [*order, "Nine. Three by three."]]
        assert places == sorted(places)
        assert chapter.count("Solution ") == 1
        answers = paper.locator(f"#chapter-{number} .answers")
        assert answers.evaluate("element => getComputedStyle(element).breakInside") == "avoid"
    printed = paper.locator("article").inner_text()
    assert "Thirteen" in printed
    assert "draw()" not in printed


def test_links_stay_in_the_book(paper):
    paper.evaluate(pdf.PREPARE)
    chapter, source = paper.locator("#chapter-1 a").all()
    assert chapter.get_attribute("href") == "#chapter-2"
    target = paper.locator(source.get_attribute("href"))
    assert target.inner_text() == "Somebody 2020"


def test_the_pdf_is_tagged_and_has_bookmarks(book, tmp_path, chromium):
    target = tmp_path / "book.pdf"
    pdf.print_page(chromium, book, target)
    content = target.read_bytes()
    assert b"/StructTreeRoot" in content
    assert b"/Lang (en)" in content
    assert b"file:" not in content
    titles = re.findall(rb"/Title \(([^)]*)\)", content)
    headings = re.findall(r"<h\d>([^<]+)</h", BOOK)
    # The title of the file is one; the rest are bookmarks, each as its heading says it.
    expected = [*headings, "A book", *["Solutions", "Answers to the quiz"] * 2]
    assert sorted(title.decode() for title in titles) == sorted(expected)
    assert content.count(b"/Type /Page\n") > 5
