"""The table of a model: a row with notes for each layer, and the table as text, HTML or CSV."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from html import escape
from math import prod
from typing import Any

import pandas as pd
from torch import nn

from helpers.anatomy.calls import BeforeAfter, LayerOutput, MapWindow, ModuleCall, TracedStep
from helpers.anatomy.paths import FieldSummary, summarize_fields
from helpers.anatomy.trace import OUTSIDE
from helpers.commands import printable

_AXES = {1: ("positions",), 2: ("rows", "columns"), 3: ("slices", "rows", "columns")}
_UNKNOWN_FIELDS = ("receptive_field", "jump", "start")
_FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet takes for the start of a formula
_STYLE = (
    "body{font:14px/1.4 system-ui,sans-serif;margin:1rem}"
    "table{border-collapse:collapse}"
    "caption{text-align:left;padding:.5rem 0}"
    "th,td{padding:.2rem .5rem;text-align:left;border-bottom:1px solid #ccc;white-space:nowrap}"
)


@dataclass(frozen=True)
class LayerRow:
    """One layer; a tuple holds one value for each axis of the image, None stands for what does not apply.

    A unit is one element of the layer's output. It reads a pixel of the image if its value depends on it.

    Attributes:
        name: the module's name in the model; for an operator, its module's name and its own.
        type: class of the module, or name of the operator.
        output_shape: shape of the output, the first tensor of several.
        kernel_size: elements of the kernel along each axis.
        stride: as torch defines it; in a transposed convolution, output positions for each input position.
        padding: pixels (before, after) the map, including those that a padding operator just before added.
        dilation: as torch defines it.
        groups: the groups of a convolution.
        receptive_field: input pixels from the first to the last that a unit reads, padding included; the
            largest over all units and all paths through the network.
        jump: input pixels from one unit to the next; None if no dimension of the output follows the axis.
        start: first input position that unit 0 reads, negative inside the padding; None if it reads nothing.
        parameters: elements of the layer's parameters; those that several layers share count at the first.
        macs: multiply-accumulates for the whole batch, the bias excluded; None if they are not known.
        activation_bytes: bytes allocated for the output; 0 for a view, or if it overwrites the input.
        pixels_unread: input pixels that no unit reads; None if that is not known.
        padding_unread: pixels of padding (before, after) that no window reads.
        unknown: names of the columns whose value is not known; in all others, None means "does not apply".
        note: remarks, separated by semicolons, such as how many pixels no window reads.
    """

    name: str
    type: str
    output_shape: tuple[int, ...] | None = None
    kernel_size: tuple[int, ...] | None = None
    stride: tuple[int, ...] | None = None
    padding: tuple[BeforeAfter, ...] | None = None
    dilation: tuple[int, ...] | None = None
    groups: int | None = None
    receptive_field: tuple[int, ...] | None = None
    jump: tuple[int | float | None, ...] | None = None
    start: tuple[int | None, ...] | None = None
    parameters: int = 0
    macs: int | None = 0
    activation_bytes: int = 0
    pixels_unread: int | None = None
    padding_unread: tuple[BeforeAfter, ...] | None = None
    unknown: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class _Layer:
    """What one row shows: the call of a module with its operators, or one operator of a larger module."""

    name: str
    type: str
    output: LayerOutput | None
    steps: Sequence[TracedStep]
    notes: Sequence[str] = ()


def layer_rows(events: Iterable[TracedStep | ModuleCall]) -> Iterator[LayerRow]:
    """The rows of the layers that ran, in the order of execution."""
    previous: FieldSummary | None = None
    known: dict[tuple[object, ...], FieldSummary] = {}
    for layer in _layers(events):
        fields = _fields(layer.output, known) if layer.output and layer.output.paths else None
        row = _row(layer, fields, previous)
        if _is_unproductive(layer, known):
            note = "unproductive: what it reads already sees beyond the image"
            row = replace(row, note="; ".join(filter(None, [row.note, note])))
        yield row
        previous = fields or previous


def unused_rows(model: nn.Module, ran: Iterable[str], unused: dict[str, int]) -> Iterator[LayerRow]:
    """A row for each module with parameters that did not run, and for each other parameter never read.

    Args:
        model: the model.
        ran: names of the modules that were called.
        unused: parameters that no operator read, with their number of elements.
    """
    modules, ran = dict(model.named_modules()), set(ran)
    idle: Counter[str] = Counter()
    for name, count in unused.items():
        parts = name.split(".")
        above = [".".join(parts[:depth]) for depth in range(1, len(parts))]
        idle[next((module for module in above if module not in ran), name)] += count
    for name, count in idle.items():
        kind = type(modules[name]).__name__ if name in modules else "Parameter"
        yield LayerRow(name, kind, parameters=count, note="not used in this run, which is in evaluation mode")


def to_text(table: pd.DataFrame) -> str:
    """The table as aligned text, one layer a line.

    >>> from torch import nn
    >>> from helpers.anatomy import anatomy
    >>> print(to_text(anatomy(nn.Conv2d(1, 8, 3, stride=2), 28)[["name", "output_shape", "stride", "macs"]]))
    name   output shape stride macs
    Conv2d 1x8x13x13    2      12,168
    """
    readable = _readable(table)
    widths = {name: max([len(name), *map(len, readable[name])]) for name in readable}
    lines = [readable.columns, *readable.itertuples(index=False)]
    cells = (zip(line, widths.values(), strict=True) for line in lines)
    return "\n".join(" ".join(text.ljust(width) for text, width in line).rstrip() for line in cells)


def to_page(table: pd.DataFrame, title: str) -> str:
    """The table as a complete HTML page."""
    title = printable(title)
    caption = f"<caption>{escape(title)}: {escape(total_cost(table))}</caption>"
    body = _readable(table).to_html(index=False, border=0, justify="left")
    body = body.replace("<thead>", f"{caption}<thead>", 1).replace("<th>", '<th scope="col">')
    head = f'<meta charset="utf-8"><title>{escape(title)}</title><style>{_STYLE}</style>'
    return f'<!doctype html><html lang="en"><head>{head}</head><body>{body}</body></html>\n'


def to_csv(table: pd.DataFrame) -> str:
    """The table as comma-separated values; a quote keeps a spreadsheet from reading a name as a formula.

    >>> print(to_csv(pd.DataFrame({"name": ["=1+1", "conv"], "macs": [0, 9]})), end="")
    name,macs
    '=1+1,0
    conv,9
    """
    return str(table.map(_harmless).to_csv(index=False))


def total_cost(table: pd.DataFrame) -> str:
    """What all layers cost together, in one line: parameters, multiply-accumulates and memory."""
    unknown = sum("macs" in columns for columns in table["unknown"])
    return (
        f"{len(table)} layers, {table['parameters'].sum():,} parameters, {table['macs'].sum():,} MACs, "
        f"{table['activation_bytes'].sum() / 2**20:.1f} MiB of activations"
        + (f"; MACs of {unknown} layers are unknown and not counted" if unknown else "")
    )


def _layers(events: Iterable[TracedStep | ModuleCall]) -> Iterator[_Layer]:
    """Modules that call no other, and the operators that larger modules call themselves."""
    names: Counter[str] = Counter()
    last: LayerOutput | None = None
    for event in events:
        before, last = last, event.output or last
        if isinstance(event, TracedStep):
            if event.caller.has_children or not event.caller.ended:
                yield from _operators([event], names)
        elif event.has_children or not _does_something(event):
            if not event.name and event.output and event.output.paths and _moved_since(event.output, before):
                yield _Layer("output", "view", event.output, [], event.notes)
            elif event.notes:
                yield _Layer(event.label, type(event.module).__name__, event.output, [], event.notes)
        elif sum(bool(step.windows) for step in event.steps) > 1:
            yield from _operators(event.steps, names)
        else:
            yield _Layer(event.label, type(event.module).__name__, event.output, event.steps, event.notes)


def _moved_since(output: LayerOutput, last: LayerOutput | None) -> bool:
    """Whether the model returns a view of what its last layer computed, such as a slice."""
    return last is not None and (output.shape != last.shape or output.paths != last.paths)


def _does_something(call: ModuleCall) -> bool:
    """Whether a call reads the image, or multiplies; one that only prepares a weight does neither."""
    return call.output is None or bool(call.output.paths or call.steps)


def _operators(steps: Iterable[TracedStep], names: Counter[str]) -> Iterator[_Layer]:
    for step in steps:
        if not step.merged:
            kind = step.name.strip("_").removeprefix("native_").removesuffix("_with_indices")
            kind = "pad" if kind == "constant_pad_nd" else kind
            name = f"{step.caller.name}.{kind}".lstrip(".")
            names[name] += 1
            suffix = f"_{names[name] - 1}" if names[name] > 1 else ""
            yield _Layer(name + suffix, kind, step.output, [step])


def _fields(output: LayerOutput, known: dict[tuple[object, ...], FieldSummary]) -> FieldSummary:
    """What the units of an output read; computed once for all layers with the same paths."""
    key = (output.shape, *map(id, output.paths))
    if key not in known:
        known[key] = summarize_fields(output.paths, output.shape)
    return known[key]


def _is_unproductive(layer: _Layer, known: dict[tuple[object, ...], FieldSummary]) -> bool:
    """Whether a convolution reads a map whose receptive field already exceeds the image along every axis."""
    step = next((each for each in layer.steps if each.windows and each.groups), None)
    if step is None or not step.source or not step.source.paths:
        return False
    if all(window.kernel_size == 1 for window in step.windows):
        return False
    before, sizes = _fields(step.source, known), [axis.size for axis in step.source.paths[0]]
    return before.is_known and all(
        field > size for field, size in zip(before.receptive_field, sizes, strict=True)
    )


def _row(layer: _Layer, fields: FieldSummary | None, previous: FieldSummary | None) -> LayerRow:
    windows = next((step.windows for step in layer.steps if step.windows), ())
    padding = next((step.padding for step in layer.steps if step.padding), ())
    known = fields if fields and fields.is_known else None
    macs = [step.macs for step in layer.steps]
    unknown = [*_UNKNOWN_FIELDS] if fields and not known else []
    unknown += ["pixels_unread"] if fields and fields.unread is None else []
    unknown += ["macs"] if None in macs or _is_outside(layer) else []
    return LayerRow(
        layer.name,
        layer.type,
        layer.output.shape if layer.output else None,
        kernel_size=tuple(window.kernel_size for window in windows) or None,
        stride=tuple(window.stride for window in windows) or None,
        padding=tuple(window.padding for window in windows) or padding or None,
        dilation=tuple(window.dilation for window in windows) or None,
        groups=next((step.groups for step in layer.steps if step.groups), None),
        receptive_field=known.receptive_field if known else None,
        jump=tuple(_plain(jumps[0]) if jumps else None for jumps in known.jumps) if known else None,
        start=known.start if known else None,
        parameters=sum(sum(step.parameters.values()) for step in layer.steps),
        macs=None if "macs" in unknown else sum(count for count in macs if count),
        activation_bytes=layer.output.new_bytes if layer.output else 0,
        pixels_unread=fields.unread if fields else None,
        padding_unread=tuple(window.padding_unread for window in windows) or None,
        unknown=tuple(unknown),
        note="; ".join(dict.fromkeys(_notes(layer, windows, fields, previous))),
    )


def _is_outside(layer: _Layer) -> bool:
    """Whether a layer computes outside torch's operators."""
    return OUTSIDE in layer.notes


