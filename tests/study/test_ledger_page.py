"""The ledger as the page shows it: all of it, with the verdicts of the ledger and no others."""

import functools
import re
from dataclasses import replace
from html import unescape
from pathlib import Path
from types import SimpleNamespace

import nbformat
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.sources import WRITE_UPS
from helpers.statistics import seed_effect
from study.judging import Contrast, Rule, Verdict, judge
from study.ledger import CLAIMS, Claim, Finding, page
from study.ledger.advice import ADVICE, Conclusion
from study.ledger.finding import decided
from study.ledger.literature import LITERATURE, kind_of
from study.ledger.page import link

ROOT = Path(__file__).resolve().parents[2]
UNJUDGED = Finding(verdict=None, reason="the images are not here: here/there")


@functools.cache  # not when the file is collected: computing takes seconds
def computed():
    return {name: claim.judge() for name, claim in CLAIMS.items() if claim.kind == "arithmetic"}


@pytest.fixture(autouse=True, scope="module")
def _computed_before():
    """Nor while Hypothesis draws, which it would find slow."""
    computed()


verdicts = st.sampled_from([*Verdict, None])
found = st.fixed_dictionaries({name: verdicts for name in CLAIMS}).map(
    lambda drawn: {name: a_finding(name, verdict) for name, verdict in drawn.items()}
)


def a_finding(name, verdict):
    """A finding of this verdict, under the conditions that computing the claim covers."""
    conditions = computed()[name].conditions if name in computed() else {}
    return replace(UNJUDGED, verdict=verdict, conditions=conditions) if verdict else UNJUDGED


def text_of(html):
    return unescape(re.sub(r"<[^>]*>", "", re.sub(r"<style>.*?</style>", "", html, flags=re.DOTALL)))


def rows(html):
    """The rows of the table by their ids: the verdict that the style goes by, and what is read."""
    cut = re.findall(r'<tr id="(.+?)" data-verdict="(.+?)">(.+?)</tr>', html, re.DOTALL)
    return {name: (slug, text_of(row)) for name, slug, row in cut}


@settings(max_examples=20)
@given(findings=found)
def test_the_table_has_every_claim_once_with_its_verdict(findings):
    shown = rows(page.ledger(CLAIMS.values(), findings).html)
    assert list(shown) == list(CLAIMS)
    for name, (slug, text) in shown.items():
        claim, finding = CLAIMS[name], findings[name]
        assert slug == finding.state.replace(" ", "-")
        for part in (
            claim.statement,
            claim.note,
            claim.decided_by,
            finding.state,
            finding.evidence,
            finding.reason,
        ):
            assert part.rstrip(".") in text


@settings(max_examples=20)
@given(findings=found)
def test_a_choice_says_how_many_rows_it_leaves(findings):
    html = page.ledger(CLAIMS.values(), findings).html
    shown = [slug for slug, _ in rows(html).values()]
    for value, count in re.findall(r'name="ledger-verdict" value="(.+?)"[^>]*> [^(]+\((\d+)\)', html):
        assert int(count) == (len(shown) if value == "all" else shown.count(value))
    sources = [claim.source for claim in CLAIMS.values()]
    for value, count in re.findall(r'name="ledger-source" value="(.+?)"[^>]*> [^(]+\((\d+)\)', html):
        assert int(count) == (len(sources) if value == "all" else sources.count(value))
    kinds = [kind_of(source) for source in sources]
    for value, count in re.findall(r'name="ledger-kind" value="(.+?)"[^>]*> [^(]+\((\d+)\)', html):
        assert int(count) == (len(kinds) if value == "all" else kinds.count(value))
    assert set(re.findall(r'data-kind="(.+?)"', html)) == set(kinds)
    assert set(kinds) == {"write-up", "paper", "course", "answer"}
    chosen = set(re.findall(r'name="ledger-verdict" value="(.+?)"', html))
    assert chosen == {"all", *shown}


