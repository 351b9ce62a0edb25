"""The findings of the book, as its front page tells them."""

from collections import Counter
from collections.abc import Mapping, Sequence

from study.judging import Judgement
from study.ledger.advice import Answer
from study.ledger.finding import Finding
from study.ledger.headlines import HEADLINES
from study.ledger.measured import in_words
from study.ledger.page.markup import Shown, verdict, written
from study.ledger.page.table import STATES
from study.ledger.page.turning import toward


def headlines(
    findings: Mapping[str, Finding], choices: Sequence[Sequence[Answer]] = HEADLINES, *, ledger: str
) -> Shown:
    """Show how many claims have which verdict, and each finding with the entries that it rests on.

    Args:
        findings: by the ids of the claims.
        choices: the findings, each in its versions.
        ledger: address of the page that holds the ledger.
    """
    stand = [next((each for each in versions if each.stands(findings)), None) for versions in choices]
    told = [answer for answer in stand if answer]
    items = "".join(
        f"<li>{written(answer.text)} {_grounds(answer, findings, ledger)}</li>" for answer in told
    )
    count = _count(findings)
    html = f'<p>{count} <a href="{ledger}">Look one up</a>.</p><ul class="findings">{items}</ul>'
    return Shown(html, "\n".join([count, *(answer.text for answer in told)]))


def _count(findings: Mapping[str, Finding]) -> str:
    counted = Counter(finding.state for finding in findings.values())
    counts = ", ".join(f"{state}: {counted[state]}" for state in STATES if counted[state])
    return f"{len(findings)} claims of well-known sources stand in the ledger ({counts})."


def _grounds(answer: Answer, findings: Mapping[str, Finding], ledger: str) -> str:
    texts = []
    for claim in answer.claims:
        finding = findings[claim]
        numbers = _numbers(finding.judgement) if finding.judgement else ""
        texts.append(f'<a href="{ledger}#{claim}">{claim}</a>: {verdict(finding)}{numbers}')
    return f"<small>({'; '.join(texts)})</small>"


def _numbers(judgement: Judgement) -> str:
    return f", toward the claim by {in_words(toward(judgement), judgement.rule)}"
