"""Estimates with their intervals, one below the other, with their runs and what was published."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike, NDArray

from helpers.plots.cells import PUBLISHED
from helpers.plots.style import color, points
from helpers.plots.words import number

_COLORS = {1: "stride_1", 2: "stride_2", None: "muted"}
_ESTIMATE = "mean, 95% interval"
_RUN = "single run"
_BELOW = 0.22  # how far below an estimate its runs stand, in rows


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
        stride: 1 (blue) or 2 (orange); None if the comparison is not about stride (gray).
    """

    label: str
    value: float
    low: float
    high: float
    runs: ArrayLike = ()
    published: float | None = None
    stride: Literal[1, 2] | None = None

    def __post_init__(self) -> None:
        if not self.low <= self.value <= self.high:
            raise ValueError(f"value={self.value} must lie between low={self.low} and high={self.high}")
        if self.stride not in _COLORS:
            raise ValueError(f"stride must be 1, 2 or None, got {self.stride!r}")
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
        _draw(ax, row, each)
    ax.set(xlabel=xlabel, title=title, ylim=(len(drawn) - 0.5, -0.5))
    ax.set_yticks(range(len(drawn)), [each.label for each in drawn])
    ax.tick_params(axis="y", length=0, labelcolor=color("ink"))
    ax.spines["left"].set_visible(False)
    ax.grid(axis="x", color=color("line"), alpha=0.35, lw=points(1))
    return ax


def describe_estimates(drawn: Sequence[Estimate], *, quantity: str) -> str:
    """Say what `estimates` draws; the errors are its own.

    >>> describe_estimates([Estimate("stride 1", 98.9, 98.7, 99.1, published=98.89)], quantity="accuracy")
    'Accuracy with 95% intervals. stride 1: 98.9, 98.7 to 99.1; published 98.89.'
    """
    _check(drawn)
    return f"{quantity[0].upper()}{quantity[1:]} with 95% intervals. {' '.join(map(_told, drawn))}"


def _draw(ax: Axes, row: int, each: Estimate) -> None:
    shade = color(_COLORS[each.stride])
    ax.plot((each.low, each.high), (row, row), color=shade, lw=points(2.5), zorder=3)
    ax.plot(each.value, row, "o", color=shade, ms=points(9), zorder=4, label=_ESTIMATE)
    if len(each.single):
        below = np.full(len(each.single), row + _BELOW)
        ax.plot(each.single, below, "o", color=shade, ms=points(5), mfc="none", zorder=3, label=_RUN)
    if each.published is not None:
        cross: dict[str, Any] = {"marker": "x", "ms": points(9), "mew": points(2), "linestyle": ""}
        ax.plot(each.published, row, color=color("published"), zorder=5, label=PUBLISHED, **cross)


def _told(each: Estimate) -> str:
    runs = f"; {len(each.single)} runs" if len(each.single) else ""
    spread = f" from {number(each.single.min())} to {number(each.single.max())}" if runs else ""
    published = "" if each.published is None else f"; published {number(each.published)}"
    interval = f"{number(each.value)}, {number(each.low)} to {number(each.high)}"
    return f"{each.label}: {interval}{runs}{spread}{published}."


def _check(drawn: Sequence[Estimate]) -> None:
    if not drawn:
        raise ValueError("drawn must hold at least one estimate, got none")
