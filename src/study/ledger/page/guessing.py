"""Claims whose verdict the reader guesses before it is shown."""

from collections.abc import Iterable, Mapping

from study.judging import Verdict
from study.ledger.claim import Claim
from study.ledger.finding import Finding
from study.ledger.page.markup import Shown, entry, found, slug, styled, verdict, written


def guesses(claims: Iterable[Claim], findings: Mapping[str, Finding]) -> Shown:
    """Ask for the verdict on each claim; what the ledger says unfolds after a choice.

    It needs no script: the style hides the answer until an option is chosen, and without style it is folded.

    Args:
        claims: to be guessed.
        findings: by the ids of the claims.
    """
    asked = list(claims)
    html = styled("".join(_question(claim, findings[claim.id]) for claim in asked))
    return Shown(html, "\n".join(f"{claim.id}: {claim.statement}" for claim in asked))


def _question(claim: Claim, finding: Finding) -> str:
    options = "".join(_option(claim, choice, is_right=choice is finding.verdict) for choice in Verdict)
    asked = f"{written(f'{claim.id}: {claim.statement}')} <cite>{claim.source}</cite>"
    return (
        f'<fieldset class="guess"><legend>{asked}</legend>'
        f"{options}<details><summary>What the ledger says</summary>{_answer(claim, finding)}</details>"
        "</fieldset>"
    )


def _option(claim: Claim, choice: Verdict, *, is_right: bool) -> str:
    mark = " data-right" if is_right else ""
    name = f"guess-{claim.id}"
    return f'<label><input type="radio" name="{name}" value="{slug(choice)}"{mark}> {choice}</label>'


def _answer(claim: Claim, finding: Finding) -> str:
    replies = '<p class="right">As you said.</p><p class="wrong">Not what you said.</p>'
    return (
        f"{replies if finding.verdict else ''}<p>{entry(claim.id)}: {verdict(finding)}</p>"
        f"{found(finding)}<p>{written(claim.note)}</p>"
    )
