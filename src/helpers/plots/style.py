"""The look of every figure: colors and sizes from one table, set once."""

import json
from functools import cache
from importlib import resources

import matplotlib as mpl
from cycler import cycler

COLUMN = 720
"""Width of the page's text column, in CSS pixels."""

PHONE = 350
"""Width of the text on a phone, in CSS pixels."""

DPI = 96  # so that a pixel of a figure is a CSS pixel


@cache
def palette() -> dict[str, dict[str, str]]:
    """The table of the book's visual language: name -> {light, dark, use}."""
    text = (resources.files("helpers") / "palette.json").read_text(encoding="utf-8")
    table: dict[str, dict[str, str]] = json.loads(text)
    return table


def color(name: str, *, theme: str = "light") -> str:
    """A color of the palette; figures stand on white in both themes, so theirs is the light one.

    Raises:
        ValueError: if the palette has no such name or theme.

    >>> color("window")
    '#e69f00'
    """
    if name not in palette():
        raise ValueError(f"name={name!r} is not in the palette: {', '.join(palette())}")
    if theme not in ("light", "dark"):
        raise ValueError(f"theme must be 'light' or 'dark', got {theme!r}")
    return palette()[name][theme]


def points(pixels: float) -> float:
    """CSS pixels in the points that matplotlib measures text and lines in."""
    return pixels * 72 / DPI


def text_points(name: str) -> float:
    """A text size of the palette, in points."""
    return points(float(color(name).removesuffix("px")))


@cache
def style() -> mpl.RcParams:
    """The settings of matplotlib that make a figure one of the book's."""
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
