"""Runs, estimates with intervals, and differences: one row each, from the top down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike, NDArray

from helpers.plots.cells import PUBLISHED, mix, shade_key
from helpers.plots.picture import Panel
from helpers.plots.style import PaddingLook, Stride, check_look, color, line, marker, points
from helpers.plots.words import capitalized, counted, number, spoken

if TYPE_CHECKING:
    from helpers.statistics import Effect  # at run time it would import scipy, which few pages need

_BINS = 45  # over the range of all runs: then a bin is about as wide as a dot
_STEP, _STACK = 0.11, 0.65  # height of a dot, and greatest height of a stack, in rows
_ESTIMATE = "mean, 95% interval"
_RUN = "single run"
_BELOW = 0.22  # how far below an estimate its runs stand, in rows
_APART = 0.45  # between the estimates of one class, in rows
_SMALL = "too small to matter"
_LEVELS = {0.95: 2.5, 0.9: 7.0}  # of the intervals, with the width of their bars in CSS pixels


@dataclass(frozen=True, eq=False)
class Dots:
    """The values of all runs of one model or setting.

    Attributes:
        label: the name of the row.
        values: the value of every run, (runs,).
        stride: 1 (blue) or 2 (orange); None if the comparison is not about stride (gray).
        padding: "valid" (open dots), or "same" or None (filled).
    """

    label: str
    values: ArrayLike
    stride: Stride = None
    padding: PaddingLook = None

    def __post_init__(self) -> None:
        check_look(self.stride, self.padding)
        if self.runs.ndim != 1 or self.runs.size == 0 or not np.isfinite(self.runs).all():
            raise ValueError(f"values of {self.label!r} must be one finite number a run, got {self.values!r}")

    @property
    def runs(self) -> NDArray[np.float64]:
        """The value of every run, (runs,)."""
        return np.asarray(self.values, dtype=np.float64)


@dataclass(frozen=True, eq=False)
class Estimate:
    """An estimate with its 95% interval, its single runs and a published value to compare it with.

    Attributes:
        label: its name.
        value: the estimate.
        low: the lower end of the interval.
        high: the upper end.
        runs: the values of the single runs, (runs,).
        published: the value that a source printed.
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
    padding: PaddingLook = None

    def __post_init__(self) -> None:
        if not self.low <= self.value <= self.high:
            raise ValueError(f"value must lie between low={self.low} and high={self.high}, got {self.value}")
        check_look(self.stride, self.padding)
        if self.single.ndim != 1:
            raise ValueError(f"runs must be (runs,), got shape {self.single.shape}")

    @classmethod
    def of(
        cls,
        label: str,
        effect: Effect,
        *,
        runs: ArrayLike = (),
        published: float | None = None,
        stride: Stride = None,
        padding: PaddingLook = None,
    ) -> Estimate:
        """The estimate of an effect, such as `helpers.statistics.crossed_effect` returns.

        >>> from helpers.statistics import seed_effect
        >>> Estimate.of("blur", seed_effect([0.4, 0.5, 0.6])).value
        0.5
        """
        low, high = effect.interval()
        return cls(label, effect.estimate, low, high, runs, published, stride, padding)

    @property
    def single(self) -> NDArray[np.float64]:
        """The value of every run, (runs,)."""
        return np.asarray(self.runs, dtype=np.float64)


def dots(drawn: Sequence[Dots], *, xlabel: str, quantity: str | None = None, title: str = "") -> Panel:
    """Draw one dot for each run, stacked where several lie close together, and a line at the mean below them.

    A dot stands in the middle of its bin; the range of all runs has 45 bins.

    Args:
        drawn: the runs, from the top down.
        xlabel: the quantity and its unit.
        quantity: name of the quantity in the text alternative; by default as in `xlabel`.
        title: the title above the panel.

    Raises:
        ValueError: if there is nothing to draw.

    >>> dots([Dots("stride 1", [98.8, 99.0, 99.2])], xlabel="accuracy, %").alt
    'Accuracy in percent of every run. stride 1: three runs from 98.8 to 99.2, mean 99.'
    """
    if not drawn:
        raise ValueError("drawn must hold at least one Dots, got none")

    def draw(ax: Axes) -> None:
        width = float(np.ptp(np.concatenate([each.runs for each in drawn]))) / _BINS or 1.0
        stacks = [_stacked(each.runs, width) for each in drawn]
        step = min(_STEP, _STACK / max(1.0, *(levels.max() for _, levels in stacks)))
        for row, (each, (middles, levels)) in enumerate(zip(drawn, stacks, strict=True)):
            look = marker(each.stride, each.padding, size=6) | {"markeredgewidth": points(1.5)}
            ax.plot(middles, row - step * levels, linestyle="", **look, label=_RUN)
            if each.runs.size > 1:
                mean = np.full(2, each.runs.mean())
                ax.plot(mean, (row + 0.1, row + 0.3), color=color("ink"), lw=points(2.5), label="mean")
        top = -step * stacks[0][1].max() - 0.3
        ax.set(xlabel=xlabel, title=title, ylim=(len(drawn) - 0.6, top))
        _name_rows(ax, range(len(drawn)), [each.label for each in drawn])

    def describe() -> str:
        return f"{capitalized(quantity or spoken(xlabel))} of every run. {' '.join(map(_told_dots, drawn))}"

    return Panel(draw, describe, title)


