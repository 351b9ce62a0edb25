"""The records that come with the book, as its pages read them."""

from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from helpers.epoch import Epoch
from study.records.record import Record
from study.records.store import records

_CHECKOUT = Path(__file__).resolve().parents[3] / "results"
_INSTALLED = Path(__file__).resolve().parents[1] / "recorded"  # where a wheel holds them

RECORDED = _INSTALLED if _INSTALLED.is_dir() else _CHECKOUT


def recorded(experiment: str, *, root: Path = RECORDED) -> dict[str, list[Record]]:
    """The finished runs of an experiment: by variant, in the order of their seeds.

    Args:
        experiment: its name, such as "mnist".
        root: the folder of the records.

    Raises:
        ValueError: if no run of it is there.
        UnreadableRecord: at the first file that is no record.
    """
    by_variant: dict[str, list[Record]] = {}
    for record in records(root, experiment=experiment):
        if not record.failed:
            by_variant.setdefault(record.variant, []).append(record)
    if not by_variant:
        known = sorted(path.name for path in root.glob("*/") if path.is_dir())
        raise ValueError(
            f"experiment must have finished runs in {root}, got {experiment!r}; there are runs of {known}"
        )
    return by_variant


def per_epoch(runs: Sequence[Record], quantity: str) -> NDArray[np.float64]:
    """A quantity of `Epoch` after each epoch of each run, (runs, epochs).

    Raises:
        ValueError: for an unknown quantity, or one that a run did not measure.
    """
    known = [field.name for field in fields(Epoch)]
    if quantity not in known:
        raise ValueError(f"quantity must be one of {', '.join(known)}, got {quantity!r}")
    values = [[getattr(epoch, quantity) for epoch in record.epochs] for record in runs]
    if any(value is None for row in values for value in row):
        raise ValueError(f"quantity must be measured in all of these runs, got {quantity!r}")
    return np.asarray(values, dtype=np.float64)


def confusions(runs: Sequence[Record]) -> NDArray[np.int64]:
    """The confusion matrices of finished runs, (runs, classes, classes).

    Raises:
        ValueError: for a run that failed.
    """
    return np.array([record.outcome.confusion for record in runs], dtype=np.int64)
