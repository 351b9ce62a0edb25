"""A stack of layers along one axis: map sizes, receptive fields, pixels never read, input sizes it takes."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import NamedTuple

from helpers.arithmetic.fields import INPUT
from helpers.arithmetic.indices import LONGEST, Indices
from helpers.arithmetic.layer import Layer
from helpers.arithmetic.placing import NothingLeft, pads, size_after, starts, window_count
from helpers.arithmetic.window import existing_unit, read_by
from helpers.checks import switch, whole_number

Skip = tuple[int | str, int | str]

_FARTHEST = 4096  # sizes tried above and below one that does not fit
_NO_LAYERS = (str, bytes, bytearray, memoryview, range)  # sequences of something else, even when empty


class ReceptiveField(NamedTuple):
    """The receptive field of one unit of the last map.

    Attributes:
        size: input pixels from the leftmost one it reads to the rightmost, both included. After a transposed
            convolution units differ: then the largest size.
        jump: input pixels from one unit to the next, the product of all strides; a `Fraction` if a transposed
            convolution or a resize puts units between pixels.
    """

    size: int
    jump: int | Fraction


class TraceRow(NamedTuple):
    """One layer of a stack.

    Attributes:
        name: the layer's name, or its position ("layer 1") if it has none.
        size: units of its output.
        jump: input pixels from one unit to the next; a `Fraction` where it is not whole.
        receptive_field: input pixels from the first to the last that a unit reads; the largest of any unit.
        start: leftmost input index of unit 0; negative inside the padding.
    """

    name: str
    size: int
    jump: int | Fraction
    receptive_field: int
    start: int


class UnitField(NamedTuple):
    """Where one unit looks, in input pixels, or in seconds.

    Attributes:
        first: leftmost index it reads, negative inside the padding.
        last: rightmost index it reads, from the size on inside the padding.
        center: the center of its windows through all layers: that of unit 0 plus `unit` jumps.
        look_ahead: how far it reads beyond the input position `unit * jump`; 0 in a causal stack.
    """

    first: int | float
    last: int | float
    center: int | Fraction | float
    look_ahead: int | Fraction | float


class _Step(NamedTuple):
    name: str
    layer: Layer
    size: int  # of the map the layer reads
    size_after: int
    windows: range


def receptive_field(layers: Sequence[Layer]) -> ReceptiveField:
    """Receptive field and jump of a unit after all `layers`, in input pixels.

    A stride larger than the kernel, or a dilation, can leave holes in the field: `size` is its span. After a
    transposed convolution, the field depends on the padding of strided layers. "same" is taken here as on an
    input whose size all strides divide; `trace` has the field for any size.

    Raises:
        TypeError: if `layers` is not a sequence of Layer.
        ValueError: if a layer has an `output_shape`, or strides of transposed layers multiply beyond bounds.

    Source: Araujo, Norris & Sim 2019.

    >>> receptive_field([Layer(3, stride=2), Layer(3)])
    ReceptiveField(size=7, jump=2)
    >>> receptive_field([Layer(3, stride=2, kind="transposed")])
    ReceptiveField(size=2, jump=Fraction(1, 2))
    """
    size = jump = 1
    for layer in _checked(layers):
        size += (layer.reach - 1) * jump
        jump *= layer.stride
    if not any([layer.grows for layer in layers]):  # all units have fields of one size
        return ReceptiveField(size, jump)
    step = extent = 1
    for position, layer in enumerate(layers):
        if layer.output_shape is not None:
            raise ValueError(
                f"layers[{position}] must leave output_shape out, got {layer.output_shape}: "
                "its padding depends on the size, which `trace` takes"
            )
        step *= layer.stride
        sides = layer.padding if isinstance(layer.padding, tuple) else (0,)
        extent += layer.reach + sum(sides)
    fields = INPUT  # on an axis that is long enough for all windows and crops
    for each in _walk(step * (step * extent + 1), layers):
        fields = fields.after(each.layer, each.windows.start)
    return ReceptiveField(fields.size, fields.jump)


def trace(size: int, layers: Sequence[Layer], *, skips: Sequence[Skip] = ()) -> list[TraceRow]:
    """One row for each layer of a stack over an axis of `size` pixels.

    Args:
        size: pixels of the input.
        layers: the layers, from the input on.
        skips: skip connections, each a pair of maps that are added or concatenated and so must be of one
            size. A map is the name of its layer or the layer's number from 1; 0 is the input.

    Raises:
        TypeError: if `size` is not an integer, or `layers` not a sequence of Layer.
        ValueError: if a layer shrinks the map below one pixel, the message says which; or if the maps of a
            skip connection differ, the message says which sizes of the input are near and fit.

    Source: Araujo, Norris & Sim 2019.

    >>> trace(28, [Layer(3, padding=1, name="conv"), Layer(2, stride=2, name="pool")])[-1]
    TraceRow(name='pool', size=14, jump=2, receptive_field=4, start=-1)
    >>> trace(5, [Layer(2, stride=2), Layer(2, kind="resize")], skips=[(0, 2)])
    Traceback (most recent call last):
        ...
    ValueError: skips must join maps of one size, got 5 pixels from the input and 4 from 'layer 2', number 2 \
