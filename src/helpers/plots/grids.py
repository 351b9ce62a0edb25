"""Grids of cells: the input with its padding, the kernel, and the output."""

from collections.abc import Sequence
from functools import partial
from itertools import product
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, LinearSegmentedColormap
from matplotlib.patches import PathPatch, Rectangle
from numpy.typing import ArrayLike, NDArray

from helpers.arithmetic.indices import Span
from helpers.plots.cells import (
    NUMBERED,
    frame,
    lattice,
    mark_padding,
    mark_published,
    mark_unread,
    mix,
    outline,
    squares,
    write_cell,
)
from helpers.plots.picture import Panel
from helpers.plots.style import color, points
from helpers.plots.words import counted, joined, number, plural, sentence

Pads = tuple[tuple[int, int], tuple[int, int]]
"""((top, bottom), (left, right)), in cells."""

Unread = tuple[Sequence[int], Sequence[int]]
"""The rows and the columns that no window reads, including those of the padding."""

_SIDES = (("row", "above"), ("row", "below"), ("column", "left"), ("column", "right"))


class Scale(NamedTuple):
    """Two color maps: a dark one, and one that is light enough for black numbers."""

    deep: Colormap
    numbered: Colormap


GRAYS = Scale(
    *(
        LinearSegmentedColormap.from_list(end, [color("pixel_low"), color(end)])
        for end in ("pixel_high", "pixel_high_numbered")
    )
)
BLUES = Scale(
    *(
        LinearSegmentedColormap.from_list(f"output {share}", [mix("output", 0.05), mix("output", share)])
        for share in (1, 0.7)
    )
)


def grid(
    values: ArrayLike,
    *,
    pads: Pads = ((0, 0), (0, 0)),
    unread: Unread = ((), ()),
    limits: tuple[float, float] | None = None,
    title: str = "",
    name: str | None = None,
    ticks: bool = True,
) -> Panel:
    """Draw an input: the higher a pixel's value, the darker its cell.

    Args:
        values: the input, (H, W); with `pads`, the padded input, in which pixel (0, 0) keeps its index.
        pads: how many of the outermost rows and columns are padding: white, dotted, in italics.
        unread: the rows and the columns that no window reads, including those of the padding (negative above
            and left of pixel (0, 0)). A pixel in one of them is hatched, a padding cell has a dash.
        limits: values of the lightest and of the darkest cell; by default those of the input itself.
        title: the title above the panel.
        name: its name in the text alternative; by default the title.
        ticks: whether rows and columns are numbered along the edges.

    Raises:
        TypeError: if the values are not numbers.
        ValueError: if the values are empty or not two-dimensional, or the padding leaves no pixel.

    >>> grid([[1, 2], [3, 4.5]], title="image").alt
    'Image, 2 by 2: row 0 holds 1, 2; row 1 holds 3, 4.5.'
    """
    values = matrix("values", values)
    (top, bottom), (left, right) = pads
    pixels = values[top : values.shape[0] - bottom, left : values.shape[1] - right]
    if min(top, bottom, left, right) < 0 or pixels.size == 0:
        raise ValueError(
            f"pads must be 0 or more and leave a pixel of values of shape {values.shape}, got {pads}"
        )

    def draw(ax: Axes) -> None:
        _draw_input(ax, values, pads, unread, limits)
        rows, columns = (-top, values.shape[0] - top), (-left, values.shape[1] - left)
        frame(ax, rows, columns, ticks=ticks)
        ax.set_title(title)

    def describe() -> str:
        told = (
            _describe_grid(pixels, name or title or "grid"),
            _padding(pads),
            _never_read(pixels.shape, pads, unread),
        )
        return " ".join(part for part in told if part)

    return Panel(draw, describe)


def kernel_grid(values: ArrayLike, *, title: str = "", name: str | None = None) -> Panel:
    """Draw a kernel: light orange, its numbers with their sign.

    Args:
        values: the kernel, (H, W).
        title: the title above the panel.
        name: its name in the text alternative; by default the title.

    Raises:
        TypeError: if the values are not numbers.
        ValueError: if the values are empty or not two-dimensional.
    """
    values = matrix("values", values)

    def draw(ax: Axes) -> None:
        look = {"facecolor": color("kernel"), "edgecolor": color("window"), "lw": points(1.5)}
        ax.add_patch(PathPatch(squares(list(np.ndindex(values.shape))), clip_on=False, **look))
        if max(values.shape) <= NUMBERED:
            for cell, value in np.ndenumerate(values):
                write_cell(ax, cell, f"{'+' if value > 0 else ''}{number(value)}")
        frame(ax, (0, values.shape[0]), (0, values.shape[1]), ticks=False)
        ax.set_title(title)

    return Panel(draw, partial(_describe_grid, values, name or title or "kernel"))


