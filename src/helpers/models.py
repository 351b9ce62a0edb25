"""The networks of the sources, with the initial weights that Keras would give them."""

from collections import OrderedDict
from typing import Any, Literal

import torch
from torch import Tensor, nn

from helpers.arithmetic import Layer, trace
from helpers.layers import Conv2dSame

MnistPadding = Literal["same", "valid", "same-pytorch"]
IMAGE_SIZE = 28
CLASSES = 10

_PADDINGS: dict[str, Literal["same"] | int] = {"same": "same", "valid": 0, "same-pytorch": 1}


def mnist_cnn(*, stride: int, padding: MnistPadding) -> nn.Sequential:
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
    _check_choice("stride", stride, (1, 2))
    _check_choice("padding", padding, tuple(_PADDINGS))
    window = Layer(3, stride, _PADDINGS[padding])
    return _cnn(window, window)


def fashion_cnn(*, stride: int) -> nn.Sequential:
    """Model A (stride 2) or B (stride 1) of `stride-bilstm`; only the first convolution's stride differs.

    Shapes: (N, 1, 28, 28) in, logits (N, 10) out.

    Raises:
        ValueError: if the stride is not 1 or 2.

    >>> fashion_cnn(stride=2).fc1
    Linear(in_features=256, out_features=128, bias=True)
    """
    _check_choice("stride", stride, (1, 2))
    return _cnn(Layer(3, stride), Layer(3), dropout=0.5)


def _cnn(first: Layer, second: Layer, *, dropout: float = 0.0) -> nn.Sequential:
    pool = Layer(2, stride=2)
    size = trace(IMAGE_SIZE, [first, pool, second, pool])[-1].size
    layers: OrderedDict[str, nn.Module] = OrderedDict(
        conv1=_convolution(1, 32, first),
        relu1=nn.ReLU(),
        pool1=nn.MaxPool2d(2),
        conv2=_convolution(32, 64, second),
        relu2=nn.ReLU(),
        pool2=nn.MaxPool2d(2),
        flatten=nn.Flatten(),
        fc1=nn.Linear(64 * size**2, 128),
        relu3=nn.ReLU(),
    )
    if dropout:
        layers["dropout"] = nn.Dropout(dropout)
    layers["fc2"] = nn.Linear(128, CLASSES)
    return nn.Sequential(layers)


def _convolution(in_channels: int, out_channels: int, window: Layer) -> nn.Conv2d:
    if window.padding == "same":
        return Conv2dSame(in_channels, out_channels, window.kernel_size, window.stride)
    return nn.Conv2d(in_channels, out_channels, window.kernel_size, window.stride, window.padding)


class CNNBiLSTM(nn.Sequential):
    """Model C of `stride-bilstm`: one convolution, its map read row by row by an LSTM in both directions.

    The pooled map of 14 x 14 x 32 becomes a sequence of 196 steps of 32 features; the last state of each
    direction, 64 features, goes to the classifier. Shapes: (N, 1, 28, 28) in, logits (N, 10) out.
    """

    def __init__(self) -> None:
        super().__init__(
            OrderedDict(
                conv1=Conv2dSame(1, 32, kernel_size=3),
                relu1=nn.ReLU(),
                pool1=nn.MaxPool2d(2),
                sequence=MapToSequence(),
                lstm=LastStates(32, 64),
                dropout=nn.Dropout(0.5),
                fc1=nn.Linear(2 * 64, CLASSES),
            )
        )


class MapToSequence(nn.Module):
    """Read a map row by row, each pixel's channels one step: (N, C, H, W) -> (N, H * W, C)."""

    def forward(self, input: Tensor) -> Tensor:
        """Reorder; see the class."""
        return input.permute(0, 2, 3, 1).flatten(1, 2)  # (N, H * W, C)


class LastStates(nn.LSTM):
    """Bidirectional LSTM that returns the last hidden state of each direction: (N, T, I) -> (N, 2 H).

    It has one bias a gate, as Keras has. Torch adds two; here the second is a buffer of zeros, no parameter,
    so that torch's fused kernels still run. (On a CPU they run at the speed of the matrix products in them.)
    """

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__(input_size, hidden_size, batch_first=True, bidirectional=True)
        for name in ("bias_hh_l0", "bias_hh_l0_reverse"):
            delattr(self, name)
            self.register_buffer(name, torch.zeros(4 * hidden_size), persistent=False)

    def forward(self, input: Tensor) -> Tensor:  # type: ignore[override]
        """Run both directions; see the class."""
        _, (hidden, _) = super().forward(input)  # (2, N, H)
        return torch.cat((hidden[0], hidden[1]), dim=1)  # (N, 2 H)


def keras_init_(model: nn.Module, generator: torch.Generator) -> None:
    """Overwrite the weights of `model` as Keras draws them, from `generator` alone.

    Convolutions and dense layers: Glorot-uniform weights, zero biases. LSTM: Glorot-uniform input kernel over
    all four gates, recurrent kernel orthogonal as one matrix over all four gates, biases zero but 1 for the
    forget gate. The model must be on the generator's device.

    Raises:
        TypeError: if a layer with parameters is of a kind without a rule here, as a plain `nn.LSTM` with its
            two biases is.

    Source: the defaults of keras.layers.Conv2D, Dense and LSTM; Glorot & Bengio 2010.
    """
    for name, module in model.named_modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.xavier_uniform_(module.weight, generator=generator)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, LastStates):
            _init_lstm(module, generator)
        elif next(module.parameters(recurse=False), None) is not None:
            raise TypeError(f"keras_init_ has no rule for layer {name!r}, a {type(module).__name__}")


def _init_lstm(lstm: LastStates, generator: torch.Generator) -> None:
    forget = slice(lstm.hidden_size, 2 * lstm.hidden_size)  # torch and Keras order the gates alike
    for name, weight in lstm.named_parameters():
        if name.startswith("weight_ih"):
            nn.init.xavier_uniform_(weight, generator=generator)
        elif name.startswith("weight_hh"):
            nn.init.orthogonal_(weight, generator=generator)
        else:
            nn.init.zeros_(weight)
            nn.init.ones_(weight[forget])


def _check_choice(name: str, value: Any, choices: tuple[Any, ...]) -> None:
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, choices))}, got {value!r}")
