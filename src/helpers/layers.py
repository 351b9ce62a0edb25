"""Layers that torch lacks: "same" padding at any stride, and downsampling that does not alias.

A layer that pads or crops does all its work in one function, which `torch.fx` keeps as one node, and in
operations that take symbolic sizes: one traced or exported graph serves every input size.
"""

from collections.abc import Sequence
from math import comb
from typing import Any, ClassVar, Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from helpers.checks import choice, number_pair, number_tuple, whole_number

_Pair = int | tuple[int, int]
_PerAxis = int | tuple[int, ...]
_Wanted = Sequence[int] | int | None
_Pads = list[tuple[int, int]]
_Setting = tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]  # kernel size, stride, dilation

_CONVOLUTIONS = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
_ORDERS = {1: "(length,)", 2: "(height, width)", 3: "(depth, height, width)"}
_SHAPES = {1: "C, L", 2: "C, H, W", 3: "C, D, H, W"}
_Mode = Literal["zeros", "reflect", "replicate", "circular"]

# Nodes of a graph of torch.fx, which cannot trace into code that depends on sizes.
for _step in ("_convolve_same", "_pool_same", "_average_same", "_transpose_same", "_check_rank"):
    torch.fx.wrap(_step)


def same_padding(size: int, kernel_size: int, stride: int, dilation: int) -> tuple[int, int]:
    """Pixels that TensorFlow's SAME adds before and after one axis; the odd one goes after.

    `helpers.arithmetic.resolve_padding` gives the same numbers and checks its input. This is its formula
    alone, in operations that take a symbolic size; for one, it adds some pixels after that no window reads.
    """
    behind = dilation * (kernel_size - 1)  # pixels of a window after its first one
    if stride == 1 or behind == 0:
        return behind // 2, behind - behind // 2
    exist = (size - 1) % stride  # how many of these the input has for the last window
    if behind < stride - 1:
        exist = _at_most(behind, exist)
    # This is (behind - exist) // 2 without a number that a compiler may rewrite as a negative one and divide:
    # Python's integer division floors, ONNX's truncates.
    before = behind // 2 - (exist + 1 - behind % 2) // 2
    if not isinstance(size, int):  # with the unread pixels, the output size is a simple expression
        return before, behind - before
    return before, behind - exist - before


class _SameConvolution(nn.Module):
    """Base class of the convolutions: their arguments, without `padding`, and the padding itself."""

    dimensions: ClassVar[int]
    weight: Tensor
    bias: Tensor | None
    kernel_size: tuple[int, ...]
    stride: tuple[int, ...]
    dilation: tuple[int, ...]
    groups: int
    padding: str | tuple[int, ...]
    padding_mode: _Mode

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: _PerAxis,
        stride: _PerAxis = 1,
        *,
        dilation: _PerAxis = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: _Mode = "zeros",
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        for name, value in (("kernel_size", kernel_size), ("stride", stride), ("dilation", dilation)):
            number_tuple(name, value, at_least=1, order=_ORDERS[self.dimensions], length=self.dimensions)
        choice("padding_mode", padding_mode, get_args(_Mode))
        options = {"dilation": dilation, "groups": groups, "bias": bias, "padding_mode": padding_mode}
        super().__init__(
            in_channels, out_channels, kernel_size, stride, **options, device=device, dtype=dtype
        )
        self.padding = "same"  # for repr, and for code that reads the layer's attributes

    def forward(self, input: Tensor) -> Tensor:
        """Convolve an input of any size; see the class for shapes."""
        setting = (self.kernel_size, self.stride, self.dilation)
        return _convolve_same(input, self.weight, self.bias, setting, self.groups, self.padding_mode)