def estimates(
    drawn: Sequence[Estimate],
    *,
    xlabel: str,
    quantity: str | None = None,
    reference: float | None = None,
    limits: tuple[float, float] | None = None,
    title: str = "",
) -> Panel:
    """Draw each estimate as a point on its interval, its runs as rings below, a published value as a cross.

    Args:
        drawn: the estimates, from the top down.
        xlabel: the quantity and its unit.
        quantity: name of the quantity in the text alternative; by default as in `xlabel`.
        reference: a value to draw a line at, such as 0 for differences.
        limits: lower and upper end of the horizontal axis, so that several figures can agree.
        title: the title above the panel.

    Raises:
        ValueError: if there is no estimate.

    >>> estimates([Estimate("stride 1", 98.9, 98.7, 99.1, published=98.89)], xlabel="accuracy, %").alt
    'Accuracy in percent with 95% intervals. stride 1: 98.9, 98.7 to 99.1; published 98.89.'
    """
    if not drawn:
        raise ValueError("drawn must hold at least one estimate, got none")

    def draw(ax: Axes) -> None:
        if reference is not None:
            ax.axvline(reference, color=color("ink"), lw=points(1), zorder=1)
        for row, each in enumerate(drawn):
            _draw_estimate(ax, row, each, label=_ESTIMATE)
            if len(each.single):
                ring = marker(each.stride, "valid", size=5) | {"markeredgewidth": points(1.2)}
                ax.plot(
                    each.single, np.full(len(each.single), row + _BELOW), linestyle="", **ring, label=_RUN
                )
        _list_rows(ax, range(len(drawn)), [each.label for each in drawn], 1, xlabel=xlabel, title=title)
        if limits:
            ax.set_xlim(limits)

    def describe() -> str:
        return f"{_heading(quantity or spoken(xlabel))} {' '.join(map(_told_estimate, drawn))}"

    return Panel(draw, describe, title)


def class_estimates(
    drawn: Mapping[str, Sequence[Estimate]], *, xlabel: str, quantity: str | None = None, title: str = ""
) -> Panel:
    """Draw the estimates of each class below one another, such as the recall of two networks.

    Args:
        drawn: the estimates of each class. Their labels make the legend, so every class has the same labels
            in the same order. Single runs are not drawn.
        xlabel: the quantity and its unit.
        quantity: name of the quantity in the text alternative; by default as in `xlabel`.
        title: the title above the panel.

    Raises:
        ValueError: if there is no class, or one has no estimate or other ones than the first.

    >>> class_estimates({"7": [Estimate("ours", 98, 97, 99)]}, xlabel="recall, %").alt
    'Recall in percent with 95% intervals. Class 7. ours: 98, 97 to 99.'
    """
    labels = _shared_labels(drawn)

    def draw(ax: Axes) -> None:
        step = max(1.0, _APART * (len(labels) + 1))
        rows = step * np.arange(len(drawn))
        for row, members in zip(rows, drawn.values(), strict=True):
            for position, each in enumerate(members):
                _draw_estimate(ax, row + _APART * (position - (len(labels) - 1) / 2), each, label=each.label)
        _list_rows(ax, rows, list(drawn), step, xlabel=xlabel, title=title)

    def describe() -> str:
        told = (f"Class {name}. {' '.join(map(_told_estimate, members))}" for name, members in drawn.items())
        return f"{_heading(quantity or spoken(xlabel))} {' '.join(told)}"

    return Panel(draw, describe, title)


