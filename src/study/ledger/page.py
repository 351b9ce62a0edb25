"""The ledger as a page shows it: guesses, table, advice and headlines, which work without a script.

Each is given the findings of `study.ledger.judge_all`, and fills a template, which holds no verdict of its
own.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from html import escape
from importlib import resources
from itertools import groupby, product
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from helpers.checks import choice
from helpers.sources import WRITE_UPS
from helpers.statistics import Effect
from study.judging import Judgement, Verdict
from study.ledger.advice import ADVICE, HEADLINES, Conclusion, check_grounds
from study.ledger.claim import Claim
from study.ledger.finding import Finding
from study.ledger.literature import LITERATURE, kind_of

STATES = (*map(str, Verdict), *(Finding(verdict=None, waits=waits).state for waits in (False, True)))

SECTIONS = {
    "stride": "02_stride",
    "padding": "03_padding",
    "receptive-field": "04_receptive_field_and_cost",
    "worked-5x5": "06_worked_5x5",
    "worked-7x7": "07_worked_7x7",
    "worked-4x4": "08_worked_4x4",
    "the-gaps": "08_worked_4x4",
    "mnist": "10_mnist",
    "fashion-mnist": "12_fashion_mnist",
    "there-and-back": "16_there_and_back",
    "controls-pixels": "13_controls",
    "controls-border": "13_controls",
    "controls-size": "13_controls",
    "controls-downsampling": "13_controls",
    "controls-depth": "13_controls",
    "controls-long": "13_controls",
    "controls-noise": "13_controls",
    "controls-hybrids": "13_controls",
    "controls-strides": "13_controls",
    "controls-literature": "13_controls",
    "architectures": "15_architectures",
    "errata": "errata",
}
"""The notebook of each label that a claim links to."""


@dataclass(frozen=True)
class Shown:
    """An object that a notebook shows as HTML and a terminal as text."""

    html: str
    text: str

    def __repr__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        return self.html


def guesses(claims: Iterable[Claim], findings: Mapping[str, Finding]) -> Shown:
    """Ask for the verdict on each claim; the ledger's verdict unfolds after a choice.

    It needs no script: CSS hides the answer until an option is chosen, and without CSS it is folded.

    Args:
        claims: the claims to guess.
        findings: the findings, by the ids of the claims.
    """
    asked = list(claims)
    html = _filled("guesses.html", claims=asked, findings=findings, verdicts=list(Verdict))
    return Shown(html, "\n".join(f"{claim.id}: {claim.statement}" for claim in asked))


def ledger(claims: Iterable[Claim], findings: Mapping[str, Finding]) -> Shown:
    """Show claims in a table to filter by kind, source and verdict; a source's heading names those that hold.

    Args:
        claims: its rows, source by source.
        findings: the findings, by the ids of the claims.
    """
    rows = list(claims)
    sources = {source: list(group) for source, group in groupby(rows, key=lambda claim: claim.source)}
    kinds = {source: kind_of(source) for source in sources}
    pairs: set[tuple[str, str]] = set(kinds.items())
    for claim in rows:
        state = findings[claim.id].state
        pairs |= {(claim.source, state), (kinds[claim.source], state)}
    by_kind = Counter(kinds[claim.source] for claim in rows)
    html = _filled(
        "ledger.html",
        sources=sources,
        findings=findings,
        kinds=kinds,
        states=STATES,
        filters={
            "kind": {"all": len(rows), **by_kind},
            "source": {"all": len(rows), **{source: len(group) for source, group in sources.items()}},
            "verdict": {"all": len(rows), **_by_state(findings[claim.id] for claim in rows)},
        },
        absent=[
            pair
            for pair in (*product((*sources, *by_kind), STATES), *product(sources, by_kind))
            if pair not in pairs
        ],
    )
    return Shown(
        html, "\n".join(f"{claim.id} {findings[claim.id].state}: {claim.statement}" for claim in rows)
    )


def advice(findings: Mapping[str, Finding], topics: Mapping[str, Mapping[str, Conclusion]] = ADVICE) -> Shown:
    """Show the advice for each situation, with the entries of the ledger that it rests on.

    Args:
        findings: the findings, by the ids of the claims.
        topics: the advice, by topic and situation.

    Raises:
        ValueError: if a finding is not the one that the advice rests on.
    """
    lines = {when: advised for situations in topics.values() for when, advised in situations.items()}
    check_grounds(lines.values(), findings)
    html = _filled("advice.html", topics=topics, findings=findings)
    return Shown(html, "\n".join(f"When {when}: {advised.text}" for when, advised in lines.items()))


def headlines(
    findings: Mapping[str, Finding], conclusions: Iterable[Conclusion] = HEADLINES, *, ledger: str
) -> Shown:
    """Show how many claims have which verdict, and the book's conclusions with the entries they rest on.

    Args:
        findings: the findings, by the ids of the claims.
        conclusions: the sentences.
        ledger: address of the page that holds the ledger.

    Raises:
        ValueError: if a finding is not the one that a conclusion rests on.
    """
    told = list(conclusions)
    check_grounds(told, findings)
    counts = ", ".join(f"{state}: {number}" for state, number in _by_state(findings.values()).items())
    count = f"{len(findings)} claims of well-known sources stand in the ledger ({counts})."
    html = _filled("headlines.html", count=count, conclusions=told, findings=findings, ledger=ledger)
    return Shown(html, "\n".join([count, *(conclusion.text for conclusion in told)]))


def toward(judgement: Judgement) -> Effect:
    """The effect in the direction of the claim: above zero if it is as the source says.

    A claim of no effect keeps its sign. This way the effects of several claims fit into one figure.
    """
    effect = judgement.effect
    if judgement.rule.direction != "below":
        return effect
    return replace(effect, estimate=-effect.estimate, draws=-effect.draws[::-1])


def link(label: str) -> Markup:
    """A link to the section of a label in its notebook; the book's build turns it into one to the page.

    Raises:
        ValueError: for a label that is not in `SECTIONS`.

    >>> print(link("mnist"))
    <a href="10_mnist.ipynb#mnist">Chapter 10</a>
    """
    choice("label", label, SECTIONS)
    notebook = SECTIONS[label]
    number = notebook.split("_")[0]
    name = f"Chapter {int(number)}" if number.isdigit() else notebook.capitalize()
    return Markup('<a href="{}.ipynb#{}">{}</a>').format(notebook, label, name)


def written(text: str) -> Markup:
    """Text for HTML: a line may break within the name of a variant, but not within an id.

    >>> print(written("mnist/s1-same < 1, see M-03"))
    mnist/<wbr>s1-same &lt; 1, see <span class="id">M-03</span>
    """
    escaped = escape(text).replace("/", "/<wbr>")
    return Markup(re.sub(r"\b[A-Z]-\d\d\b", r'<span class="id">\g<0></span>', escaped))


def full_stop(text: str) -> str:
    """A text with exactly one full stop at its end.

    >>> full_stop("conv1: 14%")
    'conv1: 14%.'
    """
    return f"{text.rstrip('.')}."


def slug(state: str) -> str:
    """A verdict as the value of an attribute.

    >>> slug("cannot be told")
    'cannot-be-told'
    """
    return state.replace(" ", "-")


def _by_state(findings: Iterable[Finding]) -> dict[str, int]:
    """How many findings there are of each state, of those that occur."""
    counted = Counter(finding.state for finding in findings)
    return {state: counted[state] for state in STATES if counted[state]}


@cache
def _templates() -> Environment:
    templates = Environment(
        loader=PackageLoader("study.ledger"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for each in (full_stop, link, slug, written):
        templates.filters[each.__name__] = each
    style = resources.files("study.ledger") / "templates" / "ledger.css"
    whats = {**WRITE_UPS, **{source: each.what for source, each in LITERATURE.items()}}
    templates.globals |= {
        "style": Markup(style.read_text(encoding="utf-8")),
        "whats": whats,
        "literature": LITERATURE,
    }
    return templates


def _filled(template: str, **values: Any) -> str:
    return _templates().get_template(template).render(values).strip()