class Conv1dSame(_SameConvolution, nn.Conv1d):
    """`torch.nn.Conv1d` with TensorFlow's SAME padding at any stride, as `Conv2dSame` is for images.

    Shapes: (N, C, L) or (C, L) in, the same rank and ceil(L / stride) samples out.

    Raises:
        TypeError, ValueError: as `Conv2dSame`.

    >>> Conv1dSame(1, 4, kernel_size=10, stride=5)(torch.zeros(1, 1, 16000)).shape
    torch.Size([1, 4, 3200])
    """

    dimensions = 1


class Conv2dSame(_SameConvolution, nn.Conv2d):
    """`torch.nn.Conv2d` with TensorFlow's SAME padding at any stride, kernel size and dilation.

    This is what https://github.com/pytorch/pytorch/issues/3867 asks for: `nn.Conv2d(padding="same")` refuses
    every stride but 1. The output is ceil(size / stride) high and wide, and where the padding is odd its last
    pixel goes below and to the right, as in TensorFlow, Keras, JAX and ONNX's SAME_UPPER. With `padding=1`,
    `nn.Conv2d` gives the same shape at stride 2, but reads other pixels when the size is even.

    The arguments are those of `nn.Conv2d` without `padding`, and the `state_dict` has the same keys: weights
    load from one into the other. All after `stride` are keyword-only, so that a `padding` left over from
    `nn.Conv2d` is refused, not taken for a dilation. Shapes: (N, C, H, W) or (C, H, W) in, the same rank out.

    Raises:
        TypeError: if a kernel size, stride or dilation is no integer, or `padding` is given.
        ValueError: if one of the three is below 1, the input has another rank, or it is too small for
            reflect or circular padding.

    >>> Conv2dSame(3, 8, kernel_size=3, stride=2)(torch.zeros(1, 3, 28, 27)).shape
    torch.Size([1, 8, 14, 14])
    """

    dimensions = 2


class Conv3dSame(_SameConvolution, nn.Conv3d):
    """`torch.nn.Conv3d` with TensorFlow's SAME padding at any stride, as `Conv2dSame` is for images.

    Where a stride exceeds the kernel, TensorFlow's own operators of three dimensions leave their rule on the
    CPU and start some pixels on; this layer keeps to the rule. Shapes: (N, C, D, H, W) or (C, D, H, W) in,
    the same rank out.

    Raises:
        TypeError, ValueError: as `Conv2dSame`.

    >>> Conv3dSame(3, 8, kernel_size=3, stride=(1, 2, 2))(torch.zeros(1, 3, 8, 28, 27)).shape
    torch.Size([1, 8, 8, 14, 14])
    """

    dimensions = 3


class MaxPool2dSame(nn.MaxPool2d):
    """`torch.nn.MaxPool2d` with TensorFlow's SAME padding, which never is the maximum.

    The arguments are those of `nn.MaxPool2d` without `padding`, `ceil_mode` (SAME rounds up by itself) and
    `return_indices`. Shapes: (N, C, H, W) or (C, H, W) in, ceil(H / stride) by ceil(W / stride) out.

    Raises:
        TypeError: if a kernel size, stride or dilation is no integer, or another argument is given.
        ValueError: if one of the three is below 1, or the input has another rank.

    >>> MaxPool2dSame(2)(torch.arange(1.0, 10).view(1, 3, 3)).tolist()
    [[[5.0, 6.0], [8.0, 9.0]]]
    """

    kernel_size: tuple[int, int]
    stride: tuple[int, int]
    padding: Any
    dilation: tuple[int, int]

    def __init__(self, kernel_size: _Pair, stride: _Pair | None = None, *, dilation: _Pair = 1) -> None:
        stride = kernel_size if stride is None else stride
        window = (_pair("kernel_size", kernel_size), _pair("stride", stride))
        super().__init__(*window, dilation=_pair("dilation", dilation))
        self.padding = "same"  # as in Conv2dSame

    def forward(self, input: Tensor) -> Tensor:
        """Pool images of any height and width; see the class for shapes."""
        return _pool_same(input, (self.kernel_size, self.stride, self.dilation))


