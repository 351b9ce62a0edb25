"""Two-dimensional convolution in NumPy, three ways: pixel by pixel, step by step, and all at once.

Use `convolve2d` to see what a stride, padding or dilation does to one channel of one image: it computes only
the windows that the setting keeps, so that a stride makes it cheaper. `scipy.signal` has no stride; use it
where the kernel is so large that a Fourier transform pays (`scipy.signal.fftconvolve`). For batches, channels
and gradients use `torch.nn.functional.conv2d`.
"""

from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike, NDArray

from helpers.arithmetic import Convention, Layer, output_size
from helpers.arithmetic.layer import AxisPadding, AxisSetting, axis_windows
from helpers.arithmetic.placing import pads, starts
from helpers.checks import number_pair, switch

PaddingMode = Literal["zeros", "reflect", "replicate", "circular"]
Array = NDArray[Any]  # of int64 or float64

_LARGEST = np.iinfo(np.int64).max
_NUMPY_MODES = {"zeros": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}


class Step(NamedTuple):
    """One output value: its row and column, the window it reads, the products, and their sum."""

    row: int
    column: int
    window: Array
    products: Array
    value: int | float


def convolve2d(
    image: ArrayLike,
    kernel: ArrayLike,
    *,
    stride: AxisSetting = 1,
    padding: AxisPadding = 0,
    dilation: AxisSetting = 1,
    flip: bool = False,
    padding_mode: PaddingMode = "zeros",
    convention: Convention = "tensorflow",
) -> Array:
    """Slide a kernel over an image; (H, W) -> (H', W').

    This is cross-correlation, as in every deep-learning framework; `flip=True` turns the kernel by 180
    degrees first, which is convolution as mathematics has it. A setting is one value for both axes or a pair,
    one for each: uneven padding is `((top, bottom), (left, right))`. `padding` may also be "valid", "same" or
    "full"; `convention` is the framework that "same" follows. Integers stay exact (int64); all else is
    float64.

    Raises:
        TypeError: if the image or kernel is not numeric (a bool is not), or a setting is of the wrong kind.
        ValueError: if the image or kernel is empty or not two-dimensional, a setting is out of range, the
            kernel is larger than the padded image, or integers are so large that a sum could leave int64.

    Source: Dumoulin & Visin 2016; `torch.nn.functional.conv2d` for the sign of the flip.

    >>> convolve2d([[1, 2, 3], [4, 5, 6], [7, 8, 9]], [[1, 0], [0, -1]], stride=2, padding="same")
    array([[-4,  3],
           [ 7,  9]])
    """
    windows, taps = _windows_and_taps(
        image,
        kernel,
        stride=stride,
        padding=padding,
        dilation=dilation,
        flip=flip,
        padding_mode=padding_mode,
        convention=convention,
    )
    # A loop over the few taps, each a view of the whole image: einsum and im2col are slower up to 11 x 11.
    output = np.zeros(windows.shape[:2], dtype=np.result_type(windows, taps))  # (H', W')
    for row, column in np.ndindex(taps.shape):
        output += windows[:, :, row, column] * taps[row, column]
    return output


def steps(
    image: ArrayLike,
    kernel: ArrayLike,
    *,
    stride: AxisSetting = 1,
    padding: AxisPadding = 0,
    dilation: AxisSetting = 1,
    flip: bool = False,
    padding_mode: PaddingMode = "zeros",
    convention: Convention = "tensorflow",
) -> Iterator[Step]:
    """Yield what `convolve2d` does at each output cell, row by row; the arguments and errors are its own.

    The window of a step is a read-only view of the padded image, of the kernel's shape.

    >>> next(steps([[1, 2], [3, 4]], [[1, 0], [0, -1]]))
    Step(row=0, column=0, window=array([[1, 2],
           [3, 4]]), products=array([[ 1,  0],
           [ 0, -4]]), value=-3)
    """
    windows, taps = _windows_and_taps(
        image,
        kernel,
        stride=stride,
        padding=padding,
        dilation=dilation,
        flip=flip,
        padding_mode=padding_mode,
        convention=convention,
    )
    return (
        Step(
            row, column, windows[row, column], products := windows[row, column] * taps, products.sum().item()
        )
        for row, column in np.ndindex(windows.shape[:2])
    )


