"""What the operators of ONNX compute, in torch: functions of a node's attributes and its inputs.

`auto_pad` is worked out at each size by ONNX's own convention, which puts an odd pixel of padding after the
map (`SAME_UPPER`) or before it (`SAME_LOWER`).
"""

from collections.abc import Callable, Sequence
from functools import partial, reduce
from itertools import accumulate
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from helpers.anatomy.recurrent import onnx_recurrent
from helpers.arithmetic import resolve_padding

Value = Any  # a tensor, or a numpy array of numbers that do not depend on the image, such as a shape
Attributes = Any  # the dict of a node's attributes by name, in which "outputs" is how many outputs it has
_SAME = {"SAME_UPPER": "tensorflow", "SAME_LOWER": "onnx-lower"}


def _tensor(value: Value) -> Tensor:
    return value if isinstance(value, Tensor) else torch.from_numpy(np.array(value))


def _whole(value: Value) -> list[int]:
    """A shape, axes or an index as a list of ints, which an operator needs to know before it runs."""
    if isinstance(value, Tensor):
        raise NotImplementedError("a shape or an index that depends on the image's values cannot be followed")
    return [int(each) for each in np.atleast_1d(np.asarray(value))]


def _pads(node: Attributes, x: Tensor, kernel_size: Sequence[int]) -> list[tuple[int, int]]:
    """Padding before and after each axis."""
    count = len(kernel_size)
    kind, strides = node.get("auto_pad", "NOTSET"), node.get("strides", [1] * count)
    if kind in _SAME:
        axes = zip(x.shape[2:], kernel_size, strides, node.get("dilations", [1] * count), strict=True)
        return [
            resolve_padding(n, kernel_size=k, stride=s, padding="same", dilation=d, convention=_SAME[kind])  # type: ignore[arg-type]
            for n, k, s, d in axes
        ]
    pads = [0] * 2 * count if kind == "VALID" else node.get("pads", [0] * 2 * count)
    return list(zip(pads[:count], pads[count:], strict=True))


def _padded(x: Tensor, pads: Sequence[tuple[int, int]], value: float = 0.0) -> Tensor:
    return F.pad(x, [side for pair in reversed(pads) for side in pair], value=value)


