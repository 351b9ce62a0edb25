"""Loss or accuracy by epoch, in the look of its stride and its padding."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike, NDArray

from helpers.plots.style import color, points
from helpers.plots.words import number

_LINES: dict[int | None, dict[str, Any]] = {
    1: {"color": color("stride_1"), "linestyle": "-"},
    2: {"color": color("stride_2"), "linestyle": (0, (3, 1.2))},
    None: {"color": color("muted"), "linestyle": "-"},
}


@dataclass(frozen=True, eq=False)
class Curve:
    """A quantity after each epoch, of one run, (epochs,), or of several, (runs, epochs).

    Args:
        label: what the key calls it.
        values: the quantity.
        stride: 1 (blue, solid) or 2 (orange, dashed); None if the comparison is not about stride (gray).
        padding: "same" (filled markers) or "valid" (open markers); None for no markers.
    """

    label: str
    values: ArrayLike
    stride: Literal[1, 2] | None = None
    padding: Literal["same", "valid"] | None = None

    def __post_init__(self) -> None:
        if self.stride not in _LINES:
            raise ValueError(f"stride must be 1, 2 or None, got {self.stride!r}")
        if self.padding not in ("same", "valid", None):
            raise ValueError(f"padding must be 'same', 'valid' or None, got {self.padding!r}")
        if self.runs.size == 0 or self.runs.ndim != 2:
            raise ValueError(f"values must be (epochs,) or (runs, epochs), got shape {np.shape(self.values)}")

    @property
    def runs(self) -> NDArray[np.float64]:
        """The values of every run, (runs, epochs)."""
        return np.atleast_2d(np.asarray(self.values, dtype=np.float64))


def curves(
    ax: Axes,
    drawn: Sequence[Curve],
    *,
    ylabel: str,
    limits: tuple[float, float] | None = None,
    title: str = "",
) -> Axes:
    """Draw curves over the epochs; of several runs the mean, with a thin line for each run.

    Args:
        ax: axes to draw on.
        drawn: the curves.
        ylabel: the quantity and its unit.
        limits: the least and the most of the quantity to show, so that panels side by side can agree.
        title: what stands above.

    Raises:
        ValueError: if there is no curve.
    """
    _check(drawn)
    for curve in drawn:
        epochs = np.arange(1, curve.runs.shape[1] + 1)
        look = _LINES[curve.stride]
        if len(curve.runs) > 1:
            ax.plot(epochs, curve.runs.T, color=look["color"], lw=points(1), alpha=0.3, zorder=1.5)
        ax.plot(epochs, curve.runs.mean(axis=0), label=curve.label, lw=points(2.5), **look, **_markers(curve))
    ax.set(xlabel="epoch", ylabel=ylabel, ylim=limits, title=title)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.grid(axis="y", color=color("line"), alpha=0.35, lw=points(1))
    return ax


def describe_curves(drawn: Sequence[Curve], *, ylabel: str) -> str:
    """Say what `curves` draws; the arguments and errors are its own.

    >>> describe_curves([Curve("stride 1", [0.91, 0.95, 0.96])], ylabel="accuracy")
    'Accuracy by epoch. stride 1: 0.91, 0.95, 0.96.'
    """
    _check(drawn)
    told = []
    for curve in drawn:
        mean = curve.runs.mean(axis=0)
        shown = mean if len(mean) <= 8 else mean[[0, len(mean) // 2, -1]]
        after = "" if len(mean) <= 8 else f" after epochs 1, {len(mean) // 2 + 1} and {len(mean)}"
        runs = "" if len(curve.runs) == 1 else f" (mean of {len(curve.runs)} runs)"
        told.append(f"{curve.label}{runs}: {', '.join(_precise(value) for value in shown)}{after}.")
    return f"{ylabel[0].upper()}{ylabel[1:]} by epoch. {' '.join(told)}"


def _markers(curve: Curve) -> dict[str, Any]:
    if curve.padding is None:
        return {}
    face = _LINES[curve.stride]["color"] if curve.padding == "same" else color("paper")
    return {"marker": "o", "markersize": points(8), "markerfacecolor": face, "markeredgewidth": points(2)}


def _check(drawn: Sequence[Curve]) -> None:
    if not drawn:
        raise ValueError("drawn must hold at least one curve, got none")


def _precise(value: float) -> str:
    return f"{value:.4g}".replace("-", "−") if abs(value) < 10 else number(value)
