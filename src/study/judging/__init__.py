"""How recorded runs are judged: by rules that were committed before them."""

from study.judging.judgements import accuracy, recorded_judgements
from study.judging.measures import MEASURES, Runs, measured
from study.judging.rules import MARGINS, RULES, Contrast, Rule, digest_of, read_rules
from study.judging.verdicts import Judgement, Verdict, holm, judge

__all__ = [
    "MARGINS",
    "MEASURES",
    "RULES",
    "Contrast",
    "Judgement",
    "Rule",
    "Runs",
    "Verdict",
    "accuracy",
    "digest_of",
    "holm",
    "judge",
    "measured",
    "read_rules",
    "recorded_judgements",
]
