"""Where the windows of one layer fall on one axis, what they read and what they leave out."""

from functools import partial
from math import gcd
from typing import Unpack

from helpers.arithmetic.indices import LONGEST, Indices, read_by_windows
from helpers.arithmetic.layer import Layer, Window, lists_settings, pads
from helpers.checks import number_pair, switch, whole_number


@lists_settings
def output_size(size: int, *, ceil_mode: bool = False, **window: Unpack[Window]) -> int:
    """Number of windows along one axis of `size` pixels.

    With `ceil_mode`, as in torch's pooling, a last window may hang over the end, provided that it starts
    inside the input or the padding before it.

    Raises:
        TypeError: if a setting is of the wrong kind.
        ValueError: if a setting is out of range, or the kernel is larger than the padded input.

    Source: Dumoulin & Visin 2016; `torch.nn.Conv2d` for dilation, `torch.nn.MaxPool2d` for `ceil_mode`.

    >>> output_size(7, kernel_size=3, stride=2)
    3
    >>> output_size(28, kernel_size=3, stride=2, padding="same")
    14
    """
    layer = Layer(**window)
    size = whole_number("size", size, at_least=1)
    return count(starts(size, layer, ceil_mode=switch("ceil_mode", ceil_mode)))


def transposed_output_size(
    size: int,
    *,
    kernel_size: int,
    stride: int = 1,
    padding: int | tuple[int, int] = 0,
    output_padding: int = 0,
    dilation: int = 1,
) -> int:
    """Output pixels of a transposed convolution along one axis of `size` pixels.

    `padding` crops the output, as in torch: it undoes the padding of the convolution that is transposed.

    Raises:
        TypeError: if a setting is of the wrong kind, such as a word for `padding`: torch takes none here.
        ValueError: if a setting is out of range, `output_padding` is not smaller than the stride or the
            dilation, or the padding crops everything away.

    Source: Dumoulin & Visin 2016; `torch.nn.ConvTranspose2d`.

    >>> transposed_output_size(14, kernel_size=3, stride=2, padding=1, output_padding=1)
    28
    """
    crop = number_pair("padding", padding, at_least=0, order="(before, after)")
    layer = Layer(kernel_size, stride, crop, dilation)
    size = whole_number("size", size, at_least=1)
    extra = whole_number("output_padding", output_padding, at_least=0)
    limit = max(layer.stride, layer.dilation)
    if extra >= limit:
        raise ValueError(
            f"output_padding must be below {limit}, the larger of stride and dilation, got {extra}"
        )
    spread = (size - 1) * layer.stride + layer.reach + extra
    if spread <= sum(crop):
        raise ValueError(
            f"padding {crop} crops away all {spread} pixels of the output: use at most {spread - 1} in total"
        )
    return spread - sum(crop)


@lists_settings
def resolve_padding(size: int, **window: Unpack[Window]) -> tuple[int, int]:
    """Pixels of padding (before, after) that `padding` means for an axis of `size` pixels.

    Raises:
        TypeError: if a setting is of the wrong kind.
        ValueError: if a setting is out of range, or "same" is strided in the PyTorch convention.

    Source: TensorFlow's and ONNX's operator documentation for "same"; Dumoulin & Visin 2016 for "full".

    >>> resolve_padding(28, kernel_size=3, stride=2, padding="same")
    (0, 1)
    >>> resolve_padding(28, kernel_size=3, stride=2, padding="same", convention="onnx-lower")
    (1, 0)
    """
    layer = Layer(**window)
    return pads(whole_number("size", size, at_least=1), layer)


@lists_settings
def window_starts(size: int, **window: Unpack[Window]) -> range:
    """Input index of the first tap of each window; negative where a window starts in the padding.

    Raises:
        TypeError: if a setting is of the wrong kind.
        ValueError: if a setting is out of range, or the kernel is larger than the padded input.

    >>> list(window_starts(6, kernel_size=3, stride=2, padding=1))
    [-1, 1, 3]
    >>> list(window_starts(6, kernel_size=3, stride=2, padding="same"))
    [0, 2, 4]
    """
    layer = Layer(**window)
    return starts(whole_number("size", size, at_least=1), layer)


