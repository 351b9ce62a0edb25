"""Confusion matrices: precision, recall and F1 of each class, and the cells in which two variants differ."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats
from statsmodels.stats.multitest import multipletests

from helpers.statistics.effect import common_seeds


class ClassReport(NamedTuple):
    """Three numbers a class, from 0 to 1; each array has the shape of the matrices without their last axis.

    Attributes:
        precision: of the images predicted as this class, the share that belongs to it; 0 if there are none.
        recall: of the images of this class, the share that was predicted as it.
        f1: the harmonic mean of the two; 0 where both are.
    """

    precision: NDArray[np.float64]
    recall: NDArray[np.float64]
    f1: NDArray[np.float64]


def class_report(confusion: ArrayLike) -> ClassReport:
    """Precision, recall and F1 of each class.

    Args:
        confusion: images of each true class (rows) by predicted class (columns): (classes, classes), or with
            an axis of runs before.

    Raises:
        ValueError: unless the matrices are square, without negative counts, and every class has an image.

    >>> class_report([[8, 2], [0, 10]]).precision.round(3).tolist()
    [1.0, 0.833]
    """
    counts = _counts(confusion)
    hits = np.diagonal(counts, axis1=-2, axis2=-1)
    actual, given = counts.sum(axis=-1), counts.sum(axis=-2)
    # F1 = 2 P R / (P + R), in counts: so that it is defined where no image was predicted as the class.
    return ClassReport(hits / np.maximum(given, 1), hits / actual, 2 * hits / (actual + given))


def row_shares(confusion: ArrayLike) -> NDArray[np.float64]:
    """Each row divided by its sum: of the images of a class, the share predicted as each class.

    Raises:
        ValueError: as `class_report` does.
    """
    counts = _counts(confusion)
    shares: NDArray[np.float64] = counts / counts.sum(axis=-1, keepdims=True)
    return shares


@dataclass(frozen=True, eq=False)
class CellDifferences:
    """First minus second in each cell of the confusion matrix, over seeds alone.

    Attributes:
        difference: mean of the row shares, in points, (classes, classes).
        p: p-values of the paired t-test in each cell, corrected over all cells by Holm's method.
        seeds: how many seeds both variants have.
    """

    difference: NDArray[np.float64]
    p: NDArray[np.float64]
    seeds: int

    def told(self, alpha: float = 0.05) -> NDArray[np.bool_]:
        """Which cells differ significantly over seeds, at the level `alpha`: (classes, classes)."""
        told: NDArray[np.bool_] = self.p <= alpha
        return told


def cell_differences(first: Mapping[int, ArrayLike], second: Mapping[int, ArrayLike]) -> CellDifferences:
    """Compare the confusion matrices of two variants, seed by seed.

    Args:
        first: a confusion matrix for each seed.
        second: the same for the other variant.

    Raises:
        ValueError: for fewer than two seeds in common, or as `class_report` does.
    """
    seeds = common_seeds(first, second)
    one, other = (row_shares(np.stack([runs[seed] for seed in seeds])) for runs in (first, second))
    differences = 100 * (one - other)  # (seeds, classes, classes)
    mean = differences.mean(axis=0)
    p = np.where(mean == 0, 1.0, 0.0)  # where all seeds agree, there is no noise
    varies = np.ptp(differences, axis=0) > 0
    if varies.any():
        p[varies] = stats.ttest_1samp(differences[:, varies], 0.0).pvalue
    corrected = multipletests(p.ravel(), method="holm")[1].reshape(p.shape)
    return CellDifferences(mean, corrected, len(seeds))


def _counts(confusion: ArrayLike) -> NDArray[np.float64]:
    counts = np.asarray(confusion, dtype=np.float64)
    if counts.ndim < 2 or counts.shape[-1] != counts.shape[-2] or counts.size == 0:
        raise ValueError(f"confusion must have the shape (..., classes, classes), got {counts.shape}")
    if not (counts >= 0).all():
        raise ValueError(f"confusion must hold counts of 0 or more, got {counts[~(counts >= 0)][0]}")
    if (counts.sum(axis=-1) == 0).any():
        raise ValueError("confusion must have an image of every class, got a row of zeros")
    return counts
