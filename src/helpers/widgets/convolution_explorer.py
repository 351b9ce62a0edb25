"""The convolution explorer: one window over one input, at every setting and for every kind of layer."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, get_args

import numpy as np
from numpy.typing import NDArray
from traitlets import Bool, Bunch, Dict, Enum, TraitError, Tuple, observe, validate

from helpers.arithmetic import Convention
from helpers.convolution import Array, PaddingMode
from helpers.sources import MNIST_SETTINGS, WORKED_4X4, WORKED_5X5, WORKED_7X7, MnistSetting, WorkedExample
from helpers.widgets.base import BookWidget
from helpers.widgets.setting import (
    IMAGES,
    KERNELS,
    LACKS,
    ExplorerSetting,
    Grid,
    by,
    image_cells,
    kernel_cells,
    pair,
    shape,
)
from helpers.widgets.traits import Cells, IndexTrait, PaddingTrait, PerAxis

if TYPE_CHECKING:
    from torch import Tensor

_SIZE_OF = {"image": "input_size", "kernel": "kernel_size"}
_GRID_OF = {size: grid for grid, size in _SIZE_OF.items()}
_SETTING = tuple(ExplorerSetting.__dataclass_fields__)

# A preset sets every trait that a reader could have changed before.
_PLAIN: dict[str, Any] = {
    "kind": "convolution",
    "dilation": 1,
    "convention": "tensorflow",
    "padding_mode": "zeros",
    "output_padding": 0,
    "ceil_mode": False,
    "count_include_pad": True,
}


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


def _mnist(setting: MnistSetting) -> dict[str, Any]:
    grids = {"image": "seven", "input_size": 28, "kernel": "vertical edges", "kernel_size": 3}
    return _PLAIN | grids | setting._asdict()


def _grown(kernel_size: int, **changes: Any) -> dict[str, Any]:
    """A transposed convolution of the numbers from 1 on, every weight 1, so that copies can be counted."""
    grids = {"image": "counting", "input_size": 4, "kernel": "ones", "kernel_size": kernel_size}
    return _PLAIN | grids | {"kind": "transposed", "stride": 2, "padding": 0} | changes


def _pooled(kind: str, kernel_size: int, **changes: Any) -> dict[str, Any]:
    grids = {"image": "digits", "input_size": 7, "kernel": "ones", "kernel_size": kernel_size}
    return _PLAIN | grids | {"kind": f"{kind} pooling", "stride": 2, "padding": 0} | changes


# What the explorer offers by name: worked examples, the settings of the MNIST study, other kinds of layer.
PRESETS = {
    **{f"5 × 5, stride {example.stride}": _worked(example) for example in WORKED_5X5},
    "7 × 7, stride 2": _worked(WORKED_7X7),
    **{f"4 × 4, stride {each.stride}, padding {each.padding}": _worked(each) for each in WORKED_4X4},
    **{f"28 × 28, stride {each.stride}, {each.padding}": _mnist(each) for each in MNIST_SETTINGS.values()},
    "transposed 3/2: a checkerboard": _grown(3),
    "transposed 3/2, cropped to twice the size": _grown(3, padding=1, output_padding=1),
    "transposed 4/2: no checkerboard": _grown(4, padding=1),
    "max pooling 2/2, rounded down": _pooled("max", 2),
    "max pooling 2/2, rounded up": _pooled("max", 2, ceil_mode=True),
    "average pooling 3/2, padding counted": _pooled("average", 3, padding=1),
    "average pooling 3/2, padding not counted": _pooled("average", 3, padding=1, count_include_pad=False),
}


class ConvolutionExplorer(BookWidget, module="convolution_explorer"):
    """A window that slides over a padded input, and what it makes of it at each of its positions.

    A convolution adds products, a pooling takes the largest value or the mean. A transposed convolution
    turns it around: each input pixel places a copy of the kernel on the output, and where copies overlap they
    add up.

    The traits are the arguments of `helpers.convolution.convolve2d` and of torch's layers: one value, or a
    pair with one for each axis. Set a trait in a notebook cell and the drawing follows; read it to get what
    was set by hand. Set several that only fit together inside `with explorer.hold_trait_notifications():`.

    Attributes:
        kind: "convolution", "transposed", "max pooling" or "average pooling".
        image: the input: a grid of 3 to 32 rows and columns, or the name of one that exists at any size.
        input_size: rows and columns of the input; those of `image` where that is a grid.
        kernel: the weights: a grid of 1 to 11 rows and columns, or the name of one that exists at any size.
            A pooling has none and takes the size alone.
        kernel_size: rows and columns of the kernel; those of `kernel` where that is a grid.
        stride: pixels from one window to the next; in a transposed convolution, of the output.
        dilation: pixels from one weight of the kernel to the next; 1 in an average pooling.
        padding: cells on each side, or "valid", "same", "full". A transposed convolution crops so many.
        convention: which framework's "same": "tensorflow", "onnx-lower" or "pytorch".
        padding_mode: what fills the padding of a convolution: "zeros", "reflect", "replicate" or "circular".
        output_padding: of a transposed convolution, pixels added at the end of its output.
        ceil_mode: of a pooling, whether a last window may hang over the end, as torch allows it.
        count_include_pad: of an average pooling, whether the zeros of the padding count.
        selected: (row, column) of the output cell whose window is shown; of the input pixel whose copy is
            shown, in a transposed convolution.
        view: "values" of the pixels, or "coverage": how many windows, or copies, each of them lies in.

    Raises:
        TraitError: for a value out of range, a kernel larger than the padded input, or a setting that the
            kind of layer does not have.

    >>> explorer = ConvolutionExplorer(input_size=7, kernel_size=3, stride=2)
    >>> explorer.output.shape
    (3, 3)
    >>> ConvolutionExplorer(kind="transposed", input_size=4, kernel_size=3, stride=2).output.shape
    (9, 9)
    """

    kind = Enum(list(LACKS), "convolution").tag(sync=True)

    image = Cells("digits", names=list(IMAGES), low=3, high=32).tag(sync=True)
    input_size = PerAxis(7, low=3, high=32).tag(sync=True)
    kernel = Cells("vertical edges", names=list(KERNELS), low=1, high=11).tag(sync=True)
    kernel_size = PerAxis(3, low=1, high=11).tag(sync=True)
    stride = PerAxis(1, low=1, high=16).tag(sync=True)
    dilation = PerAxis(1, low=1, high=4).tag(sync=True)
    padding = PaddingTrait(0, low=0, high=10).tag(sync=True)
    convention = Enum(get_args(Convention), "tensorflow").tag(sync=True)
    padding_mode = Enum(get_args(PaddingMode), "zeros").tag(sync=True)
    output_padding = PerAxis(0, low=0, high=15).tag(sync=True)
    ceil_mode = Bool(False).tag(sync=True)
    count_include_pad = Bool(True).tag(sync=True)
    selected = Tuple(IndexTrait(), IndexTrait(), default_value=(0, 0)).tag(sync=True)
    view = Enum(["values", "coverage"], "values").tag(sync=True)
    examples = Dict(PRESETS, read_only=True).tag(sync=True)  # what the reader can pick by name

    @property
    def output(self) -> NDArray[np.float64]:
        """The output at the present setting, computed by torch, (H', W')."""
        import torch  # takes a second, which a page that only shows the explorer need not spend

        setting = self._setting()
        image, kernel = (
            torch.tensor([[grid]], dtype=torch.float64) for grid in (setting.image_grid, setting.kernel_grid)
        )  # (1, 1, H, W), (1, 1, k, k)
        if self.kind == "transposed":
            output = self._grow(image, kernel)
        elif setting.is_pooling:
            output = self._pool(image)
        else:
            output = self._convolve(image, kernel)
        array: NDArray[np.float64] = output[0, 0].numpy()  # (H', W')
        return array

    def _convolve(self, image: "Tensor", kernel: "Tensor") -> "Tensor":
        """(1, 1, H, W) -> (1, 1, H', W')."""
        import torch.nn.functional as F

        (top, bottom), (left, right) = self._setting().pads
        mode = "constant" if self.padding_mode == "zeros" else self.padding_mode
        padded = F.pad(image, (left, right, top, bottom), mode=mode)  # (1, 1, H + pads, W + pads)
        return F.conv2d(padded, kernel, stride=pair(self.stride), dilation=pair(self.dilation))

    def _grow(self, image: "Tensor", kernel: "Tensor") -> "Tensor":
        """(1, 1, H, W) -> (1, 1, H', W'): all copies of the kernel, then the crop."""
        import torch.nn.functional as F

        setting = self._setting()
        whole = F.conv_transpose2d(image, kernel, stride=pair(self.stride), dilation=pair(self.dilation))
        (top, _), (left, _) = setting.pads
        height, width = setting.output_shape
        bottom, right = top + height - whole.shape[2], left + width - whole.shape[3]
        return F.pad(whole, (-left, right, -top, bottom))  # less than nothing is a crop

    def _pool(self, image: "Tensor") -> "Tensor":
        """(1, 1, H, W) -> (1, 1, H', W')."""
        import torch
        import torch.nn.functional as F

        setting = self._setting()
        (top, bottom), (left, right) = setting.pads
        below, beyond = setting.overhang
        around, over = (left, right, top, bottom), (0, beyond, 0, below)
        size, stride = shape(setting.kernel_grid), pair(self.stride)
        if self.kind == "max pooling":
            padded = F.pad(F.pad(image, around, value=-torch.inf), over, value=-torch.inf)
            return F.max_pool2d(padded, size, stride, dilation=pair(self.dilation))
        counted = F.pad(torch.ones_like(image), around, value=float(self.count_include_pad))
        zeros = F.pad(F.pad(image, around), over)
        return F.avg_pool2d(zeros, size, stride) / F.avg_pool2d(F.pad(counted, over), size, stride)

    def fallback(self) -> str:
        """The setting and the size of its output, in two sentences."""
        setting = self._setting()
        image, kernel = shape(setting.image_grid), shape(setting.kernel_grid)
        stride = by(self.stride) if isinstance(self.stride, tuple) else self.stride
        subject = {
            "convolution": f"A kernel of {by(kernel)} moves over",
            "transposed": f"Each pixel places a copy of a kernel of {by(kernel)}, for",
        }.get(self.kind, f"The window of {by(kernel)} of a {self.kind} moves over")
        return (
            f"<p>{subject} an input of {by(image)} with stride {stride} and "
            f"padding {self.padding}. The output is {by(setting.output_shape)}, and "
            f"{setting.pixels_never_read} pixels are never read. "
            "With JavaScript, this is an explorer with a slider for every setting.</p>"
        )

    def _setting(self, **changes: Any) -> ExplorerSetting:
        return ExplorerSetting(**{name: getattr(self, name) for name in _SETTING} | changes)

    def _legal_setting(self, **changes: Any) -> ExplorerSetting:
        setting = self._setting(**changes)
        try:
            setting.check()
        except ValueError as error:
            raise TraitError(str(error)) from None
        return setting

    @validate(*_SETTING)
    def _check_setting(self, proposal: Bunch) -> Any:
        name, value = proposal["trait"].name, proposal["value"]
        setting = self._legal_setting(**{name: value})
        for size, grid in (("input_size", setting.image), ("kernel_size", setting.kernel)):
            if name == size and not isinstance(grid, str) and pair(value) != shape(grid):
                raise TraitError(
                    f"{size} must be {shape(grid)}, as many numbers as {_GRID_OF[size]} has, got {value}: "
                    f"set {_GRID_OF[size]} to other numbers, or to a name"
                )
        return value

    @validate("selected")
    def _check_selected(self, proposal: Bunch) -> Any:
        selected, stops = proposal["value"], self._legal_setting().stops
        if not all(0 <= index < count for index, count in zip(selected, stops, strict=True)):
            cells = "input pixels" if self.kind == "transposed" else "output cells"
            raise TraitError(f"selected must be (row, column) of the {stops} {cells}, got {selected}")
        return selected

    @observe(*_SETTING)
    def _follow(self, change: Bunch) -> None:
        """Update what depends on a setting: the size of a grid, and a selection beyond the new output."""
        if change.name in _SIZE_OF and not isinstance(change.new, str):
            rows, columns = shape(change.new)
            self.set_trait(_SIZE_OF[change.name], rows if rows == columns else (rows, columns))
        last = (count - 1 for count in self._setting().stops)
        self.selected = tuple(map(min, self.selected, last))