def convolve2d_loops(image: ArrayLike, kernel: ArrayLike, *, stride: int = 1) -> Array:
    """Slide a kernel over an image, one output cell at a time; (H, W) -> (H', W').

    The definition as code, without padding and dilation, and the measure of how much `convolve2d` gains.

    Raises:
        TypeError: if the image or kernel is not numeric, or the stride is not an integer.
        ValueError: if the image or kernel is empty or not two-dimensional, the stride is below 1, or the
            kernel is larger than the image.

    >>> convolve2d_loops([[1, 2, 3], [4, 5, 6], [7, 8, 9]], [[1, 0], [0, -1]])
    array([[-4, -4],
           [-4, -4]])
    """
    image, kernel = _matrix("image", image), _matrix("kernel", kernel)
    height, width = kernel.shape
    rows = output_size(image.shape[0], kernel_size=height, stride=stride)
    columns = output_size(image.shape[1], kernel_size=width, stride=stride)
    output = np.zeros((rows, columns), dtype=np.result_type(image, kernel))
    for row in range(rows):
        for column in range(columns):
            top, left = row * stride, column * stride
            window = image[top : top + height, left : left + width]
            output[row, column] = (window * kernel).sum()
    return output


def pad2d(
    image: ArrayLike, pads: tuple[tuple[int, int], tuple[int, int]], *, padding_mode: PaddingMode = "zeros"
) -> Array:
    """Pad an image by `((top, bottom), (left, right))`; (H, W) -> (top + H + bottom, left + W + right).

    An image that gets no padding comes back itself, not copied.

    Raises:
        TypeError: if the image is not numeric.
        ValueError: if the image is empty or not two-dimensional, the mode is unknown, or the padding is wider
            than the image can fill (reflect: size - 1, circular: size), where torch refuses too.

    >>> pad2d([[1, 2, 3]], ((0, 0), (2, 1)), padding_mode="reflect")
    array([[3, 2, 1, 2, 3, 2]])
    """
    image = _matrix("image", image)
    if padding_mode not in _NUMPY_MODES:
        known = ", ".join(map(repr, _NUMPY_MODES))
        raise ValueError(f"padding_mode must be one of {known}, got {padding_mode!r}")
    for size, sides in zip(image.shape, pads, strict=True):
        number_pair("pads", sides, at_least=0, order="(before, after)")
        available = {"reflect": size - 1, "circular": size}.get(padding_mode, max(sides))
        if max(sides) > available:
            raise ValueError(
                f"pads must be at most {available} a side for padding_mode={padding_mode!r} on an axis of "
                f"{size} pixels, got {sides}"
            )
    if not np.any(pads):
        return image
    return np.pad(image, pads, mode=_NUMPY_MODES[padding_mode])  # type: ignore[call-overload, no-any-return]


def _windows_and_taps(
    image: ArrayLike,
    kernel: ArrayLike,
    *,
    stride: AxisSetting,
    padding: AxisPadding,
    dilation: AxisSetting,
    flip: bool,
    padding_mode: PaddingMode,
    convention: Convention,
) -> tuple[Array, Array]:
    """Every window of the padded image as one view, (H', W', k, k), and the kernel that meets it, (k, k)."""
    image, kernel = _matrix("image", image), _matrix("kernel", kernel)
    taps = kernel[::-1, ::-1] if switch("flip", flip) else kernel
    _check_range(image, kernel)
    settings = axis_windows(
        kernel.shape, stride=stride, padding=padding, dilation=dilation, convention=convention
    )
    rows, columns = (Layer(**setting) for setting in settings)
    height, width = image.shape
    starts(height, rows)  # raises where not even one window fits
    starts(width, columns)
    padded = pad2d(image, (pads(height, rows), pads(width, columns)), padding_mode=padding_mode)
    windows = sliding_window_view(padded, (rows.reach, columns.reach))[
        :: rows.stride, :: columns.stride, :: rows.dilation, :: columns.dilation
    ]  # (H', W', k, k)
    return windows, taps


def _matrix(name: str, value: ArrayLike) -> Array:
    """A two-dimensional array of int64 or float64, without a copy where it is one already."""
    array = np.asarray(value)
    if array.ndim != 2:
        raise ValueError(
            f"{name} must be two-dimensional, (rows, columns), got shape {array.shape}: "
            "convolve one channel of one image at a time"
        )
    if array.size == 0:
        raise ValueError(f"{name} must hold at least one value, got shape {array.shape}")
    if array.dtype.kind == "f":
        return array.astype(np.float64, copy=False)
    if array.dtype.kind not in "iu":
        raise TypeError(f"{name} must hold integers or real numbers, got dtype {array.dtype}")
    if int(array.max()) > _LARGEST:
        raise ValueError(f"{name} must fit into int64, got {array.max()}: convert it to float first")
    return array.astype(np.int64, copy=False)


def _check_range(image: Array, kernel: Array) -> None:
    """Refuse integers whose weighted sum could wrap around; floats cannot."""
    if image.dtype != np.int64 or kernel.dtype != np.int64:
        return
    peak = max(int(image.max()), -int(image.min()))
    if peak * sum(map(abs, kernel.ravel().tolist())) > _LARGEST:
        raise ValueError(
            f"image must be so small that its weighted sums fit into int64, got values up to {peak}: "
            "convert image or kernel to float"
        )