def _notes(
    layer: _Layer,
    windows: Sequence[MapWindow],
    fields: FieldSummary | None,
    previous: FieldSummary | None,
) -> Iterator[str]:
    yield from layer.notes
    for step in layer.steps:
        yield from step.notes
    yield from _window_notes(windows)
    for step in layer.steps:
        for reader in step.shared.values():
            if reader not in layer.steps:
                yield f"shares parameters with {reader.caller.label}"
    if fields and not fields.is_known:
        yield f"receptive field unknown, at most {_by_axis(fields.receptive_field)}"
    if fields is None:
        yield "does not read the input"
    elif layer.output:
        shrank = _ends_at_one(windows) and not any(
            axis.varying for path in layer.output.paths for axis in path
        )
        yield from _field_notes(fields, previous, shrank=shrank)


def _ends_at_one(windows: Sequence[MapWindow]) -> bool:
    """Whether the windows leave one position of a larger map."""
    return any(window.size > 1 for window in windows) and all(window.output_size == 1 for window in windows)


def _window_notes(windows: Sequence[MapWindow]) -> Iterator[str]:
    """What the windows of a layer leave out at this input size."""
    strides, kernels = _by_axis([w.stride for w in windows]), _by_axis([w.kernel_size for w in windows])
    skips = any(window.stride > window.effective_kernel_size for window in windows)
    if skips and any(window.transposed for window in windows):
        yield f"stride {strides} exceeds kernel {kernels}: some units read nothing"
    elif skips:
        missed = 1 - prod(1 - window.unread / window.size for window in windows)
        yield f"stride {strides} exceeds kernel {kernels}: {missed:.0%} of its own input is never read"
    elif any(window.unread for window in windows):
        lost = zip(windows, _AXES.get(len(windows), ("cells",) * len(windows)), strict=True)
        yield "of its own input it never reads " + " and ".join(
            f"{window.unread} of {window.size} {word}" for window, word in lost if window.unread
        )
    for before, after in dict.fromkeys(map(_padding_read, windows)):
        if before != after:
            yield f"padding uneven at this size: {before} read before, {after} after"


