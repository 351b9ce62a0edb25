"""What a 2-D convolution costs: multiplications and parameters."""

from helpers.checks import number_pair, switch, whole_number


def macs(
    in_channels: int,
    out_channels: int,
    kernel_size: int | tuple[int, int],
    output_size: int | tuple[int, int],
    *,
    groups: int = 1,
) -> int:
    """Multiply-accumulates of a 2-D convolution for one image, the bias excluded.

    A dense layer is the case `kernel_size=1, output_size=1`. Cells of padding are multiplied and counted.

    Args:
        in_channels: channels of the input.
        out_channels: filters.
        kernel_size: one size, or (height, width).
        output_size: pixels of the output, one size or (height, width).
        groups: independent groups of channels; `in_channels` for a depthwise convolution.

    Raises:
        TypeError: if an argument is of the wrong kind.
        ValueError: if an argument is below 1, or `groups` does not divide both numbers of channels.

    >>> macs(3, 96, kernel_size=11, output_size=55)
    105415200
    """
    weights = parameters(in_channels, out_channels, kernel_size, groups=groups, bias=False)
    height, width = number_pair("output_size", output_size, at_least=1, order="(height, width)")
    return weights * height * width


def parameters(
    in_channels: int,
    out_channels: int,
    kernel_size: int | tuple[int, int],
    *,
    groups: int = 1,
    bias: bool = True,
) -> int:
    """Learned numbers of a 2-D convolution; a dense layer is the case `kernel_size=1`.

    Args:
        in_channels: channels of the input.
        out_channels: filters.
        kernel_size: one size, or (height, width).
        groups: independent groups of channels; `in_channels` for a depthwise convolution.
        bias: whether each filter adds one number of its own.

    Raises:
        TypeError: if an argument is of the wrong kind.
        ValueError: if an argument is below 1, or `groups` does not divide both numbers of channels.

    >>> parameters(3, 96, kernel_size=11)
    34944
    """
    in_channels = whole_number("in_channels", in_channels, at_least=1)
    out_channels = whole_number("out_channels", out_channels, at_least=1)
    groups = whole_number("groups", groups, at_least=1)
    if in_channels % groups or out_channels % groups:
        raise ValueError(
            f"groups must divide in_channels={in_channels} and out_channels={out_channels}, got {groups}"
        )
    height, width = number_pair("kernel_size", kernel_size, at_least=1, order="(height, width)")
    numbers_per_filter = in_channels // groups * height * width + int(switch("bias", bias))
    return out_channels * numbers_per_filter
