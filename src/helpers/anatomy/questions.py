"""Questions besides the table: which input sizes a model takes, and the receptive field of a single unit."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from math import prod
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook

from helpers.anatomy.axis import AT_MOST
from helpers.anatomy.calls import ModuleCall
from helpers.anatomy.model import InputSize, ModelInput, model_inputs
from helpers.anatomy.paths import Paths, bound_of, ordered
from helpers.anatomy.run import evaluating, meta_copy, random_input, traced
from helpers.anatomy.spans import EMPTY_START, enclosing
from helpers.checks import whole_number

_MOST_RUNS = 10_000


@dataclass(frozen=True)
class FieldBox:
    """The receptive field of one unit of a layer; a tuple holds one value for each axis of the image.

    Attributes:
        first: first position of the receptive field, negative inside the padding.
        last: last position, included.
        center: the middle of the two.
        effective: share of the gradient, from 0 to 1, that lies within the middle half of the field along
            every axis; None if it was not asked for.
    """

    first: tuple[int, ...]
    last: tuple[int, ...]
    center: tuple[float, ...]
    effective: float | None = None


class Stop(NamedTuple):
    """Where a model stopped, and why.

    Attributes:
        layer: name of the innermost module that was running; empty for the model itself.
        reason: first line of the error message.
    """

    layer: str
    reason: str


def working_sizes(model: nn.Module, sizes: Iterable[int]) -> tuple[int, ...]:
    """Which of some sizes of a square image a model runs on without an error.

    Above the smallest one there may be gaps: a network whose skip connections cross a stride, such as a
    U-Net, may take only multiples of some number.

    Args:
        model: any torch module that takes one image.
        sizes: pixels along each axis, such as `range(1, 300)`.

    Raises:
        TypeError: if `model` is no torch module, or a size no integer.
        ValueError: if a size is below 1, or `forward` needs more than an image.

    >>> model = nn.Sequential(nn.Conv2d(1, 1, 5), nn.MaxPool2d(2), nn.Conv2d(1, 1, 3))
    >>> working_sizes(model, range(1, 13))
    (10, 11, 12)
    """
    return tuple(size for size, stop in stops_by_size(model, sizes).items() if stop is None)


def stops_by_size(model: nn.Module, sizes: Iterable[int]) -> dict[int, Stop | None]:
    """For each size of a square image, where a model stops with an error; None where it runs to its end.

    A copy runs on the meta device, where tensors have shapes but no values. If it stops at every size, the
    model may need values: then the model itself runs, on a random image, provided that it has weights. An
    output without elements is a stop, too.

    Args:
        model: any torch module that takes one image.
        sizes: pixels along each axis, such as `range(1, 300)`; at most 10,000 sizes.

    Raises:
        TypeError: if `model` is no torch module, or a size no integer.
        ValueError: if a size is below 1, there are too many, or `forward` needs more than an image.

    >>> model = nn.Sequential(nn.Conv2d(1, 1, 5), nn.MaxPool2d(2), nn.Conv2d(1, 1, 3))
    >>> {size: stop.layer for size, stop in stops_by_size(model, range(4, 12)).items() if stop}
    {4: '0', 5: '1', 6: '2', 7: '2', 8: '2', 9: '2'}
    """
    wanted = list(islice(sizes, _MOST_RUNS + 1))
    if len(wanted) > _MOST_RUNS:
        raise ValueError(f"sizes must hold at most {_MOST_RUNS:,} sizes, got more: narrow the range")
    wanted = [whole_number("sizes", size, at_least=1) for size in wanted]
    inputs = {size: model_inputs(model, size, None)[0] for size in wanted}
    found: dict[int, Stop | None] = {}
    try:
        copied = meta_copy(model)
    except Exception as error:  # whatever the model's own copying raises
        found = dict.fromkeys(wanted, Stop("", _in_a_line(error)))
    else:
        found = {size: _stop(copied, given, "meta") for size, given in inputs.items()}
    if all(found.values()) and not any(
        tensor.is_meta for tensor in (*model.parameters(), *model.buffers())
    ):  # it may look at values
        found = {size: _stop(model, given, "cpu") for size, given in inputs.items()}
    return found


def field_at(
    model: nn.Module,
    input_size: InputSize,
    layer: str,
    unit: Sequence[int] | None = None,
    *,
    effective: bool = False,
) -> FieldBox:
    """The receptive field of one unit of a layer: where in the image it looks.

    Args:
        model: any torch module.
        input_size: as `anatomy` takes it.
        layer: name of a module in the model; "" for the model itself.
        unit: index of the unit in the layer's output, without batch and channels; by default the middle one.
        effective: whether to measure how much of the gradient, summed over the channels of the unit and over
            four random images, lies within the middle half of the field along every axis.

    Raises:
        TypeError: if `model` is no torch module, or a number is no integer.
        ValueError: if there is no such layer or unit, or if what the unit reads is not known.

    Source: Luo, Li, Urtasun & Zemel 2016 for the effective receptive field.

    >>> field_at(nn.Conv2d(1, 4, 3, stride=2), 9, "", (1, 2))
    FieldBox(first=(2, 4), last=(4, 6), center=(3.0, 5.0), effective=None)
    """
    if layer not in dict(model.named_modules()):
        raise ValueError(f"layer must name a module of the model, got {layer!r}")
    run = traced(model, input_size)
    if run.error is not None:
        raise ValueError(f"input_size must be one that the model runs on, got {input_size!r}: {run.error}")
    calls = [each for each in run.tracer.events if isinstance(each, ModuleCall) and each.name == layer]
    if not calls or calls[-1].output is None or not calls[-1].output.paths:
        raise ValueError(f"layer must be one that reads the image, got {layer!r}")
    shape, paths = calls[-1].output.shape, calls[-1].output.paths
    place = _place(shape, unit)
    first, last = _span(ordered(paths, shape), place)
    center = tuple((one + other) / 2 for one, other in zip(first, last, strict=True))
    share = _share(model, run.model_input, layer, place, first, last) if effective else None
    return FieldBox(first, last, center, share)


def _place(shape: Sequence[int], unit: Sequence[int] | None) -> tuple[int, ...]:
    """Index of the unit along the dimensions from the third on."""
    sizes = tuple(shape[2:])
    if unit is None:
        return tuple(size // 2 for size in sizes)
    place = tuple(whole_number(f"unit[{i}]", index, at_least=0) for i, index in enumerate(unit))
    if len(place) != len(sizes) or any(index >= size for index, size in zip(place, sizes, strict=True)):
        raise ValueError(f"unit must be an index into a map of {sizes}, got {unit!r}")
    return place


def _span(paths: Paths, place: Sequence[int]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """First and last position along each axis that the units of all channels at a place read."""
    if any(bound_of(path) == AT_MOST for path in paths):
        raise ValueError(
            f"layer must be one whose receptive field is known, got an unknown one at unit {tuple(place)}"
        )
    ends = []
    for axes in zip(*paths, strict=True):
        spans = []
        for axis in axes:
            index = tuple(i if size > 1 else 0 for i, size in zip(place, axis.shape[2:], strict=True))
            spans.append(axis.span[(slice(None), slice(None), *index)].reshape(-1, 2))
        first, last = enclosing(np.concatenate(spans), 0)
        if first == EMPTY_START:
            raise ValueError(f"unit must be one that reads the image, got {tuple(place)}")
        ends.append((int(first), int(last)))
    return tuple(first for first, _ in ends), tuple(last for _, last in ends)


def _share(
    model: nn.Module,
    given: ModelInput,
    layer: str,
    place: Sequence[int],
    first: Sequence[int],
    last: Sequence[int],
) -> float:
    """Share of the gradient within the middle half of a field along every axis."""
    module, seen = model.get_submodule(layer), list[Tensor]()
    hook = module.register_forward_hook(lambda module, args, output: seen.append(output))
    try:
        with evaluating(model), torch.random.fork_rng(devices=[]), torch.enable_grad():
            torch.manual_seed(0)
            total = torch.stack([_gradient(model, given, seen, place) for _ in range(4)]).sum(0)
    finally:
        hook.remove()
    inside = total
    for dim, one, other in zip(given.dims, first, last, strict=True):
        from_center = (torch.arange(given.shape[dim]) - (one + other) / 2).abs()
        near = from_center <= (other - one + 1) / 4
        inside = inside * near.reshape([-1 if each == dim else 1 for each in range(len(given.shape))])
    return float(inside.sum() / total.sum())


def _gradient(model: nn.Module, given: ModelInput, seen: list[Tensor], place: Sequence[int]) -> Tensor:
    """How strongly one unit, summed over its channels, depends on each pixel of a random image."""
    tensors = {key: random_input(model, shape) for key, shape in given.shapes.items()}
    image = tensors[given.image] = tensors[given.image].requires_grad_()
    args, kwargs = given.arguments(tensors)
    seen.clear()
    model(*args, **kwargs)
    unit = seen[-1]
    for index in place:
        unit = unit.select(2, index)
    unit = unit.sum()
    (gradient,) = torch.autograd.grad(unit, image)
    return gradient.abs()


def _stop(model: nn.Module, given: ModelInput, device: str) -> Stop | None:
    """Where the model stops at this size; None if it runs to its end and returns something."""
    names = {module: name for name, module in model.named_modules()}
    with evaluating(model), torch.no_grad(), _called() as running:
        try:
            tensors = {key: random_input(model, shape, device) for key, shape in given.shapes.items()}
            args, kwargs = given.arguments(tensors)
            output = model(*args, **kwargs)
        except Exception as error:  # whatever the model raises at this size
            layer = next((names[module] for module in reversed(running) if module in names), "")
            return Stop(layer, _in_a_line(error))
    if isinstance(output, Tensor) and not prod(output.shape):
        return Stop("", f"the output holds nothing, its shape is {tuple(output.shape)}")
    return None


@contextmanager
def _called() -> Iterator[list[nn.Module]]:
    """The modules that are running, the innermost last; after an error, those that it interrupted."""
    running: list[nn.Module] = []

    def enters(module: nn.Module, _: Any) -> None:
        running.append(module)

    def leaves(module: nn.Module, _: Any, __: Any) -> None:
        while running and running.pop() is not module:  # a module that caught an error of one inside it
            continue

    hooks = register_module_forward_pre_hook(enters), register_module_forward_hook(leaves)
    try:
        yield running
    finally:
        for hook in hooks:
            hook.remove()


def _in_a_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
