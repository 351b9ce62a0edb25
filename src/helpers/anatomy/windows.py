"""Rules for the operators that move a window over a feature map: convolution, pooling, interpolation.

A rule finds, from the paths of an operator's input, those of its output. A *unit* is one element of the
output, a *tap* one element of the kernel along one dimension.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import lru_cache, partial
from typing import Any, NamedTuple, TypedDict

import numpy as np
from torch import Tensor

from helpers.anatomy.axis import AxisFields
from helpers.anatomy.calls import MapWindow, OperatorCall
from helpers.anatomy.moves import moved
from helpers.anatomy.paths import Paths, for_some_channels, map_along, map_axes, merge, roughened, union
from helpers.anatomy.spans import BoolArray, IntArray
from helpers.arithmetic import output_size, unread, unused_padding, window_starts


class WindowTaps(NamedTuple):
    """What the windows along one dimension of a map read.

    Attributes:
        indices: shape (windows, taps), the index of the map under each tap; one outside the map is padding.
        stride: indices of the map from one window to the next.
        valid: shape (windows, taps), False for taps to leave out; None to keep all.
    """

    indices: IntArray
    stride: Fraction | int
    valid: BoolArray | None = None


class WindowSettings(TypedDict):
    """The window along one dimension, as keyword arguments for the functions of `helpers.arithmetic`."""

    kernel_size: int
    stride: int
    padding: Any  # one number as torch gives it, or (before, after)
    dilation: int


class _Interpolation(NamedTuple):
    taps: int
    offset: float  # from the start of a pixel to its sampling point, in pixels
    first: int  # index of the first tap, counted from the pixel that holds the sampling point


_INTERPOLATIONS = {
    "nearest": _Interpolation(1, 0.0, 0),
    "nearest_exact": _Interpolation(1, 0.5, 0),
    "linear": _Interpolation(2, 0.5, 0),
    "cubic": _Interpolation(4, 0.5, -1),
}


def read_windows(call: OperatorCall, taps: Sequence[WindowTaps], dims: Sequence[int] | None = None) -> Paths:
    """The paths of an output with one unit for each window over the source.

    Args:
        call: the operator's call.
        taps: the windows along each of some dimensions.
        dims: these dimensions; by default the last ones.
    """
    count, paths = call.source.dim(), call.ordered_paths(call.source)
    paths = for_some_channels(paths) if call.name == "pixel_shuffle" else paths
    dims = range(count - len(taps), count) if dims is None else dims
    for dim, (indices, stride, valid) in zip(dims, taps, strict=True):
        window = partial(AxisFields.windows, dim=dim, taps=indices, stride=stride, valid=valid)
        inside = (indices >= 0) & (indices < call.source.shape[dim])
        inside = inside if valid is None else inside & valid
        paths = tuple(map(partial(roughened, dim=dim), paths))
        paths = map_along(paths, dim, window, np.asarray(inside.any(axis=1)))
    return paths


def window_settings(name: str, arguments: Mapping[str, Any]) -> list[WindowSettings]:
    """The settings of a convolution, pooling or `nn.Unfold`, one for each of the last dimensions.

    Args:
        name: the operator's name.
        arguments: its arguments by their names.

    Returns:
        An empty list for any other operator.
    """
    if name == "convolution":
        kernel_size = list(arguments["weight"].shape[2:])
    elif name == "im2col":
        kernel_size = _per_dimension(arguments["kernel_size"], 2)
    elif "pool" in name and "kernel_size" in arguments:
        count = int(name.partition("pool")[2][0])  # max_pool2d_with_indices: 2
        kernel_size = _per_dimension(arguments["kernel_size"], count)
    else:
        return []
    others = (arguments["stride"] or kernel_size, arguments["padding"], arguments.get("dilation", 1))
    values = zip(kernel_size, *(_per_dimension(value, len(kernel_size)) for value in others), strict=True)
    return [WindowSettings(kernel_size=k, stride=s, padding=p, dilation=d) for k, s, p, d in values]


def convolution_or_pooling(call: OperatorCall) -> Paths:
    """Convolution, transposed convolution, maximum and average pooling, along any number of dimensions."""
    windows = _transposed if call.arguments.get("transposed") else _regular
    call.groups = call.arguments.get("groups")
    axes = window_settings(call.name, call.arguments)
    first = call.source.dim() - len(axes)
    sizes = call.result.shape[first:]
    numbered = enumerate(zip(sizes, axes, strict=True), first)
    taps = [windows(call, dim, size, axis) for dim, (size, axis) in numbered]
    if not call.groups:
        return read_windows(call, taps)
    boxes = _boxes_of_taps(call)
    paths = (
        union(*(read_windows(call, _restricted(taps, box)) for box in boxes))
        if boxes
        else (read_windows(call, taps))
    )
    paths = merge(paths, [1])  # a filter reads all channels
    given = [call["bias"]] if call["bias"] is not None else []
    given += [] if call["transposed"] else [call["weight"]]
    return union(paths, *(per_channel(call, tensor, call.result.dim()) for tensor in given))


def per_channel(call: OperatorCall, tensor: Tensor, count: int) -> Paths:
    """The paths that a weight or bias adds to a result of `count` dimensions.

    Dimension 0 of the tensor holds the result's channels: each unit of a channel reads all of that channel's
    values.
    """
    paths = call.merged_paths(tensor, range(1, tensor.dim()))
    for dim in range(tensor.dim() - 1, 0, -1):
        paths = map_axes(paths, lambda axis, dim=dim: axis.squeezed(dim))  # type: ignore[misc]
    for dim in (0, *range(2, count)):
        paths = map_axes(paths, lambda axis, dim=dim: axis.unsqueezed(dim))  # type: ignore[misc]
    return paths


def _boxes_of_taps(call: OperatorCall) -> list[tuple[IntArray, ...]]:
    """The taps that some filter uses, as boxes (see `_boxes`); an empty list if all are used or not known."""
    weight = call["weight"]
    if call.paths_of(weight) or weight.is_meta or weight[0, 0].numel() == 1:
        return []
    taps = (weight.detach() != 0).flatten(0, 1).any(dim=0).cpu().numpy()
    if taps.all() or not taps.any():
        return []
    call.notes.append("taps whose weights are all zero, as by a mask, are not read")
    return [*_boxes(taps)]


def _boxes(taps: BoolArray) -> Iterator[tuple[IntArray, ...]]:
    """Split a mask of taps into boxes, products of one index set per dimension; equal slices share one."""
    if taps.ndim == 1:
        if taps.any():
            yield (np.flatnonzero(taps),)
        return
    alike: dict[bytes, list[int]] = {}
    for index, part in enumerate(taps):
        alike.setdefault(part.tobytes(), []).append(index)
    for indices in alike.values():
        for box in _boxes(taps[indices[0]]):
            yield (np.array(indices), *box)


def _restricted(taps: Sequence[WindowTaps], box: Sequence[IntArray]) -> list[WindowTaps]:
    """Windows that read only some of their taps."""
    return [
        each._replace(
            indices=each.indices[:, chosen], valid=None if each.valid is None else each.valid[:, chosen]
        )
        for each, chosen in zip(taps, box, strict=True)
    ]


def im2col(call: OperatorCall) -> Paths:
    """`nn.Unfold`, (N, C, H, W) to (N, C * taps, windows): each unit is taken to read its whole window."""
    *others, _, _ = shape = call.source.shape
    axes = window_settings(call.name, call.arguments)
    sizes = [output_size(size, **axis) for size, axis in zip(shape[-2:], axes, strict=True)]
    numbered = enumerate(zip(sizes, axes, strict=True), len(others))
    paths = read_windows(call, [_regular(call, dim, size, axis) for dim, (size, axis) in numbered])
    old, new = [*others, *sizes], [*others, call.result.shape[-1]]
    return map_axes(paths, lambda axis: replace(axis.reshaped(old, new), joins_channels=True))


def tensor_unfold(call: OperatorCall) -> Paths:
    """`Tensor.unfold`, windows along one dimension: each unit is taken to read its whole window."""
    [dim] = call.dims("dimension")
    windows = call.result.shape[dim]
    setting = WindowSettings(kernel_size=call["size"], stride=call["step"], padding=0, dilation=1)
    paths = read_windows(call, [_regular(call, dim, windows, setting)], [dim])
    return map_axes(paths, lambda axis: axis.unsqueezed(call.source.dim()))


def adaptive_pooling(call: OperatorCall) -> Paths:
    """Pooling to a given output size, with windows of unequal size where that does not divide the map's."""
    first = call.source.dim() - len(call["output_size"])
    olds, news = tuple(call.source.shape[first:]), tuple(call.result.shape[first:])
    sizes = list(zip(olds, news, strict=True))
    if any(old % new for old, new in sizes):
        call.notes.append(f"windows of unequal size: {news} does not divide {olds}, the largest is shown")
    taps = [_adaptive(old, new) for old, new in sizes]
    for dim, (indices, _, _) in enumerate(taps, first):
        windows, kernel_size = indices.shape
        size = call.source.shape[dim]
        call.windows[dim] = MapWindow(
            kernel_size, max(1, size // windows), (0, 0), 1, size, windows, 0, (0, 0)
        )
    return read_windows(call, taps)


def global_pooling(call: OperatorCall, dims: Sequence[int]) -> Paths:
    """One window over all of `dims`, which stay as dimensions of length 1."""
    sizes = [call.source.shape[dim] for dim in dims]
    for dim, size in zip(dims, sizes, strict=True):
        call.windows[dim] = MapWindow(size, size, (0, 0), 1, size, 1, 0, (0, 0))
    return read_windows(call, [WindowTaps(np.arange(size)[None], size) for size in sizes], dims)


def interpolation(call: OperatorCall) -> Paths:
    """Nearest, linear and cubic interpolation along any number of dimensions, without antialiasing."""
    count = call.source.dim() - 2
    scales = [value for name, value in call.arguments.items() if name.startswith("scales")]
    sizes = zip(call.source.shape[2:], call.result.shape[2:], scales[-count:], strict=True)
    aligned = bool(call.arguments.get("align_corners", False))
    kind = next(kind for word, kind in reversed(_INTERPOLATIONS.items()) if word in call.name)
    return read_windows(call, [_interpolated(old, new, scale, kind, aligned) for old, new, scale in sizes])


def pixel_shuffle(call: OperatorCall) -> Paths | None:
    """`nn.PixelShuffle`: channels become blocks of pixels, which read the pixel that their block replaces."""
    if any(axis.shape[-3] > 1 for path in call.paths(call.source) for axis in path):
        return moved(call)  # channels read unlike
    factor = call["upscale_factor"]
    indices = [np.arange(size)[:, None] // factor for size in call.result.shape[-2:]]
    return read_windows(call, [WindowTaps(index, Fraction(1, factor)) for index in indices])


def pixel_unshuffle(call: OperatorCall) -> Paths:
    """`nn.PixelUnshuffle`: blocks of pixels become channels, each of which reads one pixel of a block."""
    factor, (*others, height, width), count = call["downscale_factor"], call.result.shape, call.source.dim()
    split = (*call.source.shape[:-2], height, factor, width, factor)
    order = [*range(count - 2), count - 1, count + 1, count - 2, count]
    moved = [split[dim] for dim in order]

    def folded(axis: AxisFields) -> AxisFields:
        axis = axis.reshaped(call.source.shape, split).permuted(order)
        return axis.reshaped(moved, (*others, height, width))

    return map_axes(call.ordered_paths(call.source), folded)


def _regular(call: OperatorCall, dim: int, windows: int, setting: WindowSettings) -> WindowTaps:
    """Windows one stride apart; padding that a padding operator just before added counts as their own."""
    added = call.padding_of(call.source).get(dim, (0, 0))
    size = call.source.shape[dim] - sum(added)
    pads = (added[0] + setting["padding"], added[1] + setting["padding"])
    window, starts = _window(size, windows, **{**setting, "padding": pads})
    call.windows[dim] = window
    taps = np.arange(0, window.effective_kernel_size, window.dilation)
    return WindowTaps(starts[:, None] + added[0] + taps, window.stride)


@lru_cache(maxsize=1024)
def _window(
    size: int, windows: int, *, kernel_size: int, stride: int, padding: tuple[int, int], dilation: int
) -> tuple[MapWindow, IntArray]:
    """The window along a dimension of length `size`, and the starts of its `windows` positions."""
    over = (windows - 1) * stride + dilation * (kernel_size - 1) + 1 - size - sum(padding)
    axis: WindowSettings = {
        "kernel_size": kernel_size,
        "stride": stride,
        "padding": (padding[0], padding[1] + max(0, over)),  # `ceil_mode`: the last window may end outside
        "dilation": dilation,
    }
    lost, unused = len(unread(size, **axis)), unused_padding(size, **axis)
    window = MapWindow(kernel_size, stride, padding, dilation, size, windows, lost, unused)
    return window, np.array(window_starts(size, **axis))


def _transposed(call: OperatorCall, dim: int, windows: int, setting: WindowSettings) -> WindowTaps:
    """Unit o reads the indices i of the map for which i * stride + tap * dilation - padding = o."""
    kernel_size, stride, dilation = setting["kernel_size"], setting["stride"], setting["dilation"]
    padding, size = setting["padding"], call.source.shape[dim]
    reached = np.arange(windows)[:, None] + padding - np.arange(kernel_size) * dilation
    full = bool(_boxes_of_taps(call))  # then each tap keeps its column, since some are left out later
    few = -(-kernel_size * math.gcd(stride, dilation) // stride)  # taps of each unit that meet an index
    order = np.argsort((reached % stride != 0) & (not full), axis=1, kind="stable")[
        :, : kernel_size if full else few
    ]
    reached = np.take_along_axis(reached, order, axis=1)
    indices, valid = reached // stride, reached % stride == 0
    lost = size - len(np.intersect1d(indices[valid], np.arange(size)))
    call.windows[dim] = MapWindow(
        kernel_size, stride, (padding,) * 2, dilation, size, windows, lost, (0, 0), True
    )
    return WindowTaps(indices, Fraction(1, stride), valid)


def _adaptive(old: int, new: int) -> WindowTaps:
    """Unit i reads from floor(i * old / new) up to ceil((i + 1) * old / new)."""
    unit = np.arange(new)
    first, last = unit * old // new, -(-(unit + 1) * old // new) - 1
    indices = first[:, None] + np.arange(int((last - first).max()) + 1)
    return WindowTaps(indices, Fraction(old, new), indices <= last[:, None])


def _interpolated(old: int, new: int, scale: float | None, kind: _Interpolation, aligned: bool) -> WindowTaps:
    """The taps of each unit, without those whose weight is zero."""
    unit = np.arange(new, dtype=np.float64)
    if kind.taps > 1 and aligned:
        center = unit * ((old - 1) / max(1, new - 1))
    else:
        step = 1 / scale if scale else old / new
        center = (unit + kind.offset) * step - (kind.offset if kind.taps > 1 else 0)
    if kind.taps == 2:
        center = center.clip(0)
    pixel = np.floor(center + 1e-9)
    taps = np.arange(kind.first, kind.first + kind.taps)
    indices = (pixel[:, None] + taps).clip(0, old - 1).astype(np.int64)
    between = np.abs(center - pixel)[:, None] > 1e-6
    return WindowTaps(indices, Fraction(old, new), between | (taps == 0))


def _per_dimension(value: int | Sequence[int], count: int) -> list[int]:
    """Expand a setting that torch takes as one number, or as one for each dimension, to the latter."""
    values = [value] if isinstance(value, int) else list(value)
    return values * count if len(values) == 1 else values
