"""What the five write-ups printed, as data: their worked examples, and the numbers of their experiments."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from helpers.arithmetic import coverage
from helpers.arithmetic.layer import axis_windows
from helpers.convolution import Array, convolve2d

WRITE_UPS: Mapping[str, str] = {
    "stride-guide": "a web article, a guide to stride with a 5x5 example",
    "strided-post": "a blog post with a 7x7 example",
    "stride-beyond-kernel": "a question and its answers, on strides beyond the kernel",
    "stride-padding-mnist": "a notebook on GitHub, four settings of stride and padding on MNIST",
    "stride-bilstm": "a notebook on GitHub, three networks on Fashion-MNIST",
}
"""What each of the five write-ups is, by its key in the bibliography."""


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
        """The output of a framework, (H', W'): cross-correlation."""
        return convolve2d(self.image, self.kernel, stride=self.stride, padding=self.padding)

    @property
    def flipped_output(self) -> Array:
        """The convolution as mathematics defines it, (H', W'): with the kernel turned by 180 degrees."""
        return convolve2d(self.image, self.kernel, stride=self.stride, padding=self.padding, flip=True)

    @property
    def slips(self) -> tuple[Slip, ...]:
        """The cells where the source's output is wrong, row by row; empty if it printed none.

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
    """A read-only array, so that no notebook can change it for another."""
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


@dataclass(frozen=True, kw_only=True)
class PublishedRun:
    """The one run of a model of `stride-bilstm`, after its last epoch.

    Attributes:
        accuracy: on the test images.
        loss: on the test images.
        train_accuracy: as logged, a running average with dropout on.
        validation_accuracy: on the images held out.
        f1: on the test images, of some classes.
    """

    accuracy: float
    loss: float
    train_accuracy: float
    validation_accuracy: float
    f1: Mapping[str, float]


MNIST_ACCURACY: Mapping[str, tuple[float | None, ...]] = {
    "s1-same": (None, 0.9889, 0.9889),
    "s2-same": (0.9693, 0.9797, 0.9828),
    "s1-valid": (0.9831, 0.9869, 0.9914),
    "s2-valid": (0.9560, 0.9609, 0.9696),
}
"""Validation accuracy of `stride-padding-mnist` after each epoch; None where it is not printed."""

MNIST_CONV1_SIZES: Mapping[str, int] = {"s1-same": 28, "s1-valid": 26, "s2-same": 14, "s2-valid": 13}
"""Width of the first convolution's map."""

ACCURACY_DECIMALS = 4
"""Decimals that the sources print of an accuracy or a loss; of a percentage, two fewer."""

F1_DECIMALS = 2
"""Decimals that `stride-bilstm` prints of an F1."""

FASHION_MNIST_RUNS: Mapping[str, PublishedRun] = {
    "a": PublishedRun(
        accuracy=0.8795,
        loss=0.3276,
        train_accuracy=0.8775,
        validation_accuracy=0.8907,
        f1={"Shirt": 0.63, "Pullover": 0.82, "Coat": 0.80},
    ),
    "b": PublishedRun(
        accuracy=0.8999,
        loss=0.2712,
        train_accuracy=0.9014,
        validation_accuracy=0.9130,
        f1={"Shirt": 0.69, "Pullover": 0.85, "Coat": 0.84},
    ),
    "c": PublishedRun(
        accuracy=0.8297,
        loss=0.4687,
        train_accuracy=0.8235,
        validation_accuracy=0.8522,
        f1={"Shirt": 0.57, "Pullover": 0.74, "Coat": 0.73},
    ),
}
"""The three models of `stride-bilstm`."""


def percent(accuracy: float) -> float:
    """An accuracy in percent, to the digits that the sources print, without rounding errors of the product.

    >>> percent(0.5799), 100 * 0.5799
    (57.99, 57.989999999999995)
    """
    return round(100 * accuracy, ACCURACY_DECIMALS - 2)


class MnistSetting(NamedTuple):
    """Stride and padding of both convolutions of `stride-padding-mnist`.

    >>> MnistSetting(1, "same").label
    '(1, same)'
    """

    stride: Literal[1, 2]
    padding: Literal["same", "valid"]

    @property
    def label(self) -> str:
        """The setting as the pages write it."""
        return f"({self.stride}, {self.padding})"


MNIST_SETTINGS: Mapping[str, MnistSetting] = {
    "s1-same": MnistSetting(1, "same"),
    "s1-valid": MnistSetting(1, "valid"),
    "s2-same": MnistSetting(2, "same"),
    "s2-valid": MnistSetting(2, "valid"),
}
"""The four settings that the source compares, by the name of their runs in `results/mnist`."""
