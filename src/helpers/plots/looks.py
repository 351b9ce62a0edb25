"""How stride and padding look wherever they are compared: color and line, filled or open."""

from typing import Any, Literal

from helpers.plots.style import color, points

Stride = Literal[1, 2] | None
"""1 (blue, solid) or 2 (orange, dashed); None if the comparison is not about stride (gray)."""

Padding = Literal["same", "valid"] | None
"""\"same" (filled markers) or "valid" (open markers); None if the comparison is not about padding."""

_LINES: dict[int | None, dict[str, Any]] = {
    1: {"color": color("stride_1"), "linestyle": "-"},
    2: {"color": color("stride_2"), "linestyle": (0, (3, 1.2))},
    None: {"color": color("muted"), "linestyle": "-"},
}


def line(stride: Stride) -> dict[str, Any]:
    """Color and dashes of a line."""
    return _LINES[stride]


def marker(stride: Stride, padding: Padding, *, size: float) -> dict[str, Any]:
    """A point of so many CSS pixels: open for "valid", filled for all else."""
    shade = _LINES[stride]["color"]
    face = color("paper") if padding == "valid" else shade
    return {
        "marker": "o",
        "markersize": points(size),
        "color": shade,
        "markerfacecolor": face,
        "markeredgewidth": points(2),
    }


def check_look(stride: Stride, padding: Padding) -> None:
    """Raise ValueError unless there is a look for them."""
    if stride not in _LINES:
        raise ValueError(f"stride must be 1, 2 or None, got {stride!r}")
    if padding not in ("same", "valid", None):
        raise ValueError(f"padding must be 'same', 'valid' or None, got {padding!r}")
