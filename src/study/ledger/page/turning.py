"""Effects turned so that those of different claims can stand in one figure."""

from dataclasses import replace

from helpers.statistics import Effect
from study.judging import Judgement


def toward(judgement: Judgement) -> Effect:
    """The effect in the direction of the claim: above zero where it is as the source says.

    An effect that is said to be none stays as it is.
    """
    effect = judgement.effect
    if judgement.rule.direction != "below":
        return effect
    return replace(effect, estimate=-effect.estimate, draws=-effect.draws[::-1])
