"""Stacks of layers as the receptive field explorer holds them, and the networks that it offers by name.

The networks end where their dense layers begin, or with a stage after which the table would be too long to
read. Of a block with branches they hold the one that convolves.
"""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any, NamedTuple

from traitlets import TraitError, TraitType

from helpers.arithmetic import Layer, macs, parameters, trace
from helpers.checks import switch, whole_number
from helpers.sources import MNIST_SETTINGS
from helpers.widgets.traits import MOST_LETTERS

LayerState = dict[str, Any]

# The largest value of each setting; the smallest is that of `Layer`.
MOST_OF_A_LAYER = {"kernel_size": 16, "stride": 16, "dilation": 8, "padding": 15, "channels": 2048}
MOST_LAYERS = 24

# The settings that a layer does not name. Without channels of its own it keeps those of the map below: it is
# a pooling, or depthwise, which convolves each channel by itself.
PLAIN_LAYER: LayerState = {
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


class StackRow(NamedTuple):
    """One layer of a stack: its row of `helpers.arithmetic.trace`, and its cost.

    Attributes:
        name: the name of the layer, or its position ("layer 1") if it has none.
        size: units of its map along each axis.
        jump: input pixels from one unit to the next.
        receptive_field: input pixels that one unit spans.
        start: leftmost input index of unit 0; negative inside the padding.
        parameters: learned weights and biases; 0 in a pooling.
        macs: multiply-accumulates for one square image, the bias excluded.
    """

    name: str
    size: int
    jump: int | Fraction
    receptive_field: int
    start: int
    parameters: int
    macs: int


class Stack(TraitType[Any, Any]):
    """A list of layers, each a `Layer` or a mapping of its settings; kept as mappings that JSON can say."""

    def validate(self, obj: Any, value: Any) -> list[LayerState]:
        """Return every layer with all its settings."""
        if not isinstance(value, list | tuple) or not 1 <= len(value) <= MOST_LAYERS:
            raise TraitError(f"{self.name} must be a list of 1 to {MOST_LAYERS} layers, got {value!r}")
        return [self._state(index, layer) for index, layer in enumerate(value)]

    def _state(self, index: int, layer: Any) -> LayerState:
        if isinstance(layer, Layer) and (layer.grows or layer.ceil_mode):
            raise TraitError(
                f"{self.name}[{index}] must be a convolution or a pooling that rounds down in the explorer, "
                f"got {layer!r}"
            )
        settings = _settings(layer) if isinstance(layer, Layer) else layer
        if not isinstance(settings, Mapping):
            raise TraitError(f"{self.name}[{index}] must be a Layer or a mapping of settings, got {layer!r}")
        try:
            return _checked({"kernel_size": None, **PLAIN_LAYER, **settings})
        except (TypeError, ValueError) as error:
            raise TraitError(f"{self.name}[{index}]: {error}") from None


def stack_layers(stack: list[LayerState]) -> list[Layer]:
    """Return the layers as `helpers.arithmetic` takes them."""
    return [_window(state) for state in stack]


def stack_rows(size: int, in_channels: int, stack: list[LayerState]) -> list[StackRow]:
    """Return a row for each layer of a stack over a square image.

    Raises:
        ValueError: if a layer shrinks the map below one pixel; the message names the layer.

    >>> stack_rows(28, 1, [{**PLAIN_LAYER, "kernel_size": 3, "channels": 32, "name": "conv"}])
    [StackRow(name='conv', size=26, jump=1, receptive_field=3, start=0, parameters=320, macs=194688)]
    """
    table = []
    for traced, state in zip(trace(size, stack_layers(stack)), stack, strict=True):
        learned = operations = 0
        if state["channels"] or state["depthwise"]:
            groups = in_channels if state["depthwise"] else 1
            shape = in_channels, state["channels"] or in_channels, state["kernel_size"]
            learned = parameters(*shape, groups=groups, bias=state["bias"])
            operations = macs(*shape, output_size=traced.size, groups=groups)
            in_channels = shape[1]
        table.append(StackRow(*traced, learned, operations))
    return table


def _window(state: LayerState) -> Layer:
    settings = {name: state[name] for name in _WINDOW}
    if isinstance(settings["padding"], list):
        settings["padding"] = tuple(settings["padding"])
    return Layer(**settings)


def _settings(layer: Layer) -> LayerState:
    """Return the settings of a layer, equal pads as one number."""
    settings = {name: getattr(layer, name) for name in _WINDOW}
    if isinstance(layer.padding, tuple) and len(set(layer.padding)) == 1:
        settings["padding"] = layer.padding[0]
    return settings


def _checked(state: LayerState) -> LayerState:
    """Return the settings in plain numbers and lists, as they come back from the browser."""
    unknown = state.keys() - PLAIN_LAYER.keys() - {"kernel_size"}
    if unknown:
        known = ", ".join(["kernel_size", *PLAIN_LAYER])
        raise ValueError(f"settings must be among {known}, got {min(unknown, key=str)!r}")
    window = _window(state)
    checked = {
        **state,
        **{name: getattr(window, name) for name in _WINDOW},
        **{name: switch(name, state[name]) for name in ("bias", "depthwise")},
    }
    if window.padding == "causal":
        raise ValueError(
            f"padding must be ({window.reach - 1}, 0) for 'causal' in the explorer, got 'causal'"
        )
    if isinstance(window.padding, tuple):
        is_pair = isinstance(state["padding"], list | tuple)
        checked["padding"] = list(window.padding) if is_pair else window.padding[0]
    if state["channels"] is not None:
        checked["channels"] = whole_number("channels", state["channels"], at_least=1)
        if checked["depthwise"]:
            raise ValueError(
                "channels must be None for a depthwise layer, which keeps those of the map below, "
                f"got {state['channels']!r}"
            )
    if len(window.name) > MOST_LETTERS:
        raise ValueError(f"name must have at most {MOST_LETTERS} characters, got {window.name!r}")
    for name, most in MOST_OF_A_LAYER.items():
        value = checked[name]
        numbers = value if isinstance(value, list) else [value]
        if any(isinstance(number, int) and number > most for number in numbers):
            raise ValueError(f"{name} must be at most {most} in the explorer, got {value!r}")
    return checked


_HALVE = {"kernel_size": 2, "stride": 2}


def _stack(**layers: LayerState) -> list[LayerState]:
    """Return layers by name."""
    return [{"name": name, **settings} for name, settings in layers.items()]


def _small(first: LayerState, second: LayerState) -> LayerState:
    """The network of the sources for 28 x 28 gray pixels: two convolutions, each pooled."""
    convolutions = ({"kernel_size": 3, "channels": channels} for channels in (32, 64))
    conv1, conv2 = (base | own for base, own in zip(convolutions, (first, second), strict=True))
    return _network(28, 1, _stack(conv1=conv1, pool1=_HALVE, conv2=conv2, pool2=_HALVE))


def _network(input_size: int, in_channels: int, layers: list[LayerState]) -> LayerState:
    """Return a preset, which sets every trait that a reader could have changed before."""
    return {"input_size": input_size, "in_channels": in_channels, "layers": layers}


def _convolution(channels: int, kernel_size: int = 3, **settings: Any) -> LayerState:
    """Return a convolution; by default it is padded so that an odd kernel keeps the size at stride 1."""
    return {"channels": channels, "kernel_size": kernel_size, "padding": kernel_size // 2, **settings}


def _vgg() -> list[LayerState]:
    layers: dict[str, LayerState] = {}
    for block, (count, channels) in enumerate([(2, 64), (2, 128), (3, 256), (3, 512), (3, 512)], start=1):
        layers |= {f"conv{block}_{number}": _convolution(channels) for number in range(1, count + 1)}
        layers[f"pool{block}"] = _HALVE
    return _stack(**layers)


def _alexnet() -> list[LayerState]:
    pool = {"kernel_size": 3, "stride": 2}
    return _stack(
        conv1=_convolution(64, 11, stride=4, padding=2),
        pool1=pool,
        conv2=_convolution(192, 5),
        pool2=pool,
        conv3=_convolution(384),
        conv4=_convolution(256),
        conv5=_convolution(256),
        pool5=pool,
    )


def _inverted(blocks: list[tuple[int, int, int, int]]) -> list[LayerState]:
    """A stem of 32 channels, then blocks: 1x1 to more channels, depthwise, 1x1 to fewer.

    Args:
        blocks: for each its (expansion, channels, kernel_size, stride).
    """
    channels = 32
    layers = {"stem": _convolution(channels, stride=2, bias=False)}
    for number, (expansion, after, kernel_size, stride) in enumerate(blocks, start=1):
        if expansion > 1:
            layers[f"expand{number}"] = _convolution(expansion * channels, 1, bias=False)
        layers[f"depthwise{number}"] = _depthwise(kernel_size, stride=stride, bias=False)
        layers[f"project{number}"] = _convolution(after, 1, bias=False)
        channels = after
    return _stack(**layers)


def _depthwise(kernel_size: int, **settings: Any) -> LayerState:
    return {"depthwise": True, "kernel_size": kernel_size, "padding": kernel_size // 2, **settings}


def _convnext() -> list[LayerState]:
    """The first two stages: patches, then blocks of depthwise, 1x1 to four times the channels, and back."""
    layers: dict[str, LayerState] = {}
    for stage, (channels, patch) in enumerate([(96, 4), (192, 2)], start=1):
        layers[f"patches{stage}"] = {"channels": channels, "kernel_size": patch, "stride": patch}
        for block in range(1, 4):
            layers[f"depthwise{stage}_{block}"] = _depthwise(7)
            layers[f"expand{stage}_{block}"] = _convolution(4 * channels, 1)
            layers[f"project{stage}_{block}"] = _convolution(channels, 1)
    return _stack(**layers)


NETWORKS = {
    **{
        f"MNIST: stride {each.stride}, {each.padding}": _small(each._asdict(), each._asdict())
        for each in MNIST_SETTINGS.values()
    },
    "Fashion-MNIST: model A": _small({"stride": 2}, {}),
    "Fashion-MNIST: model B": _small({}, {}),
    "AlexNet": _network(224, 3, _alexnet()),
    "VGG-16": _network(224, 3, _vgg()),
    "ResNet stem": _network(
        224,
        3,
        _stack(
            conv1=_convolution(64, 7, stride=2, bias=False),
            pool={"kernel_size": 3, "stride": 2, "padding": 1},
        ),
    ),
    "MobileNetV2, to 14 × 14": _network(
        224,
        3,
        _inverted(
            [(1, 16, 3, 1), (6, 24, 3, 2), (6, 24, 3, 1), (6, 32, 3, 2), *[(6, 32, 3, 1)] * 2, (6, 64, 3, 2)]
        ),
    ),
    "EfficientNet-B0, to 14 × 14": _network(
        224,
        3,
        _inverted(
            [
                (1, 16, 3, 1),
                (6, 24, 3, 2),
                (6, 24, 3, 1),
                (6, 40, 5, 2),
                (6, 40, 5, 1),
                (6, 80, 3, 2),
                *[(6, 80, 3, 1)] * 2,
            ]
        ),
    ),
    "ConvNeXt-T, to 28 × 28": _network(224, 3, _convnext()),
    "ViT-B/16 patches": _network(224, 3, _stack(patches={"channels": 768, "kernel_size": 16, "stride": 16})),
}
