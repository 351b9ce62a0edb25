"""The ledger as the page shows it: all of it, with the verdicts of the ledger and no others."""

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

from helpers.statistics import seed_effect
from study.judging import Verdict
from study.ledger import CLAIMS, Claim, Finding, page
from study.ledger.advice import Ground, alike, depends, fails, holds, told, untold, when
from study.ledger.choices import CHOICES
from study.ledger.finding import decided, undecided
from study.ledger.page.advising import OPEN, OPEN_YET
from study.ledger.page.sections import link

ROOT = Path(__file__).resolve().parents[2]
COMPUTED = {name: claim.judge() for name, claim in CLAIMS.items() if claim.kind == "arithmetic"}
UNJUDGED = undecided("the runs are not all recorded: here/there")
ADVICE = [advice for members in CHOICES.values() for advice in members]

verdicts = st.sampled_from([*Verdict, None])
found = st.fixed_dictionaries({name: verdicts for name in CLAIMS}).map(
    lambda drawn: {name: a_finding(name, verdict) for name, verdict in drawn.items()}
)


def a_finding(name, verdict):
    """A finding of this verdict, under the conditions that computing the claim covers."""
    conditions = COMPUTED[name].conditions if name in COMPUTED else {}
    return replace(UNJUDGED, verdict=verdict, conditions=conditions) if verdict else UNJUDGED


def text_of(html):
    return unescape(re.sub(r"<[^>]*>", "", re.sub(r"<style>.*?</style>", "", html, flags=re.DOTALL)))


def rows(html):
    """The rows of the table by their ids: the verdict that the style goes by, and what is read."""
    cut = re.findall(r'<tr id="(.+?)" data-verdict="(.+?)">(.+?)</tr>', html)
    return {name: (slug, text_of(row)) for name, slug, row in cut}


@settings(max_examples=20, deadline=None)
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


@settings(max_examples=20, deadline=None)
@given(findings=found)
def test_a_choice_says_how_many_rows_it_leaves(findings):
    html = page.ledger(CLAIMS.values(), findings).html
    shown = [slug for slug, _ in rows(html).values()]
    for value, count in re.findall(r'name="ledger-verdict" value="(.+?)"[^>]*> [^(]+\((\d+)\)', html):
        assert int(count) == (len(shown) if value == "all" else shown.count(value))
    sources = [claim.source for claim in CLAIMS.values()]
    for value, count in re.findall(r'name="ledger-source" value="(.+?)"[^>]*> [^(]+\((\d+)\)', html):
        assert int(count) == (len(sources) if value == "all" else sources.count(value))
    chosen = set(re.findall(r'name="ledger-verdict" value="(.+?)"', html))
    assert chosen == {"all", *shown}


@settings(max_examples=20, deadline=None)
@given(findings=found)
def test_what_a_source_is_right_about_comes_first(findings):
    html = page.ledger(CLAIMS.values(), findings).html
    for source, heading in re.findall(r'<tbody data-source="(.+?)"><tr><th[^>]*>(.+?)</th>', html):
        right = [
            name
            for name, claim in CLAIMS.items()
            if claim.source == source and findings[name].verdict is Verdict.HOLDS
        ]
        assert re.findall(r'href="#(.+?)"', heading) == right


@settings(max_examples=20, deadline=None)
@given(findings=found)
def test_the_right_guess_is_the_verdict(findings):
    html = page.guesses(CLAIMS.values(), findings).html
    questions = re.findall(r"<fieldset.+?</fieldset>", html)
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
    assert "<script" not in page.advice(findings).html


def test_what_was_found_is_text():
    claim = Claim(id="M-99", source="me", statement="1 < 2 & so on.", parts=())
    finding = decided({"yes": True}, "<script>alert(1)</script>")
    for html in (page.guesses([claim], {"M-99": finding}).html, _table_of(claim, finding)):
        assert "<script" not in html
        assert "1 &lt; 2 &amp; so on." in html


