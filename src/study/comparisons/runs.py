"""A variant: its network, the measurements of its recorded runs, and its difference from another variant."""

from collections.abc import Mapping, Sequence
from functools import cache
from inspect import signature
from typing import Any, NamedTuple, TypedDict

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from pandas.io.formats.style import Styler
from torch import nn

from helpers.anatomy import anatomy
from helpers.models import IMAGE_SIZE, small_cnn
from helpers.statistics import (
    CellDifferences,
    Effect,
    cell_differences,
    crossed_effect,
    paired_table,
    prediction_interval,
)
from study.experiments.catalog import find
from study.records import RECORDED, Record, per_epoch, recorded


def runs(variant: str) -> list[Record]:
    """The finished runs of a variant, in the order of their seeds; read once.

    Args:
        variant: "experiment/variant", such as "mnist/s1-same".

    Raises:
        ValueError: if no run of that name is recorded.

    >>> len(runs("mnist/s1-same"))
    60
    """
    experiment, _, name = variant.partition("/")
    by_variant = _runs_of(experiment)
    if name not in by_variant:
        known = ", ".join(f"{experiment}/{each}" for each in by_variant)
        raise ValueError(f"variant must be one of {known}, got {variant!r}")
    return by_variant[name]


def accuracies(variant: str) -> NDArray[np.float64]:
    """Test accuracy of each run in per cent, shape (runs,).

    >>> accuracies("mnist/s1-same")[:2].round(2).tolist()
    [99.02, 98.78]
    """
    return np.array([100 * run.outcome.accuracy for run in runs(variant)])


def hits(variant: str) -> dict[int, NDArray[np.bool_]]:
    """Whether each test image is classified correctly, shape (images,), by the seed of the run."""
    return {run.seed: run.outcome.hits() for run in runs(variant)}


def fine_grained_over_images(labels: ArrayLike) -> Effect:
    """The contrast of rule F-07, B minus A, over seeds and test images; the rule itself is over seeds alone.

    Each image is weighted by one over the number of images of its class, so that the mean is that of recalls.

    Args:
        labels: of the test images of Fashion-MNIST, (images,).
    """
    classes = np.asarray(labels)
    fine = np.isin(classes, (2, 6))
    share = np.where(fine, 1 / 2, -1 / 8) / np.bincount(classes)[classes]  # of the difference of recalls
    table = paired_table(hits("fashion-mnist/b"), hits("fashion-mnist/a"))  # (seeds, images)
    return crossed_effect(table * share * len(classes))


def measurements(variant: str, name: str = "accuracy") -> dict[int, float]:
    """One measurement of each run in per cent, by seed.

    Args:
        variant: "experiment/variant".
        name: "accuracy" (on the test images), or the name of another share in `Record.extra`.

    Raises:
        ValueError: if a run did not measure it.
    """
    done = runs(variant)
    if name == "accuracy":
        return {run.seed: 100 * run.outcome.accuracy for run in done}
    if any(name not in run.extra for run in done):
        known = ", ".join(("accuracy", *done[0].extra))
        raise ValueError(f"name must be one of {known} for {variant}, got {name!r}")
    return {run.seed: 100 * run.extra[name] for run in done}


def learned(variant: str, quantity: str) -> NDArray[np.float64]:
    """A quantity after each epoch of each run, shape (runs, epochs): accuracy in per cent, all else as it is.

    Args:
        variant: "experiment/variant".
        quantity: one of `Epoch`, such as "fitted_accuracy"; or "test_accuracy", for runs that validate
            on other images and were tested after each epoch.

    Raises:
        ValueError: for an unknown quantity, or one that a run did not measure.

    >>> learned("mnist/s1-same", "validation_accuracy").shape
    (60, 3)
    """
    done = runs(variant)
    if quantity == "test_accuracy":
        epochs = range(1, 1 + len(done[0].epochs))
        of_epochs = [measurements(variant, f"accuracy-epoch-{epoch}") for epoch in epochs]
        return np.array([list(values.values()) for values in of_epochs]).T  # (runs, epochs)
    return (100 if quantity.endswith("accuracy") else 1) * per_epoch(done, quantity)


class PageInterval(TypedDict):
    """The 95% prediction interval of one more run in a web page, for `helpers.widgets.TrainingExplorer`.

    Attributes:
        network: the settings of the network, without its name.
        images: "mnist", "digits" or "garments".
        change: the change of the images or labels: "none", "corner" or "shuffled".
        low: lower end of the 95% prediction interval of a run's test accuracy, 0 to 1.
        high: its upper end.
        runs: how many are recorded.
    """

    network: dict[str, Any]
    images: str
    change: str
    low: float
    high: float
    runs: int


def page_intervals() -> list[PageInterval]:
    """The prediction interval for each setting in a web page of which two or more runs are recorded."""
    found = []
    plain = {name: each.default for name, each in signature(small_cnn).parameters.items()}
    for name in ("page", "page-garments"):
        by_variant = _runs_of(name) if (RECORDED / name).is_dir() else {}
        for variant in find(name).variants:
            done, settings = by_variant.get(variant.name, []), variant.settings
            if len(done) < 2:
                continue
            changes = {each["name"]: each for each in settings["changes"]}
            drawn = "garments" if name == "page-garments" else "digits"
            interval = prediction_interval([run.outcome.accuracy for run in done])
            found.append(
                PageInterval(
                    network={key: settings.get(key, plain[key]) for key in plain if key != "channels"},
                    images=drawn if changes["excerpted"]["drawn"] else "mnist",
                    change={"pushed": "corner", "shuffled_labels": "shuffled"}.get([*changes][-1], "none"),
                    low=max(0.0, interval.low),
                    high=min(1.0, interval.high),
                    runs=len(done),
                )
            )
    return found


