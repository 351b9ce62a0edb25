"""How stride, padding and parts of a training log look wherever they are compared: color, line, marker."""

from typing import Any, Literal

from helpers.plots.style import color, points

Stride = Literal[1, 2] | None
"""1 (blue, solid) or 2 (orange, dashed); None if the comparison is not about stride (gray)."""

Padding = Literal["same", "valid"] | None
"""\"same" (filled markers) or "valid" (open markers); None if the comparison is not about padding."""

Part = Literal["running", "fitted", "validation"] | None
"""A curve of one training run's log: training as logged (dotted), training in evaluation mode (solid), or
validation (dash-dotted, open triangles); None if the comparison is not about these."""

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


def part_of_log(part: Literal["running", "fitted", "validation"]) -> dict[str, Any]:
    """Color, dashes and markers of a part of a training log."""
    return _PARTS[part]


def check_part(part: Part, stride: Stride, padding: Padding) -> None:
    """Raise ValueError unless there is a look for this part of a log."""
    if part not in (*_PARTS, None):
        raise ValueError(f"part must be 'running', 'fitted', 'validation' or None, got {part!r}")
    if part and (stride or padding):
        raise ValueError(
            f"part={part!r} has a look of its own: leave out stride={stride!r}, padding={padding!r}"
        )


def check_look(stride: Stride, padding: Padding) -> None:
    """Raise ValueError unless there is a look for them."""
    if stride not in _LINES:
        raise ValueError(f"stride must be 1, 2 or None, got {stride!r}")
    if padding not in ("same", "valid", None):
        raise ValueError(f"padding must be 'same', 'valid' or None, got {padding!r}")
