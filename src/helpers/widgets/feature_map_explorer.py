"""The feature map explorer: what filters make of an image, at each stride and padding."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from traitlets import Bool, Bunch, Bytes, Dict, TraitError, Tuple, Unicode, observe, validate

from helpers.widgets.base import BookWidget
from helpers.widgets.setting import LACKS, ExplorerSetting, by, image_cells, shape
from helpers.widgets.traits import (
    CLASSIC_FILTERS,
    MOST_FILTERS,
    Cells,
    Filters,
    IndexTrait,
    SidePadding,
    WholeNumber,
)

if TYPE_CHECKING:
    from torch import nn

    from helpers.widgets.chain import Chain

_SETTING = ("image", "filters", "stride", "padding")


class FeatureMapExplorer(BookWidget, module="feature_map_explorer"):
    """An image, the filters of one convolution, and the feature map of each.

    All maps are computed where they are shown, in the page or in JupyterLab, so that every slider works
    without Python:

        FeatureMapExplorer()                              # a drawn 7, classic filters
        FeatureMapExplorer(digit, filters=record.conv1)   # learned ones, from a record of seed 0

    With a model, the filters are those of its first convolution, and stride and padding start as they are
    there. With a live kernel the same two sliders then also drive the model itself: PyTorch computes the maps
    of the layer that is chosen below, and the drawing shows up to 64 of them. A page without a kernel does
    not offer that choice; what it shows are the maps of the first convolution.

        digit = test.select([0]).as_float()[0, 0]
        FeatureMapExplorer(digit, model=mnist_cnn(stride=1, padding="same"))

    Args:
        image: the same as the attribute.
        model: an `nn.Conv2d`, or an `nn.Sequential` that begins with one, of one input channel. The explorer
            keeps a copy; the model stays as it is.
        traits: the attributes.

    Attributes:
        image: the pixels, a grid of 3 to 32 rows and columns.
        filters: grids by name, or an array (filters, k, k); 1 to 64 of one shape, k from 1 to 7.
        filter: name of the filter whose map is drawn large.
        stride: pixels from one window to the next, 1 to 8, on both axes.
        padding: cells on each side, 0 to 6, or "valid", or "same" as TensorFlow, Keras and JAX pad.
        relu: whether negative values are cut to zero.
        selected: (row, column) of the value whose window is shown.
        layer: name of the model's layer whose maps PyTorch computes.

    Raises:
        TypeError, ValueError: for a model that cannot be shown, or given together with filters.
        TraitError: for a value out of range, or a filter larger than the padded image.

    >>> explorer = FeatureMapExplorer(stride=2, padding="same", filter="blur")
    >>> explorer.output.shape
    (14, 14)
    """

    image = Cells(image_cells("seven", 28, 28), low=3, high=32).tag(sync=True)
    filters = Filters(CLASSIC_FILTERS).tag(sync=True)
    filter = Unicode(CLASSIC_FILTERS[0]["name"]).tag(sync=True)
    stride = WholeNumber(1, low=1, high=8).tag(sync=True)
    padding = SidePadding(0, low=0, high=6).tag(sync=True)
    relu = Bool(False).tag(sync=True)
    selected = Tuple(IndexTrait(), IndexTrait(), default_value=(0, 0)).tag(sync=True)
    layer = Unicode().tag(sync=True)
    # The maps of the model, described and as float32: not in the page, which could not update them.
    _live = Dict().tag(sync=True)
    _live_maps = Bytes().tag(sync=True)

    def __init__(
        self, image: ArrayLike | None = None, *, model: nn.Module | None = None, **traits: Any
    ) -> None:
        if image is not None:
            traits["image"] = image
        self._chain: Chain | None = None
        if model is not None:
            if "filters" in traits:
                raise ValueError("filters must not be given with a model, which has its own")
            from helpers.widgets.chain import Chain  # imports torch, as whoever has a model did

            self._chain = chain = Chain(model)
            own = {"filters": chain.filters, "filter": chain.filters[0]["name"], "layer": chain.layers[-1]}
            traits = own | chain.setting | traits
        super().__init__(**traits)

    @property
    def output(self) -> NDArray[np.float64]:
        """The map that is drawn large, computed by torch, (H', W')."""
        array: NDArray[np.float64] = self.maps[self._names().index(self.filter)]
        return array

    @property
    def maps(self) -> NDArray[np.float64]:
        """The maps of all filters, computed by torch, (filters, H', W')."""
        import torch  # takes a second, which a page that only shows the explorer need not spend

        from helpers.widgets.chain import convolve

        image = torch.tensor(self.image, dtype=torch.float64)[None, None]  # (1, 1, H, W)
        weight, bias = (
            torch.tensor([each[part] for each in self.filters], dtype=torch.float64)
            for part in ("weights", "bias")
        )
        maps = convolve(image, weight[:, None], bias, stride=self.stride, padding=self.padding)[0]
        array: NDArray[np.float64] = (maps.relu() if self.relu else maps).numpy()  # (filters, H', W')
        return array

    @property
    def layer_maps(self) -> NDArray[np.float32]:
        """The output of `layer` at this stride and padding of the first one, (C, H', W').

        Raises:
            ValueError: if there is no model, or it cannot run up to that layer.
        """
        if self._chain is None:
            raise ValueError("layer_maps needs a model: FeatureMapExplorer(image, model=...)")
        maps = self._chain.maps(self.image, layer=self.layer, stride=self.stride, padding=self.padding)
        array: NDArray[np.float32] = maps.float().numpy()
        return array

    def fallback(self) -> str:
        """The setting and the size of its maps, in two sentences."""
        setting = self._setting()
        rows, columns = setting.output_shape
        return (
            f"<p>{len(self.filters)} filters of {by(shape(setting.kernel_grid))} pixels move over an image "
            f"of {by(shape(self.image))} with stride {self.stride} and padding {self.padding}. Each makes a "
            f"map of {rows} by {columns}, and {setting.pixels_never_read} pixels are never read. "
            "With JavaScript, the maps are drawn here, with sliders for stride and padding.</p>"
        )

    def _names(self) -> list[str]:
        return [each["name"] for each in self.filters]

    def _setting(self, **changes: Any) -> ExplorerSetting:
        now = {name: getattr(self, name) for name in _SETTING} | changes
        kernel = now["filters"][0]["weights"]  # all have one shape, and only that counts
        return ExplorerSetting(
            kind="convolution",
            image=now["image"],
            input_size=shape(now["image"]),
            kernel=kernel,
            kernel_size=shape(kernel),
            stride=now["stride"],
            dilation=1,
            padding=now["padding"],
            convention="tensorflow",
            padding_mode="zeros",
            **LACKS["convolution"],
        )

    @validate(*_SETTING)
    def _check_setting(self, proposal: Bunch) -> Any:
        name, value = proposal["trait"].name, proposal["value"]
        if name == "filters" and self._chain is not None and value != self._chain.filters:
            raise TraitError("filters must stay those of the model, got others")
        try:
            self._setting(**{name: value}).check()
        except ValueError as error:
            raise TraitError(str(error)) from None
        return value

    @validate("filter", "layer")
    def _check_name(self, proposal: Bunch) -> Any:
        name, value = proposal["trait"].name, proposal["value"]
        known = self._names() if name == "filter" else self._chain.layers if self._chain else []
        if value not in known:
            listed = ", ".join(map(repr, known)) or "a model's, which is given as model=..."
            raise TraitError(f"{name} must be one of {listed}, got {value!r}")
        return value

    @validate("selected")
    def _check_selected(self, proposal: Bunch) -> Any:
        selected, counts = proposal["value"], self._setting().output_shape
        if not all(0 <= index < count for index, count in zip(selected, counts, strict=True)):
            raise TraitError(
                f"selected must be (row, column) of the {counts} values of the map, got {selected}"
            )
        return selected

    @observe(*_SETTING)
    def _follow(self, change: Bunch) -> None:
        """Keep the filter among the filters, and the selection inside the map."""
        if self.filter not in self._names():
            self.filter = self._names()[0]
        last = (count - 1 for count in self._setting().output_shape)
        self.selected = tuple(map(min, self.selected, last))

    @observe("image", "stride", "padding", "layer")
    def _drive(self, change: Bunch) -> None:
        """Let the model compute the maps that the browser cannot."""
        if self._chain is None:
            return
        setting = {"layer": self.layer, "stride": self.stride, "padding": self.padding}
        live: dict[str, Any] = {"layers": self._chain.layers, **setting}
        maps = np.empty((0, 0, 0), np.float32)
        try:
            maps = self.layer_maps
        except ValueError as error:
            live["problem"] = str(error)
        with self.hold_sync():  # the words and the maps in one message
            self._live = live | {"shape": maps.shape}
            self._live_maps = maps[:MOST_FILTERS].tobytes()
