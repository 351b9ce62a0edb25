"""The ledger in a page without any script: guesses, filters, links to rows, narrow screens, paper."""

import functools
import itertools

import pytest
from explorer_page import ROOT, serve, violations

from study.judging import Verdict
from study.ledger import CLAIMS, Finding, page
from study.ledger.advice import Conclusion
from study.ledger.literature import kind_of

SOURCES = list(dict.fromkeys(claim.source for claim in CLAIMS.values()))
RESTING = {"Size": {"a network changes its stride": Conclusion("Look at the rest.", {"M-19": Verdict.FAILS})}}


@functools.cache  # not when the file is collected: computing takes seconds
def findings():
    """Every verdict, and none, in the two largest sources; the smallest lacks some."""
    cycle = itertools.cycle([*Verdict, None])
    measured = {"evidence": "mnist/s2-same-pytorch minus mnist/s1-same: 0.5", "reason": "why"}
    return {
        name: claim.judge() if claim.kind == "arithmetic" else Finding(verdict=next(cycle), **measured)
        for name, claim in CLAIMS.items()
        if name != "F-09"  # which counts real images
    } | {"F-09": Finding(verdict=Verdict.CANNOT_BE_TOLD)}


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """The address of a page of the book's kind that holds the ledger."""
    folder = tmp_path_factory.mktemp("ledger")
    claims = list(CLAIMS.values())
    shown = [
        page.guesses(claims[:3], findings()),
        page.ledger(claims, findings()),
        page.advice(findings(), RESTING),
    ]
    cells = "".join(
        f'<div class="cell_output"><div class="text_html">{each.html}</div></div>' for each in shown
    )
    book = (ROOT / "site" / "book.css").read_text(encoding="utf-8")
    (folder / "index.html").write_text(
        '<!doctype html><html lang="en" data-theme="light"><head><meta charset="utf-8"><title>Ledger</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">'
        f"<style>{book} html {{ font-family: sans-serif }} main {{ max-width: 43rem }}</style></head>"
        f'<body><main class="bd-content"><h1>Ledger</h1>{cells}</main></body></html>',
        encoding="utf-8",
    )
    with serve(folder) as address:
        yield {"http": address, "file": folder.as_uri() + "/"}


@pytest.fixture
def plain(open_page):
    """The page, where no script runs."""
    return open_page(java_script_enabled=False)


def shown_rows(page):
    # `:visible` of a locator would take half a second.
    shown = "(rows) => rows.filter((row) => row.checkVisibility({ visibilityProperty: true }))"
    return page.locator("tr[data-verdict]").evaluate_all(f"{shown}.map((row) => row.id)")


def choose(page, name, value):
    page.locator(f'[name="ledger-{name}"][value="{value}"]').check()


def expected(source=None, state=None, kind=None):
    return [
        name
        for name, claim in CLAIMS.items()
        if source in (None, claim.source)
        and state in (None, findings()[name].state)
        and kind in (None, kind_of(claim.source))
    ]


def test_all_rows_are_shown_at_first(plain):
    assert shown_rows(plain) == list(CLAIMS)


def test_a_source_leaves_its_rows(plain):
    for source in SOURCES:
        choose(plain, "source", source)
        assert shown_rows(plain) == expected(source)
        assert plain.locator('tbody [scope="rowgroup"]:visible').count() == 1 + len(RESTING)


def test_a_kind_leaves_its_rows_and_says_when_nothing_is_left(plain):
    none = plain.locator(".none")
    for kind in ("write-up", "paper", "course", "answer"):
        choose(plain, "kind", kind)
        assert shown_rows(plain) == expected(kind=kind)
        assert not none.is_visible()
        offered = plain.locator('[name="ledger-source"]:visible')
        kinds = {kind_of(each.get_attribute("value")) for each in offered.all()[1:]}
        assert kinds == {kind}
    choose(plain, "kind", "all")
    choose(plain, "source", "stride-guide")
    choose(plain, "kind", "paper")
    assert shown_rows(plain) == []
    assert none.is_visible()


def test_a_verdict_leaves_its_rows(plain):
    for state in {finding.state for finding in findings().values()}:
        choose(plain, "verdict", state.replace(" ", "-"))
        assert shown_rows(plain) == expected(state=state)


def test_both_choices_together_and_what_they_say_when_nothing_is_left(plain):
    none = plain.locator(".none")
    found = set()
    for source, verdict in itertools.product(
        SOURCES, ("holds", "depends", "cannot be told", "not judged here")
    ):
        choose(plain, "source", source)
        choose(plain, "verdict", verdict.replace(" ", "-"))
        left = expected(source, verdict)
        assert shown_rows(plain) == left
        assert none.is_visible() is (not left)
        found.add(bool(left))
    assert found == {True, False}
    choose(plain, "verdict", "all")
    assert not none.is_visible()


def test_a_link_shows_its_row_whatever_was_chosen(plain):
    choose(plain, "source", "strided-post")
    choose(plain, "verdict", "holds")
    plain.locator('.advice a[href="#M-19"]').first.click()
    assert plain.locator("#M-19").is_visible()


def test_nothing_is_told_before_a_guess(plain):
    guess = plain.locator(".guess").first
    assert not guess.get_by_text("What the ledger says").is_visible()
    name = next(iter(CLAIMS))
    right = findings()[name].state.replace(" ", "-")
    wrong = "fails" if right != "fails" else "holds"
    for value, reply, other in ((wrong, ".wrong", ".right"), (right, ".right", ".wrong")):
        guess.locator(f'[value="{value}"]').check()
        assert not guess.locator(".verdict").is_visible() or value == right
        if not guess.locator(".verdict").is_visible():
            guess.get_by_text("What the ledger says").click()
        assert guess.locator(".verdict").is_visible()
        assert guess.locator(reply).is_visible()
        assert not guess.locator(other).is_visible()


def test_the_keyboard_is_enough(plain):
    plain.keyboard.press("Tab")
    plain.keyboard.press("Space")
    plain.keyboard.press("ArrowDown")
    guess = plain.locator(".guess").first
    assert guess.locator("input").nth(1).is_checked()
    assert not guess.locator(".verdict").is_visible(), "moving to an option tells nothing yet"
    plain.keyboard.press("Tab")
    plain.keyboard.press("Enter")
    assert guess.locator(".verdict").is_visible()


@pytest.mark.parametrize("width", [390, 320])
def test_a_narrow_screen_has_cards(open_page, width):
    page = open_page(java_script_enabled=False, viewport={"width": width, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    claim, found = (page.locator("#M-03 > *").nth(place).bounding_box() for place in (0, 1))
    assert found["y"] >= claim["y"] + claim["height"]
    assert found["x"] == claim["x"]


def test_paper_has_every_row_and_no_answer_beside_a_guess(plain):
    choose(plain, "source", "strided-post")
    plain.locator(".guess [value=holds]").first.check()
    plain.get_by_text("What the ledger says").first.click()
    plain.emulate_media(media="print")
    assert shown_rows(plain) == list(CLAIMS)
    assert plain.locator(".narrow:visible").count() == 0
    assert plain.locator(".guess:visible").count() == 3
    assert plain.locator(".guess details:visible").count() == 0


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing(open_page, theme):
    page = open_page()
    page.locator(".guess [value=holds]").first.check()
    page.get_by_text("What the ledger says").first.click()
    background, ink = {"light": ("#fff", "#1a1a1a"), "dark": ("#121212", "#e8e8e8")}[theme]
    page.add_style_tag(content=f"html {{ background: {background}; color: {ink} }} a {{ color: inherit }}")
    assert violations(page) == []
