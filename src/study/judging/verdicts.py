"""From runs to a verdict, by a rule that was there before them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike
from statsmodels.stats.multitest import multipletests

from helpers.statistics.effect import Effect, crossed_effect, seed_effect
from helpers.statistics.intervals import Interval
from helpers.statistics.pairing import PairedDifference, common_seeds, paired_difference, paired_table
from study.judging.measures import Runs
from study.judging.rules import Contrast, Rule


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
        p: of the test that there is no difference; corrected once `holm` has seen it.
        p_equivalence: of the test that the difference matters; likewise.
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
        """Where the effect lies, at the level of the rule; not corrected for the family."""
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
        """The verdict; a difference that is real but within the margin holds or fails all the same.

        `differs and equivalent` tells that case: real, and too small to matter.
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
    """Correct for having judged so many claims, by Holm's method.

    Differences are one family and equivalences another: among all "holds" and "fails" together, and again
    among all "no difference that matters", the chance that any is wrong is at most alpha.

    Raises:
        ValueError: for no judgement at all.
    """
    if not judgements:
        raise ValueError("judgements is empty: there is nothing to correct")
    corrected = [
        multipletests([getattr(judgement, name) for judgement in judgements], method="holm")[1]
        for name in ("p", "p_equivalence")
    ]
    return [
        replace(judgement, p=float(p), p_equivalence=float(p_equivalence), family=len(judgements))
        for judgement, p, p_equivalence in zip(judgements, *corrected, strict=True)
    ]


def _compare(rule: Rule, contrast: Contrast, runs: Runs) -> tuple[Effect, PairedDifference]:
    first, second = (_planned(rule, variant, runs) for variant in (contrast.first, contrast.second))
    alone = paired_difference(_means(first), _means(second), level=1 - rule.alpha)
    if np.ndim(next(iter(first.values()))) == 1:
        table = paired_table(first, second)
        return crossed_effect(table, resamples=rule.resamples, seed=rule.seed), alone
    seeds = common_seeds(first, second)
    return seed_effect([float(np.subtract(first[seed], second[seed])) for seed in seeds]), alone


def _planned(rule: Rule, variant: str, runs: Runs) -> dict[int, ArrayLike]:
    if variant not in runs:
        raise ValueError(
            f"{rule.claim} needs runs of {variant!r}; there are runs of {', '.join(sorted(runs))}"
        )
    return {seed: values for seed, values in runs[variant].items() if seed < rule.seeds}


def _means(runs: Mapping[int, ArrayLike]) -> dict[int, float]:
    return {
        seed: (100 if np.ndim(values) else 1) * float(np.mean(np.asarray(values, dtype=np.float64)))
        for seed, values in runs.items()
    }


def _first_true(candidates: dict[Verdict, bool]) -> Verdict:
    return next((verdict for verdict, is_so in candidates.items() if is_so), Verdict.CANNOT_BE_TOLD)
