"""The recorded runs of the book, judged by its committed rules."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from helpers.results import RECORDED, Record, records
from helpers.statistics.effect import Effect, crossed_effect
from helpers.statistics.measures import Runs, measured
from helpers.statistics.rules import Rule, read_rules
from helpers.statistics.verdicts import Judgement, holm, judge


def accuracy(runs: Sequence[Record]) -> Effect:
    """Mean accuracy on the test images, in points, over the seeds and images that could have been others.

    Raises:
        ValueError: for fewer than two runs, or one that failed.
    """
    return crossed_effect(100 * np.stack([record.outcome.hits() for record in runs]))


def recorded_judgements(root: Path = RECORDED) -> dict[str, Judgement]:
    """Judge every claim whose runs are all recorded, by the rules committed before them; Holm-corrected.

    A claim that still lacks a run is left out: judged on what happens to be there, its rule would be another.

    Raises:
        ValueError: if no rule has all its runs.
        UnreadableRecord: at the first file that is no record.
    """
    rules = list(read_rules(root / "rules.json").values())
    experiments = sorted(set().union(*(rule.experiments for rule in rules)))
    finished = [record for name in experiments for record in records(root, experiment=name)]
    runs = {measure: measured(finished, measure=measure) for measure in {rule.measure for rule in rules}}
    complete = [rule for rule in rules if _has_all_runs(rule, runs[rule.measure])]
    corrected = holm([judge(rule, runs[rule.measure]) for rule in complete])
    return {judgement.rule.claim: judgement for judgement in corrected}


def _has_all_runs(rule: Rule, runs: Runs) -> bool:
    contrasts = (rule.contrast, *rule.conditions)
    variants = {variant for contrast in contrasts for variant in (contrast.first, contrast.second)}
    return all(set(range(rule.seeds)) <= runs.get(variant, {}).keys() for variant in variants)
