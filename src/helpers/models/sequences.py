"""From a map to a sequence, and from a sequence to the last states of an LSTM."""

from typing import Literal, get_args

import torch
from torch import Tensor, nn

from helpers.checks import choice

Reading = Literal["pixels", "rows", "columns"]
_ORDER_SEED = 0  # of the one shuffled order, so that every network with one has the same


class MapToSequence(nn.Module):
    """Read a map row by row, each pixel's channels one step: (N, C, H, W) -> (N, H * W, C).

    Args:
        reading: "pixels"; or "rows", (N, H, W * C), or "columns", (N, W, H * C), for a whole line a step.
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

    It has one bias a gate, as Keras has. Torch adds two; here the second is a buffer of zeros, no parameter,
    so that torch's fused kernels still run. (On a CPU they run at the speed of the matrix products in them.)
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
