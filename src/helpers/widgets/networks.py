"""Stacks of layers as the receptive field explorer holds them, and the networks that it offers by name.

The networks end where their dense layers begin, or with a stage after which the table would be too long to
read. Of a block with branches they hold the one that convolves, and of a U-Net one way at a time: what a skip
connection brings along is left out, so that a convolution behind it has fewer weights than in the network.
"""

from collections.abc import Mapping
from fractions import Fraction
from math import prod
from typing import Any, NamedTuple

from traitlets import TraitError, TraitType

from helpers.arithmetic import Layer, macs, parameters, trace
from helpers.checks import choice, switch, whole_number
from helpers.sources import MNIST_SETTINGS
from helpers.widgets.traits import MOST_LETTERS

LayerState = dict[str, Any]

# The largest value of each setting; the smallest is that of `Layer`.
MOST_OF_A_LAYER = {
    "kernel_size": 16,
    "stride": 16,
    "dilation": 8,
    "padding": 15,
    "output_padding": 15,
    "channels": 2048,
}
MOST_LAYERS = 28
MOST_UNITS = 4096  # of a map; also what the strides of all layers that grow may multiply to

# The settings that a layer does not name. Without channels of its own it keeps those of the map below: it is
# a pooling, or depthwise, which convolves each channel by itself, or, with a kind, it grows without weights.
PLAIN_LAYER: LayerState = {
    "name": "",
    "kind": None,
    "stride": 1,
    "padding": 0,
    "dilation": 1,
    "convention": "tensorflow",
    "output_padding": 0,
    "ceil_mode": False,
    "channels": None,
    "bias": True,
    "depthwise": False,
}
_WINDOW = (
    "kernel_size",
    "stride",
    "padding",
    "dilation",
    "convention",
    "name",
    "output_padding",
    "ceil_mode",
)
_GROWING = ("transposed", "resize")


