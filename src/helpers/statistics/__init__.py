"""How a difference is judged: intervals over seeds and test images, paired differences, classes.

All functions take and return plain numbers and arrays. The rules that judge recorded runs are in
`study.judging`.
"""

from helpers.statistics.classes import (
    CellDifferences,
    ClassReport,
    cell_differences,
    class_report,
    row_shares,
)
from helpers.statistics.effect import (
    Effect,
    PairedDifference,
    crossed_effect,
    paired_difference,
    paired_table,
    seed_effect,
)
from helpers.statistics.intervals import (
    Agreement,
    Interval,
    agreement,
    mean_interval,
    prediction_interval,
    smallest_found,
    wilson_interval,
)

__all__ = [
    "Agreement",
    "CellDifferences",
    "ClassReport",
    "Effect",
    "Interval",
    "PairedDifference",
    "agreement",
    "cell_differences",
    "class_report",
    "crossed_effect",
    "mean_interval",
    "paired_difference",
    "paired_table",
    "prediction_interval",
    "row_shares",
    "seed_effect",
    "smallest_found",
    "wilson_interval",
]