def output_grid(
    values: ArrayLike,
    *,
    selected: tuple[int, int] | None = None,
    published: ArrayLike | None = None,
    limits: tuple[float, float] | None = None,
    title: str = "",
    name: str | None = None,
    ticks: bool = True,
) -> Panel:
    """Draw an output: the higher the value, the deeper the blue.

    Args:
        values: the output, (H, W).
        selected: the cell to outline.
        published: the output that a source printed, (H, W); values that differ stand below, with a cross.
        limits: values of the lightest and of the darkest cell; by default those of the output itself.
        title: the title above the panel.
        name: its name in the text alternative; by default the title.
        ticks: whether rows and columns are numbered along the edges.

    Raises:
        TypeError: if the values are not numbers.
        ValueError: if the values are empty or not two-dimensional, or the published ones of another shape, or
            the selected cell is not in the output.
    """
    values = matrix("values", values)
    wrong = _misprints(values, published)
    if selected is not None:
        check_cell("selected", selected, values.shape)

    def draw(ax: Axes) -> None:
        _draw_output(ax, values, wrong, limits)
        if selected is not None:
            outline(ax, selected)
        frame(ax, (0, values.shape[0]), (0, values.shape[1]), ticks=ticks)
        ax.set_title(title)

    def describe() -> str:
        told = [_describe_grid(values, name or title or "output"), *_describe_misprints(wrong)]
        if selected is not None:
            told.append(f"Outlined: row {selected[0]}, column {selected[1]}.")
        return " ".join(told)

    return Panel(draw, describe)


def matrix(name: str, values: ArrayLike) -> NDArray[np.float64]:
    """The values as a two-dimensional array that is not empty.

    Raises:
        TypeError: if they are not numbers.
        ValueError: if the array has another rank, nothing in it, or a value that is not finite.
    """
    array = np.asarray(values)
    if array.ndim != 2 or array.size == 0:
        raise ValueError(f"{name} must be two-dimensional and not empty, got shape {array.shape}")
    if array.dtype.kind not in "iuf":
        raise TypeError(f"{name} must hold integers or real numbers, got dtype {array.dtype}")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite to have a shade, got NaN or infinity")
    return array.astype(np.float64)


def paint(
    ax: Axes,
    values: NDArray[np.float64],
    shades: Colormap,
    limits: tuple[float, float] | None,
    *,
    ruled: bool | None = None,
) -> None:
    """Fill the cells from (0, 0) on with one image, and draw lines between and around them.

    By default large grids get a line around them only; `ruled` decides it otherwise.
    """
    low, high = limits or (values.min(), values.max())
    ax.imshow(values, cmap=shades, vmin=low, vmax=high if high > low else low + 1, interpolation="none")
    height, width = values.shape
    is_large = max(height, width) > 2 * NUMBERED
    line: dict[str, Any] = {
        "edgecolor": color("line"),
        "lw": points(0.4 if is_large else 1),
        "clip_on": False,
    }
    if ruled or (ruled is None and not is_large):
        ax.add_patch(PathPatch(lattice((0, height), (0, width)), **line))
    else:
        ax.add_patch(Rectangle((-0.5, -0.5), width, height, fill=False, **line))


def _draw_input(
    ax: Axes, values: NDArray[np.float64], pads: Pads, unread: Unread, limits: tuple[float, float] | None
) -> None:
    (top, bottom), (left, right) = pads
    rows, columns = (-top, values.shape[0] - top), (-left, values.shape[1] - left)
    pixels = values[top : values.shape[0] - bottom, left : values.shape[1] - right]
    is_numbered = max(values.shape) <= NUMBERED
    paint(ax, pixels, GRAYS.numbered if is_numbered else GRAYS.deep, limits)
    around = _outside(rows, columns, pads)
    if is_numbered:
        for cell, value in np.ndenumerate(pixels):
            write_cell(ax, cell, number(value))
        for row, column in around:
            write_cell(ax, (row, column), number(values[row + top, column + left]), style="italic")
    if around:
        unused = [cell for cell in around if cell[0] in unread[0] or cell[1] in unread[1]]
        mark_padding(ax, rows, columns, unused)
    mark_unread(ax, crossing(pixels.shape, *unread))


