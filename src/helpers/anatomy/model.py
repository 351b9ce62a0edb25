"""The model to read and the image to run it on: load the one, work out the shape of the other."""

import inspect
import warnings
from difflib import get_close_matches
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn.modules.conv import _ConvNd
from torch.nn.parameter import is_lazy
from torch.overrides import TorchFunctionMode

from helpers.checks import whole_number


def load_model(source: str) -> nn.Module:
    """A model of torchvision, of a Python file, or of a file that `torch.save` wrote.

    Nothing is downloaded. A model of torchvision is on the meta device, without weights, and takes no memory.

    Args:
        source: "torchvision:resnet18"; "nets.py:Net", where the name stands for a module, or for a class or
            function that makes one when called without arguments; "net.pt", a whole model. To load either
            file runs the code in it.

    Raises:
        TypeError: if `source` is not a string.
        ValueError: if there is no such model or file, or if it holds something else.

    >>> sum(parameter.numel() for parameter in load_model("torchvision:resnet18").parameters())
    11689512
    """
    if not isinstance(source, str):
        raise TypeError(f"source must be a string, got {source!r}")
    file, _, name = source.rpartition(":")
    if file == "torchvision":
        return _torchvision_model(name)
    if file.endswith(".py"):
        return _checked_module(_python_object(_existing_file(file), name), source)
    if source.endswith((".pt", ".pth")):
        saved = torch.load(_existing_file(source), map_location="cpu", weights_only=False)
        return _checked_module(saved, source)
    raise ValueError(f'source must be "torchvision:NAME", "FILE.py:NAME" or "FILE.pt", got {source!r}')


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


class _NewTensorsOnMeta(TorchFunctionMode):
    """Puts on the meta device the tensors that a layer allocates and would fill with random weights."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        return func(*args, **{**kwargs, "device": "meta"} if func is torch.empty else kwargs)


def _torchvision_model(name: str) -> nn.Module:
    from torchvision.models import get_model_builder, list_models  # takes a second to import

    try:
        build = get_model_builder(name)
    except ValueError:
        close = get_close_matches(name, list_models()) or list_models()[:3]
        raise ValueError(
            f"a torchvision model must be one that torchvision.models.list_models() names, got {name!r}: "
            f"did you mean {', '.join(close)}?"
        ) from None
    options = dict.fromkeys({"weights", "weights_backbone"} & set(inspect.signature(build).parameters))
    with _NewTensorsOnMeta(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some warn of how they initialize weights, of which there are none
        model: nn.Module = build(**options)
    return model.to("meta")


def _python_object(path: Path, name: str) -> Any:
    spec = spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ValueError(f"source must name a file that Python can run, got {path}")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    if not hasattr(module, name):
        raise ValueError(f"source must name something that {path} defines, got {name!r}")
    found = getattr(module, name)
    return found() if callable(found) and not isinstance(found, nn.Module) else found


def _existing_file(file: str) -> Path:
    path = Path(file)
    if not path.is_file():
        raise ValueError(f"source must name a file that exists, got {path.absolute()}")
    return path


def _checked_module(found: Any, source: str) -> nn.Module:
    if not isinstance(found, nn.Module):
        raise ValueError(
            f"source must hold a torch.nn.Module, got {type(found).__name__} out of {source!r}: "
            "weights alone do not tell the architecture, so save the model itself"
        )
    return found