@lists_settings
def coverage(size: int, **window: Unpack[Window]) -> tuple[int, ...]:
    """How many windows read each of the `size` input pixels.

    Raises:
        TypeError: if a setting is of the wrong kind.
        ValueError: if a setting is out of range, the kernel is larger than the padded input, or `size` is
            above 10,000,000.

    >>> coverage(6, kernel_size=3)
    (1, 2, 3, 3, 2, 1)
    """
    layer = Layer(**window)
    size = whole_number("size", size, at_least=1)
    if size > LONGEST:
        raise ValueError(f"size must be at most {LONGEST:,} for a count at each index, got {size:,}")
    windows = starts(size, layer)
    reads = partial(_meeting, windows=windows, layer=layer)
    # Between the ends, where no tap falls beside the windows, the counts repeat with the stride.
    start = min(size, max(0, windows.start + layer.reach - 1))
    stop = min(size, max(start, windows.stop))
    repeated = tuple(map(reads, range(start, min(stop, start + layer.stride))))
    whole, rest = divmod(stop - start, layer.stride)
    return (
        *map(reads, range(start)),
        *repeated * whole,
        *repeated[:rest],
        *map(reads, range(stop, size)),
    )


@lists_settings
def unread(size: int, **window: Unpack[Window]) -> tuple[int, ...]:
    """Input indices that no window reads: the tail the floor drops, and gaps where stride exceeds kernel.

    Raises:
        TypeError: if a setting is of the wrong kind.
        ValueError: if a setting is out of range, the kernel is larger than the padded input, or more than
            10,000,000 pixels are unread.

    >>> unread(28, kernel_size=3, stride=2)
    (27,)
    """
    layer = Layer(**window)
    size = whole_number("size", size, at_least=1)
    return _read(layer, starts(size, layer), first=0, size=size).missing(size)


@lists_settings
def unused_padding(size: int, **window: Unpack[Window]) -> tuple[int, int]:
    """Cells of padding (before, after) that no window reads.

    Raises:
        TypeError: if a setting is of the wrong kind.
        ValueError: if a setting is out of range, or the kernel is larger than the padded input.

    Source: Alsallakh et al. 2021 ("Mind the Pad") for what it does to a network.

    >>> unused_padding(224, kernel_size=7, stride=2, padding=3)
    (0, 1)
    """
    layer = Layer(**window)
    size = whole_number("size", size, at_least=1)
    before, after = pads(size, layer)
    windows = starts(size, layer)
    read = (
        _read(layer, windows, first=-before, size=before).total(),
        _read(layer, windows, first=size, size=after).total(),
    )
    return before - read[0], after - read[1]


def starts(size: int, layer: Layer, *, ceil_mode: bool = False) -> range:
    """The windows of a checked layer on an axis of checked size, by the input index of their first tap."""
    before, after = pads(size, layer)
    room = before + size + after - layer.reach
    last = room - room % layer.stride
    if ceil_mode and last < room and last + layer.stride < before + size:
        last += layer.stride
    if last < 0:
        raise ValueError(
            f"kernel_size={layer.kernel_size} with dilation={layer.dilation} spans {layer.reach} pixels, but "
            f"size={size} with padding {before, after} has {before + size + after}: use a smaller kernel or "
            f"dilation, or at least {-room} more pixels of input or padding"
        )
    return range(-before, last - before + 1, layer.stride)


def count(windows: range) -> int:
    """How many windows there are; `len` ends at 2**63."""
    return (windows.stop - 1 - windows.start) // windows.step + 1


def read_by(units: Indices, windows: range, layer: Layer) -> Indices:
    """The indices that these units of a layer read; negative ones, and some beyond the end, are padding."""
    return read_by_windows(
        units,
        first=windows.start,
        stride=layer.stride,
        kernel_size=layer.kernel_size,
        dilation=layer.dilation,
    )


def _read(layer: Layer, windows: range, *, first: int, size: int) -> Indices:
    """Which of `size` cells, the first of which has the index `first`, any window reads; from 0."""
    moved = range(windows.start - first, windows.stop - first, windows.step)
    return read_by(Indices.first(count(windows)), moved, layer).below(size)


def _meeting(index: int, windows: range, layer: Layer) -> int:
    """How many windows read an index: those taps t for which index - dilation * t starts a window."""
    stride, dilation = layer.stride, layer.dilation
    offset = index - windows.start
    shared = gcd(stride, dilation)
    if offset % shared:
        return 0
    cycle = stride // shared  # of the taps that fit, each is so many after the one before
    tap = offset // shared * pow(dilation // shared, -1, cycle) % cycle
    last = windows.stop - 1 - windows.start
    least = max(0, -((last - offset) // dilation))
    most = min(layer.kernel_size - 1, offset // dilation)
    return max(0, (most - tap) // cycle - (least - 1 - tap) // cycle)
