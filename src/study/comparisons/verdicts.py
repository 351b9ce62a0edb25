"""The verdicts of the committed rules, in words and as tables."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

import pandas as pd
from pandas.io.formats.style import Styler

from helpers.statistics import Effect, smallest_found
from study.judging import Judgement, Verdict, recorded_judgements
from study.judging.rules import rules
from study.ledger.finding import after_correction, signed, unit, with_interval
from study.ledger.questions import says

_TOGETHER = {"white-space": "nowrap"}  # an id such as M-01 is not to be broken
_BELOW = 'style="margin-top: 1.5em"'  # a table that follows another


@cache
def judgements() -> Mapping[str, Judgement]:
    """The judgement of every rule, by its id, on the records that come with the book; made once."""
    return recorded_judgements()


def between(ends: Sequence[float], *, decimals: int = 2) -> str:
    """The ends of an interval in words, without plus signs.

    >>> between((-0.5, 1.25))
    '−0.50 to 1.25'
    """
    return " to ".join(f"{end:.{decimals}f}" for end in ends).replace("-", "\N{MINUS SIGN}")


def verdict(claim: str) -> str:
    """A rule's verdict in words; it says so if a significant difference is within the margin.

    >>> verdict("M-03")
    'holds'
    """
    each = judgements()[claim]
    small = each.differs and each.equivalent and each.rule.direction != "equal"
    return f"{each.verdict}{', but within the margin' if small else ''}"


def effects(*claims: str) -> dict[tuple[str, str], Effect]:
    """The effect of each contrast and condition of some rules of one measure, by its two variants.

    >>> list(effects("M-03"))[0]
    ('mnist/s2-same', 'mnist/s1-valid')
    """
    found = {}
    for claim in claims:
        each = judgements()[claim]
        contrasts = (each.rule.contrast, *each.rule.conditions)
        for contrast, effect in zip(contrasts, (each.effect, *each.conditions), strict=True):
            found[contrast.first, contrast.second] = effect
    return found


def in_numbers(claim: str) -> dict[str, str]:
    """The numbers behind a rule's verdict: over seeds and images, and over seeds alone."""
    each = judgements()[claim]
    return {
        "verdict": str(each.verdict),
        "difference": signed(each.effect.estimate),
        "95% interval": signed(*each.interval),
        "correlation": signed(each.paired.correlation),
        "Welch, 95%": signed(*each.paired.welch_interval),
    }


def rule_table(*claims: str) -> Styler:
    """The rules of some claims or questions, as they were committed before the runs."""
    rows = [{"rule": claim, "says": says(claim), "seeds": rules()[claim].seeds} for claim in claims]
    margins: dict[str, list[str]] = {}
    for claim in claims:
        margins.setdefault(f"{rules()[claim].margin:g} {unit(rules()[claim])}", []).append(claim)
    told = [f"{margin} for {', '.join(each)}" for margin, each in margins.items()]
    table = pd.DataFrame(rows).style.hide().set_table_attributes(_BELOW)
    table.set_caption(
        f"Margins: {'; '.join(told)}." if len(margins) > 1 else f"Margin: {next(iter(margins))}."
    )
    return table.set_properties(["rule"], **_TOGETHER)


def contrast_table(labels: Mapping[str, Sequence[str]]) -> Styler:
    """Each contrast of some rules with its difference and interval, and the verdict of each rule.

    Args:
        labels: by rule, the names of its contrast and then of each of its conditions.

    Raises:
        ValueError: unless each contrast of a rule has its label.
    """
    rows = []
    for claim, names in labels.items():
        column = f"{unit(rules()[claim])}, 95% interval"
        for position, (name, effect) in enumerate(zip(names, effects(claim).values(), strict=True)):
            rows.append(
                {
                    "rule": "" if position else claim,
                    "difference": name.replace("\n", " "),
                    column: with_interval(effect, rules()[claim]),
                    "verdict": "" if position else verdict(claim),
                }
            )
    return _fine_print(_with_verdicts(rows), labels)


def verdict_table(claims: Mapping[str, str]) -> Styler:
    """Verdicts of rules with the numbers behind them.

    Args:
        claims: by rule, the name of its contrast.
    """
    rows = []
    for claim, compared in claims.items():
        rows.append({"claim": f"{claim}: {says(claim)} Judged: {compared}.", **in_numbers(claim)})
    table = pd.DataFrame(rows).rename(columns={"difference": "points"})
    columns = ["claim", "verdict", "points", "95% interval", "Welch, 95%", "correlation"]
    return _fine_print(_bold(table[columns].style.hide()), claims)


def summary_table(*claims: str) -> Styler:
    """Rules with their verdict, difference and statement; units other than points are named."""
    rows = []
    for claim in claims:
        each = judgements()[claim]
        other = "" if unit(each.rule) == "points" else f" {unit(each.rule)}"
        rows.append(
            {
                "rule": claim,
                "verdict": verdict(claim),
                "difference, 95% interval": f"{with_interval(each.effect, each.rule)}{other}",
                "says": says(claim),
            }
        )
    return _fine_print(_with_verdicts(rows), claims)


def pairing() -> pd.Series:
    """The correlation over seeds of the two variants of each rule's contrast, by rule."""
    return pd.Series({claim: each.paired.correlation for claim, each in judgements().items()})


def open_conditions() -> dict[str, int]:
    """For each rule that holds, how many of its conditions have an interval that covers zero, if any."""
    found = {
        claim: sum(effect.interval().covers(0) for effect in each.conditions)
        for claim, each in judgements().items()
        if each.verdict is Verdict.HOLDS
    }
    return {claim: count for claim, count in found.items() if count}


def sensitivity_table() -> Styler:
    """By margin and number of seeds, the minimum detectable difference in accuracy at a power of 80%.

    It is given for a single test, and for the first test of Holm's correction; both are medians over rules.
    """
    rows = []
    for each in judgements().values():
        if each.rule.measure == "accuracy":
            error, freedom = each.effect.standard_error, each.effect.degrees_of_freedom
            alone, first = (
                smallest_found(error, degrees_of_freedom=freedom, alpha=each.rule.alpha / tests)
                for tests in (1, each.family)
            )
            rows.append((f"{each.rule.margin:g}", each.rule.seeds, alone, first))
    table = pd.DataFrame(rows, columns=["margin", "seeds", "alone", "among its family"])
    grouped = table.groupby(["margin", "seeds"])
    medians = grouped.median().assign(rules=grouped.size()).reset_index()
    return medians.style.format(precision=2).hide()


def _fine_print(table: Styler, claims: Iterable[str]) -> Styler:
    """Add notes to a table: intervals over seeds alone, and verdicts that the correction changed."""
    told = {claim: judgements()[claim] for claim in claims}
    alone = [claim for claim, each in told.items() if not each.effect.images]
    notes = [f"Over seeds alone: {', '.join(alone)}."] if alone else []
    notes += [f"{claim}: {note}." for claim, each in told.items() if (note := after_correction(each))]
    return table.set_caption(" ".join(notes)) if notes else table


def _with_verdicts(rows: Sequence[Mapping[str, Any]]) -> Styler:
    return _bold(pd.DataFrame(rows).style.hide()).set_properties(["rule"], **_TOGETHER)


def _bold(table: Styler) -> Styler:
    return table.set_properties(["verdict"], **{"font-weight": "bold"})
