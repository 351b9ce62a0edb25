"""The rules for torch's operators that move units and compute nothing, as a view does.

A rule takes a call of an operator and returns the paths from the image to its output, a list of them for an
operator with several outputs, or None if it cannot tell. A *unit* is one element of a tensor. Operators such
as `gather`, whose arguments say where units go, share the rule of `helpers.anatomy.moves`.
"""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import accumulate

import numpy as np
import torch
from torch import Tensor

from helpers.anatomy.axis import AxisFields
from helpers.anatomy.calls import OperatorCall
from helpers.anatomy.moves import moved
from helpers.anatomy.paths import Paths, at_most, map_along, map_axes, merge, union
from helpers.anatomy.spans import IntArray

OperatorRule = Callable[[OperatorCall], Paths | list[Paths] | None]


def _unchanged(call: OperatorCall) -> Paths:
    """A copy, or the same memory under another name."""
    return call.paths(call.source)


def _reshape(call: OperatorCall) -> Paths:
    old, new = call.source.shape, call.result.shape
    return map_axes(call.paths(call.source), lambda axis: axis.reshaped(old, new))


def _restride(call: OperatorCall) -> Paths | None:
    """`as_strided`: at the same shape, a change of memory layout; else a view whose parts may overlap."""
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
        return at_most(call.merged_paths(call.source, dims))
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
    """`torch.cat`: along an axis of the image, each tensor's paths hold at its own indices only.

    If one tensor alone reads the image, the others are its padding, as in `cat([zeros, x])`.
    """
    parts = [tensor for tensor in call["tensors"] if tensor.dim() == call.result.dim()]
    dim, size = call["dim"] % call.result.dim(), call.result.shape[call["dim"]]
    paths = list(map(call.ordered_paths, parts))
    if not any(_runs_along(own, [dim]) for own in paths):
        return union(*paths)
    embedded: list[Paths] = []
    for own, part, end in zip(paths, parts, accumulate(part.shape[dim] for part in parts), strict=True):
        count, index = part.shape[dim], np.arange(size)
        if sum(map(bool, paths)) == 1:
            change = partial(AxisFields.pad, dim=dim, before=end - count, after=size - end)
        else:
            change = partial(AxisFields.embedded, dim=dim, offset=end - count, count=count, size=size)
        embedded.append(map_along(own, dim, change, (index >= end - count) & (index < end)))
    return union(*embedded)


def _stack(call: OperatorCall) -> Paths:
    """`torch.stack`: each unit is taken to read what all tensors read at its indices."""
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
    """The paths at one index of a dimension, which is removed."""
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
