"""Initial weights as Keras draws them."""

import torch
from torch import nn

from helpers.models.hybrid import LastStates


def keras_init_(model: nn.Module, generator: torch.Generator) -> None:
    """Overwrite the weights of `model` as Keras draws them, from `generator` alone.

    Convolutions and dense layers: Glorot-uniform weights, zero biases. LSTM: Glorot-uniform input kernel over
    all four gates, recurrent kernel orthogonal as one matrix over all four gates, biases zero but 1 for the
    forget gate. The model must be on the generator's device.

    Raises:
        TypeError: for any other layer with parameters, such as a plain `nn.LSTM` with its two biases.

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
            raise TypeError(
                "model must have convolutions, dense layers and LastStates only, "
                f"got layer {name!r} of type {type(module).__name__}"
            )


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