def _field_notes(fields: FieldSummary, previous: FieldSummary | None, *, shrank: bool) -> Iterator[str]:
    """What changes from the layer before to this one in what the units read of the image."""
    if shrank:
        yield "the map has shrunk to one pixel"
    if (fields.unread or 0) > ((previous.unread or 0) if previous else 0):
        yield f"{fields.unread} input pixels are never read up to here"
    for jumps in dict.fromkeys(fields.jumps):
        if len(jumps) > 1:
            yield f"paths of unequal jump: {', '.join(str(_plain(jump)) for jump in jumps)}"
    if fields.is_global and not (previous and previous.is_global):
        yield "every unit sees the whole input" if fields.unread == 0 else "every unit sees all that is read"
    before = previous.local_field if previous else None
    if fields.local_field not in (None, fields.receptive_field, before):
        yield f"receptive field {_by_axis(fields.local_field)} without the global paths"


def _padding_read(window: MapWindow) -> BeforeAfter:
    before, after = window.padding
    return before - window.padding_unread[0], after - window.padding_unread[1]


def _readable(table: pd.DataFrame) -> pd.DataFrame:
    """The table with every value as short text."""
    return pd.DataFrame(
        {name.replace("_", " "): _texts(table, name) for name in table.columns if name != "unknown"}
    )


