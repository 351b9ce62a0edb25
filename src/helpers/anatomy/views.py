"""The rules for torch's operators that move units and compute nothing, as a view does.

A rule takes a call of an operator and returns the paths from the image to its output, a list of them for an
operator with several outputs, or None if it cannot tell. A *unit* is one element of a tensor. Operators that
move units to places that their arguments say share one rule, `moved`, which runs them on the units' numbers.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from itertools import accumulate
from math import prod

import numpy as np
import torch
from torch import Tensor

from helpers.anatomy.axis import EXACT, ROUGH, AxisFields
from helpers.anatomy.calls import OperatorCall
from helpers.anatomy.paths import InputPath, Paths, apart, at_most, map_along, map_axes, merge, union
from helpers.anatomy.spans import EMPTY_SPAN, BoolArray, IntArray

OperatorRule = Callable[[OperatorCall], Paths | list[Paths] | None]

_INDICES = ("index", "indices", "mask", "repeats")  # arguments that say where to, and are no units themselves
_MOST_UNITS = 2**20
_NOTHING = -1  # the number of what is no unit of a tensor that reads the image


def _unchanged(call: OperatorCall) -> Paths:
    """A copy, or the same memory under another name."""
    return call.paths(call.source)


def _reshape(call: OperatorCall) -> Paths:
    old, new = call.source.shape, call.result.shape
    return map_axes(call.paths(call.source), lambda axis: axis.reshaped(old, new))


def _restride(call: OperatorCall) -> Paths | None:
    """`as_strided`, where it keeps the shape and changes the order in memory; else frames that overlap."""
    return call.ordered_paths(call.source) if call.result.shape == call.source.shape else moved(call)


def _index(call: OperatorCall) -> Paths | None:
    """Indexing by tensors, `x[:, [2, 1, 0]]`."""
    given = {dim: index for dim, index in enumerate(call["indices"]) if index is not None}
    [(dim, index), *others] = given.items()
    values = None if others or index.dim() != 1 or index.dtype == torch.bool else call.value_of(index)
    if values is None:
        return moved(call)
    return _selected(call, dim, values)


def _index_select(call: OperatorCall) -> Paths | None:
    [dim], values = call.dims(), call.value_of(call["index"])
    return None if values is None else _selected(call, dim, values.reshape(-1))


def _selected(call: OperatorCall, dim: int, index: Tensor) -> Paths:
    places = index.cpu().numpy().astype(np.int64) % call.source.shape[dim]
    return call.map_source(lambda axis: axis.selected(dim, places))


def _permute(call: OperatorCall) -> Paths:
    """`permute`, `transpose` and `t`."""
    order = list(range(call.source.dim()))
    if call.name == "permute":
        order = call.dims("dims")
    elif len(order) > 1:
        first, second = (call.dims("dim0")[0], call.dims("dim1")[0]) if call.name == "transpose" else (0, 1)
        order[first], order[second] = order[second], order[first]
    return call.map_source(lambda axis: axis.permuted(order))


def _expand(call: OperatorCall) -> Paths:
    old, new = call.source.shape, call.result.shape
    return call.map_source(lambda axis: axis.broadcast(old, new))


def _unsqueeze(call: OperatorCall) -> Paths:
    dim = call["dim"] % call.result.dim()
    return call.map_source(lambda axis: axis.unsqueezed(dim))


def _squeeze(call: OperatorCall) -> Paths:
    named = call.dims() if "dim" in call.arguments else range(call.source.dim())
    shape = call.source.shape
    return without(call.ordered_paths(call.source), [dim for dim in named if shape[dim] == 1])


def _slice(call: OperatorCall) -> Paths:
    [dim], step = call.dims(), call["step"]
    index = np.arange(call.source.shape[dim])[call["start"] : call["end"] : step]
    return call.map_source(lambda axis: axis.take(dim, index, stride=step))


def _select(call: OperatorCall) -> Paths:
    return _at(call, call["index"])


def _unbind(call: OperatorCall) -> list[Paths]:
    return [_at(call, index) for index in range(len(call.output))]


def _split(call: OperatorCall) -> list[Paths]:
    [dim] = call.dims()
    ends = accumulate(part.shape[dim] for part in call.output)
    parts = [np.arange(end - part.shape[dim], end) for part, end in zip(call.output, ends, strict=True)]
    return [call.map_source(partial(AxisFields.take, dim=dim, index=index)) for index in parts]


def _roll(call: OperatorCall) -> Paths:
    dims = call.dims("dims")
    if not call["dims"]:  # torch rolls the flattened tensor
        return at_most(merge(call.ordered_paths(call.source), dims))
    if _runs_along(call.paths(call.source), dims):
        call.notes.append("shifts the map around its edges: opposite borders meet here, masked or not")
    shifts = zip(dims, call["shifts"], strict=True)
    return _rearranged(call, {dim: partial(np.roll, shift=shift) for dim, shift in shifts})


def _flip(call: OperatorCall) -> Paths:
    return _rearranged(call, dict.fromkeys(call.dims("dims"), np.flip), stride=-1)


def _repeat(call: OperatorCall) -> Paths:
    shape, copies = call.source.shape, call["repeats"]
    new = len(copies) - len(shape)

    def repeated(axis: AxisFields) -> AxisFields:
        axis = axis.broadcast(shape, [1] * new + list(shape))
        for dim, size in enumerate(shape, new):
            axis = axis.take(dim, np.tile(np.arange(size), copies[dim]))
        return axis

    return call.map_source(repeated)


def _concatenate(call: OperatorCall) -> Paths:
    """The paths of all tensors, along an axis of the image each only at the indices of its own tensor."""
    parts = [tensor for tensor in call["tensors"] if tensor.dim() == call.result.dim()]
    dim, size = call["dim"] % call.result.dim(), call.result.shape[call["dim"]]
    paths = list(map(call.ordered_paths, parts))
    if not any(_runs_along(own, [dim]) for own in paths):
        return union(*paths)
    embedded: list[Paths] = []
    for own, part, end in zip(paths, parts, accumulate(part.shape[dim] for part in parts), strict=True):
        count, index = part.shape[dim], np.arange(size)
        change = partial(AxisFields.embedded, dim=dim, offset=end - count, count=count, size=size)
        embedded.append(map_along(own, dim, change, (index >= end - count) & (index < end)))
    return union(*embedded)


def _stack(call: OperatorCall) -> Paths:
    """Tensors along a new dimension; each unit is taken to read what all of them read at its indices."""
    dim = call["dim"] % call.result.dim()
    parts = (
        map_axes(call.ordered_paths(part), lambda axis: axis.unsqueezed(dim)) for part in call["tensors"]
    )
    return union(*parts)


def _pad(call: OperatorCall) -> Paths:
    """Padding in every mode of `F.pad`; a negative amount crops."""
    amounts, shape = call["pad" if "pad" in call.arguments else "padding"], call.source.shape
    last_first = enumerate(zip(amounts[::2], amounts[1::2], strict=True), 1)
    sides = {len(shape) - nth: pair for nth, pair in last_first if pair != (0, 0)}
    if min(amounts) >= 0:
        call.padding = sides
    mode = call.name.partition("_")[0]  # reflection_pad2d: reflection
    source_of = _FILLED_FROM_MAP.get(mode)
    if source_of is not None:
        call.notes.append(f"padding is filled from the map: {mode}")

    paths = call.ordered_paths(call.source)
    for dim, (before, after) in sides.items():
        index = np.arange(-before, shape[dim] + after)
        source = source_of(index, shape[dim]) if source_of else None
        kept = (index >= 0) & (index < shape[dim]) if source is None else np.ones(len(index), dtype=bool)
        change = partial(AxisFields.pad, dim=dim, before=before, after=after, source=source)
        paths = map_along(paths, dim, change, kept)
    return paths


def _reflected(index: IntArray, size: int) -> IntArray:
    period = max(1, 2 * (size - 1))
    return np.minimum(index % period, -index % period)


def _replicated(index: IntArray, size: int) -> IntArray:
    return index.clip(0, size - 1)


def _wrapped(index: IntArray, size: int) -> IntArray:
    return index % size


_FILLED_FROM_MAP = {"circular": _wrapped, "reflection": _reflected, "replication": _replicated}


def _runs_along(paths: Paths, dims: Sequence[int]) -> bool:
    return any(axis.runs_along(dim) for path in paths for axis in path for dim in dims)


def _at(call: OperatorCall, index: int) -> Paths:
    """One index of a dimension, which the output does not have."""
    [dim] = call.dims()
    kept = np.array([index % call.source.shape[dim]])
    return without(call.map_source(lambda axis: axis.take(dim, kept)), [dim])


def _to_real(call: OperatorCall) -> Paths:
    """A complex tensor as pairs of real numbers, both of which are taken to read what it reads."""
    return call.map_source(lambda axis: axis.unsqueezed(len(axis.shape)))


def _to_complex(call: OperatorCall) -> Paths:
    """Pairs of real numbers as complex ones."""
    return without(call.ordered_paths(call.source), [call.source.dim() - 1])


def without(paths: Paths, dims: Sequence[int]) -> Paths:
    """The paths after some dimensions were merged and removed."""
    paths = merge(paths, dims)
    for dim in sorted(dims, reverse=True):
        paths = map_axes(paths, lambda axis, dim=dim: axis.squeezed(dim))  # type: ignore[misc]
    return paths


def _rearranged(
    call: OperatorCall, orders: dict[int, Callable[[IntArray], IntArray]], stride: int = 1
) -> Paths:
    def rearranged(axis: AxisFields) -> AxisFields:
        for dim, order in orders.items():
            axis = axis.take(dim, order(np.arange(call.source.shape[dim])), stride=stride)
        return axis

    return call.map_source(rearranged)


def moved(call: OperatorCall) -> Paths | None:
    """The paths of a result made of units of the arguments, at places that do not depend on the image.

    Returns:
        None if where units go is not known, or if they are more than a million.

    Raises:
        NeedsValues: if the values of an index are needed, and another run would tell.
    """
    numbered: list[tuple[Tensor, int]] = []
    start = 1

    def number(name: str, value: object) -> object:
        nonlocal start
        if isinstance(value, list | tuple):
            return type(value)(number(name, each) for each in value)
        if not isinstance(value, Tensor):
            return _NOTHING if name == "value" else value
        if name in _INDICES:
            known = call.value_of(value)
            if known is None:
                raise _UnknownIndexError
            return known.cpu()
        if not call.paths_of(value):
            return torch.full(value.shape, _NOTHING)
        numbered.append((value, start))
        start += value.numel()
        return torch.arange(start - value.numel(), start).reshape(value.shape)

    if call.result.numel() > _MOST_UNITS or call.func is None:
        return None
    if call.arguments.get("accumulate") or "reduce" in call.arguments:
        return None
    try:
        arguments = {name: number(name, value) for name, value in call.arguments.items()}
    except _UnknownIndexError:
        return None
    try:
        units = call.func(**arguments).cpu().numpy()
    except RuntimeError:  # an overload that does not take whole numbers
        return None
    return union(
        *(
            _taken(apart(call.ordered_paths(tensor)), tensor.shape, units - first)
            for tensor, first in numbered
        )
    )


class _UnknownIndexError(Exception):
    """An index depends on the image, or on values that nothing tells."""


def overwritten(tensor: Tensor, paths: Paths, written: Tensor, its_paths: Paths) -> Paths | None:
    """The paths to a tensor after another tensor on the same memory was written to.

    Returns:
        None if the two have more than a million units.
    """
    if max(tensor.numel(), written.numel()) > _MOST_UNITS or not tensor.numel() or not written.numel():
        return None
    own, others = _offsets(tensor), _offsets(written)
    units = np.full(max(own.max(), others.max()) + 1, _NOTHING)
    units[others.reshape(-1)] = np.arange(written.numel())
    units = units[own]
    kept = np.where(units < 0, np.arange(tensor.numel()).reshape(units.shape), _NOTHING)
    return union(_taken(paths, tensor.shape, kept), _taken(its_paths, written.shape, units))


def _offsets(tensor: Tensor) -> IntArray:
    """Where in memory each element of a tensor lies."""
    offsets = np.array(tensor.storage_offset())
    for size, stride in zip(tensor.shape, tensor.stride(), strict=True):
        offsets = offsets[..., None] + np.arange(size) * stride
    return offsets


def _taken(paths: Paths, shape: Sequence[int], units: IntArray) -> Paths:
    """The paths to a result whose units are these units of a tensor; those it does not have read nothing.

    Where the units that it has are no block of rows and columns, or rows and columns are mixed, what a window
    over them reads is no rectangle: then the paths are `ROUGH`.
    """
    inside = (units >= 0) & (units < prod(shape))
    if not inside.any():
        return ()
    kept = [
        np.asarray(inside.any(axis=tuple(other for other in range(inside.ndim) if other != dim)))
        for dim in range(inside.ndim)
    ]
    if np.count_nonzero(inside) != prod(np.count_nonzero(each) for each in kept):
        units = np.where(inside, units, 0)
        rough = (tuple(_taken_along(axis, shape, units, inside) for axis in path) for path in paths)
        return tuple(tuple(replace(axis, bound=max(axis.bound, ROUGH)) for axis in path) for path in rough)
    for dim, each in enumerate(kept):  # the others get the fields of a neighbour, and then lose them
        there = np.flatnonzero(each)
        nearest = there[np.searchsorted(there, np.arange(len(each))).clip(0, len(there) - 1)]
        units = units.take(nearest, axis=dim)
    everywhere = np.ones(units.shape, dtype=bool)
    return tuple(
        _masked_path(tuple(_taken_along(axis, shape, units, everywhere) for axis in path), kept)
        for path in paths
    )


def _masked_path(path: InputPath, kept: Sequence[BoolArray]) -> InputPath:
    """A path of which only a block of units is kept: that axis loses units which varies along a dimension."""
    axes = list(path)
    for dim, each in enumerate(kept):
        if not each.all():
            index = next((i for i, axis in enumerate(axes) if axis.shape[dim] > 1), 0)
            axes[index] = axes[index].masked(dim, each)
    varying = [dim for axis in axes for dim in axis.varying]
    bound = EXACT if len(set(varying)) == len(varying) else ROUGH
    return tuple(replace(axis, bound=max(axis.bound, bound)) for axis in axes)


def _taken_along(axis: AxisFields, shape: Sequence[int], units: IntArray, inside: BoolArray) -> AxisFields:
    axis = axis.ordered(shape)
    spans = axis.reads.shape[-2]
    span = np.broadcast_to(axis.span, (*shape, 2)).reshape(prod(shape), 2)[units]
    reads = np.broadcast_to(axis.reads, (*shape, spans, 2)).reshape(prod(shape), spans, 2)[units]
    span = np.where(inside[..., None], span, EMPTY_SPAN)
    reads = np.where(inside[..., None, None], reads, EMPTY_SPAN)
    return replace(axis, span=span, reads=reads, dim=None).condensed().placed()


VIEWS: dict[OperatorRule, str] = {
    _unchanged: "alias clone contiguous detach lift lift_fresh _to_copy",
    _reshape: "view _unsafe_view _reshape_alias reshape",
    _restride: "as_strided",
    _permute: "permute transpose t",
    _expand: "expand",
    _unsqueeze: "unsqueeze",
    _squeeze: "squeeze",
    _slice: "slice",
    _select: "select",
    _unbind: "unbind",
    _split: "split split_with_sizes unsafe_split unsafe_split_with_sizes",
    _roll: "roll",
    _flip: "flip",
    _repeat: "repeat",
    _concatenate: "cat",
    _stack: "stack",
    _pad: "circular_pad constant_pad_nd reflection_pad1d reflection_pad2d reflection_pad3d"
    " replication_pad1d replication_pad2d replication_pad3d",
    _index: "index",
    _index_select: "index_select",
    _to_real: "view_as_real",
    _to_complex: "view_as_complex",
    moved: "diag diag_embed diagonal diagonal_copy gather index_fill index_put index_copy rot90 scatter"
    " select_scatter slice_scatter take take_along_dim tril triu masked_scatter channel_shuffle"
    " repeat_interleave",
}
