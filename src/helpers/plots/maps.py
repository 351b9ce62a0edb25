"""Maps of an input: how often each pixel is read, which are never read, which samples a stride keeps."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import PathPatch
from numpy.typing import ArrayLike, NDArray

from helpers.arithmetic import Padding, window_starts
from helpers.plots.cells import NUMBERED, frame, lattice, mark_unread, shade_key, write
from helpers.plots.grids import BLUES, GRAYS, crossing, matrix, paint
from helpers.plots.style import color, points
from helpers.plots.words import count, joined, listed, number, plural

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


def coverage_map(
    ax: Axes, rows: Sequence[int], columns: Sequence[int] | None = None, *, title: str = ""
) -> Axes:
    """Draw how many windows read each pixel: the more, the darker; where it is none, hatched.

    Args:
        ax: axes to draw on.
        rows: for each row, how many windows along the height read it, as `helpers.arithmetic.coverage` says.
        columns: the same for the columns; by default as the rows.
        title: what stands above.

    Raises:
        ValueError: if an axis is empty, or a count is negative.
    """
    counts = _counts(rows, columns)
    is_numbered = max(counts.shape) <= NUMBERED
    paint(ax, _shade(counts), BLUES.numbered if is_numbered else BLUES.deep, (0, 1), ruled=True)
    if is_numbered:
        for cell, value in np.ndenumerate(counts):
            write(ax, cell, number(value))
    else:
        for value in np.unique(counts[counts > 0])[:6]:
            shade_key(ax, BLUES.deep(_shade(value)), f"read {_times(int(value))}")
    mark_unread(ax, [(row, column) for row, column in np.argwhere(counts == 0).tolist()])
    frame(ax, (0, counts.shape[0]), (0, counts.shape[1]))
    ax.set_title(title)
    return ax


def describe_coverage(rows: Sequence[int], columns: Sequence[int] | None = None) -> str:
    """Say what `coverage_map` draws; the arguments and errors are its own.

    >>> describe_coverage((1, 2, 1, 0))
    '4 by 4 pixels: 7 never read, 4 read once, 4 read twice, 1 read four times.'
    """
    counts = _counts(rows, columns)
    values, pixels = np.unique(counts.astype(int), return_counts=True)
    told = (
        f"{many} read {_times(value)}" for value, many in zip(values.tolist(), pixels.tolist(), strict=True)
    )
    return f"{_size(counts.shape)}: {', '.join(told)}.".replace("read never", "never read")


def reading_map(
    ax: Axes,
    shape: tuple[int, int],
    *,
    rows: Sequence[int],
    columns: Sequence[int] | None = None,
    image: ArrayLike | None = None,
    title: str = "",
) -> Axes:
    """Draw which pixels of an image something never reads: they are hatched.

    Args:
        ax: axes to draw on.
        shape: rows and columns of the image.
        rows: the rows that are never read, as `unread` and `network_unread` of `helpers.arithmetic` say.
        columns: the columns that are never read; by default as the rows.
        image: an image of that shape to draw below.
        title: what stands above.

    Raises:
        TypeError: if the image does not hold numbers.
        ValueError: if an index lies outside the shape, or the image has another one.
    """
    cells = _lost(shape, rows, columns)
    pixels = np.zeros(shape) if image is None else matrix("image", image)
    if pixels.shape != tuple(shape):
        raise ValueError(f"image has shape {pixels.shape}, but shape={tuple(shape)}")
    paint(ax, pixels, GRAYS.deep, None, ruled=True)
    mark_unread(ax, cells)
    frame(ax, (0, shape[0]), (0, shape[1]))
    ax.set_title(title)
    return ax


def describe_reading(
    shape: tuple[int, int], *, rows: Sequence[int], columns: Sequence[int] | None = None
) -> str:
    """Say what `reading_map` draws; the arguments and errors are its own.

    >>> describe_reading((28, 28), rows=range(21, 28))
    '28 by 28 pixels; 343 of the 784 are never read: rows 21 to 27 and columns 21 to 27.'
    """
    lost = len(_lost(shape, rows, columns))
    lines = [
        plural(noun, indices)
        for noun, indices in (("row", rows), ("column", rows if columns is None else columns))
        if indices
    ]
    if not lost:
        return f"{_size(shape)}; every one is read."
    return f"{_size(shape)}; {lost} of the {shape[0] * shape[1]} are never read: {joined(lines)}."


def phase_map(
    ax: Axes,
    size: int,
    *,
    kernel_size: int = 3,
    stride: int = 2,
    paddings: Mapping[str, Padding] | None = None,
    title: str = "",
) -> Axes:
    """Draw which samples of the stride-1 map two strided convolutions keep, each with a mark of its own.

    Args:
        ax: axes to draw on.
        size: rows and columns of the input, and of the stride-1 map with "same" padding.
        kernel_size: taps of the kernel along each axis.
        stride: rows and columns from one kept sample to the next.
        paddings: the two paddings that are compared, by name; by default half the kernel on each side, as is
            usual in PyTorch, and TensorFlow's SAME.
        title: what stands above.

    Raises:
        TypeError: if a setting is of the wrong kind.
        ValueError: if a setting is out of range, or `paddings` does not hold two.
    """
    rules = PathPatch(lattice((0, size), (0, size)), edgecolor=color("line"), lw=points(1), clip_on=False)
    ax.add_patch(rules)
    kept = _kept(size, kernel_size, stride, paddings)
    for (name, samples), mark in zip(kept.items(), _MARKS, strict=True):
        columns, rows = np.meshgrid(samples, samples)
        ax.plot(columns.ravel(), rows.ravel(), linestyle="", label=name, zorder=4, **mark)
    frame(ax, (0, size), (0, size))
    ax.set_title(title)
    return ax


def describe_phase(
    size: int, *, kernel_size: int = 3, stride: int = 2, paddings: Mapping[str, Padding] | None = None
) -> str:
    """Say what `phase_map` draws; the arguments and errors are its own.

    >>> describe_phase(6)
    'A map of 6 by 6. PyTorch, padding 1, keeps rows and columns 0, 2 and 4; TensorFlow, SAME, keeps rows \
and columns 1, 3 and 5. They share no samples.'
    """
    kept = _kept(size, kernel_size, stride, paddings)
    told = "; ".join(f"{name}, keeps rows and columns {listed(samples)}" for name, samples in kept.items())
    first, second = kept.values()
    shared = len(set(first) & set(second)) ** 2
    return f"A map of {size} by {size}. {told}. They share {count(shared, 'sample')}."


def _counts(rows: Sequence[int], columns: Sequence[int] | None) -> NDArray[np.float64]:
    counts = matrix("rows and columns", np.outer(rows, rows if columns is None else columns))
    if min(rows) < 0 or (columns is not None and min(columns) < 0):
        raise ValueError(f"rows and columns count windows, so none may be negative, got {rows} and {columns}")
    return counts


def _shade(counts: NDArray[np.float64]) -> Any:
    """How much blue a count gets: on a logarithmic scale, the same in every map of the book."""
    return np.log(1 + counts) / np.log(50)  # the densest here: all 49 windows of a 7 x 7 kernel at stride 1


def _lost(
    shape: tuple[int, int], rows: Sequence[int], columns: Sequence[int] | None
) -> list[tuple[int, int]]:
    columns = rows if columns is None else columns
    for name, indices, size in zip(("rows", "columns"), (rows, columns), shape, strict=True):
        outside = [index for index in indices if not 0 <= index < size]
        if outside:
            raise ValueError(f"{name} holds {outside[0]}, which an axis of {size} pixels does not have")
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
    return ("never", "once", "twice")[value] if value < 3 else f"{count(value, 'time')}"
