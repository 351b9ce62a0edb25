"""Every page, opened as a reader opens it: from a server and from the disk."""

import re


def test_nothing_is_asked_of_another_host(opened):
    assert opened.elsewhere == []


def test_nothing_fails(opened):
    assert opened.failed == []
    assert opened.console == []


def test_the_page_has_one_title(opened):
    assert opened.page.locator("article.bd-article h1").count() == 1


def test_math_is_drawn(opened):
    page = opened.page
    sources = page.locator("span.math, div.math").count()
    assert page.locator(".math mjx-container").count() >= sources
    assert page.locator("mjx-merror").count() == 0
    visible = page.locator("article.bd-article").inner_text()
    assert not re.search(r"\\\(|\\\[|\\begin\{", visible), "raw TeX on the page"


def test_images_are_loaded(opened):
    for image in opened.page.locator("article.bd-article img").all():
        image.evaluate("element => { element.loading = 'eager'; return element.decode(); }")
        assert image.evaluate("element => element.naturalWidth") > 0


def test_images_have_written_alternatives(opened):
    for image in opened.page.locator("article.bd-article img").all():
        text = image.get_attribute("alt") or ""
        assert len(text) > 20, f"no text alternative: {text!r}"
        assert not re.search(r"\.(png|svg|jpe?g)$|<Figure size", text), f"not written for a reader: {text!r}"


def test_links_inside_the_book_lead_somewhere(opened):
    page = opened.page
    broken = page.evaluate(
        """() => [...document.querySelectorAll("article.bd-article a[href^='#']")]
            .map((link) => decodeURIComponent(link.hash.slice(1)))
            .filter((id) => id && !document.getElementById(id))"""
    )
    assert broken == []


def test_the_page_does_not_scroll_sideways_on_a_phone(opened):
    page = opened.page
    page.set_viewport_size({"width": 390, "height": 844})
    width = page.evaluate("document.documentElement.scrollWidth")
    page.set_viewport_size({"width": 1280, "height": 900})
    assert width <= 390