of 2: use size=4 or size=6, or crop, pad or resize one of the two
    """
    rows: list[TraceRow] = []
    fields, field, jump, start = INPUT, 1, 1, 0
    is_plain = not any([layer.grows for layer in _checked(layers)])
    for step in _walk(size, layers):
        if is_plain:  # without `Fields`, a call takes microseconds
            start += step.windows.start * jump
            field += (step.layer.reach - 1) * jump
            jump *= step.layer.stride
            rows.append(TraceRow(step.name, step.size_after, jump, field, start))
        else:
            fields = fields.after(step.layer, step.windows.start)
            rows.append(TraceRow(step.name, step.size_after, fields.jump, fields.size, fields.start))
    if skips:
        _check_skips(size, layers, [size, *(row.size for row in rows)], _pairs(layers, skips))
    return rows


def unit_field(
    size: int, layers: Sequence[Layer], unit: int, *, rate: int | float | None = None
) -> UnitField:
    """Where one unit of the last map looks, the padding included.

    Args:
        size: pixels or samples of the input.
        layers: the layers, from the input on.
        unit: index of the unit.
        rate: samples per second. If given, the result is in seconds: `center` is the time stamp of a frame.

    Raises:
        TypeError: if an argument is of the wrong kind.
        ValueError: if a layer shrinks the map below one pixel, the unit does not exist or reads nothing, or
            the rate is not positive.

    >>> unit_field(16000, [Layer(400, stride=160)], 2)
    UnitField(first=320, last=719, center=Fraction(1039, 2), look_ahead=399)
    >>> unit_field(16000, [Layer(400, stride=160, padding="causal")], 2, rate=16000).look_ahead
    0.0
    """
    fields, last = INPUT, size
    for step in _walk(size, layers):
        fields, last = fields.after(step.layer, step.windows.start), step.size_after
    unit = existing_unit(unit, last)
    span = fields.of(unit)
    if span is None:
        raise ValueError(f"unit must read something, got {unit}, which meets no tap: choose another")
    found = UnitField(*span, fields.center(unit), span[1] - unit * fields.jump)
    if rate is None:
        return found
    if isinstance(rate, bool) or not isinstance(rate, int | float):
        raise TypeError(f"rate must be a number, got {rate!r}")
    if not rate > 0:
        raise ValueError(f"rate must be above 0, got {rate}")
    try:
        return UnitField(*(float(value / rate) for value in found))
    except OverflowError:
        raise ValueError(
            f"rate must give seconds that a float can hold, got {rate} for unit {unit}"
        ) from None


def network_unread(size: int, layers: Sequence[Layer]) -> tuple[int, ...]:
    """Input indices that no unit of the last map depends on.

    A layer whose output size is rounded down may drop the end of its input, and all that only this end reads.

    Raises:
        TypeError: if `size` is not an integer, or `layers` not a sequence of Layer.
        ValueError: if a layer shrinks the map below one pixel, the message says which; or if more than
            10,000,000 pixels are unread.

    >>> network_unread(28, [Layer(3), Layer(2, stride=2), Layer(3), Layer(2, stride=2)])
    (26, 27)
    """
    size = whole_number("size", size, at_least=1)
    steps = list(_walk(size, layers))
    return _needed(Indices.first(steps[-1].size_after if steps else size), steps, size).missing(size)


def unit_reads(size: int, layers: Sequence[Layer], unit: int) -> tuple[int, ...]:
    """Input indices that one unit of the last map depends on, without padding and holes.

    Raises:
        TypeError: if an argument is of the wrong kind.
        ValueError: if a layer shrinks the map below one pixel, the unit does not exist, or it depends on
            more than 10,000,000 pixels.

    >>> unit_reads(9, [Layer(3, dilation=2), Layer(2, stride=2, kind="transposed")], 1)
    (0, 2, 4)
    """
    size = whole_number("size", size, at_least=1)
    steps = list(_walk(size, layers))
    unit = existing_unit(unit, steps[-1].size_after if steps else size)
    return _needed(Indices.one(unit), steps, size).listed()


def fitting_sizes(
    layers: Sequence[Layer],
    *,
    at_least: int,
    at_most: int,
    skips: Sequence[Skip] = (),
    without_rest: bool = False,
) -> tuple[int, ...]:
    """Input sizes that a stack takes: no map shrinks below one pixel, and all skip connections fit.

    Args:
        layers: the layers, from the input on.
        at_least: the smallest size to try.
        at_most: the largest size to try; no more than 10,000,000 above the smallest.
        skips: skip connections, as in `trace`.
        without_rest: whether each layer's last window must end where its padded input ends, so that rounding
            down drops nothing.

    Raises:
        TypeError: if an argument is of the wrong kind.
        ValueError: if an argument is out of range.

    >>> halved_and_doubled = [Layer(2, stride=2), Layer(2, stride=2), Layer(4, kind="resize")]
    >>> fitting_sizes(halved_and_doubled, at_least=1, at_most=16, skips=[(0, 3)])
    (4, 8, 12, 16)
    """
    least = whole_number("at_least", at_least, at_least=1)
    most = whole_number("at_most", at_most, at_least=least)
    if most - least >= LONGEST:
        raise ValueError(f"at_most must be below at_least + {LONGEST:,}, got {most:,}")
    strict, pairs = switch("without_rest", without_rest), _pairs(layers, skips)
    return tuple(size for size in range(least, most + 1) if _fits(size, layers, pairs, strict))


def _needed(units: Indices, steps: Sequence[_Step], size: int) -> Indices:
    """The inputs on which these units of the last map depend."""
    for step in reversed(steps):
        units = read_by(units, step.windows, step.layer).below(step.size)  # the rest is padding
    return units.below(size)


def _walk(size: int, layers: Sequence[Layer]) -> Iterator[_Step]:
    size = whole_number("size", size, at_least=1)
    for position, layer in enumerate(_checked(layers), start=1):
        name = layer.name or f"layer {position}"
        try:
            windows = starts(size, layer)
            after = size_after(size, layer) if layer.grows else window_count(windows)
        except ValueError as error:
            is_gone = isinstance(error, NothingLeft)
            rule = "shrinks the map below one pixel" if is_gone else f"does not take size={size}"
            raise ValueError(f"{name!r}, number {position} of {len(layers)}, {rule}: {error}") from None
        yield _Step(name, layer, size, after, windows)
        size = after


def _checked(layers: Sequence[Layer]) -> Sequence[Layer]:
    if not isinstance(layers, Sequence) or isinstance(layers, _NO_LAYERS):
        raise TypeError(f"layers must be a sequence of Layer, got {layers!r}")
    for position, layer in enumerate(layers):
        if not isinstance(layer, Layer):
            raise TypeError(f"layers[{position}] must be a Layer, got {layer!r}")
    return layers


def _pairs(layers: Sequence[Layer], skips: Sequence[Skip]) -> list[tuple[int, int]]:
    """Both maps of each skip connection, by number and in order."""
    names = ["input", *(layer.name for layer in _checked(layers))]
    pairs = []
    for position, skip in enumerate(skips):
        if not isinstance(skip, tuple) or len(skip) != 2:
            raise TypeError(f"skips[{position}] must be a pair of maps, got {skip!r}")
        earlier, later = sorted(_map_number(f"skips[{position}]", each, names) for each in skip)
        pairs.append((earlier, later))
    return pairs


def _map_number(name: str, value: int | str, names: list[str]) -> int:
    if isinstance(value, str):
        if names.count(value) != 1 or not value:
            known = ", ".join(repr(each) for each in names if each)
            raise ValueError(f"{name} must name one map, of {known}, got {value!r}")
        return names.index(value)
    number = whole_number(name, value, at_least=0)
    if number >= len(names):
        raise ValueError(f"{name} must be at most {len(names) - 1}, the number of layers, got {number}")
    return number


def _check_skips(
    size: int, layers: Sequence[Layer], sizes: list[int], pairs: Sequence[tuple[int, int]]
) -> None:
    def told(number: int) -> str:
        name = layers[number - 1].name or f"layer {number}"
        return f"{name!r}, number {number} of {len(layers)}" if number else "the input"

    for earlier, later in pairs:
        if sizes[earlier] == sizes[later]:
            continue
        near = [
            next(
                (size + way * far for far in range(1, _FARTHEST) if _fits(size + way * far, layers, pairs)), 0
            )
            for way in (-1, 1)
        ]
        use = " or ".join(f"size={each}" for each in near if each)
        raise ValueError(
            f"skips must join maps of one size, got {sizes[earlier]} pixels from {told(earlier)} and "
            f"{sizes[later]} from {told(later)}: {f'use {use}, or ' if use else ''}"
            "crop, pad or resize one of the two"
        )


def _fits(
    size: int, layers: Sequence[Layer], pairs: Sequence[tuple[int, int]], without_rest: bool = False
) -> bool:
    try:
        steps = list(_walk(size, layers))
    except ValueError:
        return False
    sizes = [size, *(step.size_after for step in steps)]
    return all(sizes[a] == sizes[b] for a, b in pairs) and not (
        without_rest and any(map(_leaves_rest, steps))
    )


def _leaves_rest(step: _Step) -> bool:
    if step.layer.grows:
        return False
    *_, after = pads(step.size, step.layer)
    return step.windows.stop - 1 + step.layer.reach != step.size + after