def _texts(table: pd.DataFrame, name: str) -> list[str]:
    """The texts of one column, with a question mark for what is not known."""
    unknown = table["unknown"] if "unknown" in table else [()] * len(table)
    return [
        "?" if name in columns else _text(name, value)
        for value, columns in zip(table[name], unknown, strict=True)
    ]


def _text(column: str, value: Any) -> str:
    if isinstance(value, str):
        return printable(value)
    if column == "output_shape" and value is not None:
        return "x".join(map(str, value))
    if isinstance(value, tuple):
        return _by_axis([_pads(part) if isinstance(part, tuple) else _or_dash(part) for part in value])
    return "" if pd.isna(value) else f"{value:,}"


def _harmless(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    return f"'{printable(value)}" if value.startswith(_FORMULA_SIGNS) else printable(value)


def _pads(pair: BeforeAfter) -> str:
    """Padding of one axis: 1 for one pixel on each side, 0+1 for none before and one after."""
    before, after = pair
    return str(before) if before == after else f"{before}+{after}"


def _or_dash(value: float | None) -> str:
    return "-" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def _by_axis(values: Sequence[object]) -> str:
    """One value for each axis as text, once if all are the same: 3, or 3x5."""
    texts = list(map(str, values))
    return texts[0] if len(set(texts)) == 1 else "x".join(texts)


def _plain(value: Fraction) -> int | float:
    """A whole number as an int, any other as a float."""
    return int(value) if value.denominator == 1 else float(value)
