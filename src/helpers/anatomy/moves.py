"""The rule for operators that only move elements, such as `gather`, and for writing into a view.

It numbers the elements of the input, runs the operator on these numbers, and looks where each has gone.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from math import prod

import numpy as np
import torch
from torch import Tensor

from helpers.anatomy.axis import AxisFields
from helpers.anatomy.calls import OperatorCall
from helpers.anatomy.paths import InputPath, Paths, for_some_channels, map_along, rough, union
from helpers.anatomy.spans import EMPTY_SPAN, BoolArray, IntArray

_INDICES = ("index", "indices", "mask", "repeats")  # arguments that hold positions, not elements to move
_MOST_UNITS = 2**20
_NOTHING = -1  # stands for an element that does not depend on the image


def moved(call: OperatorCall) -> Paths | None:
    """The paths of an operator's result that consists of elements of its inputs.

    Returns:
        None if it is not known where elements go, as by an index that depends on the image, or if the result
        has more than 2**20 elements.

    Raises:
        NeedsValues: if an index has no values on the meta device, and a run on real tensors is possible.
    """
    numbered: list[tuple[Tensor, int]] = []
    start = 1

    def number(name: str, value: object) -> object:
        nonlocal start
        if isinstance(value, list | tuple):
            return type(value)(number(name, each) for each in value)
        if not isinstance(value, Tensor):
            return _NOTHING if name == "value" else value
        if name in _INDICES:
            known = call.value_of(value)
            if known is None:
                raise _UnknownIndexError
            return known.cpu()
        if not call.paths_of(value):
            return torch.full(value.shape, _NOTHING)
        numbered.append((value, start))
        start += value.numel()
        return torch.arange(start - value.numel(), start).reshape(value.shape)

    if call.result.numel() > _MOST_UNITS or call.func is None:
        return None
    if call.arguments.get("accumulate") or "reduce" in call.arguments:
        return None
    try:
        arguments = {name: number(name, value) for name, value in call.arguments.items()}
    except _UnknownIndexError:
        return None
    try:
        units = call.func(**arguments).cpu().numpy()
    except RuntimeError:  # an overload that does not take whole numbers
        return None
    alone = len(numbered) == 1
    return union(
        *(
            _taken(for_some_channels(call.ordered_paths(tensor)), tensor.shape, units - first, alone=alone)
            for tensor, first in numbered
        )
    )


class _UnknownIndexError(Exception):
    """An index depends on the image, or its values are unknown."""


def overwritten(tensor: Tensor, paths: Paths, written: Tensor, its_paths: Paths) -> Paths | None:
    """The paths to a tensor after another tensor on the same memory was written to.

    Returns:
        None if one of the two has no elements or more than 2**20.
    """
    if max(tensor.numel(), written.numel()) > _MOST_UNITS or not tensor.numel() or not written.numel():
        return None
    own, others = _offsets(tensor), _offsets(written)
    units = np.full(max(own.max(), others.max()) + 1, _NOTHING)
    units[others.reshape(-1)] = np.arange(written.numel())
    units = units[own]
    kept = np.where(units < 0, np.arange(tensor.numel()).reshape(units.shape), _NOTHING)
    return union(
        _taken(paths, tensor.shape, kept, alone=not its_paths),
        _taken(its_paths, written.shape, units, alone=not paths),
    )


def _offsets(tensor: Tensor) -> IntArray:
    """Where in memory each element of a tensor lies."""
    offsets = np.array(tensor.storage_offset())
    for size, stride in zip(tensor.shape, tensor.stride(), strict=True):
        offsets = offsets[..., None] + np.arange(size) * stride
    return offsets


def _taken(paths: Paths, shape: Sequence[int], units: IntArray, *, alone: bool) -> Paths:
    """The paths to a result whose elements have these numbers in a tensor; other numbers read nothing.

    If the elements that are taken form no block of rows and columns, or rows and columns are mixed, then a
    window over them reads no rectangle, and the paths are `ROUGH`. If no other tensor reads the image
    (`alone`), what lies around a block is padding, as after `zeros[..., 2:] = image`.
    """
    inside = (units >= 0) & (units < prod(shape))
    if not inside.any():
        return ()
    kept = [
        np.asarray(inside.any(axis=tuple(other for other in range(inside.ndim) if other != dim)))
        for dim in range(inside.ndim)
    ]
    if np.count_nonzero(inside) != prod(np.count_nonzero(each) for each in kept):
        units = np.where(inside, units, 0)
        return tuple(
            rough(tuple(_taken_along(axis, shape, units, inside) for axis in path)) for path in paths
        )
    there = [np.flatnonzero(each) for each in kept]
    if alone and all(len(each) == each[-1] - each[0] + 1 for each in there):
        block = tuple(slice(each[0], each[-1] + 1) for each in there)
        return _framed(_at_units(paths, shape, units[block]), kept, there)
    for dim, (each, own) in enumerate(zip(kept, there, strict=True)):  # the others get a neighbour's fields
        nearest = own[np.searchsorted(own, np.arange(len(each))).clip(0, len(own) - 1)]
        units = units.take(nearest, axis=dim)
    return tuple(_masked_path(path, kept) for path in _at_units(paths, shape, units))  # and then lose them


def _at_units(paths: Paths, shape: Sequence[int], units: IntArray) -> Paths:
    everywhere = np.ones(units.shape, dtype=bool)
    return tuple(
        _bounded(tuple(_taken_along(axis, shape, units, everywhere) for axis in path)) for path in paths
    )


def _framed(paths: Paths, kept: Sequence[BoolArray], there: Sequence[IntArray]) -> Paths:
    """The paths with padding around the block of units that are kept."""
    for dim, (each, own) in enumerate(zip(kept, there, strict=True)):
        if not each.all():
            change = partial(AxisFields.pad, dim=dim, before=int(own[0]), after=len(each) - 1 - int(own[-1]))
            paths = map_along(paths, dim, change, each)
    return paths


def _masked_path(path: InputPath, kept: Sequence[BoolArray]) -> InputPath:
    """The path with nothing read outside a block of units; to mask one axis for each dimension is enough."""
    axes = list(path)
    for dim, each in enumerate(kept):
        if not each.all():
            index = next((i for i, axis in enumerate(axes) if axis.shape[dim] > 1), 0)
            axes[index] = axes[index].masked(dim, each)
    return _bounded(tuple(axes))


def _bounded(path: InputPath) -> InputPath:
    """The path, `ROUGH` if rows and columns vary along the same dimension: a window reads no rectangle."""
    varying = [dim for axis in path for dim in axis.varying]
    return path if len(set(varying)) == len(varying) else rough(path)


def _taken_along(axis: AxisFields, shape: Sequence[int], units: IntArray, inside: BoolArray) -> AxisFields:
    axis = axis.ordered(shape)
    spans = axis.reads.shape[-2]
    span = np.broadcast_to(axis.span, (*shape, 2)).reshape(prod(shape), 2)[units]
    reads = np.broadcast_to(axis.reads, (*shape, spans, 2)).reshape(prod(shape), spans, 2)[units]
    span = np.where(inside[..., None], span, EMPTY_SPAN)
    reads = np.where(inside[..., None, None], reads, EMPTY_SPAN)
    return replace(axis, span=span, reads=reads, dim=None).condensed().placed()
