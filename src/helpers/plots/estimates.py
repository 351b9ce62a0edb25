"""Estimates with their intervals, one below the other, with their runs and what was published."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike, NDArray

from helpers.plots.cells import PUBLISHED
from helpers.plots.looks import Padding, Stride, check_look, line, marker
from helpers.plots.style import color, points
from helpers.plots.words import number

_ESTIMATE = "mean, 95% interval"
_RUN = "single run"
_BELOW = 0.22  # how far below an estimate its runs stand, in rows
_APART = 0.45  # between the estimates of one class, in rows


@dataclass(frozen=True, eq=False)
class Estimate:
    """A number, where it lies with 95% confidence, and what to hold it against.

    Args:
        label: what it is an estimate of.
        value: the estimate.
        low: the lower end of the interval.
        high: the upper end.
        runs: the single runs it was taken from, (runs,).
        published: what a source printed.
        stride: 1 (blue, solid) or 2 (orange, dashed); None if the comparison is not about stride (gray).
        padding: "valid" (open point), or "same" or None (filled).
    """

    label: str
    value: float
    low: float
    high: float
    runs: ArrayLike = ()
    published: float | None = None
    stride: Stride = None
    padding: Padding = None

    def __post_init__(self) -> None:
        if not self.low <= self.value <= self.high:
            raise ValueError(f"value={self.value} must lie between low={self.low} and high={self.high}")
        check_look(self.stride, self.padding)
        if self.single.ndim != 1:
            raise ValueError(f"runs must be (runs,), got shape {self.single.shape}")

    @property
    def single(self) -> NDArray[np.float64]:
        """The value of every run, (runs,)."""
        return np.asarray(self.runs, dtype=np.float64)


def estimates(
    ax: Axes, drawn: Sequence[Estimate], *, xlabel: str, reference: float | None = None, title: str = ""
) -> Axes:
    """Draw each estimate as a point on its interval, its runs as rings below, what was published as a cross.

    Args:
        ax: axes to draw on.
        drawn: the estimates, from the top down.
        xlabel: the quantity and its unit.
        reference: a value to draw a line at, such as 0 where differences are drawn.
        title: what stands above.

    Raises:
        ValueError: if there is no estimate.
    """
    _check(drawn)
    if reference is not None:
        ax.axvline(reference, color=color("ink"), lw=points(1), zorder=1)
    for row, each in enumerate(drawn):
        _draw(ax, row, each, label=_ESTIMATE)
        if len(each.single):
            ring = marker(each.stride, "valid", size=5) | {"markeredgewidth": points(1.2)}
            ax.plot(each.single, np.full(len(each.single), row + _BELOW), linestyle="", **ring, label=_RUN)
    return _listed(ax, range(len(drawn)), [each.label for each in drawn], 1, xlabel=xlabel, title=title)


def class_estimates(
    ax: Axes, drawn: Mapping[str, Sequence[Estimate]], *, xlabel: str, title: str = ""
) -> Axes:
    """Draw the estimates of each class below one another, such as the recall of two networks.

    Args:
        ax: axes to draw on.
        drawn: for each class its estimates; the key tells them apart by their labels, so every class has the
            same ones in the same order. Their runs are not drawn.
        xlabel: the quantity and its unit.
        title: what stands above.

    Raises:
        ValueError: if there is no class, or one has no estimate or other ones than the first.
    """
    labels = _shared_labels(drawn)
    step = max(1.0, _APART * (len(labels) + 1))
    places = step * np.arange(len(drawn))
    for place, members in zip(places, drawn.values(), strict=True):
        for position, each in enumerate(members):
            _draw(ax, place + _APART * (position - (len(labels) - 1) / 2), each, label=each.label)
    return _listed(ax, places, list(drawn), step, xlabel=xlabel, title=title)


def describe_estimates(drawn: Sequence[Estimate], *, quantity: str) -> str:
    """Say what `estimates` draws; the errors are its own.

    >>> describe_estimates([Estimate("stride 1", 98.9, 98.7, 99.1, published=98.89)], quantity="accuracy")
    'Accuracy with 95% intervals. stride 1: 98.9, 98.7 to 99.1; published 98.89.'
    """
    _check(drawn)
    return f"{_heading(quantity)} {' '.join(map(_told, drawn))}"


def describe_class_estimates(drawn: Mapping[str, Sequence[Estimate]], *, quantity: str) -> str:
    """Say what `class_estimates` draws; the errors are its own.

    >>> describe_class_estimates({"7": [Estimate("ours", 98, 97, 99)]}, quantity="recall")
    'Recall with 95% intervals. Class 7. ours: 98, 97 to 99.'
    """
    _shared_labels(drawn)
    told = (f"Class {name}. {' '.join(map(_told, members))}" for name, members in drawn.items())
    return f"{_heading(quantity)} {' '.join(told)}"


def _draw(ax: Axes, row: float, each: Estimate, *, label: str) -> None:
    look = line(each.stride)
    ax.plot((each.low, each.high), (row, row), lw=points(2.5), zorder=3, **look)
    point = marker(each.stride, each.padding, size=9)
    ax.plot(each.value, row, zorder=4, linestyle="", label=label, **point)
    if each.published is not None:
        cross: dict[str, Any] = {"marker": "x", "ms": points(9), "mew": points(2), "linestyle": ""}
        ax.plot(each.published, row, color=color("published"), zorder=5, label=PUBLISHED, **cross)


def _listed(ax: Axes, places: Any, names: list[str], step: float, *, xlabel: str, title: str) -> Axes:
    """Rows from the top down, each with its name."""
    ax.set(xlabel=xlabel, title=title, ylim=(places[-1] + step / 2, places[0] - step / 2))
    ax.set_yticks(places, names)
    ax.tick_params(axis="y", length=0, labelcolor=color("ink"))
    ax.spines["left"].set_visible(False)
    ax.grid(axis="x", color=color("line"), alpha=0.35, lw=points(1))
    return ax


def _heading(quantity: str) -> str:
    return f"{quantity[0].upper()}{quantity[1:]} with 95% intervals."


def _told(each: Estimate) -> str:
    runs = f"; {len(each.single)} runs" if len(each.single) else ""
    spread = f" from {number(each.single.min())} to {number(each.single.max())}" if runs else ""
    published = "" if each.published is None else f"; published {number(each.published)}"
    interval = f"{number(each.value)}, {number(each.low)} to {number(each.high)}"
    return f"{each.label}: {interval}{runs}{spread}{published}."


def _check(drawn: Sequence[Estimate]) -> None:
    if not drawn:
        raise ValueError("drawn must hold at least one estimate, got none")


def _shared_labels(drawn: Mapping[str, Sequence[Estimate]]) -> list[str]:
    if not drawn:
        raise ValueError("drawn must hold at least one class, got none")
    labels = {name: [each.label for each in members] for name, members in drawn.items()}
    first = next(iter(labels))
    for name, found in labels.items():
        if not found or found != labels[first]:
            raise ValueError(
                f"each class must hold the same estimates; {first!r} has {labels[first]}, {name!r} {found}"
            )
    return labels[first]