def test_the_ledger_says_what_each_source_is():
    html = page.ledger(CLAIMS.values(), dict.fromkeys(CLAIMS, Finding(verdict=None))).html
    headings = dict(re.findall(r'<tbody data-source="(.+?)"[^>]*>\s*<tr><th[^>]*>(.+?)</th>', html))
    whats = WRITE_UPS | {source: each.what for source, each in LITERATURE.items()}
    assert headings.keys() == whats.keys()
    for source, what in whats.items():
        assert re.sub("<.+?>", "", headings[source]).startswith(f"{source}, {what}")


@settings(max_examples=20)
@given(findings=found)
def test_what_a_source_is_right_about_comes_first(findings):
    html = page.ledger(CLAIMS.values(), findings).html
    for source, heading in re.findall(r'<tbody data-source="(.+?)"[^>]*>\s*<tr><th[^>]*>(.+?)</th>', html):
        right = [
            name
            for name, claim in CLAIMS.items()
            if claim.source == source and findings[name].verdict is Verdict.HOLDS
        ]
        assert re.findall(r'href="#(.+?)"', heading) == right


@settings(max_examples=20)
@given(findings=found)
def test_the_right_guess_is_the_verdict(findings):
    html = page.guesses(CLAIMS.values(), findings).html
    questions = re.findall(r"<fieldset.+?</fieldset>", html, re.DOTALL)
    for question, claim in zip(questions, CLAIMS.values(), strict=True):
        finding = findings[claim.id]
        assert claim.statement in text_of(question)
        offered = re.findall(r'name="guess-(.+?)" value="(.+?)"( data-right)?>', question)
        assert [name for name, *_ in offered] == [claim.id] * len(Verdict)
        right = [value for _, value, mark in offered if mark]
        assert right == ([finding.state.replace(" ", "-")] if finding.verdict else [])
        before, answer = question.split("<details>")
        assert finding.state in text_of(answer)
        assert ("As you said" in answer) is bool(finding.verdict)
        assert finding.reason not in text_of(before) or not finding.reason


def test_nothing_needs_a_script():
    findings = {name: a_finding(name, Verdict.HOLDS) for name in CLAIMS}
    for shown in (page.ledger(CLAIMS.values(), findings), page.guesses(CLAIMS.values(), findings)):
        assert "<script" not in shown.html
        assert shown._repr_html_() == shown.html
        assert all(claim.statement in repr(shown) for claim in CLAIMS.values())


def test_what_was_found_is_text():
    claim = Claim(id="M-99", source="<me>", statement="1 < 2 & so on.", parts=())
    finding = decided({"yes": True}, "<script>alert(1)</script>")
    for html in (page.guesses([claim], {"M-99": finding}).html, _table_of(claim, finding)):
        assert "<script" not in html
        assert "1 &lt; 2 &amp; so on." in html
        assert "&lt;me&gt;" in html
        assert "<me>" not in html


def _table_of(claim, finding):
    return page.ledger(
        [replace(CLAIMS["M-05"], statement=claim.statement, source=claim.source)], {"M-05": finding}
    ).html


def notebooks():
    return {
        path.stem: "\n".join(cell.source for cell in nbformat.read(path, as_version=4).cells)
        for path in (ROOT / "notebooks").glob("*.ipynb")
    }


def test_every_label_is_in_its_notebook():
    texts = notebooks()
    assert {claim.link for claim in CLAIMS.values() if claim.link} == set(page.SECTIONS)
    for label, notebook in page.SECTIONS.items():
        assert f"({label})=" in texts[notebook]


def test_a_link_names_the_chapter():
    assert link("worked-5x5") == '<a href="06_worked_5x5.ipynb#worked-5x5">Chapter 6</a>'
    assert link("errata").endswith(">Errata</a>")
    with pytest.raises(ValueError, match=r"label must be one of.*got 'nowhere'"):
        link("nowhere")


