"""The measures of a recorded run that a rule can compare, each under the name that rules use."""

from collections.abc import Callable, Iterable, Mapping

import numpy as np
from numpy.typing import ArrayLike

from helpers.checks import choice
from study.records import Record

Runs = Mapping[str, Mapping[int, ArrayLike]]


def measured(records: Iterable[Record], *, measure: str = "accuracy") -> dict[str, dict[int, ArrayLike]]:
    """One measure of each finished run: by "experiment/variant", then by seed.

    Args:
        records: runs of one or more experiments; failed ones are left out.
        measure: a name of `MEASURES`.

    Returns:
        For each run either one number for each test image, or a single number.

    Raises:
        ValueError: for an unknown measure, or a record that lacks it.
    """
    choice("measure", measure, MEASURES)
    runs: dict[str, dict[int, ArrayLike]] = {}
    for record in records:
        if not record.failed:
            by_seed = runs.setdefault(f"{record.experiment}/{record.variant}", {})
            by_seed[record.seed] = MEASURES[measure](record)
    return runs


def _accuracy(record: Record) -> ArrayLike:
    """Right (1) or wrong (0), for each test image."""
    return record.outcome.hits()


def _gap(record: Record) -> ArrayLike:
    """Accuracy on the first training images in evaluation mode, minus right or wrong for each test image."""
    return _fitted_accuracy(record) - record.outcome.hits()


def _first_epoch(record: Record) -> ArrayLike:
    """Validation accuracy after the first epoch, in points: how fast a network learns."""
    return 100 * record.epochs[0].validation_accuracy


def _fine_grained(record: Record) -> ArrayLike:
    """Recall of Fashion-MNIST's Pullover and Shirt minus that of the other classes, in points."""
    recall = np.array([row[index] / sum(row) for index, row in enumerate(record.outcome.confusion)])
    fine = np.isin(np.arange(len(recall)), (2, 6))
    return 100 * float(recall[fine].mean() - recall[~fine].mean())


def _fitted(record: Record) -> ArrayLike:
    """Accuracy on the first training images in evaluation mode, in points: how well they are fitted."""
    return 100 * _fitted_accuracy(record)


def _seconds(record: Record) -> ArrayLike:
    """Time of training, in seconds an epoch."""
    return record.seconds / len(record.epochs)


def _consistency(record: Record) -> ArrayLike:
    """Share of predictions that stay the same when the test images move by 1, 2 or 3 pixels, in points."""
    return 100 * float(np.mean([_extra(record, f"consistency-shift-{pixels}") for pixels in (1, 2, 3)]))


def _share(name: str) -> Callable[[Record], ArrayLike]:
    """A measurement of `Record.extra`, in points."""
    return lambda record: 100 * _extra(record, name)


def _extra(record: Record, name: str) -> float:
    if name not in record.extra:
        known = ", ".join(record.extra) or "nothing"
        raise ValueError(f"records must all have measured {name!r}, got {record.name}, which has {known}")
    return record.extra[name]


def _fitted_accuracy(record: Record) -> float:
    fitted = record.epochs[-1].fitted_accuracy
    if fitted is None:
        raise ValueError(f"records must all have measured training images, got {record.name}, which has not")
    return fitted


MEASURES: dict[str, Callable[[Record], ArrayLike]] = {
    "accuracy": _accuracy,
    "gap": _gap,
    "first-epoch": _first_epoch,
    "fine-grained": _fine_grained,
    "fitted": _fitted,
    "seconds": _seconds,
    "memorized": _share("mislabeled-as-given"),
    "under-noise": _share("accuracy-noise-0.2"),
    "consistency": _consistency,
    "edge-response": _share("edge-response"),
    "position": _share("position"),
    "gradient-ratio": lambda record: _extra(record, "gradient-ratio"),
}

IMAGE_SAMPLES = {"gap": 2}
"""How many samples of images a measure rests on, for measures where that is not one.

A gap rests on two of 10,000: the test images, and the first training images. A record holds how many of the
training images were right, not which, so they are taken to scatter as the test images do.
"""
