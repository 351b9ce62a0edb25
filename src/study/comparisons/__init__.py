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
from study.comparisons.literature import changes_by_shift, places_told
from study.comparisons.runs import (
    Reached,
    accuracies,
    beyond_chance,
    beyond_mistakes,
    confusion_changes,
    difference,
    difference_table,
    fine_grained_over_images,
    hits,
    ink_unread,
    layer_table,
    learned,
    measurements,
    network,
    network_facts,
    network_table,
    reached,
    runs,
)
from study.comparisons.verdicts import (
    between,
    contrast_table,
    effects,
    in_numbers,
    judgements,
    open_conditions,
    pairing,
    rule_table,
    sensitivity_table,
    summary_table,
    verdict,
    verdict_table,
)
from study.ledger.finding import signed, with_interval

__all__ = [
    "Look",
    "Reached",
    "accuracies",
    "accuracy_estimates",
    "accuracy_figure",
    "between",
    "beyond_chance",
    "beyond_mistakes",
    "changes_by_shift",
    "class_means",
    "condition_figure",
    "confusion_changes",
    "contrast_table",
    "difference",
    "difference_table",
    "effects",
    "fine_grained_over_images",
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
    "open_conditions",
    "pairing",
    "places_told",
    "reached",
    "result",
    "rule_table",
    "runs",
    "sensitivity_table",
    "signed",
    "summary_table",
    "verdict",
    "verdict_table",
    "with_interval",
]
