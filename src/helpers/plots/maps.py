"""Maps: how often each pixel is read, which samples a stride keeps, in which order a sequence is read."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import PathPatch
from numpy.typing import ArrayLike, NDArray

from helpers.arithmetic import Padding, window_starts
from helpers.checks import choice, whole_number
from helpers.plots.cells import (
    NUMBERED,
    WINDOW,
    frame,
    lattice,
    mark_unread,
    mark_window,
    shade_key,
    squares,
    write_cell,
)
from helpers.plots.grids import BLUES, GRAYS, crossing, matrix, paint
from helpers.plots.picture import Panel
from helpers.plots.style import color, points
from helpers.plots.words import counted, joined, listed, number, plural, spelled

Order = Literal["rows", "columns"]
"""How a map is read as a sequence: row by row, or column by column."""

_READ: dict[Order, str] = {"rows": "row by row", "columns": "column by column"}
_GAP = 1  # between a map and its sequence, in cells

# A dot inside a ring is still two marks, so that what both keep can be seen.
_MARKS: tuple[dict[str, Any], ...] = (
    {"marker": "o", "color": color("pytorch"), "markersize": points(9)},
    {
        "marker": "s",
        "color": color("tensorflow"),
        "markerfacecolor": "none",
        "markersize": points(19),
        "markeredgewidth": points(2.5),
    },
)


def coverage_map(rows: Sequence[int], columns: Sequence[int] | None = None, *, title: str = "") -> Panel:
    """Draw how many windows read each pixel: the more, the darker; pixels never read are hatched.

    Args:
        rows: for each row, how many windows along the height read it, from `helpers.arithmetic.coverage`.
        columns: the same for the columns; by default as the rows.
        title: the title above the panel.

    Raises:
        ValueError: if an axis is empty, or a count is negative.

    >>> coverage_map((1, 2, 1, 0)).alt
    '4 by 4 pixels: 7 never read, 4 read once, 4 read twice, 1 read four times.'
    """
    counts = _counts(rows, columns)

    def draw(ax: Axes) -> None:
        is_numbered = max(counts.shape) <= NUMBERED
        paint(ax, _shade(counts), BLUES.numbered if is_numbered else BLUES.deep, (0, 1), ruled=True)
        if is_numbered:
            for cell, value in np.ndenumerate(counts):
                write_cell(ax, cell, number(value))
        else:
            for value in np.unique(counts[counts > 0])[:6]:
                shade_key(ax, BLUES.deep(_shade(value)), f"read {_times(int(value))}")
        mark_unread(ax, [(row, column) for row, column in np.argwhere(counts == 0).tolist()])
        frame(ax, (0, counts.shape[0]), (0, counts.shape[1]))
        ax.set_title(title)

    return Panel(draw, partial(_describe_coverage, counts), title)


def _describe_coverage(counts: NDArray[np.float64]) -> str:
    values, pixels = np.unique(counts.astype(int), return_counts=True)
    told = (
        f"{many} read {_times(value)}" for value, many in zip(values.tolist(), pixels.tolist(), strict=True)
    )
    return f"{_size(counts.shape)}: {', '.join(told)}.".replace("read never", "never read")


def reading_map(
    shape: tuple[int, int],
    *,
    rows: Sequence[int],
    columns: Sequence[int] | None = None,
    image: ArrayLike | None = None,
    title: str = "",
) -> Panel:
    """Draw which pixels of an image a layer or network never reads: they are hatched.

    Args:
        shape: rows and columns of the image.
        rows: the rows that are never read, from `unread` or `network_unread` of `helpers.arithmetic`.
        columns: the columns that are never read; by default as the rows.
        image: an image of that shape to draw below.
        title: the title above the panel.

    Raises:
        TypeError: if the image does not hold numbers.
        ValueError: if an index lies outside the shape, or the image has another one.

    >>> reading_map((28, 28), rows=range(21, 28)).alt
    '28 by 28 pixels; 343 of the 784 are never read: rows 21 to 27 and columns 21 to 27.'
    """
    columns = rows if columns is None else columns
    cells = _lost(shape, rows, columns)
    pixels = np.zeros(shape) if image is None else matrix("image", image)
    if pixels.shape != tuple(shape):
        raise ValueError(f"image must have shape {tuple(shape)}, got {pixels.shape}")

    def draw(ax: Axes) -> None:
        paint(ax, pixels, GRAYS.deep, None, ruled=True)
        mark_unread(ax, cells)
        frame(ax, (0, shape[0]), (0, shape[1]))
        ax.set_title(title)

    def describe() -> str:
        if not cells:
            return f"{_size(shape)}; every one is read."
        lines = [plural(noun, lost) for noun, lost in (("row", rows), ("column", columns)) if lost]
        return f"{_size(shape)}; {len(cells)} of the {shape[0] * shape[1]} are never read: {joined(lines)}."

    return Panel(draw, describe, title)


def phase_map(
    size: int,
    *,
    kernel_size: int = 3,
    stride: int = 2,
    paddings: Mapping[str, Padding] | None = None,
    title: str = "",
) -> Panel:
    """Draw which samples of the stride-1 map two strided convolutions keep, each with a mark of its own.

    Args:
        size: rows and columns of the input, and of the stride-1 map with "same" padding.
        kernel_size: taps of the kernel along each axis.
        stride: rows and columns from one kept sample to the next.
        paddings: the two paddings that are compared, by name; by default half the kernel on each side, as is
            usual in PyTorch, and TensorFlow's SAME.
        title: the title above the panel.

    Raises:
        TypeError: if a setting is of the wrong kind.
        ValueError: if a setting is out of range, or `paddings` does not hold two.

    >>> phase_map(6).alt
    'A map of 6 by 6. PyTorch, padding 1, keeps rows and columns 0, 2 and 4; TensorFlow, SAME, keeps rows \
and columns 1, 3 and 5. They share no samples.'
    """
    kept = _kept(size, kernel_size, stride, paddings)

    def draw(ax: Axes) -> None:
        rules = PathPatch(lattice((0, size), (0, size)), edgecolor=color("line"), lw=points(1), clip_on=False)
        ax.add_patch(rules)
        for (name, samples), mark in zip(kept.items(), _MARKS, strict=True):
            columns, rows = np.meshgrid(samples, samples)
            ax.plot(columns.ravel(), rows.ravel(), linestyle="", label=name, zorder=4, **mark)
        frame(ax, (0, size), (0, size))
        ax.set_title(title)

    def describe() -> str:
        told = [f"{name}, keeps rows and columns {listed(samples)}" for name, samples in kept.items()]
        first, second = kept.values()
        shared = len(set(first) & set(second)) ** 2
        return f"A map of {size} by {size}. {'; '.join(told)}. They share {counted(shared, 'sample')}."

    return Panel(draw, describe, title)


def sequence_strip(
    shape: tuple[int, int],
    *,
    order: Order = "rows",
    window: tuple[range, range] | None = None,
    title: str = "",
) -> Panel:
    """Draw a map whose cells hold the number of their step in a sequence, and the steps in a row below it.

    Args:
        shape: height and width of the map.
        order: whether the map is read row by row or column by column.
        window: the rows and the columns of a window, outlined in the map and step by step below.
        title: the title above the panel.

    Raises:
        TypeError: if height or width is not an integer.
        ValueError: if one is below 1, the order is another, or the window is empty or leaves the map.

    >>> sequence_strip((4, 4), window=(range(1, 3), range(2))).alt
    'A map of four rows and four columns, read row by row in 16 steps. A window on rows 1 and 2 and columns \
0 and 1 covers steps 4, 5, 8 and 9: four of the six steps from its first to its last.'
    """
    steps = _steps(shape, order)
    covered = _covered(steps, window)

    def draw(ax: Axes) -> None:
        height, width = steps.shape
        left, strip = (steps.size - width) // 2, height + _GAP
        cells = {(row, left + column): int(step) for (row, column), step in np.ndenumerate(steps)}
        cells |= {(strip, step): step for step in range(steps.size)}
        look = {"fc": color("paper"), "ec": color("line"), "lw": points(1)}
        ax.add_patch(PathPatch(squares(cells), clip_on=False, **look))
        for cell, step in cells.items():
            write_cell(ax, cell, str(step))
        if window:
            mark_window(ax, window[0], range(left + window[1].start, left + window[1].stop))
        for run in _runs(covered):
            mark_window(ax, range(strip, strip + 1), run)
        ax.set(aspect="equal", xlim=(-0.5, steps.size - 0.5), ylim=(strip + 0.5, -0.5), title=title)
        ax.spines[:].set_visible(False)
        ax.set(xticks=[], yticks=[])

    return Panel(draw, partial(_describe_sequence, steps, order, window), title)


def _describe_sequence(steps: NDArray[np.int64], order: Order, window: tuple[range, range] | None) -> str:
    height, width = steps.shape
    told = f"A map of {counted(height, 'row')} and {counted(width, 'column')}, read {_READ[order]} in "
    told += f"{counted(steps.size, 'step')}."
    if window is None:
        return told
    covered = _covered(steps, window)
    rows, columns = (plural(noun, lines) for noun, lines in zip(("row", "column"), window, strict=True))
    stretch = covered[-1] - covered[0] + 1
    return (
        f"{told} A {WINDOW} on {rows} and {columns} covers {plural('step', covered)}: "
        f"{spelled(len(covered))} of the {counted(stretch, 'step')} from its first to its last."
    )


def _counts(rows: Sequence[int], columns: Sequence[int] | None) -> NDArray[np.float64]:
    counts = matrix("rows and columns", np.outer(rows, rows if columns is None else columns))
    if min(rows) < 0 or (columns is not None and min(columns) < 0):
        raise ValueError(
            f"rows and columns must count windows, so none is negative, got {rows} and {columns}"
        )
    return counts


def _shade(counts: NDArray[np.float64]) -> Any:
    """How deep a blue a count gets: on a logarithmic scale, the same in every map of the book."""
    return np.log(1 + counts) / np.log(50)  # the highest count here: 49 windows of a 7 x 7 kernel at stride 1


def _lost(shape: tuple[int, int], rows: Sequence[int], columns: Sequence[int]) -> list[tuple[int, int]]:
    for name, indices, size in zip(("rows", "columns"), (rows, columns), shape, strict=True):
        outside = [index for index in indices if not 0 <= index < size]
        if outside:
            raise ValueError(f"{name} must hold indices from 0 to {size - 1}, got {outside[0]}")
    return crossing(shape, rows, columns)


def _kept(
    size: int, kernel_size: int, stride: int, paddings: Mapping[str, Padding] | None
) -> dict[str, list[int]]:
    """For each padding, the indices in the stride-1 map of the samples that the strided map keeps."""
    half = (kernel_size - 1) // 2
    if paddings is None:
        paddings = {f"PyTorch, padding {half}": half, "TensorFlow, SAME": "same"}
    if len(paddings) != len(_MARKS):
        raise ValueError(f"paddings must hold {len(_MARKS)} to compare, got {list(paddings)}")
    return {
        name: [
            start + half
            for start in window_starts(size, kernel_size=kernel_size, stride=stride, padding=padding)
            if 0 <= start + half < size
        ]
        for name, padding in paddings.items()
    }


def _size(shape: tuple[int, ...]) -> str:
    return f"{shape[0]} by {shape[1]} pixels"


def _times(value: int) -> str:
    return ("never", "once", "twice")[value] if value < 3 else f"{counted(value, 'time')}"


def _steps(shape: tuple[int, int], order: Order) -> NDArray[np.int64]:
    """The number of each cell's step, (H, W)."""
    height, width = (
        whole_number(name, n, at_least=1) for name, n in zip(("height", "width"), shape, strict=True)
    )
    choice("order", order, _READ)
    if order == "rows":
        return np.arange(height * width).reshape(height, width)
    return np.arange(height * width).reshape(width, height).T


def _covered(steps: NDArray[np.int64], window: tuple[range, range] | None) -> list[int]:
    """The steps of a window's cells, in order."""
    if window is None:
        return []
    for name, span, size in zip(("rows", "columns"), window, steps.shape, strict=True):
        if not span or span.step != 1 or span.start < 0 or span.stop > size:
            raise ValueError(f"window's {name} must be a range within 0 to {size - 1}, got {span}")
    return sorted(steps[np.ix_(*window)].ravel().tolist())


def _runs(steps: list[int]) -> list[range]:
    """The stretches without a gap."""
    breaks = np.flatnonzero(np.diff(steps) > 1) + 1
    return [range(run[0], run[-1] + 1) for run in np.split(np.array(steps), breaks) if run.size]
