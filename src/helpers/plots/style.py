"""The style of every figure: colors and sizes from one table, and how each stride and padding is drawn."""

import json
from functools import cache
from importlib import resources
from typing import Any, Literal

import matplotlib as mpl
from cycler import cycler

from helpers.checks import choice

COLUMN = 720
"""Width of the page's text column, in CSS pixels."""

PHONE = 350
"""Width of the text on a phone, in CSS pixels."""

DPI = 96  # then a pixel of a figure is a CSS pixel


Stride = Literal[1, 2] | None
"""1 (blue, solid) or 2 (orange, dashed); None if the comparison is not about stride (gray)."""

PaddingLook = Literal["same", "valid"] | None
"""\"same" (filled markers) or "valid" (open markers); None if the comparison is not about padding."""

LogPart = Literal["running", "fitted", "validation"] | None
"""A curve of one training run's log: training as logged (dotted), training in evaluation mode (solid), or
validation (dash-dotted, open triangles); None if the comparison is not about these."""


@cache
def palette() -> dict[str, dict[str, str]]:
    """The table of the book's visual language: name -> {light, dark, use}."""
    text = (resources.files("helpers") / "palette.json").read_text(encoding="utf-8")
    table: dict[str, dict[str, str]] = json.loads(text)
    return table


def color(name: str, *, theme: str = "light") -> str:
    """A color of the palette; figures stand on white in both themes, so theirs is the light one.

    Raises:
        TypeError: if the name or the theme is not a string.
        ValueError: if the palette has no such name or theme.

    >>> color("window")
    '#e69f00'
    """
    choice("name", name, palette())
    choice("theme", theme, ("light", "dark"))
    return palette()[name][theme]


def points(pixels: float) -> float:
    """CSS pixels in the points that matplotlib measures text and lines in."""
    return pixels * 72 / DPI


def text_points(name: str) -> float:
    """A text size of the palette, in points."""
    return points(float(color(name).removesuffix("px")))


@cache
def style() -> mpl.RcParams:
    """Matplotlib's settings for the figures of the book."""
    small, ink, muted = text_points("small_text_size"), color("ink"), color("muted")
    settings = {
        "figure.dpi": DPI,
        "figure.facecolor": color("paper"),
        "font.family": "DejaVu Sans",  # comes with matplotlib, so that every machine draws the same
        "font.size": small,
        "axes.titlesize": text_points("text_size"),
        "axes.labelsize": small,
        "axes.edgecolor": color("line"),
        "axes.labelcolor": ink,
        "axes.titlecolor": ink,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.prop_cycle": cycler(color=[color(name) for name in ("stride_1", "stride_2", "pytorch")]),
        "xtick.color": muted,
        "ytick.color": muted,
        "xtick.labelsize": small,
        "ytick.labelsize": small,
        "legend.frameon": False,
        "legend.fontsize": small,
        "lines.linewidth": points(2.5),
        "text.color": ink,
        "hatch.linewidth": points(2),
        "svg.fonttype": "path",  # an SVG inside <img> cannot use the page's fonts
        "svg.hashsalt": "stride-and-padding",  # the same figure gives the same bytes
    }
    return mpl.RcParams(settings)


def use_style() -> None:
    """Set matplotlib's defaults to the book's style for the rest of the session.

    `helpers.plots.figure` draws in this style anyway; this is for figures that you lay out yourself.
    """
    mpl.rcParams.update(style())


_LINES: dict[int | None, dict[str, Any]] = {
    1: {"color": color("stride_1"), "linestyle": "-"},
    2: {"color": color("stride_2"), "linestyle": (0, (3, 1.2))},
    None: {"color": color("muted"), "linestyle": "-"},
}

_PARTS: dict[str, dict[str, Any]] = {
    "running": {"color": color("muted"), "linestyle": (0, (1, 1.2))},
    "fitted": {"color": color("ink"), "linestyle": "-"},
    "validation": {
        "color": color("ink"),
        "linestyle": (0, (5, 1.2, 1, 1.2)),
        "marker": "^",
        "markersize": points(8),
        "markerfacecolor": color("paper"),
    },
}


def line(stride: Stride) -> dict[str, Any]:
    """Color and dashes of a line."""
    return _LINES[stride]


def marker(stride: Stride, padding: PaddingLook, *, size: float) -> dict[str, Any]:
    """A round marker, `size` CSS pixels wide: open for "valid", filled for all else."""
    shade = _LINES[stride]["color"]
    face = color("paper") if padding == "valid" else shade
    return {
        "marker": "o",
        "markersize": points(size),
        "color": shade,
        "markerfacecolor": face,
        "markeredgewidth": points(2),
    }


def part_of_log(part: Literal["running", "fitted", "validation"]) -> dict[str, Any]:
    """Color, dashes and markers of a part of a training log."""
    return _PARTS[part]


def check_part(part: LogPart, stride: Stride, padding: PaddingLook) -> None:
    """Check that there is a look for this part of a log.

    Raises:
        ValueError: if there is none.
    """
    if part not in (*_PARTS, None):
        raise ValueError(f"part must be 'running', 'fitted', 'validation' or None, got {part!r}")
    if part and (stride or padding):
        raise ValueError(
            "stride and padding must be None beside a part of a log, which has a look of its own, "
            f"got part={part!r}, stride={stride!r}, padding={padding!r}"
        )


def check_look(stride: Stride, padding: PaddingLook) -> None:
    """Check that there is a look for this stride and padding.

    Raises:
        ValueError: if there is none.
    """
    if stride not in _LINES:
        raise ValueError(f"stride must be 1, 2 or None, got {stride!r}")
    if padding not in ("same", "valid", None):
        raise ValueError(f"padding must be 'same', 'valid' or None, got {padding!r}")
