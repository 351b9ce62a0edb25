"""The cells of a grid and the marks on them: windows, padding, pixels never read.

The cell in row r and column c is the unit square around the point (c, r), as in `imshow`; row numbers grow
downward. Each mark has its meaning as its label, from which a figure makes its legend.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import count
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, PathPatch, Rectangle
from matplotlib.path import Path
from matplotlib.patheffects import AbstractPathEffect, withStroke
from matplotlib.text import Text

from helpers.arithmetic.indices import Span
from helpers.plots.style import color, points

NUMBERED = 12  # the longest side of a grid whose cells and edges all hold their numbers
NUMBER = "_number"  # the label of texts that belong to a cell; the underscore keeps it out of legends
WINDOW = "window"
FIELD = "receptive field"
JUMP = "jump, in input pixels"
PADDING = "padding"
UNUSED = "padding never read"
UNREAD = "pixel never read"
PUBLISHED = "as published"
MEAN_BAND = "95% interval of the mean"
RUN_BAND = "95% interval for one more run"
TOLD = "told from the noise"

Color = tuple[float, float, float]
"""Red, green and blue, 0 to 1."""

Position = tuple[float, float]
"""Row and column; whole numbers are the centers of cells."""


def mix(name: str, share: float) -> Color:
    """A color of the palette mixed with white: a share of 1 is the color itself, 0 is white."""
    red, green, blue = (1 - share * (1 - channel) for channel in to_rgb(color(name)))
    return red, green, blue


def squares(cells: Iterable[Position]) -> Path:
    """The outline of every cell as one path, which keeps the file of a large map small."""
    corners = np.array([(-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5), (-0.5, -0.5)])
    codes = [Path.MOVETO, Path.LINETO, Path.LINETO, Path.LINETO, Path.CLOSEPOLY]
    centers = [(column, row) for row, column in cells]
    return Path(np.concatenate([corners + center for center in centers]), codes * len(centers))


def lattice(rows: Span, columns: Span) -> Path:
    """The lines around and between all cells of a rectangle, as one path."""
    ys, xs = (np.arange(start, stop + 1) - 0.5 for start, stop in (rows, columns))
    across = [((xs[0], y), (xs[-1], y)) for y in ys]
    down = [((x, ys[0]), (x, ys[-1])) for x in xs]
    return _lines(across + down)


def mark_padding(ax: Axes, rows: Span, columns: Span, unused: Sequence[Position] = ()) -> None:
    """Draw padding below the pixels: white cells with a dotted border, and a dash where no window reads."""
    ax.add_patch(PathPatch(lattice(rows, columns), **_PADDING, zorder=-1, label=PADDING))
    if unused:
        dashes = _lines([((column - 0.3, row), (column + 0.3, row)) for row, column in unused])
        ax.add_patch(PathPatch(dashes, edgecolor=color("ink"), lw=points(1.5), zorder=4, label=UNUSED))


def mark_padding_cells(ax: Axes, cells: Sequence[Position]) -> None:
    """Draw single padding cells: white, with a dotted border."""
    if cells:
        ax.add_patch(PathPatch(squares(cells), **_PADDING, label=PADDING))


def mark_unread(ax: Axes, cells: Sequence[Position]) -> Axes:
    """Hatch pixels that nothing reads; a number in them gets a white ground, so that it stays legible."""
    if not cells:
        return ax
    edge = points(1.2 if len(cells) <= NUMBERED**2 else 0.3)
    ax.add_patch(PathPatch(squares(cells), **_UNREAD, lw=edge, zorder=3, label=UNREAD))
    for text in numbers(ax):
        column, row = text.get_position()
        if (round(row), round(column)) in cells:
            text.set_bbox({"boxstyle": "round,pad=0.1", "facecolor": color("paper"), "linewidth": 0})
    return ax


def mark_window(ax: Axes, rows: Sequence[int], columns: Sequence[int]) -> Axes:
    """Outline a window and tint its taps, given the rows and the columns it reads, such as `range(0, 3)`.

    Raises:
        ValueError: if it reads no row or no column.
    """
    if not rows or not columns:
        raise ValueError(f"rows and columns must hold at least one index each, got {rows} and {columns}")
    taps = [(row, column) for row in rows for column in columns]
    ax.add_patch(PathPatch(squares(taps), facecolor=color("window"), alpha=0.25, lw=0, zorder=2))
    width, height = columns[-1] - columns[0] + 1, rows[-1] - rows[0] + 1
    return outline(ax, (rows[0], columns[0]), width=width, height=height, edge="window", label=WINDOW)


def outline(
    ax: Axes, corner: Position, *, width: float = 1, height: float = 1, edge: str = "ink", label: str = ""
) -> Axes:
    """Outline `width` by `height` cells, with `corner` the upper left one; a dark edge shows on any gray."""
    row, column = corner
    box = Rectangle((column - 0.5, row - 0.5), width, height, fill=False, edgecolor=color(edge), label=label)
    box.set(linewidth=points(3), joinstyle="miter", zorder=5, clip_on=False, path_effects=[cased(3)])
    ax.add_patch(box)
    return ax


def cased(width: float) -> AbstractPathEffect:
    """The path effect that puts a thin dark edge on both sides of a line `width` CSS pixels wide."""
    return withStroke(linewidth=points(width + 1.5), foreground=color("ink"))


def mark_published(ax: Axes, cell: Position, text: str) -> None:
    """Write the value that a source printed into the lower half of a cell, after a cross."""
    row, column = cell
    write_cell(ax, (row + 0.22, column), f"×{text}", label=PUBLISHED)


def write_cell(ax: Axes, cell: Position, text: str, *, label: str = NUMBER, **style: Any) -> None:
    """Write text into the middle of a cell."""
    row, column = cell
    ax.text(column, row, text, ha="center", va="center", zorder=6, label=label, fontdict=style)


def numbers(ax: Axes) -> list[Text]:
    """All texts in cells: numbers, and published values."""
    return [text for text in ax.texts if text.get_label() in (NUMBER, PUBLISHED)]


def frame(ax: Axes, rows: Span, columns: Span, *, ticks: bool = True) -> None:
    """Fit the axes to cells `rows[0]` to `rows[1] - 1`, and number the cells along the edges."""
    ax.set(aspect="equal", xlim=(columns[0] - 0.5, columns[1] - 0.5), ylim=(rows[1] - 0.5, rows[0] - 0.5))
    ax.spines[:].set_visible(False)
    ax.tick_params(
        length=0, top=False, labeltop=ticks, bottom=False, labelbottom=False, labelleft=ticks, pad=3
    )
    at_most = NUMBERED if max(rows[1] - rows[0], columns[1] - columns[0]) <= NUMBERED else NUMBERED // 2
    ax.set_xticks(tick_indices(*columns, at_most=at_most))
    ax.set_yticks(tick_indices(*rows, at_most=at_most))
    ax.xaxis.set_major_formatter("{x:.0f}")
    ax.yaxis.set_major_formatter("{x:.0f}")


def tick_indices(start: int, stop: int, *, at_most: int = NUMBERED) -> list[int]:
    """Every index from `start` to `stop` - 1; if more than `at_most`, only multiples of a power of two."""
    step = next(2**power for power in count() if stop - start <= at_most * 2**power)
    return [index for index in range(start, stop) if index % step == 0]


def shade_key(ax: Axes, shade: Any, text: str) -> None:
    """Add a shade and its meaning to the legend of the figure."""
    ax.plot(
        [], [], linestyle="", marker="s", markersize=points(12), color=shade, mec=color("line"), label=text
    )


def key_handles(artists: Iterable[Artist]) -> dict[str, Artist]:
    """Legend handles for these artists by label, in the same order in every figure."""
    labeled = {str(artist.get_label()): artist for artist in artists}
    handles = {name: make() for name, make in _KEY.items() if name in labeled}
    drawn = {
        name: artist for name, artist in labeled.items() if isinstance(artist, Line2D) and name[:1] != "_"
    }
    return drawn | handles


def _lines(ends: Sequence[tuple[tuple[float, float], tuple[float, float]]]) -> Path:
    return Path(np.reshape(ends, (-1, 2)), [Path.MOVETO, Path.LINETO] * len(ends))


_PADDING: dict[str, Any] = {
    "facecolor": color("paper"),
    "edgecolor": color("muted"),
    "linestyle": (0, (1, 2.5)),
    "lw": points(1.2),
    "clip_on": False,
}
_UNREAD: dict[str, Any] = {"facecolor": "none", "edgecolor": color("unread"), "hatch": "///"}
_PUBLISHED: dict[str, Any] = {
    "color": color("published"),
    "marker": "x",
    "markersize": points(8),
    "markeredgewidth": points(1.8),
    "linestyle": "",
}
_KEY: dict[str, Callable[[], Artist]] = {
    WINDOW: lambda: Patch(
        facecolor=mix("window", 0.25),
        edgecolor=color("window"),
        lw=points(2.5),
        path_effects=[cased(2.5)],
    ),
    FIELD: lambda: Patch(facecolor=mix("window", 0.45), edgecolor=color("ink"), lw=points(1)),
    PADDING: lambda: Patch(**{**_PADDING, "lw": points(1.5)}),
    UNUSED: lambda: Line2D([], [], color=color("ink"), lw=points(1.5)),
    UNREAD: lambda: Patch(**{**_UNREAD, "hatch": "/////"}),
    PUBLISHED: lambda: Line2D([], [], **_PUBLISHED),
    MEAN_BAND: lambda: Patch(facecolor=mix("muted", 0.3), lw=0),
    RUN_BAND: lambda: Patch(facecolor=mix("muted", 0.3), lw=0),
    TOLD: lambda: Patch(facecolor="none", edgecolor=color("ink"), lw=points(2)),
}