def differences(drawn: Mapping[str, Effect], *, margin: float, xlabel: str, title: str = "") -> Panel:
    """Draw each difference as a point on a thin bar, its 95% interval, and a thick bar, its 90% interval.

    If the thin bar leaves out zero, there is a difference. If the thick bar lies within the margin, which is
    shaded, any difference is too small to matter.

    Args:
        drawn: the differences by the name of their row, from the top down.
        margin: differences of this size or less do not matter.
        xlabel: the quantity and its unit.
        title: the title above the panel.

    Raises:
        ValueError: if there is no difference, or the margin is not above zero.

    >>> from helpers.statistics import seed_effect
    >>> differences({"blur": seed_effect([0.4, 0.5, 0.6])}, margin=0.2, xlabel="points").alt
    'Differences; up to 0.2 do not matter. blur: 0.5, 0.25 to 0.75, above zero, not within the margin.'
    """
    if not drawn:
        raise ValueError("drawn must hold at least one difference, got none")
    if not margin > 0:
        raise ValueError(f"margin must be above zero, in the unit of the differences, got {margin}")

    def draw(ax: Axes) -> None:
        ax.axvspan(-margin, margin, color=mix("line", 0.35), lw=0, zorder=0)
        ax.axvline(0, color=color("ink"), lw=points(1), zorder=1)
        shade_key(ax, mix("line", 0.35), _SMALL)
        for row, effect in enumerate(drawn.values()):
            _draw_difference(ax, row, effect)
        ax.set(xlabel=xlabel, title=title, ylim=(len(drawn) - 0.5, -0.5))
        _name_rows(ax, range(len(drawn)), list(drawn))

    def describe() -> str:
        told = " ".join(f"{label}: {_told_difference(effect, margin)}." for label, effect in drawn.items())
        return f"Differences; up to {number(margin)} do not matter. {told}"

    return Panel(draw, describe, title)


def _stacked(values: NDArray[np.float64], width: float) -> tuple[NDArray[np.float64], NDArray[np.int_]]:
    """The middle of each value's bin, in ascending order, and how many values of the bin come before it."""
    bins = np.round(np.sort(values) / width)
    return bins * width, np.arange(len(bins)) - np.searchsorted(bins, bins)


def _draw_estimate(ax: Axes, row: float, each: Estimate, *, label: str) -> None:
    look = line(each.stride)
    ax.plot((each.low, each.high), (row, row), lw=points(2.5), zorder=3, **look)
    point = marker(each.stride, each.padding, size=9)
    ax.plot(each.value, row, zorder=4, linestyle="", label=label, **point)
    if each.published is not None:
        cross: dict[str, Any] = {"marker": "x", "ms": points(9), "mew": points(2), "linestyle": ""}
        ax.plot(each.published, row, color=color("published"), zorder=5, label=PUBLISHED, **cross)


def _draw_difference(ax: Axes, row: float, effect: Effect) -> None:
    bar: dict[str, Any] = {"color": color("muted"), "solid_capstyle": "butt", "zorder": 3}
    dot: dict[str, Any] = {"color": color("ink"), "mec": color("paper"), "ms": points(9), "zorder": 4}
    for level, width in _LEVELS.items():
        ax.plot(effect.interval(level), (row, row), lw=points(width), label=f"{level:.0%} interval", **bar)
    ax.plot(effect.estimate, row, "o", label="difference", **dot)


def _name_rows(ax: Axes, rows: Any, names: list[str]) -> None:
    ax.set_yticks(rows, names)
    ax.tick_params(axis="y", length=0, labelcolor=color("ink"))
    ax.spines["left"].set_visible(False)


def _list_rows(ax: Axes, rows: Any, names: list[str], step: float, *, xlabel: str, title: str) -> None:
    ax.set(xlabel=xlabel, title=title, ylim=(rows[-1] + step / 2, rows[0] - step / 2))
    _name_rows(ax, rows, names)
    ax.grid(axis="x", color=color("line"), alpha=0.35, lw=points(1))


def _heading(quantity: str) -> str:
    return f"{capitalized(quantity)} with 95% intervals."


def _told_dots(each: Dots) -> str:
    if each.runs.size == 1:
        return f"{each.label}: one run, {number(each.runs[0])}."
    spread = f"from {number(each.runs.min())} to {number(each.runs.max())}, mean {number(each.runs.mean())}"
    return f"{each.label}: {counted(each.runs.size, 'run')} {spread}."


def _told_estimate(each: Estimate) -> str:
    runs = f"; {len(each.single)} runs" if len(each.single) else ""
    spread = f" from {number(each.single.min())} to {number(each.single.max())}" if runs else ""
    published = "" if each.published is None else f"; published {number(each.published)}"
    interval = f"{number(each.value)}, {number(each.low)} to {number(each.high)}"
    return f"{each.label}: {interval}{runs}{spread}{published}."


def _told_difference(effect: Effect, margin: float) -> str:
    (low, high), inner = effect.interval(), effect.interval(0.9)
    side = "above zero" if low > 0 else "below zero" if high < 0 else "with zero inside"
    within = -margin < inner.low and inner.high < margin
    ends = f"{number(effect.estimate)}, {number(low)} to {number(high)}"
    return f"{ends}, {side}, {'' if within else 'not '}within the margin"


def _shared_labels(drawn: Mapping[str, Sequence[Estimate]]) -> list[str]:
    if not drawn:
        raise ValueError("drawn must hold at least one class, got none")
    labels = {name: [each.label for each in members] for name, members in drawn.items()}
    first = next(iter(labels))
    for name, found in labels.items():
        if not found or found != labels[first]:
            raise ValueError(
                f"drawn[{name!r}] must hold the same estimates as {first!r}, {labels[first]}, got {found}"
            )
    return labels[first]
