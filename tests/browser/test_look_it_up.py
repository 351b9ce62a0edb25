"""The page of answers in the built book: two clicks from the front page; the search lands on the entry."""

import re
from urllib.parse import quote

import nbformat
import pytest
import torch
from explorer_page import HTML, ROOT
from playwright.sync_api import expect
from torch import nn

PAGE = "notebooks/look_it_up.html"
SOURCES = nbformat.read(ROOT / "notebooks" / "look_it_up.ipynb", as_version=4).cells
ENTRIES = dict(re.findall(r"\((ask-[\w-]+)\)=\n## (.+)", "\n".join(cell.source for cell in SOURCES)))
del ENTRIES["ask-whose-words"]  # no question


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
    reader.goto(server + "book/intro.html")
    reader.locator("article").get_by_role("link", name="Look it up").first.click()
    link = reader.locator(f"article a[href='#{label}']").first
    box = link.bounding_box()
    assert box["y"] + box["height"] <= 900, "its link is not on the first screen"
    link.click()
    assert reader.url.endswith(f"{PAGE}#{label}")
    assert is_in_view(reader, label)


def first_found(page, server, words):
    """The heading to which the first result of a search leads."""
    page.goto(f"{server}search.html?q={quote(words)}")
    first = page.locator("#search-results li a").first
    first.wait_for()
    page.get_by_text("Search finished").wait_for()
    first.click()
    page.locator("article.bd-article").wait_for()
    assert f"{PAGE}#" in page.url
    return page.evaluate("document.getElementById(decodeURIComponent(location.hash.slice(1))).innerText")


@pytest.mark.parametrize("label", ENTRIES)
def test_the_search_finds_an_entry_by_its_words_and_lands_on_it(reader, server, label):
    words = ENTRIES[label].replace("`", "")
    assert first_found(reader, server, words).startswith(words)


def test_the_search_finds_a_message_that_was_pasted_whole(reader, server):
    convolution = nn.Conv2d(1, 1, 5)
    with pytest.raises(RuntimeError) as small:
        convolution(torch.rand(1, 1, 4, 4))
    with pytest.raises(RuntimeError) as mixed:
        nn.Linear(1600, 10)(torch.rand(2, 576))
    for pasted, label in ((small, "ask-kernel-larger"), (mixed, "ask-mat1-mat2")):
        assert re.search(r"\d", str(pasted.value)), "it is more than its heading"
        found = first_found(reader, server, str(pasted.value))
        assert found.startswith(ENTRIES[label].strip("`"))


def test_an_answer_opens_the_explorer_at_its_case(reader, server):
    reader.goto(server + PAGE)
    place = reader.locator(".book-widget[data-ready]").first
    place.wait_for()
    before = place.locator("[part=words]").inner_text()
    links = reader.locator("article a[href^='#explorer=solver&']").all()
    assert len(links) >= 3
    for link in links:
        asked = dict(part.split("=") for part in link.get_attribute("href").split("&")[1:])
        link.click()
        expect(place.locator("[part=words]")).not_to_have_text(before)
        before = place.locator("[part=words]").inner_text()
        assert place.locator("[part=problem]").inner_text() == ""
        for name, text in asked.items():
            value = place.evaluate("(place, name) => [place.bookModel.get(name)].flat().join()", name)
            assert value.replace(" ", "+") == text, name
