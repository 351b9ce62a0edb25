"""Get a model by its name or out of a file; no weights are ever downloaded."""

import inspect
import warnings
from difflib import get_close_matches
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode


def load(source: str) -> nn.Module:
    """A model of torchvision, of a Python file, or of a file that `torch.save` wrote.

    A model of torchvision has no numbers (it lies on torch's meta device), so it takes no memory.

    Args:
        source: "torchvision:resnet18"; "nets.py:Net", where the name is a module or makes one when called
            without arguments; "net.pt", a whole model. Opening either file runs the code in it.

    Raises:
        TypeError: if `source` is not a string.
        ValueError: if there is no such model or file, or if it holds something else.

    >>> sum(parameter.numel() for parameter in load("torchvision:resnet18").parameters())
    11689512
    """
    if not isinstance(source, str):
        raise TypeError(f"source must be a string, got {source!r}")
    file, _, name = source.rpartition(":")
    if file == "torchvision":
        return _torchvision_model(name)
    if file.endswith(".py"):
        return _module(_python_object(_existing(file, source), name), source)
    if source.endswith((".pt", ".pth")):
        path = _existing(source, source)
        return _module(torch.load(path, map_location="cpu", weights_only=False), source)
    raise ValueError(f'source must be "torchvision:NAME", "FILE.py:NAME" or "FILE.pt", got {source!r}')


class _WithoutNumbers(TorchFunctionMode):
    """Puts on the meta device what layers make to be filled with random numbers later."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        return func(*args, **{**kwargs, "device": "meta"} if func is torch.empty else kwargs)


def _torchvision_model(name: str) -> nn.Module:
    from torchvision.models import get_model_builder, list_models  # takes a second to import

    try:
        build = get_model_builder(name)
    except ValueError:
        close = get_close_matches(name, list_models()) or list_models()[:3]
        raise ValueError(f"torchvision has no model {name!r}: did you mean {', '.join(close)}?") from None
    options = dict.fromkeys({"weights", "weights_backbone"} & set(inspect.signature(build).parameters))
    with _WithoutNumbers(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some warn of how they fill the numbers that this model has not
        model: nn.Module = build(**options)
    return model.to("meta")


def _python_object(path: Path, name: str) -> Any:
    spec = spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ValueError(f"source {path} cannot be read as Python")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    if not hasattr(module, name):
        raise ValueError(f"source {path} defines no {name!r}")
    found = getattr(module, name)
    return found() if callable(found) and not isinstance(found, nn.Module) else found


def _existing(file: str, source: str) -> Path:
    path = Path(file)
    if not path.is_file():
        raise ValueError(f"source {source!r} names a file that does not exist: {path.absolute()}")
    return path


def _module(found: Any, source: str) -> nn.Module:
    if not isinstance(found, nn.Module):
        kind = type(found).__name__
        raise ValueError(f"source {source!r} holds no model but {kind}: weights alone tell no architecture")
    return found
