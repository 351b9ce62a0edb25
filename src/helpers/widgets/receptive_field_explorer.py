"""The receptive field explorer: what a unit of any layer of a stack sees of the input, and what it costs."""

import html
from typing import Any

from traitlets import Bunch, Dict, TraitError, Tuple, observe, validate

from helpers.arithmetic import network_unread, unit_field
from helpers.widgets.base import BookWidget
from helpers.widgets.networks import NETWORKS, Stack, StackRow, stack_layers, stack_rows
from helpers.widgets.traits import IndexTrait, WholeNumber

_START = NETWORKS["MNIST: stride 2, valid"]
_HEADINGS = ("layer", "output", "jump", "receptive field", "start", "parameters", "MACs")


class ReceptiveFieldExplorer(BookWidget, module="receptive_field_explorer"):
    """A stack of layers over a square image or a signal, and the receptive field of one unit.

    Set a trait in a notebook cell and the drawing follows; read it to get what was set by hand. `layers` is
    replaced as a whole, by `Layer`s or by mappings of the same settings. A convolution adds its number of
    `channels`, and whether it has a `bias`; one that is `depthwise` convolves each channel by itself, and
    keeps their number. Any other layer without channels of its own is a pooling, which has no parameters and
    may have a `ceil_mode`. A layer of the `kind` "transposed" or "resize" makes the map larger.

        explorer.layers = [Layer(3), {"kernel_size": 2, "stride": 2, "name": "pool"}, Layer(2, kind="resize")]

    Set several traits that only fit together inside `with explorer.hold_trait_notifications():`.

    Attributes:
        dimensions: 2 for an image, 1 for a signal, which tells parameters and MACs apart.
        input_size: pixels along each axis of the image, or samples of the signal.
        in_channels: channels of the input.
        layers: the layers, from the input on; 1 to 28 of them.
        editing: index of the layer that the sliders change.
        selected: (layer, unit) of the unit whose field is shown; None for the middle unit of the last layer.

    Raises:
        TraitError: for a value out of range, a layer that shrinks the map below one pixel or makes it larger
            than 4,096, or a setting that its kind of layer does not have.

    >>> explorer = ReceptiveFieldExplorer(input_size=28)
    >>> explorer.rows[-1].receptive_field, explorer.unread
    (21, (21, 22, 23, 24, 25, 26, 27))
    """

    dimensions = WholeNumber(2, low=1, high=2).tag(sync=True)
    input_size = WholeNumber(_START["input_size"], low=1, high=1024).tag(sync=True)
    in_channels = WholeNumber(_START["in_channels"], low=1, high=2048).tag(sync=True)
    layers = Stack(_START["layers"]).tag(sync=True)
    editing = IndexTrait(0).tag(sync=True)
    selected = Tuple(IndexTrait(), IndexTrait(), default_value=None, allow_none=True).tag(sync=True)
    examples = Dict(NETWORKS, read_only=True).tag(sync=True)  # what the reader can pick by name

    @property
    def rows(self) -> list[StackRow]:
        """Size, jump, receptive field, start, parameters and MACs of each layer."""
        return stack_rows(self.input_size, self.in_channels, self.layers, dimensions=self.dimensions)

    @property
    def unread(self) -> tuple[int, ...]:
        """Indices along each axis of the image that no unit of the last layer depends on."""
        return network_unread(self.input_size, stack_layers(self.layers))

    @property
    def field(self) -> range:
        """Input indices along each axis that the selected unit spans; those beyond the image are padding.

        None where the unit lies between the copies of a transposed convolution and reads nothing.
        """
        last = len(self.layers) - 1
        layer, unit = self.selected or (last, self.rows[-1].size // 2)
        layers = stack_layers(self.layers[: layer + 1])
        try:
            span = unit_field(self.input_size, layers, unit)
        except ValueError:  # it meets no tap, the only fault that a checked stack leaves
            return range(0)
        return range(int(span.first), int(span.last) + 1)

    def fallback(self) -> str:
        """The table of the layers, and the number of pixels that are never read."""
        lost = self.input_size**self.dimensions - (self.input_size - len(self.unread)) ** self.dimensions
        table = "".join(_line("td", [row.name, *map(_grouped, row[1:])]) for row in self.rows)
        image = f"an image of {self.input_size} by {self.input_size} pixels"
        over = image if self.dimensions == 2 else f"a signal of {self.input_size} samples"
        return (
            f"<p>A stack of layers over {over}, of which {lost} are never read.</p>"
            f"<table>{_line('th', _HEADINGS)}{table}</table>"
            "<p>With JavaScript, this is an explorer in which every layer can be changed.</p>"
        )

    @validate("input_size", "layers")
    def _check_stack(self, proposal: Bunch) -> Any:
        setting = {"input_size": self.input_size, "layers": self.layers}
        setting[proposal["trait"].name] = proposal["value"]
        try:
            stack_rows(setting["input_size"], self.in_channels, setting["layers"])
        except ValueError as error:
            raise TraitError(str(error)) from None
        return proposal["value"]

    @validate("editing")
    def _check_editing(self, proposal: Bunch) -> Any:
        last = len(self.layers) - 1
        if not 0 <= proposal["value"] <= last:
            raise TraitError(f"editing must be a layer from 0 to {last}, got {proposal['value']}")
        return proposal["value"]

    @validate("selected")
    def _check_selected(self, proposal: Bunch) -> Any:
        selected, sizes = proposal["value"], [row.size for row in self.rows]
        if selected is not None:
            layer, unit = selected
            if not (0 <= layer < len(sizes) and 0 <= unit < sizes[layer]):
                raise TraitError(
                    f"selected must be (layer, unit) of maps of {sizes} units, or None, got {selected}"
                )
        return selected

    @observe("input_size", "layers")
    def _follow(self, change: Bunch) -> None:
        """Keep `editing` and `selected` inside the stack and its maps."""
        last = len(self.layers) - 1
        self.editing = min(self.editing, last)
        if self.selected is not None:
            layer = min(self.selected[0], last)
            self.selected = layer, min(self.selected[1], self.rows[layer].size - 1)


def _grouped(number: Any) -> str:
    return f"{number:,}" if isinstance(number, int) else str(number)


def _line(tag: str, cells: Any) -> str:
    return f"<tr>{''.join(f'<{tag}>{html.escape(cell)}</{tag}>' for cell in cells)}</tr>"
