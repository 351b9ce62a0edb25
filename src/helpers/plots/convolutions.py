"""Whole figures: one step of a convolution, and the feature maps of a layer."""

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike, NDArray

from helpers.arithmetic import Convention, resolve_padding, window_starts
from helpers.arithmetic.layer import AxisPadding, AxisSetting, Window, axis_windows
from helpers.plots.cells import frame, mark_window, outline, shade_key
from helpers.plots.grids import (
    BLUES,
    check_cell,
    grid,
    kernel_grid,
    matrix,
    output_grid,
    paint,
)
from helpers.plots.layout import figure
from helpers.plots.lines import never_read
from helpers.plots.picture import Panel, Picture
from helpers.plots.words import listed, number


class _Axis(NamedTuple):
    """The windows along one axis."""

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
    """Draw how one output cell is computed: the input with its window, the kernel, and the output.

    Args:
        image: the input, (H, W).
        kernel: the kernel, (k, k).
        output: what the convolution gives, (H', W').
        cell: the output cell whose window is outlined.
        stride: input pixels from one window to the next; one value or (rows, columns), as are the next two.
        padding: as in `helpers.convolution.convolve2d`.
        dilation: input pixels from one tap to the next.
        convention: the framework that "same" follows.
        padded: the padded input, if the padding is not zeros.
        published: the output that a source printed.
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

    window = rows.taps[cell[0]], columns.taps[cell[1]]
    source = grid(values, pads=pads, unread=(rows.unread, columns.unread), title="input")
    taps = kernel_grid(kernel, title="kernel")
    sum_of = (
        f"The outlined window reads rows {listed(window[0])} and columns {listed(window[1])}; "
        f"its sum is row {cell[0]}, column {cell[1]} of the output, {number(output[cell])}."
    )
    made = output_grid(output, published=published, title="output")
    return figure(
        source.plus(partial(mark_window, rows=window[0], columns=window[1])),
        taps,
        made.plus(partial(outline, corner=cell)),
        alt=f"{source.alt} {taps.alt} {sum_of} {made.alt}",
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
        raise ValueError(f"{name} must have shape {expected}, which this setting gives, got {array.shape}")


def feature_maps(
    maps: ArrayLike, *, labels: Sequence[str] | None = None, shared: bool = True, caption: str | None = None
) -> Picture:
    """Draw feature maps side by side: the higher the value, the darker.

    Args:
        maps: the maps, (N, H, W).
        labels: the title above each; by default "map 0" and so on.
        shared: whether all maps share one scale; otherwise each has its own, with its range in the title.
        caption: a line below the figure.

    Raises:
        TypeError: if the maps do not hold numbers.
        ValueError: if there is no map, they are not (N, H, W), not finite, or not as many as the labels.
    """
    maps = np.asarray(maps)
    if maps.ndim != 3 or maps.size == 0:
        raise ValueError(f"maps must be (N, H, W) and not empty, got shape {maps.shape}")
    if maps.dtype.kind not in "iuf":
        raise TypeError(f"maps must hold integers or real numbers, got dtype {maps.dtype}")
    if not np.isfinite(maps).all():
        raise ValueError("maps must be finite to have a shade, got NaN or infinity")
    names = [f"map {index}" for index in range(len(maps))] if labels is None else list(labels)
    if len(names) != len(maps):
        raise ValueError(f"labels must name each of the {len(maps)} maps, got {len(names)}: {names}")
    limits = (float(maps.min()), float(maps.max())) if shared else None
    panels = [
        Panel(
            partial(_draw_map, values=values, name=name, limits=limits), partial(_describe_map, values, name)
        )
        for values, name in zip(maps, names, strict=True)
    ]
    scale = f"on one scale from {_range(maps)}" if shared else "each on its own scale"
    size = f"{len(maps)} maps of {maps.shape[1]} by {maps.shape[2]} values, {scale}."
    return figure(*panels, alt=f"{size} {'; '.join(panel.alt for panel in panels)}.", caption=caption)


def _draw_map(
    ax: Axes, *, values: NDArray[np.float64], name: str, limits: tuple[float, float] | None
) -> None:
    paint(ax, values, BLUES.deep, limits, ruled=False)
    frame(ax, (0, values.shape[0]), (0, values.shape[1]), ticks=False)
    ax.set_title(name if limits else f"{name}\n{_range(values)}")
    if limits:
        shade_key(ax, BLUES.deep(0.0), number(limits[0]))
        shade_key(ax, BLUES.deep(1.0), number(limits[1]))


def _describe_map(values: NDArray[np.float64], name: str) -> str:
    return f"{name}: {_range(values)}, mean {number(values.mean())}"


def _range(values: NDArray[np.float64]) -> str:
    return f"{number(values.min())} to {number(values.max())}"
