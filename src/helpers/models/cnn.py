"""Convolutions followed by dense layers: models A and B, the four MNIST networks, and most controls."""

from collections import OrderedDict
from collections.abc import Sequence
from typing import Literal, get_args

import torch
from torch import nn

from helpers.arithmetic import Convention, Layer, Padding, output_size, resolve_padding
from helpers.checks import choice, whole_number
from helpers.convolution import PaddingMode
from helpers.layers import BlurPool2d, Conv2dSame
from helpers.models.proposed import PartialConv2d, PolyphasePool2d
from helpers.sources import MnistSetting

Head = Literal["flatten", "average"]
NetworkPadding = Literal["same", "valid", "same-pytorch"]
Pooling = Literal["max", "blur", "max-blur", "polyphase", "space-to-depth"]
PoolWindow = tuple[int, int]  # kernel size and stride
NetworkPaddingMode = PaddingMode | Literal["partial"]

IMAGE_SIZE = 28
_CHANNELS = (32, 64)
_CLASSES = 10


def layers_of(setting: MnistSetting) -> tuple[Layer, ...]:
    """The two convolutions and two poolings of an MNIST network, along one axis.

    >>> from helpers.arithmetic import receptive_field
    >>> from helpers.sources import MNIST_SETTINGS
    >>> receptive_field(layers_of(MNIST_SETTINGS["s1-same"])).size
    10
    """
    convolution, pooling = Layer(3, setting.stride, setting.padding), Layer(2, stride=2)
    return convolution, pooling, convolution, pooling


def mnist_cnn(*, stride: int, padding: NetworkPadding) -> nn.Sequential:
    """The network of `stride-padding-mnist`: two convolutions, each pooled, and two dense layers.

    Stride and padding apply to both convolutions. Shapes: (N, 1, 28, 28) in, logits (N, 10) out.

    Args:
        stride: 1 or 2.
        padding: "valid" for none; "same" as TensorFlow pads, the odd pixel after; "same-pytorch" for one
            pixel on each side, which at stride 2 gives maps of the same size but of other samples.

    Raises:
        ValueError: if the stride or the padding is another.

    >>> mnist_cnn(stride=2, padding="valid").fc1
    Linear(in_features=64, out_features=128, bias=True)
    """
    choice("stride", stride, (1, 2))
    return cnn(strides=(stride, stride), padding=padding)


def fashion_cnn(*, stride: int) -> nn.Sequential:
    """Model A (stride 2) or B (stride 1) of `stride-bilstm`; only the first convolution's stride differs.

    Shapes: (N, 1, 28, 28) in, logits (N, 10) out.

    Raises:
        ValueError: if the stride is not 1 or 2.

    >>> fashion_cnn(stride=2).fc1
    Linear(in_features=256, out_features=128, bias=True)
    """
    choice("stride", stride, (1, 2))
    return cnn(strides=(stride, 1), dropout=0.5)


def cnn(
    *,
    strides: Sequence[int],
    padding: NetworkPadding = "valid",
    channels: Sequence[int] = _CHANNELS,
    pools: Sequence[PoolWindow | None] = (),
    pooling: Pooling = "max",
    padding_mode: NetworkPaddingMode = "zeros",
    kernel_sizes: Sequence[int] = (),
    border: tuple[int, int] = (0, 0),
    head: Head = "flatten",
    units: int = 128,
    dropout: float = 0.0,
) -> nn.Sequential:
    """Build a network of convolutions, each pooled or not, and two dense layers.

    Networks of the same convolutions and dense layers draw the same initial weights from the same seed,
    whatever their strides. Shapes: (N, 1, 28, 28) in, logits (N, 10) out.

    Args:
        strides: stride of each convolution; there are as many convolutions as strides.
        padding: `features` explains this and the next six.
        channels: output channels of each convolution.
        pools: kernel size and stride of each pooling, None for no pooling; all 2 and 2 if empty.
        pooling: "max", "blur", "max-blur", "polyphase" or "space-to-depth".
        padding_mode: what "same" pads with.
        kernel_sizes: kernel size of each convolution; all 3 if empty.
        border: rows and columns of zeros (before, after) put around the image first.
        head: "flatten" gives the dense layers the whole map; "average" gives them each channel's mean, so
            that the size of the map does not change the number of parameters.
        units: units of the first dense layer.
        dropout: share of these units that is dropped in training; 0 for no dropout layer.

    Raises:
        ValueError: if a word is unknown, or the lengths do not match.

    >>> cnn(strides=(2, 2), head="average").fc1
    Linear(in_features=64, out_features=128, bias=True)
    """
    choice("head", head, get_args(Head))
    layers = features(
        strides=strides,
        padding=padding,
        channels=channels,
        pools=pools,
        pooling=pooling,
        padding_mode=padding_mode,
        kernel_sizes=kernel_sizes,
        border=border,
    )
    made, height, width = map_shape(layers)
    if head == "average":
        layers["average"] = nn.AdaptiveAvgPool2d(1)
        height = width = 1
    layers["flatten"] = nn.Flatten()
    layers["fc1"] = nn.Linear(made * height * width, units)
    layers[f"relu{len(strides) + 1}"] = nn.ReLU()
    return nn.Sequential(with_classifier(layers, units, dropout))


