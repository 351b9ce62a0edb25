"""Convolutions followed by an LSTM: model C, the networks to compare it with, and two layers for them."""

from collections import OrderedDict
from collections.abc import Sequence
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from helpers.checks import choice
from helpers.models.cnn import NetworkPadding, features, map_shape, with_classifier

Reading = Literal["pixels", "rows", "columns"]
_ORDER_SEED = 0  # of the one shuffled order, so that every network with one has the same


class MapToSequence(nn.Module):
    """Turn a map into a sequence, row by row: (N, C, H, W) -> (N, steps, features).

    Args:
        reading: what one step is: "pixels" for (N, H * W, C), "rows" for (N, H, W * C), or "columns" for
            (N, W, H * C).
        shuffled: whether the steps come in a random order, which depends on their number alone.

    Raises:
        ValueError: if the reading is another.

    >>> MapToSequence("rows")(torch.zeros(1, 32, 14, 14)).shape
    torch.Size([1, 14, 448])
    """

    def __init__(self, reading: Reading = "pixels", *, shuffled: bool = False) -> None:
        super().__init__()
        choice("reading", reading, get_args(Reading))
        self.reading, self.shuffled = reading, shuffled

    def forward(self, input: Tensor) -> Tensor:
        """Reorder; see the class."""
        lines = input.permute(0, 3, 2, 1) if self.reading == "columns" else input.permute(0, 2, 3, 1)
        steps = lines.flatten(1, 2) if self.reading == "pixels" else lines.flatten(2)  # (N, T, I)
        if not self.shuffled:
            return steps
        order = torch.randperm(steps.shape[1], generator=torch.Generator().manual_seed(_ORDER_SEED))
        return steps[:, order.to(steps.device)]

    def width(self, channels: int, height: int, width: int) -> int:
        """Features of one step of a map of this shape."""
        return channels * {"pixels": 1, "rows": width, "columns": height}[self.reading]

    def extra_repr(self) -> str:
        """The arguments, for `print(module)`."""
        return f"{self.reading!r}, shuffled=True" if self.shuffled else repr(self.reading)


class LastStates(nn.LSTM):
    """LSTM that returns the last hidden state of each direction: (N, T, I) -> (N, 2 H), or (N, H) for one.

    It has one bias for each gate, as Keras has. Torch has two; here the second is a buffer of zeros, not a
    parameter, so that torch's fused kernels still run.
    """

    def __init__(self, input_size: int, hidden_size: int, *, bidirectional: bool = True) -> None:
        super().__init__(input_size, hidden_size, batch_first=True, bidirectional=bidirectional)
        for name in ("bias_hh_l0", "bias_hh_l0_reverse")[: 1 + bidirectional]:
            delattr(self, name)
            self.register_buffer(name, torch.zeros(4 * hidden_size), persistent=False)

    def forward(self, input: Tensor) -> Tensor:  # type: ignore[override]
        """Run every direction; see the class."""
        _, (hidden, _) = super().forward(input)  # (directions, N, H)
        return torch.cat(tuple(hidden), dim=1)  # (N, directions * H)


def hybrid_cnn(
    *,
    strides: Sequence[int] = (1,),
    padding: NetworkPadding = "same",
    reading: Reading = "pixels",
    units: int = 64,
    bidirectional: bool = True,
    shuffled: bool = False,
    dropout: float = 0.5,
) -> nn.Sequential:
    """Build a network of convolutions, each pooled, whose last map an LSTM reads as a sequence.

    The last state of each direction goes to the classifier. The defaults give model C of `stride-bilstm`.
    Shapes: (N, 1, 28, 28) in, logits (N, 10) out.

    Args:
        strides: stride of each convolution; the first has 32 channels, a second 64.
        padding: of the convolutions, "same", "valid" or "same-pytorch".
        reading: what one step of the sequence is: "pixels", "rows" or "columns" of the map.
        units: units of the LSTM in each direction.
        bidirectional: whether a second direction reads from the end.
        shuffled: whether the steps come in one fixed random order, the same in every network.
        dropout: share of the last states that is dropped in training.

    Raises:
        ValueError: if a word is unknown.

    >>> hybrid_cnn(reading="rows").lstm
    LastStates(448, 64, batch_first=True, bidirectional=True)
    """
    layers = features(strides=strides, padding=padding)
    channels, height, width = map_shape(layers)
    sequence = MapToSequence(reading, shuffled=shuffled)
    layers["sequence"] = sequence
    layers["lstm"] = LastStates(sequence.width(channels, height, width), units, bidirectional=bidirectional)
    return nn.Sequential(with_classifier(layers, (1 + bidirectional) * units, dropout))


class CNNBiLSTM(nn.Sequential):
    """Model C of `stride-bilstm`: one convolution, its map read row by row by an LSTM in both directions.

    The pooled map of 14 x 14 x 32 becomes a sequence of 196 steps of 32 features; the last state of each
    direction, 64 features, goes to the classifier. Shapes: (N, 1, 28, 28) in, logits (N, 10) out.
    """

    def __init__(self) -> None:
        super().__init__(OrderedDict(hybrid_cnn().named_children()))
