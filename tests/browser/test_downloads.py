"""What a reader takes from a page or looks up in the book, from a server and from the disk."""

import re
from urllib.parse import unquote, urljoin, urlsplit
from urllib.request import urlopen

import nbformat
import pytest
from explorer_page import HTML, ROOT

HEAVY = 120_000  # bytes, of what lies beside the pages


@pytest.fixture(params=["http", "file"])
def root(request, server):
    """The address of the book."""
    return server if request.param == "http" else HTML.as_uri() + "/"


@pytest.fixture
def page(chromium):
    page = chromium.new_page()
    page.complaints = []
    page.on("console", lambda message: message.type == "error" and page.complaints.append(message.text))
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    yield page
    page.close()


def fetch(address):
    with urlopen(address) as answer:
        return answer.read().decode()


def test_each_chapter_gives_its_notebook_with_what_it_has_computed(root):
    for path in sorted((HTML / "notebooks").glob("*.html")):
        address = f"{root}notebooks/{path.name}"
        (link,) = re.findall(r'href="([^"]+)"[^>]*\bbtn-download-source-button\b', fetch(address))
        downloaded = nbformat.reads(fetch(urljoin(address, link)), as_version=4)
        nbformat.validate(downloaded)
        committed = nbformat.read(ROOT / "notebooks" / f"{path.stem}.ipynb", as_version=4)
        assert downloaded.cells[0].source == committed.cells[0].source
        assert any(cell.get("outputs") for cell in downloaded.cells)
        assert "widgets" not in downloaded.metadata


def test_the_search_finds_a_word_without_a_network(page, root):
    page.goto(f"{root}book/intro.html")
    page.keyboard.press("Control+k")
    page.keyboard.type("checkerboard")
    page.keyboard.press("Enter")
    found = page.locator("#search-results li a")
    found.first.wait_for()
    page.get_by_text("Search finished").wait_for()
    addresses = found.evaluate_all("links => links.map((link) => link.href)")
    assert any(address.startswith(f"{root}notebooks/05_downsampling.html") for address in addresses)
    assert page.complaints == []
    found.first.click()
    page.locator("article.bd-article").wait_for()
    assert "checkerboard" in page.locator("article.bd-article").inner_text().lower()


def test_a_search_in_vain_says_so(page, root):
    page.goto(f"{root}search.html?q=hippopotamus")
    page.get_by_text("did not match any documents").wait_for()
    assert page.complaints == []


def test_nothing_heavy_lies_beside_the_pages_that_none_of_them_asks_for(chromium):
    page, asked = chromium.new_page(), set()
    page.on("request", lambda request: asked.add(unquote(urlsplit(request.url).path)))
    for name in ("book/intro.html", "notebooks/02_stride.html", "search.html"):
        page.goto(f"{HTML.as_uri()}/{name}")
        page.evaluate("() => window.MathJax?.startup?.promise")
    page.close()
    heavy = [path for path in (HTML / "_static").rglob("*") if path.stat().st_size > HEAVY]
    assert len(heavy) >= 3
    assert [path.name for path in heavy if path.as_posix() not in asked] == []
