"""Load a model from torchvision or from a file. Code in a file runs only if the caller trusts it."""

import inspect
import pickle
import re
import warnings
import zipfile
from difflib import get_close_matches
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from helpers.anatomy.from_keras import read_keras
from helpers.anatomy.from_onnx import read_onnx
from helpers.checks import switch


def load_model(source: str, *, trust: bool = False) -> nn.Module:
    """Load a model from torchvision, a Python file, or a file of torch, ONNX or Keras.

    Nothing is downloaded. A model of torchvision is on the meta device, without weights, and takes no memory.

    Args:
        source: "torchvision:resnet18"; "nets.py:Net", where `Net` is a module, or a class or function that
            makes one without arguments; "net.pt", written by `torch.jit.save`, or by `torch.save` of a whole
            model; "net.pt2", written by `torch.export.save`; "net.onnx"; or "net.keras", of which only the
            config is read.
        trust: whether code in the file may run. A Python file is code; a pickled model and an exported
            program can contain any. Without `trust` they are refused before anything in them runs. So is
            TorchScript that touches files.

    Raises:
        TypeError: if `source` is not a string, or `trust` not a bool.
        ValueError: if there is no such model or file, if it is damaged, holds something else, or fails when
            it is loaded, or if it must be trusted and is not.

    >>> sum(parameter.numel() for parameter in load_model("torchvision:resnet18").parameters())
    11689512
    """
    if not isinstance(source, str):
        raise TypeError(f"source must be a string, got {source!r}")
    switch("trust", trust)
    file, _, name = source.rpartition(":")
    if file == "torchvision":
        return _torchvision_model(name)
    if file.endswith(".py"):
        return _checked_module(_python_object(_existing_file(file), name, trust=trust), source)
    if source.endswith(".pt2"):
        return _exported_program(_existing_file(source), trust=trust)
    if source.endswith(".onnx"):
        return read_onnx(_existing_file(source))
    if source.endswith(".keras"):
        return read_keras(_existing_file(source))
    if source.endswith((".pt", ".pth")) and (script := _script(_existing_file(source))):
        return _scripted_module(Path(source), script, trust=trust)
    if source.endswith((".pt", ".pth")):
        return _checked_module(_saved_object(_existing_file(source), trust=trust), source)
    raise ValueError(
        'source must be "torchvision:NAME", "FILE.py:NAME", "FILE.pt", "FILE.pt2", "FILE.onnx" or '
        f'"FILE.keras", got {source!r}'
    )


# Code that torch runs while it loads a file, and operators that read or write files.
_RISKY = re.compile(
    r"__setstate__|from_file|\bsave\b|\bload\b|ops\.(?!prim\b|aten\b|quantized\b|torchvision\b)"
)


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


def _python_object(path: Path, name: str, *, trust: bool) -> Any:
    if not trust:
        raise _untrusted(path, "a Python file, whose code would run")
    spec = spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ValueError(f"source must name a file that Python can run, got {path}")
    module = module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:  # whatever the file raises
        raise ValueError(f"source must name a file that runs, got {path}: {_named(error)}") from error
    if not hasattr(module, name):
        raise ValueError(f"source must name something that {path} defines, got {name!r}")
    found = getattr(module, name)
    if isinstance(found, nn.Module) or not callable(found):
        return found
    try:
        return found()
    except (Exception, SystemExit) as error:  # whatever the constructor raises
        raise ValueError(
            f"source must name what makes a model without arguments, got {name!r} of {path}: {_named(error)}"
        ) from error


def _saved_object(path: Path, *, trust: bool) -> Any:
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        if not trust:
            kind = "no file of weights alone: it is pickled, and unpickling can run any command"
            raise _untrusted(path, kind) from error
    except Exception as error:  # a damaged or foreign file: torch raises what its reading happens to meet
        raise _damaged(path, error) from error
    try:
        return torch.load(path, map_location="cpu", weights_only=False)
    except (Exception, SystemExit) as error:  # whatever the file's own code raises
        raise _damaged(path, error) from error


def _script(path: Path) -> str:
    """The code in a file of TorchScript; empty for any other file."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if "/code/" in name and name.endswith(".py")]
            return "\n".join(archive.read(name).decode(errors="replace") for name in names)
    except (OSError, RuntimeError, zipfile.BadZipFile):
        return ""


def _scripted_module(path: Path, script: str, *, trust: bool) -> nn.Module:
    """A TorchScript module. The language reaches files only by a few operators, which need `trust`."""
    if not trust and _RISKY.search(script):
        raise _untrusted(path, "TorchScript whose code runs when it is loaded, or that touches files")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that TorchScript is deprecated
            module: nn.Module = torch.jit.load(str(path), map_location="cpu")  # type: ignore[no-untyped-call]
    except RuntimeError as error:
        raise _damaged(path, error) from error
    return module


def _exported_program(path: Path, *, trust: bool) -> nn.Module:
    if not trust:
        raise _untrusted(path, "an exported program, which torch evaluates text of when it loads it")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            exported: nn.Module = torch.export.load(path).module()
    except (Exception, SystemExit) as error:  # whatever its reading happens to meet
        raise _damaged(path, error) from error
    return exported


def _untrusted(path: Path, kind: str) -> ValueError:
    return ValueError(
        f"source must be a file that runs no code, got {path}, {kind}; "
        "if you know who made it and trust them, pass trust=True, on the command line --trust"
    )


def _damaged(path: Path, error: BaseException) -> ValueError:
    return ValueError(f"source must be an undamaged file that torch wrote, got {path}: {_named(error)}")


def _named(error: BaseException) -> str:
    """Kind and first sentence of an error."""
    return f"{type(error).__name__}: {str(error).split('. ')[0]}".removesuffix(": ")


def _existing_file(file: str) -> Path:
    path = Path(file)
    if not path.is_file():
        found = "which is no regular file" if path.exists() else "which does not exist"
        raise ValueError(f"source must name a file that exists, got {path.absolute()}, {found}")
    return path


def _checked_module(found: Any, source: str) -> nn.Module:
    if not isinstance(found, nn.Module):
        raise ValueError(
            f"source must hold a torch.nn.Module, got {type(found).__name__} out of {source!r}: "
            "weights alone do not tell the architecture, so save the model itself"
        )
    return found
