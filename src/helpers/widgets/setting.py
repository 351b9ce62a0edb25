"""What an explorer convolves, without the widget: grids by name, windows, whether a setting is legal."""

from collections.abc import Callable
from dataclasses import dataclass
from math import floor
from typing import Any

from helpers.arithmetic import output_size, resolve_padding, unread
from helpers.arithmetic.layer import Window, axis_windows
from helpers.convolution import pad2d

Grid = list[list[float]]
_Cell = Callable[[int, int, int, int], float]  # (row, column, height, width) -> value


def image_cells(name: str, height: int, width: int) -> Grid:
    """Return the input `name` at a size; `convolution_explorer.mjs` draws the same one.

    >>> image_cells("counting", 2, 3)
    [[1, 2, 3], [4, 5, 6]]
    """
    return _grid(IMAGES[name], height, width)


def kernel_cells(name: str, height: int, width: int) -> Grid:
    """Return the kernel `name` at a size; `convolution_explorer.mjs` draws the same one.

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


@dataclass(frozen=True)
class ExplorerSetting:
    """One input, one kernel, and how the kernel moves; see `ConvolutionExplorer` for the attributes."""

    image: str | Grid
    input_size: int | tuple[int, int]
    kernel: str | Grid
    kernel_size: int | tuple[int, int]
    stride: int | tuple[int, int]
    dilation: int | tuple[int, int]
    padding: Any
    convention: Any
    padding_mode: Any

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
        return list(zip(shape(self.image_grid), windows, strict=True))

    @property
    def pads(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """Cells of padding, ((top, bottom), (left, right))."""
        rows, columns = (resolve_padding(size, **window) for size, window in self.axes)
        return rows, columns

    @property
    def output_shape(self) -> tuple[int, int]:
        """Windows along the rows' axis and the columns'.

        Raises:
            ValueError: if no window fits.
        """
        rows, columns = (output_size(size, **window) for size, window in self.axes)
        return rows, columns

    @property
    def pixels_never_read(self) -> int:
        """How many pixels of the input lie in no window."""
        (height, rows), (width, columns) = self.axes
        read = (height - len(unread(height, **rows))) * (width - len(unread(width, **columns)))
        return height * width - read

    def check(self) -> None:
        """Refuse a setting that cannot be drawn.

        Raises:
            ValueError: if no window fits, or the padding is wider than its mode can fill.
        """
        for size, window in self.axes:
            output_size(size, **window)
        pad2d(self.image_grid, self.pads, padding_mode=self.padding_mode)


def pair(value: Any) -> tuple[Any, Any]:
    """Return one value for both axes as two, and a tuple of two as it is."""
    return value if isinstance(value, tuple) else (value, value)


def shape(grid: Grid) -> tuple[int, int]:
    """Return rows and columns."""
    return len(grid), len(grid[0])


def by(sizes: tuple[int, int]) -> str:
    """Return two sizes in words: "3 by 4"."""
    return f"{sizes[0]} by {sizes[1]}"
