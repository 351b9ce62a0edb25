"""Which stride, which padding, when: what the ledger supports, and what it leaves open."""

from collections.abc import Iterable, Mapping

from study.ledger.advice import Advice
from study.ledger.choices import CHOICES
from study.ledger.finding import Finding
from study.ledger.page.markup import Shown, cells, entry, headings, styled, verdict, written

OPEN_YET = "Open: not all of it is judged."
OPEN = "Open: what was found supports no answer."
_COLUMNS = ("Situation", "What to do", "Because")


def advice(findings: Mapping[str, Finding], choices: Mapping[str, Iterable[Advice]] = CHOICES) -> Shown:
    """Show what to do in each situation, with the entries that it rests on.

    Where the ledger supports no answer, the line says that it is open, and claims nothing.

    Args:
        findings: by the ids of the claims.
        choices: the situations, by topic.
    """
    bodies = "".join(_topic(topic, members, findings) for topic, members in choices.items())
    lines = (
        f"When {each.situation}: {_do(each, findings)[0]}" for members in choices.values() for each in members
    )
    return Shown(styled(f'<table class="advice">{headings(*_COLUMNS)}{bodies}</table>'), "\n".join(lines))


def _topic(topic: str, members: Iterable[Advice], findings: Mapping[str, Finding]) -> str:
    rows = "".join(_row(each, findings) for each in members)
    return f'<tbody><tr><th colspan="{len(_COLUMNS)}" scope="rowgroup">{topic}</th></tr>{rows}</tbody>'


def _row(each: Advice, findings: Mapping[str, Finding]) -> str:
    text, claims = _do(each, findings)
    because = "".join(f"<li>{entry(claim)}: {verdict(findings[claim])}</li>" for claim in claims)
    return f"<tr>{cells(written(f'When {each.situation}'), written(text), f'<ul>{because}</ul>')}</tr>"


def _do(each: Advice, findings: Mapping[str, Finding]) -> tuple[str, tuple[str, ...]]:
    """What to do, and the entries that it rests on."""
    if answer := each.answer(findings):
        return answer.text, answer.claims
    waiting = any(findings[claim].verdict is None for claim in each.claims)
    return OPEN_YET if waiting else OPEN, each.claims
