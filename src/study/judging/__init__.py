"""How recorded runs are judged: by rules that were committed before them.

The committed rules, read once, are `study.judging.rules.rules`.
"""

from study.judging.measures import MEASURES, Runs, measured
from study.judging.rules import MARGINS, RULES, Contrast, Rule, digest_of, read_rules
from study.judging.verdicts import Judgement, Verdict, accuracy, holm, judge, recorded_judgements

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
