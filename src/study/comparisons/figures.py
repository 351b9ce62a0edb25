"""Figures of recorded runs, in one style for all chapters."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pandas.io.formats.style import Styler

from helpers import plots
from helpers.sources import MNIST_SETTINGS
from helpers.statistics import mean_interval
from study.comparisons.runs import accuracies, learned, measurements, runs
from study.comparisons.verdicts import contrast_table, effects, judgements
from study.judging import accuracy


class Look(NamedTuple):
    """The name and the style of a variant in figures.

    Attributes:
        label: its name.
        stride: 1 (blue, solid) or 2 (orange, dashed); None if the comparison is not about stride (gray).
        padding: "valid" (open marks), or "same" or None (filled).
    """

    label: str
    stride: Literal[1, 2] | None = None
    padding: Literal["same", "valid"] | None = None


def mnist_looks(experiment: str = "mnist") -> dict[str, Look]:
    """The four settings of `stride-padding-mnist`, by their "experiment/variant".

    >>> mnist_looks("mnist-long")["mnist-long/s2-valid"].label
    '(2, valid)'
    """
    return {f"{experiment}/{name}": Look(each.label, *each) for name, each in MNIST_SETTINGS.items()}


def accuracy_estimates(
    looks: Mapping[str, Look], *, published: Mapping[str, float | None] | None = None
) -> list[plots.Estimate]:
    """Test accuracy of each variant in per cent, with its runs; the interval covers seeds and test images.

    Args:
        looks: by "experiment/variant" how to draw it.
        published: what a source printed, for variants of which it did.
    """
    drawn = []
    for variant, look in looks.items():
        effect = accuracy(runs(variant))
        estimate = plots.Estimate(
            look.label,
            effect.estimate,
            *effect.interval(),
            runs=accuracies(variant),
            published=(published or {}).get(variant),
            stride=look.stride,
            padding=look.padding,
        )
        drawn.append(estimate)
    return drawn


def accuracy_figure(looks: Mapping[str, Look]) -> plots.Picture:
    """Test accuracy of each variant."""
    panel = plots.estimates(accuracy_estimates(looks), xlabel="test accuracy, %")
    return plots.figure(panel, caption="The interval covers other seeds and other test images.")


def condition_figure(
    looks: Mapping[str, Look], measured: Mapping[str, str], *, xlabel: str, caption: str
) -> plots.Picture:
    """One measurement of each variant under each condition, with intervals over seeds.

    Args:
        looks: by "experiment/variant" how to draw it.
        measured: by condition the name of its measurement, as `measurements` takes it.
        xlabel: the quantity and its unit.
        caption: a line below the figure.
    """
    drawn = {
        condition: [_mean(look, measurements(variant, name).values()) for variant, look in looks.items()]
        for condition, name in measured.items()
    }
    return plots.figure(plots.class_estimates(drawn, xlabel=xlabel), caption=caption)


def learning_figure(
    looks: Mapping[str, Look],
    quantities: Mapping[str, str],
    *,
    band: Literal["mean", "run"] = "mean",
    caption: str | None = None,
) -> plots.Picture:
    """Curves over the epochs, one panel a quantity.

    Args:
        looks: by "experiment/variant" how to draw it.
        quantities: by the label of the axis a quantity, as `learned` takes it.
        band: the 95% interval that is drawn around each mean, as `plots.curves` takes it.
        caption: a line below the figure.
    """
    panels = []
    for ylabel, quantity in quantities.items():
        drawn = [
            plots.Curve(look.label, learned(variant, quantity), stride=look.stride, padding=look.padding)
            for variant, look in looks.items()
        ]
        panels.append(plots.curves(drawn, ylabel=ylabel, band=band))
    return plots.figure(*panels, caption=caption)


def class_means(
    values: Mapping[str, NDArray[np.float64]],
    looks: Mapping[str, Look],
    *,
    classes: Sequence[str],
    published: Mapping[str, Mapping[str, float]] | None = None,
) -> dict[str, list[plots.Estimate]]:
    """Mean over the runs of a quantity of each class, such as recall, with its interval over seeds.

    Args:
        values: by variant the quantity, shape (runs, classes).
        looks: by variant how to draw it.
        classes: their names.
        published: by variant and class what a source printed, for classes of which it did.
    """
    printed = published or {}
    return {
        name: [
            _mean(looks[variant], each[:, index], published=printed.get(variant, {}).get(name))
            for variant, each in values.items()
        ]
        for index, name in enumerate(classes)
    }


def result(
    labels: Mapping[str, Sequence[str]], *, xlabel: str = "difference in accuracy, points"
) -> tuple[plots.Picture, Styler]:
    """The result of rules of one measure and margin: a figure of their contrasts, a table of their verdicts.

    Args:
        labels: by rule, the names of its contrast and then of each of its conditions.
        xlabel: the quantity and its unit.

    Raises:
        ValueError: unless each contrast of a rule has its label, and all rules the same margin.
    """
    margins = {judgements()[claim].rule.margin for claim in labels}
    if len(margins) != 1:
        raise ValueError(f"labels must name rules of one margin, got margins {sorted(margins)}")
    drawn = {}
    for claim, names in labels.items():
        for position, (name, effect) in enumerate(zip(names, effects(claim).values(), strict=True)):
            drawn[name if position else f"{claim}: {name}"] = effect
    picture = plots.figure(plots.differences(drawn, margin=margins.pop(), xlabel=xlabel))
    return picture, contrast_table(labels)


def _mean(look: Look, values: Iterable[float], *, published: float | None = None) -> plots.Estimate:
    of_runs = list(values)
    return plots.Estimate(
        look.label,
        float(np.mean(of_runs)),
        *mean_interval(of_runs),
        published=published,
        stride=look.stride,
        padding=look.padding,
    )