def small_cnn(
    *,
    strides: tuple[int, int] = (1, 1),
    padding: Padding = "valid",
    convention: Convention = "tensorflow",
    kernel_size: int = 3,
    pool: bool = True,
    border: int = 0,
    channels: tuple[int, int] = (8, 16),
) -> nn.Sequential:
    """A small network: twice a convolution, ReLU and pooling, then one dense layer.

    `helpers.widgets.TrainingExplorer` trains the same one in the browser. Shapes: (N, 1, 28, 28) in, logits
    (N, 10) out.

    Args:
        strides: of the first and of the second convolution.
        padding: of both convolutions, as `helpers.arithmetic.output_size` takes it.
        convention: the framework that "same" follows.
        kernel_size: of both convolutions, on both axes.
        pool: whether each convolution is followed by the maximum of 2 x 2 pixels.
        border: black rows, and columns, put around the image first; an odd one goes after it.
        channels: filters of the first and of the second convolution.

    Raises:
        ValueError: if a setting is out of range, or leaves a layer no window that fits, which is named.

    >>> small_cnn(strides=(2, 2)).fc1
    Linear(in_features=16, out_features=10, bias=True)
    """
    border = whole_number("border", border, at_least=0)
    size, before = IMAGE_SIZE + border, 1
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    if border:
        layers["border"] = nn.ZeroPad2d((border // 2, border - border // 2) * 2)
    for number, (stride, made) in enumerate(zip(strides, channels, strict=True), start=1):
        window = Layer(kernel_size, stride, padding, convention=convention)
        pads = resolve_padding(size, **window.window)
        if any(pads):
            layers[f"pad{number}"] = nn.ZeroPad2d(pads * 2)
        size = _size_after(f"conv{number}", size, window)
        layers[f"conv{number}"] = nn.Conv2d(before, made, kernel_size, stride)
        layers[f"relu{number}"] = nn.ReLU()
        if pool:
            size = _size_after(f"pool{number}", size, Layer(2, kind="pooling"))
            layers[f"pool{number}"] = nn.MaxPool2d(2)
        before = made
    layers["flatten"] = nn.Flatten()
    return nn.Sequential(with_classifier(layers, before * size * size, dropout=0.0))


def _size_after(name: str, size: int, layer: Layer) -> int:
    try:
        return output_size(size, **layer.window)
    except ValueError as error:
        raise ValueError(
            f"strides, padding and pool must leave maps that {name} can take, got {size} pixels: {error}"
        ) from None


def features(
    *,
    strides: Sequence[int],
    padding: NetworkPadding = "valid",
    channels: Sequence[int] = _CHANNELS,
    pools: Sequence[PoolWindow | None] = (),
    pooling: Pooling = "max",
    padding_mode: NetworkPaddingMode = "zeros",
    kernel_sizes: Sequence[int] = (),
    border: tuple[int, int] = (0, 0),
) -> OrderedDict[str, nn.Module]:
    """The layers conv1, pool1, relu1, conv2 and so on; as many convolutions as there are strides.

    ReLU comes after max-pooling: either order gives the same numbers and gradients, to the bit, but this one
    applies ReLU to four times fewer values. The other poolings follow ReLU, as a blur has to.

    Args:
        strides: stride of each convolution.
        padding: of all convolutions: "valid" for none; "same" as TensorFlow pads, the odd pixel after;
            "same-pytorch" for one pixel on each side, which at stride 2 reads other samples.
        channels: output channels of each convolution; those beyond the last stride are ignored.
        pools: kernel size and stride of the pooling after each convolution, None for no pooling; 2 and 2
            after each if empty.
        pooling: "max"; "blur" for a binomial blur of three taps, then the stride; "max-blur" for the maximum
            at stride 1, then the same; "polyphase" for `PolyphasePool2d`; "space-to-depth" for
            `nn.PixelUnshuffle`.
        padding_mode: what "same" pads with, as in `nn.Conv2d`; "partial" for `PartialConv2d`.
        kernel_sizes: kernel size of each convolution; all 3 if empty.
        border: rows and columns of zeros (before, after) put around the image first.

    Raises:
        ValueError: if a word is unknown, or the lengths do not match.
    """
    choice("padding", padding, get_args(NetworkPadding))
    choice("pooling", pooling, get_args(Pooling))
    choice("padding_mode", padding_mode, (*get_args(PaddingMode), "partial"))
    if len(channels) < len(strides) or len(pools) not in (0, len(strides)):
        raise ValueError(
            "channels and pools must have an entry for each stride, "
            f"got channels={channels!r} and pools={pools!r} for strides={strides!r}"
        )
    if len(kernel_sizes) not in (0, len(strides)):
        raise ValueError(
            f"kernel_sizes must have an entry for each stride, got {kernel_sizes!r} for {strides!r}"
        )
    windows = pools or ((2, 2),) * len(strides)
    widths = kernel_sizes or (3,) * len(strides)
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    if any(border):
        layers["border"] = nn.ZeroPad2d((*border, *border))
    before = 1
    settings = zip(widths, strides, channels, windows, strict=False)
    for number, (width, stride, made, window) in enumerate(settings, start=1):
        layers[f"conv{number}"] = _convolution(before, made, (width, stride), padding, padding_mode)
        relu = {f"relu{number}": nn.ReLU()}
        pool = {} if window is None else {f"pool{number}": _pool(pooling, window, made)}
        layers |= pool | relu if pooling == "max" else relu | pool
        before = made if window is None or pooling != "space-to-depth" else made * window[1] ** 2
    return layers


def map_shape(layers: OrderedDict[str, nn.Module]) -> tuple[int, int, int]:
    """Channels, height and width of the map that some layers make of a 28 x 28 image.

    Raises:
        ValueError: if a layer cannot take the map before it; the message holds torch's reason.
    """
    maps = torch.zeros(1, 1, IMAGE_SIZE, IMAGE_SIZE)
    for name, layer in layers.items():
        try:
            with torch.no_grad():
                maps = layer(maps)  # (1, C, H, W)
        except RuntimeError as error:
            before = " x ".join(map(str, maps.shape[2:]))
            raise ValueError(
                f"strides, padding and pools must leave maps that {name} can take, got {before}: {error}"
            ) from None
    channels, height, width = maps.shape[1:]
    return channels, height, width


def with_classifier(
    layers: OrderedDict[str, nn.Module], units: int, dropout: float
) -> OrderedDict[str, nn.Module]:
    """Append dropout, unless it is 0, and a dense layer from `units` to the classes; return the layers."""
    if dropout:
        layers["dropout"] = nn.Dropout(dropout)
    layers["fc2" if "fc1" in layers else "fc1"] = nn.Linear(units, _CLASSES)
    return layers


def _convolution(
    before: int, made: int, window: PoolWindow, padding: NetworkPadding, mode: NetworkPaddingMode
) -> nn.Conv2d:
    kernel_size, stride = window
    if mode == "partial":
        return PartialConv2d(before, made, kernel_size, stride)
    if padding == "same":
        return Conv2dSame(before, made, kernel_size, stride, padding_mode=mode)
    pads = (kernel_size - 1) // 2 if padding == "same-pytorch" else 0
    return nn.Conv2d(before, made, kernel_size, stride, padding=pads, padding_mode=mode)


def _pool(pooling: Pooling, window: PoolWindow, channels: int) -> nn.Module:
    kernel_size, stride = window
    if pooling == "max":
        return nn.MaxPool2d(kernel_size, stride)
    if pooling == "polyphase":
        return PolyphasePool2d(stride)
    if pooling == "space-to-depth":
        return nn.PixelUnshuffle(stride)
    blur = BlurPool2d(channels, stride=stride)
    return blur if pooling == "blur" else nn.Sequential(nn.MaxPool2d(kernel_size, stride=1), blur)
