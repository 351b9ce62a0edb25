"""The page of answers in the built book: two clicks from the front page; the search lands on the entry."""

import re

import nbformat
import pytest
from explorer_page import HTML, ROOT

PAGE = "notebooks/look_it_up.html"
SOURCES = nbformat.read(ROOT / "notebooks" / "look_it_up.ipynb", as_version=4).cells
ENTRIES = dict(re.findall(r"\((ask-[\w-]+)\)=\n## (.+)", "\n".join(cell.source for cell in SOURCES)))


@pytest.fixture(scope="module")
def reader(chromium, server):
    """A window on the front page of the built book."""
    if not (HTML / PAGE).exists():
        pytest.fail(f"no {PAGE} in {HTML}: run `make book` first")
    context = chromium.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    page = context.new_page()
    page.goto(server + "book/intro.html")
    yield page
    context.close()


def is_in_view(page, label):
    """Whether the heading of an entry is on the screen."""
    return page.evaluate(
        """(label) => {
            const { top, bottom } = document.getElementById(label).closest("section").querySelector("h2")
                .getBoundingClientRect();
            return top >= 0 && bottom <= innerHeight;
        }""",
        label,
    )


@pytest.mark.parametrize("label", ENTRIES)
def test_two_clicks_from_the_front_page(reader, server, label):
    if label == "ask-whose-words":
        pytest.skip("it is no question")
    reader.goto(server + "book/intro.html")
    reader.locator("article").get_by_role("link", name="Look it up").first.click()
    link = reader.locator(f"article a[href='#{label}']").first
    box = link.bounding_box()
    assert box["y"] + box["height"] <= 900, "its link is not on the first screen"
    link.click()
    assert reader.url.endswith(f"{PAGE}#{label}")
    assert is_in_view(reader, label)


@pytest.mark.parametrize("label", ENTRIES)
def test_the_search_finds_an_entry_by_its_words_and_lands_on_it(reader, server, label):
    words = ENTRIES[label].replace("`", "")
    reader.goto(server + "search.html")
    reader.get_by_role("searchbox").last.fill(words)
    reader.keyboard.press("Enter")
    first = reader.locator("#search-results li a").first
    first.wait_for()
    first.click()
    reader.wait_for_load_state()
    assert f"{PAGE}#" in reader.url
    place = reader.evaluate("document.getElementById(decodeURIComponent(location.hash.slice(1))).innerText")
    assert place.startswith(words)
