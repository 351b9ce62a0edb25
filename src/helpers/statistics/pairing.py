"""The difference between two variants, with their runs paired by seed."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from helpers.statistics.intervals import Interval, finite_numbers, mean_interval


@dataclass(frozen=True, kw_only=True)
class PairedDifference:
    """First minus second, over seeds alone.

    Attributes:
        seeds: how many seeds both have.
        difference: mean difference over these, in the unit of the values.
        interval: Student's t interval of that mean.
        p: of the paired t-test.
        correlation: Pearson's, between the two at the same seed; NaN where one of them never varies.
        welch_difference: difference of the means over all runs of each, paired or not.
        welch_interval: Welch's interval of it.
        welch_p: of Welch's test.
    """

    seeds: int
    difference: float
    interval: Interval
    p: float
    correlation: float
    welch_difference: float
    welch_interval: Interval
    welch_p: float


def paired_difference(
    first: Mapping[int, float], second: Mapping[int, float], *, level: float = 0.95
) -> PairedDifference:
    """Compare two variants seed by seed, and beside it as if their seeds had nothing in common (Welch 1947).

    Where the correlation is near zero, as it may be for networks of different shapes, the two agree.

    Args:
        first: one value a run, by seed.
        second: the same for the other variant; seeds that only one of the two has count for Welch alone.
        level: of both intervals.

    Raises:
        ValueError: for fewer than two seeds in common, a value that is not finite, or a level outside (0, 1).
    """
    seeds = common_seeds(first, second)
    a = finite_numbers("first", [first[seed] for seed in seeds])
    b = finite_numbers("second", [second[seed] for seed in seeds])
    all_a = finite_numbers("first", list(first.values()))
    all_b = finite_numbers("second", list(second.values()))
    welch_p, welch_interval = _welch(all_a, all_b, level)
    return PairedDifference(
        seeds=len(seeds),
        difference=float(np.mean(a - b)),
        interval=mean_interval(list(a - b), level=level),
        p=_paired_p(a - b),
        correlation=float("nan") if _constant(a) or _constant(b) else float(stats.pearsonr(a, b).statistic),
        welch_difference=float(all_a.mean() - all_b.mean()),
        welch_interval=welch_interval,
        welch_p=welch_p,
    )


def paired_table(first: Mapping[int, ArrayLike], second: Mapping[int, ArrayLike]) -> NDArray[np.float64]:
    """First minus second for each common seed and each test image, in points: shape (seeds, images).

    Args:
        first: right (1) or wrong (0) for each test image, shape (images,), by seed.
        second: the same for the other variant, on the same images in the same order.

    Raises:
        ValueError: for fewer than two seeds in common, or rows of different lengths.

    >>> paired_table({0: [1, 1], 1: [0, 1]}, {0: [1, 0], 1: [1, 0]}).tolist()
    [[0.0, 100.0], [-100.0, 100.0]]
    """
    seeds = common_seeds(first, second)
    rows = [[np.asarray(runs[seed], dtype=np.float64) for seed in seeds] for runs in (first, second)]
    lengths = {row.shape for side in rows for row in side}
    if len(lengths) != 1:
        raise ValueError(f"first and second must be about the same test images, got shapes {sorted(lengths)}")
    return 100 * (np.stack(rows[0]) - np.stack(rows[1]))


def common_seeds(first: Mapping[int, object], second: Mapping[int, object]) -> list[int]:
    """Return the seeds that both have, in order.

    Raises:
        ValueError: for fewer than two.
    """
    seeds = sorted(set(first) & set(second))
    if len(seeds) < 2:
        both = f"{sorted(first)} and {sorted(second)}"
        raise ValueError(f"first and second must have at least two seeds in common, got {both}")
    return seeds


def _paired_p(differences: NDArray[np.float64]) -> float:
    # scipy warns where the differences do not vary, and has no answer where they are all zero.
    if _constant(differences):
        return 1.0 if differences[0] == 0 else 0.0
    return float(stats.ttest_1samp(differences, 0.0).pvalue)


def _welch(a: NDArray[np.float64], b: NDArray[np.float64], level: float) -> tuple[float, Interval]:
    if _constant(a) and _constant(b):
        difference = float(a[0] - b[0])
        return (1.0 if difference == 0 else 0.0), Interval(difference, difference)
    test = stats.ttest_ind(a, b, equal_var=False)
    low, high = test.confidence_interval(level)
    return float(test.pvalue), Interval(float(low), float(high))


def _constant(numbers: NDArray[np.float64]) -> bool:
    return bool(np.ptp(numbers) == 0)
