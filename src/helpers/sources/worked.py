"""The worked examples of the sources, as data: what each one convolves, and what it printed.

Only inputs and published values are typed here; every true value is computed. The sources are the keys of
the book's bibliography.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from helpers.arithmetic import coverage
from helpers.arithmetic.axes import axis_windows
from helpers.convolution import Array, convolve2d


class Slip(NamedTuple):
    """An output cell where the published value is not the true one."""

    row: int
    column: int
    published: float
    value: float


@dataclass(frozen=True, eq=False)
class WorkedExample:
    """One image, one kernel, one setting, and the output that its source printed, if it printed one."""

    source: str
    image: Array
    kernel: Array
    stride: int
    padding: int = 0
    published: Array | None = None

    @property
    def output(self) -> Array:
        """What a framework computes: cross-correlation, (H', W')."""
        return convolve2d(self.image, self.kernel, stride=self.stride, padding=self.padding)

    @property
    def flipped_output(self) -> Array:
        """What mathematics calls the convolution, (H', W'): the kernel turned by 180 degrees."""
        return convolve2d(self.image, self.kernel, stride=self.stride, padding=self.padding, flip=True)

    @property
    def slips(self) -> tuple[Slip, ...]:
        """Where the source's output is wrong, in reading order; nothing where it printed none.

        >>> [(slip.published, slip.value) for slip in WORKED_7X7.slips]
        [(83, 88), (127, 117)]
        """
        if self.published is None:
            return ()
        output = self.output
        wrong = np.argwhere(~np.isclose(self.published, output))
        return tuple(
            Slip(row, column, self.published[row, column].item(), output[row, column].item())
            for row, column in wrong.tolist()
        )

    @property
    def reads(self) -> NDArray[np.int64]:
        """How many windows read each pixel of the image, (H, W)."""
        windows = axis_windows(self.kernel.shape, stride=self.stride, padding=self.padding)
        sizes = zip(self.image.shape, windows, strict=True)
        rows, columns = (coverage(size, **window) for size, window in sizes)
        return np.outer(rows, columns)


def _array(values: list[list[int]] | list[list[float]] | Array) -> Array:
    """An array that no notebook can change for the ones after it."""
    array = np.array(values)
    array.flags.writeable = False
    return array


_COUNT_TO_25 = _array(np.arange(1, 26).reshape(5, 5))
_NEARLY_MEAN = _array(np.full((3, 3), 0.11))
_COUNT_TO_16 = _array(np.arange(1, 17).reshape(4, 4))
_LEFT_MINUS_RIGHT = _array([[1, 0, -1]] * 3)

WORKED_5X5 = (
    WorkedExample(
        "stride-guide",
        _COUNT_TO_25,
        _NEARLY_MEAN,
        stride=1,
        published=_array([[7.92, 8.91, 9.90], [12.87, 13.86, 14.85], [17.82, 18.81, 19.80]]),
    ),
    WorkedExample(
        "stride-guide", _COUNT_TO_25, _NEARLY_MEAN, stride=2, published=_array([[7.92, 9.90], [17.82, 19.80]])
    ),
)
"""The mean of nine, nearly: 1 to 25 under a constant kernel, at stride 1 and 2."""

WORKED_7X7 = WorkedExample(
    "strided-post",
    _array(
        [
            [2, 3, 7, 4, 6, 2, 9],
            [6, 6, 9, 8, 7, 4, 3],
            [3, 4, 8, 3, 8, 9, 7],
            [7, 8, 3, 6, 6, 3, 4],
            [4, 2, 1, 8, 3, 4, 6],
            [3, 2, 4, 1, 9, 8, 3],
            [0, 1, 3, 9, 2, 1, 4],
        ]
    ),
    _array([[3, 4, 4], [1, 0, 2], [-1, 0, 3]]),
    stride=2,
    published=_array([[91, 100, 83], [69, 91, 127], [44, 72, 74]]),
)
"""Andrew Ng's lecture example, whose outputs the source prints without the image and the filter."""

WORKED_4X4 = (
    WorkedExample(
        "stride-beyond-kernel", _COUNT_TO_16, _LEFT_MINUS_RIGHT, stride=1, published=_array([[-6, -6]] * 2)
    ),
    WorkedExample(
        "stride-beyond-kernel", _COUNT_TO_16, _LEFT_MINUS_RIGHT, stride=4, published=_array([[-6]])
    ),
    WorkedExample("stride-beyond-kernel", _COUNT_TO_16, _LEFT_MINUS_RIGHT, stride=2, padding=1),
)
"""1 to 16 under left minus right: stride 1, a stride beyond the kernel, one that the source could not run."""
