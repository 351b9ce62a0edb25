"""A narrow residual network, whose strides can stand anywhere: in its stem, or in any of its blocks."""

from collections import OrderedDict
from collections.abc import Sequence

from torch import Tensor, nn

from helpers.checks import whole_number
from helpers.layers import Conv2dSame, MaxPool2dSame

_CLASSES = 10


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions, and around them a shortcut; a stride is taken by the first and by the shortcut.

    Unlike ResNet it has no normalization, which so few layers do without. The shortcut is a 1x1 convolution
    if stride or channels change, else the identity. Shapes: (N, in_channels, H, W) in, (N, out_channels, H /
    stride, W / stride) out, rounded up.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output.
        stride: stride of the block.

    Source: He et al. 2016, "Deep Residual Learning for Image Recognition", arXiv 1512.03385.
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = Conv2dSame(in_channels, out_channels, 3, stride)
        self.relu = nn.ReLU()
        self.conv2 = Conv2dSame(out_channels, out_channels, 3)
        self.shortcut: nn.Module = nn.Identity()
        if stride > 1 or in_channels != out_channels:
            self.shortcut = Conv2dSame(in_channels, out_channels, 1, stride)

    def forward(self, input: Tensor) -> Tensor:
        """Add the output of the convolutions to that of the shortcut."""
        inside = self.relu(self.conv1(input))  # (N, out_channels, H', W')
        summed: Tensor = self.conv2(inside) + self.shortcut(input)
        return summed.relu()


def residual_cnn(
    *,
    stem: tuple[int, int] = (3, 1),
    stem_pool: bool = False,
    strides: Sequence[int] = (1, 2, 2),
    channels: Sequence[int] = (8, 16, 32),
) -> nn.Sequential:
    """Build a narrow ResNet: a stem, a residual block for each stride, the mean of the map, a dense layer.

    All convolutions have "same" padding as TensorFlow pads. The parameters do not depend on the strides:
    networks of the same channels and stem kernel draw the same initial weights from the same seed. Shapes:
    (N, 1, 28, 28) in, logits (N, 10) out.

    Args:
        stem: kernel size and stride of the first convolution; ResNet's is (7, 2), that of a patch embedding
            has both alike.
        stem_pool: whether max-pooling 3x3 with stride 2 follows the stem, as in ResNet.
        strides: stride of each block.
        channels: output channels of each block; the stem has as many as the first.

    Raises:
        TypeError: if a number is no integer.
        ValueError: if one is below 1, or there are not as many strides as channels.

    >>> import torch
    >>> residual_cnn(stem=(7, 2), stem_pool=True)(torch.zeros(2, 1, 28, 28)).shape
    torch.Size([2, 10])
    """
    if len(strides) != len(channels) or not channels:
        raise ValueError(f"strides must have an entry for each of channels, got {strides!r} for {channels!r}")
    for name, values in (("stem", stem), ("strides", strides), ("channels", channels)):
        for value in values:
            whole_number(name, value, at_least=1)
    kernel_size, stride = stem
    layers: OrderedDict[str, nn.Module] = OrderedDict(
        conv1=Conv2dSame(1, channels[0], kernel_size, stride), relu1=nn.ReLU()
    )
    if stem_pool:
        layers["pool1"] = MaxPool2dSame(3, 2)
    before = channels[0]
    for number, (made, step) in enumerate(zip(channels, strides, strict=True), start=1):
        layers[f"block{number}"] = ResidualBlock(before, made, step)
        before = made
    layers |= {
        "average": nn.AdaptiveAvgPool2d(1),
        "flatten": nn.Flatten(),
        "fc1": nn.Linear(before, _CLASSES),
    }
    return nn.Sequential(layers)
