"""Loss or accuracy by epoch, in the look of a stride and padding or of a part of a training log."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike, NDArray

from helpers.plots.cells import MEAN_BAND, RUN_BAND
from helpers.plots.picture import Panel
from helpers.plots.style import (
    LogPart,
    PaddingLook,
    Stride,
    check_look,
    check_part,
    color,
    line,
    marker,
    part_of_log,
    points,
)
from helpers.plots.words import capitalized, number, spoken

Band = Literal["mean", "run"] | None
"""The 95% interval of the mean over runs ("mean"), the 95% prediction interval of one more run, or none."""


@dataclass(frozen=True, eq=False)
class Curve:
    """A quantity after each epoch, of one run, (epochs,), or of several, (runs, epochs).

    Attributes:
        label: its name in the legend.
        values: the quantity.
        stride: 1 (blue, solid) or 2 (orange, dashed); None if the comparison is not about stride (gray).
        padding: "same" (filled markers) or "valid" (open markers); None for no markers.
        part: instead of these two, a part of one run's log: "running" (dotted), "fitted" (solid) or
            "validation" (open triangles).
    """

    label: str
    values: ArrayLike
    stride: Stride = None
    padding: PaddingLook = None
    part: LogPart = None

    def __post_init__(self) -> None:
        check_look(self.stride, self.padding)
        check_part(self.part, self.stride, self.padding)
        if self.runs.size == 0 or self.runs.ndim != 2:
            raise ValueError(f"values must be (epochs,) or (runs, epochs), got shape {np.shape(self.values)}")

    @property
    def runs(self) -> NDArray[np.float64]:
        """The values of every run, (runs, epochs)."""
        return np.atleast_2d(np.asarray(self.values, dtype=np.float64))

    @property
    def look(self) -> dict[str, Any]:
        """Color, dashes and markers."""
        if self.part:
            return part_of_log(self.part)
        points_of = marker(self.stride, self.padding, size=8) if self.padding else {}
        return points_of | line(self.stride)


def curves(
    drawn: Sequence[Curve],
    *,
    ylabel: str,
    band: Band = None,
    limits: tuple[float, float] | None = None,
    title: str = "",
) -> Panel:
    """Draw curves over the epochs; of several runs the mean, with a thin line for each run or with a band.

    Args:
        drawn: the curves.
        ylabel: the quantity and its unit.
        band: what to draw around the mean in place of the runs: its own 95% interval ("mean"), or the 95%
            prediction interval of a further run ("run").
        limits: lower and upper end of the vertical axis, so that panels side by side can agree.
        title: the title above the panel.

    Raises:
        ValueError: if there is no curve, no such band, or a band around a single run.

    >>> curves([Curve("stride 1", [0.91, 0.95, 0.96])], ylabel="accuracy").alt
    'Accuracy by epoch. stride 1: 0.91, 0.95, 0.96.'
    """
    _check(drawn, band)

    def draw(ax: Axes) -> None:
        for curve in drawn:
            _draw(ax, curve, band)
        ax.set(xlabel="epoch", ylabel=ylabel, ylim=limits, title=title)
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        ax.grid(axis="y", color=color("line"), alpha=0.35, lw=points(1))

    def describe() -> str:
        told = " ".join(_told(curve, band) for curve in drawn)
        around = f", with the {_BANDS[band]}" if band else ""
        return f"{capitalized(spoken(ylabel))} by epoch{around}. {told}"

    return Panel(draw, describe, title)


def _draw(ax: Axes, curve: Curve, band: Band) -> None:
    epochs = np.arange(1, curve.runs.shape[1] + 1)
    if band:
        shade = {"color": curve.look["color"], "alpha": 0.2, "lw": 0, "zorder": 1.5}
        ax.fill_between(epochs, *_ends(curve, band).T, label=_BANDS[band], **shade)
    elif len(curve.runs) > 1:
        ax.plot(epochs, curve.runs.T, color=curve.look["color"], lw=points(1), alpha=0.3, zorder=1.5)
    ax.plot(epochs, curve.runs.mean(axis=0), label=curve.label, lw=points(2.5), **curve.look)


def _told(curve: Curve, band: Band) -> str:
    mean = curve.runs.mean(axis=0)
    shown = np.arange(len(mean)) if len(mean) <= 8 else np.array([0, len(mean) // 2, len(mean) - 1])
    after = "" if len(mean) <= 8 else f" after epochs 1, {len(mean) // 2 + 1} and {len(mean)}"
    runs = "" if len(curve.runs) == 1 else f" (mean of {len(curve.runs)} runs)"
    values = [_precise(mean[epoch]) for epoch in shown]
    if band:
        ends = _ends(curve, band)[shown]
        values = [
            f"{value} ({_precise(low)} to {_precise(high)})"
            for value, (low, high) in zip(values, ends, strict=True)
        ]
    return f"{curve.label}{runs}: {', '.join(values)}{after}."


def _ends(curve: Curve, band: Literal["mean", "run"]) -> NDArray[np.float64]:
    """The band's lower and upper end after each epoch, (epochs, 2)."""
    from helpers.statistics import (  # scipy: a second to import, often unused
        mean_interval,
        prediction_interval,
    )

    interval: Callable[[Sequence[float]], tuple[float, float]]
    interval = mean_interval if band == "mean" else prediction_interval
    return np.array([interval(list(values)) for values in curve.runs.T])


_BANDS = {"mean": MEAN_BAND, "run": RUN_BAND}


def _check(drawn: Sequence[Curve], band: Band) -> None:
    if not drawn:
        raise ValueError("drawn must hold at least one curve, got none")
    if band not in (*_BANDS, None):
        raise ValueError(f"band must be 'mean', 'run' or None, got {band!r}")
    if band and any(len(curve.runs) == 1 for curve in drawn):
        raise ValueError(
            f"drawn must hold two runs of each curve at least for band={band!r}, got a curve of one"
        )


def _precise(value: float) -> str:
    return f"{value:.4g}".replace("-", "−") if abs(value) < 10 else number(value)
