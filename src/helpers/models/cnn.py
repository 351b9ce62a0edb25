"""Convolutions under dense layers: models A and B, the four MNIST settings, and most controls."""

from collections import OrderedDict
from collections.abc import Sequence
from typing import Literal, get_args

from torch import nn

from helpers.checks import choice
from helpers.models.features import CHANNELS, Padding, PaddingMode, Pooling, Window, features, map_shape

Head = Literal["flatten", "average"]
CLASSES = 10


def cnn(
    *,
    strides: Sequence[int],
    padding: Padding = "valid",
    channels: Sequence[int] = CHANNELS,
    pools: Sequence[Window | None] = (),
    pooling: Pooling = "max",
    padding_mode: PaddingMode = "zeros",
    border: tuple[int, int] = (0, 0),
    head: Head = "flatten",
    units: int = 128,
    dropout: float = 0.0,
) -> nn.Sequential:
    """Build a network of 3x3 convolutions, each pooled or not, and two dense layers.

    Networks of the same convolutions and dense layers draw the same initial weights from the same seed,
    whatever their strides. Shapes: (N, 1, 28, 28) in, logits (N, 10) out.

    Args:
        strides: of each convolution; there are as many convolutions.
        padding: see `features`, as for the next five.
        channels: that each convolution makes.
        pools: kernel size and stride of each pooling, None for no pooling; all 2 and 2 if empty.
        pooling: "max", "blur" or "max-blur".
        padding_mode: what "same" pads with.
        border: zeros put around the image first, before and after on both axes.
        head: "flatten" gives the dense layers the whole map; "average" each channel's mean, so that the size
            of the map decides no parameters.
        units: of the first dense layer.
        dropout: share of these units that is dropped in training; 0 for no such layer.

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


def with_classifier(
    layers: OrderedDict[str, nn.Module], units: int, dropout: float
) -> OrderedDict[str, nn.Module]:
    """The layers, and on top dropout, unless it is 0, and a dense layer from `units` to the classes."""
    if dropout:
        layers["dropout"] = nn.Dropout(dropout)
    layers["fc2" if "fc1" in layers else "fc1"] = nn.Linear(units, CLASSES)
    return layers