def _draw_output(
    ax: Axes,
    values: NDArray[np.float64],
    wrong: dict[tuple[int, int], float],
    limits: tuple[float, float] | None,
) -> None:
    is_numbered = max(values.shape) <= NUMBERED
    paint(ax, values, BLUES.numbered if is_numbered else BLUES.deep, limits)
    if not is_numbered:
        return
    for cell, value in np.ndenumerate(values):
        row, column = cell
        if cell not in wrong:
            write_cell(ax, cell, number(value))
            continue
        write_cell(ax, (row - 0.2, column), number(value), weight="bold")
        mark_published(ax, cell, number(wrong[cell]))


def _outside(rows: Span, columns: Span, margins: Pads) -> list[tuple[int, int]]:
    """The cells of the outermost rows and columns."""
    (top, bottom), (left, right) = margins
    inner = set(product(range(rows[0] + top, rows[1] - bottom), range(columns[0] + left, columns[1] - right)))
    return [cell for cell in product(range(*rows), range(*columns)) if cell not in inner]


def check_cell(name: str, cell: tuple[int, int], shape: tuple[int, ...]) -> None:
    """Check that a cell is in a grid of that shape.

    Raises:
        ValueError: if it is not.
    """
    if not all(0 <= index < size for index, size in zip(cell, shape, strict=True)):
        raise ValueError(f"{name} must be a cell of a grid of shape {shape}, got {cell}")


def _misprints(values: NDArray[np.float64], published: ArrayLike | None) -> dict[tuple[int, int], float]:
    """The published values that are not the true ones, by cell.

    Raises:
        ValueError: if the two differ in shape.
    """
    if published is None:
        return {}
    printed = matrix("published", published)
    if printed.shape != values.shape:
        raise ValueError(f"published must have the shape of the values, {values.shape}, got {printed.shape}")
    wrong = np.argwhere(~np.isclose(printed, values)).tolist()
    return {(row, column): printed[row, column] for row, column in wrong}


def crossing(shape: tuple[int, ...], rows: Sequence[int], columns: Sequence[int]) -> list[tuple[int, int]]:
    """The cells that lie in one of the rows or in one of the columns, in reading order.

    >>> crossing((2, 3), (0,), (2,))
    [(0, 0), (0, 1), (0, 2), (1, 2)]
    """
    lost_rows, lost_columns = set(rows), set(columns)
    return [cell for cell in np.ndindex(shape) if cell[0] in lost_rows or cell[1] in lost_columns]


def _describe_grid(values: NDArray[np.float64], name: str) -> str:
    """The values of a grid in words: each of them up to 12 by 12 cells, else their range."""
    height, width = values.shape
    if max(height, width) > NUMBERED:
        told = f"values from {number(values.min())} to {number(values.max())}"
    else:
        told = "; ".join(f"row {row} holds {', '.join(map(number, line))}" for row, line in enumerate(values))
    return sentence(f"{name}, {height} by {width}: {told}")


def _describe_misprints(wrong: dict[tuple[int, int], float]) -> list[str]:
    """The wrong published values in words, a sentence each."""
    return [
        f"Published at row {row}, column {column}: {number(value)}." for (row, column), value in wrong.items()
    ]


def _padding(pads: Pads) -> str:
    sides = zip(_SIDES, (*pads[0], *pads[1]), strict=True)
    named = [f"{counted(lines, noun)} {side}" for (noun, side), lines in sides if lines]
    return f"Padding: {joined(named)}." if named else ""


def _never_read(shape: tuple[int, ...], pads: Pads, unread: Unread) -> str:
    """Say how many pixels and how many padding cells lie in the unread rows and columns."""
    height, width = shape[0] + sum(pads[0]), shape[1] + sum(pads[1])
    padding = height * width - shape[0] * shape[1]
    pixels = len(crossing(shape, *unread))
    idle = height * width - (height - len(unread[0])) * (width - len(unread[1])) - pixels
    shares = ((pixels, shape[0] * shape[1], "pixels"), (idle, padding, "padding cells"))
    told = [f"{lost} of {whole} {noun}" for lost, whole, noun in shares if lost]
    lines = [
        plural(noun, indices) for noun, indices in zip(("row", "column"), unread, strict=True) if indices
    ]
    return f"Never read: {joined(told)}, those in {joined(lines)}." if told else ""
