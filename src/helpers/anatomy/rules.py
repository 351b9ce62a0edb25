"""The rules for torch's operators: from the paths of an operator's inputs, those of its outputs.

A rule takes a call of an operator and returns the paths from the image to its output, or a list of them for
an operator with several outputs. First come the operators that compute, then those that only move units, as a
view does, last the table that names the rule of each operator. The rules for convolution and pooling are in
`helpers.anatomy.windows`. A *unit* is one element of a tensor.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import accumulate
from typing import Any

import numpy as np
from torch import Tensor

from helpers.anatomy import windows
from helpers.anatomy.axis import AxisFields, IntArray
from helpers.anatomy.calls import OperatorCall
from helpers.anatomy.paths import Paths, map_along, map_axes, spread, union

OperatorRule = Callable[[OperatorCall], Paths | list[Paths]]


def rule_for(call: OperatorCall) -> OperatorRule:
    """The rule for an operator: its own, else that for operators of its kind, else the most cautious one."""
    if call.name in _RULES:
        return _RULES[call.name]
    if call.is_pointwise:
        return _pointwise
    if "keepdim" in call.arguments:
        return _reduction
    return _all_of_all if call.result.dim() == 0 else _unknown


def tensors_in(values: Any) -> Iterator[Tensor]:
    """The tensors among the arguments of an operator, those in lists included."""
    for value in values:
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, list | tuple):
            yield from tensors_in(value)


def _unknown(call: OperatorCall) -> list[Paths]:
    """An operator that has no rule: every unit is taken to read all that the operator reads."""
    call.notes.append(f"cannot see through {call.name}: taken to read all of its input")
    return _all_of_all(call)


def _all_of_all(call: OperatorCall) -> list[Paths]:
    """Every unit reads all that any unit of any input reads."""
    paths = union(*(spread(call.paths_of(tensor), 0) for tensor in tensors_in(call.arguments.values())))
    return [spread(paths, tensor.dim()) for tensor in tensors_in([call.output])]


def _new(call: OperatorCall) -> Paths:
    """A new tensor, whose values do not depend on the image."""
    return ()


def _pointwise(call: OperatorCall) -> Paths:
    """A unit reads the unit at the same indices of each input, by torch's rule of broadcasting."""
    return union(*(_broadcast(call, tensor) for tensor in tensors_in(call.arguments.values())))


def _copy(call: OperatorCall) -> Paths:
    """`Tensor.copy_`, by torch's rule of broadcasting."""
    return _broadcast(call, call["src"])


def _reduction(call: OperatorCall) -> Paths:
    """A sum, mean, maximum or norm over dimensions; over all that axes of the image run along, a window."""
    dims = call.dims()
    axes = {axis.dim for path in call.paths_of(call.source) for axis in path if axis.dim is not None}
    is_global = bool(axes) and axes <= set(dims)
    paths = windows.global_pooling(call, sorted(axes)) if is_global else call.ordered_paths(call.source)
    paths = map_axes(
        paths, lambda axis: axis.merged([dim for dim in dims if dim != axis.dim or dim not in axes])
    )
    return paths if call["keepdim"] else _without(paths, dims)


def _along_dim(call: OperatorCall) -> Paths:
    """Softmax, sorting, cumulative sums: a unit reads all units along one dimension."""
    return union(call.ordered_paths(call.source), call.map_source(lambda axis: axis.merged(call.dims())))


def _layer_norm(call: OperatorCall) -> Paths:
    """Layer normalization: mean and variance over the last dimensions."""
    dims = range(call.source.dim())[-len(call["normalized_shape"]) :]
    return union(call.ordered_paths(call.source), call.map_source(lambda axis: axis.merged(dims)))


def _group_norm(call: OperatorCall) -> list[Paths]:
    """Group normalization, and batch normalization without running statistics: over the whole map."""
    own, statistics = call.ordered_paths(call.source), len(call.output) - 1
    if not call.arguments.get("training", True):
        return [own] + [()] * statistics
    merged = call.map_source(lambda axis: axis.merged(range(1, call.source.dim())))
    return [union(own, merged)] + [spread(merged, 1)] * statistics


def _over_channels(call: OperatorCall) -> Paths:
    """An operator that joins units along one dimension, by default that of the channels."""
    dims = call.dims() if "dim" in call.arguments else [1]
    return call.map_source(lambda axis: axis.merged(dims))


