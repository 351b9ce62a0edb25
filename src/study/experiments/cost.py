"""What a network costs for one image, counted layer by layer as it runs."""

from typing import Any, NamedTuple

import torch
from torch import nn

from helpers.arithmetic import macs


class Cost(NamedTuple):
    """Learned numbers, and multiply-accumulates for one image, biases excluded."""

    parameters: int
    macs: int


def cost(model: nn.Module, *, size: int = 28) -> Cost:
    """Count the parameters of `model`, and the MACs of its convolutions, dense and LSTM layers for one image.

    Raises:
        TypeError: if a layer with parameters is of another kind.

    >>> cost(nn.Conv2d(1, 32, kernel_size=3, padding=1))
    Cost(parameters=320, macs=225792)
    """
    counted: list[int] = []

    def count(module: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
        counted.append(_macs(module, inputs[0], output))

    learned = [layer for layer in model.modules() if any(True for _ in layer.parameters(recurse=False))]
    hooks = [layer.register_forward_hook(count) for layer in learned]
    was_training = model.training
    with torch.inference_mode():
        model.eval()(torch.zeros(1, 1, size, size))
    model.train(was_training)
    for hook in hooks:
        hook.remove()
    return Cost(sum(parameter.numel() for parameter in model.parameters()), sum(counted))


def _macs(module: nn.Module, input: torch.Tensor, output: torch.Tensor) -> int:
    if isinstance(module, nn.Conv2d):
        height, width = output.shape[-2:]
        kernel_size = module.kernel_size[0], module.kernel_size[1]
        return macs(
            module.in_channels, module.out_channels, kernel_size, (height, width), groups=module.groups
        )
    if isinstance(module, nn.Linear):
        return macs(module.in_features, module.out_features, 1, 1)
    if isinstance(module, nn.LSTM) and module.num_layers == 1:
        gates = 4 * module.hidden_size
        a_step = macs(module.input_size, gates, 1, 1) + macs(module.hidden_size, gates, 1, 1)
        return (2 if module.bidirectional else 1) * input.shape[1] * a_step
    raise TypeError(f"no rule for the MACs of a {type(module).__name__}")
