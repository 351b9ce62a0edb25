"""What each torch operator does to the paths of the tensors it reads."""

from collections.abc import Callable, Iterator
from typing import Any

from torch import Tensor

from helpers.anatomy import moves
from helpers.anatomy.call import Call
from helpers.anatomy.paths import Paths, each, union
from helpers.anatomy.resizing import resize, shuffle_down, shuffle_up
from helpers.anatomy.windows import adaptive_pooling, global_pooling, sliding, unfolding, unfolding_one

Rule = Callable[[Call], Paths | list[Paths]]  # a list holds the paths of each output


def rule_of(call: Call) -> Rule:
    """The rule for an operator: its own, that of its kind, or `opaque` where nothing is known of it."""
    if call.name in _RULES:
        return _RULES[call.name]
    if call.is_pointwise:
        return pointwise
    if "keepdim" in call.arguments:
        return reduction
    return everything if call.result.dim() == 0 else opaque


def opaque(call: Call) -> list[Paths]:
    """An operator that nothing is known of: every unit may read all that the operator reads."""
    call.notes.append(f"cannot see through {call.name}: taken to read all of its input")
    return everything(call)


def everything(call: Call) -> list[Paths]:
    """Every unit reads all that any unit of any input reads."""
    paths = union(*(scattered(call.paths_of(tensor), 0) for tensor in tensors_in(call.arguments.values())))
    return [scattered(paths, tensor.dim()) for tensor in tensors_in([call.output])]


def scattered(paths: Paths, count: int) -> Paths:
    """The paths of a tensor of `count` dimensions, of which each unit reads all that these read."""
    return union(each(paths, lambda axis: axis.everywhere(count)))


def nothing(call: Call) -> Paths:
    """A new tensor whose values do not depend on the input."""
    return ()


def pointwise(call: Call) -> Paths:
    """Every unit reads the unit at its place in each input, by torch's rule of broadcasting."""
    return union(*(_broadcast(call, tensor) for tensor in tensors_in(call.arguments.values())))


def copy(call: Call) -> Paths:
    """`copy_`: the units of another tensor, by torch's rule of broadcasting."""
    return _broadcast(call, call["src"])


def reduction(call: Call) -> Paths:
    """A sum, mean, maximum or norm over whole dimensions; over those of the image it is a window."""
    dims = call.dims()
    homes = {axis.dim for path in call.paths_of(call.source) for axis in path if axis.dim is not None}
    paths = global_pooling(call, sorted(homes)) if homes and homes <= set(dims) else call.settled(call.source)
    paths = each(paths, lambda axis: axis.mixed([dim for dim in dims if dim != axis.dim or dim not in homes]))
    return paths if call["keepdim"] else moves.without(paths, dims)


def along(call: Call) -> Paths:
    """Softmax, sorting, sums so far: a unit reads all along one dimension."""
    return union(call.settled(call.source), call.moved(lambda axis: axis.mixed(call.dims())))


def layer_norm(call: Call) -> Paths:
    """Statistics over the last dimensions."""
    dims = range(call.source.dim())[-len(call["normalized_shape"]) :]
    return union(call.settled(call.source), call.moved(lambda axis: axis.mixed(dims)))


def map_norm(call: Call) -> list[Paths]:
    """Group normalization, and batch normalization without running statistics: over the whole map."""
    own, statistics = call.settled(call.source), len(call.output) - 1
    if not call.arguments.get("training", True):
        return [own] + [()] * statistics
    mixed = call.moved(lambda axis: axis.mixed(range(1, call.source.dim())))
    return [union(own, mixed)] + [scattered(mixed, 1)] * statistics


def channels(call: Call) -> Paths:
    """An operator that works along one dimension, in most networks that of the channels."""
    dims = call.dims() if "dim" in call.arguments else [1]
    return call.moved(lambda axis: axis.mixed(dims))