def _matrix_product(call: OperatorCall) -> Paths:
    """A unit reads a row of the left matrix, a column of the right one, and what is added to the product."""
    *added, left, right = tensors_in(call.arguments.values())
    rows = map_axes(call.ordered_paths(left), lambda axis: axis.merged([left.dim() - 1]))
    columns = map_axes(call.ordered_paths(right), lambda axis: axis.merged([right.dim() - 2]))
    return union(rows, columns, *(_broadcast(call, tensor) for tensor in added))


def _attention(call: OperatorCall) -> Paths:
    """Fused attention of shape (..., tokens, features): a token reads its query, all keys and all values."""
    tokens, features = call["query"].dim() - 2, call["query"].dim() - 1
    query = map_axes(call.ordered_paths(call["query"]), lambda axis: axis.merged([features]))
    others = union(call.ordered_paths(call["key"]), call.ordered_paths(call["value"]))
    return union(query, map_axes(others, lambda axis: axis.merged([tokens, features])))


def _broadcast(call: OperatorCall, tensor: Tensor) -> Paths:
    shape = call.result.shape
    if tensor.shape == shape:
        return call.paths_of(tensor)
    return map_axes(call.ordered_paths(tensor), lambda axis: axis.broadcast(tensor.shape, shape))


def _unchanged(call: OperatorCall) -> Paths:
    """A copy, or the same memory under another name."""
    return call.paths_of(call.source)


def _reshape(call: OperatorCall) -> Paths:
    old, new = call.source.shape, call.result.shape
    return map_axes(call.paths_of(call.source), lambda axis: axis.reshaped(old, new))


def _restride(call: OperatorCall) -> Paths | list[Paths]:
    """`as_strided`, known only where it keeps the shape and changes the order in memory."""
    return call.ordered_paths(call.source) if call.result.shape == call.source.shape else _unknown(call)


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
    return _without(call.ordered_paths(call.source), [dim for dim in named if shape[dim] == 1])


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
        return call.map_source(lambda axis: axis.merged(dims))
    if _runs_along(call.paths_of(call.source), dims):
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
    return _without(call.map_source(lambda axis: axis.take(dim, kept)), [dim])


def _without(paths: Paths, dims: Sequence[int]) -> Paths:
    """The paths after some dimensions were merged and removed."""
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


_OPERATORS: dict[OperatorRule, str] = {
    windows.convolution_or_pooling: "convolution max_pool2d_with_indices max_pool3d_with_indices avg_pool2d"
    " avg_pool3d",
    windows.im2col: "im2col",
    windows.tensor_unfold: "unfold",
    windows.adaptive_pooling: "_adaptive_avg_pool2d _adaptive_avg_pool3d adaptive_max_pool2d"
    " adaptive_max_pool3d",
    windows.interpolation: "upsample_nearest1d upsample_nearest2d upsample_nearest3d"
    " _upsample_nearest_exact1d _upsample_nearest_exact2d _upsample_nearest_exact3d upsample_linear1d"
    " upsample_bilinear2d upsample_trilinear3d upsample_bicubic2d",
    windows.pixel_shuffle: "pixel_shuffle",
    windows.pixel_unshuffle: "pixel_unshuffle",
    _new: "arange bernoulli empty empty_like eye fill full full_like new_empty new_full new_ones new_zeros"
    " normal ones ones_like rand rand_like randn randn_like scalar_tensor uniform zero zeros zeros_like",
    _pointwise: "_prelu_kernel complex floor_divide hardswish log_sigmoid_forward native_dropout polar"
    " rrelu_with_noise tril triu",
    _copy: "copy",
    _along_dim: "_log_softmax _safe_softmax _softmax cummax cummin cumprod cumsum logcumsumexp sort topk",
    _layer_norm: "native_layer_norm",
    _group_norm: "_native_batch_norm_legit _native_batch_norm_legit_no_training native_batch_norm"
    " native_group_norm",
    _over_channels: "channel_shuffle glu index_select",
    _matrix_product: "addmm baddbmm bmm mm",
    _attention: "_scaled_dot_product_flash_attention_for_cpu _scaled_dot_product_efficient_attention"
    " _scaled_dot_product_flash_attention",
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
}
_RULES = {name: rule for rule, names in _OPERATORS.items() for name in names.split()}
