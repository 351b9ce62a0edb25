"""What a stack of layers sees along one axis: receptive field, map sizes, pixels it never reads."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from helpers.arithmetic.indices import Indices
from helpers.arithmetic.layer import Layer
from helpers.arithmetic.window import count, read_by, starts
from helpers.checks import whole_number


class ReceptiveField(NamedTuple):
    """What one unit of the last map sees.

    Attributes:
        size: input pixels from the leftmost one it reads to the rightmost, both included.
        jump: input pixels from one unit to the next, the product of all strides.
    """

    size: int
    jump: int


class TraceRow(NamedTuple):
    """One layer of a stack.

    Attributes:
        name: the layer's name, or its position ("layer 1") if it has none.
        size: units of the map it puts out.
        jump: input pixels from one unit to the next.
        receptive_field: input pixels that one unit spans.
        start: leftmost input index of unit 0; negative inside the padding.
    """

    name: str
    size: int
    jump: int
    receptive_field: int
    start: int


_NO_LAYERS = (str, bytes, bytearray, memoryview, range)  # sequences of something else, even when empty


class _Step(NamedTuple):
    name: str
    layer: Layer
    size: int  # of the map the layer reads
    windows: range


def receptive_field(layers: Sequence[Layer]) -> ReceptiveField:
    """Receptive field and jump of a unit after all `layers`, in input pixels.

    A stride beyond the kernel, or a dilation, can leave holes in the field: `size` is its span.

    Raises:
        TypeError: if `layers` is not a sequence of Layer.

    Source: Araujo, Norris & Sim 2019.

    >>> receptive_field([Layer(3, stride=2), Layer(3)])
    ReceptiveField(size=7, jump=2)
    """
    field = ReceptiveField(size=1, jump=1)
    for layer in _checked(layers):
        field = _beyond(field, layer)
    return field


def trace(size: int, layers: Sequence[Layer]) -> list[TraceRow]:
    """One row for each layer of a stack over an axis of `size` pixels.

    Raises:
        TypeError: if `size` is not an integer, or `layers` not a sequence of Layer.
        ValueError: if a layer shrinks the map below one pixel; the message says which.

    Source: Araujo, Norris & Sim 2019.

    >>> trace(28, [Layer(3, padding=1, name="conv"), Layer(2, stride=2, name="pool")])[-1]
    TraceRow(name='pool', size=14, jump=2, receptive_field=4, start=-1)
    """
    rows: list[TraceRow] = []
    field, start = ReceptiveField(size=1, jump=1), 0
    for step in _walk(size, layers):
        start += step.windows.start * field.jump
        field = _beyond(field, step.layer)
        rows.append(TraceRow(step.name, count(step.windows), field.jump, field.size, start))
    return rows


def network_unread(size: int, layers: Sequence[Layer]) -> tuple[int, ...]:
    """Input indices that no unit of the last map depends on.

    Every layer that floors may drop the end of its map, and all that only this end has read is lost with it.

    Raises:
        TypeError: if `size` is not an integer, or `layers` not a sequence of Layer.
        ValueError: if a layer shrinks the map below one pixel, the message says which; or if more than
            10,000,000 pixels are unread.

    >>> network_unread(28, [Layer(3), Layer(2, stride=2), Layer(3), Layer(2, stride=2)])
    (26, 27)
    """
    size = whole_number("size", size, at_least=1)
    steps = list(_walk(size, layers))
    needed = Indices.first(count(steps[-1].windows) if steps else size)
    for step in reversed(steps):
        needed = read_by(needed, step.windows, step.layer).below(step.size)  # the rest is padding
    return needed.missing(size)


def _beyond(field: ReceptiveField, layer: Layer) -> ReceptiveField:
    return ReceptiveField(field.size + (layer.reach - 1) * field.jump, field.jump * layer.stride)


def _walk(size: int, layers: Sequence[Layer]) -> Iterator[_Step]:
    size = whole_number("size", size, at_least=1)
    for position, layer in enumerate(_checked(layers), start=1):
        name = layer.name or f"layer {position}"
        try:
            windows = starts(size, layer)
        except ValueError as error:
            place = f"{name!r}, number {position} of {len(layers)},"
            raise ValueError(f"{place} shrinks the map below one pixel: {error}") from None
        yield _Step(name, layer, size, windows)
        size = count(windows)


def _checked(layers: Sequence[Layer]) -> Sequence[Layer]:
    if not isinstance(layers, Sequence) or isinstance(layers, _NO_LAYERS):
        raise TypeError(f"layers must be a sequence of Layer, got {layers!r}")
    for position, layer in enumerate(layers):
        if not isinstance(layer, Layer):
            raise TypeError(f"layers[{position}] must be a Layer, got {layer!r}")
    return layers