class Reached(NamedTuple):
    """When each run first reached a validation accuracy; NaN for a run that never did, shape (runs,).

    Attributes:
        epochs: the epoch, 1 for the first.
        seconds: time of training up to its end.
    """

    epochs: NDArray[np.float64]
    seconds: NDArray[np.float64]


def reached(variant: str, target: float) -> Reached:
    """When each run of a variant first reaches a validation accuracy, from 0 to 1."""
    there = per_epoch(runs(variant), "validation_accuracy") >= target
    first = there.argmax(axis=1)
    clock = per_epoch(runs(variant), "seconds").cumsum(axis=1)
    seconds = np.take_along_axis(clock, first[:, None], axis=1)[:, 0]
    ever = there.any(axis=1)
    return Reached(np.where(ever, first + 1, np.nan), np.where(ever, seconds, np.nan))


def difference_table(first: str, second: str) -> NDArray[np.float64]:
    """First minus second for each common seed and test image, in points, shape (seeds, images)."""
    return paired_table(hits(first), hits(second))


def difference(first: str, second: str) -> Effect:
    """First minus second in test accuracy, over seeds and test images; for a pair that no rule judges.

    >>> difference("mnist/s1-same", "mnist/s2-same").interval().low > 0
    True
    """
    return crossed_effect(difference_table(first, second))


def confusion_changes(first: str, second: str) -> CellDifferences:
    """How the confusion matrices of two variants differ, cell by cell, over their common seeds."""
    one, other = ({run.seed: run.outcome.confusion for run in runs(variant)} for variant in (first, second))
    return cell_differences(one, other)


def beyond_mistakes(variant: str) -> dict[int, float]:
    """How many wrong training labels a network predicts, beyond those that it would hit by mistake, by seed.

    A network that memorized no wrong label still hits some of them: a mistake falls on any class but the true
    one, and one of these is the wrong label.

    Args:
        variant: "experiment/variant" whose training labels were partly wrong.

    Returns:
        Per cent of the images with a wrong label.
    """
    given = measurements(variant, "mislabeled-as-given")
    true = measurements(variant, "mislabeled-as-true")
    others = len(runs(variant)[0].outcome.confusion) - 1
    return {seed: given[seed] - (100 - true[seed]) / others for seed in given}


def beyond_chance(confusion: ArrayLike) -> float:
    """Accuracy minus the accuracy expected if predictions and true classes were independent, in points.

    Args:
        confusion: test images of each true class (rows) by predicted class (columns).

    >>> beyond_chance([[5, 0], [5, 0]])
    0.0
    >>> beyond_chance([[5, 0], [0, 5]])
    50.0
    """
    shares = np.asarray(confusion, dtype=np.float64)
    shares = shares / shares.sum()
    return float(100 * (np.trace(shares) - shares.sum(axis=0) @ shares.sum(axis=1)))


@cache
def _runs_of(experiment: str) -> dict[str, list[Record]]:
    return recorded(experiment)


def network(variant: str) -> nn.Module:
    """The untrained network of "experiment/variant".

    Raises:
        ValueError: if there is no such variant.
    """
    experiment, _, name = variant.partition("/")
    builders = {each.name: each.build for each in find(experiment).variants}
    if name not in builders:
        raise ValueError(f"variant must be one of {', '.join(builders)} of {experiment}, got {variant!r}")
    return builders[name]()


def layer_table(variant: str) -> pd.DataFrame:
    """The network of "experiment/variant" layer by layer, for an image of 28 by 28 pixels."""
    return anatomy(network(variant), IMAGE_SIZE)


def network_facts(names: Mapping[str, str]) -> pd.DataFrame:
    """Properties of networks that may explain a difference between them, one row each.

    Args:
        names: the name of each network, by "experiment/variant".

    Returns:
        Columns network, parameters, MACs, last map, receptive field and pixels never read. The last three are
        about the last convolution or pooling.

    >>> network_facts({"mnist/s2-valid": "(2, valid)"})["pixels never read"].tolist()
    [343]
    """
    rows = []
    for variant, name in names.items():
        table = layer_table(variant)
        windows = table[table.kernel_size.notna() & (table.name != "average")]
        last = windows.iloc[-1]
        rows.append(
            {
                "network": name,
                "parameters": table.parameters.sum(),
                "MACs": table.macs.sum(),
                "last map": "x".join(map(str, last.output_shape[2:])),
                "receptive field": last.receptive_field[0],
                "pixels never read": last.pixels_unread,
            }
        )
    return pd.DataFrame(rows)


def network_table(names: Mapping[str, str]) -> Styler:
    """`network_facts` as a page shows it."""
    return network_facts(names).style.format(thousands=",").hide()


def ink_unread(image: ArrayLike, lines: Sequence[int]) -> float:
    """Share of an image's ink in rows and columns that a network never reads, from 0 to 1.

    Args:
        image: shape (size, size), 0 where there is no ink.
        lines: indices of these rows, and of these columns.

    >>> ink_unread([[1, 1], [1, 1]], [1])
    0.75
    """
    pixels = np.asarray(image)
    unread = list(lines)
    kept = np.delete(np.delete(pixels, unread, axis=0), unread, axis=1)
    return float(1 - kept.sum() / pixels.sum())
