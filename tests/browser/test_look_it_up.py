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
    # A search fetches each page that it has found, for a few words; megabytes that no test here reads.
    context.add_init_script(
        "if (location.pathname === '/search.html') window.fetch = async () => new Response('');"
    )
    page = context.new_page()
    page.goto(server + "book/intro.html")
    yield page
    context.close()


@pytest.fixture(scope="module")
def answers(reader, server):
    """Another window, on the page of answers: to follow a link within it loads nothing anew."""
    page = reader.context.new_page()
    page.goto(server + PAGE)
    return page


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


def test_two_clicks_from_the_front_page(reader, server):
    reader.goto(server + "book/intro.html")
    reader.locator("article").get_by_role("link", name="Look it up").first.click()
    assert reader.url.endswith(PAGE)
    for label in ENTRIES:
        link = reader.locator(f"article a[href='#{label}']").first
        box = link.bounding_box()
        assert box["y"] + box["height"] <= 900, f"the link to {label} is not on the first screen"
        link.click()
        assert reader.url.endswith(f"{PAGE}#{label}")
        assert is_in_view(reader, label)
        reader.go_back()
        reader.evaluate("scrollTo({ top: 0, behavior: 'instant' })")


HEADING = "document.getElementById(decodeURIComponent(location.hash.slice(1))).innerText"


def first_found(page, server, words):
    """The link of the first result of a search."""
    page.goto(f"{server}search.html?q={quote(words)}")
    first = page.locator("#search-results li a").first
    first.wait_for()
    page.get_by_text("Search finished").wait_for()
    return first


@pytest.mark.parametrize("label", ENTRIES)
def test_the_search_finds_an_entry_by_its_words_and_lands_on_it(reader, answers, server, label):
    words = ENTRIES[label].replace("`", "")
    address = first_found(reader, server, words).evaluate("(link) => link.href")
    assert address.startswith(f"{server}{PAGE}#")
    answers.goto(address)
    assert answers.evaluate(HEADING).startswith(words)


def test_the_search_finds_a_message_that_was_pasted_whole(reader, server):
    convolution = nn.Conv2d(1, 1, 5)
    with pytest.raises(RuntimeError) as small:
        convolution(torch.rand(1, 1, 4, 4))
    with pytest.raises(RuntimeError) as mixed:
        nn.Linear(1600, 10)(torch.rand(2, 576))
    for pasted, label in ((small, "ask-kernel-larger"), (mixed, "ask-mat1-mat2")):
        assert re.search(r"\d", str(pasted.value)), "it is more than its heading"
        first_found(reader, server, str(pasted.value)).click()
        reader.locator("article.bd-article").wait_for()
        assert f"{PAGE}#" in reader.url
        assert reader.evaluate(HEADING).startswith(ENTRIES[label].strip("`"))


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
