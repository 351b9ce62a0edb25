"""The recorded runs of the book, judged by its committed rules."""

from collections.abc import Sequence
from itertools import chain
from pathlib import Path

import numpy as np

from helpers.statistics.effect import Effect, crossed_effect
from study.judging.measures import measured
from study.judging.rules import RULES, read_rules
from study.judging.verdicts import Judgement, holm, judge
from study.records import RECORDED, Record, records


def accuracy(runs: Sequence[Record]) -> Effect:
    """Mean accuracy on the test images, in points, over the seeds and images that could have been others.

    Raises:
        ValueError: for fewer than two runs, or one that failed.
    """
    return crossed_effect(100 * np.stack([record.outcome.hits() for record in runs]))


def recorded_judgements(root: Path = RECORDED, *, rules_file: Path = RULES) -> dict[str, Judgement]:
    """Judge every claim whose runs are all recorded, by the rules committed before them; Holm-corrected.

    The claims of the sources are corrected as one family, the questions of our own as another. A claim that
    still lacks a run is left out: judged on what happens to be there, its rule would be another.

    Raises:
        ValueError: if no rule has all its runs.
        UnreadableRecord: at the first file that is no record.
    """
    rules = list(read_rules(rules_file).values())
    experiments = sorted(set().union(*(rule.experiments for rule in rules)))
    runs: dict[str, list[Record]] = {}
    for record in (each for name in experiments for each in records(root, experiment=name)):
        if not record.failed:
            runs.setdefault(f"{record.experiment}/{record.variant}", []).append(record)
    compared = [(rule, [runs.get(variant, []) for variant in rule.variants]) for rule in rules]
    # A rule measures only the runs that it compares: those of other experiments may lack what it is about.
    judged = [
        judge(rule, measured(chain(*sides), measure=rule.measure))
        for rule, sides in compared
        if all(set(range(rule.seeds)) <= {record.seed for record in side} for side in sides)
    ]
    if not judged:
        raise ValueError(f"{root} holds all runs of no rule: there is nothing to judge")
    families = [[each for each in judged if each.rule.is_ours is ours] for ours in (False, True)]
    corrected = chain.from_iterable(holm(family) for family in families if family)
    return {judgement.rule.claim: judgement for judgement in corrected}