class AvgPool2dSame(nn.AvgPool2d):
    """`torch.nn.AvgPool2d` with TensorFlow's SAME padding, which does not count in a mean.

    The arguments are the first two of `nn.AvgPool2d`. Shapes: (N, C, H, W) or (C, H, W) in,
    ceil(H / stride) by ceil(W / stride) out.

    Raises:
        TypeError: if a kernel size or stride is no integer, or another argument is given.
        ValueError: if one of the two is below 1, or the input has another rank.

    >>> AvgPool2dSame(2)(torch.arange(1.0, 10).view(1, 3, 3)).tolist()
    [[[3.0, 4.5], [7.5, 9.0]]]
    """

    kernel_size: tuple[int, int]
    stride: tuple[int, int]
    padding: Any

    def __init__(self, kernel_size: _Pair, stride: _Pair | None = None) -> None:
        stride = kernel_size if stride is None else stride
        super().__init__(_pair("kernel_size", kernel_size), _pair("stride", stride), count_include_pad=False)
        self.padding = "same"  # as in Conv2dSame

    def forward(self, input: Tensor) -> Tensor:
        """Pool images of any height and width; see the class for shapes."""
        return _average_same(input, (self.kernel_size, self.stride, (1, 1)))


class ConvTranspose2dSame(_SameConvolution, nn.ConvTranspose2d):
    """`torch.nn.ConvTranspose2d` cropped to size * stride, as Keras crops it: the odd pixel at the end.

    It is the transpose of `Conv2dSame`: it writes each pixel that the other one reads. At stride 2, images of
    15 and 16 pixels lead to a map of 8; `forward(..., output_size=15)` asks for the first. Torch's `padding`
    crops both sides alike: with a 3 x 3 kernel and stride 2 each pixel lands one earlier than in Keras.

    The arguments are those of `nn.ConvTranspose2d` without `padding` and `output_padding`, and weights load
    from one into the other. Shapes: (N, C, H, W) or (C, H, W) in, the same rank out.

    Raises:
        TypeError: as `Conv2dSame`.
        ValueError: as `Conv2dSame`, or if no image of `output_size` leads to the input.

    >>> up = ConvTranspose2dSame(8, 3, kernel_size=3, stride=2)
    >>> up(torch.zeros(1, 8, 14, 14)).shape, up(torch.zeros(1, 8, 14, 14), output_size=(28, 27)).shape
    (torch.Size([1, 3, 28, 28]), torch.Size([1, 3, 28, 27]))
    """

    dimensions = 2

    def forward(self, input: Tensor, output_size: _Wanted = None) -> Tensor:
        """Upsample images of any height and width, to size * stride or to `output_size`."""
        setting = (self.kernel_size, self.stride, self.dilation)
        return _transpose_same(input, self.weight, self.bias, setting, self.groups, output_size)


