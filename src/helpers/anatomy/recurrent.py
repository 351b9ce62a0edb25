"""LSTM, GRU and simple recurrent layers as ONNX and Keras describe them, run by torch's own functions.

ONNX and torch order the gates differently. The ONNX operators here reorder them, so they compute what ONNX
says, except for a GRU that applies its reset gate before the matrix product (`linear_before_reset=0`). The
Keras layers have no weights; only what they read and cost is right.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

_RUN: dict[str, Callable[..., tuple[Tensor, ...]]] = {
    "LSTM": torch.lstm,
    "GRU": torch.gru,
    "RNN": torch.rnn_tanh,
    "SimpleRNN": torch.rnn_tanh,
}
_GATES = {"LSTM": 4, "GRU": 3, "RNN": 1, "SimpleRNN": 1}
_ONNX_GATES = {"LSTM": (0, 2, 3, 1), "GRU": (1, 0, 2), "RNN": (0,)}  # where torch's gates lie among ONNX's


def _steps(
    kind: str, source: Tensor, states: Sequence[Tensor], weights: list[Tensor], *, bidirectional: bool
) -> tuple[Tensor, ...]:
    """Run one recurrent layer over `source`, shape (steps, batch, features): its output and last states."""
    given = tuple(states) if kind == "LSTM" else states[0]
    return _RUN[kind](source, given, weights, True, 1, 0.0, False, bidirectional, False)


def onnx_recurrent(
    node: Any,
    x: Tensor,
    weight: Tensor,
    recurrence: Tensor,
    bias: Tensor | None = None,
    lengths: Any = None,
    *states: Any,
    kind: str,
) -> list[Tensor]:
    """The outputs of ONNX's LSTM, GRU or RNN, for sequences of equal length.

    Raises:
        NotImplementedError: for sequences of several lengths, or with peepholes.
    """
    if lengths is not None or any(each is not None for each in states[2:]):
        raise NotImplementedError(f"{kind} with sequence_lens or peepholes cannot be followed")
    directions, hidden = recurrence.shape[0], recurrence.shape[2]
    is_batch_first, is_backward = bool(node.get("layout", 0)), node.get("direction") == "reverse"
    x = x.transpose(0, 1) if is_batch_first else x
    x = x.flip(0) if is_backward else x
    bias = weight.new_zeros(directions, 2 * len(recurrence[0])) if bias is None else bias
    weights = [
        torch.cat([matrix[way].chunk(_GATES[kind])[gate] for gate in _ONNX_GATES[kind]])
        for way in range(directions)
        for matrix in (weight, recurrence, *bias.chunk(2, 1))
    ]
    zeros = x.new_zeros(directions, x.shape[1], hidden)
    initial = [zeros if state is None else torch.as_tensor(state) for state in (*states, None, None)[:2]]
    initial = [each.transpose(0, 1) if is_batch_first and each is not zeros else each for each in initial]
    output, *last = _steps(kind, x, initial, weights, bidirectional=directions == 2)
    output = output.flip(0) if is_backward else output
    output = output.reshape(*output.shape[:2], directions, hidden).transpose(
        1, 2
    )  # (steps, directions, batch, hidden)
    if is_batch_first:
        return [output.permute(2, 0, 1, 3), *(each.transpose(0, 1) for each in last)]
    return [output, *last]


class KerasRecurrent(nn.Module):
    """LSTM, GRU or SimpleRNN of Keras on a tensor (batch, features, steps), or a Bidirectional of one.

    Args:
        kind: name of the recurrent layer's class.
        config: its config.
        features: features of an input step.
        merge_mode: how Bidirectional joins its directions, a key of `MERGED`; None for one direction.
    """

    def __init__(
        self, kind: str, config: dict[str, Any], features: int, merge_mode: str | None = None
    ) -> None:
        super().__init__()
        self.kind, self.config, self.merge_mode = kind, config, merge_mode
        units, gates = config["units"], _GATES[kind] * config["units"]
        biases = (2 if kind == "GRU" and config.get("reset_after", True) else 1) * config["use_bias"]
        self.ways = 2 if merge_mode else 1
        for way in range(self.ways):
            for name, shape in (("kernel", (gates, features)), ("recurrent_kernel", (gates, units))):
                self.register_parameter(f"{name}_{way}", nn.Parameter(torch.empty(shape)))
            for index in range(2):
                name, zeros = f"bias_{index}_{way}", torch.zeros(gates)
                if index < biases:
                    self.register_parameter(name, nn.Parameter(zeros))
                else:
                    self.register_buffer(name, zeros)

    def forward(self, image: Tensor) -> Any:
        """Shape (batch, features, steps) with `return_sequences`, else (batch, features); then the states."""
        steps, config = image.permute(2, 0, 1), self.config
        steps = steps.flip(0) if config.get("go_backwards") else steps
        zeros = steps.new_zeros(self.ways, steps.shape[1], config["units"])
        names = [f"{name}_{way}" for way in range(self.ways) for name in _NAMES]
        weights = [getattr(self, name) for name in names]
        output, *states = _steps(self.kind, steps, [zeros, zeros], weights, bidirectional=self.ways == 2)
        parts = list(output.chunk(self.ways, 2) if config.get("return_sequences") else states[0])
        joined = MERGED[self.merge_mode or "concat"](parts)
        result = joined.permute(1, 2, 0) if joined.dim() == 3 else joined
        if not config.get("return_state"):
            return result
        return [result, *(each[way] for way in range(self.ways) for each in states)]


_NAMES = ("kernel", "recurrent_kernel", "bias_0", "bias_1")
MERGED: dict[str, Callable[[list[Tensor]], Tensor]] = {
    "concat": lambda parts: torch.cat(parts, -1),
    "sum": lambda parts: torch.stack(parts).sum(0),
    "mul": lambda parts: torch.stack(parts).prod(0),
    "ave": lambda parts: torch.stack(parts).mean(0),
}