def test_effects_are_turned_toward_the_claim():
    effect = seed_effect([0.9, 1.0, 1.2])
    for direction, sign in (("above", 1), ("below", -1), ("equal", 1)):
        judgement = SimpleNamespace(effect=effect, rule=SimpleNamespace(direction=direction))
        turned = page.toward(judgement)
        assert turned.estimate == sign * effect.estimate
        assert sorted(turned.interval()) == sorted(sign * end for end in effect.interval())
        assert np.all(np.diff(turned.draws) >= 0)


def supporting(conclusions):
    """What must have been found for these conclusions to stand."""
    return {
        claim: Finding(verdict=ground)
        if isinstance(ground, Verdict)
        else Finding(verdict=None, waits=True)
        if ground is None
        else Finding(verdict=Verdict.DEPENDS, conditions=ground)
        for conclusion in conclusions
        for claim, ground in conclusion.grounds.items()
    }


def test_advice_is_shown_with_the_entries_it_rests_on():
    advised = {when: each for situations in ADVICE.values() for when, each in situations.items()}
    findings = supporting(advised.values())
    shown = page.advice(findings)
    assert repr(shown).splitlines() == [f"When {when}: {each.text}" for when, each in advised.items()]
    rows = re.findall(r'<tr>\s*<th scope="row">(.+?)</tr>', shown.html, re.DOTALL)
    for row, (when, each) in zip(rows, advised.items(), strict=True):
        text = text_of(row)
        assert when in text
        assert each.text in text
        assert re.findall(r'href="#(.+?)"', row) == list(each.grounds)
        assert all(f"{claim}: {findings[claim].state}" in text for claim in each.grounds)
    assert re.findall(r'scope="rowgroup">(.+?)<', shown.html) == list(ADVICE)


PADS = Conclusion("Pad.", {"M-05": Verdict.HOLDS})
JUDGED = {"M-05": decided({"": True}, "28"), "M-07": decided({"": False}, "14"), "F-09": UNJUDGED}


@pytest.mark.parametrize(
    "show",
    [
        lambda findings: page.advice(findings, {"Size": {"it rains": PADS}}),
        lambda findings: page.headlines(findings, [PADS], ledger=""),
    ],
    ids=["advice", "headlines"],
)
def test_nothing_is_concluded_from_another_verdict(show):
    assert "Pad." in show(JUDGED).html
    with pytest.raises(ValueError, match=r"M-05 must be 'holds', got 'fails': rewrite the sentence 'Pad\.'"):
        show({"M-05": decided({"": False}, "28")})


def test_headlines_count_the_claims_and_link_to_the_rows():
    shown = page.headlines(JUDGED, [PADS], ledger="../14_claims.html")
    count = "3 claims of well-known sources stand in the ledger (holds: 1, fails: 1, not judged here: 1)."
    assert shown.text == f"{count}\nPad."
    assert count in shown.html
    assert re.findall(r"<li>(.+?) <small>", shown.html) == ["Pad."]
    assert re.findall('href="(.+?)"', shown.html) == ["../14_claims.html", "../14_claims.html#M-05"]
    assert "\n\n" not in shown.html, "an empty line would end the HTML in a page of Markdown"


def test_the_numbers_of_a_measured_headline_stand_in_the_ledger():
    contrast = Contrast(first="mnist/s2-same", second="mnist/s1-same")
    rule = Rule(claim="M-03", contrast=contrast, direction="below", margin=0.2, seeds=10)
    hits = np.random.default_rng(0).random((10, 2000)) < 0.5
    worse = hits & (np.arange(2000) >= 160)
    judgement = judge(rule, {"mnist/s1-same": dict(enumerate(hits)), "mnist/s2-same": dict(enumerate(worse))})
    finding = Finding(verdict=judgement.verdict, judgement=judgement)
    assert (finding.verdict, round(judgement.effect.estimate)) == (Verdict.HOLDS, -4)
    lower = Conclusion("Lower.", {"M-03": Verdict.HOLDS})
    html = page.headlines({"M-03": finding}, [lower], ledger="").html
    assert ">holds</strong>)" in html
    assert "points" not in html
