"""What an explorer convolves or pools, without the widget: grids by name, windows, whether it is legal."""

from collections.abc import Callable
from dataclasses import dataclass
from math import floor
from typing import Any

from helpers.arithmetic import inputs_per_output, output_size, resolve_padding, unread, window_starts
from helpers.arithmetic.layer import Layer, Window, axis_windows
from helpers.convolution import pad2d

Grid = list[list[float]]
_Cell = Callable[[int, int, int, int], float]  # (row, column, height, width) -> value


def image_cells(name: str, height: int, width: int) -> Grid:
    """Return the input `name` at a size; `picture.mjs` draws the same one.

    >>> image_cells("counting", 2, 3)
    [[1, 2, 3], [4, 5, 6]]
    """
    return _grid(IMAGES[name], height, width)


def kernel_cells(name: str, height: int, width: int) -> Grid:
    """Return the kernel `name` at a size; `picture.mjs` draws the same one.

    >>> kernel_cells("vertical edges", 2, 3)
    [[1, 0, -1], [1, 0, -1]]
    """
    return _grid(KERNELS[name], height, width)


def _grid(cell: _Cell, height: int, width: int) -> Grid:
    return [[cell(row, column, height, width) for column in range(width)] for row in range(height)]


def _sign(number: int) -> int:
    return (number > 0) - (number < 0)


def _is_center(row: int, column: int, height: int, width: int) -> bool:
    return row == height // 2 and column == width // 2


def _digit(row: int, column: int, height: int, width: int) -> int:
    """Digits that look random."""
    return (row * row + 2 * column * column + 2 * row * column + 6 * row + 8 * column + 3) % 19 % 10


def _seven(row: int, column: int, height: int, width: int) -> int:
    """How dark the pen of a handwritten 7 leaves a pixel, 0 to 9."""
    x, y = (column + 0.5) / width, (row + 0.5) / height
    bar = max(abs(y - 0.22), abs(x - 0.5) - 0.25)
    stem = max(0.9 * abs(x - 0.75 + 0.5 * (y - 0.22)), abs(y - 0.52) - 0.3)
    return min(max(floor(15.5 - 120 * min(bar, stem)), 0), 9)


IMAGES: dict[str, _Cell] = {
    "digits": _digit,
    "counting": lambda row, column, height, width: row * width + column + 1,
    "edge": lambda row, column, height, width: 0 if 2 * column < width else 9,
    "dot": lambda *cell: 9 * _is_center(*cell),
    "seven": _seven,
}
KERNELS: dict[str, _Cell] = {
    "vertical edges": lambda row, column, height, width: _sign(width - 1 - 2 * column),
    "horizontal edges": lambda row, column, height, width: _sign(height - 1 - 2 * row),
    "outline": lambda row, column, height, width: (
        height * width - 1 if _is_center(row, column, height, width) else -1
    ),
    "mean": lambda row, column, height, width: 1 / (height * width),
    "ones": lambda row, column, height, width: 1,
    "identity": lambda *cell: int(_is_center(*cell)),
}


# The kinds of layer: what each has not, with the only value that it then takes.
LACKS: dict[str, dict[str, Any]] = {
    "convolution": {"output_padding": 0, "ceil_mode": False, "count_include_pad": True},
    "transposed": {"padding_mode": "zeros", "ceil_mode": False, "count_include_pad": True},
    "max pooling": {"padding_mode": "zeros", "output_padding": 0, "count_include_pad": True},
    "average pooling": {"padding_mode": "zeros", "output_padding": 0, "dilation": 1},
}
MOST_DRAWN = 112  # pixels along an axis, those that are cropped among them


