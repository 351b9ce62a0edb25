"""What a network sees: convolutions, each with ReLU and most with a pooling."""

from collections import OrderedDict
from collections.abc import Sequence
from typing import Literal, get_args

import torch
from torch import nn

from helpers.checks import choice
from helpers.layers import BlurPool2d, Conv2dSame

Padding = Literal["same", "valid", "same-pytorch"]
PaddingMode = Literal["zeros", "reflect", "replicate", "circular"]
Pooling = Literal["max", "blur", "max-blur"]
Window = tuple[int, int]  # kernel size and stride
IMAGE_SIZE = 28
CHANNELS = (32, 64)


def features(
    *,
    strides: Sequence[int],
    padding: Padding = "valid",
    channels: Sequence[int] = CHANNELS,
    pools: Sequence[Window | None] = (),
    pooling: Pooling = "max",
    padding_mode: PaddingMode = "zeros",
    border: tuple[int, int] = (0, 0),
) -> OrderedDict[str, nn.Module]:
    """The layers conv1, pool1, relu1, conv2 and so on, 3x3 convolutions all; as many as there are strides.

    ReLU comes after max-pooling: either order gives the same numbers and gradients, to the bit, but this one
    leaves four times fewer to clip, and is faster. A blur does not commute with ReLU, and follows it.

    Args:
        strides: of each convolution.
        padding: of all convolutions: "valid" for none; "same" as TensorFlow pads, the odd pixel after;
            "same-pytorch" for one pixel on each side, which at stride 2 reads other samples.
        channels: that each convolution makes; those beyond the last stride are ignored.
        pools: kernel size and stride of the pooling after each convolution, None for no pooling; 2 and 2
            after each if empty.
        pooling: "max"; "blur" for a binomial blur of three taps, then the stride; "max-blur" for the maximum
            at stride 1, then the same.
        padding_mode: what "same" pads with.
        border: zeros put around the image first, before and after on both axes.

    Raises:
        ValueError: if a word is unknown, or the lengths do not match.
    """
    choice("padding", padding, get_args(Padding))
    choice("pooling", pooling, get_args(Pooling))
    choice("padding_mode", padding_mode, get_args(PaddingMode))
    if len(channels) < len(strides) or len(pools) not in (0, len(strides)):
        raise ValueError(
            f"strides={strides!r}: each needs an entry in channels and pools, got {channels!r} and {pools!r}"
        )
    windows = pools or ((2, 2),) * len(strides)
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    if any(border):
        layers["border"] = nn.ZeroPad2d((*border, *border))
    before = 1
    for number, (stride, made, window) in enumerate(zip(strides, channels, windows, strict=False), start=1):
        layers[f"conv{number}"] = _convolution(before, made, stride, padding, padding_mode)
        relu = {f"relu{number}": nn.ReLU()}
        pool = {} if window is None else {f"pool{number}": _pool(pooling, window, made)}
        layers |= pool | relu if pooling == "max" else relu | pool
        before = made
    return layers


def map_shape(layers: OrderedDict[str, nn.Module]) -> tuple[int, int, int]:
    """Channels, height and width of what the layers make of an image of 28 x 28.

    Raises:
        ValueError: if a layer cannot take what those before it leave of the image; torch's reason is in it.
    """
    maps = torch.zeros(1, 1, IMAGE_SIZE, IMAGE_SIZE)
    for name, layer in layers.items():
        try:
            with torch.no_grad():
                maps = layer(maps)  # (1, C, H, W)
        except RuntimeError as error:
            before = " x ".join(map(str, maps.shape[2:]))
            raise ValueError(
                f"strides, padding or pools: {name} cannot take maps of {before}: {error}"
            ) from None
    channels, height, width = maps.shape[1:]
    return channels, height, width


def _convolution(before: int, made: int, stride: int, padding: Padding, mode: PaddingMode) -> nn.Conv2d:
    if padding == "same":
        return Conv2dSame(before, made, 3, stride, padding_mode=mode)
    return nn.Conv2d(before, made, 3, stride, padding=int(padding == "same-pytorch"), padding_mode=mode)


def _pool(pooling: Pooling, window: Window, channels: int) -> nn.Module:
    kernel_size, stride = window
    if pooling == "max":
        return nn.MaxPool2d(kernel_size, stride)
    blur = BlurPool2d(channels, stride=stride)
    return blur if pooling == "blur" else nn.Sequential(nn.MaxPool2d(kernel_size, stride=1), blur)
