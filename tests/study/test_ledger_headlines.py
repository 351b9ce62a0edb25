"""The findings on the front page, which say nothing that the ledger does not support."""

import re

import numpy as np
import pytest

from study.judging import Contrast, Judgement, Rule, Verdict, judge
from study.ledger import CLAIMS, Finding, decided
from study.ledger.advice import holds, told
from study.ledger.headlines import HEADLINES
from study.ledger.page import headlines

FINDINGS = {
    "M-05": decided({"": True}, "28"),
    "M-07": decided({"": False}, "14"),
    "M-10": Finding(verdict=None, reason="no runs"),
}
PADS = told("Pad.", holds("M-05"))


def below(claim: str, by: float) -> Judgement:
    """A judged claim that the first of two is lower, which it is by so many points."""
    contrast = Contrast(first="mnist/s2-same", second="mnist/s1-same")
    rule = Rule(claim=claim, contrast=contrast, direction="below", margin=0.2, seeds=10)
    hits = np.random.default_rng(0).random((10, 2000)) < 0.5
    worse = hits & (np.arange(2000) >= by * 40)
    return judge(rule, {"mnist/s1-same": dict(enumerate(hits)), "mnist/s2-same": dict(enumerate(worse))})


@pytest.mark.parametrize(
    ("versions", "expected"),
    [
        ([PADS], ["Pad."]),
        ([told("Do not pad.", holds("M-07")), PADS], ["Pad."]),
        ([PADS, told("Always pad.", holds("M-05"))], ["Pad."]),
        ([told("Pad.", holds("M-05"), holds("M-07"))], []),
        ([told("Pad.", holds("M-10"))], []),
    ],
    ids=["stands", "the second stands", "both stand", "only a half stands", "not judged"],
)
def test_the_first_version_that_stands_is_told(versions, expected):
    shown = headlines(FINDINGS, [versions], ledger="14_claims.html")
    assert shown.text.splitlines()[1:] == expected
    assert re.findall(r"<li>(.+?) <small>", shown.html) == expected


def test_it_counts_the_claims_and_links_to_the_rows():
    html = headlines(FINDINGS, [[PADS]], ledger="../14_claims.html").html
    assert (
        "3 claims of well-known sources stand in the ledger (holds: 1, fails: 1, not judged yet: 1)." in html
    )
    assert re.findall('href="(.+?)"', html) == ["../14_claims.html", "../14_claims.html#M-05"]


def test_a_measured_one_has_its_numbers_in_the_direction_of_the_claim():
    judgement = below("M-03", by=4)
    finding = Finding(verdict=judgement.verdict, judgement=judgement)
    assert (finding.verdict, round(judgement.effect.estimate)) == (Verdict.HOLDS, -4)
    html = headlines({"M-03": finding}, [[told("Lower.", holds("M-03"))]], ledger="").html
    assert re.search(r"holds</strong>, toward the claim by \+[34]\.\d\d \(\+.+\) points, n = 10\)", html)


def test_each_rests_on_entries_of_the_ledger():
    claims = {claim for versions in HEADLINES for answer in versions for claim in answer.claims}
    assert claims
    assert claims <= CLAIMS.keys()
    assert all(answer.grounds for versions in HEADLINES for answer in versions)
