"""What chapters 9 to 14 draw and tabulate: recorded runs, one variant beside another.

A variant is named as its records are, "experiment/variant"::

    difference("mnist/s1-same", "mnist/s2-same").interval()
    network_table({"fashion-mnist/a": "A", "fashion-mnist/b": "B"})
"""

from study.comparisons.figures import (
    Look,
    accuracy_estimates,
    accuracy_figure,
    class_means,
    condition_figure,
    learning_figure,
    mnist_looks,
    result,
)
from study.comparisons.runs import (
    PageInterval,
    Reached,
    accuracies,
    beyond_chance,
    beyond_mistakes,
    confusion_changes,
    difference,
    difference_table,
    hits,
    ink_unread,
    layer_table,
    learned,
    measurements,
    network,
    network_facts,
    network_table,
    page_intervals,
    reached,
    runs,
)
from study.comparisons.verdicts import (
    between,
    contrast_table,
    effects,
    in_numbers,
    judgements,
    rule_table,
    summary_table,
    verdict,
    verdict_table,
)
from study.ledger.finding import signed, with_interval

__all__ = [
    "Look",
    "PageInterval",
    "Reached",
    "accuracies",
    "accuracy_estimates",
    "accuracy_figure",
    "between",
    "beyond_chance",
    "beyond_mistakes",
    "class_means",
    "condition_figure",
    "confusion_changes",
    "contrast_table",
    "difference",
    "difference_table",
    "effects",
    "hits",
    "in_numbers",
    "ink_unread",
    "judgements",
    "layer_table",
    "learned",
    "learning_figure",
    "measurements",
    "mnist_looks",
    "network",
    "network_facts",
    "network_table",
    "page_intervals",
    "reached",
    "result",
    "rule_table",
    "runs",
    "signed",
    "summary_table",
    "verdict",
    "verdict_table",
    "with_interval",
]
