"""The setting of a convolution explorer without the widget: its grids, its windows, whether it is legal."""

from dataclasses import dataclass
from typing import Any

from helpers.arithmetic import output_size, resolve_padding, unread
from helpers.arithmetic.axes import Window, axis_windows
from helpers.convolution import pad2d
from helpers.widgets.patterns import image_cells, kernel_cells

Grid = list[list[float]]


@dataclass(frozen=True)
class Setting:
    """The traits that say what is convolved with what, and how; see `ConvolutionExplorer`."""

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
        """Stops of the window along the rows' axis and the columns'.

        Raises:
            ValueError: if no window can be placed.
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
        """Refuse what cannot be drawn.

        Raises:
            ValueError: if no window can be placed, or the padding cannot be filled in its mode.
        """
        for size, window in self.axes:
            output_size(size, **window)
        pad2d(self.image_grid, self.pads, padding_mode=self.padding_mode)


def pair(value: Any) -> tuple[Any, Any]:
    """One value for both axes as two; two, a tuple, as they are."""
    return value if isinstance(value, tuple) else (value, value)


def shape(grid: Grid) -> tuple[int, int]:
    """Rows and columns."""
    return len(grid), len(grid[0])
