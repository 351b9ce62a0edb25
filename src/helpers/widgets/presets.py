"""The settings that the convolution explorer offers by name: the worked examples, and the four of MNIST."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from helpers.convolution import Array
from helpers.sources import WORKED_4X4, WORKED_5X5, WORKED_7X7, WorkedExample
from helpers.widgets.patterns import IMAGES, KERNELS, image_cells, kernel_cells

# Every preset says all that a reader could have changed before.
_PLAIN = {"dilation": 1, "convention": "tensorflow", "padding_mode": "zeros"}

Grid = list[list[float]]


def _named(grid: Array, names: Iterable[str], cells: Callable[[str, int, int], Grid]) -> str | Grid:
    """The name of a grid that has one, so that it can grow with its size; the numbers of any other."""
    same = (name for name in names if np.array_equal(cells(name, *grid.shape), grid))
    return next(same, grid.tolist())


def _worked(example: WorkedExample) -> dict[str, Any]:
    return {
        **_PLAIN,
        "image": _named(example.image, IMAGES, image_cells),
        "input_size": example.image.shape[0],
        "kernel": _named(example.kernel, KERNELS, kernel_cells),
        "kernel_size": example.kernel.shape[0],
        "stride": example.stride,
        "padding": example.padding,
    }


def _mnist(stride: int, padding: str) -> dict[str, Any]:
    grids = {"image": "seven", "input_size": 28, "kernel": "vertical edges", "kernel_size": 3}
    return _PLAIN | grids | {"stride": stride, "padding": padding}


PRESETS = {
    **{f"5 × 5, stride {example.stride}": _worked(example) for example in WORKED_5X5},
    "7 × 7, stride 2": _worked(WORKED_7X7),
    **{f"4 × 4, stride {each.stride}, padding {each.padding}": _worked(each) for each in WORKED_4X4},
    **{f"28 × 28, stride {s}, {p}": _mnist(s, p) for s in (1, 2) for p in ("same", "valid")},
}
