"""One step of a convolution as a picture: the window on the input, the kernel, the output cell."""

from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike, NDArray

from helpers.arithmetic import Convention, resolve_padding, window_starts
from helpers.arithmetic.axes import AxisPadding, AxisSetting, Window, axis_windows
from helpers.plots.cells import mark_window
from helpers.plots.grids import (
    Pads,
    check_cell,
    crossing,
    describe_grid,
    differences,
    grid,
    kernel_grid,
    matrix,
    output_grid,
)
from helpers.plots.layout import figure
from helpers.plots.lines import never_read
from helpers.plots.picture import Picture
from helpers.plots.words import count, joined, listed, number, plural

_SIDES = (("row", "above"), ("row", "below"), ("column", "left"), ("column", "right"))


class _Axis(NamedTuple):
    """What the setting does along one axis."""

    taps: list[range]  # for each window, the indices it reads
    pads: tuple[int, int]
    unread: list[int]  # of padding and pixels


def convolution_figure(
    image: ArrayLike,
    kernel: ArrayLike,
    output: ArrayLike,
    *,
    cell: tuple[int, int] = (0, 0),
    stride: AxisSetting = 1,
    padding: AxisPadding = 0,
    dilation: AxisSetting = 1,
    convention: Convention = "tensorflow",
    padded: ArrayLike | None = None,
    published: ArrayLike | None = None,
    caption: str | None = None,
) -> Picture:
    """Draw how one output cell comes about, with the text alternative computed from the same numbers.

    Args:
        image: the input, (H, W).
        kernel: the kernel, (k, k).
        output: what the convolution gives, (H', W').
        cell: the output cell whose window is outlined.
        stride: input pixels from one window to the next; one value or (rows, columns), as are the next two.
        padding: as in `helpers.convolution.convolve2d`.
        dilation: input pixels from one tap to the next.
        convention: whose "same".
        padded: the padded input, where the padding is not zeros.
        published: what a source printed as the output.
        caption: a line below the figure.

    Raises:
        TypeError: if an array does not hold numbers, or a setting is of the wrong kind.
        ValueError: if an array is empty, of the wrong rank or of a shape that the setting does not give, or
            the setting or the cell is out of range.
    """
    image, kernel, output = matrix("image", image), matrix("kernel", kernel), matrix("output", output)
    windows = axis_windows(
        kernel.shape, stride=stride, padding=padding, dilation=dilation, convention=convention
    )
    rows, columns = (_axis(size, window) for size, window in zip(image.shape, windows, strict=True))
    pads = rows.pads, columns.pads
    values = np.pad(image, pads) if padded is None else matrix("padded", padded)
    _check_shape("padded", values, np.pad(image, pads).shape)
    _check_shape("output", output, (len(rows.taps), len(columns.taps)))
    check_cell("cell", cell, output.shape)

    def draw_input(ax: Axes) -> None:
        grid(ax, values, pads=pads, unread=(rows.unread, columns.unread), title="input")
        mark_window(ax, rows.taps[cell[0]], columns.taps[cell[1]])

    def draw_output(ax: Axes) -> None:
        output_grid(ax, output, selected=cell, published=published, title="output")

    return figure(
        draw_input,
        lambda ax: kernel_grid(ax, kernel, title="kernel"),
        draw_output,
        alt=_describe(image, kernel, output, cell, rows, columns, published),
        caption=caption,
    )


def _axis(size: int, window: Window) -> _Axis:
    reach, dilation = window["dilation"] * (window["kernel_size"] - 1) + 1, window["dilation"]
    return _Axis(
        taps=[range(start, start + reach, dilation) for start in window_starts(size, **window)],
        pads=resolve_padding(size, **window),
        unread=never_read(size, window),
    )


def _check_shape(name: str, array: NDArray[np.float64], expected: tuple[int, ...]) -> None:
    if array.shape != expected:
        raise ValueError(f"{name} has shape {array.shape}, but this setting gives {expected}")


def _describe(
    image: NDArray[np.float64],
    kernel: NDArray[np.float64],
    output: NDArray[np.float64],
    cell: tuple[int, int],
    rows: _Axis,
    columns: _Axis,
    published: ArrayLike | None,
) -> str:
    row, column = cell
    read_rows, read_columns = listed(rows.taps[row]), listed(columns.taps[column])
    parts = [
        describe_grid(image, name="input"),
        _describe_padding((rows.pads, columns.pads)),
        _describe_unread(image.shape, rows, columns),
        describe_grid(kernel, name="kernel"),
        f"The outlined window reads rows {read_rows} and columns {read_columns}; "
        f"its sum is row {row}, column {column} of the output, {number(output[cell])}.",
        describe_grid(output, name="output"),
        *(
            f"Published at row {wrong[0]}, column {wrong[1]}: {number(value)}."
            for wrong, value in differences(output, published).items()
        ),
    ]
    return " ".join(part for part in parts if part)


def _describe_padding(pads: Pads) -> str:
    sides = zip(_SIDES, (*pads[0], *pads[1]), strict=True)
    named = [f"{count(lines, noun)} {place}" for (noun, place), lines in sides if lines]
    return f"Padding: {joined(named)}." if named else ""


def _describe_unread(shape: tuple[int, ...], rows: _Axis, columns: _Axis) -> str:
    height, width = shape[0] + sum(rows.pads), shape[1] + sum(columns.pads)
    padding = height * width - shape[0] * shape[1]
    pixels = len(crossing(shape, rows.unread, columns.unread))
    idle = height * width - (height - len(rows.unread)) * (width - len(columns.unread)) - pixels
    shares = ((pixels, shape[0] * shape[1], "pixels"), (idle, padding, "padding cells"))
    told = [f"{lost} of {whole} {noun}" for lost, whole, noun in shares if lost]
    lines = [plural(noun, axis.unread) for noun, axis in (("row", rows), ("column", columns)) if axis.unread]
    return f"Never read: {joined(told)}, those in {joined(lines)}." if told else ""
