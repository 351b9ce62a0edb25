"""One row for each layer, out of what a run of a model left behind."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from torch import nn

from helpers.anatomy.call import Pair, Window
from helpers.anatomy.notes import extent_notes, number, window_notes
from helpers.anatomy.paths import Extent, extent
from helpers.anatomy.steps import ModuleCall, Result, Step


@dataclass(frozen=True)
class Row:
    """One layer; a tuple holds one value for each axis of the image, None stands for what does not apply.

    Attributes:
        name: name of the module in the model; of an operator, that of the module that calls it, and its own.
        type: class of the module, or name of the operator.
        output_shape: shape of what the layer puts out, of several tensors that of the first.
        kernel_size: taps of the kernel.
        stride: cells from one window to the next; in a transposed convolution, units put out for one read.
        padding: cells (before, after), those that a separate padding operator added included.
        dilation: cells from one tap to the next.
        groups: groups of channels that a convolution keeps apart.
        receptive_field: input pixels that one unit spans, the largest over paths and units, padding included.
        jump: input pixels from one unit to the next; None along an axis on which units have no place.
        start: leftmost input index of unit 0, negative inside the padding; None if it reads nothing.
        parameters: learned numbers; those that several layers share count at the first.
        macs: multiply-accumulates for the whole batch, the bias excluded.
        activation_bytes: memory that the output newly takes; 0 for a view, and if it overwrites its input.
        pixels_unread: input pixels that no unit of the output depends on.
        padding_unread: cells of padding (before, after) that no window reads.
        note: what else is worth knowing.
    """

    name: str
    type: str
    output_shape: tuple[int, ...] | None = None
    kernel_size: tuple[int, ...] | None = None
    stride: tuple[int, ...] | None = None
    padding: tuple[Pair, ...] | None = None
    dilation: tuple[int, ...] | None = None
    groups: int | None = None
    receptive_field: tuple[int, ...] | None = None
    jump: tuple[int | float | None, ...] | None = None
    start: tuple[int | None, ...] | None = None
    parameters: int = 0
    macs: int = 0
    activation_bytes: int = 0
    pixels_unread: int | None = None
    padding_unread: tuple[Pair, ...] | None = None
    note: str = ""


@dataclass(frozen=True)
class _Layer:
    """What becomes one row: a module call with its operators, or one operator of a larger module."""

    name: str
    type: str
    result: Result | None
    steps: Sequence[Step]
    notes: Sequence[str] = ()


def rows(events: Iterable[Step | ModuleCall]) -> Iterator[Row]:
    """The rows of the layers that ran, in the order of execution."""
    previous: Extent | None = None
    known: dict[tuple[object, ...], Extent] = {}
    for layer in _layers(events):
        seen = _seen(layer.result, known) if layer.result and layer.result.paths else None
        yield _row(layer, seen, previous)
        previous = seen or previous


def rows_not_run(model: nn.Module, ran: Iterable[str], unused: dict[str, int]) -> Iterator[Row]:
    """One row for each module of which no parameter was read, and for each parameter of others."""
    modules, ran = dict(model.named_modules()), set(ran)
    idle: Counter[str] = Counter()
    for name, count in unused.items():
        parts = name.split(".")
        above = [".".join(parts[:depth]) for depth in range(1, len(parts))]
        idle[next((module for module in above if module not in ran), name)] += count
    for name, count in idle.items():
        kind = type(modules[name]).__name__ if name in modules else "Parameter"
        yield Row(name, kind, parameters=count, note="not used in this run, which is in evaluation mode")


def _layers(events: Iterable[Step | ModuleCall]) -> Iterator[_Layer]:
    """Modules that call no other, and the operators that larger modules call themselves."""
    names: Counter[str] = Counter()
    for event in events:
        if isinstance(event, Step):
            if event.caller.has_children or not event.caller.ended:
                yield from _operators([event], names)
        elif event.has_children or not _does_something(event):
            if event.notes:
                yield _Layer(event.label, type(event.module).__name__, event.result, [], event.notes)
        elif sum(bool(step.windows) for step in event.steps) > 1:
            yield from _operators(event.steps, names)
        else:
            yield _Layer(event.label, type(event.module).__name__, event.result, event.steps, event.notes)


def _does_something(call: ModuleCall) -> bool:
    """Whether a call reads the input, or multiplies; one that only prepares a weight does neither."""
    return call.result is None or bool(call.result.paths or call.steps)


def _operators(steps: Iterable[Step], names: Counter[str]) -> Iterator[_Layer]:
    for step in steps:
        if not step.folded:
            kind = step.name.strip("_").removeprefix("native_").removesuffix("_with_indices")
            kind = "pad" if kind == "constant_pad_nd" else kind
            name = f"{step.caller.name}.{kind}".lstrip(".")
            names[name] += 1
            suffix = f"_{names[name] - 1}" if names[name] > 1 else ""
            yield _Layer(name + suffix, kind, step.result, [step])


def _seen(result: Result, known: dict[tuple[object, ...], Extent]) -> Extent:
    """What the units see; many layers hand on the paths they were given, and share what is known of them."""
    key = (result.shape, *map(id, result.paths))
    if key not in known:
        known[key] = extent(result.paths, result.shape)
    return known[key]


def _row(layer: _Layer, seen: Extent | None, previous: Extent | None) -> Row:
    windows = next((step.windows for step in layer.steps if step.windows), ())
    padding = next((step.padding for step in layer.steps if step.padding), ())
    return Row(
        layer.name,
        layer.type,
        layer.result.shape if layer.result else None,
        kernel_size=tuple(window.kernel_size for window in windows) or None,
        stride=tuple(window.stride for window in windows) or None,
        padding=tuple(window.padding for window in windows) or padding or None,
        dilation=tuple(window.dilation for window in windows) or None,
        groups=next((step.groups for step in layer.steps if step.groups), None),
        receptive_field=seen.receptive_field if seen else None,
        jump=tuple(number(jumps[0]) if jumps else None for jumps in seen.jumps) if seen else None,
        start=seen.start if seen else None,
        parameters=sum(sum(step.parameters.values()) for step in layer.steps),
        macs=sum(step.macs for step in layer.steps),
        activation_bytes=layer.result.new_bytes if layer.result else 0,
        pixels_unread=seen.unread if seen else None,
        padding_unread=tuple(window.padding_unread for window in windows) or None,
        note="; ".join(dict.fromkeys(_notes(layer, windows, seen, previous))),
    )


def _notes(
    layer: _Layer, windows: Sequence[Window], seen: Extent | None, previous: Extent | None
) -> Iterator[str]:
    yield from layer.notes
    for step in layer.steps:
        yield from step.notes
    yield from window_notes(windows)
    for step in layer.steps:
        for reader in step.shared.values():
            if reader not in layer.steps:
                yield f"shares parameters with {reader.caller.label}"
    if seen is None:
        yield "does not read the input"
    elif layer.result:
        shrank = _shrinks(windows) and not _has_places(layer.result)
        yield from extent_notes(seen, previous, shrank=shrank)


def _shrinks(windows: Sequence[Window]) -> bool:
    return any(window.size > 1 for window in windows) and all(window.units == 1 for window in windows)


def _has_places(result: Result) -> bool:
    return any(axis.varying for path in result.paths for axis in path)