def _conv(node: Attributes, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    count = weight.dim() - 2
    pads = _pads(node, x, weight.shape[2:])
    even = all(before == after for before, after in pads)
    x = x if even else _padded(x, pads)
    function = (F.conv1d, F.conv2d, F.conv3d)[count - 1]
    padding = [before for before, _ in pads] if even else [0] * count
    strides, dilations = node.get("strides", [1] * count), node.get("dilations", [1] * count)
    return function(x, weight, bias, strides, padding, dilations, node.get("group", 1))


def _transposed(node: Attributes, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    count = weight.dim() - 2
    strides, dilations = node.get("strides", [1] * count), node.get("dilations", [1] * count)
    extra = node.get("output_padding", [0] * count)
    pads = node.get("pads", [0] * 2 * count)
    kind, shape = node.get("auto_pad", "NOTSET"), node.get("output_shape")
    if kind in _SAME or shape:
        sizes = shape[-count:] if shape else [n * s for n, s in zip(x.shape[2:], strides, strict=True)]
        full = zip(x.shape[2:], strides, weight.shape[2:], dilations, extra, strict=True)
        crops = [(n - 1) * s + d * (k - 1) + 1 + e for n, s, k, d, e in full]
        crops = [size - wanted for size, wanted in zip(crops, sizes, strict=True)]
        small, large = [c // 2 for c in crops], [c - c // 2 for c in crops]
        pads = small + large if kind == "SAME_UPPER" else large + small
    function = (F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d)[count - 1]
    group = node.get("group", 1)
    if pads[:count] == pads[count:]:
        return function(x, weight, bias, strides, pads[:count], extra, group, dilations)
    y = function(x, weight, bias, strides, 0, extra, group, dilations)
    for dim, (before, after) in enumerate(zip(pads[:count], pads[count:], strict=True), 2):
        y = y.narrow(dim, before, y.shape[dim] - before - after)
    return y


def _pool(node: Attributes, x: Tensor, *, average: bool) -> Tensor:
    kernel_size = node.get("kernel_shape")
    count, pads = len(kernel_size), _pads(node, x, kernel_size)
    fits = all(a == b <= k // 2 for (a, b), k in zip(pads, kernel_size, strict=True))
    x = x if fits else _padded(x, pads, 0.0 if average else -torch.inf)
    padding = [before for before, _ in pads] if fits else [0] * count
    options = {"stride": node.get("strides", [1] * count), "padding": padding}
    options |= {"ceil_mode": bool(node.get("ceil_mode", 0))}
    if average:
        inside = bool(node.get("count_include_pad", 0))
        function: Any = (F.avg_pool1d, F.avg_pool2d, F.avg_pool3d)[count - 1]
        pooled: Tensor = function(x, kernel_size, count_include_pad=inside, **options)
    else:
        function = (F.max_pool1d, F.max_pool2d, F.max_pool3d)[count - 1]
        pooled = function(x, kernel_size, dilation=node.get("dilations", [1] * count), **options)
    return pooled


def _global_pool(node: Attributes, x: Tensor, *, average: bool) -> Tensor:
    kind = ("avg" if average else "max") + f"_pool{x.dim() - 2}d"
    pooled: Tensor = getattr(F, f"adaptive_{kind}")(x, (1,) * (x.dim() - 2))
    return pooled


def _reduced(node: Attributes, x: Value, axes: Value = None, *, name: str) -> Value:
    chosen = node.get("axes") if axes is None else _whole(axes)
    keep = bool(node.get("keepdims", 1))
    if not isinstance(x, Tensor):
        given = None if chosen is None else tuple(chosen)
        return np.asarray(
            getattr(np, {"amax": "max", "amin": "min"}.get(name, name))(x, given, keepdims=keep)
        )
    if name == "norm":
        return torch.linalg.vector_norm(x, 2, chosen, keep)
    return getattr(torch, name)(x, chosen or list(range(x.dim())), keepdim=keep)


def _reshape(node: Attributes, x: Value, shape: Value) -> Value:
    sizes = _whole(shape)
    if not node.get("allowzero", 0):
        sizes = [x.shape[i] if size == 0 else size for i, size in enumerate(sizes)]
    return x.reshape(sizes)


def _flatten(node: Attributes, x: Tensor) -> Tensor:
    axis = node.get("axis", 1) % (x.dim() + 1)
    return x.reshape(
        *([-1] if axis == 0 else []), *(x.shape[:axis].numel(),) * bool(axis), x.shape[axis:].numel()
    )


def _gather(node: Attributes, x: Value, index: Value) -> Value:
    axis = node.get("axis", 0)
    if not isinstance(x, Tensor) and not isinstance(index, Tensor):
        return np.take(x, np.asarray(index), axis=axis)
    x, index = _tensor(x), _tensor(index).long()
    if index.dim() == 0 and not index.is_meta:
        return x.select(axis, int(index))
    taken = x.index_select(axis, index.flatten())
    axis %= x.dim()
    return taken.reshape(*x.shape[:axis], *index.shape, *x.shape[axis + 1 :])


def _slice(node: Attributes, x: Value, *given: Value) -> Value:
    if not given:
        given = tuple(node.get(name) for name in ("starts", "ends", "axes"))
    starts, ends, axes, steps = ([None if each is None else _whole(each) for each in given] + [None] * 2)[:4]
    starts, ends = starts or [], ends or []
    axes = axes if axes is not None else list(range(len(starts)))
    for axis, start, end, step in zip(axes, starts, ends, steps or [1] * len(axes), strict=True):
        indices = range(*slice(start, end, step).indices(x.shape[axis]))
        if step < 0 and isinstance(x, Tensor):
            x = x.flip(axis)
            start, end, step = (
                (x.shape[axis] - 1 - indices[0], x.shape[axis] - indices[-1], -step) if indices else (0, 0, 1)
            )
        place = [slice(None)] * (axis % len(x.shape)) + [slice(start, end, step)]
        x = x[tuple(place)]
    return x


def _split(node: Attributes, x: Value, sizes: Value = None) -> list[Value]:
    axis = node.get("axis", 0)
    given = node.get("split") if sizes is None else _whole(sizes)
    if given is None:
        size = -(-x.shape[axis] // node["outputs"])
        given = [min(size, x.shape[axis] - i * size) for i in range(node["outputs"])]
    if isinstance(x, Tensor):
        return list(torch.split(x, given, axis))
    return list(np.split(np.asarray(x), [*accumulate(given)][:-1], axis))


def _pad(node: Attributes, x: Tensor, pads: Value = None, value: Value = None, axes: Value = None) -> Tensor:
    amounts = node.get("pads") if pads is None else _whole(pads)
    dims = [dim % x.dim() for dim in _whole(axes)] if axes is not None else list(range(x.dim()))
    both = {dim: (amounts[i], amounts[i + len(dims)]) for i, dim in enumerate(dims)}
    mode = {"edge": "replicate", "wrap": "circular"}.get(
        node.get("mode", "constant"), node.get("mode", "constant")
    )
    last = x.dim() if mode == "constant" else x.dim() - 2
    sides = [both.get(dim, (0, 0)) for dim in reversed(range(x.dim() - last, x.dim()))]
    while len(sides) > 1 and mode == "constant" and sides[-1] == (0, 0):
        sides.pop()
    flat = [each for pair in sides for each in pair]
    return F.pad(x, flat, mode) if mode != "constant" else F.pad(x, flat, value=_scalar(value))


def _scalar(value: Value) -> float:
    return (
        0.0
        if value is None
        else float(np.asarray(value).reshape(-1)[0])
        if not isinstance(value, Tensor)
        else 0.0
    )


def _resize(node: Attributes, x: Tensor, *given: Value) -> Tensor:
    """Resize and Upsample; the last input that is given holds scales or sizes."""
    numbers = [each for each in given if each is not None and np.prod(each.shape)]
    if not numbers:
        raise NotImplementedError("a size that depends on the image's values cannot be followed")
    last = numbers[-1]
    if isinstance(last, Tensor):
        last = np.array(last.tolist())
    is_sizes = np.asarray(last).dtype.kind == "i"
    kind = node.get("mode", "nearest")
    words = {"linear": ("linear", "bilinear", "trilinear")[x.dim() - 3], "cubic": "bicubic"}
    place = node.get("coordinate_transformation_mode", "half_pixel")
    if kind == "nearest":
        words["nearest"] = "nearest" if place == "asymmetric" else "nearest-exact"
    options: dict[str, Any] = {"mode": words[kind]}
    if kind != "nearest":
        options["align_corners"] = place == "align_corners"
    values = np.asarray(last)[-(x.dim() - 2) :].tolist()
    return F.interpolate(x, **({"size": values} if is_sizes else {"scale_factor": values}), **options)


def _batch_norm(node: Attributes, x: Tensor, *given: Tensor) -> Tensor:
    scale, bias, mean, variance = given
    return F.batch_norm(x, mean, variance, scale, bias, eps=node.get("epsilon", 1e-5))


def _layer_norm(node: Attributes, x: Tensor, scale: Tensor, bias: Tensor | None = None) -> Tensor:
    shape = list(x.shape[node.get("axis", -1) :])
    return F.layer_norm(x, shape, scale, bias, node.get("epsilon", 1e-5))


def _gemm(node: Attributes, a: Tensor, b: Tensor, c: Tensor | None = None) -> Tensor:
    a = a.t() if node.get("transA", 0) else a
    if node.get("transB", 0):
        return F.linear(a, b, c)
    product = a @ b
    return product if c is None else product + c


def _clip(node: Attributes, x: Tensor, low: Value = None, high: Value = None) -> Tensor:
    low = node.get("min", -torch.inf) if low is None else float(np.asarray(low))
    return x.clamp(low, node.get("max", torch.inf) if high is None else float(np.asarray(high)))


def _filled(node: Attributes, shape: Value) -> Value:
    return np.full(_whole(shape), np.asarray(node.get("value", np.zeros(1, np.float32))).reshape(-1)[0])


def _unsqueezed(node: Attributes, x: Value, axes: Value = None) -> Value:
    count = len(x.shape)
    chosen = node.get("axes") if axes is None else _whole(axes)
    for dim in sorted(axis % (count + len(chosen)) for axis in chosen):
        x = x.unsqueeze(dim) if isinstance(x, Tensor) else np.expand_dims(x, dim)
    return x


def _squeezed(node: Attributes, x: Value, axes: Value = None) -> Value:
    chosen = node.get("axes") if axes is None else _whole(axes)
    dims = range(len(x.shape)) if chosen is None else (axis % len(x.shape) for axis in chosen)
    for dim in sorted(dims, reverse=True):
        x = x.squeeze(dim) if x.shape[dim] == 1 else x
    return x


def _blocks(node: Attributes, x: Tensor, *, to_depth: bool) -> Tensor:
    size, (batch, channels, height, width) = node.get("blocksize"), x.shape
    if to_depth:
        x = x.reshape(batch, channels, height // size, size, width // size, size).permute(0, 3, 5, 1, 2, 4)
        return x.reshape(batch, -1, height // size, width // size)
    if node.get("mode", "DCR") == "CRD":
        return F.pixel_shuffle(x, size)
    x = x.reshape(batch, size, size, channels // size**2, height, width).permute(0, 3, 4, 1, 5, 2)
    return x.reshape(batch, -1, height * size, width * size)


def _of_both(
    node: Attributes, *values: Value, function: Callable[..., Any], arrays: Callable[..., Any]
) -> Value:
    """Apply an operator of two or more operands: in numpy, if no operand is a tensor."""
    if not any(isinstance(value, Tensor) for value in values):
        return np.asarray(reduce(arrays, values))
    return reduce(function, map(_tensor, values))


def _cast(node: Attributes, x: Value) -> Value:
    from onnx.helper import tensor_dtype_to_np_dtype

    dtype = tensor_dtype_to_np_dtype(node.get("to"))
    return x.to(torch.from_numpy(np.zeros(0, dtype)).dtype) if isinstance(x, Tensor) else x.astype(dtype)


def _concatenated(node: Attributes, *values: Value) -> Value:
    if any(isinstance(value, Tensor) for value in values):
        return torch.cat([*map(_tensor, values)], node.get("axis"))
    return np.concatenate([np.atleast_1d(value) for value in values], node.get("axis"))


def _expanded(node: Attributes, x: Value, shape: Value) -> Value:
    sizes = _whole(shape)
    if not isinstance(x, Tensor):
        return x * np.ones(sizes, x.dtype)
    return x.expand(np.broadcast_shapes(tuple(x.shape), tuple(sizes)))


def _of_one(node: Attributes, x: Value, *others: Value, function: Callable[[Tensor], Tensor]) -> Value:
    return function(x) if isinstance(x, Tensor) else function(_tensor(x)).numpy()


def _transposed_dims(node: Attributes, x: Value) -> Value:
    order = node.get("perm", list(reversed(range(len(x.shape)))))
    return x.permute(order) if isinstance(x, Tensor) else x.transpose(order)


def _where(node: Attributes, condition: Value, x: Value, y: Value) -> Value:
    if any(isinstance(each, Tensor) for each in (condition, x, y)):
        return torch.where(*map(_tensor, (condition, x, y)))
    return np.where(condition, x, y)


_LIKE_TORCH = "Abs Ceil Cos Erf Exp Floor Log Neg Reciprocal Relu Round Sigmoid Sign Sin Sqrt Tanh"
_ONES: dict[str, Callable[[Tensor], Tensor]] = {
    **{name: getattr(torch, name.lower()) for name in _LIKE_TORCH.split()},
    **{name: getattr(F, name.lower()) for name in ("HardSwish", "Mish", "Softplus", "Softsign")},
    "Not": torch.logical_not,
}
_BOTH: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "Add": (torch.add, np.add),
    "Sub": (torch.sub, np.subtract),
    "Mul": (torch.mul, np.multiply),
    "Div": (torch.div, lambda a, b: a // b if np.asarray(a).dtype.kind == "i" else a / b),
    "Pow": (torch.pow, np.power),
    "Mod": (torch.remainder, np.mod),
    "Sum": (torch.add, np.add),
    "Max": (torch.maximum, np.maximum),
    "Min": (torch.minimum, np.minimum),
    "And": (torch.logical_and, np.logical_and),
    "Or": (torch.logical_or, np.logical_or),
    "Equal": (torch.eq, np.equal),
    "Less": (torch.lt, np.less),
    "Greater": (torch.gt, np.greater),
    "MatMul": (torch.matmul, np.matmul),
}
OPERATORS: dict[str, Callable[..., Any]] = {
    **{name: partial(_of_one, function=function) for name, function in _ONES.items()},
    **{name: partial(_of_both, function=one, arrays=other) for name, (one, other) in _BOTH.items()},
    **{
        f"Reduce{kind}": partial(_reduced, name=name)
        for kind, name in {"Mean": "mean", "Sum": "sum", "Max": "amax", "Min": "amin", "L2": "norm"}.items()
    },
    **{kind: partial(onnx_recurrent, kind=kind) for kind in ("LSTM", "GRU", "RNN")},
    "AveragePool": partial(_pool, average=True),
    "BatchNormalization": _batch_norm,
    "Cast": _cast,
    "Clip": _clip,
    "Concat": _concatenated,
    "Constant": lambda node: np.asarray(next(value for name, value in node.items() if name != "outputs")),
    "ConstantOfShape": _filled,
    "Conv": _conv,
    "ConvTranspose": _transposed,
    "DepthToSpace": partial(_blocks, to_depth=False),
    "Dropout": lambda node, x, *others: x,
    "Elu": lambda node, x: F.elu(x, node.get("alpha", 1.0)),
    "Expand": _expanded,
    "Flatten": _flatten,
    "Gather": _gather,
    "Gelu": lambda node, x: F.gelu(x, approximate=node.get("approximate", "none")),
    "Gemm": _gemm,
    "GlobalAveragePool": partial(_global_pool, average=True),
    "GlobalMaxPool": partial(_global_pool, average=False),
    "HardSigmoid": lambda node, x: F.hardsigmoid(x),
    "Identity": lambda node, x: x,
    "InstanceNormalization": lambda node, x, scale, bias: F.instance_norm(x, weight=scale, bias=bias),
    "LRN": lambda node, x: F.local_response_norm(x, node.get("size")),
    "LayerNormalization": _layer_norm,
    "LeakyRelu": lambda node, x: F.leaky_relu(x, node.get("alpha", 0.01)),
    "LogSoftmax": lambda node, x: x.log_softmax(node.get("axis", -1)),
    "MaxPool": partial(_pool, average=False),
    "PRelu": lambda node, x, slope: torch.where(x > 0, x, x * slope),
    "Pad": _pad,
    "Range": lambda node, *ends: np.arange(*(np.asarray(end).item() for end in ends)),
    "Reshape": _reshape,
    "Resize": _resize,
    "Selu": lambda node, x: F.selu(x),
    "Shape": lambda node, x: np.array(x.shape[node.get("start", 0) : node.get("end")], dtype=np.int64),
    "Slice": _slice,
    "Softmax": lambda node, x: x.softmax(node.get("axis", -1)),
    "SpaceToDepth": partial(_blocks, to_depth=True),
    "Split": _split,
    "Squeeze": _squeezed,
    "Tile": lambda node, x, repeats: x.repeat(_whole(repeats)),
    "Transpose": _transposed_dims,
    "Unsqueeze": _unsqueezed,
    "Upsample": _resize,
    "Where": _where,
}
