"""Differences against zero, and against the margin below which they do not matter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from matplotlib.axes import Axes

from helpers.plots.cells import mix, shade_key
from helpers.plots.style import color, points
from helpers.plots.words import number

if TYPE_CHECKING:
    from helpers.statistics import Effect  # at run time it would import scipy, which few pages need

_SMALL = "too small to matter"
_LEVELS = {0.95: 2.5, 0.9: 7.0}  # of the intervals, with the width of their bars in CSS pixels


def differences(
    ax: Axes, drawn: Mapping[str, Effect], *, margin: float, xlabel: str, title: str = ""
) -> Axes:
    """Draw each difference as a point on its 95% interval, thick where the 90% interval is.

    The thin bar answers whether there is a difference: it leaves out zero. The thick one answers whether any
    difference is too small to matter: it lies within the margin, which is shaded.

    Args:
        ax: axes to draw on.
        drawn: the differences by what stands beside them, from the top down.
        margin: differences of this size or less do not matter.
        xlabel: the quantity and its unit.
        title: what stands above.

    Raises:
        ValueError: if there is no difference, or the margin is not above zero.
    """
    _check(drawn, margin)
    ax.axvspan(-margin, margin, color=mix("line", 0.35), lw=0, zorder=0)
    ax.axvline(0, color=color("ink"), lw=points(1), zorder=1)
    shade_key(ax, mix("line", 0.35), _SMALL)
    bar: dict[str, Any] = {"color": color("muted"), "solid_capstyle": "butt", "zorder": 3}
    dot: dict[str, Any] = {"color": color("ink"), "mec": color("paper"), "ms": points(9), "zorder": 4}
    for row, effect in enumerate(drawn.values()):
        for level, width in _LEVELS.items():
            ax.plot(
                effect.interval(level), (row, row), lw=points(width), label=f"{level:.0%} interval", **bar
            )
        ax.plot(effect.estimate, row, "o", label="difference", **dot)
    ax.set(xlabel=xlabel, title=title, ylim=(len(drawn) - 0.5, -0.5))
    ax.set_yticks(range(len(drawn)), list(drawn))
    ax.tick_params(axis="y", length=0, labelcolor=color("ink"))
    ax.spines["left"].set_visible(False)
    return ax


def describe_differences(drawn: Mapping[str, Effect], *, margin: float) -> str:
    """Say what `differences` draws; the arguments and errors are its own.

    >>> from helpers.statistics import seed_effect
    >>> describe_differences({"blur": seed_effect([0.4, 0.5, 0.6])}, margin=0.2)
    'Differences; up to 0.2 do not matter. blur: 0.5, 0.25 to 0.75, above zero, not within the margin.'
    """
    _check(drawn, margin)
    told = " ".join(f"{label}: {_told(effect, margin)}." for label, effect in drawn.items())
    return f"Differences; up to {number(margin)} do not matter. {told}"


def _told(effect: Effect, margin: float) -> str:
    (low, high), inner = effect.interval(), effect.interval(0.9)
    side = "above zero" if low > 0 else "below zero" if high < 0 else "with zero inside"
    within = -margin < inner.low and inner.high < margin
    ends = f"{number(effect.estimate)}, {number(low)} to {number(high)}"
    return f"{ends}, {side}, {'' if within else 'not '}within the margin"


def _check(drawn: Mapping[str, Effect], margin: float) -> None:
    if not drawn:
        raise ValueError("drawn must hold at least one difference, got none")
    if not margin > 0:
        raise ValueError(f"margin={margin}: must be above zero, in the unit of the differences")