class BlurPool2d(nn.Module):
    """Downsample after a binomial blur, so that detail finer than the new grid does not alias.

    The blur is depthwise and reflects the image at its border; its weights are fixed, hence no entry in the
    `state_dict`. Shapes: (N, C, H, W) or (C, H, W) in, ceil(H / stride) by ceil(W / stride) out.
    Source: Zhang 2019, "Making Convolutional Networks Shift-Invariant Again", arXiv 1904.11486.

    Args:
        channels: channels of the input, and of the output.
        kernel_size: taps along each axis, a row of Pascal's triangle; 1 only strides.
        stride: pixels from one output sample to the next, on both axes.

    Raises:
        TypeError: if an argument is no integer.
        ValueError: if an argument is below 1, or the input has another rank.

    >>> BlurPool2d(1)(torch.ones(1, 1, 5, 5)).flatten().tolist()
    [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]
    """

    weight: Tensor

    def __init__(self, channels: int, kernel_size: int = 3, stride: int = 2) -> None:
        super().__init__()
        for name, value in (("channels", channels), ("kernel_size", kernel_size), ("stride", stride)):
            whole_number(name, value, at_least=1)
        self.channels, self.kernel_size, self.stride = channels, kernel_size, stride
        row = torch.tensor([comb(kernel_size - 1, i) for i in range(kernel_size)]) / 2 ** (kernel_size - 1)
        weight = torch.outer(row, row).repeat(channels, 1, 1, 1)  # (C, 1, k, k)
        self.register_buffer("weight", weight, persistent=False)

    def forward(self, input: Tensor) -> Tensor:
        """Blur and subsample images of any height and width; see the class for shapes."""
        _check_rank(input, 2)
        before, after = (self.kernel_size - 1) // 2, self.kernel_size // 2
        padded = F.pad(input, (before, after, before, after), mode="reflect")  # (N, C, H + k - 1, W + k - 1)
        return F.conv2d(padded, self.weight, stride=self.stride, groups=self.channels)

    def extra_repr(self) -> str:
        """The arguments, for `print(module)`."""
        return f"{self.channels}, kernel_size={self.kernel_size}, stride={self.stride}"


def _convolve_same(
    input: Tensor, weight: Tensor, bias: Tensor | None, setting: _Setting, groups: int, mode: str
) -> Tensor:
    kernel_size, stride, dilation = setting
    convolve = _CONVOLUTIONS[len(kernel_size)]
    pads = _pads(input, setting)
    if mode == "zeros" and _are_even(pads):
        return convolve(input, weight, bias, stride, [before for before, _ in pads], dilation, groups)
    pad = _wrapped if mode == "circular" and _are_symbolic(pads) else _padded
    padded = pad(input, pads, "constant" if mode == "zeros" else mode)  # (N, C, *size + pads)
    return convolve(padded, weight, bias, stride, 0, dilation, groups)


def _pool_same(input: Tensor, setting: _Setting) -> Tensor:
    kernel_size, stride, dilation = setting
    pads = _pads(input, setting)
    if _are_even(pads) and dilation == (1, 1):  # torch pads by half of the kernel's taps at most
        return F.max_pool2d(input, kernel_size, stride, [before for before, _ in pads], dilation)
    lowest = float("-inf") if input.is_floating_point() else torch.iinfo(input.dtype).min
    return F.max_pool2d(_padded(input, pads, value=lowest), kernel_size, stride, 0, dilation)


def _average_same(input: Tensor, setting: _Setting) -> Tensor:
    kernel_size, stride, _ = setting
    pads = _pads(input, setting)
    if _are_even(pads):
        sides = [before for before, _ in pads]
        return F.avg_pool2d(input, kernel_size, stride, sides, count_include_pad=False)
    pixels = input.new_ones((1,) * (input.dim() - 2) + input.shape[-2:])
    shares = F.avg_pool2d(_padded(pixels, pads), kernel_size, stride)  # of each window that is no padding
    return F.avg_pool2d(_padded(input, pads), kernel_size, stride) / shares


