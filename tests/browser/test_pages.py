"""Every page, opened as a reader opens it: from a server and from the disk."""

import re


def test_page_opens_clean(visit, page_path):
    opened = visit(page_path)
    assert opened.elsewhere == [], "requests to another host"
    assert opened.failed == [], "requests that failed"
    assert opened.console == [], "messages on the console"
    assert opened.page.locator("h1").count() == 1


def test_math_is_drawn(visit, page_path):
    page = visit(page_path).page
    sources = page.locator("span.math, div.math")
    drawn = page.locator("span.math mjx-container, div.math mjx-container")
    assert drawn.count() >= sources.count()
    assert page.locator("mjx-merror").count() == 0
    visible = re.sub(r"\s", "", page.locator("article").inner_text())
    assert not re.search(r"\\\(|\\\[|\\begin\{", visible), "raw TeX on the page"


def test_images_are_loaded(visit, page_path):
    page = visit(page_path).page
    for image in page.locator("article img").all():
        image.scroll_into_view_if_needed()
        image.evaluate("element => element.decode()")
        assert image.evaluate("element => element.naturalWidth") > 0


def test_images_have_written_alternatives(visit, page_path):
    page = visit(page_path).page
    for image in page.locator("article img").all():
        text = image.get_attribute("alt") or ""
        assert len(text) > 20, "no text alternative"
        assert not re.search(r"\.(png|svg|jpe?g)$|<Figure size", text), f"not written for a reader: {text}"


def test_page_does_not_scroll_sideways_on_a_phone(visit, page_path):
    page = visit(page_path).page
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
