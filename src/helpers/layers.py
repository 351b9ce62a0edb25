"""Layers that torch lacks: "same" padding at any stride, and downsampling that does not alias."""

from math import comb
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from helpers.checks import number_pair, whole_number


def same_padding(size: int, kernel_size: int, stride: int, dilation: int) -> tuple[int, int]:
    """Pixels that TensorFlow's SAME adds before and after one axis; the odd one goes after.

    `helpers.arithmetic.resolve_padding` gives the same two numbers and checks its input. This is its formula
    alone, in operations that a symbolic size passes through, so that one exported graph serves every size.
    """
    # ONNX's integer division truncates where Python's floors, so no number divided here may be negative.
    # Hence not -(-size // stride); and the maximum, which decides only where a stride exceeds the kernel,
    # also keeps a symbolic total from being split into parts that are divided one by one.
    output = (size + stride - 1) // stride  # ceil(size / stride)
    missing = (output - 1) * stride + dilation * (kernel_size - 1) + 1 - size
    total = max(missing, 0) if isinstance(missing, int) else torch.sym_max(missing, 0)
    return total // 2, total - total // 2


class Conv2dSame(nn.Conv2d):
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
        ValueError: if one of the three is below 1, or the input has another rank.

    >>> Conv2dSame(3, 8, kernel_size=3, stride=2)(torch.zeros(1, 3, 28, 27)).shape
    torch.Size([1, 8, 14, 14])
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, int],
        stride: int | tuple[int, int] = 1,
        *,
        dilation: int | tuple[int, int] = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: Literal["zeros", "reflect", "replicate", "circular"] = "zeros",
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        for name, value in (("kernel_size", kernel_size), ("stride", stride), ("dilation", dilation)):
            number_pair(name, value, at_least=1, order="(height, width)")
        super().__init__(
            in_channels,
            out_channels,
            kernel_size,
            stride,
            dilation=dilation,
            groups=groups,
            bias=bias,
            padding_mode=padding_mode,
            device=device,
            dtype=dtype,
        )
        self.padding = "same"  # what repr prints, and what a reader of the layer's attributes computes with
        self._pad_mode = "constant" if padding_mode == "zeros" else padding_mode

    def forward(self, input: Tensor) -> Tensor:
        """Convolve images of any height and width; see the class for shapes."""
        _check_rank(input)
        height, width = input.shape[-2:]
        top, bottom = same_padding(height, self.kernel_size[0], self.stride[0], self.dilation[0])
        left, right = same_padding(width, self.kernel_size[1], self.stride[1], self.dilation[1])
        padding = (top, left)
        if not (_equal(top, bottom) and _equal(left, right) and self.padding_mode == "zeros"):
            input = F.pad(input, (left, right, top, bottom), mode=self._pad_mode)  # (N, C, H + pad, W + pad)
            padding = (0, 0)
        return F.conv2d(input, self.weight, self.bias, self.stride, padding, self.dilation, self.groups)


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
        _check_rank(input)
        before, after = (self.kernel_size - 1) // 2, self.kernel_size // 2
        padded = F.pad(input, (before, after, before, after), mode="reflect")  # (N, C, H + k - 1, W + k - 1)
        return F.conv2d(padded, self.weight, stride=self.stride, groups=self.channels)

    def extra_repr(self) -> str:
        """The arguments, for `print(module)`."""
        return f"{self.channels}, kernel_size={self.kernel_size}, stride={self.stride}"


def _check_rank(input: Tensor) -> None:
    if input.dim() not in (3, 4):
        raise ValueError(f"input must be (N, C, H, W) or (C, H, W), got shape {tuple(input.shape)}")


def _equal(before: int, after: int) -> bool:
    """Whether two pads are the same; of symbols in a traced graph, whether they are so for every size."""
    if not torch.compiler.is_compiling():
        return before == after
    # Imported here because it takes a second, which eager mode need not spend.
    from torch.fx.experimental.symbolic_shapes import statically_known_true

    return statically_known_true(before == after)
