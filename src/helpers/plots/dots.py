"""Every run as a dot, stacked where runs agree."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike, NDArray

from helpers.plots.looks import Padding, Stride, check_look, marker
from helpers.plots.style import color, points
from helpers.plots.words import count, number

_BINS = 45  # over the range of all runs, so that a bin is about as wide as a dot
_STEP, _STACK = 0.11, 0.65  # height of a dot, and of the highest stack at most, in rows


@dataclass(frozen=True, eq=False)
class Dots:
    """The runs of one thing.

    Args:
        label: what stands beside them.
        values: the value of every run, (runs,).
        stride: 1 (blue) or 2 (orange); None if the comparison is not about stride (gray).
        padding: "valid" (open dots), or "same" or None (filled).
    """

    label: str
    values: ArrayLike
    stride: Stride = None
    padding: Padding = None

    def __post_init__(self) -> None:
        check_look(self.stride, self.padding)
        if self.runs.ndim != 1 or self.runs.size == 0 or not np.isfinite(self.runs).all():
            raise ValueError(f"{self.label!r} must hold one finite number a run, got {self.values!r}")

    @property
    def runs(self) -> NDArray[np.float64]:
        """The value of every run, (runs,)."""
        return np.asarray(self.values, dtype=np.float64)


def dots(ax: Axes, drawn: Sequence[Dots], *, xlabel: str, title: str = "") -> Axes:
    """Draw one dot a run, stacked where several lie close together, and a line below them at their mean.

    A dot stands in the middle of its bin, a 45th of the range of all runs wide.

    Args:
        ax: axes to draw on.
        drawn: the runs, from the top down.
        xlabel: the quantity and its unit.
        title: what stands above.

    Raises:
        ValueError: if there is nothing to draw.
    """
    _check(drawn)
    width = float(np.ptp(np.concatenate([each.runs for each in drawn]))) / _BINS or 1.0
    stacks = [_stacked(each.runs, width) for each in drawn]
    step = min(_STEP, _STACK / max(1.0, *(levels.max() for _, levels in stacks)))
    for row, (each, (middles, levels)) in enumerate(zip(drawn, stacks, strict=True)):
        look = marker(each.stride, each.padding, size=6) | {"markeredgewidth": points(1.5)}
        ax.plot(middles, row - step * levels, linestyle="", **look, label="single run")
        mean = np.full(2, each.runs.mean())
        ax.plot(mean, (row + 0.1, row + 0.3), color=color("ink"), lw=points(2.5), label="mean")
    top = -step * stacks[0][1].max() - 0.3
    ax.set(xlabel=xlabel, title=title, ylim=(len(drawn) - 0.6, top))
    ax.set_yticks(range(len(drawn)), [each.label for each in drawn])
    ax.tick_params(axis="y", length=0, labelcolor=color("ink"))
    ax.spines["left"].set_visible(False)
    return ax


def describe_dots(drawn: Sequence[Dots], *, quantity: str) -> str:
    """Say what `dots` draws; the errors are its own.

    >>> describe_dots([Dots("stride 1", [98.8, 99.0, 99.2])], quantity="accuracy")
    'Accuracy of every run. stride 1: three runs from 98.8 to 99.2, mean 99.'
    """
    _check(drawn)
    told = (
        f"{each.label}: {count(each.runs.size, 'run')} from {number(each.runs.min())} "
        f"to {number(each.runs.max())}, mean {number(each.runs.mean())}."
        for each in drawn
    )
    return f"{quantity[0].upper()}{quantity[1:]} of every run. {' '.join(told)}"


def _stacked(values: NDArray[np.float64], width: float) -> tuple[NDArray[np.float64], NDArray[np.int_]]:
    """The middle of the bin of each value, in order, and how many of that bin come before it."""
    bins = np.round(np.sort(values) / width)
    return bins * width, np.arange(len(bins)) - np.searchsorted(bins, bins)


def _check(drawn: Sequence[Dots]) -> None:
    if not drawn:
        raise ValueError("drawn must hold the runs of at least one thing, got none")
