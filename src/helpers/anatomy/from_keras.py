"""Build a torch module from the config of a Keras model, without TensorFlow.

A `.keras` file is a zip archive; its `config.json` says which layers there are and how they are connected. No
code of the file runs. Its weights are not read, so the module is on the meta device. Tensors have torch's
layout, channels first. Padding "same" is worked out for each input size by TensorFlow's convention.
"""

import json
import zipfile
from collections.abc import Callable, Sequence
from math import prod
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from helpers.anatomy.recurrent import MERGED, KerasRecurrent
from helpers.arithmetic import resolve_padding

Config = dict[str, Any]
_UNSIZED = 224  # pixels of an axis whose length the config leaves open, while the layers are made


class KerasGraph(nn.Module):
    """A Sequential or Functional model of Keras; each layer is made when its first input is seen."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self._configs: dict[str, Config] = {each["config"]["name"]: each for each in config["layers"]}
        first, *others = self._configs
        if "input_layers" in config:
            self._starts, self._ends = _keys(config["input_layers"]), _keys(config["output_layers"])
        else:  # a chain
            self._starts, self._ends = [(first, 0, 0)], [((others or [first])[-1], 0, 0)]
            for name, before in zip(others, self._configs, strict=False):
                node = {"args": [{"config": {"keras_history": [before, 0, 0]}}]}
                self._configs[name] = {**self._configs[name], "inbound_nodes": [node]}

    @property
    def image_kind(self) -> tuple[int, int]:
        """Axes and channels of the first input."""
        _, channels, *axes = self.image_shapes()[0]
        return len(axes), channels

    def image_shapes(self) -> list[tuple[int, ...]]:
        """Shapes of the inputs, channels first; an axis that the config leaves open is `_UNSIZED` long."""
        shapes = [self._configs[name]["config"]["batch_shape"] for name, _, _ in self._starts]
        return [(1, *(_UNSIZED if n is None else n for n in (s[-1:] + s[1:-1]))) for s in shapes]

    def forward(self, *inputs: Tensor) -> Any:
        """The outputs of the model: a tensor, or a list of several."""
        known = dict(zip(self._starts, inputs, strict=True))
        outputs = [self._value(key, known) for key in self._ends]
        return outputs[0] if len(outputs) == 1 else outputs

    def _value(self, wanted: tuple[str, int, int], known: dict[tuple[str, int, int], Any]) -> Any:
        """The output (layer, call, place) of the graph, computed after all that it depends on."""
        pending = [wanted]
        while pending:
            name, call, place = pending[-1]
            given = _histories(self._configs[name]["inbound_nodes"][call]["args"])
            missing = [key for key in given if key not in known]
            if missing or (name, call, place) in known:
                pending = pending + missing if missing else pending[:-1]
                continue
            tensors = [known[key] for key in given]
            if name not in self._modules:
                self.add_module(name, _made(self._configs[name], tensors))
            found = self._modules[name](*tensors)  # type: ignore[misc]
            for index, each in enumerate(found if isinstance(found, list | tuple) else [found]):
                known[name, call, index] = each
        return known[wanted]


def read_keras(path: Path) -> nn.Module:
    """The model in a `.keras` file, on the meta device.

    Raises:
        ValueError: if the file is no such archive, or has a layer that is not known here.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            config = json.loads(archive.read("config.json"))
        model = KerasGraph(config["config"])
        shapes = model.image_shapes()
    except (OSError, KeyError, TypeError, IndexError, ValueError, zipfile.BadZipFile) as error:
        kind = "an undamaged .keras file of a Sequential or Functional model"
        raise ValueError(f"source must be {kind}, got {path}: {error}") from error
    with torch.no_grad(), torch.device("meta"):
        try:
            model(*(torch.empty(shape) for shape in shapes))
        except (AttributeError, LookupError, RuntimeError, TypeError, ValueError) as error:
            rule = "layers that are known here and fit together"
            raise ValueError(f"source must have {rule}, got {path}: {error}") from error
    return model.eval()


def _keys(given: Any) -> list[tuple[str, int, int]]:
    """References to tensors as a list; Keras writes a single one without a list around it."""
    listed = [given] if isinstance(given[0], str) else given
    return [(name, call, place) for name, call, place in listed]


def _histories(value: Any) -> list[tuple[str, int, int]]:
    """The tensors among the arguments of a layer's call, in order."""
    if isinstance(value, list):
        return [key for each in value for key in _histories(each)]
    history = value.get("config", {}).get("keras_history") if isinstance(value, dict) else None
    return [tuple(history)] if history else []


