"""What an operator without a rule reads, measured: it runs on random values, and part of them is changed.

An output unit reads an input unit if it takes another value when that one does. A rule says what an operator
reads whatever the values are; a measurement says it of the values that it was made on, so it is made on
several, from small to large, and counts only if all agree: where values decide what is read, they do not.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import reduce
from math import prod
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils._pytree import tree_map

from helpers.anatomy.axis import EXACT, ROUGH, AxisFields
from helpers.anatomy.calls import NeedsValues, OperatorCall
from helpers.anatomy.paths import InputPath, Paths, apart, at_most, spread, union
from helpers.anatomy.spans import EMPTY_SPAN, BoolArray, enclosing, union_of_units

_SCALES = (0.05, 1.0, 20.0, 0.5)  # of the random values, one run of all changes for each
_MOST_UNITS = 1024  # up to so many units of an input are changed one by one, more slice by slice
_MOST_NUMBERS = 2**26  # what one relation may hold, and what all runs together may compute


class _Relation(NamedTuple):
    """Which units of an output read which units of an input.

    Attributes:
        dims: groups of dimensions of the input; the units of a group are changed one by one.
        reads: for each group, shape (*output, units of the group), whether the output changes with them.
    """

    dims: tuple[tuple[int, ...], ...]
    reads: tuple[BoolArray, ...]


def measured_paths(call: OperatorCall) -> list[Paths] | None:
    """The paths to each output of an operator, or None if they cannot be measured.

    They cannot where an input that depends on the image is no number that can be changed, such as an index;
    where the values decide which units are read; where the operator is random, fails on random values, or is
    too large. An output that does not follow small changes, such as an index, reads at most all.

    Raises:
        NeedsValues: if another input has values that this run, on the meta device, does not show.
    """
    inputs = {id(each): each for each in _tensors(call.arguments) if call.paths_of(each)}
    outputs = [*_tensors(call.output)]
    if call.func is None or not _are_measurable(call, [*inputs.values()], outputs):
        return None
    paths: list[Paths] = [()] * len(outputs)
    for key, tensor in inputs.items():
        groups = _groups(call.paths_of(tensor), tensor)
        relations = None if groups is None else _relations(call, inputs, key, groups, outputs)
        if relations is None:
            return None
        found = [
            _composed(apart(call.ordered_paths(tensor)), tensor.shape, relation) for relation in relations
        ]
        if any(each is None for each in found):
            return None
        paths = [union(old, new or ()) for old, new in zip(paths, found, strict=True)]
    every = union(*(call.paths_of(each) for each in inputs.values()))
    return [
        own if _is_continuous(output) else at_most(spread(every, output.dim()))
        for own, output in zip(paths, outputs, strict=True)
    ]


def _tensors(values: Any) -> Iterator[Tensor]:
    if isinstance(values, Tensor):
        yield values
    elif isinstance(values, dict):
        yield from _tensors([*values.values()])
    elif isinstance(values, list | tuple):
        for each in values:
            yield from _tensors(each)


def _is_continuous(tensor: Tensor) -> bool:
    """Whether a tensor follows small changes, which an index does not."""
    return not tensor.is_quantized and (tensor.is_floating_point() or tensor.is_complex())


def _are_measurable(call: OperatorCall, inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> bool:
    if not all(map(_is_continuous, inputs)) or not any(map(_is_continuous, outputs)):
        return False
    others = [each for each in _tensors(call.arguments) if not call.paths_of(each)]
    if any(each.is_meta for each in others):
        if call.may_need_values:
            raise NeedsValues(f"{call.name} has no rule, and is measured")
        return False
    return all(prod(each.shape) for each in (*inputs, *outputs))


def _groups(paths: Paths, tensor: Tensor) -> tuple[tuple[int, ...], ...] | None:
    """The dimensions whose units are changed one by one together; None where too many would be."""
    axes = [axis.ordered(tensor.shape) for path in paths for axis in path]
    dims = tuple(sorted({dim for axis in axes for dim in axis.varying}))
    if prod(tensor.shape[dim] for dim in dims) <= _MOST_UNITS:
        return (dims,)
    if any(len(axis.varying) > 1 for axis in axes):
        return None
    return tuple((dim,) for dim in dims)


def _relations(
    call: OperatorCall,
    inputs: dict[int, Tensor],
    key: int,
    groups: tuple[tuple[int, ...], ...],
    outputs: Sequence[Tensor],
) -> list[_Relation] | None:
    """Which units of each output read which units of one input; None if that depends on the values."""
    shape = inputs[key].shape
    counts = [prod(shape[dim] for dim in dims) for dims in groups]
    size = max(each.numel() for each in (*inputs.values(), *outputs))
    if 2 * len(_SCALES) * sum(counts) * size > 16 * _MOST_NUMBERS or max(counts) * size > _MOST_NUMBERS:
        return None
    generator, known = torch.Generator().manual_seed(0), None
    for scale in _SCALES:
        values = {other: _random(tensor, scale, generator) for other, tensor in inputs.items()}
        try:
            found = _changes(call, values, key, groups, scale)
        except (RuntimeError, ValueError, IndexError, TypeError, NotImplementedError):
            return None  # the operator does not take such values
        if found is None or [each.shape[:-1] for each in found[0]] != [tuple(each.shape) for each in outputs]:
            return None
        if known and not all(
            np.array_equal(old, new)
            for olds, news in zip(known, found, strict=True)
            for old, new in zip(olds, news, strict=True)
        ):
            return None
        known = found
    return [_Relation(groups, each) for each in zip(*(known or []), strict=True)]


def _random(tensor: Tensor, scale: float, generator: torch.Generator) -> Tensor:
    kind = torch.complex128 if tensor.is_complex() else torch.float64
    return scale * (torch.randn(tensor.shape, generator=generator, dtype=kind) + 0.5)


def _changes(
    call: OperatorCall, values: dict[int, Tensor], key: int, groups: Sequence[Sequence[int]], scale: float
) -> list[list[BoolArray]] | None:
    """For each group and output, which units change with which of the group; None if they do so by chance."""
    base = _outputs(call, values)
    if any(bool(each.isnan().any()) for each in base) or not all(
        map(torch.equal, base, _outputs(call, values))
    ):
        return None
    own, found = values[key], []
    for dims in groups:
        sizes = [own.shape[dim] for dim in dims]
        changed = [np.zeros((*each.shape, prod(sizes)), dtype=bool) for each in base]
        for unit, index in enumerate(np.ndindex(*sizes)):
            place = [slice(None)] * own.dim()
            for dim, i in zip(dims, index, strict=True):
                place[dim] = slice(i, i + 1)
            for sign in (1, -1):  # a maximum hears of larger values, a minimum of smaller ones
                other = own.clone()
                other[tuple(place)] += sign * scale * (9 + own[tuple(place)].abs())
                for result, before, after in zip(
                    changed, base, _outputs(call, {**values, key: other}), strict=True
                ):
                    result[..., unit] |= (before != after).numpy()
        found.append(changed)
    return found


def _outputs(call: OperatorCall, values: dict[int, Tensor]) -> list[Tensor]:
    """What the operator returns on these values, in double precision."""

    def given(value: object) -> object:
        if not isinstance(value, Tensor):
            return value
        own = values.get(id(value), value).cpu()
        return own.to(torch.float64 if own.is_floating_point() else own.dtype, copy=True)

    return [*_tensors(call.func(**tree_map(given, call.arguments)))]


def _composed(paths: Paths, shape: Sequence[int], relation: _Relation) -> Paths | None:
    """The paths to an output, of which each unit reads what the units that it reads of an input do."""
    changed: list[InputPath] = []
    for path in paths:
        units = [_units_of(axis.varying, shape, relation) for axis in path]
        if any(each.size // each.shape[-1] * each.sum(axis=-1).max() > _MOST_NUMBERS for each in units):
            return None
        bound = EXACT if _reads_products(path, units, shape, relation) else ROUGH
        axes = (_read_by(axis, each) for axis, each in zip(path, units, strict=True))
        changed.append(tuple(replace(axis, bound=max(axis.bound, bound)) for axis in axes))
    return union(tuple(changed))


def _reads_products(
    path: InputPath, units: Sequence[BoolArray], shape: Sequence[int], relation: _Relation
) -> bool:
    """Whether it is known that each output reads all rows that it reads in all columns that it reads."""
    varying = [dim for axis in path for dim in axis.varying]
    if len(set(varying)) < len(varying) or not any(set(varying) <= set(dims) for dims in relation.dims):
        return False
    together = reduce(np.multiply, (each.sum(axis=-1) for each in units))
    return bool((together == _units_of(varying, shape, relation).sum(axis=-1)).all())


def _units_of(varying: Sequence[int], shape: Sequence[int], relation: _Relation) -> BoolArray:
    """Shape (*output, units): which units, told apart along some dimensions of the input, an output reads."""
    dims, reads = next(
        (dims, reads)
        for dims, reads in zip(relation.dims, relation.reads, strict=True)
        if set(varying) <= set(dims)
    )
    outputs = reads.shape[:-1]
    apart = reads.reshape(*outputs, *(shape[dim] for dim in dims))
    others = tuple(len(outputs) + i for i, dim in enumerate(dims) if dim not in varying)
    return np.asarray(apart.any(axis=others)).reshape(*outputs, -1)


def _read_by(axis: AxisFields, units: BoolArray) -> AxisFields:
    """The fields of units that read these units of an axis together."""
    spans = axis.reads.shape[-2]
    span, reads = axis.span.reshape(-1, 2), axis.reads.reshape(-1, spans, 2)
    most = max(1, int(units.sum(axis=-1).max()))
    chosen = np.argsort(~units, axis=-1, kind="stable")[..., :most]
    there = np.take_along_axis(units, chosen, -1)
    spans_read = np.where(there[..., None], span[chosen], EMPTY_SPAN)
    sets = np.where(there[..., None, None], reads[chosen], EMPTY_SPAN)
    span, reads = enclosing(spans_read, units.ndim - 1), union_of_units(sets, [units.ndim - 1])
    return replace(axis, span=span, reads=reads, dim=None).condensed().placed()
