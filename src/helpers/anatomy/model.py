"""The model to read, which must be one that runs on an image, and the shape of that image."""

import inspect

from torch import nn
from torch.nn.modules.conv import _ConvNd
from torch.nn.parameter import is_lazy

from helpers.checks import whole_number


def check_model(model: nn.Module) -> None:
    """Refuse a model that cannot be run on one image.

    Raises:
        TypeError: if it is no torch module.
        ValueError: if its `forward` does not take exactly one image, or if parameters have no shape yet.
    """
    kind = type(model).__name__
    if not isinstance(model, nn.Module):
        raise TypeError(f"model must be a torch.nn.Module, got {model!r} of type {kind}")
    for name, parameter in model.named_parameters():
        if is_lazy(parameter):
            raise ValueError(
                f"model must have parameters with shapes, got {kind} with the lazy parameter {name!r}: "
                "run it on an image first"
            )
    signature = inspect.signature(model.forward)
    try:
        signature.bind("image")
    except TypeError as error:
        raise ValueError(
            f"model must take one image, got {kind} with forward{signature} ({error}): "
            "wrap it in a module whose forward(image) supplies the rest"
        ) from None


def input_shape(model: nn.Module, input_size: int | tuple[int, ...]) -> tuple[int, ...]:
    """The shape of the image, (batch, channels, *axes); `input_size` may leave out batch and channels.

    A batch that is left out is 1, channels that are left out are those of the model's first convolution.

    Raises:
        TypeError: if `input_size` is not made of integers.
        ValueError: if a number is below 1, or there are too many or too few of them.
    """
    first = next((module for module in model.modules() if isinstance(module, _ConvNd)), None)
    axes = len(first.kernel_size) if first else 2
    channels = first.in_channels if first else 3
    if not isinstance(input_size, tuple | list):
        return (1, channels, *[whole_number("input_size", input_size, at_least=1)] * axes)
    sizes = tuple(whole_number(f"input_size[{i}]", size, at_least=1) for i, size in enumerate(input_size))
    if not axes <= len(sizes) <= axes + 2:
        raise ValueError(
            f"input_size must hold {axes} to {axes + 2} numbers for this model, got {input_size!r}: "
            f"(batch, channels, *axes) with {axes} axes, where channels and batch may be left out"
        )
    return (*(1, channels)[: axes + 2 - len(sizes)], *sizes)
