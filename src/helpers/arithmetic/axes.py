"""The setting of a two-dimensional layer, split into the settings of its two axes."""

from typing import Any

from helpers.arithmetic.layer import Convention, Padding, Window

__all__ = ["AxisPadding", "AxisSetting", "Window", "axis_windows"]

AxisSetting = int | tuple[int, int]
AxisPadding = Padding | tuple[Padding, Padding]


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
    The values themselves are checked by the function that is called with the window.

    Raises:
        ValueError: if a pair does not hold two values.

    >>> from helpers.arithmetic import output_size
    >>> [output_size(28, **window) for window in axis_windows(3, stride=(1, 2), padding="same")]
    [28, 14]
    """
    rows, columns = (
        Window(kernel_size=k, stride=s, padding=p, dilation=d, convention=convention)
        for k, s, p, d in zip(
            _pair("kernel_size", kernel_size),
            _pair("stride", stride),
            _pair("padding", padding),
            _pair("dilation", dilation),
            strict=True,
        )
    )
    return rows, columns


def _pair(name: str, value: Any) -> tuple[Any, Any]:
    if not isinstance(value, tuple):
        return value, value
    if len(value) != 2:
        raise ValueError(f"{name} must be one value or two, (rows, columns), got {value!r}")
    return value
