"""Claims that recorded experiments decide by the committed rule of their id: rules and verdicts in words."""

from collections.abc import Mapping

from helpers.statistics import Effect
from study.judging import Judgement, Rule
from study.judging.rules import rules
from study.ledger.finding import Finding

Judgements = Mapping[str, Judgement]

_UNITS = {  # of all other measures: points
    "seconds": "s an epoch",
    "gradient-ratio": "powers of ten",
    "edge-response": "% of the center",
}
_SAYS = {"above": "is above zero", "below": "is below zero", "equal": "is within the margin"}


def rule_text(claim: str) -> str:
    """What a claim's rule compares, in words.

    >>> rule_text("M-01")
    'mnist/s1-same minus mnist/s1-valid in accuracy is above zero; margin 0.2 points, 60 seeds'
    """
    rule = rules()[claim]
    compared = f"{rule.contrast.first} minus {rule.contrast.second} in {rule.measure}"
    return f"{compared} {_SAYS[rule.direction]}; margin {rule.margin:g} {unit(rule)}, {rule.seeds} seeds"


def rule_finding(claim: str, judgements: Judgements) -> Finding:
    """What the rule of a claim found.

    Raises:
        ValueError: if it was not judged, since runs that it compares are not recorded.
    """
    if claim not in judgements:
        needed = ", ".join(rules()[claim].variants)
        raise ValueError(f"judgements must hold {claim}, got none of it: record all runs of {needed} first")
    judgement = judgements[claim]
    return Finding(verdict=judgement.verdict, evidence=_numbers(judgement), judgement=judgement)


def signed(*values: float) -> str:
    """Numbers with their sign and two decimals; two are written as the ends of an interval.

    >>> signed(0.123)
    '+0.12'
    >>> signed(-0.001, 2)
    '0.00 to +2.00'
    """
    texts = (f"{value:+z.2f}".replace("+0.00", "0.00") for value in values)
    return " to ".join(texts).replace("-", "\N{MINUS SIGN}")


def unit(rule: Rule) -> str:
    """The unit of a rule's measure."""
    return _UNITS.get(rule.measure, "points")


def with_interval(effect: Effect) -> str:
    """An effect and its 95% interval, in words."""
    return f"{signed(effect.estimate)} ({signed(*effect.interval())})"


def in_words(effect: Effect, rule: Rule) -> str:
    """An effect of a rule's measure, with its 95% interval, its unit and its number of seeds, in words."""
    return f"{with_interval(effect)} {unit(rule)}, n = {effect.seeds}"


def _numbers(judgement: Judgement) -> str:
    found = [in_words(judgement.effect, judgement.rule)]
    for contrast, effect in zip(judgement.rule.conditions, judgement.conditions, strict=True):
        found.append(f"{contrast.first} minus {contrast.second}: {with_interval(effect)}")
    if judgement.differs and judgement.equivalent:
        found.append("real, but within the margin")
    return "; ".join(found)