def _made(layer: Config, inputs: Sequence[Tensor]) -> nn.Module:
    """The module for a layer; its class has the name of the layer's class."""
    kind, config = layer["class_name"], layer["config"]
    if kind in ("Functional", "Sequential"):
        return KerasGraph(config)
    if config.get("data_format") == "channels_first":
        raise _unknown(config, "has its channels first")
    rank = inputs[0].dim() if inputs else 0
    if kind in _OVER_CHANNELS and config.get("axis", -1) not in (-1, rank - 1, [-1], [rank - 1]):
        raise _unknown(config, f"works along axis {config['axis']}, not along the channels")
    axes = next((count for count in (1, 2, 3) if f"{count}D" in kind), 0)  # Conv2DTranspose: 2
    name = kind.replace(f"{axes}D", "")
    if name in _WITH_PARAMETERS:
        return _WITH_PARAMETERS[name](kind, config, inputs[0].shape, axes)
    if name in _FUNCTIONS:
        return _of_class(kind, _Function, _FUNCTIONS[name], config)
    raise _unknown(config, f"is of the kind {kind}, which may hold a program")


def _unknown(config: Config, reason: str) -> NotImplementedError:
    return NotImplementedError(f"layer {config['name']!r} {reason}")


def _of_class(name: str, base: type, *arguments: Any, **options: Any) -> nn.Module:
    """An object of a subclass of this name."""
    made: nn.Module = type(name, (base,), {})(*arguments, **options)
    return made


class _Function(nn.Module):
    """A layer without parameters: a function of its config and its inputs."""

    def __init__(self, function: Callable[..., Tensor], config: Config) -> None:
        super().__init__()
        self.function, self.config = function, config

    def forward(self, *inputs: Tensor) -> Tensor:
        """The function of the inputs."""
        return self.function(self.config, *inputs)