def _transpose_same(
    input: Tensor, weight: Tensor, bias: Tensor | None, setting: _Setting, groups: int, wanted: _Wanted
) -> Tensor:
    _check_rank(input, 2)
    axes = list(zip(*setting, strict=True))
    short = [dilation * (kernel_size - 1) + 1 - stride for kernel_size, stride, dilation in axes]
    sides, extra = [max(each, 0) // 2 for each in short], [max(-each, 0) for each in short]
    _, strides, dilations = setting
    spread = F.conv_transpose2d(input, weight, bias, strides, sides, extra, groups, dilations)
    largest = [size * stride for size, stride in zip(input.shape[-2:], strides, strict=True)]
    if wanted is None:
        is_ready = all(each <= 0 or each % 2 == 0 for each in short)
        return spread if is_ready else spread[..., : largest[0], : largest[1]]
    sizes = _checked_size(wanted, largest, strides)
    # What is cropped before the first pixel is what Conv2dSame pads before it on the way down.
    first = [same_padding(size, *axis)[0] - side for size, axis, side in zip(sizes, axes, sides, strict=True)]
    ends = zip(first, sizes, spread.shape[-2:], strict=True)
    crops = [(-before, before + size - length) for before, size, length in ends]
    return (_wrapped if _are_symbolic(crops) else _padded)(spread, crops)


def _checked_size(wanted: Sequence[int] | int, largest: list[int], strides: tuple[int, ...]) -> Sequence[int]:
    """The `output_size` of `forward` as (height, width); as in torch, one number, two, or a whole shape."""
    sizes = [wanted] * 2 if isinstance(wanted, int) else wanted[-2:]
    if not torch.compiler.is_compiling():
        for size, most, stride in zip(sizes, largest, strides, strict=True):
            if isinstance(most, int) and not most - stride < size <= most:
                rule = f"from {most - stride + 1} to {most}, which lead to this input"
                raise ValueError(f"output_size must be {rule}, got {size} of {tuple(sizes)}")
    return sizes


def _pads(input: Tensor, setting: _Setting) -> _Pads:
    """Padding (before, after) of each axis; the input must have the axes of the setting."""
    axes = list(zip(*setting, strict=True))
    _check_rank(input, len(axes))
    return [same_padding(size, *axis) for size, axis in zip(input.shape[-len(axes) :], axes, strict=True)]


def _padded(input: Tensor, pads: _Pads, mode: str = "constant", value: float | None = None) -> Tensor:
    if mode in ("reflect", "circular") and not _are_symbolic(pads):
        for size, sides in zip(input.shape[-len(pads) :], pads, strict=True):
            if max(sides) > size - (mode == "reflect"):
                rule = f'"zeros" or "replicate" where {size} pixels are padded by {sides}'
                raise ValueError(f"padding_mode must be {rule}, got {mode!r}")
    return F.pad(input, [side for sides in reversed(pads) for side in sides], mode, value)  # last axis first


def _wrapped(input: Tensor, pads: _Pads, _mode: str = "circular") -> Tensor:
    """Circular padding, or cropping, for symbolic sizes: in a graph, `F.pad` fixes which slices are empty."""
    for axis, (before, after) in enumerate(pads, start=input.dim() - len(pads)):
        size = input.shape[axis]
        index = torch.arange(-before, size + after, device=input.device)
        index = index % torch.full_like(index, size)  # of a number, torch.onnx takes no remainder by a size
        input = input.index_select(axis, index)
    return input


def _are_symbolic(pads: _Pads) -> bool:
    return torch.compiler.is_compiling() or any(isinstance(after, Tensor) for _, after in pads)


def _are_even(pads: _Pads) -> bool:
    """Whether both sides of each axis are padded alike; in a graph, whether that holds for every size."""
    if not torch.compiler.is_compiling():
        return not _are_symbolic(pads) and all(before == after for before, after in pads)
    # Imported here because it takes a second, which eager mode need not spend.
    from torch.fx.experimental.symbolic_shapes import statically_known_true

    return all(statically_known_true(before == after) for before, after in pads)


def _at_most(limit: int, value: int) -> int:
    """The smaller of a number and a size, which in a traced graph is a tensor or a symbol."""
    if isinstance(value, int):
        return min(limit, value)
    if isinstance(value, Tensor):
        return value.clamp(max=limit)
    return torch.sym_min(limit, value)


def _check_rank(input: Tensor, axes: int) -> None:
    if input.dim() not in (axes + 1, axes + 2):
        shape = _SHAPES[axes]
        raise ValueError(f"input must be (N, {shape}) or ({shape}), got shape {tuple(input.shape)}")


def _pair(name: str, value: _Pair) -> tuple[int, int]:
    return number_pair(name, value, at_least=1, order=_ORDERS[2])
