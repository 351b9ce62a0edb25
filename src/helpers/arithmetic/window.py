"""Where the windows of one layer fall on one axis, what they read and what they leave out."""

from collections.abc import Callable
from math import gcd
from typing import Literal, NamedTuple, Unpack

from helpers.arithmetic.indices import LONGEST, Indices, met_by_windows, read_by_windows
from helpers.arithmetic.layer import Layer, Window, lists_settings
from helpers.arithmetic.placing import pads, size_after, starts, window_count
from helpers.checks import number_pair, whole_number

_Verdict = Literal["same numbers", "shifted", "same size, other windows", "different sizes"]


class Porting(NamedTuple):
    """How a layer compares with its port to another framework.

    Attributes:
        verdict: "same numbers", "shifted", "same size, other windows" or "different sizes".
        words: the verdict in a sentence, with the remedy.
        mend: the remedy: the padding (before, after), or the crop of a transposed convolution, with which the
            second layer reads what the first one reads. None if it does already, or if there is none.
    """

    verdict: _Verdict
    words: str
    mend: tuple[int, int] | None


@lists_settings
def output_size(size: int, **window: Unpack[Window]) -> int:
    """Pixels of the output along one axis of `size` pixels: one for each window.

    Raises:
        TypeError: if a setting is of the wrong kind.
        ValueError: if a setting is out of range, or the kernel is larger than the padded input.

    Source: Dumoulin & Visin 2016; `torch.nn.Conv2d` for dilation, `torch.nn.MaxPool2d` for `ceil_mode`.

    >>> output_size(7, kernel_size=3, stride=2)
    3
    >>> output_size(28, kernel_size=3, stride=2, padding="same")
    14
    >>> output_size(14, kernel_size=3, stride=2, padding="same", kind="transposed")
    28
    """
    layer = Layer(**window)
    return size_after(whole_number("size", size, at_least=1), layer)


def transposed_output_size(
    size: int,
    *,
    kernel_size: int,
    stride: int = 1,
    padding: int | tuple[int, int] = 0,
    output_padding: int = 0,
    dilation: int = 1,
) -> int:
    """Output pixels of torch's transposed convolution along one axis of `size` pixels.

    `padding` crops the output, as in torch: it undoes the padding of the convolution that is transposed.
    `output_size` with kind="transposed" also knows the words of Keras and ONNX.

    Raises:
        TypeError: if a setting is of the wrong kind, such as a word for `padding`: torch takes none here.
        ValueError: if a setting is out of range, `output_padding` is not smaller than the stride or the
            dilation, or the padding crops everything away.

    Source: Dumoulin & Visin 2016; `torch.nn.ConvTranspose2d`.

    >>> transposed_output_size(14, kernel_size=3, stride=2, padding=1, output_padding=1)
    28
    """
    return output_size(
        size,
        kernel_size=kernel_size,
        stride=stride,
        padding=number_pair("padding", padding, at_least=0, order="(before, after)"),
        dilation=dilation,
        kind="transposed",
        output_padding=output_padding,
    )


@lists_settings
def resolve_padding(size: int, **window: Unpack[Window]) -> tuple[int, int]:
    """Pixels of padding (before, after) that `padding` means for an axis of `size` pixels.

    Of a transposed convolution they are the pixels of the output that are cropped. Not covered: where a
    stride leaves pixels between windows, TensorFlow's 3-D operators on the CPU start "same" some pixels on.

    Raises:
        TypeError: if a setting is of the wrong kind.
        ValueError: if a setting is out of range, or "same" is strided in the PyTorch convention.

    Source: TensorFlow's and ONNX's operator documentation for "same"; Dumoulin & Visin 2016 for "full".

    >>> resolve_padding(28, kernel_size=3, stride=2, padding="same")
    (0, 1)
    >>> resolve_padding(28, kernel_size=3, stride=2, padding="same", convention="onnx-lower")
    (1, 0)
    >>> resolve_padding(14, kernel_size=3, stride=2, padding="same", kind="transposed")
    (0, 1)
    """
    layer = Layer(**window)
    return pads(whole_number("size", size, at_least=1), layer)


@lists_settings
def window_starts(size: int, **window: Unpack[Window]) -> range:
    """Input index of the first tap of each window; negative where a window starts in the padding.

    The windows of a transposed convolution and of a resize lie on the output, one for each input pixel: of
    these it is the output index, negative where it is cropped.

    Raises:
        TypeError: if a setting is of the wrong kind.
        ValueError: if a setting is out of range, or the kernel is larger than the padded input.

    >>> list(window_starts(6, kernel_size=3, stride=2, padding=1))
    [-1, 1, 3]
    >>> list(window_starts(6, kernel_size=3, stride=2, padding="same"))
    [0, 2, 4]
    >>> list(window_starts(3, kernel_size=3, stride=2, padding=1, kind="transposed"))
    [-1, 1, 3]
    """
    layer = Layer(**window)
    return starts(whole_number("size", size, at_least=1), layer)