def _table_of(claim, finding):
    return page.ledger([replace(CLAIMS["M-05"], statement=claim.statement)], {"M-05": finding}).html


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
    with pytest.raises(ValueError, match="label='nowhere'"):
        link("nowhere")


def test_effects_are_turned_toward_the_claim():
    effect = seed_effect([0.9, 1.0, 1.2])
    for direction, sign in (("above", 1), ("below", -1), ("equal", 1)):
        judgement = SimpleNamespace(effect=effect, rule=SimpleNamespace(direction=direction))
        turned = page.toward(judgement)
        assert turned.estimate == sign * effect.estimate
        assert sorted(turned.interval()) == sorted(sign * end for end in effect.interval())
        assert np.all(np.diff(turned.draws) >= 0)


@settings(max_examples=20, deadline=None)
@given(findings=found)
def test_advice_stands_on_what_was_found(findings):
    for advice in ADVICE:
        given_answer = advice.answer(findings)
        if given_answer:
            assert all(findings[ground.claim].verdict is ground.verdict for ground in given_answer.grounds)
    shown = repr(page.advice(findings)).splitlines()
    told_lines = [line.split(": ", 1)[1] for line in shown]
    texts = [answer.text for answer in (advice.answer(findings) for advice in ADVICE) if answer]
    assert [line for line in told_lines if line not in (OPEN, OPEN_YET)] == texts


def test_without_verdicts_nothing_is_advised():
    shown = page.advice(dict.fromkeys(CLAIMS, UNJUDGED))
    assert {line.split(": ", 1)[1] for line in repr(shown).splitlines()} == {OPEN_YET}
    assert not any(answer.text in text_of(shown.html) for advice in ADVICE for answer in advice.answers)


def test_what_supports_no_answer_is_open_and_not_waiting():
    choices = {"Size": [when("it rains", told("Pad.", holds("M-05")))]}
    assert repr(page.advice({"M-05": decided({"a": False}, "")}, choices)) == f"When it rains: {OPEN}"


def test_all_that_computing_decides_is_advised():
    for advice in ADVICE:
        if set(advice.claims) <= set(COMPUTED):
            assert advice.answer(COMPUTED), advice.situation


def test_advice_shows_the_entries_it_rests_on():
    answers = (told("Pad.", holds("M-05"), fails("M-07")), told("Do not.", holds("M-13")))
    choices = {"Size": [when("it rains", *answers)]}
    right, wrong = decided({"a": True}, ""), decided({"a": False}, "")
    for states, entries in (
        ((right, wrong, right), ["M-05", "M-07"]),
        ((right, right, right), ["M-13"]),
        ((right, right, wrong), ["M-05", "M-07", "M-13"]),
    ):
        findings = dict(zip(("M-05", "M-07", "M-13"), states, strict=True))
        assert re.findall(r'href="#(.+?)"', page.advice(findings, choices).html) == entries


def test_grounds_stand_as_they_are_named():
    finding = decided({"stride 1": True, "stride 2": False}, "")
    assert depends("M-13", {"stride 1": True}).stands(finding)
    assert not depends("M-13", {"stride 2": True}).stands(finding)
    with pytest.raises(ValueError, match="M-13 covers no condition stride 3"):
        depends("M-13", {"stride 3": True}).stands(finding)
    makers = {holds: "HOLDS", fails: "FAILS", alike: "NO_DIFFERENCE", untold: "CANNOT_BE_TOLD"}
    for maker, name in makers.items():
        assert maker("M-01") == Ground(claim="M-01", verdict=Verdict[name])
        assert maker("M-01").stands(Finding(verdict=Verdict[name]))
        assert not maker("M-01").stands(Finding(verdict=None))


def test_every_answer_can_be_given():
    for advice in ADVICE:
        for answer in advice.answers:
            findings = {
                ground.claim: Finding(verdict=ground.verdict, conditions=ground.conditions)
                for ground in answer.grounds
            }
            others = {name: UNJUDGED for name in advice.claims}
            assert advice.answer(others | findings) is answer
