"""The finding on a claim: its verdict, and the numbers behind it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from helpers.data import TITLES
from helpers.statistics import Effect
from study.judging import Judgement, Rule, Verdict
from study.judging.rules import rules

A_TENTH = 0.1  # what "hardly", "rarely", "similar" and "roughly" of a source are taken to allow


@dataclass(frozen=True, kw_only=True)
class Finding:
    """The finding on a claim.

    Attributes:
        verdict: the verdict; None if the images that the check counts, or the runs, are missing.
        evidence: the numbers behind it, in words.
        reason: why there is no verdict; empty if there is one.
        conditions: for each condition that the claim covers, whether the claim is true under it.
        judgement: the judgement by the committed rule, if one decides.
        parts: the findings on a claim's two halves, by their `about`.
        waits: whether there is no verdict because its runs are not all recorded yet.
    """

    verdict: Verdict | None
    evidence: str = ""
    reason: str = ""
    conditions: Mapping[str, bool] = field(default_factory=dict)
    judgement: Judgement | None = None
    parts: Mapping[str, "Finding"] = field(default_factory=dict)
    waits: bool = False

    @property
    def state(self) -> str:
        """The verdict in words, or that there is none."""
        if self.verdict:
            return str(self.verdict)
        return "not run yet" if self.waits else "not judged here"


def decided(conditions: Mapping[str, bool], evidence: str) -> Finding:
    """The finding on a computed claim: true under all conditions, under none, or it depends on them.

    Args:
        conditions: whether the claim is true under each condition that it covers.
        evidence: the numbers behind it, in words.

    Raises:
        ValueError: if there is no condition.

    >>> decided({"stride 1": True, "stride 2": False}, "28, 14").state
    'depends'
    """
    if not conditions:
        raise ValueError("conditions must name what the claim must be true of, got none")
    truths = set(conditions.values())
    verdict = Verdict.DEPENDS if len(truths) > 1 else Verdict.HOLDS if True in truths else Verdict.FAILS
    return Finding(verdict=verdict, evidence=evidence, conditions=conditions)


def without_images(name: str) -> Finding:
    """The finding on a claim whose check counts real images, if they are missing.

    >>> without_images("mnist").reason
    'the real images of MNIST are not to be had here'
    """
    return Finding(verdict=None, reason=f"the real images of {TITLES[name]} are not to be had here")


def waiting(claim: str) -> Finding:
    """The finding on a claim that has a rule, and whose runs are not all recorded yet.

    >>> waiting("M-01").reason
    'its rule is written and its runs are not all recorded: 60 seeds of each network'
    """
    seeds = rules()[claim].seeds
    reason = f"its rule is written and its runs are not all recorded: {seeds} seeds of each network"
    return Finding(verdict=None, reason=reason, waits=True)


def both(parts: Mapping[str, Finding]) -> Finding:
    """The finding on a claim of two halves: it fails if one does, and holds if both do.

    Args:
        parts: the findings on its halves, by their `about`. If one has no verdict, the claim has none.
    """
    verdicts = [part.verdict for part in parts.values()]
    weakest = (
        Verdict.FAILS,
        Verdict.DEPENDS,
        Verdict.CANNOT_BE_TOLD,
        Verdict.NO_DIFFERENCE,
        Verdict.HOLDS,
    )
    open_parts = {about: part.reason for about, part in parts.items() if part.verdict is None}
    return Finding(
        verdict=None if open_parts else next(each for each in weakest if each in verdicts),
        evidence="; ".join(
            f"{about}: {part.state}, {part.evidence}" for about, part in parts.items() if part.verdict
        ),
        reason="; ".join(f"{about}: {reason}" for about, reason in open_parts.items()),
        judgement=next((part.judgement for part in parts.values() if part.judgement), None),
        parts=parts,
    )


Judgements = Mapping[str, Judgement]

_UNITS = {  # of all other measures: points
    "seconds": "s an epoch",
    "gradient-ratio": "powers of ten",
    "edge-response": "% of the center",
    "position": "% of the variance",
}
_DECIMALS = {"seconds": 0, "edge-response": 0}  # of all other measures: 2
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
    """The finding on a claim by its committed rule.

    Raises:
        ValueError: if it was not judged, since runs that it compares are not recorded.
    """
    if claim not in judgements:
        needed = ", ".join(rules()[claim].variants)
        raise ValueError(f"judgements must hold {claim}, got none of it: record all runs of {needed} first")
    judgement = judgements[claim]
    return Finding(verdict=judgement.verdict, evidence=_numbers(judgement), judgement=judgement)


def signed(*values: float, decimals: int = 2) -> str:
    """Numbers with their sign; two are written as the ends of an interval.

    >>> signed(0.123)
    '+0.12'
    >>> signed(-0.001, 2)
    '0.00 to +2.00'
    """
    zero = f"{0:.{decimals}f}"
    texts = (f"{value:+z.{decimals}f}" for value in values)
    texts = (text.replace(f"+{zero}", zero) if float(text) == 0 else text for text in texts)
    return " to ".join(texts).replace("-", "\N{MINUS SIGN}")


def unit(rule: Rule) -> str:
    """The unit of a rule's measure."""
    return _UNITS.get(rule.measure, "points")


def with_interval(effect: Effect, rule: Rule | None = None) -> str:
    """An effect and its 95% interval, in words; the rule's measure sets the number of decimals, else two."""
    decimals = _DECIMALS.get(rule.measure, 2) if rule else 2
    return f"{signed(effect.estimate, decimals=decimals)} ({signed(*effect.interval(), decimals=decimals)})"


def in_words(effect: Effect, rule: Rule) -> str:
    """An effect of a rule's measure, with its 95% interval, its unit and its number of seeds, in words.

    It says so if the interval is over seeds alone, and hence not about other test images.
    """
    alone = "" if effect.images else ", over seeds alone"
    return f"{with_interval(effect, rule)} {unit(rule)}, n = {effect.seeds}{alone}"


def after_correction(judgement: Judgement) -> str:
    """Why a verdict is more cautious than its interval suggests; empty if it is not.

    Verdicts are corrected for the family of rules, intervals are not.
    """
    beside = f"corrected for {judgement.family} rules it would not"
    if not judgement.differs and not judgement.interval.covers(0):
        return f"the interval leaves out zero; {beside}"
    alone = judgement.effect.p_equivalence(judgement.rule.margin) <= judgement.rule.alpha
    if alone and not judgement.equivalent:
        return f"the 90% interval lies within the margin; {beside}"
    return ""


def _numbers(judgement: Judgement) -> str:
    found = [in_words(judgement.effect, judgement.rule)]
    for contrast, effect in zip(judgement.rule.conditions, judgement.conditions, strict=True):
        found.append(f"{contrast.first} minus {contrast.second}: {with_interval(effect, judgement.rule)}")
    if judgement.differs and judgement.equivalent:
        found.append("real, but within the margin")
    if careful := after_correction(judgement):
        found.append(careful)
    return "; ".join(found)
