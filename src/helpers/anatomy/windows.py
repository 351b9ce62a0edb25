"""Rules for the operators that move a window over the map: convolution and pooling."""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import lru_cache, partial
from typing import Any, NamedTuple, TypedDict

import numpy as np

from helpers.anatomy.axis import Axis, Booleans, Integers
from helpers.anatomy.call import Call, Window
from helpers.anatomy.paths import Paths, along, each
from helpers.arithmetic import output_size, unread, unused_padding, window_starts


class Taps(NamedTuple):
    """The places that the units along one dimension read.

    Attributes:
        places: (units, taps); a place outside the map is padding.
        stride: cells of the map from one unit to the next.
        valid: (units, taps), which taps exist; None for all.
    """

    places: Integers
    stride: Fraction | int
    valid: Booleans | None = None


class Setting(TypedDict):
    """The window along one dimension, as `helpers.arithmetic` takes it."""

    kernel_size: int
    stride: int
    padding: Any  # one number as torch gives it, or (before, after)
    dilation: int


def read(call: Call, taps: Sequence[Taps], dims: Sequence[int] | None = None) -> Paths:
    """The source's paths through windows along `dims`, or along its last dimensions."""
    count, paths = call.source.dim(), call.settled(call.source)
    dims = range(count - len(taps), count) if dims is None else dims
    for dim, (places, stride, valid) in zip(dims, taps, strict=True):
        window = partial(Axis.windows, dim=dim, taps=places, stride=stride, valid=valid)
        inside = (places >= 0) & (places < call.source.shape[dim])
        inside = inside if valid is None else inside & valid
        paths = along(paths, dim, window, np.asarray(inside.any(axis=1)))
    return paths


def settings(name: str, arguments: Mapping[str, Any]) -> list[Setting]:
    """The windows of a convolution, pooling or `nn.Unfold` over its last dimensions; none for others."""
    if name == "convolution":
        kernel_size = list(arguments["weight"].shape[2:])
    elif name == "im2col":
        kernel_size = _each(arguments["kernel_size"], 2)
    elif "pool" in name and "kernel_size" in arguments:
        count = int(name.partition("pool")[2][0])  # max_pool2d_with_indices: 2
        kernel_size = _each(arguments["kernel_size"], count)
    else:
        return []
    others = (arguments["stride"] or kernel_size, arguments["padding"], arguments.get("dilation", 1))
    values = zip(kernel_size, *(_each(value, len(kernel_size)) for value in others), strict=True)
    return [Setting(kernel_size=k, stride=s, padding=p, dilation=d) for k, s, p, d in values]


def sliding(call: Call) -> Paths:
    """Convolution, transposed convolution, maximum and average pooling, of any number of dimensions."""
    slide = _transposed if call.arguments.get("transposed") else _sliding
    call.groups = call.arguments.get("groups")
    axes = settings(call.name, call.arguments)
    first = call.source.dim() - len(axes)
    sizes = call.result.shape[first:]
    places = enumerate(zip(sizes, axes, strict=True), first)
    paths = read(call, [slide(call, dim, units, axis) for dim, (units, axis) in places])
    return each(paths, lambda axis: axis.mixed([1])) if call.groups else paths  # a filter reads all channels


def unfolding(call: Call) -> Paths:
    """`nn.Unfold`, (N, C, H, W) to (N, C * taps, windows); which tap a unit holds is not kept apart."""
    *others, _, _ = shape = call.source.shape
    axes = settings(call.name, call.arguments)
    sizes = [output_size(size, **axis) for size, axis in zip(shape[-2:], axes, strict=True)]
    places = enumerate(zip(sizes, axes, strict=True), len(others))
    paths = read(call, [_sliding(call, dim, units, axis) for dim, (units, axis) in places])
    old, new = [*others, *sizes], [*others, call.result.shape[-1]]
    return each(paths, lambda axis: axis.reshaped(old, new))


def unfolding_one(call: Call) -> Paths:
    """`Tensor.unfold`: windows along one dimension, their taps along a new last one, not kept apart."""
    [dim], units = call.dims("dimension"), call.result.shape[call["dimension"]]
    setting = Setting(kernel_size=call["size"], stride=call["step"], padding=0, dilation=1)
    paths = read(call, [_sliding(call, dim, units, setting)], [dim])
    return each(paths, lambda axis: axis.unsqueezed(call.source.dim()))