@lists_settings
def coverage(size: int, **window: Unpack[Window]) -> tuple[int, ...]:
    """How many outputs read each of the `size` input pixels.

    Raises:
        TypeError: if a setting is of the wrong kind.
        ValueError: if a setting is out of range, the kernel is larger than the padded input, or `size` is
            above 10,000,000.

    >>> coverage(6, kernel_size=3)
    (1, 2, 3, 3, 2, 1)
    """
    layer = Layer(**window)
    size = whole_number("size", size, at_least=1)
    windows = starts(size, layer)
    if layer.grows:
        return _taps_on(size_after(size, layer), windows, layer)
    return _windows_on(size, windows, layer)


@lists_settings
def inputs_per_output(size: int, **window: Unpack[Window]) -> tuple[int, ...]:
    """How many of the `size` input pixels each output reads; the padding does not count.

    Where the counts of a transposed convolution alternate, its output shows a checkerboard.

    Raises:
        TypeError: if a setting is of the wrong kind.
        ValueError: if a setting is out of range, the kernel is larger than the padded input, or the output
            is longer than 10,000,000.

    Source: Odena, Dumoulin & Olah 2016 for the checkerboard.

    >>> inputs_per_output(4, kernel_size=3, padding=1)
    (2, 3, 3, 2)
    >>> inputs_per_output(4, kernel_size=3, stride=2, kind="transposed")
    (1, 1, 2, 1, 2, 1, 2, 1, 1)
    """
    layer = Layer(**window)
    size = whole_number("size", size, at_least=1)
    windows = starts(size, layer)
    if layer.grows:
        return _windows_on(size_after(size, layer), windows, layer)
    return _taps_on(size, windows, layer)


@lists_settings
def indices_read(size: int, unit: int, **window: Unpack[Window]) -> tuple[int, ...]:
    """Input indices that one output reads; below 0 and from `size` on they are padding.

    A transposed convolution and a resize have no padding: there, such indices are inputs that only a longer
    input would have.

    Raises:
        TypeError: if an argument is of the wrong kind.
        ValueError: if a setting is out of range, the output does not exist, or it reads more than 10,000,000
            indices.

    >>> indices_read(6, 0, kernel_size=3, stride=2, padding=1)
    (-1, 0, 1)
    >>> indices_read(6, 4, kernel_size=3, stride=2, padding=1, kind="transposed")
    (2,)
    """
    layer = Layer(**window)
    size = whole_number("size", size, at_least=1)
    unit = existing_unit(unit, size_after(size, layer))
    return read_by(Indices.one(unit), starts(size, layer), layer).listed()


@lists_settings
def unread(size: int, **window: Unpack[Window]) -> tuple[int, ...]:
    """Input indices that no output reads: an end dropped by rounding down, and gaps if stride exceeds kernel.

    Of a transposed convolution: the inputs whose whole window is cropped.

    Raises:
        TypeError: if a setting is of the wrong kind.
        ValueError: if a setting is out of range, the kernel is larger than the padded input, or more than
            10,000,000 pixels are unread.

    >>> unread(28, kernel_size=3, stride=2)
    (27,)
    """
    layer = Layer(**window)
    size = whole_number("size", size, at_least=1)
    outputs = Indices.first(size_after(size, layer))
    return read_by(outputs, starts(size, layer), layer).below(size).missing(size)


@lists_settings
def unused_padding(size: int, **window: Unpack[Window]) -> tuple[int, int]:
    """Cells of padding (before, after) that no window reads; none where `padding` crops the output.

    Raises:
        TypeError: if a setting is of the wrong kind.
        ValueError: if a setting is out of range, or the kernel is larger than the padded input.

    Source: Alsallakh et al. 2021 ("Mind the Pad") for what it does to a network.

    >>> unused_padding(224, kernel_size=7, stride=2, padding=3)
    (0, 1)
    """
    layer = Layer(**window)
    size = whole_number("size", size, at_least=1)
    windows = starts(size, layer)
    if layer.grows:
        return 0, 0
    before, after = pads(size, layer)
    return _unread_from(-before, before, windows, layer), _unread_from(size, after, windows, layer)


