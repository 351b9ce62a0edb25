"""Layers that papers proposed in place of a stride or of zero padding."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from helpers.checks import whole_number
from helpers.layers import Conv2dSame, same_padding


class PolyphasePool2d(nn.Module):
    """Adaptive polyphase sampling: of the grids that a stride could keep, keep the one of the largest norm.

    A stride of 2 always keeps the same one of four grids of pixels, so that a shifted image is sampled at
    other places. Here the grid follows the image. All channels of an image keep the same grid. Shapes: (N, C,
    H, W) in, (N, C, H / stride, W / stride) out; height and width must be multiples of the stride.

    Args:
        stride: pixels from one kept sample to the next, on both axes.

    Raises:
        TypeError: if the stride is no integer.
        ValueError: if it is below 1, or does not divide height and width.

    Source: Chaman & Dokmanic 2021, "Truly Shift-Invariant Convolutional Neural Networks", arXiv 2011.14214.

    >>> image = torch.arange(16.0).view(1, 1, 4, 4)
    >>> PolyphasePool2d()(image).flatten().tolist(), PolyphasePool2d()(image.roll(1, 2)).flatten().tolist()
    ([5.0, 7.0, 13.0, 15.0], [13.0, 15.0, 5.0, 7.0])
    """

    def __init__(self, stride: int = 2) -> None:
        super().__init__()
        self.stride = whole_number("stride", stride, at_least=1)

    def forward(self, input: Tensor) -> Tensor:
        """Subsample each image at its own phase; see the class for shapes."""
        (count, channels, height, width), step = input.shape, self.stride
        if height % step or width % step:
            raise ValueError(f"input must be as high and wide as multiples of {step}, got {height} x {width}")
        shape = (count, channels, step * step, height // step, width // step)
        grids = F.pixel_unshuffle(input, step).reshape(shape)
        largest = grids.detach().square().sum(dim=(1, 3, 4)).argmax(dim=1)  # (N,)
        kept: Tensor = grids[torch.arange(count, device=input.device), :, largest]  # (N, C, h, w)
        return kept

    def extra_repr(self) -> str:
        """The argument, for `print(module)`."""
        return f"stride={self.stride}"


class PartialConv2d(Conv2dSame):
    """Partial convolution: `Conv2dSame` whose sums are divided by the share of the window that is image.

    Zero padding makes sums at the border smaller; the division makes up for that. The bias is added after it.
    Arguments and shapes are those of `Conv2dSame`.

    Source: Liu et al. 2018, "Partial Convolution based Padding", arXiv 1811.11718.

    >>> layer = PartialConv2d(1, 1, 3, bias=False)
    >>> _ = nn.init.ones_(layer.weight)
    >>> layer(torch.ones(1, 1, 3, 3)).flatten().tolist()
    [9.0, 9.0, 9.0, 9.0, 9.0, 9.0, 9.0, 9.0, 9.0]
    """

    def forward(self, input: Tensor) -> Tensor:
        """Convolve, and scale by how much of each window is image."""
        sums: Tensor = super().forward(input)  # (N, C, H', W')
        bias = 0.0 if self.bias is None else self.bias[:, None, None]
        return (sums - bias) / self._covered(input) + bias

    def _covered(self, input: Tensor) -> Tensor:
        """The share of each window that is image, (1, 1, H', W')."""
        axes = zip(input.shape[-2:], self.kernel_size, self.stride, self.dilation, strict=True)
        (top, bottom), (left, right) = (same_padding(*axis) for axis in axes)
        image = F.pad(input.new_ones(1, 1, *input.shape[-2:]), (left, right, top, bottom))
        kernel = input.new_ones(1, 1, *self.kernel_size) / (self.kernel_size[0] * self.kernel_size[1])
        return F.conv2d(image, kernel, stride=self.stride, dilation=self.dilation)
