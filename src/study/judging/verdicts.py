"""From runs to a verdict, by a rule that was committed before the runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike
from statsmodels.stats.multitest import multipletests

from helpers.statistics.effect import (
    Effect,
    PairedDifference,
    common_seeds,
    crossed_effect,
    paired_difference,
    paired_table,
    seed_effect,
)
from helpers.statistics.intervals import Interval
from study.judging.measures import IMAGE_SAMPLES, Runs, measured
from study.judging.rules import Contrast, Rule, rules
from study.records import RECORDED, Record, records


class Verdict(StrEnum):
    """What can be said of a claim."""

    HOLDS = "holds"
    FAILS = "fails"
    NO_DIFFERENCE = "no difference that matters"
    CANNOT_BE_TOLD = "cannot be told"
    DEPENDS = "depends"


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """A claim judged, with the numbers behind the verdict.

    Attributes:
        rule: what decided.
        effect: first minus second, over seeds and test images.
        p: p-value of the test for a difference; corrected after `holm`.
        p_equivalence: p-value of the test for equivalence; likewise.
        paired: the same contrast over seeds alone, with the correlation and Welch's test.
        conditions: the effect under each of the rule's conditions, in its order.
        family: how many claims p was corrected for.
    """

    rule: Rule
    effect: Effect
    p: float
    p_equivalence: float
    paired: PairedDifference
    conditions: tuple[Effect, ...] = ()
    family: int = 1

    @property
    def interval(self) -> Interval:
        """The confidence interval of the effect at the level of the rule; not corrected for the family."""
        return self.effect.interval(1 - self.rule.alpha)

    @property
    def differs(self) -> bool:
        """Whether the interval excludes zero, after correction."""
        return self.p <= self.rule.alpha

    @property
    def equivalent(self) -> bool:
        """Whether any difference is shown to be smaller than the margin, after correction."""
        return self.p_equivalence <= self.rule.alpha

    @property
    def verdict(self) -> Verdict:
        """The verdict.

        A significant difference decides even if it is within the margin: `differs and equivalent`.
        """
        if self._opposite_effects():
            return Verdict.DEPENDS
        if self.rule.direction == "equal":
            return _first_true({Verdict.HOLDS: self.equivalent, Verdict.FAILS: self.differs})
        as_claimed = (self.effect.estimate > 0) == (self.rule.direction == "above")
        decided = Verdict.HOLDS if as_claimed else Verdict.FAILS
        return _first_true({decided: self.differs, Verdict.NO_DIFFERENCE: self.equivalent})

    def _opposite_effects(self) -> bool:
        alpha, margin = self.rule.alpha, self.rule.margin
        sure = [effect.estimate for effect in (self.effect, *self.conditions) if effect.p_value() <= alpha]
        return any(estimate > margin for estimate in sure) and any(estimate < -margin for estimate in sure)


def judge(rule: Rule, runs: Runs) -> Judgement:
    """Judge one claim.

    Args:
        rule: the contrast and how it is decided.
        runs: what `measured` gives for the rule's measure: for each "experiment/variant" and seed a fraction
            for each test image, such as right (1) or wrong (0), or else one number in the margin's unit.
            Seeds that are not in the rule are ignored.

    Raises:
        ValueError: for a variant without runs, or fewer than two seeds in common.
    """
    effect, paired = _compare(rule, rule.contrast, runs)
    return Judgement(
        rule=rule,
        effect=effect,
        p=effect.p_value(),
        p_equivalence=effect.p_equivalence(rule.margin),
        paired=paired,
        conditions=tuple(_compare(rule, condition, runs)[0] for condition in rule.conditions),
    )


def holm(judgements: Sequence[Judgement]) -> list[Judgement]:
    """Correct the p-values of several judgements for multiple testing, by Holm's method.

    Differences are one family and equivalences another: among all "holds" and "fails" together, and again
    among all "no difference that matters", the chance that any is wrong is at most alpha.

    Raises:
        ValueError: for no judgement at all.
    """
    if not judgements:
        raise ValueError("judgements must hold at least one, got none")
    corrected = [
        multipletests([getattr(judgement, name) for judgement in judgements], method="holm")[1]
        for name in ("p", "p_equivalence")
    ]
    return [
        replace(judgement, p=float(p), p_equivalence=float(p_equivalence), family=len(judgements))
        for judgement, p, p_equivalence in zip(judgements, *corrected, strict=True)
    ]


def recorded_judgements(
    root: Path = RECORDED, *, by: Mapping[str, Rule] | None = None
) -> dict[str, Judgement]:
    """Judge every rule whose runs are all recorded, and correct the verdicts by Holm's method.

    The claims of the write-ups are corrected as one family, those of the literature as another, and the
    questions of our own as a third. A rule that still lacks a run is left out: judged on fewer runs, it would
    be another rule.

    Args:
        root: the folder of the records; by default that of the records that come with the book.
        by: the rules, by the claim that each decides; by default the committed ones.

    Returns:
        The judgements by the ids of the claims.

    Raises:
        ValueError: if no rule has all its runs.
        UnreadableRecord: at the first file that is no record.
    """
    asked = list((rules() if by is None else by).values())
    experiments = sorted(set().union(*(rule.experiments for rule in asked)))
    runs: dict[str, list[Record]] = {}
    for record in (each for name in experiments for each in records(root, experiment=name)):
        if not record.failed:
            runs.setdefault(f"{record.experiment}/{record.variant}", []).append(record)
    compared = [(rule, [runs.get(variant, []) for variant in rule.variants]) for rule in asked]
    # A rule measures only the runs that it compares: those of other experiments may lack what it is about.
    judged = [
        judge(rule, measured(chain(*sides), measure=rule.measure))
        for rule, sides in compared
        if all(set(range(rule.seeds)) <= {record.seed for record in side} for side in sides)
    ]
    if not judged:
        raise ValueError(f"root must hold all runs of a rule, got {root}, which holds those of none")
    families: dict[str, list[Judgement]] = {}
    for each in judged:
        families.setdefault(each.rule.family, []).append(each)
    corrected = chain.from_iterable(holm(family) for family in families.values())
    return {judgement.rule.claim: judgement for judgement in corrected}


def accuracy(runs: Sequence[Record]) -> Effect:
    """Mean accuracy on the test images, in points, with its uncertainty over seeds and test images.

    Raises:
        ValueError: for fewer than two runs, or one that failed.
    """
    return crossed_effect(100 * np.stack([record.outcome.hits() for record in runs]))


def _compare(rule: Rule, contrast: Contrast, runs: Runs) -> tuple[Effect, PairedDifference]:
    first, second = (_planned(rule, variant, runs) for variant in (contrast.first, contrast.second))
    alone = paired_difference(_means(first), _means(second), level=1 - rule.alpha)
    if np.ndim(next(iter(first.values()))) == 1:
        table = paired_table(first, second)
        return crossed_effect(
            table,
            samples=IMAGE_SAMPLES.get(rule.measure, 1),
            resamples=rule.resamples,
            seed=rule.seed,
        ), alone
    seeds = common_seeds(first, second)
    return seed_effect([float(np.subtract(first[seed], second[seed])) for seed in seeds]), alone


def _planned(rule: Rule, variant: str, runs: Runs) -> dict[int, ArrayLike]:
    if variant not in runs:
        known = ", ".join(sorted(runs))
        raise ValueError(f"runs must hold {variant!r}, which {rule.claim} compares, got runs of {known}")
    return {seed: values for seed, values in runs[variant].items() if seed < rule.seeds}


def _means(runs: Mapping[int, ArrayLike]) -> dict[int, float]:
    return {
        seed: (100 if np.ndim(values) else 1) * float(np.mean(np.asarray(values, dtype=np.float64)))
        for seed, values in runs.items()
    }


def _first_true(candidates: dict[Verdict, bool]) -> Verdict:
    return next((verdict for verdict, is_so in candidates.items() if is_so), Verdict.CANNOT_BE_TOLD)