class _AsKeras:
    """Mixin that makes a torch layer compute as Keras does: its padding, its cropping, its activation."""

    config: Config

    def forward(self, image: Tensor) -> Tensor:
        """The layer's output."""
        is_dense, axes = isinstance(self, nn.Linear), image.dim() - 2
        is_transposed = isinstance(self, nn.ConvTranspose1d | nn.ConvTranspose2d | nn.ConvTranspose3d)
        if is_dense:
            image = image.movedim(1, -1)
        elif not is_transposed and "kernel_size" in self.config:
            image = _padded(self.config, image, "kernel_size", 0.0)
        result: Tensor = super().forward(image)  # type: ignore[misc]
        if is_dense:
            result = result.movedim(-1, 1)
        for dim in range(2, axes + 2) if is_transposed else ():
            stride = self.config["strides"][dim - 2]
            excess = result.shape[dim] - image.shape[dim] * stride
            if excess > 0 and self.config["padding"] == "same":  # an odd pixel goes at the end
                result = result.narrow(dim, excess // 2, image.shape[dim] * stride)
        return _activated(self.config, result)


def _as_keras(kind: str, base: type[nn.Module], config: Config, *arguments: Any, **options: Any) -> nn.Module:
    made: nn.Module = type(kind, (_AsKeras, base), {})(*arguments, **options)
    made.config = config  # type: ignore[assignment]
    return made


def _convolution(
    kind: str, config: Config, shape: Sequence[int], axes: int, *, transposed: bool = False
) -> nn.Module:
    channels = shape[1]
    options = {"stride": config["strides"], "dilation": config["dilation_rate"], "bias": config["use_bias"]}
    filters, options["groups"] = config.get("filters"), config.get("groups", 1)
    if "depth_multiplier" in config:
        filters, options["groups"] = channels * config["depth_multiplier"], channels
    if transposed:
        sizes = zip(config["kernel_size"], config["strides"], config["dilation_rate"], strict=True)
        if config.get("output_padding") is not None and config["padding"] == "same":
            raise _unknown(config, "has an output_padding of its own beside padding 'same'")
        extra = config.get("output_padding") or [max(0, s - d * (k - 1) - 1) for k, s, d in sizes]
        options["output_padding"] = extra
    base = getattr(nn, f"Conv{'Transpose' if transposed else ''}{axes}d")
    return _as_keras(kind, base, config, channels, filters, config["kernel_size"], **options)


def _transposed(kind: str, config: Config, shape: Sequence[int], axes: int) -> nn.Module:
    return _convolution(kind, config, shape, axes, transposed=True)


def _separable(kind: str, config: Config, shape: Sequence[int], axes: int) -> nn.Module:
    first = {**config, "activation": "linear", "use_bias": False}
    last = {name: value for name, value in config.items() if name != "depth_multiplier"}
    last |= {"kernel_size": [1] * axes, "strides": [1] * axes, "dilation_rate": [1] * axes}
    channels = [shape[0], shape[1] * config["depth_multiplier"], *shape[2:]]
    parts = _convolution("depthwise", first, shape, axes), _convolution("pointwise", last, channels, axes)
    return _of_class(kind, nn.Sequential, *parts)


def _dense(kind: str, config: Config, shape: Sequence[int], axes: int) -> nn.Module:
    return _as_keras(kind, nn.Linear, config, shape[1], config["units"], config["use_bias"])


def _batch_norm(kind: str, config: Config, shape: Sequence[int], axes: int) -> nn.Module:
    base = getattr(nn, f"BatchNorm{max(1, len(shape) - 2)}d")
    made = _of_class(kind, base, shape[1], affine=config["scale"] or config["center"])
    return _without_unused(made, config)


def _layer_norm(kind: str, config: Config, shape: Sequence[int], axes: int) -> nn.Module:
    base = type("LayerNorm", (nn.LayerNorm,), {"forward": _over_channels})
    return _without_unused(_of_class(kind, base, shape[1]), config)


def _without_unused(norm: nn.Module, config: Config) -> nn.Module:
    """The normalization without the factors or the offsets that its config leaves out."""
    for name, option in (("weight", "scale"), ("bias", "center")):
        if not config.get(option, True):
            setattr(norm, name, None)
    return norm


def _over_channels(layer: nn.LayerNorm, image: Tensor) -> Tensor:
    given = F.layer_norm(image.movedim(1, -1), layer.normalized_shape, layer.weight, layer.bias, layer.eps)
    return given.movedim(-1, 1)


def _prelu(kind: str, config: Config, shape: Sequence[int], axes: int) -> nn.Module:
    if (config.get("shared_axes") or []) != [*range(1, len(shape) - 1)]:
        raise _unknown(config, "has a slope for each position, not for each channel")
    return _of_class(kind, nn.PReLU, shape[1])


def _recurrent(kind: str, config: Config, shape: Sequence[int], axes: int) -> nn.Module:
    return _of_class(kind, KerasRecurrent, kind, config, shape[1])


def _bidirectional(kind: str, config: Config, shape: Sequence[int], axes: int) -> nn.Module:
    inner, mode = config["layer"], config.get("merge_mode", "concat")
    own = inner["config"]
    if inner["class_name"] not in _RECURRENT or mode not in MERGED or own.get("go_backwards"):
        raise _unknown(config, f"has a {inner['class_name']} in it and merges by {mode!r}")
    return _of_class(kind, KerasRecurrent, inner["class_name"], own, shape[1], mode)


def _padded(config: Config, image: Tensor, name: str, value: float) -> Tensor:
    """The image with the padding of a layer's windows around it."""
    if config["padding"] == "valid":
        return image
    dilations = config.get("dilation_rate", [1] * (image.dim() - 2))
    sides: list[int] = []
    for size, taps, stride, apart in zip(
        image.shape[2:], config[name], config["strides"], dilations, strict=True
    ):
        if config["padding"] == "causal":
            sides = [apart * (taps - 1), 0, *sides]
        else:
            own = resolve_padding(size, kernel_size=taps, stride=stride, padding="same", dilation=apart)
            sides = [*own, *sides]  # the last axis first, as `F.pad` takes them
    return F.pad(image, sides, value=value)


def _pooling(config: Config, image: Tensor, *, kind: str) -> Tensor:
    image = _padded(config, image, "pool_size", -torch.inf if kind == "max" else 0.0)
    pooled: Tensor = getattr(F, f"{kind}_pool{image.dim() - 2}d")(
        image, config["pool_size"], config["strides"]
    )
    return pooled


def _global(config: Config, image: Tensor, *, kind: str) -> Tensor:
    dims, keep = list(range(2, image.dim())), config.get("keepdims", False)
    return image.mean(dims, keepdim=keep) if kind == "avg" else image.amax(dims, keepdim=keep)


def _activated(config: Config, image: Tensor) -> Tensor:
    name = config.get("activation") or "linear"
    if not isinstance(name, str):
        given = name.get("config", "") if isinstance(name, dict) else ""
        name = given.get("name", "") if isinstance(given, dict) else given
    if name not in _ACTIVATIONS:
        raise _unknown(config, f"has the activation {name!r}")
    return _ACTIVATIONS[name](image)


def _in_keras_order(change: Callable[[Config, Tensor], Tensor]) -> Callable[[Config, Tensor], Tensor]:
    """Wrap a function of a tensor with channels last, for tensors with channels first."""

    def changed(config: Config, image: Tensor) -> Tensor:
        result = change(config, image.movedim(1, -1))
        return result.movedim(-1, 1) if result.dim() > 2 else result

    return changed


def _sides(config: Config, image: Tensor, name: str, sign: int) -> Tensor:
    """Padding or cropping by (before, after) of each axis."""
    given = config[name] if isinstance(config[name][0], list) else [config[name]]
    return F.pad(image, [sign * side for pair in reversed(given) for side in pair])


def _joined(config: Config, *images: Tensor) -> Tensor:
    axis = config["axis"] % images[0].dim()
    return torch.cat(images, 1 if axis == images[0].dim() - 1 else axis + (axis > 0))


def _enlarged(config: Config, image: Tensor) -> Tensor:
    size = config["size"] if isinstance(config["size"], list) else [config["size"]]
    mode = config.get("interpolation", "nearest")
    if mode not in ("nearest", "bilinear"):
        raise _unknown(config, f"has the interpolation {mode!r}")
    return F.interpolate(image, scale_factor=[float(each) for each in size], mode=mode)


def _same(config: Config, image: Tensor) -> Tensor:
    return image


_ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "linear": lambda x: x,
    "softmax": lambda x: x.softmax(1),
    "swish": F.silu,
    "relu6": F.relu6,
    "hard_sigmoid": F.hardsigmoid,
    "hard_silu": F.hardswish,
    "hard_swish": F.hardswish,
    **{name: getattr(F, name) for name in ("elu", "gelu", "mish", "relu", "selu", "sigmoid", "silu", "tanh")},
    **{name: getattr(F, name) for name in ("leaky_relu", "softplus", "softsign")},
}
_RECURRENT = ("LSTM", "GRU", "SimpleRNN")
_OVER_CHANNELS = ("BatchNormalization", "LayerNormalization", "Softmax")
_WITH_PARAMETERS: dict[str, Callable[[str, Config, Sequence[int], int], nn.Module]] = {
    "BatchNormalization": _batch_norm,
    "Conv": _convolution,
    "ConvTranspose": _transposed,
    "Dense": _dense,
    "DepthwiseConv": _convolution,
    "LayerNormalization": _layer_norm,
    "PReLU": _prelu,
    "SeparableConv": _separable,
    "Bidirectional": _bidirectional,
    **dict.fromkeys(_RECURRENT, _recurrent),
}
_FUNCTIONS: dict[str, Callable[..., Tensor]] = {
    "Activation": _activated,
    "Add": lambda config, *images: sum(images[1:], images[0]),
    "Average": lambda config, *images: sum(images[1:], images[0]) / len(images),
    "AveragePooling": lambda config, image: _pooling(config, image, kind="avg"),
    "Concatenate": _joined,
    "Cropping": lambda config, image: _sides(config, image, "cropping", -1),
    "ELU": lambda config, image: F.elu(image),
    "Flatten": _in_keras_order(lambda config, image: image.flatten(1)),
    "GlobalAveragePooling": lambda config, image: _global(config, image, kind="avg"),
    "GlobalMaxPooling": lambda config, image: _global(config, image, kind="max"),
    "LeakyReLU": lambda config, image: F.leaky_relu(image),
    "MaxPooling": lambda config, image: _pooling(config, image, kind="max"),
    "Maximum": lambda config, *images: torch.stack(images).amax(0),
    "Multiply": lambda config, *images: prod(images[1:], start=images[0]),
    "Permute": _in_keras_order(lambda config, image: image.permute(0, *config["dims"])),
    "ReLU": lambda config, image: F.relu(image),
    "Rescaling": lambda config, image: image * 2 - 1,  # its numbers do not matter here
    "Reshape": _in_keras_order(lambda config, image: image.reshape(len(image), *config["target_shape"])),
    "Softmax": lambda config, image: image.softmax(1),
    "Subtract": lambda config, one, other: one - other,
    "UpSampling": _enlarged,
    "ZeroPadding": lambda config, image: _sides(config, image, "padding", 1),
    **dict.fromkeys(("ActivityRegularization", "Dropout", "GaussianDropout", "GaussianNoise"), _same),
    **dict.fromkeys(("InputLayer", "Normalization", "SpatialDropout"), _same),
}
