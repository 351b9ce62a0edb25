"""The rules for torch's operators: from the paths of an operator's inputs, those of its outputs.

A rule takes a call of an operator and returns the paths from the image to its output, or a list of them for
an operator with several outputs. Here are the operators that compute, and the table that names the rule of
each; those that only move units are in `helpers.anatomy.views`, convolution and pooling in
`helpers.anatomy.windows`. A *unit* is one element of a tensor.
"""

from functools import partial

import numpy as np
from torch import Tensor

from helpers.anatomy import windows
from helpers.anatomy.axis import AxisFields
from helpers.anatomy.calls import OperatorCall, tensors_in
from helpers.anatomy.measure import measured_paths
from helpers.anatomy.paths import (
    Paths,
    at_most,
    everywhere,
    map_axes,
    merge,
    ordered,
    roughened,
    spread,
    union,
)
from helpers.anatomy.views import VIEWS, OperatorRule, without


def rule_for(call: OperatorCall) -> OperatorRule:
    """The rule for an operator: its own, else that for operators of its kind, else the most cautious one."""
    if call.name in _RULES:
        return _RULES[call.name]
    if call.is_pointwise:
        return _pointwise
    if "keepdim" in call.arguments:
        return _reduction
    return _all_of_all if call.result.dim() == 0 and call.name != "trace" else _unknown


def output_paths(call: OperatorCall) -> list[Paths]:
    """The paths of each output of an operator, by its rule.

    If the rule returns the paths of the first output only, others of the same shape share them, and one of
    another shape is taken to read all that the first does. An argument that depends on the image and that the
    rule does not follow, such as a weight computed from it, is taken to be read by every unit.
    """
    outputs = [*tensors_in([call.output])]
    found = rule_for(call)(call)
    if found is None:
        found = _unknown(call)
    if not isinstance(found, list):
        first = outputs[0].shape
        found = [found if each.shape == first else spread(found, each.dim()) for each in outputs]
    others = [each for each in tensors_in(call.arguments.values()) if id(each) not in call.followed]
    for other in others:
        if given := call.paths_of(other):
            found = [
                union(paths, everywhere(given, tensor.dim()))
                for paths, tensor in zip(found, outputs, strict=True)
            ]
    return found


def _unknown(call: OperatorCall) -> list[Paths]:
    """An operator that has no rule: measured, or else every unit is taken to read all that it reads."""
    call.is_opaque = True
    if (found := measured_paths(call)) is not None:
        call.followed.update(id(tensor) for tensor in tensors_in(call.arguments.values()))
        call.notes.append(f"measured on random values, for there is no rule for {call.name.strip('_')}")
        return found
    call.notes.append(f"cannot see through {call.name.strip('_')}: what it reads is not known")
    return [at_most(paths) for paths in _all_of_all(call)]


def _all_of_all(call: OperatorCall) -> list[Paths]:
    """Every unit reads all that any unit of any input reads."""
    paths = union(*(spread(call.paths(tensor), 0) for tensor in tensors_in(call.arguments.values())))
    return [spread(paths, tensor.dim()) for tensor in tensors_in([call.output])]


def _new(call: OperatorCall) -> Paths:
    """A new tensor, whose values do not depend on the image, unless it is filled with one that does."""
    if isinstance(first := next(iter(call.arguments.values()), None), Tensor):
        call.followed.add(id(first))  # it gives its shape, or is overwritten
    return ()


def _drawn(call: OperatorCall) -> Paths:
    """Random numbers; out of place, the parameters of their distribution may depend on the image."""
    return _new(call) if call.is_in_place else _pointwise(call)


def _pointwise(call: OperatorCall) -> Paths:
    """A unit reads the unit at the same indices of each input, by torch's rule of broadcasting."""
    return union(*(_broadcast(call, tensor) for tensor in tensors_in(call.arguments.values())))


def _copy(call: OperatorCall) -> Paths:
    """`Tensor.copy_`, by torch's rule of broadcasting."""
    call.followed.add(id(call.source))
    return _broadcast(call, call["src"])


def _reduction(call: OperatorCall) -> Paths:
    """A sum, mean, maximum or norm; over all dimensions that follow the image, it is a global pooling."""
    dims = call.dims()
    axes = {axis.dim for path in call.paths(call.source) for axis in path if axis.dim is not None}
    in_order = ordered(call.paths(call.source), call.source.shape) == call.paths(call.source)
    if axes and axes <= set(dims) and in_order:
        paths = windows.global_pooling(call, sorted(axes))
    else:
        paths = ordered(call.paths(call.source), call.source.shape, dims)
    paths = merge(paths, [dim for dim in dims if dim not in axes])
    return paths if call["keepdim"] else without(paths, dims)


def _along_dim(call: OperatorCall) -> Paths:
    """Softmax, sorting: a unit reads all units along one dimension."""
    return union(call.ordered_paths(call.source), call.merged_paths(call.source, call.dims()))


def _cumulative(call: OperatorCall) -> Paths:
    """Cumulative sums: a unit reads all units up to its own along one dimension."""
    [dim] = call.dims()
    return _accumulated(call.ordered_paths(call.source), dim)


def _accumulated(paths: Paths, dim: int) -> Paths:
    return map_axes(tuple(roughened(path, dim) for path in paths), lambda axis: axis.accumulated(dim))