def matrix_product(call: Call) -> Paths:
    """`mm`, `addmm`, `bmm`, `baddbmm`: rows of the one by columns of the other."""
    *added, left, right = tensors_in(call.arguments.values())
    rows = each(call.settled(left), lambda axis: axis.mixed([left.dim() - 1]))
    columns = each(call.settled(right), lambda axis: axis.mixed([right.dim() - 2]))
    return union(rows, columns, *(_broadcast(call, tensor) for tensor in added))


def attention(call: Call) -> Paths:
    """Fused attention of (..., tokens, features): a token reads all keys and values."""
    tokens, features = call["query"].dim() - 2, call["query"].dim() - 1
    query = each(call.settled(call["query"]), lambda axis: axis.mixed([features]))
    read = union(call.settled(call["key"]), call.settled(call["value"]))
    return union(query, each(read, lambda axis: axis.mixed([tokens, features])))


def restride(call: Call) -> Paths | list[Paths]:
    """`as_strided` where it only lays the same tensor out in memory in another order."""
    return call.settled(call.source) if call.result.shape == call.source.shape else opaque(call)


def tensors_in(values: Any) -> Iterator[Tensor]:
    """The tensors among the arguments of an operator, those in lists included."""
    for value in values:
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, list | tuple):
            yield from tensors_in(value)


def _broadcast(call: Call, tensor: Tensor) -> Paths:
    shape = call.result.shape
    if tensor.shape == shape:
        return call.paths_of(tensor)
    return each(call.settled(tensor), lambda axis: axis.broadcast(tensor.shape, shape))


_KINDS: dict[Rule, str] = {
    sliding: "convolution max_pool2d_with_indices max_pool3d_with_indices avg_pool2d avg_pool3d",
    unfolding: "im2col",
    unfolding_one: "unfold",
    adaptive_pooling: "_adaptive_avg_pool2d _adaptive_avg_pool3d adaptive_max_pool2d adaptive_max_pool3d",
    resize: "upsample_nearest1d upsample_nearest2d upsample_nearest3d _upsample_nearest_exact1d"
    " _upsample_nearest_exact2d _upsample_nearest_exact3d upsample_linear1d upsample_bilinear2d"
    " upsample_trilinear3d upsample_bicubic2d",
    shuffle_up: "pixel_shuffle",
    shuffle_down: "pixel_unshuffle",
    moves.unchanged: "alias clone contiguous detach lift lift_fresh _to_copy",
    moves.reshape: "view _unsafe_view _reshape_alias reshape",
    moves.permute: "permute transpose t",
    moves.expand: "expand",
    moves.unsqueeze: "unsqueeze",
    moves.squeeze: "squeeze",
    moves.cut: "slice",
    moves.select: "select",
    moves.unbind: "unbind",
    moves.split: "split split_with_sizes unsafe_split unsafe_split_with_sizes",
    moves.roll: "roll",
    moves.flip: "flip",
    moves.repeat: "repeat",
    moves.concatenate: "cat",
    moves.stack: "stack",
    moves.pad: "circular_pad constant_pad_nd reflection_pad1d reflection_pad2d reflection_pad3d"
    " replication_pad1d replication_pad2d replication_pad3d",
    nothing: "arange bernoulli empty empty_like eye fill full full_like new_empty new_full new_ones new_zeros"
    " normal ones ones_like rand rand_like randn randn_like scalar_tensor uniform zero zeros zeros_like",
    copy: "copy",
    pointwise: "_prelu_kernel complex floor_divide hardswish log_sigmoid_forward native_dropout polar"
    " rrelu_with_noise tril triu",
    along: "_log_softmax _safe_softmax _softmax cummax cummin cumprod cumsum logcumsumexp sort topk",
    layer_norm: "native_layer_norm",
    map_norm: "_native_batch_norm_legit _native_batch_norm_legit_no_training native_batch_norm"
    " native_group_norm",
    channels: "channel_shuffle glu index_select",
    matrix_product: "addmm baddbmm bmm mm",
    attention: "_scaled_dot_product_flash_attention_for_cpu _scaled_dot_product_efficient_attention"
    " _scaled_dot_product_flash_attention",
    restride: "as_strided",
}
_RULES = {name: rule for rule, names in _KINDS.items() for name in names.split()}
