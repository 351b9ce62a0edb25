"""Check a model, and work out the input tensors that it runs on."""

import inspect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd
from torch.nn.parameter import is_lazy

from helpers.anatomy.from_keras import KerasGraph
from helpers.anatomy.from_onnx import OnnxModel
from helpers.checks import whole_number

InputSize = int | Sequence[int] | Sequence[Sequence[int]] | Mapping[str, Sequence[int]]


@dataclass(frozen=True)
class ModelInput:
    """The tensors that a model is run on, one of which is the image whose pixels are followed.

    Attributes:
        shapes: shapes of the tensors, by position or by name.
        image: key of the image in `shapes`.
        dims: the dimensions of the image tensor that are its axes, such as (2, 3) for height and width.
        kind: "positions" for arguments by position, "names" for keywords, "dict" for one dict of all.
        remark: what was assumed; empty if nothing was.
    """

    shapes: dict[Any, tuple[int, ...]]
    image: Any
    dims: tuple[int, ...]
    kind: str = "positions"
    remark: str = ""

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the image."""
        return self.shapes[self.image]

    def along(self, dims: tuple[int, ...]) -> "ModelInput":
        """This input with other `dims`: those along which the first convolution or pooling slides."""
        words = " and ".join(map(str, dims))
        remark = f"assumed: the image lies along dimension {words} of {self.shape}"
        return replace(self, dims=dims, remark="; ".join(filter(None, [self.remark, remark])))

    def arguments(self, tensors: dict[Any, Tensor]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Positional and keyword arguments for `forward`."""
        if self.kind == "dict":
            return (tensors,), {}
        return ((), tensors) if self.kind == "names" else (tuple(tensors.values()), {})


def check_model(model: nn.Module, tensors: int = 1) -> None:
    """Check that a model takes this number of tensors.

    Raises:
        TypeError: if it is no torch module.
        ValueError: if its `forward` does not take exactly so many, or if a lazy parameter has no shape yet.
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
    signature = _signature(model)
    try:
        if signature is not None:
            signature.bind(*["image"] * tensors)
    except TypeError as error:
        many = "one image" if tensors == 1 else f"{tensors} tensors"
        raise ValueError(
            f"model must take {many}, got {kind} with forward{signature} ({error}): "
            "wrap it in a module whose forward(image) supplies the rest, or pass as input_size the shape of "
            'each tensor, [(1, 3, 8, 8), (1, 3, 8, 8)] or {"image": (1, 3, 8, 8), ...}'
        ) from None


def model_inputs(
    model: nn.Module, input_size: InputSize, image_dims: Sequence[int] | None
) -> list[ModelInput]:
    """The inputs that `input_size` may stand for, the most likely first; arguments as `anatomy` takes them.

    Raises:
        TypeError: if `input_size` is not made of integers.
        ValueError: if a number is below 1, or there are too many or too few of them.
    """
    if isinstance(input_size, Mapping) or (
        isinstance(input_size, list | tuple) and input_size and isinstance(input_size[0], list | tuple)
    ):
        return [_several(model, input_size, image_dims)]
    check_model(model)
    shapes = _shapes(model, input_size)
    given = [ModelInput({0: shape}, 0, _dims(shape, image_dims)) for shape in shapes]
    return [
        given[0],
        *(replace(each, remark=f"assumed: {each.shape} is the whole shape") for each in given[1:]),
    ]


def _several(model: nn.Module, sizes: Any, image_dims: Sequence[int] | None) -> ModelInput:
    """Several tensors, of which the first is the image."""
    named = isinstance(sizes, Mapping)
    shapes = {
        key: tuple(whole_number(f"input_size[{key!r}][{i}]", n, at_least=1) for i, n in enumerate(shape))
        for key, shape in (sizes.items() if named else enumerate(sizes))
    }
    if not shapes:
        raise ValueError(f"input_size must hold at least one shape, got {sizes!r}")
    signature, kind = _signature(model), "names" if named else "positions"
    if named and signature is not None:
        try:
            signature.bind(**{str(key): shape for key, shape in shapes.items()})
        except TypeError:
            kind = "dict"
    if kind != "names":
        check_model(model, len(shapes) if kind == "positions" else 1)
    image = next(iter(shapes))
    remark = f"assumed: the image is input {image!r}; what is read of the others is not followed"
    return ModelInput(
        shapes, image, _dims(shapes[image], image_dims), kind, remark if len(shapes) > 1 else ""
    )


def _dims(shape: tuple[int, ...], image_dims: Sequence[int] | None) -> tuple[int, ...]:
    """The dimensions of the image along which its axes run; by default all but batch and channels."""
    if image_dims is None:
        return tuple(range(2, len(shape))) or tuple(range(1, len(shape)))
    dims = tuple(whole_number(f"image_dims[{i}]", dim, at_least=0) for i, dim in enumerate(image_dims))
    if not dims or len(set(dims)) < len(dims) or max(dims) >= len(shape):
        raise ValueError(f"image_dims must be different dimensions of {shape}, got {image_dims!r}")
    return dims


def _signature(model: nn.Module) -> inspect.Signature | None:
    try:
        return inspect.signature(model.forward)
    except (TypeError, ValueError):  # a method of TorchScript has none
        return None


def _shapes(model: nn.Module, input_size: Any) -> list[tuple[int, ...]]:
    """The shapes that `input_size`, which may leave out batch and channels, can stand for.

    The batch is then 1, and the channels are those of the first convolution. If the model has convolutions
    with another number of axes too, shapes for the first of these follow.
    """
    kinds: dict[int, int] = {}
    for axes, channels in _windows_of(model):
        kinds.setdefault(axes, channels)
    shapes: list[tuple[int, ...]] = []
    for axes, channels in kinds.items() or [(2, 3)]:
        try:
            shapes += [shape for shape in _shapes_for(axes, channels, input_size) if shape not in shapes]
        except ValueError:
            if not shapes and axes in (2, *kinds)[-1:]:  # none of the kinds takes so many numbers
                raise
    return shapes


def _shapes_for(axes: int, channels: int, input_size: Any) -> list[tuple[int, ...]]:
    """The shapes that `input_size` may stand for, if the image has so many axes."""
    if not isinstance(input_size, tuple | list):
        return [(1, channels, *[whole_number("input_size", input_size, at_least=1)] * axes)]
    sizes = tuple(whole_number(f"input_size[{i}]", size, at_least=1) for i, size in enumerate(input_size))
    filled = [(*(1, channels)[: axes + 2 - len(sizes)], *sizes)] if axes <= len(sizes) <= axes + 2 else []
    whole = [sizes] if len(sizes) > 1 and sizes not in filled else []
    if not filled + whole:
        raise ValueError(
            f"input_size must hold {axes} to {axes + 2} numbers for this model, got {input_size!r}: "
            f"(batch, channels, *axes) with {axes} axes, where channels and batch may be left out"
        )
    return filled + whole


def _windows_of(model: nn.Module) -> Iterator[tuple[int, int]]:
    """Likely (axes, channels) of the image: as the file says, of each convolution, of each pooling."""
    if isinstance(model, KerasGraph | OnnxModel):
        yield model.image_kind
    convolutions = [module for module in model.modules() if isinstance(module, _ConvNd)]
    for convolution in convolutions:
        yield len(convolution.kernel_size), convolution.in_channels
    for module in model.modules():
        name = type(module).__name__
        if (
            "Pool" in name
            and name[-2:] in ("1d", "2d", "3d")
            and type(module).__module__.startswith("torch.")
        ):
            yield int(name[-2]), 3
