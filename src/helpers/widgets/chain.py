"""A torch model run layer by layer, its first convolution at any stride and padding."""

from copy import deepcopy
from itertools import takewhile
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from helpers.arithmetic import resolve_padding
from helpers.arithmetic.layer import axis_windows
from helpers.widgets.traits import Filter


def convolve(images: Tensor, weight: Tensor, bias: Tensor | None, *, stride: int, padding: Any) -> Tensor:
    """Return `torch.nn.functional.conv2d`, but with TensorFlow's "same"; (N, C, H, W) -> (N, C', H', W')."""
    height, width = weight.shape[2:]
    windows = axis_windows((height, width), stride=stride, padding=padding)
    (top, bottom), (left, right) = (
        resolve_padding(size, **window) for size, window in zip(images.shape[2:], windows, strict=True)
    )
    padded = F.pad(images, (left, right, top, bottom))  # (N, C, H + pads, W + pads)
    return F.conv2d(padded, weight, bias, stride=stride)


class Chain:
    """A copy of a model, up to the last layer whose output is a feature map.

    Args:
        model: a convolution, or an `nn.Sequential` that begins with one, of one input channel.

    Attributes:
        layers: names of the layers.
        filters: the filters of the first convolution.
        setting: stride and padding of the first convolution, one number where both axes have the same.

    Raises:
        TypeError: for any other model.
        ValueError: unless the first convolution takes one channel, is not dilated, and pads with zeros.
    """

    def __init__(self, model: nn.Module) -> None:
        children = list(model.named_children()) if isinstance(model, nn.Sequential) else [("conv", model)]
        if not children or not isinstance(children[0][1], nn.Conv2d):
            raise TypeError(
                f"model must be an nn.Conv2d or an nn.Sequential that begins with one, got {model}"
            )
        first = children[0][1]
        if first.in_channels != 1 or first.dilation != (1, 1) or first.padding_mode != "zeros":
            raise ValueError(
                "model must begin with a convolution of one channel, not dilated, padded with zeros, "
                f"got {first}"
            )
        maps = takewhile(lambda child: not isinstance(child[1], nn.Flatten | nn.Linear), children)
        self._children = [(name, deepcopy(child).cpu().eval()) for name, child in maps]
        copied: Any = self._children[0][1]
        self._weight = copied.weight.detach()  # (C, 1, k, k)
        self._bias = None if first.bias is None else copied.bias.detach()
        self.layers = [name for name, _ in self._children]
        self.filters = self._filters()
        self.setting = {"stride": _single(first.stride), "padding": _single(first.padding)}

    @torch.inference_mode()
    def maps(self, image: Any, *, layer: str, stride: int, padding: Any) -> Tensor:
        """Return the output of a layer, (C, H', W'); only the first convolution is changed.

        Raises:
            ValueError: if the model cannot run up to that layer, with torch's reason.
        """
        x = torch.tensor(image, dtype=self._weight.dtype)[None, None]  # (1, 1, H, W)
        x = convolve(x, self._weight, self._bias, stride=stride, padding=padding)  # (1, C, H', W')
        for name, child in self._children[1 : self.layers.index(layer) + 1]:
            try:
                x = child(x)
            except RuntimeError as error:
                raise ValueError(f"{name} cannot take maps of {tuple(x.shape[2:])}: {error}") from None
        return x[0]

    def _filters(self) -> list[Filter]:
        count = len(self._weight)
        biases = [0.0] * count if self._bias is None else self._bias.tolist()
        return [
            Filter(name=f"filter {index}", weights=weights[0], bias=bias)
            for index, (weights, bias) in enumerate(zip(self._weight.tolist(), biases, strict=True))
        ]


def _single(value: Any) -> Any:
    return value[0] if isinstance(value, tuple) and len(set(value)) == 1 else value
