"""The convolution explorer: one window over one input, at every setting."""

from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray
from traitlets import Bunch, Dict, Enum, Int, TraitError, Tuple, observe, validate

from helpers.arithmetic import Convention
from helpers.convolution import PaddingMode
from helpers.widgets.base import BookWidget
from helpers.widgets.patterns import IMAGES, KERNELS
from helpers.widgets.presets import PRESETS
from helpers.widgets.setting import Setting, pair, shape
from helpers.widgets.traits import Cells, PaddingTrait, PerAxis

_SIZE_OF = {"image": "input_size", "kernel": "kernel_size"}
_SETTING = tuple(Setting.__dataclass_fields__)


class ConvolutionExplorer(BookWidget, module="convolution_explorer"):
    """A kernel moving over a padded input, and the sum that it forms at each stop.

    The settings are those of `helpers.convolution.convolve2d`: one value, or a pair with one an axis. Set a
    trait in a cell and the drawing follows; what the reader has set by hand is read here. Several that only
    fit together are set `with explorer.hold_trait_notifications():`.

    Attributes:
        image: the input: a grid of 3 to 32 rows and columns, or the name of one that exists at any size.
        input_size: pixels of the input; follows `image` where that is a grid.
        kernel: the weights: a grid of 1 to 11 rows and columns, or the name of one that exists at any size.
        kernel_size: taps of the kernel; follows `kernel` where that is a grid.
        stride: pixels from one stop to the next.
        dilation: pixels from one tap to the next.
        padding: cells on each side, or "valid", "same", "full".
        convention: whose "same".
        padding_mode: what fills the padding.
        selected: (row, column) of the output cell whose window and sum are shown.
        view: "values" of the input, or "coverage": how often each of its pixels is read.

    Raises:
        TraitError: for a value out of range, or a setting at which no window can be placed.

    >>> explorer = ConvolutionExplorer(input_size=7, kernel_size=3, stride=2)
    >>> explorer.output.shape
    (3, 3)
    """

    image = Cells("digits", names=list(IMAGES), low=3, high=32).tag(sync=True)
    input_size = PerAxis(7, low=3, high=32).tag(sync=True)
    kernel = Cells("vertical edges", names=list(KERNELS), low=1, high=11).tag(sync=True)
    kernel_size = PerAxis(3, low=1, high=11).tag(sync=True)
    stride = PerAxis(1, low=1, high=16).tag(sync=True)
    dilation = PerAxis(1, low=1, high=4).tag(sync=True)
    padding = PaddingTrait(0, low=0, high=10).tag(sync=True)
    convention = Enum(get_args(Convention), "tensorflow").tag(sync=True)
    padding_mode = Enum(get_args(PaddingMode), "zeros").tag(sync=True)
    selected = Tuple(Int(), Int(), default_value=(0, 0)).tag(sync=True)
    view = Enum(["values", "coverage"], "values").tag(sync=True)
    examples = Dict(PRESETS, read_only=True).tag(sync=True)  # what the reader can pick by name

    @property
    def output(self) -> NDArray[np.float64]:
        """What torch computes at the present setting, (H', W')."""
        import torch  # takes a second, which a page that only shows the explorer need not spend
        import torch.nn.functional as F

        setting = self._setting()
        image, kernel = (
            torch.tensor([[grid]], dtype=torch.float64) for grid in (setting.image_grid, setting.kernel_grid)
        )  # (1, 1, H, W), (1, 1, k, k)
        (top, bottom), (left, right) = setting.pads
        mode = "constant" if self.padding_mode == "zeros" else self.padding_mode
        padded = F.pad(image, (left, right, top, bottom), mode=mode)  # (1, 1, H + pads, W + pads)
        output = F.conv2d(padded, kernel, stride=pair(self.stride), dilation=pair(self.dilation))
        array: NDArray[np.float64] = output[0, 0].numpy()  # (H', W')
        return array

    def fallback(self) -> str:
        """The setting and what comes of it, in two sentences."""
        setting = self._setting()
        image, kernel = shape(setting.image_grid), shape(setting.kernel_grid)
        stride = _by(self.stride) if isinstance(self.stride, tuple) else self.stride
        return (
            f"<p>A kernel of {_by(kernel)} moves over an input of {_by(image)} with stride {stride} and "
            f"padding {self.padding}. The output is {_by(setting.output_shape)}, and "
            f"{setting.pixels_never_read} pixels are never read. "
            "With JavaScript, this is an explorer with a slider for every setting.</p>"
        )

    def _setting(self, **changes: Any) -> Setting:
        return Setting(**{name: getattr(self, name) for name in _SETTING} | changes)

    def _legal_setting(self, **changes: Any) -> Setting:
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
                    f"{size} is {shape(grid)}, as many numbers as the grid has, and cannot be {value}: "
                    "set the grid to other numbers, or to a name"
                )
        return value

    @validate("selected")
    def _check_selected(self, proposal: Bunch) -> Any:
        place, output_shape = proposal["value"], self._legal_setting().output_shape
        if not all(0 <= stop < count for stop, count in zip(place, output_shape, strict=True)):
            raise TraitError(
                f"selected must be (row, column) of the {output_shape} output cells, got {place}"
            )
        return place

    @observe(*_SETTING)
    def _follow(self, change: Bunch) -> None:
        """Keep what depends on a setting: the size of a grid, and the selection inside the output."""
        if change.name in _SIZE_OF and not isinstance(change.new, str):
            rows, columns = shape(change.new)
            self.set_trait(_SIZE_OF[change.name], rows if rows == columns else (rows, columns))
        last = (count - 1 for count in self._setting().output_shape)
        self.selected = tuple(map(min, self.selected, last))


def _by(sizes: tuple[int, int]) -> str:
    return f"{sizes[0]} by {sizes[1]}"
