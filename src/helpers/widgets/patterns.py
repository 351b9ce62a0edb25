"""Inputs and kernels that exist at any size; `convolution_explorer.mjs` draws the same ones."""

from collections.abc import Callable
from math import floor

Cell = Callable[[int, int, int, int], float]  # (row, column, height, width) -> value


def image_cells(name: str, height: int, width: int) -> list[list[float]]:
    """The input `name` at a size.

    >>> image_cells("counting", 2, 3)
    [[1, 2, 3], [4, 5, 6]]
    """
    return _grid(IMAGES[name], height, width)


def kernel_cells(name: str, height: int, width: int) -> list[list[float]]:
    """The kernel `name` at a size.

    >>> kernel_cells("vertical edges", 2, 3)
    [[1, 0, -1], [1, 0, -1]]
    """
    return _grid(KERNELS[name], height, width)


def _grid(cell: Cell, height: int, width: int) -> list[list[float]]:
    return [[cell(row, column, height, width) for column in range(width)] for row in range(height)]


def _sign(number: int) -> int:
    return (number > 0) - (number < 0)


def _is_center(row: int, column: int, height: int, width: int) -> bool:
    return row == height // 2 and column == width // 2


def _digit(row: int, column: int, height: int, width: int) -> int:
    """Digits that look drawn by chance."""
    return (row * row + 2 * column * column + 2 * row * column + 6 * row + 8 * column + 3) % 19 % 10


def _seven(row: int, column: int, height: int, width: int) -> int:
    """How dark the pen of a handwritten 7 leaves a pixel, 0 to 9."""
    x, y = (column + 0.5) / width, (row + 0.5) / height
    bar = max(abs(y - 0.22), abs(x - 0.5) - 0.25)
    stem = max(0.9 * abs(x - 0.75 + 0.5 * (y - 0.22)), abs(y - 0.52) - 0.3)
    return min(max(floor(15.5 - 120 * min(bar, stem)), 0), 9)


IMAGES: dict[str, Cell] = {
    "digits": _digit,
    "counting": lambda row, column, height, width: row * width + column + 1,
    "edge": lambda row, column, height, width: 0 if 2 * column < width else 9,
    "dot": lambda *place: 9 * _is_center(*place),
    "seven": _seven,
}
KERNELS: dict[str, Cell] = {
    "vertical edges": lambda row, column, height, width: _sign(width - 1 - 2 * column),
    "horizontal edges": lambda row, column, height, width: _sign(height - 1 - 2 * row),
    "outline": lambda row, column, height, width: (
        height * width - 1 if _is_center(row, column, height, width) else -1
    ),
    "mean": lambda row, column, height, width: 1 / (height * width),
    "ones": lambda row, column, height, width: 1,
    "identity": lambda *place: int(_is_center(*place)),
}