def adaptive_pooling(call: Call) -> Paths:
    """Pooling to a given size, by windows of unequal size where it does not divide the map's."""
    first = call.source.dim() - len(call["output_size"])
    olds, news = tuple(call.source.shape[first:]), tuple(call.result.shape[first:])
    sizes = list(zip(olds, news, strict=True))
    if any(old % new for old, new in sizes):
        call.notes.append(f"windows of unequal size: {news} does not divide {olds}, the largest is shown")
    taps = [_adaptive(old, new) for old, new in sizes]
    for dim, (places, _, _) in enumerate(taps, first):
        units, kernel_size = places.shape
        size = call.source.shape[dim]
        call.windows[dim] = Window(kernel_size, max(1, size // units), (0, 0), 1, size, units, 0, (0, 0))
    return read(call, taps)


def global_pooling(call: Call, dims: Sequence[int]) -> Paths:
    """One window over all of each of `dims`, which keep a length of 1."""
    sizes = [call.source.shape[dim] for dim in dims]
    for dim, size in zip(dims, sizes, strict=True):
        call.windows[dim] = Window(size, size, (0, 0), 1, size, 1, 0, (0, 0))
    return read(call, [Taps(np.arange(size)[None], size) for size in sizes], dims)


def _sliding(call: Call, dim: int, units: int, setting: Setting) -> Taps:
    """Windows at regular places; padding that an operator added just before counts as the window's own."""
    added = call.pads_of(call.source).get(dim, (0, 0))
    size = call.source.shape[dim] - sum(added)
    pads = (added[0] + setting["padding"], added[1] + setting["padding"])
    window, starts = _window(size, units, **{**setting, "padding": pads})
    call.windows[dim] = window
    taps = np.arange(0, window.reach, window.dilation)
    return Taps(starts[:, None] + added[0] + taps, window.stride)


@lru_cache(maxsize=1024)
def _window(
    size: int, units: int, *, kernel_size: int, stride: int, padding: tuple[int, int], dilation: int
) -> tuple[Window, Integers]:
    """The window that puts out `units` along an axis of `size` cells, and the first tap of each."""
    over = (units - 1) * stride + dilation * (kernel_size - 1) + 1 - size - sum(padding)
    axis: Setting = {
        "kernel_size": kernel_size,
        "stride": stride,
        "padding": (padding[0], padding[1] + max(0, over)),  # `ceil_mode` lets the last window hang over
        "dilation": dilation,
    }
    lost, unused = len(unread(size, **axis)), unused_padding(size, **axis)
    window = Window(kernel_size, stride, padding, dilation, size, units, lost, unused)
    return window, np.array(window_starts(size, **axis))


def _transposed(call: Call, dim: int, units: int, setting: Setting) -> Taps:
    """A unit at place o reads the cells i with i * stride + tap * dilation - padding = o."""
    kernel_size, stride, dilation = setting["kernel_size"], setting["stride"], setting["dilation"]
    padding, size = setting["padding"], call.source.shape[dim]
    reached = np.arange(units)[:, None] + padding - np.arange(kernel_size)[::-1] * dilation
    places, valid = reached // stride, reached % stride == 0
    read_cells = np.intersect1d(places[valid], np.arange(size))
    lost = size - len(read_cells)
    call.windows[dim] = Window(kernel_size, stride, (padding,) * 2, dilation, size, units, lost, (0, 0), True)
    return Taps(places, Fraction(1, stride), valid)


def _adaptive(old: int, new: int) -> Taps:
    """Unit i reads from floor(i * old / new) up to ceil((i + 1) * old / new)."""
    unit = np.arange(new)
    first, last = unit * old // new, -(-(unit + 1) * old // new) - 1
    places = first[:, None] + np.arange(int((last - first).max()) + 1)
    return Taps(places, Fraction(old, new), places <= last[:, None])


def _each(value: int | Sequence[int], count: int) -> list[int]:
    """A setting as torch takes it, one number or one a dimension, as one a dimension."""
    values = [value] if isinstance(value, int) else list(value)
    return values * count if len(values) == 1 else values