class StackRow(NamedTuple):
    """One layer of a stack: its row of `helpers.arithmetic.trace`, and its cost.

    Attributes:
        name: the name of the layer, or its position ("layer 1") if it has none.
        size: units of its map along each axis.
        jump: input pixels from one unit to the next; a `Fraction` where it is not whole.
        receptive_field: input pixels that one unit spans; the most that any unit does.
        start: leftmost input index of unit 0; negative inside the padding.
        parameters: learned weights and biases; 0 in a pooling and a resize.
        macs: multiply-accumulates for one square image, or one signal; the bias excluded.
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
        if isinstance(layer, Layer) and layer.output_shape is not None:
            raise TraitError(
                f"{self.name}[{index}] must leave output_shape out in the explorer, got {layer!r}: "
                "use output_padding"
            )
        settings = _settings(layer) if isinstance(layer, Layer) else layer
        if not isinstance(settings, Mapping):
            raise TraitError(f"{self.name}[{index}] must be a Layer or a mapping of settings, got {layer!r}")
        try:
            return _checked(settings)
        except (TypeError, ValueError) as error:
            raise TraitError(f"{self.name}[{index}]: {error}") from None


def stack_layers(stack: list[LayerState]) -> list[Layer]:
    """Return the layers as `helpers.arithmetic` takes them."""
    return [_window(state) for state in stack]


def stack_rows(
    size: int, in_channels: int, stack: list[LayerState], *, dimensions: int = 2
) -> list[StackRow]:
    """Return a row for each layer of a stack over a square image, or over a signal with dimensions=1.

    Raises:
        ValueError: if a layer shrinks the map below one pixel, or makes it too large to be drawn; the message
            names the layer.

    >>> stack_rows(28, 1, [{**PLAIN_LAYER, "kernel_size": 3, "channels": 32, "name": "conv"}])
    [StackRow(name='conv', size=26, jump=1, receptive_field=3, start=0, parameters=320, macs=194688)]
    """
    layers = stack_layers(stack)
    grown = prod(layer.stride for layer in layers if layer.grows)
    if grown > MOST_UNITS:
        raise ValueError(f"layers that grow must multiply to at most {MOST_UNITS:,}, got {grown:,}")
    table = []
    below = size
    for position, (traced, state) in enumerate(zip(trace(size, layers), stack, strict=True), start=1):
        if traced.size > MOST_UNITS:
            raise ValueError(
                f"{traced.name!r}, number {position} of {len(stack)}, must have a map of at most "
                f"{MOST_UNITS:,} units to be drawn, got {traced.size:,}"
            )
        learned = operations = 0
        if state["channels"] or state["depthwise"]:
            groups = in_channels if state["depthwise"] else 1
            shape = in_channels, state["channels"] or in_channels, state["kernel_size"]
            learned = parameters(*shape, groups=groups, bias=state["bias"], dimensions=dimensions)
            sizes: dict[str, Any] = {"output_size": traced.size}
            if state["kind"] == "transposed":
                sizes = {"input_size": below, "kind": "transposed"}
            operations = macs(*shape, groups=groups, dimensions=dimensions, **sizes)
            in_channels = shape[1]
        table.append(StackRow(*traced, learned, operations))
        below = traced.size
    return table


def _window(state: LayerState) -> Layer:
    settings = {name: state[name] for name in _WINDOW}
    if isinstance(settings["padding"], list):
        settings["padding"] = tuple(settings["padding"])
    return Layer(**settings, kind=state["kind"])


def _settings(layer: Layer) -> LayerState:
    """Return the settings of a layer, equal pads as one number."""
    settings = {name: getattr(layer, name) for name in (*_WINDOW, "kind")}
    if isinstance(layer.padding, tuple) and len(set(layer.padding)) == 1:
        settings["padding"] = layer.padding[0]
    return settings


def _checked(settings: Mapping[str, Any]) -> LayerState:
    """Return all settings in plain numbers and lists, as they come back from the browser."""
    unknown = settings.keys() - PLAIN_LAYER.keys() - {"kernel_size"}
    if unknown:
        known = ", ".join(["kernel_size", *PLAIN_LAYER])
        raise ValueError(f"settings must be among {known}, got {min(unknown, key=str)!r}")
    state = {"kernel_size": None, **PLAIN_LAYER, **settings}
    if state["kind"] in ("pooling", "resize") and "stride" not in settings:
        state["stride"] = state["kernel_size"]
    if state["kind"] in ("convolution", "pooling"):
        state["kind"] = None  # whether it has channels says which
    elif state["kind"] is not None:
        choice("kind", state["kind"], _GROWING)
    window = _window(state)
    checked = {
        **state,
        **{name: getattr(window, name) for name in _WINDOW},
        **{name: switch(name, state[name]) for name in ("bias", "depthwise", "ceil_mode")},
    }
    if isinstance(window.padding, tuple):
        is_pair = isinstance(state["padding"], list | tuple)
        checked["padding"] = list(window.padding) if is_pair else window.padding[0]
    if state["channels"] is not None:
        checked["channels"] = whole_number("channels", state["channels"], at_least=1)
    _check_weights(checked)
    if len(window.name) > MOST_LETTERS:
        raise ValueError(f"name must have at most {MOST_LETTERS} characters, got {window.name!r}")
    for name, most in MOST_OF_A_LAYER.items():
        value = checked[name]
        numbers = value if isinstance(value, list) else [value]
        if any(isinstance(number, int) and number > most for number in numbers):
            raise ValueError(f"{name} must be at most {most} in the explorer, got {value!r}")
    return checked


def _check_weights(state: LayerState) -> None:
    """Refuse what a layer with weights, or one without, has not."""
    channels, kind = state["channels"], state["kind"]
    if state["depthwise"] and channels is not None:
        raise ValueError(
            "channels must be None for a depthwise layer, which keeps those of the map below, "
            f"got {channels!r}"
        )
    if kind and state["depthwise"]:
        raise ValueError(f'depthwise must be False with kind="{kind}", got True')
    if kind == "resize" and channels is not None:
        raise ValueError(f'channels must be None with kind="resize", got {channels!r}: it has no weights')
    if state["ceil_mode"] and (channels is not None or state["depthwise"]):
        raise ValueError("ceil_mode must be False for a layer with weights, got True: only a pooling has it")


_HALVE = {"kernel_size": 2, "stride": 2}


def _stack(**layers: LayerState) -> list[LayerState]:
    """Return layers by name."""
    return [{"name": name, **settings} for name, settings in layers.items()]


def _small(first: LayerState, second: LayerState) -> LayerState:
    """The network of the sources for 28 x 28 gray pixels: two convolutions, each pooled."""
    convolutions = ({"kernel_size": 3, "channels": channels} for channels in (32, 64))
    conv1, conv2 = (base | own for base, own in zip(convolutions, (first, second), strict=True))
    return _network(28, 1, _stack(conv1=conv1, pool1=_HALVE, conv2=conv2, pool2=_HALVE))


def _network(
    input_size: int, in_channels: int, layers: list[LayerState], *, dimensions: int = 2
) -> LayerState:
    """Return a preset, which sets every trait that a reader could have changed before."""
    return {
        "dimensions": dimensions,
        "input_size": input_size,
        "in_channels": in_channels,
        "layers": layers,
    }


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


def _u_net(depth: int) -> list[LayerState]:
    """The U-Net of the paper on its way down so many halvings, and up again; nothing is padded."""
    layers: dict[str, LayerState] = {}
    for level in range(1, depth + 2):
        for number in (1, 2):
            layers[f"down{level}_{number}"] = {"channels": 32 * 2**level, "kernel_size": 3}
        if level <= depth:
            layers[f"pool{level}"] = _HALVE
    for level in range(depth, 0, -1):
        layers[f"double{level}"] = {"kind": "transposed", "channels": 32 * 2**level, **_HALVE}
        for number in (1, 2):
            layers[f"up{level}_{number}"] = {"channels": 32 * 2**level, "kernel_size": 3}
    return _stack(**layers, answer={"channels": 2, "kernel_size": 1})


def _across() -> list[LayerState]:
    """The way of the same U-Net over its outermost skip connection, its crop left out."""
    names = ("down1_1", "down1_2", "up1_1", "up1_2")
    layers: dict[str, LayerState] = {name: {"channels": 64, "kernel_size": 3} for name in names}
    return _stack(**layers, answer={"channels": 2, "kernel_size": 1})


def _frames() -> list[LayerState]:
    """What turns a signal of 16 kHz into frames, as in wav2vec 2.0."""
    windows = zip((10, 3, 3, 3, 3, 2, 2), (5, 2, 2, 2, 2, 2, 2), strict=True)
    layers: dict[str, LayerState] = {
        f"conv{number}": {"channels": 512, "kernel_size": kernel_size, "stride": stride, "bias": False}
        for number, (kernel_size, stride) in enumerate(windows, start=1)
    }
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
    "U-Net, through the bottom": _network(572, 1, _u_net(4)),
    "U-Net, over the outermost skip": _network(572, 1, _across()),
    "Sound in frames, 16 kHz": _network(1024, 1, _frames(), dimensions=1),
}
