"""What a layer costs: multiplications and parameters, in one, two or three dimensions."""

from math import prod

from helpers.arithmetic.layer import LAYER_KINDS, LayerKind
from helpers.checks import choice, number_tuple, switch, whole_number

Sizes = int | tuple[int, ...]

_ORDERS = {1: "(length,)", 2: "(height, width)", 3: "(depth, height, width)"}


def macs(
    in_channels: int,
    out_channels: int,
    kernel_size: Sizes,
    output_size: Sizes | None = None,
    *,
    input_size: Sizes | None = None,
    groups: int = 1,
    dimensions: int = 2,
    kind: LayerKind = "convolution",
) -> int:
    """Multiply-accumulates of a layer for one image, the bias excluded.

    A dense layer is the case `kernel_size=1, output_size=1`. Cells of padding are multiplied and counted, as
    are the pixels of a transposed convolution that are cropped. A pooling and a resize multiply nothing.

    Args:
        in_channels: channels of the input.
        out_channels: filters.
        kernel_size: one size, or one for each dimension, such as (height, width).
        output_size: pixels of the output, one size or one for each dimension.
        input_size: pixels of the input, in place of `output_size` for kind="transposed", where each input
            pixel meets every tap.
        groups: independent groups of channels; `in_channels` for a depthwise convolution.
        dimensions: 1 for a sequence, 2 for an image, 3 for a video or volume.
        kind: "convolution", "pooling", "transposed" or "resize".

    Raises:
        TypeError: if an argument is of the wrong kind.
        ValueError: if an argument is below 1, `groups` does not divide both numbers of channels, or the size
            that the kind needs is missing.

    >>> macs(3, 96, kernel_size=11, output_size=55)
    105415200
    >>> macs(3, 1, kernel_size=2, input_size=2, kind="transposed")
    48
    """
    weights = parameters(
        in_channels, out_channels, kernel_size, groups=groups, bias=False, dimensions=dimensions, kind=kind
    )
    needed, size, left_out = "output_size", output_size, input_size
    if kind == "transposed":
        needed, size, left_out = "input_size", input_size, output_size
    if size is None or left_out is not None:
        raise ValueError(
            f'{needed} must be the one size given for kind="{kind}", '
            f"got output_size={output_size} and input_size={input_size}"
        )
    return weights * prod(_sizes(needed, size, dimensions))


def parameters(
    in_channels: int,
    out_channels: int,
    kernel_size: Sizes,
    *,
    groups: int = 1,
    bias: bool = True,
    dimensions: int = 2,
    kind: LayerKind = "convolution",
) -> int:
    """Number of parameters of a layer; a dense layer is the case `kernel_size=1`.

    A transposed convolution has as many as the convolution that it transposes, a pooling and a resize none.

    Args:
        in_channels: channels of the input.
        out_channels: filters.
        kernel_size: one size, or one for each dimension, such as (height, width).
        groups: independent groups of channels; `in_channels` for a depthwise convolution.
        bias: whether each filter adds one number of its own.
        dimensions: 1 for a sequence, 2 for an image, 3 for a video or volume.
        kind: "convolution", "pooling", "transposed" or "resize".

    Raises:
        TypeError: if an argument is of the wrong kind.
        ValueError: if an argument is below 1, or `groups` does not divide both numbers of channels.

    >>> parameters(3, 96, kernel_size=11)
    34944
    >>> parameters(8, 16, kernel_size=3, dimensions=1, bias=False)
    384
    """
    in_channels = whole_number("in_channels", in_channels, at_least=1)
    out_channels = whole_number("out_channels", out_channels, at_least=1)
    groups = whole_number("groups", groups, at_least=1)
    if in_channels % groups or out_channels % groups:
        raise ValueError(
            f"groups must divide in_channels={in_channels} and out_channels={out_channels}, got {groups}"
        )
    choice("kind", kind, LAYER_KINDS)
    numbers_per_filter = in_channels // groups * prod(_sizes("kernel_size", kernel_size, dimensions))
    numbers_per_filter += int(switch("bias", bias))
    return out_channels * numbers_per_filter if kind in ("convolution", "transposed") else 0


def _sizes(name: str, value: Sizes, dimensions: int) -> tuple[int, ...]:
    order = _ORDERS.get(whole_number("dimensions", dimensions, at_least=1))
    if order is None:
        raise ValueError(f"dimensions must be 1, 2 or 3, got {dimensions}")
    return number_tuple(name, value, at_least=1, order=order, length=dimensions)
