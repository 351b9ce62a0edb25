"""Every claim with its verdict in one table that a source or a verdict narrows, without a script."""

from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import groupby, product

from study.judging import Verdict
from study.ledger.claim import Claim
from study.ledger.finding import Finding
from study.ledger.page.markup import (
    Shown,
    cells,
    entry,
    found,
    headings,
    sentence,
    slug,
    styled,
    verdict,
    written,
)
from study.ledger.page.sections import link

STATES = (*map(str, Verdict), Finding(verdict=None).state)
_COLUMNS = ("Claim", "Verdict, what was found, what decided")


def ledger(claims: Iterable[Claim], findings: Mapping[str, Finding]) -> Shown:
    """The table, source by source; what a source is right about comes first.

    Args:
        claims: its rows.
        findings: by the ids of the claims.
    """
    rows = list(claims)
    sources = {source: list(group) for source, group in groupby(rows, key=lambda claim: claim.source)}
    bodies = "".join(_source(source, group, findings) for source, group in sources.items())
    choices = _choices("source", Counter(claim.source for claim in rows))
    choices += _choices("verdict", _by_state(rows, findings))
    none = '<p class="none" role="status">No claim of this source has this verdict.</p>'
    html = f'{choices}<table class="claims">{headings(*_COLUMNS)}{bodies}</table>{none}'
    lines = (f"{claim.id} {findings[claim.id].state}: {claim.statement}" for claim in rows)
    return Shown(styled(html, _narrowing(sources, findings)), "\n".join(lines))


def _by_state(claims: Iterable[Claim], findings: Mapping[str, Finding]) -> Mapping[str, int]:
    """How many claims there are of each state, of those that occur."""
    counted = Counter(findings[claim.id].state for claim in claims)
    return {state: counted[state] for state in STATES if counted[state]}


def _choices(name: str, counts: Mapping[str, int]) -> str:
    """Radio buttons, each with the number of rows that it leaves."""
    options = {"all": sum(counts.values()), **counts}
    buttons = "".join(
        f'<label><input type="radio" name="ledger-{name}" value="{slug(option)}"'
        f"{' checked' if option == 'all' else ''}> {option} ({count})</label>"
        for option, count in options.items()
    )
    return f'<fieldset class="narrow"><legend>Show by {name}</legend>{buttons}</fieldset>'


def _source(source: str, claims: list[Claim], findings: Mapping[str, Finding]) -> str:
    right = [claim.id for claim in claims if findings[claim.id].verdict is Verdict.HOLDS]
    links = f" is right in {', '.join(map(entry, right))}" if right else ""
    heading = f'<tr><th colspan="{len(_COLUMNS)}" scope="rowgroup">{source}{links}</th></tr>'
    rows = "".join(_row(claim, findings[claim.id]) for claim in claims)
    return f'<tbody data-source="{source}">{heading}{rows}</tbody>'


def _row(claim: Claim, finding: Finding) -> str:
    note = f'<p class="note">{written(claim.note)}</p>' if claim.note else ""
    where = f" {link(claim.link)}." if claim.link else ""
    decided = f'<p class="note">Decided by: {written(sentence(claim.decided_by))}{where}</p>'
    row = cells(
        f"<p><b>{claim.id}</b> {written(claim.statement)}</p>{note}",
        f"<p>{verdict(finding)}</p>{found(finding)}{decided}",
    )
    return f'<tr id="{claim.id}" data-verdict="{slug(finding.state)}">{row}</tr>'


def _narrowing(sources: Mapping[str, list[Claim]], findings: Mapping[str, Finding]) -> str:
    """Rules that hide rows on a screen; the row that a link has led to stays, whatever is chosen."""
    rules = []
    for source in sources:
        other = f'tbody:not([data-source="{source}"]):not(:has(:target))'
        rules.append(f"{_chosen(source)} {other} {{ display: none }}")
    for state in map(slug, STATES):
        other = f'tr[data-verdict]:not([data-verdict="{state}"], :target)'
        empty = f'tbody:not(:has(tr[data-verdict="{state}"])):not(:has(:target))'
        rules.append(f"{_chosen(state)} :is({other}, {empty}) {{ display: none }}")
    for (source, claims), state in product(sources.items(), STATES):
        if state not in {findings[claim.id].state for claim in claims}:
            both = f"{_chosen(source)}{_chosen(slug(state)).removeprefix('.ledger')}"
            rules.append(f"{both} .none {{ display: block }}")
    return f"@media screen {{ {' '.join(rules)} }}"


def _chosen(value: str) -> str:
    return f'.ledger:has([value="{value}"]:checked)'
