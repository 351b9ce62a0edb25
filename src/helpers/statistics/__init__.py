"""How a difference is judged: over seeds and test images, against a margin, by a rule written down before."""

from helpers.statistics.classes import (
    CellDifferences,
    ClassReport,
    cell_differences,
    class_report,
    confusions,
    row_shares,
)
from helpers.statistics.effect import Effect, crossed_effect, seed_effect
from helpers.statistics.intervals import Interval, mean_interval, prediction_interval, wilson_interval
from helpers.statistics.measures import MEASURES, Runs, measured
from helpers.statistics.pairing import PairedDifference, paired_difference, paired_table
from helpers.statistics.published import Agreement, agreement
from helpers.statistics.recorded import accuracy, recorded_judgements
from helpers.statistics.rules import MARGINS, Contrast, Rule, digest_of, read_rules
from helpers.statistics.verdicts import Judgement, Verdict, holm, judge

__all__ = [
    "MARGINS",
    "MEASURES",
    "Agreement",
    "CellDifferences",
    "ClassReport",
    "Contrast",
    "Effect",
    "Interval",
    "Judgement",
    "PairedDifference",
    "Rule",
    "Runs",
    "Verdict",
    "accuracy",
    "agreement",
    "cell_differences",
    "class_report",
    "confusions",
    "crossed_effect",
    "digest_of",
    "holm",
    "judge",
    "mean_interval",
    "measured",
    "paired_difference",
    "paired_table",
    "prediction_interval",
    "read_rules",
    "recorded_judgements",
    "row_shares",
    "seed_effect",
    "wilson_interval",
]
