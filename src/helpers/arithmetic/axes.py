"""The setting of a two-dimensional layer, split into the settings of its two axes."""

from typing import Any, TypedDict

from helpers.arithmetic.layer import Convention, Padding

AxisSetting = int | tuple[int, int]
AxisPadding = Padding | tuple[Padding, Padding]


class Window(TypedDict):
    """The keywords that every function of one axis takes: `window_starts(28, **window)`."""

    kernel_size: int
    stride: int
    padding: Padding
    dilation: int
    convention: Convention


def axis_windows(
    kernel_size: AxisSetting,
    *,
    stride: AxisSetting = 1,
    padding: AxisPadding = 0,
    dilation: AxisSetting = 1,
    convention: Convention = "tensorflow",
) -> tuple[Window, Window]:
    """The window along the rows' axis (height) and the one along the columns' axis (width).

    A setting is one value for both axes, or a pair with one for each: `padding=(1, 2)` adds one row above and
    below and two columns left and right, as in torch; uneven padding is `((top, bottom), (left, right))`.
    Whether the values are in range is for the function that takes the window to say.

    Raises:
        ValueError: if a pair does not hold two values.

    >>> from helpers.arithmetic import output_size
    >>> [output_size(28, **window) for window in axis_windows(3, stride=(1, 2), padding="same")]
    [28, 14]
    """
    (height, width), strides = _pair("kernel_size", kernel_size), _pair("stride", stride)
    pads, dilations = _pair("padding", padding), _pair("dilation", dilation)
    rows = Window(
        kernel_size=height, stride=strides[0], padding=pads[0], dilation=dilations[0], convention=convention
    )
    columns = Window(
        kernel_size=width, stride=strides[1], padding=pads[1], dilation=dilations[1], convention=convention
    )
    return rows, columns


def _pair(name: str, value: Any) -> tuple[Any, Any]:
    if not isinstance(value, tuple):
        return value, value
    if len(value) != 2:
        raise ValueError(f"{name} must be one value or two, (rows, columns), got {value!r}")
    return value