@dataclass(frozen=True)
class ExplorerSetting:
    """One input, one kernel, and how the kernel moves; see `ConvolutionExplorer` for the attributes."""

    kind: str
    image: str | Grid
    input_size: int | tuple[int, int]
    kernel: str | Grid
    kernel_size: int | tuple[int, int]
    stride: int | tuple[int, int]
    dilation: int | tuple[int, int]
    padding: Any
    convention: Any
    padding_mode: Any
    output_padding: int | tuple[int, int]
    ceil_mode: bool
    count_include_pad: bool

    @property
    def is_pooling(self) -> bool:
        """Whether it has a window without weights."""
        return self.kind.endswith("pooling")

    @property
    def image_grid(self) -> Grid:
        """The input, (H, W)."""
        if isinstance(self.image, str):
            return image_cells(self.image, *pair(self.input_size))
        return self.image

    @property
    def kernel_grid(self) -> Grid:
        """The weights, (k, k)."""
        if isinstance(self.kernel, str):
            return kernel_cells(self.kernel, *pair(self.kernel_size))
        return self.kernel

    @property
    def axes(self) -> list[tuple[int, Window]]:
        """Size and window of the rows' axis, and of the columns'."""
        windows = axis_windows(
            shape(self.kernel_grid),
            stride=self.stride,
            padding=self.padding,
            dilation=self.dilation,
            convention=self.convention,
        )
        for window, extra in zip(windows, pair(self.output_padding), strict=True):
            window["kind"] = "pooling" if self.is_pooling else self.kind  # type: ignore[typeddict-item]
            window["ceil_mode"], window["output_padding"] = self.ceil_mode, extra
        return list(zip(shape(self.image_grid), windows, strict=True))

    @property
    def pads(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """Cells of padding, ((top, bottom), (left, right)); those cropped, in a transposed convolution."""
        rows, columns = (_sides(size, window) for size, window in self.axes)
        return rows, columns

    @property
    def overhang(self) -> tuple[int, int]:
        """Cells beyond input and padding that the last window reads, below and on the right."""
        rows, columns = (
            max(0, window_starts(size, **window)[-1] + Layer(**window).reach - size - after)
            for (size, window), (_, after) in zip(self.axes, self.pads, strict=True)
        )
        return rows, columns

    @property
    def output_shape(self) -> tuple[int, int]:
        """Size of the output along the rows' axis and the columns'.

        Raises:
            ValueError: if no window fits.
        """
        rows, columns = (output_size(size, **window) for size, window in self.axes)
        return rows, columns

    @property
    def stops(self) -> tuple[int, int]:
        """Windows along the rows' axis and the columns': one an output, or one an input where it grows."""
        return shape(self.image_grid) if self.kind == "transposed" else self.output_shape

    @property
    def pixels_never_read(self) -> int:
        """How many pixels of the input have no part in the output."""
        (height, rows), (width, columns) = self.axes
        read = (height - len(unread(height, **rows))) * (width - len(unread(width, **columns)))
        return height * width - read

    def check(self) -> None:
        """Refuse a setting that cannot be drawn.

        Raises:
            ValueError: if no window fits, a setting is not one of the kind, or the padding is wider than its
                mode can fill or than a pooling allows.
        """
        for name, plain in LACKS[self.kind].items():
            value = getattr(self, name)
            if any(each != plain for each in pair(value)):
                raise ValueError(f'{name} must be {plain!r} with kind="{self.kind}", got {value!r}')
        for size, window in self.axes:
            output_size(size, **window)
        if self.is_pooling:
            for size, window in self.axes:
                _check_pooling(size, window, self.padding)
        elif self.kind == "transposed":
            for size, window in self.axes:
                before, after = _sides(size, window)
                drawn = before + output_size(size, **window) + after
                if drawn > MOST_DRAWN:
                    raise ValueError(
                        f"output must have at most {MOST_DRAWN} pixels before the crop, to be drawn, "
                        f"got {drawn}: use a smaller input_size, stride or kernel_size"
                    )
        else:
            pad2d(self.image_grid, self.pads, padding_mode=self.padding_mode)


def _sides(size: int, window: Window) -> tuple[int, int]:
    """Cells of padding before and after an axis, or those of the copies that the crop leaves out."""
    before, after = resolve_padding(size, **window)
    if window["kind"] == "transposed":
        spread = (size - 1) * window["stride"] + Layer(**window).reach
        after = max(0, spread - before - output_size(size, **window))
    return before, after


def _check_pooling(size: int, window: Window, padding: Any) -> None:
    """Refuse padding of which a window of a pooling could be full, where torch refuses too."""
    half, widest = window["kernel_size"] // 2, max(resolve_padding(size, **window))
    if padding != "same" and widest > half:
        raise ValueError(
            f"padding must be at most {half}, half of the pooling's kernel_size={window['kernel_size']}, "
            f"got {widest}"
        )
    if 0 in inputs_per_output(size, **window):
        raise ValueError(
            f"padding must leave each window of the pooling a pixel, got {padding!r}: "
            "use less padding or dilation"
        )


def pair(value: Any) -> tuple[Any, Any]:
    """Return one value for both axes as two, and a tuple of two as it is."""
    return value if isinstance(value, tuple) else (value, value)


def shape(grid: Grid) -> tuple[int, int]:
    """Return rows and columns."""
    return len(grid), len(grid[0])


def by(sizes: tuple[int, int]) -> str:
    """Return two sizes in words: "3 by 4"."""
    return f"{sizes[0]} by {sizes[1]}"
