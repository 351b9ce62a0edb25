"""What a reader takes from a page or looks up in the book, from a server and from the disk."""

import functools
import html
import re
from urllib.parse import unquote, urljoin, urlsplit
from urllib.request import urlopen

import nbconvert
import nbformat
import pytest
from explorer_page import HTML, ROOT

HEAVY = 120_000  # bytes, of what lies beside the pages
NOTEBOOKS = HTML / "_sources" / "notebooks"  # those that readers get


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
        assert code_of(downloaded) == code_of(committed)
        assert any(cell.get("outputs") for cell in downloaded.cells)
        assert "widgets" not in downloaded.metadata


def code_of(notebook):
    """What runs when all cells run, and by what ids."""
    return [(cell.id, cell.source) for cell in notebook.cells if cell.cell_type == "code"]


@functools.cache
def in_plain_html(name):
    """A reader's notebook as a host without extensions shows it."""
    exporter = nbconvert.HTMLExporter(template_name="basic")
    return exporter.from_filename(str(NOTEBOOKS / name))[0]


@functools.cache
def anchors(path):
    """What a link into a page or a notebook may point to."""
    text = in_plain_html(path.name) if path.suffix == ".ipynb" else path.read_text()
    return set(map(html.unescape, re.findall(r'\b(?:id|name)="([^"]+)"', text)))


def leads_somewhere(link, folder):
    """Whether a link has its page and the place on it; another host is not asked."""
    address = urlsplit(link)
    if address.scheme:
        return address.scheme in ("https", "data") and (address.netloc or address.scheme == "data")
    path = (folder / unquote(address.path)).resolve() if address.path else None
    return path is not None and path.is_file() and (not address.fragment or found(address.fragment, path))


def found(fragment, path):
    return fragment in anchors(path) or unquote(fragment) in anchors(path)


@pytest.mark.parametrize("name", [path.name for path in sorted((ROOT / "notebooks").glob("*.ipynb"))])
def test_a_host_without_extensions_shows_every_sentence_box_and_link(name):
    shown = re.sub(r"<script.*?</script>", "", in_plain_html(name), flags=re.DOTALL)
    prose = re.sub(r'<div class="highlight.*?</div>', "", shown, flags=re.DOTALL)
    raw = r"\{[\w:]+\}(?:`|<code>)|```|:::|language-\{|^(?:<p>)?\([\w-]+\)=|glue:text"
    assert re.findall(raw, prose, flags=re.MULTILINE) == []
    links = set(map(html.unescape, re.findall(r'\b(?:href|src)="([^"]*)"', prose)))
    own = {link for link in links if link.startswith("#")}
    assert {link for link in own if not found(link[1:], NOTEBOOKS / name)} == set()
    assert {link for link in links - own if not leads_somewhere(link, NOTEBOOKS)} == set()


@pytest.mark.parametrize("name", [path.name for path in sorted((ROOT / "notebooks").glob("*.ipynb"))])
def test_what_a_page_folds_a_notebook_folds(name):
    folded = {"hide-input", "remove-input", "hide-cell", "remove-cell"}
    for cell in nbformat.read(NOTEBOOKS / name, as_version=4).cells:
        if folded & set(cell.metadata.get("tags", ())):
            assert cell.metadata.jupyter.source_hidden
            assert cell.metadata.cellView == "form"


def test_the_search_finds_a_word_without_a_network(page, root):
    page.goto(f"{root}book/intro.html")
    page.keyboard.press("Control+k")
    page.keyboard.type("checkerboard")
    page.keyboard.press("Enter")
    found = page.locator("#search-results li a")
    found.first.wait_for()
    page.get_by_text("Search finished").wait_for()
    addresses = found.evaluate_all("links => links.map((link) => link.href)")
    assert any(address.startswith(f"{root}notebooks/16_there_and_back.html") for address in addresses)
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
    on_demand = HTML / "_static" / "widgets" / "images"  # what a reader asks for who trains
    heavy = [path for path in (HTML / "_static").rglob("*") if path.stat().st_size > HEAVY]
    heavy = [path for path in heavy if path.parent != on_demand]
    assert len(heavy) >= 3
    assert [path.name for path in heavy if path.as_posix() not in asked] == []
