"""A stack of layers as an explorer holds it: plain JSON for the page, checked by `helpers.arithmetic`."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from traitlets import TraitError, TraitType

from helpers.arithmetic import Layer, macs, parameters, trace
from helpers.checks import switch, whole_number

LayerState = dict[str, Any]

# The most of each setting; the least is what `Layer` says. `receptive_field_explorer.mjs` has the same.
MOST = {"kernel_size": 16, "stride": 16, "dilation": 8, "padding": 15, "channels": 2048}
MOST_LAYERS = 24

# What a layer is unless it says otherwise. Without channels of its own it keeps those of the map below: it is
# a pooling, or depthwise, which convolves each channel by itself.
PLAIN: LayerState = {
    "name": "",
    "stride": 1,
    "padding": 0,
    "dilation": 1,
    "convention": "tensorflow",
    "channels": None,
    "bias": True,
    "depthwise": False,
}
_WINDOW = ("kernel_size", "stride", "padding", "dilation", "convention", "name")


class Row(NamedTuple):
    """One layer of a stack: what `helpers.arithmetic.trace` says of it, and what it costs.

    Attributes:
        name: the layer's name, or its position ("layer 1") if it has none.
        size: units of its map along each axis.
        jump: input pixels from one unit to the next.
        receptive_field: input pixels that one unit spans.
        start: leftmost input index of unit 0; negative inside the padding.
        parameters: learned numbers; none in a pooling.
        macs: multiply-accumulates for one square image, the bias excluded.
    """

    name: str
    size: int
    jump: int
    receptive_field: int
    start: int
    parameters: int
    macs: int


class Stack(TraitType[Any, Any]):
    """One layer or more, each a `Layer` or a mapping of its settings; kept as mappings that JSON can say."""

    def validate(self, obj: Any, value: Any) -> list[LayerState]:
        """Return every layer with all its settings."""
        if not isinstance(value, list | tuple) or not 1 <= len(value) <= MOST_LAYERS:
            raise TraitError(f"{self.name} must be a list of 1 to {MOST_LAYERS} layers, got {value!r}")
        return [self._state(place, layer) for place, layer in enumerate(value)]

    def _state(self, place: int, layer: Any) -> LayerState:
        settings = _settings(layer) if isinstance(layer, Layer) else layer
        if not isinstance(settings, Mapping):
            raise TraitError(f"{self.name}[{place}] must be a Layer or a mapping of settings, got {layer!r}")
        try:
            return _checked({"kernel_size": None, **PLAIN, **settings})
        except (TypeError, ValueError) as error:
            raise TraitError(f"{self.name}[{place}]: {error}") from None


def windows(stack: list[LayerState]) -> list[Layer]:
    """The layers as `helpers.arithmetic` takes them."""
    return [_window(state) for state in stack]


def rows(size: int, in_channels: int, stack: list[LayerState]) -> list[Row]:
    """One row for each layer of a stack over a square image.

    Raises:
        ValueError: if a layer shrinks the map below one pixel; the message says which.

    >>> rows(28, 1, [{**PLAIN, "kernel_size": 3, "channels": 32, "name": "conv"}])
    [Row(name='conv', size=26, jump=1, receptive_field=3, start=0, parameters=320, macs=194688)]
    """
    table = []
    for traced, state in zip(trace(size, windows(stack)), stack, strict=True):
        learned = operations = 0
        if state["channels"] or state["depthwise"]:
            groups = in_channels if state["depthwise"] else 1
            shape = in_channels, state["channels"] or in_channels, state["kernel_size"]
            learned = parameters(*shape, groups=groups, bias=state["bias"])
            operations = macs(*shape, output_size=traced.size, groups=groups)
            in_channels = shape[1]
        table.append(Row(*traced, learned, operations))
    return table


def _window(state: LayerState) -> Layer:
    settings = {name: state[name] for name in _WINDOW}
    if isinstance(settings["padding"], list):
        settings["padding"] = tuple(settings["padding"])
    return Layer(**settings)


def _settings(layer: Layer) -> LayerState:
    """The settings of a layer; equal pads become the one number that they were given as."""
    settings = {name: getattr(layer, name) for name in _WINDOW}
    if isinstance(layer.padding, tuple) and len(set(layer.padding)) == 1:
        settings["padding"] = layer.padding[0]
    return settings


def _checked(state: LayerState) -> LayerState:
    """The same settings in plain numbers and lists, as they come back from the browser."""
    unknown = state.keys() - PLAIN.keys() - {"kernel_size"}
    if unknown:
        known = ", ".join(["kernel_size", *PLAIN])
        raise ValueError(f"{min(unknown, key=str)!r} is no setting of a layer; they are {known}")
    window = _window(state)
    checked = {
        **state,
        **{name: getattr(window, name) for name in _WINDOW},
        **{name: switch(name, state[name]) for name in ("bias", "depthwise")},
    }
    if isinstance(window.padding, tuple):
        is_pair = isinstance(state["padding"], list | tuple)
        checked["padding"] = list(window.padding) if is_pair else window.padding[0]
    if state["channels"] is not None:
        checked["channels"] = whole_number("channels", state["channels"], at_least=1)
        if checked["depthwise"]:
            raise ValueError(
                f"a depthwise layer keeps the channels below it, got channels={state['channels']}"
            )
    for name, most in MOST.items():
        value = checked[name]
        numbers = value if isinstance(value, list) else [value]
        if any(isinstance(number, int) and number > most for number in numbers):
            raise ValueError(f"{name} must be at most {most} in the explorer, got {value!r}")
    return checked
