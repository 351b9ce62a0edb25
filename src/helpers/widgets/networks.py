"""The networks that the receptive field explorer offers by name.

They end where their dense layers begin, or with a stage after which the table would be too long to read. Of a
block with branches they hold the one that convolves.
"""

from typing import Any

Settings = dict[str, Any]

_HALVE = {"kernel_size": 2, "stride": 2}


def _stack(**layers: Settings) -> list[Settings]:
    """Layers by name; what one leaves out is plain."""
    return [{"name": name, **settings} for name, settings in layers.items()]


def _small(first: Settings, second: Settings) -> Settings:
    """The network of the sources for 28 x 28 gray pixels: two convolutions, each pooled."""
    convolutions = ({"kernel_size": 3, "channels": channels} for channels in (32, 64))
    conv1, conv2 = (base | own for base, own in zip(convolutions, (first, second), strict=True))
    return _network(28, 1, _stack(conv1=conv1, pool1=_HALVE, conv2=conv2, pool2=_HALVE))


def _network(input_size: int, in_channels: int, layers: list[Settings]) -> Settings:
    """A preset: all that a reader could have changed before."""
    return {"input_size": input_size, "in_channels": in_channels, "layers": layers}


def _convolution(channels: int, kernel_size: int = 3, **settings: Any) -> Settings:
    """A convolution; unless told otherwise, padded so that an odd kernel keeps the size at stride 1."""
    return {"channels": channels, "kernel_size": kernel_size, "padding": kernel_size // 2, **settings}


def _vgg() -> list[Settings]:
    layers: dict[str, Settings] = {}
    for block, (count, channels) in enumerate([(2, 64), (2, 128), (3, 256), (3, 512), (3, 512)], start=1):
        layers |= {f"conv{block}_{number}": _convolution(channels) for number in range(1, count + 1)}
        layers[f"pool{block}"] = _HALVE
    return _stack(**layers)


def _alexnet() -> list[Settings]:
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


def _inverted(blocks: list[tuple[int, int, int, int]]) -> list[Settings]:
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


def _depthwise(kernel_size: int, **settings: Any) -> Settings:
    return {"depthwise": True, "kernel_size": kernel_size, "padding": kernel_size // 2, **settings}


def _convnext() -> list[Settings]:
    """The first two stages: patches, then blocks of depthwise, 1x1 to four times the channels, and back."""
    layers: dict[str, Settings] = {}
    for stage, (channels, patch) in enumerate([(96, 4), (192, 2)], start=1):
        layers[f"patches{stage}"] = {"channels": channels, "kernel_size": patch, "stride": patch}
        for block in range(1, 4):
            layers[f"depthwise{stage}_{block}"] = _depthwise(7)
            layers[f"expand{stage}_{block}"] = _convolution(4 * channels, 1)
            layers[f"project{stage}_{block}"] = _convolution(channels, 1)
    return _stack(**layers)


NETWORKS = {
    **{
        f"MNIST: stride {stride}, {padding}": _small(window, window)
        for stride in (1, 2)
        for padding in ("same", "valid")
        for window in [{"stride": stride, "padding": padding}]
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