def _layer_norm(call: OperatorCall) -> Paths:
    """Layer normalization: mean and variance over the last dimensions."""
    dims = range(call.source.dim())[-len(call["normalized_shape"]) :]
    merged = call.merged_paths(call.source, dims)
    affine = (call[name] for name in ("weight", "bias") if call[name] is not None)
    return union(call.ordered_paths(call.source), merged, *(_broadcast(call, tensor) for tensor in affine))


def _group_norm(call: OperatorCall) -> list[Paths]:
    """Group normalization, and batch normalization without running statistics: over the whole map."""
    own, statistics = call.ordered_paths(call.source), len(call.output) - 1
    affine = (call.arguments.get(name) for name in ("weight", "bias", "running_mean", "running_var"))
    dims = call.source.dim()
    own = union(own, *(windows.per_channel(call, tensor, dims) for tensor in affine if tensor is not None))
    if not call.arguments.get("training", True):
        return [own] + [()] * statistics
    merged = call.merged_paths(call.source, range(1, call.source.dim()))
    return [union(own, merged)] + [spread(merged, 1)] * statistics


def _glu(call: OperatorCall) -> Paths:
    """Gated linear unit: the first half of a dimension times the second."""
    [dim] = call.dims()
    half = call.result.shape[dim]
    parts = (np.arange(half), np.arange(half, 2 * half))
    return union(*(call.map_source(partial(AxisFields.take, dim=dim, index=part)) for part in parts))


def _vector_product(call: OperatorCall) -> Paths:
    """A unit reads a row of the matrix, all of the vector, and what is added to the product."""
    *added, matrix, vector = tensors_in(call.arguments.values())
    rows = without(call.merged_paths(matrix, [1]), [1])
    return union(rows, spread(call.paths(vector), 1), *(_broadcast(call, tensor) for tensor in added))


def _matrix_product(call: OperatorCall) -> Paths:
    """A unit reads a row of the left matrix, a column of the right one, and what is added to the product."""
    *added, left, right = tensors_in(call.arguments.values())
    rows = call.merged_paths(left, [left.dim() - 1])
    columns = call.merged_paths(right, [right.dim() - 2])
    return union(rows, columns, *(_broadcast(call, tensor) for tensor in added))


def _attention(call: OperatorCall) -> Paths:
    """Fused attention of shape (..., tokens, features): a token reads its query, all keys and all values."""
    tokens, features = call["query"].dim() - 2, call["query"].dim() - 1
    query = call.merged_paths(call["query"], [features])
    others = (call.merged_paths(call[name], [tokens, features]) for name in ("key", "value"))
    return union(query, *others)


def _transform(call: OperatorCall) -> Paths:
    """A Fourier transform; the inverse may undo the mixing, so its fields are upper bounds."""
    call.is_opaque = True  # its cost depends on how it is computed
    mixed = call.merged_paths(call.source, call.dims())
    is_back = not call.arguments.get("forward", call.name == "_fft_r2c")
    return at_most(mixed) if is_back else mixed


def _recurrent(call: OperatorCall) -> list[Paths]:
    """LSTM, GRU, RNN: a step reads all steps up to its own; if bidirectional, all steps."""
    time, features = (1, 2) if call["batch_first"] else (0, 2)
    states = call["hx"] if isinstance(call["hx"], list | tuple) else [call["hx"]]
    given = union(*(everywhere(call.paths(state), 3) for state in states))
    source = call.merged_paths(call.source, [features])
    whole = merge(source, [time])
    steps = whole if call["bidirectional"] else _accumulated(source, time)
    last = map_axes(whole, lambda axis: axis.permuted([1, 0, 2])) if time else whole
    return [union(steps, given)] + [union(last, given)] * (len(call.output) - 1)


def _broadcast(call: OperatorCall, tensor: Tensor) -> Paths:
    shape = call.result.shape
    if tensor.shape == shape:
        return call.paths(tensor)
    return map_axes(call.ordered_paths(tensor), lambda axis: axis.broadcast(tensor.shape, shape))


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
    _new: "arange empty empty_like eye fill full full_like new_empty new_full new_ones new_zeros"
    " ones ones_like rand rand_like randn randn_like scalar_tensor zero zeros zeros_like",
    _drawn: "bernoulli normal uniform",
    _pointwise: "_neg_view _conj _conj_physical _prelu_kernel complex floor_divide hardswish"
    " log_sigmoid_forward native_dropout polar"
    " rrelu_with_noise",
    _copy: "copy",
    _along_dim: "_log_softmax _safe_softmax _softmax sort topk",
    _cumulative: "cummax cummin cumprod cumsum logcumsumexp",
    _vector_product: "addmv mv",
    _glu: "glu",
    _recurrent: "recurrent",
    _transform: "_fft_c2c _fft_c2r _fft_r2c",
    _layer_norm: "native_layer_norm",
    _group_norm: "_native_batch_norm_legit _native_batch_norm_legit_no_training native_batch_norm"
    " native_group_norm",
    _matrix_product: "addmm baddbmm bmm mm",
    _attention: "_scaled_dot_product_flash_attention_for_cpu _scaled_dot_product_efficient_attention"
    " _scaled_dot_product_flash_attention",
}
_RULES = {name: rule for rule, names in {**_OPERATORS, **VIEWS}.items() for name in names.split()}
