"""Solve backwards: settings for an output size, kernel or depth for a receptive field, inputs for a stack."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import product
from math import prod
from typing import Any, NamedTuple

from helpers.arithmetic.indices import Indices, met_by_windows
from helpers.arithmetic.layer import CeilMode, Layer, LayerKind
from helpers.arithmetic.network import Skip, fitting_sizes, network_unread, receptive_field, trace
from helpers.arithmetic.placing import NothingLeft, pads, size_after, starts
from helpers.arithmetic.window import read_by, unused_padding
from helpers.checks import choice, number_tuple, switch, whole_number

Bounds = int | range

_MOST_SETTINGS = 100_000
_MOST_WALKS = 1_000_000  # sizes times layers
_FARTHEST_SIZE = 1_000_000  # where the smallest input of a stack is looked for
_KINDS = ("convolution", "pooling", "transposed")


class Solution(NamedTuple):
    """One setting of a layer, the sizes of its input and output, and what it wastes.

    Attributes:
        layer: the layer with all its settings.
        size: pixels of its input.
        output: pixels of its output.
        unread: how many pixels of the input no output reads.
        unused: cells of padding (before, after) that no window reads.
        empty: how many outputs read no pixel, nothing but padding.
    """

    layer: Layer
    size: int
    output: int
    unread: int
    unused: tuple[int, int]
    empty: int


class Solutions(NamedTuple):
    """What `solve` found.

    Attributes:
        fit: every setting within the bounds that gives a wanted output, sensible ones first.
        nearest: if there is none, the settings whose output comes closest; they may pad one pixel more after
            than before.
    """

    fit: tuple[Solution, ...]
    nearest: tuple[Solution, ...]


class FieldFit(NamedTuple):
    """The smallest kernel or depth whose receptive field is large enough.

    Attributes:
        value: kernel size or number of repeats.
        receptive_field: its receptive field in input pixels, at least the one wanted.
        one_less: the receptive field of a kernel or depth smaller by one, less than the one wanted.
    """

    value: int
    receptive_field: int
    one_less: int


class StackSizes(NamedTuple):
    """Input sizes that a stack takes, in pixels.

    Attributes:
        smallest: the smallest of all. It is looked for up to a million; with skip connections or an
            `output_shape`, up to the largest size that was asked for. None if there is none.
        works: the sizes that work, of those that were asked for.
        lossless: of these, the sizes whose every pixel reaches the last map.
    """

    smallest: int | None
    works: tuple[int, ...]
    lossless: tuple[int, ...]


def solve(
    size: Bounds,
    output: Bounds | None,
    *,
    kernel_size: Bounds = range(1, 12),
    stride: Bounds = range(1, 9),
    padding: Bounds | tuple[int, int] = range(6),
    dilation: Bounds = 1,
    output_padding: Bounds | None = None,
    kind: LayerKind = "convolution",
    ceil_mode: CeilMode = False,
    uneven: bool = False,
) -> Solutions:
    """All settings within bounds that turn one size into another along one axis.

    Each bound is one number, which is then fixed, or a `range`, whose end is excluded as always: `range(1, 8,
    2)` are the odd kernels up to 7. All combinations are tried. Settings that waste nothing come first: no
    pixel unread, no output of padding alone, no padding unread; of these, settings without dilation, and
    small kernels. A transposed convolution whose stride divides its kernel comes before one that makes a
    checkerboard.

    Args:
        size: pixels of the input.
        output: pixels of the output; None for any.
        kernel_size: taps of the kernel.
        stride: pixels from one window to the next.
        padding: pixels on each side, or a pair (before, after); a transposed convolution crops them.
        dilation: pixels from one tap to the next.
        output_padding: of a transposed convolution, pixels added at the end; if not given, all that exist.
        kind: "convolution", "pooling" or "transposed".
        ceil_mode: of a pooling, whether the output size is rounded up, see `Layer`.
        uneven: whether each padding is also tried with one pixel more after than before.

    Raises:
        TypeError: if an argument is of the wrong kind.
        ValueError: if a bound is out of range or empty, or the bounds hold more than 100,000 settings.

    >>> [found.layer.kernel_size for found in solve(28, 14, stride=2, padding=1).fit]
    [4, 3]
    >>> kept = solve(28, 28, kernel_size=4, stride=1)
    >>> kept.fit, kept.nearest[0].layer.padding, kept.nearest[0].output
    ((), (1, 2), 28)
    """
    choice("kind", kind, _KINDS)
    Layer(1, kind=kind, ceil_mode=ceil_mode)  # refuses a ceil_mode that the kind does not have
    bounds = {
        "size": _numbers("size", size, at_least=1),
        "output": range(0) if output is None else _numbers("output", output, at_least=1),
        "kernel_size": _numbers("kernel_size", kernel_size, at_least=1),
        "stride": _numbers("stride", stride, at_least=1),
        "dilation": _numbers("dilation", dilation, at_least=1),
        "padding": _paddings(padding),
        "output_padding": _output_paddings(output_padding, stride, dilation, kind),
    }
    even = switch("uneven", uneven) is False and not isinstance(padding, tuple)
    _check_count({name: max(1, len(each)) * (1 + (name == "padding")) for name, each in bounds.items()})
    fit = [found for found, far in _tried(bounds, kind, ceil_mode, uneven=not even) if far == 0]
    if fit:
        return Solutions(_sensible_first(fit), ())
    tried = list(_tried(bounds, kind, ceil_mode, uneven=not isinstance(padding, tuple)))
    closest = min((far for _, far in tried), default=0)
    return Solutions((), _sensible_first([found for found, far in tried if far == closest]))


def kernel_for_field(field: int, *, depth: int = 1, stride: int = 1, dilation: int = 1) -> FieldFit:
    """The smallest kernel with which `depth` equal layers see at least `field` pixels.

    Raises:
        TypeError: if an argument is of the wrong kind.
        ValueError: if an argument is below 1, or `field` below 2.

    >>> kernel_for_field(31, depth=5)
    FieldFit(value=7, receptive_field=31, one_less=26)
    """
    wanted = whole_number("field", field, at_least=2)
    depth = whole_number("depth", depth, at_least=1)
    if depth > _MOST_SETTINGS:
        raise ValueError(f"depth must be at most {_MOST_SETTINGS:,}, got {depth:,}")
    layer = Layer(2, stride, dilation=dilation)
    jumps = depth if layer.stride == 1 else (layer.stride**depth - 1) // (layer.stride - 1)
    each = layer.dilation * jumps  # what one more tap adds
    taps = -(-(wanted - 1) // each)
    return FieldFit(1 + taps, 1 + taps * each, 1 + (taps - 1) * each)


def depth_for_field(field: int, layers: Sequence[Layer]) -> FieldFit:
    """How often some layers must be repeated until the receptive field is at least `field` pixels.

    Args:
        field: the receptive field that is wanted, in input pixels.
        layers: the convolutions and poolings that are repeated, in order.

    Raises:
        TypeError: if an argument is of the wrong kind.
        ValueError: if `field` is below 2, or no number of repeats will do.

    >>> depth_for_field(100, [Layer(3, padding=1), Layer(2, kind="pooling")])
    FieldFit(value=6, receptive_field=190, one_less=94)
    """
    wanted = whole_number("field", field, at_least=2)
    once = receptive_field(layers)
    growing = [layer.kind for layer in layers if layer.grows]
    if growing:
        raise ValueError(f'layers must be convolutions and poolings, got kind="{growing[0]}"')
    grown, jump = once.size - 1, int(once.jump)
    if not grown:
        raise ValueError("layers must span more than 1 pixel, got a receptive field of 1: use larger kernels")
    if jump == 1:
        repeats = -(-(wanted - 1) // grown)
        return FieldFit(repeats, 1 + repeats * grown, 1 + (repeats - 1) * grown)
    repeats, seen, before = 0, 1, 1
    while seen < wanted:
        before, seen = seen, seen + grown * jump**repeats
        repeats += 1
    return FieldFit(repeats, seen, before)


def stack_sizes(layers: Sequence[Layer], sizes: Bounds, *, skips: Sequence[Skip] = ()) -> StackSizes:
    """The smallest input of a stack, all sizes of a range that it takes, and those that lose no pixel.

    Args:
        layers: the layers, from the input on.
        sizes: one size, or a `range` of them, whose end is excluded.
        skips: skip connections, as in `trace`.

    Raises:
        TypeError: if an argument is of the wrong kind.
        ValueError: if an argument is out of range, or sizes times layers are more than a million.

    >>> stack_sizes([Layer(3), Layer(2, kind="pooling"), Layer(3)], range(1, 15))
    StackSizes(smallest=8, works=(8, 9, 10, 11, 12, 13, 14), lossless=(8, 10, 12, 14))
    """
    asked = _numbers("sizes", sizes, at_least=1)
    least, most = min(asked[0], asked[-1]), max(asked[0], asked[-1])
    count = (most - least + 1) * max(1, len(layers))
    if count > _MOST_WALKS:
        raise ValueError(
            f"sizes must be so few that with {len(layers)} layers at most {_MOST_WALKS:,} steps are walked, "
            f"got {count:,}: narrow them"
        )
    fitting = set(fitting_sizes(layers, at_least=least, at_most=most, skips=skips))
    works = tuple(size for size in asked if size in fitting)
    lossless = tuple(size for size in works if _loses_nothing(size, layers))
    return StackSizes(_smallest(layers, skips, most), works, lossless)


def dense_features(
    size: int | tuple[int, ...], layers: Sequence[Layer], *, channels: int, dimensions: int = 2
) -> int:
    """`in_features` of the first dense layer after a stack: channels times the pixels of its last map.

    Args:
        size: pixels of the input, one size, or one for each dimension, such as (height, width).
        layers: the layers, from the input on, the same along each dimension.
        channels: channels of the last map.
        dimensions: 1 for a sequence, 2 for an image, 3 for a video or volume.

    Raises:
        TypeError: if an argument is of the wrong kind.
        ValueError: if a layer shrinks a map below one pixel, or an argument is out of range.

    >>> dense_features(28, [Layer(3), Layer(2, kind="pooling")], channels=32)
    5408
    """
    channels = whole_number("channels", channels, at_least=1)
    choice("dimensions", dimensions, (1, 2, 3))
    order = "one for each dimension"
    each = number_tuple("size", size, at_least=1, order=order, length=dimensions)
    return channels * prod([one, *(row.size for row in trace(one, layers))][-1] for one in each)


def _numbers(name: str, value: Any, *, at_least: int) -> Sequence[int]:
    """The numbers of a bound, checked."""
    if not isinstance(value, range):
        return (whole_number(name, value, at_least=at_least),)
    if not value:
        raise ValueError(f"{name} must be a range that holds something, got {value}")
    whole_number(name, min(value[0], value[-1]), at_least=at_least)
    return value


def _paddings(value: Any) -> Sequence[Any]:
    if isinstance(value, tuple):
        return (number_tuple("padding", value, at_least=0, order="(before, after)", length=2),)
    return _numbers("padding", value, at_least=0)


def _output_paddings(
    value: Bounds | None, stride: Bounds, dilation: Bounds, kind: LayerKind
) -> Sequence[int]:
    if value is None:
        steps = (max(each) if isinstance(each, range) else each for each in (stride, dilation))
        return range(max(steps) if kind == "transposed" else 1)
    found = _numbers("output_padding", value, at_least=0)
    if kind != "transposed" and max(found):
        raise ValueError(f'output_padding must be 0 for kind="{kind}", got {value}')
    return found


def _check_count(counts: dict[str, int]) -> None:
    count = prod(counts.values())
    if count > _MOST_SETTINGS:
        widest = max(counts, key=lambda name: counts[name])
        raise ValueError(
            f"{widest} must be bounded so that at most {_MOST_SETTINGS:,} settings are tried, got {count:,}: "
            "fix a number or narrow a range"
        )


def _tried(
    bounds: dict[str, Sequence[Any]], kind: LayerKind, ceil_mode: CeilMode, *, uneven: bool
) -> Iterator[tuple[Solution, int]]:
    """Every setting that leaves an output, its waste not yet counted, and how far the output is off."""
    wanted = bounds["output"]
    names = ("kernel_size", "stride", "dilation", "padding", "output_padding")
    for kernel_size, stride, dilation, given, extra in product(*(bounds[name] for name in names)):
        if extra and extra >= max(stride, dilation):
            continue
        pair = given if isinstance(given, tuple) else (given, given)
        pairs = [pair, (given, given + 1)] if uneven and not isinstance(given, tuple) else [pair]
        for padding in pairs:
            layer = Layer(
                kernel_size,
                stride,
                padding,
                dilation,
                kind=kind,
                ceil_mode=ceil_mode,
                output_padding=extra,
            )
            for size in bounds["size"]:
                try:
                    after = size_after(size, layer)
                except NothingLeft:
                    continue
                yield Solution(layer, size, after, 0, (0, 0), 0), _distance(after, wanted)


def _distance(number: int, wanted: Sequence[int]) -> int:
    """How far a number is from the nearest of those wanted; 0 if `wanted` is empty, which allows any."""
    return 0 if number in wanted or not wanted else min(abs(number - each) for each in wanted)


def _sensible_first(found: Sequence[Solution]) -> tuple[Solution, ...]:
    return tuple(sorted(map(_with_waste, found), key=_rank))


def _with_waste(found: Solution) -> Solution:
    """The solution with its counts of waste."""
    size, layer = found.size, found.layer
    windows, outputs = starts(size, layer), Indices.first(found.output)
    unread = size - read_by(outputs, windows, layer).below(size).total()
    met = _outputs_met(size, layer, windows).below(found.output).total()
    unused = (0, 0) if layer.grows else unused_padding(size, **layer.window)
    return found._replace(unread=unread, unused=unused, empty=found.output - met)


def _outputs_met(size: int, layer: Layer, windows: range) -> Indices:
    """The outputs that read a pixel."""
    if layer.grows:  # its windows lie on the output: the outputs under their taps
        mirror = Layer(layer.kernel_size, layer.stride, dilation=layer.dilation)
        return read_by(Indices.first(size), windows, mirror)
    return met_by_windows(
        Indices.first(size),
        first=windows.start,
        stride=layer.stride,
        kernel_size=layer.kernel_size,
        dilation=layer.dilation,
    )


def _rank(found: Solution) -> tuple[int, ...]:
    """The sort key that puts sensible solutions first: waste, then what is uncommon, then size."""
    layer = found.layer
    before, after = pads(found.size, layer)
    draws_checkerboard = layer.kind == "transposed" and layer.kernel_size % layer.stride > 0
    return (
        found.empty,
        found.unread,
        int(draws_checkerboard),
        sum(found.unused),
        layer.dilation,
        after - before,
        layer.output_padding,
        layer.kernel_size,
        layer.stride,
        before,
        found.size,
        found.output,
    )


def _loses_nothing(size: int, layers: Sequence[Layer]) -> bool:
    try:
        return not network_unread(size, layers)
    except ValueError:  # too many unread pixels to list
        return False


def _smallest(layers: Sequence[Layer], skips: Sequence[Skip], most: int) -> int | None:
    def fits(size: int) -> bool:
        return bool(fitting_sizes(layers, at_least=size, at_most=size, skips=skips))

    if not skips and all(layer.output_shape is None for layer in layers):  # then more pixels never hurt
        sizes = range(1, max(most, _FARTHEST_SIZE) + 1)
        place = bisect_left(sizes, True, key=fits)
        return sizes[place] if place < len(sizes) else None
    return next((size for size in range(1, most + 1) if fits(size)), None)
