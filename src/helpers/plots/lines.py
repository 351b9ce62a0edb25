"""One axis as a row of pixels, with every window that reads it below."""

from collections.abc import Sequence
from functools import partial

from matplotlib.axes import Axes
from matplotlib.patches import PathPatch, Rectangle

from helpers.arithmetic import Convention, Padding, resolve_padding, unread, window_starts
from helpers.arithmetic.indices import Span
from helpers.arithmetic.layer import Window
from helpers.plots.cells import (
    NUMBER,
    WINDOW,
    cased,
    mark_padding,
    mark_unread,
    mix,
    squares,
    tick_indices,
    write_cell,
)
from helpers.plots.picture import Panel
from helpers.plots.style import color, points
from helpers.plots.words import counted, joined, listed, number, plural, sentence, spelled

_PITCH = 0.75  # from one window to the next below it, in cells
_HEIGHT = 0.45  # of a window's bar, in cells
_FULL = 16  # the longest axis whose cells all hold their index


def never_read(size: int, window: Window) -> list[int]:
    """Indices of the padded axis, negative before the first pixel, that no window reads.

    Not `helpers.arithmetic.unused_padding`: that counts, and a stride or dilation can leave gaps anywhere.
    """
    before, after = resolve_padding(size, **window)
    reach = window["dilation"] * window["kernel_size"]
    read = {
        start + tap for start in window_starts(size, **window) for tap in range(0, reach, window["dilation"])
    }
    return [index for index in range(-before, size + after) if index not in read]


def line_windows(
    size: int,
    *,
    kernel_size: int,
    stride: int = 1,
    padding: Padding = 0,
    dilation: int = 1,
    convention: Convention = "tensorflow",
    title: str = "",
) -> Panel:
    """Draw one axis of `size` pixels and the windows on it, one below the other.

    Cells hold their index. A pixel that no window reads is hatched; padding is dotted, with a dash where it
    is never read. A window's bar has a solid edge at stride 1 and a dashed one beyond.

    Raises:
        TypeError: if a setting is of the wrong kind.
        ValueError: if a setting is out of range, or the kernel is larger than the padded axis.

    >>> line_windows(10, kernel_size=3, stride=2).alt
    'Ten pixels in a row. Four windows of width three start at pixels 0, 2, 4 and 6. No window reads pixel 9.'
    """
    window = Window(
        kernel_size=kernel_size, stride=stride, padding=padding, dilation=dilation, convention=convention
    )
    starts = window_starts(size, **window)

    def draw(ax: Axes) -> None:
        columns = _draw_pixels(ax, size, window)
        heights = [1 + _PITCH * index for index in range(len(starts))]
        for height, start in zip(heights, starts, strict=True):
            taps = range(start, start + dilation * (kernel_size - 1) + 1, dilation)
            _draw_bar(ax, height, taps, dashed=stride > 1)
        ax.set(aspect="equal", xlim=(columns[0] - 0.5, columns[1] - 0.5), ylim=(heights[-1] + 0.5, -0.5))
        ax.spines[:].set_visible(False)
        ax.set_xticks([])
        ax.set_yticks(heights, [f"output {index}" for index in range(len(starts))])
        ax.tick_params(length=0)
        ax.set_title(title)

    return Panel(draw, partial(_describe, size, window), title)


def _describe(size: int, window: Window) -> str:
    starts = window_starts(size, **window)
    kernel_size, dilation = window["kernel_size"], window["dilation"]
    before, after = resolve_padding(size, **window)
    sides = [f"{counted(pad, 'cell')} {side}" for pad, side in ((before, "before"), (after, "after")) if pad]
    padded = f", with padding: {joined(sides)}" if sides else ""
    spread = f" whose taps lie {spelled(dilation)} apart" if dilation > 1 and kernel_size > 1 else ""
    inside = starts[0] >= 0 and starts[-1] < size
    noun = ("pixel" if inside else "position") + ("" if len(starts) == 1 else "s")
    windows = f"{counted(len(starts), 'window')} of width {spelled(kernel_size)}{spread}"
    parts = [
        f"{counted(size, 'pixel')} in a row{padded}",
        f"{windows} {'starts' if len(starts) == 1 else 'start'} at {noun} {listed(starts)}",
        _never("pixel", unread(size, **window)) or "every pixel is read",
        _never("padding cell", _unused(size, window)),
    ]
    return " ".join(sentence(part) for part in parts if part)


def _draw_pixels(ax: Axes, size: int, window: Window) -> Span:
    """Draw the padded axis as a row of cells; return its first index and the one after its last."""
    before, after = resolve_padding(size, **window)
    columns = (-before, size + after)
    if before or after:
        mark_padding(ax, (0, 1), columns, [(0, column) for column in _unused(size, window)])
    cells = PathPatch(squares([(0, column) for column in range(size)]), fc=color("paper"), ec=color("line"))
    ax.add_patch(cells)
    is_full = columns[1] - columns[0] <= _FULL
    for column in range(*columns) if is_full else tick_indices(*columns):
        slant = "normal" if 0 <= column < size else "italic"
        write_cell(ax, (0, column), number(column), label=NUMBER if is_full else "_index", style=slant)
    mark_unread(ax, [(0, column) for column in unread(size, **window)])
    return columns


def _draw_bar(ax: Axes, height: float, taps: range, *, dashed: bool) -> None:
    """Draw a window as a bar below the pixels it spans; with dilation, as a bar for each tap on one line."""
    if taps.step > 1:
        ax.plot((taps[0], taps[-1]), (height, height), color=color("window"), lw=points(2), zorder=1)
    wide = 1 if taps.step > 1 else len(taps)
    for left in taps[::wide]:
        bar = Rectangle((left - 0.5, height - _HEIGHT / 2), wide, _HEIGHT, label=WINDOW, clip_on=False)
        bar.set(facecolor=mix("window", 0.25), edgecolor=color("window"), linewidth=points(2.5))
        bar.set(linestyle=(0, (3, 1.5)) if dashed else "solid", path_effects=[cased(2.5)])
        ax.add_patch(bar)


def _unused(size: int, window: Window) -> list[int]:
    """Indices of the padding that no window reads."""
    return [index for index in never_read(size, window) if not 0 <= index < size]


def _never(noun: str, indices: Sequence[int]) -> str:
    return f"no window reads {plural(noun, indices)}" if indices else ""