def compare_layers(first: Layer, second: Layer, *, size: int) -> Porting:
    """Whether a layer and what it was ported to compute the same along one axis, given the same weights.

    Args:
        first: the layer that is ported, its padding as its framework has it.
        second: the layer in the other framework.
        size: pixels of the input.

    Raises:
        TypeError: if an argument is of the wrong kind.
        ValueError: if one of the layers leaves nothing of an input of this size.

    >>> keras, torch = Layer(3, stride=2, padding="same"), Layer(3, stride=2, padding=1)
    >>> compare_layers(keras, torch, size=28).words
    'the same shape, shifted by 1 pixel: pad (0, 1)'
    >>> compare_layers(keras, torch, size=27).words
    'the same numbers'
    """
    for name, layer in (("first", first), ("second", second)):
        if not isinstance(layer, Layer):
            raise TypeError(f"{name} must be a Layer, got {layer!r}")
    size = whole_number("size", size, at_least=1)
    sizes = size_after(size, first), size_after(size, second)
    shift = abs(starts(size, first).start - starts(size, second).start)
    settings = ("kind", "kernel_size", "stride", "dilation")
    unlike = next((name for name in settings if getattr(first, name) != getattr(second, name)), "")
    verdict: _Verdict = "same numbers"
    words = "the same numbers"
    if sizes[0] != sizes[1]:
        verdict, words = "different sizes", f"different sizes, {sizes[0]} and {sizes[1]}"
    elif unlike:
        verdict, words = "same size, other windows", "the same shape, other windows"
    elif shift:
        verdict, words = "shifted", f"the same shape, shifted by {shift} pixel{'s' * (shift > 1)}"
    if unlike:
        values = getattr(first, unlike), getattr(second, unlike)
        return Porting(verdict, f"{words}: {unlike} differs, {values[0]} and {values[1]}", None)
    if verdict == "same numbers":
        return Porting(verdict, words, None)
    mend = _mend(size, first, second)
    verb = "crop" if first.grows else "pad"
    advice = f"{verb} {mend}" if mend else "no padding of the second makes them alike"
    return Porting(verdict, f"{words}: {advice}", mend)


def existing_unit(unit: int, size: int) -> int:
    """Return the index of a unit, provided that a map of `size` has it."""
    unit = whole_number("unit", unit, at_least=0)
    if unit >= size:
        raise ValueError(f"unit must be below {size}, the number of units of the map, got {unit}")
    return unit


def read_by(outputs: Indices, windows: range, layer: Layer) -> Indices:
    """The inputs that these outputs of a layer read; negative ones, and some beyond the end, are padding."""
    through = met_by_windows if layer.grows else read_by_windows
    return through(
        outputs,
        first=windows.start,
        stride=layer.stride,
        kernel_size=layer.kernel_size,
        dilation=layer.dilation,
    )


def _mend(size: int, first: Layer, second: Layer) -> tuple[int, int] | None:
    """The padding with which the second layer reads what the first one reads, if there is any."""
    (before, after), windows = pads(size, first), starts(size, first)
    if not first.grows:
        after = max(after, windows.stop - 1 + first.reach - size)
    mended = Layer(
        second.kernel_size,
        second.stride,
        (before, after),
        second.dilation,
        kind=second.kind,
        output_padding=second.output_padding,
    )
    alike = size_after(size, mended) == size_after(size, first) and starts(size, mended) == starts(
        size, first
    )
    return (before, after) if alike else None


def _unread_from(first: int, size: int, windows: range, layer: Layer) -> int:
    """How many of the `size` cells from index `first` on no window reads."""
    moved = range(windows.start - first, windows.stop - first, windows.step)
    return size - read_by(Indices.first(window_count(windows)), moved, layer).below(size).total()


def _windows_on(size: int, windows: range, layer: Layer) -> tuple[int, ...]:
    """How many windows have a tap on each cell of the axis they lie on."""
    stride, dilation = layer.stride, layer.dilation
    shared = gcd(stride, dilation)
    cycle = stride // shared  # distance of the taps that can lie on one cell
    inverse, last = pow(dilation // shared, -1, cycle), windows.stop - 1 - windows.start

    def taps(index: int) -> int:
        offset = index - windows.start
        if offset % shared:
            return 0
        tap = offset // shared * inverse % cycle
        least, most = max(0, -((last - offset) // dilation)), min(layer.kernel_size - 1, offset // dilation)
        return max(0, (most - tap) // cycle - (least - 1 - tap) // cycle)

    # From the last tap of the first window to the first tap of the last one, counts repeat with the stride.
    return _listed(size, taps, windows.start + layer.reach - 1, windows.stop, period=stride)


def _taps_on(size: int, windows: range, layer: Layer) -> tuple[int, ...]:
    """How many taps each window has on an axis of `size` cells, the padding left out."""

    def taps(window: int) -> int:
        start = windows.start + layer.stride * window
        least, most = max(0, -(start // layer.dilation)), (size - 1 - start) // layer.dilation
        return max(0, min(layer.kernel_size - 1, most) - least + 1)

    inside = -(windows.start // layer.stride)
    beyond = (size - layer.reach - windows.start) // layer.stride + 1
    return _listed(window_count(windows), taps, inside, beyond, period=1)


def _listed(
    size: int, number: Callable[[int], int], start: int, stop: int, *, period: int
) -> tuple[int, ...]:
    """The number of each index below `size`; from `start` to `stop` the numbers repeat after a period."""
    if size > LONGEST:
        raise ValueError(f"size must be at most {LONGEST:,} for a count at each index, got {size:,}")
    start = min(size, max(0, start))
    stop = min(size, max(start, stop))
    repeated = tuple(map(number, range(start, min(stop, start + period))))
    whole, rest = divmod(stop - start, period)
    return (*map(number, range(start)), *repeated * whole, *repeated[:rest], *map(number, range(stop, size)))
